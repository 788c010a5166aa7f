"""Forecasts for every device in a stream of observations, and when limits are reached, as records for people and programs."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from hauberk.detect.features.windows import FeatureWindows
from hauberk.detect.forecast.limits import Meter, TimeToLimit, time_to_limit
from hauberk.detect.forecast.outlook import Forecast, Reason, forecast
from hauberk.detect.forecast.series import NAMES, Gathering, Series, coarser
from hauberk.errors import SettingError
from hauberk.inventory import Inventory
from hauberk.model.observation import Observations
from hauberk.service.record import Record

_WINDOW = 60.0
_BIN: Final = 600.0
_HOURS: Final = 6
"""Bins of an hour, which longer horizons are forecast in."""
_LONG: Final = 43200.0
_LONGEST: Final = 7 * 86400.0
_SEED = 1
_UNITS: Final = {"m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)([mhdw])")
_AMOUNT = re.compile(r"(\d{1,15}(?:\.\d{1,9})?)([kMGTP]?i?)(B?)")
_SCALE: Final = {prefix: power for power, prefix in enumerate(("", "k", "M", "G", "T", "P"))}
_METRIC_UNITS: Final = {"bytes_out": "B", "bytes_in": "B"}


@dataclass(frozen=True, slots=True)
class Limit:
    """``amount`` of ``metric`` may add up in each period of ``period`` seconds, counted from the device's first traffic; infinite:
    for ever."""

    metric: str
    amount: float
    period: float = math.inf


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be forecast: the sum over the next ``horizon`` seconds with an interval of ``coverage``, and when ``limits`` are
    reached. ``devices``: ids or addresses; empty for all.
    """

    horizon: float = 3600.0
    coverage: float = 0.9
    limits: tuple[Limit, ...] = ()
    devices: frozenset[str] = frozenset()


def parse_horizon(text: str) -> float:
    """Seconds of ``1h``, ``24h`` or ``7d``; a multiple of ten minutes, of hours from twelve hours on, and at most a week."""
    seconds = _seconds(text)
    step = _BIN if seconds < _LONG else _BIN * _HOURS
    if not _BIN <= seconds <= _LONGEST or seconds % step:
        raise SettingError(
            f"'{text}' is no horizon: give 10m to 7d, in steps of ten minutes, from 12h on of whole hours; for instance 1h or 24h"
        )
    return seconds


def parse_limits(texts: Sequence[str]) -> tuple[Limit, ...]:
    """Read limits such as ``bytes_out=2GB/30d`` or ``conversations_begun=10k``; one a metric."""
    limits = tuple(_limit(text) for text in texts)
    if len({limit.metric for limit in limits}) < len(limits):
        raise SettingError("one metric has two limits: give each metric one --limit")
    return limits


def _limit(text: str) -> Limit:
    metric, equals, rest = text.partition("=")
    if not equals or metric not in NAMES:
        raise SettingError(f"'{text}' is no limit: give METRIC=AMOUNT[/PERIOD] with one of {', '.join(NAMES)}")
    amount, slash, period = rest.partition("/")
    match = _AMOUNT.fullmatch(amount)
    if match is None or (match[3] and metric not in _METRIC_UNITS) or match[2] == "i":
        raise SettingError(f"'{amount}' is no amount of {metric}: give a number such as 500M, for bytes also 2GB or 2GiB")
    binary = match[2].endswith("i")
    value = float(match[1]) * (1024.0 if binary else 1000.0) ** _SCALE[match[2].removesuffix("i")]
    seconds = _seconds(period) if slash else math.inf
    if value <= 0 or seconds < _BIN:
        raise SettingError(f"'{text}' is no limit: the amount must be above 0 and the period at least 10m")
    return Limit(metric, value, seconds)


def _seconds(text: str) -> float:
    match = _DURATION.fullmatch(text)
    if match is None:
        raise SettingError(f"'{text}' is no duration: give a number and m, h, d or w, for instance 24h or 30d")
    return float(match[1]) * _UNITS[match[2]]


