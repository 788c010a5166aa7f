"""The forecast of one series: a model with skill and an interval that holds what it says, or the reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from hauberk.detect.forecast.backtest import BURN_IN, backtest
from hauberk.detect.forecast.conformal import calibrate, interval, least_scores, scores_of
from hauberk.detect.forecast.models import REFERENCES, SEASONS, Values, candidates, totals

_MOST_BINS: Final = 5040
"""Bins looked back on: 35 days of ten minutes, 210 days of hours."""
_LEAST_JUDGED = 2
"""Horizons over which skill is judged at least."""
MOST: Final = 1e15
"""The largest amount in a bin that is believed, a petabyte; more is taken for a gap."""


class Reason(StrEnum):
    """Why there is no forecast: too little was seen; nothing was sent for a day; the last value, or the last period, comes again
    exactly; or no model is better than repeating it."""

    SHORT = "history too short"
    SILENT = "silent for a day"
    STEADY = "never varies"
    NO_SKILL = "no skill"


@dataclass(frozen=True, slots=True)
class Forecast:
    """The sum over the next horizon will be about ``value``, and with probability ``coverage`` between ``low`` and ``high``.

    ``model``: which one said so. ``skill``: see ``Backtest``; above 0. ``held``: share of past intervals that held, None where
    there were none to compare. ``origins``: how many past forecasts were judged.
    """

    model: str
    value: float
    low: float
    high: float
    coverage: float
    held: float | None
    skill: float
    origins: int


@dataclass(frozen=True, slots=True)
class NoForecast:
    """Why there is none. ``skill``: of the best model, where one could be judged. ``needed``: bins of history that would do, where
    there were too few."""

    reason: Reason
    skill: float | None = None
    needed: int = 0


def clean(bins: Values) -> Values:
    """The last ``_MOST_BINS`` amounts, NaN for what cannot be one."""
    recent = np.asarray(bins, np.float64)[-_MOST_BINS:]
    result: Values = np.where((recent >= 0) & (recent <= MOST), recent, np.nan)
    return result


def forecast(bins: Values, steps: int, step_seconds: float, coverage: float = 0.9) -> Forecast | NoForecast:
    """Forecast the sum of the next ``steps`` bins.

    ``bins``: float64, amounts in consecutive spans of ``step_seconds``; whatever is not finite or below 0 is a gap.
    ``coverage``: of the interval, above 0 and below 1.
    """
    bins = clean(bins)
    needed = max(2 * steps + least_scores(coverage, steps), (3 + BURN_IN + _LEAST_JUDGED) * steps) - 1
    if np.count_nonzero(~np.isnan(bins)) < needed or np.isnan(bins[-1]):
        return NoForecast(Reason.SHORT, needed=needed)
    day = round(SEASONS["day"] / step_seconds)
    if not np.nan_to_num(bins[-max(day, steps) :]).any():
        return NoForecast(Reason.SILENT)
    known = bins[~np.isnan(bins)]
    if (known == known[0]).all():
        return NoForecast(Reason.STEADY)
    said = candidates(bins, steps, step_seconds)
    past = backtest(said, totals(bins, steps), steps) if said else None
    if past is None or past.origins < _LEAST_JUDGED * steps:
        return NoForecast(Reason.SHORT, needed=needed)
    if past.skill is None:
        return NoForecast(Reason.STEADY)
    if past.skill <= 0 or past.model in REFERENCES:
        return NoForecast(Reason.NO_SKILL, past.skill)
    calibration = calibrate(scores_of(past.said, past.actual), steps, coverage)
    value, radius = float(past.said[-1]), float(calibration.radius[-1])
    if np.isnan(radius):
        return NoForecast(Reason.SHORT, past.skill, needed)
    low, high = interval(value, radius)
    return Forecast(past.model, value, low, high, coverage, calibration.held, past.skill, past.origins)
