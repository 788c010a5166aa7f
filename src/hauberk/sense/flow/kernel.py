"""The flow kernels: packets update conversations, silent ones expire, what happened comes out as columns."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numba import njit
from numpy.typing import NDArray

from hauberk.model.flow import STATE_ESTABLISHED, STATE_EVICTED, STATE_FIN, STATE_FIRST, STATE_RST, STATE_SYN
from hauberk.model.observation import Columns
from hauberk.sense.decode.packet import KIND_FLOW, KIND_FRAGMENT
from hauberk.sense.flow.table import CURSOR, DIRTY, EVICTED, FREE, LIVE, MUTE, NEXT_ID

_Int: TypeAlias = int | np.int64
"""A whole number; compiled code makes no difference between the two."""

FINISHED, ACTIVE, CANDIDATES = 0, 1, 2
"""Positions in the counts of a ``FlowOutput``."""

FOREVER = np.iinfo(np.int64).max
"""A time at which every conversation has ended, whatever times its packets claimed."""

_FIN, _SYN, _RST, _ACK = 1, 2, 4, 16
_NS = np.int64(1_000_000_000)
_TCP, _UDP = 6, 17
_EVICTION_LOOK = 8
"""Slots looked at to choose a victim when the table is full."""


@njit(cache=True, inline="always")
def _mix(value: np.uint64) -> np.uint64:
    """Finalizer of MurmurHash3 (public domain): every input bit reaches every output bit."""
    value ^= value >> np.uint64(33)
    value *= np.uint64(0xFF51AFD7ED558CCD)
    value ^= value >> np.uint64(33)
    value *= np.uint64(0xC4CEB9FE1A85EC53)
    value ^= value >> np.uint64(33)
    return value


@njit(cache=True, inline="always")
def _hash(packet: np.void, seed: np.uint64) -> np.uint64:
    """Symmetric hash of a packet's two endpoints."""
    s = _mix(_mix(packet["s_lo"] ^ seed) + packet["s_hi"] + (np.uint64(packet["s_port"]) << np.uint64(40)))
    d = _mix(_mix(packet["d_lo"] ^ seed) + packet["d_hi"] + (np.uint64(packet["d_port"]) << np.uint64(40)))
    return _mix((s + d) ^ np.uint64(packet["transport"]) ^ (np.uint64(packet["ip_version"]) << np.uint64(8)) ^ seed)


@njit(cache=True, inline="always")
def _direction(packet: np.void, flow: np.void) -> int:
    """1 if ``packet`` goes from the initiator of ``flow``, 0 if from its responder, -1 if it belongs to another conversation."""
    if packet["transport"] != flow["transport"] or packet["ip_version"] != flow["ip_version"]:
        return -1
    if (
        packet["s_lo"] == flow["a_lo"]
        and packet["d_lo"] == flow["b_lo"]
        and packet["s_port"] == flow["a_port"]
        and packet["d_port"] == flow["b_port"]
        and packet["s_hi"] == flow["a_hi"]
        and packet["d_hi"] == flow["b_hi"]
    ):
        return 1
    if (
        packet["s_lo"] == flow["b_lo"]
        and packet["d_lo"] == flow["a_lo"]
        and packet["s_port"] == flow["b_port"]
        and packet["d_port"] == flow["a_port"]
        and packet["s_hi"] == flow["b_hi"]
        and packet["d_hi"] == flow["a_hi"]
    ):
        return 0
    return -1


@njit(cache=True, inline="always")
def _initiated(packet: np.void, port_rank: NDArray[np.uint8]) -> bool:
    """True if the sender of a conversation's first seen packet is its initiator.

    A SYN tells (with FIN or RST it opens nothing). Else the endpoint with the better known port is the responder; between equals a
    TCP capture that begins in the middle takes the lower port for the responder, anything else the sender for the initiator.
    """
    if packet["transport"] == _TCP and packet["flags"] & (_SYN | _FIN | _RST) == _SYN:
        return bool(packet["flags"] & _ACK == 0)
    source, destination = port_rank[packet["s_port"]], port_rank[packet["d_port"]]
    if (
        packet["ip_version"] == 0
        or packet["transport"] not in (_TCP, _UDP)
        or (source == destination and packet["transport"] == _UDP)
    ):
        return True
    if source != destination:
        return bool(source < destination)
    return bool(packet["s_port"] >= packet["d_port"])


