"""Thresholds from benign history, for a stated number of false alarms.

The history is a set of block maxima: the highest evidence in each block of active time. Above their median they are taken to fall
off exponentially, as the maxima of a CUSUM do; that gives the height which is passed as often as the budget allows. Where the
history is too short to show that, the height is extrapolated, and ``supported`` says what the data themselves can show (rule of
three: nothing in T days shows no better than 3/T).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SLOTS_A_DAY = 144
_FLOOR = 10.5
"""Uniform p-values pass 6.9 once in a hundred device-days (theta = 1.985 at kappa = 1). Real ones depend on each other: it takes
three windows of the strongest evidence, whatever the history says."""
_STEEPEST = 1.0
"""Natural logarithms by which alarms become rarer for each unit of height, at most: 1.985 would hold for independent windows, but
windows of one activity come together."""
_WARM_UP = 0.25
"""Share of the history, its beginning, in which everything is new."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """What a history supports. ``threshold``: in log10 units. ``days``: active device-days behind it. ``supported``: false alarms a
    device-day that so many days without one can show, with 95 % confidence."""

    threshold: float
    days: float
    supported: float


def calibrate(peaks: NDArray[np.float64], days: float, budget: float) -> Calibration:
    """Threshold for ``budget`` false alarms a device-day from block maxima of one or more devices over ``days`` active days."""
    supported = 3.0 / days if days > 0 else math.inf
    if not len(peaks) or days <= 0:
        return Calibration(1.5 * _FLOOR, days, supported)
    middle = _median(peaks)
    above = peaks[peaks > middle]
    threshold = _FLOOR
    if len(above):
        slope = max(float(np.mean(above - middle)), 1 / _STEEPEST)
        rate = len(above) / days
        threshold = max(threshold, middle + slope * math.log(max(rate / budget, 1.0)))
    return Calibration(max(threshold, float(peaks.max()) + 1.0), days, supported)


def _median(values: NDArray[np.float64]) -> float:
    """As NumPy's, without its preparations: it is asked for once a device."""
    ordered = np.sort(values)
    half = len(ordered) // 2
    return float(ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2)


def history(peaks: NDArray[np.float32], active: int, width: int) -> tuple[NDArray[np.float64], float]:
    """Block maxima of one device without its warm-up, and the active days they cover. ``active``: ten-minute slots it was heard in,
    ``width``: slots a block."""
    blocks = -(-active // width) if active else 0
    skipped = int(blocks * _WARM_UP)
    kept = peaks[skipped:blocks].astype(np.float64)
    return kept, max(0.0, (active - skipped * width) / SLOTS_A_DAY)
