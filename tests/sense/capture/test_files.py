"""Capture files as a packet source, one or several."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from hauberk.errors import CaptureError
from hauberk.sense.capture.files import open_captures, sniff
from hauberk.sense.capture.interface import PacketSource

Packet = tuple[int, int, int, int, bytes]
Read = Callable[..., tuple[list[Packet], list[CaptureError]]]
MakePcap = Callable[[Sequence[tuple[int, bytes]]], bytes]


def _is_capture(path: Path) -> bool:
    return path.is_file() and ".csv" not in path.name and any(ending in path.suffixes for ending in (".pcap", ".pcapng"))


@pytest.mark.needs_data
@pytest.mark.needs_tshark
def test_packet_counts_agree_with_tshark(data: Path, tshark: str, tmp_path: Path) -> None:
    """Every capture of the development data gives as many packets, of the same total length, as tshark's capinfos counts."""
    captures = [path for path in sorted(data.rglob("*")) if _is_capture(path) and sniff(path)]
    assert captures
    capinfos = Path(tshark).with_name("capinfos")
    wrong = []
    for path in captures:
        packets = size = 0
        with open_captures([path]) as source:
            for block in source.blocks():
                packets += block.count
                size += int(block.wire.sum())
        given = path
        if path.suffix == ".xz":
            given = tmp_path / "plain"
            with given.open("wb") as plain:
                subprocess.run(["xz", "-dc", path], stdout=plain, check=True)
        table = subprocess.run([capinfos, "-cdMTr", given], capture_output=True, text=True, check=False)
        _, counted, length = table.stdout.rsplit("\t", 2)
        is_cut = "cut short" in table.stderr
        if (packets, size, bool(source.problems)) != (int(counted), int(length), is_cut):
            wrong.append(f"{path.name}: {packets}, {size}, {source.problems} where capinfos has {table.stdout}")
    assert not wrong


def test_kind_is_told_through_compression(tmp_path: Path, pcap: MakePcap) -> None:
    """By content, not by name."""
    path = tmp_path / "file.pcapng"
    path.write_bytes(zstandard.compress(pcap([])))
    assert sniff(path) == "pcap"
    for nothing in (b"", b"\xd4\xc3\xb2", b"\x0a\x0d\x0d\x0a then text", b"#separator \\x09"):
        path.write_bytes(nothing)
        assert sniff(path) is None


def test_file_of_which_nothing_can_be_read_is_refused_at_once(tmp_path: Path, pcap: MakePcap) -> None:
    """Empty, too short, something else, or not there: also beside a good file."""
    good = tmp_path / "good"
    good.write_bytes(pcap([(1, b"x")]))
    bad = tmp_path / "bad"
    for content, reason in ((b"", "empty"), (b"\xd4\xc3", "too short"), (b"a text file", "short"), (b"a longer text", "neither")):
        bad.write_bytes(content)
        for paths in ([bad], [good, bad]):
            with pytest.raises(CaptureError, match=reason) as caught:
                open_captures(paths)
            assert caught.value.source == str(bad)
    with pytest.raises(CaptureError, match="cannot be opened"):
        open_captures([good, tmp_path / "absent"])


def test_capture_without_packets_is_no_problem(read: Read, pcap: MakePcap) -> None:
    """Alone or beside others."""
    assert read(pcap([])) == ([], [])
    packets, problems = read(pcap([]), pcap([(5, b"x")]), pcap([]))
    assert (packets, problems) == ([(1, 5, 1, 1, b"x")], [])


def test_progress_ends_at_the_size(tmp_path: Path, pcap: MakePcap) -> None:
    """Position and size count stored bytes of all files."""
    for number in range(3):
        (tmp_path / str(number)).write_bytes(zstandard.compress(pcap([(number, bytes(5000))] * 100)))
    source: PacketSource = open_captures([tmp_path / str(number) for number in range(3)])
    assert source.name == f"{tmp_path / '0'} and 2 more"
    assert source.size == sum((tmp_path / str(number)).stat().st_size for number in range(3))
    assert sum(block.count for block in source.blocks()) == 300
    assert source.position == source.size


def test_files_that_follow_each_other_are_ordered_by_time(read: Read, pcap: MakePcap) -> None:
    """Whatever order they were named in."""
    first, second, third = [[(base + step, bytes([base])) for step in range(5)] for base in (10, 20, 30)]
    packets, _ = read(pcap(third), pcap(first), pcap(second))
    assert [(packet[1], packet[4]) for packet in packets] == first + second + third
    assert [packet[0] for packet in packets] == [1, 2, 3, 4, 5] * 3


TIMES = st.lists(st.integers(0, 50), max_size=40)


