"""The novelty model: peers, services and operations that a device did not have before, against how often it meets new ones.

Peers beyond the local networks are taken together by registrable domain, where the traffic says their names, and by network (/24,
/48) elsewhere; services with dynamic ports are taken together.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hauberk.detect.attempts import mix
from hauberk.detect.behaviour import novelty_kernel as kernel
from hauberk.detect.behaviour.budget import Calibration, calibrate, history
from hauberk.detect.behaviour.roster import Roster, grown, without_room
from hauberk.detect.behaviour.things import Hashes, Met, seed
from hauberk.detect.behaviour.volume import SECONDS
from hauberk.detect.behaviour.volume_kernel import PEAKS, SCALES
from hauberk.detect.features.frame import Span
from hauberk.detect.features.subjects import address_text
from hauberk.detect.features.windows import WINDOW
from hauberk.detect.fleet import Fleet
from hauberk.detect.names import Names, registered
from hauberk.detect.view import is_group_address
from hauberk.model.observation import Columns

CLASS_PHRASES = (
    "peers beyond the local network it never talked to",
    "services it never asked for",
    "peers beyond the local network on services it never asked for",
    "local peers it never talked to",
    "services it never offered",
    "strangers that tried to reach it",
    "operations it never asked for",
)
NEW_NETWORK, NEW_SERVICE, NEW_BOTH, NEW_LOCAL, NEW_OFFER, NEW_TRY, NEW_VERB = range(kernel.CLASSES)
_MOST_ALARMS = 8
_EVERYTHING = np.iinfo(np.int64).max // 2
_MOST_THINGS = 1 << 21
_MOST_A_WINDOW = 64
"""New things of a device looked at in one window; more make no difference to the evidence."""
_DYNAMIC = 32768
_RECENT = 48
_NEW_DEVICE = 13.5
_EXACT, _GROUP, _SERVICE, _OFFER, _VERB = range(1, 6)


class NoveltyAlarm(NamedTuple):
    """A sum of evidence over its threshold: the device's row, the scale, the window's number, the heaviest class, the sum and its
    threshold, and the latest new things as (epoch seconds, class, thing)."""

    row: int
    scale: int
    window: int
    kind: int
    height: float
    threshold: float
    things: tuple[tuple[float, int, str], ...]

    @property
    def end(self) -> float:
        """When the window ended, epoch seconds."""
        return float((self.window + 1) * SECONDS[self.scale])


class Novelty:
    """What every device has met, and how often it meets something new."""

    def __init__(self, quiet: float, budget: float) -> None:
        """``quiet`` in seconds; ``budget``: false alarms a device-day."""
        self.budget = budget
        self._quiet = quiet / WINDOW
        self.roster = Roster()
        self._met = Met(_MOST_THINGS)
        self._things: dict[int, deque[tuple[float, int, str]]] = {}
        self._seeds: Hashes = np.zeros(0, np.uint64)
        self._events = np.zeros((0, kernel.CLASSES))
        self._heard = np.zeros(0)
        self._total = np.zeros((0, SCALES))
        self._last = np.zeros((0, SCALES), np.int64)
        self._peaks: NDArray[np.float32] = np.zeros((0, SCALES, PEAKS), np.float32)
        self._active = np.zeros((0, SCALES), np.int64)
        self._width = np.ones((0, SCALES), np.int64)
        self._last_slot = np.zeros((0, SCALES), np.int64)
        self._threshold = np.zeros((0, SCALES))
        self._quiet_until = np.zeros(0)
        self._sums = np.zeros((0, SCALES - 1, kernel.CLASSES))
        self._sum_window = np.zeros((0, SCALES - 1), np.int64)
        self._sum_taught = np.zeros((0, SCALES - 1), np.bool_)
        self._fleet_events = np.zeros(kernel.CLASSES)
        self._fleet_heard = np.zeros(1)
        self._calibrated = False

    def saved(self) -> dict[str, object]:
        """What a snapshot holds: rows of devices, not the room beyond them."""
        return without_room(vars(self), len(self.roster), ("_fleet_events", "_fleet_heard"))

    def begin_stream(self) -> None:
        """Another stream begins: what was learned stays, what is of the moment goes."""
        self._total[:] = 0
        self._last[:] = -1
        self._sum_window[:] = -1
        self._sums[:] = 0
        self._quiet_until[:] = -math.inf
        self._things.clear()

    def observe(self, span: Span, names: Names, fleet: Fleet) -> Iterator[NoveltyAlarm]:
        """Judge and learn the windows of a span. What is told while the iterator stands still is as it was at that moment."""
        known = len(self.roster)
        rows = self.roster.enter(span.ids)
        if len(self.roster) > known:
            self._grow(len(self.roster))
            for device, row in zip(span.ids, rows.tolist(), strict=True):
                if row >= known:
                    self._seeds[row] = seed(device)
        notes: list[tuple[float, int, int, str]] = []
        news = self._news(span, rows, names, fleet, notes)
        notes.sort(reverse=True)
        owner = rows[span.device]
        split = int(np.flatnonzero(span.taught)[-1]) + 1 if span.taught.any() else 0
        for part in (slice(0, split), slice(split, len(owner))):
            if part.start == part.stop:
                continue
            self._calibrated &= part.stop > split
            if part.start == split and not self._calibrated:
                self.calibrate()
            given = (owner[part], span.window[part], news[part], span.taught[part])
            at = 0
            while at < len(owner[part]):
                alarms = _room()
                at = kernel.run(at, *given, *self._shared(alarms))
                if alarms[2][0]:
                    self._keep(notes, float((given[1][at - 1] + 1) * WINDOW))
                yield from self._told(alarms)
        self._keep(notes, math.inf)

    def flush(self, until: float, *, learning: bool) -> Iterator[NoveltyAlarm]:
        """Judge the longer windows that end at or before ``until`` (epoch seconds)."""
        if not self._calibrated and not learning:
            self.calibrate()
        window = int(until // WINDOW) if math.isfinite(until) else (_EVERYTHING if until > 0 else 0)
        at = 0
        while at < len(self.roster):
            alarms = _room()
            at = kernel.flush(at, len(self.roster), window, *self._shared(alarms))
            yield from self._told(alarms)

    def _keep(self, notes: list[tuple[float, int, int, str]], before: float) -> None:
        """Remember the new things of times ``before``; ``notes`` has the latest first."""
        while notes and notes[-1][0] < before:
            time, row, kind, thing = notes.pop()
            self._things.setdefault(row, deque(maxlen=_RECENT)).append((time, kind, thing))

    def _shared(self, alarms: object) -> tuple[object, ...]:
        state = (
            *(self._events, self._heard, self._total, self._last, self._peaks, self._active, self._width, self._last_slot),
            *(self._threshold, self._quiet_until),
        )
        sums = (self._sums, self._sum_window, self._sum_taught)
        return (state, (self._fleet_events, self._fleet_heard), alarms, self._quiet, *sums)

    def _told(self, alarms: tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]) -> Iterator[NoveltyAlarm]:
        for place in range(int(alarms[2][0])):
            row, scale, window, kind = alarms[0][place].tolist()
            height, threshold, _ = alarms[1][place].tolist()
            end = (window + 1) * SECONDS[scale]
            things = tuple(thing for thing in self._things.get(row, ()) if end - 2 * SECONDS[-1] <= thing[0] < end)
            yield NoveltyAlarm(row, scale, window, kind, height, threshold, things)

    def _news(
        self, span: Span, rows: NDArray[np.int64], names: Names, fleet: Fleet, notes: list[tuple[float, int, int, str]]
    ) -> NDArray[np.float64]:
        """New things by row of the span and class; what they are is added to ``notes``."""
        news = np.zeros((len(span.window), kernel.CLASSES))
        contacts = span.contacts
        device = rows[span.device]
        owner = device[contacts["row"]]
        hashes = mix(self._seeds[owner], np.full(len(owner), _EXACT), *(contacts[name] for name in _EXACTLY))
        fresh = np.flatnonzero(~self._met.has(hashes) & (owner >= 0))
        if len(fresh):
            _, first = np.unique(hashes[fresh], return_index=True)
            fresh = _few(fresh[np.sort(first)], contacts["row"])
            self._met.add(hashes[fresh])
            groups = is_group_address(contacts["peer_hi"][fresh], contacts["peer_lo"][fresh])
            for place, to_group in zip(fresh.tolist(), groups.tolist(), strict=True):
                contact = contacts[place]
                row = int(contact["row"])
                end = float((span.window[row] + 1) * WINDOW)
                found = self._classified(contact, int(self._seeds[owner[place]]), names, fleet, end, to_group=to_group)
                if found is not None:
                    notes.append((float(contact["start"]) * 1e-9, int(owner[place]), *found))
                    news[row, found[0]] += 1
        for verb in sorted(span.verbs, key=lambda verb: (verb.time, verb)):
            row = int(device[verb.row])
            if row >= 0 and self._is_new(int(self._seeds[row]), _VERB, f"{verb.protocol} {verb.operation}"):
                notes.append((verb.time, row, NEW_VERB, f"{verb.protocol} {verb.operation}"))
                news[verb.row, NEW_VERB] += 1
        return news

    def _classified(
        self, contact: np.void, owner: int, names: Names, fleet: Fleet, end: float, *, to_group: bool
    ) -> tuple[int, str] | None:
        """The class of a contact that was not met before, and how to call it; None where nothing about it is new."""
        address = address_text(int(contact["peer_hi"]), int(contact["peer_lo"]), has_ip=bool(contact["ip_version"]))
        service = _service(contact)
        if to_group:
            return (NEW_SERVICE, f"{service} to {address}") if self._is_new(owner, _SERVICE, service) else None
        local = not contact["ip_version"] or fleet.is_local(address)
        group = address if local else peer_group(address, names, end)
        shown = address if group == address else f"{address} ({group})"
        new_peer = self._is_new(owner, _GROUP, group)
        if contact["outward"]:
            new_service = self._is_new(owner, _SERVICE, service)
            if new_peer:
                return (NEW_LOCAL if local else NEW_BOTH if new_service else NEW_NETWORK), f"{shown} on {service}"
            return (NEW_SERVICE, f"{service} at {shown}") if new_service else None
        if contact["answered"] and self._is_new(owner, _OFFER, service):
            return NEW_OFFER, f"{service} to {shown}"
        return (NEW_TRY, f"{shown} on {service}") if new_peer else None

    def _is_new(self, owner: int, sort: int, thing: str) -> bool:
        key = mix(np.array([owner], np.uint64), np.array([sort]), np.array([seed(thing)], np.uint64))
        return self._met.meet(int(key[0]))

    def _grow(self, count: int) -> None:
        names = ("_seeds", "_events", "_heard", "_total", "_peaks", "_active", "_sums", "_sum_taught")
        for name in names:
            setattr(self, name, grown(getattr(self, name), count))
        for name, fill in (("_last", -1), ("_last_slot", -1), ("_sum_window", -1), ("_width", 1)):
            setattr(self, name, grown(getattr(self, name), count, fill))
        self._quiet_until = grown(self._quiet_until, count, -math.inf)
        self._threshold = grown(self._threshold, count, _NEW_DEVICE)

    def calibrate(self) -> None:
        """Set every threshold from what was learned of the device; one that was not there then has that of new devices."""
        for row in range(len(self.roster)):
            for scale in range(SCALES):
                heard = self._active[row, scale] > 0
                self._threshold[row, scale] = self.calibration(row, scale).threshold if heard else _NEW_DEVICE
        self._calibrated = True

    def calibration(self, row: int, scale: int = 0) -> Calibration:
        """What the history of a device supports."""
        peaks, days = history(self._peaks[row, scale], int(self._active[row, scale]), int(self._width[row, scale]))
        return calibrate(peaks, days, self.budget / SCALES)

    def describe(self) -> dict[str, object]:
        """What was met, and what number of false alarms the history can support."""
        parts = [self.calibration(row) for row in range(len(self.roster))]
        days = sum(part.days for part in parts)
        return {
            "devices": len(parts),
            "things_met": len(self._met),
            "budget_a_device_day": self.budget,
            "active_device_days": round(days, 2),
            "supported_false_alarms_a_device_day": round(3 / days, 3) if days else None,
        }

    def rate(self, row: int, kind: int) -> tuple[float, int]:
        """New things of a class that the device met, and the windows in which it was heard."""
        return float(self._events[row, kind]), int(self._heard[row])


_EXACTLY = ("peer_hi", "peer_lo", "port", "transport", "outward", "answered")


def _room() -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
    """Where the kernel puts alarms."""
    return np.zeros((_MOST_ALARMS, 4), np.int64), np.zeros((_MOST_ALARMS, 3)), np.zeros(1, np.int64)


def peer_group(address: str, names: Names, before: float) -> str:
    """What peers beyond the local networks are taken together by: registrable domain, or network."""
    name = names.name(address, before)
    if name is not None:
        return registered(name)
    if ":" in address:
        return ":".join(address.split(":")[:3]) + "::/48"
    return address.rsplit(".", 1)[0] + ".0/24"


def _service(contact: np.void) -> str:
    transport = int(contact["transport"])
    port = int(contact["port"])
    name = {6: "tcp", 17: "udp", 1: "icmp", 58: "icmpv6"}.get(transport, str(transport))
    if not contact["ip_version"]:
        return f"ethernet/{port:#06x}"
    return f"{name}/{'dynamic' if port >= _DYNAMIC else port}"


def _few(fresh: NDArray[np.intp], row: Columns) -> NDArray[np.intp]:
    """The first ones of each row, as many as are looked at."""
    if len(fresh) <= _MOST_A_WINDOW:
        return fresh
    rows = row[fresh]
    order = np.argsort(rows, kind="stable")
    starts = np.flatnonzero(np.diff(rows[order], prepend=-1))
    rank = np.arange(len(order)) - np.repeat(starts, np.diff(np.append(starts, len(order))))
    kept: NDArray[np.intp] = fresh[np.sort(order[rank < _MOST_A_WINDOW])]
    return kept