@njit(cache=True, inline="always")
def _patience(flow: np.void, idle: NDArray[np.int64]) -> np.int64:
    """Nanoseconds of silence after which ``flow`` ends."""
    kind = 4
    if flow["transport"] == _TCP:
        kind = 0
        if flow["state"] & (STATE_FIN | STATE_RST):
            kind = 1
        elif (flow["packets_in"] == 0 or flow["packets_out"] == 0) and flow["payload_out"] + flow["payload_in"] == 0:
            kind = 2
    elif flow["transport"] == _UDP:
        kind = 3
    return np.int64(idle[kind])


@njit(cache=True)
def _unlink(index: NDArray[np.int32], hashes: NDArray[np.uint64], slot: _Int) -> None:
    """Take ``slot`` out of the index and close the gap behind it."""
    mask = np.uint64(index.size - 1)
    hole = hashes[slot] & mask
    while index[np.int64(hole)] != slot:
        hole = (hole + np.uint64(1)) & mask
    probe = hole
    while True:
        probe = (probe + np.uint64(1)) & mask
        other = index[np.int64(probe)]
        if other < 0:
            break
        home = hashes[other] & mask
        if ((probe - home) & mask) >= ((probe - hole) & mask):
            index[np.int64(hole)] = other
            hole = probe
    index[np.int64(hole)] = -1


@njit(cache=True)
def _report(delta: np.void, activity: Columns, counts: NDArray[np.int64]) -> None:
    """Hand out what a conversation did in a second, and begin anew."""
    if delta["packets_out"] + delta["packets_in"] == 0:
        return
    activity[counts[ACTIVE]] = delta
    counts[ACTIVE] += 1
    delta["packets_out"] = 0
    delta["packets_in"] = 0
    delta["bytes_out"] = 0
    delta["bytes_in"] = 0
    delta["payload_out"] = 0
    delta["payload_in"] = 0
    delta["syn_out"] = 0
    delta["syn_in"] = 0
    delta["rst_out"] = 0
    delta["rst_in"] = 0
    delta["flags_out"] = 0
    delta["flags_in"] = 0
    delta["a_mac"] = 0
    delta["b_mac"] = 0
    delta["state"] = 0


@njit(cache=True)
def _finish(  # noqa: PLR0913, PLR0917 - the arrays of the table: compiled code takes arrays, not objects
    slot: _Int,
    extra: int,
    index: NDArray[np.int32],
    hashes: NDArray[np.uint64],
    flows: Columns,
    delta: Columns,
    free: NDArray[np.int32],
    state: NDArray[np.int64],
    finished: Columns,
    activity: Columns,
    counts: NDArray[np.int64],
) -> None:
    """End the conversation in ``slot``."""
    _report(delta[slot], activity, counts)
    flows[slot]["state"] |= extra
    finished[counts[FINISHED]] = flows[slot]
    counts[FINISHED] += 1
    _unlink(index, hashes, slot)
    flows[slot]["id"] = 0
    free[state[FREE]] = slot
    state[FREE] += 1
    state[LIVE] -= 1


@njit(cache=True)
def _victim(flows: Columns, state: NDArray[np.int64]) -> np.int64:
    """The conversation to cut when the table is full: the longest silent of a few."""
    best = np.int64(-1)
    for _ in range(_EVICTION_LOOK):
        slot = state[CURSOR]
        state[CURSOR] = (slot + 1) % flows.size
        if flows[slot]["id"] != 0 and (best < 0 or flows[slot]["end"] < flows[best]["end"]):
            best = slot
    return best


@njit(cache=True, inline="always")
def _copy_key(packet: np.void, row: np.void, forward: bool) -> None:
    """Write both endpoints of ``packet`` into ``row``, the initiator first."""
    row["ip_version"] = packet["ip_version"]
    row["transport"] = packet["transport"]
    row["vlan"] = packet["vlan"]
    if forward:
        row["a_hi"] = packet["s_hi"]
        row["a_lo"] = packet["s_lo"]
        row["b_hi"] = packet["d_hi"]
        row["b_lo"] = packet["d_lo"]
        row["a_port"] = packet["s_port"]
        row["b_port"] = packet["d_port"]
    else:
        row["a_hi"] = packet["d_hi"]
        row["a_lo"] = packet["d_lo"]
        row["b_hi"] = packet["s_hi"]
        row["b_lo"] = packet["s_lo"]
        row["a_port"] = packet["d_port"]
        row["b_port"] = packet["s_port"]


