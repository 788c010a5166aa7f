"""Scans: one host tries many addresses, many ports, or many controllers, and mostly in vain.

What counts as an attempt in vain stands in ``hauberk.detect.attempts``.
"""

from __future__ import annotations

from dataclasses import dataclass

from hauberk.detect.attack import NETWORK_SERVICE_DISCOVERY, REMOTE_SYSTEM_DISCOVERY
from hauberk.detect.attempts import JUDGED_AFTER, Attempts
from hauberk.detect.detectors.interface import Detector, Parameter, Parameters
from hauberk.detect.episode import Episodes
from hauberk.detect.view import View, span
from hauberk.detect.window import DistinctWindow
from hauberk.model.address import ip_text
from hauberk.model.finding import Finding, Severity, Technique
from hauberk.model.flow import CLAIM_ARP_REQUEST
from hauberk.model.ids import DetectorId

_OT_PORTS = frozenset(
    {102, 502, 789, 1089, 1090, 1091, 1911, 1962, 2222, 2404, 4000, 4712, 4840, 4911, 5006, 5007, 5094, 9600, 18245, 20000, 20547, 34962,
     34963, 34964, 44818, 47808, 48898, 55000}
)  # fmt: skip
_ICMP, _TCP, _UDP, _ICMP6 = 1, 6, 17, 58
_MOST_REMEMBERED = 1024
_EXAMPLES = 5


@dataclass(slots=True)
class ScanState:
    """Who tried what lately, and which scans go on."""

    threshold: int
    attempts: Attempts
    window: DistinctWindow
    episodes: Episodes


def _begin(parameters: Parameters, transports: frozenset[int]) -> ScanState:
    most = max(_MOST_REMEMBERED, int(parameters["threshold"]) + 1)
    window = DistinctWindow(parameters["seconds"], most)
    return ScanState(int(parameters["threshold"]), Attempts(transports), window, Episodes(parameters["quiet"]))


def _begin_any(parameters: Parameters) -> ScanState:
    return _begin(parameters, frozenset({_ICMP, _TCP, _UDP, _ICMP6}))


def _begin_ports(parameters: Parameters) -> ScanState:
    return _begin(parameters, frozenset({_TCP, _UDP}))


def _address_scan(state: ScanState, view: View) -> list[Finding]:
    findings = []
    for attempt in state.attempts.judge(view):
        source = (attempt.a_hi, attempt.a_lo)
        if state.episodes.goes_on(source, attempt.time):
            continue
        count = state.window.add(source, (attempt.b_hi, attempt.b_lo), attempt.time)
        if count < state.threshold:
            continue
        state.episodes.begin(source, attempt.time)
        address = ip_text(*source)
        targets = [ip_text(*target) for target in state.window.things(source)]  # type: ignore[misc]  # pairs went in above
        first = state.window.first(source)
        what = "ICMP" if attempt.transport in (_ICMP, _ICMP6) else f"port {attempt.b_port}"
        findings.append(
            Finding(
                DetectorId("address_scan"), "Address scan", Severity.MEDIUM, 6.0, view.device(address), (address, *targets[-_EXAMPLES:]),
                first, attempt.time + JUDGED_AFTER,
                (
                    f"{address} tried {count} addresses within {span(attempt.time - first)} without an answer worth the name.",
                    f"The last went to {targets[-1]}, {what}.",
                ),
                "Find out who runs the scan. If it is your own inventory tool, exclude its address from this detector.",
                _DISCOVERY,
            )
        )  # fmt: skip
    return findings


def _port_scan(state: ScanState, view: View) -> list[Finding]:
    findings = []
    for attempt in state.attempts.judge(view):
        pair = (attempt.a_hi, attempt.a_lo, attempt.b_hi, attempt.b_lo)
        if state.episodes.goes_on(pair, attempt.time):
            continue
        count = state.window.add(pair, (attempt.transport, attempt.b_port), attempt.time)
        if count < state.threshold:
            continue
        state.episodes.begin(pair, attempt.time)
        source, target = ip_text(attempt.a_hi, attempt.a_lo), ip_text(attempt.b_hi, attempt.b_lo)
        ports = sorted(port for _, port in state.window.things(pair))  # type: ignore[misc]  # pairs went in above
        first = state.window.first(pair)
        findings.append(
            Finding(
                DetectorId("port_scan"), "Port scan", Severity.MEDIUM, 6.0, view.device(source), (source, target), first, attempt.time + JUDGED_AFTER,
                (
                    f"{source} tried {count} ports of {target} within {span(attempt.time - first)} without an answer worth the name.",
                    f"Ports from {ports[0]} to {ports[-1]}.",
                ),
                "Find out who runs the scan. If it is your own vulnerability scanner, exclude its address from this detector.",
                _DISCOVERY,
            )
        )  # fmt: skip
    return findings


