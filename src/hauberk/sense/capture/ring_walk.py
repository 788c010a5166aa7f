"""Reads one block of a TPACKET_V3 ring in compiled code.

Layouts are those of ``linux/if_packet.h`` (``tpacket_block_desc``, ``tpacket3_hdr``, ``sockaddr_ll``), in the byte order of the
machine. The kernel is believed about the packets it wrote, but never read past the end of the ring: a block whose inside does not
hold together gives ``-1``.
"""

from __future__ import annotations

import sys
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hauberk.sense.capture.interface import NO_VLAN
from hauberk.sense.capture.walk import Columns, kernel, u16, u32

BLOCK_STATUS: Final = 8
"""Where the owner of a block is noted, in bytes from its start: odd where it is ours."""

_SWAPPED: Final = sys.byteorder == "big"
_BLOCK_PACKETS: Final = 12
_BLOCK_FIRST: Final = 16
_HEADER_BYTES: Final = 48  # of tpacket3_hdr, which sockaddr_ll follows
_ADDRESS_BYTES: Final = 20
_PACKET_TYPE: Final = _HEADER_BYTES + 10  # sll_pkttype
_OUTGOING: Final = 4  # PACKET_OUTGOING
_VLAN_VALID: Final = 1 << 4  # TP_STATUS_VLAN_VALID
_PRIORITY_TAG: Final = 0xFFFF


@kernel
def walk_ring_block(
    ring: NDArray[np.uint8], begin: int, end: int, columns: Columns, first: int, incoming_only: bool
) -> tuple[int, int]:
    """Fill ``columns`` with the packets of the ring block ``ring[begin:end]``; how many there are, and how many were left out.

    With ``incoming_only`` packets that this machine sent are left out: a loopback interface shows each packet twice.
    """
    packets = u32(ring, begin + _BLOCK_PACKETS, _SWAPPED)
    at = begin + u32(ring, begin + _BLOCK_FIRST, _SWAPPED)
    found = 0
    for index in range(packets):
        if at + _HEADER_BYTES + _ADDRESS_BYTES > end or found == len(columns.offset):
            return -1, 0
        captured = u32(ring, at + 12, _SWAPPED)
        offset = at + u16(ring, at + 24, _SWAPPED)
        if offset + captured > end:
            return -1, 0
        if not (incoming_only and ring[at + _PACKET_TYPE] == _OUTGOING):
            columns.offset[found] = offset
            columns.captured[found] = captured
            columns.wire[found] = u32(ring, at + 16, _SWAPPED)
            columns.time[found] = u32(ring, at + 4, _SWAPPED) * 1_000_000_000 + u32(ring, at + 8, _SWAPPED)
            tagged = u32(ring, at + 20, _SWAPPED) & _VLAN_VALID
            columns.vlan[found] = u32(ring, at + 32, _SWAPPED) & _PRIORITY_TAG if tagged else NO_VLAN
            columns.frame[found] = first + found
            found += 1
        step = u32(ring, at, _SWAPPED)
        if step == 0 and index + 1 < packets:
            return -1, 0
        at += step
    return found, packets - found
