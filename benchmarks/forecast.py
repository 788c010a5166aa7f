"""How often forecast intervals hold, what skill forecasts have, and how many are dropped.

    python benchmarks/forecast.py [DATA]

``DATA``: the folder of development data (else ``HAUBERK_TEST_DATA``). At many moments of each series the forecast is made
from what came before, as a user would have had it, and compared with what came: first series made up of known kinds, then
captures. Skill is over the better, in hindsight, of the naive and the seasonal naive forecast at the moments at which there
was a forecast; for made-up series, of which there is one moment each, over the naive one.
"""

from __future__ import annotations

import math
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from detection_sources import data_folder, observe
from hauberk.detect.forecast.limits import Meter, TimeToLimit, time_to_limit
from hauberk.detect.forecast.models import REFERENCES, candidates, totals
from hauberk.detect.forecast.outlook import Forecast, Reason, forecast
from hauberk.detect.forecast.series import NAMES, Series
from hauberk.service.forecast import Forecasting

Values = NDArray[np.float64]

_STEP = 600.0
_DAY = 144
_CAPTURES = {
    "home-7day": ("captures/home-7day/*.pcap.xz",),
    "dnp3-qut2017 control": ("labelled/dnp3-qut2017/control_*.pcap.xz",),
    "iot23 benign": ("labelled/iot23/benign-*.gz",),
}
_SEEDS = 60
_TRIES = 12
"""Limits tried a series."""


@dataclass(slots=True)
class Tally:
    """Outcomes of one group of series."""

    series: int = 0
    asked: int = 0
    issued: int = 0
    held: int = 0
    width: list[float] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)
    errors: list[list[float]] = field(default_factory=list)
    times: int = 0
    times_held: int = 0
    times_unsaid: int = 0

    def skill(self) -> float:
        """Of the forecasts that were given; each moment's errors in units of the references' mean error in its series."""
        if not self.errors:
            return math.nan
        own, reference = np.array(self.errors).T
        return 1 - float(own.sum() / reference.sum()) if reference.sum() else math.nan


def judge(bins: Values, steps: int, step_seconds: float, coverage: float, tally: Tally) -> None:
    """Forecast at moments of ``bins``, five bins apart so that every time of the hour and of the day is met, and compare."""
    tally.series += 1
    said = candidates(bins, steps, step_seconds)
    total = totals(bins, steps)
    own: list[float] = []
    others: list[list[float]] = []
    for now in range(steps, len(bins) - steps + 1, 5):
        actual = total[now + steps - 1]
        if math.isnan(actual):
            continue
        answer = forecast(bins[:now], steps, step_seconds, coverage)
        tally.asked += 1
        if not isinstance(answer, Forecast):
            tally.dropped[answer.reason.name] += 1
            continue
        tally.issued += 1
        tally.held += answer.low <= actual <= answer.high
        tally.width.append((answer.high - answer.low) / max(answer.value, 1.0))
        own.append(abs(answer.value - actual))
        others.append([abs(float(said[name][now - 1]) - actual) for name in sorted(REFERENCES) if name in said])
    if own and others[0]:
        means = np.nanmean(np.array(others), axis=0)
        scale = float(np.min(means))
        if scale > 0:
            tally.errors += [[error / scale, 1.0] for error in own]


