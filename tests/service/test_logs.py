"""Logs of other sensors, sound and broken."""

from __future__ import annotations

import gzip
from pathlib import Path

from hauberk.service.feed import Depth, open_feed
from hauberk.service.logs import log_reader

EVE = (
    b'{"timestamp":"2023-11-14T22:13:20.000000+0000","flow_id":1,"event_type":"flow","src_ip":"10.0.0.2","src_port":40000,'
    b'"dest_ip":"10.0.0.1","dest_port":80,"proto":"TCP","flow":{"pkts_toserver":1,"pkts_toclient":1,"bytes_toserver":60,'
    b'"bytes_toclient":60,"start":"2023-11-14T22:13:19.000000+0000","end":"2023-11-14T22:13:20.000000+0000"}}\n'
)


def test_foreign_text_has_no_reader() -> None:
    """What is no log is not guessed at."""
    assert log_reader("x.log", b"hello\n") is None


def test_broken_line_is_a_problem_and_the_rest_is_read(tmp_path: Path) -> None:
    """The line is named."""
    path = tmp_path / "eve.json"
    path.write_bytes(EVE + b'{"timestamp": \n' + EVE)
    feed = open_feed([str(path)], Depth.MESSAGES)
    list(feed.observations())
    assert len(feed.problems) == 1
    assert "line 2" in str(feed.problems[0])


def test_packed_log_that_breaks_off(tmp_path: Path) -> None:
    """What came before the cut is kept, and the cut told."""
    path = tmp_path / "eve.json.gz"
    packed = gzip.compress(EVE * 20000, compresslevel=0)
    path.write_bytes(packed[: len(packed) // 2])
    feed = open_feed([str(path)], Depth.MESSAGES)
    assert sum(len(batch.flows) for batch in feed.observations()) > 1000
    assert "cut off" in str(feed.problems[0])
