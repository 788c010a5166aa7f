"""What Modbus requests and responses act on and carry (Modbus Application Protocol 1.1b3, clause 6).

Every decoder takes one whole frame whose shape fits the role, so the fixed fields are there; whatever is counted inside is
checked again. Decoders never keep more than the given number of items.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from struct import Struct
from typing import Final, NamedTuple

from hauberk.model.hint import Hint, HintKey
from hauberk.model.transaction import Scalar, Value
from hauberk.sense.dissect import modbus_names as names
from hauberk.sense.dissect.reader import text

_U16X2, _U16X3, _U16X4 = Struct(">HH"), Struct(">HHH"), Struct(">HHHH")
_U16: Final = Struct(">H")
_FILE: Final = Struct(">BHHH")
_REGISTERS: Final = tuple(Struct(f">{count}H") for count in range(128))
_BITS: Final = tuple(tuple(bool(byte >> bit & 1) for bit in range(8)) for byte in range(256))
_TABLES: Final = {1: "coil", 2: "discrete_input", 3: "holding_register", 4: "input_register", 5: "coil", 6: "holding_register"}
_LONGEST_TEXT: Final = 128


class Asked(NamedTuple):
    """What is remembered of an unanswered request."""

    to_responder: bool
    operation: str
    write: bool
    object: str | None
    quantity: int
    """Bits or registers asked for; 0 where the answer has no such count."""


class Body(NamedTuple):
    """What a message says beyond its function code."""

    object: str | None
    value: Value = None
    quantity: int = 0


RequestDecoder = Callable[[bytes, int], Body]
ResponseDecoder = Callable[[bytes, int, Asked | None], Body]


@lru_cache(maxsize=4096)
def span(unit: int, table: str, first: int, count: int) -> str:
    """``unit/table/first-last``, or ``unit/table/first`` where ``count`` is at most 1."""
    return f"{unit}/{table}/{first}-{first + count - 1}" if count > 1 else f"{unit}/{table}/{first}"


def _register_values(data: bytes, start: int, size: int, items: int) -> tuple[Scalar, ...]:
    return _REGISTERS[min(size // 2, items, 127)].unpack_from(data, start)


def _bit_values(data: bytes, start: int, end: int, count: int, items: int) -> tuple[Scalar, ...]:
    most = min(count, items) if count else items
    values: list[bool] = []
    for byte in data[start : min(end, start + (most + 7) // 8)]:
        values.extend(_BITS[byte])
    return tuple(values[:most])


def bare(data: bytes, _items: int) -> Body:
    """Functions that act on the unit as a whole, and those whose inside is unknown."""
    return Body(str(data[6]))


def bare_response(data: bytes, _items: int, asked: Asked | None) -> Body:
    """The same, answered."""
    return Body(str(data[6]) if asked is None else asked.object)


def _range_request(data: bytes, _items: int) -> Body:
    first, count = _U16X2.unpack_from(data, 8)
    return Body(span(data[6], _TABLES[data[7]], first, count), None, count)


def _bits_response(data: bytes, items: int, asked: Asked | None) -> Body:
    size = data[8]
    if asked is None or size != (asked.quantity + 7) >> 3:
        return Body(f"{data[6]}/{_TABLES[data[7]]}", _bit_values(data, 9, 9 + size, 0, items))
    return Body(asked.object, _bit_values(data, 9, 9 + size, asked.quantity, items))


def _registers_response(data: bytes, items: int, asked: Asked | None) -> Body:
    size = data[8]
    value = _register_values(data, 9, size, items)
    if asked is None or size != asked.quantity * 2:
        return Body(f"{data[6]}/{_TABLES[data[7]]}", value)
    return Body(asked.object, value)


def _single(data: bytes, _items: int) -> Body:
    address, raw = _U16X2.unpack_from(data, 8)
    value: Scalar = raw
    if data[7] == 5 and raw in {0, 0xFF00}:
        value = raw == 0xFF00
    return Body(span(data[6], _TABLES[data[7]], address, 1), value)


def _single_response(data: bytes, items: int, _asked: Asked | None) -> Body:
    return _single(data, items)


def _write_multiple_request(data: bytes, items: int) -> Body:
    first, count = _U16X2.unpack_from(data, 8)
    if data[7] == 15:
        return Body(span(data[6], "coil", first, count), _bit_values(data, 13, 13 + data[12], count, items))
    return Body(span(data[6], "holding_register", first, count), _register_values(data, 13, data[12], items))


def _write_multiple_response(data: bytes, _items: int, _asked: Asked | None) -> Body:
    first, count = _U16X2.unpack_from(data, 8)
    return Body(span(data[6], "coil" if data[7] == 15 else "holding_register", first, count))


def _mask_request(data: bytes, _items: int) -> Body:
    address, and_mask, or_mask = _U16X3.unpack_from(data, 8)
    return Body(span(data[6], "holding_register", address, 1), (and_mask, or_mask))


def _mask_response(data: bytes, items: int, _asked: Asked | None) -> Body:
    return _mask_request(data, items)


def _read_write_request(data: bytes, items: int) -> Body:
    read, read_count, written, write_count = _U16X4.unpack_from(data, 8)
    place = span(data[6], "holding_register", written, write_count)
    looked = span(data[6], "holding_register", read, read_count).rpartition("/")[2]
    return Body(f"{place},{looked}", _register_values(data, 17, data[16], items), read_count)


def _read_write_response(data: bytes, items: int, asked: Asked | None) -> Body:
    value = _register_values(data, 9, data[8], items)
    if asked is None or data[8] != asked.quantity * 2:
        return Body(f"{data[6]}/holding_register", value)
    return Body(asked.object, value)


def _status_response(data: bytes, _items: int, _asked: Asked | None) -> Body:
    return Body(str(data[6]), data[8])


def _counter_response(data: bytes, _items: int, _asked: Asked | None) -> Body:
    return Body(str(data[6]), _U16X2.unpack_from(data, 8))


def _server_id_response(data: bytes, _items: int, _asked: Asked | None) -> Body:
    return Body(str(data[6]), text(data[9 : 9 + data[8]], _LONGEST_TEXT))


def _diagnostics_request(data: bytes, items: int) -> Body:
    (sub,) = _U16.unpack_from(data, 8)
    name = names.DIAGNOSTICS.get(sub, str(sub))
    return Body(f"{data[6]}/diagnostics/{name}", _register_values(data, 10, len(data) - 10, items) or None)


def _diagnostics_response(data: bytes, items: int, _asked: Asked | None) -> Body:
    return _diagnostics_request(data, items)


def _file_request(data: bytes, items: int) -> Body:
    """Sub-requests of functions 20 and 21; the latter carry the record's registers behind each."""
    writing = data[7] == 21
    places: list[str] = []
    values: list[Scalar] = []
    position = 9
    while position + 7 <= len(data) and len(places) < items:
        _, number, record, count = _FILE.unpack_from(data, position)
        places.append(f"{number}:{record}-{record + count - 1}" if count > 1 else f"{number}:{record}")
        position += 7
        if writing:
            held = min(count * 2, len(data) - position)
            values.extend(_register_values(data, position, held, items - len(values)))
            position += count * 2
    return Body(f"{data[6]}/file/{','.join(places)}", tuple(values) if writing else None)


