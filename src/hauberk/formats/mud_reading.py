"""Reading values of a MUD file: what each must be, what is wrong with one, and what a repair makes of it.

Problems are collected, each with its place, so that the author of a file sees all of them at once. A problem may have a repair:
where reading is lenient the repair is made and recorded, otherwise the file is refused. Kinds of repair (``Repair.kind``):

``renamed_key``     a key in another spelling, or of a draft of the standard
``converted``       a value of another JSON type that can mean one thing only
``replaced_word``   a word of a draft, or in another spelling
``completed``       a mandatory value that is absent and has one sensible reading
``retyped_list``    an access control list whose type does not cover what its entries match
``renamed_entry``   a name that is given twice
``left_out``        what cannot be read, or refers to nothing; never an entry that forbids, so that a repair permits less, not more
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Any, NamedTuple

from hauberk.errors import InputError
from hauberk.model.mud import Place

MOST_PROBLEMS = 200
_LONGEST_TEXT = 4096
_SHOWN = 60
_TOLD = 10
_PLAIN_KEY = re.compile(r"[\w:.-]+")
_MAC = re.compile(r"[0-9a-fA-F]{2}(?::[0-9a-fA-F]{2}){5}")
_TRUTH = {"true": True, "false": False}


class Problem(NamedTuple):
    """What is wrong where."""

    place: str
    reason: str


class Repair(NamedTuple):
    """What was done where, and why. ``kind`` is one of those of the module's text."""

    kind: str
    place: str
    reason: str
    action: str


class MudError(InputError):
    """A MUD file breaks RFC 8520, RFC 8519 or a bound. ``problems`` says what is wrong where."""

    code = "hauberk.input.mud"
    advice = "Correct the file, or read it with --lenient where the problem can be repaired."

    def __init__(self, problems: Sequence[Problem], name: str = "the MUD file") -> None:
        self.problems = tuple(problems)
        told = [f"{place}: {reason}" for place, reason in problems[:_TOLD]]
        if len(problems) > _TOLD:
            told.append(f"and {len(problems) - _TOLD} more; 'hauberk mud lint' shows all")
        super().__init__("\n".join([f"{name} is not valid", *told]))

    def of(self, name: str) -> MudError:
        """The same of the file called ``name``."""
        return MudError(self.problems, name)


class UnreadableError(InputError):
    """A value that means nothing; what holds it decides whether it can be left out. Never leaves ``formats``."""

    def __init__(self, place: Place, reason: str) -> None:
        self.place = place
        self.reason = reason
        super().__init__(f"{place_text(place)}: {reason}")


def place_text(place: Place) -> str:
    """A place as a JSON path: ``$.ietf-mud:mud.extensions[0]``."""
    parts = ["$"]
    for step in place:
        if isinstance(step, int):
            parts.append(f"[{step}]")
        else:
            parts.append(f".{step}" if _PLAIN_KEY.fullmatch(step) else f"[{step[:_SHOWN]!r}]")
    return "".join(parts)


def shown(value: object) -> str:
    """A value as messages show it."""
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, list):
        return "a list"
    text = {True: "true", False: "false", None: "null"}.get(value) if value is None or isinstance(value, bool) else repr(value)
    return (text or "")[:_SHOWN]


@dataclass(slots=True)
class Reading:
    """One file being read: what was found wrong, what was repaired, and what is kept as it is, by its place in the result."""

    lenient: bool
    problems: list[Problem] = field(default_factory=list)
    repairs: list[Repair] = field(default_factory=list)
    extra: dict[Place, object] = field(default_factory=dict)

    def fault(self, place: Place, reason: str, kind: str | None = None, action: str = "") -> None:
        """Note that something is wrong; ``kind`` and ``action`` say what a repair does, None that there is none."""
        if self.lenient and kind is not None:
            self.repairs.append(Repair(kind, place_text(place), reason, action))
            if len(self.repairs) <= MOST_PROBLEMS * 100:
                return
            reason = f"{reason}; more than {MOST_PROBLEMS * 100} repairs"
        self.problems.append(Problem(place_text(place), reason))
        if len(self.problems) >= MOST_PROBLEMS:
            raise MudError(self.problems)

    def forget(self, kept: int) -> None:
        """Forget what was kept after the first ``kept`` keys, which belong to something that is left out."""
        while len(self.extra) > kept:
            self.extra.popitem()


