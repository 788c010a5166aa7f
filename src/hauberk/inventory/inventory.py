"""The inventory: one record per physical device, from everything that was observed.

``observe`` only adds evidence to bounded stores; who is who is decided when somebody asks, from all evidence at once, so that late
knowledge gives the same records as early knowledge. Device ids are ``mac-aabbccddeeff`` after the interface first seen (a
registered address before a random one), else ``ip-10-0-0-5``: they do not depend on the order or the batches of observations. The
inventory never acts on the network.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hauberk.inventory.clues.interface import Dossier
from hauberk.inventory.grouping import Group, Grouping, subjects_of
from hauberk.inventory.identify import Identity, identify
from hauberk.inventory.kernel import ETHERTYPES
from hauberk.inventory.ledger import Ledger
from hauberk.inventory.limits import DEFAULT_LIMITS, InventoryLimits
from hauberk.inventory.oui import maker
from hauberk.inventory.ports import ports_of
from hauberk.inventory.scope import NONE, PRIVATE, PUBLIC, scope
from hauberk.inventory.statements import Statement, Statements, canonical, is_mac
from hauberk.inventory.topology import Topology, resolve
from hauberk.model.address import ip_halves, mac_number, mac_text
from hauberk.model.device import Device
from hauberk.model.hint import HintKey
from hauberk.model.ids import DeviceId
from hauberk.model.observation import Columns, Observations
from hauberk.model.service import SERVICES

_INFRASTRUCTURE_ROLES = frozenset({"router", "dns.server", "dhcp.server", "dhcpv6.server", "ntp.server", "mqtt.broker"})
_INFRASTRUCTURE_KINDS = frozenset({"router", "firewall", "access_point", "switch", "name_server", "time_server", "broker"})
_MASKS = ("served", "used", "carried", "clients", "targets", "client", "client_more", "server", "server_more")
_SURE = 0.6
"""Confidence from which a kind alone makes infrastructure."""
_CLIENTS_OF_A_SERVER = 3
_SHARE_OF_NEW = 16
_LARGE = 2048
"""A resolution is put off while fewer than one row in this many is new, for ``settle_seconds``, and longer where rows are many."""


class _Sent(NamedTuple):
    """Packets, and the times of the first and the last (nanoseconds)."""

    packets: int
    first: int
    last: int

    @staticmethod
    def of(rows: Columns) -> _Sent:
        """Of some rows together."""
        return _Sent(int(rows["packets"].sum()), int(rows["first"].min()), int(rows["last"].max()))


@dataclass(frozen=True, slots=True)
class _Judged:
    """What follows from the evidence on one device; the evidence itself tells whether it still holds."""

    evidence: tuple[object, ...]
    identity: Identity
    infrastructure: bool
    names: tuple[str, ...]
    protocols: tuple[str, ...]


class Inventory:
    """Device records, and what detectors ask of addresses. Satisfies ``Fleet``."""

    def __init__(self, limits: InventoryLimits = DEFAULT_LIMITS) -> None:
        self.limits = limits
        self.ledger = Ledger(limits)
        self.statements = Statements(limits)
        self._topology: Topology | None = None
        self._grouping: Grouping | None = None
        self._settled = (-1, -1, -1)
        self._settled_at = float("-inf")
        self._now = float("-inf")
        self._judgements: dict[DeviceId, _Judged] = {}
        self._fresh: dict[DeviceId, _Judged] = {}

    def observe(self, batch: Observations) -> None:
        """Take in what was seen since the previous batch."""
        self._fresh.clear()
        if batch.activity.size:
            self.ledger.absorb(batch.activity)
            self._now = max(self._now, float(batch.activity["end"].max()) * 1e-9)
        if batch.claims.size:
            self.ledger.absorb_claims(batch.claims)
        speaking = [item for item in batch.transactions if item[14] or item[2] == "dns"]
        if speaking:
            for mac, address, time in self.statements.observe(speaking):
                hi, lo = ip_halves(address)
                self.ledger.give(mac_number(mac), hi, lo, int(time * 1e9))

    def devices(self) -> list[Device]:
        """Every device, sorted by id."""
        grouping = self._groups(exact=True)
        sent = self._sent(grouping)
        return [self._record(group, grouping, sent) for group in grouping.groups]

    def device(self, address: str) -> DeviceId | None:
        """The record that holds the address now; None for a peer, or an address nobody has."""
        group = self._holder(address)
        return None if group is None else group.id

    def kind(self, address: str) -> str | None:
        """The kind of the device that holds the address, where known."""
        group = self._holder(address)
        return None if group is None else self._judged(group).identity.kind

    def is_local(self, address: str) -> bool:
        """True for an address on the observed networks, whether a device holds it or not."""
        if self._holder(address) is not None:
            return True
        text = canonical(address)
        if text is None or is_mac(text):
            return False
        hi, lo = ip_halves(text)
        reach = scope(np.uint64(hi), np.uint64(lo))
        if reach not in {PRIVATE, PUBLIC}:
            return reach != NONE
        grouping = self._groups()
        if grouping.topology.networks.contains(hi, lo):
            return True
        return reach == PRIVATE and grouping.neighbours(hi, lo)

    def is_infrastructure(self, address: str) -> bool:
        """True for routers and for servers of names, addresses, time and messages, which talk to everybody by trade."""
        group = self._holder(address)
        if group is None:
            return False
        return self._judged(group).infrastructure

    def _holder(self, address: str) -> Group | None:
        grouping = self._groups()
        group = grouping.holder.get(address)
        if group is None:
            text = canonical(address)
            group = None if text is None else grouping.holder.get(text)
        return group

    def _groups(self, *, exact: bool = False) -> Grouping:
        """The current grouping, made anew where evidence calls for it; ``exact`` where it must not lag behind."""
        state = (self.ledger.count, self.ledger.changes, self.statements.changes)
        if self._grouping is not None and (state == self._settled or not (exact or self._unsettled(state))):
            return self._grouping
        return self._resolve(state)

    def _unsettled(self, state: tuple[int, int, int]) -> bool:
        """True if the evidence that came since the last resolution may change it, and is worth the effort now."""
        count, changes, said = state
        seen, changed, heard = self._settled
        topology = self._topology
        if topology is None or count < seen or said != heard:
            return True
        fresh = self.ledger.rows[seen:]
        routers = np.fromiter(topology.routers, np.uint64, len(topology.routers))
        known_peers = (fresh["scope"] == PUBLIC) & np.isin(fresh["mac"], routers) & ~topology.networks.holds(fresh)
        new = int(np.count_nonzero(~known_peers)) + changes - changed
        if not new:
            self.ledger.settle(seen + np.flatnonzero(known_peers), anew=False)
            self._settled = state
            return False
        patience = self.limits.settle_seconds * max(1.0, count / _LARGE)
        return new * _SHARE_OF_NEW >= seen or self._now - self._settled_at >= patience

    def _resolve(self, state: tuple[int, int, int]) -> Grouping:
        rows = self.ledger.rows.copy()
        topology = resolve(rows, self.ledger.networks, self.limits)
        grouping = Grouping(rows, topology, self.statements.ties, self.statements.shared, self.limits)
        carried = np.fromiter(topology.routers, np.uint64, len(topology.routers))
        self.ledger.settle(np.flatnonzero(topology.behind & np.isin(rows["mac"], carried) & (rows["scope"] == PUBLIC)), anew=True)
        self._topology, self._grouping = topology, grouping
        self._settled, self._settled_at = state, self._now
        known = {group.id for group in grouping.groups}
        self._judgements = {key: value for key, value in self._judgements.items() if key in known}
        self._fresh.clear()
        return grouping

    def _judged(self, group: Group) -> _Judged:
        """The judgement on a device, looked at again at most once an observation."""
        found = self._fresh.get(group.id)
        if found is None:
            found = self._fresh[group.id] = self._judge(group, self._groups())
        return found

    def _judge(self, group: Group, grouping: Grouping) -> _Judged:
        slots = np.array(group.own, np.int64)
        own = self.ledger.rows[slots]
        masks = tuple(_any(own[name]) for name in _MASKS)
        versions = tuple(self.statements.version(subject) for subject in subjects_of(group))
        evidence = (
            masks,
            versions,
            tuple(group.macs),
            tuple(group.ips),
            group.router,
            group.carrier,
        )
        known = self._judgements.get(group.id)
        if known is not None and known.evidence == evidence:
            return known
        dossier = self._dossier(group, grouping, masks)
        identity = identify(dossier)
        judged = self._judgements[group.id] = _Judged(
            evidence,
            identity,
            _infrastructure(group, dossier, identity),
            _hostnames(dossier.stated),
            tuple(sorted(dossier.client_of | dossier.server_of)),
        )
        return judged

    def _dossier(self, group: Group, grouping: Grouping, masks: tuple[int, ...]) -> Dossier:
        served, used, carried, clients, targets, client, client_more, server, server_more = masks
        counted: dict[HintKey, dict[tuple[str, str], int]] = defaultdict(dict)
        for statement in self._said(group, grouping):
            values = counted[statement.key]
            said = (statement.value, statement.protocol)
            values[said] = values.get(said, 0) + statement.count
        macs = group.macs or group.declared
        return Dossier(
            makers=tuple(dict.fromkeys(name for mac in macs if (name := maker(mac)))),
            random_mac=bool(macs) and all(mac >> 41 & 1 for mac in macs),
            stated={key: _by_count(values) for key, values in counted.items()},
            client_of=_services(client, client_more),
            server_of=_services(server, server_more),
            ports_served=ports_of(served),
            ports_used=ports_of(used),
            frames=_frames(carried),
            router=group.router,
            clients=_distinct(clients),
            targets=_distinct(targets),
        )

    def _said(self, group: Group, grouping: Grouping) -> Iterator[Statement]:
        """Statements about the device's addresses that were made while it held them."""
        for subject in subjects_of(group):
            moved = subject in grouping.spans
            for statement in self.statements.about(subject):
                if not moved or grouping.tenant(subject, statement.first) is group:
                    yield statement

    def _record(self, group: Group, grouping: Grouping, sent: Mapping[int, _Sent]) -> Device:
        parts = [sent[mac] for mac in group.macs if mac in sent] or [_Sent.of(self.ledger.rows[np.array(group.own, np.int64)])]
        judged = self._judge(group, grouping)
        identity = judged.identity
        return Device(
            id=group.id,
            macs=tuple(mac_text(mac) for mac in sorted(group.macs or set(group.declared))),
            ips=tuple(group.ips),
            hostnames=judged.names,
            vendor=identity.vendor,
            kind=identity.kind,
            model=identity.model,
            firmware=identity.firmware,
            confidence=round(identity.confidence * group.certainty, 3),
            reasons=(*identity.reasons, *dict.fromkeys(group.merged)),
            protocols=judged.protocols,
            first_seen=min(part.first for part in parts) / 1e9,
            last_seen=max(part.last for part in parts) / 1e9,
            packets=sum(part.packets for part in parts),
        )

    def _sent(self, grouping: Grouping) -> dict[int, _Sent]:
        """What each interface sent, its own and what it forwarded."""
        rows = self.ledger.rows
        counted = rows["mac"] != 0
        counted[: grouping.topology.alone.size] &= ~grouping.topology.alone
        rows = rows[counted]
        order = np.argsort(rows["mac"], kind="stable")
        rows = rows[order]
        bounds = np.flatnonzero(np.diff(rows["mac"], prepend=np.uint64(0)))
        if not bounds.size:
            return {}
        packets = np.add.reduceat(rows["packets"], bounds).tolist()
        first = np.minimum.reduceat(rows["first"], bounds).tolist()
        last = np.maximum.reduceat(rows["last"], bounds).tolist()
        return {mac: _Sent(*values) for mac, *values in zip(rows["mac"][bounds].tolist(), packets, first, last, strict=True)}


