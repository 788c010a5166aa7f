"""New request: a known master uses a verb, or a function code, that it never used on this device while the network was learned.

New masters are for ``new_ot_master`` and new writes for ``new_write`` to say, so that one message makes one finding. Verbs that
copy programs, change access or have no public meaning are judged always; ordinary ones only where learning had long brought no
new verb of this master for this device, since rare verbs take their time to come. Requests that do not hold to their protocol
are judged by their function code. Learns nothing while it judges.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from hauberk.detect.allowlist import Growth, News
from hauberk.detect.attack import REMOTE_SYSTEM_INFORMATION, UNAUTHORIZED_COMMAND
from hauberk.detect.detectors.interface import Detector, Parameter, Parameters
from hauberk.detect.episode import Episodes
from hauberk.detect.objects import target
from hauberk.detect.requests import DISCOVERY, SESSION
from hauberk.detect.verbs import DIAGNOSTIC, OTHER, WRITE, Kind, kind_of
from hauberk.detect.verdict_subject import VerdictSubject
from hauberk.detect.view import Group, View, moment
from hauberk.model.finding import Evidence, Finding, Severity
from hauberk.model.ids import DetectorId
from hauberk.model.service import OT_SERVICES
from hauberk.model.transaction import MALFORMED, Transaction

_TECHNIQUES = (UNAUTHORIZED_COMMAND, REMOTE_SYSTEM_INFORMATION)
_MOST_PAIRS = 1 << 14
_MOST_VERBS = 512
_SHORT = 10
"""An ordinary verb is said, as a small thing, after this part of the time that makes it news."""
_ORDINARY = (OTHER, DIAGNOSTIC)
_UNREAD = "malformed"
"""The operation of a message of which not even the function can be read."""

Pair = tuple[str, str, str]


@dataclass(slots=True)
class Verbs:
    """What one master asked of one device."""

    news: News = field(default_factory=News)
    counts: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class RequestState:
    """What was learned, and which requests go on."""

    enough: int
    seconds: float
    episodes: Episodes
    pairs: dict[Pair, Verbs] = field(default_factory=dict)


def _begin(parameters: Parameters) -> RequestState:
    return RequestState(int(parameters["messages"]), parameters["seconds"], Episodes(parameters["quiet"]))


def _is_verb(group: Group) -> bool:
    known = group.operation not in DISCOVERY and group.operation not in SESSION and group.operation != _UNREAD
    return group.role == "request" and group.protocol in OT_SERVICES and known


def _learn(state: RequestState, view: View) -> None:
    subjects: dict[Pair, list[tuple[str, list[Transaction]]]] = defaultdict(list)
    for group, members in view.groups.items():
        if _is_verb(group) and group.status != MALFORMED:
            subjects[group.protocol, group.src, group.dst].append((group.operation, members))
    for pair, parts in subjects.items():
        verbs = state.pairs.get(pair)
        if verbs is None:
            if len(state.pairs) >= _MOST_PAIRS:
                continue
            verbs = state.pairs[pair] = Verbs()
        _teach(verbs, parts)


def _teach(verbs: Verbs, parts: list[tuple[str, list[Transaction]]]) -> None:
    """Count messages; where a verb is new, its place among all of them in order of time."""
    news, counts = verbs.news, verbs.counts
    begun: dict[str, float] = {}
    for operation, members in parts:
        if operation not in counts:
            begun[operation] = min(begun.get(operation, members[0].time), members[0].time)
    fresh = sorted(begun.items(), key=_when)
    times = [members[end].time for _, members in parts for end in (0, -1)]
    for operation, first in fresh[: max(0, _MOST_VERBS - len(counts))]:
        place = news.messages + sum(member.time <= first for _, members in parts for member in members)
        news.places.append(place)
        news.latest = max(news.latest, first)
        counts[operation] = 0
    for operation, members in parts:
        if operation in counts:
            counts[operation] += len(members)
        news.messages += len(members)
    news.first, news.last = min(news.first, *times), max(news.last, *times)


def _when(entry: tuple[str, float]) -> tuple[float, str]:
    return entry[1], entry[0]


def _step(state: RequestState, view: View) -> list[Finding]:
    if view.learning:
        _learn(state, view)
        return []
    findings = []
    for group, transaction in view.merged(lambda group: _is_verb(group) and _is_new(state, group)):
        entry = (group.protocol, group.src, group.dst, group.operation)
        if state.episodes.goes_on(entry, transaction.time):
            continue
        verbs = state.pairs[group.protocol, group.src, group.dst]
        kind = kind_of(group.operation, target(transaction), group.write)
        if kind in _ORDINARY and verbs.news.growth(state.enough, state.seconds / _SHORT) is not Growth.SETTLED:
            continue
        state.episodes.begin(entry, transaction.time)
        findings.append(_finding(state, view, group, transaction, kind))
    return findings


def _is_new(state: RequestState, group: Group) -> bool:
    """True for a verb new to a known pair; a readable write is for ``new_write`` to say."""
    verbs = state.pairs.get((group.protocol, group.src, group.dst))
    speaks = not group.write or group.status == MALFORMED
    return speaks and verbs is not None and group.operation not in verbs.counts


def _finding(state: RequestState, view: View, group: Group, transaction: Transaction, kind: Kind) -> Finding:
    client, server = group.src, group.dst
    verbs = state.pairs[group.protocol, client, server]
    elsewhere = sum(
        group.operation in other.counts
        for (protocol, master, device), other in state.pairs.items()
        if (protocol, master) == (group.protocol, client) and device != server
    )
    thing = target(transaction)
    code = f", function code {transaction.code}" if transaction.code is not None else ""
    on = f" on {thing}" if thing else ""
    usual = ", ".join(sorted(verbs.counts, key=lambda verb: (-verbs.counts[verb], verb))[:4])
    kinds = (
        f"of {len(verbs.counts)} kinds, most of all {usual}"
        if len(verbs.counts) > 1
        else f"all {usual or 'of kinds that were withdrawn'}"
    )
    learned = f"{verbs.news.messages:,} requests from {moment(verbs.news.first)} to {moment(verbs.news.last)}"
    reasons = [
        f"{client} sends {group.protocol} '{group.operation}'{code}{on} to {server}, a request it never made there.",
        f"While it was learned, {learned} were {kinds}.",
    ]
    severity = kind.severity if kind is not WRITE else Severity.HIGH
    if group.status == MALFORMED:
        severity = Severity.MEDIUM
        reasons.append(f"The request does not hold to its protocol (frame {transaction.frame}).")
    elif severity < Severity.HIGH and kind in _ORDINARY and verbs.news.last - verbs.news.first < state.seconds:
        severity = Severity.LOW
    if elsewhere and severity < Severity.HIGH:
        severity = Severity.LOW
        reasons.append(f"{client} makes such requests to {elsewhere} other device{'s' if elsewhere > 1 else ''}.")
    score = {Severity.LOW: 4.0, Severity.MEDIUM: 6.0}.get(severity, 7.0)
    evidence = Evidence(
        "ot_request", f"{group.protocol} {group.operation}", since=verbs.news.first, samples=verbs.news.messages, score=score
    )
    return Finding(
        DetectorId("new_ot_request"),
        "New kind of request",
        severity,
        score,
        view.device(client),
        (client, server),
        transaction.time,
        transaction.time,
        tuple(reasons),
        f"Ask who works on {client} now. If nobody does, compare the program and settings of {server} with your copies.",
        kind.techniques,
        (evidence,),
    )


def _verbs_of(state: RequestState, subject: VerdictSubject) -> tuple[Verbs | None, str]:
    words = subject.words("ot_request")
    if words is None or len(subject.addresses) != 2:
        return None, ""
    return state.pairs.get((words[0], subject.addresses[0], subject.addresses[1])), words[1]


def _learn_verb(state: RequestState, subject: VerdictSubject) -> bool:
    verbs, operation = _verbs_of(state, subject)
    if verbs is None:
        return False
    verbs.counts.setdefault(operation, 0)
    return True


def _unlearn_verb(state: RequestState, subject: VerdictSubject) -> None:
    verbs, operation = _verbs_of(state, subject)
    if verbs is not None:
        verbs.counts.pop(operation, None)


DETECTORS = (
    Detector(
        DetectorId("new_ot_request"),
        "New kind of request",
        "A known master makes a request of a device, by verb or function code, that it never made there.",
        {
            "messages": Parameter(20, "messages", "requests, no new verb in their second half, that make an ordinary one news"),
            "seconds": Parameter(300.0, "s", "time of learning after which an ordinary one is more than a small thing"),
            "quiet": Parameter(300.0, "s", "said again only after so long a silence"),
        },
        _begin,
        _step,
        _TECHNIQUES,
        learned=True,
        learn=_learn_verb,
        unlearn=_unlearn_verb,
    ),
)
