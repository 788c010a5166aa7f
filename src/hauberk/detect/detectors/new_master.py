"""New masters and changed roles: who operates which device, against what was learned.

Speaks on the first message, without waiting for statistics, and learns nothing while it judges, so that an intruder is not
taught in.
"""

from __future__ import annotations

from collections.abc import Iterator

from hauberk.detect.attack import REMOTE_SERVICES, ROGUE_MASTER, UNAUTHORIZED_COMMAND
from hauberk.detect.detectors.interface import Detector, Parameter, Parameters
from hauberk.detect.episode import Episodes
from hauberk.detect.requests import DISCOVERY, first_requests
from hauberk.detect.view import Group, View
from hauberk.model.finding import Finding, Severity
from hauberk.model.ids import DetectorId
from hauberk.model.service import OT_SERVICES
from hauberk.model.transaction import Transaction

_MASTER = (ROGUE_MASTER, UNAUTHORIZED_COMMAND)
_FLIP = (REMOTE_SERVICES, ROGUE_MASTER)
_PUBLISHES = frozenset({"goose"})
"""Protocols in which a sender operates others by what it publishes, without asking."""


def _begin(parameters: Parameters) -> Episodes:
    return Episodes(parameters["quiet"])


def _operating(view: View) -> Iterator[tuple[Group, Transaction]]:
    yield from first_requests(view)
    for group, members in view.groups.items():
        if group.role == "event" and group.protocol in _PUBLISHES:
            yield group, members[0]


def _new_master(state: Episodes, view: View) -> list[Finding]:
    findings = []
    masters = view.baseline.masters
    for group, transaction in _operating(view):
        entry = (group.protocol, group.src, group.dst)
        if view.learning:
            masters.add(entry)
            continue
        if entry in masters or state.goes_on(entry, transaction.time):
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
    findings = []
    servers, masters = view.baseline.servers, view.baseline.masters
    for group, members in view.groups.items():
        if group.protocol not in OT_SERVICES or group.role == "event" or group.operation in DISCOVERY:
            continue
        entry = (group.protocol, group.src)
        asks = group.role == "request"
        if view.learning:
            if not asks:
                servers.add(entry)
            continue
        time = members[0].time
        if (entry in servers) != asks or _asked(masters, entry) == asks or state.goes_on((entry, group.role), time):
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
            )
        )
    return findings


def _asked(masters: set[tuple[str, ...]], entry: tuple[str, str]) -> bool:
    """True if the host was seen to ask over the protocol."""
    return any((protocol, client) == entry for protocol, client, _ in masters)


_QUIET = Parameter(3600.0, "s", "said again only after so long a silence")

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
    ),
)
