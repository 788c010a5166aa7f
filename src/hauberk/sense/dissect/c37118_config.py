"""Configuration frames of synchrophasor streams: which stations there are and how their data frames are laid out.

IEEE C37.118.2-2011 clauses 6.4 (configuration 1 and 2) and 6.5 (configuration 3). Only what is needed to read frequencies and
states of data frames is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct

from hauberk.sense.dissect.limits import Limits
from hauberk.sense.dissect.reader import Reader, text

CONFIGURATION_3 = 5
_HEADER_BYTES = 14
_NOMINAL = (60.0, 50.0)


@dataclass(frozen=True, slots=True)
class Configuration:
    """What one configuration frame says. ``names``: of the stations, in order."""

    names: tuple[str, ...]
    layout: Struct
    """Reads STAT and FREQ of the first stations from the body of a data frame."""
    size: int
    """Length of a data frame in bytes."""
    nominal: tuple[float | None, ...]
    """Nominal frequency (Hz) of stations that send deviations as integers (mHz); None for those that send floats (Hz)."""


def configuration(pdu: bytes, kind: int, limits: Limits) -> Configuration | None:
    """The configuration in a frame of type ``kind``; None where it is a part of several, which are not joined."""
    reader = Reader(pdu, _HEADER_BYTES, len(pdu) - 2)
    if kind == CONFIGURATION_3 and reader.u16():
        return None
    reader.skip(4)
    count = reader.u16()
    names: list[str] = []
    nominal: list[float | None] = []
    fields: list[str] = []
    size = 0
    for number in range(count):
        name, pieces, base = _station(reader, kind, limits)
        if number < limits.items:
            names.append(name)
            nominal.append(base)
            fields.append(pieces)
        size += Struct(">" + pieces).size
    reader.skip(2)
    return Configuration(tuple(names), Struct(">" + "".join(fields)), size + _HEADER_BYTES + 2, tuple(nominal))


def _station(reader: Reader, kind: int, limits: Limits) -> tuple[str, str, float | None]:
    """Name, layout of its part of a data frame, and nominal frequency where that is needed."""
    third = kind == CONFIGURATION_3
    raw = reader.take(reader.u8()) if third else reader.take(16)
    name = text(raw.rstrip(b" \x00"), limits.text)
    reader.skip(18 if third else 2)
    form = reader.u16()
    phasors, analogs, digitals = reader.u16(), reader.u16(), reader.u16()
    labels = phasors + analogs + 16 * digitals
    if third:
        for _ in range(labels):
            reader.skip(reader.u8())
        # Scales of phasors, analogs and digitals, then position, class, window and delay.
        reader.skip(12 * phasors + 8 * analogs + 4 * digitals + 21)
    else:
        reader.skip(16 * labels + 4 * (phasors + analogs + digitals))
    rate = reader.u16()
    reader.skip(2)
    measured = phasors * (8 if form & 2 else 4)
    floats = bool(form & 8)
    behind = (4 if floats else 2) + analogs * (4 if form & 4 else 2) + digitals * 2
    return name, f"H{measured}x{'f' if floats else 'h'}{behind}x", None if floats else _NOMINAL[rate & 1]
