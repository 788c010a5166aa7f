"""Windows of traffic time, and what each device did in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hauberk.model.observation import Columns

CONTACT = np.dtype(
    [
        ("row", np.int32),
        ("outward", np.bool_),
        ("answered", np.bool_),
        ("begun", np.bool_),
        ("ip_version", np.uint8),
        ("transport", np.uint8),
        ("service", np.uint8),
        ("port", np.uint16),
        ("peer_hi", np.uint64),
        ("peer_lo", np.uint64),
        ("start", np.int64),
        ("packets", np.uint64),
        ("bytes_out", np.uint64),
        ("bytes_in", np.uint64),
        ("conversations", np.uint64),
    ],
    align=True,
)
"""What one device had to do with one peer on one service in a window. ``row``: its place in the rows of the span. ``outward``: the
device is the initiator. ``answered``: the responder said something. ``begun``: a conversation began in the window. ``start``: the
first packet, nanoseconds. ``bytes_out``: of the device."""


class Verb(NamedTuple):
    """That a device asked for an operation: ``row`` is its place in the rows of the span, ``time`` the first in the window."""

    row: int
    protocol: str
    operation: str
    peer: str
    time: float


class Frame(NamedTuple):
    """One window: device ids, each once, and a float64 array with one row a device and one column a metric (``METRICS``)."""

    start: float
    seconds: float
    subjects: tuple[str, ...]
    values: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Span:
    """Windows that have passed since the last one, with a row for each device that was heard in each.

    ``seconds``: length of a window. ``ids`` and ``addresses``: the devices and an address of each. ``device``: int32, which device
    a row is about. ``window``: int64, number of the row's window since the epoch; rows are in order of it. ``values``: float64,
    one column a metric (``METRICS``). ``outside``: float64, (rows, 2), bytes sent to and received from peers that are no devices of
    ours. ``contacts``: ``CONTACT`` rows in order of time. ``taught``: which rows hold traffic to learn from.
    """

    seconds: float
    ids: tuple[str, ...]
    addresses: tuple[str, ...]
    device: NDArray[np.int32]
    window: NDArray[np.int64]
    values: NDArray[np.float64]
    outside: NDArray[np.float64]
    contacts: Columns
    verbs: tuple[Verb, ...]
    taught: NDArray[np.bool_]

    def frames(self) -> Iterator[Frame]:
        """Window by window."""
        for window in np.unique(self.window):
            rows = np.flatnonzero(self.window == window)
            names = tuple(self.ids[device] for device in self.device[rows])
            yield Frame(float(window * self.seconds), self.seconds, names, self.values[rows])
