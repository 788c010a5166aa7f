"""A network interface as a packet source, without a copy of the packets between the kernel and the reader.

Linux only; needs the capability CAP_NET_RAW. Nothing is ever sent. The kernels of the caller should be compiled before a
``LiveSource`` is made, as packets arrive in the ring from then on.
"""

from __future__ import annotations

import errno
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import numpy as np

from hauberk.errors import CaptureError
from hauberk.sense.capture.interface import LINK_RAW, Block
from hauberk.sense.capture.network_interface import find_interface, is_there
from hauberk.sense.capture.ring import RETIRE_MILLISECONDS, RING_BLOCK_BYTES, Ring
from hauberk.sense.capture.ring_walk import walk_ring_block
from hauberk.sense.capture.walk import new_columns

RING_BYTES: Final = 64 << 20
"""Size of the ring unless told otherwise: about half a second at 1 Gbit/s."""

WAIT_MILLISECONDS: Final = 100
"""An empty block is handed over after this time without a packet, so that the reader's clock goes on."""

_DRAIN_SECONDS: Final = 3 * RETIRE_MILLISECONDS / 1000


class LiveSource:
    """Packets of one interface from now on. ``blocks`` may be walked once; ``stop`` ends it from anywhere.

    Raises ``CaptureError`` where the interface does not exist, its frames cannot be read, or the process may not capture.
    """

    def __init__(self, interface: str, *, ring_bytes: int = RING_BYTES, promiscuous: bool = True) -> None:
        self.name = interface
        """Name of the interface."""
        self.size = None
        """Not known: an interface has no end."""
        self.position = 0
        """Bytes of packets handed over."""
        self.received = 0
        """Packets handed over."""
        self.kernel_drops = 0
        """Packets the kernel dropped because the ring was full."""
        self.kernel_freezes = 0
        """How often the ring became full."""
        self.own_drops = 0
        """Packets in ring blocks that could not be read."""
        self.duplicates = 0
        """Packets left out because a loopback interface shows every packet as sent and as received."""
        self._interface = find_interface(interface)
        self._columns = new_columns()
        self._columns.link[:] = self._interface.link
        self._stopping = threading.Event()
        self._was_down = False
        walk_ring_block(np.zeros(64, np.uint8), 0, 64, self._columns, 1, True)  # compiled before packets arrive
        try:
            self._ring = Ring(self._interface.index, ring_bytes, datagram=self._interface.link == LINK_RAW, promiscuous=promiscuous)
        except PermissionError as error:
            raise CaptureError(interface, _permission_advice()) from error
        except OSError as error:
            reason = f"a ring of {ring_bytes} bytes cannot be set up ({error.strerror})"
            raise CaptureError(interface, reason) from error

    def blocks(self) -> Iterator[Block]:
        """The packets as they come, and an empty block after every ``WAIT_MILLISECONDS`` without one.

        Raises ``CaptureError`` where the interface goes away. After ``stop`` the packets that were received until then follow.
        """
        at = 0
        ends: float | None = None  # set when no more packets come: until then the kernel may hand over what it has
        gone = False
        empty = self._columns.chosen(slice(0)).block(self._ring.data)
        try:
            while ends is None or time.monotonic() < ends:
                if ends is None and (gone or self._stopping.is_set()):
                    self._ring.refuse()
                    ends = time.monotonic() + _DRAIN_SECONDS
                while self._ready(at, WAIT_MILLISECONDS if ends is None else RETIRE_MILLISECONDS):
                    yield self._read(at)
                    self._ring.release(at)
                    at = (at + 1) % self._ring.block_count
                    if ends is None and self._stopping.is_set():
                        break
                gone = gone or self._is_gone()
                if ends is None:
                    yield empty
            if gone and not self._stopping.is_set():
                raise CaptureError(self.name, "the interface is gone")
        finally:
            self.close()

    def stop(self) -> None:
        """Take no further packets and end ``blocks`` soon. May be called from another thread or a signal handler."""
        self._stopping.set()
        self._ring.wake()

    def close(self) -> None:
        """Let go of the interface at once."""
        self._ring.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _ready(self, at: int, milliseconds: int) -> bool:
        try:
            ready = self._ring.ready(at, milliseconds)
        except OSError as error:
            if error.errno != errno.ENETDOWN:
                raise CaptureError(self.name, f"the interface has an error ({error.strerror})") from error
            self._was_down, ready = True, False
        self._count_drops()
        return ready

    def _is_gone(self) -> bool:
        """Whether the interface, having gone down at some time, no longer exists."""
        return self._was_down and not is_there(self._interface)

    def _read(self, at: int) -> Block:
        """The ring block ``at`` as a block."""
        begin = at * RING_BLOCK_BYTES
        data = self._ring.data
        found, duplicates = walk_ring_block(
            data, begin, begin + RING_BLOCK_BYTES, self._columns, self.received + 1, self._interface.loopback
        )
        if found < 0:
            self.own_drops += int(data[begin + 12 : begin + 16].view(np.uint32)[0])
            found = 0
        self.received += found
        self.duplicates += duplicates
        block = self._columns.chosen(slice(found)).block(data)
        self.position += int(block.captured.sum(dtype=np.int64))
        return block

    def _count_drops(self) -> None:
        counted = self._ring.statistics()
        self.kernel_drops += counted.drops
        self.kernel_freezes += counted.freezes


def _permission_advice() -> str:
    python = Path(sys.executable).resolve()
    return f"capturing needs the right to open raw sockets: run with sudo, or allow it with 'setcap cap_net_raw+eip {python}'"
