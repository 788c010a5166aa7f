"""Analyses of captures from end to end: labelled attacks are found, and found where they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from hauberk.detect.snapshot import Snapshot
from hauberk.service.analysis import Analysis, finding_record
from hauberk.service.feed import Depth, open_feed


def _analyze(path: Path, **options: object) -> tuple[Analysis, set[tuple[str, str]]]:
    analysis = Analysis(**options)  # type: ignore[arg-type]  # options are those of the caller
    findings = analysis.settle(analysis.run(open_feed([str(path)], Depth.MESSAGES, seed=1).observations()))
    assert all(finding_record(finding)["class_uid"] == 2004 for finding in findings)
    return analysis, {(finding.detector, finding.addresses[0]) for finding in findings}


@pytest.mark.parametrize(
    "name,detector,attacker",
    [
        ("scan/port_scan.pcap", "port_scan", "192.168.2.154"),
        ("slips/test12-icmp-portscan.pcap", "address_scan", "192.168.1.109"),
        ("mqttset/bruteforce-train.pcapng.xz", "excessive_logins", "192.168.1.90"),
        ("mqttset/slowite-train.pcap.xz", "excessive_sessions", "10.16.120.44"),
        ("s7-qut2017/20161215190548.WaterTankOnManu_Flooding.master.pcap.xz", "flood", "10.10.10.66"),
        ("modbus-cset2016/characterization_modbus_6RTU_with_operate.pcap.xz", "ot_error_burst", "192.168.1.101"),
    ],
)
def test_labelled_attacks_are_found(name: str, detector: str, attacker: str, data: Path) -> None:
    """The detector for the attack names the attacker."""
    _, found = _analyze(data / "labelled" / name)
    assert (detector, attacker) in found


def test_what_one_run_learned_serves_another(data: Path) -> None:
    """A baseline saved and loaded judges the same capture as clean."""
    path = data / "captures" / "ics-misc" / "modbus" / "modbus_test.pcap"
    taught, _ = _analyze(path, learn_until=4e9)
    loaded = Snapshot.load(taught.snapshot().dump())
    assert loaded.baseline == taught.baseline
    assert loaded.baseline.masters
    _, found = _analyze(path, snapshot=loaded)
    assert not found