def _write_file_response(data: bytes, items: int, _asked: Asked | None) -> Body:
    return _file_request(data, items)


def _read_file_response(data: bytes, items: int, asked: Asked | None) -> Body:
    values: list[Scalar] = []
    position = 9
    while position + 2 <= len(data) and len(values) < items:
        held = min(data[position] - 1, len(data) - position - 2)
        if held > 0:
            values.extend(_register_values(data, position + 2, held, items - len(values)))
        position += 1 + data[position]
    return Body(f"{data[6]}/file" if asked is None else asked.object, tuple(values))


def _fifo_request(data: bytes, _items: int) -> Body:
    return Body(f"{data[6]}/fifo/{_U16.unpack_from(data, 8)[0]}")


def _fifo_response(data: bytes, items: int, asked: Asked | None) -> Body:
    values = _register_values(data, 12, len(data) - 12, items)
    return Body(f"{data[6]}/fifo" if asked is None else asked.object, values)


def _encapsulated_request(data: bytes, _items: int) -> Body:
    if data[8] != names.READ_DEVICE_IDENTIFICATION:
        return Body(f"{data[6]}/{names.ENCAPSULATED_NAMES.get(data[8], str(data[8]))}")
    level = names.IDENTIFICATION_LEVELS.get(data[9], str(data[9]))
    return Body(f"{data[6]}/device_identification/{level}" + (f"/{data[10]}" if data[9] == 4 else ""))


