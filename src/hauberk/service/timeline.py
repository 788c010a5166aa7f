"""Traffic over time: bytes of each address in bins of equal width, bounded in addresses and in bins.

Starts with bins of one second. Whenever the traffic spans more bins than there are, neighbouring bins are merged and the width
doubles, so that a minute and a year both fit. Addresses beyond the bound are counted together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from hauberk.model.address import ip_text, mac_text
from hauberk.model.observation import Columns, Observations

BINS = 240
ADDRESSES = 4096
_SECOND = 1_000_000_000

Counts = NDArray[np.float64]


class Timeline:
    """Bytes sent and received by each address over time, of everything it was shown.

    Satisfied with rows in any order. ``start`` and ``width`` (seconds) say where the first bin lies and how long each is;
    ``first`` and ``last`` (nanoseconds) are the times of the first and the last row.
    """

    def __init__(self, addresses: int = ADDRESSES, bins: int = BINS) -> None:
        self.first: int | None = None
        self.last: int | None = None
        self._bins = bins
        self._addresses = addresses
        self._rows: dict[tuple[bool, int, int], int] = {}
        self._counts = np.zeros((16, bins))
        self._beyond = np.zeros((1, bins))
        self._width = _SECOND
        self._origin = 0
        self._latest = 0

    def watch(self, batches: Iterable[Observations]) -> Iterator[Observations]:
        """The batches as they come, each looked at in passing."""
        for batch in batches:
            self.observe(batch.activity)
            yield batch

    def observe(self, activity: Columns) -> None:
        """Count ``ACTIVITY`` rows."""
        if not activity.size:
            return
        start = activity["start"]
        first, last = int(start.min()), int(activity["end"].max())
        self._fit(min(first, self.first if self.first is not None else first), int(start.max()))
        self.first = first if self.first is None else min(first, self.first)
        self.last = last if self.last is None else max(last, self.last)
        bins = start // self._width - self._origin
        amount = (activity["bytes_out"] + activity["bytes_in"]).astype(np.float64)
        plain = activity["ip_version"] == 0
        for end in ("a", "b"):
            rows = self._slots(plain, activity[f"{end}_hi"], activity[f"{end}_lo"])
            known = rows >= 0
            np.add.at(self._counts.reshape(-1), rows[known] * self._bins + bins[known], amount[known])
            np.add.at(self._beyond.reshape(-1), bins[~known], amount[~known])

    @property
    def start(self) -> float:
        """Epoch seconds at which the first bin begins."""
        return self._origin * self._width * 1e-9

    @property
    def width(self) -> float:
        """Seconds of one bin."""
        return self._width * 1e-9

    @property
    def used(self) -> int:
        """Bins from the first to the last that holds anything."""
        return 0 if self.last is None else min(self.last // self._width - self._origin + 1, self._bins)

    def series(self) -> Iterator[tuple[str, Counts]]:
        """Each address with its bytes in the bins that are used, in the order in which the addresses were met."""
        for (plain, hi, lo), row in self._rows.items():
            yield mac_text(lo) if plain else ip_text(hi, lo), self._counts[row, : self.used]

    def beyond(self) -> Counts:
        """Bytes of the addresses that were too many to be told apart."""
        return np.asarray(self._beyond[0, : self.used])

    def _fit(self, first: int, last: int) -> None:
        """Make the bins reach from ``first`` to ``last`` and over what is counted already (nanoseconds)."""
        if self.first is None:
            self._origin = first // self._width
        self._latest = max(last, self._latest if self.first is not None else last)
        while self._latest // self._width - min(first // self._width, self._origin) >= self._bins:
            self._double()
        wanted = min(first // self._width, self._origin)
        if wanted < self._origin:
            shift = self._origin - wanted
            self._counts = np.roll(self._counts, shift, axis=1)  # the bins that come round are empty: the loop above made room
            self._beyond = np.roll(self._beyond, shift, axis=1)
            self._origin = wanted

    def _double(self) -> None:
        pairs = np.unique((self._origin + np.arange(self._bins)) // 2, return_index=True)[1]
        self._counts = self._merged(self._counts, pairs)
        self._beyond = self._merged(self._beyond, pairs)
        self._origin //= 2
        self._width *= 2

    def _merged(self, counts: Counts, pairs: NDArray[np.intp]) -> Counts:
        merged = np.zeros_like(counts)
        merged[:, : len(pairs)] = np.add.reduceat(counts, pairs, axis=1)
        return merged

    def _slots(self, plain: NDArray[np.bool_], hi: NDArray[np.uint64], lo: NDArray[np.uint64]) -> NDArray[np.int64]:
        """The row of each address; -1 for addresses beyond the bound."""
        order = np.lexsort((lo, hi, plain))
        sorted_plain, sorted_hi, sorted_lo = plain[order], hi[order], lo[order]
        new = np.ones(order.size, np.bool_)
        new[1:] = (np.diff(sorted_lo) != 0) | (np.diff(sorted_hi) != 0) | (sorted_plain[1:] != sorted_plain[:-1])
        keys = zip(sorted_plain[new].tolist(), sorted_hi[new].tolist(), sorted_lo[new].tolist(), strict=True)
        slots = np.fromiter((self._slot(key) for key in keys), np.int64, int(new.sum()))
        rows = np.empty(order.size, np.int64)
        rows[order] = slots[np.cumsum(new) - 1]
        return rows

    def _slot(self, key: tuple[bool, int, int]) -> int:
        slot = self._rows.get(key)
        if slot is None:
            if len(self._rows) >= self._addresses:
                return -1
            slot = self._rows[key] = len(self._rows)
            if slot >= len(self._counts):
                grown = np.zeros((min(2 * len(self._counts), self._addresses), self._bins))
                grown[: len(self._counts)] = self._counts
                self._counts = grown
        return slot
