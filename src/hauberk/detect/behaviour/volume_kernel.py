"""Volume evidence: how far in the tail of what is usual each window lies, added up per device.

For every device and length of window there is a histogram of each metric on a logarithmic scale. The conformal p-value of a window
is the share of earlier windows that were at least as large, (1 + k) / (1 + n) (Vovk, Gammerman and Shafer 2005); beyond the
largest it falls off exponentially, as a generalised Pareto tail of shape 0 on that scale does. The evidence of a window is -log10
of the smallest p-value times the number of metrics (Bonferroni), at most ``CAP``; a CUSUM (Page 1954) adds it up.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

BINS = 48
SCALES = 3
RATIOS = np.array([1, 6, 60], np.int64)
"""Windows of 10 s in one of each length."""
PEAKS = 64
RECENT = 24
SLOTS = 168
CAP = 6.0
KAPPA = 1.0
_SLOT_WINDOWS = 60
"""Windows of 10 s in a slot of ten minutes, by which active time is counted."""
_HOUR_WINDOWS = 360
_SEASONAL = 4
"""The first so many metrics, packets and bytes, follow the hour of the week."""
_ENOUGH = 20.0
"""Windows of the device and its kind below which nothing can be said of a tail."""
_SUSPECT = 2.0
"""Evidence from which a window teaches little."""
_SUSPECT_WEIGHT = 0.1
_DRIFT_METRIC = 2


@njit(cache=True)
def bin_of(value, linear):
    """Bin of a value: half octaves, or the given number of bins a unit where ``linear`` is positive."""
    if not value > 0.0:
        return 0
    place = value * linear if linear > 0.0 else 2.0 * math.log2(1.0 + value)
    return min(int(place), BINS - 1)


@njit(cache=True)
def evidence_of(counts, n, kind_counts, kind_n, place):
    """-log10 of the conformal p-value of bin ``place``. ``counts`` and ``n``: of the device; ``kind_*``: of its kind, a prior of at
    most 30 windows."""
    above = 0.0
    top = 0
    for b in range(BINS):
        if counts[b] >= 1.0:  # suspect windows alone do not widen what is usual
            top = b
        if b >= place:
            above += counts[b]
    weight = min(30.0, 0.2 * kind_n)
    if weight > 0.0:
        kind_above = 0.0
        for b in range(place, BINS):
            kind_above += kind_counts[b]
        for b in range(top + 1, BINS):
            if kind_counts[b] > 0.0:
                top = b
        above += weight * kind_above / kind_n
    score = -math.log10((above + 1.0) / (n + weight + 1.0))
    if place > top and n + weight >= _ENOUGH:
        score += (place - top) / max(1.0, _excess(counts, n)) * 0.4342944819032518
    return score


@njit(cache=True)
def _excess(counts, n):
    """Mean excess, in bins, over the 90th percentile."""
    left = 0.1 * n
    seen = 0.0
    total = 0.0
    threshold = -1
    for b in range(BINS - 1, -1, -1):
        seen += counts[b]
        total += counts[b] * b
        if seen >= left:
            threshold = b
            break
    if threshold < 0 or seen <= 0.0:
        return 1.0
    return total / seen - threshold


@njit(cache=True)
def season_shift(means, weights, slot):
    """By how many bins the hour of the week ``slot`` lies above the mean; grows to full size in its second week."""
    weeks = weights[slot] / 6.0
    if weeks <= 1.0:
        return 0
    total = 0.0
    mass = 0.0
    for number in range(SLOTS):
        total += means[number] * weights[number]
        mass += weights[number]
    if mass <= 0.0:
        return 0
    return round(2.0 * (means[slot] - total / mass) * min(1.0, weeks - 1.0))


@njit(cache=True)
def note_peak(peaks, active, width, last_slot, slot, height):
    """Keep the highest sum of a block of active ten-minute slots; blocks double when there are too many. ``active``, ``width`` and
    ``last_slot`` are arrays of one element."""
    if slot != last_slot[0]:
        last_slot[0] = slot
        active[0] += 1
    block = (active[0] - 1) // width[0]
    if block >= PEAKS:
        for k in range(PEAKS // 2):
            peaks[k] = max(peaks[2 * k], peaks[2 * k + 1])
        peaks[PEAKS // 2 :] = 0.0
        width[0] *= 2
        block = (active[0] - 1) // width[0]
    peaks[block] = max(peaks[block], height)


@njit(cache=True)
def score(d, s, w, values, learn, linear, state, kinds, alarms, limits):
    """Judge and learn one window of device ``d``: ``s`` is the scale, ``w`` its number. Returns how many alarms there are now."""
    (
        counts,
        n,
        total,
        last,
        ring,
        ring_at,
        peaks,
        active,
        width,
        last_slot,
        means,
        weights,
        threshold,
        quiet_until,
        relearn,
        contributed,
        began,
        peak,
    ) = state
    metrics = len(values)
    kind = kinds[0][d]
    end = (w + 1) * RATIOS[s]
    slot = (w * RATIOS[s] // _HOUR_WINDOWS) % SLOTS
    shift = season_shift(means[d], weights[d], slot)
    first = -1
    e1 = 0.0
    for m in range(metrics):
        place = bin_of(values[m], linear[m])
        if m < _SEASONAL and place > 0:
            place = min(max(place - shift, 0), BINS - 1)
        if values[m] > 0.0:
            kind_n = 0.0 if learn or kind < 0 else kinds[2][kind, s]
            e = evidence_of(counts[d, s, m], n[d, s], kinds[1][max(kind, 0), s, m], kind_n, place)
            if e > e1:
                first, e1 = m, e
    best = max(0.0, min(CAP, e1 - math.log10(metrics)))
    gap = w - last[d, s]
    carried = total[d, s] if gap > 0 else 0.0
    if gap > 1:
        carried = max(0.0, carried - KAPPA * (gap - 1))
    height = max(0.0, carried + best - KAPPA)
    if carried == 0.0:
        contributed[d, s] = 0.0
        peak[d, s] = 0.0
        began[d, s] = w
    if best > 0.0 and first >= 0:
        contributed[d, s, first] += best
    for m in range(metrics):
        peak[d, s, m] = max(peak[d, s, m], values[m])
    last[d, s] = w
    at = ring_at[d, s] % RECENT
    ring_at[d, s] += 1
    for m in range(metrics):
        ring[d, s, at, m] = values[m]
    ring[d, s, at, metrics] = w
    teach = learn or end <= relearn[d]
    amount = 1.0 if teach or best < _SUSPECT else _SUSPECT_WEIGHT
    for m in range(metrics):
        place = bin_of(values[m], linear[m])
        if m < _SEASONAL and place > 0:
            place = min(max(place - shift, 0), BINS - 1)
        counts[d, s, m, place] += amount
        if learn and kind >= 0:
            kinds[1][kind, s, m, place] += 1.0
    n[d, s] += amount
    if learn and kind >= 0:
        kinds[2][kind, s] += 1.0
    if s == SCALES - 1 and amount == 1.0:
        level = math.log2(1.0 + values[2] + values[3])
        weights[d, slot] += 1.0
        means[d, slot] += (level - means[d, slot]) / weights[d, slot]
    count = alarms[2][0]
    if learn:
        note_peak(
            peaks[d, s], active[d, s : s + 1], width[d, s : s + 1], last_slot[d, s : s + 1], w * RATIOS[s] // _SLOT_WINDOWS, height
        )
    elif teach:
        height = 0.0
    elif height > threshold[d, s]:
        if end > quiet_until[d] and count < len(alarms[0]):
            alarms[0][count, 0], alarms[0][count, 1], alarms[0][count, 2], alarms[0][count, 3] = d, s, w, began[d, s]
            alarms[1][count, 0], alarms[1][count, 1] = height, threshold[d, s]
            for m in range(metrics):
                alarms[1][count, 2 + m] = contributed[d, s, m]
                alarms[1][count, 2 + metrics + m] = peak[d, s, m]
            alarms[2][0] = count + 1
        quiet_until[d] = end + limits[0]
        height = 0.0
    total[d, s] = height


@njit(cache=True)
def drift(d, value, linear, learn, frozen, frozen_n, recent, recent_n, limits):
    """Kolmogorov-Smirnov distance between the recent p-values of a device and the uniform ones of the time it was learned.

    That is the distance between the two distributions of the metric. Returns -1 while there is too little of either. Recent windows
    of ten minutes fade with a time constant of the active days that a comparison needs.
    """
    place = bin_of(value, linear)
    if learn:
        frozen[d, place] += 1.0
        frozen_n[d] += 1.0
        return -1.0
    keep = 1.0 - 1.0 / max(limits[1], 1.0)
    for b in range(BINS):
        recent[d, b] *= keep
    recent[d, place] += 1.0
    recent_n[d] = recent_n[d] * keep + 1.0
    if frozen_n[d] < limits[1] or recent_n[d] < limits[2]:
        return -1.0
    below, now, distance = 0.0, 0.0, 0.0
    for b in range(BINS - 1):
        below += frozen[d, b] / frozen_n[d]
        now += recent[d, b] / recent_n[d]
        # The next bin is granted: an amount at the edge of two is no change.
        now_next = now + recent[d, b + 1] / recent_n[d]
        below_next = below + frozen[d, b + 1] / frozen_n[d]
        distance = max(distance, below - now_next, now - below_next)
    return distance


@njit(cache=True)
def is_due(sum_window, until):
    """Whether a longer window of a device, of those in ``sum_window``, ended before 10-s window ``until``. Asked before ``finish``
    and its like, whose many arguments cost more than the answer."""
    due = False
    for k in range(SCALES - 1):
        due |= sum_window[k] >= 0 and (sum_window[k] + 1) * RATIOS[k + 1] <= until
    return due


@njit(cache=True)
def join(w, taught, sums, sum_window, sum_taught):
    """Have 10-s window ``w`` of a device belong to its longer windows, which begin anew where it is not of the old ones."""
    for k in range(SCALES - 1):
        long = w // RATIOS[k + 1]
        if sum_window[k] != long:
            sum_window[k] = long
            sum_taught[k] = taught
            sums[k] = 0.0
        sum_taught[k] = sum_taught[k] or taught


@njit(cache=True)
def finish(d, until, linear, state, kinds, alarms, limits, sums, sum_window, sum_taught, steady):
    """Judge the longer windows of ``d`` that ended before 10-s window ``until``."""
    for k in range(SCALES - 1):
        w = sum_window[d, k]
        if w < 0 or (w + 1) * RATIOS[k + 1] > until:
            continue
        learn = sum_taught[d, k]
        score(d, k + 1, w, sums[d, k], learn, linear, state, kinds, alarms, limits)
        if k == SCALES - 2:
            frozen, frozen_n, recent, recent_n, changed, changes, change_count = steady
            distance = drift(d, sums[d, k, _DRIFT_METRIC], linear[_DRIFT_METRIC], learn, frozen, frozen_n, recent, recent_n, limits)
            if distance > limits[3] and w * RATIOS[k + 1] > changed[d] and change_count[0] < len(changes):
                changes[change_count[0], 0], changes[change_count[0], 1], changes[change_count[0], 2] = d, w, distance
                change_count[0] += 1
                changed[d] = (w + 1) * RATIOS[k + 1] + limits[4]
                state[14][d] = changed[d]
                frozen[d] = recent[d]
                frozen_n[d] = recent_n[d]
                counts, n, means, weights = state[0], state[1], state[10], state[11]
                means[d] = 0.0  # the hours of the week were learned at the old level
                weights[d] = 0.0
                for s in range(SCALES):
                    counts[d, s] *= 0.2
                    n[d, s] *= 0.2
        sum_window[d, k] = -1
        sums[d, k] = 0.0


@njit(cache=True)
def run(start, rows, windows, values, taught, linear, additive, state, kinds, alarms, limits, sums, sum_window, sum_taught, steady):
    """Work through rows in order of their windows from ``start`` on, until there is something to tell; the row to go on from."""
    metrics = values.shape[1]
    for i in range(start, len(rows)):
        d = rows[i]
        if d < 0:
            continue
        w = windows[i]
        if is_due(sum_window[d], w):
            finish(d, w, linear, state, kinds, alarms, limits, sums, sum_window, sum_taught, steady)
        score(d, 0, w, values[i], taught[i], linear, state, kinds, alarms, limits)
        join(w, taught[i], sums[d], sum_window[d], sum_taught[d])
        for k in range(SCALES - 1):
            for m in range(metrics):
                if additive[m]:
                    sums[d, k, m] += values[i, m]
                else:
                    sums[d, k, m] = max(sums[d, k, m], values[i, m])
        if alarms[2][0] > 0 or steady[6][0] > 0:
            return i + 1
    return len(rows)


@njit(cache=True)
def flush(start, count, until, linear, state, kinds, alarms, limits, sums, sum_window, sum_taught, steady):
    """Judge the longer windows of devices from ``start`` on that ended before 10-s window ``until``, until there is something to
    tell; the device to go on from."""
    for d in range(start, count):
        if not is_due(sum_window[d], until):
            continue
        finish(d, until, linear, state, kinds, alarms, limits, sums, sum_window, sum_taught, steady)
        if alarms[2][0] > 0 or steady[6][0] > 0:
            return d + 1
    return count
