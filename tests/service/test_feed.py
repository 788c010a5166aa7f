"""Opening what is named: captures and logs, told apart by content."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from hauberk.errors import CaptureError, InputError
from hauberk.service.feed import Depth, open_feed

ZEEK = (
    b"#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn\n"
    b"#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\n#types\ttime\tstring\taddr\tport\taddr\tport\tenum\n"
    b"1000.5\tC1\t10.0.0.2\t40000\t10.0.0.1\t53\tudp\n"
)


def pcap(second: int) -> bytes:
    """A capture of one ARP request."""
    frame = bytes.fromhex("ffffffffffff020000000002080600010800060400010200000000020a0000020000000000000a000001")
    return struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1) + struct.pack("<4I", second, 0, len(frame), len(frame)) + frame


def test_folder_is_opened_one_level_deep(tmp_path: Path) -> None:
    """All captures of a folder; what is none becomes a problem with its name."""
    for name in ("b.pcap", "a.pcap"):
        (tmp_path / name).write_bytes(pcap(1000))
    (tmp_path / "notes.md").write_text("words")
    (tmp_path / "deeper").mkdir()
    feed = open_feed([str(tmp_path)], Depth.HEADERS)
    list(feed.observations())
    assert feed.sensor.counters.packets == 2
    assert [str(problem).split(":")[0] for problem in feed.problems] == [str(tmp_path / "notes.md")]


def test_capture_and_log_together(tmp_path: Path) -> None:
    """Both end up in one stream; its size is that of both."""
    (tmp_path / "a").write_bytes(pcap(1000))
    (tmp_path / "conn.log").write_bytes(ZEEK)
    feed = open_feed([str(tmp_path)], Depth.MESSAGES)
    assert feed.size == len(pcap(1000)) + len(ZEEK)
    seen: list[int] = []
    batches = list(feed.observations(seen.append))
    assert sum(len(batch.claims) for batch in batches) == 1
    assert sum(len(batch.flows) for batch in batches) == 1
    assert seen == sorted(seen)
    assert not feed.problems


@pytest.mark.parametrize("name", ["nothere", "x" * 5000, "zero\0byte"])
def test_name_that_cannot_be_opened(name: str) -> None:
    """An input error, whatever the name."""
    with pytest.raises(CaptureError):
        open_feed([name], Depth.HEADERS)


def test_several_that_cannot_be_read_are_all_named(tmp_path: Path) -> None:
    """One error names them all."""
    with pytest.raises(InputError, match=r"(?s)one.*two"):
        open_feed([str(tmp_path / "one"), str(tmp_path / "two")], Depth.HEADERS)


def test_file_is_read_once_however_often_named(tmp_path: Path) -> None:
    """Links and repeated names do not double the traffic."""
    path = tmp_path / "a.pcap"
    path.write_bytes(pcap(1))
    (tmp_path / "b.pcap").hardlink_to(path)
    feed = open_feed([str(path), str(tmp_path / "b.pcap"), str(path)], Depth.HEADERS)
    list(feed.observations())
    assert feed.sensor.counters.packets == 1


def test_unread_link_type_is_noted(tmp_path: Path) -> None:
    """The number of a link type that is not read."""
    path = tmp_path / "a.pcap"
    content = bytearray(pcap(1))
    content[20] = 195
    path.write_bytes(content)
    feed = open_feed([str(path)], Depth.HEADERS)
    list(feed.observations())
    assert feed.unread_links == {195}
