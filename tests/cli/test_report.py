"""``analyze --report``: the page is written whole or not at all, and changes nothing else of the command."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Protocol


class Outcome(Protocol):
    """What a command left behind."""

    code: int
    out: bytes
    err: str


Run = Callable[..., Outcome]


def test_the_report_is_written_and_said_where(run: Run, pcap: Path, tmp_path: Path) -> None:
    """Output and exit code are those without a report; standard error names the file; the same capture gives the same bytes."""
    target, linked, link = tmp_path / "report.html", tmp_path / "linked.html", tmp_path / "a-link.html"
    linked.write_text("old")
    link.symlink_to(linked)
    plain = run("analyze", pcap, "--format", "json")
    told = run("analyze", pcap, "--format", "json", "--report", target)
    assert (told.code, told.out) == (plain.code, plain.out)
    assert told.err.splitlines() == [*plain.err.splitlines(), f"Report: {target}"]
    page = target.read_text()
    assert page.startswith("<!DOCTYPE html>")
    assert page.rstrip().endswith("</html>")
    assert re.search(r"<b>9</b>packets", page)
    assert "queries.pcap<" in page
    run("analyze", pcap, "--report", link)
    assert link.is_symlink()
    assert linked.read_bytes() == target.read_bytes()
    assert sorted(tmp_path.iterdir()) == [link, linked, pcap, target]


def test_what_is_no_plain_file_is_never_replaced(run: Run, pcap: Path, tmp_path: Path) -> None:
    """A pipe is refused before the work begins, and stays."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    outcome = run("analyze", pcap, "--report", pipe)
    assert (outcome.code, outcome.out) == (2, b"")
    assert "no plain file" in outcome.err
    assert pipe.is_fifo()


def test_a_failed_analysis_leaves_the_old_report(run: Run, tmp_path: Path) -> None:
    """No half page, no empty page."""
    target = tmp_path / "report.html"
    target.write_text("old")
    broken = tmp_path / "broken.pcap"
    broken.write_bytes(b"no capture")
    assert run("analyze", broken, "--report", target).code != 0
    assert target.read_text() == "old"


def test_a_capture_that_breaks_off_is_told_in_the_report(run: Run, queries: bytes, tmp_path: Path) -> None:
    """What could not be read stands on the page too."""
    path, target = tmp_path / "cut.pcap", tmp_path / "report.html"
    path.write_bytes(queries[:-5])
    outcome = run("analyze", path, "--report", target)
    assert outcome.code == 3
    assert "Not read" in target.read_text()
