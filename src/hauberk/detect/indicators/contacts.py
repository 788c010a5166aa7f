"""Contacts of devices with what is known to be bad: one episode for each device and thing, told once, and again when it gets worse.

A knock from outside is told a second late: what answers it within that second makes it more than a knock. Who knocks at a whole
network is told for some of its devices only, and by name of the others not at all: a scan is for ``port_scan`` and its like to say.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from enum import IntEnum

from hauberk.detect.attempts import JUDGED_AFTER

_MOST = 1 << 16


class Depth(IntEnum):
    """How far a contact went."""

    KNOCK = 0
    """The bad side tried, and nothing came back."""
    TOUCH = 1
    """The device answered it, or asked for it by name."""
    REACH = 2
    """The device itself turned to it."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """One moment of a contact. ``entry``: key of what is bad. ``way``: how it was seen, told apart only where one sighting cannot
    lead to another. ``peer``: the other address. ``words``: what was seen, for a sentence. Times are epoch seconds."""

    device: str
    entry: str
    way: str
    depth: Depth
    time: float
    peer: str
    words: str
    first: float = 0.0
    """When the contact began; of what is told only."""
    silenced: bool = False
    """Whether more knocks of the same bad thing, at other devices, will not be told for now."""


@dataclass(slots=True)
class _Contact:
    """An episode."""

    began: Sighting
    last: float
    depth: Depth
    waiting: bool


@dataclass(slots=True)
class _Knocks:
    """How many knocks of one bad thing there were lately."""

    count: int
    last: float


Key = tuple[str, str, str]


class Contacts:
    """Episodes under way, at most 65,536. An episode ends when nothing of it was seen for ``quiet`` seconds. ``most``: devices for
    which knocks of one bad thing are told until it was silent for as long."""

    def __init__(self, quiet: float, most: float) -> None:
        self.quiet = quiet
        self.most = most
        self._contacts: OrderedDict[Key, _Contact] = OrderedDict()
        self._waiting: dict[Key, float] = {}
        self._owed: list[Sighting] = []
        self._knocks: OrderedDict[str, _Knocks] = OrderedDict()

    def see(self, sighting: Sighting) -> list[Sighting]:
        """What is to be told now because of ``sighting``; knocks are told by ``due``."""
        key = (sighting.device, sighting.entry, sighting.way)
        contact = self._contacts.get(key)
        if contact is None or abs(sighting.time - contact.last) > self.quiet:
            if contact is not None and contact.waiting:
                self._owe(key, contact)
            return self._begin(key, sighting)
        self.prolong(key, sighting.time)
        if sighting.depth <= contact.depth:
            return []
        began = contact.began
        if contact.waiting and sighting.time - began.time > JUDGED_AFTER:
            self._owe(key, contact)
        moment = began.time if contact.waiting else sighting.time
        contact.depth, contact.waiting = sighting.depth, False
        self._waiting.pop(key, None)
        return [replace(sighting, time=moment, first=began.time)]

    def prolong(self, key: Key, time: float) -> None:
        """Note that the episode still went on at ``time``."""
        contact = self._contacts.get(key)
        if contact is not None:
            contact.last = max(contact.last, time)
            self._contacts.move_to_end(key)

    def due(self, watermark: float) -> list[Sighting]:
        """Knocks that by ``watermark`` (epoch seconds) have gone unanswered for long enough."""
        for key in [key for key, time in self._waiting.items() if time + JUDGED_AFTER <= watermark]:
            self._owe(key, self._contacts[key])
        owed, self._owed = self._owed, []
        owed.sort(key=lambda knock: (knock.time, knock.device, knock.entry))
        return [replace(knock, silenced=number == self.most) for knock in owed if (number := self._number(knock)) <= self.most]

    def _begin(self, key: Key, sighting: Sighting) -> list[Sighting]:
        knock = sighting.depth is Depth.KNOCK
        self._contacts[key] = _Contact(sighting, sighting.time, sighting.depth, knock)
        self._contacts.move_to_end(key)
        if len(self._contacts) > _MOST:
            oldest, contact = next(iter(self._contacts.items()))
            if contact.waiting:
                self._owe(oldest, contact)
            del self._contacts[oldest]
        if not knock:
            return [replace(sighting, first=sighting.time)]
        self._waiting[key] = sighting.time
        return []

    def _owe(self, key: Key, contact: _Contact) -> None:
        """The knock has waited long enough."""
        contact.waiting = False
        self._waiting.pop(key, None)
        began = contact.began
        self._owed.append(replace(began, time=began.time + JUDGED_AFTER, first=began.time))

    def _number(self, knock: Sighting) -> int:
        """Which of the knocks of its bad thing it is, since that was last silent."""
        knocks = self._knocks.get(knock.entry)
        if knocks is None or abs(knock.time - knocks.last) > self.quiet:
            knocks = self._knocks[knock.entry] = _Knocks(0, knock.time)
            if len(self._knocks) > _MOST:
                self._knocks.popitem(last=False)
        knocks.count += 1
        knocks.last = knock.time
        self._knocks.move_to_end(knock.entry)
        return knocks.count
