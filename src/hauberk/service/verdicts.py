"""Verdicts on findings that were published: from lines of ``analyze --format json`` to records, and into a snapshot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import orjson

from hauberk.detect.detectors.registry import detectors
from hauberk.detect.snapshot import Snapshot
from hauberk.detect.teaching import Classroom, Taught, edit
from hauberk.detect.verdicts import Given, record_from
from hauberk.errors import InputError
from hauberk.formats.ocsf import DETECTION_FINDING, INCIDENT_FINDING
from hauberk.model.ids import FindingId
from hauberk.model.verdict import Verdict, VerdictRecord

LONGEST_LINE: Final = 1 << 24
"""Bytes of a line: an incident of many findings is one."""
_MOST_ALIKE = 1024
"""Findings of one identifier."""


def read_findings(lines: Iterable[bytes], wanted: Sequence[str], verdict: Verdict, note: str, now: float) -> list[VerdictRecord]:
    """A record for every finding in ``lines`` whose identifier is ``wanted``; ``now`` in epoch seconds. Findings of one moment may
    share an identifier. Raises ``InputError`` for lines that are not of ``analyze --format json``, and for an identifier that is
    not there."""
    found: dict[str, list[VerdictRecord]] = {uid: [] for uid in wanted}
    incidents: dict[str, list[str]] = {}
    for number, line in enumerate(lines, 1):
        content = _object(line, number)
        if content is None:
            continue
        uid = _field(content, number, "metadata", "uid")
        if content["class_uid"] == INCIDENT_FINDING:
            incidents[str(uid)] = _field(content, number, "unmapped", "hauberk", "findings")
        elif uid in found and len(found[uid]) < _MOST_ALIKE:
            found[uid].append(_record(content, number, verdict, note, now))
    missing = next((uid for uid in wanted if not found[uid]), None)
    if missing is not None and missing in incidents:
        raise InputError(f"{missing} is an incident; a verdict is on its findings: {', '.join(map(str, incidents[missing][:20]))}")
    if missing is not None:
        raise InputError(f"there is no finding {missing} in these lines; its identifier stands under metadata.uid")
    return [record for records in found.values() for record in records]


def _object(line: bytes, number: int) -> Mapping[str, Any] | None:
    """What a line says; None for an empty one."""
    if len(line) > LONGEST_LINE:
        raise InputError(f"line {number} is longer than {LONGEST_LINE} bytes")
    if not line.strip():
        return None
    try:
        content = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise InputError(f"line {number} is not JSON; give what 'hauberk analyze --format json' prints") from error
    if not isinstance(content, dict) or content.get("class_uid") not in {DETECTION_FINDING, INCIDENT_FINDING}:
        raise InputError(f"line {number} is no finding; give what 'hauberk analyze --format json' prints")
    return content


def _field(content: Mapping[str, Any], number: int, *path: str) -> Any:  # noqa: ANN401 - what a file says
    value: Any = content
    for name in path:
        if not isinstance(value, Mapping) or name not in value:
            raise InputError(f"line {number} has no {'.'.join(path)}; give what 'hauberk analyze --format json' prints")
        value = value[name]
    return value


def _record(content: Mapping[str, Any], number: int, verdict: Verdict, note: str, now: float) -> VerdictRecord:
    own = _field(content, number, "unmapped", "hauberk")
    try:
        things = [[entry["name"], entry["seen"]] for entry in own["evidence"] if entry["seen"] is not None]
        row = {
            "finding": content["metadata"]["uid"],
            "things": things,
            **{key: own[key] for key in ("detector", "device", "addresses")},
        }
        record = record_from(row, verdict, note, now)
    except (KeyError, TypeError, InputError) as error:
        raise InputError(f"line {number} is a finding, but a part of it is missing or wrong ({error})") from error
    if record.detector not in {detector.id for detector in detectors()}:
        raise InputError(f"line {number}: there is no detector '{record.detector}'; 'hauberk detector list' shows what there is")
    return record


def teach_snapshot(snapshot: Snapshot, records: Iterable[VerdictRecord]) -> tuple[Snapshot, list[Taught]]:
    """``snapshot`` with the verdicts in force, and what each did."""
    done: list[Taught] = []

    def change(room: Classroom) -> None:
        done.extend(room.teach(record) for record in records)

    return edit(snapshot, detectors(), change), done


def forget_verdicts(snapshot: Snapshot, findings: Iterable[str]) -> tuple[Snapshot, list[Given]]:
    """``snapshot`` without what was said of these findings, and what that was; raises ``InputError`` where nothing was."""
    gone: list[Given] = []

    def change(room: Classroom) -> None:
        for finding in findings:
            there = room.forget(FindingId(finding))
            if not there:
                raise InputError(f"there is no verdict on finding {finding}; 'hauberk baseline verdicts FILE' lists them")
            gone.extend(there)

    return edit(snapshot, detectors(), change), gone


def verdict_record(given: Given, change: str | None = None) -> Mapping[str, object]:
    """A verdict as it is printed; ``change``: what became of it just now."""
    record = given.record
    return {
        "record": "verdict",
        "finding": record.finding,
        "detector": record.detector,
        "device": record.device,
        "addresses": record.addresses,
        "evidence": [list(thing) for thing in record.things],
        "verdict": record.verdict.value,
        "note": record.note,
        "time": record.time,
        "effect": given.effect.value,
        "suppressed": given.hidden,
        **({"change": change} if change is not None else {}),
    }