def judge_limits(bins: Values, tally: Tally, random: np.random.Generator) -> None:
    """Ask at moments of ``bins`` when some share of the past comes again, and compare."""
    for now in np.linspace(len(bins) // 3, 3 * len(bins) // 4, _TRIES).astype(int).tolist():
        rest = float(np.nansum(bins[:now])) * random.uniform(0.1, 0.3)
        if rest <= 0:
            continue
        answer = time_to_limit(bins[:now], _STEP, Meter(rest, 0.0), np.random.default_rng(1))
        if not isinstance(answer, TimeToLimit):
            tally.times_unsaid += 1
            continue
        future = np.cumsum(np.nan_to_num(bins[now:])) >= rest
        real = float(future.argmax() + 1) * _STEP if future.any() else math.inf
        if math.isinf(real) and answer.latest is not None and answer.latest > len(future) * _STEP:
            continue  # not seen to its end
        real = real if real <= answer.within else math.inf
        earliest, latest = (math.inf if end is None else end for end in (answer.earliest, answer.latest))
        tally.times += 1
        tally.times_held += earliest <= real <= latest


def made(kind: str, random: np.random.Generator, count: int) -> Values:
    """A series of a known kind."""
    moments = np.arange(count)
    makers: dict[str, Callable[[], Values]] = {
        "polling (Poisson)": lambda: random.poisson(20, count).astype(np.float64),
        "heavy tail (lognormal)": lambda: random.lognormal(8, 1, count),
        "daily rhythm (gamma)": lambda: random.gamma(3, 50 + 1000 * (1 + np.sin(2 * np.pi * moments / _DAY))),
        "intermittent": lambda: np.where(random.random(count) < 0.15, random.lognormal(9, 1, count), 0.0),
        "level shift (fourfold)": lambda: random.lognormal(8, 0.5, count) * np.where(moments > count // 3, 4, 1),
        "growth (sixfold)": lambda: random.lognormal(6, 0.3, count) * (1 + 5 * moments / count),
        "random walk (of the logarithm)": lambda: np.exp(8 + 0.05 * np.cumsum(random.normal(size=count))),
    }
    return makers[kind]()


KINDS = (
    *("polling (Poisson)", "heavy tail (lognormal)", "daily rhythm (gamma)", "intermittent"),
    *("level shift (fourfold)", "growth (sixfold)", "random walk (of the logarithm)"),
)


def simulated(days: int, steps: int, factor: int, *, limits: bool) -> None:
    """One forecast and one limit a series, so that outcomes are independent. ``factor``: bins put together to one, of which
    ``steps`` make a horizon."""
    seconds = _STEP * factor
    print(f"Made-up series, {days} days, next {steps * seconds / 3600:g} h, 90%: one forecast" + " and one limit each" * limits)
    for kind in KINDS:
        tally = Tally()
        for seed in range(_SEEDS):
            random = np.random.default_rng(seed)
            bins = made(kind, random, 2 * days * _DAY)
            wide = bins.reshape(-1, factor).sum(axis=1)
            now = len(wide) // 2
            actual = float(wide[now : now + steps].sum())
            answer = forecast(wide[:now], steps, seconds)
            tally.asked += 1
            tally.series += 1
            if isinstance(answer, Forecast):
                tally.issued += 1
                tally.held += answer.low <= actual <= answer.high
                tally.width.append((answer.high - answer.low) / max(answer.value, 1.0))
                unit = float(wide[:now].mean()) * steps
                errors = abs(answer.value - actual), abs(float(wide[now - steps : now].sum()) - actual)
                tally.errors.append([error / unit for error in errors])
            else:
                tally.dropped[answer.reason.name] += 1
            if limits:
                _limit_once(bins, random, tally)
        show(kind, tally)


def _limit_once(bins: Values, random: np.random.Generator, tally: Tally) -> None:
    """A limit of 10 % to 70 % of what the first half of ``bins`` holds."""
    past, future = np.split(bins, 2)
    rest = float(past.sum()) * random.uniform(0.1, 0.7)
    band = time_to_limit(past, _STEP, Meter(rest, 0.0), np.random.default_rng(1))
    if isinstance(band, TimeToLimit):
        crossed = np.cumsum(future) >= rest
        real = float(crossed.argmax() + 1) * _STEP if crossed.any() else math.inf
        earliest, latest = (math.inf if end is None else end for end in (band.earliest, band.latest))
        tally.times += 1
        tally.times_held += earliest <= real <= latest
    else:
        tally.times_unsaid += 1


def captured(data: Path) -> None:
    """Captures and logs of benign traffic; none is long enough to compare forecasts of a day."""
    groups: dict[str, list[Series]] = {}
    for name, patterns in _CAPTURES.items():
        for path in sorted(path for pattern in patterns for path in data.glob(pattern)):
            forecasting = Forecasting()
            forecasting.run(observe(path))
            groups.setdefault(name, []).extend(forecasting.series())
    for coverage in (0.9, 0.8):
        print(f"Captures, next hour, {coverage:.0%}")
        everything: dict[str, Tally] = defaultdict(Tally)
        for name, fleet in groups.items():
            by_metric: dict[str, Tally] = defaultdict(Tally)
            for series, (place, metric) in ((series, row) for series in fleet for row in enumerate(NAMES)):
                judge(series.amounts[place], 6, series.seconds, coverage, by_metric[metric])
                if coverage == 0.9:
                    judge_limits(series.amounts[place], by_metric[metric], np.random.default_rng(place))
            for metric, tally in by_metric.items():
                show(f"{name}, {metric}", tally)
                add(everything[""], tally)
        for tally in everything.values():
            show("all", tally)


def add(whole: Tally, part: Tally) -> None:
    """Put the outcomes of ``part`` to those of ``whole``."""
    for name in ("series", "asked", "issued", "held", "times", "times_held", "times_unsaid"):
        setattr(whole, name, getattr(whole, name) + getattr(part, name))
    whole.width += part.width
    whole.errors += part.errors
    whole.dropped += part.dropped


def show(name: str, tally: Tally) -> None:
    """One line."""
    held = f"{tally.held / tally.issued:6.1%}" if tally.issued else "     -"
    width = f"{float(np.median(tally.width)):5.2f}" if tally.width else "    -"
    times = f"{tally.times_held}/{tally.times} ({tally.times_unsaid} unsaid)" if tally.times + tally.times_unsaid else ""
    dropped = ", ".join(f"{count} {reason}" for reason, count in _by_reason(tally.dropped))
    print(
        f"  {name:38s} {tally.series:3d} series {tally.asked:5d} asked {tally.issued:5d} given  held {held}  "
        f"width/value {width}  skill {tally.skill():+5.2f}  limits {times:24s} dropped: {dropped or '-'}"
    )


def _by_reason(dropped: Counter[str]) -> Iterator[tuple[str, int]]:
    for reason in Reason:
        if dropped[reason.name]:
            yield reason.name, dropped[reason.name]


def main(arguments: Iterable[str]) -> None:
    """Print the tables."""
    folders = list(arguments)
    began = time.process_time()
    simulated(8, 6, 1, limits=True)
    simulated(20, 24, 6, limits=False)
    captured(Path(folders[0]) if folders else data_folder())
    print(f"{time.process_time() - began:.0f} s of CPU")


if __name__ == "__main__":
    main(sys.argv[1:])
