"""Persistence evidence: a device that comes back to a peer it never talked to before, the more so the more regularly.

Only conversations that the device begins with peers beyond the local networks count. A device that was learned is judged against
what it had to do with such peers then; regular contacts on a service that had them already, as with a cloud whose addresses
change, are no evidence. Without any learning only what hardly any device does is told: many short, alike conversations with one
peer at a pace of less than half a minute.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from hauberk.detect.behaviour.novelty import peer_group
from hauberk.detect.features.frame import Span
from hauberk.detect.features.subjects import address_text
from hauberk.detect.features.windows import WINDOW
from hauberk.detect.fleet import Fleet
from hauberk.detect.names import Names
from hauberk.detect.view import is_group_address

_MOST = 1 << 14
_MOST_TIMES = 32
_MOST_LEARNED = 1 << 18
_MOST_RHYTHMS = 32
_POOL = 2
"""Peers of one service while it was learned, as with pools of time servers, from which another is no surprise; not of the web."""
_FEW = 3
"""Addresses among which one service is balanced."""
_WEB = frozenset({80, 443, 8080, 8443})
_ALIKE = 0.15
"""Two intervals are alike within 15 %, or a quarter of a window."""
_SLACK = WINDOW / 4
_REGULAR = 0.8
_SEVERAL = 1.5
_BLIND_WINDOWS, _BLIND_CONVERSATIONS, _BLIND_INTERVAL, _BLIND_SHARE, _BLIND_SPREAD, _BLIND_ALIKE = 28, 60, 30.0, 0.85, 0.3, 0.6


class Key(NamedTuple):
    """Whose contacts with whom: device, peers taken together, service."""

    device: str
    group: str
    port: int
    transport: int


class _Met(NamedTuple):
    """Conversations of one window: a peer's address, the first (epoch seconds), how many, their bytes, and whether they teach."""

    address: str
    time: float
    conversations: int
    size: float
    taught: bool


@dataclass(slots=True)
class Contacts:
    """Contacts of one device with one peer, or with some taken together: the first of each window (epoch seconds), how many
    conversations, and bytes a conversation."""

    address: str
    times: list[float] = field(default_factory=list)
    count: int = 0
    conversations: int = 0
    first: float = 0.0
    sizes: list[float] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    told: bool = False
    addresses: list[str] = field(default_factory=list)

    def add(self, address: str, time: float, conversations: int, size: float) -> None:
        """Note conversations with ``address`` in one window."""
        if address not in self.addresses and len(self.addresses) <= _FEW:
            self.addresses.append(address)
        self.conversations += conversations
        if self.times and self.times[-1] // WINDOW == time // WINDOW:
            self.counts[-1] += conversations
            return
        if not self.count:
            self.first = time
        self.times.append(time)
        self.sizes.append(size)
        self.counts.append(conversations)
        del self.times[:-_MOST_TIMES], self.sizes[:-_MOST_TIMES], self.counts[:-_MOST_TIMES]
        self.count += 1

    def rhythm(self) -> tuple[float, float]:
        """Median interval in seconds, and the share of intervals like it."""
        gaps = sorted(gap for before, after in pairwise(self.times) if (gap := after - before) > 0)
        if not gaps:
            return 0.0, 0.0
        half = len(gaps) // 2
        middle = gaps[half] if len(gaps) % 2 else (gaps[half - 1] + gaps[half]) / 2
        each = sum(self.counts[:-1]) / max(len(self.counts) - 1, 1)
        if each >= _SEVERAL and middle < _SEVERAL * WINDOW:
            # Faster than windows pass: as many in each are as good as equal intervals.
            alike = sum(abs(count - each) <= max(1.0, _ALIKE * each) for count in self.counts[:-1])
            return sum(gaps) / sum(self.counts[:-1]), alike / (len(self.counts) - 1)
        slack = max(_ALIKE * middle, _SLACK)
        return middle, sum(abs(gap - middle) <= slack for gap in gaps) / len(gaps)


class BeaconAlarm(NamedTuple):
    """A peer that a device keeps coming back to, as it stood at ``time`` (epoch seconds): an address of it, when it began, how many
    windows and conversations, the median interval (s) and the share of intervals like it, the evidence, whether the device had been
    learned, and the latest contacts as (epoch seconds, bytes a conversation)."""

    key: Key
    address: str
    first: float
    time: float
    windows: int
    conversations: int
    interval: float
    share: float
    score: float
    learned: bool
    series: tuple[tuple[float, float], ...]


