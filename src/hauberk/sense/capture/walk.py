"""What the record walkers share: compiled kernels that cut a buffer into packets and fill columns.

A walker never raises and never reads past the end it is given: it returns how many packets it found, where it stands and why
it stopped. Integers are kept in int64 all through, because Numba turns a mix of int64 and uint64 into floating point.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple, TypeVar, cast

import numpy as np
from numba import njit
from numpy.typing import NDArray

from hauberk.sense.capture.interface import NO_VLAN, Block
from hauberk.sense.capture.window import RECORD_LIMIT

BLOCK_PACKETS: Final = 16384
"""Most packets in one block."""

STOP_MORE: Final = 1
"""The next record is not there in full: as many bytes as ``need`` says are wanted."""
STOP_FULL: Final = 2
"""The columns are full."""
STOP_STRUCTURE: Final = 3
"""The next block is one that is read outside the kernel."""
STOP_LENGTH: Final = 10
STOP_CAPTURED: Final = 11
STOP_SNAP: Final = 12
STOP_SIZE: Final = 13
STOP_TRAILER: Final = 14
STOP_INTERFACE: Final = 15

REASONS: Final[dict[int, str]] = {
    STOP_LENGTH: "a block gives a length that is not possible",
    STOP_CAPTURED: "a packet claims more bytes than its block holds",
    STOP_SNAP: "a packet claims more bytes than were captured at most",
    STOP_SIZE: f"a record claims more than {RECORD_LIMIT} bytes",
    STOP_TRAILER: "the two lengths of a block differ",
    STOP_INTERFACE: "a packet names an interface that was not described",
}
"""What is wrong with the file, by the stop code of the walker. Codes below ``STOP_LENGTH`` are not errors."""

SNAP_FLOOR: Final = 262144
"""A record may hold this much whatever the snapshot length says: writers are known to be careless there (libpcap's own limit)."""

_Kernel = TypeVar("_Kernel", bound=Callable[..., object])


def kernel(function: _Kernel) -> _Kernel:
    """``function`` compiled by Numba at its first call, kept on disk for later processes, running without the GIL."""
    return cast("_Kernel", njit(cache=True, nogil=True)(function))


class Columns(NamedTuple):
    """The columns of a block, ``BLOCK_PACKETS`` long, filled anew for every block."""

    offset: NDArray[np.int64]
    captured: NDArray[np.uint32]
    wire: NDArray[np.uint32]
    time: NDArray[np.int64]
    link: NDArray[np.uint16]
    vlan: NDArray[np.int32]
    frame: NDArray[np.int64]

    def chosen(self, index: slice | NDArray[np.int64]) -> Columns:
        """The rows a slice or the numbers of ``index`` select, in that order."""
        return Columns(
            self.offset[index],
            self.captured[index],
            self.wire[index],
            self.time[index],
            self.link[index],
            self.vlan[index],
            self.frame[index],
        )

    def block(self, data: NDArray[np.uint8]) -> Block:
        """All rows as a block over ``data``."""
        return Block(data, *self, len(self.offset))


def new_columns(count: int = BLOCK_PACKETS) -> Columns:
    """Empty columns; no packet has a VLAN tag apart from its bytes until a walker says so."""
    return Columns(
        np.zeros(count, np.int64),
        np.zeros(count, np.uint32),
        np.zeros(count, np.uint32),
        np.zeros(count, np.int64),
        np.zeros(count, np.uint16),
        np.full(count, NO_VLAN, np.int32),
        np.zeros(count, np.int64),
    )


class Walked(NamedTuple):
    """How far a walker got: packets in the columns, position in the buffer, why it stopped, bytes it needs from there."""

    packets: int
    begin: int
    stop: int
    need: int


@kernel
def u16(data: NDArray[np.uint8], at: int, swapped: bool) -> int:
    """Two bytes at ``at`` as an unsigned number, most significant first where ``swapped``."""
    low, high = np.int64(data[at]), np.int64(data[at + 1])
    return int((low << 8) | high if swapped else (high << 8) | low)


@kernel
def u32(data: NDArray[np.uint8], at: int, swapped: bool) -> int:
    """Four bytes at ``at`` as an unsigned number, most significant first where ``swapped``."""
    one, two = np.int64(data[at]), np.int64(data[at + 1])
    three, four = np.int64(data[at + 2]), np.int64(data[at + 3])
    if swapped:
        return int((one << 24) | (two << 16) | (three << 8) | four)
    return int((four << 24) | (three << 16) | (two << 8) | one)
