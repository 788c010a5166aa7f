"""DNP3 object headers and the objects behind them (IEEE 1815-2012, clause 4.3 and annex A).

A header becomes ``gGROUPvVARIATION`` with ``/start-stop`` or the point indexes joined by ``+``. Values of binary, counter, analog,
control, time, string and file objects are kept, never those of authentication, file keys or virtual terminals. An object
whose size nobody told ends the reading: what is behind it cannot be found.
"""

from __future__ import annotations

from functools import lru_cache
from struct import Struct
from typing import Final, NamedTuple

from hauberk.errors import Malformed
from hauberk.model.hint import Hint, HintKey
from hauberk.model.transaction import MALFORMED, OK, Scalar
from hauberk.sense.dissect import dnp3_names as names
from hauberk.sense.dissect.dnp3_elements import ELEMENTS, PACKED, PACKED_VALUES, Decoder, Row
from hauberk.sense.dissect.reader import text

_LONGEST_TEXT: Final = 128
_LONGEST_PLACE: Final = 512
"""Characters of object headers kept; the headers behind them are left out."""
_SHORT: Final = 64
"""Bytes of object headers and objects up to which a reading is remembered."""
_RANGE_WIDTHS: Final = {0: 1, 1: 2, 2: 4, 3: 1, 4: 2, 5: 4}
_COUNT_WIDTHS: Final = {7: 1, 8: 2, 9: 4, 11: 1}
_INDEX_WIDTHS: Final = {1: 1, 2: 2, 3: 4}
_SIZE_WIDTHS: Final = {4: 1, 5: 2, 6: 4}
_NUMBER: Final = {0: "", 1: "B", 2: "H", 4: "I"}
_INDEXES: Final = {width: Struct(f"<{letter}") for width, letter in _NUMBER.items()}
_STRINGS: Final = frozenset({110, 111, 112, 113})
"""Groups whose variation is the size of their objects in bytes."""
_TERMINALS: Final = frozenset({112, 113})
_CONTROLS: Final = frozenset({12, 41})
_CLASSES: Final = 60
_FILES: Final = 70
_ATTRIBUTE_HINTS: Final = {
    252: HintKey.VENDOR,
    250: HintKey.MODEL,
    248: HintKey.SERIAL,
    242: HintKey.FIRMWARE,
}
"""Variations of group 0 (device attributes, annex A.1) that say who the device is."""


class Contents:
    """What the object headers of a fragment say; whoever gets one does not change it."""

    __slots__ = ("hints", "place", "places", "status", "value", "values", "writes_file")

    def __init__(self) -> None:
        self.place = ""
        self.value: tuple[Scalar, ...] | None = None
        self.places: list[str] = []
        self.values: list[Scalar] = []
        self.status = OK
        self.writes_file = False
        self.hints: tuple[Hint, ...] = ()


class _Header(NamedTuple):
    """An object header: ``number`` objects, each behind an index or a size of so many bytes."""

    group: int
    variation: int
    number: int
    index_width: int
    size_width: int
    place: str
    layout: Struct | None
    decode: Decoder | None


def _header_sizes() -> tuple[int, ...]:
    """Bytes of an object header for each qualifier; 0 where the qualifier is reserved."""
    sizes = []
    for qualifier in range(256):
        code, prefix = qualifier & 0x0F, qualifier >> 4
        ranged = _RANGE_WIDTHS.get(code, 0) * 2 + _COUNT_WIDTHS.get(code, 0)
        sizes.append(3 + ranged if (ranged or code == 6) and prefix < 7 else 0)
    return tuple(sizes)


_HEADER_SIZES: Final = _header_sizes()


