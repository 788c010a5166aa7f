"""Sweeps: how many different things each subject attempted within a sliding window, for floods of subjects at once.

Forged senders come by the million; arrays find the few subjects with enough attempts, and only those are looked at one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hauberk.detect.attempts import Hashes, mix
from hauberk.detect.episode import Episodes
from hauberk.model.flow import ACTIVITY
from hauberk.model.observation import Columns

_MOST_KEPT = 1 << 16
_FIELDS = ("start", "packets_in", "a_hi", "a_lo", "b_hi", "b_lo", "b_port", "transport")
_KEPT = np.dtype([(name, ACTIVITY[name]) for name in _FIELDS])


class Attempt(NamedTuple):
    """One attempt: epoch seconds, packets that came back, addresses as halves, port and IP protocol."""

    time: float
    packets_in: int
    a_hi: int
    a_lo: int
    b_hi: int
    b_lo: int
    b_port: int
    transport: int


Decide = Callable[[list[Attempt]], bool]


class SweepWindow:
    """Attempts lately, by subject. ``subject`` and ``thing`` name the columns that tell them apart."""

    def __init__(self, seconds: float, threshold: int, subject: Sequence[str], thing: Sequence[str]) -> None:
        self.seconds = seconds
        self.threshold = max(threshold, 1)
        self._subject, self._thing = tuple(subject), tuple(thing)
        self._kept: Columns | None = None

    def add(self, fresh: Columns, episodes: Episodes, decide: Decide) -> Iterator[list[Attempt]]:
        """Attempts of each sweep that begins in ``fresh`` (rows by time): one for each thing, up to the one that passed the
        threshold.

        ``decide`` has the last word on whether it is one.
        """
        if not len(fresh):
            return
        fresh = fresh[_first_of(mix(*(fresh[name] for name in (*self._subject, *self._thing)), fresh["start"] // 1_000_000_000))]
        fresh = _compact(fresh)
        old = self._kept
        if old is not None:
            old = old[np.abs(old["start"] - fresh["start"][0]) <= self.seconds * 1e9]
        rows = fresh if old is None else np.concatenate([old, fresh])
        known = len(rows) - len(fresh)
        subjects = mix(*(rows[name] for name in self._subject))
        pairs = mix(subjects, *(rows[name] for name in self._thing))
        last = len(rows) - 1 - _first_of(pairs[::-1])
        self._kept = rows[np.sort(last)][-_MOST_KEPT:]
        names, counts = np.unique(subjects[last], return_counts=True)
        busy = names[counts >= self.threshold]
        if not len(busy):
            return
        chosen = np.flatnonzero(np.isin(subjects, busy))
        grouped = chosen[np.argsort(subjects[chosen], kind="stable")]
        edges = np.flatnonzero(np.diff(subjects[grouped])) + 1
        found = [sweep for group in np.split(grouped, edges) for sweep in self._look(rows, group, known, episodes, decide)]
        yield from sorted(found, key=lambda sweep: sweep[-1].time)

    def _look(
        self, rows: Columns, group: NDArray[np.intp], known: int, episodes: Episodes, decide: Decide
    ) -> Iterator[list[Attempt]]:
        """Sweeps of one subject, whose attempts are the rows in ``group``."""
        columns = [rows[name][group].tolist() for name in _FIELDS]
        attempts = [Attempt(values[0] * 1e-9, *values[1:]) for values in zip(*columns, strict=True)]
        begins = int(np.searchsorted(group, known))
        if begins == len(attempts):
            return
        key = tuple(getattr(attempts[0], name) for name in self._subject)
        window: dict[object, Attempt] = {}
        for position, attempt in enumerate(attempts):
            if position >= begins and episodes.goes_on(key, attempt.time):
                continue
            thing = tuple(getattr(attempt, name) for name in self._thing)
            window.pop(thing, None)
            window[thing] = attempt
            while abs(attempt.time - next(iter(window.values())).time) > self.seconds:
                del window[next(iter(window))]
            if position < begins or len(window) < self.threshold:
                continue
            sweep = list(window.values())
            if decide(sweep):
                episodes.begin(key, attempt.time)
                yield sweep


def _compact(rows: Columns) -> Columns:
    """The columns that are kept."""
    kept = np.empty(len(rows), _KEPT)
    for name in _FIELDS:
        kept[name] = rows[name]
    return kept


def _first_of(keys: Hashes) -> NDArray[np.intp]:
    """Positions, in order, of the first row of each key."""
    _, first = np.unique(keys, return_index=True)
    return np.sort(first)
