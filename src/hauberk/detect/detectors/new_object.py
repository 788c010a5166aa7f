"""New objects: a known master writes, or reads, what it never touched on this device while the network was learned.

Objects are compared as merged ranges of numbers and exact names, kept for each master, device and verb (see ``allowlist``). A
write outside them is said at its first message. Reads are judged only where a long time of learning brought nothing new, since
people look at things; and lists that kept growing while learned are not judged at all. Learns nothing while it judges. A verb
that is new as a whole is for ``new_write`` and ``new_ot_request`` to say.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from hauberk.detect.allowlist import Allowed, AllowList, Growth, Key
from hauberk.detect.attack import (
    BRUTE_FORCE_IO,
    MODIFY_PARAMETER,
    MONITOR_PROCESS_STATE,
    POINT_AND_TAG_IDENTIFICATION,
    UNAUTHORIZED_COMMAND,
)
from hauberk.detect.detectors.interface import Detector, Parameter, Parameters
from hauberk.detect.episode import Episodes
from hauberk.detect.objects import Token, target, tokens
from hauberk.detect.requests import SESSION, ends, is_command, is_request
from hauberk.detect.verbs import WRITE, kind_of
from hauberk.detect.verdict_subject import VerdictSubject
from hauberk.detect.view import Group, View, moment
from hauberk.detect.window import CountWindow
from hauberk.model.finding import Evidence, Finding, Severity
from hauberk.model.ids import DetectorId
from hauberk.model.transaction import Transaction

_WRITE_TECHNIQUES = (UNAUTHORIZED_COMMAND, MODIFY_PARAMETER)
_READ_TECHNIQUES = (POINT_AND_TAG_IDENTIFICATION, MONITOR_PROCESS_STATE)
_MOST = 1024
_PUBLISHES = frozenset({"goose"})
_WALK = "walk"


@dataclass(slots=True)
class ObjectState:
    """What was learned, which objects go on, and how many new ones of each list were said lately."""

    enough: int
    seconds: float
    limit: int
    episodes: Episodes
    said: CountWindow
    allowed: AllowList = field(default_factory=AllowList)


@dataclass(frozen=True, slots=True)
class Outside:
    """A message that goes outside its list."""

    key: Key
    allowed: Allowed
    transaction: Transaction
    text: str
    tokens: list[Token]


def _begin(parameters: Parameters) -> ObjectState:
    quiet = parameters["quiet"]
    enough, limit = int(parameters["messages"]), int(parameters["targets"])
    return ObjectState(enough, parameters.get("seconds", 0.0), limit, Episodes(quiet), CountWindow(quiet, _MOST))


def _is_write(group: Group) -> bool:
    return is_command(group) or (group.role == "event" and group.protocol in _PUBLISHES)


def _is_read(group: Group) -> bool:
    return not group.write and is_request(group) and group.operation not in SESSION


def _key(group: Group) -> Key:
    return group.protocol, *ends(group), group.operation


def _learn(state: ObjectState, view: View, chosen: Callable[[Group], bool]) -> None:
    """Only requests and published messages teach: an answer may name less than it was asked for."""
    subjects: dict[Key, list[list[Transaction]]] = defaultdict(list)
    for group, members in view.groups.items():
        if group.role != "response" and chosen(group):
            subjects[_key(group)].append(members)
    for key, parts in subjects.items():
        allowed = state.allowed.begin(key)
        if allowed is None or allowed.full:
            continue
        members = parts[0] if len(parts) == 1 else sorted((member for part in parts for member in part), key=_when)
        _teach(allowed, key[0], members)


def _teach(allowed: Allowed, protocol: str, members: list[Transaction]) -> None:
    news = allowed.news
    for member in members:
        news.count(member.time)
        text = target(member)
        if text is None or allowed.knows(text):
            continue
        if allowed.learn(tokens(protocol, text)):
            news.note(member.time)
        allowed.remember(text)


def _when(transaction: Transaction) -> tuple[float, int]:
    return transaction.time, transaction.frame


def _outside(state: ObjectState, view: View, chosen: Callable[[Group], bool], silent: frozenset[Growth]) -> Iterator[Outside]:
    """Messages that touch something new, in order of time."""
    lists = state.allowed.lists
    growth: dict[Key, Growth] = {}
    picked: list[tuple[Group, Transaction]] = []
    for group, members in view.groups.items():
        if not chosen(group) or (allowed := lists.get(_key(group))) is None:
            continue
        if growth.setdefault(_key(group), allowed.growth(state.enough, state.seconds)) in silent:
            continue
        known = allowed.texts
        picked += [(group, member) for member in members if (text := target(member)) is not None and text not in known]
    picked.sort(key=lambda pair: _when(pair[1]))
    for group, member in picked:
        key, text = _key(group), target(member)
        if text is None:
            continue
        read = tokens(group.protocol, text)
        new = state.allowed.outside(key, [token for token in read if group.role != "response" or token.low is not None])
        if new:
            yield Outside(key, lists[key], member, text, new)
        elif group.role != "response":
            lists[key].remember(text)


def _writes(state: ObjectState, view: View) -> list[Finding]:
    if view.learning:
        _learn(state, view, _is_write)
        return []
    findings = []
    for found in _outside(state, view, _is_write, frozenset({Growth.GROWING})):
        time = found.transaction.time
        first = not state.episodes.goes_on(found.key, time)
        # The answer repeats what the request named, where both are seen: tokens, not texts, are what goes on.
        fresh = [token for token in found.tokens if not state.episodes.goes_on((found.key, token), time)]
        if not fresh:
            continue
        if first:
            state.said.forget(found.key)
            state.episodes.begin(found.key, time)
        for token in fresh:
            state.episodes.begin((found.key, token), time)
        count = state.said.add(found.key, time)
        if count <= state.limit:
            findings.append(_write_finding(view, found, state.enough, last=count == state.limit))
    return findings


def _usual(found: Outside) -> str:
    news = found.allowed.news
    near = found.allowed.usual(found.tokens[0])
    if not news.messages:
        return f"there was no such message; an operator allowed {near or 'it'} since"
    if news.messages == 1:
        span = f"one such message, at {moment(news.first)},"
    else:
        span = f"{news.messages:,} such messages from {moment(news.first)} to {moment(news.last)}"
    return span + (f" went to {near}" if near else " named no object")


def _write_finding(view: View, found: Outside, enough: int, *, last: bool) -> Finding:
    protocol, client, server, operation = found.key
    kind = kind_of(operation, found.text, write=True)
    severity = kind.severity if found.allowed.growth(enough) is Growth.SETTLED else min(kind.severity, Severity.MEDIUM)
    if kind.severity is Severity.CRITICAL:
        severity = kind.severity
    score = 7.0 if severity >= Severity.HIGH else 6.0
    reasons = [
        f"{client} sends {protocol} '{operation}' on {found.text} to {server}, outside of what it wrote there.",
        f"While it was learned, {_usual(found)}.",
    ]
    if kind is not WRITE:
        reasons.append(f"The command {kind.word}.")
    if last:
        reasons.append("More new objects of this command are not said one by one.")
    return Finding(
        DetectorId("new_ot_write_target"),
        "Write to an object never written",
        severity,
        score,
        view.device(client),
        (client, server),
        found.transaction.time,
        found.transaction.time,
        tuple(reasons),
        f"Ask the operator whether {found.text} was to be changed. If not, restore it and find out who commands {client}.",
        kind.techniques if kind is not WRITE else _WRITE_TECHNIQUES,
        (_evidence("write_target", found, score),),
    )


def _evidence(name: str, found: Outside, score: float) -> Evidence:
    news = found.allowed.news
    seen = f"{found.key[0]} {found.key[3]} {found.text}"
    return Evidence(name, seen, since=news.first if news.messages else None, samples=news.messages, score=score)


def _reads(state: ObjectState, view: View) -> list[Finding]:
    if view.learning:
        _learn(state, view, _is_read)
        return []
    findings = []
    for found in _outside(state, view, _is_read, frozenset({Growth.GROWING, Growth.SPARSE})):
        time = found.transaction.time
        if not state.episodes.goes_on(found.key, time):
            state.said.forget(found.key)
            state.episodes.begin(found.key, time)
        fresh = [token for token in found.tokens if not state.episodes.goes_on((found.key, token), time)]
        for token in fresh:
            state.episodes.begin((found.key, token), time)
        if not fresh:
            continue
        count = state.said.add(found.key, time)
        walks = count >= state.limit and not state.episodes.goes_on((found.key, _WALK), time)
        if walks:
            state.episodes.begin((found.key, _WALK), time)
        if walks or count == 1:
            findings.append(_read_finding(view, found, count))
    return findings


def _read_finding(view: View, found: Outside, count: float) -> Finding:
    protocol, client, server, operation = found.key
    walk = count > 1
    score = 6.0 if walk else 4.0
    reasons = [f"{client} sends {protocol} '{operation}' on {found.text} to {server}, which it never read there."]
    if walk:
        reasons.insert(0, f"{client} asked {server} for {count:.0f} things it never read there: it looks through what is there.")
    reasons.append(f"While it was learned, {_usual(found)}.")
    return Finding(
        DetectorId("new_ot_read_range"),
        "Reads what it never read",
        Severity.MEDIUM if walk else Severity.LOW,
        score,
        view.device(client),
        (client, server),
        found.transaction.time,
        found.transaction.time,
        tuple(reasons),
        f"Check whether the configuration of {client} was changed. If not, ask who uses it to look at {server}.",
        _READ_TECHNIQUES,
        (_evidence("read_walk" if walk else "read_target", found, score),),
    )


_JUDGED = ("write_target", "read_target", "read_walk")
_NEW_WRITE = DetectorId("new_write")


def _judged(subject: VerdictSubject) -> tuple[Key, tuple[Token, ...]] | None:
    """The list that a verdict is about, and what is new to it. Of a new kind of write, its first list."""
    ends_of = subject.addresses
    for name in (*_JUDGED, "new_write"):
        words = subject.words(name)
        if words is not None and words[2] is not None and len(ends_of) == 2:
            return (words[0], ends_of[0], ends_of[1], words[1]), tokens(words[0], words[2])
    return None


def _learn_object(state: ObjectState, subject: VerdictSubject) -> bool:
    """Who looks through everything with an operator's leave may go on to."""
    judged = _judged(subject)
    allowed = state.allowed.begin(judged[0]) if judged is not None else None
    if judged is None or allowed is None:
        return False
    allowed.learn(judged[1])
    allowed.full |= subject.seen("read_walk") is not None
    return True


