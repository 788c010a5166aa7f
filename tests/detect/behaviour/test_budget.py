"""Thresholds: never below the floor, higher for fewer false alarms, honest about what little history shows."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hauberk.detect.behaviour.budget import SLOTS_A_DAY, calibrate, history

FLOOR = 10.5
PEAKS = st.lists(st.floats(0, 60), min_size=1, max_size=64).map(np.array)


@given(peaks=PEAKS, days=st.floats(0.01, 1000), budgets=st.tuples(st.floats(1e-6, 1), st.floats(1e-6, 1)))
def test_thresholds_stay_over_the_floor_and_what_was_reached(
    peaks: np.ndarray[tuple[int], np.dtype[np.float64]], days: float, budgets: tuple[float, float]
) -> None:
    """And a smaller budget never gives a lower threshold."""
    strict, lax = (calibrate(peaks, days, budget) for budget in sorted(budgets))
    assert strict.threshold >= lax.threshold >= FLOOR
    assert lax.threshold >= peaks.max() + 1
    assert lax.supported == pytest.approx(3 / days)


def test_a_threshold_grows_by_the_slope_for_a_tenth_of_the_budget() -> None:
    """An exponential tail of mean 4: a factor of ten is 4 ln 10 higher."""
    peaks = 20 + 4 * -np.log(1 - (np.arange(4000) + 0.5) / 4000)
    above = peaks[peaks > np.median(peaks)] - np.median(peaks)
    one, ten = (calibrate(peaks, 50.0, budget).threshold for budget in (1e-9, 1e-8))
    assert one - ten == pytest.approx(float(np.mean(above)) * math.log(10))


def test_nothing_learned_is_a_high_threshold_that_nothing_supports() -> None:
    """No blocks, no days."""
    nothing = calibrate(np.zeros(0), 0.0, 0.01)
    assert nothing.threshold > FLOOR
    assert nothing.supported == math.inf


def test_a_quiet_history_gives_the_floor() -> None:
    """Ten days without any evidence: exactly the floor, and 0.3 false alarms a day shown."""
    calm = calibrate(np.zeros(40), 10.0, 0.01)
    assert calm.threshold == FLOOR
    assert calm.supported == pytest.approx(0.3)


@pytest.mark.parametrize("active, width, kept", [(0, 1, 0), (1, 1, 1), (40, 1, 30), (41, 2, 16), (128, 2, 48)])
def test_a_history_leaves_out_its_beginning(active: int, width: int, kept: int) -> None:
    """The first quarter, in which everything is new, counts neither as blocks nor as days."""
    blocks, days = history(np.arange(64, dtype=np.float32), active, width)
    every = -(-active // width)
    assert blocks.tolist() == list(range(every - kept, every))
    assert days == pytest.approx((active - (every - kept) * width) / SLOTS_A_DAY)
