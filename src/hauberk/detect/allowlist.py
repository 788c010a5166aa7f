"""Allow-lists: which objects of a device a master acted on with a verb, as merged ranges of numbers and exact names.

Learned from what is seen, bounded, and aware of growth: where the second half of what was learned still brought new objects
(file transfers, browsing, programming), a list is *growing* and says nothing about what comes next. The share of news in the
second half estimates how often the next message is news; a list that brought none in n messages brings the next with a
probability of about 1 / (n + 2) (Laplace's rule of succession).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from itertools import pairwise

from hauberk.detect.objects import Token, shown

_MOST_RANGES = 2048
"""Ranges and names of one list; one that needs more is as good as open."""
_MOST_TEXTS = 1024
"""Texts remembered to be inside, which are then not read again."""
_MOST_LISTS = 1 << 14
"""Lists in all; what comes later is not learned and not judged."""
_RECENT = 64
"""News whose place is remembered."""
_FEW = 4
"""News in the second half that may be chance."""
_SHARE = 0.02
"""Share of news in the second half that a settled list may have."""

Key = tuple[str, str, str, str]
"""Protocol, master, device, operation."""


class Growth(Enum):
    """How much a list says about what comes next."""

    SETTLED = "settled"
    SPARSE = "sparse"
    GROWING = "growing"


@dataclass(slots=True)
class News:
    """When something new came, among how many messages."""

    messages: int = 0
    first: float = float("inf")
    last: float = float("-inf")
    places: list[int] = field(default_factory=list)
    latest: float = float("-inf")

    def count(self, time: float) -> None:
        """One more message."""
        self.messages += 1
        self.first = min(self.first, time)
        self.last = max(self.last, time)

    def note(self, time: float) -> None:
        """The message counted last brought something new."""
        self.places.append(self.messages)
        del self.places[:-_RECENT]
        self.latest = max(self.latest, time)

    @property
    def late(self) -> int:
        """News in the second half of the messages, as far as remembered."""
        return sum(place > self.messages // 2 for place in self.places)

    def growth(self, enough: int, seconds: float = 0.0) -> Growth:
        """Settled after ``enough`` messages within at least ``seconds``, if the second half of messages and of time brought
        nothing new."""
        late = self.late
        if late >= _FEW and late > _SHARE * (self.messages - self.messages // 2):
            return Growth.GROWING
        middle = (self.first + self.last) / 2
        long = self.messages >= enough and self.last - self.first >= seconds
        return Growth.SETTLED if long and not late and self.latest <= middle else Growth.SPARSE


@dataclass(slots=True)
class Ranges:
    """Merged, sorted ranges of whole numbers, both ends included."""

    lows: list[int] = field(default_factory=list)
    highs: list[int] = field(default_factory=list)

    def holds(self, low: int, high: int) -> bool:
        """True if everything from ``low`` to ``high`` is inside."""
        place = bisect_right(self.lows, low) - 1
        return place >= 0 and high <= self.highs[place]

    def add(self, low: int, high: int) -> None:
        """Add ``low`` to ``high``; ranges that touch become one."""
        begin = bisect_left(self.highs, low - 1)
        end = bisect_right(self.lows, high + 1)
        if begin < end:
            low, high = min(low, self.lows[begin]), max(high, self.highs[end - 1])
        self.lows[begin:end] = [low]
        self.highs[begin:end] = [high]

    def remove(self, low: int, high: int) -> None:
        """Take everything from ``low`` to ``high`` out."""
        begin, end = bisect_left(self.highs, low), bisect_right(self.lows, high)
        if begin >= end:
            return
        left = [(self.lows[begin], low - 1)] if self.lows[begin] < low else []
        right = [(high + 1, self.highs[end - 1])] if self.highs[end - 1] > high else []
        self.lows[begin:end] = [first for first, _ in left + right]
        self.highs[begin:end] = [last for _, last in left + right]

    def check(self) -> bool:
        """True while sorted, disjoint and apart: what ``add`` must keep."""
        inside = all(low <= high for low, high in zip(self.lows, self.highs, strict=True))
        return inside and all(high + 1 < low for (_, high), (low, _) in pairwise(zip(self.lows, self.highs, strict=True)))


@dataclass(slots=True)
class Allowed:
    """What one master acted on with one verb on one device."""

    news: News = field(default_factory=News)
    spaces: dict[str, Ranges] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    texts: set[str] = field(default_factory=set)
    size: int = 0
    full: bool = False

    def knows(self, text: str) -> bool:
        """True if this very text is known to be inside; false also where its tokens must be looked at."""
        return text in self.texts

    def remember(self, text: str) -> None:
        """This text is inside."""
        if len(self.texts) < _MOST_TEXTS:
            self.texts.add(text)

    def holds(self, token: Token) -> bool:
        """True if ``token`` is inside."""
        space, low, high = token
        if low is None or high is None:
            return space in self.names
        ranges = self.spaces.get(space)
        return ranges is not None and ranges.holds(low, high)

    def learn(self, tokens: Iterable[Token]) -> bool:
        """Add what is not inside yet; true if anything was. A list that grows too long becomes open, and forgets."""
        new = [token for token in tokens if not self.holds(token)]
        if self.full or not new:
            return bool(new)
        for space, low, high in new:
            if low is None or high is None:
                self.names.add(space)
                self.size += 1
            else:
                ranges = self.spaces.setdefault(space, Ranges())
                before = len(ranges.lows)
                ranges.add(low, high)
                self.size += len(ranges.lows) - before
        if self.size > _MOST_RANGES:
            self.full = True
            self.spaces.clear()
            self.names.clear()
            self.texts.clear()
        return True

    def forget(self, tokens: Iterable[Token]) -> None:
        """Take ``tokens`` out. A list that was opened by hand is closed again; one that grew too long stays open."""
        for space, low, high in tokens:
            if low is None or high is None:
                self.names.discard(space)
            elif space in self.spaces:
                self.spaces[space].remove(low, high)
                if not self.spaces[space].lows:
                    del self.spaces[space]
        self.size = len(self.names) + sum(len(ranges.lows) for ranges in self.spaces.values())
        self.texts.clear()
        self.full = self.full and not self.size

    def growth(self, enough: int, seconds: float = 0.0) -> Growth:
        """How much the list says about what comes next."""
        return Growth.GROWING if self.full else self.news.growth(enough, seconds)

    def usual(self, near: Token, most: int = 3) -> str:
        """A few of the things inside in words, those of the space of ``near`` first."""
        ranges = self.spaces.get(near.space)
        if near.low is not None and ranges is not None:
            place = bisect_right(ranges.lows, near.low)
            low = max(0, min(place - most // 2 - 1, len(ranges.lows) - most))
            texts = [shown(near.space, a, b) for a, b in zip(ranges.lows, ranges.highs, strict=True)][low : low + most]
        else:
            spaces = [
                shown(space, a, b)
                for space in sorted(self.spaces)[:most]
                for a, b in zip(self.spaces[space].lows, self.spaces[space].highs, strict=True)
            ]
            texts = (sorted(self.names)[:most] + spaces)[:most]
        more = self.size - len(texts)
        return ", ".join(texts) + (f" and {more} more" if more > 0 else "")


@dataclass(slots=True)
class AllowList:
    """The lists of every master, device and verb, and which verbs a master has for a device."""

    lists: dict[Key, Allowed] = field(default_factory=dict)
    verbs: dict[tuple[str, str, str], list[str]] = field(default_factory=dict)
    since: float | None = None

    def begin(self, key: Key) -> Allowed | None:
        """The list of ``key``, a new one where there is none; None where there are too many."""
        found = self.lists.get(key)
        if found is None and len(self.lists) < _MOST_LISTS:
            found = self.lists[key] = Allowed()
            self.verbs.setdefault(key[:3], []).append(key[3])
        return found

    def end(self, key: Key) -> None:
        """There is no list of ``key`` any more."""
        if self.lists.pop(key, None) is not None:
            self.verbs[key[:3]].remove(key[3])

    def outside(self, key: Key, tokens: Iterable[Token]) -> list[Token]:
        """Which tokens this master never touched on this device, whatever the verb."""
        protocol, master, device, _ = key
        lists = [self.lists[protocol, master, device, verb] for verb in self.verbs.get(key[:3], ())]
        return [token for token in tokens if not any(one.holds(token) for one in lists)]
