"""Reach of IP addresses (RFC 6890, RFC 4291, RFC 5771), in compiled code so that every observed row can be asked.

Takes the two halves the columns hold. Must never take an IPv4 address for anything but its mapped form.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import njit

NONE: Final = 0
"""No address: unspecified, or of "this network" (RFC 1122 section 3.2.1.3)."""
LOOPBACK: Final = 1
LINK: Final = 2
"""Link-local: 169.254.0.0/16 (RFC 3927), fe80::/10."""
PRIVATE: Final = 3
"""Never on the public Internet: RFC 1918, RFC 6598, RFC 4193, and the networks of documentation and of benchmarks (RFC 5737, RFC
2544)."""
PUBLIC: Final = 4
GROUP_LINK: Final = 5
"""Broadcast and multicast that routers do not forward, and SSDP, which they rarely do: their senders are attached to this link."""
GROUP: Final = 6
"""Other multicast."""


@njit(cache=True)
def _scope4(address: np.int64) -> int:
    top = address >> 24
    if address == 0xFFFF_FFFF or address >> 8 == 0xE000_00 or address == 0xEFFF_FFFA:
        return GROUP_LINK
    if 224 <= top < 240:
        return GROUP
    if top == 0:
        return NONE
    if top == 127:
        return LOOPBACK
    if address >> 16 == 0xA9FE:
        return LINK
    if (
        top == 10
        or address >> 20 == 0xAC1
        or address >> 16 == 0xC0A8
        or address >> 22 == 0x191
        or address >> 17 == 0x6309
        or address >> 8 in (0xC00002, 0xC63364, 0xCB0071)
    ):
        return PRIVATE
    return PUBLIC


@njit(cache=True)
def scope(hi: np.uint64, lo: np.uint64) -> int:
    """Reach of the address with these 64-bit halves."""
    if hi == np.uint64(0):
        if lo >> np.uint64(32) == np.uint64(0xFFFF):
            return _scope4(np.int64(lo & np.uint64(0xFFFF_FFFF)))
        return LOOPBACK if lo == np.uint64(1) else NONE
    top = np.int64(hi >> np.uint64(48))
    if top >> 8 == 0xFF:
        return GROUP_LINK if top & 15 <= 2 or lo == np.uint64(0xC) else GROUP
    if top >> 6 == 0x3FA:
        return LINK
    if top >> 9 == 0x7E or hi >> np.uint64(32) == np.uint64(0x2001_0DB8):
        return PRIVATE
    return PUBLIC
