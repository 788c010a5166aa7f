"""New write: a write, program, control or stop operation that a host never sent to a device while the network was learned.

Kinds of write are told apart by protocol, both hosts and operation; where a known kind of write goes to is for
``new_ot_write_target`` to say. Where a capture shows one direction only, the answer to a command tells of it. A second command
within the silence is said if it goes to something else, a few of each kind. Learns nothing while it judges.
"""

from __future__ import annotations

from dataclasses import dataclass

from hauberk.detect.attack import MODIFY_PARAMETER, UNAUTHORIZED_COMMAND
from hauberk.detect.detectors.interface import Detector, Parameter, Parameters
from hauberk.detect.episode import Episodes
from hauberk.detect.objects import target
from hauberk.detect.requests import ends, is_command
from hauberk.detect.verbs import WRITE, kind_of
from hauberk.detect.verdict_subject import VerdictSubject
from hauberk.detect.view import Group, View
from hauberk.detect.window import CountWindow
from hauberk.model.finding import Evidence, Finding, Severity
from hauberk.model.ids import DetectorId
from hauberk.model.transaction import Transaction

_TECHNIQUES = (UNAUTHORIZED_COMMAND, MODIFY_PARAMETER)
_MOST = 64

Entry = tuple[str, str, str, str]


@dataclass(slots=True)
class NewWriteState:
    """Which commands go on, and how many targets of each were said lately."""

    targets: int
    episodes: Episodes
    said: CountWindow


def _begin(parameters: Parameters) -> NewWriteState:
    quiet = parameters["quiet"]
    return NewWriteState(int(parameters["targets"]), Episodes(quiet), CountWindow(quiet, _MOST))


def _entry(group: Group) -> Entry:
    return group.protocol, *ends(group), group.operation


def _step(state: NewWriteState, view: View) -> list[Finding]:
    findings: list[Finding] = []
    writers = view.baseline.writers
    if view.learning:
        writers.update(_entry(group) for group in view.groups if is_command(group))
        return findings
    for group, transaction in view.merged(lambda group: is_command(group) and _entry(group) not in writers):
        entry = _entry(group)
        # An answer may not name what the request named: it prolongs what goes on and is news only where nothing does.
        thing = target(transaction)
        known = state.episodes.goes_on(entry, transaction.time)
        if known and (group.role == "response" or thing is None or state.episodes.goes_on((entry, thing), transaction.time)):
            continue
        if not known:
            state.episodes.begin(entry, transaction.time)
            state.said.forget(entry)
        state.episodes.begin((entry, thing), transaction.time)
        if state.said.add(entry, transaction.time) <= state.targets:
            findings.append(_finding(view, entry, transaction, writers))
    return findings


def _finding(view: View, entry: Entry, transaction: Transaction, writers: set[tuple[str, ...]]) -> Finding:
    protocol, client, server, operation = entry
    never = all(writer != client for _, writer, _, _ in writers)
    thing = target(transaction)
    kind = kind_of(operation, thing, write=True)
    what = f"'{operation}'" + (f" on {thing}" if thing else "")
    if never:
        reason = f"{client} never wrote to any device while the network was learned, and now sends {protocol} {what} to {server}."
    else:
        reason = f"{client} never sent {protocol} '{operation}' to {server} while the network was learned, and now sends {what}."
    reasons = [reason]
    if kind is not WRITE:
        reasons.append(f"The command {kind.word}.")
    if transaction.role == "response":
        reasons.append(f"Only the answer of {server} is seen, with status '{transaction.status}'.")
    critical = never or kind.severity is Severity.CRITICAL
    score = 8.0 if critical else 7.0
    known = sum(writer[:3] == entry[:3] for writer in writers)
    seen = f"{protocol} {operation}" + (f" {thing}" if thing else "")
    return Finding(
        DetectorId("new_write"),
        "Write from a host that never wrote" if never else "New kind of write",
        Severity.CRITICAL if critical else Severity.HIGH,
        score,
        view.device(client),
        (client, server),
        transaction.time,
        transaction.time,
        tuple(reasons),
        f"Confirm with the operator that the command was meant. If not, put {server} in its safe state and cut {client} off.",
        kind.techniques if kind is not WRITE else _TECHNIQUES,
        (Evidence("new_write", seen, samples=known, score=score),),
    )


def _learn(state: NewWriteState, subject: VerdictSubject) -> bool:  # noqa: ARG001 - the interface's own shape
    entry = _judged(subject)
    if entry is None:
        return False
    subject.baseline.writers.add(entry)
    return True


def _unlearn(state: NewWriteState, subject: VerdictSubject) -> None:  # noqa: ARG001 - same
    entry = _judged(subject)
    if entry is not None:
        subject.baseline.writers.discard(entry)


def _judged(subject: VerdictSubject) -> Entry | None:
    words = subject.words("new_write")
    if words is None or len(subject.addresses) != 2:
        return None
    return words[0], subject.addresses[0], subject.addresses[1], words[1]


DETECTORS = (
    Detector(
        DetectorId("new_write"),
        "Write from a host that never wrote",
        "A write, program, control or stop operation that this host never sent to this device.",
        {
            "quiet": Parameter(300.0, "s", "said again only after so long a silence"),
            "targets": Parameter(4, "objects", "different objects of one such operation that are said until then"),
        },
        _begin,
        _step,
        _TECHNIQUES,
        learned=True,
        learn=_learn,
        unlearn=_unlearn,
    ),
)
