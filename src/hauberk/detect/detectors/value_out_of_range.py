"""Value out of range: a command that writes what was never written, or readings that leave the range of the process.

A write is judged at the first message, by what was written to and read from the same point while the network was learned.
Readings are judged by evidence that accumulates. Learns nothing while it judges.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hauberk.detect.attack import MANIPULATION_OF_CONTROL, MODIFY_PARAMETER, UNAUTHORIZED_COMMAND
from hauberk.detect.detectors.interface import Detector, Parameter, Parameters
from hauberk.detect.episode import Episodes
from hauberk.detect.values.alarm import finding_of
from hauberk.detect.values.envelope import Envelope, envelope_of
from hauberk.detect.verdict_subject import VerdictSubject
from hauberk.detect.view import View
from hauberk.model.finding import Finding
from hauberk.model.ids import DetectorId

_ID = DetectorId("value_out_of_range")
_WRITING = (MODIFY_PARAMETER, UNAUTHORIZED_COMMAND, MANIPULATION_OF_CONTROL)
_READING = (MANIPULATION_OF_CONTROL, MODIFY_PARAMETER)


@dataclass(slots=True)
class _State:
    episodes: Episodes
    devices: dict[str, Envelope] = field(default_factory=dict)


def _begin(parameters: Parameters) -> _State:
    return _State(Episodes(parameters["quiet"]))


def _step(state: _State, view: View) -> list[Finding]:
    findings: list[Finding] = []
    for holder, runs in view.values.items():
        if view.learning:
            envelope = envelope_of(state.devices, holder)
            if envelope is not None:
                envelope.learn(runs)
        elif holder in state.devices:
            for alarm in state.devices[holder].judge(runs):
                key = alarm.holder, alarm.by, alarm.points
                if state.episodes.goes_on(key, alarm.time):
                    continue
                state.episodes.begin(key, alarm.time)
                if alarm.by:
                    advice = f"Confirm with the operator that the value was meant. If not, set {alarm.points[0]} of {holder} back."
                    findings.append(finding_of(alarm, view, (_ID, "Value written that never was", advice), _WRITING))
                else:
                    advice = f"Look at the process itself, not at what {holder} reports, and at who wrote to it before."
                    findings.append(finding_of(alarm, view, (_ID, "Readings out of range", advice), _READING))
    return findings


def _judged(state: _State, subject: VerdictSubject) -> tuple[Envelope | None, str, float | str]:
    """A written value; readings out of range are a matter of how many and how far, which no set holds."""
    point, value = subject.seen("point"), subject.seen("value_written")
    if point is None or value is None or len(subject.addresses) != 2:
        return None, "", 0.0
    return state.devices.get(subject.addresses[1]), str(point), value


def _learn(state: _State, subject: VerdictSubject) -> bool:
    envelope, point, value = _judged(state, subject)
    if envelope is None:
        return False
    envelope.approve(point, value)
    return True


def _unlearn(state: _State, subject: VerdictSubject) -> None:
    envelope, point, value = _judged(state, subject)
    if envelope is not None:
        envelope.disapprove(point, value)


DETECTORS = (
    Detector(
        _ID,
        "Value out of range",
        "A command with a value that was never written to this point, or readings that stay out of their usual range.",
        {"quiet": Parameter(3600.0, "s", "said again only after so long a silence")},
        _begin,
        _step,
        _WRITING,
        learned=True,
        learn=_learn,
        unlearn=_unlearn,
    ),
)
