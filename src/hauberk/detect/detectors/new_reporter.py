"""New reporter: a host reports values or events to a master that it never answered or reported to while the network was learned.

Unsolicited DNP3 responses, IEC 104 monitoring data or synchrophasor frames from a stranger show operators what is not there; an
answer whose question was not seen is the trace of a master on a path that the sensor does not see. Where the question is seen,
``new_ot_master`` speaks of it. Learns nothing while it judges.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from hauberk.detect.attack import MASQUERADING, SPOOF_REPORTING_MESSAGE
from hauberk.detect.detectors.interface import Detector, Parameter, Parameters
from hauberk.detect.episode import Episodes
from hauberk.detect.requests import CALLED_BACK, DISCOVERY, SESSION
from hauberk.detect.verdict_subject import VerdictSubject
from hauberk.detect.view import Group, View
from hauberk.model.finding import Evidence, Finding, Severity
from hauberk.model.ids import DetectorId
from hauberk.model.service import OT_SERVICES
from hauberk.model.transaction import MALFORMED

_TECHNIQUES = (SPOOF_REPORTING_MESSAGE, MASQUERADING)
_MOST_PAIRS = 1 << 16
_PUBLISHES = frozenset({"goose"})
"""Who publishes these is for detectors of their own."""

Pair = tuple[str, str, str]
"""Protocol, master, device."""


@dataclass(slots=True)
class ReporterState:
    """Who had to do with whom, who asked lately, and which reports go on."""

    asked: Episodes
    episodes: Episodes
    pairs: set[Pair] = field(default_factory=set)
    devices: set[tuple[str, str]] = field(default_factory=set)


def _begin(parameters: Parameters) -> ReporterState:
    return ReporterState(Episodes(parameters["quiet"]), Episodes(parameters["quiet"]))


def _counts(group: Group) -> bool:
    operation = group.operation
    # Who opens a session has asked; what only answers that reports nothing.
    carries = operation not in DISCOVERY and operation not in CALLED_BACK and (operation not in SESSION or group.role == "request")
    return group.protocol in OT_SERVICES and group.protocol not in _PUBLISHES and group.status != MALFORMED and carries


def _pair(group: Group) -> Pair:
    return (group.protocol, group.src, group.dst) if group.role == "request" else (group.protocol, group.dst, group.src)


def _news(state: ReporterState) -> Callable[[Group], bool]:
    return lambda group: _counts(group) and _pair(group) not in state.pairs


def _step(state: ReporterState, view: View) -> list[Finding]:
    if view.learning:
        for group in view.groups:
            if _counts(group) and len(state.pairs) < _MOST_PAIRS:
                pair = _pair(group)
                state.pairs.add(pair)
                state.devices.add((pair[0], pair[2]))
        return []
    findings = []
    for group, transaction in view.merged(_news(state)):
        pair, time = _pair(group), transaction.time
        if group.role == "request":
            state.asked.begin(pair, time)
            continue
        if state.asked.goes_on(pair, time) or state.episodes.goes_on(pair, time):
            continue
        state.episodes.begin(pair, time)
        protocol, master, device = pair
        event = group.role == "event"
        stranger = (protocol, device) not in state.devices
        what = "reports" if event else "answers"
        known = sum(other == protocol and to == master for other, to, _ in state.pairs)
        score = 7.0 if stranger and event else 6.0
        findings.append(
            Finding(
                DetectorId("new_ot_reporter"),
                "New reporter",
                Severity.HIGH if stranger and event else Severity.MEDIUM,
                score,
                view.device(device),
                (device, master),
                time,
                time,
                (
                    f"{device} {what} over {protocol} ('{group.operation}') to {master}, with which it never had to do while the"
                    " network was learned" + ("." if event else "; the question is not seen."),
                    f"{master} then had to do with {known} device{'' if known == 1 else 's'} over {protocol}.",
                ),
                f"If {device} was not added on purpose, do not trust what {master} shows, and find out who speaks for {device}.",
                _TECHNIQUES,
                (Evidence("ot_reporter", f"{protocol} {device}", samples=known, score=score),),
            )
        )
    return findings


def _judged(subject: VerdictSubject) -> Pair | None:
    words = subject.words("ot_reporter")
    return None if words is None or len(subject.addresses) != 2 else (words[0], subject.addresses[1], subject.addresses[0])


def _learn(state: ReporterState, subject: VerdictSubject) -> bool:
    pair = _judged(subject)
    if pair is None:
        return False
    state.pairs.add(pair)
    state.devices.add((pair[0], pair[2]))
    return True


def _unlearn(state: ReporterState, subject: VerdictSubject) -> None:
    pair = _judged(subject)
    if pair is None:
        return
    state.pairs.discard(pair)
    if not any((protocol, device) == (pair[0], pair[2]) for protocol, _, device in state.pairs):
        state.devices.discard((pair[0], pair[2]))


DETECTORS = (
    Detector(
        DetectorId("new_ot_reporter"),
        "New reporter",
        "A host reports to, or answers, a master it never had to do with, and no question of that master is seen.",
        {"quiet": Parameter(300.0, "s", "said again only after so long a silence")},
        _begin,
        _step,
        _TECHNIQUES,
        learned=True,
        learn=_learn,
        unlearn=_unlearn,
    ),
)
