"""Verdicts from the command line: the lines of one run teach the baseline of the next."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

Run = Callable[..., Any]
SAMPLE = Path(__file__).resolve().parents[2] / "samples" / "site.pcapng"


class Site(NamedTuple):
    """A baseline of the sample, and what was found in it."""

    baseline: Path
    lines: Path
    findings: list[Mapping[str, Any]]


def findings_in(out: bytes) -> list[Mapping[str, Any]]:
    """Findings among lines of JSON, without incidents."""
    return [row for row in map(json.loads, out.splitlines()) if row["class_uid"] == 2004]


def uids(site: Site, detector: str) -> list[str]:
    """Identifiers of what a detector found."""
    return [row["metadata"]["uid"] for row in site.findings if row["unmapped"]["hauberk"]["detector"] == detector]


def options(found: list[str]) -> list[str]:
    """An option for each identifier."""
    return [word for uid in found for word in ("--finding", uid)]


_MADE: list[tuple[bytes, bytes]] = []
"""The baseline and the lines, made once."""


@pytest.fixture
def site(run: Run, tmp_path: Path) -> Site:
    """The sample, half learned and half judged, in files of the test's own."""
    baseline, lines = tmp_path / "plant.baseline", tmp_path / "findings.jsonl"
    if not _MADE:
        done = run("analyze", SAMPLE, "--learn", "50%", "--save-baseline", baseline, "-f", "json")
        assert done.code == 1
        _MADE.append((baseline.read_bytes(), done.out))
    for path, content in zip((baseline, lines), _MADE[0], strict=True):
        path.write_bytes(content)
    return Site(baseline, lines, findings_in(_MADE[0][1]))


def told(run: Run, site: Site, verdict: str, detector: str, *more: str) -> list[Mapping[str, Any]]:
    """What ``teach`` printed of a verdict on everything a detector found."""
    found = options(uids(site, detector))
    done = run("baseline", "teach", site.baseline, *found, "--from", site.lines, "--verdict", verdict, "-f", "json", *more)
    assert done.code == 0, done.err
    return [json.loads(line) for line in done.out.splitlines()]


def again(run: Run, site: Site) -> tuple[dict[str, int], str]:
    """How much each detector finds when the sample is judged by the baseline, and what is said beside it."""
    done = run("analyze", SAMPLE, "--baseline", site.baseline, "-f", "json")
    counts: dict[str, int] = {}
    for row in findings_in(done.out):
        name = row["unmapped"]["hauberk"]["detector"]
        counts[name] = counts.get(name, 0) + 1
    return counts, done.err


def test_each_verdict_end_to_end(run: Run, site: Site) -> None:
    """Learned, benign, false and true: the next run respects them all, and says how many findings it kept back."""
    before, err = again(run, site)
    assert "Suppressed" not in err
    assert {row["effect"] for row in told(run, site, "learn", "new_device", "--note", "a new laptop")} == {"learned"}
    assert {row["effect"] for row in told(run, site, "benign", "address_scan")} == {"suppressed"}
    assert {row["effect"] for row in told(run, site, "false", "port_scan")} == {"suppressed"}
    assert {row["effect"] for row in told(run, site, "true", "new_ot_master")} == {"locked"}
    after, err = again(run, site)
    gone = ("new_device", "address_scan", "port_scan")
    assert all(before[name] == 1 for name in gone)
    assert after == {name: count for name, count in before.items() if name not in gone}
    assert "Suppressed: 2 by verdicts (address_scan 1, port_scan 1)" in err
    text = run("analyze", SAMPLE, "--baseline", site.baseline, "-f", "text").out.decode()
    assert "2 by verdicts (address_scan 1, port_scan 1)" in text

    rows = [json.loads(line) for line in run("baseline", "verdicts", site.baseline, "-f", "json").out.splitlines()]
    assert sorted(row["verdict"] for row in rows) == ["benign", "false", "learn", "true", "true"]
    assert [row["note"] for row in rows if row["detector"] == "new_device"] == ["a new laptop"]
    head = json.loads(run("baseline", "show", site.baseline, "-f", "json").out.splitlines()[0])
    assert head["verdicts"] == {"benign": 1, "false": 1, "learn": 1, "true": 2}
    assert head["erring"] == {"port_scan": 1}
    shown = run("baseline", "show", site.baseline, "-f", "text").out.decode()
    assert "Detectors that erred  port_scan 1" in shown

    listed = run("baseline", "verdicts", site.baseline, "-f", "text").out.decode()
    assert "learn  new_device" in listed
    assert "a new laptop" in listed
    assert run("baseline", "verdicts", site.baseline, "--forget", uids(site, "port_scan")[0]).code == 0
    assert again(run, site)[0]["port_scan"] == 1


