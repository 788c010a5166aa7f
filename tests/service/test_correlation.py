"""Incidents of a stream, as the service hands them out."""

from __future__ import annotations

import numpy as np
import pytest

from hauberk.model.address import ip_halves
from hauberk.model.finding import Finding, Severity
from hauberk.model.flow import ACTIVITY
from hauberk.model.ids import DetectorId, DeviceId
from hauberk.model.observation import Columns
from hauberk.service.analysis import Analysis, finding_record, incident_record
from hauberk.service.correlation import Correlation

A, B, PLC = "10.0.0.1", "10.0.0.2", "10.0.0.3"


class Fleet:
    """Everything is local; one address is that of a controller."""

    def device(self, address: str) -> DeviceId | None:
        """One device an address."""
        return DeviceId(address)

    def kind(self, address: str) -> str | None:
        """A controller, or unknown."""
        return "plc" if address == PLC else None

    def is_local(self, address: str) -> bool:
        """Always."""
        return bool(address)

    def is_infrastructure(self, address: str) -> bool:
        """Never."""
        return not address


def _finding(time: float, detector: str, *addresses: str) -> Finding:
    return Finding(DetectorId(detector), detector, Severity.HIGH, 7.0, None, addresses, time, time, ("So.",), "Look.")


def _link(src: str, dst: str, packets: int) -> Columns:
    row = np.zeros(1, ACTIVITY)
    row["a_hi"], row["a_lo"] = ip_halves(src)
    row["b_hi"], row["b_lo"] = ip_halves(dst)
    row["packets_out"] = row["packets_in"] = packets
    row["payload_in"], row["ip_version"], row["transport"] = 90, 4, 6
    return row


def test_an_incident_foretells_over_the_links_that_were_seen() -> None:
    """The controller that the attacked host talks with is the next target; a link of strangers is none."""
    correlation = Correlation(Fleet())
    correlation.links.observe(_link(B, PLC, 50))
    correlation.links.observe(_link("10.0.9.1", "10.0.9.2", 5000))
    update = correlation.add(_finding(0, "excessive_logins", A, B))
    assert update is not None
    incident = correlation.incident(update.incident)
    assert incident is not None
    assert [step.target for step in incident.next_steps] == [PLC]
    assert correlation.incidents() == [incident]


def test_beginning_again_forgets() -> None:
    """Findings with settled records replace those that were streamed, in whatever order they are given."""
    correlation = Correlation(Fleet())
    correlation.add(_finding(0, "other", "10.0.0.9", B))
    findings = [_finding(0, "custom", A, B), _finding(5, "custom", A, PLC)]
    correlation.begin_again(findings)
    one = correlation.incidents()
    correlation.begin_again(reversed(findings))
    assert correlation.incidents() == one
    assert len(one) == 1
    assert {correlation.incident_of(finding) for finding in findings} == {one[0].id}
    assert correlation.incident_of(_finding(0, "other", "10.0.0.9", B)) is None


def test_records_refer_to_one_another() -> None:
    """The finding names its incident, the incident its findings."""
    analysis = Analysis()
    finding = _finding(0, "custom", A, B)
    (incident,) = analysis.incidents([finding])
    published = finding_record(finding, analysis.correlation.incident_of(finding))
    record = incident_record(incident)
    assert published["unmapped"]["hauberk"]["incident"] == record["metadata"]["uid"]  # type: ignore[index]  # JSON
    assert record["unmapped"]["hauberk"]["findings"] == [published["finding_info"]["uid"]]  # type: ignore[index]  # JSON
    assert incident_record(incident, update=True)["activity_name"] == "Update"


@pytest.mark.parametrize("severity,shown", [(Severity.LOW, 0), (Severity.MEDIUM, 1)])
def test_small_findings_stay_findings(severity: Severity, shown: int) -> None:
    """A low finding alone is no incident."""
    finding = Finding(DetectorId("custom"), "t", severity, 7.0, None, (A,), 0.0, 0.0, (), "")
    assert len(Analysis().incidents([finding])) == shown
