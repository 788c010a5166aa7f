"""Forecasts: coverage on series whose future is known, skill, gaps, and whatever numbers come."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hauberk.detect.forecast.conformal import calibrate, interval, least_scores, scores_of
from hauberk.detect.forecast.models import candidates, filled, smoothed, totals
from hauberk.detect.forecast.outlook import Forecast, NoForecast, Reason, forecast

DAY = 144
STEP = 600.0
HOUR = 6


def made(kind: str, seed: int, count: int) -> NDArray[np.float64]:
    """A series of one kind in bins of ten minutes."""
    random = np.random.default_rng(seed)
    time = np.arange(count)
    if kind == "polling":
        return random.poisson(20, count).astype(np.float64)
    if kind == "heavy tail":
        return random.lognormal(8, 1, count)
    if kind == "daily":
        return random.gamma(3, 50 + 1000 * (1 + np.sin(2 * np.pi * time / DAY)))
    if kind == "intermittent":
        return np.where(random.random(count) < 0.15, random.lognormal(9, 1, count), 0.0)
    if kind == "level shift":
        return random.lognormal(8, 0.5, count) * np.where(time > count // 3, 4, 1)
    assert kind == "trend"
    return random.lognormal(6, 0.3, count) * (1 + 5 * time / count)


KINDS = ("polling", "heavy tail", "daily", "intermittent", "level shift", "trend")


@pytest.mark.parametrize("kind", KINDS)
def test_the_interval_holds_as_often_as_it_says(kind: str) -> None:
    """80 futures a kind: as many 90 % intervals hold as chance allows (binomial, 99.9 %), and most are given."""
    held = issued = 0
    for seed in range(80):
        series = made(kind, seed, 6 * DAY + HOUR)
        said = forecast(series[:-HOUR], HOUR, STEP)
        if isinstance(said, Forecast):
            issued += 1
            held += said.low <= series[-HOUR:].sum() <= said.high
    assert issued >= 60
    assert held >= 0.9 * issued - 3.1 * (issued * 0.09) ** 0.5


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("coverage", [0.8, 0.95])
def test_rolling_intervals_hold_over_a_long_past(kind: str, coverage: float) -> None:
    """Over 20 days the share that held is within 3 points of what was stated."""
    said = forecast(made(kind, 1, 20 * DAY), HOUR, STEP, coverage)
    assert isinstance(said, Forecast)
    assert said.held is not None
    assert abs(said.held - coverage) < 0.03


def test_the_correction_follows_errors_that_grow() -> None:
    """Errors ten times as large from the middle on: rolling quantiles alone would lag, the correction keeps the share."""
    random = np.random.default_rng(3)
    scores = np.abs(random.normal(size=4000)) * np.where(np.arange(4000) < 2000, 1, 10)
    held = calibrate(scores, 1, 0.9).held
    assert held is not None
    assert held == pytest.approx(0.9, abs=0.01)


def test_a_calibration_needs_enough_disjoint_horizons() -> None:
    """Nine scores allow 90 %, eight do not; six overlapping ones count as one."""
    assert [least_scores(0.9, 1), least_scores(0.9, 6), least_scores(0.8, 24)] == [9, 54, 96]
    scores = np.arange(1.0, 11.0)
    assert np.flatnonzero(~np.isnan(calibrate(scores, 1, 0.9).radius)).tolist() == [9]


def test_an_interval_does_not_reach_below_nothing() -> None:
    """Wider above than below, and 0 at least."""
    assert interval(4.0, 1.0) == pytest.approx((1.0, 9.0))
    assert interval(1.0, 3.0) == pytest.approx((0.0, 16.0))


@given(st.floats(0, 1e15).map(lambda amount: 0.0 if amount < 1e-9 else amount), st.just(0.0) | st.floats(1e-9, 1e15))
def test_an_outcome_on_the_edge_lies_within(said: float, actual: float) -> None:
    """Rounding does not put an amount outside of the interval that its own score makes."""
    low, high = interval(said, float(scores_of(np.array([said]), np.array([actual]))[0]))
    assert low <= actual <= high


def test_what_stood_in_the_past_is_what_a_user_would_have_had() -> None:
    """Traffic that repeats itself but for some hours: forecasts made anew at each moment hold as often as they say."""
    random = np.random.default_rng(9)
    series = 100.0 + 1000 * (np.arange(8 * DAY) % HOUR == 0) + 500 * (random.random(8 * DAY) < 0.03)
    outcomes = []
    for now in range(6 * DAY, len(series) - HOUR):
        said = forecast(series[:now], HOUR, STEP)
        if isinstance(said, Forecast):
            outcomes.append(said.low <= series[now : now + HOUR].sum() <= said.high)
    assert len(outcomes) > 100
    assert np.mean(outcomes) == pytest.approx(0.9, abs=0.08)


def test_a_daily_rhythm_is_found() -> None:
    """The median by time of day wins where days repeat, with skill."""
    said = forecast(made("daily", 5, 14 * DAY), HOUR, STEP)
    assert isinstance(said, Forecast)
    assert said.model == "median by time of day"
    assert said.skill > 0.05


def test_a_random_walk_has_nothing_better_than_its_last_value() -> None:
    """No model beats the naive one but by chance: most walks are dropped and none shows much skill."""
    dropped = 0
    for seed in range(30):
        random = np.random.default_rng(seed)
        # Totals of one bin: longer sums of a walk are smooth, which a trend model may rightly use.
        said = forecast(np.exp(8 + 0.2 * np.cumsum(random.normal(size=6 * DAY))), 1, STEP)
        dropped += isinstance(said, NoForecast)
        if isinstance(said, NoForecast):
            assert said.reason is Reason.NO_SKILL
            assert said.skill is not None
            assert said.skill <= 0.02
        else:
            assert said.skill < 0.05
    assert dropped >= 20


@pytest.mark.parametrize(
    "series,reason",
    [
        (np.full(6 * DAY, 7.0), Reason.STEADY),
        (np.tile(np.arange(6.0), DAY), Reason.STEADY),
        (np.zeros(6 * DAY), Reason.SILENT),
        (np.concatenate([np.ones(4 * DAY), np.zeros(DAY)]), Reason.SILENT),
        (np.arange(40.0), Reason.SHORT),
        (np.zeros(0), Reason.SHORT),
        (np.append(np.random.default_rng(1).random(500), np.nan), Reason.SHORT),
    ],
    ids=["constant", "repeats every hour", "never heard", "gone", "short", "empty", "ends in a gap"],
)
def test_what_cannot_be_forecast_says_why(series: NDArray[np.float64], reason: Reason) -> None:
    """Each with its reason."""
    said = forecast(series, HOUR, STEP)
    assert isinstance(said, NoForecast)
    assert said.reason is reason


def test_gaps_do_not_count_as_silence() -> None:
    """A fifth of the bins unknown in stretches: the forecast stays near that of the whole series."""
    series = made("polling", 2, 10 * DAY)
    holed = series.copy()
    for begin in range(100, len(series) - 60, 150):
        holed[begin : begin + 30] = np.nan
    whole, rest = forecast(series, HOUR, STEP), forecast(holed, HOUR, STEP)
    assert isinstance(whole, Forecast)
    assert isinstance(rest, Forecast)
    assert rest.value == pytest.approx(whole.value, rel=0.1)
    assert rest.low < 120 < rest.high


def test_no_forecast_sees_the_future() -> None:
    """What every model says at a moment is the same whatever comes after."""
    series = made("daily", 4, 8 * DAY)
    other = series.copy()
    other[6 * DAY :] = 0
    for name, said in candidates(series, HOUR, STEP).items():
        known = candidates(other, HOUR, STEP)[name]
        assert np.array_equal(said[: 6 * DAY], known[: 6 * DAY], equal_nan=True), name
        assert name.startswith("seasonal") or not np.array_equal(said[6 * DAY :], known[6 * DAY :], equal_nan=True)


def test_past_intervals_do_not_depend_on_what_came_after() -> None:
    """A cut series gives the forecast that stood at that place."""
    scores = np.abs(np.random.default_rng(6).normal(size=400))
    whole, part = calibrate(scores, HOUR, 0.9), calibrate(scores[:300], HOUR, 0.9)
    assert np.array_equal(whole.radius[:300], part.radius, equal_nan=True)


def test_the_same_series_gives_the_same_forecast() -> None:
    """Nothing is drawn by lot."""
    series = made("heavy tail", 8, 6 * DAY)
    assert forecast(series, HOUR, STEP) == forecast(series.copy(), HOUR, STEP)


def test_totals_and_bridged_gaps() -> None:
    """A total that holds a gap is unknown; bridging repeats the last one known."""
    bins = np.array([1.0, 2.0, np.nan, 4.0, 5.0])
    assert np.array_equal(totals(bins, 2), [np.nan, 3, np.nan, np.nan, 9], equal_nan=True)
    assert np.array_equal(filled(totals(bins, 2)), [np.nan, 3, 3, 3, 9], equal_nan=True)


def test_a_damped_trend_fades() -> None:
    """On a ramp a trend says more than the level alone, yet less than the ramp without end."""
    ramp = np.arange(1.0, 101.0)
    level, trend = smoothed(ramp, HOUR, 0.3, 0.0, 0.0)[-1], smoothed(ramp, HOUR, 0.3, 0.1, 0.9)[-1]
    assert level < trend < sum(range(101, 107))


@given(
    st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=400),
    st.sampled_from([(1, 600.0), (6, 600.0), (24, 3600.0)]),
    st.floats(0.5, 0.99),
    st.integers(1, 40),
)
@settings(deadline=None)
def test_any_numbers_give_an_answer(numbers: list[float], horizon: tuple[int, float], coverage: float, times: int) -> None:
    """Whatever comes: a finite interval around the value, with skill, or a reason."""
    said = forecast(np.array(numbers * times, np.float64), *horizon, coverage)
    if isinstance(said, Forecast):
        assert 0 <= said.low <= said.value * (1 + 1e-9) + 1e-9
        assert said.value <= said.high * (1 + 1e-9) + 1e-9
        assert np.isfinite(said.high)
        assert said.skill > 0
    else:
        assert said.reason in Reason