def test_writes_one_by_one(run: Run, site: Site) -> None:
    """All writes of the camera are allowed, kind by kind; the scan by the same intruder is still said."""
    told(run, site, "learn", "new_write")
    after, _ = again(run, site)
    assert "new_write" not in after
    assert after["port_scan"] == 1


def test_dry_run_changes_nothing(run: Run, site: Site) -> None:
    """What would change is printed, and the file is the same."""
    content = site.baseline.read_bytes()
    rows = told(run, site, "learn", "new_device", "--dry-run")
    assert [(row["change"], row["effect"]) for row in rows] == [("given", "learned")]
    assert site.baseline.read_bytes() == content


def test_lines_from_standard_input_and_a_changed_mind(run: Run, site: Site) -> None:
    """``-`` reads them from a pipe; a second verdict withdraws the first."""
    (uid,) = uids(site, "new_device")
    words = ("baseline", "teach", site.baseline, "--finding", uid, "--from", "-", "--verdict")
    assert run(*words, "learn", given=site.lines.read_bytes()).code == 0
    done = run(*words, "true", "-f", "json", given=site.lines.read_bytes())
    rows = [json.loads(line) for line in done.out.splitlines()]
    assert [(row["change"], row["verdict"]) for row in rows] == [("withdrawn", "learn"), ("given", "true")]
    assert again(run, site)[0]["new_device"] == 1


def test_what_is_wrong_is_said(run: Run, site: Site, tmp_path: Path) -> None:
    """An unknown identifier, an incident, files of another kind: exit code 2, words that help, and an unchanged baseline."""
    content = site.baseline.read_bytes()
    (uid,) = uids(site, "new_device")

    def tried(finding: str, source: Path | str, baseline: Path = site.baseline, given: bytes = b"") -> str:
        done = run("baseline", "teach", baseline, "--finding", finding, "--from", source, "--verdict", "learn", given=given)
        assert done.code == 2
        assert site.baseline.read_bytes() == content
        text: str = done.err
        return text

    assert "there is no finding beef" in tried("beef", site.lines)
    incidents = [row for row in map(json.loads, site.lines.read_bytes().splitlines()) if row["class_uid"] == 2005]
    assert "is an incident" in tried(incidents[0]["metadata"]["uid"], site.lines)
    assert "is not JSON; give what 'hauberk analyze --format json' prints" in tried(uid, SAMPLE)
    assert "No such file" in tried(uid, tmp_path / "absent")
    assert "not a Hauberk baseline" in tried(uid, site.lines, site.lines)
    assert "line 1 is no finding" in tried(uid, "-", given=b'{"class_uid": 7}\n')
    assert "line 2 is not JSON" in tried(uid, "-", given=b"\n{\n")
    finding = next(row for row in site.findings if row["metadata"]["uid"] == uid)
    for path, value in (
        ("detector", "none"),
        ("addresses", "10.0.0.1"),
        ("evidence", [{"name": 3, "seen": 4}]),
        ("evidence", None),
    ):
        broken = {**finding, "unmapped": {"hauberk": {**finding["unmapped"]["hauberk"], path: value}}}
        assert "line 1" in tried(uid, "-", given=json.dumps(broken).encode())
    assert "has no metadata.uid" in tried(uid, "-", given=b'{"class_uid": 2004}\n')
    done = run("baseline", "verdicts", site.baseline, "--forget", uid)
    assert done.code == 2
    assert "there is no verdict on finding" in done.err
    assert run("baseline", "verdicts", site.baseline, "-f", "text").out.decode().strip() == "There are no verdicts."
    note = run(
        "baseline", "teach", site.baseline, "--finding", uid, "--from", site.lines, "--verdict", "learn", "--note", "x" * 1001
    )
    assert note.code == 2
