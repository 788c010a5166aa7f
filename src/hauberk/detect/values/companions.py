"""The relations of a device at work on its samples, and what is said when one breaks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hauberk.detect.values.alarm import Alarm, series, shown
from hauberk.detect.values.frames import Frames
from hauberk.detect.values.limits import MOST_DEVICES
from hauberk.detect.values.phase import Phase
from hauberk.detect.values.points import Matrix, Run
from hauberk.detect.values.relations import MOST_RELATED, Broken, Relations
from hauberk.model.finding import Band, Evidence, Severity

_TRACK = 24
_NAMED = 3
_BATCH = 16
"""Beats worked through at once, and beats whose mean makes a row of the slow relations."""
_SLOW_WARM = 32
_PATIENCE = 30.0
"""Seconds that beats wait at most to be judged."""


@dataclass(slots=True)
class Companions:
    """Values of one device that go together: ``quick`` from beat to beat, ``slow`` in means of 16 beats, where noise averages out
    and a slow lie does not. ``times``, ``rows``: beats that wait to be worked through, ``enough`` at once. ``part``: rows of
    the mean that is not yet complete. ``track_times``, ``track``: the last rows of all points, for the chart."""

    holder: str
    quick: Relations = field(default_factory=Relations)
    slow: Relations = field(default_factory=lambda: Relations(warm=_SLOW_WARM))
    frames: Frames = field(default_factory=Frames)
    times: Matrix = field(default_factory=lambda: np.zeros(0))
    rows: Matrix = field(default_factory=lambda: np.zeros((0, 0)))
    part: Matrix = field(default_factory=lambda: np.zeros((0, 0)))
    track_times: Matrix = field(default_factory=lambda: np.zeros(0))
    track: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    enough: int = _BATCH
    phase: Phase = field(default_factory=Phase)

    def learn(self, runs: list[Run]) -> None:
        """Take runs in; nothing from before what was judged."""
        judged = self.phase.judging
        if not self.phase.learns(runs):
            return
        if judged:
            self.begin_stream()
            self.quick.resume()
            self.slow.resume()
        for _, rows in self._beats(runs, _BATCH, learning=True):
            self.quick.learn(rows)
            self.slow.learn(rows.mean(0, keepdims=True))

    def begin_stream(self) -> None:
        """Forget rows and deviations that were about to be judged."""
        self.frames.begin_stream()
        for name in ("times", "track_times"):
            setattr(self, name, np.zeros(0))
        for name in ("rows", "part"):
            setattr(self, name, np.zeros((0, 0)))
        self.track = np.zeros((0, 0), np.float32)
        self.quick.calm()
        self.slow.calm()

    def judge(self, runs: list[Run]) -> list[Alarm]:
        """What is wrong in ``runs``."""
        if self.phase.turns(runs):
            self.enough = int(np.clip(_PATIENCE / max(self.frames.period, 1e-3), 1, _BATCH))
            self.times, self.rows = np.zeros(0), np.zeros((0, 0))
            self.quick.begin()
            self.slow.begin()
        if self.quick.fit is None and self.slow.fit is None:
            return []
        alarms: list[Alarm] = []
        for times, rows in self._beats(runs, self.enough, learning=False):
            self.track_times = np.concatenate([self.track_times, times])[-_TRACK:]
            single = rows.astype(np.float32)
            self.track = np.concatenate([self.track, single])[-_TRACK:] if len(self.track) else single
            alarms.extend(self._judge(times.tolist(), rows))
        return alarms

    def _beats(self, runs: list[Run], enough: int, *, learning: bool) -> Iterator[tuple[Matrix, Matrix]]:
        """Times and rows of beats, ``enough`` at once; others wait."""
        times, rows = self.frames.take(runs, learning=learning)
        if not len(times):
            return
        if len(self.times):
            width = rows.shape[1]
            waiting = np.pad(self.rows, ((0, 0), (0, width - self.rows.shape[1])), constant_values=np.nan)
            times, rows = np.concatenate([self.times, times]), np.concatenate([waiting, rows])
        whole = len(times) // enough * enough
        for begin in range(0, whole, enough):
            yield times[begin : begin + enough], rows[begin : begin + enough]
        self.times, self.rows = times[whole:].copy(), rows[whole:].copy()

    def _judge(self, times: list[float], rows: Matrix) -> Iterator[Alarm]:
        broken = self.quick.judge(rows)
        if broken is not None:
            yield self._alarm(times[broken.row], self.quick, broken)
        if self.slow.fit is None:
            return
        self.part = np.concatenate([self.part, rows]) if len(self.part) else rows
        while len(self.part) >= _BATCH:
            mean = self.part[:_BATCH].mean(0, keepdims=True)
            self.part = self.part[_BATCH:].copy()
            broken = self.slow.judge(mean)
            if broken is not None:
                yield self._alarm(times[-1], self.slow, broken)

    def _alarm(self, time: float, related: Relations, broken: Broken) -> Alarm:
        fit = related.fit
        assert fit is not None
        number, model = len(related.points), broken.model
        change, point = divmod(int(fit.models[model]), number)
        names = [self.frames.names[index] for index in related.points]
        weights = np.abs(fit.weights[model])
        pull = np.maximum(weights[1 : 1 + number], weights[1 + number :])
        pull[point] = 0.0
        companions = [names[index] for index in np.argsort(-pull, kind="stable")[:_NAMED] if pull[index] > 0]
        seen = float(related.middle[point] + related.scale[point] * broken.level)
        unit = float(related.scale[point] * fit.scale[model])
        expected = seen - broken.residual * unit
        summed, limit = broken.total, float(fit.limit[model])
        what = "changes otherwise than" if change else "is no longer what it was beside"
        reason = (
            f"{names[point]} of {self.holder} {what} {', '.join(companions)}: it is {shown(seen)} where {shown(expected)} fits,"
            f" and the deviations of the last readings add up to {summed:.1f} (limit {limit:.1f}, at most {fit.most[model]:.1f} in"
            f" {fit.count} rows while learned)."
        )
        column = related.points[point]
        chart = series(self.track_times.tolist(), self.track[:, column].tolist())
        evidence = Evidence(
            "value_against_companions",
            seen,
            usual=Band(expected - 2 * unit, expected, expected + 2 * unit),
            samples=fit.count,
            score=summed / limit * 6,
            series=chart,
        )
        first = min(self.track_times.tolist(), default=time)
        return Alarm(
            self.holder, (names[point], *companions), first, time, summed / limit * 6, Severity.MEDIUM, (reason,), (evidence,)
        )


def companions_of(devices: dict[str, Companions], holder: str, most: int = MOST_RELATED) -> Companions | None:
    """The companions of ``holder``, new where it has none; None where as many devices as possible are followed."""
    found = devices.get(holder)
    if found is None and len(devices) < MOST_DEVICES:
        found = devices[holder] = Companions(holder, Relations(most), Relations(most, _SLOW_WARM))
    return found
