"""Where the traffic of one batch touches indicators, in order of time.

Conversations are looked up as columns; of those that hit, only the ones that can begin an episode or make it worse become objects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from hauberk.detect.indicators.contacts import Contacts, Depth, Sighting
from hauberk.detect.indicators.matcher import Entry, IndicatorMatcher
from hauberk.detect.view import Group, View, endpoint
from hauberk.model.flow import STATE_ESTABLISHED
from hauberk.model.hint import HintKey
from hauberk.model.indicator import IndicatorKind
from hauberk.model.observation import Columns
from hauberk.model.service import SERVICES
from hauberk.model.transaction import MALFORMED, Transaction

TRAFFIC, LOOKUP, ANSWER, REQUEST, HELLO, CERTIFICATE = "traffic", "lookup", "answer", "request", "hello", "certificate"
"""Ways in which something bad is seen."""
_ICMP, _TCP, _UDP, _ICMP6 = 1, 6, 17, 58
_TRANSPORTS = {_ICMP: "ICMP", _TCP: "TCP", _UDP: "UDP", _ICMP6: "ICMPv6"}
_ENCRYPTED = frozenset({"tls", "quic"})
_HASHES = {
    HintKey.CERTIFICATE_SHA256: IndicatorKind.CERTIFICATE_SHA256,
    HintKey.CERTIFICATE_SHA1: IndicatorKind.CERTIFICATE_SHA1,
}

Numbers = NDArray[np.intp]


def of_conversations(matcher: IndicatorMatcher, view: View, contacts: Contacts) -> Iterator[Sighting]:
    """What conversations with bad addresses tell; prolongs the episodes of ``contacts`` that go on in between."""
    activity = view.batch.activity
    if not len(activity) or not matcher.has(IndicatorKind.IP, IndicatorKind.CIDR):
        return
    seconds = activity["start"] / 1e9
    # Who sends to a group is heard by all and turns to nobody.
    single = (activity["ip_version"] > 0) & view.single
    for bad, device in (("a", "b"), ("b", "a")):
        hit, owners = matcher.rows(activity[f"{bad}_hi"], activity[f"{bad}_lo"], seconds)
        chosen = np.flatnonzero(hit & single)
        if len(chosen):
            yield from _of_side(matcher, activity[chosen], owners[chosen], bad, device, contacts)


def _of_side(
    matcher: IndicatorMatcher, rows: Columns, owners: NDArray[np.int32], bad: str, device: str, contacts: Contacts
) -> Iterator[Sighting]:
    order = np.lexsort((rows["id"], rows["start"], owners, rows[f"{device}_lo"], rows[f"{device}_hi"]))
    rows, owners = rows[order], owners[order]
    times = rows["start"] / 1e9
    depths = _depths(rows) if bad == "a" else np.full(len(rows), int(Depth.REACH))
    fresh = np.ones(len(rows), np.bool_)
    for column in (owners, rows[f"{device}_lo"], rows[f"{device}_hi"]):
        fresh[1:] &= column[1:] == column[:-1]
    fresh[1:] = ~fresh[1:]
    tells = fresh.copy()
    tells[1:] |= (times[1:] - times[:-1] > contacts.quiet) | (depths[1:] > depths[:-1])
    last = np.append(fresh[1:], np.True_)
    way = f"{TRAFFIC}_{bad}"
    for number in np.flatnonzero(tells | last).tolist():
        row, time = rows[number], float(times[number])
        entry, who = matcher.entry(int(owners[number])).key, endpoint(row, device)
        if not fresh[number]:
            contacts.prolong((who, entry, way), float(times[number - 1]))
        if tells[number]:
            peer = endpoint(row, bad)
            yield Sighting(who, entry, way, Depth(int(depths[number])), time, peer, _words(row))
        else:
            contacts.prolong((who, entry, way), time)


def _depths(rows: Columns) -> Numbers:
    """How far conversations went that the bad side began: whether the device gave it an answer that is more than a refusal."""
    transport = rows["transport"]
    tcp = (transport == _TCP) & ((rows["state"] & STATE_ESTABLISHED > 0) | (rows["payload_in"] > 0))
    other = (transport != _TCP) & (transport != _ICMP) & (transport != _ICMP6) & (rows["packets_in"] > 0)
    return np.where(tcp | other, int(Depth.TOUCH), int(Depth.KNOCK))


def _words(row: np.void) -> str:
    transport, port, service = int(row["transport"]), int(row["b_port"]), SERVICES[int(row["service"])]
    name = _TRANSPORTS.get(transport, f"IP protocol {transport}")
    where = f"{name} port {port}" if transport in {_TCP, _UDP} else name
    return f"{where} ({service})" if service else where


def of_messages(matcher: IndicatorMatcher, view: View) -> Iterator[Sighting]:
    """What messages tell: names asked for and told, requests, hellos and certificates; in order of time."""
    names = matcher.has(IndicatorKind.DOMAIN)
    wanted = set()
    if names or matcher.has(IndicatorKind.IP, IndicatorKind.CIDR):
        wanted.add("dns")
    if names or matcher.has(IndicatorKind.URL):
        wanted.add("http")
    if names or matcher.has(IndicatorKind.JA4, *_HASHES.values()):
        wanted |= _ENCRYPTED
    if not wanted:
        return
    hits: list[tuple[float, int, Sighting]] = []
    for group, members in view.groups.items():
        look = _LOOKS.get(group.protocol) if group.protocol in wanted and group.status != MALFORMED else None
        if look is not None:
            hits += [(said.time, said.frame, sighting) for said in members for sighting in look(matcher, group, said)]
    # Few hits are sorted, not all messages.
    hits.sort(key=lambda hit: hit[:2])
    for _, _, sighting in hits:
        yield sighting


def _of_dns(matcher: IndicatorMatcher, group: Group, said: Transaction) -> Iterable[Sighting]:
    sightings: list[Sighting] = []
    asks = group.role == "request"
    device, server = (group.src, group.dst) if asks else (group.dst, group.src)
    name = said.object or ""
    entry = matcher.domain(name) if name else None
    if entry is not None:
        sightings.append(_sighting(device, entry, LOOKUP, Depth.TOUCH, said, server, f"asked {server} for {name}"))
    if asks or not isinstance(said.value, tuple):
        return sightings
    for answer in said.value:
        if not isinstance(answer, str) or " " in answer:
            continue
        found = matcher.address(answer) or matcher.domain(answer)
        if found is not None and found is not entry and found.at(said.time):
            sightings.append(
                _sighting(device, found, ANSWER, Depth.TOUCH, said, server, f"was told by {server} that {name} is {answer}")
            )
    return sightings


def _of_request(matcher: IndicatorMatcher, group: Group, said: Transaction) -> Iterable[Sighting]:
    target = said.object
    if group.role != "request" or not target or group.operation == "login":
        return ()
    url, host = matcher.url(target), matcher.domain(target.partition("/")[0].partition(":")[0])
    if url is None and host is None:
        return ()
    words = f"requested {target} from {group.dst} ({group.operation})"
    # A host has the way of a look-up: asking for a name and going there are one story.
    found = ((url, REQUEST), (host, LOOKUP))
    return [_sighting(group.src, entry, way, Depth.REACH, said, group.dst, words) for entry, way in found if entry is not None]


def _of_hello(matcher: IndicatorMatcher, group: Group, said: Transaction) -> Iterator[Sighting]:
    protocol = group.protocol.upper()
    if group.operation == "client_hello":
        entry = matcher.domain(said.object) if said.object else None
        if entry is not None:
            yield _sighting(
                group.src, entry, LOOKUP, Depth.REACH, said, group.dst, f"connected to {said.object} at {group.dst} over {protocol}"
            )
        for key, value, _ in said.hints:
            found = matcher.named(IndicatorKind.JA4, value) if key is HintKey.JA4 else None
            if found is not None:
                words = f"connected to {group.dst} over {protocol} with a client whose fingerprint is {value}"
                yield _sighting(group.src, found, HELLO, Depth.REACH, said, group.dst, words)
    elif group.operation == "certificate":
        for key, value, _ in said.hints:
            kind = _HASHES.get(key)
            found = matcher.named(kind, value) if kind is not None else None
            if found is not None:
                words = f"was shown the certificate of {said.object or 'nobody'} by {group.src}"
                yield _sighting(group.dst, found, CERTIFICATE, Depth.REACH, said, group.src, words)


_LOOKS: dict[str, Callable[[IndicatorMatcher, Group, Transaction], Iterable[Sighting]]] = {
    "dns": _of_dns,
    "http": _of_request,
    "tls": _of_hello,
    "quic": _of_hello,
}


def _sighting(device: str, entry: Entry, way: str, depth: Depth, said: Transaction, peer: str, words: str) -> Sighting:
    return Sighting(device, entry.key, way, depth, said.time, peer, words)
