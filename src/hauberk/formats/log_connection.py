"""Connections in other sensors' logs as rows of activity and flows.

A log tells of a connection when it has ended, so that one row stands for all of it, at the time it began. What a log cannot
know stays 0: variances, smallest and largest frame. Bytes are frame bytes where the log has them, else IP bytes with an Ethernet
header for each packet.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from hauberk.errors import InputError
from hauberk.model.address import ip_halves, mac_number
from hauberk.model.flow import ACTIVITY, FLOW, STATE_ESTABLISHED, STATE_FIN, STATE_FIRST, STATE_RST, STATE_SYN
from hauberk.model.observation import Columns
from hauberk.model.service import SERVICE_NUMBER

ETHERNET_HEADER = 14
"""Bytes, added to IP bytes for each packet."""
TCP, UDP, ICMP, ICMP6 = 6, 17, 1, 58
_TRANSPORTS = {
    "tcp": TCP,
    "udp": UDP,
    "icmp": ICMP,
    "icmp6": ICMP6,
    "ipv6-icmp": ICMP6,
    "sctp": 132,
    "igmp": 2,
    "gre": 47,
    "esp": 50,
}
_FIN, _SYN, _RST, _PSH, _ACK = 0x01, 0x02, 0x04, 0x08, 0x10
_ALIASES = {"ssl": "tls", "http2": "http", "opcua_binary": "opcua", "opcua-binary": "opcua", "ntlm": "", "ftp-data": ""}
_SISTERS = {5353: "mdns", 5355: "llmnr", 137: "nbns"}
"""Ports of protocols that other sensors call DNS."""


class Connection(NamedTuple):
    """The columns of ``ACTIVITY`` in their order, of one whole connection; times in nanoseconds."""

    id: int
    start: int
    end: int
    a_hi: int
    a_lo: int
    b_hi: int
    b_lo: int
    a_mac: int
    b_mac: int
    packets_out: int
    packets_in: int
    bytes_out: int
    bytes_in: int
    payload_out: int
    payload_in: int
    syn_out: int
    syn_in: int
    rst_out: int
    rst_in: int
    a_port: int
    b_port: int
    vlan: int
    ip_version: int
    transport: int
    service: int
    state: int
    flags_out: int
    flags_in: int


class Control(NamedTuple):
    """What TCP's control flags say: counts, state bits, and all flags each side sent."""

    syn_out: int = 0
    syn_in: int = 0
    rst_out: int = 0
    rst_in: int = 0
    state: int = 0
    flags_out: int = 0
    flags_in: int = 0


NO_CONTROL = Control()


def halves(address: str | None) -> tuple[int, int]:
    """The two halves of an address in text. Raises ``InputError``."""
    if address is None:
        raise InputError("no address")
    try:
        return ip_halves(address)
    except ValueError as error:
        raise InputError("an address that is none") from error


@lru_cache(maxsize=1 << 14)
def hardware(address: str | None) -> int:
    """A hardware address in text as a number; 0 where it is absent. Raises ``InputError``."""
    if address is None:
        return 0
    try:
        number = mac_number(address)
    except ValueError as error:
        raise InputError("a hardware address that is none") from error
    if not 0 <= number < 1 << 48:
        raise InputError("a hardware address that is none")
    return number


@lru_cache(maxsize=256)
def transport_number(name: str | None, *, v6: bool) -> int:
    """The IP protocol number of a transport's name; 0 where it is unknown."""
    number = _TRANSPORTS.get(name.lower(), 0) if name else 0
    return ICMP6 if number == ICMP and v6 else number


@lru_cache(maxsize=1024)
def protocol_name(name: str, port: int) -> str:
    """Our name of what another sensor calls ``name``, on the responder's ``port``."""
    plain = name.lower().removeprefix("spicy_").removesuffix("_tcp").removesuffix("_udp")
    plain = _ALIASES.get(plain, plain)
    return _SISTERS.get(port, plain) if plain == "dns" else plain


@lru_cache(maxsize=4096)
def service_number(names: str | None, port: int) -> int:
    """Number of the first known service in a comma-separated list."""
    for name in (names or "").split(","):
        if number := SERVICE_NUMBER.get(protocol_name(name, port), 0):
            return number
    return 0


@lru_cache(maxsize=4096)
def control_of_flags(flags_out: int, flags_in: int, packets_out: int, packets_in: int) -> Control:
    """Control of a connection of which only all flags of each side are known.

    A side that sent nothing but a SYN, or nothing but a reset, did so with each of its packets.
    """
    syn_out, syn_in = bool(flags_out & _SYN), bool(flags_in & _SYN)
    rst_out, rst_in = bool(flags_out & _RST), bool(flags_in & _RST)
    state = STATE_SYN if (syn_out and not flags_out & _ACK) or syn_in or flags_in & _RST or flags_out & _SYN else 0
    if syn_in and flags_in & _ACK:
        state |= STATE_ESTABLISHED
    if flags_out & flags_in & _FIN:
        state |= STATE_FIN
    if rst_out or rst_in:
        state |= STATE_RST
    return Control(
        max(packets_out, 1) if flags_out == _SYN else int(syn_out),
        max(packets_in, 1) if flags_in == _SYN | _ACK else int(syn_in),
        max(packets_out, 1) if flags_out & ~_ACK == _RST else int(rst_out),
        max(packets_in, 1) if flags_in & ~_ACK == _RST else int(rst_in),
        state,
        flags_out,
        flags_in,
    )


def rows(connections: Sequence[Connection]) -> tuple[Columns, Columns]:
    """Activity in order of time and flows of ``connections``."""
    keys = np.array(connections, ACTIVITY)
    flows = np.zeros(len(keys), FLOW)
    for name in ACTIVITY.names or ():
        flows[name] = keys[name]
    seconds = (flows["end"] - flows["start"]) * 1e-9
    for side in ("out", "in"):
        packets = flows[f"packets_{side}"].astype(np.float64)
        np.divide(flows[f"bytes_{side}"], packets, out=flows[f"size_mean_{side}"], where=packets > 0)
        np.divide(seconds, packets - 1, out=flows[f"gap_mean_{side}"], where=packets > 1)
        flows[f"last_{side}"] = np.where(packets > 0, flows["end"], 0)
    activity = keys[np.argsort(keys["start"], kind="stable")]
    activity["end"] = activity["start"]
    activity["state"] |= STATE_FIRST
    return activity, flows
