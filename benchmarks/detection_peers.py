"""The peers: a quantile box, principal components (PyOD) and half-space trees (river), on the product's own windows of ten seconds.

Each learns from the windows before the end of learning alone: a model for each device that was heard in enough of them, and one of
all devices together for the others. A window is judged by its excess: how far its score lies above the threshold that the learning
windows gave, 0 at the threshold. Alarms of a device within five minutes of each other are one, as the product's own are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from detection_score import Alarm, Attack, episodes, judge

Matrix = NDArray[np.float64]
ENOUGH = 60
"""Windows from which on a device has a model of its own."""
POOLED = 20
"""Windows of all devices together from which on there is a model at all."""
QUANTILE = 0.999
"""Share of the learning windows that lie below a score's threshold; the box leaves out as much on either side of each metric."""
_FLOOR = 0.25
"""Least width of a range, in log units, so that a metric that never moved does not make every change endless."""
_NOISE = 0.05
"""Standard deviation, in log units, of what is added for principal components."""
_SEED = 1


class Window(Protocol):
    """A window of features: ``subjects`` are device ids, one row of ``values`` each."""

    @property
    def start(self) -> float:
        """Epoch seconds."""
        ...

    @property
    def seconds(self) -> float:
        """Its length."""
        ...

    @property
    def subjects(self) -> tuple[str, ...]:
        """Devices heard in it."""
        ...

    @property
    def values(self) -> Matrix:
        """What each did."""
        ...


class Model(Protocol):
    """A peer that has learned: excess of each row."""

    def excess(self, rows: Matrix) -> Matrix:
        """How far the score of each row lies above the threshold."""
        ...


class Box:
    """Between the 0.1 and the 99.9 percentile of every metric. Excess: the farthest outside of any, in widths of its range."""

    def __init__(self, rows: Matrix) -> None:
        self.low = np.quantile(rows, 1 - QUANTILE, axis=0)
        self.high = np.quantile(rows, QUANTILE, axis=0)
        self.width = np.maximum(self.high - self.low, _FLOOR)

    def excess(self, rows: Matrix) -> Matrix:
        """See the class."""
        outside: Matrix = np.maximum((rows - self.high) / self.width, (self.low - rows) / self.width)
        farthest: Matrix = outside.max(axis=1)
        return farthest


class Pca:
    """PyOD's PCA (Shyu 2003) with its defaults. Excess: the logarithm of score over threshold.

    Metrics that never moved have no variance, by which the score would be divided: a little noise is added to what it learns from,
    not to what it judges.
    """

    def __init__(self, rows: Matrix) -> None:
        from pyod.models.pca import PCA  # noqa: PLC0415 - a peer loads when it runs

        noise = np.random.default_rng(_SEED).normal(0.0, _NOISE, rows.shape)
        self.model = PCA(random_state=_SEED).fit(rows + noise)
        scores = self._scores(rows)
        self.threshold = max(float(np.quantile(scores, QUANTILE)), 1e-9)

    def _scores(self, rows: Matrix) -> Matrix:
        scores: Matrix = np.maximum(np.nan_to_num(self.model.decision_function(rows)), 1e-12)
        return scores

    def excess(self, rows: Matrix) -> Matrix:
        """See the class."""
        logs: Matrix = np.log(self._scores(rows) / self.threshold)
        return logs