@lru_cache(maxsize=4096)
def _parsed(raw: bytes) -> _Header:
    """An object header of the right size. The same few are sent again and again."""
    group, variation, qualifier = raw[0], raw[1], raw[2]
    code, prefix = qualifier & 0x0F, qualifier >> 4
    place = f"g{group}v{variation}"
    if (width := _RANGE_WIDTHS.get(code)) is not None:
        first, last = int.from_bytes(raw[3 : 3 + width], "little"), int.from_bytes(raw[3 + width :], "little")
        if last < first:
            raise Malformed("a range that ends before it begins")
        count = last - first + 1
        place += f"/{first}" if first == last else f"/{first}-{last}"
    else:
        count = int.from_bytes(raw[3:], "little")
    index_width = _INDEX_WIDTHS.get(prefix, 0)
    element = ELEMENTS.get(group << 8 | variation)
    layout = None if element is None else Struct(f"<{_NUMBER[index_width]}{element.layout}")
    decode = None if element is None else element.decode
    return _Header(group, variation, count, index_width, _SIZE_WIDTHS.get(prefix, 0), place, layout, decode)


def contents(data: bytes, start: int, function: int, items: int) -> Contents:
    """The object headers from ``start`` to the end of a fragment, and the first ``items`` values behind them."""
    rest = data[start:]
    return _seen(rest, function, items) if len(rest) <= _SHORT else _contents(rest, function, items)


@lru_cache(maxsize=2048)
def _seen(data: bytes, function: int, items: int) -> Contents:
    """Polls, controls and their answers are sent again and again."""
    return _contents(data, function, items)


def _contents(data: bytes, function: int, items: int) -> Contents:
    found = Contents()
    carry = function in names.CARRY_DATA
    position, end = 0, len(data)
    try:
        while 0 <= position < end and len(found.places) < items:
            size = _HEADER_SIZES[data[position + 2]] if end - position >= 3 else 0
            if size == 0 or position + size > end:
                found.status = MALFORMED
                break
            header = _parsed(data[position : position + size])
            position += size
            if header.size_width:
                position = _sized(data, position, header, items, found)
            elif not carry and not (header.group == 50 and function in names.FREEZE_AT_TIME):
                position = _indexed(data, position, header, items, found)
            elif header.layout is not None:
                position = _fixed(data, position, header, items, found)
            else:
                position = _other(data, position, header, items, found)
    except Malformed:
        found.status = MALFORMED
    place = ",".join(found.places)
    found.place = place if len(place) <= _LONGEST_PLACE else place[:_LONGEST_PLACE].rpartition(",")[0]
    found.value = tuple(found.values) or None
    return found


def _behind(data: bytes, position: int, size: int) -> int:
    """Where ``size`` bytes from ``position`` end."""
    end = position + size
    if end > len(data):
        raise Malformed(f"{size} bytes announced at byte {position}, {len(data) - position} there")
    return end


def _named(header: _Header, indexes: list[int]) -> str:
    return f"{header.place}/{'+'.join(map(str, indexes))}" if indexes else header.place


def _indexed(data: bytes, position: int, header: _Header, items: int, found: Contents) -> int:
    """A header without objects, followed by point indexes at most."""
    width = header.index_width
    if not width:
        found.places.append(header.place)
        return position
    end = _behind(data, position, width * header.number)
    few = data[position : position + width * min(header.number, items)]
    found.places.append(_named(header, [row[0] for row in _INDEXES[width].iter_unpack(few)]))
    return end


def _fixed(data: bytes, position: int, header: _Header, items: int, found: Contents) -> int:
    """Objects of one known size."""
    layout, count = header.layout, header.number
    assert layout is not None
    end = _behind(data, position, layout.size * count)
    room = items - len(found.values)
    column = 1 if header.index_width else 0
    keep = min(count, items if column else room)
    rows: list[Row] = (
        [layout.unpack_from(data, position)]
        if keep == 1
        else list(layout.iter_unpack(data[position : position + layout.size * keep]))
        if keep
        else []
    )
    found.places.append(_named(header, [row[0] for row in rows]) if column else header.place)
    if header.decode is not None:
        found.values += header.decode(rows if keep <= room else rows[:room], column)
    if header.group in _CONTROLS and found.status is OK:
        for row in rows:
            if refused := row[-1] & 0x7F:
                found.status = names.CONTROL_STATUSES.get(refused, f"control_status_{refused}")
                break
    return end


