"""Learning MUD files from traffic and judging traffic against them, for whole sources.

Names, device records and makers are those known at the end of the traffic, so that what is learned from a source covers all of
it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from hauberk.detect.detectors.mud_violation import DETECTORS, MudState
from hauberk.detect.engine import DetectionEngine
from hauberk.detect.mud import Conversation, Policy, Rule, is_judged
from hauberk.detect.mud_learn import Learned, Subject, learn
from hauberk.detect.names import Names, registered
from hauberk.detect.profile import Peer, Profiles, Talk, belongs
from hauberk.detect.snapshot import Snapshot
from hauberk.errors import SettingError
from hauberk.inventory import Inventory
from hauberk.model.device import Device
from hauberk.model.observation import Observations

_EVER = float("inf")
_UNKNOWN_PLACE = "https://mud.invalid"
"""Where a learned file claims to lie while nobody says where it will (RFC 2606: the name never resolves)."""
_SHOWN = 8
TRANSPORTS = {1: "icmp", 2: "igmp", 6: "tcp", 17: "udp", 47: "gre", 50: "esp", 58: "icmp6", 132: "sctp"}
Record = Mapping[str, object]


@dataclass(slots=True)
class Behaviour:
    """Who was there, whom they talked with, and what the other sides are called."""

    inventory: Inventory = field(default_factory=Inventory)
    profiles: Profiles = field(default_factory=Profiles)
    names: Names = field(default_factory=Names)

    def observe(self, batches: Iterable[Observations]) -> None:
        """Work through ``batches`` to their end."""
        for batch in batches:
            self.inventory.observe(batch)
            self.names.observe(batch)
            self.profiles.observe(batch, self.inventory.is_local)

    def adopt(self, snapshot: Snapshot) -> None:
        """Add what an earlier run learned and saved."""
        engine = DetectionEngine(DETECTORS, self.inventory, snapshot=snapshot)
        learned: MudState = engine.state(DETECTORS[0].id)
        self.names.add(learned.names)
        self.profiles.add(learned.profiles)

    def conversations(self, device: Device) -> list[Conversation]:
        """What ``device`` said to whom."""
        return conversations_of(self.profiles, self.names, device)


def conversations_of(profiles: Profiles, names: Names, device: Device) -> list[Conversation]:
    """The talks of ``device`` with the names of the other sides, one for each of its addresses and peers."""
    together: dict[tuple[str, Peer], Talk] = {}
    for subject, talks in profiles.subjects.items():
        if belongs(subject, device.macs, device.ips):
            for peer, talk in talks.items():
                known = together.setdefault((subject.ip, peer), Talk(talk.first, talk.last, talk.low, talk.high))
                known.add(talk)
    return [Conversation(peer, talk, local, names.names(peer.remote, _EVER)) for (local, peer), talk in together.items()]


class Site:
    """The network as it looks to the makers of ``devices``. Satisfies ``Surroundings``."""

    def __init__(self, inventory: Inventory, known: Iterable[Device], devices: Collection[Device]) -> None:
        self._inventory = inventory
        self._makers = {address: device.vendor for device in known for address in device.ips}
        self._own = {device.vendor for device in devices if device.vendor}

    def is_local(self, address: str) -> bool:
        """True for an address on the observed networks."""
        return self._inventory.is_local(address)

    def is_infrastructure(self, address: str) -> bool:
        """True for routers, name servers, time servers."""
        return self._inventory.is_infrastructure(address)

    def same_maker(self, address: str) -> bool:
        """True where the device at the address has the maker of the devices."""
        return self._makers.get(address) in self._own

    def made_by(self, address: str, maker: str) -> bool:
        """True where the maker of the device at the address is named like the registrable domain that ``maker`` gives."""
        label = _letters(registered(maker).partition(".")[0])
        held = _letters(self._makers.get(address) or "")
        return bool(label) and bool(held) and (held.startswith(label) or label.startswith(held))


def _letters(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


class Choice(NamedTuple):
    """Which devices are meant; None leaves it open."""

    device: str | None = None
    mac: str | None = None
    ip: str | None = None
    kind: str | None = None


def choose(devices: Sequence[Device], choice: Choice, inventory: Inventory) -> list[Device]:
    """The devices meant; where nothing is said, the only one that is no infrastructure. Raises ``SettingError``."""
    mac = None if choice.mac is None else choice.mac.lower().replace("-", ":")
    if any(said is not None for said in choice):
        found = [
            device
            for device in devices
            if choice.device in {None, device.id}
            and (mac is None or mac in device.macs)
            and (choice.ip is None or choice.ip in device.ips)
            and choice.kind in {None, device.kind}
        ]
        if not found:
            said = ", ".join(f"{name} {value}" for name, value in choice._asdict().items() if value is not None)
            raise SettingError(f"no device with {said} was seen; seen were {_named(devices)}")
        return found
    found = [device for device in devices if not any(inventory.is_infrastructure(address) for address in device.ips)]
    if len(found) != 1:
        raise SettingError(f"say which device is meant with --device, --mac, --ip or --kind; seen were {_named(found or devices)}")
    return found


def _named(devices: Sequence[Device]) -> str:
    shown = [f"{device.id} ({device.kind or 'unknown'}{', ' + device.ips[0] if device.ips else ''})" for device in devices[:_SHOWN]]
    more = f" and {len(devices) - _SHOWN} more" if len(devices) > _SHOWN else ""
    return (", ".join(shown) or "none") + more


def learn_file(behaviour: Behaviour, devices: Sequence[Device], url: str | None = None) -> Learned:
    """The MUD file of what ``devices``, all of one make, did."""
    first = devices[0]
    said = first.kind if len(devices) > 1 else first.id
    label = re.sub(r"[^a-z0-9]+", "-", (said or first.id).lower()).strip("-")
    about = Subject(
        url or f"{_UNKNOWN_PLACE}/{label}.json",
        label,
        " ".join(part for part in (first.vendor, first.model or first.kind) if part) or None,
        _common(device.vendor for device in devices),
        _common(device.model for device in devices),
        _common(device.firmware for device in devices),
    )
    site = Site(behaviour.inventory, behaviour.inventory.devices(), devices)
    return learn(about, [talk for device in devices for talk in behaviour.conversations(device)], site)


def _common(values: Iterable[str | None]) -> str | None:
    """The value that all share."""
    found = set(values)
    return found.pop() if len(found) == 1 else None


@dataclass(frozen=True, slots=True)
class Conformance:
    """How one device behaved. ``matched``: conversations by entry. ``deviations``: what no entry accepts, with the entry that
    forbids it where one does."""

    device: Device
    matched: Mapping[Rule, int]
    unused: tuple[Rule, ...]
    deviations: tuple[tuple[Conversation, Rule | None], ...]

    @property
    def conforms(self) -> bool:
        """Whether everything is covered."""
        return not self.deviations


def check(behaviour: Behaviour, device: Device, policy: Policy) -> Conformance:
    """Judge what ``device`` did."""
    site = Site(behaviour.inventory, behaviour.inventory.devices(), [device])
    matched: Counter[Rule] = Counter()
    deviations: list[tuple[Conversation, Rule | None]] = []
    for conversation in behaviour.conversations(device):
        if not is_judged(conversation):
            continue
        rule = policy.decide(conversation, site)
        if rule is not None and rule.accepts:
            matched[rule] += max(conversation.talk.conversations, 1)
        else:
            deviations.append((conversation, rule))
    deviations.sort(key=lambda item: (item[0].talk.first, item[0].peer))
    return Conformance(
        device,
        {rule: matched[rule] for rule in policy.rules if rule in matched},
        tuple(rule for rule in policy.rules if rule not in matched),
        tuple(deviations),
    )


def conformance_record(found: Conformance, repairs: int) -> Record:
    """A conformance as it is published."""
    return {
        "device": found.device.id,
        "addresses": [*found.device.ips, *found.device.macs],
        "conforms": found.conforms,
        "conversations": sum(found.matched.values()) + sum(max(one.talk.conversations, 1) for one, _ in found.deviations),
        "matched": [{**_rule_record(rule), "conversations": count} for rule, count in found.matched.items()],
        "unused": [_rule_record(rule) for rule in found.unused],
        "deviations": [deviation_record(one, rule) for one, rule in found.deviations],
        "repairs": repairs,
    }


def deviation_record(found: Conversation, rule: Rule | None = None) -> Record:
    """A conversation as it is published; ``forbidden_by`` is the entry that forbids it, null where none speaks of it."""
    peer, talk = found.peer, found.talk
    return {
        "initiated": "from-device" if peer.initiated else "to-device",
        "local": found.local,
        "remote": peer.remote,
        "names": list(found.names[:_SHOWN]),
        "transport": TRANSPORTS.get(peer.transport, str(peer.transport)),
        "port": peer.port,
        "answered": talk.answered,
        "conversations": max(talk.conversations, 1),
        "first": talk.first,
        "last": talk.last,
        "forbidden_by": None if rule is None else _rule_record(rule),
    }


def _rule_record(rule: Rule) -> Record:
    return {"list": rule.access_list, "entry": rule.entry.name}
