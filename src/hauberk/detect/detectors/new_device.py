"""New device: a network card, or a local host where cards are not seen, that was absent while the network was learned.

Learns nothing while it judges, so that an intruder is not taught in. Invented cards that come in crowds (a flooded switch, an
exhausted DHCP server) are said once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from hauberk.detect.attack import HARDWARE_ADDITIONS, TRANSIENT_CYBER_ASSET
from hauberk.detect.attempts import mix
from hauberk.detect.detectors.interface import Detector, Parameter, Parameters
from hauberk.detect.episode import Episodes
from hauberk.detect.verdict_subject import VerdictSubject
from hauberk.detect.view import View, is_group_address, span
from hauberk.detect.window import CountWindow
from hauberk.model.address import ip_text, mac_text
from hauberk.model.finding import Evidence, Finding, Severity
from hauberk.model.ids import DetectorId
from hauberk.model.observation import Columns

_ZERO_V4 = np.uint64(0xFFFF_0000_0000)
_TECHNIQUES = (HARDWARE_ADDITIONS, TRANSIENT_CYBER_ASSET)
_ADVICE = "Find out what it is and who connected it. If it belongs here, learn again with it present."
_CROWD = "crowd"
_HOUR = 3600 * 1_000_000_000
_SENDER = np.dtype([("start", np.int64), ("mac", np.uint64), ("hi", np.uint64), ("lo", np.uint64), ("version", np.uint8)])
_MOST = 4096
_CARD = 17
"""Characters of a hardware address."""


@dataclass(slots=True)
class NewcomerState:
    """Who was said to be new, and how many lately."""

    crowd: float
    episodes: Episodes
    lately: CountWindow


def _begin(parameters: Parameters) -> NewcomerState:
    return NewcomerState(parameters["crowd"], Episodes(parameters["quiet"]), CountWindow(parameters["seconds"], _MOST))


def _senders(activity: Columns) -> Iterator[tuple[float, int, int, int, int]]:
    """(first time, MAC, address halves, IP version) of everything that sent something, by time.

    One an hour for each card, which names it, or for each address where the capture shows no cards.
    """
    parts = []
    for side, sent in (("a", "packets_out"), ("b", "packets_in")):
        chosen = np.flatnonzero(activity[sent] > 0)
        if len(chosen):
            rows = np.empty(len(chosen), _SENDER)
            for name, column in zip(
                _SENDER.names or (), ("start", f"{side}_mac", f"{side}_hi", f"{side}_lo", "ip_version"), strict=True
            ):
                rows[name] = activity[column][chosen]
            address = rows["version"] > 0
            parts.append(
                rows[~(address & (is_group_address(rows["hi"], rows["lo"]) | (rows["lo"] == _ZERO_V4)) & (rows["mac"] == 0))]
            )
    if not parts:
        return
    pairs = np.concatenate(parts)
    pairs = pairs[np.argsort(pairs["start"], kind="stable")]
    carded = np.flatnonzero(pairs["mac"] != 0)
    _, cards = np.unique(mix(pairs["mac"][carded], pairs["start"][carded] // _HOUR), return_index=True)
    bare = np.flatnonzero((pairs["mac"] == 0) & (pairs["version"] > 0))
    _, hosts = np.unique(mix(pairs["hi"][bare], pairs["lo"][bare], pairs["start"][bare] // _HOUR), return_index=True)
    chosen = pairs[np.sort(np.concatenate([carded[cards], bare[hosts]]))]
    columns = (chosen["start"] * 1e-9, *(chosen[name] for name in ("mac", "hi", "lo", "version")))
    yield from zip(*(column.tolist() for column in columns), strict=True)


def _step(state: NewcomerState, view: View) -> list[Finding]:
    findings = []
    macs, ips = view.baseline.macs, view.baseline.ips
    zero = int(_ZERO_V4)
    for time, mac, hi, lo, version in _senders(view.batch.activity):
        card = mac_text(mac) if mac else None
        if card and (card,) in macs:
            continue
        ip = ip_text(hi, lo) if version and lo != zero else None
        subject = card or ip
        if subject is None or (not card and (ip,) in ips):
            continue
        if view.learning:
            (macs if card else ips).add((subject,))
            continue
        if not card and not view.fleet.is_local(subject):
            continue
        finding = _new(state, view, subject, tuple(address for address in (ip, card) if address), time)
        findings += [finding] if finding is not None else []
    return findings


def _new(state: NewcomerState, view: View, subject: str, addresses: tuple[str, ...], time: float) -> Finding | None:
    """What is to be said of a newcomer: nothing of one said before, nor of each in a crowd."""
    if state.episodes.goes_on(subject, time):
        return None
    state.episodes.begin(subject, time)
    count = state.lately.add(_CROWD, time)
    first = time
    severity, reason = (
        Severity.MEDIUM,
        f"{' with card '.join(addresses)} sends for the first time; it was silent or absent while the network was learned.",
    )
    if count >= state.crowd:
        if state.episodes.goes_on(_CROWD, time):
            return None
        state.episodes.begin(_CROWD, time)
        first = state.lately.first(_CROWD)
        severity = Severity.HIGH
        reason = (
            f"{count:.0f} devices sent for the first time within {span(time - first)}, the last {subject}; more are not"
            " listed one by one."
        )
    return Finding(
        DetectorId("new_device"),
        "New device" if severity is Severity.MEDIUM else "Crowd of new devices",
        severity,
        6.0,
        view.device(addresses[0]),
        addresses,
        first,
        time,
        (reason,),
        _ADVICE,
        _TECHNIQUES,
        (Evidence("newcomer", subject, samples=int(count), score=6.0),),
    )


def _learn(state: NewcomerState, subject: VerdictSubject) -> bool:  # noqa: ARG001 - the interface's own shape
    if not subject.addresses:
        return False
    name = subject.addresses[-1]
    (subject.baseline.macs if _is_card(name) else subject.baseline.ips).add((name,))
    return True


def _unlearn(state: NewcomerState, subject: VerdictSubject) -> None:  # noqa: ARG001 - same
    for known in (subject.baseline.macs, subject.baseline.ips):
        known.discard(subject.addresses[-1:])


def _is_card(address: str) -> bool:
    return len(address) == _CARD and address.count(":") == address[2::3].count(":") == 5


DETECTORS = (
    Detector(
        DetectorId("new_device"),
        "New device",
        "A network card, or a local host where cards are not seen, that was absent while the network was learned.",
        {
            "quiet": Parameter(86400.0, "s", "said again only after so long a silence"),
            "crowd": Parameter(20, "devices", "new devices from which on they are said together"),
            "seconds": Parameter(60.0, "s", "length of the sliding window for a crowd"),
        },
        _begin,
        _step,
        _TECHNIQUES,
        learned=True,
        learn=_learn,
        unlearn=_unlearn,
        peers_vary=True,
    ),
)
