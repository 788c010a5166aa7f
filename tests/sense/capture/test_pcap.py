"""Classic pcap files."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence

import pytest

from hauberk.errors import CaptureError

Packet = tuple[int, int, int, int, bytes]
Read = Callable[..., tuple[list[Packet], list[CaptureError]]]
MakePcap = Callable[[Sequence[tuple[int, bytes]]], bytes]

MICRO, NANO, MODIFIED = 0xA1B2C3D4, 0xA1B23C4D, 0xA1B2CD34


def header(order: str, magic: int, *, snap: int = 65535, link: int = 1, version: tuple[int, int] = (2, 4)) -> bytes:
    """The header of a file."""
    return struct.pack(f"{order}IHHiIII", magic, *version, 0, 0, snap, link)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("magic, scale, surplus", [(MICRO, 1000, b""), (NANO, 1, b""), (MODIFIED, 1000, bytes(8))])
def test_every_variant_gives_the_packets_written(read: Read, order: str, magic: int, scale: int, surplus: bytes) -> None:
    """Byte order, resolution and the longer record header of the modified format are told by the magic number."""
    file = header(order, magic, link=113)
    file += struct.pack(f"{order}4I", 1_700_000_000, 999_999, 3, 1500) + surplus + b"abc"
    file += struct.pack(f"{order}4I", 4_294_967_295, 0, 0, 0) + surplus
    packets, problems = read(file)
    assert not problems
    assert packets == [
        (1, 1_700_000_000 * 10**9 + 999_999 * scale, 1500, 113, b"abc"),
        (2, 4_294_967_295 * 10**9, 0, 113, b""),
    ]


@pytest.mark.parametrize("version, first", [((2, 2), (60, 3)), ((2, 3), (60, 3)), ((2, 3), (3, 60)), ((543, 0), (60, 3))])
def test_lengths_of_old_versions_may_be_the_other_way_round(read: Read, version: tuple[int, int], first: tuple[int, int]) -> None:
    """Before version 2.4 the original length could come first."""
    packets, problems = read(header("<", MICRO, version=version) + struct.pack("<4I", 1, 2, *first) + b"abc")
    assert not problems
    assert packets == [(1, 10**9 + 2000, 60, 1, b"abc")]


@pytest.mark.parametrize("written, told", [(12, 101), (14, 101), (0x2400_0001, 1), (276, 276)])
def test_link_type_is_told_in_its_present_number(read: Read, written: int, told: int) -> None:
    """Old numbers of raw IP become LINKTYPE_RAW, and the length of a frame check sequence is no part of the number."""
    packets, _ = read(header("<", MICRO, link=written) + struct.pack("<4I", 1, 2, 1, 1) + b"a")
    assert packets[0][3] == told


def test_packet_is_never_shorter_on_the_wire_than_captured(read: Read) -> None:
    """Careless writers leave the original length zero."""
    packets, _ = read(header("<", MICRO) + struct.pack("<4I", 1, 2, 3, 0) + b"abc")
    assert packets[0][2] == 3


def test_snapshot_length_is_believed_only_within_reason(read: Read) -> None:
    """More than the snapshot length is read, more than any snapshot length is an error."""
    kept = header("<", MICRO, snap=96) + struct.pack("<4I", 1, 2, 1500, 1500) + bytes(1500)
    packets, problems = read(kept + struct.pack("<4I", 1, 2, 300_000, 300_000) + bytes(300_000))
    assert [len(packet[4]) for packet in packets] == [1500]
    assert [(problem.offset, problem.reason) for problem in problems] == [
        (len(kept), "a packet claims more bytes than were captured at most")
    ]


@pytest.mark.parametrize("claim", [0xFFFFFFFF, 0x80000000, (16 << 20) - 15])
def test_record_above_the_limit_is_an_error(read: Read, claim: int) -> None:
    """A length that no record may have ends the file, whatever the snapshot length says."""
    packets, problems = read(header("<", MICRO, snap=0xFFFFFFFF) + struct.pack("<4I", 1, 2, claim, claim) + bytes(100))
    assert packets == []
    assert [problem.offset for problem in problems] == [24]
    assert "16777216" in problems[0].reason


def test_largest_record_is_read(read: Read) -> None:
    """The window grows for one large record and the packets after it are found."""
    size = (16 << 20) - 16
    file = header("<", MICRO, snap=size) + struct.pack("<4I", 1, 2, size, size) + bytes(size)
    packets, problems = read(file + struct.pack("<4I", 3, 4, 2, 2) + b"ok", window_bytes=1000)
    assert not problems
    assert [len(packet[4]) for packet in packets] == [size, 2]
    assert packets[1] == (2, 3 * 10**9 + 4000, 2, 1, b"ok")


def test_more_packets_than_one_block_holds_are_all_read(read: Read, pcap: MakePcap) -> None:
    """Columns fill up, records lie across the end of the window: nothing is lost or told twice."""
    written = [(number, number.to_bytes(4) * (number % 7)) for number in range(70_000)]
    packets, problems = read(pcap(written), window_bytes=100_003)
    assert not problems
    assert packets == [(number + 1, time, len(frame), 1, frame) for number, (time, frame) in enumerate(written)]


def test_cut_at_every_byte_gives_exactly_the_complete_packets(read: Read, pcap: MakePcap) -> None:
    """A file cut short gives every packet that is whole, and a problem that says where the cut one began."""
    written = [(10, b"a" * 5), (20, b""), (30, b"ccc")]
    file = pcap(written)
    ends = [24 + sum(16 + len(frame) for _, frame in written[:number]) for number in range(len(written) + 1)]
    for length in range(len(file) + 1):
        if length < 24:
            with pytest.raises(CaptureError):
                read(file[:length])
            continue
        packets, problems = read(file[:length])
        whole = sum(end <= length for end in ends) - 1
        assert [packet[4] for packet in packets] == [frame for _, frame in written[:whole]]
        assert [problem.offset for problem in problems] == ([] if length == ends[whole] else [ends[whole]])
