"""Which card sent from which IPv4 address lately: asked only when somebody claims an address."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hauberk.model.observation import Columns

_MOST_ROWS = 1 << 17
_HOST_ADDRESSES = 2
"""Most addresses a card may send from and still be a host; a router sends from those of everybody beyond it."""
_V4_PREFIX = np.uint64(0xFFFF)


class Lately:
    """Cards, addresses and times of what was sent within ``seconds`` of traffic time, at most 131,072 rows of it."""

    def __init__(self, seconds: float) -> None:
        self._nanoseconds = np.int64(seconds * 1e9)
        self._mac: NDArray[np.uint64] = np.empty(0, np.uint64)
        self._address: NDArray[np.uint64] = np.empty(0, np.uint64)
        self._time: NDArray[np.int64] = np.empty(0, np.int64)

    def add(self, activity: Columns) -> None:
        """Take in what a batch says, and forget what is too old."""
        if not len(activity):
            return
        oldest = activity["start"].max() - self._nanoseconds
        kept = self._time >= oldest
        macs, addresses, times = [self._mac[kept]], [self._address[kept]], [self._time[kept]]
        for side in "ab":
            mac = activity[f"{side}_mac"]
            chosen = np.flatnonzero((mac != 0) & (activity["ip_version"] == 4) & (activity["start"] >= oldest))
            macs.append(mac[chosen])
            addresses.append(activity[f"{side}_lo"][chosen])
            times.append(activity["start"][chosen])
        self._mac, self._address, self._time = (np.concatenate(parts)[-_MOST_ROWS:] for parts in (macs, addresses, times))

    def user(self, key: tuple[int, int], claimant: int, time: float) -> tuple[float, int] | None:
        """When the one host last sent from address ``key`` (halves) before ``claimant`` claimed it at ``time``, and its card.

        None where nobody did, several did, the claimant itself did, or the one that did looks like a router.
        """
        if key[0] or key[1] >> 32 != _V4_PREFIX:
            return None
        before = (self._time < np.int64(time * 1e9)) & (self._time >= np.int64(time * 1e9) - self._nanoseconds)
        used = before & (self._address == np.uint64(key[1]))
        cards = np.unique(self._mac[used])
        if len(cards) != 1 or int(cards[0]) == claimant:
            return None
        if len(np.unique(self._address[before & (self._mac == cards[0])])) > _HOST_ADDRESSES:
            return None
        return float(self._time[used].max()) / 1e9, int(cards[0])