class Node:
    """An object of the file. Keys are taken one by one; ``keep_rest`` keeps those nobody took.

    ``place`` is where it is in the file, ``out`` where it will be in the result (they differ after repairs).
    """

    __slots__ = ("_rest", "out", "place", "reading")

    def __init__(self, reading: Reading, value: object, place: Place, out: Place) -> None:
        if not isinstance(value, Mapping):
            raise UnreadableError(place, f"is {shown(value)}, not an object")
        self.reading = reading
        self.place = place
        self.out = out
        self._rest: dict[str, object] = dict(value)

    def take(self, key: str, *aliases: str) -> tuple[object, Place] | None:
        """The value of ``key`` and its place; also where the key is misspelt, as one of ``aliases`` or beyond module and dashes."""
        if key in self._rest:
            return self._rest.pop(key), (*self.place, key)
        wanted = {_plain(key), *aliases}
        for other in self._rest:
            if _plain(other) in wanted:
                self.reading.fault((*self.place, other), f"the key must be '{key}'", "renamed_key", f"read as '{key}'")
                return self._rest.pop(other), (*self.place, other)
        return None

    def child(self, key: str, *aliases: str) -> Node | None:
        """The object under ``key``."""
        found = self.take(key, *aliases)
        return None if found is None else Node(self.reading, *found, (*self.out, key))

    def items(self, key: str) -> Iterator[tuple[object, Place]]:
        """The members of the list under ``key``; a single object stands for a list of one."""
        found = self.take(key)
        if found is None:
            return
        value, place = found
        if isinstance(value, Mapping):
            self.reading.fault(place, "is an object, not a list", "converted", "read as a list of one")
            value = [value]
        if not isinstance(value, list):
            raise UnreadableError(place, f"is {shown(value)}, not a list")
        for at, item in enumerate(value):
            yield item, (*place, at)

    def unpack(self, key: str) -> None:
        """Replace the object under ``key`` by its members."""
        inside = self._rest.pop(key)
        if isinstance(inside, Mapping):
            self._rest.update(inside)

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys that nobody took yet."""
        return tuple(self._rest)

    def keep_rest(self) -> None:
        """Keep what nobody took, for writing it back."""
        for key, value in self._rest.items():
            self.reading.extra[*self.out, key] = value


def _plain(key: str) -> str:
    return key.rpartition(":")[2].lower().replace("_", "-").strip()


Read = Callable[[Reading, object, Place], Any]


class Field(NamedTuple):
    """A leaf: its key in JSON, the attribute, how it is read and written."""

    key: str
    name: str
    read: Read
    write: Callable[[Any], object] = lambda value: value
    absent: object = None
    """The attribute's value where the key is absent."""


def read_fields(node: Node, fields: tuple[Field, ...]) -> dict[str, Any]:
    """The attributes that ``node`` gives."""
    found: dict[str, Any] = {}
    for entry in fields:
        taken = node.take(entry.key)
        if taken is not None:
            found[entry.name] = entry.read(node.reading, *taken)
    return found


def write_fields(value: object, fields: tuple[Field, ...]) -> dict[str, object]:
    """The reverse."""
    return {
        entry.key: entry.write(held)
        for entry in fields
        if (held := getattr(value, entry.name)) is not None and held != entry.absent
    }


def text(reading: Reading, value: object, place: Place) -> str:  # noqa: ARG001 - all readers are called alike
    """Any text of bounded length."""
    if not isinstance(value, str):
        raise UnreadableError(place, f"is {shown(value)}, not a text")
    if len(value) > _LONGEST_TEXT:
        raise UnreadableError(place, f"is a text of {len(value)} characters; at most {_LONGEST_TEXT} are read")
    return value


