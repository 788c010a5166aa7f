"""The band in which readings of each point stay, learned in one pass and without keeping them.

A band is trusted only where learning shows that it is a property of the process and not of the hour: the value went up and down
many times, and its extremes were reached in the first half of what was learned. Counters, clocks and slow drifts never qualify.
Outside of a trusted band, widened by half its width, evidence accumulates (CUSUM, Page 1954): one odd reading says nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from hauberk.detect.values.points import Matrix

_CROSSINGS = 12
_GROWTH = 0.02
_MARGIN = 0.5
_LEVELS = 8
_STRIDE = 4
_FIRST_CROSSING = 32
"""Readings after which their mean is good enough to be crossed."""
_HYSTERESIS = 0.25
_KAPPA = 1.0
_CAP = 3.0
LIMIT = 7.0
"""Accumulated evidence, in log10 units, at which readings are out of their band."""
_RESERVE = 1e-9
_PAUSE = 16
"""Readings let go after an alarm."""
_CHART = 16
_SETTLING = 32
"""Readings over which extremes must grow by more than a little."""

POINT = np.dtype(
    [
        ("low", "f8"),
        ("high", "f8"),
        ("low_settled", "f8"),
        ("high_settled", "f8"),
        ("origin", "f8"),
        ("total", "f8"),
        ("squares", "f8"),
        ("since", "f8"),
        ("count", "u4"),
        ("settled", "u4"),
        ("compared", "u4"),
        ("crossings", "u4"),
        ("run", "u4"),
        ("score", "f4"),
        ("side", "i1"),
        ("levels", "u1"),
    ],
    align=True,
)
"""One point. ``low``, ``high``: extremes, and what they were at the count ``compared``; ``settled``: the count at which they last
grew by more than a little since then. ``total``, ``squares``: sums of the differences from ``origin``. ``crossings``: how often
the value crossed its mean, ``side``: where it is. ``levels``: distinct values so far, up to 9. ``score``, ``run``, ``since``:
evidence of the readings out of band, how many and since when."""

Points = NDArray[Any]
Levels = NDArray[np.float32]
Clock = NDArray[np.int64]
_ROWS, _WAIT = 0, 1


@dataclass(slots=True)
class Band:
    """Bands of the points of one kind of message. Until one of them changes: ``constant``, their values, ``count`` times; then
    ``points``, and ``levels``, the distinct values. ``trusted``: whether there is a band to judge by. ``times``, ``recent``: the
    last readings judged, a ring; ``clock``: how many went into it, and how many are still to be let go."""

    width: int
    constant: Matrix = field(default_factory=lambda: np.zeros(0))
    count: int = 0
    points: Points = field(default_factory=lambda: np.zeros(0, POINT))
    levels: Levels = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    trusted: bool = False
    times: Matrix = field(default_factory=lambda: np.zeros(0))
    recent: Levels = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    clock: Clock = field(default_factory=lambda: np.zeros(2, np.int64))

    def learn(self, values: Matrix) -> None:
        """Take ``values`` (rows, points) in."""
        if not len(self.points):
            if not len(self.constant):
                self.constant = values[0].copy()
            same = int(_same(self.constant, values))
            self.count += same
            if same == len(values):
                return
            self.points = np.zeros(self.width, POINT)
            self.levels = np.zeros((_LEVELS, self.width), np.float32)
            _settle(self.points, self.levels, self.constant, self.count)
            values = values[same:]
        _learn(self.points, self.levels, values)

    def begin(self) -> None:
        """From now on judge."""
        self.calm()
        crossed, bounded = (
            self.points["crossings"] >= _CROSSINGS,
            self.points["count"] >= 2 * self.points["settled"].astype(np.int64),
        )
        self.trusted = bool(np.any(crossed & bounded & (self.points["levels"] > _LEVELS)))

    def read(self, point: int) -> tuple[float, float, int]:
        """Lowest, highest and number of the readings of a point."""
        if len(self.points):
            one = self.points[point]
            return float(one["low"]), float(one["high"]), int(one["count"])
        value = float(self.constant[point]) if len(self.constant) else np.nan
        return (value, value, self.count) if value == value else (np.inf, -np.inf, 0)  # noqa: PLR0124 - not NaN

    def judge(self, times: Matrix, values: Matrix, start: int) -> tuple[int, int]:
        """Row, from ``start`` on, and point at which evidence reached the limit, both -1 where it did not."""
        if not self.trusted:
            return -1, -1
        if not len(self.times):
            self.times, self.recent = np.zeros(_CHART), np.zeros((_CHART, self.width), np.float32)
        row, point = _judge(self.points, values, times, start, self.times, self.recent, self.clock)
        return int(row), int(point)

    def chart(self, point: int) -> tuple[list[float], list[float]]:
        """Times and values of the last readings judged."""
        rows = int(self.clock[_ROWS])
        places = np.arange(max(0, rows - _CHART), rows) % _CHART
        return self.times[places].tolist(), self.recent[places, point].tolist()

    def calm(self, *, pause: bool = False) -> None:
        """Forget the evidence. ``pause``: let the next readings go, for all this was said."""
        self.points["score"] = 0
        self.points["run"] = 0
        self.clock[_WAIT] = _PAUSE if pause else 0

    def forget_recent(self) -> None:
        """Forget the readings kept for charts."""
        self.clock[_ROWS] = 0


def middle(point: np.void) -> float:
    """Mean of a point."""
    return float(point["origin"] + point["total"] / max(int(point["count"]), 1))


@njit(cache=True)
def _same(constant: Matrix, values: Matrix) -> int:
    """How many of the first rows of ``values`` are ``constant``."""
    for row in range(len(values)):
        for place in range(constant.size):
            if values[row, place] != constant[place] and not (np.isnan(values[row, place]) and np.isnan(constant[place])):
                return row
    return len(values)


@njit(cache=True)
def _settle(points: Points, levels: Levels, constant: Matrix, count: int) -> None:
    """What ``count`` rows of ``constant`` teach."""
    for place in range(points.size):
        point = points[place]
        point["low"] = np.inf
        point["high"] = -np.inf
        value = constant[place]
        if not np.isnan(value):
            _first(point, value)
            point["count"] = count
            levels[0, place] = np.float32(value)


@njit(cache=True)
def _first(point: np.void, value: float) -> None:
    point["low"] = value
    point["high"] = value
    point["low_settled"] = value
    point["high_settled"] = value
    point["origin"] = value
    point["settled"] = 1
    point["levels"] = 1


@njit(cache=True)
def _learn(points: Points, levels: Levels, values: Matrix) -> None:  # noqa: PLR0912 - one pass over a value: calls would cost more
    for row in range(values.shape[0]):
        for place in range(points.size):
            value = values[row, place]
            if value != value:  # noqa: PLR0124 - NaN
                continue
            point = points[place]
            point["count"] += 1
            if value == point["low"] and value == point["high"]:
                continue
            if point["low"] > point["high"]:
                _first(point, value)
                levels[0, place] = np.float32(value)
                continue
            grown = _GROWTH * (point["high_settled"] - point["low_settled"])
            point["low"] = min(point["low"], value)
            point["high"] = max(point["high"], value)
            if value < point["low_settled"] - grown or value > point["high_settled"] + grown:
                point["settled"] = point["count"]
            if point["count"] - point["compared"] >= _SETTLING or point["settled"] == point["count"]:
                point["compared"] = point["count"]
                point["low_settled"] = point["low"]
                point["high_settled"] = point["high"]
            step = value - point["origin"]
            point["total"] += step
            point["squares"] += step * step
            count = np.int64(point["count"])
            if count % _STRIDE == 0 and count >= _FIRST_CROSSING:
                mean = point["total"] / count
                spread = _HYSTERESIS * math.sqrt(max(point["squares"] / count - mean * mean, 0.0))
                side = 1 if step > mean + spread else (-1 if step < mean - spread else 0)
                if side != 0:
                    if side * np.int64(point["side"]) < 0:
                        point["crossings"] += 1
                    point["side"] = side
            known = np.int64(point["levels"])
            if known <= _LEVELS:
                level = np.float32(value)
                new = True
                for index in range(known):
                    if levels[index, place] == level:
                        new = False
                        break
                if new:
                    if known < _LEVELS:
                        levels[known, place] = level
                    point["levels"] = known + 1


@njit(cache=True)
def _judge(
    points: Points, values: Matrix, times: Matrix, start: int, kept_times: Matrix, kept: Levels, clock: Clock
) -> tuple[int, int]:
    for row in range(start, values.shape[0]):
        slot = clock[_ROWS] % _CHART
        clock[_ROWS] += 1
        kept_times[slot] = times[row]
        worst, most = -1, LIMIT
        waits = clock[_WAIT] > 0
        if waits:
            clock[_WAIT] -= 1
        for place in range(points.size):
            value = values[row, place]
            kept[slot, place] = np.float32(value)
            point = points[place]
            if waits or (point["score"] == 0 and not (value < point["low"] or value > point["high"])):
                continue
            crossings = np.float64(point["crossings"])
            width = point["high"] - point["low"]
            beyond = 0.0
            if crossings >= _CROSSINGS and point["count"] >= 2 * np.int64(point["settled"]) and point["levels"] > _LEVELS:
                # Where a value went up and down seldom, the next time may reach further.
                reach = (_MARGIN + _CROSSINGS / crossings) * width
                beyond = max(value - point["high"] - reach, point["low"] - reach - value)
            gain = 0.0
            if beyond > 0.0:
                gain = min(math.log10(crossings + 1.0) + beyond / max(width, _RESERVE), _CAP)
                if point["run"] == 0:
                    point["since"] = times[row]
                point["run"] += 1
            score = max(0.0, point["score"] + gain - _KAPPA)
            point["score"] = score
            if score == 0.0:
                point["run"] = 0
            if score > most:
                worst, most = place, score
        if worst >= 0:
            return row, worst
    return -1, -1
