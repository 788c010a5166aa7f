"""Commands and readings beside what was usual: the model behind ``value_out_of_range``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from hauberk.detect.values.alarm import Alarm, order, series, shown
from hauberk.detect.values.band import Band, middle
from hauberk.detect.values.limits import MOST_DEVICES, MOST_KINDS, MOST_POINTS
from hauberk.detect.values.phase import Phase
from hauberk.detect.values.points import Run, in_order, number
from hauberk.detect.values.written import Written
from hauberk.model.finding import Band as Usual
from hauberk.model.finding import Evidence, Severity
from hauberk.model.transaction import Scalar

_WRITE_SCORE = 8.0
_LONGEST_TEXT = 64
_MOST_APPROVED = 64


@dataclass(slots=True)
class Kind:
    """Readings of one kind of message, and the time of the first."""

    names: tuple[str, ...]
    since: float
    band: Band


@dataclass(slots=True)
class Command:
    """The last write of one kind of message. ``again``: how often it came again since it was taken in. ``usual``: whether it was
    judged and nothing is wrong with it."""

    names: tuple[str, ...]
    row: Sequence[Scalar]
    again: int = 0
    usual: bool = False


@dataclass(slots=True)
class Envelope:
    """What is usual of one device's values. ``kinds``: of readings, by key; ``written``: by point; ``commands``: by key."""

    holder: str
    kinds: dict[str, Kind] = field(default_factory=dict)
    written: dict[str, Written] = field(default_factory=dict)
    commands: dict[str, Command] = field(default_factory=dict)
    phase: Phase = field(default_factory=Phase)
    approved: dict[str, list[float | str]] = field(default_factory=dict)
    """Values that an operator called normal, by point."""

    def begin_stream(self) -> None:
        """Forget the evidence so far."""
        for kind in self.kinds.values():
            kind.band.calm()
            kind.band.forget_recent()

    def learn(self, runs: list[Run]) -> None:
        """Take runs in; nothing from before what was judged."""
        if not self.phase.learns(runs):
            return
        self._learn_writes([run for run in runs if run.written])
        for run in runs:
            if run.written:
                continue
            kind = self._kind(run)
            if kind is not None and len(kind.names) == len(run.names):
                kind.band.learn(run.numbers)

    def judge(self, runs: list[Run]) -> list[Alarm]:
        """What is wrong in ``runs``, by time."""
        if self.phase.turns(runs):
            for known in self.kinds.values():
                known.band.begin()
            for command in self.commands.values():
                self._take(command.names, command.row, command.again)
                command.again, command.usual = 0, False
        alarms: list[Alarm] = []
        for run in runs:
            if run.written:
                alarms.extend(self._writes(run))
                continue
            kind = self.kinds.get(run.key)
            if kind is not None and len(kind.names) == len(run.names):
                alarms.extend(self._readings(kind, run))
        return sorted(alarms, key=order)

    def _kind(self, run: Run) -> Kind | None:
        found = self.kinds.get(run.key)
        if found is not None:
            return found
        points = sum(len(kind.names) for kind in self.kinds.values())
        if len(self.kinds) >= MOST_KINDS or points + len(run.names) > MOST_POINTS:
            return None
        found = self.kinds[run.key] = Kind(run.names, run.times[0], Band(len(run.names)))
        return found

    def _learn_writes(self, runs: list[Run]) -> None:
        for run, row in in_order(runs):
            command = self.commands.get(run.key)
            if command is not None and row == command.row:
                command.again += 1
            elif command is not None:
                self._take(command.names, command.row, command.again)
                command.names, command.row, command.again = run.names, row, 1
            elif self._has_room(run):
                self.commands[run.key] = Command(run.names, row, 1)
            else:
                self._take(run.names, row, 1)

    def _has_room(self, run: Run) -> bool:
        """Whether the last write of one more kind is remembered."""
        points = sum(len(command.names) for command in self.commands.values())
        return len(self.commands) < MOST_KINDS and points + len(run.names) <= MOST_POINTS

    def _take(self, names: tuple[str, ...], row: Sequence[Scalar], times: int) -> None:
        """Learn that ``row`` was written so often."""
        if not times:
            return
        for name, value in zip(names, row, strict=False):
            seen = _said(value)
            if seen is not None and (name in self.written or len(self.written) < MOST_POINTS):
                self.written.setdefault(name, Written()).learn(seen, times)

    def _writes(self, run: Run) -> Iterator[Alarm]:
        command = self.commands.get(run.key)
        for index, row in enumerate(run.rows):
            if command is not None and command.usual and row == command.row:
                continue
            alarm = self._write(run, index)
            if alarm is not None:
                yield alarm
            elif command is not None:
                command.row, command.usual = row, True
            elif self._has_room(run):
                command = self.commands[run.key] = Command(run.names, row, usual=True)

    def _write(self, run: Run, index: int) -> Alarm | None:
        time, by = run.times[index], run.by[index]
        for name, value in zip(run.names, run.rows[index], strict=True):
            seen = _said(value)
            if seen is None:
                continue
            readings = self._read(name)
            before = self.written.get(name, _NOTHING)
            strange = before.strange(seen, readings)
            if strange is None or self._is_approved(name, seen, before):
                continue
            text = seen if isinstance(seen, str) else shown(seen)
            numeric = before.count and before.high >= before.low
            evidence = Evidence(
                "value_written",
                seen,
                usual=Usual(before.low, (before.low + before.high) / 2, before.high) if numeric else None,
                since=None,
                samples=before.count or readings[2],
                score=_WRITE_SCORE,
                series=((time, seen),) if isinstance(seen, float) else (),
            )
            return Alarm(
                self.holder,
                (name,),
                time,
                time,
                _WRITE_SCORE,
                Severity.HIGH if before.count else Severity.MEDIUM,
                (f"{by} wrote {text} to {name} of {self.holder}. This point was {strange}.",),
                (evidence, Evidence("point", name)),
                by,
            )
        return None

    def approve(self, name: str, value: float | str) -> None:
        """An operator calls ``value`` of a point normal."""
        values = self.approved.setdefault(name, [])
        if value not in values and len(values) < _MOST_APPROVED:
            values.append(value)

    def disapprove(self, name: str, value: float | str) -> None:
        """That is no longer so."""
        values = [one for one in self.approved.pop(name, []) if one != value]
        if values:
            self.approved[name] = values
        for command in self.commands.values():
            command.usual = False

    def _is_approved(self, name: str, value: float | str, before: Written) -> bool:
        """True for an approved value and, where a point takes amounts and no modes, for what lies between it and the usual ones."""
        values = self.approved.get(name, ())
        if not values or value in values or isinstance(value, str):
            return value in values
        numbers = [one for one in values if not isinstance(one, str)]
        return before.takes_amounts and min(before.low, *numbers) <= value <= max(before.high, *numbers)

    def _read(self, name: str) -> tuple[float, float, int]:
        """Lowest, highest and number of the readings of a point."""
        for kind in reversed(self.kinds.values()):
            if name in kind.names:
                return kind.band.read(kind.names.index(name))
        return np.inf, -np.inf, 0

    def _readings(self, kind: Kind, run: Run) -> Iterator[Alarm]:
        band = kind.band
        row, place = band.judge(run.moments, run.numbers, 0)
        while row >= 0:
            point, name, value = band.points[place], kind.names[place], float(run.numbers[row, place])
            low, high, count, score = float(point["low"]), float(point["high"]), int(point["count"]), float(point["score"])
            reason = (
                f"{self.holder} reports {shown(value)} for {name}, and the last {int(point['run'])} readings out of range."
                f" In {count} readings while learned it stayed from {shown(low)} to {shown(high)}."
            )
            # Extremes stand for the percentiles, which are not kept.
            evidence = Evidence(
                "value_read",
                value,
                usual=Usual(low, middle(point), high),
                since=kind.since,
                samples=count,
                score=score,
                series=series(*band.chart(place)),
            )
            since, time = float(point["since"]), run.times[row]
            said = evidence, Evidence("point", name)
            yield Alarm(self.holder, (name,), since, time, score, Severity.MEDIUM, (reason,), said)
            band.calm(pause=True)
            row, place = band.judge(run.moments, run.numbers, row + 1)


def _said(value: Scalar) -> float | str | None:
    """What was written, as it is compared; None for what is no value."""
    return value[:_LONGEST_TEXT] if isinstance(value, str) else number(value)


_NOTHING = Written()


def envelope_of(devices: dict[str, Envelope], holder: str) -> Envelope | None:
    """The envelope of ``holder``, new where it has none; None where as many devices as possible are followed."""
    found = devices.get(holder)
    if found is None and len(devices) < MOST_DEVICES:
        found = devices[holder] = Envelope(holder)
    return found
