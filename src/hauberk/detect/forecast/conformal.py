"""Intervals from past errors: rolling conformal prediction with the adaptive correction of Gibbs and Candès (NeurIPS 2021).

The score of a forecast is ``|sqrt(actual) - sqrt(said)|``: amounts of traffic vary the more the larger they are, and the square
root evens that out, so that an interval is wider above than below and never reaches under 0.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np

from hauberk.detect.forecast.models import Values

_WINDOW: Final = 2016
"""Scores kept: two weeks of ten minutes."""
_PACE = 0.05
"""How fast the level answers to misses, a horizon (Gibbs and Candès call it gamma)."""
_ROUNDING = 1e-12
"""Share that squares and roots may lose."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """``radius``: on the scale of the square root, at each origin; NaN until enough is known. ``held``: share of known outcomes
    that lay within; None where there were none."""

    radius: Values
    held: float | None


def least_scores(coverage: float, steps: int) -> int:
    """How many overlapping scores an interval of ``coverage`` needs: as many disjoint horizons as give its rank."""
    return math.ceil(steps * coverage / (1 - coverage) - 1e-9)


def calibrate(scores: Values, steps: int, coverage: float) -> Calibration:
    """The radius of the interval at every origin, from the scores that were known by then.

    ``scores``: by origin, NaN where unknown; that of an origin is known ``steps`` later. Scores of overlapping horizons are counted
    as the disjoint ones that they are worth.
    """
    radius = np.full(len(scores), np.nan)
    ranked: list[float] = []
    order: deque[float] = deque()
    level, least = coverage, least_scores(coverage, steps)
    held = outcomes = 0
    values = scores.tolist()
    for place in range(len(values)):
        score = values[place - steps] if place >= steps else math.nan
        if not math.isnan(score):
            then = float(radius[place - steps])
            if not math.isnan(then):
                outcomes += 1
                held += score <= then
                level += _PACE / steps * (coverage - (score <= then))
            insort(ranked, score)
            order.append(score)
            if len(order) > _WINDOW:
                del ranked[bisect_left(ranked, order.popleft())]
        if len(ranked) >= least:
            radius[place] = _quantile(ranked, level, steps)
    return Calibration(radius, held / outcomes if outcomes else None)


def _quantile(ranked: list[float], level: float, steps: int) -> float:
    """The score at the conformal rank of ``level``; beyond the largest it grows on, so that misses always widen the interval."""
    rank = (len(ranked) + steps) * max(level, 0.0)
    if rank > len(ranked):
        return ranked[-1] * rank / len(ranked)
    return ranked[max(math.ceil(rank - 1e-9), 1) - 1]


def scores_of(said: Values, actual: Values) -> Values:
    """The score of each forecast; NaN where the outcome is unknown."""
    result: Values = np.abs(np.sqrt(actual) - np.sqrt(said))
    return result


def interval(said: float, radius: float) -> tuple[float, float]:
    """The amounts whose score is at most ``radius``. Outcomes often lie on the very edge, for traffic repeats itself: the edge is
    moved out by what rounding may take."""
    root = math.sqrt(said)
    high = (root + radius) * (1 + _ROUNDING)
    return max(0.0, root - radius - high * _ROUNDING) ** 2, high**2
