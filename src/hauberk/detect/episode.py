"""Episodes: one finding for one thing that goes on, not one for every packet of it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

_MOST = 1 << 16


class Episodes:
    """Remembers what is going on. An episode ends when nothing of it was seen for ``quiet`` seconds of traffic time."""

    def __init__(self, quiet: float) -> None:
        self.quiet = quiet
        self._last: OrderedDict[Hashable, float] = OrderedDict()

    def begin_stream(self) -> None:
        """Nothing goes on in traffic of another time."""
        self._last.clear()

    def goes_on(self, key: Hashable, time: float) -> bool:
        """True if ``key`` is in an episode at ``time``; that prolongs it."""
        last = self._last.get(key)
        if last is None or abs(time - last) > self.quiet:
            return False
        self._last[key] = max(last, time)
        self._last.move_to_end(key)
        return True

    def goes_on_throughout(self, key: Hashable, first: float, last: float) -> bool:
        """The same for everything between two times at once; false also where only each for itself can tell."""
        return last - first <= self.quiet and self.goes_on(key, first) and self.goes_on(key, last)

    def begin(self, key: Hashable, time: float) -> None:
        """Begin an episode of ``key``; the one silent for longest is forgotten where there are too many."""
        self._last[key] = time
        self._last.move_to_end(key)
        if len(self._last) > _MOST:
            self._last.popitem(last=False)
