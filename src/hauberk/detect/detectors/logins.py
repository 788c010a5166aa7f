"""Log-ins: too many that fail, and any that crosses the network in clear text."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hauberk.detect.attack import BRUTE_FORCE, DEFAULT_CREDENTIALS, NETWORK_SNIFFING
from hauberk.detect.detectors.interface import Detector, Parameter, Parameters
from hauberk.detect.episode import Episodes
from hauberk.detect.view import Group, View, endpoint, span
from hauberk.detect.window import CountWindow
from hauberk.model.finding import Finding, Severity
from hauberk.model.flow import STATE_FIRST
from hauberk.model.ids import DetectorId
from hauberk.model.service import SERVICE_NUMBER
from hauberk.model.transaction import OK

_REFUSED = frozenset({"not_authorized", "bad_user_name_or_password", "identifier_rejected", "banned", "bad_authentication_method"})
_CLEAR = frozenset({"telnet", "ftp", "http"})


@dataclass(slots=True)
class LoginState:
    """Failures lately, and which episodes go on."""

    threshold: float
    sessions: float
    failures: CountWindow
    connections: CountWindow
    episodes: Episodes


def _begin(parameters: Parameters) -> LoginState:
    return LoginState(
        parameters["failures"],
        parameters["sessions"],
        CountWindow(parameters["seconds"], 4096),
        CountWindow(parameters["seconds"], 4096),
        Episodes(parameters["quiet"]),
    )


def _failed(group: Group) -> tuple[str, str] | None:
    """Client and server of a failed log-in; None for anything else. A broker's refusal travels from the server."""
    if group.operation == "login" and group.status not in {OK, "unknown"}:
        return group.src, group.dst
    if group.protocol == "mqtt" and group.operation == "connack" and group.status in _REFUSED:
        return group.dst, group.src
    return None


def _excessive(state: LoginState, view: View) -> list[Finding]:
    findings = []
    for group, members in view.groups.items():
        ends = _failed(group)
        if ends is None:
            continue
        for transaction in members:
            time = transaction.time
            if state.episodes.goes_on(ends, time):
                continue
            count = state.failures.add(ends, time)
            if count < state.threshold:
                continue
            state.episodes.begin(ends, time)
            first = state.failures.first(ends)
            findings.append(
                _finding(
                    view, ends, first, time,
                    f"{ends[0]} failed {count:.0f} log-ins at {ends[1]} over {group.protocol} within {span(time - first)}; the server said '{group.status}'.",
                )
            )  # fmt: skip
    findings.extend(_ssh(state, view))
    return findings


def _ssh(state: LoginState, view: View) -> list[Finding]:
    """SSH hides outcomes; many short sessions to one server are attempts."""
    findings = []
    activity = view.batch.activity
    rows = activity[(activity["service"] == SERVICE_NUMBER["ssh"]) & (activity["state"] & STATE_FIRST != 0)]
    for row in rows[np.argsort(rows["start"], kind="stable")]:
        ends = endpoint(row, "a"), endpoint(row, "b")
        time = float(row["start"]) * 1e-9
        if state.episodes.goes_on(ends, time):
            continue
        count = state.connections.add(ends, time)
        if count < state.sessions:
            continue
        state.episodes.begin(ends, time)
        first = state.connections.first(ends)
        findings.append(
            _finding(
                view, ends, first, time, f"{ends[0]} opened {count:.0f} SSH sessions to {ends[1]} within {span(time - first)}."
            )
        )
    return findings


def _finding(view: View, ends: tuple[str, str], first: float, raised: float, reason: str) -> Finding:
    return Finding(
        DetectorId("excessive_logins"), "Excessive log-in attempts", Severity.HIGH, 7.0, view.device(ends[0]), ends, first, raised, (reason,),
        f"Look at {ends[0]}: a broken client retries evenly, a guesser changes names. Check at {ends[1]} whether any attempt succeeded.",
        (BRUTE_FORCE, DEFAULT_CREDENTIALS),
    )  # fmt: skip


def _clear_begin(parameters: Parameters) -> Episodes:
    return Episodes(parameters["quiet"])


def _carries_password(group: Group, value: object) -> bool:
    if group.operation == "login":
        return group.protocol in _CLEAR
    return group.protocol == "mqtt" and group.operation == "connect" and isinstance(value, tuple) and "with_password" in value


def _clear_text(state: Episodes, view: View) -> list[Finding]:
    findings = []
    for group, members in view.groups.items():
        if not _carries_password(group, members[0].value):
            continue
        for transaction in members:
            key = (group.src, group.dst, group.protocol)
            if state.goes_on(key, transaction.time):
                continue
            state.begin(key, transaction.time)
            who = (
                transaction.object
                if group.operation == "login"
                else transaction.value[0]
                if isinstance(transaction.value, tuple)
                else None
            )
            findings.append(
                Finding(
                    DetectorId("cleartext_credentials"), "Credentials in clear text", Severity.MEDIUM, 6.0, view.device(group.dst),
                    (group.src, group.dst), transaction.time, transaction.time,
                    (f"{group.src} logged in at {group.dst} over {group.protocol} without encryption" + (f" as '{who}'." if who else "."),),
                    f"Anyone on the path can read the password. Use an encrypted protocol at {group.dst}, then change the password.",
                    (NETWORK_SNIFFING,),
                )
            )  # fmt: skip
    return findings


DETECTORS = (
    Detector(
        DetectorId("excessive_logins"), "Excessive log-in attempts",
        "One host fails to log in at another again and again (MQTT, HTTP, FTP, Telnet), or opens SSH sessions at the pace of a guesser.",
        {
            "failures": Parameter(10, "log-ins", "failed log-ins from one host at another"),
            "sessions": Parameter(15, "sessions", "SSH sessions from one host to another"),
            "seconds": Parameter(60.0, "s", "length of the sliding window"),
            "quiet": Parameter(600.0, "s", "an episode ends after so long without a further attempt"),
        },
        _begin, _excessive, (BRUTE_FORCE, DEFAULT_CREDENTIALS),
    ),
    Detector(
        DetectorId("cleartext_credentials"), "Credentials in clear text",
        "A password crosses the network unencrypted (Telnet, FTP, HTTP Basic or form, MQTT without TLS). The password itself is never kept.",
        {"quiet": Parameter(86400.0, "s", "said once for client, server and protocol until so long a silence")},
        _clear_begin, _clear_text, (NETWORK_SNIFFING,),
    ),
)  # fmt: skip