def _other(data: bytes, position: int, header: _Header, items: int, found: Contents) -> int:
    """Objects without one fixed size; -1 where their end is unknown."""
    group = header.group
    bits = PACKED.get(group << 8 | header.variation)
    if bits is not None and not header.index_width:
        found.places.append(header.place)
        end = _behind(data, position, (header.number * bits + 7) // 8)
        room = min(items - len(found.values), header.number)
        table = PACKED_VALUES[bits]
        few = data[position : min(end, position + (room * bits + 7) // 8)]
        found.values += [value for byte in few for value in table[byte]][:room]
        return end
    if group in _STRINGS:
        return _strings(data, position, header, items, found)
    found.places.append(header.place)
    if group == 0 and not header.index_width and header.number <= items:
        for _ in range(header.number):
            position = _attribute(data, position, header.variation, items, found)
        return position
    return position if group == _CLASSES or header.number == 0 else -1


def _strings(data: bytes, position: int, header: _Header, items: int, found: Contents) -> int:
    """Octet strings and virtual terminals; what is typed at a terminal is not kept, it may be a password."""
    width = header.index_width
    size = width + header.variation
    end = _behind(data, position, size * header.number)
    indexes: list[int] = []
    for _ in range(min(header.number, items) if size else 0):
        if width:
            indexes.append(int.from_bytes(data[position : position + width], "little"))
        if header.group not in _TERMINALS and len(found.values) < items:
            found.values.append(text(data[position + width : position + size], _LONGEST_TEXT))
        position += size
    found.places.append(_named(header, indexes))
    return end


def _attribute(data: bytes, position: int, variation: int, items: int, found: Contents) -> int:
    """One device attribute: type, length, value (annex A.1)."""
    start = _behind(data, position, 2)
    end = _behind(data, start, data[position + 1])
    kind, raw = data[position], data[start:end]
    value: Scalar = None
    if kind == 1:
        value = text(raw, _LONGEST_TEXT)
        if value and (key := _ATTRIBUTE_HINTS.get(variation)) is not None and len(found.hints) < items:
            found.hints += (Hint(key, value),)
    elif kind in {2, 3}:
        value = int.from_bytes(raw[:8], "little", signed=kind == 3)
    if len(found.values) < items:
        found.values.append(value)
    return end


def _sized(data: bytes, position: int, header: _Header, items: int, found: Contents) -> int:
    """Objects that say their size: files, authentication, data sets."""
    found.places.append(header.place)
    width = header.size_width
    for number in range(header.number):
        start = _behind(data, position, width)
        position = _behind(data, start, int.from_bytes(data[position:start], "little"))
        if number < items and header.group == _FILES:
            _file(data[start:position], header.variation, items, found)
    return position


def _file(raw: bytes, variation: int, items: int, found: Contents) -> None:
    """File objects (annex A.32): names and statuses; never the authentication key."""
    value: Scalar = None
    if variation == 3 and len(raw) >= 26:
        offset, size = int.from_bytes(raw[0:2], "little"), int.from_bytes(raw[2:4], "little")
        value = text(raw[offset : offset + size], _LONGEST_TEXT)
        found.writes_file |= int.from_bytes(raw[20:22], "little") in {2, 3}
    elif variation == 8:
        value = text(raw, _LONGEST_TEXT)
    refused = raw[12] if variation == 4 and len(raw) > 12 else raw[8] if variation == 6 and len(raw) > 8 else 0
    if refused and found.status is OK:
        found.status = names.FILE_STATUSES.get(refused, f"file_status_{refused}")
    if value is not None and len(found.values) < items:
        found.values.append(value)
