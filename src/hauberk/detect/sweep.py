"""Sweeps: how many different things each subject attempted within a sliding window, for floods of subjects at once.

Forged senders come by the million; arrays find the few subjects with enough attempts, and only those are looked at one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hauberk.detect.attempts import Hashes, mix
from hauberk.detect.episode import Episodes
from hauberk.detect.rows import Flags, RowBuffer, compact, fields
from hauberk.model.flow import ACTIVITY
from hauberk.model.observation import Columns

_MOST_KEPT = 1 << 16
_FIELDS = ("start", "packets_in", "a_hi", "a_lo", "b_hi", "b_lo", "b_port", "transport")
_KEPT = fields(ACTIVITY, _FIELDS, {"subject": np.uint64, "pair": np.uint64})
_BUCKETS = 1 << 16
_BUCKET = np.uint64(_BUCKETS - 1)
"""Subjects are counted together by so many bits of their hash: where a bucket has too few attempts, no subject in it has enough."""


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
        self._kept: Final = RowBuffer(_KEPT, _MOST_KEPT)
        self._seen: Hashes = np.zeros(_BUCKETS, np.uint64)
        self._counts: NDArray[np.int64] = np.zeros(_BUCKETS, np.int64)
        self._added = 0
        self._tidied = 0

    def add(self, rows: Columns, which: Flags, episodes: Episodes, decide: Decide) -> Iterator[list[Attempt]]:
        """Attempts of each sweep that begins in ``rows`` (by time, those of ``which``): one for each thing, up to the one that
        passed the threshold.

        ``decide`` has the last word on whether it is one.
        """
        chosen = np.flatnonzero(which)
        subjects = mix(*(rows[name][chosen] for name in self._subject))
        pairs = mix(subjects, *(rows[name][chosen] for name in self._thing))
        fresh = np.flatnonzero(self._unseen(mix(pairs, rows["start"][chosen] // 1_000_000_000)))
        if not len(fresh):
            return
        subjects, chosen = subjects[fresh], chosen[fresh]
        self._kept.append(compact(_KEPT, rows, chosen, subject=subjects, pair=pairs[fresh]))
        buckets = subjects & _BUCKET
        self._counts += np.bincount(buckets, minlength=_BUCKETS)
        self._added += len(fresh)
        busy = self._counts[buckets] >= self.threshold
        if busy.any():
            yield from self._search(buckets[busy], len(fresh), episodes, decide)
        latest = int(rows["start"][chosen[-1]])
        if self._added > _MOST_KEPT // 2 or abs(latest - self._tidied) > self.seconds * 1e9:
            self._tidy(latest)

    def _unseen(self, names: Hashes) -> Flags:
        """Which of the names are new: each is remembered until another takes its place."""
        place = names & _BUCKET
        index = np.arange(len(names))
        first = np.empty(_BUCKETS, np.intp)
        first[place[::-1]] = index[::-1]
        first = first[place]
        new: Flags = (self._seen[place] != names) & ((names[first] != names) | (first == index))
        self._seen[place] = names
        return new

    def _tidy(self, latest: int) -> None:
        """Forget what is too old, and all but the last attempt of each pair."""
        rows = self._kept.rows
        place = rows["pair"] & _BUCKET
        index = np.arange(len(rows))
        last = np.empty(_BUCKETS, np.intp)
        last[place] = index
        last = last[place]
        repeated = (last != index) & (rows["pair"][last] == rows["pair"])
        self._kept.keep(~repeated & (np.abs(rows["start"] - latest) <= self.seconds * 1e9))
        self._counts = np.bincount(self._kept.rows["subject"] & _BUCKET, minlength=_BUCKETS)
        self._added, self._tidied = 0, latest

    def _search(self, buckets: Hashes, fresh: int, episodes: Episodes, decide: Decide) -> list[list[Attempt]]:
        """Sweeps of subjects in ``buckets``, of which some have enough attempts; the last ``fresh`` rows are new."""
        rows = self._kept.rows
        known = max(len(rows) - fresh, 0)
        marked = np.zeros(_BUCKETS, np.bool_)
        marked[buckets] = True
        near = np.abs(rows["start"] - rows["start"][known]) <= self.seconds * 1e9
        near[known:] = True
        chosen = np.flatnonzero(marked[rows["subject"] & _BUCKET] & near)
        subjects = rows["subject"][chosen]
        _, first = np.unique(rows["pair"][chosen], return_index=True)
        names, counts = np.unique(subjects[first], return_counts=True)
        busy = np.isin(subjects, names[counts >= self.threshold])
        chosen, subjects = chosen[busy], subjects[busy]
        if not len(chosen):
            return []
        order = np.argsort(subjects, kind="stable")
        edges = np.flatnonzero(np.diff(subjects[order])) + 1
        groups = np.split(chosen[order], edges)
        found = [sweep for group in groups for sweep in self._look(rows, group, known, episodes, decide)]
        return sorted(found, key=lambda sweep: sweep[-1].time)

    def _look(
        self, rows: Columns, group: NDArray[np.intp], known: int, episodes: Episodes, decide: Decide
    ) -> Iterator[list[Attempt]]:
        """Sweeps of one subject, whose attempts are the rows in ``group``."""
        begins = int(np.searchsorted(group, known))
        if begins == len(group):
            return
        key = tuple(int(rows[name][group[0]]) for name in self._subject)
        times = rows["start"][group[begins:]]
        if episodes.goes_on_throughout(key, int(times.min()) * 1e-9, int(times.max()) * 1e-9):
            return
        columns = [rows[name][group].tolist() for name in _FIELDS]
        attempts = [Attempt(values[0] * 1e-9, *values[1:]) for values in zip(*columns, strict=True)]
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
