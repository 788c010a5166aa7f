"""Decides whose addresses are whose: which interfaces are on the observed links, which are routers, and which hosts lie behind
them.

Evidence, from strong to weak: an ARP or neighbour discovery claim; a DHCP lease; an IPv6 identifier made of the hardware address
(RFC 4291 appendix A); sending what routers do not forward; lying in a network that others claimed addresses of; being the only
address an interface sends from. An interface that carries conversations of addresses it does not own is a router, and they are
peers. Works on whole columns; everything is decided anew from the raw evidence, so that order does not matter.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hauberk.inventory import kernel as k
from hauberk.inventory.conflict import owners_of
from hauberk.inventory.limits import InventoryLimits
from hauberk.inventory.networks import Networks
from hauberk.inventory.scope import LINK, LOOPBACK, PRIVATE, PUBLIC
from hauberk.model.observation import Columns

Mask = NDArray[np.bool_]

_ARP_OR_LEASE = k.CLAIMED | k.GIVEN
_VIRTUAL = ((0x0000_5E00_0100, 16), (0x0000_0C07_AC00, 8), (0x0000_0C9F_F000, 12), (0x0007_B400_0000, 24), (0x0005_73A0_0000, 12))
"""First address and free bits of the blocks of redundancy protocols: VRRP and CARP (RFC 9568), HSRP 1 and 2, GLBP, HSRP for
IPv6."""


def is_virtual(mac: int) -> bool:
    """True for a hardware address that routers hand to one another."""
    return any(mac >> bits == block >> bits for block, bits in _VIRTUAL)


@dataclass(slots=True)
class Topology:
    """What was decided. The arrays are parallel to the ledger's rows."""

    networks: Networks
    mac: NDArray[np.uint64]
    """Hardware address that counts: 0 where it identifies nobody (unknown, or rewritten by an editor of captures)."""
    owned: Mask
    """The network address belongs to the interface with ``mac``."""
    alone: Mask
    """The network address is a device of its own, known by no hardware address."""
    behind: Mask
    """The network address is a peer reached through ``mac``."""
    routers: frozenset[int]
    """Hardware addresses that carry conversations of others."""
    contested: frozenset[int]
    """Hardware addresses that claim what another one owns at the same time."""
    virtual: dict[int, int]
    """Interface by the virtual hardware address it last used."""
    interfaces: frozenset[int]
    """Hardware addresses that stand for a device."""


class _Workings:
    """Columns shared by the steps."""

    def __init__(self, rows: Columns) -> None:
        self.rows = rows
        self.flags = rows["flags"]
        self.scope = rows["scope"]
        self.v4 = rows["layer"] == 4
        self.v6 = rows["layer"] == 6
        self.ip = rows["layer"] != 0
        self.global_scope = (self.scope == PRIVATE) | (self.scope == PUBLIC)
        self.mac = rows["mac"].copy()
        self.mac[self.scope == LOOPBACK] = 0  # never crosses a wire, whatever an editor of captures wrote before it
        order = np.lexsort((rows["lo"], rows["hi"]))
        hi, lo = rows["hi"][order], rows["lo"][order]
        new = np.ones(rows.size, np.bool_)
        new[1:] = (hi[1:] != hi[:-1]) | (lo[1:] != lo[:-1])
        self.address = np.empty(rows.size, np.int64)
        self.address[order] = np.cumsum(new) - 1
        """Number of each row's network address."""

    def eui(self) -> Mask:
        """IPv6 addresses whose identifier is made of the hardware address (RFC 4291 appendix A)."""
        mac = self.rows["mac"]
        made = (
            ((mac >> np.uint64(24)) ^ np.uint64(0x020000)) << np.uint64(40)
            | np.uint64(0xFF_FE00_0000)
            | (mac & np.uint64(0xFF_FFFF))
        )
        found: Mask = self.v6 & (self.rows["lo"] == made)
        return found


