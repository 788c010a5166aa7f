"""What a device has met before: peers, services and operations as hashes in one sorted array."""

from __future__ import annotations

import hashlib
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]


class Met:
    """A set of 64-bit hashes; a collision makes something new look known, once in 10^13 for a million of them."""

    def __init__(self, most: int) -> None:
        """``most``: hashes remembered; the set takes no more beyond."""
        self._most = most
        self._sorted: Hashes = np.zeros(0, np.uint64)
        self._late: set[int] = set()

    def __len__(self) -> int:
        return len(self._sorted) + len(self._late)

    def has(self, hashes: Hashes) -> NDArray[np.bool_]:
        """Which of ``hashes`` are known."""
        self._merge()
        if not len(self._sorted):
            return np.zeros(len(hashes), np.bool_)
        place = np.minimum(np.searchsorted(self._sorted, hashes), len(self._sorted) - 1)
        known: NDArray[np.bool_] = self._sorted[place] == hashes
        return known

    def add(self, hashes: Hashes) -> None:
        """Know ``hashes`` from now on."""
        fresh = np.unique(hashes[~self.has(hashes)])
        fresh = fresh[: max(0, self._most - len(self._sorted))]
        if len(fresh):
            self._sorted = np.insert(self._sorted, np.searchsorted(self._sorted, fresh), fresh)

    def meet(self, thing: int) -> bool:
        """Know one hash from now on; whether it is new. What is met one by one is sorted in later, all together."""
        key = np.uint64(thing)
        place = int(np.searchsorted(self._sorted, key))
        if thing in self._late or (place < len(self._sorted) and self._sorted[place] == key):
            return False
        if len(self) < self._most:
            self._late.add(thing)
        return True

    def _merge(self) -> None:
        if self._late:
            late = np.sort(np.fromiter(self._late, np.uint64, len(self._late)))
            self._late.clear()
            self._sorted = np.insert(self._sorted, np.searchsorted(self._sorted, late), late)


@lru_cache(maxsize=1 << 16)
def seed(text: str) -> int:
    """64-bit hash of a text, the same in every run."""
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")
