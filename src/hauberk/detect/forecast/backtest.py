"""Which model to believe, by what each would have said in the past (rolling origin), and what skill the choice had.

The choice is made anew at every origin from errors that were known by then, so that skill and residuals are out of sample: the best
of many in hindsight is not what a user would have had (prequential choice, Dawid 1984).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hauberk.detect.forecast.models import REFERENCES, Values, later

BURN_IN = 2
"""Horizons of known errors before the choice is judged."""


@dataclass(frozen=True, slots=True)
class Backtest:
    """``model``: the one to believe now. ``said``: forecast of the model that was believed at each origin. ``actual``: what came;
    NaN where that is not known, or nothing was said.

    ``skill``: 1 - (mean absolute error / that of the better of the naive forecasts) on the same ``origins``; None where there
    are none, or where the naive forecast is exact.
    """

    model: str
    said: Values
    actual: Values
    skill: float | None
    origins: int


def backtest(said: Mapping[str, Values], total: Values, steps: int) -> Backtest:
    """Judge the forecasts ``said`` by model against ``total``, the sums of ``steps`` bins up to each.

    All arrays are of one length; forecasts at place t are of ``total`` at t + ``steps``.
    """
    names = list(said)
    forecasts = np.stack([said[name] for name in names])
    actual = np.full(len(total), np.nan)
    actual[: max(len(total) - steps, 0)] = total[steps:]
    errors = np.abs(forecasts - actual)
    scored = ~np.isnan(errors).any(axis=0)
    known = np.cumsum(np.where(scored, errors, 0.0), axis=1)
    known = np.stack([np.nan_to_num(later(row, steps)) for row in known])
    believed = known.argmin(axis=0)
    places = np.arange(len(total))
    count = np.nan_to_num(later(np.cumsum(scored), steps))
    judged = scored & (count >= BURN_IN * steps)
    skill = None
    if judged.any():
        means = errors[:, judged].mean(axis=1)
        reference = min(mean for name, mean in zip(names, means.tolist(), strict=True) if name in REFERENCES)
        if reference > 0:
            skill = 1 - float(errors[believed[judged], places[judged]].mean()) / reference
    chosen = forecasts[believed, places]
    model = names[int(believed[-1])]
    return Backtest(model, chosen, np.where(scored, actual, np.nan), skill, int(judged.sum()))
