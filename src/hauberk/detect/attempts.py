"""Attempts in vain: conversations that began and brought nothing back within a second.

Judged a second late on purpose: a request sent just before a second ends has its answer in the next activity record. Talking to
many hosts that answer is no scan, management stations do that all day; nor is trying again what answered before, as clients do
when a server is away.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from hauberk.detect.rows import Flags, RowBuffer, compact, fields
from hauberk.model.flow import ACTIVITY, STATE_FIRST
from hauberk.model.observation import Columns, Observations

JUDGED_AFTER = 1.0
"""Seconds after which an attempt without answer is called vain."""
ICMP, TCP, UDP, ICMP6 = 1, 6, 17, 58
_PATIENCE = int(JUDGED_AFTER * 1e9)
_MOST_PENDING = 1 << 17
"""As many as the flow table holds conversations."""
_KNOWN = 1 << 16
"""Answers remembered; a power of two, as each has one place by its hash."""
_ACK, _SYN, _RST = 16, 2, 4
_STREAM = 8
"""Datagrams within a second that are no attempt but a stream, as of a camera or a call."""
_TRACEROUTE = (33434, 33600)
"""Ports at which traceroute aims because nobody listens there."""

Hashes = NDArray[np.uint64]
_FIELDS = (
    "id",
    "start",
    "end",
    "a_hi",
    "a_lo",
    "b_hi",
    "b_lo",
    "a_mac",
    "packets_out",
    "packets_in",
    "syn_out",
    "b_port",
    "transport",
)
ATTEMPT = fields(ACTIVITY, _FIELDS)
"""The columns of an activity row that say what an attempt was."""


def mix(*columns: NDArray[np.generic]) -> Hashes:
    """One 64-bit hash a row (multiply and shift; not against adversaries: a collision merges two subjects, no more)."""
    mixed = np.full(len(columns[0]), 0x9E3779B97F4A7C15, np.uint64)
    for column in columns:
        mixed = (mixed ^ column.astype(np.uint64)) * np.uint64(0xD6E8FEB86659FD93)
        mixed ^= mixed >> np.uint64(32)
    return mixed


class Attempts:
    """Collects attempts until they are old enough to be called vain, once for all detectors."""

    def __init__(self) -> None:
        self._pending: Final = RowBuffer(ATTEMPT, _MOST_PENDING)
        self._pairs: Hashes = np.zeros(_KNOWN, np.uint64)
        self._sources: Hashes = np.zeros(_KNOWN, np.uint64)
        self._since: NDArray[np.int64] = np.zeros(_KNOWN, np.int64)
        self._echo: Flags = np.zeros(_KNOWN, np.bool_)

    def judge(self, batch: Observations, beginnings: Flags) -> Columns:
        """Attempts, as ``ATTEMPT`` rows by time, that have turned out to be in vain; echo requests also where they were answered.

        ``beginnings``: which activity rows are first seconds with a single receiver. ``packets_in`` are 0 where nothing came back.
        """
        activity = batch.activity
        self._remember(activity)
        fresh = np.flatnonzero(beginnings & _silent(activity))
        if len(fresh):
            self._pending.append(compact(ATTEMPT, activity, fresh))
        pending = self._pending.rows
        if not len(pending):
            return pending
        answered = _answered(pending, activity)
        if answered.any():
            self._pending.keep(~answered)
            pending = self._pending.rows
        due = pending["start"] <= batch.watermark * 1e9 - _PATIENCE
        if not due.any():
            return pending[:0]
        judged = pending[due]
        self._pending.keep(~due)
        judged = judged[~self._known(judged)]
        starts = judged["start"]
        return judged if (starts[1:] >= starts[:-1]).all() else judged[np.argsort(starts, kind="stable")]

    def answers(self, source: tuple[int, int], since: float, until: float, *, echo: bool) -> int:
        """How many partners answered the host for the first time between ``since`` and ``until``, epoch seconds.

        ``echo``: count those too that answered echo requests.
        """
        name = mix(np.array([source[0]], np.uint64), np.array([source[1]], np.uint64))[0]
        places = np.flatnonzero(self._sources == name)
        times = self._since[places]
        counts = (times > since * 1e9) & (times <= until * 1e9) & (echo | ~self._echo[places])
        return int(np.count_nonzero(counts))

    def _remember(self, activity: Columns) -> None:
        """Note who was answered, and since when."""
        transport = activity["transport"]
        tcp = transport == TCP
        echo = (transport == ICMP) | (transport == ICMP6)
        said = np.where(tcp, activity["payload_in"], activity["packets_in"]) > 0
        chosen = np.flatnonzero(said & (activity["ip_version"] > 0) & (tcp | echo | (transport == UDP)))
        if not len(chosen):
            return
        pairs = _pair(activity, chosen)
        place = pairs & np.uint64(_KNOWN - 1)
        new = self._pairs[place] != pairs
        if not new.any():
            return
        _, first = np.unique(pairs[new], return_index=True)
        chosen, pairs, place = chosen[new][first], pairs[new][first], place[new][first]
        self._pairs[place] = pairs
        self._sources[place] = mix(activity["a_hi"][chosen], activity["a_lo"][chosen])
        self._since[place] = activity["start"][chosen]
        self._echo[place] = echo[chosen]

    def _known(self, rows: Columns) -> Flags:
        """Which attempts go where an answer came from before."""
        pairs = _pair(rows)
        place = pairs & np.uint64(_KNOWN - 1)
        known: Flags = (self._pairs[place] == pairs) & (self._since[place] < rows["start"])
        return known


def _pair(rows: Columns, chosen: NDArray[np.intp] | slice = slice(None)) -> Hashes:
    return mix(*(rows[name][chosen] for name in ("a_hi", "a_lo", "b_hi", "b_lo", "b_port", "transport")))


def _silent(rows: Columns) -> Flags:
    """Which first seconds brought nothing: an unanswered or refused SYN, a TCP segment without ACK that is none (a stealth scan;
    RFC 9293
    section 3.5 knows no such beginning), a datagram without reply; any echo request."""
    transport, flags = rows["transport"], rows["flags_out"]
    opens = (rows["syn_out"] > 0) | ((flags & (_ACK | _SYN | _RST) == 0) & (rows["packets_out"] > 0))
    tcp = (transport == TCP) & opens & (rows["payload_in"] == 0) & (rows["payload_out"] == 0)
    trace = (rows["b_port"] >= _TRACEROUTE[0]) & (rows["b_port"] < _TRACEROUTE[1])
    udp = (transport == UDP) & (rows["packets_in"] == 0) & (rows["packets_out"] <= _STREAM) & ~trace
    echo = ((transport == ICMP) | (transport == ICMP6)) & (rows["b_port"] == 0) & (rows["packets_out"] > 0)
    silent: Flags = tcp | udp | echo
    return silent


def _answered(pending: Columns, activity: Columns) -> Flags:
    """Which pending conversations turned out to be more than attempts within the time allowed: payload over TCP, a reply or a
    stream over UDP.

    What came back is added to ``pending``.
    """
    answered = np.zeros(len(pending), np.bool_)
    names = activity["id"]
    later = (activity["state"] & STATE_FIRST == 0) & (names >= pending["id"].min()) & (names <= pending["id"].max())
    later = activity[np.flatnonzero(later)]
    if not len(later):
        return answered
    ids = pending["id"]
    order = np.arange(len(ids))
    if (ids[1:] < ids[:-1]).any():
        order = np.argsort(ids, kind="stable")
        ids = ids[order]
    place = np.minimum(np.searchsorted(ids, later["id"]), len(ids) - 1)
    match = ids[place] == later["id"]
    later, place = later[match], order[place[match]]
    soon = later["start"] - pending["start"][place] <= _PATIENCE
    later, place = later[soon], place[soon]
    if not len(later):
        return answered
    np.add.at(pending["packets_out"], place, later["packets_out"])
    np.add.at(pending["packets_in"], place, later["packets_in"])
    spoke = (later["transport"] == TCP) & ((later["payload_in"] > 0) | (later["payload_out"] > 0))
    answered[place[spoke]] = True
    udp = pending["transport"] == UDP
    answered |= udp & ((pending["packets_in"] > 0) | (pending["packets_out"] > _STREAM))
    return answered
