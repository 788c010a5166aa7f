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
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hauberk.detect.attempts import TCP, mix
from hauberk.detect.rows import Flags
from hauberk.model.address import ip_text, mac_text
from hauberk.model.flow import STATE_FIRST
from hauberk.model.observation import Columns, Observations

_MOST_SUBJECTS = 1 << 14
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
        self.first, self.last = min(self.first, other.first), max(self.last, other.last)
        self.low, self.high = min(self.low, other.low), max(self.high, other.high)
        self.conversations += other.conversations
        self.seconds += other.seconds
        self.certain |= other.certain
        self.answered |= other.answered
        self.spoke |= other.spoke


Talks = dict[Peer, Talk]


@dataclass(slots=True)
class Profiles:
    """Talks by subject; ``dropped`` counts what found no room."""

    subjects: dict[Subject, Talks] = field(default_factory=dict)
    dropped: int = 0

    def observe(self, batch: Observations, is_local: Callable[[str], bool]) -> None:
        """Take in a batch. Private addresses are subjects, others where ``is_local`` says so."""
        for talk, peers in pairs(batch.activity):
            for subject, peer in peers:
                if is_private(subject.ip) or is_local(subject.ip):
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

    def _add(self, subject: Subject, peer: Peer, talk: Talk) -> None:
        talks = self.subjects.get(subject)
        if talks is None:
            if len(self.subjects) >= _MOST_SUBJECTS:
                self.dropped += 1
                return
            talks = self.subjects[subject] = {}
        known = talks.get(peer)
        if known is None:
            if len(talks) >= _MOST_TALKS and not _make_room(talks):
                self.dropped += 1
                return
            known = talks[peer] = Talk(talk.first, talk.last, talk.low, talk.high)
        known.add(talk)


def _make_room(talks: Talks) -> bool:
    """Forget attempts that were never answered, as of a scan."""
    for peer in [peer for peer, talk in talks.items() if not talk.answered and not is_group(peer.remote)]:
        del talks[peer]
    return len(talks) < _MOST_TALKS


def belongs(subject: Subject, macs: Collection[str], ips: Collection[str]) -> bool:
    """Whether a subject is the device with these addresses: by its network address, or before it has one by its card."""
    if subject.mac and macs and subject.mac not in macs:
        return False
    return subject.ip in ips or (subject.mac in macs and is_passing(subject.ip))


def pairs(activity: Columns) -> Iterator[tuple[Talk, list[tuple[Subject, Peer]]]]:
    """Each distinct pair of ``activity``: what was seen, and whose talk with whom it is.

    The responder's side counts where it answered; a conversation is the initiator's whether or not it was.
    """
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
    for seen, end in zip(zip(*(column.tolist() for column in columns), strict=True), ends, strict=True):
        a_hi, a_lo, b_hi, b_lo, a_mac, b_mac, port, transport, version = end
        talk = Talk(*seen)
        a, b = ip_text(a_hi, a_lo), ip_text(b_hi, b_lo)
        peers = [(Subject(mac_text(a_mac) if a_mac else "", a), Peer(True, version, transport, b, port))]
        if talk.answered and not is_group(b):
            peers.append((Subject(mac_text(b_mac) if b_mac else "", b), Peer(False, version, transport, a, port)))
        yield talk, peers


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
