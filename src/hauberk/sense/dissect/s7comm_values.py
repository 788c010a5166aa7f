"""Values of S7comm: data items of reads and writes, and the clock. Bounded by the item specifications they answer."""

from __future__ import annotations

from functools import lru_cache
from struct import Struct, unpack_from

from hauberk.errors import Malformed
from hauberk.model.transaction import OK, Scalar, Value
from hauberk.sense.dissect.limits import Limits
from hauberk.sense.dissect.s7comm_address import Item
from hauberk.sense.dissect.s7comm_names import CHAR, NUMBERS, SUCCESS, return_name

_HEAD = Struct(">BBH")
_IN_BITS = frozenset({3, 4, 5})
"""Transport sizes of data whose length counts bits: BIT, BYTE/WORD/DWORD, INTEGER; the others count bytes."""
_BIT = 3
_WITH_DATA = frozenset({SUCCESS, 0})
"""Return codes that data follows: success in answers, reserved in requests."""


def read_values(data: bytes, at: int, end: int, items: tuple[Item, ...], limits: Limits) -> tuple[Value, str]:
    """Values of the data items between ``at`` and ``end``, and the first return code that is no success.

    One item gives its number or tuple of numbers; several give one scalar each, arrays as hexadecimal text, None where failed.
    """
    status = OK
    values: list[Scalar] = []
    many = len(items) > 1
    for item in items:
        if at + 4 > end:
            if at < end and data[at] != SUCCESS:
                return tuple(values) or None, return_name(data[at])
            raise Malformed("fewer data items than variables")
        code, kind, size = _HEAD.unpack_from(data, at)
        at += 4
        if code not in _WITH_DATA:
            size = 0  # some controllers repeat the length asked for before data that does not follow
        elif kind in _IN_BITS:
            size = (size + 7) >> 3
        stop = at + size
        if stop > end:
            raise Malformed(f"a data item of {size} bytes, {end - at} there")
        if code not in _WITH_DATA and status is OK:
            status = return_name(code)
        if not size:
            values.append(None)
        elif kind == _BIT:
            values.append(data[at])
        else:
            value = _value(data[at:stop], item, limits)
            if not many:
                return value, status
            values.append(value if not isinstance(value, tuple) else data[at : at + limits.text // 2].hex())
        at = stop + (size & 1)
    return (tuple(values) if many else values[0] if values else None), status


def _value(raw: bytes, item: Item, limits: Limits) -> Value:
    layout = NUMBERS.get(item.kind)
    size = len(raw)
    if layout is not None:
        width = layout.size
        if size == width:
            number: int | float = layout.unpack(raw)[0]
            return number
        if width > 1 and size % width == 0:
            return unpack_from(_array(layout.format, min(size // width, limits.items)), raw)
    if item.kind == CHAR and raw.isascii() and raw.rstrip(b"\x00").decode("ascii").isprintable():
        return raw.rstrip(b"\x00").decode("ascii")[: limits.text]
    return raw[: limits.text // 2].hex()


@lru_cache(maxsize=256)
def _array(layout: str, count: int) -> str:
    return f">{count}{layout[1:]}"


def written_status(data: bytes, at: int, end: int) -> str:
    """The first return code of a write response that is no success."""
    if end - at == 1 and data[at] == SUCCESS:
        return OK
    for code in data[at:end]:
        if code != SUCCESS:
            return return_name(code)
    return OK


def clock(body: bytes) -> str | None:
    """The time of a clock message as ISO 8601 without a zone; ten bytes, binary coded decimal from the second on."""
    if len(body) < 10:
        return None
    digits = body[1:10].hex()
    if not digits[:-1].isdigit():
        return None
    year = int(digits[2:4])
    century = 1900 if year >= 90 else 2000
    return f"{century + year:04d}-{digits[4:6]}-{digits[6:8]}T{digits[8:10]}:{digits[10:12]}:{digits[12:14]}.{digits[14:17]}"
