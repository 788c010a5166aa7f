"""Manufacturer Usage Description files (RFC 8520) in the JSON encoding of YANG data (RFC 7951): bytes <-> ``MudFile``.

``load`` is strict: it refuses what breaks the standard, with every problem and its JSON path. Asked to be lenient it repairs
what has one sensible reading and says what it did (``mud_reading`` lists the kinds). Keys that the standards do not know are
kept and written back. What ``load`` accepts strictly, ``dump`` gives back as the same JSON value, but for empty containers,
which YANG takes for absent ones.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from hauberk.formats.mud_acl import read_list, write_list
from hauberk.formats.mud_reading import (
    Field,
    MudError,
    Node,
    Problem,
    Reading,
    Repair,
    UnreadableError,
    number,
    place_text,
    read_fields,
    shown,
    text,
    truth,
    write_fields,
)
from hauberk.model.mud import AccessList, MudFile, Place

LARGEST = 4 << 20
"""Most bytes of a file that are read."""
_DEEPEST = 40
_MOST_LISTS = 256
_MOST_ENTRIES = 1 << 14
_MUD, _ACLS = "ietf-mud:mud", "ietf-access-control-list:acls"
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
"""RFC 6991 ``date-and-time``."""
_UNKNOWN_TIME = "1970-01-01T00:00:00Z"


class Loaded(NamedTuple):
    """A file, and what had to be repaired to read it (nothing where reading was strict)."""

    file: MudFile
    repairs: tuple[Repair, ...]


def _time(reading: Reading, value: object, place: Place) -> str:
    said = text(reading, value, place)
    if not _TIME.fullmatch(said):
        raise UnreadableError(place, f"is {shown(said)}, not a time such as 2026-01-31T12:00:00Z")
    return said


def _texts(reading: Reading, value: object, place: Place) -> tuple[str, ...]:
    if isinstance(value, str):
        reading.fault(place, "is a text, not a list", "converted", "read as a list of one")
        value = [value]
    if not isinstance(value, list):
        raise UnreadableError(place, f"is {shown(value)}, not a list")
    return tuple(text(reading, item, (*place, at)) for at, item in enumerate(value))


_VERSION = number(1, 1)
_FIELDS = (
    Field("mud-version", "version", _VERSION),
    Field("mud-url", "url", text),
    Field("last-update", "last_update", _time),
    Field("mud-signature", "signature", text),
    Field("cache-validity", "cache_validity", number(1, 168)),
    Field("is-supported", "supported", truth),
    Field("systeminfo", "system_info", text),
    Field("mfg-name", "manufacturer", text),
    Field("model-name", "model", text),
    Field("firmware-rev", "firmware", text),
    Field("software-rev", "software", text),
    Field("documentation", "documentation", text),
    Field("extensions", "extensions", _texts, list),
)
_MANDATORY: Mapping[str, tuple[str, object]] = {
    "version": ("mud-version", 1),
    "url": ("mud-url", None),
    "last_update": ("last-update", _UNKNOWN_TIME),
    "supported": ("is-supported", True),
}
"""Key of each mandatory attribute, and what a repair makes of its absence."""
_POLICIES = (("from-device-policy", "from_device"), ("to-device-policy", "to_device"))


def load(content: bytes, *, lenient: bool = False) -> Loaded:
    """Read a file; raises ``MudError`` with everything that is wrong, after repairs where reading is ``lenient``."""
    reading = Reading(lenient)
    try:
        root = Node(reading, _parsed(content), (), ())
        found = _read(reading, root)
    except UnreadableError as error:
        reading.problems.append(Problem(place_text(error.place), error.reason))
        raise MudError(reading.problems) from None
    if reading.problems:
        raise MudError(reading.problems)
    return Loaded(found, tuple(reading.repairs))


def dump(found: MudFile) -> bytes:
    """The file as JSON."""
    return orjson.dumps(value_of(found), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def value_of(found: MudFile) -> dict[str, object]:
    """The file as a JSON value."""
    about = write_fields(found, _FIELDS)
    for key, name in _POLICIES:
        names = getattr(found, name)
        if names is not None:
            about[key] = {"access-lists": {"access-list": [{"name": item} for item in names]}}
    written: dict[str, object] = {_MUD: about}
    if found.lists or any(place[:1] == (_ACLS,) for place in found.extra):
        written[_ACLS] = {"acl": [write_list(item) for item in found.lists]} if found.lists else {}
    for place, value in found.extra.items():
        _put(written, place, value)
    return written


def _parsed(content: bytes) -> object:
    if len(content) > LARGEST:
        raise MudError([Problem("$", f"has {len(content):,} bytes; at most {LARGEST:,} are read")])
    try:
        parsed: object = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise MudError([Problem("$", f"is not JSON: {error}")]) from None
    level, depth = [parsed], 0
    while level:
        depth += 1
        if depth > _DEEPEST:
            raise MudError([Problem("$", f"is nested more than {_DEEPEST} levels deep")])
        level = [
            child
            for value in level
            if isinstance(value, dict | list)
            for child in (value.values() if isinstance(value, dict) else value)
        ]
    return parsed


def _read(reading: Reading, root: Node) -> MudFile:
    about = root.child(_MUD)
    if about is None:
        raise UnreadableError((), f"has no '{_MUD}': this is no MUD file")
    values = _collected(about)
    for name, (key, default) in _MANDATORY.items():
        if name not in values:
            action = f"read as {shown(default)}"
            reading.fault(about.place, f"has no '{key}', which is mandatory", None if default is None else "completed", action)
            values[name] = default
    named = {name: _policy(about, key) for key, name in _POLICIES}
    about.keep_rest()
    holder = root.child(_ACLS, "access-lists", "access-list")
    lists = () if holder is None else _lists(reading, holder)
    root.keep_rest()
    known = {item.name for item in lists}
    policies = {name: _present(reading, named[name], known, (*about.out, key)) for key, name in _POLICIES}
    return MudFile(**values, from_device=policies["from_device"], to_device=policies["to_device"], lists=lists, extra=reading.extra)


def _collected(node: Node) -> dict[str, Any]:
    """The leaves of the description; one that cannot be read is a problem, or left out where it is not mandatory."""
    values: dict[str, Any] = {}
    for entry in _FIELDS:
        try:
            values.update(read_fields(node, (entry,)))
        except UnreadableError as error:
            mandatory = _MANDATORY.get(entry.name)
            repairable = mandatory is None or mandatory[1] is not None
            action = "left out" if mandatory is None else f"read as {shown(mandatory[1])}"
            kind = ("left_out" if mandatory is None else "completed") if repairable else None
            node.reading.fault(error.place, error.reason, kind, action)
            if mandatory is not None:
                values[entry.name] = mandatory[1]
    return values


def _policy(about: Node, key: str) -> tuple[tuple[str, Place], ...] | None:
    """Names of the access control lists a policy refers to, with their places."""
    outer = about.child(key)
    if outer is None:
        return None
    names: list[tuple[str, Place]] = []
    inner = outer.child("access-lists")
    if inner is not None:
        for item, place in inner.items("access-list"):
            if isinstance(item, str):
                about.reading.fault(place, "is a text, not an object with a 'name'", "converted", "read as that name")
                names.append((text(about.reading, item, place), place))
                continue
            node = Node(about.reading, item, place, (*inner.out, "access-list", len(names)))
            found = node.take("name", "acl-name")
            if found is None:
                raise UnreadableError(place, "has no 'name'")
            names.append((text(about.reading, *found), place))
            node.keep_rest()
        inner.keep_rest()
    outer.keep_rest()
    return tuple(names)


def _present(
    reading: Reading, named: tuple[tuple[str, Place], ...] | None, known: set[str], where: Place
) -> tuple[str, ...] | None:
    """The names that exist."""
    if named is None:
        return None
    kept: list[str] = []
    for name, place in named:
        if name in kept:
            reading.fault(place, f"names '{name}' once more", "left_out", "left out")
        elif name in known:
            kept.append(name)
        else:
            reading.fault(place, f"names the access control list '{name}', which the file does not have", "left_out", "left out")
    if len(kept) != len(named):
        # Positions have moved: what was kept of the members cannot be put back where it was.
        moved = (*where, "access-lists", "access-list")
        for extra in [extra for extra in reading.extra if extra[: len(moved)] == moved]:
            del reading.extra[extra]
    return tuple(kept)


def _lists(reading: Reading, holder: Node) -> tuple[AccessList, ...]:
    found: list[AccessList] = []
    entries = 0
    for item, place in holder.items("acl"):
        if len(found) >= _MOST_LISTS:
            raise UnreadableError(place, f"is one list too many: at most {_MOST_LISTS} are read")
        kept = len(reading.extra)
        try:
            fresh = read_list(reading, item, place, (*holder.out, "acl", len(found)), _MOST_ENTRIES - entries)
            _refuse_double(fresh, found, place)
        except UnreadableError as error:
            reading.forget(kept)
            reading.fault(error.place, error.reason, "left_out", f"the list {place_text(place)} is left out")
            continue
        entries += len(fresh.entries)
        found.append(fresh)
    holder.keep_rest()
    return tuple(found)


def _refuse_double(fresh: AccessList, others: list[AccessList], place: Place) -> None:
    if any(fresh.name == other.name for other in others):
        raise UnreadableError((*place, "name"), f"'{fresh.name}' is the name of another list")


def _put(root: dict[str, object], place: Place, value: object) -> None:
    """Put ``value`` where it was, making objects on the way where an empty one was not written."""
    node: object = root
    for step in place[:-1]:
        if isinstance(node, list) and isinstance(step, int):
            node = node[step]
        else:
            assert isinstance(node, dict)
            node = node.setdefault(step, {})
    assert isinstance(node, dict)
    node[place[-1]] = value
