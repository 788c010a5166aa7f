"""Attempts in vain: conversations that began and brought nothing back within a second.

Judged a second late on purpose: a request sent just before a second ends has its answer in the next activity record. Talking to
many hosts that answer is no scan, management stations do that all day; nor is trying again what answered before, as clients do
when a server is away.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from hauberk.detect.view import View
from hauberk.model.flow import STATE_FIRST
from hauberk.model.observation import Columns

JUDGED_AFTER = 1.0
"""Seconds after which an attempt without answer is called vain."""
ICMP, TCP, UDP, ICMP6 = 1, 6, 17, 58
_PATIENCE = int(JUDGED_AFTER * 1e9)
_MOST_PENDING = 1 << 18
_KNOWN = 1 << 16
"""Answers remembered; a power of two, as each has one place by its hash."""
_ACK, _SYN, _RST = 16, 2, 4
_STREAM = 8
"""Datagrams within a second that are no attempt but a stream, as of a camera or a call."""
_TRACEROUTE = (33434, 33600)
"""Ports at which traceroute aims because nobody listens there."""

Hashes = NDArray[np.uint64]
Flags = NDArray[np.bool_]


def mix(*columns: NDArray[np.generic]) -> Hashes:
    """One 64-bit hash a row (multiply and shift; not against adversaries: a collision merges two subjects, no more)."""
    mixed = np.full(len(columns[0]), 0x9E3779B97F4A7C15, np.uint64)
    for column in columns:
        mixed = (mixed ^ column.astype(np.uint64)) * np.uint64(0xD6E8FEB86659FD93)
        mixed ^= mixed >> np.uint64(32)
    return mixed


class Attempts:
    """Collects attempts until they are old enough to be called vain."""

    def __init__(self, transports: frozenset[int]) -> None:
        """``transports``: IP protocol numbers of interest."""
        self._transports: Final = np.array(sorted(transports), np.uint8)
        self._pending: Columns | None = None
        self._pairs: Hashes = np.zeros(_KNOWN, np.uint64)
        self._sources: Hashes = np.zeros(_KNOWN, np.uint64)
        self._since: NDArray[np.int64] = np.zeros(_KNOWN, np.int64)

    def judge(self, view: View) -> Columns:
        """Attempts, as activity rows by time, that have turned out to be in vain; echo requests also where they were answered.

        Their ``packets_in`` are 0 where nothing came back.
        """
        rows = view.beginnings
        rows = rows[np.isin(rows["transport"], self._transports)]
        self._remember(view.batch.activity)
        fresh = rows[_silent(rows)]
        pending = fresh if self._pending is None else np.concatenate([self._pending, fresh])
        if not len(pending):
            self._pending = None
            return pending
        pending = pending[~_answered(pending, view.batch.activity)]
        due = pending["start"] <= view.batch.watermark * 1e9 - _PATIENCE
        waiting = pending[~due]
        self._pending = waiting[-_MOST_PENDING:] if len(waiting) else None
        judged = pending[due]
        judged = judged[~self._known(judged)]
        return judged[np.argsort(judged["start"], kind="stable")]

    def answers(self, a_hi: int, a_lo: int, since: float, until: float) -> int:
        """How many partners answered the host for the first time between ``since`` and ``until``, epoch seconds."""
        source = mix(np.array([a_hi], np.uint64), np.array([a_lo], np.uint64))[0]
        times = self._since[self._sources == source]
        return int(np.count_nonzero((times > since * 1e9) & (times <= until * 1e9)))

    def _remember(self, activity: Columns) -> None:
        """Note who was answered, and since when."""
        tcp = activity["transport"] == TCP
        said = np.where(tcp, activity["payload_in"], activity["packets_in"]) > 0
        rows = activity[said & (activity["ip_version"] > 0) & np.isin(activity["transport"], self._transports)]
        if not len(rows):
            return
        pairs = _pair(rows)
        _, first = np.unique(pairs, return_index=True)
        rows, pairs = rows[first], pairs[first]
        place = pairs & np.uint64(_KNOWN - 1)
        new = self._pairs[place] != pairs
        place, rows, pairs = place[new], rows[new], pairs[new]
        self._pairs[place] = pairs
        self._sources[place] = mix(rows["a_hi"], rows["a_lo"])
        self._since[place] = rows["start"]

    def _known(self, rows: Columns) -> Flags:
        """Which attempts go where an answer came from before."""
        pairs = _pair(rows)
        place = pairs & np.uint64(_KNOWN - 1)
        known: Flags = (self._pairs[place] == pairs) & (self._since[place] < rows["start"])
        return known


def _pair(rows: Columns) -> Hashes:
    return mix(*(rows[name] for name in ("a_hi", "a_lo", "b_hi", "b_lo", "b_port", "transport")))


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
    later = activity[activity["state"] & STATE_FIRST == 0]
    if not len(later):
        return answered
    order = np.argsort(pending["id"], kind="stable")
    ids = pending["id"][order]
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
