"""Counts over a sliding window of traffic time, for as many subjects as there are, in bounded memory.

Merged captures may step back in time: what lies further ahead than the window is long is forgotten like what lies behind.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Hashable

_MOST_SUBJECTS = 1 << 14
"""Subjects remembered; the one silent for longest is forgotten first."""


class DistinctWindow:
    """How many different things each subject touched within ``seconds``."""

    def __init__(self, seconds: float, most: int) -> None:
        """``most``: things remembered a subject; more are not needed once a threshold is passed."""
        self.seconds = seconds
        self.most = most
        self._seen: OrderedDict[Hashable, OrderedDict[Hashable, float]] = OrderedDict()

    def begin_stream(self) -> None:
        """Forget everything: traffic of another time follows."""
        self._seen.clear()

    def add(self, subject: Hashable, thing: Hashable, time: float) -> int:
        """Note that ``subject`` touched ``thing``; how many different things it touched within the window."""
        things = self._seen.get(subject)
        if things is None:
            things = self._seen[subject] = OrderedDict()
            if len(self._seen) > _MOST_SUBJECTS:
                self._seen.popitem(last=False)
        else:
            self._seen.move_to_end(subject)
        things[thing] = time
        things.move_to_end(thing)
        while len(things) > self.most or abs(time - next(iter(things.values()))) > self.seconds:
            things.popitem(last=False)
        return len(things)

    def first(self, subject: Hashable) -> float:
        """Time of the oldest thing of ``subject`` within the window."""
        return next(iter(self._seen[subject].values()))

    def forget(self, subject: Hashable) -> None:
        """Begin anew with ``subject``."""
        self._seen.pop(subject, None)

    def things(self, subject: Hashable) -> list[Hashable]:
        """What ``subject`` touched within the window, oldest first."""
        return list(self._seen[subject])


class CountWindow:
    """How often something happened to each subject within ``seconds``."""

    def __init__(self, seconds: float, most: int) -> None:
        """``most``: happenings remembered a subject; more are not needed once a threshold is passed."""
        self.seconds = seconds
        self.most = most
        self._seen: OrderedDict[Hashable, deque[tuple[float, float]]] = OrderedDict()
        self._sums: dict[Hashable, float] = {}

    def begin_stream(self) -> None:
        """Forget everything: traffic of another time follows."""
        self._seen.clear()
        self._sums.clear()

    def add(self, subject: Hashable, time: float, weight: float = 1.0) -> float:
        """Note ``weight`` happenings at ``time``; how many there were within the window."""
        times = self._seen.get(subject)
        if times is None:
            times = self._seen[subject] = deque()
            self._sums[subject] = 0.0
            if len(self._seen) > _MOST_SUBJECTS:
                oldest, _ = self._seen.popitem(last=False)
                del self._sums[oldest]
        else:
            self._seen.move_to_end(subject)
        times.append((time, weight))
        total = self._sums[subject] + weight
        while len(times) > self.most or abs(time - times[0][0]) > self.seconds:
            total -= times.popleft()[1]
        self._sums[subject] = total
        return total

    def first(self, subject: Hashable) -> float:
        """Time of the oldest happening of ``subject`` within the window."""
        return self._seen[subject][0][0]

    def forget(self, subject: Hashable) -> None:
        """Begin anew with ``subject``."""
        if self._seen.pop(subject, None) is not None:
            del self._sums[subject]
