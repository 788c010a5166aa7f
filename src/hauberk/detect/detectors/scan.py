"""Scans: one host tries many addresses, many ports, or many controllers, and mostly in vain.

What counts as an attempt in vain stands in ``hauberk.detect.attempts``. A host that reaches as many new partners as it misses is
a busy client or a gateway, no scanner.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache, partial
from ipaddress import ip_address

import numpy as np

from hauberk.detect.attack import NETWORK_SERVICE_DISCOVERY, REMOTE_SYSTEM_DISCOVERY
from hauberk.detect.attempts import ICMP, ICMP6, JUDGED_AFTER, TCP, UDP, Attempts
from hauberk.detect.detectors.interface import Detector, Parameter, Parameters
from hauberk.detect.episode import Episodes
from hauberk.detect.rows import Flags
from hauberk.detect.sweep import Attempt, SweepWindow
from hauberk.detect.view import View, span
from hauberk.model.address import ip_text
from hauberk.model.finding import Finding, Severity, Technique
from hauberk.model.ids import DetectorId
from hauberk.model.observation import Columns

_OT_PORTS = np.array(
    [102, 502, 789, 1089, 1090, 1091, 1911, 1962, 2222, 2404, 4000, 4712, 4840, 4911, 5006, 5007, 5094, 9600, 18245, 20000,
    20547, 34962, 34963, 34964, 44818, 47808, 48898, 55000], np.uint16
)  # fmt: skip
_IS_OT_PORT = np.zeros(1 << 16, np.bool_)
_IS_OT_PORT[_OT_PORTS] = True
_EXAMPLES = 5
_AT_ONCE = 0.1
"""Seconds within which a program tries a list, and no client its servers."""
_LOOKUPS = (53, 123, 853)
"""Ports at which servers of names and time ask many servers, of which some never answer."""
_VAIN_SHARE = 3
"""Of echo requests one in so many must go unanswered: a monitor knows whom it asks, a sweep does not."""
_DISCOVERY: tuple[Technique, ...] = (REMOTE_SYSTEM_DISCOVERY, NETWORK_SERVICE_DISCOVERY)


_WEB = frozenset({80, 443, 5223, 5228, 8443, 8883})
"""Ports of services in the cloud: a device without Internet walks through all addresses of its maker's servers."""
_WEB_WEIGHT = 0.25


@lru_cache(maxsize=1 << 14)
def _is_global(hi: int, lo: int) -> bool:
    return ip_address(ip_text(hi, lo)).is_global


def _weight(attempt: Attempt) -> float:
    """What an attempt counts for: less where a client looks for its server."""
    return _WEB_WEIGHT if attempt.b_port in _WEB and _is_global(attempt.b_hi, attempt.b_lo) else 1.0


@dataclass(slots=True)
class ScanState:
    """Who tried what lately, and which scans go on."""

    window: SweepWindow
    episodes: Episodes
    echo: bool
    """Whether echo requests are attempts too."""
    threshold: int
    fast: int | None = None
    """Addresses that are enough where they were tried at once; None: nothing but the threshold is."""

    def in_vain(self, attempts: Attempts, sweep: list[Attempt]) -> bool:
        """True if the host misses more than it finds."""
        if sum(_weight(attempt) for attempt in sweep) < self.threshold:
            return self.is_at_once(attempts, sweep)
        vain = sum(not attempt.packets_in or attempt.transport == TCP for attempt in sweep)
        if vain * _VAIN_SHARE < len(sweep):
            return False
        last = sweep[-1]
        found = attempts.answers((last.a_hi, last.a_lo), sweep[0].time, last.time + JUDGED_AFTER, echo=self.echo)
        return found <= len(sweep)

    def is_at_once(self, attempts: Attempts, sweep: list[Attempt]) -> bool:
        """True if the latest attempts came faster than any client connects, on one port, and nobody at all answered."""
        latest = sweep[-self.fast :] if self.fast else []
        if not latest or len(latest) != self.fast or latest[-1].time - latest[0].time > _AT_ONCE:
            return False
        last = latest[-1]
        if any(attempt.transport != TCP or attempt.b_port != last.b_port or attempt.packets_in for attempt in latest):
            return False
        source = last.a_hi, last.a_lo
        return not attempts.answers(source, latest[0].time - _AT_ONCE, last.time + JUDGED_AFTER, echo=False)


def _begin(parameters: Parameters, subject: tuple[str, ...], thing: tuple[str, ...], *, echo: bool = False) -> ScanState:
    threshold, fast = int(parameters["threshold"]), int(parameters.get("fast", 0)) or None
    window = SweepWindow(parameters["seconds"], min(threshold, fast or threshold), subject, thing)
    return ScanState(window, Episodes(parameters["quiet"]), echo, threshold, fast)


_SOURCE, _TARGET = ("a_hi", "a_lo"), ("b_hi", "b_lo")


def _begin_addresses(parameters: Parameters) -> ScanState:
    return _begin(parameters, _SOURCE, _TARGET, echo=True)


def _begin_ports(parameters: Parameters) -> ScanState:
    return _begin(parameters, (*_SOURCE, *_TARGET), ("transport", "b_port"))


def _begin_controllers(parameters: Parameters) -> ScanState:
    return _begin(parameters, _SOURCE, (*_TARGET, "b_port"))


