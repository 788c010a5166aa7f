"""Fingerprints of successive readings of one point, and how long it stands still: compiled, one pass over the readings.

A fingerprint of eight successive readings is kept, and looked up; where more than are kept would be made, only those are kept
whose number is a multiple of a power of two, so that the same ones are chosen again in a replay (winnowing, Schleimer et al. 2003).
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from hauberk.detect.values.points import Matrix

WINDOW: Final = 8
KEPT: Final = 512
CHART: Final = 24
"""Readings kept for a chart."""
_LEAST_CHANGES = 6
_WIDEST = np.int64(0xFFFF)
"""Readings between two fingerprints that are kept."""
_LONGEST = 1 << 30
_COARSEST = 64
_LEAST_LEARNED = 64
_REPEATED = 24
"""Readings that must come again."""
_REPETITIVE = 48
"""Readings that came again while learned, from which on a point is one that repeats by nature."""
_LEAST_HITS = 3
_FROZEN, _FROZEN_TIMES = 40, 10
_INNER = 0.1
_RESTLESS = 0.9
_MIX = np.uint64(0x9E37_79B9_7F4A_7C15)
_BASE = np.uint64(0x1000_0000_01B3)

TRACK = np.dtype(
    [
        ("low", "f8"),
        ("high", "f8"),
        ("still", "f8"),
        ("since", "f8"),
        ("run", "i4"),
        ("longest", "i4"),
        ("moves", "i4"),
        ("taught", "i4"),
        ("used", "i4"),
        ("coarse", "i4"),
        ("looked", "i4"),
        ("most", "i4"),
        ("shift", "i4"),
        ("begun", "i4"),
        ("hits", "i4"),
        ("met", "i4"),
        ("newest", "i4"),
    ],
    align=True,
)
"""One point. ``low``, ``high``: extremes while learned; ``moves``: changes while learned, ``taught``: readings; ``run``: readings
without change now, since ``still``, ``longest``: at most while learned. ``used``: fingerprints kept, ``coarse``: what divides them;
``looked``: lookups while learned, ``most``: longest repetition while learned, in readings. ``shift``: how far back the present
repetition lies, ``begun``: where it began, and ``since`` when, ``hits``: fingerprints of it, ``met``: where the last was;
``newest``: where the last fingerprint kept was made."""

Tracks = NDArray[Any]
Prints = NDArray[np.uint32]
Clock = NDArray[np.int64]
Gaps = NDArray[np.uint16]


@njit(cache=True)
def fingerprint(recent: Matrix, place: int, last: int) -> np.uint64:
    """A number for the readings up to count ``last`` in column ``place`` of the ring, of 32 bits."""
    result = np.uint64(0)
    one = np.empty(1, np.float64)
    for offset in range(WINDOW):
        # Zero has two signs.
        one[0] = recent[(last - WINDOW + 1 + offset) % CHART, place] + 0.0
        bits = one.view(np.uint64)[0]
        mixed = (bits ^ (bits >> np.uint64(29))) * _MIX
        mixed ^= mixed >> np.uint64(32)
        result = result * _BASE + mixed
    result = (result ^ (result >> np.uint64(31))) * _MIX
    return result >> np.uint64(32)


@njit(cache=True)
def _look(track: np.void, prints: Prints, gaps: Gaps, print_: np.uint64, place: np.int64) -> np.int64:
    """Length of the repetition that a fingerprint belongs to, in readings; 0 where it was never made."""
    newest = np.int64(-1)
    again = False
    at = np.int64(track["newest"])
    for index in range(track["used"] - 1, -1, -1):
        if np.uint64(prints[index]) == print_:
            newest = max(newest, at)
            again = again or at == place - track["shift"]
        at -= np.int64(gaps[index])
    if newest < 0:
        return np.int64(0)
    if track["hits"] and again and place - track["met"] < 4 * WINDOW * track["coarse"]:
        track["hits"] += 1
    else:
        track["shift"] = place - newest
        track["begun"] = place
        track["hits"] = 1
    track["met"] = place
    return place - np.int64(track["begun"]) + WINDOW


@njit(cache=True)
def _thin(track: np.void, prints: Prints, gaps: Gaps) -> None:
    """Keep every second fingerprint, those that twice the number divides."""
    track["coarse"] *= 2
    stays, gap, newest = 0, np.int64(0), np.int64(track["newest"])
    for index in range(KEPT):
        gap += np.int64(gaps[index])
        if np.int64(prints[index]) % np.int64(track["coarse"]) == 0:
            # What lies further back than a gap can say is forgotten.
            stays = 0 if gap > _WIDEST else stays
            prints[stays] = prints[index]
            gaps[stays] = min(_WIDEST, gap)
            stays += 1
            gap = np.int64(0)
    track["used"] = stays
    track["newest"] = newest - gap


@njit(cache=True)
def _keep(track: np.void, prints: Prints, gaps: Gaps, print_: np.uint64, place: np.int64) -> None:
    if track["used"] == KEPT and track["coarse"] < _COARSEST:
        _thin(track, prints, gaps)
        if print_ % np.uint64(track["coarse"]) != 0:
            return
    if place - track["newest"] > _WIDEST:
        track["used"] = 0
    if track["used"] == KEPT:
        # As coarse as it gets: the oldest goes.
        for index in range(KEPT - 1):
            prints[index] = prints[index + 1]
            gaps[index] = gaps[index + 1]
        track["used"] -= 1
    prints[track["used"]] = np.uint32(print_)
    gap = place - np.int64(track["newest"])
    gaps[track["used"]] = min(_WIDEST, gap)
    track["newest"] = place
    track["used"] += 1


@njit(cache=True)
def _frozen(track: np.void, value: float) -> bool:
    """Whether readings stand still for longer than ever, as of this reading, and at no value where a process rests."""
    limit = max(np.int64(_FROZEN), _FROZEN_TIMES * np.int64(track["longest"]))
    if track["run"] != limit or track["taught"] < 4 * limit or track["moves"] < _RESTLESS * track["taught"]:
        return False
    inner = _INNER * (track["high"] - track["low"])
    return bool(track["low"] + inner < value < track["high"] - inner)


@njit(cache=True)
def _rest(track: np.void, time: float, value: float, moved: bool, learning: bool) -> None:  # noqa: FBT001 - compiled
    if moved:
        track["run"] = 0
        track["still"] = time
    else:
        track["run"] += track["run"] < _LONGEST
    if learning:
        track["longest"] = max(track["longest"], track["run"])
        track["moves"] += moved
        track["taught"] += 1
        track["low"] = min(np.float64(track["low"]), value)
        track["high"] = max(np.float64(track["high"]), value)


@njit(cache=True)
def follow(  # noqa: PLR0912, PLR0913, PLR0917 - one pass over a reading, over the arrays of the tracks: calls would cost more
    tracks: Tracks,
    prints: Prints,
    gaps: Gaps,
    recent: Matrix,
    recent_times: Matrix,
    clock: Clock,
    times: Matrix,
    values: Matrix,
    points: Clock,
    start: int,
    first: int,
    learning: bool,  # noqa: FBT001 - compiled code is called by position
) -> tuple[int, int, int | np.int64]:
    """Take readings of columns ``points`` from row ``start`` on, and of its tracks from ``first`` on; where something was seen
    before or stands still: its row, its track and how many readings. ``recent``: the ring of the last readings, ``clock``:
    how many there were, and how many before this stream."""
    width = points.size
    for row in range(start, values.shape[0]):
        whole = True
        for track in range(width):
            whole = whole and values[row, points[track]] == values[row, points[track]]
        if not whole:
            continue
        if first == 0:
            slot = clock[0] % CHART
            for track in range(width):
                recent[slot, track] = values[row, points[track]]
            recent_times[slot] = times[row]
            clock[0] += 1
        place = clock[0]
        last = place - 1
        here = place - clock[1]
        for track in range(first, width):
            one = tracks[track]
            value = values[row, points[track]]
            if here > 1:
                before = recent[(last - 1) % CHART, track]
                _rest(one, times[row], value, value != before, learning)
                if not learning and one["run"] >= _FROZEN and _frozen(one, value):
                    one["shift"] = 0
                    one["hits"] = 0
                    one["since"] = one["still"]
                    return row, track, np.int64(one["run"])
            if here < WINDOW:
                continue
            changes = 0
            for back in range(WINDOW - 1):
                changes += recent[(last - back) % CHART, track] != recent[(last - back - 1) % CHART, track]
            if changes < _LEAST_CHANGES:
                continue
            print_ = fingerprint(recent, track, last)
            if print_ % np.uint64(one["coarse"]) != 0:
                continue
            repeated = _look(one, prints[track], gaps[track], print_, place)
            found = False
            if learning:
                one["looked"] += 1
                one["most"] = max(np.int64(one["most"]), repeated)
            elif repeated:
                if one["hits"] == 1:
                    one["since"] = times[row]
                long = repeated >= _REPEATED + 2 * one["most"] and one["hits"] >= _LEAST_HITS
                found = long and one["looked"] >= _LEAST_LEARNED and one["most"] <= _REPETITIVE
                if found:
                    one["hits"] = 0
            _keep(one, prints[track], gaps[track], print_, place)
            if found:
                return row, track, repeated
        first = 0
    return -1, -1, 0


@njit(cache=True)
def warm(last: Matrix, moves: Clock, values: Matrix, start: int, stop: int) -> None:
    """Count in ``moves`` how often each point changed, in rows ``start`` to ``stop``; ``last``: the row before, NaN where there is
    none."""
    for row in range(start, stop):
        for place in range(last.size):
            value = values[row, place]
            moves[place] += last[place] == last[place] and value != last[place]
            last[place] = value