def resolve(rows: Columns, pairs: frozenset[tuple[int, int]], limits: InventoryLimits) -> Topology:
    """Decide about every row of the ledger. ``pairs`` are IPv4 networks known to share a link."""
    work = _Workings(rows)
    _neutralise(work)
    known = work.mac != 0
    strong = work.ip & known & ((work.flags & (_ARP_OR_LEASE | k.DIRECT) != 0) | work.eui())
    reachable = work.ip & known & work.global_scope
    certain = reachable & ((work.flags & _ARP_OR_LEASE != 0) | (strong & work.v6))
    networks = Networks.of(rows, reachable & (strong | (work.flags & k.SAME_NET != 0)), certain, pairs)
    near = networks.holds(rows) | (work.scope == LINK)
    candidate = strong | (work.ip & known & near)
    relayed, contested, virtual = _conflicts(work, strong, candidate, limits)
    owned = candidate & ~relayed
    strong &= owned
    loose = work.ip & known & work.global_scope & ~candidate & ~relayed
    accepted, carriers = _judge_loose(work, owned, loose, networks)
    owned |= accepted
    carriers |= set(np.unique(work.mac[relayed & (work.flags & k.TWO_WAY != 0)]).tolist())
    behind = (loose & ~accepted) | relayed
    crowded = _crowds(work, owned, strong, limits)
    owned &= ~crowded
    alone = _alone(work, owned, behind, crowded)
    interfaces = np.unique(work.mac[(work.mac != 0) & (~crowded | ~work.ip)])
    interfaces = _drop_shared(work, interfaces, crowded)
    return Topology(
        networks,
        work.mac,
        owned,
        alone,
        behind,
        frozenset(carriers - contested),
        contested,
        virtual,
        frozenset(interfaces.tolist()),
    )


def _neutralise(work: _Workings) -> None:
    """Take away hardware addresses that identify nobody: one for both sides of conversations, as editors of captures write."""
    ip = work.ip & (work.mac != 0)
    macs, inverse = np.unique(work.mac[ip], return_inverse=True)
    if not macs.size:
        return
    packets = np.bincount(inverse, work.rows["packets"][ip].astype(np.float64), macs.size)
    same = np.bincount(inverse, work.rows["same_mac"][ip].astype(np.float64), macs.size)
    addresses = np.bincount(inverse, minlength=macs.size)
    suspects = macs[(same * 2 > packets) & (addresses > 1)]
    if not suspects.size:
        return
    claimed_elsewhere = np.isin(
        work.address, work.address[work.ip & (work.flags & _ARP_OR_LEASE != 0) & ~np.isin(work.mac, suspects)]
    )
    for suspect in suspects.tolist():
        held = work.mac == suspect
        loose = held & work.ip & (work.flags & _ARP_OR_LEASE == 0)
        # A router seen on two of its links shows its own address on both sides too; then its hosts have addresses of their own.
        elsewhere = claimed_elsewhere | np.isin(work.address, work.address[work.ip & (work.mac != suspect) & (work.mac != 0)])
        if np.count_nonzero(loose & elsewhere) * 2 < np.count_nonzero(loose):
            work.mac[loose] = 0
            if not np.any(held & (work.flags & _ARP_OR_LEASE != 0)):
                work.mac[held] = 0


def _conflicts(
    work: _Workings, strong: Mask, candidate: Mask, limits: InventoryLimits
) -> tuple[Mask, frozenset[int], dict[int, int]]:
    """Settle addresses seen at several interfaces: rows that only relay, interfaces that contest, virtual addresses."""
    relayed = np.zeros(work.rows.size, np.bool_)
    with_mac = work.ip & (work.mac != 0)
    counts = np.bincount(work.address[with_mac], minlength=int(work.address.max(initial=0)) + 1)
    several = np.flatnonzero(with_mac & (counts[work.address] > 1))
    contested: set[int] = set()
    virtual: dict[int, tuple[int, int]] = {}
    if not several.size:
        return relayed, frozenset(), {}
    claims = dict(
        zip(
            *(part.tolist() for part in np.unique(work.mac[work.ip & (work.flags & k.CLAIMED != 0)], return_counts=True)),
            strict=True,
        )
    )
    spread = dict(zip(*(part.tolist() for part in np.unique(work.mac[with_mac], return_counts=True)), strict=True))
    order = several[np.argsort(work.address[several], kind="stable")]
    bounds = np.flatnonzero(np.diff(work.address[order])) + 1
    for slots in np.split(order, bounds):
        real = [slot for slot in slots.tolist() if not is_virtual(int(work.mac[slot]))]
        for slot in slots.tolist():
            if slot not in real and len(real) == 1:
                mac, last = int(work.mac[slot]), int(work.rows["last"][slot])
                if virtual.get(mac, (0, last))[1] <= last:
                    virtual[mac] = (int(work.mac[real[0]]), last)
        owners, liars = owners_of(work.rows, work.mac, slots, strong, candidate, claims, spread, limits)
        for slot in slots.tolist():
            relayed[slot] = slot not in owners
        contested |= liars
    return relayed, frozenset(contested), {mac: holder for mac, (holder, _) in virtual.items()}


