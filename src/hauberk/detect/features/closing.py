"""Windows that have passed, as columns per device: all of them at once, so that a quiet hour costs no more than a busy second."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from hauberk.detect.attempts import TCP, UDP, mix
from hauberk.detect.features.frame import CONTACT, Span, Verb
from hauberk.detect.features.messages import Said
from hauberk.detect.features.metrics import MESSAGE_METRICS, METRICS, M
from hauberk.detect.features.subjects import NOBODY, Lookup, Places, Roll
from hauberk.detect.view import is_group_address
from hauberk.model.flow import STATE_FIRST
from hauberk.model.observation import Columns

_OUTSIDE_BYTES = 10_000
"""Bytes exchanged with the outside below which a share of them says nothing."""
_RST = 4
_MOST = float(1 << 62)
"""Sums beyond fit no column of a contact."""
_MAC_GROUP = np.uint64(1 << 40)
"""The individual/group bit of a MAC address (IEEE 802 clause 8.2)."""

Windows = NDArray[np.int64]


class Closing:
    """Turns the rows of windows that have passed into a span."""

    def __init__(self, lookup: Lookup, seconds: float) -> None:
        self.lookup: Final = lookup
        self._seconds: Final = seconds

    def span(self, rows: Columns, asked: Columns, said: Said, taught_until: float) -> Span:
        """The span of activity ``rows``, ARP requests ``asked`` and what was ``said``; windows that end by ``taught_until``
        (epoch seconds) were to learn from."""
        step = np.int64(self._seconds * 1e9)
        windows, asked_windows = rows["start"] // step, asked["time"] // step
        if len(windows):
            self.lookup.refresh(float(windows[-1]) * self._seconds)
        roll = Roll(self.lookup)
        place_a = roll.places(rows["a_hi"], rows["a_lo"], rows["ip_version"] > 0)
        place_b = roll.places(rows["b_hi"], rows["b_lo"], rows["ip_version"] > 0, only=rows["packets_in"] > 0)
        place_asked = roll.places(asked["hi"], asked["lo"], np.ones(len(asked), np.bool_))
        spoken = [(window, roll.place(address), counts) for window, address, counts in said.counts]
        verbs = [(window, roll.place(verb[0]), verb) for window, verb in said.verbs]
        grid = _Grid(
            len(roll.ids),
            (windows, place_a),
            (windows, place_b),
            (asked_windows, place_asked),
            (np.array([entry[0] for entry in spoken], np.int64), np.array([entry[1] for entry in spoken], np.int64)),
            (np.array([entry[0] for entry in verbs], np.int64), np.array([entry[1] for entry in verbs], np.int64)),
        )
        row_a, row_b = grid.rows(windows, place_a), grid.rows(windows, place_b)
        contacts = _contacts(rows, row_a, row_b)
        ours = place_b >= 0
        mute = np.flatnonzero(~ours & (place_a >= 0))
        ours[mute] = roll.held(rows["b_hi"][mute], rows["b_lo"][mute], rows["ip_version"][mute] > 0)
        outside = _outside(rows, row_a, row_b, ours, len(grid.window))
        values = _values(rows, row_a, row_b, contacts, outside)
        _add(values, M.ARP_REQUESTS, grid.rows(asked_windows, place_asked), None)
        for window, place, counts in spoken:
            if place != NOBODY:
                _say(values[grid.row(window, place)], counts)
        return Span(
            self._seconds,
            tuple(roll.ids),
            tuple(roll.addresses),
            grid.device,
            grid.window,
            values,
            outside,
            contacts,
            tuple(Verb(grid.row(window, place), *verb[1:]) for window, place, verb in verbs if place != NOBODY),
            (grid.window + 1) * self._seconds <= taught_until,
        )


class _Grid:
    """Which row is about which device in which window; rows are in order of windows, within one in order of devices."""

    def __init__(self, devices: int, *parts: tuple[Windows, Places]) -> None:
        self._devices = max(devices, 1)
        every = np.concatenate([self._cell(window[place >= 0], place[place >= 0]) for window, place in parts])
        self._cells = np.unique(every)
        self.window: Windows = self._cells // self._devices
        self.device: NDArray[np.int32] = (self._cells - self.window * self._devices).astype(np.int32)

    def _cell(self, window: Windows, place: Places) -> NDArray[np.int64]:
        return window * self._devices + place

    def rows(self, window: Windows, place: Places) -> Places:
        """The row of each, -1 where it is no device."""
        found: Places = np.searchsorted(self._cells, self._cell(window, place))
        return np.where(place >= 0, found, NOBODY)

    def row(self, window: int, place: int) -> int:
        """The row of one device in one window."""
        return int(np.searchsorted(self._cells, window * self._devices + place))


def _say(row: NDArray[np.float64], counts: list[float]) -> None:
    """Add what an address said to the row of its device."""
    part = row[MESSAGE_METRICS.start : MESSAGE_METRICS.stop]
    place = M.DNS_ENTROPY - MESSAGE_METRICS.start
    entropy = max(float(part[place]), counts[place])
    part += counts
    part[place] = entropy


def _values(rows: Columns, row_a: Places, row_b: Places, contacts: Columns, outside: NDArray[np.float64]) -> NDArray[np.float64]:
    values = np.zeros((len(outside), len(METRICS)))
    for out, inward, place in (("out", "in", row_a), ("in", "out", row_b)):
        _add(values, M.PACKETS_OUT, place, rows[f"packets_{out}"])
        _add(values, M.PACKETS_IN, place, rows[f"packets_{inward}"])
        _add(values, M.BYTES_OUT, place, rows[f"bytes_{out}"])
        _add(values, M.BYTES_IN, place, rows[f"bytes_{inward}"])
    single = ~is_group_address(rows["b_hi"], rows["b_lo"])
    first = (rows["state"] & STATE_FIRST != 0) & single & (rows["ip_version"] > 0)
    _add(values, M.BEGUN, row_a, first)
    _add(values, M.RECEIVED, row_b, first)
    silent = first & (rows["packets_in"] == 0) & (((rows["transport"] == TCP) & (rows["syn_out"] > 0)) | (rows["transport"] == UDP))
    refused = first & (rows["transport"] == TCP) & (rows["flags_in"] & _RST != 0) & (rows["packets_in"] <= 2)
    _add(values, M.UNANSWERED, row_a, silent | refused)
    unicast = ~is_group_address(contacts["peer_hi"], contacts["peer_lo"])
    unicast &= (contacts["ip_version"] > 0) | (contacts["peer_lo"] & _MAC_GROUP == 0)
    heard = contacts[unicast]
    _distinct(values, M.PEERS, heard["row"].astype(np.int64), mix(heard["peer_hi"], heard["peer_lo"]))
    requested = contacts[unicast & contacts["outward"]]
    _distinct(values, M.PORTS, requested["row"].astype(np.int64), mix(requested["port"], requested["transport"]))
    total = outside.sum(axis=1)
    enough = total >= _OUTSIDE_BYTES
    values[enough, M.UPLOAD_SHARE] = 100 * outside[enough, 0] / total[enough]
    return values


def _outside(rows: Columns, row_a: Places, row_b: Places, ours: NDArray[np.bool_], count: int) -> NDArray[np.float64]:
    """Bytes sent to and received from peers that are no devices of ours. ``ours``: the responder is one, though it may be mute."""
    beyond = (row_a >= 0) & ~ours & (rows["ip_version"] > 0) & ~is_group_address(rows["b_hi"], rows["b_lo"])
    from_beyond = (row_b >= 0) & (row_a < 0) & (rows["ip_version"] > 0)
    outside = np.zeros((count, 2))
    for side, out, inward in ((0, "out", "in"), (1, "in", "out")):
        np.add.at(outside[:, side], row_a[beyond], rows[f"bytes_{out}"][beyond])
        np.add.at(outside[:, side], row_b[from_beyond], rows[f"bytes_{inward}"][from_beyond])
    return outside


def _add(values: NDArray[np.float64], metric: M, place: Places, weight: NDArray[np.generic] | None) -> None:
    known = place >= 0
    if known.any():
        weights = None if weight is None else weight[known].astype(np.float64)
        values[:, metric] += np.bincount(place[known], weights, len(values))


def _distinct(values: NDArray[np.float64], metric: M, row: Places, thing: NDArray[np.uint64]) -> None:
    """Count different things of each row."""
    if len(row):
        _, first = np.unique(mix(row, thing), return_index=True)
        values[:, metric] += np.bincount(row[first], minlength=len(values))


def _contacts(rows: Columns, row_a: Places, row_b: Places) -> Columns:
    """Who had to do with whom over what: one a row, peer and service."""
    every = np.concatenate([_side(rows, row_a, outward=True), _side(rows, row_b, outward=False)])
    if not len(every):
        return every
    names = ("row", "outward", "peer_hi", "peer_lo", "port", "transport", "ip_version")
    _, first, inverse = np.unique(mix(*(every[name] for name in names)), return_index=True, return_inverse=True)
    merged = every[first]
    count = len(first)
    for name in ("packets", "bytes_out", "bytes_in", "conversations"):
        merged[name] = np.minimum(np.bincount(inverse, every[name].astype(np.float64), count), _MOST)
    for name in ("answered", "begun"):
        merged[name] = np.bincount(inverse, every[name], count) > 0
    np.minimum.at(merged["start"], inverse, every["start"])
    np.maximum.at(merged["service"], inverse, every["service"])
    order = np.lexsort((*(merged[name] for name in reversed(names)), merged["start"]))
    ordered: Columns = merged[order]
    return ordered


def _side(rows: Columns, place: Places, *, outward: bool) -> Columns:
    """The rows as one side sees them."""
    chosen = np.flatnonzero(place >= 0)
    own, other = ("out", "in") if outward else ("in", "out")
    peer = "b" if outward else "a"
    side = np.zeros(len(chosen), CONTACT)
    picked = rows[chosen]
    side["row"], side["outward"] = place[chosen], outward
    side["peer_hi"], side["peer_lo"] = picked[f"{peer}_hi"], picked[f"{peer}_lo"]
    side["port"], side["transport"] = picked["b_port"], picked["transport"]
    side["ip_version"], side["service"] = picked["ip_version"], picked["service"]
    side["start"] = picked["start"]
    side["packets"] = picked["packets_out"] + picked["packets_in"]
    side["bytes_out"], side["bytes_in"] = picked[f"bytes_{own}"], picked[f"bytes_{other}"]
    side["answered"] = picked["packets_in"] > 0
    side["begun"] = picked["state"] & STATE_FIRST != 0
    side["conversations"] = side["begun"]
    return side
