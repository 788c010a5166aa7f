"""What a clue is, and what a clue module may look at.

A clue module defines ``clues(dossier)``, which yields what its one type of evidence says. Its rules are facts about products and
protocols in general: never keyed on a whole hardware address, on an IP address or on a file. It does no input or output.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from hauberk.model.hint import HintKey


@dataclass(frozen=True, slots=True)
class Clue:
    """One piece of evidence. Weights are probabilities that it is right, were it the only one."""

    reason: str
    """A whole sentence."""
    kinds: Mapping[str, float] = field(default_factory=dict)
    vendor: str | None = None
    vendor_weight: float = 0.0
    model: str | None = None
    model_weight: float = 0.0


@dataclass(frozen=True, slots=True)
class Dossier:
    """Everything known of one device, gathered over its addresses."""

    makers: tuple[str, ...] = ()
    """Registered makers of its interfaces."""
    random_mac: bool = False
    """All its hardware addresses are locally administered."""
    stated: Mapping[HintKey, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    """Values and the protocols that carried them, most often said first."""
    client_of: frozenset[str] = frozenset()
    """Services it used."""
    server_of: frozenset[str] = frozenset()
    """Services it offered, and was answered by."""
    ports_served: frozenset[int] = frozenset()
    ports_used: frozenset[int] = frozenset()
    frames: frozenset[str] = frozenset()
    """Protocols without IP it sent, by name."""
    router: bool = False
    """It carries conversations of hosts that lie behind it."""
    clients: int = 0
    """About how many hosts it served names, addresses, time or messages."""
    targets: int = 0
    """About how many hosts it asks as the client of an OT protocol."""

    def values(self, key: HintKey) -> tuple[str, ...]:
        """Stated values of one kind, most often said first."""
        return tuple(value for value, _ in self.stated.get(key, ()))


ClueModule = Callable[[Dossier], Iterator[Clue]]
