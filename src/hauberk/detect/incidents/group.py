"""What is known of one group of findings while it grows: sums that can be added up, so that two groups merge at little cost."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice

from hauberk.model.finding import Finding

Head = tuple[float, str]
"""When the first finding was raised, and its identifier: the group that has the least survives a merger."""


@dataclass(slots=True)
class Group:
    """Findings that belong together.

    ``findings``: by identifier. ``count``: how many there were, kept or not. ``families``: best single confidence of each family of
    detectors. ``stages``: rank of each stage. ``actors`` and ``targets``: addresses in order of arrival. ``attack``: whether
    anything but standing weaknesses is in it. ``criticality``: of the most critical device. ``merged``: identifiers of
    incidents that were published and went into this one. ``said``: what was last published of it: identifier, severity, stages.
    """

    head: Head
    findings: dict[str, Finding] = field(default_factory=dict)
    count: int = 0
    severity: int = 0
    families: dict[str, float] = field(default_factory=dict)
    stages: dict[str, int] = field(default_factory=dict)
    detectors: dict[str, int] = field(default_factory=dict)
    actors: dict[str, None] = field(default_factory=dict)
    targets: dict[str, None] = field(default_factory=dict)
    attack: bool = False
    criticality: int = 0
    updated: float = float("-inf")
    merged: list[str] = field(default_factory=list)
    said: tuple[str, int, tuple[str, ...]] | None = None

    def absorb(self, other: Group, findings: int, names: int) -> None:
        """Add everything of ``other``, within the bounds given."""
        self.head = min(self.head, other.head)
        self.count += other.count
        if self.attack == other.attack:
            self.severity = max(self.severity, other.severity)
            for family, confidence in other.families.items():
                self.families[family] = max(confidence, self.families.get(family, 0.0))
            self.stages |= other.stages
        elif other.attack:  # what stood before an attack weighs nothing beside it
            self.attack, self.severity, self.families, self.stages = True, other.severity, other.families, other.stages
        for detector, count in other.detectors.items():
            self.detectors[detector] = self.detectors.get(detector, 0) + count
        self.findings |= islice(other.findings.items(), max(findings - len(self.findings), 0))
        self.actors |= islice(other.actors.items(), max(names - len(self.actors), 0))
        self.targets |= islice(other.targets.items(), max(names - len(self.targets), 0))
        self.criticality = max(self.criticality, other.criticality)
        self.updated = max(self.updated, other.updated)
        self.merged = list(dict.fromkeys([*self.merged, *other.merged]))[:names]
