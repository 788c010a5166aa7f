"""``hauberk mud`` as its user runs it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

SAMPLE = Path(__file__).resolve().parents[2] / "samples" / "site.pcapng"
EXAMPLE = Path(__file__).resolve().parents[1] / "conformance" / "rfc8520" / "example.json"
SENSOR, CAMERA = "10.20.0.44", "10.20.0.60"


@pytest.fixture
def learned(run: Any, tmp_path: Path) -> Path:
    """A file learned from the sample's sensor."""
    path = tmp_path / "sensor.json"
    outcome = run("mud", "learn", SAMPLE, "--ip", SENSOR, "--out", path)
    assert (outcome.code, outcome.out) == (0, b"")
    return path


def test_what_was_learned_is_legal_and_conforms(run: Any, learned: Path) -> None:
    """Learn, lint and check agree; the keys of the records are stable."""
    assert run("mud", "lint", learned).code == 0
    outcome = run("mud", "check", learned, SAMPLE, "--ip", SENSOR, "--format", "json")
    assert outcome.code == 0
    record = json.loads(outcome.out)
    assert set(record) == {"device", "addresses", "conforms", "conversations", "matched", "unused", "deviations", "repairs"}
    assert record["conforms"] is True
    assert SENSOR in record["addresses"]
    assert {"list", "entry", "conversations"} == set(record["matched"][0])


def test_a_device_that_strays_gives_exit_code_1(run: Any, learned: Path) -> None:
    """The camera does not keep to the sensor's file."""
    outcome = run("mud", "check", learned, SAMPLE, "--ip", CAMERA, "--format", "json")
    assert outcome.code == 1
    record = json.loads(outcome.out)
    assert record["conforms"] is False
    assert {
        *("initiated", "local", "remote", "names", "transport", "port", "answered", "conversations", "first", "last"),
        "forbidden_by",
    } == set(record["deviations"][0])
    text = run("mud", "check", learned, SAMPLE, "--ip", CAMERA, "--format", "text")
    assert text.code == 1
    assert b"not covered: " in text.out


def test_standard_output_holds_the_file_and_nothing_else(run: Any, learned: Path) -> None:
    """Without --out the file goes where a pipe can take it; the same traffic gives the same bytes."""
    outcome = run("mud", "learn", SAMPLE, "--ip", SENSOR)
    assert outcome.code == 0
    assert outcome.out == learned.read_bytes()


def test_a_baseline_teaches_too(run: Any, tmp_path: Path) -> None:
    """What an earlier run saved is learned with the new source."""
    baseline = tmp_path / "site.baseline"
    assert run("analyze", SAMPLE, "--learn", "50%", "--save-baseline", baseline, "--format", "json").code in {0, 1}
    outcome = run("mud", "learn", SAMPLE, "--ip", SENSOR, "--baseline", baseline)
    assert outcome.code == 0
    assert json.loads(outcome.out) == json.loads(run("mud", "learn", SAMPLE, "--ip", SENSOR).out)


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", EXAMPLE, SAMPLE),
        ("check", EXAMPLE, SAMPLE, "--ip", "192.0.2.1"),
        ("check", EXAMPLE, SAMPLE, "--ip", SENSOR, "--controller", "urn:x"),
        ("check", EXAMPLE, SAMPLE, "--ip", SENSOR, "--my-controller", "hub"),
        ("check", SAMPLE, SAMPLE, "--ip", SENSOR),
        ("check", "/nowhere.json", SAMPLE, "--ip", SENSOR),
        ("check", EXAMPLE, "/nowhere.pcap", "--ip", SENSOR),
        ("learn", SAMPLE),
        ("learn", SAMPLE, "--ip", SENSOR, "--out", "/nowhere/at/all.json"),
        ("lint", "/nowhere.json"),
    ],
    ids=str,
)
def test_bad_input_gives_exit_code_2(run: Any, arguments: tuple[object, ...]) -> None:
    """Each with a message and without output."""
    outcome = run("mud", *arguments)
    assert (outcome.code, outcome.out) == (2, b"")
    assert "hauberk: " in outcome.err


def test_a_broken_file_is_refused_told_and_repaired(run: Any, tmp_path: Path) -> None:
    """Check refuses it unless lenient; lint tells problems and repairs, and writes what it made of them."""
    broken, fixed = tmp_path / "broken.json", tmp_path / "fixed.json"
    value = json.loads(EXAMPLE.read_bytes())
    value["ietf-access-control-list:access-lists"] = value.pop("ietf-access-control-list:acls")
    broken.write_text(json.dumps(value))
    refused = run("mud", "check", broken, SAMPLE, "--ip", SENSOR)
    assert refused.code == 2
    assert "hauberk.input.mud" in refused.err
    lenient = run("mud", "check", broken, SAMPLE, "--ip", SENSOR, "--lenient", "--format", "json")
    assert lenient.code == 1
    assert json.loads(lenient.out)["repairs"] == 1
    assert "read as" in lenient.err
    lint = run("mud", "lint", broken, "--out", fixed, "--format", "json")
    assert lint.code == 1
    record = json.loads(lint.out)
    assert set(record) == {"file", "valid", "repairable", "problems", "repairs"}
    assert (record["valid"], record["repairable"], record["repairs"][0]["kind"]) == (False, True, "renamed_key")
    assert run("mud", "lint", fixed, "--format", "text").code == 0
    assert b"1 problems" in run("mud", "lint", broken, "--format", "text").out


def test_analyze_judges_by_the_files_it_is_given(run: Any, learned: Path) -> None:
    """A device with a file that fits another strays, one whose file fits does not."""
    fits = run("analyze", SAMPLE, "--mud", f"{SENSOR}={learned}", "--format", "json")
    assert b"mud_violation" not in fits.out
    strays = run("analyze", SAMPLE, "--mud", f"{CAMERA}={learned}", "--format", "json")
    assert b"mud_violation" in strays.out
    assert run("analyze", SAMPLE, "--mud", str(learned)).code == 2
