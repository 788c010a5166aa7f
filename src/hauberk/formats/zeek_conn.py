"""Zeek's conn.log as rows of activity and flows (base/protocols/conn/main.zeek).

The history says which control flags were seen; where it is missing the state of the connection stands for it. ICMP conversations,
whose ports are type and code in this log, have no ports here, as in what the sensor itself sees.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b

from hauberk.errors import InputError
from hauberk.formats.log_connection import (
    ETHERNET_HEADER,
    ICMP,
    ICMP6,
    NO_CONTROL,
    TCP,
    Connection,
    Control,
    halves,
    hardware,
    service_number,
    transport_number,
)
from hauberk.formats.log_record import Record
from hauberk.model.flow import STATE_ESTABLISHED, STATE_FIN, STATE_RST, STATE_SYN

_HISTORY_OF_STATE = {
    "S0": "S",
    "S1": "ShA",
    "SF": "ShAFf",
    "REJ": "Sr",
    "S2": "ShAF",
    "S3": "ShAf",
    "RSTO": "ShAR",
    "RSTR": "ShAr",
    "RSTOS0": "SR",
    "RSTRH": "hr",
    "SH": "SF",
    "SHR": "hf",
}
_FLAGS = {"S": 0x02, "H": 0x12, "A": 0x10, "D": 0x18, "F": 0x11, "R": 0x04, "I": 0x10, "Q": 0x02, "T": 0x10}
_SYN_ONLY, _SYN_ACK_ONLY, _RST_ONLY = frozenset("SC"), frozenset("HC"), frozenset("RC")
_MOST_BYTES = (1 << 63) - 1
_NANOSECONDS = 1_000_000_000
_LONGEST = 400 * 86_400 * _NANOSECONDS
"""Longest duration believed, in nanoseconds."""


@lru_cache(maxsize=8192)
def _control(history: str, packets_out: int, packets_in: int) -> Control:
    """What the letters of a history say: upper case is the initiator, lower case the responder."""
    out = frozenset(letter for letter in history if letter.isupper())
    back = frozenset(letter.upper() for letter in history if letter.islower())
    flags_out = flags_in = 0
    for letter in out:
        flags_out |= _FLAGS.get(letter, 0)
    for letter in back:
        flags_in |= _FLAGS.get(letter, 0)
    state = 0
    if "S" in out or "S" in back:
        state |= STATE_SYN
    if "H" in out or "H" in back:
        state |= STATE_ESTABLISHED
    if "F" in out and "F" in back:
        state |= STATE_FIN
    if "R" in out or "R" in back:
        state |= STATE_RST
    return Control(
        _times(out, _SYN_ONLY, packets_out) if "S" in out else int("H" in out),
        _times(back, _SYN_ACK_ONLY, packets_in) if "H" in back else int("S" in back),
        _times(out, _RST_ONLY, packets_out) if "R" in out else 0,
        _times(back, _RST_ONLY, packets_in) if "R" in back else 0,
        state,
        flags_out,
        flags_in,
    )


def _times(letters: frozenset[str], only: frozenset[str], packets: int) -> int:
    """How often a flag was sent: with every packet, where a side sent nothing else."""
    return max(packets, 1) if letters <= only else 1


@lru_cache(maxsize=4096)
def _identifier(uid: str) -> int:
    return int.from_bytes(blake2b(uid.encode(), digest_size=8).digest(), "big")


def connection(record: Record) -> Connection:
    """The columns of one line. Raises ``InputError``."""
    start = record.time("ts")
    duration = record.time("duration") if "duration" in record else 0
    if not 0 <= duration <= _LONGEST:
        raise InputError("a duration out of range")
    source, destination = record.text("id.orig_h"), record.text("id.resp_h")
    a, b = halves(source), halves(destination)
    v6 = bool(source) and ":" in (source or "")
    transport = record.count("ip_proto", 255) or transport_number(record.text("proto"), v6=v6)
    packets_out, packets_in = record.count("orig_pkts"), record.count("resp_pkts")
    payload_out, payload_in = record.count("orig_bytes"), record.count("resp_bytes")
    bytes_out = min((record.count("orig_ip_bytes") or payload_out) + ETHERNET_HEADER * packets_out, _MOST_BYTES)
    bytes_in = min((record.count("resp_ip_bytes") or payload_in) + ETHERNET_HEADER * packets_in, _MOST_BYTES)
    a_port, b_port = record.count("id.orig_p", 0xFFFF), record.count("id.resp_p", 0xFFFF)
    control = NO_CONTROL
    if transport == TCP:
        history = record.text("history") or _HISTORY_OF_STATE.get(record.text("conn_state") or "", "")
        control = _control(history, packets_out, packets_in)
    elif transport in {ICMP, ICMP6}:
        a_port = b_port = 0
    return Connection(
        _identifier(record.text("uid") or f"{source} {a_port} {destination} {b_port} {start}"),
        start,
        start + duration,
        *a,
        *b,
        hardware(record.text("orig_l2_addr")),
        hardware(record.text("resp_l2_addr")),
        packets_out,
        packets_in,
        bytes_out,
        bytes_in,
        # Zeek counts by sequence numbers: what was never on the wire does not count.
        min(payload_out, bytes_out),
        min(payload_in, bytes_in),
        control.syn_out,
        control.syn_in,
        control.rst_out,
        control.rst_in,
        a_port,
        b_port,
        record.count("vlan", 4095),
        6 if v6 else 4,
        transport,
        service_number(record.text("service"), b_port),
        control.state,
        control.flags_out,
        control.flags_in,
    )
