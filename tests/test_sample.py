"""The sample capture that travels with the source: a newcomer's first run must find the staged attack, and nothing before it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = ROOT / "samples" / "site.pcapng"
README = ROOT / "samples" / "README.md"
PRESS, CONVEYOR, HMI, BROKER, CAMERA, LAPTOP = (f"10.20.0.{last}" for last in (11, 12, 20, 30, 60, 119))
LAPTOP_CARD = "54:ee:75:9a:77:99"
KINDS = {
    "10.20.0.1": ("router", None),
    PRESS: ("plc", "Siemens"),
    CONVEYOR: ("plc", "Schneider Electric"),
    "10.20.0.13": ("plc", "Beckhoff"),
    HMI: ("hmi", "Advantech"),
    "10.20.0.21": ("historian", "Dell"),
    "10.20.0.22": ("engineering_workstation", "Dell"),
    BROKER: ("broker", "Raspberry Pi"),
    CAMERA: ("camera", "Hikvision"),
    LAPTOP: ("computer", None),
}
"""What the address is taken for, and by whom it was made where that says something."""
STAGED = {
    "new_device": {LAPTOP_CARD},
    "arp_scan": {LAPTOP},
    "address_scan": {LAPTOP},
    "port_scan": {LAPTOP, CAMERA},
    "ot_scan": {LAPTOP},
    "excessive_logins": {LAPTOP},
    "cleartext_credentials": {LAPTOP},
    "new_ot_master": {CAMERA, PRESS},
    "new_write": {CAMERA, PRESS},
    "ip_mac_conflict": {PRESS},
    "ot_master_card": {PRESS},
    "malformed_messages": {CAMERA, CONVEYOR},
}
"""Detectors that must fire, and addresses that one of their findings must name."""
ALSO = {"unusual_volume", "unusual_contacts"}
"""Detectors that add up what the attack does to its victims; which of them, and of whom, is theirs to say."""
PROTOCOLS = {"arp", "coap", "dhcp", "dns", "http", "mdns", "modbus", "mqtt", "ntp", "opcua", "ssdp", "telnet", "tls"}
_LARGEST = 600_000


@dataclass(frozen=True)
class Run:
    """What Hauberk says of the sample: findings, incidents, devices, messages."""

    findings: list[dict[str, Any]]
    incidents: list[dict[str, Any]]
    devices: list[dict[str, Any]]
    transactions: list[dict[str, Any]]

    @property
    def first(self) -> float:
        """Epoch seconds at which somebody was first seen."""
        return min(float(device["first_seen"]) for device in self.devices)


def hauberk(*arguments: str) -> list[dict[str, Any]]:
    """The lines that the command prints; findings are no failure."""
    command = [str(Path(sys.executable).parent / "hauberk"), *arguments, "--format", "json"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode in {0, 1}, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def run() -> Run:
    """One analysis with half of the time learned, and what the sensor saw."""
    said = hauberk("analyze", str(SAMPLE), "--learn", "50%")
    return Run(
        [finding["unmapped"]["hauberk"] for finding in said if finding["class_uid"] == 2004],
        [incident for incident in said if incident["class_uid"] == 2005],
        hauberk("inspect", str(SAMPLE), "--emit", "devices"),
        hauberk("inspect", str(SAMPLE), "--emit", "transactions"),
    )


def attack_begins() -> float:
    """Seconds from the first packet to the attack, as the README says."""
    said = re.search(r"begins (\d+) seconds after the first packet", README.read_text(encoding="utf-8"))
    assert said is not None
    return float(said[1])


def test_the_sample_is_small() -> None:
    """The capture travels with the source and stays below its limit."""
    assert SAMPLE.stat().st_size <= _LARGEST


def test_nothing_is_found_before_the_attack(run: Run) -> None:
    """A finding in the peaceful part would be a false alarm in front of every newcomer."""
    begins = run.first + attack_begins() - 1.0
    early = [(finding["detector"], finding["reasons"]) for finding in run.findings if finding["first_evidence"] < begins]
    assert run.findings
    assert not early


def test_the_intruder_comes_when_the_readme_says(run: Run) -> None:
    """The laptop is seen for the first time within two seconds of the moment named."""
    laptop = next(device for device in run.devices if LAPTOP in device["ips"])
    assert abs(laptop["first_seen"] - run.first - attack_begins()) < 2.0


@pytest.mark.parametrize("detector", sorted(STAGED))
def test_every_staged_step_is_found(run: Run, detector: str) -> None:
    """Each step of the story raises the finding it was staged for, about those who took part."""
    named = [set(finding["addresses"]) for finding in run.findings if finding["detector"] == detector]
    assert any(STAGED[detector] <= addresses for addresses in named), named


def test_only_staged_detectors_speak(run: Run) -> None:
    """A detector that fires without a reason in the story is wrong, or the story is told wrongly."""
    assert {finding["detector"] for finding in run.findings} <= {*STAGED, *ALSO}


def test_the_staged_attack_is_one_incident(run: Run) -> None:
    """All findings belong to it; the laptop is its source, the camera its way to the controllers."""
    (incident,) = run.incidents
    assert {finding["incident"] for finding in run.findings} == {incident["metadata"]["uid"]}
    own = incident["unmapped"]["hauberk"]
    assert own["addresses"][:2] == [LAPTOP, CAMERA]
    assert len(own["findings"]) == len(own["timeline"]) == len(run.findings)
    assert {"Initial Access", "Discovery", "Credential Access", "Impair Process Control"} <= set(own["stages"])
    assert incident["severity"] == "Critical"
    assert own["next_steps"]


@pytest.mark.parametrize("address", sorted(KINDS))
def test_devices_are_named_sensibly(run: Run, address: str) -> None:
    """Kind and maker of the devices whose traffic tells them."""
    kind, vendor = KINDS[address]
    found = [device for device in run.devices if address in device["ips"]]
    assert len(found) == 1
    assert found[0]["kind"] == kind
    assert vendor is None or found[0]["vendor"] == vendor


def test_the_controllers_say_who_they_are(run: Run) -> None:
    """Models come from what the controllers answer over Modbus."""
    models = {address: device["model"] for device in run.devices for address in device["ips"]}
    assert models[PRESS] == "6ES7 214-1AG40-0XB0"
    assert models[CONVEYOR] == "TM221CE16R"


def test_every_protocol_is_seen(run: Run) -> None:
    """All the plant's protocols appear as messages."""
    assert {transaction["protocol"] for transaction in run.transactions} >= PROTOCOLS - {"arp"}


