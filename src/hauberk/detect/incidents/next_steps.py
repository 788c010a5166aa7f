"""What may come next: pairs of technique and target, ranked by a small model that says its reasons.

The weight of a step is the product of three factors; all weights of an incident are then divided by their sum.

1. Tactic: how often an attack goes on from its latest stage to another. A stage repeated weighs 1, each stage further on half as
   much as the one before it, a step back a fifth. The weights are set by hand after the order of ATT&CK's columns; they were not
   learned from incidents.
2. Reach: how sure it is that a host is in the intruder's hands (1 for the presumed source, less for those it attacked), times the
   logarithm of the packets on a link that host was seen to use. A link is easier to follow in the direction it is opened.
3. Target: one that was searched and not yet attacked is the likeliest; a controller weighs more than a host that others depend on,
   that more than any other.

The probability is a share of the weight of all steps: it ranks them, it does not promise that one of them will happen.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Protocol

from hauberk.detect import attack
from hauberk.detect.fleet import Fleet
from hauberk.detect.incidents.assessment import VITAL, criticality_of_kind
from hauberk.detect.incidents.roles import ATTACKS, is_mac, roles_of
from hauberk.detect.tactics import TACTIC, stage_of
from hauberk.model.finding import Technique
from hauberk.model.incident import Incident, NextStep
from hauberk.model.service import OT_SERVICES

_PER_STAGE = 0.5
_BACK = 0.2
_TAKEN = 0.5
"""How sure it is that a host is taken that was attacked."""
_AGAINST = 0.3
"""A link followed from the one that is called to the one that calls."""
_SEARCHED = 4.0
_SPENT = 0.3
"""Weight of a target that was attacked already."""


class Link(Protocol):
    """One observed link: ``src`` opens conversations to ``dst``; addresses as text."""

    @property
    def src(self) -> str:
        """Who opens conversations."""
        ...

    @property
    def dst(self) -> str:
        """Who is called."""
        ...

    @property
    def service(self) -> str:
        """Name of the application protocol, or of the transport."""
        ...

    @property
    def packets(self) -> int:
        """Packets in both directions."""
        ...

    @property
    def answers(self) -> int:
        """Packets that came back."""
        ...


@dataclass(slots=True)
class _Target:
    """A host in reach: the best link to it."""

    weight: float = 0.0
    via: str = ""
    service: str = ""
    packets: int = 0
    services: set[str] = field(default_factory=set)


def rank(incident: Incident, links: Iterable[Link], fleet: Fleet, count: int = 5) -> tuple[NextStep, ...]:
    """The ``count`` most probable next steps of ``incident`` over ``links``, most probable first; none if nobody is in reach.

    Each target is named once, with the technique that is the likeliest there.
    """
    _, attacked, met = _positions(incident)
    weighed = _weigh(incident, links, fleet)
    whole = sum(weight for weight, *_ in weighed)
    best: dict[str, NextStep] = {}
    for weight, technique, address, target in weighed:
        if address not in best and len(best) < count and weight > 0:
            best[address] = NextStep(technique, address, round(weight / whole, 4), _reason(address, target, attacked, met, fleet))
    return tuple(best.values())


def rank_targets(incident: Incident, links: Iterable[Link], fleet: Fleet) -> list[str]:
    """Every target in reach, the likeliest first, whatever the technique: for measuring the skill of the ranking."""
    total: dict[str, float] = {}
    for weight, _, address, _ in _weigh(incident, links, fleet):
        total[address] = total.get(address, 0.0) + weight
    return sorted(total, key=lambda address: (-total[address], address))


def _weigh(incident: Incident, links: Iterable[Link], fleet: Fleet) -> list[tuple[float, Technique, str, _Target]]:
    """Every step with its weight, the heaviest first."""
    sources, attacked, met = _positions(incident)
    reach = _reach(links, {**dict.fromkeys(attacked, _TAKEN), **dict.fromkeys(sources, 1.0)})
    tactics = _onward(incident)
    weighed: list[tuple[float, Technique, str, _Target]] = []
    for address, target in reach.items():
        if address in sources or not _is_host(address):
            continue
        factor = _attraction(address, fleet) * (_SPENT if address in attacked else _SEARCHED if address in met else 1.0)
        control = bool(target.services & OT_SERVICES) or criticality_of_kind(fleet.kind(address)) >= VITAL
        options = _CONTROL if control else _INSIDE if fleet.is_local(address) else _OUTSIDE
        total = sum(tactics[name] for name, _ in options)
        weighed += [
            # The target decides how much there is to share out, the tactics how, whatever the number of options.
            (target.weight * factor * tactics[name] / total, technique, address, target)
            for name, technique in options
        ]
    weighed.sort(key=lambda step: (-step[0], step[2], step[1].id))
    return weighed


def _positions(incident: Incident) -> tuple[set[str], set[str], set[str]]:
    """Hosts that act, hosts that were attacked, hosts that were only met."""
    sources: set[str] = set()
    attacked: set[str] = set()
    met: set[str] = set()
    for finding in incident.findings:
        roles = roles_of(finding)
        if roles.standing:
            continue
        sources.update(roles.actors[:1])
        (attacked if finding.detector in ATTACKS else met).update(roles.targets)
    return sources, attacked - sources, met - attacked - sources


def _reach(links: Iterable[Link], held: dict[str, float]) -> dict[str, _Target]:
    """What hosts that are ``held`` (with how sure that is) were seen to talk with."""
    reach: dict[str, _Target] = {}
    for link in links:
        if not link.answers:  # somebody knocked; nobody is known to be there
            continue
        for via, address, way in ((link.src, link.dst, 1.0), (link.dst, link.src, _AGAINST)):
            sure = held.get(via)
            if sure is None:
                continue
            target = reach.setdefault(address, _Target())
            weight = sure * way * math.log1p(link.packets)
            target.services.add(link.service if way == 1.0 else "")
            if weight > target.weight:
                target.weight, target.via, target.service, target.packets = weight, via, link.service, link.packets
    return reach


def _onward(incident: Incident) -> dict[str, float]:
    """Weight of each tactic after the latest stage of ``incident``."""
    latest = 0
    inside = False
    for finding in incident.findings:
        stage = stage_of(finding, inside=inside)
        if stage is not None:
            latest, inside = stage.rank, True
    return {name: _BACK if tactic.rank < latest else float(_PER_STAGE ** (tactic.rank - latest)) for name, tactic in TACTIC.items()}


def _attraction(address: str, fleet: Fleet) -> float:
    """How much a host is worth to an intruder: by what hangs on it."""
    return float(criticality_of_kind(fleet.kind(address))) * (0.5 if fleet.is_infrastructure(address) else 1.0)


def _is_host(address: str) -> bool:
    """True for the address of one host."""
    if is_mac(address):
        return int(address[:2], 16) & 1 == 0
    parsed = ip_address(address)
    return not (parsed.is_multicast or parsed.is_unspecified or parsed.is_loopback or address.endswith(".255"))


_CONTROL = (
    ("Discovery", attack.REMOTE_SYSTEM_DISCOVERY),
    ("Lateral Movement", attack.REMOTE_SERVICES),
    ("Inhibit Response Function", attack.DENIAL_OF_SERVICE),
    ("Impair Process Control", attack.UNAUTHORIZED_COMMAND),
)
"""Steps against a controller."""
_INSIDE = (
    ("Discovery", attack.NETWORK_SERVICE_DISCOVERY),
    ("Credential Access", attack.BRUTE_FORCE),
    ("Lateral Movement", Technique("T1021", "Remote Services", "enterprise")),
)
"""Steps against another host of the network."""
_OUTSIDE = (
    ("Command and Control", Technique("T1071", "Application Layer Protocol", "enterprise")),
    ("Exfiltration", Technique("T1041", "Exfiltration Over C2 Channel", "enterprise")),
)
"""Steps against a host outside."""
STEPS: tuple[Technique, ...] = tuple(dict.fromkeys(technique for _, technique in (*_CONTROL, *_INSIDE, *_OUTSIDE)))
"""Every technique that may be foretold."""


def _reason(address: str, target: _Target, attacked: set[str], met: set[str], fleet: Fleet) -> str:
    kind = fleet.kind(address)
    who = f"{address} ({kind.replace('_', ' ')})" if kind else address
    state = (
        "was attacked already"
        if address in attacked
        else "was met but not yet attacked"
        if address in met
        else "was left alone so far"
    )
    return f"{target.via} exchanged {target.packets:,} packets of {target.service} with {who}, which {state}."
