"""Unusual contacts: a device meets more new peers, services or operations than it did while it was learned."""

from __future__ import annotations

from dataclasses import dataclass

from hauberk.detect.behaviour.novelty import CLASS_PHRASES, NEW_TRY, Novelty, NoveltyAlarm
from hauberk.detect.behaviour.suggested import BY_CLASS
from hauberk.detect.behaviour.volume import SECONDS
from hauberk.detect.behaviour.words import length
from hauberk.detect.detectors.interface import Detector, Parameter, Parameters
from hauberk.detect.view import View
from hauberk.model.finding import Evidence, Finding, Severity
from hauberk.model.ids import DetectorId, DeviceId

_ID = DetectorId("unusual_contacts")
_SHOWN = 5


@dataclass(slots=True)
class NoveltyState:
    """The model, and an address of each device."""

    model: Novelty
    addresses: dict[str, str]


def _begin(parameters: Parameters) -> NoveltyState:
    return NoveltyState(Novelty(parameters["quiet"], parameters["budget"]), {})


def _step(state: NoveltyState, view: View) -> list[Finding]:
    findings = []
    for span in view.spans:
        state.addresses.update(zip(span.ids, span.addresses, strict=True))
        findings += [_finding(state, alarm) for alarm in state.model.observe(span, view.names, view.fleet)]
    return findings + [_finding(state, alarm) for alarm in state.model.flush(view.passed, learning=view.learning)]


def _describe(state: NoveltyState) -> dict[str, object]:
    return state.model.describe()


def _finding(state: NoveltyState, alarm: NoveltyAlarm) -> Finding:
    name = state.model.roster.ids[alarm.row]
    address = state.addresses.get(name, name)
    kind = max(alarm.kind, 0)
    events, windows = state.model.rate(alarm.row, kind)
    things = list(dict.fromkeys(thing for _, sort, thing in alarm.things if sort == kind)) or [
        thing for _, _, thing in alarm.things
    ]
    shown = "; ".join(things[:_SHOWN]) + (f"; and {len(things) - _SHOWN} more" if len(things) > _SHOWN else "")
    first = min((time for time, _, _ in alarm.things), default=alarm.end - SECONDS[alarm.scale])
    return Finding(
        _ID,
        f"New: {CLASS_PHRASES[kind]}",
        Severity.MEDIUM,
        alarm.height,
        DeviceId(name),
        (address,),
        first,
        alarm.end,
        (
            f"{address} met {CLASS_PHRASES[kind]}: {shown}.",
            (
                f"Before, {events:.0f} of that sort in {windows:,} windows of 10 s in which it was heard; the evidence of windows"
                f" of {length(SECONDS[alarm.scale])} has added up to {alarm.height:.1f} (log10), the threshold is"
                f" {alarm.threshold:.1f}."
            ),
        ),
        f"Look at who tries to reach {address}, and why." if kind == NEW_TRY else f"Ask what {address} has to do with them.",
        BY_CLASS[kind],
        tuple(Evidence("new_contact", thing, score=round(alarm.height, 2), samples=windows) for thing in things[:_SHOWN]),
    )


DETECTORS = (
    Detector(
        _ID,
        "Unusual contacts",
        "More new peers, services or operations than the device met while it was learned, in more than one window.",
        {
            "budget": Parameter(0.01, "a day", "false alarms allowed for each active device-day"),
            "quiet": Parameter(3600.0, "s", "said again only after so long a silence"),
        },
        _begin,
        _step,
        tuple(dict.fromkeys(technique for techniques in BY_CLASS.values() for technique in techniques)),
        learned=True,
        describe=_describe,
    ),
)
