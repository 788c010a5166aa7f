"""How much of the input teaches: a duration, a share, or up to a moment."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hauberk.errors import SettingError
from hauberk.service.feed import Depth, open_feed

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(s|m|h|d|w)")
_SHARE = re.compile(r"(\d+(?:\.\d+)?)%")
_UNTIL = re.compile(r"until=(\d+(?:\.\d+)?)")


@dataclass(frozen=True, slots=True)
class LearnSpan:
    """One of: ``seconds`` from the beginning of the traffic, a ``share`` (0 to 1) of its time, ``until`` a moment in epoch
    seconds."""

    seconds: float | None = None
    share: float | None = None
    until: float | None = None


def parse_learn(text: str) -> LearnSpan:
    """Read ``10m``, ``50%`` or ``until=1700000000``."""
    if (match := _DURATION.fullmatch(text)) and math.isfinite(seconds := float(match[1]) * _UNITS[match[2]]):
        return LearnSpan(seconds=seconds)
    if match := _SHARE.fullmatch(text):
        share = float(match[1]) / 100
        if share <= 1:
            return LearnSpan(share=share)
    if (match := _UNTIL.fullmatch(text)) and math.isfinite(until := float(match[1])):
        return LearnSpan(until=until)
    raise SettingError(f"'{text}' is no learning span: give a duration (10m, 2h, 7d), a share (50%) or until=EPOCH")


def learn_until(span: LearnSpan, paths: Sequence[str]) -> float:
    """The moment, in epoch seconds, at which learning from ``paths`` ends. A duration or share needs the input's times: it is
    read once more."""
    if span.until is not None:
        return span.until
    for path in paths:
        if path == "-" or Path(path).is_fifo():
            name = "standard input" if path == "-" else path
            raise SettingError(f"{name} can be read only once: give --learn until=EPOCH instead of a duration or a share")
    first, last = time_span(paths)
    if first > last:
        return 0.0  # nothing there to learn from
    if span.seconds is not None:
        return first + span.seconds
    assert span.share is not None
    return first + span.share * (last - first)


def time_span(paths: Sequence[str]) -> tuple[float, float]:
    """Times, in epoch seconds, of the first and the last thing in ``paths``; (inf, -inf) where there is nothing."""
    feed = open_feed(paths, Depth.HEADERS)
    first, last = math.inf, -math.inf
    if feed.captures is not None:
        for block in feed.captures.blocks():
            if block.count:
                first = min(first, int(block.time[: block.count].min()) * 1e-9)
                last = max(last, int(block.time[: block.count].max()) * 1e-9)
    for log in feed.logs:
        for batch in log.observations():
            times = [*(transaction.time for transaction in batch.transactions), *(batch.activity["start"] * 1e-9).tolist()]
            first, last = min([first, *times]), max([last, *times])
    return first, last
