"""ATT&CK techniques by the ids that feeds and rules name."""

from __future__ import annotations

from collections.abc import Iterable

from hauberk.detect.tactics import ENTERPRISE, ICS
from hauberk.model.finding import Technique


def techniques_named(ids: Iterable[str]) -> tuple[Technique, ...]:
    """The techniques with these ids, each once. A sub-technique that is not known here stands for its technique; what is not in
    ATT&CK, or nothing a network shows, is left out."""
    found: dict[str, Technique] = {}
    for identifier in ids:
        wanted = identifier.strip().upper()
        for candidate in (wanted, wanted.partition(".")[0]):
            row = ICS.get(candidate) or ENTERPRISE.get(candidate)
            if row is not None:
                found[candidate] = Technique(candidate, row[0], "ics" if candidate in ICS else "enterprise")
                break
    return tuple(found.values())
