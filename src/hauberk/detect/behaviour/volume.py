"""The volume model: how much each device usually does, in windows of 10 s, 60 s and 10 min.

Arrays with one row a device; about 26 kB each. What it learned of a kind of device is the prior of those that are new.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hauberk.detect.behaviour import volume_kernel as kernel
from hauberk.detect.behaviour.budget import Calibration, calibrate, history
from hauberk.detect.behaviour.roster import Roster, grown, without_room
from hauberk.detect.features.frame import Span
from hauberk.detect.features.metrics import ADDITIVE, METRICS, M
from hauberk.detect.features.windows import WINDOW
from hauberk.model.finding import Band

SECONDS = tuple(int(WINDOW) * int(ratio) for ratio in kernel.RATIOS)
_LINEAR = np.zeros(len(METRICS))
_LINEAR[M.DNS_ENTROPY], _LINEAR[M.UPLOAD_SHARE] = 8.0, 0.4
_ADDITIVE = np.array([metric in ADDITIVE for metric in M])
NEW_DEVICE = 13.5
"""Threshold of a device that was not heard while learning."""
_MOST_KINDS = 64
_MOST_ALARMS = 8
_SHOWN = 3
_EVERYTHING = np.iinfo(np.int64).max // 2


class VolumeAlarm(NamedTuple):
    """A sum of evidence over its threshold: the device's row, the scale, the window's number and that of the first that counted,
    the heaviest metrics with their parts of the sum and the largest value, the sum and its threshold."""

    row: int
    scale: int
    window: int
    began: int
    metrics: tuple[tuple[M, float, float], ...]
    height: float
    threshold: float

    @property
    def end(self) -> float:
        """When the window ended, epoch seconds."""
        return float((self.window + 1) * SECONDS[self.scale])


class Change(NamedTuple):
    """A lasting change: the device's row, when it was seen (epoch seconds), and the Kolmogorov-Smirnov distance."""

    row: int
    time: float
    distance: float


