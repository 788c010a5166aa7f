"""What the values of one device have to do with each other: the model behind ``value_relation_broken``.

While learning, each of the liveliest points is explained linearly by the others (ridge regression), in two ways: its level by their
levels, and its change by the levels and changes, which for a tank is the balance of what flows in and out. The first part of what
is learned fits a model, the rest calibrates it on rows it has not seen (split conformal, Vovk 2005): what it cannot explain there
is left alone. Judging adds up what a model cannot explain, with its sign (CUSUM, Page 1954), against twice the largest sum
while calibrating. A slow lie adds up; one odd value does not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from hauberk.detect.values.points import Matrix

MOST_RELATED = 16
"""Points of one device that are related with each other: the liveliest."""

WARM = 256
"""Rows from which the points that move are told."""
_FIRST_FIT = 64
_LEAST_MOVES = 4
_PRESENT = 0.9
_STRIDE = 4
_HYSTERESIS = 0.25
_LEAST_CALIBRATION = 128
_RIDGE = 1e-3
_FLOOR = 0.02
_SLACK = 0.75
_CAP = 4.0
_LEAST_LIMIT = 15.0
_MOST_SUM = 1.5
_STEADIEST = 60.0
_EXPLAINED_LEVEL, _EXPLAINED_CHANGE = 0.8, 0.5
_CROSSINGS = 12

Whole = NDArray[np.int64]
Singles = NDArray[np.float32]


@dataclass(slots=True)
class Fit:
    """Linear models: row ``i`` of ``weights`` (2 P, 1 + 2 P) gives from one feature row the residual of point ``i``'s level, row
    ``P + i`` of its change. ``scale``: of the residuals. ``count``, ``errors``, ``targets``, ``sums``: rows of calibration,
    and sums over them of squared residuals, squared targets and targets; ``crossings``: how often the point of each crossed its
    mean, ``side``: where it is. ``up``, ``down``, ``most``: running sums of residuals and the largest so far. ``at``: how
    many rows it was fitted to. ``told``: which were said to be broken and still
    are. ``limit``: sums that mean broken, ``models``: which models these are, once only the trusted ones are kept."""

    weights: Singles
    scale: Singles
    at: int
    count: int = 0
    errors: Singles = field(default_factory=lambda: np.zeros(0, np.float32))
    targets: Singles = field(default_factory=lambda: np.zeros(0, np.float32))
    sums: Singles = field(default_factory=lambda: np.zeros(0, np.float32))
    up: Singles = field(default_factory=lambda: np.zeros(0, np.float32))
    down: Singles = field(default_factory=lambda: np.zeros(0, np.float32))
    most: Singles = field(default_factory=lambda: np.zeros(0, np.float32))
    crossings: Singles = field(default_factory=lambda: np.zeros(0, np.float32))
    side: Singles = field(default_factory=lambda: np.zeros(0, np.float32))

    limit: Singles = field(default_factory=lambda: np.zeros(0, np.float32))
    told: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))
    models: Whole = field(default_factory=lambda: np.zeros(0, np.int64))

    def __post_init__(self) -> None:
        if not len(self.told):
            self.told = np.zeros(len(self.scale), np.bool_)
        if not len(self.models):
            self.models = np.arange(len(self.scale))
        for name in ("errors", "targets", "sums", "up", "down", "most", "crossings", "side"):
            if not len(getattr(self, name)):
                setattr(self, name, np.zeros(len(self.scale), np.float32))

    def residuals(self, features: Matrix) -> tuple[Matrix, Matrix]:
        """What the models cannot explain, in units of ``scale``, and its running sums, both (rows, 2 P)."""
        unexplained, sums = _deviations(features, self.weights, self.scale, self.up, self.down)
        return unexplained, sums

    def calibrate(self, features: Matrix) -> None:
        """Learn from rows the fit has not seen how well it explains."""
        unexplained, sums = self.residuals(features)
        self.count += len(features)
        _calibrate(
            *(features, unexplained, sums, self.models, self.scale),
            *(self.errors, self.targets, self.sums, self.most, self.crossings, self.side),
        )

    def trusted(self) -> NDArray[np.bool_]:
        """Which models explained what they had not seen."""
        half = self.weights.shape[1] // 2
        variance = self.targets - self.sums**2 / max(self.count, 1)
        explained = 1.0 - self.errors / np.maximum(variance, 1e-12)
        least = np.where(self.models < half, _EXPLAINED_LEVEL, _EXPLAINED_CHANGE)
        enough = self.count >= _LEAST_CALIBRATION
        result: NDArray[np.bool_] = enough & (explained >= least) & (self.most <= _STEADIEST) & (self.crossings >= _CROSSINGS)
        return result

    def limits(self) -> Singles:
        """Sums that mean a broken relation."""
        limits: Singles = np.maximum(_LEAST_LIMIT, 2.0 * self.most + _LEAST_LIMIT / 2).astype(np.float32)
        return limits

    def judging(self) -> Fit | None:
        """The trusted models alone, with their sums at zero; None where there is none."""
        kept = np.flatnonzero(self.trusted())
        if not len(kept):
            return None
        fit = Fit(self.weights[kept], self.scale[kept], self.at, self.count, models=self.models[kept])
        for name in ("errors", "targets", "sums", "most", "crossings", "side"):
            setattr(fit, name, getattr(self, name)[kept])
        fit.limit = self.limits()[kept]
        return fit


class Broken(NamedTuple):
    """A relation that no longer holds: the row, the model (a point's level, or number of points + point for its change), its
    residual there in units of its scale, their running sum, and the point's level in its scale."""

    row: int
    model: int
    residual: float
    total: float
    level: float


@dataclass(slots=True)
class Relations:
    """Relations of one device's points. ``points``: columns of those related; ``middle``, ``scale``: what makes them comparable.
    ``warm``: rows before the points are chosen, by ``moves``: how often each changed, was known, and sums of its values and
    squares. ``step``: the smallest change of each, its
    resolution. ``moments``: sums of products of features, those of the upper triangle. ``last``: the previous row."""

    most: int = MOST_RELATED
    warm: int = WARM
    moves: Matrix = field(default_factory=lambda: np.zeros((4, 0)))
    points: Whole = field(default_factory=lambda: np.zeros(0, np.int64))
    middle: Matrix = field(default_factory=lambda: np.zeros(0))
    scale: Matrix = field(default_factory=lambda: np.zeros(0))
    step: Matrix = field(default_factory=lambda: np.zeros(0))
    moments: Matrix = field(default_factory=lambda: np.zeros(0))
    count: int = 0
    refit: int = _FIRST_FIT
    last: Matrix = field(default_factory=lambda: np.full((1, 0), np.nan))
    fit: Fit | None = None
    next: Fit | None = None

    def learn(self, rows: Matrix) -> None:
        """Take rows of last known values (rows, points) in."""
        if len(self.points):
            self._take(rows)
            return
        width = rows.shape[1]
        self.moves = np.pad(self.moves, ((0, 0), (0, width - self.moves.shape[1])))
        joined = np.concatenate([np.pad(self.last, ((0, 0), (0, width - self.last.shape[1])), constant_values=np.nan), rows])
        self.last = rows[-1:]
        there = ~np.isnan(rows)
        filled = np.where(there, rows, 0.0)
        with np.errstate(invalid="ignore"):
            changed = np.abs(np.diff(joined, axis=0)) > 0
        self.moves += [changed.sum(0), there.sum(0), filled.sum(0), (filled**2).sum(0)]
        self.count += len(rows)
        if self.count >= self.warm:
            self._choose()

    def _choose(self) -> None:
        """Choose the points that moved most often; where none did, listen on."""
        moves, there, total, squares = self.moves
        order = np.argsort(-moves, kind="stable")[: self.most]
        points = np.sort(order[(moves[order] >= _LEAST_MOVES) & (there[order] >= _PRESENT * self.warm)])
        self.count = 0
        self.moves = np.zeros_like(self.moves)
        if len(points) < 2:
            return
        self.points = points
        mean = total[points] / there[points]
        self.middle, self.scale = mean, np.sqrt(np.maximum(squares[points] / there[points] - mean**2, 1e-18 + 1e-12 * mean**2))
        size = 1 + 2 * len(points)
        self.moments = np.zeros(size * (size + 1) // 2)
        self.moves = np.zeros((4, 0))
        self.step = np.full(len(points), np.inf)
        self.last = np.full((1, len(points)), np.nan)

    def _features(self, rows: Matrix) -> tuple[NDArray[np.int64], Matrix]:
        """Which rows can be judged, and for each 1, the levels and the levels before."""
        return _features(rows, self.points, self.middle, self.scale, self.last)

    def _take(self, rows: Matrix) -> None:
        features = self._features(rows)[1]
        if not len(features):
            return
        for fit in (self.fit, self.next):
            if fit is not None:
                fit.calibrate(features)
        self._promote()
        _resolve(features, self.step)
        self.moments += (features.T @ features)[_upper(features.shape[1])]
        self.count += len(features)
        if self.count >= self.refit:
            self.refit = 2 * self.count
            self.next = self._fit()

    def _promote(self) -> None:
        if self.next is not None and (self.fit is None or self.next.count >= self.next.at // 2):
            self.fit, self.next = self.next, None

    def _fit(self) -> Fit:
        number, moments = len(self.points), self._square() / self.count
        weights = np.zeros((2 * number, 1 + 2 * number))
        for point in range(number):
            now, before = 1 + point, 1 + number + point
            others = [0, *(1 + other for other in range(number) if other != point)]
            weights[point, now] = 1.0
            weights[point, others] = -_solve(moments[np.ix_(others, others)], moments[others, now])
            # Its own level before stands among the causes: what flows out depends on how full it is.
            causes = [*others, *range(1 + number, 1 + 2 * number)]
            weights[number + point, [now, before]] = 1.0, -1.0
            weights[number + point, causes] -= _solve(
                moments[np.ix_(causes, causes)], moments[causes, now] - moments[causes, before]
            )
        variance = np.einsum("ij,jk,ik->i", weights, moments, weights)
        scale = np.maximum(np.sqrt(np.maximum(variance, 0.0)), self._floor())
        return Fit(weights.astype(np.float32), scale.astype(np.float32), self.count)

    def _square(self) -> Matrix:
        """``moments`` as a symmetric matrix."""
        size = 1 + 2 * len(self.points)
        square = np.zeros((size, size))
        square[_upper(size)] = self.moments
        return square + np.triu(square, 1).T

    def _floor(self) -> Matrix:
        number, moments = len(self.points), self._square() / self.count
        now, before = np.arange(1, 1 + number), np.arange(1 + number, 1 + 2 * number)
        change = moments[now, now] + moments[before, before] - 2 * moments[now, before]
        floor: Matrix = np.maximum(_FLOOR * np.sqrt(np.maximum(np.concatenate([moments[now, now], change]), 0.0)), 1e-9)
        # What is rounded to a step deviates by a twelfth of its square, whatever the relation.
        step = np.where(np.isfinite(self.step), self.step, 0.0) / np.sqrt(12)
        coarse: Matrix = np.maximum(floor, np.concatenate([step, np.sqrt(2) * step]))
        return coarse

    def begin(self) -> None:
        """From now on judge: keep only what that, and learning more later, needs."""
        self._promote()
        self.next = None
        self.fit = self.fit.judging() if self.fit is not None else None
        self.last = np.full((1, len(self.points)), np.nan) if len(self.points) else self.last

    def resume(self) -> None:
        """From now on learn again: what was learned before stands for what comes to it."""
        if len(self.points) and self.count >= _FIRST_FIT:
            self.refit = 2 * self.count
            self.next = self._fit()

    def calm(self) -> None:
        """Forget the last row and the deviations so far."""
        self.last = np.full(self.last.shape, np.nan)
        if self.fit is not None:
            self.fit.up, self.fit.down = np.zeros_like(self.fit.up), np.zeros_like(self.fit.down)
            self.fit.told = np.zeros_like(self.fit.told)

    def judge(self, rows: Matrix) -> Broken | None:
        """The first relation in ``rows`` that no longer holds; those that break in the same rows are counted as said with it."""
        fit = self.fit
        if fit is None or rows.shape[1] <= self.points[-1]:
            return None
        places, features = self._features(rows)
        if not len(features):
            return None
        residuals, sums = fit.residuals(features)
        excess = sums / fit.limit
        broken = (excess > 1.0) & ~fit.told
        fit.told = (fit.told | broken.any(0)) & (sums[-1] > 0)
        # What stays broken is said once, and must be able to end.
        fit.up, fit.down = np.minimum(fit.up, _MOST_SUM * fit.limit), np.minimum(fit.down, _MOST_SUM * fit.limit)
        if not broken.any():
            return None
        row = int(np.argmax(broken.any(1)))
        model = int(np.argmax(np.where(broken[row], excess[row], 0.0)))
        level = float(features[row, 1 + int(fit.models[model]) % len(self.points)])
        return Broken(int(places[row]), model, float(residuals[row, model]), float(sums[row, model]), level)


@njit(cache=True)
def _deviations(features: Matrix, weights: Singles, scale: Singles, up: Singles, down: Singles) -> tuple[Matrix, Matrix]:
    """What linear models leave unexplained, in units of ``scale``, and its running sums, (rows, models); ``up``, ``down`` go on."""
    count, size = features.shape[0], features.shape[1]
    unexplained, sums = np.empty((count, scale.size)), np.empty((count, scale.size))
    for model in range(scale.size):
        above, below, unit = float(up[model]), float(down[model]), float(scale[model])
        for row in range(count):
            total = 0.0
            for feature in range(size):
                total += features[row, feature] * weights[model, feature]
            deviation = total / unit
            clipped = min(max(deviation, -_CAP), _CAP)
            above, below = max(0.0, above + clipped - _SLACK), max(0.0, below - clipped - _SLACK)
            unexplained[row, model] = deviation
            sums[row, model] = max(above, below)
        up[model] = above
        down[model] = below
    return unexplained, sums


@njit(cache=True)
def _calibrate(  # noqa: PLR0913, PLR0917 - the arrays of a fit: compiled code takes arrays, not objects
    features: Matrix,
    unexplained: Matrix,
    running: Matrix,
    models: Whole,
    scale: Singles,
    errors: Singles,
    targets: Singles,
    sums: Singles,
    most: Singles,
    crossings: Singles,
    side: Singles,
) -> None:
    """Add up what tells how well each model explains; a crossing is counted in every fourth row."""
    half = features.shape[1] // 2
    for model in range(models.size):
        point = models[model] % half
        for row in range(features.shape[0]):
            level = features[row, 1 + point]
            target = level if models[model] < half else level - features[row, 1 + half + point]
            errors[model] += (unexplained[row, model] * scale[model]) ** 2
            targets[model] += target * target
            sums[model] += target
            most[model] = max(np.float64(most[model]), running[row, model])
            if row % _STRIDE == 0:
                now = 1.0 if level > _HYSTERESIS else (-1.0 if level < -_HYSTERESIS else 0.0)
                if now != 0.0:
                    crossings[model] += now * side[model] < 0.0
                    side[model] = now


@njit(cache=True)
def _features(rows: Matrix, points: Whole, middle: Matrix, scale: Matrix, last: Matrix) -> tuple[Whole, Matrix]:
    """Which rows can be judged, and for each 1, the levels and the levels before; ``last`` (1, points) becomes the last levels."""
    size = points.size
    places, features = np.empty(rows.shape[0], np.int64), np.empty((rows.shape[0], 1 + 2 * size))
    used = 0
    for row in range(rows.shape[0]):
        whole = True
        features[used, 0] = 1.0
        for place in range(size):
            # What lies a thousand spreads away would make the sums useless.
            now = min(max((rows[row, points[place]] - middle[place]) / scale[place], -1e3), 1e3)
            if np.isnan(rows[row, points[place]]):
                now = np.nan
            before = last[0, place]
            whole = whole and not (np.isnan(now) or np.isnan(before))
            features[used, 1 + place] = now
            features[used, 1 + size + place] = before
            last[0, place] = now
        if whole:
            places[used] = row
            used += 1
    return places[:used], features[:used]


@njit(cache=True)
def _resolve(features: Matrix, step: Matrix) -> None:
    """Bring the smallest change of each point up to date."""
    for row in range(features.shape[0]):
        for place in range(step.size):
            change = abs(features[row, 1 + place] - features[row, 1 + step.size + place])
            if 0.0 < change < step[place]:
                step[place] = change


@cache
def _upper(size: int) -> tuple[Whole, Whole]:
    """Where the upper triangle of a square is."""
    rows, columns = np.triu_indices(size)
    return rows, columns


def _solve(square: Matrix, right: Matrix) -> Matrix:
    ridge = _RIDGE * np.maximum(np.diag(square), 1e-6)
    return np.asarray(np.linalg.solve(square + np.diag(ridge), right), np.float64)
