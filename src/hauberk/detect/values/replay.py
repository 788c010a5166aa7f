"""Readings that were seen before, to the last digit: the model behind ``value_replayed``.

Noise makes the readings of a live process unique: eight in a row hardly ever come again exactly. A recording that is played
back brings the same eight, then the next eight, at the same distance in time. Points whose readings repeat by nature show that
while learned, and are left alone.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from hauberk.detect.values.alarm import Alarm, order, series
from hauberk.detect.values.limits import MOST_DEVICES, MOST_KINDS, MOST_POINTS, enough_rows
from hauberk.detect.values.phase import Phase
from hauberk.detect.values.points import Matrix, Run
from hauberk.detect.values.track import CHART, KEPT, TRACK, Clock, Gaps, Prints, Tracks, follow, warm
from hauberk.model.finding import Evidence, Severity

MOST_TRACKS = 4
"""Points of one device whose readings are remembered: those that first change with nearly every reading."""

_LIVELY = 0.6
_SCORE = 7.0


@dataclass(slots=True)
class Candidate:
    """A kind of message that may have points to follow: its last row, how often each point changed, in how many rows."""

    last: Matrix
    moves: Clock
    count: int = 0

    def missing(self) -> int:
        """Rows until it is told which points are lively."""
        return enough_rows(len(self.last)) - self.count


@dataclass(slots=True)
class Followed:
    """Points of one kind of message whose readings are remembered. ``points``: their columns. ``prints``, ``gaps``: fingerprints
    by track, and how many readings after the one before they were made. ``recent``, ``times``: the last readings, a ring,
    ``clock``: how many went into it, and how many before this stream."""

    names: tuple[str, ...]
    points: Clock
    tracks: Tracks
    prints: Prints
    gaps: Gaps
    recent: Matrix
    times: Matrix
    clock: Clock

    def begin_stream(self) -> None:
        """Forget repetitions under way, and the readings before."""
        self.tracks["hits"] = 0
        self.tracks["run"] = 0
        self.clock[1] = self.clock[0]

    def take(self, run: Run, start: int, *, learning: bool) -> Iterator[tuple[int, int, int]]:
        """Take readings from ``start`` on; row, track and number of those that were seen before or stand still."""
        self._grow(len(run.rows) - start)
        first = 0
        while True:
            row, track, length = follow(
                *(self.tracks, self.prints, self.gaps, self.recent, self.times, self.clock),
                *(run.moments, run.numbers, self.points, start, first, learning),
            )
            if row < 0:
                return
            yield int(row), int(track), int(length)
            start, first = row, track + 1

    def _grow(self, more: int) -> None:
        """Make room for so many more fingerprints, as far as they are kept."""
        needed = min(KEPT, int(self.tracks["used"].max()) + more)
        if needed > self.prints.shape[1]:
            room = min(KEPT, max(2 * self.prints.shape[1], needed)) - self.prints.shape[1]
            self.prints = np.pad(self.prints, ((0, 0), (0, room)))
            self.gaps = np.pad(self.gaps, ((0, 0), (0, room)))


@dataclass(slots=True)
class Replay:
    """Readings of one device's liveliest points. ``followed``: by kind of message, ``candidates``: kinds of which it is not known
    yet whether they have such points."""

    holder: str
    candidates: dict[str, Candidate] = field(default_factory=dict)
    followed: dict[str, Followed] = field(default_factory=dict)
    phase: Phase = field(default_factory=Phase)

    def take(self, runs: list[Run], *, learning: bool) -> list[Alarm]:
        """What is wrong in ``runs``, which teach as well if ``learning``."""
        alarms: list[Alarm] = []
        starts: dict[str, int] = {}
        if not learning:
            self.phase.turns(runs)
        elif not self.phase.learns(runs):
            return alarms
        else:
            starts = self._choose(runs)
        for run in runs:
            followed = None if run.written else self.followed.get(run.key)
            if followed is not None and len(followed.names) == len(run.names):
                alarms.extend(
                    self._alarm(followed, run.times[row], track, length)
                    for row, track, length in followed.take(run, starts.get(run.key, 0), learning=learning)
                )
        return sorted(alarms, key=order)

    def _choose(self, runs: list[Run]) -> dict[str, int]:
        """Let candidates listen, and follow the lively ones; the rows that were spent on that, by kind."""
        if not self._free():
            return {}
        starts: dict[str, int] = {}
        queue: list[tuple[int, int, int]] = []
        for number, run in enumerate(runs):
            if not run.written and run.key not in self.followed and self._candidate(run) is not None:
                self._listen(queue, run, number, 0)
        # Whoever is told first is followed first, however the stream was cut.
        while queue and self._free():
            _, number, stop = heapq.heappop(queue)
            run = runs[number]
            candidate = self.candidates[run.key]
            lively = np.flatnonzero(candidate.moves >= _LIVELY * (candidate.count - 1))[: self._free()]
            if len(lively):
                self._follow(run, lively)
                starts[run.key] = stop
            else:
                candidate.moves[:] = 0
                candidate.count = 0
                candidate.last[:] = np.nan
                self._listen(queue, run, number, stop)
        if not self._free():
            self.candidates.clear()
        return starts

    def _listen(self, queue: list[tuple[int, int, int]], run: Run, number: int, start: int) -> None:
        """Have the candidate listen from ``start`` on, until it is told or the run ends."""
        candidate = self.candidates[run.key]
        stop = min(start + candidate.missing(), len(run.rows))
        warm(candidate.last, candidate.moves, run.numbers, start, stop)
        candidate.count += stop - start
        if not candidate.missing():
            heapq.heappush(queue, (run.places[stop - 1], number, stop))

    def _candidate(self, run: Run) -> Candidate | None:
        found = self.candidates.get(run.key)
        if found is None:
            points = sum(len(kind.last) for kind in self.candidates.values())
            points += sum(len(kind.names) for kind in self.followed.values())
            if len(self.candidates) + len(self.followed) >= MOST_KINDS or points + len(run.names) > MOST_POINTS:
                return None
            width = len(run.names)
            found = self.candidates[run.key] = Candidate(np.full(width, np.nan), np.zeros(width, np.int64))
        return found if len(found.last) == len(run.names) else None

    def _free(self) -> int:
        return MOST_TRACKS - sum(len(followed.points) for followed in self.followed.values())

    def _follow(self, run: Run, points: Clock) -> None:
        size = len(points)
        tracks = np.zeros(size, TRACK)
        tracks["low"], tracks["high"], tracks["coarse"] = np.inf, -np.inf, 1
        del self.candidates[run.key]
        self.followed[run.key] = Followed(
            run.names,
            points,
            tracks,
            np.zeros((size, 0), np.uint32),
            np.zeros((size, 0), np.uint16),
            np.zeros((CHART, size)),
            np.zeros(CHART),
            np.zeros(2, np.int64),
        )

    def _alarm(self, followed: Followed, time: float, track: int, length: int) -> Alarm:
        name, about = followed.names[followed.points[track]], followed.tracks[track]
        count, before = followed.clock.tolist()
        places = np.arange(max(before, count - CHART), count) % CHART
        chart = series(followed.times[places].tolist(), followed.recent[places, track].tolist())
        shift = int(about["shift"])
        if shift:
            reason = (
                f"The last {length} readings of {name} of {self.holder} are, to the last digit, those of {shift} readings earlier."
                " While learned, no readings came again for so long."
            )
        else:
            reason = (
                f"{name} of {self.holder} changed with nearly every reading while learned, and now stands at {chart[-1][1]:.6g} for"
                f" {length} readings."
            )
        evidence = Evidence(
            "readings_repeated" if shift else "readings_frozen", float(length), samples=length, score=_SCORE, series=chart
        )
        return Alarm(self.holder, (name,), float(about["since"]), time, _SCORE, Severity.MEDIUM, (reason,), (evidence,))


def replay_of(devices: dict[str, Replay], holder: str) -> Replay | None:
    """What is remembered of ``holder``, new where it has nothing; None where as many devices as possible are followed."""
    found = devices.get(holder)
    if found is None and len(devices) < MOST_DEVICES:
        found = devices[holder] = Replay(holder)
    return found
