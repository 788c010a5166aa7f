"""Messages that break their protocol, or ask for what is not there: one is noise, many from one host are a broken sender or
somebody who probes."""

from __future__ import annotations

from dataclasses import dataclass

from hauberk.detect.attack import DENIAL_OF_SERVICE, EXPLOITATION_OF_REMOTE_SERVICES
from hauberk.detect.detectors.interface import Detector, Parameter, Parameters
from hauberk.detect.episode import Episodes
from hauberk.detect.view import Group, View, span
from hauberk.detect.window import CountWindow, DistinctWindow
from hauberk.model.finding import Finding, Severity
from hauberk.model.ids import DetectorId
from hauberk.model.service import OT_SERVICES
from hauberk.model.transaction import MALFORMED, OK

_TECHNIQUES = (EXPLOITATION_OF_REMOTE_SERVICES, DENIAL_OF_SERVICE)
_MOST = 4096


@dataclass(slots=True)
class MalformedState:
    """How many lately, and which episodes go on."""

    threshold: float
    counts: CountWindow
    episodes: Episodes


@dataclass(slots=True)
class ErrorState:
    """What was refused lately, and which episodes go on."""

    threshold: int
    refused: DistinctWindow
    episodes: Episodes


def _begin_malformed(parameters: Parameters) -> MalformedState:
    return MalformedState(parameters["messages"], CountWindow(parameters["seconds"], _MOST), Episodes(parameters["quiet"]))


def _begin_errors(parameters: Parameters) -> ErrorState:
    threshold = int(parameters["objects"])
    return ErrorState(threshold, DistinctWindow(parameters["seconds"], max(threshold, _MOST)), Episodes(parameters["quiet"]))


def _malformed(state: MalformedState, view: View) -> list[Finding]:
    findings = []
    for group, transaction in view.merged(lambda group: group.status == MALFORMED):
        key = (group.src, group.protocol)
        time = transaction.time
        if state.episodes.goes_on(key, time):
            continue
        count = state.counts.add(key, time)
        if count < state.threshold:
            continue
        state.episodes.begin(key, time)
        first = state.counts.first(key)
        findings.append(
            Finding(
                DetectorId("malformed_messages"),
                "Malformed messages",
                Severity.MEDIUM,
                6.0,
                view.device(group.src),
                (group.src, group.dst),
                first,
                time,
                (
                    f"{group.src} sent {count:.0f} malformed {group.protocol} messages within {span(time - first)}.",
                    f"The last, to {group.dst}, is in frame {transaction.frame}.",
                ),
                f"Look at the frame. If {group.src} is not under test, it is broken or it looks for a weakness in {group.dst}.",
                _TECHNIQUES,
            )
        )
    return findings


def _is_error(group: Group) -> bool:
    return group.role == "response" and group.status not in {OK, MALFORMED} and group.protocol in OT_SERVICES


def _errors(state: ErrorState, view: View) -> list[Finding]:
    findings = []
    for group, transaction in view.merged(_is_error):
        client, server = group.dst, group.src
        key = (client, server, group.protocol)
        time = transaction.time
        if state.episodes.goes_on(key, time):
            continue
        count = state.refused.add(key, (group.operation, transaction.object), time)
        if count < state.threshold:
            continue
        state.episodes.begin(key, time)
        first = state.refused.first(key)
        reason = (
            f"{server} refused {client} {count} different things over {group.protocol} within {span(time - first)},"
            f" the last with '{group.status}'."
        )
        findings.append(
            Finding(
                DetectorId("ot_error_burst"),
                "Controller refuses many requests",
                Severity.MEDIUM,
                6.0,
                view.device(client),
                (client, server),
                first,
                time,
                (reason,),
                f"A client that asks for so much that is not there is badly misconfigured, or it maps what {server} holds.",
                (EXPLOITATION_OF_REMOTE_SERVICES,),
            )
        )
    return findings


_SECONDS = Parameter(600.0, "s", "length of the sliding window")
_QUIET = Parameter(600.0, "s", "an episode ends after so long without one")

DETECTORS = (
    Detector(
        DetectorId("malformed_messages"),
        "Malformed messages",
        "One host sends messages that break their protocol, more than a bad link explains.",
        {
            "messages": Parameter(5, "messages", "malformed messages of one protocol from one host"),
            "seconds": _SECONDS,
            "quiet": _QUIET,
        },
        _begin_malformed,
        _malformed,
        _TECHNIQUES,
    ),
    Detector(
        DetectorId("ot_error_burst"),
        "Controller refuses many requests",
        "A controller refuses one client many different things: somebody maps what it holds. The same refusal at every"
        " poll is none.",
        {"objects": Parameter(20, "objects", "different objects or operations refused"), "seconds": _SECONDS, "quiet": _QUIET},
        _begin_errors,
        _errors,
        (EXPLOITATION_OF_REMOTE_SERVICES,),
    ),
)
