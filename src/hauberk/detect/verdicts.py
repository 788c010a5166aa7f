"""The verdicts that hold, and which findings they keep back.

| Verdict | A detector that can learn the thing | Any other detector |
|---|---|---|
| learn | allows it from now on | its finding is kept back |
| benign | allows it from now on | its finding is kept back and counted |
| false | its finding is kept back and counted, as a mistake of the detector | the same |
| true | never learns it | its finding is never kept back |

What is kept back is no more than the very thing: the same detector, subject, peers and evidence. New peers, new objects and other
detectors speak as before.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

from hauberk.errors import InputError
from hauberk.formats.ocsf import finding_uid
from hauberk.model.finding import Finding
from hauberk.model.ids import DetectorId, DeviceId, FindingId
from hauberk.model.verdict import Thing, Verdict, VerdictRecord

MOST_VERDICTS: Final = 1 << 16
LONGEST_NOTE: Final = 1000
"""Characters of a note."""
_MOST_ITEMS = 256
_LONGEST_TEXT = 1 << 16


class Effect(StrEnum):
    """What a verdict did."""

    LEARNED = "learned"
    SUPPRESSED = "suppressed"
    LOCKED = "locked"


@dataclass(slots=True)
class Given:
    """A verdict that holds. ``any_peer``: it covers the subject whatever the peers. ``hidden``: findings it kept back."""

    record: VerdictRecord
    effect: Effect
    any_peer: bool = False
    hidden: int = 0

    @property
    def counts(self) -> bool:
        """Whether what it keeps back is counted: what an operator wants learned is normal, and no longer of interest."""
        return self.record.verdict is not Verdict.LEARN

    def covers(self, finding: Finding) -> bool:
        """True if ``finding`` is of the very thing."""
        record = self.record
        return (
            finding.detector == record.detector
            and _same_subject(record, finding.addresses, finding.device)
            and (self.any_peer or _same_peers(record, finding.addresses))
            and texts((evidence.name, evidence.seen) for evidence in finding.evidence) <= texts(record.things)
        )

    def is_about(self, other: VerdictRecord) -> bool:
        """True if ``other`` speaks of the same thing."""
        record = self.record
        return (
            other.detector == record.detector
            and _same_subject(record, other.addresses, other.device)
            and (self.any_peer or _same_peers(record, other.addresses))
            and set(other.things) == set(record.things)
        )


def _same_subject(record: VerdictRecord, addresses: tuple[str, ...], device: DeviceId | None) -> bool:
    return addresses[:1] == record.addresses[:1] or (device is not None and device == record.device)


def _same_peers(record: VerdictRecord, addresses: tuple[str, ...]) -> bool:
    known, peers = set(record.addresses[1:]), set(addresses[1:])
    return bool(known) == bool(peers) and peers <= known


def texts(things: Iterable[Thing]) -> frozenset[tuple[str, str]]:
    """The evidence that names something; numbers differ each time. What is no text is escaped, as in published findings."""
    return frozenset((name, seen.encode("utf-8", "backslashreplace").decode()) for name, seen in things if isinstance(seen, str))


def record_of(finding: Finding, verdict: Verdict, time: float, note: str = "") -> VerdictRecord:
    """A verdict on ``finding``; ``time`` is now, in epoch seconds."""
    things = tuple((evidence.name, evidence.seen) for evidence in finding.evidence)
    uid = FindingId(finding_uid(finding))
    return VerdictRecord(uid, finding.detector, finding.device, finding.addresses, verdict, note, time, things)


@dataclass(slots=True)
class Verdicts:
    """All verdicts that hold, by detector."""

    _given: dict[DetectorId, list[Given]] = field(default_factory=lambda: defaultdict(list))

    def __iter__(self) -> Iterator[Given]:
        """Every one, in the order they were given."""
        return iter(sorted((given for rows in self._given.values() for given in rows), key=_when))

    def __len__(self) -> int:
        return sum(map(len, self._given.values()))

    def add(self, given: Given) -> None:
        """One more; raises ``InputError`` where there are too many."""
        if len(self) >= MOST_VERDICTS:
            raise InputError(f"there are {MOST_VERDICTS} verdicts already; forget some, or learn again")
        self._given[given.record.detector].append(given)

    def remove(self, given: Given) -> None:
        """One less."""
        rows = self._given[given.record.detector]
        rows[:] = [row for row in rows if row is not given]

    def of(self, finding: FindingId) -> list[Given]:
        """What was said of the finding with this identifier."""
        return [given for given in self if given.record.finding == finding]

    def about(self, record: VerdictRecord) -> list[Given]:
        """What was said of the same thing as ``record`` speaks of."""
        return [given for given in self._given.get(record.detector, ()) if given.is_about(record)]

    def locked(self, detector: DetectorId) -> list[VerdictRecord]:
        """What this detector must never learn."""
        return [given.record for given in self._given.get(detector, ()) if given.effect is Effect.LOCKED]

    def hides(self, finding: Finding) -> Given | None:
        """The verdict that keeps ``finding`` back, which counts it; None where it is to be said."""
        found = None
        for given in self._given.get(finding.detector, ()):
            if given.effect is not Effect.LEARNED and given.covers(finding):
                if given.effect is Effect.LOCKED:
                    return None
                found = found or given
        if found is not None:
            found.hidden += found.counts
        return found

    def erring(self) -> Counter[DetectorId]:
        """How often each detector was said to have erred."""
        return Counter(given.record.detector for given in self if given.record.verdict is Verdict.FALSE_POSITIVE)

    def copy(self) -> Verdicts:
        """The same, which goes its own way."""
        copied = Verdicts()
        for given in self:
            copied.add(replace(given))
        return copied

    def plain(self) -> list[dict[str, object]]:
        """The verdicts as JSON can say them."""
        return [_plain(given) for given in self]

    @classmethod
    def from_plain(cls, content: object) -> Verdicts:
        """Read what ``plain`` gave; raises ``InputError`` for anything else."""
        if not isinstance(content, list):
            raise InputError("the baseline's verdicts are no list")
        verdicts = cls()
        for row in content:
            verdicts.add(_given(row))
        return verdicts


def _when(given: Given) -> tuple[float, str, str]:
    return given.record.time, given.record.finding, repr(given.record.things)


def _sayable(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def _plain(given: Given) -> dict[str, object]:
    record = given.record
    return {
        "finding": record.finding,
        "detector": record.detector,
        "device": record.device,
        "addresses": list(record.addresses),
        "things": [[name, _sayable(seen) if isinstance(seen, str) else float(seen)] for name, seen in record.things],
        "verdict": record.verdict.value,
        "note": _sayable(record.note),
        "time": record.time,
        "effect": given.effect.value,
        "any_peer": given.any_peer,
        "hidden": given.hidden,
    }


def _given(row: Any) -> Given:  # noqa: ANN401 - what a file says
    try:
        record = record_from(_mapping(row), Verdict(row["verdict"]), _text(row["note"]), _number(row["time"]))
        return Given(record, Effect(row["effect"]), row["any_peer"] is True, _count(row["hidden"]))
    except (KeyError, ValueError, TypeError, InputError) as error:
        raise InputError(f"a verdict in the baseline is damaged ({error})") from error


def record_from(row: Mapping[str, Any], verdict: Verdict, note: str, time: float) -> VerdictRecord:
    """A record from outside: ``row`` has ``finding``, ``detector``, ``device``, ``addresses`` and ``things``. Raises ``InputError``
    where one is of another kind or too large, and ``KeyError`` where one is missing."""
    if len(note) > LONGEST_NOTE:
        raise InputError(f"a note is longer than {LONGEST_NOTE} characters")
    addresses, things, device = row["addresses"], row["things"], row["device"]
    if not isinstance(addresses, list) or not isinstance(things, list) or max(len(addresses), len(things)) > _MOST_ITEMS:
        raise InputError("its addresses or its evidence are no lists, or too long")
    return VerdictRecord(
        FindingId(_text(row["finding"])),
        DetectorId(_text(row["detector"])),
        None if device is None else DeviceId(_text(device)),
        tuple(_text(address) for address in addresses),
        verdict,
        note,
        time,
        tuple(_thing(thing) for thing in things),
    )


def _thing(value: object) -> Thing:
    if not isinstance(value, list) or len(value) != 2:
        raise InputError("a piece of evidence is no pair")
    name, seen = value
    return _text(name), _text(seen) if isinstance(seen, str) else _number(seen)


def _mapping(value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InputError("it is no mapping")
    return value


def _count(value: object) -> int:
    if type(value) is not int or value < 0:
        raise InputError("a count is none")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST_TEXT:
        raise InputError("a text is none, or too long")
    return value


def _number(value: object) -> float:
    if type(value) not in {int, float} or not math.isfinite(value):  # type: ignore[arg-type]  # a number by now
        raise InputError("a number is none")
    return float(value)  # type: ignore[arg-type]  # same
