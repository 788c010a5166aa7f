"""Going on from a snapshot: the same stream with everything, another stream with what was learned.

A stream goes on where the snapshot ended: live after a restart, or with the next file of a rotated capture. Then windows, episodes
and attempts that wait are as good as they were, and findings are those of an unbroken run. Traffic of another time is another
stream: what was going on in the old one must neither suppress nor cause alarms in it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from hauberk.detect.detectors.interface import Detector
from hauberk.detect.snapshot import Part
from hauberk.detect.state.classes import attributes
from hauberk.detect.state.codec import decode, encode
from hauberk.detect.state.parameters import Unfit, under
from hauberk.errors import InputError, StateError
from hauberk.model.observation import Observations

LONGEST_GAP: Final = 600.0
"""Seconds of silence after which a stream is another: as long as most windows last, and longer than a restart takes."""
OVERLAP: Final = 2.0
"""Seconds by which the files of a rotated capture may overlap."""


@dataclass(slots=True)
class Running:
    """A detector at work: its state, the limits in force, and whether it was there while the network was learned."""

    detector: Detector
    state: Any
    parameters: Mapping[str, float]
    taught: bool = False


def resumed(detector: Detector, parameters: Mapping[str, float], part: Part) -> Running:
    """The detector as it was when ``part`` was taken, under the limits now in force; where those do not fit what is stored, it
    begins anew."""
    fresh = detector.begin(parameters)
    defaults = detector.defaults()
    before = {**defaults, **{name: value for name, value in part.parameters.items() if name in defaults}}
    old = detector.begin(before)
    try:
        state = decode(part.tree, old)  # compared with a state of its own kind
    except InputError as error:
        raise InputError(f"the state of detector '{detector.id}' in the baseline cannot be read: {error}") from error
    if before == parameters:
        return Running(detector, state, parameters, part.taught)
    try:
        tree = under(part.tree, encode(old), encode(fresh))
    except Unfit:
        return Running(detector, _carried(detector, fresh, state), parameters, part.taught and detector.carry is not None)
    return Running(detector, decode(tree, fresh), parameters, part.taught)


def for_another_stream(running: Running) -> Running:
    """The detector with what it learned, and nothing of what was going on."""
    fresh = running.detector.begin(running.parameters)
    if running.detector.carry is None and running.detector.learned:
        state = running.state
        _begin_stream(state)
    else:
        state = _carried(running.detector, fresh, running.state)
    return Running(running.detector, state, running.parameters, running.taught)


def _carried(detector: Detector, fresh: Any, old: Any) -> Any:  # noqa: ANN401 - each detector has a state type of its own
    if detector.carry is not None:
        detector.carry(fresh, old)
    return fresh


def _begin_stream(state: Any) -> None:  # noqa: ANN401 - same
    """Have every object in ``state`` that has a method ``begin_stream`` forget what is only of the moment."""
    met: set[int] = set()
    todo = [state]
    while todo:
        value = todo.pop()
        if id(value) in met:
            continue
        met.add(id(value))
        if isinstance(value, dict):
            todo += value.keys()
            todo += value.values()
        elif isinstance(value, list | tuple | set | frozenset | deque):
            todo += value
        elif type(value).__module__.startswith("hauberk.") and not isinstance(value, Enum):
            if hasattr(value, "begin_stream"):
                value.begin_stream()
            todo += attributes(value).values()


def resumed_tracker(name: str, fresh: object, part: Part) -> object:
    """A tracker as it was when ``part`` was taken."""
    try:
        return decode(part.tree, fresh)
    except InputError as error:
        raise InputError(f"the tracker '{name}' in the baseline cannot be read: {error}") from error


def tracker_for_another_stream(fresh: object, old: object) -> object:
    """``fresh``, with what a tracker that has a method ``carry(old)`` takes over from ``old``."""
    if type(fresh) is not type(old):
        raise StateError("a tracker changed its type")
    carry = getattr(fresh, "carry", None)
    if carry is not None:
        carry(old)
    return fresh


def goes_on(batch: Observations, seen: float | None, watermark: float | None) -> bool:
    """True if ``batch`` belongs to the stream that had come to ``seen`` and was handed over up to ``watermark``."""
    first = earliest(batch)
    if seen is None or first is None:
        return False
    begins = seen if watermark is None else min(seen, watermark)
    return begins - OVERLAP <= first <= seen + LONGEST_GAP


def earliest(batch: Observations) -> float | None:
    """Time, in epoch seconds, of the first thing in ``batch``; None where there is nothing."""
    times = [float(column.min()) * 1e-9 for column in (batch.activity["start"], batch.claims["time"]) if len(column)]
    times += [min(transaction.time for transaction in batch.transactions)] if batch.transactions else []
    return min(times, default=None)


def latest(batch: Observations) -> float | None:
    """Time, in epoch seconds, of the last thing in ``batch``; None where there is nothing."""
    times = [float(column.max()) * 1e-9 for column in (batch.activity["start"], batch.claims["time"]) if len(column)]
    times += [max(transaction.time for transaction in batch.transactions)] if batch.transactions else []
    return max(times, default=None)
