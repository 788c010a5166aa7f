"""Beacons through the engine: to whom, how often, how regularly."""

from __future__ import annotations

from typing import Any

import pytest

CAMERA, STRANGER, LEARNED = "10.0.0.5", "198.51.100.66", 7200.0


def usual(traffic: Any) -> None:
    """A camera that talks with its cloud at odd times for two hours."""
    for number in range(200):
        traffic.answered(number * 36.0 + (number * 7) % 19, CAMERA, "203.0.113.5", 443)


def test_regular_contact_with_a_new_peer_is_told_with_its_interval(traffic: Any, run: Any) -> None:
    """Every two minutes on the port of the web."""
    usual(traffic)
    for number in range(12):
        traffic.answered(7500 + number * 120.0, CAMERA, STRANGER, 443)
    (finding,) = run(traffic, "beacon", learn_until=LEARNED)
    assert finding.addresses == (CAMERA, STRANGER)
    assert finding.title == "Regular contact with a new peer"
    assert finding.first_evidence == pytest.approx(7500)
    assert finding.raised == 8350
    assert finding.reasons[0] == (
        f"{CAMERA} began 8 conversations with {STRANGER} (198.51.100.0/24) on port 443 within 14.2 min;"
        " 100% of the intervals are close to 2.0 min."
    )
    interval, size = finding.evidence
    assert (interval.name, interval.seen, interval.unit, interval.samples) == ("contact_interval", 120.0, "s", 8)
    assert (size.name, len(size.series)) == ("bytes_a_conversation", 8)


def test_the_cloud_that_was_learned_may_become_regular(traffic: Any, run: Any) -> None:
    """A known peer is no beacon."""
    usual(traffic)
    for number in range(30):
        traffic.answered(7500 + number * 60.0, CAMERA, "203.0.113.5", 443)
    assert not run(traffic, "beacon", learn_until=LEARNED)


def test_without_learning_only_many_alike_conversations_are_told(traffic: Any, run: Any, make_traffic: Any) -> None:
    """One every four seconds for ten minutes, and not one in two minutes for hours."""
    for number in range(150):
        traffic.answered(100 + number * 4.0, CAMERA, STRANGER, 4444)
    (finding,) = run(traffic, "beacon")
    assert finding.title == "Contact as regular as a beacon"
    assert "Nothing was learned of it." in finding.reasons
    slow = make_traffic()
    for number in range(150):
        slow.answered(100 + number * 120.0, CAMERA, STRANGER, 4444)
    assert not run(slow, "beacon")