class Forecasting:
    """Collects what devices do and then says what is to be expected."""

    def __init__(self) -> None:
        self._inventory = Inventory()
        self._windows = FeatureWindows(self._inventory, _WINDOW)
        self._gathering = Gathering(_BIN)

    def run(self, batches: Iterable[Observations]) -> None:
        """Take in a stream to its end."""
        for batch in batches:
            self._inventory.observe(batch)
            self._take(batch)
        # A log tells no end.
        self._take(Observations(watermark=math.inf))

    def _take(self, batch: Observations) -> None:
        for span in self._windows.spans(batch, {}, learning=False):
            self._gathering.add(span)

    def series(self) -> Iterator[Series]:
        """What each device did in bins of ten minutes."""
        return self._gathering.series(self._inventory.device)

    def records(self, question: Question) -> Iterator[Record]:
        """A record a device and metric. Raises ``SettingError`` where a device that was asked for is not there."""
        missing = set(question.devices)
        for series in self.series():
            names = question.devices & {series.device, *series.addresses}
            if names or not question.devices:
                missing -= names
                yield from series_records(series, question)
        if missing:
            raise SettingError(
                f"no whole ten minutes of traffic of {', '.join(sorted(missing))}: see 'hauberk inspect --emit devices'"
            )


def series_records(series: Series, question: Question) -> Iterator[Record]:
    """A record a metric of one device. ``series``: in bins of ten minutes."""
    long = question.horizon >= _LONG
    used = coarser(series, _HOURS) if long else series
    steps = round(question.horizon / used.seconds)
    limits = {limit.metric: limit for limit in question.limits}
    for place, metric in enumerate(NAMES):
        said = forecast(used.amounts[place], steps, used.seconds, question.coverage)
        yield {
            "device": series.device,
            "addresses": list(series.addresses),
            "metric": metric,
            "unit": _METRIC_UNITS.get(metric, ""),
            "from": series.end,
            "horizon": question.horizon,
            "history": int(np.count_nonzero(~np.isnan(series.amounts[place]))) * series.seconds,
            "coverage": question.coverage,
            **_said(said, used.seconds),
            "limit": _limit_record(series, place, limits[metric], question.coverage) if metric in limits else None,
        }


def _said(said: object, step_seconds: float) -> Mapping[str, object]:
    if isinstance(said, Forecast):
        return {
            "model": said.model,
            "skill": round(said.skill, 4),
            "value": said.value,
            "low": said.low,
            "high": said.high,
            "coverage_measured": None if said.held is None else round(said.held, 4),
            "judged": said.origins,
            "reason": None,
            "history_needed": None,
        }
    reason, skill, needed = said.reason, said.skill, said.needed  # type: ignore[attr-defined]
    return {
        "model": None,
        "skill": None if skill is None else round(skill, 4),
        "value": None,
        "low": None,
        "high": None,
        "coverage_measured": None,
        "judged": 0,
        "reason": str(reason),
        "history_needed": needed * step_seconds if reason is Reason.SHORT else None,
    }


def _limit_record(series: Series, place: int, limit: Limit, coverage: float) -> Record:
    """When the meter of one metric reaches its limit; times are seconds after the beginning of the forecast."""
    meter = _meter(series, place, limit)
    answer = time_to_limit(series.amounts[place], series.seconds, meter, np.random.default_rng(_SEED), coverage)
    record: dict[str, object] = {
        "amount": limit.amount,
        "period": None if math.isinf(limit.period) else limit.period,
        "used": meter.used,
        "resets_in": None if math.isinf(meter.left) else meter.left,
    }
    if isinstance(answer, TimeToLimit):
        return record | {
            "probability": answer.probability,
            "within": answer.within,
            "earliest": answer.earliest,
            "median": answer.median,
            "latest": answer.latest,
            "reason": None,
        }
    nothing = dict.fromkeys(("probability", "within", "earliest", "median", "latest"))
    return record | nothing | {"reason": str(answer)}


def _meter(series: Series, place: int, limit: Limit) -> Meter:
    """How far the meter has run in the period that the end of the series lies in."""
    amounts = np.nan_to_num(series.amounts[place])
    elapsed = series.seconds * (len(amounts) + 1)
    if math.isinf(limit.period):
        return Meter(limit.amount, float(series.before[place] + amounts.sum()))
    inside = elapsed % limit.period
    bins = round(inside / series.seconds)
    used = float(amounts[len(amounts) - bins :].sum()) if bins else 0.0
    if bins > len(amounts):
        used = float(series.before[place] + amounts.sum())
    return Meter(limit.amount, used, limit.period - inside)


def anything_said(records: Collection[Record]) -> bool:
    """Whether there is any forecast, or any time to a limit, in ``records``."""
    for record in records:
        limit = record["limit"]
        if record["model"] is not None or (isinstance(limit, Mapping) and limit["reason"] is None):
            return True
    return False
