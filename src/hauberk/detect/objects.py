"""What an operating-technology message acts on, as numbers where its protocol counts things and as names where it names them.

Dissectors write objects as one text: ``255/coil/7-9``, ``DB131.DBB82+10;MB0``, ``1->10/g12v1/8+9``, ``3/1300,1301``,
``device:721/present_value``. One grammar reads them all: items are joined by commas (or semicolons, or ``>`` from source to
target); an item ends in a number, a range (``low-high``) or a number and a count (``low+count``), or it is a name. What stands
before the number is its *space*: the unit, table, block or class within which the number counts. A bare number belongs to the
space of the item before it. Sub-devices behind one address (Modbus unit, DNP3 link addresses, common address of IEC 104, AMS
address) are part of the space.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from hauberk.model.transaction import Transaction, Value

MOST_ITEMS = 512
"""Items read of one object; what follows is not told apart."""
_LONGEST = 256
"""Characters of an item that may end in a number; a longer one is a name."""
_DIGITS = 18
_HIGHEST = 1 << 60

_SPLIT = re.compile(r",|;(?!(?:[isgb]|nsu?|svr)=)|(?<![-])>")
_END = re.compile(r"(0x[0-9a-fA-F]+|[0-9]+)(?:\.([0-9]{1,3}))?(?:([-+])([0-9]+))?([\])]?)$")
_BARE = re.compile(r"[0-9]+(?:[-+][0-9]+)?$")
_STATION = re.compile(r"[0-9]+->[0-9]+/")
_S7 = re.compile(r"((?:D[BI][0-9]+\.)?[A-Z]{1,2}?)([XBWD])([0-9]{1,8})(?:\.([0-7]))?(?:\+([0-9]{1,6}))?$")
_S7_BITS = {"X": 1, "B": 8, "W": 16, "D": 32}
_S7_SPACE = re.compile(r"(?:D[BI][0-9]+\.)?[A-Z]{1,2}X$")

_S7COMM = "s7comm"
_VOLATILE = frozenset({"s7comm_plus"})
"""Protocols whose objects are numbered anew in every session."""
_HANDLES = re.compile(r"/0xf00[5-6]:0x[0-9a-f]+$")
"""ADS index groups of symbol handles, which a target hands out anew in every session (read or write by handle, release)."""
_MODES = frozenset(
    {
        *(("c37118", "command"), ("bacnet", "reinitialize_device"), ("bacnet", "device_communication_control")),
        *(("fins", "run"), ("ads", "write_control"), ("iec104", "reset_process_command")),
        *(("dnp3", "open_file"), ("dnp3", "delete_file")),
    }
)
"""Operations whose value says what is to be done, not how much."""
_MODE_OBJECT = "pccc/change_mode"


class Token(NamedTuple):
    """Numbers ``low`` to ``high`` of ``space``, both included; a name where they are None."""

    space: str
    low: int | None = None
    high: int | None = None


def target(transaction: Transaction) -> str | None:
    """What ``transaction`` acts on, with what it is told to do where only its value says so; None where it names nothing."""
    protocol, thing = transaction.protocol, transaction.object
    if protocol in _VOLATILE:
        return None
    if (protocol, transaction.operation) in _MODES or thing == _MODE_OBJECT:
        word = _word(transaction.value)
        return f"{thing or ''}={word}" if word is not None else thing
    return thing


def _word(value: Value) -> str | None:
    first = value[0] if isinstance(value, tuple) and value else value
    return first if isinstance(first, str) else None


@lru_cache(maxsize=4096)
def tokens(protocol: str, text: str) -> tuple[Token, ...]:
    """``text``, as ``target`` gives it, in tokens; never fails, whatever the text."""
    head = _STATION.match(text)
    station = head.group() if head else ""
    found: list[Token] = []
    space = ""
    for item in _SPLIT.split(text[len(station) :], MOST_ITEMS)[:MOST_ITEMS]:
        if not item or len(found) >= MOST_ITEMS:
            continue
        if space and _BARE.match(item):
            item = space + item  # noqa: PLW2901 - a bare number stands in the space before it
        found.extend(_token(protocol, station, part) for part in (_points(item) if station else (item,)))
        if found[-1].low is not None:
            space = found[-1].space[len(station) :]
    return tuple(found[:MOST_ITEMS])


def _points(item: str) -> list[str]:
    """DNP3 joins the points of a header with plus signs, which count elsewhere."""
    head, slash, points = item.rpartition("/")
    return [f"{head}{slash}{point}" for point in points.split("+")[:MOST_ITEMS]]


def _token(protocol: str, station: str, item: str) -> Token:
    if protocol == _S7COMM and (matched := _S7.match(item)):
        area, width, start, bit, count = matched.groups()
        low = int(start) * 8 + int(bit or 0)
        return Token(f"{area}X", low, low + _S7_BITS[width] * max(int(count or 1), 1) - 1)
    if len(item) > _LONGEST or not (found := _END.search(item)) or (protocol == "ads" and _HANDLES.search(item)):
        return Token(station + (_HANDLES.sub("/handle", item) if protocol == "ads" else item))
    number, part, sign, count, bracket = found.groups()
    if len(number) > _DIGITS or len(count or "") > _DIGITS:
        return Token(station + item)
    low = int(number, 16) if number.startswith("0x") else int(number)
    space = station + item[: found.start()] + ("[" if bracket and not item[: found.start()].endswith(("[", "(")) else "")
    if part is not None:
        space, low = f"{space}.", low << 10 | int(part)
    high = low
    if sign == "-":
        high = int(count)
    elif sign == "+":
        high = low + max(int(count), 1) - 1
    if not low <= high < _HIGHEST:
        return Token(station + item)
    return Token(space, low, high)


def shown(space: str, low: int, high: int) -> str:
    """A range as a person reads it."""
    if _S7_SPACE.match(space):
        first, last = f"{low >> 3}.{low & 7}", f"{high >> 3}.{high & 7}"
    elif space.endswith("."):
        first, last = f"{low >> 10}.{low & 1023}", f"{high >> 10}.{high & 1023}"
    else:
        first, last = str(low), str(high)
    return f"{space}{first}" if low == high else f"{space}{first} to {last}"