@njit(cache=True)
def _begin(  # noqa: PLR0913, PLR0917 - the arrays of the table: compiled code takes arrays, not objects
    packet: np.void,
    key: np.uint64,
    port_rank: NDArray[np.uint8],
    index: NDArray[np.int32],
    hashes: NDArray[np.uint64],
    flows: Columns,
    delta: Columns,
    base: NDArray[np.uint32],
    based: NDArray[np.uint8],
    muted: NDArray[np.uint8],
    free: NDArray[np.int32],
    state: NDArray[np.int64],
) -> np.int64:
    """Open a conversation with ``packet`` in a free slot; the caller saw to it that there is one."""
    state[FREE] -= 1
    slot = np.int64(free[state[FREE]])
    state[LIVE] += 1
    mask = np.uint64(index.size - 1)
    place = key & mask
    while index[np.int64(place)] >= 0:
        place = (place + np.uint64(1)) & mask
    index[np.int64(place)] = slot
    hashes[slot] = key
    flow = flows[slot]
    forward = _initiated(packet, port_rank)
    _copy_key(packet, flow, forward)
    _copy_key(packet, delta[slot], forward)
    flow["id"] = state[NEXT_ID]
    delta[slot]["id"] = state[NEXT_ID]
    state[NEXT_ID] += 1
    flow["start"] = packet["time"]
    flow["end"] = packet["time"]
    flow["a_mac"] = 0
    flow["b_mac"] = 0
    flow["packets_out"] = 0
    flow["packets_in"] = 0
    flow["bytes_out"] = 0
    flow["bytes_in"] = 0
    flow["payload_out"] = 0
    flow["payload_in"] = 0
    flow["syn_out"] = 0
    flow["syn_in"] = 0
    flow["rst_out"] = 0
    flow["rst_in"] = 0
    flow["service"] = 0
    flow["state"] = 0
    flow["flags_out"] = 0
    flow["flags_in"] = 0
    flow["size_mean_out"] = 0.0
    flow["size_m2_out"] = 0.0
    flow["size_mean_in"] = 0.0
    flow["size_m2_in"] = 0.0
    flow["gap_mean_out"] = 0.0
    flow["gap_m2_out"] = 0.0
    flow["gap_mean_in"] = 0.0
    flow["gap_m2_in"] = 0.0
    flow["size_min"] = packet["wire"]
    flow["size_max"] = packet["wire"]
    flow["last_out"] = 0
    flow["last_in"] = 0
    delta[slot]["service"] = 0
    delta[slot]["state"] = STATE_FIRST
    base[slot, 0] = 0
    base[slot, 1] = 0
    based[slot, 0] = 0
    based[slot, 1] = 0
    muted[slot] = state[MUTE]
    return slot


@njit(cache=True, inline="always")
def _flags(packet: np.void, outward: _Int, flow: np.void, delta: np.void) -> None:
    """Note the TCP flags of a packet."""
    flags = packet["flags"]
    if outward:
        flow["flags_out"] |= flags
        delta["flags_out"] |= flags
    else:
        flow["flags_in"] |= flags
        delta["flags_in"] |= flags
    if flags & _SYN:
        if outward:
            flow["syn_out"] += 1
            delta["syn_out"] += 1
        else:
            flow["syn_in"] += 1
            delta["syn_in"] += 1
        flow["state"] |= STATE_ESTABLISHED if flags & _ACK else STATE_SYN
    if flags & _RST:
        flow["state"] |= STATE_RST
        if outward:
            flow["rst_out"] += 1
            delta["rst_out"] += 1
        else:
            flow["rst_in"] += 1
            delta["rst_in"] += 1
    if flow["flags_out"] & _FIN and flow["flags_in"] & _FIN:
        flow["state"] |= STATE_FIN


