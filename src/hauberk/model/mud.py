"""A Manufacturer Usage Description (RFC 8520): what a device is meant to talk to, as access control lists (RFC 8519).

Values only. ``None`` is what the file does not say. Texts are as the file has them: identities may carry a module prefix
(``ietf-access-control-list:accept``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Place = tuple[str | int, ...]
"""Where in a JSON document: keys and positions in lists, from the root."""


@dataclass(frozen=True, slots=True)
class Ports:
    """A condition on a port (RFC 8519 ``port-range-or-operator``): ``operator`` (``eq`` where None) and ``port``, or a range from
    ``lower`` to ``upper``, which is ``lower`` alone where None."""

    operator: str | None = None
    port: int | None = None
    lower: int | None = None
    upper: int | None = None


@dataclass(frozen=True, slots=True)
class Ethernet:
    """Conditions on the Ethernet header."""

    destination: str | None = None
    destination_mask: str | None = None
    source: str | None = None
    source_mask: str | None = None
    ethertype: int | str | None = None
    """A number, or a name such as ``ipv4``."""


@dataclass(frozen=True, slots=True)
class Internet:
    """Conditions on the IPv4 or IPv6 header. Names are those of RFC 8520 section 8 (``ietf-acldns``)."""

    protocol: int | None = None
    dscp: int | None = None
    ecn: int | None = None
    length: int | None = None
    ttl: int | None = None
    source_network: str | None = None
    destination_network: str | None = None
    source_name: str | None = None
    destination_name: str | None = None


@dataclass(frozen=True, slots=True)
class Tcp:
    """Conditions on TCP; ``initiated`` (``from-device``, ``to-device``) says who began the connection (RFC 8520 section 3.12)."""

    source: Ports | None = None
    destination: Ports | None = None
    initiated: str | None = None


@dataclass(frozen=True, slots=True)
class Udp:
    """Conditions on UDP."""

    source: Ports | None = None
    destination: Ports | None = None
    length: int | None = None


@dataclass(frozen=True, slots=True)
class Icmp:
    """Conditions on ICMP."""

    type: int | None = None
    code: int | None = None


@dataclass(frozen=True, slots=True)
class Party:
    """Who the other side is, in words that the network fills in (RFC 8520 section 5)."""

    manufacturer: str | None = None
    same_manufacturer: bool = False
    model: str | None = None
    local_networks: bool = False
    controller: str | None = None
    my_controller: bool = False


@dataclass(frozen=True, slots=True)
class Matches:
    """What traffic must be like; what is None says nothing."""

    eth: Ethernet | None = None
    ipv4: Internet | None = None
    ipv6: Internet | None = None
    tcp: Tcp | None = None
    udp: Udp | None = None
    icmp: Icmp | None = None
    party: Party | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One access control entry. ``forwarding`` is ``accept``, ``drop`` or ``reject``, maybe with its module's prefix."""

    name: str
    matches: Matches
    forwarding: str
    logging: str | None = None


@dataclass(frozen=True, slots=True)
class AccessList:
    """One access control list; ``type`` is one of RFC 8519's, as ``ipv4-acl-type``."""

    name: str
    type: str | None
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class MudFile:
    """A whole file. ``last_update`` is RFC 3339 text, ``cache_validity`` hours. ``from_device`` and ``to_device`` name lists of
    ``lists``. ``extra`` holds what is not of RFC 8520 or 8519, by place, for writing it back."""

    url: str
    last_update: str
    supported: bool
    version: int = 1
    signature: str | None = None
    cache_validity: int | None = None
    system_info: str | None = None
    manufacturer: str | None = None
    model: str | None = None
    firmware: str | None = None
    software: str | None = None
    documentation: str | None = None
    extensions: tuple[str, ...] | None = None
    from_device: tuple[str, ...] | None = None
    to_device: tuple[str, ...] | None = None
    lists: tuple[AccessList, ...] = ()
    extra: Mapping[Place, object] = field(default_factory=dict)
