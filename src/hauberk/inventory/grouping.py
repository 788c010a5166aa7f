"""Joins interfaces and lone addresses into physical things, each exactly once, and says why.

Joined are: a virtual address of a redundancy protocol and the interface that used it last; addresses one host says are its own;
holders of one serial number; holders of one multicast DNS name (RFC 6762 section 9 makes it unique on a link) unless they look
like two units of one product; a port that only speaks link management and the interface of the same maker next to it in number;
forwarding interfaces of one maker with neighbouring numbers. Never joined by mere likeness.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from hauberk.inventory import kernel as k
from hauberk.inventory.limits import InventoryLimits
from hauberk.inventory.scope import LOOPBACK
from hauberk.inventory.statements import is_mac
from hauberk.inventory.topology import Topology, is_virtual
from hauberk.model.address import ip_halves, ip_text, mac_number, mac_text
from hauberk.model.hint import HintKey
from hauberk.model.ids import DeviceId
from hauberk.model.observation import Columns

_LOOPBACK_TEXT = "127.0.0.1"
_PORT_DISTANCE = 32
"""Ports of one switch or controller are numbered from its base address on; most have at most this many."""
_INTERFACE_DISTANCE = 16
"""Interfaces of one router are numbered as closely."""
_LINK_MANAGEMENT = sum(1 << k.ETHERTYPES.index(name) for name in ("llc", "lldp", "lacp", "loopback", "ptp", "mrp", "cdp"))
_UNIQUE_PART = re.compile(r"[0-9a-f]*\d[0-9a-f]*", re.IGNORECASE)


_UNNAMED = DeviceId("")


@dataclass(slots=True)
class Group:
    """One physical thing: its addresses, and the ledger rows that are its own."""

    id: DeviceId = _UNNAMED
    macs: list[int] = field(default_factory=list)
    """Hardware addresses of frames it sent."""
    declared: list[int] = field(default_factory=list)
    """Hardware addresses it says are its own, where none of its frames showed one."""
    ips: list[str] = field(default_factory=list)
    own: list[int] = field(default_factory=list)
    router: bool = False
    carrier: bool = False
    """Carries conversations of others, but also claims what is not its own: no router to be trusted."""
    certainty: float = 1.0
    """That all of this is one thing."""
    merged: list[str] = field(default_factory=list)
    """Why several interfaces are taken for one thing."""


class _Union:
    """Disjoint sets (Tarjan 1975), with the reason of each join."""

    def __init__(self) -> None:
        self.parent: dict[str, str] = {}
        self.joins: list[tuple[str, str, float]] = []

    def add(self, node: str) -> None:
        self.parent.setdefault(node, node)

    def find(self, node: str) -> str:
        root = node
        while self.parent[root] != root:
            root = self.parent[root]
        while self.parent[node] != root:
            self.parent[node], node = root, self.parent[node]
        return root

    def join(self, one: str, other: str, reason: str, certainty: float) -> None:
        first, second = sorted((self.find(one), self.find(other)))
        if first != second:
            self.parent[second] = first
            self.joins.append((first, reason, certainty))


class Grouping:
    """Every device there is, and which one holds each address now."""

    def __init__(
        self,
        rows: Columns,
        topology: Topology,
        ties: Mapping[tuple[str, str], float],
        shared: Mapping[tuple[HintKey, str], Sequence[str]],
        limits: InventoryLimits,
    ) -> None:
        self.rows = rows
        self.topology = topology
        self.limits = limits
        self.groups: list[Group] = []
        self.holder: dict[str, Group] = {}
        """Group by address text."""
        self.spans: dict[str, list[tuple[int, int, Group]]] = {}
        """First and last time (nanoseconds) and group of each holding, of addresses that several groups held in turn."""
        self._prefixes: set[int] = set()
        self._union = _Union()
        self._node_of: dict[str, str] = {}
        self._nodes()
        self._join_virtual()
        self._join_ties(ties)
        self._join_shared(shared)
        self._join_ports()
        self._join_routers()
        self._gather()
        self._declare(ties)

    def tenant(self, address: str, seconds: float) -> Group | None:
        """The group that held the address at the time, or was nearest to it."""
        spans = self.spans.get(address)
        if spans is None:
            return self.holder.get(address)
        time = int(seconds * 1e9)
        return min(spans, key=lambda span: (max(span[0] - time, time - span[1], 0), span[0]))[2]

    def neighbours(self, hi: int, lo: int) -> bool:
        """True for an IPv4 address in the /24 of a device, or an IPv6 address in its /64."""
        return (lo >> 8 if hi == 0 else hi) in self._prefixes

    def _nodes(self) -> None:
        for mac in self.topology.interfaces:
            self._union.add(mac_text(mac))
        rows, union = self.rows, self._union
        latest: dict[str, int] = {}
        for slot in np.flatnonzero(self.topology.owned).tolist():
            text = ip_text(int(rows["hi"][slot]), int(rows["lo"][slot]))
            last = int(rows["last"][slot])
            if text not in latest or last > latest[text]:
                latest[text] = last
                self._node_of[text] = mac_text(int(self.topology.mac[slot]))
        for slot in np.flatnonzero(self.topology.alone).tolist():
            text = ip_text(int(rows["hi"][slot]), int(rows["lo"][slot]))
            node = _LOOPBACK_TEXT if rows["scope"][slot] == LOOPBACK else text
            union.add(node)
            self._node_of[text] = node

    def _node(self, address: str) -> str | None:
        node = self._node_of.get(address, address)
        return node if node in self._union.parent else None

    def _join_virtual(self) -> None:
        for virtual, real in sorted(self.topology.virtual.items()):
            one, other = self._node(mac_text(virtual)), self._node(mac_text(real))
            if one is not None and other is not None:
                self._union.join(
                    one, other, f"It speaks from the virtual hardware address {mac_text(virtual)} of a redundancy protocol.", 0.95
                )

    def _join_ties(self, ties: Mapping[tuple[str, str], float]) -> None:
        for one, other in sorted(ties):
            first, second = self._node(one), self._node(other)
            if first is not None and second is not None and first != second:
                self._union.join(first, second, f"It says itself that {one} and {other} are both its own.", 0.9)

    def _join_shared(self, shared: Mapping[tuple[HintKey, str], Sequence[str]]) -> None:
        for (key, value), subjects in sorted(shared.items()):
            if len(subjects) < 2:
                continue
            nodes = sorted({node for subject in subjects if (node := self._node(subject)) is not None})
            for one, other in pairwise(nodes):
                if key is HintKey.SERIAL:
                    self._union.join(one, other, f"Two of its addresses gave the serial number {value}.", 0.95)
                elif _one_name_one_host(value, one, other):
                    self._union.join(one, other, f"Two of its addresses announce the unique name {value}.local.", 0.85)

    def _join_ports(self) -> None:
        rows = self.rows
        with_ip = sorted(
            {int(mac) for mac in np.unique(self.topology.mac[self.topology.owned]).tolist()} & self.topology.interfaces
        )
        if not with_ip:
            return
        busy = set(np.unique(rows["mac"][rows["layer"] != 0]).tolist())
        managers = rows[
            (rows["layer"] == 0) & (rows["carried"] != 0) & (rows["carried"] & np.uint64(~_LINK_MANAGEMENT & (1 << 64) - 1) == 0)
        ]
        bases = np.array(with_ip, np.int64)
        for mac in managers["mac"].tolist():
            if mac in busy or mac not in self.topology.interfaces or mac >> 41 & 1:
                continue
            nearest = int(bases[np.argmin(np.abs(bases - mac))])
            if abs(nearest - mac) <= _PORT_DISTANCE and nearest >> 24 == mac >> 24:
                reason = f"{mac_text(mac)} sends only link management and is numbered next to {mac_text(nearest)}: a port of it."
                self._union.join(mac_text(nearest), mac_text(mac), reason, 0.8)

    def _join_routers(self) -> None:
        routers = sorted(
            mac for mac in self.topology.routers & self.topology.interfaces if not mac >> 41 & 1 and not is_virtual(mac)
        )
        for one, other in pairwise(routers):
            if other - one <= _INTERFACE_DISTANCE and one >> 24 == other >> 24:
                reason = (
                    f"{mac_text(one)} and {mac_text(other)} both forward and are neighbours in number: interfaces of one router."
                )
                self._union.join(mac_text(one), mac_text(other), reason, 0.85)

    def _gather(self) -> None:
        rows, topology = self.rows, self.topology
        by_root: dict[str, Group] = {}

        def group_of(node: str) -> Group:
            root = self._union.find(node)
            group = by_root.get(root)
            if group is None:
                group = by_root[root] = Group()
            return group

        for node in self._union.parent:
            self.holder[node] = group_of(node)
        for mac in sorted(topology.interfaces):
            group = self.holder[mac_text(mac)]
            group.macs.append(mac)
            group.router |= mac in topology.routers or is_virtual(mac)
            group.carrier |= mac in topology.contested
        kept = np.flatnonzero(topology.owned | topology.alone | (rows["layer"] == 0) | (topology.mac == 0))
        columns = (
            kept,
            rows["hi"][kept],
            rows["lo"][kept],
            rows["layer"][kept],
            rows["mac"][kept],
            topology.owned[kept],
            topology.alone[kept],
        )
        for slot, hi, lo, layer, mac, owned, alone in zip(*(column.tolist() for column in columns), strict=True):
            # What is seen without a hardware address is a device of its own, or the loopback side of a known one.
            holder = mac_text(mac) if layer == 0 or owned else self._node_of.get(ip_text(hi, lo), "")
            owner = self.holder.get(holder)
            if owner is not None:
                owner.own.append(slot)
                if owned or alone:
                    owner.ips.append(ip_text(hi, lo))
        for root, reason, certainty in self._union.joins:
            group = by_root[self._union.find(root)]
            group.merged.append(reason)
            group.certainty *= certainty
        for address, node in self._node_of.items():
            self.holder[address] = self.holder[node]
        self.groups = list(by_root.values())
        since = self._since()
        for group in self.groups:
            self._finish(group, since)
        self._hold_spans()
        self.groups.sort(key=lambda group: group.id)

    def _declare(self, ties: Mapping[tuple[str, str], float]) -> None:
        for pair in sorted(ties):
            for address, other in (pair, pair[::-1]):
                group = self.holder.get(address)
                if group is not None and not group.macs and is_mac(other) and other not in self.holder:
                    group.declared.append(mac_number(other))

    def _hold_spans(self) -> None:
        rows = self.rows
        spans: dict[str, list[tuple[int, int, Group]]] = {}
        for slot in np.flatnonzero(self.topology.owned).tolist():
            hi, lo = int(rows["hi"][slot]), int(rows["lo"][slot])
            group = self.holder[mac_text(int(self.topology.mac[slot]))]
            spans.setdefault(ip_text(hi, lo), []).append((int(rows["first"][slot]), int(rows["last"][slot]), group))
        self.spans = {text: held for text, held in spans.items() if len({id(group) for _, _, group in held}) > 1}
        held = self.topology.owned | self.topology.alone
        self._prefixes.update((rows["lo"][held & (rows["layer"] == 4)] >> np.uint64(8)).tolist())
        self._prefixes.update(rows["hi"][held & (rows["layer"] == 6)].tolist())

    def _since(self) -> dict[int, int]:
        """When each hardware address was first seen, in nanoseconds."""
        order = np.lexsort((self.rows["first"], self.rows["mac"]))
        macs, at = np.unique(self.rows["mac"][order], return_index=True)
        return dict(zip(macs.tolist(), self.rows["first"][order][at].tolist(), strict=True))

    def _finish(self, group: Group, since: Mapping[int, int]) -> None:
        group.ips = sorted(set(group.ips), key=_ip_order)
        group.router &= not group.carrier
        rows = self.rows
        if group.macs:
            best = min(group.macs, key=lambda mac: (mac >> 41 & 1, is_virtual(mac), since.get(mac, 1 << 62), mac))
            group.id = DeviceId(f"mac-{best:012x}")
        else:
            earliest = min(
                group.own,
                key=lambda slot: (rows["layer"][slot], int(rows["first"][slot]), int(rows["hi"][slot]), int(rows["lo"][slot])),
            )
            text = ip_text(int(rows["hi"][earliest]), int(rows["lo"][earliest]))
            if rows["scope"][earliest] == LOOPBACK:
                text = _LOOPBACK_TEXT
            group.id = DeviceId("ip-" + text.replace(".", "-").replace(":", "-"))


def _ip_order(text: str) -> tuple[int, int, int]:
    hi, lo = ip_halves(text)
    return int(hi != 0 or lo >> 32 != 0xFFFF), hi, lo


def _one_name_one_host(name: str, one: str, other: str) -> bool:
    """True unless two holders of a name may be two units of one product that have not yet sorted out their names."""
    if len(name) < 4:
        return False
    if any(len(part) >= 4 for part in _UNIQUE_PART.findall(name)):
        return True
    makers = [_maker(node) for node in (one, other)]
    return None not in makers and makers[0] != makers[1]


def _maker(node: str) -> int | None:
    """The maker's part of a hardware address; None for a lone network address."""
    if node.count(":") != 5 or "." in node or len(node) != 17:
        return None
    return mac_number(node) >> 24


def subjects_of(group: Group) -> Iterator[str]:
    """Every address statements about the device may use."""
    for mac in group.macs:
        yield mac_text(mac)
    yield from group.ips
