"""Behaviour of every device in windows of traffic time, computed as columns once a window has passed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

import numpy as np

from hauberk.detect.features.closing import Closing
from hauberk.detect.features.frame import Frame, Span
from hauberk.detect.features.messages import MessageCounts
from hauberk.detect.features.subjects import Lookup
from hauberk.detect.fleet import Fleet
from hauberk.detect.rows import RowBuffer, compact, fields
from hauberk.detect.view import Group, View
from hauberk.model.flow import ACTIVITY, CLAIM, CLAIM_ARP_REQUEST
from hauberk.model.observation import Observations
from hauberk.model.transaction import Transaction

_ROW: Final = fields(
    ACTIVITY,
    (
        *("start", "a_hi", "a_lo", "b_hi", "b_lo", "packets_out", "packets_in", "bytes_out", "bytes_in", "syn_out"),
        *("b_port", "ip_version", "transport", "service", "state", "flags_in"),
    ),
)
_ASKED: Final = fields(CLAIM, ("time", "hi", "lo"))
_MOST_ROWS = 1 << 19
_MOST_CLAIMS = 1 << 16
_STEP_BACK = 600.0
"""Seconds by which time may step back, as in merged captures, before the windows begin anew."""
WINDOW = 10.0
"""Seconds of the windows that detectors judge; longer ones are made of them."""


class FeatureWindows:
    """Collects what devices do, and tells it when windows have passed.

    ``seconds``: length of a window; windows begin at its multiples since the epoch.
    """

    def __init__(self, fleet: Fleet, seconds: float = WINDOW) -> None:
        self.seconds = seconds
        self._rows = RowBuffer(_ROW, _MOST_ROWS)
        self._asked = RowBuffer(_ASKED, _MOST_CLAIMS)
        self._messages = MessageCounts(seconds)
        self._closing = Closing(Lookup(fleet), seconds)
        self._passed = -math.inf
        self._taught_until = -math.inf

    def observe(self, batch: Observations) -> list[Frame]:
        """The windows that have passed with ``batch``, one by one."""
        return [
            frame
            for span in self.spans(batch, View(batch, self._closing.lookup.fleet).groups, learning=False)
            for frame in span.frames()
        ]

    def spans(self, batch: Observations, groups: Mapping[Group, list[Transaction]], *, learning: bool) -> list[Span]:
        """The windows that have passed with ``batch``, together; more than one span where time began anew. ``groups``: its
        messages. ``learning``: it is to be learned from."""
        mark = batch.watermark
        spans = []
        if mark < self._passed - _STEP_BACK:
            spans = self._close(math.inf)
            self._passed = self._taught_until = -math.inf
        activity = batch.activity
        if len(activity):
            self._rows.append(compact(_ROW, activity, np.arange(len(activity))))
        if len(batch.claims):
            requests = np.flatnonzero(batch.claims["kind"] == CLAIM_ARP_REQUEST)
            self._asked.append(compact(_ASKED, batch.claims, requests))
        if groups:
            self._messages.add(groups.items())
        if learning and math.isfinite(mark):
            self._taught_until = mark
        return spans + self._close(mark)

    def _close(self, mark: float) -> list[Span]:
        """The windows that end at or before ``mark``."""
        if not mark >= self._passed + self.seconds:
            return []
        due = math.floor(mark / self.seconds) if math.isfinite(mark) else np.iinfo(np.int64).max
        step = np.int64(self.seconds * 1e9)
        late, late_asked = self._rows.rows["start"] // step >= due, self._asked.rows["time"] // step >= due
        rows, asked = self._rows.rows[~late], self._asked.rows[~late_asked]
        said = self._messages.take(due)
        if math.isfinite(mark):
            self._passed = due * self.seconds
        if not (len(rows) or len(asked) or said.counts or said.verbs):
            return []
        span = self._closing.span(rows[np.argsort(rows["start"], kind="stable")], asked, said, self._taught_until)
        self._rows.keep(late)
        self._asked.keep(late_asked)
        return [span] if len(span.window) else []
