"""Tags and primitive values of BACnet.

ASHRAE 135 clause 20.2 (encoding): tags of application and context class, opening and closing tags, primitive application data.
It reads one tag at a time between bounds, follows no nesting by itself and keeps no state.
"""

from __future__ import annotations

from functools import lru_cache
from struct import Struct
from typing import Final

from hauberk.errors import Malformed
from hauberk.model.transaction import Scalar
from hauberk.sense.dissect.bacnet_names import OBJECT_TYPES
from hauberk.sense.dissect.reader import text

NULL, BOOLEAN, UNSIGNED, SIGNED, REAL, DOUBLE, OCTETS, CHARACTERS, BITS, ENUMERATED, DATE, TIME, OBJECT = range(13)

_REAL: Final = Struct(">f")
_DOUBLE: Final = Struct(">d")
_MOST_TEXT: Final = 128
_CHARACTER_SETS: Final[dict[int, str]] = {3: "utf-32-be", 4: "utf-16-be", 5: "latin-1"}
_ANY: Final = 0xFF


class Tags:
    """A cursor over tags. After ``step`` the fields describe the tag just passed; ``start`` and ``size`` are its contents."""

    __slots__ = ("closing", "context", "data", "end", "number", "opening", "position", "size", "start")

    def __init__(self, data: bytes, position: int, end: int) -> None:
        self.data = data
        self.position = position
        self.end = end
        self.number = self.start = self.size = 0
        self.context = self.opening = self.closing = False

    def more(self) -> bool:
        """True where another tag begins."""
        return self.position < self.end

    def _byte(self) -> int:
        at = self.position
        if at >= self.end:
            raise Malformed("BACnet tag cut short")
        self.position = at + 1
        return self.data[at]

    def step(self) -> None:
        """Pass the next tag and its contents."""
        head = self._byte()
        number, low = head >> 4, head & 7
        if number == 15:
            number = self._byte()
        self.number = number
        self.context = bool(head & 8)
        self.opening = self.context and low == 6
        self.closing = self.context and low == 7
        size = low
        if self.opening or self.closing or (number == BOOLEAN and not self.context):
            size = 0
        elif low == 5:
            size = self._extended()
        elif low > 5:
            raise Malformed(f"BACnet tag 0x{head:02x}")
        self.start = self.position
        # An application boolean keeps its value where others keep their length (20.2.3).
        self.size = low if number == BOOLEAN and not self.context else size
        if self.start + size > self.end:
            raise Malformed(f"BACnet value of {size} bytes, {self.end - self.start} there")
        self.position = self.start + size

    def _extended(self) -> int:
        size = self._byte()
        if size < 254:
            return size
        return int.from_bytes(bytes(self._byte() for _ in range(2 if size == 254 else 4)), "big")

    def peek(self, number: int, opening: bool = False) -> bool:
        """True where a context tag with this number (an opening one, where asked) comes next. Numbers below 15."""
        if self.position >= self.end:
            return False
        head = self.data[self.position]
        return head >> 4 == number and bool(head & 8) and (head & 7 == 6 if opening else head & 7 < 6)

    def unsigned(self) -> int:
        """The contents as an unsigned number."""
        return int.from_bytes(self.data[self.start : self.start + self.size], "big")

    def context_number(self, number: int) -> int | None:
        """The unsigned contents of the context tag ``number`` if that comes next; passes it."""
        if not self.peek(number):
            return None
        self.step()
        return self.unsigned()

    def primitive(self, number: int = _ANY) -> Scalar:
        """The contents as the primitive application type ``number``; by default the tag's own."""
        return primitive(self.number if number == _ANY else number, self.data, self.start, self.size)

    def enclosed(self, most: int, values: list[Scalar]) -> None:
        """Pass everything up to the closing tag of the opening tag just passed; keep ``most`` primitive values."""
        depth = 1
        while depth:
            self.step()
            if self.opening:
                depth += 1
            elif self.closing:
                depth -= 1
            elif not self.context and len(values) < most:
                values.append(self.primitive())


@lru_cache(maxsize=4096)
def object_name(identifier: int) -> str:
    """An object identifier as ``analog_input:1``; a type without a name by its number."""
    kind = identifier >> 22
    return f"{OBJECT_TYPES.get(kind) or f'object{kind}'}:{identifier & 0x3FFFFF}"


def _characters(raw: bytes) -> str:
    charset = _CHARACTER_SETS.get(raw[0]) if raw else None
    if charset is None:
        return text(raw[1:], _MOST_TEXT)
    return text(raw[1 : 1 + 4 * _MOST_TEXT].decode(charset, "replace").encode("utf-8", "replace"), _MOST_TEXT)


def _date(raw: bytes) -> str:
    """Year, month, day; 255 means any (20.2.12)."""
    year = "*" if raw[0] == 255 else str(1900 + raw[0])
    return "-".join((year, *("*" if part == 255 else f"{part:02d}" for part in raw[1:3])))


def _bits(raw: bytes) -> str:
    if len(raw) < 2:
        return ""
    most = min(len(raw) - 1, 16)
    digits = f"{int.from_bytes(raw[1 : 1 + most], 'big'):0{8 * most}b}"
    return digits[: len(digits) - (raw[0] & 7)] if most == len(raw) - 1 else digits


def _fixed(number: int, raw: bytes) -> Scalar:
    """Types of one size."""
    if number == REAL and len(raw) == 4:
        return float(_REAL.unpack(raw)[0])
    if number == DOUBLE and len(raw) == 8:
        return float(_DOUBLE.unpack(raw)[0])
    if number == DATE and len(raw) == 4:
        return _date(raw)
    if number == TIME and len(raw) == 4:
        return ":".join("*" if part == 255 else f"{part:02d}" for part in raw[:3])
    if number == OBJECT and len(raw) == 4:
        return object_name(int.from_bytes(raw, "big"))
    return raw[:64].hex()


def primitive(number: int, data: bytes, start: int, size: int) -> Scalar:
    """One primitive value; what its type does not allow is shown in hexadecimal."""
    if number == NULL:
        return None
    if number == BOOLEAN:
        return bool(size)
    raw = data[start : start + size]
    if number in {UNSIGNED, ENUMERATED} and size <= 8:
        return int.from_bytes(raw, "big")
    if number == SIGNED and size <= 8:
        return int.from_bytes(raw, "big", signed=True)
    if number == CHARACTERS:
        return _characters(raw)
    return _bits(raw) if number == BITS else _fixed(number, raw)
