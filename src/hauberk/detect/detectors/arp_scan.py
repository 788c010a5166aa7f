"""ARP scan: one card asks for many addresses (RFC 826), as a host does that looks for its neighbours.

A server asks for every client that calls it, and those exist: at least half a threshold of the addresses must be nobody's.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from hauberk.detect.attack import NETWORK_SERVICE_DISCOVERY, REMOTE_SYSTEM_DISCOVERY
from hauberk.detect.detectors.interface import Detector, Parameter, Parameters
from hauberk.detect.episode import Episodes
from hauberk.detect.view import View, span
from hauberk.detect.window import DistinctWindow
from hauberk.model.address import ip_text
from hauberk.model.finding import Finding, Severity
from hauberk.model.flow import CLAIM_ARP_REQUEST
from hauberk.model.ids import DetectorId

_DISCOVERY = (REMOTE_SYSTEM_DISCOVERY, NETWORK_SERVICE_DISCOVERY)
_ROUTER_TIMES = 5
"""Servers and routers ask for every address that somebody beyond them calls: they may ask for so many times more."""

_MOST_PRESENT = 1 << 14


@dataclass(slots=True)
class ArpState:
    """Who asked for whom lately, and which scans go on."""

    threshold: int
    window: DistinctWindow
    episodes: Episodes
    present: OrderedDict[int, None] = field(default_factory=OrderedDict)
    """Addresses (low halves) that somebody claimed: asking for them is no search."""


def _begin(parameters: Parameters) -> ArpState:
    threshold = int(parameters["threshold"])
    return ArpState(threshold, DistinctWindow(parameters["seconds"], _ROUTER_TIMES * threshold + 1), Episodes(parameters["quiet"]))


def _step(state: ArpState, view: View) -> list[Finding]:
    findings = []
    claims = view.batch.claims
    columns = (claims["time"] * 1e-9, claims["kind"], claims["mac"], claims["hi"], claims["lo"], claims["target_lo"])
    for time, kind, mac, hi, lo, target in zip(*(column.tolist() for column in columns), strict=True):
        state.present[lo] = None
        state.present.move_to_end(lo)
        if len(state.present) > _MOST_PRESENT:
            state.present.popitem(last=False)
        if kind != CLAIM_ARP_REQUEST or target == lo or state.episodes.goes_on(mac, time):
            continue
        count = state.window.add(mac, target, time)
        if count < state.threshold:
            continue
        absent = sum(thing not in state.present for thing in state.window.things(mac))
        if absent * 2 < state.threshold:
            continue
        address = ip_text(hi, lo)
        if count < _ROUTER_TIMES * state.threshold and view.fleet.is_infrastructure(address):
            continue
        state.episodes.begin(mac, time)
        first = state.window.first(mac)
        findings.append(
            Finding(
                DetectorId("arp_scan"),
                "ARP scan",
                Severity.MEDIUM,
                6.0,
                view.device(address),
                (address,),
                first,
                time,
                (
                    (
                        f"{address} asked for {count} different addresses by ARP within {span(time - first)}, {absent} of"
                        " them nobody's."
                    ),
                ),
                "Find out who looks for hosts on this network.",
                _DISCOVERY,
            )
        )
    return findings


DETECTORS = (
    Detector(
        DetectorId("arp_scan"),
        "ARP scan",
        "One host asks for many addresses by ARP.",
        {
            "threshold": Parameter(40, "addresses", "different addresses asked for"),
            "seconds": Parameter(360.0, "s", "length of the sliding window"),
            "quiet": Parameter(600.0, "s", "an episode ends after so long without a further attempt"),
        },
        _begin,
        _step,
        _DISCOVERY,
        peers_vary=True,
    ),
)
