"""Malformed messages: one is noise, many from one host are a broken sender or a fuzzer."""

from __future__ import annotations

from dataclasses import dataclass

from hauberk.detect.attack import DENIAL_OF_SERVICE, EXPLOITATION_OF_REMOTE_SERVICES
from hauberk.detect.detectors.interface import Detector, Parameter, Parameters
from hauberk.detect.episode import Episodes
from hauberk.detect.view import View, span
from hauberk.detect.window import CountWindow
from hauberk.model.finding import Finding, Severity
from hauberk.model.ids import DetectorId
from hauberk.model.service import OT_SERVICES
from hauberk.model.transaction import MALFORMED, OK

_TECHNIQUES = (EXPLOITATION_OF_REMOTE_SERVICES, DENIAL_OF_SERVICE)


@dataclass(slots=True)
class RateState:
    """How many lately, and which episodes go on."""

    threshold: float
    counts: CountWindow
    episodes: Episodes


def _begin(parameters: Parameters) -> RateState:
    return RateState(parameters["messages"], CountWindow(parameters["seconds"], 4096), Episodes(parameters["quiet"]))


def _malformed(state: RateState, view: View) -> list[Finding]:
    findings = []
    for group, members in view.groups.items():
        if group.status != MALFORMED:
            continue
        key = (group.src, group.protocol)
        for transaction in members:
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
                    DetectorId("malformed_messages"), "Malformed messages", Severity.MEDIUM, 6.0, view.device(group.src), (group.src, group.dst),
                    first, time,
                    (
                        f"{group.src} sent {count:.0f} malformed {group.protocol} messages within {span(time - first)}.",
                        f"The last, to {group.dst}, is in frame {transaction.frame}.",
                    ),
                    f"Look at the frame. If {group.src} is not under test, it is broken or it looks for a weakness in {group.dst}.",
                    _TECHNIQUES,
                )
            )  # fmt: skip
    return findings


def _errors(state: RateState, view: View) -> list[Finding]:
    findings = []
    for group, members in view.groups.items():
        if group.role != "response" or group.status in {OK, MALFORMED} or group.protocol not in OT_SERVICES:
            continue
        client, server = group.dst, group.src
        key = (client, server, group.protocol)
        for transaction in members:
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
                    DetectorId("ot_error_burst"), "Controller rejects many requests", Severity.LOW, 6.0, view.device(client), (client, server),
                    first, time,
                    (f"{server} rejected {count:.0f} {group.protocol} requests of {client} within {span(time - first)}, the last with '{group.status}'.",),
                    f"A client that asks for what is not there is misconfigured, or it maps what {server} holds.",
                    (EXPLOITATION_OF_REMOTE_SERVICES,),
                )
            )  # fmt: skip
    return findings


_QUIET = Parameter(1800.0, "s", "an episode ends after so long without one")

DETECTORS = (
    Detector(
        DetectorId("malformed_messages"), "Malformed messages",
        "One host sends messages that break their protocol, more than a bad link explains.",
        {
            "messages": Parameter(5, "messages", "malformed messages of one protocol from one host"),
            "seconds": Parameter(600.0, "s", "length of the sliding window"),
            "quiet": _QUIET,
        },
        _begin, _malformed, _TECHNIQUES,
    ),
    Detector(
        DetectorId("ot_error_burst"), "Controller rejects many requests",
        "A controller answers one client with errors again and again: a wrong configuration, or somebody who maps what it holds.",
        {
            "messages": Parameter(20, "responses", "error responses from one server to one client"),
            "seconds": Parameter(600.0, "s", "length of the sliding window"),
            "quiet": _QUIET,
        },
        _begin, _errors, (EXPLOITATION_OF_REMOTE_SERVICES,),
    ),
)  # fmt: skip
