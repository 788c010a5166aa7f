"""Writes a Manufacturer Usage Description (RFC 8520) from what a device was seen to do.

Every kind of talk gives one entry a direction. The other side is named by the widest word that is still true: a group or
broadcast address, the class of the network's name or time servers, devices of the same maker, the local networks, the domain
name asked for, and only where there is none the bare address. The initiator's port is left open; of the responder's, many on one
party become a range. What was never answered is no behaviour but an attempt, and a connection from outside to which the device
said nothing is a scan: neither is learned, unless the device asked for the name or repeats the datagram, as loggers do.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import NamedTuple

from hauberk.detect.attempts import ICMP, ICMP6, TCP, UDP
from hauberk.detect.mud import CLASSES, Conversation, Surroundings, is_judged
from hauberk.detect.profile import is_group
from hauberk.formats.mud_acl import list_type
from hauberk.model.mud import AccessList, Entry, Icmp, Internet, Matches, MudFile, Party, Ports, Tcp, Udp

_MANY_PORTS = 4
"""Unprivileged responder ports of one remote above which they become a range."""
_UNPRIVILEGED = 1024
_LAST_PORT = 65535
_MOST_ENTRIES = 1000
_REPEATED = 3
"""Seconds with datagrams from which on an unanswered one is a habit."""
_CLASS_OF_PORT = {53: CLASSES[0], 123: CLASSES[1]}
_ECHO = {ICMP: (8, 0), ICMP6: (128, 129)}


class Kind(NamedTuple):
    """The other side in the words of a MUD file: ``word`` is ``group``, ``controller``, ``same-manufacturer``, ``local``, ``name``
    or ``address``; ``value`` goes with it."""

    word: str
    value: str = ""


class _Deal(NamedTuple):
    initiated: bool
    version: int
    transport: int
    party: Kind


_Deals = defaultdict[_Deal, defaultdict[str, set[int]]]
"""Responder ports by remote, of each deal."""


@dataclass(frozen=True, slots=True)
class Learned:
    """The file, what it was learned from, and what was seen and left out."""

    file: MudFile
    conversations: tuple[Conversation, ...]
    left_out: tuple[Conversation, ...]


@dataclass(frozen=True, slots=True)
class Subject:
    """What the file says of the device. ``slug``: names its lists."""

    url: str
    slug: str
    system_info: str | None = None
    manufacturer: str | None = None
    model: str | None = None
    firmware: str | None = None


def learn(about: Subject, conversations: Iterable[Conversation], site: Surroundings) -> Learned:
    """The file that covers ``conversations``."""
    kept: list[Conversation] = []
    left_out: list[Conversation] = []
    deals: _Deals = defaultdict(lambda: defaultdict(set))
    for conversation in sorted(conversations, key=lambda one: one.peer):
        if not is_judged(conversation):
            continue
        if not _is_habit(conversation):
            left_out.append(conversation)
            continue
        peer = conversation.peer
        deal = _Deal(peer.initiated, peer.version, peer.transport, party_of(conversation, site))
        if deal not in deals and len(deals) >= _MOST_ENTRIES:
            left_out.append(conversation)
            continue
        deals[deal][peer.remote].add(peer.port)
        kept.append(conversation)
    last = max((one.talk.last for one in kept), default=0.0)
    lists = tuple(_lists(about.slug, deals))
    file = MudFile(
        url=about.url,
        last_update=datetime.fromtimestamp(int(last), UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        supported=True,
        cache_validity=48,
        system_info=about.system_info,
        manufacturer=about.manufacturer,
        model=about.model,
        firmware=about.firmware,
        from_device=tuple(item.name for item in lists if item.name.startswith("from-")),
        to_device=tuple(item.name for item in lists if item.name.startswith("to-")),
        lists=lists,
    )
    return Learned(file, tuple(kept), tuple(left_out))


def party_of(conversation: Conversation, site: Surroundings) -> Kind:
    """The other side in the widest true word."""
    remote = conversation.peer.remote
    if is_group(remote):
        return Kind("group", remote)
    if site.is_local(remote):
        controller = _CLASS_OF_PORT.get(conversation.peer.port) if conversation.peer.transport in {UDP, TCP} else None
        if controller is not None and conversation.peer.initiated and site.is_infrastructure(remote):
            return Kind("controller", controller)
        return Kind("same-manufacturer") if site.same_maker(remote) else Kind("local")
    return Kind("name", conversation.names[0]) if conversation.names else Kind("address", remote)


def _is_habit(conversation: Conversation) -> bool:
    """Whether a conversation is behaviour: answered, or of a sort that needs no answer."""
    peer, talk = conversation.peer, conversation.talk
    if talk.answered or is_group(peer.remote) or is_broadcast(peer.remote, conversation.local):
        return True
    return bool(conversation.names) or (peer.transport not in {TCP, ICMP, ICMP6} and talk.seconds >= _REPEATED)


def is_broadcast(remote: str, local: str) -> bool:
    """Whether an address looks like the broadcast address of the network of ``local`` (its mask is not seen)."""
    return remote.endswith(".255") and remote.split(".", maxsplit=1)[0] == local.split(".", maxsplit=1)[0]


def _lists(slug: str, deals: _Deals) -> Iterable[AccessList]:
    for version in (4, 6):
        chosen = [(deal, ports) for deal, ports in sorted(deals.items()) if deal.version == version]
        for outward in (True, False):
            name = f"{'from' if outward else 'to'}-ipv{version}-{slug}"
            matches = dict.fromkeys(
                match
                for deal, ports in chosen
                if outward == deal.initiated or deal.party.word != "group"
                for match in _matches(deal, ports, outward=outward)
            )
            if matches:
                entries = tuple(Entry(f"{name}-{at}", match, "accept") for at, match in enumerate(matches))
                yield AccessList(name, list_type({f"ipv{version}"}), entries)


def _matches(deal: _Deal, ports: Mapping[str, set[int]], *, outward: bool) -> Iterable[Matches]:
    """What packets of one direction look like."""
    base = _base(deal, outward=outward)
    if deal.transport in _ECHO:
        request, reply = _ECHO[deal.transport]
        for port in sorted(set().union(*ports.values())):
            kind = port or (request if deal.initiated == outward else reply)
            yield replace(base, icmp=Icmp(kind, 0 if not port else None))
    elif deal.transport in {TCP, UDP}:
        for condition in conditions(ports):
            # The responder's port is the destination of what the initiator sends.
            source, destination = (None, condition) if deal.initiated == outward else (condition, None)
            if deal.transport == TCP:
                yield replace(base, tcp=Tcp(source, destination, "from-device" if deal.initiated else "to-device"))
            else:
                yield replace(base, udp=Udp(source, destination))
    else:
        yield base


def _base(deal: _Deal, *, outward: bool) -> Matches:
    word, value = deal.party
    network = name = None
    party: Party | None = None
    if word in {"group", "address"}:
        network = f"{value}/{32 if deal.version == 4 else 128}"
        party = Party(local_networks=True) if word == "group" else None
    elif word == "name":
        name = value
    elif word == "controller":
        party = Party(controller=value)
    else:
        party = Party(same_manufacturer=word == "same-manufacturer", local_networks=word == "local")
    far = (
        Internet(deal.transport, destination_network=network, destination_name=name)
        if outward
        else Internet(deal.transport, source_network=network, source_name=name)
    )
    return Matches(ipv4=far if deal.version == 4 else None, ipv6=far if deal.version == 6 else None, party=party)


def conditions(ports: Mapping[str, set[int]]) -> list[Ports]:
    """Conditions that hold for the responders' ``ports``, by remote: one each, or a range where one remote has many."""
    many = any(sum(port >= _UNPRIVILEGED for port in own) > _MANY_PORTS for own in ports.values())
    every = sorted(set().union(*ports.values()))
    if not many:
        return [Ports("eq", port) for port in every]
    low = [Ports("eq", port) for port in every if port < _UNPRIVILEGED]
    return [*low, Ports(lower=_UNPRIVILEGED, upper=_LAST_PORT)]