class Beacons:
    """Contacts with peers beyond the local networks."""

    def __init__(self, evidence: float) -> None:
        """``evidence``: in log10 units, from which a peer is told."""
        self._evidence = evidence
        self._contacts: OrderedDict[Key, Contacts] = OrderedDict()
        self._groups: set[tuple[str, str]] = set()
        self._rhythms: dict[tuple[str, int, int], set[tuple[str, int]]] = {}
        self._services: dict[tuple[str, int, int], set[str]] = {}
        self._devices: set[str] = set()

    def begin_stream(self) -> None:
        """Another stream begins: peers that were learned stay known, contacts under way are forgotten."""
        self._contacts.clear()

    def learn_from(self, other: Beacons) -> None:
        """Take over what ``other`` learned."""
        self._groups |= other._groups
        self._rhythms.update(other._rhythms)
        self._services.update(other._services)
        self._devices |= other._devices

    def observe(self, span: Span, names: Names, fleet: Fleet, *, learned: bool) -> list[BeaconAlarm]:
        """Work through the contacts of a span. ``learned``: there is a baseline."""
        contacts = span.contacts
        chosen = contacts["outward"] & contacts["begun"] & (contacts["ip_version"] > 0)
        chosen &= ~is_group_address(contacts["peer_hi"], contacts["peer_lo"])
        alarms: list[BeaconAlarm] = []
        if span.taught.any():
            self._devices.update(span.ids[device] for device in np.unique(span.device[span.taught]).tolist())
        scopes: dict[str, bool] = {}
        places = np.flatnonzero(chosen)[:_MOST]
        for hi, lo, row, port, transport, conversations, size, start in zip(
            *(contacts[name][places].tolist() for name in ("peer_hi", "peer_lo", "row", "port", "transport", "conversations")),
            (contacts["bytes_out"][places] + contacts["bytes_in"][places]).tolist(),
            contacts["start"][places].tolist(),
            strict=True,
        ):
            address = address_text(hi, lo, has_ip=True)
            local = scopes.get(address)
            if local is None:
                local = scopes[address] = fleet.is_local(address)
            if local:
                continue
            end = float((span.window[row] + 1) * WINDOW)
            alarm = self._contact(
                Key(span.ids[span.device[row]], peer_group(address, names, end), port, transport),
                _Met(address, start * 1e-9, max(1, conversations), float(size), bool(span.taught[row])),
                learned=learned,
            )
            if alarm is not None:
                alarms.append(alarm._replace(time=end))
        return alarms

    def _contact(self, key: Key, met: _Met, *, learned: bool) -> BeaconAlarm | None:
        contacts = self._contacts.get(key)
        if contacts is None:
            contacts = self._contacts[key] = Contacts(met.address)
            if len(self._contacts) > _MOST:
                self._contacts.popitem(last=False)
        else:
            self._contacts.move_to_end(key)
        contacts.add(met.address, met.time, met.conversations, met.size / met.conversations)
        if met.taught:
            self._learn(key, contacts)
            return None
        if contacts.told:
            return None
        known = key.device in self._devices
        score, interval, share = self._known(key, contacts) if learned and known else _blind(contacts)
        if score < self._evidence:
            return None
        contacts.told = True
        return BeaconAlarm(
            key,
            contacts.address,
            contacts.first,
            0.0,
            contacts.count,
            contacts.conversations,
            interval,
            share,
            score,
            learned and known,
            tuple(zip(contacts.times, contacts.sizes, strict=True)),
        )

    def _learn(self, key: Key, contacts: Contacts) -> None:
        if len(self._groups) < _MOST_LEARNED:
            self._groups.add((key.device, key.group))
            peers = self._services.setdefault((key.device, key.port, key.transport), set())
            if len(peers) < _MOST_RHYTHMS:
                peers.add(key.group)
        if contacts.count >= 4:
            interval, share = contacts.rhythm()
            if share >= 0.5 and len(self._rhythms) < _MOST_LEARNED:
                rhythms = self._rhythms.setdefault((key.device, key.port, key.transport), set())
                if len(rhythms) < _MOST_RHYTHMS:
                    rhythms.add((key.group, _pace(interval)))

    def _known(self, key: Key, contacts: Contacts) -> tuple[float, float, float]:
        """Evidence of contacts with a peer that the device did not have while it was learned."""
        peers = self._services.get((key.device, key.port, key.transport), ())
        usual = key.port in _WEB or bool(peers)
        pool = len(peers) >= _POOL and key.port not in _WEB
        named = "/" not in key.group
        if contacts.count < 4 or pool or ((usual or named) and (key.device, key.group) in self._groups):
            return 0.0, 0.0, 0.0
        interval, share = contacts.rhythm()
        score = 0.0 if usual else float(contacts.count - 2)
        if share >= _REGULAR and not self._has_moved(key, contacts.first, interval):
            score += 0.75 * contacts.count
        return score, interval, share

    def _has_moved(self, key: Key, since: float, interval: float) -> bool:
        """True if a peer that was met at this pace on this service has fallen silent: it goes on under another address."""
        for group, pace in self._rhythms.get((key.device, key.port, key.transport), ()):
            if abs(pace - _pace(interval)) <= 1:
                other = self._contacts.get(key._replace(group=group))
                if other is None or other.times[-1] < since + 2 * interval:
                    return True
        return False


def _pace(interval: float) -> int:
    """Intervals by half octaves: a cloud that moves keeps its pace."""
    return round(2 * math.log2(max(interval, 1.0)))


def _blind(contacts: Contacts) -> tuple[float, float, float]:
    """Evidence without any learning: of few addresses, as many servers of one network are no beacon."""
    if len(contacts.addresses) > _FEW or contacts.count < _BLIND_WINDOWS or contacts.conversations < _BLIND_CONVERSATIONS:
        return 0.0, 0.0, 0.0
    interval, share = contacts.rhythm()
    middle = sorted(contacts.sizes)[len(contacts.sizes) // 2]
    alike = sum(abs(size - middle) <= _BLIND_SPREAD * middle for size in contacts.sizes) / len(contacts.sizes)
    pace = (contacts.times[-1] - contacts.first) / max(contacts.conversations - 1, 1)
    if share < _BLIND_SHARE or pace > _BLIND_INTERVAL or interval > _BLIND_INTERVAL or alike < _BLIND_ALIKE:
        return 0.0, 0.0, 0.0
    return 7.0, pace, share
