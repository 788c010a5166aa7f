"""Turns messages into samples of process values: who holds the value, the names of the points, and their numbers.

The shape of a message decides, not its protocol. A read answer tells values of who answers, a write request values for who
receives it, a published message values of who publishes. One object with a range (``holding_register/8-11``,
``g30v2/0-19``) or a list (``M0.1,MD300``) names one point a value; an object with more values than names (the members of a data
set) is numbered. A JSON payload gives one point for each numeric field.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from hauberk.model.service import OT_SERVICES
from hauberk.model.transaction import OK, Scalar, Transaction

Matrix = NDArray[np.float64]

MOST_VALUES = 64
"""Most points taken of one message; dissectors keep no more values either."""
LARGEST = 1e30
"""Magnitude beyond which a number is no process value but a code for a missing one."""

_PUBLISHED = frozenset({"mqtt", "coap"})
_CARRIERS = OT_SERVICES | _PUBLISHED
_MOST_DEPTH = 4
_MOST_TEXT = 512
_NUMERIC = frozenset({int, float, bool})
_RANGE = re.compile(r"^(.*?)(\d{1,9})-(\d{1,9})$")


class Sample(NamedTuple):
    """One message's values.

    ``time``: epoch seconds. ``key``: the message's kind, the same for messages with the same points. ``names`` of the points and
    ``row``, their values, of equal length. ``by``: address of who wrote them, empty for readings.
    """

    time: float
    key: str
    names: tuple[str, ...]
    row: Sequence[Scalar]
    by: str = ""


@dataclass(slots=True, eq=False)
class Run:
    """Samples of one kind and one device, in order of the stream, as columns.

    ``names`` of the points. ``times``, ``rows``: of each sample; ``places``: its number among all samples of the batch. ``by``:
    address of who wrote each, empty for readings. ``numbers``: the rows as numbers, shape (rows, points).
    """

    key: str
    names: tuple[str, ...]
    written: bool
    times: list[float] = field(default_factory=list)
    rows: list[Sequence[Scalar]] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    by: list[str] = field(default_factory=list)
    moments: Matrix = field(default_factory=lambda: np.zeros(0))
    """``times`` as an array, ``order``: ``places``."""
    order: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    numbers: Matrix = field(default_factory=lambda: np.zeros((0, 0)))


Runs = dict[str, list[Run]]
"""Runs by the address of the device that holds the values, in order of their first sample."""


class _Collector:
    """Sorts samples into runs."""

    def __init__(self) -> None:
        self.devices: Runs = {}
        self.count = 0
        self._kinds: dict[tuple[str, bool, str, int], Run] = {}

    def run(self, holder: str, key: str, names: tuple[str, ...], *, written: bool) -> Run:
        """Where samples of this kind go."""
        mark = holder, written, key, len(names)
        found = self._kinds.get(mark)
        if found is None:
            found = self._kinds[mark] = Run(key, names, written)
            self.devices.setdefault(holder, []).append(found)
        return found

    def add(self, holder: str, sample: Sample) -> None:
        """Take one sample in."""
        run = self.run(holder, sample.key, sample.names, written=bool(sample.by))
        self.append(run, sample.time, sample.row, sample.by)

    def append(self, run: Run, time: float, row: Sequence[Scalar], by: str) -> None:
        """Take one sample in whose run is known."""
        run.times.append(time)
        run.rows.append(row)
        run.places.append(self.count)
        if by:
            run.by.append(by)
        self.count += 1

    def finished(self) -> Runs:
        """All runs, with their numbers."""
        every = list(self._kinds.values())
        for run in every:
            run.moments, run.order = np.array(run.times), np.array(run.places, np.int64)
        plain = [run for run in every if all(type(value) in _NUMERIC for value in run.rows[0])]
        flat = matrix([list(chain.from_iterable(chain.from_iterable(run.rows for run in plain)))])[0] if plain else np.zeros(0)
        begin = 0
        for run in plain:
            end = begin + len(run.rows) * len(run.names)
            run.numbers = flat[begin:end].reshape(len(run.rows), len(run.names))
            begin = end
        for run in every:
            if not len(run.numbers):
                run.numbers = matrix(run.rows)
        return self.devices


def runs(transactions: Iterable[Transaction]) -> Runs:
    """The process values in ``transactions``."""
    collector = _Collector()
    append = collector.append
    known: dict[tuple[str, str, bool, str, int], Run] = {}
    for transaction in transactions:
        _, time, protocol, src, _, dst, _, role, _, _, thing, value, status, write, _ = transaction
        if value is None or thing is None or protocol not in _CARRIERS or status != OK:
            continue
        published = protocol in _PUBLISHED
        # A write answer repeats the request; what a broker hands on repeats what was published to it.
        if (write and role != "request") or (published and role == "event") or (role == "request" and not (write or published)):
            continue
        holder, by = (dst, src) if write else (src, "")
        if isinstance(value, tuple):
            mark = holder, protocol, write, thing, len(value)
            run = known.get(mark)
            if run is not None:
                append(run, time, value, by)
                continue
            names = point_names(thing, len(value)) if value else ()
            if len(names) == len(value) and len(names) > 0 and "+" not in thing:
                run = known[mark] = collector.run(holder, f"{protocol} {thing}#{len(value)}", names, written=bool(by))
                append(run, time, value, by)
            elif value:
                for sample in _others(Sample(time, protocol, (), value, by), thing):
                    collector.add(holder, sample)
        elif type(value) is str and published:
            for sample in _fields(time, protocol, thing, value):
                collector.add(holder, sample)
        else:
            mark = holder, protocol, write, thing, -1
            run = known.get(mark)
            if run is None:
                run = known[mark] = collector.run(holder, f"{protocol} {thing}", (thing,), written=bool(by))
            append(run, time, (value,), by)
    return collector.finished()


def grouped(holder: str, samples: Iterable[Sample]) -> list[Run]:
    """Samples of one device as runs."""
    collector = _Collector()
    for sample in samples:
        collector.add(holder, sample)
    return collector.finished().get(holder, [])


def in_order(runs: Sequence[Run]) -> Iterator[tuple[Run, Sequence[Scalar]]]:
    """The rows of several runs in order of the stream."""
    if len(runs) == 1:
        return ((runs[0], row) for row in runs[0].rows)
    merged = sorted((place, number, index) for number, run in enumerate(runs) for index, place in enumerate(run.places))
    return ((runs[number], runs[number].rows[index]) for _, number, index in merged)


def _others(sample: Sample, thing: str) -> list[Sample]:
    """Samples of a message whose values are not one a point: a command with its parameters, a queue of events."""
    protocol, row = sample.key, sample.row
    names = point_names(thing, len(row))
    if len(names) != len(row):
        names, row = point_names(thing, 1), row[:1]
    if len(set(names)) == len(names):
        return [sample._replace(key=f"{protocol} {thing}#{len(row)}", names=names, row=row)]
    return [sample._replace(key=f"{protocol} {name}", names=(name,), row=(value,)) for name, value in zip(names, row, strict=True)]


@lru_cache(maxsize=4096)
def point_names(thing: str, width: int) -> tuple[str, ...]:
    """Names of ``width`` values of ``thing``; a single name where the further values are parameters of a command."""
    first, *more = thing.split(",")
    names = _expand(first)
    levels = first.count("/")
    for part in more:
        missing = levels - part.count("/")
        names += _expand("/".join([*first.split("/")[:missing], part]) if missing > 0 and "->" in first else part)
        if len(names) >= MOST_VALUES:
            break
    if len(names) >= width:
        return tuple(names[:width])
    if len(names) == 1 and width <= 2:
        return (thing,)
    return tuple(f"{thing}[{index}]" for index in range(min(width, MOST_VALUES)))


def _expand(part: str) -> list[str]:
    head, _, tail = part.rpartition("/")
    stem = f"{head}/" if head else ""
    if "+" in tail and tail.replace("+", "").isdigit():
        return [stem + number for number in tail.split("+")[:MOST_VALUES]]
    found = _RANGE.match(part)
    if found is None or (found[1] and not found[1].endswith("/")):
        return [part]
    low, high = int(found[2]), int(found[3])
    if high < low:
        return [part]
    return [f"{found[1]}{number}" for number in range(low, min(high + 1, low + MOST_VALUES))]


def _fields(time: float, protocol: str, topic: str, payload: str) -> list[Sample]:
    """The numeric fields of a JSON payload; nothing where it is something else."""
    if not payload.startswith(("{", "[")) or len(payload) > _MOST_TEXT:
        return []
    try:
        parsed = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return []
    names: list[str] = []
    row: list[Scalar] = []
    queue: list[tuple[str, object, int]] = [(topic, parsed, 0)]
    while queue and len(row) < MOST_VALUES:
        name, node, depth = queue.pop()
        if isinstance(node, dict) and depth < _MOST_DEPTH:
            queue.extend((f"{name}/{key}", child, depth + 1) for key, child in sorted(node.items(), reverse=True))
        elif isinstance(node, list) and depth < _MOST_DEPTH:
            queue.extend((f"{name}[{index}]", child, depth + 1) for index, child in enumerate(node[:MOST_VALUES]))
        elif isinstance(node, bool | int | float):
            names.append(name)
            row.append(node)
    return [Sample(time, f"{protocol} {','.join(names)}", tuple(names), tuple(row))] if row else []


def columns(holder: str, names: Sequence[str], times: Iterable[float], values: Matrix, key: str = "columns") -> Runs:
    """Readings that come as columns, one row of ``values`` a time, such as an export of a historian."""
    named = tuple(names)
    return {
        holder: grouped(
            holder, (Sample(float(time), key, named, tuple(row)) for time, row in zip(times, values.tolist(), strict=True))
        )
    }


def number(value: Scalar) -> float | None:
    """``value`` as a process value; None for text, for what is missing and for what is too large to be one."""
    if value is None or isinstance(value, str | bytes):
        return None
    if isinstance(value, int):
        return float(value) if -LARGEST < value < LARGEST else None
    return value if -LARGEST < value < LARGEST else None


def matrix(rows: Sequence[Sequence[Scalar]]) -> Matrix:
    """Rows as numbers, shape (rows, points), NaN where a value is no number."""
    flat: list[Any] = list(chain.from_iterable(rows))
    if not set(map(type, flat)) <= _NUMERIC:
        flat = [value if type(value) in _NUMERIC else np.nan for value in flat]
    try:
        result = np.array(flat, np.float64)
    except OverflowError:
        result = np.array([np.nan if (seen := number(value)) is None else seen for value in flat], np.float64)
    result[~(np.abs(result) < LARGEST)] = np.nan
    return result.reshape(len(rows), -1)
