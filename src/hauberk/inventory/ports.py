"""Ports that say something of a host that answers on them or asks for them (registered at IANA, or customary)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

NOTEWORTHY: tuple[int, ...] = (
    *(
        22,
        23,
        53,
        67,
        80,
        88,
        102,
        111,
        123,
        135,
        139,
        143,
        161,
        179,
        389,
        443,
        445,
        502,
        515,
        548,
        554,
        631,
        1433,
        1883,
        1911,
        2049,
        2081,
        2404,
    ),
    *(
        2869,
        3306,
        3389,
        3478,
        3689,
        4840,
        4911,
        5000,
        5060,
        5222,
        5228,
        5432,
        5900,
        6668,
        7000,
        7547,
        8006,
        8008,
        8009,
        8123,
        8554,
        8883,
    ),
    *(9100, 9999, 10001, 20000, 32400, 34567, 37777, 44818, 47808, 48898, 49153, 55443, 56700, 62078),
)
"""At most 64: each is a bit of a mask."""


def _port_bit() -> NDArray[np.uint8]:
    table = np.zeros(1 << 16, np.uint8)
    for at, port in enumerate(NOTEWORTHY):
        table[port] = at + 1
    return table


PORT_BIT: NDArray[np.uint8] = _port_bit()
"""For every port one more than its bit, 0 for ports that say nothing."""


@lru_cache(maxsize=4096)
def ports_of(mask: int) -> frozenset[int]:
    """The ports whose bits are set."""
    return frozenset(port for at, port in enumerate(NOTEWORTHY) if mask >> at & 1)
