"""A packet socket of Linux with a memory-mapped receive ring (``packet(7)``, kernel document ``packet_mmap``, TPACKET_V3).

The kernel writes packets into blocks of the ring and hands a block over when it is full or a timeout passed; the reader gives
it back when done. Memory stays mapped as long as a view of it lives, so a block kept too long shows wrong packets but never
breaks the process.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import select
import socket
import struct
import threading
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hauberk.sense.capture.ring_walk import BLOCK_STATUS

RING_BLOCK_BYTES: Final = 1 << 20
"""Size of one block of the ring; also the most of a packet that is kept."""

RETIRE_MILLISECONDS: Final = 50
"""Period of the kernel's timer: a block that packets are in is handed over after two periods at the latest."""

_SOL_PACKET: Final = 263
_PACKET_ADD_MEMBERSHIP: Final = 1
_PACKET_RX_RING: Final = 5
_PACKET_STATISTICS: Final = 6
_PACKET_VERSION: Final = 10
_TPACKET_V3: Final = 2
_PACKET_MR_PROMISC: Final = 1
_ETH_P_ALL: Final = 3
_SO_ATTACH_FILTER: Final = 26
_BPF_RETURN: Final = 0x06  # BPF_RET with a constant: how many bytes of the packet to keep
_FRAME_BYTES: Final = 2048  # has no meaning in version 3 but must divide the block
_STATUS_USER: Final = 1


class Statistics(NamedTuple):
    """Counts of the kernel since they were last asked for."""

    packets: int
    """Packets the kernel offered to the socket, with those it dropped."""
    drops: int
    """Packets dropped because the ring was full."""
    freezes: int
    """How often the ring became full."""


class Ring:
    """A socket bound to one interface with its ring. Raises ``OSError`` where the system does not allow that."""

    def __init__(self, interface: int, ring_bytes: int, *, datagram: bool, promiscuous: bool) -> None:
        self.block_count = max(2, ring_bytes // RING_BLOCK_BYTES)
        self._lock = threading.RLock()  # a signal handler may interrupt the thread that holds it
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM if datagram else socket.SOCK_RAW, 0)
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        try:
            self._socket.setsockopt(_SOL_PACKET, _PACKET_VERSION, _TPACKET_V3)
            frames = RING_BLOCK_BYTES // _FRAME_BYTES * self.block_count
            request = struct.pack("7I", RING_BLOCK_BYTES, self.block_count, _FRAME_BYTES, frames, RETIRE_MILLISECONDS, 0, 0)
            self._socket.setsockopt(_SOL_PACKET, _PACKET_RX_RING, request)
            memory = mmap.mmap(self._socket.fileno(), RING_BLOCK_BYTES * self.block_count)
            self.data: NDArray[np.uint8] = np.frombuffer(memory, np.uint8)
            """The whole ring."""
            if promiscuous:
                member = struct.pack("iHH8s", interface, _PACKET_MR_PROMISC, 0, b"")
                self._socket.setsockopt(_SOL_PACKET, _PACKET_ADD_MEMBERSHIP, member)
            self._socket.bind((socket.if_indextoname(interface), _ETH_P_ALL))
        except OSError:
            self._close_files()
            raise
        self._status = self.data.view(np.uint32)[BLOCK_STATUS // 4 :: RING_BLOCK_BYTES // 4]
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN | select.POLLERR)
        self._poll.register(self._wake, select.POLLIN)

    def ready(self, block: int, milliseconds: int) -> bool:
        """Whether ``block`` is ours to read, after waiting for it; ``wake`` ends the wait.

        Asks the system even where the block is ours already: the lock taken there orders the reads that follow.
        Raises ``OSError`` where the interface has an error, such as that it is down.
        """
        is_ours = bool(self._status[block] & _STATUS_USER)
        events = dict(self._poll.poll(0 if is_ours else milliseconds))
        if self._wake in events:
            os.eventfd_read(self._wake)
        if events.get(self._socket.fileno(), 0) & select.POLLERR and not is_ours:
            number = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if number:
                raise OSError(number, os.strerror(number))
        return bool(self._status[block] & _STATUS_USER)

    def release(self, block: int) -> None:
        """Give ``block`` back to the kernel, which may overwrite it at once."""
        self._status[block] = 0

    def statistics(self) -> Statistics:
        """What the kernel counted since the last call."""
        return Statistics(*struct.unpack("3I", self._socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 12)))

    def wake(self) -> None:
        """End the present or next wait. May be called from another thread or a signal handler, also after ``close``."""
        with self._lock:
            if self._socket.fileno() >= 0:
                os.eventfd_write(self._wake, 1)

    def refuse(self) -> None:
        """Take no packets any more; those in the ring stay."""
        program = ctypes.create_string_buffer(struct.pack("HBBI", _BPF_RETURN, 0, 0, 0))
        reference = struct.pack("HP", 1, ctypes.addressof(program))  # struct sock_fprog
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, reference)

    def close(self) -> None:
        """Stop receiving. The memory goes when the last view of it does, and holds the socket open until then."""
        if self._socket.fileno() < 0:
            return
        try:
            self.refuse()
        finally:
            self._close_files()

    def _close_files(self) -> None:
        with self._lock:
            self._socket.close()
            os.close(self._wake)
