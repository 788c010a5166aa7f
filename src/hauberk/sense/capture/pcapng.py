"""Reads pcapng files (draft-ietf-opsawg-pcapng): sections of either byte order, any number of interfaces, every packet block.

Enhanced (section 4.3), Simple (4.4) and the obsolete Packet Block (appendix A) become packets; Section Header (4.1) and Interface
Description (4.2) are read outside the compiled walker; every other block is skipped by its length. A Simple Packet Block has no
time: it gets that of the packet before it. Section lengths are not relied on, as many writers leave them open.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hauberk.errors import CaptureError
from hauberk.sense.capture.interface import Block
from hauberk.sense.capture.pcapng_interfaces import Interfaces, InterfaceTable, nanoseconds, read_time_options
from hauberk.sense.capture.walk import (
    BLOCK_PACKETS,
    REASONS,
    STOP_CAPTURED,
    STOP_FULL,
    STOP_INTERFACE,
    STOP_LENGTH,
    STOP_MORE,
    STOP_SIZE,
    STOP_SNAP,
    STOP_STRUCTURE,
    STOP_TRAILER,
    Columns,
    kernel,
    new_columns,
    u16,
    u32,
)
from hauberk.sense.capture.window import RECORD_LIMIT, Window

SECTION: Final = 0x0A0D0D0A
"""Type of a Section Header Block, the same in both byte orders; also the magic number of the format."""
MAGIC: Final = struct.pack("<I", SECTION)
"""The first four bytes of a pcapng file."""

_BYTE_ORDER: Final = 0x1A2B3C4D
_INTERFACE: Final = 1
_OBSOLETE_PACKET: Final = 2
_SIMPLE_PACKET: Final = 3
_ENHANCED_PACKET: Final = 6

_SMALLEST_BLOCK: Final = 12
_SMALLEST_SECTION: Final = 28
_SMALLEST_INTERFACE: Final = 20
_PACKET_FIELDS: Final = 28  # bytes ahead of the data of an enhanced or obsolete packet block
_SIMPLE_FIELDS: Final = 12
_ORDER_READ: Final = 12  # bytes of a section header that tell its byte order


class Progress(NamedTuple):
    """What the walker carries from call to call."""

    frames: int
    """Packets numbered so far."""
    time: int
    """Time of the last packet, nanoseconds."""


class WalkedBlocks(NamedTuple):
    """As ``walk.Walked``, with the time of the last packet."""

    packets: int
    begin: int
    stop: int
    need: int
    time: int


@kernel
def walk_pcapng(
    data: NDArray[np.uint8],
    span: tuple[int, int],
    swapped: bool,
    known: int,
    table: Interfaces,
    columns: Columns,
    progress: Progress,
) -> WalkedBlocks:
    """Fill ``columns`` with the packets of ``data[begin:end]``; the first ``known`` entries of ``table`` are described."""
    begin, end = span
    time = progress.time
    found = 0
    while found < len(columns.offset):
        kind, length, stop = _block(data, begin, end, swapped)
        if stop != 0:
            return WalkedBlocks(found, begin, stop, length, time)
        if kind in (_ENHANCED_PACKET, _OBSOLETE_PACKET, _SIMPLE_PACKET):
            captured, wire, interface, stop = _packet(data, begin, length, swapped, kind, known, table)
            if stop != 0:
                return WalkedBlocks(found, begin, stop, 0, time)
            fields = _SIMPLE_FIELDS
            if kind != _SIMPLE_PACKET:
                fields = _PACKET_FIELDS
                time = nanoseconds(
                    u32(data, begin + 12, swapped),
                    u32(data, begin + 16, swapped),
                    table.ticks[interface],
                    table.factor[interface],
                    table.offset[interface],
                )
            columns.offset[found] = begin + fields
            columns.captured[found] = captured
            columns.wire[found] = max(wire, captured)
            columns.time[found] = time
            columns.link[found] = table.link[interface]
            found += 1
            columns.frame[found - 1] = progress.frames + found
        begin += length
    return WalkedBlocks(found, begin, STOP_FULL, 0, time)


@kernel
def _block(data: NDArray[np.uint8], begin: int, end: int, swapped: bool) -> tuple[int, int, int]:
    """Type of the block at ``begin``, its length (or the bytes needed), and why it cannot be walked over (0: it can)."""
    if end - begin < _SMALLEST_BLOCK:
        return 0, _SMALLEST_BLOCK, STOP_MORE
    kind = u32(data, begin, swapped)
    if kind == SECTION:
        return kind, 0, STOP_STRUCTURE
    length = u32(data, begin + 4, swapped)
    if length < _SMALLEST_BLOCK or length % 4 != 0:
        return kind, 0, STOP_LENGTH
    if length > RECORD_LIMIT:
        return kind, 0, STOP_SIZE
    if end - begin < length:
        return kind, length, STOP_MORE
    if u32(data, begin + length - 4, swapped) != length:
        return kind, 0, STOP_TRAILER
    return kind, length, STOP_STRUCTURE if kind == _INTERFACE else 0


@kernel
def _packet(
    data: NDArray[np.uint8], begin: int, length: int, swapped: bool, kind: int, known: int, table: Interfaces
) -> tuple[int, int, int, int]:
    """Captured and original length of the packet block at ``begin``, its interface, and what is wrong with it (0: nothing)."""
    simple = kind == _SIMPLE_PACKET
    fields = _SIMPLE_FIELDS if simple else _PACKET_FIELDS
    if length < fields + 4:
        return 0, 0, 0, STOP_LENGTH
    interface = 0
    if kind == _ENHANCED_PACKET:
        interface = u32(data, begin + 8, swapped)
    elif kind == _OBSOLETE_PACKET:
        interface = u16(data, begin + 8, swapped)
    if interface >= known:
        return 0, 0, 0, STOP_INTERFACE
    wire = u32(data, begin + fields - 4, swapped)
    captured = wire
    if not simple:
        captured = u32(data, begin + fields - 8, swapped)
    elif table.snap[0] > 0:
        captured = min(wire, table.snap[0])
    if captured > length - fields - 4:
        return 0, 0, 0, STOP_CAPTURED
    if captured > table.most[interface]:
        return 0, 0, 0, STOP_SNAP
    return captured, wire, interface, 0


class PcapngReader:
    """One pcapng file whose first section header was read; raises ``CaptureError`` at once where that is not possible."""

    def __init__(self, window: Window, packets: int = BLOCK_PACKETS) -> None:
        self._window = window
        self._columns = new_columns(packets)
        self._progress = Progress(0, 0)
        self._swapped = False
        self._interfaces = InterfaceTable()
        need = self._read_structure()
        while need and window.have(need):
            need = self._read_structure()
        if need:
            raise self._cut()

    def blocks(self) -> Iterator[Block]:
        """The packets; raises ``CaptureError`` after the last complete one where the file goes wrong."""
        window = self._window
        while True:
            walked = walk_pcapng(
                window.data,
                (window.begin, window.end),
                self._swapped,
                self._interfaces.count,
                self._interfaces.arrays,
                self._columns,
                self._progress,
            )
            self._progress = Progress(self._progress.frames + walked.packets, walked.time)
            window.begin = walked.begin
            if walked.packets:
                yield self._columns.chosen(slice(walked.packets)).block(window.data)
            if walked.stop >= STOP_LENGTH:
                raise self._wrong(walked.stop)
            need = self._read_structure() if walked.stop == STOP_STRUCTURE else walked.need
            if need and not window.have(need):
                if window.held or window.problem is not None:
                    raise self._cut()
                return

    def _read_structure(self) -> int:
        """Read the section header or interface description the window begins with; how many bytes are needed, 0 when done."""
        window = self._window
        if window.held < _ORDER_READ:
            return _ORDER_READ
        head = window.data[window.begin : window.begin + _ORDER_READ].tobytes()
        is_section = head[:4] == MAGIC
        if is_section:
            self._begin_section(head)
        order = ">" if self._swapped else "<"
        (length,) = struct.unpack_from(f"{order}I", head, 4)
        smallest = _SMALLEST_SECTION if is_section else _SMALLEST_INTERFACE
        if length < smallest or length % 4:
            raise self._wrong(STOP_LENGTH)
        if length > RECORD_LIMIT:
            raise self._wrong(STOP_SIZE)
        if window.held < length:
            return int(length)
        block = window.data[window.begin : window.begin + length].tobytes()
        if block[-4:] != block[4:8]:
            raise self._wrong(STOP_TRAILER)
        if is_section:
            (major,) = struct.unpack_from(f"{order}H", block, 12)
            if major != 1:
                raise CaptureError(window.stream.source, f"is of the unknown pcapng version {major}", window.offset)
        else:
            self._add_interface(block, order)
        window.begin += length
        return 0

    def _begin_section(self, head: bytes) -> None:
        (little,) = struct.unpack_from("<I", head, 8)
        (big,) = struct.unpack_from(">I", head, 8)
        if _BYTE_ORDER not in (little, big):
            raise CaptureError(self._window.stream.source, "a section has no byte order", self._window.offset)
        self._swapped = big == _BYTE_ORDER
        self._interfaces = InterfaceTable()

    def _add_interface(self, block: bytes, order: str) -> None:
        source, offset = self._window.stream.source, self._window.offset
        link, _reserved, snap = struct.unpack_from(f"{order}HHI", block, 8)
        times = read_time_options(block[16:-4], order)
        if times is None:
            raise CaptureError(source, "an option is longer than its block", offset)
        if not self._interfaces.add(link, snap, *times):
            raise CaptureError(source, "a section describes too many interfaces", offset)

    def _wrong(self, stop: int) -> CaptureError:
        return CaptureError(self._window.stream.source, REASONS[stop], self._window.offset)

    def _cut(self) -> CaptureError:
        window = self._window
        return window.problem or CaptureError(window.stream.source, "is cut off within a block", window.offset)
