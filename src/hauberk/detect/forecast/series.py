"""What each device sent and received over time, gathered from windows of features; silence is told from gaps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from hauberk.detect.features.frame import Span
from hauberk.detect.features.metrics import M
from hauberk.detect.forecast.models import Values

NAMES: Final = ("bytes_out", "bytes_in", "packets", "conversations_begun")
"""What is forecast, in the order of ``Series.amounts``."""
OUTAGE: Final = 3600.0
"""Seconds without any packet of anybody after which nobody was listening."""
_MOST_DEVICES: Final = 4096
_LOOSE: Final = 1 << 16
"""Rows after which those of one device and bin are put together."""


@dataclass(frozen=True, slots=True)
class Series:
    """What one device did in consecutive bins.

    ``start``: of the first bin, epoch seconds; ``seconds``: width of a bin. ``amounts``: float64, one row a name of ``NAMES``, NaN
    where nobody listened. ``before``: of each, seen before the first whole bin.
    """

    device: str
    addresses: tuple[str, ...]
    start: float
    seconds: float
    amounts: Values
    before: Values

    @property
    def end(self) -> float:
        """Epoch seconds at which the last bin ends, and the forecast begins."""
        count: int = self.amounts.shape[1]
        return self.start + count * self.seconds


class Gathering:
    """Adds up windows in bins of ``seconds`` by device and address. Memory goes with the bins in which a device was heard.

    ``seconds`` is a multiple of the length of a window.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds: Final = seconds
        self._places: dict[tuple[str, str], int] = {}
        self._rows: list[Values] = []
        self._loose = 0
        self._heard: set[int] = set()

    def add(self, span: Span) -> None:
        """Take in the windows of a span; a window may come in parts."""
        bins = (span.window * span.seconds // self.seconds).astype(np.int64)
        self._heard.update(np.unique(bins).tolist())
        places = np.array([self._place(subject) for subject in zip(span.ids, span.addresses, strict=True)], np.int64)
        values = span.values
        part = np.empty((len(values), 2 + len(NAMES)))
        part[:, 0] = places[span.device]
        part[:, 1] = bins
        part[:, 2], part[:, 3] = values[:, M.BYTES_OUT], values[:, M.BYTES_IN]
        part[:, 4] = values[:, M.PACKETS_OUT] + values[:, M.PACKETS_IN]
        part[:, 5] = values[:, M.BEGUN]
        self._rows.append(part[part[:, 0] >= 0])
        self._loose += len(part)
        if self._loose > _LOOSE:
            self._rows, self._loose = [_merged(np.concatenate(self._rows))], 0

    def series(self, holder: Callable[[str], str | None]) -> Iterator[Series]:
        """The devices in the order in which they were met. ``holder``: the device that an address is known to belong to by now.

        The first and the last bin of the traffic, and the bin in which a device was first heard, are seen in part and left out.
        """
        if len(self._heard) < 3:
            return
        rows = np.concatenate(self._rows)
        heard = np.array(sorted(self._heard))
        unheard = _unheard(heard, self.seconds)
        owners: dict[str, list[int]] = {}
        addresses: dict[str, dict[str, None]] = {}
        for (device, address), place in self._places.items():
            owner = holder(address) or device
            owners.setdefault(owner, []).append(place)
            addresses.setdefault(owner, {})[address] = None
        order = np.argsort(rows[:, 0], kind="stable")
        rows = rows[order]
        bounds = np.searchsorted(rows[:, 0], np.arange(len(self._places) + 1))
        for owner, places in owners.items():
            own = np.concatenate([rows[bounds[place] : bounds[place + 1]] for place in places])
            first, last = int(own[:, 1].min()), int(heard[-1])
            if last - first < 2:
                continue
            amounts = np.zeros((len(NAMES), last - first))
            kept = own[own[:, 1] < last]
            for metric in range(len(NAMES)):
                np.add.at(amounts[metric], kept[:, 1].astype(np.int64) - first, kept[:, 2 + metric])
            before = amounts[:, 0].copy()
            amounts[:, unheard[(unheard >= first) & (unheard < last)] - first] = np.nan
            yield Series(owner, tuple(addresses[owner]), (first + 1) * self.seconds, self.seconds, amounts[:, 1:], before)

    def _place(self, subject: tuple[str, str]) -> int:
        place = self._places.get(subject)
        if place is None:
            if len(self._places) >= _MOST_DEVICES:
                return -1
            place = self._places[subject] = len(self._places)
        return place


def _merged(rows: Values) -> Values:
    """One row a device and bin."""
    keys, inverse = np.unique(rows[:, :2], axis=0, return_inverse=True)
    sums = [np.bincount(inverse, rows[:, column], len(keys)) for column in range(2, rows.shape[1])]
    return np.column_stack([keys, *sums])


def _unheard(heard: np.ndarray[tuple[int], np.dtype[np.int64]], seconds: float) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Bins, and those that border on them, of stretches too long for mere silence."""
    gaps = np.flatnonzero((np.diff(heard) - 1) * seconds >= OUTAGE)
    # The bins at both ends of a gap were heard in part.
    stretches = [np.arange(heard[gap], heard[gap + 1] + 1) for gap in gaps]
    return np.concatenate([*stretches, np.zeros(0, np.int64)])


def coarser(series: Series, factor: int) -> Series:
    """The same in bins ``factor`` times as wide, aligned at the end; what is left over at the beginning counts as ``before``."""
    count = series.amounts.shape[1] // factor
    over = series.amounts.shape[1] - count * factor
    before = series.before + np.nan_to_num(series.amounts[:, :over]).sum(axis=1)
    amounts = series.amounts[:, over:].reshape(len(NAMES), count, factor).sum(axis=2)
    return Series(series.device, series.addresses, series.start + over * series.seconds, series.seconds * factor, amounts, before)
