"""The interfaces of a pcapng section: link type, snapshot length and how their timestamps become nanoseconds.

Source: draft-ietf-opsawg-pcapng sections 3.5 (options) and 4.2 (Interface Description Block, ``if_tsresol``, ``if_tsoffset``).
Times outside the range of the result are held at its edge, never wrapped.
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hauberk.sense.capture.walk import SNAP_FLOOR, kernel
from hauberk.sense.capture.window import RECORD_LIMIT

INTERFACE_LIMIT: Final = 65536
"""Most interfaces one section may describe."""

TIME_LIMIT: Final = (1 << 62) - 1
"""Latest time and largest offset, in nanoseconds: their sum still fits 64 bits (the year 2116)."""

TICKS_MULTIPLY: Final = 0
"""Ticks are a whole number of nanoseconds."""
TICKS_DIVIDE: Final = 1
"""Ticks are a decimal fraction of a nanosecond."""
TICKS_BINARY: Final = 2
"""Ticks are a negative power of two of a second."""

_OPTION_END: Final = 0
_OPTION_RESOLUTION: Final = 9
_OPTION_OFFSET: Final = 14
_MICROSECONDS: Final = 6
_NANO_DIGITS: Final = 9
_TEN_DIGITS_LIMIT: Final = 19  # the largest power of ten below 2**64
_SECOND: Final = 1_000_000_000


class Interfaces(NamedTuple):
    """One entry for each interface, in the order described, as arrays for the walker."""

    link: NDArray[np.uint16]
    snap: NDArray[np.int64]
    """Bytes of a packet kept at most, as the file says; 0 for all."""
    most: NDArray[np.int64]
    """Bytes of a packet that are believed at most."""
    ticks: NDArray[np.int64]
    """One of the ``TICKS_`` values."""
    factor: NDArray[np.uint64]
    """What ticks are multiplied with, divided by, or the exponent of two."""
    offset: NDArray[np.int64]
    """Nanoseconds added to every time."""


class InterfaceTable:
    """The interfaces described so far in one section."""

    def __init__(self) -> None:
        self.count = 0
        self.arrays = _new_arrays(4)

    def add(self, link: int, snap: int, resolution: int, offset_seconds: int) -> bool:
        """Note one more interface; false where there are too many."""
        if self.count == INTERFACE_LIMIT:
            return False
        if self.count == len(self.arrays.link):
            larger = _new_arrays(2 * self.count)
            larger.link[: self.count] = self.arrays.link
            larger.snap[: self.count] = self.arrays.snap
            larger.most[: self.count] = self.arrays.most
            larger.ticks[: self.count] = self.arrays.ticks
            larger.factor[: self.count] = self.arrays.factor
            larger.offset[: self.count] = self.arrays.offset
            self.arrays = larger
        at, arrays = self.count, self.arrays
        arrays.link[at] = link
        arrays.snap[at] = min(snap, RECORD_LIMIT)
        arrays.most[at] = max(snap, SNAP_FLOOR) if snap else RECORD_LIMIT
        arrays.ticks[at], arrays.factor[at] = _conversion(resolution)
        arrays.offset[at] = max(-TIME_LIMIT, min(TIME_LIMIT, offset_seconds * _SECOND))
        self.count += 1
        return True


def _new_arrays(count: int) -> Interfaces:
    return Interfaces(
        np.zeros(count, np.uint16),
        np.zeros(count, np.int64),
        np.zeros(count, np.int64),
        np.zeros(count, np.int64),
        np.ones(count, np.uint64),
        np.zeros(count, np.int64),
    )


def _conversion(resolution: int) -> tuple[int, int]:
    """How ``if_tsresol`` turns ticks into nanoseconds."""
    exponent = resolution & 0x7F
    if resolution & 0x80:
        return TICKS_BINARY, exponent
    if exponent <= _NANO_DIGITS:
        return TICKS_MULTIPLY, 10 ** (_NANO_DIGITS - exponent)
    return TICKS_DIVIDE, 10 ** min(exponent - _NANO_DIGITS, _TEN_DIGITS_LIMIT)


def read_time_options(options: bytes, order: str) -> tuple[int, int] | None:
    """``if_tsresol`` and ``if_tsoffset`` (seconds) of an Interface Description Block; None where the options overrun it."""
    resolution, offset = _MICROSECONDS, 0
    at = 0
    while at + 4 <= len(options):
        code, length = struct.unpack_from(f"{order}HH", options, at)
        if code == _OPTION_END:
            break
        at += 4
        if at + length > len(options):
            return None
        if code == _OPTION_RESOLUTION and length == 1:
            resolution = options[at]
        elif code == _OPTION_OFFSET and length == 8:
            (offset,) = struct.unpack_from(f"{order}q", options, at)
        at += (length + 3) & ~3
    return resolution, offset


@kernel
def nanoseconds(high: int, low: int, ticks: int, factor: np.uint64, offset: int) -> int:
    """The time of a packet from the two halves of its timestamp, in nanoseconds since the epoch."""
    stamp = (np.uint64(high) << np.uint64(32)) | np.uint64(low)
    limit = np.uint64(TIME_LIMIT)
    if ticks == TICKS_MULTIPLY:
        result = limit if stamp > limit // factor else stamp * factor
    elif ticks == TICKS_DIVIDE:
        result = stamp // factor
    else:
        result = _from_binary(stamp, factor)
    return int(np.int64(min(result, limit)) + offset)


@kernel
def _from_binary(stamp: np.uint64, exponent: np.uint64) -> np.uint64:
    """Nanoseconds in ``stamp`` units of 2**-exponent seconds, exact to a nanosecond."""
    second = np.uint64(_SECOND)
    whole = np.uint64(0)
    part = stamp
    if exponent < np.uint64(64):
        whole = stamp >> exponent
        part = stamp - (whole << exponent)
    if whole > np.uint64(TIME_LIMIT) // second:
        return np.uint64(TIME_LIMIT)
    kept = exponent
    if exponent > np.uint64(34):  # 34 bits of fraction times 1e9 still fit 64 bits
        surplus = exponent - np.uint64(34)
        part = part >> surplus if surplus < np.uint64(64) else np.uint64(0)
        kept = np.uint64(34)
    return whole * second + ((part * second) >> kept)
