"""What was ever written to each point, and whether a write is like it. Decided at the first message.

Three things make a write unlike the learned ones: it lies far outside of everything written and read; the point takes few values
(a mode, a switch) and this is not among them, while none of the known ones was seen only once (Good 1953: then the chance of a
new one is about nothing); or the point was never written and the value is far from every reading of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hauberk.model.transaction import Scalar

_MOST_LEVELS = 16
_MOST_MODES = 6
"""Distinct numbers up to which they are names of modes; more are amounts, of which there may be others in between."""
_LEAST_WRITES = 3
_LEAST_READINGS = 32
_LEAST_TURNS = 3
"""Rises and falls from which numbers go up and down, rather than begin anew once in a while as counters do."""
_SPREAD = 3
"""Times their range that numbers may spread which still did so while learned."""
_OFTEN = 16
_OFTEN_SWITCHED = 200
_EACH = 8
_GROWTH = 0.02
_NEAR, _SELDOM = 0.1, 0.25
"""Share of its magnitude by which a point that never varied may change, where it was written often and where it was not."""


@dataclass(slots=True)
class Written:
    """Values written to one point, ``count`` times. ``levels``: how often each, None as long as it was one number; ``more``: there
    were too many to tell, more than 6 numbers or 16 words. ``low``, ``high``: of the numbers; ``settled``: the count at which they
    last grew. ``last``: the number written last; ``rises``, ``falls``: how often one was above or below the one before."""

    count: int = 0
    levels: dict[Scalar, int] | None = None
    more: bool = False
    low: float = float("inf")
    high: float = float("-inf")
    settled: int = 0
    last: float = 0.0
    rises: int = 0
    falls: int = 0

    def learn(self, value: float | str, times: int = 1) -> None:
        """Take in that ``value`` was written so often."""
        if not self.count and not isinstance(value, str):
            self.low = self.high = self.last = value
            self.count, self.settled = times, 1
            return
        if self.levels is None and value == self.low:
            self.count += times
            return
        if self.levels is None:
            self.levels = dict(self.known())
        self.count += times
        if not self.more:
            self.levels[value] = self.levels.get(value, 0) + times
            if len(self.levels) > (_MOST_LEVELS if any(isinstance(level, str) for level in self.levels) else _MOST_MODES):
                self.more = True
                self.levels = {}
        if isinstance(value, str):
            return
        self.rises += value > self.last
        self.falls += value < self.last
        self.last = value
        grown = _GROWTH * max(self.high - self.low, 0.0)
        if value < self.low - grown or value > self.high + grown:
            self.settled = self.count - times + 1
        self.low, self.high = min(self.low, value), max(self.high, value)

    def known(self) -> Mapping[Scalar, int]:
        """How often each value was written; nothing where there were too many."""
        if self.levels is None:
            return {self.low: self.count} if self.count else {}
        return self.levels

    @property
    def takes_amounts(self) -> bool:
        """True where the numbers are no names of modes: there may be others in between."""
        return self.more

    def strange(self, value: float | str, readings: tuple[float, float, int]) -> str | None:
        """Why ``value`` is unlike what was written, or None. ``readings``: lowest, highest and how many."""
        if not isinstance(value, str):
            far = self._far(value, readings)
            if far:
                return far
        return self._unknown(value)

    def _far(self, value: float, readings: tuple[float, float, int]) -> str | None:
        low, high, count = readings
        read = count >= _LEAST_READINGS
        if self.count < _LEAST_WRITES and not read:
            return None
        growing = self.count >= _LEAST_WRITES and self.count < 2 * self.settled and self.high > self.low
        # A clock or a counter goes on growing: nothing is far from it. What goes up and down may only spread.
        if growing and min(self.rises, self.falls) < _LEAST_TURNS:
            return None
        low, high = (min(low, self.low), max(high, self.high)) if read else (self.low, self.high)
        share = _NEAR if self.count >= _OFTEN else _SELDOM
        reach = max(high - low, share * max(abs(low), abs(high)), 1.0 if float(value).is_integer() else 0.0) * (
            _SPREAD if growing else 1
        )
        if low - reach <= value <= high + reach:
            return None
        if self.count >= _LEAST_WRITES:
            return f"written {self.count} times while learned, always from {self.low:.6g} to {self.high:.6g}"
        return f"never written while learned, and always read from {low:.6g} to {high:.6g}"

    def _unknown(self, value: float | str) -> str | None:
        if self.more:
            return None
        levels = self.known()
        switch = value in {0.0, 1.0} and set(levels) <= {0.0, 1.0}
        often = max(_OFTEN_SWITCHED if switch else _OFTEN, _EACH * len(levels))
        if value in levels or self.count < often or min(levels.values()) < 2:
            return None
        known = ", ".join(f"{level:.6g}" if isinstance(level, float) else str(level) for level in levels)
        return f"written {self.count} times while learned, and only ever {known}"
