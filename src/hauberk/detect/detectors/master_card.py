"""Master card: the address of a known master is used by another network card than while the network was learned.

Whoever takes over the address of a master sends commands that look like its own. Cards are learned for every sender, since a
conversation may begin long before its first request; only masters are judged. Behind a router, the card is the router's. Learns
nothing while it judges.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hauberk.detect.attack import MASQUERADING, ROGUE_MASTER
from hauberk.detect.attempts import mix
from hauberk.detect.detectors.interface import Detector, Parameter, Parameters
from hauberk.detect.episode import Episodes
from hauberk.detect.requests import is_request
from hauberk.detect.view import View
from hauberk.model.address import ip_halves, ip_text, mac_text
from hauberk.model.finding import Evidence, Finding, Severity
from hauberk.model.ids import DetectorId
from hauberk.model.observation import Columns

_TECHNIQUES = (MASQUERADING, ROGUE_MASTER)
_MOST_ADDRESSES = 1 << 16
_MOST_CARDS = 3
"""Cards of one address; an address with as many is bound to none."""
_MOST_MASTERS = 1 << 14
_KEY = ["a_hi", "a_lo", "a_mac"]

_MAC = re.compile(r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}")

Address = tuple[int, int]


@dataclass(slots=True)
class CardState:
    """The cards of every address, which addresses are masters, and what goes on."""

    episodes: Episodes
    cards: dict[Address, list[int]] = field(default_factory=dict)
    masters: set[Address] = field(default_factory=set)


def _begin(parameters: Parameters) -> CardState:
    return CardState(Episodes(parameters["quiet"]))


def _sent(activity: Columns) -> NDArray[np.bool_]:
    sent: NDArray[np.bool_] = (activity["a_mac"] != 0) & (activity["ip_version"] > 0) & (activity["packets_out"] > 0)
    return sent


def _learn(state: CardState, view: View) -> None:
    activity = view.batch.activity
    for hi, lo, mac in _different(activity):
        cards = state.cards.get((hi, lo))
        if cards is None:
            if len(state.cards) >= _MOST_ADDRESSES:
                continue
            cards = state.cards[hi, lo] = []
        if mac not in cards and len(cards) < _MOST_CARDS:
            cards.append(mac)
    for group in view.groups:
        if is_request(group) and _is_ip(group.src) and len(state.masters) < _MOST_MASTERS:
            state.masters.add(ip_halves(group.src))


def _different(activity: Columns) -> list[tuple[int, int, int]]:
    """Address halves and card of everything that sent, each once, in order."""
    sent = np.flatnonzero(_sent(activity))
    columns = [activity[name][sent] for name in _KEY]
    _, first = np.unique(mix(*columns), return_index=True)
    chosen = [column[first] for column in columns]
    order = np.lexsort(tuple(reversed(chosen)))
    return list(zip(*(column[order].tolist() for column in chosen), strict=True))


def _is_ip(address: str) -> bool:
    """False for MAC addresses, which protocols without IP have."""
    return "." in address or (":" in address and not _MAC.fullmatch(address))


def _step(state: CardState, view: View) -> list[Finding]:
    if view.learning:
        _learn(state, view)
        return []
    activity = view.batch.activity
    if not state.masters or not len(activity):
        return []
    lows = np.array([lo for _, lo in state.masters], np.uint64)
    rows = activity[_sent(activity) & np.isin(activity["a_lo"], lows)]
    pairs, inverse = np.unique(rows[_KEY], return_inverse=True)
    findings = []
    for number, (hi, lo, mac) in enumerate(pairs.tolist()):
        known = state.cards.get((hi, lo), [])
        if (hi, lo) not in state.masters or not known or mac in known or len(known) >= _MOST_CARDS:
            continue
        strange = rows[inverse == number]
        for row in strange[np.argsort(strange["start"], kind="stable")]:
            time = float(row["start"]) * 1e-9
            if state.episodes.goes_on((hi, lo, mac), time):
                continue
            state.episodes.begin((hi, lo, mac), time)
            findings.append(_finding(view, row, known))
    return sorted(findings, key=lambda finding: finding.raised)


def _finding(view: View, row: np.void, known: list[int]) -> Finding:
    master, card = ip_text(int(row["a_hi"]), int(row["a_lo"])), mac_text(int(row["a_mac"]))
    device = ip_text(int(row["b_hi"]), int(row["b_lo"]))
    usual = ", ".join(mac_text(mac) for mac in sorted(known))
    time = float(row["start"]) * 1e-9
    return Finding(
        DetectorId("ot_master_card"),
        "Master speaks from another card",
        Severity.HIGH,
        7.0,
        view.device(master),
        (master, card, device),
        time,
        time,
        (f"{master}, which operates devices, sends from card {card} (to {device}); while it was learned it sent from {usual}.",),
        f"If the card of {master} was not changed, somebody took over its address: find the port of {card}.",
        _TECHNIQUES,
        (Evidence("master_card", card, samples=len(known), score=7.0),),
    )


DETECTORS = (
    Detector(
        DetectorId("ot_master_card"),
        "Master speaks from another card",
        "The address of a known master is used by a network card that never used it while the network was learned.",
        {"quiet": Parameter(300.0, "s", "said again only after so long a silence")},
        _begin,
        _step,
        _TECHNIQUES,
        learned=True,
    ),
)