def _infrastructure(group: Group, dossier: Dossier, identity: Identity) -> bool:
    if group.carrier:
        return False  # it claims what is not its own
    if (
        dossier.router
        or _INFRASTRUCTURE_ROLES.intersection(dossier.values(HintKey.ROLE))
        or dossier.clients >= _CLIENTS_OF_A_SERVER
    ):
        return True
    return identity.kind in _INFRASTRUCTURE_KINDS and identity.confidence >= _SURE


def _by_count(values: Mapping[tuple[str, str], int]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(values, key=lambda said: (-values[said], said)))


def _any(masks: NDArray[np.uint64]) -> int:
    """Bits set in any of the masks."""
    return int(np.bitwise_or.reduce(masks)) if masks.size else 0


@lru_cache(maxsize=4096)
def _services(first: int, more: int) -> frozenset[str]:
    """Names of the services whose bits are set."""
    mask = first | more << 64
    return frozenset(name for number, name in enumerate(SERVICES) if number and mask >> number & 1)


@lru_cache(maxsize=4096)
def _frames(mask: int) -> frozenset[str]:
    return frozenset(name for at, name in enumerate(ETHERTYPES) if mask >> at & 1)


def _distinct(mask: int) -> int:
    """Estimate of a linear counter of 64 bits (Whang 1990)."""
    free = 64 - mask.bit_count()
    return 64 * 5 if free == 0 else round(64 * math.log(64 / free))


def _hostnames(stated: Mapping[HintKey, tuple[tuple[str, str], ...]]) -> tuple[str, ...]:
    """Host names without their local domain and doubles of case, sorted."""
    found: dict[str, str] = {}
    for name, _ in stated.get(HintKey.HOSTNAME, ()):
        plain = name.rstrip(".").removesuffix(".local")
        if plain and not plain.endswith(".arpa"):
            found.setdefault(plain.casefold(), plain)
    return tuple(sorted(found.values()))
