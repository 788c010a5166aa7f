"""The flow table: fixed size, seeded hash, counted evictions, incremental expiry.

Conversations are found by a symmetric hash of both endpoints, so that one probe serves both directions. The index is
open-addressed with linear probing and deletes by backward shift (Knuth, TAOCP 3, 6.4 algorithm R), so that it never fills with
tombstones. The seed is drawn per process: a sender who does not know it cannot aim at one bucket.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hauberk.model.flow import ACTIVITY, FLOW
from hauberk.model.observation import Columns

CANDIDATE = np.dtype(
    [
        ("id", np.uint64),
        ("slot", np.int64),
        ("packet", np.int64),
        ("time", np.int64),
        ("frame", np.int64),
        ("payload", np.int64),
        ("size", np.uint32),
        ("missing", np.uint32),
        ("seq", np.uint32),
        ("ack", np.uint32),
        ("base", np.uint32),
        ("transport", np.uint8),
        ("ip_version", np.uint8),
        ("outward", np.uint8),
        ("based", np.uint8),
        ("last", np.uint8),
    ],
    align=True,
)
"""A packet whose payload is worth reading: ``packet`` is its row, ``payload`` and ``size`` say where it lies in the block;
``outward`` is 1 from the initiator; ``base`` is the sequence number of the direction's first payload byte, valid where ``based``
is 1."""


@dataclass(frozen=True, slots=True)
class FlowLimits:
    """Size and patience of the flow table."""

    flows: int = 1 << 17
    """Most conversations held at once."""
    tcp_idle: float = 300.0
    """Seconds of silence after which an open TCP conversation ends."""
    tcp_closed: float = 10.0
    """Seconds a closed TCP conversation lingers."""
    tcp_unanswered: float = 30.0
    """Seconds of silence after which a TCP conversation of one side without payload ends."""
    udp_idle: float = 120.0
    """Seconds of silence after which a UDP conversation ends."""
    other_idle: float = 60.0
    """Seconds of silence after which any other conversation ends."""


BLOCK_PACKETS: Final = 16384
"""Most packets handed to the kernels at once."""

# Positions in the state vector of the kernel.
FREE, LIVE, NEXT_ID, EVICTED, CURSOR, DIRTY, MUTE = 0, 1, 2, 3, 4, 5, 6
_STATE_SIZE = 8

_NS = 1_000_000_000


class FlowTable:
    """The arrays the flow kernels work on. All are allocated once; untouched pages cost no memory."""

    def __init__(self, limits: FlowLimits, seed: int, port_rank: NDArray[np.uint8], *, silent: bool = False) -> None:
        size = limits.flows
        index_size = 1 << (2 * size - 1).bit_length()
        self.limits = limits
        self.port_rank = port_rank
        self.seed = np.uint64(seed)
        self.index: NDArray[np.int32] = np.full(index_size, -1, np.int32)
        self.hashes: NDArray[np.uint64] = np.zeros(size, np.uint64)
        self.flows: Columns = np.zeros(size, FLOW)
        self.delta: Columns = np.zeros(size, ACTIVITY)
        self.base: NDArray[np.uint32] = np.zeros((size, 2), np.uint32)
        self.based: NDArray[np.uint8] = np.zeros((size, 2), np.uint8)
        self.muted: NDArray[np.uint8] = np.zeros(size, np.uint8)
        self.free: NDArray[np.int32] = np.arange(size - 1, -1, -1, dtype=np.int32)
        self.dirty: NDArray[np.int32] = np.zeros(max(size, BLOCK_PACKETS), np.int32)
        self.state: NDArray[np.int64] = np.zeros(_STATE_SIZE, np.int64)
        self.state[FREE] = size
        self.state[NEXT_ID] = 1
        self.state[MUTE] = silent
        self.idle: NDArray[np.int64] = np.array(
            [
                int(value * _NS)
                for value in (limits.tcp_idle, limits.tcp_closed, limits.tcp_unanswered, limits.udp_idle, limits.other_idle)
            ],
            np.int64,
        )

    @property
    def evicted(self) -> int:
        """Conversations cut short because the table was full."""
        return int(self.state[EVICTED])

    @property
    def live(self) -> int:
        """Conversations held now."""
        return int(self.state[LIVE])


class FlowOutput:
    """Buffers the kernels fill for one block."""

    def __init__(self, packets: int = BLOCK_PACKETS) -> None:
        self.finished: Columns = np.zeros(packets, FLOW)
        self.activity: Columns = np.zeros(3 * packets, ACTIVITY)
        self.candidates: Columns = np.zeros(packets, CANDIDATE)
        self.counts: NDArray[np.int64] = np.zeros(4, np.int64)
