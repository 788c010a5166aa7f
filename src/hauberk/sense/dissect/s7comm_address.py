"""Addresses of S7comm in the words of a programmer: items of variables, block names, program services and variable tables.

Variables read as in STEP 7, without blanks: ``M100.0`` (bit), ``MB4`` (byte), ``DB1.DBW10`` (word), ``DB1.DBX0.1``, ``T5``; a count
above one follows after a plus sign, counted in elements (``DB1.DBB10+4``); semicolons join the ranges of one item. Blocks read
``OB1``, services ``_INSE:OB1``.
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from hauberk.errors import Malformed
from hauberk.sense.dissect.reader import text
from hauberk.sense.dissect.s7comm_names import AREAS, BLOCKS, COUNTERS, DATA_BLOCK, INSTANCE_BLOCK, STATUS_AREAS, WIDTH_LETTERS

_ANY = Struct(">xBHHBBH")
_STATUS = Struct(">BBHH")
_PREFIX = 0x12
_S7ANY, _DB_READ, _NCK, _SYMBOL = 0x10, 0xB0, frozenset({0x82, 0x83, 0x84}), 0xB2


class Item(NamedTuple):
    """One variable of a read or write: its address, its transport size (0 where it has none) and how many elements it has."""

    label: str
    kind: int
    length: int


def items(data: bytes, at: int, count: int, most: int) -> tuple[Item, ...]:
    """At most ``most`` of the ``count`` item specifications that begin at ``at``. Raises ``Malformed``."""
    found: list[Item] = []
    for _ in range(min(count, most)):
        if at + 3 > len(data) or data[at] != _PREFIX:
            raise Malformed(f"no item specification at byte {at}")
        size = data[at + 1]
        stop = at + 2 + size
        if stop > len(data):
            raise Malformed(f"an item specification of {size} bytes is cut off")
        found.append(_item(data[at + 2 : stop]))
        at = stop + (size & 1 if stop < len(data) and data[stop] != _PREFIX else 0)
    return tuple(found)


def _item(body: bytes) -> Item:
    syntax = body[0] if body else 0
    if syntax == _S7ANY and len(body) == 10:
        kind, count, number, area, high, low = _ANY.unpack(body)
        return Item(_label(area, number, high << 16 | low, kind) + (f"+{count}" if count > 1 else ""), kind, count)
    if syntax == _DB_READ and len(body) >= 2:
        return Item(";".join(_db_reads(body)), 0, 1)
    if syntax in _NCK and len(body) >= 8:
        unit, column, line, module, lines = body[1], body[2] << 8 | body[3], body[4] << 8 | body[5], body[6], body[7]
        return Item(f"nck/{unit}/{module}/{column}/{line}" + (f"+{lines}" if lines > 1 else ""), 0, 1)
    if syntax == _SYMBOL:
        return Item(f"sym/{body[1:].hex()}", 0, 1)
    return Item(f"0x{syntax:02x}/{body[1:33].hex()}", 0, 1)


def _label(area: int, number: int, address: int, kind: int) -> str:
    name = AREAS.get(area) or f"0x{area:02x}"
    if area in COUNTERS:
        return f"{name}{address}"
    letter = WIDTH_LETTERS.get(kind, "B")
    place = f"{address >> 3}.{address & 7}" if letter == "X" else f"{address >> 3}"
    if area in {DATA_BLOCK, INSTANCE_BLOCK}:
        return f"{name}{number}.{name}{letter}{place}"
    return f"{name}{place}" if letter == "X" else f"{name}{letter}{place}"


def _db_reads(body: bytes) -> list[str]:
    return [
        f"DB{body[at + 1] << 8 | body[at + 2]}.DBB{body[at + 3] << 8 | body[at + 4]}" + (f"+{body[at]}" if body[at] > 1 else "")
        for at in range(2, min(len(body) - 4, 2 + 5 * body[1]), 5)
    ]


def block(name: bytes) -> str:
    """A block name from a file name such as ``_0800001P``, ``0800001P`` or ``0800001``: ``OB1``; other names as text."""
    digits = name[1:] if name[:1] == b"_" else name
    kind = BLOCKS.get(digits[:2].decode("latin-1"))
    number = digits[2:7]
    if kind is None or not number.isdigit():
        return text(name, 64)
    return f"{kind}{int(number)}"


def file_of(parameter: bytes, at: int) -> str | None:
    """The block whose file name, led by its length, stands at ``at`` of a download or upload parameter."""
    if len(parameter) <= at:
        return None
    size = parameter[at]
    return block(parameter[at + 1 : at + 1 + size]) or None


def program_service(parameter: bytes) -> str | None:
    """Name and argument of a PI service, as ``P_PROGRAM``, ``_INSE:OB1`` or ``_MODU:EP``."""
    if len(parameter) < 10:
        return None
    size = parameter[8] << 8 | parameter[9]
    name_at = 10 + size
    if name_at >= len(parameter):
        return None
    name = text(parameter[name_at + 1 : name_at + 1 + parameter[name_at]], 32)
    argument = parameter[10:name_at]
    if not argument:
        return name or None
    blocks = argument[2:]
    if len(blocks) == argument[0] * 8:
        return name + ":" + ",".join(block(blocks[at : at + 8]) for at in range(0, len(blocks), 8))
    return f"{name}:{text(argument, 64).strip()}"


def variable_table(body: bytes, most: int) -> str | None:
    """The variables of a variable table job (status, modify, force), joined by commas."""
    if len(body) < 4:
        return None
    at = 4 + (body[0] << 8 | body[1])
    if at + 2 > len(body):
        return None
    labels: list[str] = []
    for _ in range(min(body[at] << 8 | body[at + 1], most)):
        if at + 8 > len(body):
            break
        area, count, number, address = _STATUS.unpack_from(body, at + 2)
        name = STATUS_AREAS.get(area) or f"0x{area:02x}/"
        if name.startswith("DB"):
            name = f"DB{number}.{name}"
        labels.append(f"{name}{address}" + (f"+{count}" if count > 1 else ""))
        at += 6
    return ",".join(labels) or None
