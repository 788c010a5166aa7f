"""Time to a limit: bands that hold, and silence where the past does not foretell."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hauberk.detect.forecast.limits import Meter, NoTime, TimeToLimit, time_to_limit

DAY = 144
STEP = 600.0


def asked(bins: NDArray[np.float64], meter: Meter, seed: int = 1) -> TimeToLimit | NoTime:
    """The answer, drawn from ``seed``."""
    return time_to_limit(bins, STEP, meter, np.random.default_rng(seed))


def made(kind: str, random: np.random.Generator, count: int) -> NDArray[np.float64]:
    """A series of one kind in bins of ten minutes."""
    time = np.arange(count)
    if kind == "polling":
        return random.poisson(20, count).astype(np.float64)
    if kind == "heavy tail":
        return random.lognormal(8, 1, count)
    if kind == "daily":
        return random.gamma(3, 50 + 1000 * (1 + np.sin(2 * np.pi * time / DAY)))
    if kind == "intermittent":
        return np.where(random.random(count) < 0.15, random.lognormal(9, 1, count), 0.0)
    assert kind == "growing"
    return random.lognormal(6, 0.3, count) * (1 + 5 * time / count)


def test_a_steady_meter_arrives_when_division_says() -> None:
    """100 a bin and 14400 to go: 144 bins, with hardly any band."""
    answer = asked(np.full(4 * DAY, 100.0), Meter(20_000.0, 5_600.0))
    assert isinstance(answer, TimeToLimit)
    assert answer.probability == 1
    assert answer.earliest == answer.median == answer.latest == DAY * STEP


@pytest.mark.parametrize("kind", ["polling", "heavy tail", "daily", "intermittent", "growing"])
def test_the_band_holds_as_often_as_it_says(kind: str) -> None:
    """60 futures a kind: the limit is reached inside the 90 % band as often as chance allows (binomial, 99.9 %)."""
    held = issued = 0
    for seed in range(60):
        random = np.random.default_rng(seed)
        series = made(kind, random, 20 * DAY)
        past, future = series[: 10 * DAY], series[10 * DAY :]
        rest = float(past.sum()) * random.uniform(0.1, 0.7)
        answer = asked(past, Meter(rest, 0.0))
        if isinstance(answer, NoTime):
            continue
        real = float((np.cumsum(future) >= rest).argmax() + 1) * STEP
        issued += 1
        held += (answer.earliest or math.inf) <= real <= (answer.latest or math.inf)
    assert issued >= 50
    assert held >= 0.9 * issued - 3.1 * (issued * 0.09) ** 0.5


def test_a_meter_that_is_full_says_so() -> None:
    """Even without any past."""
    assert asked(np.zeros(0), Meter(5.0, 5.0)) == TimeToLimit(1.0, 0.0, 0.0, 0.0, 0.0, 0.9)


def test_a_period_that_ends_before_lowers_the_chance() -> None:
    """Half of what is to come fits into the period: not reached, and nothing is said beyond its end."""
    random = np.random.default_rng(2)
    answer = asked(random.poisson(20, 4 * DAY).astype(np.float64), Meter(20.0 * DAY, 0.0, DAY / 2 * STEP))
    assert answer == TimeToLimit(0.0, DAY / 2 * STEP, None, None, None, 0.9)


def test_a_limit_beyond_the_reach_of_the_past_is_not_dated() -> None:
    """Four days of past say nothing about a limit that is years away but that it is not near."""
    answer = asked(np.random.default_rng(2).poisson(20, 4 * DAY).astype(np.float64), Meter(1e9, 0.0))
    assert answer == TimeToLimit(0.0, 4 * DAY * STEP, None, None, None, 0.9)


def test_a_past_that_misled_is_not_believed() -> None:
    """Traffic that grew a thousandfold: what was said then would have been wrong by more than threefold."""
    series = np.exp(np.linspace(0, 7, 20 * DAY)) * np.random.default_rng(1).random(20 * DAY)
    assert asked(series, Meter(float(series.sum()) * 0.6, 0.0)) is NoTime.UNFORETOLD


@pytest.mark.parametrize("hours", [0, 2, 8])
def test_a_short_past_gives_no_time(hours: int) -> None:
    """Less than eight blocks of an hour at each trial."""
    assert asked(np.ones(hours * 6), Meter(1e3, 0.0)) is NoTime.SHORT


def test_the_same_draw_gives_the_same_band() -> None:
    """Randomness is given from outside."""
    series = np.random.default_rng(4).lognormal(8, 1, 5 * DAY)
    assert asked(series, Meter(1e6, 0.0), 3) == asked(series, Meter(1e6, 0.0), 3)


@given(
    st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=300),
    st.floats(1e-300, 1e18),
    st.floats(0, 1e18),
    st.floats(1, 1e9) | st.just(math.inf),
    st.integers(1, 8),
)
@settings(deadline=None, max_examples=60)
def test_any_numbers_give_an_answer(numbers: list[float], limit: float, used: float, left: float, times: int) -> None:
    """Whatever comes: a chance, with times in order, or a reason."""
    answer = asked(np.array(numbers * times, np.float64), Meter(limit, used, left))
    if isinstance(answer, NoTime):
        return
    assert 0 <= answer.probability <= 1
    times_said = [time for time in (answer.earliest, answer.median, answer.latest) if time is not None]
    assert times_said == sorted(times_said)
    assert all(0 <= time <= answer.within for time in times_said)