def _judge_loose(work: _Workings, owned: Mask, loose: Mask, networks: Networks) -> tuple[Mask, set[int]]:
    """Addresses no network explains: which are still an interface's own, and which interfaces are routers because they carry
    them."""
    accepted = np.zeros(work.rows.size, np.bool_)
    carriers: set[int] = set()
    for version in (work.v4, work.v6):
        mine = set(np.unique(work.mac[owned & version & (work.scope != LINK)]).tolist())
        slots = np.flatnonzero(loose & version)
        if not slots.size:
            continue
        order = slots[np.argsort(work.mac[slots], kind="stable")]
        for group in np.split(order, np.flatnonzero(np.diff(work.mac[order])) + 1):
            mac = int(work.mac[group[0]])
            if mac not in mine and mac not in carriers and _own_after_all(work, group, networks):
                accepted[group] = True
            elif np.any(work.flags[group] & k.TWO_WAY):
                carriers.add(mac)
    return accepted, carriers


def _own_after_all(work: _Workings, group: NDArray[np.int64], networks: Networks) -> bool:
    """True if an interface that owns no other address of the family owns these."""
    rows = work.rows[group]
    if rows["layer"][0] == 6:
        return group.size <= 64 and np.unique(rows["hi"]).size == 1 and not any(map(networks.explains_peer, rows))
    private = bool(np.all(rows["scope"] == PRIVATE))
    if group.size == 1:
        if not private and rows["flags"][0] & k.PEER_PRIVATE:
            return False  # private and public addresses only meet across a router
        return not networks.explains_peer(rows[0])
    if not private:
        return False
    spans = np.sort(rows[["first", "last"]], order="first")
    if group.size <= 8 and bool(np.all(spans["first"][1:] > spans["last"][:-1])):
        return True  # one after the other: the host was renumbered
    return group.size == 2 and np.unique(rows["lo"] >> np.uint64(8)).size == 1


def _crowds(work: _Workings, owned: Mask, strong: Mask, limits: InventoryLimits) -> Mask:
    """Addresses of one network behind one hardware address that claimed none of them: a bridge or an edited capture, not one
    host."""
    weak = owned & ~strong & work.v4 & work.global_scope
    macs, inverse, counts = np.unique(work.mac[weak], return_inverse=True, return_counts=True)
    claims_some = np.isin(macs, work.mac[strong & work.v4])
    crowd = counts > np.where(claims_some, limits.aliases, 2)
    found = np.zeros(work.rows.size, np.bool_)
    found[np.flatnonzero(weak)[crowd[inverse]]] = True
    return found


def _alone(work: _Workings, owned: Mask, behind: Mask, crowded: Mask) -> Mask:
    """Addresses that are devices without a hardware address."""
    taken = np.zeros(int(work.address.max(initial=0)) + 1, np.bool_)
    taken[work.address[owned | behind]] = True
    free = work.ip & (work.mac == 0) & ~taken[work.address]
    near = (work.scope == PRIVATE) | (work.scope == LINK) | (work.scope == LOOPBACK)
    # A loopback address from an interface that has another one is a stray packet, not a second host.
    settled = np.unique(work.rows["mac"][(owned | behind) & (work.rows["mac"] != 0)])
    alone: Mask = free & near & ~((work.scope == LOOPBACK) & np.isin(work.rows["mac"], settled))
    # Of a crowd, only those are real that were answered; where nobody was, as in a capture of one direction, all neighbours are.
    answered = crowded & (work.flags & k.TWO_WAY != 0)
    doubtful = np.isin(work.mac, work.mac[answered | (work.ip & (work.flags & _ARP_OR_LEASE != 0))])
    alone |= answered | (crowded & ~doubtful & (work.flags & k.SAME_NET != 0))
    if not alone.any() and not owned.any():
        # Nothing private and no hardware addresses: a laboratory with public addresses shows by neighbours and by OT services.
        alone = free & (work.scope == PUBLIC) & ((work.flags & k.SAME_NET != 0) | (work.rows["targets"] != 0))
        targets = np.unique(work.address[free & (work.flags & k.SAME_NET != 0)])
        alone |= free & np.isin(work.address, targets)
    return alone


def _drop_shared(work: _Workings, interfaces: NDArray[np.uint64], crowded: Mask) -> NDArray[np.uint64]:
    """A hardware address that only stands before a crowd is no device."""
    shared = np.unique(work.mac[crowded])
    other = np.unique(work.mac[(work.mac != 0) & ~crowded & work.ip])
    return np.setdiff1d(interfaces, np.setdiff1d(shared, other))
