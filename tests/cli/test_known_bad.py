"""``--indicators`` and ``--sigma``, as a user gives them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
SAMPLE = Path(__file__).resolve().parents[2] / "samples" / "site.pcapng"
FEED = "type,value,description,confidence\nip,10.20.0.60,seen in a botnet,90\ndomain,tank-level.plant.example,,\nsha256,aa,,\n"
RULE = """title: Coil written by a stranger
id: 6f0f6d4e-0c5c-4b5a-9a0a-000000000001
level: critical
tags: [attack.t0855]
logsource: {product: hauberk, service: transaction}
detection:
  write: {protocol: modbus, operation|startswith: write_, role: request}
  master: {src: 10.20.0.20}
  condition: write and not master
---
title: Process started
logsource: {product: windows, category: process_creation}
detection: {s: {Image: x}, condition: s}
"""


@pytest.fixture
def given(tmp_path: Path) -> Path:
    """A folder with a feed and a rule."""
    (tmp_path / "feed.csv").write_text(FEED)
    (tmp_path / "rule.yml").write_text(RULE)
    return tmp_path


def _findings(out: bytes, detector: str) -> list[dict[str, Any]]:
    records = map(json.loads, out.splitlines())
    return [record for record in records if record.get("unmapped", {}).get("hauberk", {}).get("detector") == detector]


def test_what_is_known_bad_is_found_in_a_capture(run: Run, given: Path) -> None:
    """With the feed's and the author's words, and a summary on standard error."""
    outcome = run("analyze", SAMPLE, "--indicators", given / "feed.csv", "--sigma", given / "rule.yml", "--format", "json")
    assert outcome.code == 1
    assert "known bad: 2 indicators and 1 Sigma rule loaded, 2 skipped" in outcome.err
    assert "line 4: values of type 'sha256' are not seen on the network" in outcome.err
    assert "Process started: its log source" in outcome.err
    (rule,) = _findings(outcome.out, "sigma_rule")
    assert rule["unmapped"]["hauberk"]["addresses"] == ["10.20.0.60", "10.20.0.11"]
    assert rule["finding_info"]["title"] == "Coil written by a stranger"
    bad = _findings(outcome.out, "known_bad")
    assert any("'feed.csv' lists 10.20.0.60 with confidence 90" in record["unmapped"]["hauberk"]["reasons"][1] for record in bad)
    assert any(record["finding_info"]["title"] == "Device asks for a known bad name" for record in bad)


def test_settings_name_files_too(run: Run, given: Path) -> None:
    """Added to those of the command line; a detector's switch holds."""
    config = given / "hauberk.toml"
    config.write_text(
        f'[known_bad]\nindicators = ["{given}/feed.csv"]\nsigma = ["{given}"]\n[detector.known_bad]\nenabled = false\n',
        encoding="utf-8",
    )
    outcome = run("analyze", SAMPLE, "--config", config, "--format", "json")
    assert len(_findings(outcome.out, "sigma_rule")) == 1
    assert _findings(outcome.out, "known_bad") == []


def test_a_file_that_is_not_there_is_bad_input(run: Run, tmp_path: Path) -> None:
    """Before anything is analyzed."""
    outcome = run("analyze", SAMPLE, "--indicators", tmp_path / "absent.csv")
    assert outcome.code == 2
    assert "absent.csv" in outcome.err
    assert outcome.out == b""


def test_without_them_nothing_is_said(run: Run) -> None:
    """No summary, no finding."""
    outcome = run("analyze", SAMPLE, "--format", "json")
    assert "known bad" not in outcome.err
    assert _findings(outcome.out, "known_bad") == _findings(outcome.out, "sigma_rule") == []
