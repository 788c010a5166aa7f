"""How sure and how bad: the confidence and the severity of an incident.

Confidence is a rank between 0 and 1, not a measured frequency. One finding of score s (log10 units of evidence) gives
1 - 10^(-s/10), so that a deterministic rule (6) stands at 0.75: what happened is certain, that it is hostile is not.
Independent families of detectors add up as 1 - prod(1 - c); within a family, which looks at one and the same act, only the best
counts.
"""

from __future__ import annotations

import math

from hauberk.detect.incidents.group import Group
from hauberk.detect.tactics import TACTIC, stage_of
from hauberk.model.finding import Finding, Severity

NORMAL, HIGH, VITAL = 2, 3, 4
"""Levels of criticality: an ordinary device, one that others depend on, one whose failure harms people or plant (1 is low)."""
_SURE = 0.99
_DOUBTFUL = 0.4
_DECADE = 10.0
_LONG = 3
"""Stages that make a progressing attack."""
_MANY = 10
"""Acting devices that make an outbreak."""
_HARMFUL = min(TACTIC[name].rank for name in ("Inhibit Response Function", "Impair Process Control", "Impact"))

_CRITICALITY = {
    **dict.fromkeys(("plc", "rtu", "ied", "pmu", "robot", "drive", "medical_device", "building_controller"), VITAL),
    **dict.fromkeys(
        (
            "hmi", "scada_server", "historian", "engineering_workstation", "field_device", "gateway", "router", "firewall",
            "switch", "broker", "name_server", "time_server", "lock", "siren", "inverter", "vehicle_charger", "server", "storage",
        ), HIGH,
    ),
    **dict.fromkeys(("light", "scale", "tv", "media_player", "game_console", "speaker", "wearable"), 1),
}  # fmt: skip


def criticality_of_kind(kind: str | None) -> int:
    """The criticality, 1 to 4, of a device whose owner said nothing, by its kind."""
    return _CRITICALITY.get(kind or "", NORMAL)


def confidence_of(finding: Finding) -> float:
    """The confidence of one finding, 0 to 1."""
    return min(_SURE, 1.0 - math.pow(10.0, -max(finding.score, 0.0) / _DECADE))


def family_of(finding: Finding) -> str:
    """Which findings look at the same act: those of one stage."""
    stage = stage_of(finding)
    return stage.name if stage else finding.detector


def combined(families: dict[str, float]) -> float:
    """The confidence of independent families together."""
    return min(_SURE, 1.0 - math.prod(1.0 - confidence for confidence in families.values()))


def severity_of(group: Group) -> Severity:
    """The severity of a group: that of its worst finding, one more or one less for what the whole says.

    One more up to high where a vital device is involved; one more up to critical where an attack has gone through three stages, has
    ten devices, or harms what is vital. One less where all of it together is doubtful.
    """
    severity = group.severity
    confidence = combined(group.families)
    if not group.attack:
        return Severity(severity)
    if confidence < _DOUBTFUL:
        return Severity(max(severity - 1, Severity.INFORMATIONAL))
    harmful = any(rank >= _HARMFUL for rank in group.stages.values()) and group.criticality >= VITAL
    if severity >= Severity.HIGH:
        raised = harmful or len(group.stages) >= _LONG or len(group.actors) >= _MANY
    else:
        raised = severity >= Severity.MEDIUM and (
            group.criticality >= VITAL or len(group.stages) >= _LONG or len(group.actors) >= _MANY
        )
    return Severity(min(severity + raised, Severity.CRITICAL))
