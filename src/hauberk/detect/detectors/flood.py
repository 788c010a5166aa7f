"""Floods: more connections, packets or writes at one target than any machine sends on purpose.

Absolute limits; what is much for one device in particular is for the learned detectors to say.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hauberk.detect.attack import DENIAL_OF_SERVICE, NETWORK_DENIAL_OF_SERVICE
from hauberk.detect.detectors.interface import Detector, Parameter, Parameters
from hauberk.detect.episode import Episodes
from hauberk.detect.view import View, is_group_address, span
from hauberk.detect.window import CountWindow
from hauberk.model.address import ip_text
from hauberk.model.finding import Finding, Severity
from hauberk.model.ids import DetectorId
from hauberk.model.observation import Columns
from hauberk.model.service import OT_SERVICES

_TECHNIQUES = (DENIAL_OF_SERVICE, NETWORK_DENIAL_OF_SERVICE)
_TCP = 6
_ICMP = (1, 58)
_MOST = 4096


@dataclass(slots=True)
class FloodState:
    """Rates lately, and which floods go on."""

    limits: Parameters
    counts: dict[str, CountWindow]
    episodes: Episodes


def _begin(parameters: Parameters) -> FloodState:
    seconds = parameters["seconds"]
    kinds = ("connections", "icmp", "requests", "packets")
    return FloodState(parameters, {kind: CountWindow(seconds, _MOST) for kind in kinds}, Episodes(parameters["quiet"]))


def _step(state: FloodState, view: View) -> list[Finding]:
    activity = view.batch.activity
    activity = activity[(activity["ip_version"] > 0) & ~is_group_address(activity["b_hi"], activity["b_lo"])]
    findings = []
    syn = activity[(activity["transport"] == _TCP) & (activity["syn_out"] > 0)]
    findings += _columns(state, view, "connections", syn, syn["syn_out"], "opened {count:.0f} TCP connections to {target}")
    icmp = activity[np.isin(activity["transport"], _ICMP)]
    findings += _columns(state, view, "icmp", icmp, icmp["packets_out"], "sent {count:.0f} ICMP packets to {target}")
    empty = activity[
        (activity["payload_in"] == 0) & (activity["packets_out"] > 20 * activity["packets_in"]) & (activity["transport"] != _TCP)
    ]
    findings += _columns(
        state, view, "packets", empty, empty["packets_out"], "sent {count:.0f} packets to {target}, which hardly answered"
    )
    findings += _requests(state, view)
    return findings


def _columns(state: FloodState, view: View, kind: str, rows: Columns, weights: np.ndarray, text: str) -> list[Finding]:
    """Count ``weights`` of ``rows`` by responder and second; say who sent most where a limit is passed."""
    if not len(rows):
        return []
    seconds = rows["start"] // 1_000_000_000
    key = np.rec.fromarrays([seconds, rows["b_hi"], rows["b_lo"]])
    _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    sums = np.bincount(inverse.ravel(), weights.astype(np.float64))
    findings = []
    for position in np.argsort(seconds[first], kind="stable"):
        row = rows[first[position]]
        target = (int(row["b_hi"]), int(row["b_lo"]))
        time = float(row["end"]) * 1e-9
        if state.episodes.goes_on((kind, target), time):
            continue
        count = state.counts[kind].add(target, time, float(sums[position]))
        if count < state.limits[kind]:
            continue
        state.episodes.begin((kind, target), time)
        source, name = ip_text(int(row["a_hi"]), int(row["a_lo"])), ip_text(*target)
        began = state.counts[kind].first(target)
        sources = len(np.unique(rows[inverse.ravel() == position]["a_lo"]))
        who = source if sources == 1 else f"{sources} hosts, among them {source},"
        findings.append(
            _finding(
                view,
                source,
                name,
                began,
                time,
                f"{who} {text.format(count=count, target=name)} within {span(time - began)}.",
            )
        )
    return findings


def _requests(state: FloodState, view: View) -> list[Finding]:
    findings = []
    for group, members in view.groups.items():
        if not group.write or group.role != "request" or group.protocol not in OT_SERVICES:
            continue
        key = (group.src, group.dst)
        for transaction in members:
            time = transaction.time
            if state.episodes.goes_on(("requests", key), time):
                continue
            count = state.counts["requests"].add(key, time)
            if count < state.limits["requests"]:
                continue
            state.episodes.begin(("requests", key), time)
            began = state.counts["requests"].first(key)
            findings.append(
                _finding(
                    view, group.src, group.dst, began, time,
                    f"{group.src} sent {count:.0f} {group.protocol} commands ({group.operation}) to {group.dst} within {span(time - began)}.",
                )
            )  # fmt: skip
    return findings


def _finding(view: View, source: str, target: str, first: float, raised: float, reason: str) -> Finding:
    return Finding(
        DetectorId("flood"), "Flood", Severity.HIGH, 7.0, view.device(source), (source, target), first, raised, (reason,),
        f"Check whether {target} still does its work. If {source} is yours, it is broken or taken over; if its address is forged, look for the port it comes from.",
        _TECHNIQUES,
    )  # fmt: skip


DETECTORS = (
    Detector(
        DetectorId("flood"), "Flood",
        "One target gets more connections, ICMP, unanswered packets or control commands than any machine sends on purpose.",
        {
            "connections": Parameter(500, "connections", "TCP connection attempts to one target"),
            "icmp": Parameter(1000, "packets", "ICMP packets to one target"),
            "packets": Parameter(10000, "packets", "packets to one target that hardly answers"),
            "requests": Parameter(500, "commands", "write and control requests of operating technology from one host to another"),
            "seconds": Parameter(10.0, "s", "length of the sliding window"),
            "quiet": Parameter(300.0, "s", "an episode ends after so long below the limits"),
        },
        _begin, _step, _TECHNIQUES,
    ),
)  # fmt: skip
