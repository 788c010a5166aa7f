"""DNP3 objects of fixed size: their layout, and what their value is (IEEE 1815-2012, annex A)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from hauberk.model.transaction import Scalar
from hauberk.sense.dissect import dnp3_names as names

Row = tuple[int, ...]
"""Fields of one object as ``struct`` gives them. Floating-point fields only meet ``_number``, which passes them on."""
Decoder = Callable[[Sequence[Row], int], list[Scalar]]
"""The values of several objects; the number tells which field of each row is the first behind the point index."""


class Element(NamedTuple):
    """One object of fixed size: its layout without point index, and how its values are read; None: not kept."""

    layout: str
    decode: Decoder | None


def _number(rows: Sequence[Row], column: int) -> list[Scalar]:
    return [row[column] for row in rows]


def _state(rows: Sequence[Row], column: int) -> list[Scalar]:
    """Binary objects with flags: the state is the high bit."""
    return [row[column] >= 0x80 for row in rows]


def _double(rows: Sequence[Row], column: int) -> list[Scalar]:
    """Double-bit objects with flags: the state is the two high bits."""
    return [row[column] >> 6 for row in rows]


def _time(rows: Sequence[Row], column: int) -> list[Scalar]:
    """Milliseconds since the epoch, six bytes: the low four and the high two."""
    return [row[column] | row[column + 1] << 32 for row in rows]


@lru_cache(maxsize=1024)
def _relay(code: int, count: int, on: int, off: int) -> str:
    """A control relay output block: what to do, how often, and for how many milliseconds on and off."""
    nibble = code & 0x0F
    operation = names.OPERATIONS[nibble] if nibble < len(names.OPERATIONS) else f"operation_{nibble}"
    clear = " clear" if code & 0x20 else ""
    return f"{operation}{names.TRIP_CLOSE[code >> 6]}{clear} count={count} on={on} off={off}"


def _control(rows: Sequence[Row], column: int) -> list[Scalar]:
    return [_relay(*row[column : column + 4]) for row in rows]


def _elements() -> dict[int, Element]:
    """Objects of fixed size, by group and variation: each layout is that of the next variation, empty where it has none here."""
    rows: dict[int, Element] = {}

    def add(groups: Iterable[int], decode: Decoder | None, *layouts: str) -> None:
        for group in groups:
            for variation, layout in enumerate(layouts, 1):
                if layout:
                    rows[group << 8 | variation] = Element(layout, decode)

    add((1, 10), _state, "", "B")
    add((2,), _state, "B", "B6x", "B2x")
    add((3,), _double, "", "B")
    add((4,), _double, "B", "B6x", "B2x")
    add((11, 13), _state, "B", "B6x")
    add((12,), _control, "BBIIB", "BBIIB")
    add((20,), _number, "xI", "xH", "xI", "xH", "I", "H", "I", "H")
    add((21,), _number, "xI", "xH", "xI", "xH", "xI6x", "xH6x", "xI6x", "xH6x", "I", "H", "I", "H")
    add((22, 23), _number, "xI", "xH", "xI", "xH", "xI6x", "xH6x", "xI6x", "xH6x")
    add((30,), _number, "xi", "xh", "i", "h", "xf", "xd")
    add((31,), _number, "xi", "xh", "xi6x", "xh6x", "i", "h", "xf", "xd")
    add((32, 33, 42, 43), _number, "xi", "xh", "xi6x", "xh6x", "xf", "xd", "xf6x", "xd6x")
    add((34,), _number, "H", "I", "f")
    add((40,), _number, "xi", "xh", "xf", "xd")
    add((41,), _number, "iB", "hB", "fB", "dB")
    add((50,), _time, "IH", "IH4x", "IH", "IH5x")
    add((51,), _time, "IH", "IH")
    add((52,), _number, "H", "H")
    add((101,), None, "2x", "4x", "8x")
    add((102,), _number, "B")
    add((121,), _number, "3xI")
    add((122,), _number, "3xI", "3xI6x")
    return rows


ELEMENTS: Final = _elements()
PACKED: Final = {1 << 8 | 1: 1, 3 << 8 | 1: 2, 10 << 8 | 1: 1, 80 << 8 | 1: 1}
"""Objects packed into bits, and how many bits each takes."""
PACKED_VALUES: Final[dict[int, tuple[tuple[Scalar, ...], ...]]] = {
    1: tuple(tuple(bool(byte >> bit & 1) for bit in range(8)) for byte in range(256)),
    2: tuple(tuple(byte >> bit & 3 for bit in (0, 2, 4, 6)) for byte in range(256)),
}
