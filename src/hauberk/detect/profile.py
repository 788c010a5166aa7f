"""What each device talks to: with whom, over what, who began, and whether it was answered.

Learned from activity rows: one pass over the columns for each batch, then Python for each distinct pair of the batch only. Talks
are kept by address; what name stands behind one is asked when a profile is used, so that the order of traffic and answers does
not matter. Link-layer traffic without IP is not part of a profile.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import ip_address
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hauberk.detect.attempts import TCP, mix
from hauberk.detect.rows import Flags
from hauberk.model.address import ip_text, mac_text
from hauberk.model.flow import STATE_FIRST
from hauberk.model.observation import Columns, Observations

_MOST_SUBJECTS = 1 << 14
_MOST_MET = 1 << 17
"""Pairs whose place is remembered, so that those met before cost little."""
_MOST_TALKS = 4096
"""Talks of one subject that are held; attempts that were never answered give way first."""


class Subject(NamedTuple):
    """An address of a device, with the hardware address it was seen behind (empty where none was seen)."""

    mac: str
    ip: str


class Peer(NamedTuple):
    """Whom a subject talks with. ``initiated``: the subject began. ``remote``: an address, also of a group. ``port``: the
    responder's; of ICMP the type, 0 for echo."""

    initiated: bool
    version: int
    transport: int
    remote: str
    port: int


@dataclass(slots=True)
class Talk:
    """What was seen of a peer. Times are epoch seconds. ``low`` and ``high``: the initiator's ports."""

    first: float
    last: float
    low: int
    high: int
    conversations: int = 0
    seconds: int = 0
    """Seconds of traffic with packets."""
    certain: bool = False
    """A connection request was seen, so who began is certain."""
    answered: bool = False
    """The responder accepted: a packet came back, for TCP more than a refusal."""
    spoke: bool = False
    """The responder sent payload."""

    def add(self, other: Talk) -> None:
        """Take in what was seen of the same peer."""
        # Comparisons, as this is done for every pair of every batch and calls cost more.
        if other.first < self.first:  # noqa: PLR1730 - see above
            self.first = other.first
        if other.last > self.last:  # noqa: PLR1730 - see above
            self.last = other.last
        if other.low < self.low:  # noqa: PLR1730 - see above
            self.low = other.low
        if other.high > self.high:  # noqa: PLR1730 - see above
            self.high = other.high
        self.conversations += other.conversations
        self.seconds += other.seconds
        self.certain |= other.certain
        self.answered |= other.answered
        self.spoke |= other.spoke


Talks = dict[Peer, Talk]
Side = tuple[Subject, Peer]
_Ends = tuple[int, int, int, int, int, int, int, int, int]


class _Met(NamedTuple):
    """Where a pair that was met before stands: its talks, and the sides that are subjects only while they are local."""

    talks: tuple[Talk, ...]
    asked: tuple[Side, ...]


@dataclass(slots=True)
class Profiles:
    """Talks by subject; ``dropped`` counts what found no room."""

    subjects: dict[Subject, Talks] = field(default_factory=dict)
    dropped: int = 0
    _met: dict[int, _Met] = field(default_factory=dict, compare=False, repr=False)
    _full: set[Subject] = field(default_factory=set, compare=False, repr=False)
    """Subjects whose talks were all answered, as those of a busy server: room is sought once, for it will not come."""

    def saved(self) -> dict[str, object]:
        """What a snapshot holds: not what can be found out again."""
        return {"subjects": self.subjects, "dropped": self.dropped}

    def observe(self, batch: Observations, is_local: Callable[[str], bool]) -> None:
        """Take in a batch. Private addresses are subjects, others where ``is_local`` says so."""
        for key, seen, ends in _pairs(batch.activity):
            talk = Talk(*seen)
            met = self._met.get(key)
            if met is None:
                met = self._meet(key, talk, _sides(ends, answered=talk.answered))
            else:
                for known in met.talks:
                    known.add(talk)
            for subject, peer in met.asked:
                if is_local(subject.ip):
                    self._add(subject, peer, talk)

    def add(self, other: Profiles) -> None:
        """Take in what another one knows."""
        for subject, talks in other.subjects.items():
            for peer, talk in talks.items():
                self._add(subject, peer, talk)
        self.dropped += other.dropped

    def of(self, macs: Collection[str], ips: Collection[str]) -> Talks:
        """What the device with these addresses talked with."""
        found: Talks = {}
        for subject, talks in self.subjects.items():
            if belongs(subject, macs, ips):
                for peer, talk in talks.items():
                    known = found.setdefault(peer, Talk(talk.first, talk.last, talk.low, talk.high))
                    known.add(talk)
        return found

    def _meet(self, key: int, talk: Talk, sides: list[Side]) -> _Met:
        """Take in a pair, and remember where it stands."""
        talks = [self._add(subject, peer, talk) for subject, peer in sides if is_private(subject.ip)]
        found = [known for known in talks if known is not None]
        met = _Met(tuple(found), tuple(side for side in sides if not is_private(side[0].ip)))
        if talk.answered and len(found) == len(talks):  # attempts, as of a scan, seldom come again
            if len(self._met) >= _MOST_MET:
                self._met.clear()
            self._met[key] = met
        return met

    def _add(self, subject: Subject, peer: Peer, talk: Talk) -> Talk | None:
        """The talk that ``talk`` was added to; None where there is no room."""
        talks = self.subjects.get(subject)
        if talks is None:
            if len(self.subjects) >= _MOST_SUBJECTS:
                self.dropped += 1
                return None
            talks = self.subjects[subject] = {}
        known = talks.get(peer)
        if known is None:
            if len(talks) >= _MOST_TALKS and not self._make_room(subject, talks):
                self.dropped += 1
                return None
            known = talks[peer] = Talk(talk.first, talk.last, talk.low, talk.high)
        known.add(talk)
        return known

    def _make_room(self, subject: Subject, talks: Talks) -> bool:
        """Forget attempts that were never answered, as of a scan."""
        if subject in self._full:
            return False
        for peer in [peer for peer, talk in talks.items() if not talk.answered and not is_group(peer.remote)]:
            del talks[peer]
        self._met.clear()
        if len(talks) < _MOST_TALKS:
            return True
        self._full.add(subject)
        return False


