"""What a value model says when something is wrong, before it becomes a finding of a detector."""

from __future__ import annotations

from dataclasses import dataclass

from hauberk.detect.view import View
from hauberk.model.finding import Evidence, Finding, Severity, Technique
from hauberk.model.ids import DetectorId

_MOST_SERIES = 32


@dataclass(frozen=True, slots=True)
class Alarm:
    """One thing a model found. ``holder``: address of the device that holds the values, ``by`` of who wrote them, empty for
    readings. ``first`` and ``time``: of the first evidence and of the last, in epoch seconds."""

    holder: str
    points: tuple[str, ...]
    first: float
    time: float
    score: float
    severity: Severity
    reasons: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    by: str = ""


def finding_of(alarm: Alarm, view: View, about: tuple[DetectorId, str, str], techniques: tuple[Technique, ...]) -> Finding:
    """The finding that ``alarm`` is; ``about``: the detector, the title and the advice."""
    detector, title, advice = about
    subject = alarm.by or alarm.holder
    return Finding(
        detector,
        title,
        alarm.severity,
        alarm.score,
        view.device(subject),
        (alarm.by, alarm.holder) if alarm.by else (alarm.holder,),
        alarm.first,
        alarm.time,
        alarm.reasons,
        advice,
        techniques,
        alarm.evidence,
    )


def order(alarm: Alarm) -> tuple[float, tuple[str, ...], str]:
    """What alarms of one device are sorted by."""
    return alarm.time, alarm.points, alarm.by


def series(times: list[float], values: list[float]) -> tuple[tuple[float, float], ...]:
    """The last pairs of time and value, for a chart; what is no number is left out."""
    pairs = [(time, value) for time, value in zip(times, values, strict=True) if value == value]  # noqa: PLR0124 - not NaN
    return tuple(pairs[-_MOST_SERIES:])


def shown(value: float) -> str:
    """A value as a person reads it."""
    return f"{value:.6g}"
