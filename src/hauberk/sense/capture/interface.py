"""What a packet source gives: blocks of raw packets, as columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

LINK_NULL = 0
LINK_ETHERNET = 1
LINK_RAW = 101
LINK_LOOP = 108
LINK_LINUX_SLL = 113
LINK_RAW_IPV4 = 228
LINK_RAW_IPV6 = 229
LINK_LINUX_SLL2 = 276

NO_VLAN = -1


@dataclass(frozen=True, slots=True)
class Block:
    """Packets ``0..count`` of one source, in the order captured. Valid until the next block is asked for.

    ``data`` (uint8) holds the frames; ``offset`` (int64) where each begins in it; ``captured`` and ``wire`` (uint32) its
    bytes held and
    its bytes on the wire; ``time`` (int64) nanoseconds since the epoch; ``link`` (uint16) its LINKTYPE; ``vlan`` (int32)
    the tag control
    information the kernel took out of the frame, or ``NO_VLAN``; ``frame`` (int64) its 1-based number in its capture.
    """

    data: NDArray[np.uint8]
    offset: NDArray[np.int64]
    captured: NDArray[np.uint32]
    wire: NDArray[np.uint32]
    time: NDArray[np.int64]
    link: NDArray[np.uint16]
    vlan: NDArray[np.int32]
    frame: NDArray[np.int64]
    count: int


class PacketSource(Protocol):
    """A file, several files as one, or an interface."""

    @property
    def name(self) -> str:
        """What the source is called in messages to people."""
        ...

    @property
    def size(self) -> int | None:
        """Bytes in all, where known, for a progress bar."""
        ...

    @property
    def position(self) -> int:
        """Bytes read so far, in the same unit as ``size``."""
        ...

    def blocks(self) -> Iterator[Block]:
        """The packets, block by block. A source of files notes where it cannot go on in its ``problems`` and ends; an interface
        raises ``CaptureError``. Everything before that place was yielded."""
        ...
