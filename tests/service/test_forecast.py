"""Forecasts of a stream: what is asked, how meters run, and the records."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hauberk.detect.forecast.series import NAMES, Series
from hauberk.errors import SettingError
from hauberk.service.forecast import Limit, Question, anything_said, parse_horizon, parse_limits, series_records

DAY = 144


def series(count: int = 7 * DAY) -> Series:
    """A device that sends about 20 bytes in ten minutes."""
    amounts = np.random.default_rng(1).poisson(20, (len(NAMES), count)).astype(np.float64)
    return Series("mac-1", ("10.0.0.1",), 1_700_000_400.0, 600.0, amounts, np.zeros(len(NAMES)))


@pytest.mark.parametrize(
    "text,seconds", [("10m", 600), ("1h", 3600), ("24h", 86400), ("1d", 86400), ("7d", 604800), ("1w", 604800)]
)
def test_horizons_are_read(text: str, seconds: float) -> None:
    """Durations that the bins can make up."""
    assert parse_horizon(text) == seconds


@pytest.mark.parametrize("text", ["", "1", "5m", "15m", "12.5h", "8d", "-1h", "1y", "1h 2h", "9" * 20 + "h"])
def test_other_horizons_are_refused(text: str) -> None:
    """With words that say what is taken."""
    with pytest.raises(SettingError, match="for instance"):
        parse_horizon(text)


def test_limits_are_read() -> None:
    """Decimal and binary units, with and without period."""
    assert parse_limits(["bytes_out=2GB/30d", "bytes_in=1.5MiB", "packets=10k/1h"]) == (
        Limit("bytes_out", 2e9, 30 * 86400.0),
        Limit("bytes_in", 1.5 * 1024**2, math.inf),
        Limit("packets", 1e4, 3600.0),
    )


@pytest.mark.parametrize(
    "texts",
    [["x=1"], ["packets"], ["packets=1B"], ["packets="], ["bytes_out=2i"], ["bytes_out=0"], ["bytes_out=1/1m"], ["bytes_out=1/"]],
)
def test_other_limits_are_refused(texts: list[str]) -> None:
    """Unknown metrics, amounts and periods."""
    with pytest.raises(SettingError):
        parse_limits(texts)


def test_one_metric_has_one_limit() -> None:
    """Two would leave open which is meant."""
    with pytest.raises(SettingError, match="two limits"):
        parse_limits(["packets=1", "packets=2"])


@given(st.text(max_size=30), st.text(max_size=10))
def test_any_text_is_read_or_refused(text: str, period: str) -> None:
    """Nothing but ``SettingError`` comes out."""
    for call in (lambda: parse_horizon(text), lambda: parse_limits([text]), lambda: parse_limits([f"packets={text}/{period}"])):
        try:
            call()
        except SettingError as error:
            assert str(error)  # noqa: PT017 - refused with words, or read


def test_a_record_holds_the_forecast_and_the_limit() -> None:
    """One record a metric; numbers around what the series does."""
    found = list(series_records(series(), Question(limits=(Limit("packets", 1e6, 30 * 86400.0),))))
    assert [record["metric"] for record in found] == list(NAMES)
    packets = found[NAMES.index("packets")]
    value, low, high = (packets[name] for name in ("value", "low", "high"))
    assert isinstance(value, float)
    assert isinstance(low, float)
    assert isinstance(high, float)
    assert 80 < low < value < high < 160
    limit = packets["limit"]
    assert isinstance(limit, dict)
    assert limit["used"] == series().amounts[NAMES.index("packets")].sum()
    assert limit["resets_in"] == 30 * 86400.0 - (7 * DAY + 1) * 600
    assert found[0]["limit"] is None
    assert anything_said(found)


@pytest.mark.parametrize("period,bins", [(86400.0, 1), (3 * 86400.0, DAY + 1), (math.inf, 7 * DAY)])
def test_a_meter_begins_again_each_period(period: float, bins: int) -> None:
    """Periods count from the beginning of the bin in which the device was first heard, one before the series."""
    found = next(iter(series_records(series(), Question(limits=(Limit("bytes_out", 1e6, period),)))))["limit"]
    assert isinstance(found, dict)
    amounts = series().amounts[0]
    assert found["used"] == amounts[len(amounts) - bins :].sum()


def test_a_day_ahead_is_told_in_hours() -> None:
    """A week is too short for 90 %, and the record says how much would do; it is enough for 80 %."""
    refused = next(iter(series_records(series(), Question(horizon=86400.0))))
    assert (refused["reason"], refused["history_needed"]) == ("history too short", 11 * 86400.0 - 3600)
    assert not anything_said([refused])
    given_one = list(series_records(series(), Question(horizon=86400.0, coverage=0.8)))
    assert {record["horizon"] for record in given_one} == {86400.0}
    assert all(record["reason"] in {None, "no skill"} for record in given_one)
