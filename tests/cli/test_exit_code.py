"""Exit codes and messages on input of every kind."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


def lines(out: bytes) -> list[dict[str, Any]]:
    """Standard output as JSON objects; fails where a line is none."""
    return [json.loads(line) for line in out.splitlines()]


def test_sound_capture_is_clean(run: Run, pcap: Path) -> None:
    """Nothing wrong: code 0 and nothing on standard error."""
    code, out, err = run("inspect", pcap, "--emit", "transactions")
    assert (code, len(lines(out)), err) == (0, 9, "")


@pytest.mark.parametrize(
    "content,words",
    [
        (b"", "is empty"),
        (b"hello world, this is text\n", "is neither a capture"),
        (b"\x4d\x3c\xb2\xa1\x02\x00", "too short|cut off"),
    ],
)
def test_unreadable_file_is_bad_input(run: Run, tmp_path: Path, content: bytes, words: str) -> None:
    """A file of which nothing can be read: code 2, named."""
    path = tmp_path / "bad.pcap"
    path.write_bytes(content)
    code, out, err = run("analyze", path)
    assert (code, out) == (2, b"")
    assert str(path) in err
    assert any(word in err for word in words.split("|"))


def test_missing_files_are_all_named(run: Run, tmp_path: Path) -> None:
    """Where nothing can be read, every name is told."""
    code, _, err = run("inspect", tmp_path / "one", tmp_path / "two")
    assert code == 2
    assert "one: " in err
    assert "two: " in err


def test_folder_without_files_is_bad_input(run: Run, tmp_path: Path) -> None:
    """An empty folder: code 2."""
    assert run("inspect", tmp_path).code == 2


def test_truncated_capture_keeps_what_came_before(run: Run, tmp_path: Path, queries: bytes) -> None:
    """A cut within the last record: eight of nine, code 3, file and offset named."""
    path = tmp_path / "cut.pcap"
    path.write_bytes(queries[:-7])
    code, out, err = run("inspect", path, "--emit", "transactions")
    assert (code, len(lines(out))) == (3, 8)
    assert str(path) in err
    assert f"at byte {24 + 8 * (len(queries) - 24) // 9}" in err


@pytest.mark.parametrize("packing", ["gz", "xz", "zst"])
def test_packed_capture_cut_in_the_middle(run: Run, tmp_path: Path, packed: dict[str, bytes], packing: str) -> None:
    """What was unpacked before the cut is reported, code 3."""
    path = tmp_path / f"half.{packing}"
    path.write_bytes(packed[packing][: len(packed[packing]) // 2])
    code, out, err = run("inspect", path, "--emit", "transactions")
    assert (code, len(lines(out))) == (3, 9)
    assert "cut off at byte" in err


def test_broken_files_do_not_stop_the_others(run: Run, tmp_path: Path, pcap: Path) -> None:
    """One sound file among missing, empty, foreign and headless ones: reported, code 3, the others named."""
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "text").write_bytes(b"hello\n")
    (tmp_path / "head").write_bytes(pcap.read_bytes()[:10])
    bad = [tmp_path / name for name in ("missing", "empty", "text", "head")]
    code, out, err = run("inspect", *bad[:2], pcap, *bad[2:], "--emit", "transactions")
    assert (code, len(lines(out))) == (3, 9)
    assert all(str(path) in err for path in bad)


def test_file_named_twice_counts_once(run: Run, tmp_path: Path, pcap: Path) -> None:
    """The same file under two names is read once."""
    link = tmp_path / "again.pcap"
    link.symlink_to(pcap)
    assert len(lines(run("inspect", pcap, link, pcap, "--emit", "transactions").out)) == 9


def test_files_out_of_order_come_in_order_of_time(run: Run, tmp_path: Path, make: Any, named_query: Any) -> None:
    """The later file named first changes nothing."""
    for name, second in (("late", 2000), ("early", 1000)):
        (tmp_path / name).write_bytes(make((second * 10**9, 2, 53, named_query(name.encode()))))
    out = run("inspect", tmp_path / "late", tmp_path / "early", "--emit", "transactions").out
    assert [row["time"] for row in lines(out)] == pytest.approx([1000.0, 2000.0])


def test_capture_without_packets_is_clean_and_says_so(run: Run, tmp_path: Path, queries: bytes) -> None:
    """A header alone is a sound capture of nothing."""
    path = tmp_path / "none.pcap"
    path.write_bytes(queries[:24])
    for arguments in (
        ("inspect",),
        ("analyze",),
        ("analyze", "--learn", "10m"),
        ("analyze", "--learn", "50%"),
        ("analyze", "-f", "text"),
    ):
        code, _, err = run(*arguments, path)
        assert code == 0
        assert "holds no packets" in err


@pytest.mark.parametrize("times", [(0, 1), (2**32 * 10**9 - 1, 5), (1_700_000_000 * 10**9, 0, 1_800_000_000 * 10**9)])
def test_absurd_times_are_read(run: Run, tmp_path: Path, make: Any, named_query: Any, times: tuple[int, ...]) -> None:
    """The epoch itself, the far future and jumps back and forth lose nothing."""
    path = tmp_path / "odd.pcap"
    path.write_bytes(make(*((time, 2, 53, named_query()) for time in times)))
    assert len(lines(run("inspect", path, "--emit", "transactions").out)) == len(times)
    for form in ("text", "json"):
        assert run("analyze", path, "--learn", "50%", "-f", form).code in {0, 1}


def test_unknown_link_type_is_not_assessed(run: Run, tmp_path: Path, pcap: Path, make: Any) -> None:
    """IEEE 802.15.4 (LINKTYPE 195): code 3 with the number, also where other packets were read."""
    path = tmp_path / "zigbee.pcap"
    path.write_bytes(make((0, 2, 53, b"x"), link=195))
    for extra in ((), (pcap,)):
        code, _, err = run("inspect", path, *extra)
        assert code == 3
        assert "LINKTYPE 195" in err


def test_defect_of_a_dissector_is_told(pcap: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A dissector that breaks its contract: code 3, with file and frame; nothing else is lost."""
    from hauberk.cli.problem import report_problems  # noqa: PLC0415 - in this process
    from hauberk.service.feed import Depth, open_feed  # noqa: PLC0415 - same

    feed = open_feed([str(pcap)], Depth.MESSAGES)
    assert feed.sensor.reader is not None
    assert feed.captures is not None
    feed.captures.close()
    monkeypatch.setattr(feed.sensor.reader, "defects", 30)
    monkeypatch.setattr(feed.sensor.reader, "defect_samples", ["frame 4: dissector \x1b[2J failed"])
    assert report_problems(feed) == 3
    err = capsys.readouterr().err
    assert f"{pcap}: frame 4" in err
    assert "\x1b" not in err
    assert "29 more" in err