class Trees:
    """river's half-space trees (Tan 2011): 10 of height 8, fed the learning windows once. Excess: difference of scores (0 to 1)."""

    def __init__(self, rows: Matrix) -> None:
        from river.anomaly import HalfSpaceTrees  # noqa: PLC0415 - a peer loads when it runs

        self.low, self.high = rows.min(axis=0), rows.max(axis=0)
        size = min(250, max(len(rows) // 3, 10))
        model: Any = HalfSpaceTrees(n_trees=10, height=8, window_size=size, seed=_SEED)
        self.model = model
        points = self._points(rows)
        for point in points:
            model.learn_one(point)
        scores = [model.score_one(point) for point in points[-20 * size :]]
        self.threshold = float(np.quantile(scores, QUANTILE))

    def _points(self, rows: Matrix) -> list[dict[int, float]]:
        # The trees cut the unit cube: learned values take its middle half, so that there is room outside them.
        scaled = np.clip(0.25 + 0.5 * (rows - self.low) / np.maximum(self.high - self.low, _FLOOR), 0.0, 1.0)
        return [dict(enumerate(row)) for row in scaled.tolist()]

    def excess(self, rows: Matrix) -> Matrix:
        """See the class."""
        return np.array([self.model.score_one(point) for point in self._points(rows)]) - self.threshold


PEERS: dict[str, type[Box | Pca | Trees]] = {
    "quantile box": Box,
    "PCA (PyOD)": Pca,
    "half-space trees (river)": Trees,
}


class Scored(NamedTuple):
    """A judged window of one device: its end in epoch seconds, whose it is, and its excess."""

    time: float
    device: str
    excess: float


@dataclass(frozen=True, slots=True)
class Table:
    """Windows of one stage as rows: end (epoch seconds), device, and the logarithms of the metrics."""

    ends: Matrix
    starts: Matrix
    devices: NDArray[np.str_]
    values: Matrix

    @classmethod
    def of(cls, windows: Iterable[Window]) -> Table:
        """From windows of features."""
        chosen = [window for window in windows if window.subjects]
        if not chosen:
            return cls(np.zeros(0), np.zeros(0), np.zeros(0, str), np.zeros((0, 1)))
        counts = [len(window.subjects) for window in chosen]
        values = np.nan_to_num(np.concatenate([window.values for window in chosen]))
        return cls(
            np.repeat([window.start + window.seconds for window in chosen], counts),
            np.repeat([window.start for window in chosen], counts),
            np.array([subject for window in chosen for subject in window.subjects]),
            np.sign(values) * np.log1p(np.abs(values)),
        )


def score(kind: type[Box | Pca | Trees], table: Table, learn_until: float) -> list[Scored]:
    """Every window behind ``learn_until`` as the peer judges it; none where there is nothing to learn from."""
    taught, judged = table.ends <= learn_until, table.starts >= learn_until
    if taught.sum() < POOLED or not judged.any():
        return []
    pooled: Model | None = None
    scored: list[Scored] = []
    for device in np.unique(table.devices[judged]).tolist():
        own = table.values[taught & (table.devices == device)]
        if len(own) >= ENOUGH:
            model: Model = kind(own)
        else:
            pooled = pooled or kind(table.values[taught])
            model = pooled
        chosen = judged & (table.devices == device)
        excess = model.excess(table.values[chosen])
        scored += [Scored(end, device, value) for end, value in zip(table.ends[chosen].tolist(), excess.tolist(), strict=True)]
    return scored


def alarms(scored: Sequence[Scored], threshold: float) -> list[Alarm]:
    """Windows whose excess is over ``threshold``."""
    return [Alarm(item.time, frozenset({item.device}), "") for item in scored if item.excess > threshold]


def false_alarms(scored: Sequence[Scored], threshold: float) -> int:
    """Alarms of benign windows, those of a device that follow each other counted once."""
    times: dict[str, list[float]] = {}
    for item in scored:
        if item.excess > threshold:
            times.setdefault(item.device, []).append(item.time)
    return sum(len(episodes(found)) for found in times.values())


def threshold_for(stages: Sequence[Sequence[Scored]], most: int) -> float:
    """The lowest threshold at which benign stages give no more than ``most`` false alarms."""
    values = np.unique([item.excess for stage in stages for item in stage if item.excess > 0])
    if not len(values) or _total(stages, 0.0) <= most:
        return 0.0
    low, high = 0, len(values) - 1  # at the largest value nothing is over the threshold
    while low < high:
        middle = (low + high) // 2
        if _total(stages, float(values[middle])) <= most:
            high = middle
        else:
            low = middle + 1
    return float(values[low])


def _total(stages: Sequence[Sequence[Scored]], threshold: float) -> int:
    return sum(false_alarms(stage, threshold) for stage in stages)


@dataclass(frozen=True, slots=True)
class Found:
    """Of how many attacks, how many were found, and how many left out because their parties were alarming before."""

    attacks: int
    found: int
    excluded: int


def found(stages: Sequence[tuple[Sequence[Attack], Sequence[Scored]]], threshold: float) -> Found:
    """What a peer finds of the attacks of several stages."""
    verdicts = [verdict for attacks, scored in stages for verdict in judge(attacks, alarms(scored, threshold))]
    return Found(len(verdicts), sum(verdict.found for verdict in verdicts), sum(verdict.excluded for verdict in verdicts))
