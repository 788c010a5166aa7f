"""Material for reports: a plausible plant, and the means to make one that is hostile or large."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from hauberk.model.address import ip_halves
from hauberk.model.device import Device
from hauberk.model.finding import Band, Evidence, Finding, Severity, Technique
from hauberk.model.flow import ACTIVITY
from hauberk.model.ids import DetectorId, DeviceId, IncidentId
from hauberk.model.incident import Incident, NextStep
from hauberk.service.links import Edge
from hauberk.service.report import Material
from hauberk.service.timeline import Timeline

BEGIN = 1_700_000_000
MINUTE = 60
SECOND = 1_000_000_000

Make = Callable[..., Material]
Poison = Callable[[Material, str], Material]
HOSTILE = (
    "<script>alert(1)</script>",
    "</script><img src=x onerror=alert(1)>",
    '" onmouseover="alert(1)',
    "' autofocus onfocus='alert(1)",
    "\u202egpj.exe\u2066\u200b",
    "\x1b[2J\x00\x07\r\n",
    "\udc80\ud800",
    "{{ 7*7 }}{% raw %}",
    '<a href="javascript:alert(1)">x</a>',
    "@ink",
    "%{y}<extra>",
    "&lt;script&gt;<!--<![CDATA[",
    "\u2028\u2029",
)


def device(number: int, **changes: object) -> Device:
    """The device with the address 10.1.x.y."""
    address = f"10.1.{number >> 8}.{number & 255}"
    plain = Device(
        id=DeviceId(f"mac-0200000{number:05x}"),
        macs=(f"02:00:00:{number >> 16 & 255:02x}:{number >> 8 & 255:02x}:{number & 255:02x}",),
        ips=(address,),
        hostnames=(f"press-{number}",) if number % 3 else (),
        vendor="Siemens" if number % 2 else "Advantech",
        kind=("plc", "hmi", "iot_device")[number % 3],
        model="6ES7 214",
        firmware="4.2",
        confidence=0.5 + number % 50 / 100,
        reasons=("Its maker is Siemens.", "It answers Modbus requests."),
        protocols=("modbus", "dns"),
        first_seen=BEGIN,
        last_seen=BEGIN + 3600,
        packets=1000 + number,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]  # changes are fields of Device


def series(level: float, peak: float) -> tuple[tuple[float, float], ...]:
    """Sixty minutes around ``level``, the last five up to ``peak``."""
    values = [level * (1 + 0.3 * math.sin(at)) for at in range(55)] + [level + (peak - level) * at / 5 for at in range(1, 6)]
    return tuple((BEGIN + MINUTE * at, value) for at, value in enumerate(values))


def finding(number: int, subject: Device, **changes: object) -> Finding:
    """A finding with evidence of every shape: a series, a number against bands, a thing that is new."""
    usual = Band(700.0, 1000.0, 1500.0)
    plain = Finding(
        detector=DetectorId(f"detector_{number % 7}"),
        title=f"Unusual amount of traffic {number}",
        severity=Severity(1 + number % 5),
        score=7.5,
        device=subject.id,
        addresses=(subject.ips[0], "10.1.0.1"),
        first_evidence=BEGIN + 3300.0,
        raised=BEGIN + 3540.0 - number % 1000,
        reasons=(f"It sent {9000 + number} bytes a minute, usually 700 to 1500.", "It talks to a peer it never talked to."),
        advice="Look at what it sends, and ask its operator.",
        techniques=(Technique("T0855", "Unauthorized Command Message", "ics"), Technique("T1046", "Scanning", "enterprise")),
        evidence=(
            Evidence(
                "bytes_out",
                9000.0,
                "bytes",
                usual,
                Band(400.0, 1100.0, 3000.0),
                BEGIN,
                3000,
                3.2,
                series(1000, 9000),
            ),
            Evidence("distinct_peers", 41.0, "", Band(2.0, 3.0, 5.0), Band(1.0, 4.0, 12.0), BEGIN, 3000, 2.0),
            Evidence("new_peer", "203.0.113.9", "", None, None, BEGIN, 3000, 1.5),
        ),
    )
    return replace(plain, **changes)  # type: ignore[arg-type]  # changes are fields of Finding


def incident(number: int, findings: Sequence[Finding], **changes: object) -> Incident:
    """An incident of ``findings``."""
    plain = Incident(
        id=IncidentId(f"incident-{number}"),
        title="Somebody searches the network and commands a controller",
        severity=max(item.severity for item in findings),
        confidence=0.87,
        devices=tuple(dict.fromkeys(item.device for item in findings if item.device)),
        addresses=tuple(dict.fromkeys(item.addresses[0] for item in findings)),
        findings=tuple(sorted(findings, key=lambda item: item.raised)),
        started=min(item.first_evidence for item in findings),
        updated=max(item.raised for item in findings),
        techniques=findings[0].techniques,
        stages=("discovery", "lateral_movement", "impair_process_control"),
        summary="10.1.0.2 asked 41 hosts for services, logged in to one and then wrote to a controller.",
        next_steps=(
            NextStep(Technique("T0814", "Denial of Service", "ics"), "10.1.0.3", 0.42, "It has a link to 10.1.0.3."),
            NextStep(Technique("T0836", "Modify Parameter", "ics"), "10.1.0.4", 0.21, "It already writes there."),
        ),
    )
    return replace(plain, **changes)  # type: ignore[arg-type]  # changes are fields of Incident


def activity(devices: Sequence[Device], seconds: int = 3600, step: int = 30) -> np.ndarray[tuple[int], np.dtype[np.void]]:
    """Each device talks to the next one, every ``step`` seconds."""
    rows = np.zeros(len(devices) * (seconds // step), ACTIVITY)
    at = 0
    for number, one in enumerate(devices):
        peer = devices[(number * 7 + 1) % len(devices)]
        for moment in range(0, seconds, step):
            rows[at]["start"] = (BEGIN + moment) * SECOND
            rows[at]["end"] = rows[at]["start"] + SECOND // 2
            rows[at]["a_hi"], rows[at]["a_lo"] = ip_halves(one.ips[0])
            rows[at]["b_hi"], rows[at]["b_lo"] = ip_halves(peer.ips[0])
            rows[at]["ip_version"], rows[at]["bytes_out"], rows[at]["bytes_in"] = 4, 200 + 900 * (number % 4), 100
            at += 1
    return rows


def edges(devices: Sequence[Device]) -> list[Edge]:
    """Ties of devices to some hubs, to each other and to the Internet."""
    made = []
    for number, one in enumerate(devices):
        hub = devices[number % min(4, len(devices))]
        made.append(Edge(one.ips[0], hub.ips[0], "modbus", 400 + number, 40_000 + 9000 * (number % 11), BEGIN, BEGIN + 3600))
        if number % 5 == 0:
            made.append(Edge(one.ips[0], f"203.0.113.{number % 250}", "tls", 90, 90_000, BEGIN, BEGIN + 3600))
        if number % 4 == 0:
            made.append(Edge(one.ips[0], "224.0.0.251", "mdns", 9, 900, BEGIN, BEGIN + 3600))
            made.append(Edge(one.ips[0], devices[-1].ips[0], "http", 70, 30_000, BEGIN, BEGIN + 3600))
    return made


def material(devices: Sequence[Device], findings: Sequence[Finding], **changes: object) -> Material:
    """Material of these devices and findings."""
    timeline = Timeline()
    timeline.observe(activity(devices[:60]))
    holders = {address: one.id for one in devices for address in one.ips}
    plain = Material(
        sources=("monday.pcapng",),
        version="1.2.3",
        attack_version="18.1",
        packets=123_456,
        bytes=98_765_432,
        conversations=4321,
        messages=(("modbus", 9000), ("dns", 300)),
        writes=12,
        devices=devices,
        findings=findings,
        incidents=[incident(0, findings[:6])] if findings else [],
        edges=edges(devices[:400]),
        timeline=timeline,
        holder=holders.get,
        is_local=lambda address: address.startswith("10."),
        learned="50%",
        learned_until=BEGIN + 1800.0,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]  # changes are fields of Material


@pytest.fixture(scope="session")
def make() -> Make:
    """Makes the material of a plant with so many devices and findings."""

    def build(devices: int = 24, findings: int = 9, **changes: object) -> Material:
        fleet = [device(number) for number in range(1, devices + 1)]
        found = [finding(number, fleet[number * 5 % len(fleet)]) for number in range(findings)] if fleet else []
        return material(fleet, found, **changes)

    return build


def poisoned(material: Material, text: str) -> Material:
    """The material with ``text`` wherever traffic or names of files may put text."""

    def evidence(item: Evidence) -> Evidence:
        return replace(item, name=text, unit=text, seen=text if isinstance(item.seen, str) else item.seen)

    findings = [
        replace(
            finding,
            title=text,
            reasons=(text,) * len(finding.reasons),
            advice=text,
            addresses=(text,) * len(finding.addresses),
            evidence=tuple(map(evidence, finding.evidence)),
        )
        for finding in material.findings
    ]
    devices = [
        replace(
            device,
            hostnames=(text,),
            vendor=text,
            kind=text,
            model=text,
            firmware=text,
            reasons=(text,) * len(device.reasons),
            protocols=(text,),
        )
        for device in material.devices
    ]
    incidents = [
        replace(
            incident,
            title=text,
            summary=text,
            stages=(text,) * len(incident.stages),
            findings=tuple(findings[:6]),
            next_steps=tuple(replace(step, target=text, reason=text) for step in incident.next_steps),
        )
        for incident in material.incidents
    ]
    edges = [Edge(link.src, link.dst, text, link.packets, link.bytes, link.first, link.last) for link in material.edges]
    return replace(
        material,
        sources=(text,),
        messages=((text, 5),),
        findings=findings,
        devices=devices,
        incidents=incidents,
        edges=edges,
        unread=(text,),
        learned=text,
    )


@pytest.fixture
def poison() -> Poison:
    """Puts a text wherever traffic or names of files may put one."""
    return poisoned


@pytest.fixture(params=HOSTILE, ids=range(len(HOSTILE)))
def hostile(request: pytest.FixtureRequest) -> str:
    """A text that attacks the page, one after the other."""
    return str(request.param)


@pytest.fixture
def hostile_texts() -> tuple[str, ...]:
    """Every text that attacks the page."""
    return HOSTILE
