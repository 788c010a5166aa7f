"""Unusual volume through the engine: who, how much, beside what is usual."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from hauberk.detect.detectors.registry import detectors
from hauberk.detect.engine import DetectionEngine
from hauberk.detect.snapshot import Snapshot
from hauberk.model.finding import Band, Severity

CAMERA, LEARNED = "10.0.0.5", 7200.0


def day(traffic: Any, *, flood: bool = True, seed: int = 1) -> Any:
    """A camera that reports every few seconds for two hours, and then floods for five minutes."""
    chance = random.Random(seed)  # noqa: S311 - test data
    for number in range(2400):
        columns = {"packets_out": chance.randrange(4, 9), "packets_in": 4, "bytes_out": chance.randrange(400, 900), "bytes_in": 300}
        traffic.flow(number * 4.0 + 1, CAMERA, "10.0.0.9", 8554, **columns)
    for number in range(300 if flood else 0):
        traffic.flow(7500.0 + number, CAMERA, "10.0.0.9", 8554, packets_out=5000, packets_in=4, bytes_out=4_000_000, bytes_in=300)
    return traffic


def test_a_flood_is_told_with_numbers(traffic: Any, run: Any) -> None:
    """Sentences say what was seen and what is usual; evidence has bands, samples and a series."""
    findings = run(day(traffic), "unusual_volume", learn_until=LEARNED)
    assert sorted(finding.device for finding in findings) == [CAMERA, "10.0.0.9"]  # who sends, and who receives
    (finding,) = (item for item in findings if item.device == CAMERA)
    assert finding.addresses == (CAMERA,)
    assert finding.severity >= Severity.LOW
    assert 7500 <= finding.first_evidence < finding.raised <= 7560
    assert finding.first_evidence % 10 == finding.raised % 10 == 0
    main = finding.evidence[0]
    assert main.name in {"packets_out", "bytes_out"}
    assert main.since == 0.0
    assert main.samples >= 720
    assert isinstance(main.usual, Band)
    assert isinstance(main.seen, float)
    assert main.usual.low <= main.usual.middle <= main.usual.high < main.seen / 100
    assert main.series[-1][0] == finding.raised
    assert max(value for _, value in main.series) == pytest.approx(main.seen, rel=1e-6)
    times = [time for time, _ in main.series]
    assert times == sorted(times)
    assert finding.reasons[0].startswith(f"{CAMERA}: ")
    assert "within 10 s; usual for it: " in finding.reasons[0]
    assert f"from {main.samples:,} such windows" in finding.reasons[0]
    assert f"added up to {finding.score:.1f} (log10)" in finding.reasons[-1]
    assert "since 1970-01-01T00:00:00Z" in finding.reasons[-1]
    assert finding.techniques


def test_the_same_day_without_a_flood_is_quiet(traffic: Any, run: Any) -> None:
    """Nothing of volume, contacts or beacons."""
    found = {finding.detector for finding in run(day(traffic, flood=False), learn_until=LEARNED)}
    assert not found & {"unusual_volume", "unusual_contacts", "beacon", "behaviour_changed"}


def test_nothing_learned_nothing_said(traffic: Any, run: Any) -> None:
    """Without learning there is nothing to compare with."""
    assert not run(day(traffic), "unusual_volume")


@pytest.mark.parametrize("cuts", [(7200.0, 7505.0, 7511.0), tuple(number * 61.7 for number in range(130)), (7193.0, 7207.5)])
def test_however_it_is_cut_and_resumed(cuts: tuple[float, ...], make_traffic: Callable[[], Any], engine: Any) -> None:
    """The same findings to the last word and number, with a snapshot written and read after batches."""
    chosen = [row for row in detectors() if row.id in {"unusual_volume", "unusual_contacts", "beacon"}]
    traffic = day(make_traffic())
    fleet = engine({}).fleet
    whole = DetectionEngine(chosen, fleet, learn_until=LEARNED)
    expected = [finding for batch in traffic.batches() for finding in whole.observe(batch)]
    assert expected
    broken, found = DetectionEngine(chosen, fleet, learn_until=LEARNED), []
    for number, batch in enumerate(traffic.batches(cuts)):
        found += broken.observe(batch)
        if number % 40 == 1:
            saved = Snapshot.load(broken.snapshot().dump())
            broken = DetectionEngine(chosen, fleet, learn_until=LEARNED, snapshot=saved, resume=True)
    assert sorted(found, key=repr) == sorted(expected, key=repr)
