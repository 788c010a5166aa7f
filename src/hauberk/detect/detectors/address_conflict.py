"""One address, two owners: two network cards claim an IP address and both are at work (RFC 5227 section 2.4).

Claims (ARP, neighbour discovery) make an owner: the source address of a routed packet says nothing about the card that sent it.
Where a card claims what another alone has been sending from lately, that other is an owner too, unless it sends from more
addresses than a host has, as a router does. An address that moves, for instance with DHCP, leaves its old card silent and is no
conflict. Virtual router addresses are shared by design.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass, field

import numpy as np

from hauberk.detect.attack import ADVERSARY_IN_THE_MIDDLE, ARP_CACHE_POISONING
from hauberk.detect.detectors.interface import Detector, Parameter, Parameters
from hauberk.detect.episode import Episodes
from hauberk.detect.senders import Lately
from hauberk.detect.view import View, span
from hauberk.model.address import ip_text, mac_text
from hauberk.model.finding import Finding, Severity
from hauberk.model.ids import DetectorId
from hauberk.model.observation import Columns

_V4_MAPPED_ZERO = np.uint64(0xFFFF_0000_0000)
_MOST_ADDRESSES = 1 << 16
_MOST_OWNERS = 8
Event = tuple[float, tuple[int, int], int, bool]
"""Epoch seconds, address halves, card, and whether it claimed the address or merely used it."""
_VIRTUAL = (
    (0x00005E0001, 8),
    (0x00005E0002, 8),
    (0x00000C07AC, 8),
    (0x00000C9FF, 12),
    (0x000573A00, 12),
    (0x0007B400, 16),
    (0x02BF, 32),
)
"""Cards that machines share, as (prefix, bits behind it): VRRP for IPv4 and IPv6 (RFC 9568; CARP uses the same), HSRP in its
versions, GLBP,
and the load balancing of Windows."""
_CHANGES = 3
"""Turns of ownership that make a conflict. Two are a machine that comes back to the address that another held for it."""


@dataclass(slots=True)
class _Address:
    """Who claimed an address, and the latest turns: (time, card) whenever another card than the last was at work."""

    owners: OrderedDict[int, None] = field(default_factory=OrderedDict)
    turns: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=_CHANGES + 1))
    last: float = 0.0
    """When the card of the last turn was last at work."""


@dataclass(slots=True)
class ConflictState:
    """The cards that claimed each address lately."""

    seconds: float
    episodes: Episodes
    lately: Lately
    addresses: OrderedDict[tuple[int, int], _Address] = field(default_factory=OrderedDict)


def _begin(parameters: Parameters) -> ConflictState:
    return ConflictState(parameters["seconds"], Episodes(parameters["quiet"]), Lately(parameters["seconds"]))


def is_virtual(mac: int) -> bool:
    """True for the card of a virtual router or cluster, which several machines share."""
    return any(mac >> bits == prefix for prefix, bits in _VIRTUAL)


def _step(state: ConflictState, view: View) -> list[Finding]:
    findings: list[Finding] = []
    state.lately.add(view.batch.activity)
    claims = _claims(view.batch.claims)
    for time, key, mac, claimed in sorted([*claims, *_traffic(state, claims, view.batch.activity)]):
        address = state.addresses.get(key)
        if address is None:
            if not claimed:
                continue
            address = state.addresses[key] = _Address()
            if len(state.addresses) > _MOST_ADDRESSES:
                state.addresses.popitem(last=False)
        if claimed:
            user = state.lately.user(key, mac, time) if mac not in address.owners else None
            if user is not None and user[1] not in address.owners:
                address.owners[user[1]] = None
                _turn(state, address, user[1], user[0])
            address.owners[mac] = None
            if len(address.owners) > _MOST_OWNERS:
                address.owners.popitem(last=False)
        elif mac not in address.owners or len(address.owners) < 2:
            continue
        if _turn(state, address, mac, time):
            finding = _contest(state, view, key, address)
            findings += [finding] if finding is not None else []
    return findings


def _turn(state: ConflictState, address: _Address, mac: int, time: float) -> bool:
    """Note that ``mac`` was at work; True where it took the address from another that was lately."""
    turns = address.turns
    if turns and abs(time - address.last) > state.seconds:
        turns.clear()
    address.last = time
    if turns and turns[-1][1] == mac:
        return False
    turns.append((time, mac))
    return len(turns) > 1


def _claims(claims: Columns) -> list[Event]:
    """(time, address, card, True) of every message that says who owns an address; probes (sender zero) say nothing."""
    said = claims[(claims["mac"] != 0) & (claims["lo"] != 0) & (claims["lo"] != _V4_MAPPED_ZERO) | (claims["hi"] != 0)]
    said = said[(said["mac"] >> np.uint64(40)) & np.uint64(1) == 0]
    columns = (column.tolist() for column in (said["time"] * 1e-9, said["hi"], said["lo"], said["mac"]))
    return [(time, (hi, lo), mac, True) for time, hi, lo, mac in zip(*columns, strict=True)]


def _traffic(state: ConflictState, claims: list[Event], activity: Columns) -> list[Event]:
    """(time, address, card, False): when cards sent from addresses that several claim. Before there was a rival, traffic proves
    nothing."""
    contested = {key for key, address in state.addresses.items() if len(address.owners) > 1}
    for _, key, mac, _ in claims:
        known = state.addresses.get(key)
        if known is None or mac not in known.owners:
            contested.add(key)
    if not contested or not len(activity):
        return []
    lows = np.fromiter((lo for _, lo in contested), np.uint64, len(contested))
    events = []
    for side in "ab":
        rows = activity[(activity[f"{side}_mac"] != 0) & np.isin(activity[f"{side}_lo"], lows)]
        columns = (rows["start"] * 1e-9, rows[f"{side}_hi"], rows[f"{side}_lo"], rows[f"{side}_mac"])
        values = zip(*(column.tolist() for column in columns), strict=True)
        events += [(time, (hi, lo), mac, False) for time, hi, lo, mac in values if (hi, lo) in contested]
    return events


def _contest(state: ConflictState, view: View, key: tuple[int, int], address: _Address) -> Finding | None:
    """A finding if the address went to and fro between two cards within the time set."""
    turns = list(address.turns)
    (time, mac), (before, other) = turns[-1], turns[-2]
    if len(turns) <= _CHANGES or time - turns[0][0] > state.seconds:
        return None
    if is_virtual(mac) or is_virtual(other):
        return None
    if state.episodes.goes_on(key, time):
        return None
    state.episodes.begin(key, time)
    ip, first_mac, second_mac = ip_text(*key), mac_text(turns[0][1]), mac_text(turns[1][1])
    reasons = (
        f"{ip} went to and fro between {first_mac} and {second_mac}: {_CHANGES} times within {span(time - turns[1][0])}.",
        f"{mac_text(mac)} was at work {span(abs(time - before))} after {mac_text(other)}.",
    )
    return Finding(
        DetectorId("ip_mac_conflict"),
        "Two cards claim one address",
        Severity.HIGH,
        8.0,
        view.device(ip),
        (ip, first_mac, second_mac),
        turns[1][0],
        time,
        reasons,
        f"If both machines are yours, one has a wrong address. Else one of them stands between {ip} and its peers: find the ports"
        f" of {first_mac} and {second_mac} on your switches; the card that also claims other addresses is the one to cut off.",
        _TECHNIQUES,
    )


_TECHNIQUES = (ARP_CACHE_POISONING, ADVERSARY_IN_THE_MIDDLE)

DETECTORS = (
    Detector(
        DetectorId("ip_mac_conflict"),
        "Two cards claim one address",
        "An IP address is claimed by two network cards that are both at work: a wrong setting, or a machine in the middle.",
        {
            "seconds": Parameter(120.0, "s", "both cards must be at work within so long"),
            "quiet": Parameter(600.0, "s", "an episode ends after so long without conflict"),
        },
        _begin,
        _step,
        _TECHNIQUES,
    ),
)
