"""GOOSE: who publishes a control block, and whether its counters run on (IEC 61850-8-1:2011, clause 18.1.2).

A control block has one publisher. Its state number grows by one with each change of data, its sequence number by one with each
repetition; both begin anew when the publisher restarts. Subscribers heed the higher state number, so that a forged message jumps
ahead, or, replayed, falls behind, while the true publisher counts on from where it was: two runs of counters alternate. A run
that only begins anew is a restart (or a test set that repeats its recording) and no attack. Late copies of parallel networks
(IEC 62439-3) fall behind by little within milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from hauberk.detect.attack import MASQUERADING, SPOOF_REPORTING_MESSAGE, UNAUTHORIZED_COMMAND
from hauberk.detect.detectors.interface import Detector, Parameter, Parameters
from hauberk.detect.episode import Episodes
from hauberk.detect.view import Group, View, moment, span
from hauberk.model.finding import Evidence, Finding, Severity
from hauberk.model.ids import DetectorId
from hauberk.model.transaction import OK, Transaction

_TECHNIQUES = (SPOOF_REPORTING_MESSAGE, UNAUTHORIZED_COMMAND, MASQUERADING)
_GOOSE = "goose"
_MOST_BLOCKS = 1 << 14
_COPY_SECONDS = 0.05
_COPY_STATES = 8
_HALF = 1 << 31
"""Counters are of 32 bits and roll over."""


class Counters(NamedTuple):
    """The last message of a control block."""

    state: int
    sequence: int
    time: float
    source: str


@dataclass(slots=True)
class Runs:
    """The run of counters of a control block that goes on, and the one it left last."""

    now: Counters
    left: Counters | None = None


@dataclass(slots=True)
class SequenceState:
    """The runs of every control block, and which breaks go on."""

    jump: int
    silence: float
    episodes: Episodes
    blocks: dict[str, Runs] = field(default_factory=dict)


@dataclass(slots=True)
class PublisherState:
    """Who published which control block, since when, and which strangers go on."""

    episodes: Episodes
    sources: dict[str, dict[str, int]] = field(default_factory=dict)
    since: float | None = None


def _is_publication(group: Group) -> bool:
    return group.protocol == _GOOSE and group.role == "event" and group.status == OK


def _begin_sequence(parameters: Parameters) -> SequenceState:
    return SequenceState(int(parameters["states"]), parameters["silence"], Episodes(parameters["quiet"]))


def _sequence(state: SequenceState, view: View) -> list[Finding]:
    findings = []
    blocks = state.blocks
    for group, transaction in view.merged(_is_publication):
        block, now = transaction.object, _counters(group, transaction)
        if block is None or now is None:
            continue
        runs = blocks.get(block)
        if runs is None:
            if len(blocks) < _MOST_BLOCKS:
                blocks[block] = Runs(now)
            continue
        before = runs.now
        what = _break(state, runs, now)
        runs.now = now
        if what is None or state.episodes.goes_on(block, now.time):
            continue
        state.episodes.begin(block, now.time)
        findings.append(_sequence_finding(view, block, before, now, (what, group.dst)))
    return findings


def _counters(group: Group, transaction: Transaction) -> Counters | None:
    value = transaction.value
    if not isinstance(value, tuple) or len(value) < 2:
        return None
    state, sequence = value[0], value[1]
    if not isinstance(state, int) or not isinstance(sequence, int):
        return None
    return Counters(state, sequence, transaction.time, group.src)


def _break(state: SequenceState, runs: Runs, now: Counters) -> str | None:
    """What is wrong with ``now``; None where nothing is. Notes a run that is left."""
    before, left = runs.now, runs.left
    gap = abs(now.time - before.time)
    if gap >= state.silence:
        runs.left = None
        return None
    if now.source != before.source:
        return "changes its publisher"
    if left is not None and left[:2] < now[:2] and now.state - left.state <= state.jump and now.time - left.time < state.silence:
        runs.left = before
        return "counts two ways at once"
    if now.state - before.state > state.jump:
        runs.left = before
        return "jumps ahead"
    rolled = before.state - now.state > _HALF or (now.state == before.state and before.sequence - now.sequence > _HALF)
    copied = gap < _COPY_SECONDS and 0 <= before.state - now.state <= _COPY_STATES
    if now[:2] < before[:2] and not rolled and not copied:
        runs.left = before
    return None


def _sequence_finding(view: View, block: str, before: Counters, now: Counters, about: tuple[str, str]) -> Finding:
    what, group = about
    other = now.source != before.source
    who = f"from {now.source}" + (f", not {before.source} as before," if other else "")
    reason = (
        f"{block} {what}: state {now.state}, sequence {now.sequence} {who} comes {span(abs(now.time - before.time))} after"
        f" state {before.state}, sequence {before.sequence}."
    )
    seen = f"state {now.state} sequence {now.sequence}"
    return Finding(
        DetectorId("goose_sequence"),
        "GOOSE counters broken",
        Severity.CRITICAL if other else Severity.HIGH,
        8.0 if other else 7.0,
        view.device(now.source),
        (now.source, group),
        before.time,
        now.time,
        (
            reason,
            "A publisher counts on by one; a restart begins anew and does not come back.",
        ),
        f"Forged or replayed messages of {block} trip or block breakers: find the port they come from, and check its subscribers.",
        _TECHNIQUES,
        (Evidence("goose_counters", seen, score=8.0 if other else 7.0),),
    )


def _begin_publisher(parameters: Parameters) -> PublisherState:
    return PublisherState(Episodes(parameters["quiet"]))


def _publisher(state: PublisherState, view: View) -> list[Finding]:
    if view.learning:
        _learn(state, view)
        return []
    findings = []
    for group, transaction in view.merged(_is_publication):
        block = transaction.object
        known = state.sources.get(block) if block is not None else None
        if block is None or known is None or group.src in known or state.episodes.goes_on((block, group.src), transaction.time):
            continue
        state.episodes.begin((block, group.src), transaction.time)
        usual = ", ".join(sorted(known))
        count = sum(known.values())
        since = f" since {moment(state.since)}" if state.since is not None else ""
        findings.append(
            Finding(
                DetectorId("new_goose_publisher"),
                "Second publisher of a control block",
                Severity.CRITICAL,
                8.0,
                view.device(group.src),
                (group.src, group.dst, *sorted(known)[:1]),
                transaction.time,
                transaction.time,
                (f"{group.src} publishes {block}, which only {usual} published while it was learned{since} ({count:,} messages).",),
                f"A control block has one publisher: find the port of {group.src} and cut it, if {usual} was not replaced.",
                _TECHNIQUES,
                (Evidence("goose_publisher", group.src, since=state.since, samples=count, score=8.0),),
            )
        )
    return findings


def _learn(state: PublisherState, view: View) -> None:
    for group, members in view.groups.items():
        if not _is_publication(group):
            continue
        state.since = min(state.since or members[0].time, members[0].time)
        for member in members:
            block = member.object
            if block is None or (block not in state.sources and len(state.sources) >= _MOST_BLOCKS):
                continue
            sources = state.sources.setdefault(block, {})
            sources[group.src] = sources.get(group.src, 0) + 1


_QUIET = Parameter(300.0, "s", "said again only after so long a silence")

DETECTORS = (
    Detector(
        DetectorId("goose_sequence"),
        "GOOSE counters broken",
        "The counters of a GOOSE control block jump ahead or fall behind: a forged or replayed message.",
        {
            "states": Parameter(100, "states", "states that may be missed at once"),
            "silence": Parameter(5.0, "s", "silence after which a publisher may have restarted"),
            "quiet": _QUIET,
        },
        _begin_sequence,
        _sequence,
        _TECHNIQUES,
    ),
    Detector(
        DetectorId("new_goose_publisher"),
        "Second publisher of a control block",
        "A GOOSE control block is published from another address than while the network was learned.",
        {"quiet": _QUIET},
        _begin_publisher,
        _publisher,
        _TECHNIQUES,
        learned=True,
    ),
)
