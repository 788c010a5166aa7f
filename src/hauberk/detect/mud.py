"""Judges conversations against a Manufacturer Usage Description (RFC 8520).

A conversation is covered where an entry accepts its packets in the direction in which it was begun; answers follow, as behind a
firewall that keeps state. Where nobody saw who began (no connection request), either direction will do. The first entry that
matches decides; what no entry matches is not covered (RFC 8520 section 3: the default is to deny).

Names match where the traffic ever gave the address that name. The classes ``urn:ietf:params:mud:dns``, ``:ntp`` and ``:gateway``
stand for the network's own infrastructure. Link upkeep (ARP, neighbour discovery, group membership of IPv6) and ICMP errors belong
to no conversation of their own and are not judged. Conditions that conversations do not show (DSCP, lengths, fragments, MAC
addresses, codes of ICMP) count as met.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import NamedTuple, Protocol

from hauberk.detect.attempts import ICMP, ICMP6, TCP, UDP
from hauberk.detect.profile import Peer, Talk, is_group
from hauberk.model.mud import AccessList, Entry, Icmp, Internet, Matches, MudFile, Party, Ports

CLASSES = ("urn:ietf:params:mud:dns", "urn:ietf:params:mud:ntp", "urn:ietf:params:mud:gateway")
"""Controller classes that the network's infrastructure stands for: two of IANA's registry, and one in wide use."""
_ERRORS = {
    ICMP: frozenset({3, 4, 5, 9, 10, 11, 12}),
    ICMP6: frozenset({1, 2, 3, 4, 130, 131, 132, 133, 134, 135, 136, 137, 143}),
}
_ECHO = {ICMP: (8, 0), ICMP6: (128, 129)}
_ETHERTYPES: Mapping[int | str, int] = {0x0800: 4, "ipv4": 4, 0x86DD: 6, "ipv6": 6}


class Surroundings(Protocol):
    """What must be known of the network. ``address`` is text."""

    def is_local(self, address: str) -> bool:
        """True for an address on the observed networks."""
        ...

    def is_infrastructure(self, address: str) -> bool:
        """True for routers, name servers, time servers."""
        ...

    def same_maker(self, address: str) -> bool:
        """True where the device at the address has the maker of the device that is judged."""
        ...

    def made_by(self, address: str, maker: str) -> bool:
        """True where the device at the address is of ``maker`` (a domain or a model's URL, as the file says it)."""
        ...


class Conversation(NamedTuple):
    """One talk as it is judged: ``local`` and ``remote`` are addresses, ``names`` those of the remote, the last first."""

    peer: Peer
    talk: Talk
    local: str
    names: tuple[str, ...]


class Rule(NamedTuple):
    """One entry where it applies. ``outward``: it is of the from-device policy. ``version``: of IP, 0 for any."""

    access_list: str
    entry: Entry
    outward: bool
    accepts: bool
    version: int


@dataclass(frozen=True, slots=True)
class Policy:
    """A compiled file. ``controllers``: addresses that the owner gave for controller URIs, ``my_controller`` those of the device's
    own."""

    rules: tuple[Rule, ...]
    controllers: Mapping[str, frozenset[str]] = field(default_factory=dict)
    my_controller: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls,
        file: MudFile,
        controllers: Mapping[str, Collection[str]] | None = None,
        my_controller: Collection[str] = (),
    ) -> Policy:
        """Compile ``file``: the lists of both policies, in their order."""
        lists = {item.name: item for item in file.lists}
        rules = [
            rule
            for outward, names in ((True, file.from_device), (False, file.to_device))
            for name in names or ()
            for rule in _rules(lists[name], outward=outward)
        ]
        given = {uri: frozenset(addresses) for uri, addresses in (controllers or {}).items()}
        return cls(tuple(rules), given, frozenset(my_controller))

    def decide(self, conversation: Conversation, site: Surroundings) -> Rule | None:
        """The entry that decides about ``conversation``; None where none matches."""
        for outward in self._directions(conversation):
            for rule in self.rules:
                if rule.outward == outward and self._matches(rule, conversation, site):
                    if rule.accepts or conversation.talk.certain:
                        return rule
                    break
        return None

    def _directions(self, conversation: Conversation) -> tuple[bool, ...]:
        begun = conversation.peer.initiated
        return (begun,) if conversation.talk.certain else (begun, not begun)

    def _matches(self, rule: Rule, conversation: Conversation, site: Surroundings) -> bool:
        peer, matches = conversation.peer, rule.entry.matches
        if rule.version not in {0, peer.version}:
            return False
        if matches.party is not None and not self._is_party(matches.party, conversation, site):
            return False
        internet = matches.ipv4 if peer.version == 4 else matches.ipv6
        if internet is None:
            if matches.ipv4 is not None or matches.ipv6 is not None:
                return False
        elif not _internet(internet, rule, conversation):
            return False
        return _ethernet(matches, peer) and _transport(matches, rule, conversation)

    def _is_party(self, party: Party, conversation: Conversation, site: Surroundings) -> bool:
        remote = conversation.peer.remote
        if party.local_networks and not (is_group(remote) or site.is_local(remote)):
            return False
        if party.controller is not None and not self._is_controller(party.controller, remote, site):
            return False
        if party.my_controller and remote not in self.my_controller:
            return False
        if party.same_manufacturer and not site.same_maker(remote):
            return False
        return all(said is None or site.made_by(remote, said) for said in (party.manufacturer, party.model))

    def _is_controller(self, uri: str, remote: str, site: Surroundings) -> bool:
        given = self.controllers.get(uri)
        if given is not None:
            return remote in given
        return uri in CLASSES and site.is_infrastructure(remote)


