"""Values that are no measurements: the model behind ``covert_values``.

What a process tells moves smoothly or takes few values. Data carried in registers does neither: nearly every value is new, it
fills its range, and each is unrelated to the one before (von Neumann's ratio of the mean square successive difference to the
variance, 1941, is near one; of a smooth signal it is near zero). Rows that only repeat the one before are left out, so that slow
channels look like fast ones.

Two grounds to speak: a point that was constant, smooth or of few values while learned turns into such a stream; or, without any
learning, several neighbouring whole-number registers at once are such a stream from one reading to the next. A number of 64
bits with a noisy fraction fills at most three registers so, therefore it takes four.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numba import njit
from numpy.typing import NDArray

from hauberk.detect.values.alarm import Alarm, order, series, shown
from hauberk.detect.values.limits import MOST_DEVICES, MOST_KINDS, MOST_POINTS
from hauberk.detect.values.points import Matrix, Run
from hauberk.model.finding import Evidence, Severity

Flags = NDArray[np.bool_]
Rows = NDArray[np.float32]
Counts = NDArray[np.int32]

_ROWS = 24
_LEAST_ROUGHNESS = 0.6
_LEAST_DISTINCT = 0.5
_WIDE, _VERY_WIDE = 64.0, 256.0
_NEIGHBOURS = 4
_AGAIN, _AGAIN_LEARNED = 2, 3
_LEAST_LEARNED = 100
_FIRST_SCORE = 7.0


@dataclass(slots=True)
class Stream:
    """Rows of one kind of message that differ from the row before. ``last``: that row; ``times``, ``rows``: the group that is being
    collected, of ``used`` rows, without room before the first change. ``seen``: messages while learned, ``parts``: groups while
    learned, ``known``: how many of them were unrelated values, by point. ``streak``: how many groups in a row are so now, and
    ``many`` how many had several neighbours so; ``since``: when that began; ``told``: whether it was said."""

    names: tuple[str, ...]
    last: Rows = field(default_factory=lambda: np.zeros(0, np.float32))
    times: Matrix = field(default_factory=lambda: np.zeros(0))
    rows: Rows = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    used: int = 0
    seen: int = 0
    parts: int = 0
    known: Counts = field(default_factory=lambda: np.zeros(0, np.int32))
    streak: Counts = field(default_factory=lambda: np.zeros(0, np.int32))
    many: int = 0
    told: bool = False
    since: float = 0.0

    def add(self, run: Run, start: int) -> int:
        """Take rows from ``start`` on; where the group is complete, the row that follows, else -1."""
        if not len(self.last):
            self.last = np.full(len(self.names), np.inf, np.float32)
        if not self.used:
            start = int(_first_change(self.last, run.numbers, start))
            if start < 0:
                return -1
            if not len(self.times):
                width = len(self.names)
                self.times, self.rows = np.zeros(_ROWS), np.zeros((_ROWS, width), np.float32)
                self.known, self.streak = np.zeros(width, np.int32), np.zeros(width, np.int32)
        used, after = _collect(self.last, self.times, self.rows, self.used, run.moments, run.numbers, start)
        self.used = int(used)
        return int(after)


@dataclass(slots=True)
class Novelty:
    """Streams of values of one device, read and written alike."""

    holder: str
    streams: dict[str, Stream] = field(default_factory=dict)
    points: int = 0

    def take(self, runs: list[Run], *, learning: bool) -> list[Alarm]:
        """What is wrong in ``runs``, which teach as well if ``learning``."""
        alarms: list[Alarm] = []
        for run in runs:
            key = f"write {run.key}" if run.written else run.key
            stream = self.streams.get(key)
            if stream is None:
                if len(self.streams) >= MOST_KINDS or self.points + len(run.names) > MOST_POINTS:
                    continue
                stream = self.streams[key] = Stream(run.names)
                self.points += len(run.names)
            if len(run.names) != len(stream.names):
                continue
            seen, place = stream.seen, 0
            while (place := stream.add(run, place)) >= 0:
                stream.used = 0
                stream.seen = seen + learning * place
                alarm = self._judge(stream, learning=learning)
                if alarm is not None:
                    alarms.append(alarm)
            stream.seen = seen + learning * len(run.rows)
        return sorted(alarms, key=order)

    def begin_stream(self) -> None:
        """Forget the rows before, and what was under way."""
        for stream in self.streams.values():
            stream.last[:] = np.inf
            stream.streak[:] = 0
            stream.used = stream.many = 0

    def _judge(self, stream: Stream, *, learning: bool) -> Alarm | None:
        times, values = stream.times.tolist(), stream.rows
        unrelated = unrelated_values(values, _WIDE)
        if learning:
            stream.parts += 1
            stream.known += unrelated
        if not unrelated.any():
            stream.streak[:] = 0
            stream.many = 0
            return None
        before = bool(stream.streak.any())
        stream.since = stream.since if before else times[0]
        stream.streak = np.where(unrelated, stream.streak + 1, 0).astype(np.int32)
        whole = unrelated_values(values, _VERY_WIDE) & np.all(np.floor(values) == values, axis=0)
        stream.many = stream.many + 1 if _longest(whole) >= _NEIGHBOURS else 0
        # What was there while learning was said then, once.
        if stream.many == _AGAIN and not (stream.told and stream.known[whole].all()):
            stream.told |= learning
            return self._alarm(stream, times, values, whole, learned=False)
        taught = stream.seen >= _LEAST_LEARNED and not learning
        turned = (stream.streak == _AGAIN_LEARNED) & (stream.known == 0)
        if taught and turned.any() and stream.many < _AGAIN:
            return self._alarm(stream, times, values, turned, learned=True)
        return None

    def _alarm(self, stream: Stream, times: list[float], values: Rows, which: Flags, *, learned: bool) -> Alarm:
        points = tuple(name for name, chosen in zip(stream.names, which, strict=True) if chosen)
        column = values[:, int(np.argmax(which))]
        distinct = len(np.unique(column))
        roughness = float(_roughness(column))
        named = ", ".join(points[:4]) + (" and others" if len(points) > 4 else "")
        seen = (
            f"{named} of {self.holder}: {distinct} of the last {len(column)} changed values are different, from"
            f" {shown(float(column.min()))} to {shown(float(column.max()))}, and each is unrelated to the one before (ratio"
            f" {roughness:.2f}; a process gives less than {_LEAST_ROUGHNESS})."
        )
        reasons = [seen]
        if learned:
            reasons.append(
                f"In {stream.seen} messages while learned none of {stream.parts} groups of changes was like that."
                if stream.parts
                else f"In {stream.seen} messages while learned these values hardly ever changed."
            )
        evidence = Evidence(
            "unrelated_values",
            float(distinct),
            samples=stream.seen,
            score=_FIRST_SCORE,
            series=series(times, column.tolist()),
        )
        severity = Severity.HIGH if learned else Severity.MEDIUM
        return Alarm(self.holder, points, stream.since, times[-1], _FIRST_SCORE, severity, tuple(reasons), (evidence,))


@njit(cache=True)
def unrelated_values(values: Rows, wide: float) -> Flags:
    """Which columns of ``values`` (rows, points) are no measurements: mostly new values, over a range of ``wide``, unrelated."""
    result = np.zeros(values.shape[1], np.bool_)
    for place in range(values.shape[1]):
        column = values[:, place].copy()
        # Also false where a number is missing.
        if column.max() - column.min() >= wide and _roughness(column) >= _LEAST_ROUGHNESS:
            column.sort()
            distinct = 1
            for row in range(1, column.size):
                distinct += column[row] != column[row - 1]
            result[place] = distinct >= _LEAST_DISTINCT * column.size
    return result


@njit(cache=True)
def _roughness(column: Rows) -> float:
    """Half the mean square successive difference over the variance; 0 for constants."""
    total, squares, steps, before = 0.0, 0.0, 0.0, np.float64(column[0])
    for row in range(column.size):
        total += np.float64(column[row])
    mean = total / column.size
    for row in range(column.size):
        value = np.float64(column[row])
        squares += (value - mean) ** 2
        steps += (value - before) ** 2
        before = value
    if not squares > 0.0:
        return 0.0
    return steps / (column.size - 1) * column.size / (2.0 * squares)


@njit(cache=True)
def _changed(last: Rows, values: Matrix, row: int) -> bool:
    for place in range(last.size):
        now, before = np.float32(values[row, place]), last[place]
        if now != before and not (now != now and before != before):  # noqa: PLR0124 - missing as before
            return True
    return False


@njit(cache=True)
def _first_change(last: Rows, values: Matrix, start: int) -> int:
    """The first row that differs from ``last``, -1 where there is none."""
    for row in range(start, values.shape[0]):
        if _changed(last, values, row):
            return row
    return -1


@njit(cache=True)
def _collect(last: Rows, times: Matrix, rows: Rows, used: int, moments: Matrix, values: Matrix, start: int) -> tuple[int, int]:
    """Put changed rows into the group: how many it has now, and the row that follows where it is complete, else -1."""
    for row in range(start, values.shape[0]):
        if _changed(last, values, row):
            times[used] = moments[row]
            for place in range(last.size):
                last[place] = np.float32(values[row, place])
                rows[used, place] = last[place]
            used += 1
            if used == _ROWS:
                return used, row + 1
    return used, -1


def _longest(flags: Flags) -> int:
    """Length of the longest run of neighbours."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    return int(np.max(edges[1::2] - edges[::2], initial=0))


def novelty_of(devices: dict[str, Novelty], holder: str) -> Novelty | None:
    """The streams of ``holder``, new where it has none; None where as many devices as possible are followed."""
    found = devices.get(holder)
    if found is None and len(devices) < MOST_DEVICES:
        found = devices[holder] = Novelty(holder)
    return found
