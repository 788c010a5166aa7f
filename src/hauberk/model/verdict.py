"""What an operator says of a finding: was it an attack, something harmless, a mistake, or the new normal."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from hauberk.model.ids import DetectorId, DeviceId, FindingId


class Verdict(StrEnum):
    """An operator's word on a finding. The values are those of the command line."""

    TRUE_POSITIVE = "true"
    """It was an attack or a fault: never to be learned."""
    BENIGN_POSITIVE = "benign"
    """It was what the detector says, and harmless: a known scanner, a planned change."""
    FALSE_POSITIVE = "false"
    """It was not what the detector says: the detector erred."""
    LEARN = "learn"
    """It is normal from now on."""


Thing = tuple[str, str | float]
"""Name and content of one piece of evidence: what was measured, and what was seen."""


@dataclass(frozen=True, slots=True)
class VerdictRecord:
    """One verdict, with what is needed to know the same thing again.

    ``finding`` is its identifier; ``detector``, ``device``, ``addresses`` (the subject's first) and ``things`` (its evidence) are
    those of the finding. ``note`` is the operator's own words. ``time`` is when it was said, in epoch seconds of the wall clock.
    """

    finding: FindingId
    detector: DetectorId
    device: DeviceId | None
    addresses: tuple[str, ...]
    verdict: Verdict
    note: str
    time: float
    things: tuple[Thing, ...] = ()