def _ot_scan(state: ScanState, view: View) -> list[Finding]:
    findings = []
    for attempt in state.attempts.judge(view):
        source = (attempt.a_hi, attempt.a_lo)
        if attempt.b_port not in _OT_PORTS or state.episodes.goes_on(source, attempt.time):
            continue
        count = state.window.add(source, (attempt.b_hi, attempt.b_lo, attempt.b_port), attempt.time)
        if count < state.threshold:
            continue
        state.episodes.begin(source, attempt.time)
        address = ip_text(*source)
        touched = state.window.things(source)
        targets = list(dict.fromkeys(ip_text(hi, lo) for hi, lo, _ in touched))  # type: ignore[misc]  # triples went in above
        ports = sorted({port for _, _, port in touched})  # type: ignore[misc]  # same
        first = state.window.first(source)
        findings.append(
            Finding(
                DetectorId("ot_scan"), "Scan for controllers", Severity.HIGH, 7.0, view.device(address), (address, *targets[:_EXAMPLES]), first,
                attempt.time + JUDGED_AFTER,
                (
                    f"{address} knocked at {count} controller ports of {len(targets)} hosts within {span(attempt.time - first)} in vain.",
                    f"Ports tried: {', '.join(map(str, ports[:12]))}.",
                ),
                "Treat it as reconnaissance of the plant: check who works on that host now, and keep it away from the control network.",
                (REMOTE_SYSTEM_DISCOVERY,),
            )
        )  # fmt: skip
    return findings


def _arp_scan(state: ScanState, view: View) -> list[Finding]:
    findings = []
    claims = view.batch.claims
    asked = claims[(claims["kind"] == CLAIM_ARP_REQUEST) & (claims["target_lo"] != claims["lo"])]
    for time, mac, hi, lo, target in zip(
        (asked["time"] * 1e-9).tolist(), asked["mac"].tolist(), asked["hi"].tolist(), asked["lo"].tolist(), asked["target_lo"].tolist(), strict=True
    ):  # fmt: skip
        if state.episodes.goes_on(mac, time):
            continue
        count = state.window.add(mac, target, time)
        if count < state.threshold:
            continue
        address = ip_text(hi, lo)
        state.episodes.begin(mac, time)
        if view.fleet.is_infrastructure(address):
            continue  # a router asks for every address that somebody beyond it calls
        first = state.window.first(mac)
        findings.append(
            Finding(
                DetectorId("arp_scan"), "ARP scan", Severity.MEDIUM, 6.0, view.device(address), (address,), first, time,
                (f"{address} asked for {count} different addresses by ARP within {span(time - first)}.",),
                "Find out who looks for hosts on this network.",
                _DISCOVERY,
            )
        )  # fmt: skip
    return findings


_DISCOVERY: tuple[Technique, ...] = (REMOTE_SYSTEM_DISCOVERY, NETWORK_SERVICE_DISCOVERY)
_QUIET = Parameter(600.0, "s", "an episode ends after so long without a further attempt")

DETECTORS = (
    Detector(
        DetectorId("address_scan"), "Address scan",
        "One host tries many addresses in vain, or sweeps them with echo requests.",
        {
            "threshold": Parameter(15, "addresses", "different addresses tried in vain"),
            "seconds": Parameter(120.0, "s", "length of the sliding window"),
            "quiet": _QUIET,
        },
        _begin_any, _address_scan, _DISCOVERY,
    ),
    Detector(
        DetectorId("port_scan"), "Port scan",
        "One host tries many ports of another in vain.",
        {
            "threshold": Parameter(10, "ports", "different ports tried in vain"),
            "seconds": Parameter(120.0, "s", "length of the sliding window"),
            "quiet": _QUIET,
        },
        _begin_ports, _port_scan, _DISCOVERY,
    ),
    Detector(
        DetectorId("ot_scan"), "Scan for controllers",
        "One host knocks in vain at the ports of controllers: several hosts, several protocols, or both.",
        {
            "threshold": Parameter(10, "host and port pairs", "different pairs tried in vain"),
            "seconds": Parameter(120.0, "s", "length of the sliding window"),
            "quiet": _QUIET,
        },
        _begin_ports, _ot_scan, (REMOTE_SYSTEM_DISCOVERY,),
    ),
    Detector(
        DetectorId("arp_scan"), "ARP scan",
        "One host asks for many addresses by ARP.",
        {
            "threshold": Parameter(40, "addresses", "different addresses asked for"),
            "seconds": Parameter(360.0, "s", "length of the sliding window"),
            "quiet": _QUIET,
        },
        _begin_any, _arp_scan, _DISCOVERY,
    ),
)  # fmt: skip
