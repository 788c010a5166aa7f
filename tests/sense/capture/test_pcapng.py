"""pcapng files."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from hauberk.errors import CaptureError

Packet = tuple[int, int, int, int, bytes]
Read = Callable[..., tuple[list[Packet], list[CaptureError]]]


@dataclass(frozen=True)
class Writer:
    """Blocks in one byte order."""

    order: str

    def block(self, kind: int, body: bytes) -> bytes:
        """Any block; the body is padded to four bytes."""
        body += bytes(-len(body) % 4)
        length = struct.pack(f"{self.order}I", len(body) + 12)
        return struct.pack(f"{self.order}I", kind) + length + body + length

    def option(self, code: int, value: bytes) -> bytes:
        """One option."""
        return struct.pack(f"{self.order}HH", code, len(value)) + value + bytes(-len(value) % 4)

    def section(self, major: int = 1) -> bytes:
        """A Section Header Block with a comment."""
        fields = struct.pack(f"{self.order}IHHq", 0x1A2B3C4D, major, 0, -1)
        return self.block(0x0A0D0D0A, fields + self.option(1, b"made by hand") + self.option(0, b""))

    def interface(self, link: int = 1, snap: int = 0, resolution: int | None = None, offset: int | None = None) -> bytes:
        """An Interface Description Block."""
        options = self.option(2, b"eth0")
        if resolution is not None:
            options += self.option(9, bytes([resolution]))
        if offset is not None:
            options += self.option(14, struct.pack(f"{self.order}q", offset))
        return self.block(1, struct.pack(f"{self.order}HHI", link, 0, snap) + options + self.option(0, b""))

    def enhanced(self, interface: int, stamp: int, frame: bytes, wire: int | None = None, claim: int | None = None) -> bytes:
        """An Enhanced Packet Block with a flags option."""
        lengths = (len(frame) if claim is None else claim, len(frame) if wire is None else wire)
        fields = struct.pack(f"{self.order}5I", interface, stamp >> 32, stamp & 0xFFFFFFFF, *lengths)
        return self.block(6, fields + frame + bytes(-len(frame) % 4) + self.option(2, bytes(4)) + self.option(0, b""))

    def obsolete(self, interface: int, stamp: int, frame: bytes) -> bytes:
        """The Packet Block of before 2010."""
        fields = struct.pack(f"{self.order}HH4I", interface, 7, stamp >> 32, stamp & 0xFFFFFFFF, len(frame), len(frame))
        return self.block(2, fields + frame)

    def simple(self, frame: bytes, wire: int | None = None) -> bytes:
        """A Simple Packet Block."""
        return self.block(3, struct.pack(f"{self.order}I", len(frame) if wire is None else wire) + frame)


LITTLE, BIG = Writer("<"), Writer(">")


@pytest.mark.parametrize("write", [LITTLE, BIG], ids=["little", "big"])
def test_every_kind_of_packet_block_is_read(read: Read, write: Writer) -> None:
    """Enhanced, simple and obsolete blocks of several interfaces, with blocks of other kinds between them."""
    file = write.section() + write.interface(link=1, snap=5) + write.block(0x0BAD, b"whatever")
    file += write.enhanced(0, 1_700_000_000_000_001, b"abc", wire=90) + write.simple(b"12345", wire=60)
    file += write.interface(link=113, resolution=9) + write.obsolete(1, 1_700_000_000_000_000_007, b"defg")
    file += write.block(5, bytes(8)) + write.enhanced(1, 8, b"")
    packets, problems = read(file)
    assert not problems
    assert packets == [
        (1, 1_700_000_000_000_001_000, 90, 1, b"abc"),
        (2, 1_700_000_000_000_001_000, 60, 1, b"12345"),
        (3, 1_700_000_000_000_000_007, 4, 113, b"defg"),
        (4, 8, 0, 113, b""),
    ]


def test_sections_have_their_own_byte_order_and_interfaces(read: Read) -> None:
    """A section that follows forgets the interfaces before it; frame numbers go on."""
    file = LITTLE.section() + LITTLE.interface(link=1) + LITTLE.enhanced(0, 1, b"one")
    file += BIG.section() + BIG.interface(link=101, resolution=3) + BIG.enhanced(0, 2, b"two")
    file += LITTLE.section() + LITTLE.enhanced(0, 3, b"of no interface")
    packets, problems = read(file)
    assert packets == [(1, 1000, 3, 1, b"one"), (2, 2_000_000, 3, 101, b"two")]
    assert [problem.reason for problem in problems] == ["a packet names an interface that was not described"]


@pytest.mark.parametrize(
    "resolution, stamp",
    [
        (0, 1_700_000_000),
        (6, 1_700_000_000_123_456),
        (9, 1_700_000_000_123_456_789),
        (12, 1_700_000_012_345_678_912),
        (19, 2**64 - 1),
        (28, 2**64 - 1),
        (127, 2**64 - 1),
        (0x80, 1_700_000_000),
        (0x8A, 1_700_000_000 << 10 | 1023),
        (0xA0, 1_700_000_000 << 32 | 0xFFFFFFFF),
        (0xA3, 2**64 - 1),
        (0xBF, 2**64 - 1),
        (0xC0, 2**64 - 1),
        (0xFF, 2**64 - 1),
    ],
)
def test_every_resolution_becomes_nanoseconds(read: Read, resolution: int, stamp: int) -> None:
    """Decimal and binary resolutions agree with exact arithmetic."""
    units = 2 ** (resolution & 0x7F) if resolution & 0x80 else 10**resolution
    packets, _ = read(LITTLE.section() + LITTLE.interface(resolution=resolution) + LITTLE.enhanced(0, stamp, b"a"))
    exact = stamp * 10**9 // units
    assert exact < 2**62
    assert abs(packets[0][1] - exact) <= 1


@pytest.mark.parametrize(
    "resolution, stamp, offset, time",
    [
        (6, 5, 3600, 3600 * 10**9 + 5000),
        (6, 5, -1, 5000 - 10**9),
        (0, 2**64 - 1, 0, 2**62 - 1),
        (0x80, 2**64 - 1, 0, 2**62 - 1),
        (9, 2**64 - 1, 2**63 - 1, 2**63 - 2),
        (9, 0, -(2**63), 1 - 2**62),
    ],
)
def test_offset_is_added_and_times_out_of_range_stay_at_its_edge(
    read: Read, resolution: int, stamp: int, offset: int, time: int
) -> None:
    """No time wraps around."""
    file = LITTLE.section() + LITTLE.interface(resolution=resolution, offset=offset) + LITTLE.enhanced(0, stamp, b"a")
    assert read(file)[0][0][1] == time


def test_thousands_of_interfaces_keep_their_link_types(read: Read) -> None:
    """The table of interfaces grows."""
    file = LITTLE.section() + b"".join(LITTLE.interface(link=number) for number in range(1000))
    packets, problems = read(file + b"".join(LITTLE.enhanced(number, 1, b"x") for number in range(1000)))
    assert not problems
    assert [packet[3] for packet in packets] == list(range(1000))


def _with_length(block: bytes, length: int) -> bytes:
    return block[:4] + struct.pack("<I", length) + block[8:-4] + struct.pack("<I", length)


PACKET = LITTLE.enhanced(0, 1, b"abcd")


@pytest.mark.parametrize(
    "block, reason",
    [
        (_with_length(PACKET, len(PACKET) - 2), "not possible"),
        (_with_length(PACKET, 8), "not possible"),
        (_with_length(PACKET, 0), "not possible"),
        (_with_length(PACKET, 0xFFFFFFFC), "16777216"),
        (PACKET[:-4] + struct.pack("<I", len(PACKET) - 4), "differ"),
        (LITTLE.block(6, bytes(16)), "not possible"),
        (LITTLE.block(3, b""), "not possible"),
        (LITTLE.block(1, b"abc"), "not possible"),
        (LITTLE.enhanced(0, 1, b"abcd", claim=500), "more bytes than its block holds"),
        (LITTLE.enhanced(0, 1, b"abcd", claim=0xFFFFFFFF), "more bytes than its block holds"),
        (LITTLE.simple(b"abcd", wire=9), "more bytes than its block holds"),
        (LITTLE.enhanced(2, 1, b"abcd"), "interface that was not described"),
        (LITTLE.enhanced(1, 1, bytes(300_000)), "captured at most"),
        (LITTLE.block(1, struct.pack("<HHIHH", 1, 0, 0, 9, 200)), "an option is longer"),
        (LITTLE.section(major=2), "version 2"),
        (LITTLE.section()[:8] + b"ABCD" + LITTLE.section()[12:], "no byte order"),
    ],
)
def test_lengths_that_lie_end_the_file_after_the_packets_before(read: Read, block: bytes, reason: str) -> None:
    """The problem names what is wrong and the byte at which the bad block begins."""
    good = LITTLE.section() + LITTLE.interface() + LITTLE.interface(snap=96) + PACKET
    packets, problems = read(good + block + PACKET)
    assert [packet[4] for packet in packets] == [b"abcd"]
    assert [problem.offset for problem in problems] == [len(good)]
    assert reason in problems[0].reason


def test_simple_packet_needs_an_interface(read: Read) -> None:
    """A Simple Packet Block belongs to the first interface of its section."""
    assert "not described" in read(LITTLE.section() + LITTLE.simple(b"abc"))[1][0].reason


def test_cut_at_every_byte_gives_exactly_the_complete_packets(read: Read) -> None:
    """A file cut short gives every packet that is whole; only a cut between blocks goes unnoticed."""
    blocks = [
        (LITTLE.section(), None),
        (LITTLE.interface(), None),
        (LITTLE.enhanced(0, 1, b"one"), b"one"),
        (LITTLE.block(0x0BAD, b"x"), None),
        (BIG.section(), None),
        (BIG.interface(), None),
        (BIG.simple(b"two"), b"two"),
        (BIG.obsolete(0, 1, b"three"), b"three"),
    ]
    file = b"".join(block for block, _ in blocks)
    for length in range(len(file) + 1):
        if length < len(blocks[0][0]):
            with pytest.raises(CaptureError):
                read(file[:length])
            continue
        expected, at = [], 0
        for block, frame in blocks:
            if at + len(block) > length:
                break
            at += len(block)
            expected += [frame] if frame is not None else []
        packets, problems = read(file[:length])
        assert [packet[4] for packet in packets] == expected
        assert [problem.offset for problem in problems] == ([] if at == length else [at])


def test_blocks_across_a_small_window_are_all_read(read: Read) -> None:
    """Carry-over, growth for one large block, and full columns keep numbers and bytes right."""
    frames = [number.to_bytes(4) * (number % 9) for number in range(40_000)]
    frames[20_000] = bytes(200_000)
    file = LITTLE.section() + LITTLE.interface() + b"".join(LITTLE.enhanced(0, 1, frame) for frame in frames)
    packets, problems = read(file, window_bytes=10_007)
    assert not problems
    assert [packet[4] for packet in packets] == frames
    assert [packet[0] for packet in packets] == list(range(1, 40_001))