def _is_knock(rows: Columns) -> Flags:
    """Which attempts aim at a port."""
    knock: Flags = (rows["transport"] == TCP) | (rows["transport"] == UDP)
    return knock


def _address_scan(state: ScanState, view: View) -> list[Finding]:
    rows = view.vain
    lookup = (rows["transport"] == UDP) & np.isin(rows["b_port"], _LOOKUPS)
    findings = []
    for sweep in state.window.add(rows, ~lookup, state.episodes, partial(state.in_vain, view.attempts)):
        last = sweep[-1]
        address = ip_text(last.a_hi, last.a_lo)
        targets = [ip_text(attempt.b_hi, attempt.b_lo) for attempt in sweep]
        what = "ICMP" if last.transport in {ICMP, ICMP6} else f"port {last.b_port}"
        reasons = (
            f"{address} tried {len(sweep)} addresses within {span(last.time - sweep[0].time)}, mostly in vain.",
            f"The last went to {targets[-1]}, {what}.",
        )
        findings.append(_finding(_ADDRESS_SCAN, view, (address, *targets[-_EXAMPLES:]), sweep, reasons))
    return findings


def _port_scan(state: ScanState, view: View) -> list[Finding]:
    findings = []
    for sweep in state.window.add(view.vain, _is_knock(view.vain), state.episodes, lambda _: True):
        last = sweep[-1]
        source, target = ip_text(last.a_hi, last.a_lo), ip_text(last.b_hi, last.b_lo)
        ports = sorted(attempt.b_port for attempt in sweep)
        reasons = (
            (
                f"{source} tried {len(sweep)} ports of {target} within {span(last.time - sweep[0].time)} without an answer"
                " worth the name."
            ),
            f"Ports from {ports[0]} to {ports[-1]}.",
        )
        findings.append(_finding(_PORT_SCAN, view, (source, target), sweep, reasons))
    return findings


def _ot_scan(state: ScanState, view: View) -> list[Finding]:
    rows = view.vain
    knocks = _is_knock(rows) & _IS_OT_PORT[rows["b_port"]]
    findings = []
    for sweep in state.window.add(rows, knocks, state.episodes, partial(state.in_vain, view.attempts)):
        last = sweep[-1]
        address = ip_text(last.a_hi, last.a_lo)
        targets = list(dict.fromkeys(ip_text(attempt.b_hi, attempt.b_lo) for attempt in sweep))
        ports = sorted({attempt.b_port for attempt in sweep})
        reasons = (
            (
                f"{address} knocked at {len(sweep)} controller ports of {len(targets)} hosts within"
                f" {span(last.time - sweep[0].time)} in vain."
            ),
            f"Ports tried: {', '.join(map(str, ports[:12]))}.",
        )
        findings.append(_finding(_OT_SCAN, view, (address, *targets[:_EXAMPLES]), sweep, reasons))
    return findings


def _finding(detector: Detector, view: View, addresses: tuple[str, ...], sweep: list[Attempt], reasons: tuple[str, ...]) -> Finding:
    severe = detector.id == _OT_SCAN.id
    return Finding(
        detector.id,
        detector.title,
        Severity.HIGH if severe else Severity.MEDIUM,
        7.0 if severe else 6.0,
        view.device(addresses[0]),
        addresses,
        sweep[0].time,
        sweep[-1].time + JUDGED_AFTER,
        reasons,
        _ADVICE[detector.id],
        detector.techniques,
    )


def _limits(threshold: int, unit: str, meaning: str) -> dict[str, Parameter]:
    return {
        "threshold": Parameter(threshold, unit, meaning),
        "seconds": Parameter(120.0, "s", "length of the sliding window"),
        "quiet": Parameter(600.0, "s", "an episode ends after so long without a further attempt"),
    }


_ADDRESS_SCAN = Detector(
    DetectorId("address_scan"),
    "Address scan",
    "One host tries many addresses in vain, or sweeps them with echo requests.",
    {
        **_limits(15, "addresses", "different addresses tried in vain"),
        "fast": Parameter(8, "addresses", "the same on one TCP port within 0.1 s without any answer; 0: no such rule"),
    },
    _begin_addresses,
    _address_scan,
    _DISCOVERY,
    peers_vary=True,
)
_PORT_SCAN = Detector(
    DetectorId("port_scan"),
    "Port scan",
    "One host tries many ports of another in vain.",
    _limits(10, "ports", "different ports tried in vain"),
    _begin_ports,
    _port_scan,
    _DISCOVERY,
)
_OT_SCAN = Detector(
    DetectorId("ot_scan"),
    "Scan for controllers",
    "One host knocks in vain at the ports of controllers: several hosts, several protocols, or both.",
    _limits(10, "host and port pairs", "different pairs tried in vain"),
    _begin_controllers,
    _ot_scan,
    (REMOTE_SYSTEM_DISCOVERY,),
    peers_vary=True,
)
_ADVICE = {
    _ADDRESS_SCAN.id: "Find out who runs the scan. If it is your own inventory tool, raise this detector's threshold"
    " or switch it off while the tool runs.",
    _PORT_SCAN.id: "Find out who runs the scan. If it is your own vulnerability scanner, raise this detector's threshold"
    " or switch it off while the tool runs.",
    _OT_SCAN.id: (
        "Treat it as reconnaissance of the plant: check who works on that host now, and keep it away from the control network."
    ),
}
DETECTORS = (_ADDRESS_SCAN, _PORT_SCAN, _OT_SCAN)