def _unlearn_object(state: ObjectState, subject: VerdictSubject) -> None:
    judged = _judged(subject)
    if judged is None:
        return
    key, read = judged
    own = subject.record.detector == _NEW_WRITE
    # What was outside was so for every verb.
    for verb in (key[3],) if own else tuple(state.allowed.verbs.get(key[:3], ())):
        each = (*key[:3], verb)
        allowed = state.allowed.lists.get(each)
        if allowed is not None:
            allowed.forget(read)
            if own and not allowed.news.messages and not allowed.size:
                state.allowed.end(each)


_QUIET = Parameter(300.0, "s", "the same is said again only after so long a silence")

DETECTORS = (
    Detector(
        DetectorId("new_ot_write_target"),
        "Write to an object never written",
        "A known master writes to an object of a device outside of what it wrote there while the network was learned.",
        {
            "messages": Parameter(4, "messages", "messages with nothing new in their second half that make a list settled"),
            "targets": Parameter(8, "objects", "new objects of one master, device and operation that are said one by one"),
            "quiet": _QUIET,
        },
        _begin,
        _writes,
        (*_WRITE_TECHNIQUES, BRUTE_FORCE_IO),
        learned=True,
        learn=_learn_object,
        unlearn=_unlearn_object,
        learns_from=frozenset({_NEW_WRITE}),
    ),
    Detector(
        DetectorId("new_ot_read_range"),
        "Reads what it never read",
        "A known master reads objects of a device that it never read there, against a list that had long been complete.",
        {
            "messages": Parameter(100, "messages", "messages with nothing new in their second half that make a list settled"),
            "seconds": Parameter(300.0, "s", "the least time such a list was learned for"),
            "targets": Parameter(16, "objects", "new objects of one master, device and operation that are a walk through it"),
            "quiet": _QUIET,
        },
        _begin,
        _reads,
        _READ_TECHNIQUES,
        learned=True,
        learn=_learn_object,
        unlearn=_unlearn_object,
    ),
)
