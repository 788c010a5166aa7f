"""Which way a Modbus message may travel, judged by its length and counts alone.

The protocol does not say whether a message is a request (Modbus Application Protocol 1.1b3, clause 6): most functions give it
away by their shape. Each function here takes one whole frame (the function code is byte 7) and the size of its PDU, and says
which roles fit. The decoders rely on it: a frame that fits a role is long enough for that role's fixed fields.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from hauberk.sense.dissect import modbus_names as names

NEITHER: Final = 0
REQUEST: Final = 1
RESPONSE: Final = 2
EITHER: Final = 3

Shape = Callable[[bytes, int], int]


def _bits(data: bytes, size: int) -> int:
    counted = size > 2 and data[8] == size - 2
    if size == 5:
        return EITHER if counted else REQUEST
    return RESPONSE if counted else NEITHER


def _registers(data: bytes, size: int) -> int:
    if size == 5:
        return REQUEST
    return RESPONSE if size > 3 and size % 2 == 0 and data[8] == size - 2 else NEITHER


def _echo(_data: bytes, size: int) -> int:
    return EITHER if size == 5 else NEITHER


def _mask(_data: bytes, size: int) -> int:
    return EITHER if size == 7 else NEITHER


def _write_multiple(data: bytes, size: int) -> int:
    if size == 5:
        return RESPONSE
    return REQUEST if size > 6 and data[12] == size - 6 else NEITHER


def _exception_status(_data: bytes, size: int) -> int:
    return (NEITHER, REQUEST, RESPONSE)[size] if size < 3 else NEITHER


def _diagnostics(_data: bytes, size: int) -> int:
    return EITHER if size >= 3 else NEITHER


def _event_counter(_data: bytes, size: int) -> int:
    return REQUEST if size == 1 else RESPONSE if size == 5 else NEITHER


def _bare_or_counted(data: bytes, size: int) -> int:
    if size == 1:
        return REQUEST
    return RESPONSE if size > 2 and data[8] == size - 2 else NEITHER


def _read_file(data: bytes, size: int) -> int:
    if size < 4 or data[8] != size - 2:
        return NEITHER
    request = REQUEST if (size - 2) % 7 == 0 and data[9] == 6 else NEITHER
    return request | (RESPONSE if data[10] == 6 else NEITHER)


def _write_file(data: bytes, size: int) -> int:
    return EITHER if size >= 9 and data[8] == size - 2 and data[9] == 6 else NEITHER


def _read_write(data: bytes, size: int) -> int:
    request = REQUEST if size > 10 and data[16] == size - 10 else NEITHER
    return request | (RESPONSE if size > 3 and size % 2 == 0 and data[8] == size - 2 else NEITHER)


def _fifo(data: bytes, size: int) -> int:
    if size == 3:
        return REQUEST
    return RESPONSE if size >= 5 and (data[8] << 8 | data[9]) == size - 3 else NEITHER


def _encapsulated(data: bytes, size: int) -> int:
    if size < 2:
        return NEITHER
    if data[8] != names.READ_DEVICE_IDENTIFICATION:
        return EITHER
    return REQUEST if size == 4 else RESPONSE if size >= 7 else NEITHER


def _umas(data: bytes, size: int) -> int:
    if size < 3:
        return NEITHER
    return RESPONSE if data[9] in {names.UMAS_ACCEPTED, names.UMAS_REFUSED} else REQUEST


def unknown(_data: bytes, _size: int) -> int:
    """Reserved and user-defined functions: nothing is known, so everything fits."""
    return EITHER


SHAPES: Final[dict[int, Shape]] = {
    1: _bits,
    2: _bits,
    3: _registers,
    4: _registers,
    5: _echo,
    6: _echo,
    7: _exception_status,
    8: _diagnostics,
    11: _event_counter,
    12: _bare_or_counted,
    15: _write_multiple,
    16: _write_multiple,
    17: _bare_or_counted,
    20: _read_file,
    21: _write_file,
    22: _mask,
    23: _read_write,
    24: _fifo,
    names.ENCAPSULATED: _encapsulated,
    names.UMAS: _umas,
}