@njit(cache=True, inline="always")
def _count(packet: np.void, outward: _Int, flow: np.void, delta: np.void) -> None:
    """Add a packet to the counters and moments of its direction."""
    size = np.float64(packet["wire"])
    if outward:
        flow["packets_out"] += 1
        flow["bytes_out"] += packet["wire"]
        flow["payload_out"] += packet["payload_size"] + packet["missing"]
        flow["a_mac"] = packet["s_mac"]
        delta["packets_out"] += 1
        delta["bytes_out"] += packet["wire"]
        delta["payload_out"] += packet["payload_size"] + packet["missing"]
        delta["a_mac"] = packet["s_mac"]
        step = size - flow["size_mean_out"]
        flow["size_mean_out"] += step / flow["packets_out"]
        flow["size_m2_out"] += step * (size - flow["size_mean_out"])
        if flow["packets_out"] > 1:
            gap = (packet["time"] - flow["last_out"]) * 1e-9
            step = gap - flow["gap_mean_out"]
            flow["gap_mean_out"] += step / (flow["packets_out"] - 1)
            flow["gap_m2_out"] += step * (gap - flow["gap_mean_out"])
        flow["last_out"] = packet["time"]
    else:
        flow["packets_in"] += 1
        flow["bytes_in"] += packet["wire"]
        flow["payload_in"] += packet["payload_size"] + packet["missing"]
        flow["b_mac"] = packet["s_mac"]
        delta["packets_in"] += 1
        delta["bytes_in"] += packet["wire"]
        delta["payload_in"] += packet["payload_size"] + packet["missing"]
        delta["b_mac"] = packet["s_mac"]
        step = size - flow["size_mean_in"]
        flow["size_mean_in"] += step / flow["packets_in"]
        flow["size_m2_in"] += step * (size - flow["size_mean_in"])
        if flow["packets_in"] > 1:
            gap = (packet["time"] - flow["last_in"]) * 1e-9
            step = gap - flow["gap_mean_in"]
            flow["gap_mean_in"] += step / (flow["packets_in"] - 1)
            flow["gap_m2_in"] += step * (gap - flow["gap_mean_in"])
        flow["last_in"] = packet["time"]
    flow["size_min"] = min(flow["size_min"], packet["wire"])
    flow["size_max"] = max(flow["size_max"], packet["wire"])
    flow["end"] = max(flow["end"], packet["time"])


@njit(cache=True, inline="always")
def _reopens(packet: np.void, outward: _Int, flow: np.void, base: NDArray[np.uint32], based: NDArray[np.uint8], slot: _Int) -> bool:
    """True if a SYN opens a new connection on the ports of an old one (RFC 9293 section 3.6.1)."""
    if packet["transport"] != _TCP or (packet["flags"] & (_SYN | _ACK | _FIN | _RST)) != _SYN:
        return False
    if flow["state"] & (STATE_FIN | STATE_RST):
        return True
    if based[slot, outward]:
        return bool(base[slot, outward] != np.uint32(packet["seq"] + 1) and np.int64(flow["state"]) & STATE_ESTABLISHED != 0)
    # Two taps may deliver the SYN after its answer.
    return not (based[slot, 1 - outward] and (flow["packets_out"] if outward else flow["packets_in"]) == 0)


