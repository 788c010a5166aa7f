"""The IP networks that lie on the observed links, as far as traffic shows them: /24 of IPv4 and /64 of IPv6."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hauberk.model.observation import Columns


@dataclass(frozen=True, slots=True)
class Networks:
    """Sorted prefixes: ``v4`` are low halves without their last 8 bits, ``v6`` high halves. ``sure`` are those in which addresses
    were claimed or leased."""

    v4: NDArray[np.uint64]
    v6: NDArray[np.uint64]
    sure: frozenset[int]

    @staticmethod
    def of(rows: Columns, attached: NDArray[np.bool_], claimed: NDArray[np.bool_], pairs: frozenset[tuple[int, int]]) -> Networks:
        """Networks of the rows that are ``attached`` or ``claimed``, and of the IPv4 networks (``pairs``) they resolve addresses
        of."""
        held = attached | claimed
        four, six = rows["layer"] == 4, rows["layer"] == 6
        v4 = np.unique(rows["lo"][held & four] >> np.uint64(8))
        v6 = np.unique(rows["hi"][held & six])
        sure = {*(rows["lo"][claimed & four] >> np.uint64(8)).tolist(), *rows["hi"][claimed & six].tolist()}
        own = set(v4.tolist())
        more = [target for source, target in pairs if source in own and target not in own]
        if more:
            v4 = np.unique(np.concatenate((v4, np.array(more, np.uint64))))
        return Networks(v4, v6, frozenset(sure))

    def holds(self, rows: Columns) -> NDArray[np.bool_]:
        """Which rows have an address in one of the networks."""
        held: NDArray[np.bool_] = ((rows["layer"] == 4) & np.isin(rows["lo"] >> np.uint64(8), self.v4)) | (
            (rows["layer"] == 6) & np.isin(rows["hi"], self.v6)
        )
        return held

    def contains(self, hi: int, lo: int) -> bool:
        """True for an address in one of the networks."""
        table, prefix = (self.v4, lo >> 8) if hi == 0 else (self.v6, hi)
        at = int(np.searchsorted(table, np.uint64(prefix)))
        return at < table.size and int(table[at]) == prefix

    def explains_peer(self, row: np.void) -> bool:
        """True if the row's address talks with a network known for certain from outside it: across a router, then.

        IPv4 networks wider than /24 are common in plants: an address of the same /16 is given the benefit of the doubt.
        """
        hi, lo = int(row["peer_hi"]), int(row["peer_lo"])
        if (lo >> 8 if hi == 0 else hi) not in self.sure:
            return False
        return hi != 0 or int(row["lo"]) >> 16 != lo >> 16