def _encapsulated_response(data: bytes, items: int, asked: Asked | None) -> Body:
    if data[8] != names.READ_DEVICE_IDENTIFICATION:
        return _encapsulated_request(data, items)
    level = names.IDENTIFICATION_LEVELS.get(data[9], str(data[9]))
    place = f"{data[6]}/device_identification/{level}" if asked is None else asked.object
    return Body(place, tuple(said for _, said in identification(data, items)) or None)


def _umas_request(data: bytes, _items: int) -> Body:
    return Body(f"{data[6]}/umas/{names.UMAS_FUNCTIONS.get(data[9], f'0x{data[9]:02x}')}")


def _umas_response(data: bytes, _items: int, asked: Asked | None) -> Body:
    return Body(f"{data[6]}/umas" if asked is None else asked.object)


def identification(data: bytes, items: int) -> list[tuple[int, str]]:
    """Object ids and texts of a read-device-identification response (clause 6.21)."""
    found: list[tuple[int, str]] = []
    position = 14
    for _ in range(min(data[13], items)):
        if position + 2 > len(data):
            break
        size = data[position + 1]
        found.append((data[position], text(data[position + 2 : position + 2 + size], _LONGEST_TEXT)))
        position += 2 + size
    return found


def identity_hints(data: bytes, items: int) -> tuple[Hint, ...]:
    """Vendor, model and firmware from a read-device-identification response: the clearest model name wins."""
    said = {number: words for number, words in identification(data, items) if words.strip()}
    keys = ((HintKey.VENDOR, (0,)), (HintKey.MODEL, (5, 4, 1)), (HintKey.FIRMWARE, (2,)))
    return tuple(Hint(key, said[best]) for key, order in keys if (best := next((n for n in order if n in said), None)) is not None)


def server_id_hints(data: bytes) -> tuple[Hint, ...]:
    """The banner in a report-server-id response, where it holds readable text."""
    words = "".join(chr(byte) if 32 <= byte < 127 else " " for byte in data[9 : 9 + data[8]]).strip()
    return (Hint(HintKey.BANNER, words[:_LONGEST_TEXT]),) if len(words) > 3 else ()


def umas_hints(data: bytes, asked: Asked | None) -> tuple[Hint, ...]:
    """UMAS is Schneider's own; its identification answer carries the model name behind 22 fixed bytes and a length."""
    hints = [Hint(HintKey.VENDOR, "Schneider Electric")]
    if asked is not None and asked.object is not None and asked.object.endswith("/read_identification") and len(data) > 33:
        words = text(data[33 : 33 + data[32]], _LONGEST_TEXT)
        if words.isascii() and len(words) > 3:
            hints.append(Hint(HintKey.MODEL, words))
    return tuple(hints)


REQUESTS: Final[dict[int, RequestDecoder]] = {
    1: _range_request,
    2: _range_request,
    3: _range_request,
    4: _range_request,
    5: _single,
    6: _single,
    8: _diagnostics_request,
    15: _write_multiple_request,
    16: _write_multiple_request,
    20: _file_request,
    21: _file_request,
    22: _mask_request,
    23: _read_write_request,
    24: _fifo_request,
    names.ENCAPSULATED: _encapsulated_request,
    names.UMAS: _umas_request,
}
RESPONSES: Final[dict[int, ResponseDecoder]] = {
    1: _bits_response,
    2: _bits_response,
    3: _registers_response,
    4: _registers_response,
    5: _single_response,
    6: _single_response,
    7: _status_response,
    8: _diagnostics_response,
    11: _counter_response,
    15: _write_multiple_response,
    16: _write_multiple_response,
    17: _server_id_response,
    20: _read_file_response,
    21: _write_file_response,
    22: _mask_response,
    23: _read_write_response,
    24: _fifo_response,
    names.ENCAPSULATED: _encapsulated_response,
    names.UMAS: _umas_response,
}
