"""Access control lists of MUD files (RFC 8519 section 4.2, with the augmentations of RFC 8520 sections 7 and 8).

Conditions that are not read here (header lengths, sequence numbers, fragments) are kept for writing back, under the place of
their entry; who judges traffic must know that they restrict it further.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hauberk.formats.mud_reading import (
    Field,
    Node,
    Reading,
    UnreadableError,
    empty,
    hardware,
    network,
    number,
    place_text,
    read_fields,
    shown,
    text,
    words,
    write_fields,
)
from hauberk.model.mud import AccessList, Entry, Ethernet, Icmp, Internet, Matches, Party, Place, Ports, Tcp, Udp

MODULE = "ietf-access-control-list:"
_TYPES = frozenset(
    {
        *("ipv4-acl-type", "ipv6-acl-type", "eth-acl-type", "mixed-eth-ipv4-acl-type", "mixed-eth-ipv6-acl-type"),
        "mixed-eth-ipv4-ipv6-acl-type",
    }
)
_TYPE_SLIPS = {"ethernet-acl-type": "eth-acl-type", "ipv4-acl": "ipv4-acl-type", "ipv6-acl": "ipv6-acl-type"} | {
    "eth-acl": "eth-acl-type"
}
_FORWARDING = frozenset({"accept", "drop", "reject"})
_FORWARDING_SLIPS = {"permit": "accept", "allow": "accept", "pass": "accept", "deny": "drop", "discard": "drop"}
_PORT = number(0, 65535)
_OPERATOR = words(
    frozenset({"eq", "neq", "lte", "gte"}), {"equal": "eq", "equals": "eq", "not-equal": "neq", "lt-eq": "lte", "gt-eq": "gte"}
)
_BYTE, _SHORT = number(0, 255), number(0, 65535)


def _ethertype(reading: Reading, value: object, place: Place) -> int | str:
    """``ietf-ethertypes``: a number from 1536, or a name."""
    if isinstance(value, str) and not value[:1].isdigit():
        return str(text(reading, value, place))
    found: int = number(1536, 65535)(reading, value, place)
    return found


_ETHERNET = (
    Field("destination-mac-address", "destination", hardware),
    Field("destination-mac-address-mask", "destination_mask", hardware),
    Field("source-mac-address", "source", hardware),
    Field("source-mac-address-mask", "source_mask", hardware),
    Field("ethertype", "ethertype", _ethertype),
)


def _internet(version: int) -> tuple[Field, ...]:
    return (
        Field("protocol", "protocol", _BYTE),
        Field("dscp", "dscp", number(0, 63)),
        Field("ecn", "ecn", number(0, 3)),
        Field("length", "length", _SHORT),
        Field("ttl", "ttl", _BYTE),
        Field(f"source-ipv{version}-network", "source_network", network(version)),
        Field(f"destination-ipv{version}-network", "destination_network", network(version)),
        Field("ietf-acldns:src-dnsname", "source_name", text),
        Field("ietf-acldns:dst-dnsname", "destination_name", text),
    )


_IPV4, _IPV6 = _internet(4), _internet(6)
_PORTS = (
    Field("operator", "operator", _OPERATOR),
    Field("port", "port", _PORT),
    Field("lower-port", "lower", _PORT),
    Field("upper-port", "upper", _PORT),
)
_TCP = (
    Field(
        "ietf-mud:direction-initiated",
        "initiated",
        words(frozenset({"from-device", "to-device"}), {"from": "from-device", "to": "to-device"}),
    ),
)
_UDP = (Field("length", "length", _SHORT),)
_ICMP = (Field("type", "type", _BYTE), Field("code", "code", _BYTE))
_NULL = [None]
_PARTY = (
    Field("manufacturer", "manufacturer", text),
    Field("same-manufacturer", "same_manufacturer", empty, lambda _: _NULL, absent=False),
    Field("model", "model", text),
    Field("local-networks", "local_networks", empty, lambda _: _NULL, absent=False),
    Field("controller", "controller", text),
    Field("my-controller", "my_controller", empty, lambda _: _NULL, absent=False),
)


def read_list(reading: Reading, value: object, place: Place, out: Place, room: int) -> AccessList:
    """The access control list ``value``, of at most ``room`` entries."""
    node = Node(reading, value, place, out)
    name = _name(node)
    kind = node.take("type")
    known = None if kind is None else words(_TYPES, _TYPE_SLIPS, MODULE)(reading, *kind)
    entries: list[Entry] = []
    names: dict[str, int] = {}
    inside = node.child("aces", "access-list-entries")
    if inside is not None:
        for item, at in inside.items("ace"):
            if len(entries) >= room:
                raise UnreadableError(at, "is one entry too many: no more are read")
            kept = len(reading.extra)
            try:
                entries.append(_entry(reading, item, at, (*inside.out, "ace", len(entries)), names))
            except UnreadableError as error:
                reading.forget(kept)
                # Without an entry that drops, what a later one accepts would pass.
                repair = None if _may_drop(item) else "left_out"
                reading.fault(error.place, error.reason, repair, f"the entry {place_text(at)} is left out")
        inside.keep_rest()
    node.keep_rest()
    return _typed(reading, AccessList(name, known, tuple(entries)), (*place, "type"))


def _may_drop(value: object) -> bool:
    """Whether an entry that could not be read may be one that forbids."""
    said = repr(
        {key: held for key, held in value.items() if key not in {"name", "matches"}} if isinstance(value, Mapping) else value
    ).lower()
    return any(word in said for word in ("drop", "reject", "deny", "discard"))


def _name(node: Node) -> str:
    found = node.take("name")
    if found is None:
        raise UnreadableError(node.place, "has no 'name'")
    name: str = text(node.reading, *found)
    return name


def _entry(reading: Reading, value: object, place: Place, out: Place, names: dict[str, int]) -> Entry:
    """One entry; ``names`` are those given, each with the number to try next for another entry of the same name."""
    node = Node(reading, value, place, out)
    name = _name(node)
    action, logging = _actions(node)
    if action is None:
        raise UnreadableError((*place, "actions"), "has no 'forwarding'")
    forwarding = words(_FORWARDING, _FORWARDING_SLIPS, MODULE)(reading, *action)
    said = None if logging is None else text(reading, *logging)
    inside = node.child("matches")
    matches = Matches() if inside is None else _matches(inside)
    node.keep_rest()
    return Entry(_unique(reading, name, place, names), matches, forwarding, said)


def _unique(reading: Reading, name: str, place: Place, names: dict[str, int]) -> str:
    """``name``, or one made of it where another entry has it."""
    fresh = name
    while fresh in names:
        number = names[name] = names[name] + 1
        fresh = f"{name}-{number}"
    if fresh != name:
        reading.fault((*place, "name"), f"'{name}' is the name of another entry of the list", "renamed_entry", f"named '{fresh}'")
    names[fresh] = 1
    return fresh


def _actions(node: Node) -> tuple[tuple[object, Place] | None, tuple[object, Place] | None]:
    """What 'forwarding' and 'logging' hold, each with its place."""
    flat = next((key for key in node.keys if key.replace("_", "-") == "actions/forwarding"), None)
    if flat is not None:
        node.reading.fault((*node.place, flat), "must be the key 'forwarding' inside 'actions'", "renamed_key", "read as such")
        return node.take(flat), None
    actions = node.child("actions")
    if actions is None:
        raise UnreadableError(node.place, "has no 'actions'")
    found = actions.take("forwarding"), actions.take("logging")
    actions.keep_rest()
    return found


def _matches(node: Node) -> Matches:
    eth = node.child("eth")
    ipv4, ipv6 = node.child("ipv4"), node.child("ipv6")
    tcp, udp, icmp = node.child("tcp"), node.child("udp"), node.child("icmp")
    party = node.child("ietf-mud:mud")
    if ipv4 is not None and ipv6 is not None:
        raise UnreadableError(node.place, "matches both 'ipv4' and 'ipv6', of which it must name one")
    if sum(part is not None for part in (tcp, udp, icmp)) > 1:
        raise UnreadableError(node.place, "matches more than one of 'tcp', 'udp' and 'icmp'")
    found = Matches(
        None if eth is None else Ethernet(**_leaves(eth, _ETHERNET)),
        None if ipv4 is None else Internet(**_leaves(ipv4, _IPV4)),
        None if ipv6 is None else Internet(**_leaves(ipv6, _IPV6)),
        None if tcp is None else Tcp(*_both_ports(tcp), **_leaves(tcp, _TCP)),
        None if udp is None else Udp(*_both_ports(udp), **_leaves(udp, _UDP)),
        None if icmp is None else Icmp(**_leaves(icmp, _ICMP)),
        None if party is None else Party(**_leaves(party, _PARTY)),
    )
    node.keep_rest()
    return found


def _leaves(node: Node, fields: tuple[Field, ...]) -> dict[str, Any]:
    found = read_fields(node, fields)
    node.keep_rest()
    return found


def _both_ports(node: Node) -> tuple[Ports | None, Ports | None]:
    return _ports(node, "source-port"), _ports(node, "destination-port")


def _ports(parent: Node, key: str) -> Ports | None:
    taken = parent.take(key)
    if taken is None:
        return None
    value, place = taken
    if isinstance(value, int | str) and not isinstance(value, bool):
        port = _PORT(parent.reading, value, place)
        parent.reading.fault(place, "is a number, not an object", "converted", f"read as the port {port}")
        return Ports("eq", port)
    node = Node(parent.reading, value, place, (*parent.out, key))
    if "port-range" in node.keys or "port-range-or-operator" in node.keys:
        wrap = next(key for key in ("port-range", "port-range-or-operator") if key in node.keys)
        parent.reading.fault((*place, wrap), "is a choice of the schema, not a key", "renamed_key", "read without it")
        node.unpack(wrap)
    word = node.take("operator")
    found = Ports(**read_fields(node, _PORTS[1:]))
    if word is not None and found.port is None and found.lower is not None:
        parent.reading.fault(word[1], f"is {shown(word[0])}: a range has no operator", "replaced_word", "read as a range")
        word = None
    if word is not None:
        found = replace(found, operator=_OPERATOR(parent.reading, *word))
    node.keep_rest()
    if (found.port is None) == (found.lower is None) or (found.lower is not None and found.operator is not None):
        raise UnreadableError(
            place, "must hold either 'port', with or without 'operator', or 'lower-port' with or without 'upper-port'"
        )
    if found.lower is not None and found.upper is not None and found.upper < found.lower:
        raise UnreadableError(place, f"goes from {found.lower} down to {found.upper}")
    if found.upper is not None and found.lower is None:
        raise UnreadableError(place, "has 'upper-port' without 'lower-port'")
    return found


def _typed(reading: Reading, found: AccessList, place: Place) -> AccessList:
    """The list with a type that covers its entries (RFC 8519: conditions exist only under a type that has them)."""
    if found.type is None:
        return found
    bare = found.type.removeprefix(MODULE)
    needed = {
        word
        for entry in found.entries
        for word, part in (("eth", entry.matches.eth), ("ipv4", entry.matches.ipv4), ("ipv6", entry.matches.ipv6))
        if part is not None
    }
    have = set(bare.removesuffix("-acl-type").removeprefix("mixed-").split("-"))
    if needed <= have:
        return found
    wider = _type_of(needed | have)
    reading.fault(
        place,
        f"is '{bare}', but entries match {' and '.join(sorted(needed - have))}",
        "retyped_list",
        f"read as '{wider}'",
    )
    return replace(found, type=wider)


def _type_of(layers: set[str]) -> str:
    """The narrowest type that has conditions on ``layers``."""
    if len(layers) == 1:
        return f"{next(iter(layers))}-acl-type"
    return f"mixed-{'-'.join(sorted(layers | {'eth'}))}-acl-type"


def list_type(layers: set[str]) -> str:
    """The type of a list whose entries match ``layers`` (of ``eth``, ``ipv4``, ``ipv6``)."""
    return _type_of(layers)


def write_list(found: AccessList) -> dict[str, object]:
    """The list as JSON values."""
    written: dict[str, object] = {"name": found.name}
    if found.type is not None:
        written["type"] = found.type
    written["aces"] = {"ace": [_write_entry(entry) for entry in found.entries]}
    return written


def _write_entry(entry: Entry) -> dict[str, object]:
    actions: dict[str, object] = {"forwarding": entry.forwarding}
    if entry.logging is not None:
        actions["logging"] = entry.logging
    return {"name": entry.name, "matches": _write_matches(entry.matches), "actions": actions}


def _write_matches(matches: Matches) -> dict[str, object]:
    written: dict[str, object] = {}
    for key, part, fields in (
        ("ietf-mud:mud", matches.party, _PARTY),
        ("eth", matches.eth, _ETHERNET),
        ("ipv4", matches.ipv4, _IPV4),
        ("ipv6", matches.ipv6, _IPV6),
        ("tcp", matches.tcp, _TCP),
        ("udp", matches.udp, _UDP),
        ("icmp", matches.icmp, _ICMP),
    ):
        if part is not None:
            written[key] = {**_write_ports(part), **write_fields(part, fields)}
    return written


def _write_ports(part: object) -> dict[str, object]:
    if not isinstance(part, Tcp | Udp):
        return {}
    both = (("source-port", part.source), ("destination-port", part.destination))
    return {key: write_fields(ports, _PORTS) for key, ports in both if ports is not None}
