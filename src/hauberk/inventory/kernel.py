"""Adds activity and claims to the ledger of bindings, in compiled code: nothing here runs once a row in Python.

A binding is a pair of hardware address and network address that was seen together as the source of frames. It keeps what later
decides whether the address is the interface's own. Must never decide that itself: evidence may come late, and order must not
matter.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from hauberk.inventory.scope import GROUP, GROUP_LINK, LINK, NONE, PRIVATE, PUBLIC, scope
from hauberk.model.flow import CLAIM_ARP_REPLY
from hauberk.model.observation import Columns

BINDING = np.dtype(
    [
        ("mac", np.uint64),
        ("hi", np.uint64),
        ("lo", np.uint64),
        ("flags", np.uint32),
        ("scope", np.uint8),
        ("layer", np.uint8),
        ("first", np.int64),
        ("last", np.int64),
        ("packets", np.uint64),
        ("same_mac", np.uint64),
        ("peer_hi", np.uint64),
        ("peer_lo", np.uint64),
        ("served", np.uint64),
        ("used", np.uint64),
        ("clients", np.uint64),
        ("targets", np.uint64),
        ("client", np.uint64),
        ("client_more", np.uint64),
        ("server", np.uint64),
        ("server_more", np.uint64),
        ("carried", np.uint64),
    ],
    align=True,
)
"""``packets`` were sent from here, ``same_mac`` of them in conversations whose two sides had one hardware address; ``peer`` is the
numerically smallest address talked with; ``served`` and ``used`` are masks of noteworthy ports answered on and asked; ``clients``
and ``targets`` are 64-bit linear counters (Whang 1990) of who was served infrastructure and which OT servers were asked;
``carried`` masks EtherTypes; ``layer`` is 4 or 6, or 0 for the hardware address itself."""

CLAIMED: Final = 1
"""By ARP or neighbour discovery."""
GIVEN: Final = 2
"""By DHCP, or by the host's own word."""
DIRECT: Final = 4
"""Sent what routers do not forward."""
SAME_NET: Final = 8
"""Talked with a neighbour of its /24 or /64, which goes past routers."""
TWO_WAY: Final = 16
"""Both sides said something in one second: the address is not forged."""
PEER_PRIVATE: Final = 32
PEER_PUBLIC: Final = 64
QUIET: Final = 1 << 16
"""Settled as a peer behind a router: nothing it does changes the inventory."""

INFRASTRUCTURE: Final = 1
OPERATIONAL: Final = 2
"""Classes of services."""

COUNT: Final = 0
CHANGES: Final = 1
SEED: Final = 2
SETTLED: Final = 3
"""Positions of the ledger's counters: rows in use; changes that may alter the inventory; the seed of the hash, drawn per process
so that no sender can aim at one bucket; rows that were judged, whose changes count (a new row is news enough)."""

_HEADERS_4, _HEADERS_6 = 100, 120
"""Bytes of a frame with a tag and the longest TCP header, and nothing inside."""
_GROUP_BIT = np.uint64(1 << 40)
_TCP = 6
_TYPES = np.array(
    [0, 0x88CC, 0x88B8, 0x88BA, 0x8892, 0x888E, 0x8809, 0x9000, 0x88F7, 0x88E3, 0x88A4, 0x88AB, 0x88E1, 0x80E1, 0x88B9, 0x2000],
    np.int64,
)
ETHERTYPES: Final = (
    *("llc", "lldp", "goose", "sampled_values", "profinet", "eapol", "lacp", "loopback", "ptp", "mrp", "ethercat", "powerlink"),
    *("homeplug", "dlr", "gse", "cdp", "other"),
)
"""What the bits of ``carried`` stand for."""


