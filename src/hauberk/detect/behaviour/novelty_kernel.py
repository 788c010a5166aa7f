"""Novelty evidence: how surprising so many new things are for a device that met so many before.

The number of new things of a class in a window is taken as Poisson with a Gamma prior, which makes it negative binomial: with ``a``
= 0.5 + 0.2 F + n and ``b`` = 30 + 0.2 N + w, where n new things were met in w windows by the device and F in N by its fleet, the
probability of at least k is P(NB(a, b / (b + 1)) >= k).
"""

from __future__ import annotations

import math

from numba import njit

from hauberk.detect.behaviour.volume_kernel import CAP, KAPPA, RATIOS, SCALES, is_due, join, note_peak

CLASSES = 7
_WEIGHT = 0.2
_SLOT_WINDOWS = 60


@njit(cache=True)
def at_least(k, a, b):
    """-log10 P(X >= k) of the negative binomial with ``a`` and b / (b + 1), at most 12."""
    p = b / (b + 1.0)
    term = p**a
    below = 0.0
    for j in range(int(k)):
        below += term
        term *= (a + j) / (j + 1.0) * (1.0 - p)
    rest = 1.0 - below
    if rest < 1e-9:
        rest = term / max(1e-12, 1.0 - (a + k) / (k + 1.0) * (1.0 - p))
    return min(12.0, -math.log10(max(rest, 1e-12)))


@njit(cache=True)
def judge(d, s, w, news, learn, state, fleet, alarms, quiet):
    """Judge and learn one window of device ``d`` at scale ``s``; ``news``: new things by class."""
    events, heard, total, last, peaks, active, width, last_slot, threshold, quiet_until = state
    best = 0.0
    top = -1
    for c in range(CLASSES):
        if news[c] > 0.0:
            a = 0.5 + events[d, c]
            b = 30.0 + heard[d] / RATIOS[s]
            if not learn:
                a += _WEIGHT * min(fleet[0][c], 50.0)
                b += _WEIGHT * fleet[1][0] / RATIOS[s] * min(1.0, 50.0 / max(fleet[0][c], 1.0))
            e = at_least(news[c], a, b)
            if e > best:
                best = e
                top = c
    best = max(0.0, min(CAP, best - math.log10(CLASSES)))
    gap = w - last[d, s]
    carried = total[d, s] if gap > 0 else 0.0
    if gap > 1:
        carried = max(0.0, carried - KAPPA * (gap - 1))
    height = max(0.0, carried + best - KAPPA)
    last[d, s] = w
    end = (w + 1) * RATIOS[s]
    if learn:
        note_peak(
            peaks[d, s], active[d, s : s + 1], width[d, s : s + 1], last_slot[d, s : s + 1], w * RATIOS[s] // _SLOT_WINDOWS, height
        )
    elif height > threshold[d, s]:
        count = alarms[2][0]
        if end > quiet_until[d] and count < len(alarms[0]):
            alarms[0][count, 0], alarms[0][count, 1], alarms[0][count, 2], alarms[0][count, 3] = d, s, w, top
            alarms[1][count, 0], alarms[1][count, 1], alarms[1][count, 2] = height, threshold[d, s], best
            alarms[2][0] = count + 1
        quiet_until[d] = end + quiet
        height = 0.0
    total[d, s] = height


@njit(cache=True)
def close(d, until, state, fleet, alarms, quiet, sums, sum_window, sum_taught):
    """Judge the longer windows of ``d`` that ended before 10-s window ``until``."""
    for k in range(SCALES - 1):
        w = sum_window[d, k]
        if w >= 0 and (w + 1) * RATIOS[k + 1] <= until:
            judge(d, k + 1, w, sums[d, k], sum_taught[d, k], state, fleet, alarms, quiet)
            sum_window[d, k] = -1
            sums[d, k] = 0.0


@njit(cache=True)
def run(start, rows, windows, news, taught, state, fleet, alarms, quiet, sums, sum_window, sum_taught):
    """Work through rows in order of their windows from ``start`` on, until there is something to tell; the row to go on from.

    ``news``: (rows, classes).
    """
    events, heard = state[0], state[1]
    for i in range(start, len(rows)):
        d = rows[i]
        if d < 0:
            continue
        w = windows[i]
        if is_due(sum_window[d], w):
            close(d, w, state, fleet, alarms, quiet, sums, sum_window, sum_taught)
        judge(d, 0, w, news[i], taught[i], state, fleet, alarms, quiet)
        join(w, taught[i], sums[d], sum_window[d], sum_taught[d])
        for k in range(SCALES - 1):
            for c in range(CLASSES):
                sums[d, k, c] += news[i, c]
        heard[d] += 1.0
        if taught[i]:
            fleet[1][0] += 1.0
        for c in range(CLASSES):
            amount = news[i, c] if taught[i] else 0.1 * news[i, c]
            events[d, c] += amount
            if taught[i]:
                fleet[0][c] += amount
        if alarms[2][0] > 0:
            return i + 1
    return len(rows)


@njit(cache=True)
def flush(start, count, until, state, fleet, alarms, quiet, sums, sum_window, sum_taught):
    """Judge the longer windows of devices from ``start`` on that ended before 10-s window ``until``, until there is something to
    tell; the device to go on from."""
    for d in range(start, count):
        if not is_due(sum_window[d], until):
            continue
        close(d, until, state, fleet, alarms, quiet, sums, sum_window, sum_taught)
        if alarms[2][0] > 0:
            return d + 1
    return count
