"""Captures made by hand for these tests, and a way to read them packet by packet."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from hauberk.errors import CaptureError
from hauberk.sense.capture.files import open_captures
from hauberk.sense.capture.interface import Block

Packet = tuple[int, int, int, int, bytes]


def _packets(block: Block) -> list[Packet]:
    return [
        (
            int(block.frame[i]),
            int(block.time[i]),
            int(block.wire[i]),
            int(block.link[i]),
            block.data[block.offset[i] : block.offset[i] + block.captured[i]].tobytes(),
        )
        for i in range(block.count)
    ]


def _pcap(packets: Sequence[tuple[int, bytes]]) -> bytes:
    records = [struct.pack("<4I", *divmod(time, 10**9), len(frame), len(frame)) + frame for time, frame in packets]
    return struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 1) + b"".join(records)


@pytest.fixture(scope="session")
def pcap() -> Callable[[Sequence[tuple[int, bytes]]], bytes]:
    """A little-endian nanosecond Ethernet pcap of ``(time, frame)`` pairs."""
    return _pcap


@pytest.fixture(scope="session")
def packets_of() -> Callable[[Block], list[Packet]]:
    """``(frame number, time, length on the wire, LINKTYPE, bytes)`` of every packet of a block."""
    return _packets


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., tuple[list[Packet], list[CaptureError]]]:
    """Reads files of the given contents as one source, through windows of the given size: the packets and the problems."""

    def reader(*contents: bytes, window_bytes: int = 4 << 20) -> tuple[list[Packet], list[CaptureError]]:
        paths = [tmp_path / f"{number}.capture" for number in range(len(contents))]
        for path, content in zip(paths, contents, strict=True):
            path.write_bytes(content)
        with open_captures(paths, window_bytes=window_bytes) as source:
            packets = [packet for block in source.blocks() for packet in _packets(block)]
        return packets, source.problems

    return reader
