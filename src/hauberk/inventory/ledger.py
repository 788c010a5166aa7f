"""The ledger: every binding of hardware and network address that was seen, with its raw evidence.

It grows to its limit; beyond it the longest silent bindings that nobody claimed are folded into the row of their hardware address,
so that counts stay true. Must never hold a conclusion that later evidence could not undo.
"""

from __future__ import annotations

import secrets

import numpy as np
from numpy.typing import NDArray

from hauberk.inventory import kernel as k
from hauberk.inventory.limits import InventoryLimits
from hauberk.inventory.ports import PORT_BIT
from hauberk.inventory.scope import NONE, scope
from hauberk.model.flow import CLAIM_ARP_REQUEST
from hauberk.model.observation import Columns
from hauberk.model.service import OT_SERVICES, SERVICES

_FIRST_SIZE = 1 << 12
_SERVED_BY_INFRASTRUCTURE = frozenset({"dns", "dhcp", "dhcpv6", "ntp", "mqtt"})


def _service_class() -> NDArray[np.uint8]:
    table = np.zeros(256, np.uint8)  # the column is a byte
    for number, name in enumerate(SERVICES):
        table[number] = (k.INFRASTRUCTURE if name in _SERVED_BY_INFRASTRUCTURE else 0) | (
            k.OPERATIONAL if name in OT_SERVICES else 0
        )
    return table


_SERVICE_CLASS = _service_class()


class Ledger:
    """Bindings as columns (``BINDING``), found by hash."""

    def __init__(self, limits: InventoryLimits) -> None:
        self.limits = limits
        self.evicted = 0
        """Bindings folded away because the ledger was full."""
        self._counters: NDArray[np.int64] = np.array([0, 0, secrets.randbits(62), 0], np.int64)
        self._networks: set[tuple[int, int]] = set()
        self._allocate(min(_FIRST_SIZE, max(16, limits.bindings)))

    def _allocate(self, size: int) -> None:
        self._rows: Columns = np.zeros(size, k.BINDING)
        self._index: NDArray[np.int32] = np.full(1 << (2 * size - 1).bit_length(), -1, np.int32)

    @property
    def count(self) -> int:
        """Bindings in use."""
        return int(self._counters[k.COUNT])

    @property
    def changes(self) -> int:
        """Counts what may alter the inventory, apart from new bindings; never falls."""
        return int(self._counters[k.CHANGES])

    @property
    def rows(self) -> Columns:
        """The bindings in use: a view."""
        return self._rows[: self.count]

    @property
    def networks(self) -> frozenset[tuple[int, int]]:
        """Pairs of IPv4 networks (of 24 bits) that resolved addresses of one another by ARP: they share a link."""
        return frozenset(self._networks)

    def absorb(self, activity: Columns) -> None:
        """Add ``ACTIVITY`` rows."""
        at = 0
        while at < activity.size:
            at = int(k.absorb(activity, at, self._index, self._rows, self._counters, PORT_BIT, _SERVICE_CLASS))
            if at < activity.size:
                self._make_room()

    def absorb_claims(self, claims: Columns) -> None:
        """Add ``CLAIM`` rows."""
        at = 0
        while at < claims.size:
            at = int(k.absorb_claims(claims, at, self._index, self._rows, self._counters))
            if at < claims.size:
                self._make_room()
        asked = claims[
            (claims["kind"] == CLAIM_ARP_REQUEST) & (claims["lo"] >> np.uint64(8) != claims["target_lo"] >> np.uint64(8))
        ]
        if asked.size and len(self._networks) < self.limits.networks:
            pairs = np.unique(np.stack((asked["lo"] >> np.uint64(8), asked["target_lo"] >> np.uint64(8)), axis=1), axis=0)
            before = len(self._networks)
            # Hosts of one link rarely span more than a /16, and a probe (RFC 5227) comes from no network.
            self._networks.update((s, t) for s, t in pairs.tolist() if s >> 8 == t >> 8)
            self._counters[k.CHANGES] += len(self._networks) - before

    def give(self, mac: int, hi: int, lo: int, nanoseconds: int) -> None:
        """Note that ``mac`` was given, or says it has, the address."""
        reach = scope(np.uint64(hi), np.uint64(lo))
        if mac == 0 or mac >> 40 & 1 or not 0 < reach < 5:
            return
        if self.count + 1 > self._rows.size:
            self._make_room()
        layer = np.int64(4 if hi == 0 and lo >> 32 == 0xFFFF else 6)
        slot = k.touch(self._index, self._rows, self._counters, np.uint64(mac), np.uint64(hi), np.uint64(lo), layer, reach)
        row = self._rows[slot]
        row["first"] = min(row["first"], nanoseconds)
        row["last"] = max(row["last"], nanoseconds)
        if not row["flags"] & k.GIVEN:
            row["flags"] |= k.GIVEN
            self._counters[k.CHANGES] += 1

    def settle(self, quiet: NDArray[np.int64], *, anew: bool) -> None:
        """All rows were judged; changes in these count no more, and in no others (``anew``) or in no fewer than before."""
        flags = self.rows["flags"]
        if anew:
            flags &= np.uint32(~k.QUIET & 0xFFFF_FFFF)
        flags[quiet] |= np.uint32(k.QUIET)
        self._counters[k.SETTLED] = self.count

    def _make_room(self) -> None:
        size = self._rows.size
        if size < self.limits.bindings:
            self._rebuild(np.arange(self.count), min(2 * size, self.limits.bindings))
            return
        rows = self.rows
        loose = (rows["flags"] & (k.CLAIMED | k.GIVEN | k.DIRECT) == 0) & (rows["layer"] != 0)
        order = np.lexsort((rows["last"], ~loose))
        victims = order[: max(2, self.count // 4)]
        self.evicted += victims.size
        self._fold(rows[victims].copy(), np.setdiff1d(np.arange(self.count), victims), size)

    def _fold(self, gone: Columns, kept: NDArray[np.int64], size: int) -> None:
        self._rebuild(kept, size)
        gone = gone[(gone["mac"] != 0) & (gone["layer"] != 0)]
        macs, inverse = np.unique(gone["mac"], return_inverse=True)
        packets = np.bincount(inverse, gone["packets"].astype(np.float64), macs.size)
        first = np.full(macs.size, np.iinfo(np.int64).max)
        last = np.full(macs.size, np.iinfo(np.int64).min)
        np.minimum.at(first, inverse, gone["first"])
        np.maximum.at(last, inverse, gone["last"])
        for at, mac in enumerate(macs.tolist()):
            if self.count >= self._rows.size:
                return
            slot = k.touch(self._index, self._rows, self._counters, np.uint64(mac), np.uint64(0), np.uint64(0), np.int64(0), NONE)
            row = self._rows[slot]
            row["packets"] += np.uint64(packets[at])
            row["first"] = min(row["first"], first[at])
            row["last"] = max(row["last"], last[at])

    def _rebuild(self, kept: NDArray[np.int64], size: int) -> None:
        before = self.count
        rows = self._rows[kept]
        self._allocate(size)
        self._rows[: kept.size] = rows
        self._counters[k.COUNT] = kept.size
        self._counters[k.CHANGES] += len(kept) < before
        k.reindex(self._index, self._rows, self._counters, kept.size)
