"""The values of one device side by side: at a steady beat, the last known value of each point.

Points of a device are read by different messages at different moments. The slowest kind of message that keeps a pace beats the
time: with it comes a row of what is known, in which every other point was read at least once since the row before.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numba import njit
from numpy.typing import NDArray

from hauberk.detect.values.limits import MOST_KINDS, MOST_POINTS
from hauberk.detect.values.points import Matrix, Run

_TO_BEAT = 32
"""Messages of a device from which its beat is told."""
_TO_PACE = 4
"""Messages of a kind that keeps a pace."""
_STALE = 5.0
"""Beats, or longest silences while learned, after which the last known value is no longer known."""
_LEAST_BEAT = 1.0
_TIME, _SILENCE, _SEEN = 0, 1, 2

Places = NDArray[np.int64]


@dataclass(slots=True)
class Kind:
    """The last message of a kind: its points from column ``start``, and their values ``last``. ``clock``: its time, the longest
    time without one while learned, and whether there was one in this stream. ``begun``: the time of the first, ``count``: how many
    until the beat was known."""

    start: int
    last: Matrix
    begun: float
    clock: Matrix = field(default_factory=lambda: np.zeros(3))
    count: int = 0


@dataclass(slots=True)
class Frames:
    """Last known values of one device. ``names``: of the columns. ``beat``: the kind that beats the time, empty until it is known,
    and ``every`` how many of its messages make a beat, of ``period`` seconds. ``count``: messages towards the next beat, or towards
    knowing the beat."""

    kinds: dict[str, Kind] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    beat: str = ""
    every: int = 1
    period: float = 0.0
    count: int = 0

    def begin_stream(self) -> None:
        """What was last known is not known any more."""
        for kind in self.kinds.values():
            kind.clock[_SEEN] = 0.0
        self.count = 0

    def take(self, runs: list[Run], *, learning: bool) -> tuple[Matrix, Matrix]:
        """Take runs in; times and rows (beats, points) of the beats in them, NaN for what is not known."""
        known = [(run, kind) for run in runs if not run.written and (kind := self._kind(run, learning=learning)) is not None]
        starts = [0] * len(known)
        if not self.beat and learning:
            starts = self._listen(known, learning=learning)
        times, places = np.zeros(0), np.zeros(0, np.int64)
        for (run, _), start in zip(known, starts, strict=True):
            if run.key == self.beat:
                count = len(run.rows) - start
                beats = np.arange(start + self.every - self.count - 1, len(run.rows), self.every)
                self.count = (self.count + count) % self.every
                times, places = run.moments[beats], run.order[beats]
        rows = np.full((len(times), len(self.names)), np.nan)
        quiet = {kind.start: kind for kind in self.kinds.values()} if len(times) else {}
        for (run, kind), start in zip(known, starts, strict=True):
            quiet.pop(kind.start, None)
            _fill(
                kind.last,
                kind.clock,
                run.moments,
                run.order,
                run.numbers,
                start,
                times,
                places,
                rows,
                kind.start,
                self.period,
                learning,
            )
        for kind in quiet.values():
            _fill(kind.last, kind.clock, _NONE, _NOWHERE, _NO_ROWS, 0, times, places, rows, kind.start, self.period, learning)
        return times, rows

    def _kind(self, run: Run, *, learning: bool) -> Kind | None:
        kind = self.kinds.get(run.key)
        if kind is None:
            if not learning or len(self.names) + len(run.names) > MOST_POINTS or len(self.kinds) >= MOST_KINDS:
                return None
            kind = self.kinds[run.key] = Kind(len(self.names), np.full(len(run.names), np.nan), run.times[0])
            self.names.extend(run.names)
        return kind if len(kind.last) == len(run.names) else None

    def _listen(self, known: list[tuple[Run, Kind]], *, learning: bool) -> list[int]:
        """Choose the beat, once enough was heard; how many rows of each run were spent on that."""
        starts = [0] * len(known)
        merged = sorted((place, number) for number, (run, _) in enumerate(known) for place in run.places)
        for _, number in merged:
            run, kind = known[number]
            place = starts[number]
            _fill(
                kind.last,
                kind.clock,
                run.moments[: place + 1],
                run.order,
                run.numbers,
                place,
                _NONE,
                _NOWHERE,
                _NO_ROWS,
                0,
                0.0,
                learning,
            )
            starts[number] = place + 1
            kind.count += 1
            self.count += 1
            if self.count >= _TO_BEAT and self.count >= _TO_PACE * len(self._heard()) and self._choose():
                break
        return starts

    def _heard(self) -> dict[str, Kind]:
        return {key: kind for key, kind in self.kinds.items() if kind.count}

    def _choose(self) -> bool:
        self.count = 0
        heard = self._heard()
        paces = {
            key: (float(kind.clock[_TIME]) - kind.begun) / (kind.count - 1) for key, kind in heard.items() if kind.count >= _TO_PACE
        }
        if paces:
            self.beat = max(paces, key=lambda key: paces[key])
            pace = max(paces[self.beat], 1e-3)
            self.every = max(1, round(_LEAST_BEAT / pace))
            self.period = self.every * pace
        return bool(paces)


_NONE, _NOWHERE, _NO_ROWS = np.zeros(0), np.zeros(0, np.int64), np.zeros((0, 0))
_NO_MESSAGE = _NONE, _NOWHERE, _NO_ROWS, 0


@njit(cache=True)
def _fill(  # noqa: PLR0913, PLR0917 - the arrays of a kind: compiled code takes arrays, not objects
    last: Matrix,
    clock: Matrix,
    moments: Matrix,
    order: Places,
    numbers: Matrix,
    start: int,
    times: Matrix,
    places: Places,
    rows: Matrix,
    column: int,
    period: float,
    learning: bool,  # noqa: FBT001 - compiled code is called by position
) -> None:
    """Take messages of a kind from row ``start`` on, and write into ``rows`` what of it is known at each beat."""
    row = start
    for beat in range(times.size + 1):
        while row < moments.size and (beat == times.size or order[row] <= places[beat]):
            if learning and clock[_SEEN] > 0.0:
                clock[_SILENCE] = max(clock[_SILENCE], moments[row] - clock[_TIME])
            clock[_TIME] = moments[row]
            clock[_SEEN] = 1.0
            for place in range(last.size):
                last[place] = numbers[row, place]
            row += 1
        if beat < times.size and clock[_SEEN] > 0.0 and abs(times[beat] - clock[_TIME]) <= _STALE * max(period, clock[_SILENCE]):
            for place in range(last.size):
                rows[beat, column + place] = last[place]
