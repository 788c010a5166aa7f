"""Findings as OCSF 1.8 objects (Open Cybersecurity Schema Framework, category 2).

What OCSF has a field for goes there; what only Hauberk says stands under ``unmapped.hauberk``. Times of OCSF are milliseconds
since the epoch, Hauberk's own are seconds, and all are times of the traffic.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from hauberk.model.finding import Finding, Severity, Technique

OCSF_VERSION = "1.8.0"
DETECTION_FINDING = 2004

_SEVERITY = {
    Severity.INFORMATIONAL: "Informational",
    Severity.LOW: "Low",
    Severity.MEDIUM: "Medium",
    Severity.HIGH: "High",
    Severity.CRITICAL: "Critical",
}
_CREATE, _NEW, _RULE = 1, 1, 1
_UNKNOWN_DEVICE_TYPE = 0


def finding_uid(finding: Finding) -> str:
    """Identifier of a finding: the same traffic gives the same identifier in every run."""
    content = "\x1f".join((finding.detector, *finding.addresses[:2], f"{finding.raised:.6f}"))
    return hashlib.sha256(content.encode()).hexdigest()[:32]


def detection_finding(finding: Finding, product_version: str, attack_version: str) -> Mapping[str, object]:
    """``finding`` as an OCSF Detection Finding."""
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
        "metadata": {
            "version": OCSF_VERSION,
            "product": {"name": "Hauberk", "vendor_name": "Hauberk", "version": product_version},
            "uid": uid,
        },
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
                "incident": None,
            }
        },
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
