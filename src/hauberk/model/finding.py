"""Something wrong or odd: what, who, when, how sure, why and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from hauberk.model.ids import DetectorId, DeviceId


class Severity(IntEnum):
    """OCSF 1.8 ``severity_id``."""

    INFORMATIONAL = 1
    LOW = 2
    MEDIUM = 3
    HIGH = 4
    CRITICAL = 5


@dataclass(frozen=True, slots=True)
class Technique:
    """An ATT&CK technique; ``matrix`` is ``ics`` or ``enterprise``."""

    id: str
    name: str
    matrix: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One detection finding. Times are epoch seconds of the traffic, never of the wall clock.

    ``device`` is whose behaviour it is about (None while no device record holds the address), ``addresses`` the addresses
    involved, the
    subject's first. ``score`` is in log10 units of evidence; a deterministic rule gives at least 6. ``reasons`` are sentences with
    numbers. ``advice`` says what to look at or do next.
    """

    detector: DetectorId
    title: str
    severity: Severity
    score: float
    device: DeviceId | None
    addresses: tuple[str, ...]
    first_evidence: float
    raised: float
    reasons: tuple[str, ...]
    advice: str
    techniques: tuple[Technique, ...] = ()
