"""An incident: findings that belong together."""

from __future__ import annotations

from dataclasses import dataclass

from hauberk.model.finding import Finding, Severity, Technique
from hauberk.model.ids import DeviceId, IncidentId


@dataclass(frozen=True, slots=True)
class NextStep:
    """What may follow: a technique against a target over a link that was observed, with its probability (0 to 1) and why."""

    technique: Technique
    target: str
    probability: float
    reason: str


@dataclass(frozen=True, slots=True)
class Incident:
    """Findings that belong together. Times are epoch seconds of the traffic.

    ``id`` is stable: the same traffic gives the same id. ``devices`` and ``addresses``: who is involved, the presumed source first.
    ``findings``: by the time they were raised. ``confidence``: 0 to 1. ``stages``: ATT&CK tactics in the order they were met.
    ``summary``: one sentence. ``next_steps``: most probable first.
    """

    id: IncidentId
    title: str
    severity: Severity
    confidence: float
    devices: tuple[DeviceId, ...]
    addresses: tuple[str, ...]
    findings: tuple[Finding, ...]
    started: float
    updated: float
    techniques: tuple[Technique, ...]
    stages: tuple[str, ...]
    summary: str
    next_steps: tuple[NextStep, ...] = ()