@pytest.mark.parametrize("name", ["-", "pipe"])
def test_streams_are_read(run: Run, tmp_path: Path, queries: bytes, name: str) -> None:
    """Standard input and a named pipe are captures like any other."""
    if name == "-":
        outcome = run("inspect", "-", "--emit", "transactions", given=queries)
    else:
        path = tmp_path / name
        os.mkfifo(path)
        writer = threading.Thread(target=path.write_bytes, args=(queries,))
        writer.start()
        outcome = run("inspect", path, "--emit", "transactions")
        writer.join()
    assert (outcome.code, len(lines(outcome.out))) == (0, 9)


def test_stream_cannot_be_read_twice(run: Run, tmp_path: Path) -> None:
    """A share of a pipe is refused at once instead of swallowing it."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    for source in (path, "-"):
        code, _, err = run("analyze", source, "--learn", "50%")
        assert code == 2
        assert "only once" in err


@pytest.mark.parametrize(
    "arguments", [(), ("nonsense",), ("inspect",), ("detector",), ("inspect", "--emit", "foo", "x"), ("watch", "lo", "--ring", "0")]
)
def test_wrong_usage(run: Run, arguments: tuple[str, ...]) -> None:
    """Wrong words: code 2 and where to look."""
    code, _, err = run(*arguments)
    assert code == 2
    assert "--help" in err


def test_full_disk_is_told(command: list[str], pcap: Path) -> None:
    """A result that cannot be written is not a clean one."""
    import subprocess  # noqa: PLC0415 - only here

    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([*command, "inspect", str(pcap)], stdout=full, stderr=subprocess.PIPE, check=False, timeout=60)
    assert done.returncode == 3
    assert b"could not be written" in done.stderr
    assert b"Traceback" not in done.stderr
