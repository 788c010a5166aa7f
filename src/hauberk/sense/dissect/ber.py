"""A bounded reader of BER, the tag-length-value encoding under MMS, GOOSE and ACSE (ITU-T X.690 clause 8).

It finds where elements begin and end and turns primitive contents into Python values. It never copies a constructed element,
never recurses deeper than ``MAX_DEPTH`` and never reads past the end it was given.
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from hauberk.errors import Malformed

MAX_DEPTH = 32
"""Deepest nesting of indefinite lengths that is followed."""
END_OF_CONTENTS = 0x00

_FLOATS = {4: Struct(">f"), 8: Struct(">d")}
_CONSTRUCTED = 0x20
_new = tuple.__new__
_MANY = 0x1F


class Element(NamedTuple):
    """One element: its tag as written (``0xA1``, or ``0xBF48`` where the number takes more bytes) and where it lies, in bytes."""

    tag: int
    start: int
    """First byte of the contents."""
    end: int
    """Byte after the contents."""
    after: int
    """Byte after the element: later than ``end`` where the length is indefinite."""


def element(data: bytes, at: int, end: int, depth: int = MAX_DEPTH) -> Element:
    """The element that begins at ``at`` and lies before ``end``. Raises ``Malformed``."""
    start = at + 2
    if start <= end:
        tag, size = data[at], data[at + 1]
        if size < 0x80 and tag & _MANY != _MANY:  # the common case: one byte each
            stop = start + size
            if stop > end:
                raise Malformed(f"element of {size} bytes at byte {at}, {end - start} there")
            return _new(Element, (tag, start, stop, stop))
    return _long_element(data, at, end, depth)


def _long_element(data: bytes, at: int, end: int, depth: int) -> Element:
    tag = _at(data, at, end)
    at += 1
    first = tag
    if tag & _MANY == _MANY:
        for _ in range(3):
            octet = _at(data, at, end)
            at += 1
            tag = tag << 8 | octet
            if not octet & 0x80:
                break
        else:
            raise Malformed("a tag number of more than three bytes")
    size = _at(data, at, end)
    at += 1
    if size > 0x80:
        width = size & 0x7F
        if width > 4 or at + width > end:
            raise Malformed(f"a length of {width} bytes, {end - at} there")
        size = int.from_bytes(data[at : at + width], "big")
        at += width
    elif size == 0x80:
        if not first & _CONSTRUCTED:
            raise Malformed("a primitive element of indefinite length")
        stop = _end_of_contents(data, at, end, depth)
        return Element(tag, at, stop, stop + 2)
    if at + size > end:
        raise Malformed(f"element of {size} bytes at byte {at}, {end - at} there")
    return Element(tag, at, at + size, at + size)


def _at(data: bytes, at: int, end: int) -> int:
    if at >= end:
        raise Malformed(f"an element is cut off at byte {at}")
    return data[at]


def _end_of_contents(data: bytes, at: int, end: int, depth: int) -> int:
    if depth <= 0:
        raise Malformed("elements are nested too deep")
    while True:
        if data[at : at + 2] == b"\x00\x00" and at + 2 <= end:
            return at
        at = element(data, at, end, depth - 1).after


def children(data: bytes, start: int, end: int, most: int = 256) -> list[Element]:
    """The elements between ``start`` and ``end``, at most ``most`` of them. Raises ``Malformed``."""
    found: list[Element] = []
    while start < end and len(found) < most:
        one = element(data, start, end)
        found.append(one)
        start = one.after
    return found


def find(data: bytes, start: int, end: int, tag: int) -> Element | None:
    """The first element with ``tag`` directly between ``start`` and ``end``."""
    while start < end:
        one = element(data, start, end)
        if one.tag == tag:
            return one
        start = one.after
    return None


def integer(data: bytes, one: Element) -> int:
    """A signed number of at most eight bytes (X.690 8.3)."""
    size = one.end - one.start
    if not 0 < size <= 8:
        raise Malformed(f"a number of {size} bytes")
    return int.from_bytes(data[one.start : one.end], "big", signed=True)


def unsigned(data: bytes, one: Element) -> int:
    """A number that is never negative: senders that leave out the leading zero byte are read as they meant it."""
    size = one.end - one.start
    if not 0 < size <= 8 and not (size == 9 and not data[one.start]):
        raise Malformed(f"a number of {size} bytes")
    return int.from_bytes(data[one.start : one.end], "big")


def boolean(data: bytes, one: Element) -> bool:
    """True for any byte but zero (X.690 8.2)."""
    if one.end - one.start != 1:
        raise Malformed("a truth value that is not one byte")
    return data[one.start] != 0


def floating(data: bytes, one: Element) -> float:
    """An MMS floating-point number: the width of the exponent in one byte, then IEEE 754 (ISO 9506-2 clause 14.4.2)."""
    layout = _FLOATS.get(one.end - one.start - 1)
    if layout is None:
        raise Malformed(f"a floating-point number of {one.end - one.start} bytes")
    return float(layout.unpack_from(data, one.start + 1)[0])
