"""Values in the encoding that MMS and GOOSE share: ``Data`` of ISO 9506-2 clause 14.4.2 and IEC 61850-8-1 clause 8.1.3.

Structures and arrays are flattened in order. Bit strings and octet strings become hexadecimal text (bit strings with the count of
unused bits left out), times ISO 8601 in UTC. Never more values than asked for, never deeper than asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from hauberk.errors import Malformed
from hauberk.model.transaction import Scalar
from hauberk.sense.dissect import ber
from hauberk.sense.dissect.ber import Element
from hauberk.sense.dissect.limits import Limits
from hauberk.sense.dissect.reader import text

ARRAY, STRUCTURE = 0xA1, 0xA2
_EPOCH_1984 = 5113 * 86400
"""Seconds from 1970 to 1984, where binary times count from."""


def values(data: bytes, start: int, end: int, limits: Limits) -> tuple[Scalar, ...]:
    """The scalars in the list of ``Data`` between ``start`` and ``end``, at most ``limits.items``. Raises ``Malformed``."""
    found: list[Scalar] = []
    _collect(data, start, end, limits, limits.depth, found)
    return tuple(found)


def _collect(data: bytes, start: int, end: int, limits: Limits, depth: int, found: list[Scalar]) -> None:
    if depth <= 0:
        raise Malformed("data is nested too deep")
    while start < end and len(found) < limits.items:
        one = ber.element(data, start, end)
        if one.tag in {ARRAY, STRUCTURE}:
            _collect(data, one.start, one.end, limits, depth - 1, found)
        else:
            found.append(scalar(data, one, limits))
        start = one.after


def scalar(data: bytes, one: Element, limits: Limits) -> Scalar:
    """The value of one primitive ``Data`` element. Raises ``Malformed``."""
    if one.tag == 0x83 and one.end - one.start == 1:
        return data[one.start] != 0
    read = _READERS.get(one.tag)
    if read is not None:
        return read(data, one)
    raw = data[one.start : one.end]
    if one.tag in _TEXTS:
        return text(raw, limits.text)
    if one.tag == 0x84:
        return raw[1 : 1 + limits.text // 2].hex()
    return raw[: limits.text // 2].hex()


def utc_time(data: bytes, one: Element) -> str:
    """``UtcTime``: seconds, a binary fraction of 24 bits and a quality byte (IEC 61850-8-1 clause 8.1.3.7)."""
    if one.end - one.start != 8:
        raise Malformed(f"a time of {one.end - one.start} bytes")
    seconds = int.from_bytes(data[one.start : one.start + 4], "big")
    fraction = int.from_bytes(data[one.start + 4 : one.start + 7], "big")
    return _iso(seconds, fraction * 1_000_000 >> 24)


def _binary_time(data: bytes, one: Element) -> Scalar:
    size = one.end - one.start
    if size not in {4, 6}:
        raise Malformed(f"a binary time of {size} bytes")
    milliseconds = int.from_bytes(data[one.start : one.start + 4], "big")
    if size == 4:
        return milliseconds
    days = int.from_bytes(data[one.start + 4 : one.end], "big")
    return _iso(_EPOCH_1984 + days * 86400 + milliseconds // 1000, milliseconds % 1000 * 1000)


def _iso(seconds: int, microseconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{microseconds:06d}Z"


_READERS: dict[int, Callable[[bytes, Element], Scalar]] = {
    0x83: ber.boolean,
    0x85: ber.integer,
    0x86: ber.unsigned,
    0x87: ber.floating,
    0x8C: _binary_time,
    0x8D: ber.unsigned,
    0x91: utc_time,
}
_TEXTS = frozenset({0x8A, 0x90, 0x1A})
