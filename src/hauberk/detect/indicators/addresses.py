"""Which of many addresses lie in which of many ranges, for columns at once.

Ranges of prefixes nest or are apart, so that they cut the addresses into segments, each of which belongs to its narrowest range.
One binary search an address finds the segment, whatever the number of ranges and their lengths.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from ipaddress import IPv6Address, ip_network

import numpy as np
from numpy.typing import NDArray

from hauberk.model.address import ip_halves

NOBODY = -1
"""The owner of addresses in no range."""
_V4_PREFIX = np.uint64(0xFFFF)
_HALF = (1 << 64) - 1

Owners = NDArray[np.int32]


def bounds(value: str) -> tuple[int, int]:
    """First and last address of an address or network in text, as numbers of 128 bits (IPv4 mapped)."""
    network = ip_network(value)
    ends = (network.network_address, network.broadcast_address)
    first, last = (int(end) if isinstance(end, IPv6Address) else 0xFFFF_0000_0000 | int(end) for end in ends)
    return first, last


class AddressRanges:
    """Ranges by number: the place in the list that was given."""

    def __init__(self, values: Sequence[str]) -> None:
        """``values``: different addresses and networks in text."""
        self.parent: list[int] = [NOBODY] * len(values)
        """The next wider range that holds each range."""
        points, owners = self._segments(values)
        self._points = points
        self._owners = [NOBODY, *owners]
        split = bisect_right(points, _HALF)
        self._low = np.array(points[:split], np.uint64)
        self._low_owners = np.array(self._owners[: split + 1], np.int32)
        self._high = _big_endian(
            np.array([point >> 64 for point in points[split:]], np.uint64),
            np.array([point & _HALF for point in points[split:]], np.uint64),
        )
        self._high_owners = np.array(self._owners[split:], np.int32)

    def __len__(self) -> int:
        return len(self.parent)

    def owners(self, hi: NDArray[np.uint64], lo: NDArray[np.uint64]) -> Owners:
        """Number of the narrowest range that holds each address, given in halves; ``NOBODY`` where none does."""
        if not len(self._high):
            found = self._low_owners[np.searchsorted(self._low, lo, side="right")]
            return np.where(hi == 0, found, np.int32(NOBODY))
        low = hi == 0
        owners: Owners = np.empty(len(hi), np.int32)
        owners[low] = self._low_owners[np.searchsorted(self._low, lo[low], side="right")]
        high = ~low
        if high.any():
            owners[high] = self._high_owners[np.searchsorted(self._high, _big_endian(hi[high], lo[high]), side="right")]
        return owners

    def owner(self, address: str) -> int:
        """The same for one address in text; ``NOBODY`` also where the text is none."""
        try:
            hi, lo = ip_halves(address)
        except ValueError:
            return NOBODY
        return self._owners[bisect_right(self._points, hi << 64 | lo)]

    def chain(self, number: int) -> list[int]:
        """The range and every wider one that holds it, narrowest first."""
        chain = []
        while number != NOBODY:
            chain.append(number)
            number = self.parent[number]
        return chain

    def _segments(self, values: Sequence[str]) -> tuple[list[int], list[int]]:
        """Where each segment begins, and whose it is."""
        ranges = sorted((first, -last, number) for number, (first, last) in enumerate(map(bounds, values)))
        points: list[int] = []
        owners: list[int] = []
        around: list[tuple[int, int]] = []

        def mark(point: int, owner: int) -> None:
            if points and points[-1] == point:
                owners[-1] = owner
            else:
                points.append(point)
                owners.append(owner)

        def leave() -> None:
            last, _ = around.pop()
            mark(last + 1, around[-1][1] if around else NOBODY)

        for first, negative_last, number in ranges:
            while around and around[-1][0] < first:
                leave()
            self.parent[number] = around[-1][1] if around else NOBODY
            mark(first, number)
            around.append((-negative_last, number))
        while around:
            leave()
        return points, owners


def _big_endian(hi: NDArray[np.uint64], lo: NDArray[np.uint64]) -> NDArray[np.bytes_]:
    """Addresses as 16 bytes each, whose order is that of the addresses."""
    halves = np.empty((len(hi), 2), ">u8")
    halves[:, 0], halves[:, 1] = hi, lo
    return halves.view("S16").reshape(len(hi))
