"""How much a device does: conformal evidence, sums, kinds, seasons and lasting change."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hauberk.detect.behaviour import volume_kernel as kernel
from hauberk.detect.behaviour.volume import NEW_DEVICE, Change, Volume, VolumeAlarm
from hauberk.detect.features.metrics import METRICS, M
from hauberk.detect.state.codec import decode, encode

DAY = 8640
"""Windows of 10 s."""
HIST = st.lists(st.integers(0, 30), min_size=kernel.BINS, max_size=kernel.BINS)
NOBODY = np.zeros(kernel.BINS, np.float32)
Values = np.ndarray[tuple[int, int], np.dtype[np.float64]]


def model(drift_days: float = 1.0) -> Volume:
    """A model with the limits that are the default."""
    return Volume(3600.0, 0.01, drift_days, 0.5, 24 * 3600.0)


def evidence(counts: Sequence[float], place: int, kind: Any = NOBODY) -> float:
    """Evidence of one bin against counts of the device and of its kind."""
    own = np.array(counts, np.float32)
    return float(kernel.evidence_of(own, float(own.sum()), np.array(kind, np.float32), float(sum(kind)), place))


def usual(windows: np.ndarray[tuple[int], np.dtype[np.int64]], size: float = 1000.0) -> Values:
    """A device that sends ``size`` bytes, give or take a third, in every window."""
    chance = np.random.default_rng(int(windows[0]) if len(windows) else 0)
    values = np.zeros((len(windows), len(METRICS)))
    values[:, M.BYTES_OUT] = size * chance.uniform(0.67, 1.33, len(windows))
    values[:, M.PACKETS_OUT] = np.maximum(1, values[:, M.BYTES_OUT] // 100)
    values[:, M.PEERS] = 1
    return values


def go(volume: Volume, span: Any, windows: Any, values: Values, name: str = "cam", **more: Any) -> list[VolumeAlarm | Change]:
    """Judge or learn windows of one device and all that passes with them."""
    kind = more.pop("kind", None)
    told = list(volume.observe(span([name], np.zeros(len(windows), int), windows, values, **more), [kind]))
    return told + list(volume.flush(float(windows[-1] + 1) * 10))


@pytest.fixture
def learned(span: Any) -> Callable[..., Volume]:
    """A model that has seen days of one device."""

    def learn(days: float = 2.0, size: float = 1000.0, kind: str | None = None, step: int = 6) -> Volume:
        volume = model()
        windows = np.arange(0, int(days * DAY), step)
        assert not go(volume, span, windows, usual(windows, size), taught=True, kind=kind)
        return volume

    return learn


@settings(deadline=None)
@given(HIST)
def test_the_largest_of_n_has_a_p_value_of_one_in_n_plus_one(counts: list[int]) -> None:
    """(1 + k) / (1 + n) at every bin that was met, and 1 / (1 + n) beyond, times the tail once there are 20."""
    top = max((place for place, count in enumerate(counts) if count), default=-1)
    n = sum(counts)
    for place in range(top + 1):
        assert evidence(counts, place) == pytest.approx(-math.log10((1 + sum(counts[place:])) / (1 + n)), abs=1e-6)
    if 0 <= top < kernel.BINS - 1:
        beyond = evidence(counts, top + 1) - math.log10(n + 1)
        assert 0 < beyond <= 0.4343 if n >= 20 else beyond == pytest.approx(0, abs=1e-6)


@settings(deadline=None)
@given(HIST, HIST | st.just([0] * kernel.BINS))
def test_evidence_never_falls_with_the_value(counts: list[int], kind: list[int]) -> None:
    """More is never less odd, with or without devices of its kind."""
    scores = [evidence(counts, place, kind) for place in range(kernel.BINS)]
    assert all(low <= high + 1e-9 for low, high in itertools.pairwise(scores))
    assert min(scores) >= -1e-9


@settings(deadline=None)
@given(st.floats(0, 1e18), st.floats(0, 1e18), st.sampled_from([0.0, 0.4, 8.0]))
def test_bins_are_in_order(low: float, high: float, linear: float) -> None:
    """A larger value has no smaller bin, and none is beyond the last."""
    low, high = sorted((low, high))
    assert 0 <= kernel.bin_of(low, linear) <= kernel.bin_of(high, linear) < kernel.BINS


def test_one_extreme_window_never_alerts_alone(span: Any, learned: Callable[..., Volume]) -> None:
    """Everything at its limit within one window of 10 s, then as before."""
    volume = learned()
    windows = np.arange(2 * DAY, 2 * DAY + 360, 6)
    values = usual(windows)
    values[20] = 1e15
    assert not go(volume, span, windows, values)


def test_a_device_that_was_never_heard_may_begin_with_anything(span: Any, learned: Callable[..., Volume]) -> None:
    """Its first window is beyond everything known of it, which is nothing."""
    volume = learned()
    assert not go(volume, span, np.array([2 * DAY]), np.full((1, len(METRICS)), 1e12), "new")


def test_a_lasting_flood_alerts_once(span: Any, learned: Callable[..., Volume]) -> None:
    """A thousand times the packets for five minutes: soon told with the metric and its size, then quiet for an hour."""
    volume = learned()
    windows = np.arange(2 * DAY, 2 * DAY + 30)
    values = usual(windows)
    values[:, M.PACKETS_OUT] = 10_000
    told = [alarm for alarm in go(volume, span, windows, values) if isinstance(alarm, VolumeAlarm)]
    (alarm,) = told
    assert alarm.end <= (2 * DAY + 6) * 10
    assert alarm.began == 2 * DAY
    assert alarm.height > alarm.threshold
    metric, part, seen = alarm.metrics[0]
    assert (metric, seen) == (M.PACKETS_OUT, 10_000)
    assert part > 10


def test_a_flood_while_learning_is_learned(span: Any) -> None:
    """What went on all the time is usual, whatever it was."""
    volume = model()
    windows = np.arange(0, DAY)
    values = usual(windows)
    values[:, M.PACKETS_OUT] = 10_000
    assert not go(volume, span, windows, values, taught=True)
    assert not go(volume, span, windows + DAY, values)


def test_a_device_that_was_silent_and_is_back_is_the_same(span: Any, learned: Callable[..., Volume]) -> None:
    """After a week without a word it does as before; silence takes evidence away."""
    volume = learned()
    windows = np.arange(9 * DAY, 9 * DAY + 720, 6)
    assert not go(volume, span, windows, usual(windows))
    for week in range(4):
        burst = np.arange(2) + (10 + week) * DAY
        values = usual(burst)
        values[:, M.PACKETS_OUT] = 10_000
        assert not go(volume, span, burst, values)


def test_a_new_device_is_judged_by_devices_of_its_kind(span: Any, learned: Callable[..., Volume]) -> None:
    """What cameras do is no evidence against a new one; of a new device of no kind it is some."""
    odd = kernel.bin_of(10_000.0, 0.0)
    volume = learned(size=10_000.0, kind="camera")
    first = np.array([2 * DAY])
    go(volume, span, first, usual(first, 1.0), "other")
    go(volume, span, first, usual(first, 1.0), "new", kind="camera")
    new = volume.roster.row("new")
    assert volume.kind_of(new) == "camera"
    assert volume.kind_of(volume.roster.row("other")) is None
    band = volume.kind_band(new, 0, M.BYTES_OUT)
    assert band is not None
    assert band.low < 10_000 < band.high * 1.2
    kinds = volume._kind_counts[0, 0, M.BYTES_OUT]
    own = volume._counts[new, 0, M.BYTES_OUT]
    assert evidence(own.tolist(), odd, kinds) < evidence(own.tolist(), odd)


def test_a_device_that_learning_did_not_hear_has_one_threshold_however_many_there_are(
    span: Any, learned: Callable[..., Volume]
) -> None:
    """It depends neither on the size of the arrays nor on who else is new."""
    one, many = learned(), learned()
    at = np.array([2 * DAY])
    go(one, span, at, usual(at), "new")
    names = [f"new{number}" for number in range(40)]
    list(many.observe(span(names, np.arange(40), np.full(40, 2 * DAY), usual(np.full(40, 2 * DAY))), [None] * 40))
    assert one._threshold[1].tolist() == [NEW_DEVICE] * 3
    assert (many._threshold[1:41] == NEW_DEVICE).all()
    assert one._threshold[0].tolist() == many._threshold[0].tolist()


def test_calibration_says_what_so_many_days_can_show(learned: Callable[..., Volume]) -> None:
    """Two days less a quarter of warm-up: 3 / 1.5 false alarms a day."""
    calibration = learned().calibration(0)
    assert calibration.days == pytest.approx(1.5, abs=0.05)
    assert calibration.supported == pytest.approx(3 / calibration.days)


def test_the_hour_of_the_week_counts_from_the_second_week() -> None:
    """No shift in the first week, full size after the second, none for an hour like the others."""
    means, weights = np.full(kernel.SLOTS, 10.0, np.float32), np.full(kernel.SLOTS, 6.0, np.float32)
    means[3] = 14.0
    total = 2 * (14 - float(means.mean()))
    assert kernel.season_shift(means, weights, 3) == 0
    weights *= 1.5
    assert kernel.season_shift(means, weights, 3) == round(total / 2)
    weights *= 4
    assert kernel.season_shift(means, weights, 3) == round(total)
    assert kernel.season_shift(means, weights, 4) == 0


def test_a_lasting_change_is_said_once_and_then_learned(span: Any, learned: Callable[..., Volume]) -> None:
    """Eight times the bytes from one day to the next, for a week: one change, and nothing more of the new amount after it."""
    volume = learned()
    windows = np.arange(2 * DAY, 9 * DAY, 6)
    told = go(volume, span, windows, usual(windows, 8000.0))
    changes = [item for item in told if isinstance(item, Change)]
    (change,) = changes
    assert 2 * 86400 < change.time < 4 * 86400
    assert 0.5 < change.distance <= 1
    assert not [item for item in told if isinstance(item, VolumeAlarm) and item.end > change.time]


def test_slow_growth_is_seen_against_what_was_learned(span: Any, learned: Callable[..., Volume]) -> None:
    """Two percent more each day hides from any window, not from the frozen reference; without growth nothing is said."""
    steady, growing = learned(), learned()
    for day in range(2, 40):
        windows = np.arange(day * DAY, (day + 1) * DAY, 6)
        assert not go(steady, span, windows, usual(windows))
    found: list[VolumeAlarm | Change] = []
    for day in range(2, 40):
        windows = np.arange(day * DAY, (day + 1) * DAY, 6)
        found += go(growing, span, windows, usual(windows, 1000 * 1.02 ** (day - 1)))
    assert {type(item) for item in found} == {Change}


@pytest.mark.parametrize("days", [0.5, 1.0, 3.0])
def test_a_change_is_seen_with_any_number_of_days(days: float, span: Any) -> None:
    """The pace at which recent windows fade follows the days that a comparison needs."""
    volume = model(days)
    windows = np.arange(0, 4 * DAY, 30)
    assert not go(volume, span, windows, usual(windows), taught=True)
    later = windows + 4 * DAY
    told = [item for item in go(volume, span, later, usual(later, 9000.0)) if isinstance(item, Change)]
    assert len(told) == 1


def test_bands_are_percentiles_and_series_the_latest_windows(span: Any, learned: Callable[..., Volume]) -> None:
    """Within half an octave, and to the number."""
    volume = learned()
    band, samples = volume.band(0, 0, M.BYTES_OUT)
    assert band is not None
    assert samples == 2 * DAY // 6
    assert 500 < band.low < 750 < band.middle < 1250 < band.high < 1500
    windows = np.arange(2 * DAY, 2 * DAY + 5)
    values = usual(windows)
    go(volume, span, windows, values)
    series = volume.series(0, 0, M.BYTES_OUT)
    assert len(series) == kernel.RECENT
    assert series[-5:] == tuple(((w + 1) * 10.0, v) for w, v in zip(windows.tolist(), values[:, M.BYTES_OUT], strict=True))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 1 << 16), cuts=st.lists(st.integers(1, 1500), max_size=8), ends=st.integers(300, 500))
def test_the_same_is_told_however_windows_are_handed_over(seed: int, cuts: list[int], ends: int, span: Any) -> None:
    """With kinds, learning that ends within a long window, newcomers and floods; and after round trips as plain data."""
    chance = np.random.default_rng(seed)
    names = [f"d{number}" for number in range(24)]
    rows = [(w, d) for w in range(1500) for d in range(24) if chance.random() < 0.15 and (d < 4 or w > ends)]
    rows += [(w, d) for w in range(900, 930) for d in (0, 3, 9)]
    rows = sorted(set(rows))
    values = usual(np.array([w for w, _ in rows]))
    flood = np.array([900 <= w < 930 and d in {0, 3, 9} for w, d in rows])
    values[flood, M.PACKETS_OUT] = 1e6

    def told(edges: list[int]) -> list[str]:
        volume, found = model(), []
        for low, high in itertools.pairwise([0, *edges, 2000]):
            part = [number for number, (w, _) in enumerate(rows) if low <= w < high]
            heard = list(dict.fromkeys(names[rows[number][1]] for number in part))
            device = [heard.index(names[rows[number][1]]) for number in part]
            windows = [rows[number][0] for number in part]
            some = span(heard, device, windows, values[part], taught=[w < ends for w in windows])
            kinds = [None if name in {"d1", "d2"} else "camera" for name in heard]
            for item in itertools.chain(volume.observe(some, kinds) if part else (), volume.flush(high * 10.0)):
                name = volume.roster.ids[item.row]
                scale, metric = (item.scale, item.metrics[0][0]) if isinstance(item, VolumeAlarm) else (2, M.BYTES_OUT)
                bands = volume.band(item.row, scale, metric), volume.kind_band(item.row, scale, metric)
                found.append(repr((name, item._replace(row=0), bands, volume.series(item.row, scale, metric))))
            if part:
                volume = decode(encode(volume), model())
        return sorted(found)

    # An engine cuts where learning ends, and hands over the window that goes on with the rest.
    whole = told([ends])
    assert whole
    assert told(sorted({ends, *(cut for cut in cuts if cut >= ends)})) == whole
    assert told(sorted({ends, *cuts})) == whole
