"""One record of another sensor's log, read without trust: fields by name, each of them absent, odd or wrong.

A field that is there but cannot be what it should be raises ``InputError``: the line is then skipped and counted by its reader.
Texts are cut, lists are bounded. Nothing is evaluated.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from hauberk.errors import InputError

MOST_TEXT = 512
"""Longest text kept of a field, in characters."""
MOST_ITEMS = 64
"""Most values kept of a list."""
MOST_REASONS = 64
"""Most different reasons remembered of lines that were skipped."""

_NANOSECONDS = 1_000_000_000
_LATEST = 9_000_000_000
"""Times beyond this many seconds after the epoch do not fit the columns (and are wrong)."""
_DECIMAL = re.compile(r"(-?)([0-9]{1,12})(?:\.([0-9]{1,18}))?")
_TRUE, _FALSE = frozenset({"T", "t", "true"}), frozenset({"F", "f", "false"})
_NO_LETTER = re.compile(r"[^a-z0-9]+")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@dataclass(slots=True)
class LineProblem:
    """Why lines were skipped: the first of them (1-based), what was wrong with it, and how many there were."""

    line: int
    reason: str
    count: int = 1


class Problems:
    """The problems of one log, one for each reason, in the order they were met; their number is bounded."""

    __slots__ = ("_by_reason", "skipped")

    def __init__(self) -> None:
        self._by_reason: dict[str, LineProblem] = {}
        self.skipped = 0

    def add(self, line: int, reason: str) -> None:
        """A line was skipped."""
        self.skipped += 1
        known = self._by_reason.get(reason)
        if known is None and len(self._by_reason) >= MOST_REASONS:
            reason = "other reasons"
            known = self._by_reason.get(reason)
        if known is None:
            self._by_reason[reason] = LineProblem(line, reason)
        else:
            known.count += 1

    def listed(self) -> list[LineProblem]:
        """The problems so far."""
        return list(self._by_reason.values())


def shown(words: str) -> str:
    """``words`` cut to the longest text kept, control characters escaped."""
    words = words[:MOST_TEXT]
    return words if words.isprintable() else words.encode("unicode_escape").decode("ascii")[:MOST_TEXT]


@lru_cache(maxsize=4096)
def snake(words: str) -> str:
    """``Get Attribute List``, ``who-is``, ``ListIdentity`` and ``NO_ERROR`` as one form: ``get_attribute_list``, ``who_is`` ..."""
    return _NO_LETTER.sub("_", _HUMP.sub("_", words[:MOST_TEXT]).lower()).strip("_")


@lru_cache(maxsize=1024)
def _iso_seconds(words: str) -> int:
    """Whole seconds since the epoch of an ISO 8601 time whose fraction was taken out."""
    try:
        moment = datetime.fromisoformat(words)
    except ValueError as error:
        raise InputError("a time that is none") from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp())


_ISO = re.compile(r"([0-9-]{10}[T ][0-9:]{8})(?:[.,]([0-9]{1,9}))?(Z|[+-][0-9:]{4,6})?")


def nanoseconds(value: object) -> int:
    """A time in nanoseconds since the epoch: decimal seconds (text or number) or ISO 8601. Raises ``InputError``."""
    if isinstance(value, str):
        found = _DECIMAL.fullmatch(value)
        if found is not None:
            whole = int(found[2]) * _NANOSECONDS + int((found[3] or "0")[:9].ljust(9, "0"))
            result = -whole if found[1] else whole
        elif (moment := _ISO.fullmatch(value)) is not None:
            result = _iso_seconds(moment[1] + (moment[3] or "Z")) * _NANOSECONDS + int((moment[2] or "0").ljust(9, "0"))
        else:
            raise InputError("a time that is none")
    elif isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _LATEST:
        # A float of today's seconds holds no more than microseconds.
        result = value * _NANOSECONDS if isinstance(value, int) else round(value * 1e6) * 1000
    else:
        raise InputError("a time that is none")
    if abs(result) >= _LATEST * _NANOSECONDS:
        raise InputError("a time far outside of any calendar")
    return result


class Record:
    """The fields of one line. ``separator`` joins the members of sets and vectors where the log is tab-separated."""

    __slots__ = ("_separator", "_values")

    def __init__(self, values: Mapping[str, object], separator: str = ",") -> None:
        self._values = values
        self._separator = separator

    def __contains__(self, name: str) -> bool:
        return self._values.get(name) is not None

    def raw(self, name: str) -> object:
        """The value as it was read; None where it is absent."""
        return self._values.get(name)

    def text(self, *names: str) -> str | None:
        """The first of the fields that is there and not empty, as text."""
        for name in names:
            value = self._values.get(name)
            if value is None or value == "":
                continue
            if isinstance(value, bool):
                return "true" if value else "false"
            if isinstance(value, str | int | float):
                return shown(str(value))
            raise InputError(f"{name} is not a text")
        return None

    def whole(self, *names: str) -> int | None:
        """The first of the fields that is there, as a whole number; ``0x`` marks hexadecimal."""
        for name in names:
            value = self._values.get(name)
            if value is None or value == "":
                continue
            if isinstance(value, int):
                return int(value)
            if isinstance(value, str) and len(value) <= 20:
                try:
                    return int(value, 16 if value[:2].lower() == "0x" else 10)
                except ValueError:
                    pass
            raise InputError(f"{name} is not a whole number")
        return None

    def count(self, name: str, most: int = (1 << 63) - 1) -> int:
        """A whole number from 0 to ``most``; 0 where it is absent."""
        told = self._values.get(name)
        if told is None:
            return 0
        value = int(told) if isinstance(told, str) and len(told) < 19 and told.isdecimal() else self.whole(name) or 0
        if not 0 <= value <= most:
            raise InputError(f"{name} is out of range")
        return value

    def flag(self, name: str) -> bool | None:
        """A truth value; None where it is absent."""
        value = self._values.get(name)
        if value is None or isinstance(value, bool):
            return value
        if value in _TRUE:
            return True
        if value in _FALSE:
            return False
        raise InputError(f"{name} is neither true nor false")

    def many(self, name: str) -> tuple[str, ...]:
        """The members of a list, set or vector, as text."""
        value = self._values.get(name)
        if value is None or value == "":
            return ()
        if isinstance(value, str):
            return tuple(shown(member) for member in value.split(self._separator, MOST_ITEMS)[:MOST_ITEMS])
        if isinstance(value, list):
            return tuple(shown(str(member)) for member in value[:MOST_ITEMS] if isinstance(member, str | int | float))
        if isinstance(value, int | float):
            return (str(value),)
        raise InputError(f"{name} is not a list")

    def part(self, name: str) -> Record | None:
        """The record inside a field; None where it is absent."""
        value = self._values.get(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise InputError(f"{name} is not an object")
        return Record(value)

    def parts(self, name: str) -> list[Record]:
        """The records in a list; members that are none are left out."""
        value = self._values.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise InputError(f"{name} is not a list")
        return [Record(member) for member in value[:MOST_ITEMS] if isinstance(member, dict)]

    def time(self, name: str) -> int:
        """A time in nanoseconds since the epoch."""
        value = self._values.get(name)
        if value is None:
            raise InputError(f"no {name}")
        return nanoseconds(value)