class Volume:
    """Histograms, sums of evidence and thresholds of every device."""

    def __init__(self, quiet: float, budget: float, drift_days: float, drift_distance: float, relearn: float) -> None:
        """``quiet`` and ``relearn`` in seconds; ``budget``: false alarms a device-day; ``drift_days``: active days on both sides
        that a comparison needs."""
        self.budget = budget
        slots = drift_days * 144
        self._limits = np.array([quiet / WINDOW, slots, slots / 2, drift_distance, relearn / WINDOW])
        self.roster = Roster()
        self.kinds: dict[str, int] = {}
        self.since: NDArray[np.float64] = np.zeros(0)
        self._kind: NDArray[np.int64] = np.zeros(0, np.int64)
        metrics, scales = len(METRICS), kernel.SCALES
        self._kind_counts = np.zeros((_MOST_KINDS, scales, metrics, kernel.BINS), np.float32)
        self._kind_n = np.zeros((_MOST_KINDS, scales))
        self._counts: NDArray[np.float32] = np.zeros((0, scales, metrics, kernel.BINS), np.float32)
        self._n: NDArray[np.float32] = np.zeros((0, scales), np.float32)
        self._total = np.zeros((0, scales))
        self._last = np.zeros((0, scales), np.int64)
        self._ring: NDArray[np.float32] = np.zeros((0, scales, kernel.RECENT, metrics + 1), np.float64)
        self._ring_at = np.zeros((0, scales), np.int64)
        self._peaks: NDArray[np.float32] = np.zeros((0, scales, kernel.PEAKS), np.float32)
        self._active = np.zeros((0, scales), np.int64)
        self._width = np.ones((0, scales), np.int64)
        self._last_slot = np.zeros((0, scales), np.int64)
        self._season: NDArray[np.float32] = np.zeros((0, kernel.SLOTS), np.float32)
        self._season_n: NDArray[np.float32] = np.zeros((0, kernel.SLOTS), np.float32)
        self._threshold = np.zeros((0, scales))
        self._quiet_until = np.zeros(0)
        self._relearn = np.zeros(0)
        self._contributed: NDArray[np.float32] = np.zeros((0, scales, metrics), np.float32)
        self._began = np.zeros((0, scales), np.int64)
        self._peak: NDArray[np.float32] = np.zeros((0, scales, metrics), np.float32)
        self._sums = np.zeros((0, scales - 1, metrics))
        self._sum_window = np.zeros((0, scales - 1), np.int64)
        self._sum_taught = np.zeros((0, scales - 1), np.bool_)
        self._frozen: NDArray[np.float32] = np.zeros((0, kernel.BINS), np.float32)
        self._frozen_n = np.zeros(0)
        self._recent: NDArray[np.float32] = np.zeros((0, kernel.BINS), np.float32)
        self._recent_n = np.zeros(0)
        self._changed = np.zeros(0)
        self._calibrated = False

    def saved(self) -> dict[str, object]:
        """What a snapshot holds: rows of devices, not the room beyond them."""
        return without_room(vars(self), len(self.roster), ("_limits", "_kind_counts", "_kind_n"))

    def begin_stream(self) -> None:
        """Another stream begins: what was learned stays, what is of the moment goes."""
        self._total[:] = 0
        self._contributed[:] = 0
        self._last[:] = -1
        self._sum_window[:] = -1
        self._sums[:] = 0
        self._ring_at[:] = 0
        self._quiet_until[:] = -math.inf
        self._relearn[:] = -math.inf
        self._recent[:] = 0
        self._recent_n[:] = 0
        self._changed[:] = -math.inf

    def observe(self, span: Span, kinds: Sequence[str | None]) -> Iterator[VolumeAlarm | Change]:
        """Judge and learn the windows of a span. ``kinds``: of its devices, None where not known. What is told while the iterator
        stands still is as it was at that moment."""
        rows = self._rows(span, kinds)[span.device]
        split = int(np.flatnonzero(span.taught)[-1]) + 1 if span.taught.any() else 0
        for part in (slice(0, split), slice(split, len(rows))):
            if part.start == part.stop:
                continue
            self._calibrated &= part.stop > split
            if part.start == split and not self._calibrated:
                # What was learned of longer windows ends here, whether or not they go on: it must not depend on who speaks next.
                yield from self._flush(_EVERYTHING)
                self.calibrate()
            given = (rows[part], span.window[part], span.values[part], span.taught[part], _LINEAR, _ADDITIVE)
            at = 0
            while at < len(rows[part]):
                alarms, changes, count = _room()
                at = kernel.run(at, *given, *self._shared(alarms, changes, count))
                yield from self._told(alarms, changes, int(count[0]))

    def flush(self, until: float) -> Iterator[VolumeAlarm | Change]:
        """Judge the longer windows that end at or before ``until`` (epoch seconds)."""
        return self._flush(int(until // WINDOW) if math.isfinite(until) else (_EVERYTHING if until > 0 else 0))

    def _flush(self, window: int) -> Iterator[VolumeAlarm | Change]:
        at = 0
        while at < len(self.roster):
            alarms, changes, count = _room()
            at = kernel.flush(at, len(self.roster), window, _LINEAR, *self._shared(alarms, changes, count))
            yield from self._told(alarms, changes, int(count[0]))

    def _shared(self, alarms: object, changes: object, change_count: object) -> tuple[object, ...]:
        state = (
            *(self._counts, self._n, self._total, self._last, self._ring, self._ring_at, self._peaks, self._active, self._width),
            *(self._last_slot, self._season, self._season_n, self._threshold, self._quiet_until, self._relearn),
            *(self._contributed, self._began, self._peak),
        )
        steady = (self._frozen, self._frozen_n, self._recent, self._recent_n, self._changed, changes, change_count)
        return (
            state,
            (self._kind, self._kind_counts, self._kind_n),
            alarms,
            self._limits,
            self._sums,
            self._sum_window,
            self._sum_taught,
            steady,
        )

    def _told(
        self, alarms: tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]], changes: NDArray[np.float64], count: int
    ) -> Iterator[VolumeAlarm | Change]:
        for place in range(int(alarms[2][0])):
            row, scale, window, began = alarms[0][place].tolist()
            height, threshold, *parts = alarms[1][place].tolist()
            order = sorted(M, key=lambda metric: -parts[metric])
            heaviest = tuple(
                (metric, parts[metric], parts[len(METRICS) + metric]) for metric in order[:_SHOWN] if parts[metric] > 1
            )
            yield VolumeAlarm(row, scale, window, began, heaviest, height, threshold)
        for row, window, distance in changes[:count].tolist():
            yield Change(int(row), float((window + 1) * SECONDS[-1]), distance)

    def _rows(self, span: Span, kinds: Sequence[str | None]) -> NDArray[np.int64]:
        known = len(self.roster)
        rows = self.roster.enter(span.ids)
        if len(self.roster) > known:
            self._grow(len(self.roster))
            heard, first = np.unique(span.device, return_index=True)  # rows are in order of windows
            since = np.zeros(len(rows))
            since[heard] = span.window[first] * WINDOW
            fresh = rows >= known
            self.since[rows[fresh]] = since[fresh]
        for row, kind in zip(rows.tolist(), kinds, strict=True):
            if row >= 0 and kind is not None and self._kind[row] < 0:
                number = self.kinds.setdefault(kind, len(self.kinds))
                self._kind[row] = number if number < _MOST_KINDS else -1
        return rows

    def _grow(self, count: int) -> None:
        names = (
            "_counts",
            "_n",
            "_total",
            "_ring",
            "_ring_at",
            "_peaks",
            "_active",
            "_season",
            "_season_n",
            "_sums",
            "_sum_taught",
            "_contributed",
            "_began",
            "_peak",
        )
        for name in (*names, "_frozen", "_frozen_n", "_recent", "_recent_n", "since"):
            setattr(self, name, grown(getattr(self, name), count))
        for name, fill in (("_kind", -1), ("_last", -1), ("_last_slot", -1), ("_sum_window", -1), ("_width", 1)):
            setattr(self, name, grown(getattr(self, name), count, fill))
        for name in ("_quiet_until", "_relearn", "_changed"):
            setattr(self, name, grown(getattr(self, name), count, -math.inf))
        self._threshold = grown(self._threshold, count, NEW_DEVICE)

    def calibrate(self) -> None:
        """Set every threshold from what was learned: of the device's kind, and never below what the device itself has reached."""
        for scale in range(kernel.SCALES):
            pools: dict[int, list[int]] = {}
            for row in range(len(self.roster)):
                pools.setdefault(int(self._kind[row]), []).append(row)
            for members in pools.values():
                share = self.budget / kernel.SCALES
                pooled = self._calibration(members, scale, share)
                for row in members:
                    if not self._active[row, scale]:
                        self._threshold[row, scale] = NEW_DEVICE
                        continue
                    own = self._calibration([row], scale, share)
                    self._threshold[row, scale] = max(own.threshold, pooled.threshold if own.days < 1 else 0.0)
        self._calibrated = True

    def _calibration(self, members: Sequence[int], scale: int, budget: float) -> Calibration:
        parts = [history(self._peaks[row, scale], int(self._active[row, scale]), int(self._width[row, scale])) for row in members]
        peaks = np.concatenate([part[0] for part in parts]) if parts else np.zeros(0)
        return calibrate(peaks, sum(part[1] for part in parts), budget)

    def calibration(self, row: int) -> Calibration:
        """What the history of a device supports, for windows of 10 s."""
        return self._calibration([row], 0, self.budget / kernel.SCALES)

    def relearn(self, device: str, seconds: float) -> bool:
        """Learn what a device does for so long from when it was last heard, and judge it no more till then; false where it is not
        known."""
        row = self.roster.row(device)
        if row < 0:
            return False
        self._relearn[row] = float(self._last[row, 0]) + seconds / WINDOW
        return True

    def describe(self) -> dict[str, object]:
        """What was learned of each kind of device, and what number of false alarms so much history can support."""
        members: dict[str, list[int]] = {}
        for row in range(len(self.roster)):
            members.setdefault(self.kind_of(row) or "unknown kind", []).append(row)
        kinds = {}
        for kind, rows in sorted(members.items()):
            pooled = self._calibration(rows, 0, self.budget / kernel.SCALES)
            kinds[kind] = {
                "devices": len(rows),
                "active_device_days": round(pooled.days, 2),
                "supported_false_alarms_a_device_day": round(pooled.supported, 3) if pooled.days else None,
                "threshold": round(pooled.threshold, 1),
            }
        return {"devices": len(self.roster), "budget_a_device_day": self.budget, "kinds": kinds}

    def kind_of(self, row: int) -> str | None:
        """Kind of the device in ``row``, where known."""
        number = int(self._kind[row])
        return next((kind for kind, value in self.kinds.items() if value == number), None) if number >= 0 else None

    def band(self, row: int, scale: int, metric: M) -> tuple[Band | None, int]:
        """2nd, 50th and 98th percentile of a metric of a device over windows in which it was heard, and how many there were."""
        samples = int(self._n[row, scale])
        return _band(self._counts[row, scale, metric], metric) if samples else None, samples

    def kind_band(self, row: int, scale: int, metric: M) -> Band | None:
        """The same of all devices of its kind; None where the kind is not known."""
        number = int(self._kind[row])
        return None if number < 0 else _band(self._kind_counts[number, scale, metric], metric)

    def series(self, row: int, scale: int, metric: M) -> tuple[tuple[float, float], ...]:
        """The latest windows of a device: (when it ended, value), oldest first."""
        end = int(self._ring_at[row, scale])
        places = [place % kernel.RECENT for place in range(max(0, end - kernel.RECENT), end)]
        ring = self._ring[row, scale]
        return tuple((float((ring[place, -1] + 1) * SECONDS[scale]), float(ring[place, metric])) for place in places)


def _room() -> tuple[tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]], NDArray[np.float64], NDArray[np.int64]]:
    """Where the kernel puts alarms and changes."""
    alarms = (np.zeros((_MOST_ALARMS, 4), np.int64), np.zeros((_MOST_ALARMS, 2 + 2 * len(METRICS))), np.zeros(1, np.int64))
    return alarms, np.zeros((_MOST_ALARMS, 3)), np.zeros(1, np.int64)


def _band(counts: NDArray[np.float32], metric: M) -> Band | None:
    total = float(counts.sum())
    if not total:
        return None
    share = np.cumsum(counts, dtype=np.float64) / total
    low, middle, high = (int(np.searchsorted(share, part)) for part in (0.02, 0.5, 0.98))
    return Band(
        _value(low, metric, 0.0), _value(middle, metric, 0.5 if middle else 0.0), _value(high, metric, 1.0 if high else 0.0)
    )


def _value(place: int, metric: M, within: float) -> float:
    """The value at share ``within`` of a bin."""
    linear = float(_LINEAR[metric])
    if linear:
        return (place + within) / linear
    return round(2 ** ((place + within) / 2) - 1, 1) if place or within else 0.0
