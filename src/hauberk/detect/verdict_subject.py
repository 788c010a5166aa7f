"""What a verdict is about, as a detector that learns from it looks at it."""

from __future__ import annotations

from dataclasses import dataclass

from hauberk.detect.baseline import Baseline
from hauberk.model.verdict import VerdictRecord


@dataclass(frozen=True, slots=True)
class VerdictSubject:
    """The thing an operator judged, and ``baseline`` for detectors that keep what they learned there and not in their state."""

    record: VerdictRecord
    baseline: Baseline

    @property
    def addresses(self) -> tuple[str, ...]:
        """Addresses involved, the subject's first."""
        return self.record.addresses

    def seen(self, name: str) -> str | float | None:
        """What was seen of ``name``, as the evidence of the finding has it; None where there is no such evidence."""
        return next((seen for said, seen in self.record.things if said == name), None)

    def words(self, name: str) -> tuple[str, str, str | None] | None:
        """Protocol, operation and object of a message, where the evidence ``name`` says them in this order."""
        seen = self.seen(name)
        parts = seen.split(" ", 2) if isinstance(seen, str) else []
        if len(parts) < 2:
            return None
        return parts[0], parts[1], parts[2] if len(parts) > 2 else None
