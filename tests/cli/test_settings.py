"""Settings and baselines as the command takes them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hauberk.detect.snapshot import Snapshot

Run = Callable[..., Any]


@pytest.mark.parametrize(
    "content,words",
    [
        (b"[sensor]\nflowz = 3\n", "sensor.flowz"),
        (b'[sensor]\nflows = "many"\n', "sensor.flows"),
        (b"colour = 1\n", "colour"),
        (b"not toml", "settings.toml"),
        (b"\xff\xfe", "settings.toml"),
        (b"detector = 3\n", "detector"),
        (b"[detector.nonsense]\nenabled = true\n", "nonsense"),
    ],
)
def test_wrong_settings_file_names_the_key(run: Run, tmp_path: Path, pcap: Path, content: bytes, words: str) -> None:
    """Unknown keys, wrong types and what is no TOML: code 2 and where."""
    path = tmp_path / "settings.toml"
    path.write_bytes(content)
    code, out, err = run("analyze", pcap, "--config", path)
    assert (code, out) == (2, b"")
    assert words in err


@pytest.mark.parametrize("verb", ["analyze", "inspect"])
@pytest.mark.parametrize(
    "name,value,word",
    [
        ("HAUBERK_BOGUS", "1", "HAUBERK_BOGUS"),
        ("HAUBERK_SENSOR__FLOWZ", "1", "sensor.flowz"),
        ("HAUBERK_SENSOR__FLOWS", "abc", "sensor.flows"),
        ("HAUBERK_SENSOR", "abc", "sensor"),
        ("HAUBERK_SENSORS__FLOWS", "2048", "HAUBERK_SENSORS__FLOWS"),
    ],
)
def test_wrong_variable_is_named(run: Run, pcap: Path, verb: str, name: str, value: str, word: str) -> None:
    """A misspelt variable is an error, for every command that takes settings."""
    code, _, err = run(verb, pcap, variables={name: value})
    assert code == 2
    assert word in err


@pytest.mark.parametrize("name,value", [("HAUBERK_SENSOR__FLOWS", "2048"), ("HAUBERK_TEST_DATA", "/nowhere")])
def test_known_variables_are_taken(run: Run, pcap: Path, name: str, value: str) -> None:
    """Settings, and the one variable that is none."""
    assert run("inspect", pcap, variables={name: value}).code == 0


@pytest.mark.parametrize("span", ["150%", "-5m", "", "banana", "until=nan", "10", "10 m", "until="])
def test_meaningless_learning_span(run: Run, pcap: Path, span: str) -> None:
    """Code 2, with what may be given."""
    code, _, err = run("analyze", pcap, f"--learn={span}")
    assert code == 2
    assert "until=EPOCH" in err


@pytest.mark.parametrize("span", ["10m", "0.5h", "50%", "0%", "100%", "until=1700000004", "until=99999999999999999999", "9999999w"])
def test_learning_spans(run: Run, pcap: Path, span: str) -> None:
    """Every form is taken, also beyond the calendar."""
    for form in ("json", "text"):
        assert run("analyze", pcap, "--learn", span, "-f", form).code in {0, 1}


def test_baseline_round_trip(run: Run, tmp_path: Path, pcap: Path) -> None:
    """What was saved is taken, and saving again from it keeps what was learned; a link stays a link."""
    first, second, link = tmp_path / "a.json", tmp_path / "b.json", tmp_path / "link"
    link.symlink_to(first)
    assert run("analyze", pcap, "--learn", "100%", "--save-baseline", link).code in {0, 1}
    assert link.is_symlink()
    learned = Snapshot.load(first.read_bytes()).baseline
    assert learned.macs
    assert run("analyze", pcap, "--baseline", first, "--save-baseline", second).code == 0
    assert Snapshot.load(second.read_bytes()).baseline == learned
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.json", "b.json", "link", "queries.pcap"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"format":"other"}',
        b'{"format":"hauberk-baseline","version":0}',
        b"\xd4\xc3\xb2\xa1",
        b'{"format":"hauberk-baseline","version":1}',
    ],
)
def test_foreign_baseline(run: Run, tmp_path: Path, pcap: Path, content: bytes) -> None:
    """Corrupt, foreign and older files: code 2, named, nothing analyzed."""
    path = tmp_path / "bad.json"
    path.write_bytes(content)
    code, out, err = run("analyze", pcap, "--baseline", path)
    assert (code, out) == (2, b"")
    assert str(path) in err


@pytest.mark.parametrize("target", ["/", "/dev/null", "/nonexistent/file", "x" * 400, "a\nb/c"])
def test_baseline_target_is_checked_first(run: Run, pcap: Path, target: str) -> None:
    """Nothing but a plain file is replaced, and that is said before the work: the output is empty."""
    before = os.stat("/dev/null").st_mode  # noqa: PTH116 - the device itself
    code, out, err = run("analyze", pcap, "--learn", "50%", "--save-baseline", target)
    assert (code, out) == (2, b"")
    assert err.startswith("hauberk: ")
    assert os.stat("/dev/null").st_mode == before  # noqa: PTH116 - same


def test_nothing_to_save(run: Run, tmp_path: Path, pcap: Path) -> None:
    """Saving without learning is a mistake that is told at once."""
    code, _, err = run("analyze", pcap, "--save-baseline", tmp_path / "x")
    assert code == 2
    assert "--learn" in err