@njit(cache=True, nogil=True)
def update(  # noqa: PLR0912, PLR0913, PLR0915, PLR0917 - one pass over a packet, over the arrays of the table: calls would cost more
    packets: Columns,
    first: int,
    count: int,
    seed: np.uint64,
    port_rank: NDArray[np.uint8],
    idle: NDArray[np.int64],
    index: NDArray[np.int32],
    hashes: NDArray[np.uint64],
    flows: Columns,
    delta: Columns,
    base: NDArray[np.uint32],
    based: NDArray[np.uint8],
    muted: NDArray[np.uint8],
    free: NDArray[np.int32],
    dirty: NDArray[np.int32],
    state: NDArray[np.int64],
    finished: Columns,
    activity: Columns,
    candidates: Columns,
    counts: NDArray[np.int64],
) -> int:
    """Work packets ``first`` to ``count`` into the table. Returns where it stopped: at ``count``, at a fragment (which the caller
    must reassemble), or where a buffer is full."""
    mask = np.uint64(index.size - 1)
    for i in range(first, count):
        packet = packets[i]
        if packet["kind"] == KIND_FRAGMENT:
            return i
        if packet["kind"] != KIND_FLOW:
            continue
        if counts[FINISHED] + 2 > finished.size or counts[ACTIVE] + 3 + state[DIRTY] > activity.size:
            return i
        key = _hash(packet, seed)
        place = key & mask
        slot = np.int64(-1)
        outward = -1
        while index[np.int64(place)] >= 0:
            other = np.int64(index[np.int64(place)])
            if hashes[other] == key:
                outward = _direction(packet, flows[other])
                if outward >= 0:
                    slot = other
                    break
            place = (place + np.uint64(1)) & mask
        if slot >= 0:
            flow = flows[slot]
            if packet["time"] - flow["end"] > _patience(flow, idle) or _reopens(packet, outward, flow, base, based, slot):
                _finish(slot, 0, index, hashes, flows, delta, free, state, finished, activity, counts)
                slot = np.int64(-1)
        if slot < 0:
            if state[FREE] == 0:
                victim = _victim(flows, state)
                _finish(victim, STATE_EVICTED, index, hashes, flows, delta, free, state, finished, activity, counts)
                state[EVICTED] += 1
            slot = _begin(packet, key, port_rank, index, hashes, flows, delta, base, based, muted, free, state)
            outward = 1 if _direction(packet, flows[slot]) == 1 else 0
        flow = flows[slot]
        change = delta[slot]
        mac = change["a_mac"] if outward else change["b_mac"]
        if change["packets_out"] + change["packets_in"] == 0:
            dirty[state[DIRTY]] = slot
            state[DIRTY] += 1
            change["start"] = packet["time"]
            change["end"] = packet["time"]
        elif packet["time"] // _NS != change["start"] // _NS or (mac != packet["s_mac"] and mac != 0):
            _report(change, activity, counts)
            change["start"] = packet["time"]
            change["end"] = packet["time"]
        else:
            change["end"] = max(change["end"], packet["time"])
        _count(packet, outward, flow, change)
        if packet["transport"] == _TCP:
            if packet["flags"] & (_SYN | _FIN | _RST) == _SYN:
                base[slot, outward] = np.uint32(packet["seq"] + 1)
                based[slot, outward] = 1
            _flags(packet, outward, flow, change)
        if (
            (packet["payload_size"] + packet["missing"] > 0 or (packet["flags"] & _FIN and packet["transport"] == _TCP))
            and not muted[slot]
            and not packet["flags"] & (_SYN | _RST)
            and (packet["transport"] == _TCP or packet["transport"] == _UDP or packet["ip_version"] == 0)
        ):
            row = candidates[counts[CANDIDATES]]
            row["id"] = flow["id"]
            row["slot"] = slot
            row["packet"] = i
            row["time"] = packet["time"]
            row["frame"] = packet["frame"]
            row["payload"] = packet["payload"]
            row["size"] = packet["payload_size"]
            row["missing"] = packet["missing"]
            row["seq"] = packet["seq"]
            row["ack"] = packet["ack"]
            row["base"] = base[slot, outward]
            row["based"] = based[slot, outward]
            row["transport"] = packet["transport"]
            row["ip_version"] = packet["ip_version"]
            row["outward"] = outward
            row["last"] = 1 if packet["transport"] == _TCP and packet["flags"] & _FIN else 0
            counts[CANDIDATES] += 1
    return count


@njit(cache=True, nogil=True)
def flush(delta: Columns, dirty: NDArray[np.int32], state: NDArray[np.int64], activity: Columns, counts: NDArray[np.int64]) -> None:
    """Hand out what every conversation did since its last report."""
    for i in range(state[DIRTY]):
        _report(delta[dirty[i]], activity, counts)
    state[DIRTY] = 0


@njit(cache=True, nogil=True)
def expire(  # noqa: PLR0913, PLR0917 - the arrays of the table: compiled code takes arrays, not objects
    now: int,
    slots: int,
    idle: NDArray[np.int64],
    index: NDArray[np.int32],
    hashes: NDArray[np.uint64],
    flows: Columns,
    delta: Columns,
    free: NDArray[np.int32],
    state: NDArray[np.int64],
    finished: Columns,
    activity: Columns,
    counts: NDArray[np.int64],
) -> None:
    """Look at the next ``slots`` slots and end what has been silent too long at ``now`` (nanoseconds); at ``FOREVER`` everything
    has. Call after ``flush``."""
    for _ in range(slots):
        if counts[FINISHED] >= finished.size:
            return
        slot = state[CURSOR]
        state[CURSOR] = (slot + 1) % flows.size
        if flows[slot]["id"] != 0 and (now == FOREVER or now - flows[slot]["end"] > _patience(flows[slot], idle)):
            _finish(slot, 0, index, hashes, flows, delta, free, state, finished, activity, counts)
