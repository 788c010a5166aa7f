"""Plain bytes out of compressed files."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import random
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import zstandard

from hauberk.errors import CaptureError
from hauberk.sense.capture.compression import open_decompressed

Packet = tuple[int, int, int, int, bytes]
Read = Callable[..., tuple[list[Packet], list[CaptureError]]]
MakePcap = Callable[[Sequence[tuple[int, bytes]]], bytes]
Pack = Callable[[bytes], bytes]

SKIPPABLE = b"\x5a\x2a\x4d\x18\x03\x00\x00\x00abc"
CHECKED = zstandard.ZstdCompressor(write_checksum=True)  # without, damage of a stored block cannot be noticed
PACKINGS: dict[str, Pack] = {"gzip": gzip.compress, "xz": lzma.compress, "zstd": CHECKED.compress}
NOISE = random.Random(1).randbytes(3_000_000)  # noqa: S311 - bytes that do not compress, the same in every run
PLAIN = bytes(300_000) + NOISE[:300_000]


def test_what_is_not_compressed_is_handed_through(tmp_path: Path) -> None:
    """Also the bytes that were looked at to find out, of files shorter than a magic number too."""
    for content in (b"", b"x", b"plain text, no more"):
        path = tmp_path / "file.gz"
        path.write_bytes(content)
        with open_decompressed(path) as stream:
            assert stream.packing is None
            assert stream.readall() == content
            assert (stream.position, stream.size) == (len(content), len(content))


@pytest.mark.parametrize("packing", PACKINGS)
def test_packing_is_found_by_content(tmp_path: Path, packing: str) -> None:
    """The name says nothing; position and size count stored bytes."""
    path = tmp_path / "file.txt"
    path.write_bytes(PACKINGS[packing](PLAIN))
    with open_decompressed(path) as stream:
        assert stream.packing == packing
        assert stream.size == path.stat().st_size
        assert stream.readall() == PLAIN
        assert stream.position == stream.size


@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(PLAIN) + gzip.compress(b"more") + bytes(5),
        lzma.compress(PLAIN) + bytes(8) + lzma.compress(b"more") + bytes(4),
        zstandard.compress(PLAIN) + SKIPPABLE + zstandard.compress(b"more"),
        SKIPPABLE + zstandard.compress(PLAIN + b"more") + SKIPPABLE,
    ],
    ids=["gzip", "xz", "zstd", "skippable"],
)
def test_members_that_follow_each_other_are_one_file(tmp_path: Path, content: bytes) -> None:
    """As the tools of each format read it, with padding and skippable frames."""
    path = tmp_path / "file"
    path.write_bytes(content)
    with open_decompressed(path) as stream:
        assert stream.readall() == PLAIN + b"more"


def test_lines_of_a_packed_log_can_be_read(tmp_path: Path) -> None:
    """The stream wraps into the standard library's text reader."""
    path = tmp_path / "conn.log"
    path.write_bytes(gzip.compress(b"one\ntwo\n"))
    with io.TextIOWrapper(io.BufferedReader(open_decompressed(path))) as lines:
        assert list(lines) == ["one\n", "two\n"]


@pytest.mark.parametrize("packing", PACKINGS)
def test_cut_compression_gives_what_was_before_and_then_an_error(read: Read, pcap: MakePcap, packing: str) -> None:
    """Cut anywhere, only ``CaptureError`` comes, and the packets are a beginning of those written."""
    written = [(number, NOISE[50 * number :][:50]) for number in range(60)]
    file = PACKINGS[packing](pcap(written))
    most = 0
    for length in (*range(6, len(file), 7), len(file) - 1):
        try:
            packets, problems = read(file[:length])
        except CaptureError as error:
            problems, packets = [error], []
        assert [packet[4] for packet in packets] == [frame for _, frame in written[: len(packets)]]
        assert [f"the {packing} data is cut off" == problem.reason for problem in problems] == [True]
        most = max(most, len(packets))
    assert most == len(written)


