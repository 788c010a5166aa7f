"""New masters and changed roles: who operates which device, against what was learned.

Speaks on the first message, without waiting for statistics, and learns nothing while it judges, so that an intruder is not
taught in.
"""

from __future__ import annotations

from hauberk.detect.attack import REMOTE_SERVICES, ROGUE_MASTER, UNAUTHORIZED_COMMAND
from hauberk.detect.detectors.interface import Detector, Parameter, Parameters
from hauberk.detect.episode import Episodes
from hauberk.detect.requests import CALLED_BACK, DISCOVERY, is_request
from hauberk.detect.verdict_subject import VerdictSubject
from hauberk.detect.view import Group, View
from hauberk.model.finding import Evidence, Finding, Severity
from hauberk.model.ids import DetectorId
from hauberk.model.service import OT_SERVICES

_MASTER = (ROGUE_MASTER, UNAUTHORIZED_COMMAND)
_FLIP = (REMOTE_SERVICES, ROGUE_MASTER)
_PUBLISHES = frozenset({"goose"})
"""Protocols in which a sender operates others by what it publishes, without asking."""


def _begin(parameters: Parameters) -> Episodes:
    return Episodes(parameters["quiet"])


def _operates(group: Group) -> bool:
    return is_request(group) or (group.role == "event" and group.protocol in _PUBLISHES)


def _new_master(state: Episodes, view: View) -> list[Finding]:
    findings: list[Finding] = []
    masters = view.baseline.masters
    if view.learning:
        masters.update((group.protocol, group.src, group.dst) for group in view.groups if _operates(group))
        return findings
    for group, transaction in view.merged(lambda group: _operates(group) and (group.protocol, group.src, group.dst) not in masters):
        entry = (group.protocol, group.src, group.dst)
        if state.goes_on(entry, transaction.time):
            continue
        state.begin(entry, transaction.time)
        never = all(client != group.src for _, client, _ in masters)
        findings.append(
            Finding(
                DetectorId("new_ot_master"),
                "New master",
                Severity.HIGH if never else Severity.MEDIUM,
                8.0 if never else 6.5,
                view.device(group.src),
                (group.src, group.dst),
                transaction.time,
                transaction.time,
                (_why_new(group, never=never),),
                f"Ask who works on {group.src} now. If nobody does, cut its path to {group.dst} and check what it changed.",
                _MASTER,
                (Evidence("ot_master", group.protocol, score=8.0 if never else 6.5),),
            )
        )
    return findings


def _why_new(group: Group, *, never: bool) -> str:
    says = f"{group.protocol} {'requests' if group.role == 'request' else 'messages'}"
    if never:
        return (
            f"{group.src} never operated a device while the network was learned,"
            f" and now sends {says} ({group.operation}) to {group.dst}."
        )
    return f"{group.src} operates other devices, but never sent {says} to {group.dst} while the network was learned."


def _role_flip(state: Episodes, view: View) -> list[Finding]:
    findings: list[Finding] = []
    servers, masters = view.baseline.servers, view.baseline.masters
    if view.learning:
        servers.update((group.protocol, group.src) for group in view.groups if group.role == "response" and _has_role(group))
        return findings
    for group, transaction in view.merged(lambda group: _has_role(group) and _flipped(servers, masters, group)):
        entry = (group.protocol, group.src)
        asks = group.role == "request"
        time = transaction.time
        if state.goes_on((entry, group.role), time):
            continue
        state.begin((entry, group.role), time)
        before, now = ("answered", "asks") if asks else ("asked", "answers")
        reason = (
            f"{group.src} only {before} {group.protocol} requests while the network was learned, and now {now} them"
            f" ({group.operation}, {group.dst})."
        )
        findings.append(
            Finding(
                DetectorId("role_flip"),
                "Role flip",
                Severity.HIGH,
                8.0,
                view.device(group.src),
                (group.src, group.dst),
                time,
                time,
                (reason,),
                f"A controller does not become a master by itself: take {group.src} for taken over until its program is"
                " compared with your copy.",
                _FLIP,
                (Evidence("ot_role", f"{group.protocol} {group.role}", score=8.0),),
            )
        )
    return findings


def _has_role(group: Group) -> bool:
    plain = group.operation not in DISCOVERY and group.operation not in CALLED_BACK
    return group.role != "event" and group.protocol in OT_SERVICES and plain


def _flipped(servers: set[tuple[str, ...]], masters: set[tuple[str, ...]], group: Group) -> bool:
    """True if the sender was known in the other role only."""
    entry = (group.protocol, group.src)
    asks = group.role == "request"
    if (entry in servers) != asks:
        return False
    asked = any((protocol, client) == entry for protocol, client, _ in masters)
    return asked != asks


def _learn_master(state: Episodes, subject: VerdictSubject) -> bool:  # noqa: ARG001 - the interface's own shape
    protocol = subject.seen("ot_master")
    if not isinstance(protocol, str) or len(subject.addresses) != 2:
        return False
    subject.baseline.masters.add((protocol, *subject.addresses))
    return True


def _unlearn_master(state: Episodes, subject: VerdictSubject) -> None:  # noqa: ARG001 - same
    subject.baseline.masters.discard((str(subject.seen("ot_master")), *subject.addresses))


def _learn_role(state: Episodes, subject: VerdictSubject) -> bool:  # noqa: ARG001 - same
    """Who asks is a master of the one it asks; who answers is a server."""
    words = subject.words("ot_role")
    if words is None or len(subject.addresses) != 2:
        return False
    if words[1] == "request":
        subject.baseline.masters.add((words[0], *subject.addresses))
    else:
        subject.baseline.servers.add((words[0], subject.addresses[0]))
    return True


def _unlearn_role(state: Episodes, subject: VerdictSubject) -> None:  # noqa: ARG001 - same
    words = subject.words("ot_role")
    if words is not None and words[1] == "request":
        subject.baseline.masters.discard((words[0], *subject.addresses))
    elif words is not None:
        subject.baseline.servers.discard((words[0], subject.addresses[0]))


_QUIET = Parameter(300.0, "s", "said again only after so long a silence")

DETECTORS = (
    Detector(
        DetectorId("new_ot_master"),
        "New master",
        "A host sends operating-technology requests to a device it never operated.",
        {"quiet": _QUIET},
        _begin,
        _new_master,
        _MASTER,
        learned=True,
        learn=_learn_master,
        unlearn=_unlearn_master,
    ),
    Detector(
        DetectorId("role_flip"),
        "Role flip",
        "A device that only answered begins to ask, or one that only asked begins to answer.",
        {"quiet": _QUIET},
        _begin,
        _role_flip,
        _FLIP,
        learned=True,
        learn=_learn_role,
        unlearn=_unlearn_role,
    ),
)
