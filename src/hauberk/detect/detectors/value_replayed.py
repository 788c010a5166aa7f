"""Value replayed: readings that were seen before to the last digit, or that no longer change at all.

A recording played back to the control room shows a healthy process while something else happens. Learns nothing of the repetitions
while it judges.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hauberk.detect.attack import MANIPULATION_OF_VIEW, SPOOF_REPORTING_MESSAGE
from hauberk.detect.detectors.interface import Detector, Parameter, Parameters
from hauberk.detect.episode import Episodes
from hauberk.detect.values.alarm import finding_of
from hauberk.detect.values.replay import Replay, replay_of
from hauberk.detect.view import View
from hauberk.model.finding import Finding
from hauberk.model.ids import DetectorId

_ID = DetectorId("value_replayed")
_TECHNIQUES = (SPOOF_REPORTING_MESSAGE, MANIPULATION_OF_VIEW)


@dataclass(slots=True)
class _State:
    episodes: Episodes
    devices: dict[str, Replay] = field(default_factory=dict)


def _begin(parameters: Parameters) -> _State:
    return _State(Episodes(parameters["quiet"]))


def _step(state: _State, view: View) -> list[Finding]:
    findings: list[Finding] = []
    for holder, runs in view.values.items():
        replay = replay_of(state.devices, holder) if view.learning else state.devices.get(holder)
        if replay is None:
            continue
        for alarm in replay.take(runs, learning=view.learning):
            if state.episodes.goes_on(holder, alarm.time):
                continue
            state.episodes.begin(holder, alarm.time)
            advice = f"Read {alarm.points[0]} at the device itself, and look for a host between {holder} and who asks it."
            findings.append(finding_of(alarm, view, (_ID, "Readings that were seen before", advice), _TECHNIQUES))
    return findings


DETECTORS = (
    Detector(
        _ID,
        "Value replayed",
        "Readings that repeat earlier ones to the last digit, or stand still, where they never did while the network was learned.",
        {"quiet": Parameter(3600.0, "s", "said again only after so long a silence")},
        _begin,
        _step,
        _TECHNIQUES,
        learned=True,
    ),
)
