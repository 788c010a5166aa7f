"""Paths of CIP: what a request acts on, as compact text.

Common Industrial Protocol, Volume 1, appendix C-1 (segments). The text is ``class/instance/attribute`` with the class by name
where it is a known one (``identity/1/7``, ``0x8b/1``), further logical segments behind it (``point``, ``member``), and for
symbolic paths the tag as a programmer writes it (``Program:Main.Level[3]``). A path that breaks the rules is not guessed at.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

from hauberk.errors import Malformed
from hauberk.sense.dissect.cip_names import CLASSES
from hauberk.sense.dissect.reader import Reader, text

MOST_TEXT: Final = 256
"""Longest path kept, in characters; longer paths are cut."""

_CLASS, _INSTANCE, _MEMBER, _POINT, _ATTRIBUTE, _SPECIAL, _SERVICE = range(7)
_SAFETY_NETWORK_SEGMENTS: Final = 0x50


class Path(NamedTuple):
    """A decoded path.

    ``shown``: the text. ``tag``: true where it names a symbol. ``route``: the ports and links it passes first, as ``1/0``.
    """

    shown: str
    class_id: int | None
    instance: int | None
    attribute: int | None
    tag: bool
    route: str


class _Parts:
    """The pieces of one path while it is read."""

    __slots__ = ("attribute", "class_id", "instance", "logical", "names", "route")

    def __init__(self) -> None:
        self.class_id: int | None = None
        self.instance: int | None = None
        self.attribute: int | None = None
        self.logical: list[str] = []
        self.names: list[str] = []
        self.route: list[str] = []

    def member(self, number: int) -> None:
        """An element of an array, or a member of a list."""
        if self.names:
            self.names[-1] += f"[{number}]"
        else:
            self.logical.append(f"member{number}")

    def add(self, kind: int, number: int) -> None:
        """One logical segment."""
        if kind == _CLASS:
            if self.class_id is None:
                self.class_id = number
            self.logical.append(CLASSES.get(number) or f"0x{number:02x}")
        elif kind == _MEMBER:
            self.member(number)
        elif kind == _POINT:
            self.logical.append(f"point{number}")
        else:
            self.logical.append(str(number))
            if kind == _INSTANCE and self.instance is None:
                self.instance = number
            elif kind == _ATTRIBUTE:
                self.attribute = number


def _logical(reader: Reader, head: int, parts: _Parts) -> None:
    kind, width = (head >> 2) & 7, head & 3
    if kind == _SPECIAL:
        # The electronic key, format 4: vendor, device type, product code and revision, 8 bytes (C-1.4.2).
        if width or reader.u8() != 4:
            raise Malformed(f"path segment 0x{head:02x}")
        reader.skip(8)
        return
    if kind > _SERVICE or width == 3:
        raise Malformed(f"path segment 0x{head:02x}")
    if width == 0:
        number = reader.u8()
    else:
        reader.skip(1)
        number = reader.u16le() if width == 1 else reader.u32le()
    if kind != _SERVICE:
        parts.add(kind, number)


def _port(reader: Reader, head: int, parts: _Parts) -> None:
    size = reader.u8() if head & 0x10 else 0
    port = head & 0x0F
    if port == 0x0F:
        port = reader.u16le()
    if size:
        link = text(reader.take(size), 64)
        reader.skip(min(size & 1, reader.remaining))
    else:
        link = str(reader.u8())
    parts.route.append(f"{port}/{link}")


def _network(reader: Reader, head: int) -> None:
    # Segments from 0x50 on, and the safety segment, say their length in words; the others hold one byte.
    if head >= _SAFETY_NETWORK_SEGMENTS or head == 0x44:
        reader.skip(2 * reader.u8())
    else:
        reader.skip(1)


def _symbol(reader: Reader, size: int, parts: _Parts) -> None:
    parts.names.append(text(reader.take(size), MOST_TEXT))
    if size & 1 and reader.remaining:
        reader.skip(1)


def _segment(reader: Reader, parts: _Parts) -> None:
    head = reader.u8()
    family = head >> 5
    if family == 1:
        _logical(reader, head, parts)
    elif head == 0x91:
        _symbol(reader, reader.u8(), parts)
    elif family == 0:
        _port(reader, head, parts)
    elif family == 2:
        _network(reader, head)
    elif family == 3 and head & 0x1F:
        # One byte of head and an odd name make whole words, so the pad follows even names.
        parts.names.append(text(reader.take(head & 0x1F), MOST_TEXT))
        if not head & 1 and reader.remaining:
            reader.skip(1)
    elif head == 0x80:
        reader.skip(2 * reader.u8())
    else:
        raise Malformed(f"path segment 0x{head:02x}")


@lru_cache(maxsize=4096)
def decode(path: bytes) -> Path:
    """The path in these bytes (padded form). Raises ``Malformed``."""
    reader = Reader(path)
    parts = _Parts()
    while reader.remaining:
        _segment(reader, parts)
    names = ".".join(parts.names)
    shown = "/".join(parts.logical)
    if names:
        shown = f"{shown}/{names}" if shown else names
    return Path(shown[:MOST_TEXT], parts.class_id, parts.instance, parts.attribute, bool(names), ",".join(parts.route)[:MOST_TEXT])
