"""Verdicts put to work: in a running engine, and in a snapshot that waits for its next run.

A verdict first asks the detector, which may allow the very thing in what it learned; where it cannot, findings of the thing are
kept back (see ``verdicts``). A true positive is taken out of what was learned, and kept out of every later lesson.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from hauberk.detect.baseline import Baseline
from hauberk.detect.detectors.interface import Detector
from hauberk.detect.rows import Flags
from hauberk.detect.snapshot import Part, Snapshot
from hauberk.detect.state.codec import encode
from hauberk.detect.state.size import state_of
from hauberk.detect.verdict_subject import VerdictSubject
from hauberk.detect.verdicts import Effect, Given, Verdicts
from hauberk.detect.view import View
from hauberk.errors import InputError, SettingError
from hauberk.model.address import ip_halves
from hauberk.model.ids import DetectorId, FindingId
from hauberk.model.observation import Columns
from hauberk.model.transaction import Transaction
from hauberk.model.verdict import Verdict, VerdictRecord

At = tuple[Detector, Any]
"""A detector and its state."""
_MESSAGES = frozenset({"new_write", "write_target", "read_target", "read_walk", "ot_request"})
"""Evidence that says protocol and operation of a message."""
_PROTOCOLS = frozenset({"ot_master", "ot_role", "ot_reporter"})
"""Evidence that begins with the protocol of a message."""
_NAMING = _MESSAGES | _PROTOCOLS
_WRITTEN = "value_written"


@dataclass(frozen=True, slots=True)
class Taught:
    """What a verdict did: ``given`` holds now, ``withdrawn`` no longer does."""

    given: Given
    withdrawn: tuple[Given, ...] = ()


@dataclass(frozen=True, slots=True)
class Classroom:
    """All a verdict can reach: the verdicts so far, what was learned, and the detectors that are there, with their states."""

    verdicts: Verdicts
    baseline: Baseline
    pupils: Sequence[At]

    def teach(self, record: VerdictRecord) -> Taught:
        """Have ``record`` hold. An earlier verdict on the same thing is withdrawn, but a lock is only undone by forgetting it:
        raises ``SettingError``."""
        withdrawn = self.verdicts.about(record)
        for given in withdrawn:
            other = given.record.finding != record.finding
            if given.effect is Effect.LOCKED and other and record.verdict is not Verdict.TRUE_POSITIVE:
                said = f"finding {given.record.finding} is of the same thing and was said to be a true positive"
                raise SettingError(
                    f"{said}; forget that verdict first: hauberk baseline verdicts FILE --forget {given.record.finding}"
                )
        for given in withdrawn:
            self._withdraw(given)
        own = next((detector for detector, _ in self.pupils if detector.id == record.detector), None)
        given = Given(record, self._apply(record), own is not None and own.peers_vary)
        self.verdicts.add(given)
        return Taught(given, tuple(withdrawn))

    def forget(self, finding: FindingId) -> list[Given]:
        """Undo what was said of the finding with this identifier."""
        found = self.verdicts.of(finding)
        for given in found:
            self._withdraw(given)
        return found

    def _apply(self, record: VerdictRecord) -> Effect:
        subject = VerdictSubject(record, self.baseline)
        if record.verdict is Verdict.TRUE_POSITIVE:
            unlearn(self.pupils, subject)
            return Effect.LOCKED
        if record.verdict is Verdict.FALSE_POSITIVE:
            return Effect.SUPPRESSED
        learned = False
        for detector, state in self.pupils:
            if detector.id == record.detector and detector.learn is not None:
                learned = detector.learn(state, subject)
        for detector, state in self.pupils:
            if learned and record.detector in detector.learns_from and detector.learn is not None:
                detector.learn(state, subject)
        return Effect.LEARNED if learned else Effect.SUPPRESSED

    def _withdraw(self, given: Given) -> None:
        self.verdicts.remove(given)
        if given.effect is Effect.LEARNED:
            unlearn(self.pupils, VerdictSubject(given.record, self.baseline), others=True)


def unlearn(pupils: Iterable[At], subject: VerdictSubject, *, others: bool = False) -> None:
    """Have the detector of ``subject`` no longer know it; ``others``: and those that learned from it too."""
    for detector, state in pupils:
        concerned = detector.id == subject.record.detector or (others and subject.record.detector in detector.learns_from)
        if concerned and detector.unlearn is not None:
            detector.unlearn(state, subject)


def edit(snapshot: Snapshot, detectors: Iterable[Detector], change: Callable[[Classroom], object]) -> Snapshot:
    """``snapshot`` with what ``change`` does to all detectors in it. Limits and times of states stay as they were."""
    known = {detector.id: detector for detector in detectors}
    parts = {DetectorId(name): part for name, part in snapshot.detectors.items() if DetectorId(name) in known}
    pupils = [(known[name], _state(known[name], part)) for name, part in parts.items()]
    baseline, verdicts = snapshot.baseline.copy(), snapshot.verdicts.copy()
    change(Classroom(verdicts, baseline, pupils))
    states = dict(snapshot.detectors)
    for detector, state in pupils:
        if detector.learn is not None:
            states[detector.id] = replace(parts[detector.id], tree=encode(state))
    return replace(snapshot, baseline=baseline, verdicts=verdicts, detectors=states)


def _state(detector: Detector, part: Part) -> Any:  # noqa: ANN401 - each detector has a state type of its own
    if detector.learn is None:
        return None
    try:
        return state_of(detector, part)
    except InputError as error:
        raise InputError(f"the state of detector '{detector.id}' in the baseline cannot be read: {error}") from error


def lesson(view: View, locked: Sequence[VerdictRecord], detector: Detector) -> View:
    """``view`` as ``detector`` may learn from it: without what is locked."""
    batch = view.batch
    bars = [_bar(record) for record in locked]
    messages = [message for message in batch.transactions if not any(bar(message) for bar in bars)]
    activity, flows = batch.activity, batch.flows
    for record in locked:
        if detector.unlearn is None and not _names_messages(record):
            activity, flows = activity[~_concerns(activity, record)], flows[~_concerns(flows, record)]
    _ = view.vain  # judged once for all: attempts are counted as they are looked at
    taught = copy.copy(view)
    for name, kind in vars(View).items():
        if isinstance(kind, cached_property) and name != "vain":
            taught.__dict__.pop(name, None)
    taught.batch = replace(batch, transactions=messages, activity=activity, flows=flows)
    return taught


def _names_messages(record: VerdictRecord) -> bool:
    return any(name in _NAMING or name == _WRITTEN for name, _ in record.things)


def _bar(record: VerdictRecord) -> Callable[[Transaction], bool]:
    """Whether a message is of what ``record`` locks: between the same hosts and, where the evidence says it, of the same protocol
    and operation, or with the same value."""
    ends = set(record.addresses[:2])
    starts = tuple(
        tuple(str(seen).split(" ", 2)[: 2 if name in _MESSAGES else 1]) for name, seen in record.things if name in _NAMING
    )
    values = [seen for name, seen in record.things if name == _WRITTEN]

    def barred(message: Transaction) -> bool:
        if not ends <= {message.src, message.dst}:
            return False
        if starts:
            return any((message.protocol, message.operation)[: len(start)] == start for start in starts)
        return not values or (message.write and any(_carries(message, value) for value in values))

    return barred


def _carries(message: Transaction, value: str | float) -> bool:
    return value in message.value if isinstance(message.value, tuple) else value == message.value


def _concerns(rows: Columns, record: VerdictRecord) -> Flags:
    """Which rows are of the subject and its peer, or of the subject where it has none."""
    chosen: Flags = np.ones(len(rows), np.bool_)
    halves = []
    for address in record.addresses[:2]:
        try:
            halves.append(ip_halves(address))
        except ValueError:
            continue  # the address of a card
    for hi, lo in halves:
        a, b = ((rows[f"{side}_hi"] == hi) & (rows[f"{side}_lo"] == lo) for side in ("a", "b"))
        chosen &= a | b
    return chosen if halves else ~chosen
