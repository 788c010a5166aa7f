"""Looks up addresses, names, URLs and fingerprints of the traffic among indicators.

Must never change once made: what is known to be bad is a value, not a state.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from hauberk.detect.indicators.addresses import NOBODY, AddressRanges, Owners
from hauberk.detect.rows import Flags
from hauberk.model.indicator import Indicator, IndicatorKind

_NETWORKS = frozenset({IndicatorKind.IP, IndicatorKind.CIDR})
_REMEMBERED = 1 << 16


@dataclass(frozen=True, slots=True)
class Entry:
    """One bad thing and everybody who says so. ``key`` names it across runs."""

    key: str
    kind: IndicatorKind
    value: str
    indicators: tuple[Indicator, ...]

    def at(self, time: float) -> tuple[Indicator, ...]:
        """What of it had not expired at ``time`` (epoch seconds)."""
        return tuple(one for one in self.indicators if one.valid_until is None or time < one.valid_until)


class IndicatorMatcher:
    """Indicators ready to be looked up. An expired one matches nothing that came after its end."""

    def __init__(self, indicators: Iterable[Indicator]) -> None:
        said: dict[tuple[IndicatorKind, str], list[Indicator]] = defaultdict(list)
        for indicator in indicators:
            said[indicator.kind, indicator.value].append(indicator)
        networks = {value: tuple(says) for (kind, value), says in said.items() if kind in _NETWORKS}
        self._ranges = AddressRanges(list(networks))
        all_say = list(networks.values())
        self._networks = [self._network_entry(number, all_say, value) for number, value in enumerate(networks)]
        ends = [max(_end(one) for one in entry.indicators) for entry in self._networks]
        self._ends = np.array([*ends, -np.inf], np.float64)
        self._named: dict[IndicatorKind, dict[str, Entry]] = {kind: {} for kind in IndicatorKind}
        for (kind, value), says in said.items():
            if kind not in _NETWORKS:
                self._named[kind][value] = Entry(f"{kind}:{value}", kind, value, tuple(says))
        named = (entry for entries in self._named.values() for entry in entries.values())
        self._by_key = {entry.key: entry for entry in (*self._networks, *named)}
        self.address = lru_cache(_REMEMBERED)(self._address)

    def __len__(self) -> int:
        """How many different things are known to be bad."""
        return len(self._networks) + sum(map(len, self._named.values()))

    def has(self, *kinds: IndicatorKind) -> bool:
        """Whether there are indicators of any of the kinds."""
        return any(self._named[kind] or (kind in _NETWORKS and self._networks) for kind in kinds)

    def rows(self, hi: NDArray[np.uint64], lo: NDArray[np.uint64], seconds: NDArray[np.float64]) -> tuple[Flags, Owners]:
        """Which addresses (halves) are bad at their times (epoch seconds), and the number of the entry of each."""
        owners = self._ranges.owners(hi, lo)
        bad: Flags = owners != NOBODY
        if bad.any():
            bad &= seconds < self._ends[owners]
        return bad, owners

    def entry(self, number: int) -> Entry:
        """The entry whose number ``rows`` gave."""
        return self._networks[number]

    def named(self, kind: IndicatorKind, value: str) -> Entry | None:
        """The entry of exactly this value."""
        return self._named[kind].get(value)

    def by_key(self, key: str) -> Entry | None:
        """The entry of that key."""
        return self._by_key.get(key)

    def url(self, target: str) -> Entry | None:
        """The entry of a request target as host and path; one without a query stands for every query."""
        urls = self._named[IndicatorKind.URL]
        if not urls:
            return None
        host, slash, path = target.partition("/")
        exact = f"{host.lower().removesuffix(':80')}/{path}" if slash else f"{host.lower().removesuffix(':80')}/"
        return urls.get(exact) or urls.get(exact.partition("?")[0])

    def _address(self, text: str) -> Entry | None:
        """The entry of an address in text; None also where the text is none."""
        number = self._ranges.owner(text)
        return None if number == NOBODY else self._networks[number]

    def domain(self, name: str) -> Entry | None:
        """The entry of a name, or of the nearest name above it."""
        domains = self._named[IndicatorKind.DOMAIN]
        rest = name.lower().removesuffix(".")
        while rest:
            found = domains.get(rest)
            if found is not None:
                return found
            rest = rest.partition(".")[2]
        return None

    def _network_entry(self, number: int, says: list[tuple[Indicator, ...]], value: str) -> Entry:
        """An entry with what is said of the wider ranges too."""
        chain = self._ranges.chain(number)
        indicators = tuple(indicator for one in chain for indicator in says[one])
        kind = indicators[0].kind
        return Entry(f"{kind}:{value}", kind, value, indicators)


def _end(indicator: Indicator) -> float:
    return np.inf if indicator.valid_until is None else indicator.valid_until
