"""One address, two owners: two network cards claim an IP address and both are at work (RFC 5227 section 2.4).

Only claims (ARP, neighbour discovery) make an owner: the source address of a routed packet says nothing about the card that sent it. An address that
moves, for instance with DHCP, leaves its old card silent and is no conflict. Virtual router addresses are shared by design.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

import numpy as np

from hauberk.detect.attack import ADVERSARY_IN_THE_MIDDLE, ARP_CACHE_POISONING
from hauberk.detect.detectors.interface import Detector, Parameter, Parameters
from hauberk.detect.episode import Episodes
from hauberk.detect.view import View, span
from hauberk.model.address import ip_text, mac_text
from hauberk.model.finding import Finding, Severity
from hauberk.model.ids import DetectorId
from hauberk.model.observation import Columns

_V4_MAPPED_ZERO = np.uint64(0xFFFF_0000_0000)
_MOST_ADDRESSES = 1 << 16
_MOST_OWNERS = 8
_VIRTUAL = (0x00005E0001, 0x00005E0002, 0x00000C07AC, 0x00000C9FF0, 0x0007B400)
"""First five bytes of shared cards: VRRP for IPv4 and IPv6 (RFC 9568), HSRP, GLBP; CARP uses VRRP's."""


@dataclass(slots=True)
class _Owner:
    claimed: float
    active: float


@dataclass(slots=True)
class ConflictState:
    """The cards that claimed each address lately."""

    seconds: float
    episodes: Episodes
    owners: OrderedDict[tuple[int, int], OrderedDict[int, _Owner]] = field(default_factory=OrderedDict)


def _begin(parameters: Parameters) -> ConflictState:
    return ConflictState(parameters["seconds"], Episodes(parameters["quiet"]))


def is_virtual(mac: int) -> bool:
    """True for the card of a virtual router, which several machines share."""
    return mac >> 8 in _VIRTUAL or mac >> 16 in _VIRTUAL


def _step(state: ConflictState, view: View) -> list[Finding]:
    findings: list[Finding] = []
    events = [*_claims(view.batch.claims), *_traffic(state, view.batch.activity)]
    for time, address, mac, claims in sorted(events):
        owners = state.owners.get(address)
        if owners is None:
            if not claims:
                continue
            owners = state.owners[address] = OrderedDict()
            if len(state.owners) > _MOST_ADDRESSES:
                state.owners.popitem(last=False)
        owner = owners.get(mac)
        if owner is None:
            if not claims:
                continue
            owner = owners[mac] = _Owner(time, time)
            if len(owners) > _MOST_OWNERS:
                owners.popitem(last=False)
        elif claims:
            owner.claimed = time
        finding = _contest(state, view, address, mac, time)
        owner.active = max(owner.active, time)
        if finding is not None:
            findings.append(finding)
    return findings


def _claims(claims: Columns) -> list[tuple[float, tuple[int, int], int, bool]]:
    """(time, address, card, True) of every message that says who owns an address; probes (sender zero) say nothing."""
    said = claims[(claims["mac"] != 0) & (claims["lo"] != 0) & (claims["lo"] != _V4_MAPPED_ZERO) | (claims["hi"] != 0)]
    said = said[(said["mac"] >> np.uint64(40)) & np.uint64(1) == 0]
    columns = (column.tolist() for column in (said["time"] * 1e-9, said["hi"], said["lo"], said["mac"]))
    return [(time, (hi, lo), mac, True) for time, hi, lo, mac in zip(*columns, strict=True)]


def _traffic(state: ConflictState, activity: Columns) -> list[tuple[float, tuple[int, int], int, bool]]:
    """(time, address, card, False): when the contested addresses' owners last sent something in this batch."""
    contested = {address for address, owners in state.owners.items() if len(owners) > 1}
    if not contested:
        return []
    lows = np.fromiter((lo for _, lo in contested), np.uint64, len(contested))
    events = []
    for side in "ab":
        rows = activity[(activity[f"{side}_mac"] != 0) & np.isin(activity[f"{side}_lo"], lows)]
        columns = (column.tolist() for column in (rows["end"] * 1e-9, rows[f"{side}_hi"], rows[f"{side}_lo"], rows[f"{side}_mac"]))
        events += [(time, (hi, lo), mac, False) for time, hi, lo, mac in zip(*columns, strict=True) if (hi, lo) in contested]
    return events


def _contest(state: ConflictState, view: View, address: tuple[int, int], mac: int, time: float) -> Finding | None:
    """A finding if ``mac`` was at work, then another card claimed the address, and now ``mac`` is at work again, all within the time set."""
    owners = state.owners[address]
    mine = owners[mac]
    for other, rival in owners.items():
        if other == mac or time - rival.claimed > state.seconds or not mine.active < rival.claimed < time:
            continue
        if rival.claimed - mine.active > state.seconds or is_virtual(mac) or is_virtual(other):
            continue
        if state.episodes.goes_on(address, time):
            return None
        state.episodes.begin(address, time)
        ip, first_mac, second_mac = ip_text(*address), mac_text(mac), mac_text(other)
        return Finding(
            DetectorId("ip_mac_conflict"), "Two cards claim one address", Severity.HIGH, 8.0, view.device(ip), (ip, first_mac, second_mac),
            rival.claimed, time,
            (
                f"{ip} was used by {first_mac}, claimed by {second_mac} at {rival.claimed:.3f}, and {first_mac} is still at work {span(time - rival.claimed)} later.",
            ),
            f"If both machines are yours, one has a wrong address. Else somebody stands between {ip} and its peers: find {second_mac} on your switches.",
            (ARP_CACHE_POISONING, ADVERSARY_IN_THE_MIDDLE),
        )  # fmt: skip
    return None


DETECTORS = (
    Detector(
        DetectorId("ip_mac_conflict"), "Two cards claim one address",
        "An IP address is claimed by two network cards that are both at work: a wrong setting, or a machine in the middle.",
        {
            "seconds": Parameter(120.0, "s", "both cards must be at work within so long"),
            "quiet": Parameter(600.0, "s", "an episode ends after so long without conflict"),
        },
        _begin, _step, (ARP_CACHE_POISONING, ADVERSARY_IN_THE_MIDDLE),
    ),
)  # fmt: skip
