"""GOOSE: one publisher a control block, and counters that run on."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hauberk.model.finding import Severity
from hauberk.model.transaction import Transaction

IED, ROGUE, GROUP, BLOCK = "00:00:00:00:00:01", "00:00:00:00:00:66", "01:0c:cd:01:00:01", "LD0/LLN0$GO$gcb_A"


def _publish(traffic: Any, time: float, state: int, sequence: int, src: str = IED) -> None:
    values = (state, sequence, False)
    frame = len(traffic.messages) + 1
    traffic.messages.append(
        Transaction(frame, time, "goose", src, None, GROUP, None, "event", "publish", None, BLOCK, values, "ok", write=False)
    )


def _normal(traffic: Any, seconds: int, state: int = 7) -> None:
    for second in range(seconds):
        _publish(traffic, second, state, second)


def test_repetitions_and_changes_are_silent(traffic: Any, run: Any) -> None:
    """Also a few states that were missed, and a late copy of a parallel network."""
    _normal(traffic, 20)
    _publish(traffic, 20, 8, 0)
    _publish(traffic, 20.004, 9, 0)
    _publish(traffic, 20.005, 8, 0)
    _publish(traffic, 20.006, 9, 1)
    _publish(traffic, 21, 30, 0)
    assert not run(traffic)


def test_a_restart_is_silent(traffic: Any, run: Any) -> None:
    """After silence, or at once where a recording is repeated: the old run does not come back."""
    _normal(traffic, 20, state=20000)
    for second in range(20):
        _publish(traffic, 20 + second, 1, second)
        _publish(traffic, 60 + second, 1, second)
    assert not run(traffic)


def test_a_forged_message_that_jumps_ahead_is_found_at_once(traffic: Any, run: Any) -> None:
    """The true publisher, who falls behind after it, is not said again."""
    _normal(traffic, 20)
    _publish(traffic, 20.5, 9999, 0)
    _publish(traffic, 21, 7, 21)
    findings = run(traffic)
    assert [(finding.detector, finding.raised) for finding in findings] == [("goose_sequence", 20.5)]


def test_a_replayed_message_is_found_when_the_publisher_goes_on(traffic: Any, run: Any) -> None:
    """Old counters from the same address between those of now."""
    _normal(traffic, 20)
    _publish(traffic, 20.5, 3, 1)
    _publish(traffic, 21, 7, 21)
    assert [finding.raised for finding in run(traffic)] == [21]


def test_another_address_is_found_at_once(traffic: Any, run: Any) -> None:
    """Without learning by its interruption, with learning as second publisher too."""
    _normal(traffic, 20)
    _publish(traffic, 20.5, 8, 0, ROGUE)
    assert [(finding.detector, finding.severity) for finding in run(traffic)] == [("goose_sequence", Severity.CRITICAL)]
    found = run(traffic, learn_until=20)
    assert {finding.detector for finding in found} == {"goose_sequence", "new_goose_publisher", "new_ot_master"}
    (finding,) = (finding for finding in found if finding.detector == "new_goose_publisher")
    assert (finding.evidence[0].samples, finding.addresses[0]) == (20, ROGUE)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.integers(0, 3), st.floats(0, 4)), max_size=40))
def test_counters_that_run_on_never_alarm(steps: list[tuple[int, float]], make_traffic: Any, run: Any) -> None:
    """Whatever is missed, and however fast."""
    traffic = make_traffic()
    time, state, sequence = 0.0, 1, 0
    for change, wait in steps:
        time += wait
        state, sequence = (state + change, 0) if change else (state, sequence + 1)
        _publish(traffic, time, state, sequence)
    assert not run(traffic, "goose_sequence")
