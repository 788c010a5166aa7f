"""Log-ins: too many that fail, and sessions opened at the pace of a machine that guesses or exhausts."""

from __future__ import annotations

from dataclasses import dataclass

from hauberk.detect.attack import BRUTE_FORCE, DEFAULT_CREDENTIALS, DENIAL_OF_SERVICE
from hauberk.detect.detectors.interface import Detector, Parameter, Parameters
from hauberk.detect.episode import Episodes
from hauberk.detect.login_outcomes import is_outcome, is_refusal
from hauberk.detect.view import Group, View, span
from hauberk.detect.window import CountWindow
from hauberk.model.finding import Finding, Severity, Technique
from hauberk.model.ids import DetectorId
from hauberk.model.transaction import OK

_BEGINS = {"ssh": "banner", "mqtt": "connect"}
"""What a client says once in a session. SSH hides outcomes, so that many short sessions are what is left to see of a guesser."""
_MOST = 4096


@dataclass(slots=True)
class LoginState:
    """Failures lately, and which episodes go on."""

    threshold: float
    failures: CountWindow
    episodes: Episodes


@dataclass(slots=True)
class SessionState:
    """Sessions lately, and which episodes go on."""

    limits: Parameters
    sessions: CountWindow
    episodes: Episodes


def _begin(parameters: Parameters) -> LoginState:
    return LoginState(parameters["failures"], CountWindow(parameters["seconds"], _MOST), Episodes(parameters["quiet"]))


def _excessive(state: LoginState, view: View) -> list[Finding]:
    findings = []
    for group, transaction in view.merged(is_outcome):
        ends = group.dst, group.src
        run = (*ends, group.protocol)
        time = transaction.time
        if group.status == OK:
            if group.operation == "login":
                state.failures.forget(run)  # a digest challenge or a slip of the finger, not a guesser
            continue
        if not is_refusal(group) or state.episodes.goes_on(run, time):
            continue
        count = state.failures.add(run, time)
        if count < state.threshold:
            continue
        state.episodes.begin(run, time)
        first = state.failures.first(run)
        reason = (
            f"{ends[0]} failed {count:.0f} log-ins at {ends[1]} over {group.protocol} within {span(time - first)};"
            f" the server said '{group.status}'."
        )
        findings.append(_finding(_LOGINS, view, ends, (first, time), reason))
    return findings


def _begin_sessions(parameters: Parameters) -> SessionState:
    return SessionState(parameters, CountWindow(parameters["seconds"], _MOST), Episodes(parameters["quiet"]))


def _is_beginning(group: Group) -> bool:
    return group.role == "request" and _BEGINS.get(group.protocol) == group.operation


def _sessions(state: SessionState, view: View) -> list[Finding]:
    findings = []
    for group, transaction in view.merged(_is_beginning):
        key = (group.src, group.dst, group.protocol)
        time = transaction.time
        if state.episodes.goes_on(key, time):
            continue
        count = state.sessions.add(key, time)
        if count < state.limits[group.protocol]:
            continue
        state.episodes.begin(key, time)
        first = state.sessions.first(key)
        reason = f"{group.src} opened {count:.0f} {group.protocol.upper()} sessions to {group.dst} within {span(time - first)}."
        findings.append(_finding(_SESSIONS, view, (group.src, group.dst), (first, time), reason))
    return findings


def _finding(detector: Detector, view: View, ends: tuple[str, str], times: tuple[float, float], reason: str) -> Finding:
    return Finding(
        detector.id,
        detector.title,
        Severity.HIGH,
        7.0,
        view.device(ends[0]),
        ends,
        *times,
        (reason,),
        f"Look at {ends[0]}: a broken client retries evenly, a guesser changes names. Check at {ends[1]} whether any"
        " attempt succeeded.",
        detector.techniques,
    )


_GUESSING: tuple[Technique, ...] = (BRUTE_FORCE, DEFAULT_CREDENTIALS)
_LOGINS = Detector(
    DetectorId("excessive_logins"),
    "Excessive log-in attempts",
    "One host fails to log in at another again and again (MQTT, HTTP, FTP, Telnet).",
    {
        "failures": Parameter(10, "log-ins", "failed log-ins from one host at another without one that succeeds"),
        "seconds": Parameter(60.0, "s", "length of the sliding window"),
        "quiet": Parameter(600.0, "s", "an episode ends after so long without a further attempt"),
    },
    _begin,
    _excessive,
    _GUESSING,
)
_SESSIONS = Detector(
    DetectorId("excessive_sessions"),
    "Excessive sessions",
    "One host opens sessions to one server at the pace of a guesser, or to use up what the server can hold (SSH, MQTT).",
    {
        "ssh": Parameter(20, "sessions", "SSH sessions from one host to another"),
        "mqtt": Parameter(100, "sessions", "MQTT sessions from one host to another"),
        "seconds": Parameter(60.0, "s", "length of the sliding window"),
        "quiet": Parameter(600.0, "s", "an episode ends after so long without a further session"),
    },
    _begin_sessions,
    _sessions,
    (*_GUESSING, DENIAL_OF_SERVICE),
)
DETECTORS = (_LOGINS, _SESSIONS)
