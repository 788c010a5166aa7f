"""Findings and incidents as OCSF 1.8 objects: what classes 2004 and 2005 require is there, and what Hauberk promises scripts."""

from __future__ import annotations

from dataclasses import replace

import orjson
import pytest

from hauberk.formats.ocsf import detection_finding, finding_uid, incident_finding
from hauberk.model.finding import Band, Evidence, Finding, Severity, Technique
from hauberk.model.ids import DetectorId, DeviceId, IncidentId
from hauberk.model.incident import Incident, NextStep

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
        "confidence": None,
        "evidence": [],
        "techniques_suggested": True,
    }


def test_a_finding_says_its_incident_and_its_evidence() -> None:
    """Evidence is data: what was seen beside what is usual, with its unit."""
    evidence = Evidence("bytes_out", 5000.0, "B", Band(1.0, 2.0, 3.0), None, 12.0, 7, 2.34567, ((1.0, 2.0),))
    finding = replace(FINDING, evidence=(evidence,))
    record = detection_finding(finding, "1", "18.1", IncidentId("i1"), 0.80051)
    own = orjson.loads(orjson.dumps(record))["unmapped"]["hauberk"]
    assert (own["incident"], own["confidence"]) == ("i1", 0.801)
    assert own["evidence"] == [
        {
            "name": "bytes_out",
            "seen": 5000.0,
            "unit": "B",
            "usual": [1.0, 2.0, 3.0],
            "usual_of_kind": None,
            "since": 12.0,
            "samples": 7,
            "score": 2.346,
            "series": [[1.0, 2.0]],
        }
    ]


STEP = NextStep(Technique("T0886", "Remote Services", "ics"), "10.0.1.2", 0.25, "Because.")
INCIDENT = Incident(
    IncidentId("i1"), "Flood: 10.0.0.66", Severity.CRITICAL, 0.8, (DeviceId("d1"),), ("10.0.0.66", "10.0.1.1"), (FINDING,),
    1700000000.25, 1700000001.5, FINDING.techniques, ("Impact",), "10.0.0.66 flooded 10.0.1.1.", (STEP,),
)  # fmt: skip
INCIDENT_REQUIRED = {
    *("activity_id", "category_uid", "class_uid", "finding_info_list", "metadata", "severity_id", "status_id", "time", "type_uid"),
}
INCIDENT_KNOWN = {
    *INCIDENT_REQUIRED,
    *(
        "activity_name",
        "category_name",
        "class_name",
        "type_name",
        "severity",
        "status",
        "message",
        "desc",
        "start_time",
        "end_time",
    ),
    *("impact", "impact_id", "priority", "priority_id", "confidence", "confidence_id", "confidence_score", "verdict", "verdict_id"),
    *("assignee_group", "attacks", "unmapped"),
}


def test_an_incident_is_an_incident_finding() -> None:
    """Attribute names, identifiers and the constraint (an assignee or a group of them) of OCSF 1.8, class 2005."""
    record = orjson.loads(orjson.dumps(incident_finding(INCIDENT, "1.2.3", "18.1")))
    assert record.keys() >= INCIDENT_REQUIRED
    assert record.keys() <= INCIDENT_KNOWN
    assert {"assignee", "assignee_group"} & record.keys()
    assert (record["class_uid"], record["type_uid"], record["activity_name"]) == (2005, 200501, "Create")
    assert (record["severity_id"], record["impact_id"], record["priority_id"], record["impact"]) == (5, 4, 4, "Critical")
    assert (record["confidence_id"], record["confidence_score"]) == (2, 80)
    assert record["metadata"]["profiles"] == ["incident"]
    assert record["metadata"]["uid"] == "i1"
    (info,) = record["finding_info_list"]
    assert info["uid"] == finding_uid(FINDING)
    assert record["attacks"][1]["sub_technique"]["uid"] == "T1557.002"
    assert (record["start_time"], record["end_time"]) == (1700000000250, 1700000001500)


def test_what_only_hauberk_says_of_an_incident_is_unmapped() -> None:
    """The keys that scripts rely on; a later message about the same incident is an update."""
    record = orjson.loads(orjson.dumps(incident_finding(INCIDENT, "1", "18.1", merged=(IncidentId("i0"),), update=True)))
    assert (record["type_uid"], record["activity_name"]) == (200502, "Update")
    assert record["unmapped"]["hauberk"] == {
        "devices": ["d1"],
        "addresses": ["10.0.0.66", "10.0.1.1"],
        "findings": [finding_uid(FINDING)],
        "timeline": [{"time": 1700000001.5, "detector": "flood", "title": "Flood", "device": "d1", "reason": "One."}],
        "stages": ["Impact"],
        "techniques_suggested": True,
        "summary": "10.0.0.66 flooded 10.0.1.1.",
        "confidence": 0.8,
        "next_steps": [
            {
                "technique": "T0886",
                "name": "Remote Services",
                "target": "10.0.1.2",
                "probability": 0.25,
                "reason": "Because.",
            }
        ],
        "started": 1700000000.25,
        "updated": 1700000001.5,
        "merged": ["i0"],
    }


@pytest.mark.parametrize(
    "severity,level", [(Severity.INFORMATIONAL, 1), (Severity.LOW, 1), (Severity.MEDIUM, 2), (Severity.HIGH, 3)]
)
def test_impact_has_no_informational(severity: Severity, level: int) -> None:
    """OCSF's scale of impact and priority begins at low."""
    record = incident_finding(replace(INCIDENT, severity=severity), "1", "18.1")
    assert record["impact_id"] == record["priority_id"] == level


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
