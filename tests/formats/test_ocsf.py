"""Findings as OCSF 1.8 Detection Findings: what class 2004 requires is there, and what Hauberk promises scripts."""

from __future__ import annotations

import orjson
import pytest

from hauberk.formats.ocsf import detection_finding, finding_uid
from hauberk.model.finding import Finding, Severity, Technique
from hauberk.model.ids import DetectorId, DeviceId

FINDING = Finding(
    DetectorId("flood"),
    "Flood",
    Severity.HIGH,
    7.123456,
    DeviceId("d1"),
    ("10.0.0.66", "10.0.1.1"),
    1700000000.25,
    1700000001.5,
    ("One.", "Two."),
    "Look.",
    (Technique("T0814", "Denial of Service", "ics"), Technique("T1557.002", "ARP Cache Poisoning", "enterprise")),
)
REQUIRED = {"activity_id", "category_uid", "class_uid", "finding_info", "metadata", "severity_id", "time", "type_uid"}
KNOWN = {
    *REQUIRED,
    *("activity_name", "category_name", "class_name", "type_name", "severity", "status", "status_id", "message", "is_alert"),
    *("device", "remediation", "unmapped"),
}


def test_what_the_class_requires_is_there_and_nothing_unknown() -> None:
    """Attribute names and identifiers of OCSF 1.8, class 2004."""
    record = dict(detection_finding(FINDING, "1.2.3", "18.1"))
    assert record.keys() >= REQUIRED
    assert record.keys() <= KNOWN
    assert (record["class_uid"], record["category_uid"], record["type_uid"], record["severity_id"]) == (2004, 2, 200401, 4)
    assert record["time"] == 1700000001500
    parsed = orjson.loads(orjson.dumps(record))
    assert parsed["metadata"]["version"] == "1.8.0"
    assert parsed["metadata"]["product"] == {"name": "Hauberk", "vendor_name": "Hauberk", "version": "1.2.3"}
    assert parsed["finding_info"]["uid"] == finding_uid(FINDING)
    assert parsed["finding_info"]["analytic"]["type_id"] == 1
    assert parsed["device"] == {"type_id": 0, "uid": "d1", "ip": "10.0.0.66"}


def test_sub_techniques_stand_beside_their_technique() -> None:
    """OCSF has an attribute for each."""
    attacks = orjson.loads(orjson.dumps(detection_finding(FINDING, "1", "18.1")))["finding_info"]["attacks"]
    assert attacks[0] == {"technique": {"uid": "T0814", "name": "Denial of Service"}, "version": "18.1"}
    assert attacks[1]["technique"] == {"uid": "T1557"}
    assert attacks[1]["sub_technique"] == {"uid": "T1557.002", "name": "ARP Cache Poisoning"}


def test_what_only_hauberk_says_is_unmapped() -> None:
    """The keys that scripts rely on, with times in seconds."""
    own = orjson.loads(orjson.dumps(detection_finding(FINDING, "1", "18.1")))["unmapped"]["hauberk"]
    assert own == {
        "device": "d1",
        "addresses": ["10.0.0.66", "10.0.1.1"],
        "detector": "flood",
        "score": 7.123,
        "reasons": ["One.", "Two."],
        "first_evidence": 1700000000.25,
        "raised": 1700000001.5,
        "incident": None,
    }


@pytest.mark.parametrize(
    "address,key", [("10.0.0.1", "ip"), ("2001:db8::1", "ip"), ("fe80::1:2:3:4:5", "ip"), ("00:11:22:33:44:55", "mac")]
)
def test_the_subject_stands_under_its_kind(address: str, key: str) -> None:
    """IP and MAC addresses have attributes of their own."""
    finding = Finding(FINDING.detector, "x", Severity.LOW, 6, None, (address,), 1, 1, (), "")
    assert detection_finding(finding, "1", "1")["device"] == {"type_id": 0, key: address}


def test_identifiers_tell_findings_apart_and_are_the_same_in_every_run() -> None:
    """The time they were raised counts, the words do not."""
    later = Finding(FINDING.detector, "x", Severity.LOW, 6, None, FINDING.addresses, 1, 2, (), "")
    same = Finding(FINDING.detector, "y", Severity.HIGH, 9, None, FINDING.addresses, 0, 2, ("z",), "")
    assert finding_uid(later) == finding_uid(same) != finding_uid(FINDING)