@pytest.mark.parametrize("packing", PACKINGS)
def test_damaged_compression_is_an_error_after_the_packets_before(read: Read, pcap: MakePcap, packing: str) -> None:
    """A flipped byte never gives another error, and not before most of the packets ahead of it were given."""
    written = [(number, NOISE[1000 * number :][:1000]) for number in range(3000)]
    file = bytearray(PACKINGS[packing](pcap(written)))
    file[len(file) * 2 // 3] ^= 0xFF
    packets, problems = read(bytes(file))
    assert len(problems) == 1
    assert 1500 <= len(packets) <= len(written)


@pytest.mark.parametrize("packing", PACKINGS)
def test_any_single_damage_gives_packets_or_a_capture_error(read: Read, pcap: MakePcap, packing: str) -> None:
    """No other exception leaves, whichever byte is wrong."""
    file = PACKINGS[packing](pcap([(number, b"abcd" * number) for number in range(20)]))
    for at in range(len(file)):
        damaged = bytearray(file)
        damaged[at] ^= 0x55
        try:
            read(bytes(damaged))
        except CaptureError as error:
            assert error.source  # noqa: PT017 - that nothing else is raised is what is tested


def test_garbage_after_a_member_is_a_problem(read: Read, pcap: MakePcap) -> None:
    """Every packet is given, and that something unreadable follows is told."""
    for packing, pack in PACKINGS.items():
        packets, problems = read(pack(pcap([(1, b"one")])) + b"garbage that is long enough")
        assert [packet[4] for packet in packets] == [b"one"], packing
        assert len(problems) == 1, packing


def test_memory_a_file_may_claim_is_bounded(tmp_path: Path) -> None:
    """Windows and dictionaries beyond the limits are refused."""
    huge = zstandard.ZstdCompressionParameters(window_log=28, format=zstandard.FORMAT_ZSTD1)
    compressor = zstandard.ZstdCompressor(compression_params=huge).compressobj()
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 256 << 20, "preset": 0}]
    for content in (compressor.compress(bytes(1000)) + compressor.flush(), lzma.compress(PLAIN, filters=filters)):
        path = tmp_path / "file"
        path.write_bytes(content)
        with open_decompressed(path) as stream, pytest.raises(CaptureError, match="is damaged"):
            stream.readall()


def test_file_that_blows_up_is_read_piece_by_piece(tmp_path: Path) -> None:
    """A little of a very compressible file gives a little at a time."""
    path = tmp_path / "file"
    for pack in PACKINGS.values():
        path.write_bytes(pack(bytes(64 << 20)))
        with open_decompressed(path) as stream:
            buffer = bytearray(1 << 20)
            while count := stream.readinto(buffer):
                assert count <= len(buffer)
                assert len(stream._ready) <= 32 << 20
            assert stream.plain == 64 << 20


def test_unknown_packing_is_handed_through(tmp_path: Path) -> None:
    """Formats that are not supported are not guessed at."""
    path = tmp_path / "file"
    path.write_bytes(bz2.compress(b"x"))
    with open_decompressed(path) as stream:
        assert stream.readall() == bz2.compress(b"x")


@pytest.mark.parametrize("name", ["absent.pcap", "."])
def test_what_cannot_be_opened_is_a_capture_error(tmp_path: Path, name: str) -> None:
    """A missing file and a folder are named."""
    with pytest.raises(CaptureError, match=str(tmp_path)):
        open_decompressed(tmp_path / name)


def test_pipe_has_no_size_and_is_read_in_the_pieces_it_comes_in(tmp_path: Path) -> None:
    """A named pipe is opened once and never sought."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    content = gzip.compress(PLAIN)

    def write() -> None:
        with path.open("wb", buffering=0) as pipe:
            for at in range(0, len(content), 9973):
                pipe.write(content[at : at + 9973])

    writer = threading.Thread(target=write)
    writer.start()
    with open_decompressed(path) as stream:
        assert stream.size is None
        assert stream.readall() == PLAIN
    writer.join()


def test_standard_input_is_a_dash(pcap: MakePcap) -> None:
    """Packed or not, what is piped in is read, and standard input stays open."""
    code = (
        "import os\n"
        "from hauberk.sense.capture.files import open_captures\n"
        "with open_captures(['-']) as source:\n"
        "    print(source.name, source.size, sum(block.count for block in source.blocks()), source.problems)\n"
        "os.fstat(0)\n"
    )
    file = pcap([(number, b"frame") for number in range(100)])
    for content in (file, zstandard.compress(file)):
        done = subprocess.run([sys.executable, "-c", code], input=content, capture_output=True, check=True)
        assert done.stdout.decode() == "standard input None 100 []\n"
