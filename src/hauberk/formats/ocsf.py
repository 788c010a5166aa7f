"""Findings and incidents as OCSF 1.8 objects (Open Cybersecurity Schema Framework, category 2).

What OCSF has a field for goes there; what only Hauberk says stands under ``unmapped.hauberk``. Times of OCSF are milliseconds
since the epoch, Hauberk's own are seconds, and all are times of the traffic.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from hauberk.model.finding import Evidence, Finding, Severity, Technique
from hauberk.model.ids import IncidentId
from hauberk.model.incident import Incident

OCSF_VERSION = "1.8.0"
DETECTION_FINDING = 2004
INCIDENT_FINDING = 2005

_SEVERITY = {
    Severity.INFORMATIONAL: "Informational",
    Severity.LOW: "Low",
    Severity.MEDIUM: "Medium",
    Severity.HIGH: "High",
    Severity.CRITICAL: "Critical",
}
_CREATE, _UPDATE, _NEW, _RULE = 1, 2, 1, 1
_SUSPICIOUS = 4
"""Verdict: no machine says that an attack is one; a person does."""
_CONFIDENCE = ((0.9, 3, "High"), (0.6, 2, "Medium"), (0.0, 1, "Low"))
_UNKNOWN_DEVICE_TYPE = 0


def finding_uid(finding: Finding) -> str:
    """Identifier of a finding: the same traffic gives the same identifier in every run."""
    thing = finding.evidence[0].seen if finding.evidence else None
    said = (thing,) if isinstance(thing, str) else ()
    content = "\x1f".join((finding.detector, *finding.addresses[:2], f"{finding.raised:.6f}", *said))
    return hashlib.sha256(content.encode()).hexdigest()[:32]


def detection_finding(
    finding: Finding,
    product_version: str,
    attack_version: str,
    incident: IncidentId | None = None,
    confidence: float | None = None,
) -> Mapping[str, object]:
    """``finding`` as an OCSF Detection Finding; ``incident`` that holds it, ``confidence`` 0 to 1."""
    uid = finding_uid(finding)
    raised = int(finding.raised * 1000)
    return {
        "activity_id": _CREATE,
        "activity_name": "Create",
        "category_uid": 2,
        "category_name": "Findings",
        "class_uid": DETECTION_FINDING,
        "class_name": "Detection Finding",
        "type_uid": DETECTION_FINDING * 100 + _CREATE,
        "type_name": "Detection Finding: Create",
        "time": raised,
        "severity_id": int(finding.severity),
        "severity": _SEVERITY[finding.severity],
        "status_id": _NEW,
        "status": "New",
        "is_alert": True,
        "message": finding.reasons[0] if finding.reasons else finding.title,
        "metadata": _metadata(uid, product_version),
        "finding_info": {
            "uid": uid,
            "title": finding.title,
            "desc": " ".join(finding.reasons),
            "created_time": raised,
            "first_seen_time": int(finding.first_evidence * 1000),
            "last_seen_time": raised,
            "analytic": {"uid": finding.detector, "name": finding.title, "type_id": _RULE, "type": "Rule"},
            "attacks": [{**_technique(technique), "version": attack_version} for technique in finding.techniques],
        },
        "device": {
            "type_id": _UNKNOWN_DEVICE_TYPE,
            **({"uid": finding.device} if finding.device else {}),
            **_address(finding.addresses),
        },
        "remediation": {"desc": finding.advice},
        "unmapped": {
            "hauberk": {
                "device": finding.device,
                "addresses": finding.addresses,
                "detector": finding.detector,
                "score": round(finding.score, 3),
                "reasons": finding.reasons,
                "first_evidence": finding.first_evidence,
                "raised": finding.raised,
                "incident": incident,
                "confidence": None if confidence is None else round(confidence, 3),
                "evidence": [_evidence(evidence) for evidence in finding.evidence],
                "techniques_suggested": True,
            }
        },
    }


def incident_finding(
    incident: Incident,
    product_version: str,
    attack_version: str,
    *,
    merged: Sequence[IncidentId] = (),
    update: bool = False,
) -> Mapping[str, object]:
    """``incident`` as an OCSF Incident Finding; ``merged``: incidents published before that went into it; ``update``: it was
    published before."""
    activity, said = (_UPDATE, "Update") if update else (_CREATE, "Create")
    updated = int(incident.updated * 1000)
    level, word = next((level, word) for least, level, word in _CONFIDENCE if incident.confidence >= least)
    weight, heavy = max(incident.severity - 1, 1), _SEVERITY[Severity(max(incident.severity, Severity.LOW))]
    return {
        "activity_id": activity,
        "activity_name": said,
        "category_uid": 2,
        "category_name": "Findings",
        "class_uid": INCIDENT_FINDING,
        "class_name": "Incident Finding",
        "type_uid": INCIDENT_FINDING * 100 + activity,
        "type_name": f"Incident Finding: {said}",
        "time": updated,
        "start_time": int(incident.started * 1000),
        "end_time": updated,
        "severity_id": int(incident.severity),
        "severity": _SEVERITY[incident.severity],
        "impact_id": weight,
        "impact": heavy,
        "priority_id": weight,
        "priority": heavy,
        "confidence_id": level,
        "confidence": word,
        "confidence_score": round(incident.confidence * 100),
        "verdict_id": _SUSPICIOUS,
        "verdict": "Suspicious",
        "status_id": _NEW,
        "status": "New",
        "assignee_group": {"name": "Unassigned"},
        "message": incident.title,
        "desc": incident.summary,
        "metadata": {**_metadata(incident.id, product_version), "profiles": ["incident"]},
        "finding_info_list": [_finding_info(finding) for finding in incident.findings],
        "attacks": [{**_technique(technique), "version": attack_version} for technique in incident.techniques],
        "unmapped": {
            "hauberk": {
                "devices": incident.devices,
                "addresses": incident.addresses,
                "findings": [finding_uid(finding) for finding in incident.findings],
                "timeline": [_moment(finding) for finding in incident.findings],
                "stages": incident.stages,
                "techniques_suggested": True,
                "summary": incident.summary,
                "confidence": incident.confidence,
                "next_steps": [
                    {
                        "technique": step.technique.id,
                        "name": step.technique.name,
                        "target": step.target,
                        "probability": step.probability,
                        "reason": step.reason,
                    }
                    for step in incident.next_steps
                ],
                "started": incident.started,
                "updated": incident.updated,
                "merged": merged,
            }
        },
    }


def _metadata(uid: str, product_version: str) -> dict[str, object]:
    product = {"name": "Hauberk", "vendor_name": "Hauberk", "version": product_version}
    return {"version": OCSF_VERSION, "product": product, "uid": uid}


def _finding_info(finding: Finding) -> dict[str, object]:
    """A finding as its incident refers to it."""
    return {
        "uid": finding_uid(finding),
        "title": finding.title,
        "created_time": int(finding.raised * 1000),
        "first_seen_time": int(finding.first_evidence * 1000),
        "last_seen_time": int(finding.raised * 1000),
        "analytic": {"uid": finding.detector, "name": finding.title, "type_id": _RULE, "type": "Rule"},
    }


def _moment(finding: Finding) -> dict[str, object]:
    """One row of a timeline."""
    return {
        "time": finding.raised,
        "detector": finding.detector,
        "title": finding.title,
        "device": finding.device,
        "reason": finding.reasons[0] if finding.reasons else finding.title,
    }


def _evidence(evidence: Evidence) -> dict[str, object]:
    """What was seen beside what is usual; ranges as (low, middle, high)."""
    return {
        "name": evidence.name,
        "seen": evidence.seen,
        "unit": evidence.unit,
        "usual": None if evidence.usual is None else tuple(evidence.usual),
        "usual_of_kind": None if evidence.usual_of_kind is None else tuple(evidence.usual_of_kind),
        "since": evidence.since,
        "samples": evidence.samples,
        "score": round(evidence.score, 3),
        "series": evidence.series,
    }


def _technique(technique: Technique) -> dict[str, dict[str, str]]:
    """A technique, or a sub-technique beside the technique it belongs to."""
    said = {"uid": technique.id, "name": technique.name}
    parent, dot, _ = technique.id.partition(".")
    return {"technique": {"uid": parent}, "sub_technique": said} if dot else {"technique": said}


def _address(addresses: tuple[str, ...]) -> dict[str, str]:
    """The subject's address under the OCSF attribute for its kind."""
    if not addresses:
        return {}
    return {"mac" if addresses[0].count(":") == 5 and len(addresses[0]) == 17 else "ip": addresses[0]}