def truth(reading: Reading, value: object, place: Place) -> bool:
    """True or false."""
    if isinstance(value, bool):
        return value
    meant = _TRUTH.get(value.lower()) if isinstance(value, str) else None
    if meant is None:
        raise UnreadableError(place, f"is {shown(value)}, neither true nor false")
    reading.fault(place, f"is the text {shown(value)}", "converted", f"read as {str(meant).lower()}")
    return meant


def empty(reading: Reading, value: object, place: Place) -> bool:
    """A leaf without value, which JSON says as ``[null]`` (RFC 7951 section 6.9)."""
    if value == [None]:
        return True
    if value is None or value in ([], "", {}) or value is True:
        reading.fault(place, f"is {shown(value)}, not [null]", "converted", "read as [null]")
        return True
    raise UnreadableError(place, f"is {shown(value)}, not [null]")


def number(low: int, high: int) -> Read:
    """A reader of whole numbers from ``low`` to ``high``."""

    def read(reading: Reading, value: object, place: Place) -> int:
        found: object = value
        if isinstance(value, str):
            found = _written_number(value)
            if found is not None:
                reading.fault(place, f"is the text {shown(value)}, not a number", "converted", f"read as {found}")
        elif isinstance(value, float) and value.is_integer():
            found = int(value)
            reading.fault(place, f"is {value!r}, not a whole number", "converted", f"read as {found}")
        if isinstance(found, bool) or not isinstance(found, int):
            raise UnreadableError(place, f"is {shown(value)}, not a number")
        if not low <= found <= high:
            raise UnreadableError(place, f"is {found}; it must be between {low} and {high}")
        return found

    return read


def _written_number(value: str) -> int | None:
    if re.fullmatch(r"[0-9]{1,10}", value):
        return int(value)
    return int(value, 16) if re.fullmatch(r"0[xX][0-9a-fA-F]{1,8}", value) else None


def words(allowed: frozenset[str], meant: Mapping[str, str], prefix: str = "") -> Read:
    """A reader of one of the ``allowed`` words, maybe with the module ``prefix``; ``meant`` are slips and what they stand for."""

    def read(reading: Reading, value: object, place: Place) -> str:
        said = text(reading, value, place)
        bare = said.removeprefix(prefix)
        if bare in allowed:
            return said
        other = _plain(said)
        other = meant.get(other, other)
        if other not in allowed:
            raise UnreadableError(place, f"is {shown(said)}; known are {', '.join(sorted(allowed))}")
        reading.fault(place, f"is {shown(said)}, which must be '{other}'", "replaced_word", f"read as '{other}'")
        return other

    return read


def network(version: int) -> Read:
    """A reader of IP prefixes of one version (RFC 6991 ``ipv4-prefix``, ``ipv6-prefix``)."""

    def read(reading: Reading, value: object, place: Place) -> str:
        said = text(reading, value, place)
        try:
            found = ip_network(said, strict=False)
        except ValueError:
            raise UnreadableError(place, f"is {shown(said)}, not a network") from None
        if found.version != version:
            raise UnreadableError(place, f"is {shown(said)}, which is no IPv{version} network")
        if not re.fullmatch(r"[^/%]+/[0-9]{1,3}", said):
            whole = str(found)
            reading.fault(place, f"is {shown(said)} without the length of its prefix", "completed", f"read as '{whole}'")
            return whole
        return said

    return read


def hardware(reading: Reading, value: object, place: Place) -> str:
    """A MAC address (RFC 6991 ``mac-address``)."""
    said = text(reading, value, place)
    if _MAC.fullmatch(said):
        return said
    other = said.replace("-", ":").replace(".", "")
    if ":" not in other and len(other) == 12:
        other = ":".join(other[at : at + 2] for at in range(0, 12, 2))
    if not _MAC.fullmatch(other):
        raise UnreadableError(place, f"is {shown(said)}, not a MAC address")
    reading.fault(place, f"is {shown(said)}; a MAC address has colons", "converted", f"read as '{other}'")
    return other