def is_judged(conversation: Conversation) -> bool:
    """Whether a conversation is the device's doing: it began it, or it let itself be talked to."""
    peer, talk = conversation.peer, conversation.talk
    if peer.port in _ERRORS.get(peer.transport, ()):
        return False
    if peer.initiated:
        return True
    return talk.spoke if peer.transport == TCP else talk.answered


def _rules(access_list: AccessList, *, outward: bool) -> Iterator[Rule]:
    version = {"ipv4-acl-type": 4, "ipv6-acl-type": 6}.get((access_list.type or "").rpartition(":")[2], 0)
    for entry in access_list.entries:
        accepts = entry.forwarding.rpartition(":")[2] == "accept"
        yield Rule(access_list.name, entry, outward, accepts, version)


def _ethernet(matches: Matches, peer: Peer) -> bool:
    eth = matches.eth
    if eth is None:
        return True
    if eth.ethertype is not None and _ETHERTYPES.get(eth.ethertype) != peer.version:
        return False
    broadcast = eth.destination is not None and eth.destination.lower() == "ff:ff:ff:ff:ff:ff"
    return not broadcast or peer.remote == "255.255.255.255"


def _internet(internet: Internet, rule: Rule, conversation: Conversation) -> bool:
    peer = conversation.peer
    if internet.protocol is not None and internet.protocol != peer.transport and not _is_any_header(internet.protocol, peer):
        return False
    if rule.outward:
        far_network, near_network = internet.destination_network, internet.source_network
        far_name, near_name = internet.destination_name, internet.source_name
    else:
        far_network, near_network = internet.source_network, internet.destination_network
        far_name, near_name = internet.source_name, internet.destination_name
    if near_name is not None:
        return False  # names the device itself, which RFC 8520 section 8 gives no meaning
    if far_name is not None and far_name.rstrip(".").lower() not in conversation.names:
        return False
    return all(
        network is None or _inside(address, network)
        for address, network in ((peer.remote, far_network), (conversation.local, near_network))
    )


def _is_any_header(protocol: int, peer: Peer) -> bool:
    """Group membership reports of IPv6 travel behind a hop-by-hop header, by which tools that write such files name them."""
    return protocol == 0 and peer.version == 6 and peer.transport == ICMP6


def _transport(matches: Matches, rule: Rule, conversation: Conversation) -> bool:
    peer, talk = conversation.peer, conversation.talk
    if matches.icmp is not None:
        return peer.transport in _ECHO and _is_type(matches.icmp, rule, peer)
    part = matches.tcp or matches.udp
    if part is None:
        return True
    if peer.transport != (TCP if matches.tcp is not None else UDP):
        return False
    begun = None if matches.tcp is None else matches.tcp.initiated
    if begun is not None and talk.certain and (begun == "from-device") != peer.initiated:
        return False
    initiator, responder = (talk.low, talk.high), (peer.port, peer.port)
    near, far = (initiator, responder) if peer.initiated else (responder, initiator)
    source, destination = (near, far) if rule.outward else (far, near)
    return _holds(part.source, source) and _holds(part.destination, destination)


def _is_type(icmp: Icmp, rule: Rule, peer: Peer) -> bool:
    if icmp.type is None:
        return True
    if peer.port:
        return icmp.type == peer.port
    request, reply = _ECHO[peer.transport]
    return icmp.type == (request if peer.initiated == rule.outward else reply)


def _holds(ports: Ports | None, seen: tuple[int, int]) -> bool:
    """Whether every port from the lowest to the highest seen meets the condition."""
    if ports is None:
        return True
    low, high = seen
    if ports.port is None:
        lower = ports.lower or 0
        return lower <= low and high <= (lower if ports.upper is None else ports.upper)
    operator = ports.operator or "eq"
    if operator == "neq":
        return not low <= ports.port <= high
    if operator == "lte":
        return high <= ports.port
    return low >= ports.port if operator == "gte" else low == high == ports.port


@lru_cache(maxsize=1 << 16)
def _inside(address: str, network: str) -> bool:
    return ip_address(address) in ip_network(network, strict=False)
