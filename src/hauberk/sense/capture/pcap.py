"""Reads classic pcap files (draft-ietf-opsawg-pcap): both byte orders, micro- and nanoseconds, and the modified format.

The modified format is that of Alexey Kuznetzov's old patch to libpcap, whose record headers are eight bytes longer. Files older
than version 2.4, which had the two lengths of a record the other way round, are read as libpcap reads them. The walker never
raises and never reads past what is in the window.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hauberk.errors import CaptureError
from hauberk.sense.capture.interface import LINK_RAW, Block
from hauberk.sense.capture.walk import (
    BLOCK_PACKETS,
    REASONS,
    SNAP_FLOOR,
    STOP_FULL,
    STOP_LENGTH,
    STOP_MORE,
    STOP_SIZE,
    STOP_SNAP,
    Columns,
    Walked,
    kernel,
    new_columns,
    u32,
)
from hauberk.sense.capture.window import RECORD_LIMIT, Window

FILE_HEADER: Final = 24
"""Bytes of the header of a file (draft-ietf-opsawg-pcap section 4)."""

_MICRO: Final = 0xA1B2C3D4
_NANO: Final = 0xA1B23C4D
_MODIFIED: Final = 0xA1B2CD34
_VARIANTS: Final = {_MICRO: (1000, 16), _NANO: (1, 16), _MODIFIED: (1000, 24)}  # nanoseconds a fraction, bytes a record header

MAGICS: Final = frozenset(struct.pack(f"{order}I", magic) for magic in _VARIANTS for order in "<>")
"""The first four bytes of a pcap file, every kind."""

_OLD_RAW_LINKS: Final = (12, 14)  # DLT_RAW as Linux and OpenBSD wrote it before there were LINKTYPE values
_DGUX_MAJOR: Final = 543

_LENGTHS_KEPT, _LENGTHS_SWAPPED, _LENGTHS_EITHER = 0, 1, 2


class Shape(NamedTuple):
    """How the records of one file are laid out."""

    swapped: bool
    """Most significant byte first."""
    scale: int
    """Nanoseconds in one unit of the fraction."""
    header: int
    """Bytes of a record header."""
    lengths: int
    """Whether the captured and the original length are the other way round, or may be."""
    most: int
    """Most bytes a packet may hold."""


@kernel
def walk_pcap(data: NDArray[np.uint8], begin: int, end: int, shape: Shape, columns: Columns, first: int) -> Walked:
    """Fill ``columns`` with the records of ``data[begin:end]``; the first found gets the number ``first``."""
    found = 0
    while found < len(columns.offset):
        if end - begin < shape.header:
            return Walked(found, begin, STOP_MORE, shape.header)
        captured = u32(data, begin + 8, shape.swapped)
        wire = u32(data, begin + 12, shape.swapped)
        if shape.lengths == _LENGTHS_SWAPPED or (shape.lengths == _LENGTHS_EITHER and captured > wire):
            captured, wire = wire, captured
        if captured > RECORD_LIMIT - shape.header:
            return Walked(found, begin, STOP_SIZE, 0)
        if captured > shape.most:
            return Walked(found, begin, STOP_SNAP, 0)
        after = begin + shape.header + captured
        if after > end:
            return Walked(found, begin, STOP_MORE, after - begin)
        seconds = u32(data, begin, shape.swapped)
        fraction = u32(data, begin + 4, shape.swapped)
        columns.offset[found] = begin + shape.header
        columns.captured[found] = captured
        columns.wire[found] = max(wire, captured)
        columns.time[found] = seconds * 1_000_000_000 + fraction * shape.scale
        columns.frame[found] = first + found
        found += 1
        begin = after
    return Walked(found, begin, STOP_FULL, 0)


class PcapReader:
    """One pcap file whose header was read; raises ``CaptureError`` at once where that is not possible."""

    def __init__(self, window: Window, packets: int = BLOCK_PACKETS) -> None:
        self._window = window
        self._columns = new_columns(packets)
        self._frames = 0
        if not window.have(FILE_HEADER):
            raise window.problem or CaptureError(window.stream.source, "is cut off within the header of the file", window.offset)
        header = window.data[window.begin : window.begin + FILE_HEADER].tobytes()
        self._shape, link = _read_header(header)
        self._columns.link[:] = link
        window.begin += FILE_HEADER

    def blocks(self) -> Iterator[Block]:
        """The packets; raises ``CaptureError`` after the last complete one where the file goes wrong."""
        window = self._window
        while True:
            walked = walk_pcap(window.data, window.begin, window.end, self._shape, self._columns, self._frames + 1)
            window.begin = walked.begin
            self._frames += walked.packets
            if walked.packets:
                yield self._columns.chosen(slice(walked.packets)).block(window.data)
            if walked.stop >= STOP_LENGTH:
                raise CaptureError(window.stream.source, REASONS[walked.stop], window.offset)
            if walked.stop == STOP_MORE and not window.have(walked.need):
                if window.problem is not None:
                    raise window.problem
                if window.held:
                    raise CaptureError(window.stream.source, "is cut off within a record", window.offset)
                return


def _read_header(header: bytes) -> tuple[Shape, int]:
    """The shape of the records and the LINKTYPE; ``header`` begins with one of ``MAGICS``."""
    swapped = struct.unpack_from("<I", header)[0] not in _VARIANTS
    order = ">" if swapped else "<"
    magic, major, minor, _zone, _accuracy, snap, link = struct.unpack(f"{order}IHHiIII", header)
    scale, size = _VARIANTS[magic]
    lengths = _LENGTHS_KEPT
    if major == _DGUX_MAJOR or (major == 2 and minor < 3):
        lengths = _LENGTHS_SWAPPED
    elif major == 2 and minor == 3:
        lengths = _LENGTHS_EITHER
    link &= 0xFFFF  # the upper half tells the length of a frame check sequence
    return Shape(swapped, scale, size, lengths, max(snap, SNAP_FLOOR)), LINK_RAW if link in _OLD_RAW_LINKS else link
