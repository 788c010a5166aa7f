"""Beacon: a device keeps coming back to a peer beyond the local networks that it never had to do with, at regular times."""

from __future__ import annotations

from dataclasses import dataclass

from hauberk.detect.attack import APPLICATION_LAYER_PROTOCOL, COMMONLY_USED_PORT
from hauberk.detect.behaviour.beacon import BeaconAlarm, Beacons
from hauberk.detect.detectors.interface import Detector, Parameter, Parameters
from hauberk.detect.view import View, span
from hauberk.model.finding import Evidence, Finding, Severity
from hauberk.model.ids import DetectorId, DeviceId

_ID = DetectorId("beacon")
_TECHNIQUES = (APPLICATION_LAYER_PROTOCOL, COMMONLY_USED_PORT)


@dataclass(slots=True)
class BeaconState:
    """The contacts, and an address of each device."""

    model: Beacons
    addresses: dict[str, str]


def _begin(parameters: Parameters) -> BeaconState:
    return BeaconState(Beacons(parameters["evidence"]), {})


def _carry(fresh: BeaconState, old: BeaconState) -> None:
    old.model.begin_stream()
    fresh.model.learn_from(old.model)
    fresh.addresses.update(old.addresses)


def _step(state: BeaconState, view: View) -> list[Finding]:
    findings = []
    learned = view.baseline.until is not None
    for part in view.spans:
        state.addresses.update(zip(part.ids, part.addresses, strict=True))
        findings += [_finding(state, alarm) for alarm in state.model.observe(part, view.names, view.fleet, learned=learned)]
    return findings


def _finding(state: BeaconState, alarm: BeaconAlarm) -> Finding:
    key = alarm.key
    address = state.addresses.get(key.device, key.device)
    peer = alarm.address if key.group in alarm.address else f"{alarm.address} ({key.group})"
    rhythm = f"{alarm.share:.0%} of the intervals are close to {span(alarm.interval)}" if alarm.share else "at no fixed times"
    usual = "It had nothing to do with that peer while it was learned." if alarm.learned else "Nothing was learned of it."
    series = alarm.series
    return Finding(
        _ID,
        "Regular contact with a new peer" if alarm.learned else "Contact as regular as a beacon",
        Severity.HIGH if alarm.learned else Severity.MEDIUM,
        alarm.score,
        DeviceId(key.device),
        (address, alarm.address),
        alarm.first,
        alarm.time,
        (
            (
                f"{address} began {alarm.conversations:,} conversations with {peer} on port {key.port} within"
                f" {span(max(alarm.time - alarm.first, 0.0))}; {rhythm}."
            ),
            usual,
        ),
        f"Find out what {address} wants from {alarm.address}; malware calls home like this. Block it if nobody knows.",
        _TECHNIQUES,
        (
            Evidence("contact_interval", round(alarm.interval, 2), "s", score=round(alarm.score, 2), samples=alarm.windows),
            Evidence("bytes_a_conversation", series[-1][1], "B", samples=alarm.windows, series=series),
        ),
    )


DETECTORS = (
    Detector(
        _ID,
        "Beacon",
        "Conversations, again and again, with a peer beyond the local networks that the device did not have while it was learned;"
        " without learning, only many alike ones at the pace of a machine.",
        {"evidence": Parameter(6.0, "log10", "evidence from which a peer is told")},
        _begin,
        _step,
        _TECHNIQUES,
        carry=_carry,
    ),
)
