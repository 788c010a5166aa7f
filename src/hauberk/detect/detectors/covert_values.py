"""Covert values: registers that carry data instead of measurements.

Speaks without learning where several registers at once are a stream of unrelated values; with learning also where a single point
turns into one. It judges while the network is learned, because a channel that is there from the beginning would teach itself in.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hauberk.detect.attack import COMMONLY_USED_PORT, STANDARD_APPLICATION_LAYER_PROTOCOL
from hauberk.detect.detectors.interface import Detector, Parameter, Parameters
from hauberk.detect.episode import Episodes
from hauberk.detect.values.alarm import finding_of
from hauberk.detect.values.novelty import Novelty, novelty_of
from hauberk.detect.view import View
from hauberk.model.finding import Finding
from hauberk.model.ids import DetectorId

_ID = DetectorId("covert_values")
_TECHNIQUES = (STANDARD_APPLICATION_LAYER_PROTOCOL, COMMONLY_USED_PORT)


@dataclass(slots=True)
class _State:
    episodes: Episodes
    devices: dict[str, Novelty] = field(default_factory=dict)


def _begin(parameters: Parameters) -> _State:
    return _State(Episodes(parameters["quiet"]))


def _step(state: _State, view: View) -> list[Finding]:
    findings: list[Finding] = []
    for holder, runs in view.values.items():
        novelty = novelty_of(state.devices, holder)
        if novelty is None:
            continue
        for alarm in novelty.take(runs, learning=view.learning):
            if state.episodes.goes_on(holder, alarm.time):
                continue
            state.episodes.begin(holder, alarm.time)
            advice = (
                f"Ask what {', '.join(alarm.points[:4])} of {holder} are for. A file or a program moved in registers may be meant;"
                " a process value never looks like that."
            )
            findings.append(finding_of(alarm, view, (_ID, "Data carried in process values", advice), _TECHNIQUES))
    return findings


def _carry(fresh: _State, old: _State) -> None:
    """What was learned of the points."""
    fresh.devices = old.devices
    for novelty in fresh.devices.values():
        novelty.begin_stream()


DETECTORS = (
    Detector(
        _ID,
        "Covert values",
        "Registers whose values are unrelated to each other, as those of files or encrypted data, not as those of a process.",
        {"quiet": Parameter(3600.0, "s", "said again only after so long a silence")},
        _begin,
        _step,
        _TECHNIQUES,
        carry=_carry,
    ),
)