def test_the_operator_station_writes_in_peace(run: Run) -> None:
    """The regular setpoint change is a write from the beginning, so that it is learned and not reported."""
    writes = [entry for entry in run.transactions if entry["protocol"] == "modbus" and entry["write"] and entry["src"] == HMI]
    assert any(entry["time"] < run.first + attack_begins() for entry in writes)
    assert not [finding for finding in run.findings if finding["detector"] == "new_write" and finding["addresses"][0] == HMI]


def test_no_password_is_kept(run: Run) -> None:
    """Neither messages nor findings repeat what was typed as a password."""
    said = json.dumps([run.findings, run.transactions])
    assert not [word for word in ("12345", "xc3511", "vizxv", "for-the-sample-only") if f'"{word}"' in said]


def test_the_readme_names_everybody_and_everything(run: Run) -> None:
    """Every address and every staged finding stands in the README."""
    text = README.read_text(encoding="utf-8")
    addresses = {address for device in run.devices for address in device["ips"]}
    assert not [word for word in (*sorted(addresses), *STAGED) if f"`{word}`" not in text]


def test_tshark_reads_the_sample(tshark: str) -> None:
    """An independent reader finds whole packets; what it calls malformed are the frames that the camera breaks on purpose."""
    done = subprocess.run(
        [tshark, "-r", str(SAMPLE), "-Y", "_ws.malformed", "-T", "fields", "-e", "ip.src", "-e", "tcp.dstport"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert set(done.stdout.splitlines()) <= {f"{CAMERA}\t502"}
