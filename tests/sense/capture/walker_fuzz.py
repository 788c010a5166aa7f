"""Run by ``test_walkers.py`` in a process of its own with Numba's bounds checks on: random damage through every walker."""

from __future__ import annotations

import random
import struct

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hauberk.sense.capture.interface import NO_VLAN
from hauberk.sense.capture.pcap import MAGICS, Shape, walk_pcap
from hauberk.sense.capture.pcapng import Progress, walk_pcapng
from hauberk.sense.capture.pcapng_interfaces import Interfaces, InterfaceTable
from hauberk.sense.capture.ring_walk import walk_ring_block
from hauberk.sense.capture.walk import REASONS, STOP_FULL, STOP_MORE, STOP_STRUCTURE, Columns, new_columns
from hauberk.sense.capture.window import RECORD_LIMIT

ROWS = 7
LENGTHS = (0, 1, 3, 4, 11, 12, 15, 16, 28, 31, 32, 33, 60, 0x7FFFFFFF, 0x80000000, 0xFFFFFFF0, 0xFFFFFFFF, RECORD_LIMIT)
EDITS = st.lists(st.tuples(st.integers(0, 10_000), st.sampled_from(LENGTHS) | st.integers(0, 0xFFFFFFFF)), max_size=6)


def _pcap_records(order: str) -> bytes:
    return b"".join(struct.pack(f"{order}4I", 1, 2, size, size + 5) + bytes(size) for size in (0, 1, 5, 60, 3))


def _pcapng_blocks(order: str) -> bytes:
    def block(kind: int, body: bytes) -> bytes:
        length = struct.pack(f"{order}I", len(body) + 12)
        return struct.pack(f"{order}I", kind) + length + body + length

    enhanced = block(6, struct.pack(f"{order}5I", 1, 5, 6, 8, 9) + bytes(8))
    obsolete = block(2, struct.pack(f"{order}HH4I", 0, 0, 1, 2, 3, 4) + bytes(4))
    return enhanced + obsolete + block(3, struct.pack(f"{order}I", 5) + bytes(8)) + block(0xBAD, bytes(4)) + enhanced


def _ring_block() -> bytes:
    packets = b""
    for size in (0, 14, 60):
        step = 96 + (size + 15 & ~15)
        header = struct.pack("6I2HIIHH8x", step, 1, 2, size, size, 1 << 4, 82, 96, 0, 0xF00F, 0x8100, 0)
        packets += (header.ljust(58, b"\0") + bytes([size % 5])).ljust(82, b"\0") + bytes(step - 82)
    return struct.pack("6I", 0, 0, 1, 3, 48, 0).ljust(48, b"\0") + packets


def _damaged(sound: bytes, edits: list[tuple[int, int]], cut: int, order: str) -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
    data = bytearray(sound * 2)
    for at, value in edits:
        struct.pack_into(f"{order}I", data, at % (len(data) - 4), value)
    return np.frombuffer(data[: len(data) - cut % len(data)], np.uint8).copy()


def _inside(columns: Columns, found: int, begin: int, end: int) -> None:
    assert 0 <= found <= ROWS
    for row in range(found):
        assert begin <= columns.offset[row]
        assert int(columns.offset[row]) + int(columns.captured[row]) <= end


COMMON = settings(max_examples=700, deadline=None, database=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


@COMMON
@given(edits=EDITS, cut=st.integers(0, 400), swapped=st.booleans(), header=st.sampled_from([16, 24]), lengths=st.integers(0, 2))
def pcap(edits: list[tuple[int, int]], cut: int, swapped: bool, header: int, lengths: int) -> None:
    """No packet lies outside the file, and the walker stops for a reason it has."""
    order = ">" if swapped else "<"
    data = _damaged(_pcap_records(order), edits, cut, order)
    columns = new_columns(ROWS)
    walked = walk_pcap(data, 0, len(data), Shape(swapped, 1000, header, lengths, 262144), columns, 1)
    _inside(columns, walked.packets, 0, len(data))
    assert 0 <= walked.begin <= len(data)
    assert walked.stop in (STOP_MORE, STOP_FULL, *REASONS)
    assert walked.stop != STOP_MORE or len(data) - walked.begin < walked.need <= RECORD_LIMIT


@COMMON
@given(edits=EDITS, cut=st.integers(0, 400), swapped=st.booleans(), known=st.integers(0, 2))
def pcapng(edits: list[tuple[int, int]], cut: int, swapped: bool, known: int) -> None:
    """As above, whichever interfaces are described."""
    order = ">" if swapped else "<"
    data = _damaged(_pcapng_blocks(order), edits, cut, order)
    table = InterfaceTable()
    for resolution in (6, 0xFF)[:known]:
        table.add(1, 96, resolution, 0)
    full = table.arrays
    exact = Interfaces(
        full.link[:known], full.snap[:known], full.most[:known], full.ticks[:known], full.factor[:known], full.offset[:known]
    )
    columns = new_columns(ROWS)
    walked = walk_pcapng(data, (0, len(data)), swapped, known, exact, columns, Progress(0, 0))
    _inside(columns, walked.packets, 0, len(data))
    assert 0 <= walked.begin <= len(data)
    assert walked.stop in (STOP_MORE, STOP_FULL, STOP_STRUCTURE, *REASONS)
    assert walked.stop != STOP_MORE or len(data) - walked.begin < walked.need <= RECORD_LIMIT


@COMMON
@given(edits=EDITS, incoming_only=st.booleans())
def ring(edits: list[tuple[int, int]], incoming_only: bool) -> None:
    """A ring block with anything in it is read within itself or not at all."""
    sound = _ring_block()
    block = _damaged(sound, edits, len(sound), "=")
    columns = new_columns(ROWS)
    found, left_out = walk_ring_block(block, 0, len(block), columns, 1, incoming_only)
    assert found >= -1
    assert left_out >= 0
    _inside(columns, max(found, 0), 0, len(block))
    assert all(tag == NO_VLAN or tag in range(65536) for tag in columns.vlan[: max(found, 0)])


def control() -> None:
    """A walker sent past the end of its buffer is caught: the checks are on."""
    data = np.zeros(100, np.uint8)
    try:
        walk_pcap(data, 0, 500, Shape(False, 1000, 16, 0, 262144), new_columns(1000), 1)
    except IndexError:
        return
    message = "bounds are not checked"
    raise SystemExit(message)


if __name__ == "__main__":
    assert len(MAGICS) == 6
    random.seed(0)
    control()
    pcap()
    pcapng()
    ring()
    print("sound")  # noqa: T201 - what the test looks for
