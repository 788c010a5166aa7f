"""Floods: more connections, packets or commands at one target than any machine sends on purpose.

Absolute limits; what is much for one device in particular is for the learned detectors to say. A second is judged when it is
over, so that it counts the same however the traffic was handed over.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hauberk.detect.attack import DENIAL_OF_SERVICE, NETWORK_DENIAL_OF_SERVICE
from hauberk.detect.attempts import ICMP, ICMP6, JUDGED_AFTER, TCP, mix
from hauberk.detect.detectors.interface import Detector, Parameter, Parameters
from hauberk.detect.episode import Episodes
from hauberk.detect.rows import Flags, RowBuffer, compact, fields
from hauberk.detect.view import Group, View, span
from hauberk.detect.window import CountWindow
from hauberk.model.address import ip_text, mac_text
from hauberk.model.finding import Finding, Severity
from hauberk.model.flow import ACTIVITY
from hauberk.model.ids import DetectorId
from hauberk.model.observation import Columns
from hauberk.model.service import OT_SERVICES
from hauberk.model.transaction import Transaction

_TECHNIQUES = (DENIAL_OF_SERVICE, NETWORK_DENIAL_OF_SERVICE)
_MOST = 4096
_LARGE = 300
"""Bytes of a frame from which on it may be a picture: cameras send hundreds a second and want no answer."""
_LARGE_WEIGHT = 0.2
_FEW = 3
"""Senders up to which they are named as those who flood; more are likely forged."""
_CYCLIC = frozenset({"modbus", "s7comm", "s7comm_plus", "enip", "cip", "fins", "ads", "opcua", "goose", "profinet_dcp"})
"""Protocols in which controllers write to drives and outputs many times a second."""

_SECOND = 1_000_000_000
_TRIFLE = 10
"""A second in which a limit is missed so many times over is not counted: a flood has others."""
_ENDS = ("a_hi", "a_lo", "b_hi", "b_lo")

Weights = NDArray[np.float64]


_KEPT = fields(ACTIVITY, ("start", "end", *_ENDS, "a_mac"), {"weight": np.float64})
_MOST_WAITING = 1 << 17
_BUCKETS = 1 << 18


class Burst(NamedTuple):
    """What one target got in one second: epoch seconds, address halves, weight, rows."""

    first: float
    last: float
    target: tuple[int, int]
    weight: float
    rows: Columns


class Seconds:
    """Rows of whole seconds by target. ``late``: seconds by which rows may come late."""

    def __init__(self, late: float = 0.0, by: tuple[str, ...] = ("b_hi", "b_lo")) -> None:
        self._by: Final = by
        self._late: Final = int(late) + 1
        self._rows: Final = RowBuffer(_KEPT, _MOST_WAITING)
        self._next = np.inf

    def add(self, rows: Columns, watermark: float, least: float) -> list[Burst]:
        """Bursts of at least ``least`` of the seconds that are over, in order of time."""
        if len(rows):
            self._rows.append(rows)
            self._next = min(self._next, int(rows["start"].min()) // _SECOND)
        if self._next + self._late > watermark:
            return []
        rows = self._rows.rows
        over = rows["start"] // _SECOND + self._late <= watermark
        rows = rows[over]
        self._rows.keep(~over)
        self._next = int(self._rows.rows["start"].min()) // _SECOND if len(self._rows) else np.inf
        key = mix(rows["start"] // _SECOND, *(rows[name] for name in self._by))
        bucket = key & np.uint64(_BUCKETS - 1)
        heavy = np.bincount(bucket, rows["weight"], _BUCKETS)[bucket] >= least
        rows, key = rows[heavy], key[heavy]
        if not len(rows):
            return []
        order = np.argsort(key, kind="stable")
        groups = np.split(order, np.flatnonzero(np.diff(key[order])) + 1)
        bursts = [burst for burst in (_burst(rows[group]) for group in groups) if burst.weight >= least]
        return sorted(bursts, key=lambda burst: (int(burst.first), burst.target, burst.rows[["a_hi", "a_lo"]][0].tolist()))


def _burst(rows: Columns) -> Burst:
    head = rows[0]
    first, last = int(rows["start"].min()) * 1e-9, int(rows["end"].max()) * 1e-9
    return Burst(first, last, (int(head["b_hi"]), int(head["b_lo"])), float(rows["weight"].sum()), rows)


@dataclass(slots=True)
class FloodState:
    """Rates lately, and which floods go on."""

    limits: Parameters
    counts: dict[str, CountWindow]
    episodes: Episodes
    seconds: dict[str, Seconds] = field(
        default_factory=lambda: {
            "connections": Seconds(JUDGED_AFTER),
            "icmp": Seconds(),
            "packets": Seconds(),
            "sessions": Seconds(0.0, _ENDS),
        }
    )


def _begin(parameters: Parameters) -> FloodState:
    kinds = ("connections", "sessions", "icmp", "packets", "commands")
    counts = {kind: CountWindow(parameters["seconds"], _MOST) for kind in kinds}
    return FloodState(parameters, counts, Episodes(parameters["quiet"]))


def _step(state: FloodState, view: View) -> list[Finding]:
    vain, activity, seconds = view.vain, view.batch.activity, state.limits["seconds"]
    chosen = np.flatnonzero(vain["transport"] == TCP)
    findings = _bursts(state, view, "connections", compact(_KEPT, vain, chosen, weight=np.maximum(vain["syn_out"][chosen], 1.0)))
    transport, sent = activity["transport"], activity["packets_out"]
    host = (activity["ip_version"] > 0) & view.single
    icmp = host & ((transport == ICMP) | (transport == ICMP6))
    findings += _bursts(state, view, "icmp", _paced(activity, icmp, 1.0, seconds))
    deaf = host & (activity["payload_in"] == 0) & (sent > 20 * activity["packets_in"]) & (transport != TCP)
    sizes = np.where(activity["bytes_out"] >= _LARGE * sent, _LARGE_WEIGHT, 1.0)
    findings += _bursts(state, view, "packets", _paced(activity, deaf & ~_directed_broadcast(activity), sizes, seconds))
    findings += _sessions(state, view)
    findings += _commands(state, view)
    return sorted(findings, key=lambda finding: finding.raised)


def _paced(activity: Columns, which: Flags, each: float | Weights, seconds: float) -> Columns:
    """Rows with the packets they sent, ``each`` weighed, as their weight.

    Logs of connections give one row for a whole life: of a long one only what fell, evenly paced, into ``seconds`` counts.
    """
    chosen = np.flatnonzero(which)
    start, end = activity["start"][chosen], activity["end"][chosen]
    longest = int(seconds * _SECOND)
    share = longest / np.maximum(end - start, longest)
    weight = (activity["packets_out"] * each)[chosen] * share
    return compact(_KEPT, activity, chosen, weight=weight, end=np.minimum(end, start + longest))


def _directed_broadcast(rows: Columns) -> NDArray[np.bool_]:
    """Which rows go, as far as an address can tell, to everybody on an IPv4 network and were answered by nobody."""
    everybody: NDArray[np.bool_] = (rows["b_hi"] == 0) & (rows["b_lo"] & np.uint64(0xFF) == 0xFF) & (rows["packets_in"] == 0)
    return everybody


_TEXTS = {
    "connections": "opened {count:.0f} TCP connections to {target} that came to nothing",
    "icmp": "sent {count:.0f} ICMP packets to {target}",
    "packets": "sent packets to {target}, which hardly answered, at the rate of {count:.0f} small ones",
}


def _bursts(state: FloodState, view: View, kind: str, rows: Columns) -> list[Finding]:
    """Count the weights of ``rows`` by responder; say who sent most where a limit is passed."""
    findings = []
    for burst in state.seconds[kind].add(rows, view.batch.watermark, _least(state, kind)):
        key = (kind, burst.target)
        if state.episodes.goes_on(key, burst.last):
            continue
        count = state.counts[kind].add(key, burst.first, burst.weight)
        if count < state.limits[kind]:
            continue
        state.episodes.begin(key, burst.last)
        began = state.counts[kind].first(key)
        target = ip_text(*burst.target)
        what = f"{_TEXTS[kind].format(count=count, target=target)} within {span(burst.last - began)}."
        findings.append(_by_senders(view, burst.rows, target, what, (began, burst.last)))
    return findings


def _least(state: FloodState, kind: str) -> float:
    """Weight of a second that is worth counting."""
    return state.limits[kind] / state.limits["seconds"] / _TRIFLE


def _by_senders(view: View, rows: Columns, target: str, what: str, times: tuple[float, float]) -> Finding:
    """A finding that names the sender, or the card of many forged ones where they share it."""
    pairs, counts = np.unique(rows[["a_hi", "a_lo"]], return_counts=True)
    most = pairs[int(np.argmax(counts))]
    source = ip_text(int(most["a_hi"]), int(most["a_lo"]))
    if len(pairs) <= _FEW:
        who = source if len(pairs) == 1 else f"{len(pairs)} hosts, most of all {source},"
        return _finding(view, (source, target), times, f"{who} {what}")
    cards = np.unique(rows["a_mac"][rows["a_mac"] != 0])
    card = mac_text(int(cards[0])) if len(cards) == 1 else None
    who = f"{len(pairs)} addresses, among them {source}," + (f" all from card {card}," if card else "")
    return _finding(view, (target, card or source), times, f"{who} {what}")


def _sessions(state: FloodState, view: View) -> list[Finding]:
    """Connections of one host to another, whether they came to something or not."""
    findings = []
    activity = view.batch.activity
    chosen = np.flatnonzero(view.beginnings & (activity["transport"] == TCP) & (activity["syn_out"] > 0))
    rows = compact(_KEPT, activity, chosen, weight=np.ones(len(chosen)))
    for burst in state.seconds["sessions"].add(rows, view.batch.watermark, _least(state, "sessions")):
        head = burst.rows[0]
        source = int(head["a_hi"]), int(head["a_lo"])
        key = ("sessions", source, burst.target)
        if state.episodes.goes_on(key, burst.last):
            continue
        count = state.counts["sessions"].add(key, burst.first, burst.weight)
        if count < state.limits["sessions"]:
            continue
        state.episodes.begin(key, burst.last)
        began = state.counts["sessions"].first(key)
        ends = ip_text(*source), ip_text(*burst.target)
        reason = f"{ends[0]} opened {count:.0f} TCP connections to {ends[1]} within {span(burst.last - began)}."
        findings.append(_finding(view, ends, (began, burst.last), reason))
    return findings


def _is_command(group: Group) -> bool:
    return group.write and group.role == "request" and group.protocol in OT_SERVICES


def _commands(state: FloodState, view: View) -> list[Finding]:
    subjects: dict[tuple[str, str, str], list[list[Transaction]]] = defaultdict(list)
    for group, members in view.groups.items():
        if _is_command(group):
            subjects[group.protocol, group.src, group.dst].append(members)
    findings = []
    for key, parts in subjects.items():
        times = [member.time for part in parts for member in part]
        if not state.episodes.goes_on_throughout(key, min(times), max(times)):
            members = parts[0] if len(parts) == 1 else sorted((member for part in parts for member in part), key=_when)
            findings += _excess(state, view, key, members)
    return findings


def _when(transaction: Transaction) -> tuple[float, int]:
    return transaction.time, transaction.frame


def _excess(state: FloodState, view: View, key: tuple[str, str, str], members: list[Transaction]) -> list[Finding]:
    """Findings on the commands of one protocol from one host to another."""
    findings = []
    protocol, src, dst = key
    limit = state.limits["commands" if protocol in _CYCLIC else "telecontrol"]
    for transaction in members:
        time = transaction.time
        if state.episodes.goes_on(key, time):
            continue
        count = state.counts["commands"].add(key, time)
        if count < limit:
            continue
        state.episodes.begin(key, time)
        began = state.counts["commands"].first(key)
        reason = (
            f"{src} sent {count:.0f} {protocol} commands (the last: {transaction.operation}) to {dst} within {span(time - began)}."
        )
        findings.append(_finding(view, (src, dst), (began, time), reason))
    return findings


def _finding(view: View, addresses: tuple[str, str], times: tuple[float, float], reason: str) -> Finding:
    return Finding(
        DetectorId("flood"),
        "Flood",
        Severity.HIGH,
        7.0,
        view.device(addresses[0]),
        addresses,
        *times,
        (reason,),
        "Check whether the target still does its work. A sender that is yours is broken or taken over; for forged"
        " ones, look for the port they come from.",
        _TECHNIQUES,
    )


DETECTORS = (
    Detector(
        DetectorId("flood"),
        "Flood",
        "One target gets more connections, ICMP, unanswered packets or control commands than any machine sends on purpose.",
        {
            "connections": Parameter(500, "connections", "TCP connections to one target that come to nothing"),
            "sessions": Parameter(2500, "connections", "TCP connections of one host to another, used or not"),
            "icmp": Parameter(1000, "packets", "ICMP packets to one target"),
            "packets": Parameter(10000, "packets", "packets to one target that hardly answers; large ones count a fifth"),
            "commands": Parameter(1500, "commands", "writes and controls of one protocol from one host to another"),
            "telecontrol": Parameter(
                500, "commands", "the same in protocols that write seldom (DNP3, IEC 104, BACnet, MMS and such)"
            ),
            "seconds": Parameter(10.0, "s", "length of the sliding window"),
            "quiet": Parameter(300.0, "s", "an episode ends after so long below the limits"),
        },
        _begin,
        _step,
        _TECHNIQUES,
    ),
)
