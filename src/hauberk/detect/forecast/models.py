"""The ways to forecast a total: each gives, for every moment of a series, what it would have said then about the next horizon.

Naive, seasonal naive and medians are simple enough to need no source; exponential smoothing with a damped trend is Gardner and
McKenzie (1985), in the notation of Hyndman and Athanasopoulos, "Forecasting: principles and practice", section 8.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Values = NDArray[np.float64]

NAIVE: Final = "naive"
SEASONS: Final[Mapping[str, float]] = {"day": 86400.0, "week": 604800.0}
REFERENCES: Final = frozenset({NAIVE, *(f"seasonal naive ({season})" for season in SEASONS)})
"""What a forecast must beat to be worth anything."""
_RECENT = 12
"""Horizons of which the recent median is taken."""
_SEASONS_BACK = 14
"""Days or weeks of which the median at one time of day or week is taken."""
_SMOOTHING = ((0.02, 0.0, 0.0), (0.1, 0.0, 0.0), (0.3, 0.0, 0.0), (0.3, 0.1, 0.9))
"""Weights of the newest value for level and trend, and the factor by which the trend fades a step."""


def totals(bins: Values, steps: int) -> Values:
    """Sum of the ``steps`` bins up to and including each; NaN where one of them is a gap or before the first."""
    result = np.full(len(bins), np.nan)
    if len(bins) >= steps:
        result[steps - 1 :] = sliding_window_view(bins, steps).sum(axis=1)
    return result


def candidates(bins: Values, steps: int, step_seconds: float) -> dict[str, Values]:
    """What each model says, at the end of each bin, of the sum of the next ``steps`` bins; the simplest first.

    ``bins``: amounts, NaN for gaps. NaN where a model does not know enough yet. A gap is bridged with what was last known.
    Models that would need more than half of the series before their first word are left out.
    """
    known = filled(totals(bins, steps))
    said = {NAIVE: known}
    for season, seconds in SEASONS.items():
        period = round(seconds / step_seconds)
        period *= math.ceil(steps / period)
        if period > steps:
            said[f"seasonal naive ({season})"] = later(known, period - steps)
        said[f"median by time of {season}"] = _median(later(known, k * period - steps) for k in range(1, _SEASONS_BACK + 1))
    said["recent median"] = _median(later(known, k * steps) for k in range(_RECENT))
    for weight, trend_weight, fading in _SMOOTHING:
        name = f"damped trend {weight:g}" if trend_weight else f"smoothing {weight:g}"
        said[name] = np.where(np.isnan(known), np.nan, smoothed(bins, steps, weight, trend_weight, fading))
    half = len(bins) // 2
    return {name: values for name, values in said.items() if not np.isnan(values[: half + 1]).all()}


def filled(values: Values) -> Values:
    """Each value, or the last one known before it."""
    places = np.where(np.isnan(values), 0, np.arange(len(values)))
    return values[np.maximum.accumulate(places)] if len(values) else values


def later(values: Values, steps: int) -> Values:
    """``values`` moved ``steps`` bins on; NaN where there was nothing before."""
    result = np.full(len(values), np.nan)
    if steps < len(values):
        result[steps:] = values[: len(values) - steps]
    return result


def smoothed(bins: Values, steps: int, weight: float, trend_weight: float, fading: float) -> Values:
    """Forecast of the next ``steps`` bins' sum by exponential smoothing, not below 0.

    ``weight`` and ``trend_weight`` (0 to 1) of the newest bin in level and trend; the trend fades by ``fading`` a step.
    """
    reach = sum((steps - k) * fading ** (k + 1) for k in range(steps)) if trend_weight else 0.0
    level, trend = math.nan, 0.0
    said = []
    for value in bins.tolist():
        if math.isnan(level):
            level = value
        elif not math.isnan(value):
            before = level
            level = weight * value + (1 - weight) * (level + fading * trend)
            trend = trend_weight * (level - before) + (1 - trend_weight) * fading * trend
        said.append(max(0.0, steps * level + reach * trend))
    return np.array(said, np.float64)


def _median(rows: Iterable[Values]) -> Values:
    """Median by column of what is no NaN; NaN where nothing is."""
    ranked = np.sort(np.stack(list(rows)), axis=0)
    count = (~np.isnan(ranked)).sum(axis=0)
    columns = np.arange(ranked.shape[1])
    some = np.maximum(count, 1)
    median = (ranked[(some - 1) // 2, columns] + ranked[some // 2, columns]) / 2
    return np.where(count > 0, median, np.nan)
