"""``hauberk forecast`` as a process."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Make = Callable[..., bytes]


@pytest.fixture
def days(tmp_path: Path, make: Make) -> Path:
    """Two days of a host that sends a report each minute, some larger than others."""
    rows = [(1_700_000_000_000_000_000 + n * 60 * 10**9, 2, 9000, bytes(20 + (n * n * 7919) % 401)) for n in range(2 * 1440)]
    path = tmp_path / "days.pcap"
    path.write_bytes(make(*rows))
    return path


def test_each_metric_has_its_line(run: Callable[..., Any], days: Path) -> None:
    """In a pipe: JSON, a record a device and metric, exit code 0."""
    done = run("forecast", days, "--limit", "bytes_out=1MB/30d", "--device", "10.0.0.2")
    assert done.code == 0, done.err
    records = [json.loads(line) for line in done.out.splitlines()]
    assert [record["metric"] for record in records] == ["bytes_out", "bytes_in", "packets", "conversations_begun"]
    out = records[0]
    assert out["low"] <= out["value"] <= out["high"]
    assert out["skill"] > 0
    assert out["limit"]["used"] > 0
    assert out["limit"]["reason"] is None
    assert records[1]["reason"] == "silent for a day"


def test_text_names_the_model_and_the_limit(run: Callable[..., Any], days: Path) -> None:
    """A table for people."""
    done = run("forecast", days, "--format", "text", "--limit", "bytes_out=10kB", variables={"COLUMNS": "120"})
    text = done.out.decode()
    assert "90% between" in text
    assert "limit reached" in text
    assert "silent for a day" in text


def test_a_short_capture_cannot_be_forecast(run: Callable[..., Any], pcap: Path) -> None:
    """Exit code 3, and why."""
    done = run("forecast", pcap)
    assert done.code == 3
    assert "nothing could be forecast" in done.err


@pytest.mark.parametrize(
    "options",
    [("--horizon", "1y"), ("--limit", "speed=9"), ("--coverage", "1.0"), ("--device", "10.9.9.9")],
    ids=lambda pair: pair[0],
)
def test_wrong_words_are_refused(run: Callable[..., Any], pcap: Path, options: tuple[str, str]) -> None:
    """Exit code 2 for an option that has no meaning."""
    assert run("forecast", pcap, *options).code == 2
