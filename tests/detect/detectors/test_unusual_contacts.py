"""Unusual contacts through the engine: what is new, by name."""

from __future__ import annotations

from typing import Any

import pytest

CAMERA, LEARNED = "10.0.0.5", 7200.0


def usual(traffic: Any) -> None:
    """A camera that reports to one recorder for three hours."""
    for number in range(1080):
        traffic.answered(number * 10.0 + 1, CAMERA, "10.0.0.9", 8554)


def test_new_neighbours_in_window_after_window_are_told_by_name(traffic: Any, run: Any) -> None:
    """Eight new ones every ten seconds: one finding with five of them, how many more, and what was usual."""
    usual(traffic)
    for number in range(160):
        traffic.answered(7500 + number * 1.25, CAMERA, f"10.0.1.{number}", 2222)
    (finding,) = [item for item in run(traffic, "unusual_contacts", learn_until=LEARNED) if item.device == CAMERA]
    assert finding.addresses == (CAMERA,)
    assert finding.title == "New: local peers it never talked to"
    assert finding.first_evidence == pytest.approx(7500)
    assert finding.raised <= 7560
    assert finding.reasons[0].startswith(
        f"{CAMERA} met local peers it never talked to: 10.0.1.0 on tcp/2222; 10.0.1.1 on tcp/2222; "
    )
    assert " more." in finding.reasons[0]
    assert "windows of 10 s in which it was heard" in finding.reasons[1]
    assert [item.seen for item in finding.evidence][:2] == ["10.0.1.0 on tcp/2222", "10.0.1.1 on tcp/2222"]
    assert all(item.name == "new_contact" and item.samples > 720 for item in finding.evidence)


def test_one_new_neighbour_is_no_finding(traffic: Any, run: Any) -> None:
    """Other detectors may tell it; the sum of evidence does not."""
    usual(traffic)
    for number in range(20):
        traffic.answered(7500 + number * 10, CAMERA, "10.0.1.1", 80)
    assert not run(traffic, "unusual_contacts", learn_until=LEARNED)
