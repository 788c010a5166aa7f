"""Attempts in vain: conversations that began and brought nothing back within a second.

Judged a second late on purpose: a request sent just before a second ends has its answer in the next activity record. Talking to many hosts that
answer is no scan; management stations do that all day.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from hauberk.detect.view import View
from hauberk.model.flow import STATE_FIRST
from hauberk.model.observation import Columns

JUDGED_AFTER = 1.0
"""Seconds after which an attempt without answer is called vain."""
_PATIENCE = int(JUDGED_AFTER * 1e9)
_ICMP, _TCP, _UDP, _ICMP6 = 1, 6, 17, 58
_MOST_PENDING = 1 << 18


class Attempt(NamedTuple):
    """One attempt in vain: epoch seconds, addresses as halves, port and protocol."""

    time: float
    a_hi: int
    a_lo: int
    b_hi: int
    b_lo: int
    b_port: int
    transport: int


class Attempts:
    """Collects attempts until they are old enough to be called vain."""

    def __init__(self, transports: frozenset[int]) -> None:
        """``transports``: IP protocol numbers of interest."""
        self._transports = np.array(sorted(transports), np.uint8)
        self._pending: Columns | None = None

    def judge(self, view: View) -> list[Attempt]:
        """Attempts that have turned out to be in vain, by time."""
        rows = view.beginnings
        rows = rows[np.isin(rows["transport"], self._transports) & _silent(rows)]
        pending = rows if self._pending is None else np.concatenate([self._pending, rows])
        if not len(pending):
            self._pending = None
            return []
        pending = pending[~_answered(pending, view.batch.activity)]
        due = pending["start"] <= view.batch.watermark * 1e9 - _PATIENCE
        waiting = pending[~due]
        self._pending = waiting[-_MOST_PENDING:] if len(waiting) else None
        judged = pending[due]
        judged = judged[np.argsort(judged["start"], kind="stable")]
        columns = (judged["start"] * 1e-9, *(judged[name] for name in Attempt._fields[1:]))
        return [Attempt(*values) for values in zip(*(column.tolist() for column in columns), strict=True)]


def _silent(rows: Columns) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which first seconds brought no payload: an unanswered or refused SYN, a datagram without reply, any echo request (a reply is what a
    sweep is after)."""
    transport = rows["transport"]
    tcp = (transport == _TCP) & (rows["syn_out"] > 0) & (rows["payload_in"] == 0) & (rows["payload_out"] == 0)
    udp = (transport == _UDP) & (rows["packets_in"] == 0)
    echo = ((transport == _ICMP) | (transport == _ICMP6)) & (rows["b_port"] == 0)
    silent: np.ndarray[tuple[int], np.dtype[np.bool_]] = tcp | udp | echo
    return silent


def _answered(pending: Columns, activity: Columns) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which pending conversations got payload (or, for UDP, anything) within the time allowed after all."""
    later = activity[(activity["state"] & STATE_FIRST == 0) & (activity["packets_in"] > 0)]
    later = later[(later["payload_in"] > 0) | (later["transport"] == _UDP)]
    answered = np.zeros(len(pending), np.bool_)
    if not len(later):
        return answered
    ids, first = np.unique(later["id"], return_index=True)
    times = later["start"][first]
    place = np.minimum(np.searchsorted(ids, pending["id"]), len(ids) - 1)
    answered = (ids[place] == pending["id"]) & (times[place] - pending["start"] <= _PATIENCE) & (pending["transport"] != _ICMP)
    return answered