def belongs(subject: Subject, macs: Collection[str], ips: Collection[str]) -> bool:
    """Whether a subject is the device with these addresses: by its network address, or before it has one by its card."""
    if subject.mac and macs and subject.mac not in macs:
        return False
    return subject.ip in ips or (subject.mac in macs and is_passing(subject.ip))


def _pairs(activity: Columns) -> Iterator[tuple[int, tuple[Any, ...], _Ends]]:
    """Each distinct pair of ``activity``: its hash, what was seen in the order of ``Talk``, and who they are."""
    rows = activity[activity["ip_version"] > 0]
    if not len(rows):
        return
    tcp = rows["transport"] == TCP
    spoke = rows["payload_in"] > 0
    answered = np.where(tcp, spoke | (rows["syn_in"] > 0), rows["packets_in"] > 0)
    # Rows with and without an answer apart: the responder's side takes only the former, in whichever batch they come.
    names = ("a_hi", "a_lo", "b_hi", "b_lo", "a_mac", "b_mac", "b_port", "transport")
    key = mix(*(rows[name] for name in names), answered)
    order = np.argsort(key, kind="stable")
    rows, tcp, spoke, answered = rows[order], tcp[order], spoke[order], answered[order]
    edges = np.flatnonzero(np.concatenate(([True], key[order][1:] != key[order][:-1])))
    columns = (
        np.minimum.reduceat(rows["start"], edges) * 1e-9,
        np.maximum.reduceat(rows["end"], edges) * 1e-9,
        np.minimum.reduceat(rows["a_port"], edges),
        np.maximum.reduceat(rows["a_port"], edges),
        np.add.reduceat((rows["state"] & STATE_FIRST != 0).astype(np.int64), edges),
        np.diff(edges, append=len(rows)),
        _any(tcp & (rows["syn_out"] > 0), edges),
        _any(answered, edges),
        _any(spoke, edges),
    )
    heads = rows[edges]
    ends = zip(*(heads[name].tolist() for name in (*names, "ip_version")), strict=True)
    yield from zip(key[order][edges].tolist(), zip(*(column.tolist() for column in columns), strict=True), ends, strict=True)


def _sides(ends: _Ends, *, answered: bool) -> list[Side]:
    """Whose talk with whom a pair is: the responder's where it answered, the initiator's whether or not it did."""
    a_hi, a_lo, b_hi, b_lo, a_mac, b_mac, port, transport, version = ends
    a, b = ip_text(a_hi, a_lo), ip_text(b_hi, b_lo)
    sides = [(Subject(mac_text(a_mac) if a_mac else "", a), Peer(True, version, transport, b, port))]
    if answered and not is_group(b):
        sides.append((Subject(mac_text(b_mac) if b_mac else "", b), Peer(False, version, transport, a, port)))
    return sides


def _any(flags: Flags, edges: NDArray[np.intp]) -> Flags:
    found: Flags = np.logical_or.reduceat(flags, edges)
    return found


@lru_cache(maxsize=1 << 16)
def is_private(address: str) -> bool:
    """Whether an address cannot be one of the public Internet, nor of a group."""
    parsed = ip_address(address)
    return (parsed.is_private or parsed.is_link_local) and not is_group(address)


@lru_cache(maxsize=1 << 16)
def is_group(address: str) -> bool:
    """Whether an address is multicast or limited broadcast."""
    return address == "255.255.255.255" or ip_address(address).is_multicast


def is_passing(address: str) -> bool:
    """Whether an address says nothing of who holds it: unspecified, or of the link only."""
    parsed = ip_address(address)
    return parsed.is_unspecified or parsed.is_link_local