@njit(cache=True, inline="always")
def _mix(value: np.uint64) -> np.uint64:
    """Finalizer of SplitMix64 (public domain)."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


@njit(cache=True, inline="always")
def place_of(
    index: NDArray[np.int32],
    rows: Columns,
    counters: NDArray[np.int64],
    mac: np.uint64,
    hi: np.uint64,
    lo: np.uint64,
    layer: np.int64,
) -> np.int64:
    """Position in ``index`` of the binding, or of the hole where it belongs."""
    mask = np.uint64(index.size - 1)
    seed = np.uint64(counters[SEED])
    place = (
        _mix((mac ^ seed) * np.uint64(0x9E3779B97F4A7C15) ^ hi * np.uint64(0xC2B2AE3D27D4EB4F) ^ lo * np.uint64(0xD6E8FEB86659FD93))
        & mask
    )
    while index[np.int64(place)] >= 0:
        row = rows[index[np.int64(place)]]
        if row["lo"] == lo and row["mac"] == mac and row["hi"] == hi and row["layer"] == layer:
            break
        place = (place + np.uint64(1)) & mask
    return np.int64(place)


@njit(cache=True, inline="always")
def touch(
    index: NDArray[np.int32],
    rows: Columns,
    counters: NDArray[np.int64],
    mac: np.uint64,
    hi: np.uint64,
    lo: np.uint64,
    layer: np.int64,
    reach: int,
) -> np.int64:
    """Row of the binding, made where there is none. The caller saw to it that there is room."""
    place = place_of(index, rows, counters, mac, hi, lo, layer)
    if index[place] >= 0:
        return np.int64(index[place])
    slot = counters[COUNT]
    counters[COUNT] += 1
    index[place] = slot
    row = rows[slot]
    row["mac"] = mac
    row["hi"] = hi
    row["lo"] = lo
    row["layer"] = layer
    row["scope"] = reach
    row["first"] = np.iinfo(np.int64).max
    row["last"] = np.iinfo(np.int64).min
    row["peer_hi"] = np.uint64(0xFFFF_FFFF_FFFF_FFFF)
    row["peer_lo"] = np.uint64(0xFFFF_FFFF_FFFF_FFFF)
    return np.int64(slot)


@njit(cache=True)
def reindex(index: NDArray[np.int32], rows: Columns, counters: NDArray[np.int64], count: int) -> None:
    """Fill an empty ``index`` with the first ``count`` rows."""
    for slot in range(count):
        row = rows[slot]
        index[place_of(index, rows, counters, row["mac"], row["hi"], row["lo"], row["layer"])] = slot


@njit(cache=True, inline="always")
def _type_bit(ethertype: np.int64) -> np.uint64:
    if ethertype < 0x0600:
        return np.uint64(1)
    for bit in range(1, _TYPES.size):
        if _TYPES[bit] == ethertype:
            return np.uint64(1) << np.uint64(bit)
    return np.uint64(1) << np.uint64(_TYPES.size)


@njit(cache=True, inline="always")
def _spoke(version: np.int64, packets: np.uint64, size: np.uint64, payload: np.uint64) -> bool:
    """True if a side sent payload. A capture cut off behind the headers has none: there frames larger than bare headers tell."""
    return bool(payload > 0 or size > packets * np.uint64(_HEADERS_6 if version == 6 else _HEADERS_4))


@njit(cache=True, inline="always")
def _near(version: np.int64, s_hi: np.uint64, s_lo: np.uint64, d_hi: np.uint64, d_lo: np.uint64) -> bool:
    """True for two addresses of one /24 or /64."""
    if version == 4:
        return bool(s_lo >> np.uint64(8) == d_lo >> np.uint64(8))
    return bool(s_hi == d_hi)


@njit(cache=True, inline="always")
def _tie(reach: int, other: int, near: int) -> int:
    """What sending from an address of one reach to one of another says of the sender."""
    if other == GROUP_LINK:
        return DIRECT
    flags = 0
    if other == PRIVATE:
        flags |= PEER_PRIVATE
    elif other == PUBLIC:
        flags |= PEER_PUBLIC
    if near and reach in (PRIVATE, PUBLIC):
        flags |= SAME_NET
    return flags


@njit(cache=True, inline="always")
def _use(row: np.void, service: np.int64, port: np.uint8, kind: np.uint8, d_hi: np.uint64, d_lo: np.uint64) -> None:
    """Note what the initiator of a conversation uses."""
    one = np.uint64(1)
    if service < 64:
        row["client"] |= one << np.uint64(service)
    else:
        row["client_more"] |= one << np.uint64(service - 64)
    if port:
        row["used"] |= one << np.uint64(port - 1)
    if kind & OPERATIONAL:
        row["targets"] |= one << (_mix(d_lo ^ d_hi) & np.uint64(63))


@njit(cache=True, inline="always")
def _serve(row: np.void, service: np.int64, port: np.uint8, kind: np.uint8, d_hi: np.uint64, d_lo: np.uint64) -> None:
    """Note what the responder of a conversation offers."""
    one = np.uint64(1)
    if service < 64:
        row["server"] |= one << np.uint64(service)
    else:
        row["server_more"] |= one << np.uint64(service - 64)
    if port:
        row["served"] |= one << np.uint64(port - 1)
    if kind & INFRASTRUCTURE:
        row["clients"] |= one << (_mix(d_lo ^ d_hi) & np.uint64(63))


@njit(cache=True, nogil=True)
def absorb(  # noqa: PLR0912 - one pass over a row: calls would cost more than branches do
    activity: Columns,
    begin: int,
    index: NDArray[np.int32],
    rows: Columns,
    counters: NDArray[np.int64],
    port_bit: NDArray[np.uint8],
    service_class: NDArray[np.uint8],
) -> np.int64:
    """Add ``ACTIVITY`` rows from ``begin`` on. Returns where it stopped: at the end, or where the ledger is full."""
    for i in range(begin, activity.size):
        if counters[COUNT] + 2 > rows.size:
            return np.int64(i)
        flow = activity[i]
        version = np.int64(flow["ip_version"])
        a_scope = scope(flow["a_hi"], flow["a_lo"]) if version else NONE
        b_scope = scope(flow["b_hi"], flow["b_lo"]) if version else NONE
        near = int(version != 0 and _near(version, flow["a_hi"], flow["a_lo"], flow["b_hi"], flow["b_lo"]))
        said = _spoke(version, flow["packets_out"], flow["bytes_out"], flow["payload_out"])
        answered = _spoke(version, flow["packets_in"], flow["bytes_in"], flow["payload_in"])
        two_way = TWO_WAY if said and answered else 0
        service = np.int64(flow["service"])
        kind = service_class[service]
        port = port_bit[flow["b_port"]]
        refused = flow["transport"] == _TCP and flow["packets_in"] == flow["rst_in"]
        if refused and flow["payload_out"] == 0:
            port = np.uint8(0)  # knocked at, and refused or not answered: neither side has that service
        for side in range(2):
            if side == 0:
                packets, mac, hi, lo, reach, other = (
                    flow["packets_out"],
                    flow["a_mac"],
                    flow["a_hi"],
                    flow["a_lo"],
                    a_scope,
                    b_scope,
                )
                d_hi, d_lo = flow["b_hi"], flow["b_lo"]
            else:
                packets, mac, hi, lo, reach, other = flow["packets_in"], flow["b_mac"], flow["b_hi"], flow["b_lo"], b_scope, a_scope
                d_hi, d_lo = flow["a_hi"], flow["a_lo"]
            if packets == 0:
                continue
            if version == 0 and mac == 0:
                mac = lo
            if mac & _GROUP_BIT:
                mac = np.uint64(0)
            own = reach not in (NONE, GROUP, GROUP_LINK)
            if not own and mac == 0:
                continue
            slot = touch(
                index,
                rows,
                counters,
                mac,
                hi if own else np.uint64(0),
                lo if own else np.uint64(0),
                np.int64(version if own else 0),
                reach if own else NONE,
            )
            row = rows[slot]
            row["packets"] += packets
            row["first"] = min(row["first"], flow["start"])
            row["last"] = max(row["last"], flow["end"])
            if version == 0:
                row["carried"] |= _type_bit(np.int64(flow["b_port"]))
            flags = two_way | _tie(reach, other, near) if own else 0
            if own and flow["a_mac"] != 0 and flow["a_mac"] == flow["b_mac"]:
                row["same_mac"] += packets
            if own and side == 0 and version == 4 and near and flow["b_lo"] & np.uint64(255) == 255:
                flags |= DIRECT
            if other in (PRIVATE, PUBLIC, LINK) and (d_hi < row["peer_hi"] or (d_hi == row["peer_hi"] and d_lo < row["peer_lo"])):
                row["peer_hi"] = d_hi
                row["peer_lo"] = d_lo
            if row["flags"] | np.uint32(flags) != row["flags"]:
                if slot < counters[SETTLED] and not row["flags"] & QUIET:
                    counters[CHANGES] += 1
                row["flags"] |= np.uint32(flags)
            if side == 0:
                _use(row, service, port, kind, d_hi, d_lo)
            else:
                _serve(row, service, port, kind, d_hi, d_lo)
    return np.int64(activity.size)


@njit(cache=True, nogil=True)
def absorb_claims(claims: Columns, begin: int, index: NDArray[np.int32], rows: Columns, counters: NDArray[np.int64]) -> np.int64:
    """Add ``CLAIM`` rows from ``begin`` on. Returns where it stopped. An ARP frame counts as a packet of its sender; neighbour
    discovery is IPv6, which activity counts."""
    for i in range(begin, claims.size):
        if counters[COUNT] + 1 > rows.size:
            return np.int64(i)
        claim = claims[i]
        mac = claim["mac"]
        if mac == 0 or mac & _GROUP_BIT:
            continue
        reach = scope(claim["hi"], claim["lo"])
        layer = np.int64(4 if claim["hi"] == 0 and claim["lo"] >> np.uint64(32) == np.uint64(0xFFFF) else 6)
        if reach in (NONE, GROUP, GROUP_LINK):
            slot = touch(index, rows, counters, mac, np.uint64(0), np.uint64(0), np.int64(0), NONE)
            flags = np.uint32(0)
        else:
            slot = touch(index, rows, counters, mac, claim["hi"], claim["lo"], layer, reach)
            flags = np.uint32(CLAIMED)
        row = rows[slot]
        row["first"] = min(row["first"], claim["time"])
        row["last"] = max(row["last"], claim["time"])
        if claim["kind"] <= CLAIM_ARP_REPLY:
            row["packets"] += np.uint64(1)
        if row["flags"] | flags != row["flags"]:
            row["flags"] |= flags
            counters[CHANGES] += 1
    return np.int64(claims.size)
