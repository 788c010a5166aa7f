"""Value relation broken: a value that no longer goes with those it always went with.

A pump that runs while the level falls, a level that drifts while nothing flows: one of the values is false, or the process is no
longer what it was. Learns nothing while it judges.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hauberk.detect.attack import MANIPULATION_OF_CONTROL, MANIPULATION_OF_VIEW, SPOOF_REPORTING_MESSAGE
from hauberk.detect.detectors.interface import Detector, Parameter, Parameters
from hauberk.detect.episode import Episodes
from hauberk.detect.values.alarm import finding_of
from hauberk.detect.values.companions import Companions, companions_of
from hauberk.detect.values.relations import MOST_RELATED
from hauberk.detect.view import View
from hauberk.model.finding import Finding
from hauberk.model.ids import DetectorId

_ID = DetectorId("value_relation_broken")
_TECHNIQUES = (SPOOF_REPORTING_MESSAGE, MANIPULATION_OF_VIEW, MANIPULATION_OF_CONTROL)


@dataclass(slots=True)
class _State:
    episodes: Episodes
    most: int
    devices: dict[str, Companions] = field(default_factory=dict)


def _begin(parameters: Parameters) -> _State:
    return _State(Episodes(parameters["quiet"]), int(parameters["points"]))


def _step(state: _State, view: View) -> list[Finding]:
    findings: list[Finding] = []
    for holder, runs in view.values.items():
        if view.learning:
            companions = companions_of(state.devices, holder, state.most)
            if companions is not None:
                companions.learn(runs)
        elif holder in state.devices:
            for alarm in state.devices[holder].judge(runs):
                if state.episodes.goes_on(holder, alarm.time):
                    continue
                state.episodes.begin(holder, alarm.time)
                advice = f"Compare {alarm.points[0]} with the process itself: either the value is false or what it depends on is."
                findings.append(finding_of(alarm, view, (_ID, "Values that no longer go together", advice), _TECHNIQUES))
    return findings


DETECTORS = (
    Detector(
        _ID,
        "Value relation broken",
        "A value that no longer goes with the other values of the device, as it did while the network was learned.",
        {
            "quiet": Parameter(3600.0, "s", "said again only after so long a silence"),
            "points": Parameter(float(MOST_RELATED), "points", "most points of a device that are related with each other"),
        },
        _begin,
        _step,
        _TECHNIQUES,
        learned=True,
    ),
)
