"""Groups findings into incidents as they come.

Each finding names the things it shares with others (``hauberk.detect.incidents.bonds``); what shares is one group. The groups
depend on the findings and their times, not on the order in which they arrived. A finding costs the few things it names, however
large the incident: a program that spreads over a thousand devices is one incident at the price of a thousand findings.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, NamedTuple

from hauberk.detect.fleet import Fleet
from hauberk.detect.incidents.assessment import confidence_of, criticality_of_kind, family_of, severity_of
from hauberk.detect.incidents.bonds import Bonds, Thing
from hauberk.detect.incidents.group import Group
from hauberk.detect.incidents.limits import Limits, Spans
from hauberk.detect.incidents.roles import ARRIVALS, ATTACKS, Roles, roles_of
from hauberk.detect.incidents.story import describe
from hauberk.detect.tactics import TACTICS, stage_of
from hauberk.formats.ocsf import finding_uid
from hauberk.model.finding import Finding, Severity
from hauberk.model.ids import DeviceId, IncidentId
from hauberk.model.incident import Incident

_RANKS = len({tactic.rank for tactic in TACTICS})
_FORGOTTEN_SHARE = 8
_INDICATORS = ("known_bad", "indicator")
"""Beginnings of the names of evidence that is the same thing wherever it is met."""


@dataclass(frozen=True, slots=True)
class Update:
    """What one finding did to its incident. ``opened``: it is new; ``changed``: its severity or its stages changed, or others went
    into it, whose identifiers ``merged`` holds."""

    incident: IncidentId
    opened: bool
    changed: bool
    merged: tuple[IncidentId, ...] = ()


@dataclass(slots=True)
class State:
    """All that correlation knows, as plain data. ``groups`` by number; ``parents``: which number went into which; ``where``: the
    number of each finding; ``next``: the latest number given."""

    bonds: Bonds
    groups: dict[int, Group] = field(default_factory=dict)
    parents: dict[int, int] = field(default_factory=dict)
    where: OrderedDict[str, int] = field(default_factory=OrderedDict)
    next: int = 0


class _Bond(NamedTuple):
    """A thing that binds, within a span, from so many different actors on."""

    thing: Thing
    span: float
    least: int = 1


class IncidentEngine:
    """Groups of findings. ``criticality``: of devices whose owner said it, 1 (low) to 4 (vital); others have that of their kind."""

    def __init__(
        self,
        fleet: Fleet,
        criticality: Mapping[DeviceId, int] | None = None,
        spans: Spans | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.fleet: Final = fleet
        self.spans: Final = spans or Spans()
        self.limits: Final = limits or Limits()
        self._criticality: Final = dict(criticality or {})
        self.state = State(Bonds(self.limits.bonds, self.limits.entries))
        self._touches: Final = (("attacked", self.spans.attacked), ("met", self.spans.met))

    def observe(self, finding: Finding) -> Update | None:
        """Put ``finding`` where it belongs; None for one seen before and for one that makes no incident.

        Findings should come roughly by the time they were raised. Where an older one comes late the incident takes its identifier,
        and the one it had is told as merged.
        """
        uid = finding_uid(finding)
        if uid in self.state.where:
            return None
        roles = self._roles(finding)
        number, merged = self._merge(self._kin(finding, roles))
        group = self.state.groups.setdefault(number, Group((finding.raised, uid)))
        self._add(group, uid, finding, roles)
        self._remember(number, finding, roles)
        self.state.where[uid] = number
        if len(self.state.where) > self.limits.remembered:
            self.state.where.popitem(last=False)
        self._forget()
        return self._published(group, merged)

    def incident_of(self, finding: Finding) -> IncidentId | None:
        """The incident that holds ``finding``; None where it is in none, or long forgotten."""
        number = self.state.where.get(finding_uid(finding))
        root = None if number is None else self._root(number)
        return _identifier(self.state.groups[root]) if root is not None and _is_incident(self.state.groups[root]) else None

    def incident(self, identifier: IncidentId) -> Incident | None:
        """The incident as it is now, also by an identifier that was merged into it."""
        for group in self.state.groups.values():
            if _is_incident(group) and (_identifier(group) == identifier or identifier in group.merged):
                return describe(_identifier(group), group, self.fleet)
        return None

    def incidents(self) -> list[Incident]:
        """Every incident kept, by the time it began."""
        held = [describe(_identifier(group), group, self.fleet) for group in self.state.groups.values() if _is_incident(group)]
        return sorted(held, key=lambda incident: (incident.started, incident.id))

    def merged(self, identifier: IncidentId) -> tuple[IncidentId, ...]:
        """Identifiers that were published and then merged into this incident."""
        for group in self.state.groups.values():
            if _identifier(group) == identifier:
                return tuple(IncidentId(name) for name in group.merged)
        return ()

    def _roles(self, finding: Finding) -> Roles:
        """The roles in ``finding``; who holds the address that is attacked is not its attacker."""
        roles = roles_of(finding)
        if len(roles.actors) < 2 or not roles.targets:
            return roles
        held = {self.fleet.device(target) for target in roles.targets} - {None}
        others = tuple(actor for actor in roles.actors if self.fleet.device(actor) not in held)
        return Roles(others or roles.actors, roles.targets, roles.standing)

    def _names(self, addresses: tuple[str, ...]) -> Iterator[str]:
        """Every address, and the record that holds it."""
        for address in addresses:
            yield address
            device = self.fleet.device(address)
            if device is not None and device != address:
                yield device

    def _kin(self, finding: Finding, roles: Roles) -> list[int]:
        """Groups that ``finding`` belongs to, as far as findings before it tell."""
        time, spans, bonds = finding.raised, self.spans, self.state.bonds
        who = roles.source
        kin = [
            group for bond in self._shared(finding, roles) for group in bonds.bound(bond.thing, time, bond.span, who, bond.least)
        ]
        if roles.standing:
            return self._one_attack(
                kin + [group for pair in _pairs(roles) for group in bonds.bound(("pair", *pair), time, spans.pair)]
            )
        rank = _rank(finding)
        for name in self._names(roles.actors):
            for kind, span in self._touches:
                kin += bonds.find((kind, name), time - span, time)
            for other in range(_RANKS if rank >= 0 else 0):
                if other != rank:
                    since, until = (time - spans.stage, time) if other < rank else (time, time + spans.stage)
                    kin += bonds.find(("stage", name, other), since, until)
        kind, span = self._touch_of(finding)
        for name in self._touched(finding, roles):
            kin += bonds.find(("acted", kind, name), time, time + span)
        weak = [group for pair in _pairs(roles) for group in bonds.find(("weak", *pair), time - spans.pair, time + spans.pair)]
        return kin + [group for group in weak if (root := self._root(group)) is not None and not self.state.groups[root].attack]

    def _remember(self, number: int, finding: Finding, roles: Roles) -> None:
        """Note what later findings may share with ``finding``."""
        time, spans, bonds = finding.raised, self.spans, self.state.bonds
        for bond in self._shared(finding, roles):
            bonds.join(bond.thing, time, bond.span, number, roles.source, bond.least)
        if roles.standing:
            for pair in _pairs(roles):
                bonds.note(("weak", *pair), time, spans.pair, number)
            return
        rank = _rank(finding)
        for name in self._names(roles.actors):
            for kind, span in self._touches:
                bonds.note(("acted", kind, name), time, span, number)
            if rank >= 0:
                bonds.note(("stage", name, rank), time, spans.stage, number)
        kind, span = self._touch_of(finding)
        for name in self._touched(finding, roles):
            bonds.note((kind, name), time, span, number)

    def _touch_of(self, finding: Finding) -> tuple[str, float]:
        return self._touches[0] if finding.detector in ATTACKS else self._touches[1]

    def _touched(self, finding: Finding, roles: Roles) -> Iterator[str]:
        """Hosts that ``finding`` may have turned. Everybody meets routers and name servers, which turns none of them."""
        for target in roles.targets[: self.limits.targets]:
            if finding.detector in ATTACKS or not self.fleet.is_infrastructure(target):
                yield from self._names((target,))

    def _shared(self, finding: Finding, roles: Roles) -> Iterator[_Bond]:
        """Things that bind ``finding`` to others that share them."""
        spans, limits, detector = self.spans, self.limits, finding.detector
        if roles.standing:
            yield _Bond(("standing", detector, finding.addresses[:1]), spans.peer)
            return
        for name in self._names(roles.actors):
            yield _Bond(("actor", name), spans.actor)
        for pair in _pairs(roles):
            yield _Bond(("pair", *pair), spans.pair)
        if detector in ARRIVALS:
            return
        yield _Bond(("kind", detector), spans.campaign, limits.kinds)
        for target in roles.targets[: limits.targets]:
            if self.fleet.is_local(target) or self.fleet.device(target) is not None:
                yield _Bond(("target", detector, target), spans.campaign, limits.sources)
            else:
                yield _Bond(("peer", detector, target), spans.peer)
        for evidence in finding.evidence:
            if evidence.name.startswith(_INDICATORS) and isinstance(evidence.seen, str):
                yield _Bond(("indicator", evidence.seen), spans.peer)

    def _one_attack(self, kin: list[int]) -> list[int]:
        """Of the groups a standing weakness touches, those it may join: it never makes one of two attacks."""
        roots = sorted(
            {root for group in kin if (root := self._root(group)) is not None}, key=lambda root: self.state.groups[root].head
        )
        attacks = [root for root in roots if self.state.groups[root].attack]
        return [root for root in roots if root not in attacks[1:]]

    def _root(self, number: int) -> int | None:
        """The number of the group that ``number`` went into; None where it was forgotten."""
        root = number
        while root in self.state.parents:
            root = self.state.parents[root]
        while number != root:
            self.state.parents[number], number = root, self.state.parents[number]
        return root if root in self.state.groups else None

    def _merge(self, kin: list[int]) -> tuple[int, tuple[IncidentId, ...]]:
        """Make one group of several; its number, and the identifiers of published incidents that went into another."""
        roots = {root for group in dict.fromkeys(kin) if (root := self._root(group)) is not None}
        if not roots:
            self.state.next += 1
            return self.state.next, ()
        # The largest takes the others in, so that no finding moves more often than the logarithm of their number.
        number = max(roots, key=lambda root: (self.state.groups[root].count, -root))
        group = self.state.groups[number]
        said = {kept.said[0]: kept.said for root in roots if (kept := self.state.groups[root]).said is not None}
        for root in sorted(roots - {number}):
            group.absorb(self.state.groups.pop(root), self.limits.findings, self.limits.names)
            self.state.parents[root] = number
        group.said = said.pop(_identifier(group), None)
        gone = tuple(IncidentId(name) for name in sorted(said))
        group.merged = list(dict.fromkeys([*group.merged, *gone]))[: self.limits.names]
        return number, gone

    def _add(self, group: Group, uid: str, finding: Finding, roles: Roles) -> None:
        group.head = min(group.head, (finding.raised, uid))
        group.count += 1
        if len(group.findings) < self.limits.findings:
            group.findings[uid] = finding
        attack = not roles.standing
        if attack and not group.attack:  # what stood before the attack weighs nothing beside it
            group.attack, group.severity, group.families, group.stages = True, 0, {}, {}
        if attack or not group.attack:
            group.severity = max(group.severity, finding.severity)
            family = family_of(finding)
            group.families[family] = max(confidence_of(finding), group.families.get(family, 0.0))
            stage = stage_of(finding, inside=bool(group.stages))
            if stage is not None:
                group.stages[stage.name] = stage.rank
        group.detectors[finding.detector] = group.detectors.get(finding.detector, 0) + 1
        for names, more in ((group.actors, roles.actors[:1]), (group.targets, roles.targets)):
            for name in more[: self.limits.names - len(names)]:
                names[name] = None
        for address in finding.addresses[: 1 + self.limits.targets]:
            group.criticality = max(group.criticality, self._criticality_of(address))
        group.updated = max(group.updated, finding.raised)

    def _criticality_of(self, address: str) -> int:
        device = self.fleet.device(address)
        if device is None:
            return 0
        said = self._criticality.get(device)
        return criticality_of_kind(self.fleet.kind(address)) if said is None else said

    def _published(self, group: Group, merged: tuple[IncidentId, ...]) -> Update | None:
        if not _is_incident(group):
            return None
        identifier, before = _identifier(group), group.said
        if before is not None and before[0] != identifier:
            merged, before = (*merged, IncidentId(before[0])), None
            group.merged = list(dict.fromkeys([*group.merged, *merged]))[: self.limits.names]
        group.said = now = (identifier, int(severity_of(group)), tuple(sorted(group.stages)))
        return Update(identifier, before is None, before is not None and (bool(merged) or before != now), merged)

    def _forget(self) -> None:
        """Forget the incidents longest silent where there are too many."""
        if len(self.state.groups) <= self.limits.incidents:
            return
        oldest = sorted(self.state.groups, key=lambda number: (self.state.groups[number].updated, number))
        for number in oldest[: max(len(self.state.groups) // _FORGOTTEN_SHARE, 1)]:
            del self.state.groups[number]
        for number in list(self.state.parents):
            if self._root(number) is None:
                del self.state.parents[number]


def _pairs(roles: Roles) -> Iterator[tuple[str, str]]:
    """Both ends of what happened, in either direction."""
    for actor in roles.actors:
        for target in roles.targets:
            yield (actor, target) if actor < target else (target, actor)


def _rank(finding: Finding) -> int:
    stage = stage_of(finding)
    return stage.rank if stage else -1


def _is_incident(group: Group) -> bool:
    """Whether a group is worth the name: low and informational findings of one detector are not."""
    return group.severity >= Severity.MEDIUM or len(group.detectors) > 1


def _identifier(group: Group) -> IncidentId:
    """The identifier, from the first finding."""
    return _hashed(group.head[1])


@lru_cache(maxsize=1 << 14)
def _hashed(first: str) -> IncidentId:
    return IncidentId(hashlib.sha256(f"incident\x1f{first}".encode()).hexdigest()[:32])
