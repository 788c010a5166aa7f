"""When an amount that adds up reaches its limit: a month's data volume, a counter, a disk.

What may come is drawn from blocks of the device's own past (moving block bootstrap, Künsch 1989). Each path first draws which part
of the past it believes in, so that the band is the wider the less was seen. The same is then tried at moments of the past, with the
limit in proportion to what was known by then, and the band is stretched until it would have held (conformalized quantiles,
Romano, Patterson and Candès 2019). Where it would have to be stretched too far, the past does not foretell and nothing is said.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from hauberk.detect.forecast.models import SEASONS, Values
from hauberk.detect.forecast.outlook import clean

_PATHS: Final = 1000
_LEAST_BLOCKS: Final = 8
"""Blocks that the past must hold."""
_TRIALS: Final = 12
_TRIAL_PATHS: Final = 250
_LEAST_TRIALS: Final = 6
_FIRST_TRIAL = 0.3
"""Share of the past that the first trial knows."""
_MEMORIES: Final = (1.0, 1 / 3)
"""Shares of the past to draw from: all of it, or its end where the level moves; the trials decide."""
_ADVANTAGE = 0.2
"""By how much (a logarithm) less a shorter memory must be stretched to be preferred, half as much again where drift is taken out:
the best of several flatters itself."""
_MOST_STRETCH: Final = math.log(3.0)

Times = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Meter:
    """``limit``: what may add up from a moment on, of which ``used`` is gone; ``left``: seconds until the meter starts again,
    infinite where it never does."""

    limit: float
    used: float
    left: float = math.inf


@dataclass(frozen=True, slots=True)
class TimeToLimit:
    """With ``probability`` the limit is reached within ``within`` seconds, which is how far the past reaches or the meter runs.

    ``earliest``, ``median``, ``latest``: seconds until then, at the ends and in the middle of a band of ``coverage``; None where
    that lies beyond ``within``. All 0 where it is reached already.
    """

    probability: float
    within: float
    earliest: float | None
    median: float | None
    latest: float | None
    coverage: float


class NoTime(StrEnum):
    """Why there is no time to a limit."""

    SHORT = "history too short"
    UNFORETOLD = "the past did not foretell itself"


def time_to_limit(
    bins: Values, step_seconds: float, meter: Meter, random: np.random.Generator, coverage: float = 0.9
) -> TimeToLimit | NoTime:
    """When ``meter`` reaches its limit if the future is like the past in ``bins`` (amounts, NaN or negative for gaps).

    Says nothing beyond as many seconds as the past that it draws from.
    """
    if meter.used >= meter.limit:
        return TimeToLimit(1.0, 0.0, 0.0, 0.0, 0.0, coverage)
    bins = clean(bins)
    rest = meter.limit - meter.used
    tried: list[tuple[float, float, Times]] = []
    for memory in _MEMORIES:
        times = _times(bins, step_seconds, rest, random, _PATHS, memory)
        if times is None:
            continue
        trials = _trials(bins, step_seconds, rest, random, coverage, memory, _band(times, coverage)[1])
        if len(trials) < _LEAST_TRIALS:
            continue
        tried.append((_stretch(trials, coverage), 0.0 if memory == 1 else _ADVANTAGE, times))
        drift = _drift(trials)
        if drift is not None:
            shares, low, _, high, real = trials.T
            moved = np.exp(np.polyval(drift, shares))
            mended = np.column_stack([shares, low * moved, low, high * moved, real])
            later = times * math.exp(float(np.polyval(drift, 1.0)))
            tried.append((_stretch(mended, coverage), 1.5 * _ADVANTAGE, later))
    if not tried:
        return NoTime.SHORT
    stretch, _, times = min(tried, key=lambda way: way[0] + way[1])
    if stretch > _MOST_STRETCH:
        return NoTime.UNFORETOLD
    within = min(meter.left / step_seconds, float(len(bins)))
    stretched = times * np.exp(stretch * np.sign(_rank(times)))
    stretched[stretched > within] = np.inf
    earliest, middle, latest = (_seconds(time, step_seconds) for time in _band(stretched, coverage))
    return TimeToLimit(float(np.isfinite(stretched).mean()), within * step_seconds, earliest, middle, latest, coverage)


def _seconds(bins: float, step_seconds: float) -> float | None:
    return bins * step_seconds if math.isfinite(bins) else None


def _band(times: Times, coverage: float) -> tuple[float, float, float]:
    """Lower end, middle and upper end; infinite where not enough paths get there."""
    low, middle, high = np.quantile(times, [(1 - coverage) / 2, 0.5, (1 + coverage) / 2], method="inverted_cdf").tolist()
    return low, middle, high


def _rank(times: Times) -> Times:
    """Where each lies among all: below 0 for the earlier half, above for the later."""
    places = np.empty(len(times))
    places[np.argsort(times, kind="stable")] = np.arange(len(times)) - (len(times) - 1) / 2
    return places


def _trials(
    bins: Values, step_seconds: float, rest: float, random: np.random.Generator, coverage: float, memory: float, median: float
) -> Values:
    """What would have been said in the past, and what came: rows of the share of the past that was known, the lower end, middle and
    upper end of the band, and the truth, in bins.

    ``median``: of the times that are asked for, in bins.
    """
    count = len(bins)
    last = 1 / (1 + min(1.0, median / count))
    rows = []
    for share in np.linspace(_FIRST_TRIAL, last, _TRIALS).tolist():
        now = round(share * count)
        need = rest * now / count
        times = _times(bins[:now], step_seconds, need, random, _TRIAL_PATHS, memory)
        if times is None:
            continue
        low, middle, high = _band(times, coverage)
        crossed = np.cumsum(np.nan_to_num(bins[now:])) >= need
        seen = float(count - now)
        if crossed.any():
            rows.append((share, low, middle, high, float(crossed.argmax() + 1)))
        elif low > seen:
            rows.append((share, low, middle, high, low))  # it did not come, as was said
        elif high < seen:
            rows.append((share, low, middle, high, seen))  # it should have come by now
    return np.array(rows, np.float64).reshape(-1, 5)


def _stretch(trials: Values, coverage: float) -> float:
    """By which factor (its logarithm) the bands of ``trials`` missed, at the conformal rank."""
    missed = []
    for _, low, _, high, real in trials.tolist():
        early = math.inf if math.isinf(low) and math.isfinite(real) else math.log(low / real) if math.isfinite(real) else 0.0
        late = math.log(real / high) if math.isfinite(real) and math.isfinite(high) else 0.0
        missed.append(max(early, late, 0.0))
    return sorted(missed)[min(math.ceil((len(missed) + 1) * coverage), len(missed)) - 1]


def _drift(trials: Values) -> Values | None:
    """The line by which the trials (as logarithms of truth over middle) came ever earlier, or later, than was said, as traffic does
    that grows or fades; None where they did not all err to one side."""
    shares, _, middle, _, real = trials.T
    if not (np.isfinite(middle).all() and np.isfinite(real).all()):
        return None
    errors = np.log(real / middle)
    if not ((errors > 0).all() or (errors < 0).all()):
        return None
    line: Values = np.polyfit(shares, errors, 1)
    return line if abs(float(np.polyval(line, 1.0))) <= _MOST_STRETCH else None


def _times(bins: Values, step_seconds: float, rest: float, random: np.random.Generator, paths: int, memory: float) -> Times | None:
    """After how many bins each of ``paths`` futures adds up to ``rest``, infinite where it does not in thrice the past's length;
    None where the past is too short."""
    reach = len(bins)
    bins = bins[reach - round(memory * reach) :]
    length = _block(bins, step_seconds)
    worlds = len(bins) // length
    if worlds < _LEAST_BLOCKS:
        return None
    known = sliding_window_view(bins, length)
    if length * step_seconds == SEASONS["day"]:
        known = known[len(bins) % length :: length]  # days that begin at the time of day that it is now
    blocks = known[~np.isnan(known).any(axis=1)]
    if len(blocks) < _LEAST_BLOCKS:
        return None
    believed = random.integers(len(blocks), size=(paths, worlds))
    drawn = np.take_along_axis(believed, random.integers(worlds, size=(paths, 3 * reach // length)), axis=1)
    return _crossings(blocks, drawn, rest)


def _block(bins: Values, step_seconds: float) -> int:
    """Bins of a block: a day where the past holds enough of them, else an hour."""
    day = round(SEASONS["day"] / step_seconds)
    return day if len(bins) >= _LEAST_BLOCKS * day else max(1, round(3600 / step_seconds))


def _crossings(blocks: Values, drawn: NDArray[np.int64], rest: float) -> Times:
    """After how many bins the blocks ``drawn`` for each path add up to ``rest``; infinite where they do not."""
    sums = np.cumsum(blocks.sum(axis=1)[drawn], axis=1)
    crossed = sums >= rest
    first = crossed.argmax(axis=1)
    paths = np.arange(len(drawn))
    before = np.where(first > 0, sums[paths, first - 1], 0.0)
    inside = before[:, None] + np.cumsum(blocks[drawn[paths, first]], axis=1) >= rest
    # Sums taken in another order differ in the last digit: then the block's end is the place.
    bins = np.where(inside.any(axis=1), inside.argmax(axis=1) + 1, blocks.shape[1])
    result: Times = np.where(crossed.any(axis=1), first * float(blocks.shape[1]) + bins, np.inf)
    return result