@given(files=st.lists(TIMES, min_size=1, max_size=5), window_bytes=st.sampled_from([64, 300, 4096]))
def test_overlapping_files_are_merged_by_time(
    tmp_path_factory: pytest.TempPathFactory,
    pcap: MakePcap,
    packets_of: Callable[..., list[Packet]],
    files: list[list[int]],
    window_bytes: int,
) -> None:
    """Every packet once, each file in its own order, and by time wherever the files themselves are."""
    folder = tmp_path_factory.mktemp("merge")
    paths = []
    for number, times in enumerate(files):
        paths.append(folder / str(number))
        paths[-1].write_bytes(pcap([(time, bytes([number]) * (time % 5 + 1)) for time in times]))
    with open_captures(paths, window_bytes=window_bytes) as source:
        packets = [packet for block in source.blocks() for packet in packets_of(block)]
    for number, times in enumerate(files):
        own = [packet for packet in packets if packet[4][0] == number]
        assert [packet[1] for packet in own] == times
        assert [packet[0] for packet in own] == list(range(1, len(times) + 1))
    latest = dict.fromkeys(range(len(files)), 0)
    keys = []
    for packet in packets:
        latest[packet[4][0]] = max(latest[packet[4][0]], packet[1])
        keys.append(latest[packet[4][0]])
    assert keys == sorted(keys)


def test_interleaved_files_larger_than_a_block_are_merged(read: Read, pcap: MakePcap) -> None:
    """Blocks of both are put together packet by packet."""
    files = [pcap([(2 * number + side, number.to_bytes(4)) for number in range(60_000)]) for side in (0, 1)]
    packets, problems = read(*files)
    assert not problems
    assert [packet[1] for packet in packets] == list(range(120_000))
    assert all(packet[4] == (packet[1] // 2).to_bytes(4) and packet[0] == packet[1] // 2 + 1 for packet in packets)


def test_the_others_are_read_where_one_file_is_cut(read: Read, pcap: MakePcap) -> None:
    """Problems are kept, one for each file that has one."""
    whole = [(time, b"whole") for time in range(0, 100, 2)]
    cut = [(time, b"cut") for time in range(1, 100, 2)]
    packets, problems = read(pcap(cut)[:-1], pcap(whole), pcap(cut)[:30])
    assert [packet[4] for packet in packets].count(b"whole") == len(whole)
    assert [packet[4] for packet in packets].count(b"cut") == len(cut) - 1
    assert sorted(Path(problem.source).name for problem in problems) == ["0.capture", "2.capture"]


def test_file_that_went_away_before_its_turn_is_a_problem(tmp_path: Path, pcap: MakePcap) -> None:
    """Files of several are closed until their turn comes."""
    for number in (1, 2):
        (tmp_path / str(number)).write_bytes(pcap([(number, b"x")]))
    with open_captures([tmp_path / "1", tmp_path / "2"]) as source:
        (tmp_path / "2").unlink()
        assert sum(block.count for block in source.blocks()) == 1
    assert [problem.source for problem in source.problems] == [str(tmp_path / "2")]


def test_pipe_is_merged_with_files_without_being_opened_again(
    tmp_path: Path, pcap: MakePcap, packets_of: Callable[..., list[Packet]]
) -> None:
    """What was read of it to find its first time is not lost."""
    pipe, file = tmp_path / "pipe", tmp_path / "file"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(pcap([(time, b"p") for time in (2, 4, 6)]),))
    writer.start()
    file.write_bytes(pcap([(time, b"f") for time in (1, 3, 5)]))
    with open_captures([pipe, file]) as source:
        packets = [packet for block in source.blocks() for packet in packets_of(block)]
    writer.join()
    assert [(packet[1], packet[4]) for packet in packets] == [(1, b"f"), (2, b"p"), (3, b"f"), (4, b"p"), (5, b"f"), (6, b"p")]


def test_packets_of_a_slow_pipe_come_as_they_are_written(tmp_path: Path, pcap: MakePcap) -> None:
    """A capture piped in live is not held back until a window is full."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    seen = threading.Event()
    in_time: list[bool] = []
    file = pcap([(1, b"one"), (2, b"two")])

    def write() -> None:
        with pipe.open("wb", buffering=0) as stream:
            stream.write(file[:43])
            in_time.append(seen.wait(20))
            stream.write(file[43:])

    writer = threading.Thread(target=write)
    writer.start()
    counts = []
    with open_captures([pipe]) as source:
        for block in source.blocks():
            counts.append(block.count)
            seen.set()
    writer.join()
    assert (counts, in_time) == ([1, 1], [True])


def test_memory_does_not_grow_with_the_file(tmp_path: Path, pcap: MakePcap) -> None:
    """Reading 256 MiB takes hardly more memory than reading 8 MiB."""
    code = (
        "import sys\n"
        "from hauberk.sense.capture.files import open_captures\n"
        "assert sum(block.count for block in open_captures(sys.argv[1:]).blocks()) == int(sys.argv[1].rsplit('-')[-1])\n"
        "print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))\n"
    )
    peaks = []
    records = pcap([(1, bytes(1024 - 16))] * 1024)[24:]
    for mebibytes in (8, 256):
        path = tmp_path / f"capture-{mebibytes * 1024}"
        with path.open("wb") as file:
            file.write(pcap([]))
            for _ in range(mebibytes):
                file.write(records)
        done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, check=True)
        peaks.append(int(done.stdout))
        path.unlink()
    assert peaks[1] < peaks[0] + 16_000
    assert peaks[1] < 400_000
