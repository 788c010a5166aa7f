"""Incidents of a stream: the correlation of its findings, and what may come next over the links that were seen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from hauberk.detect.fleet import Fleet
from hauberk.detect.incidents.engine import IncidentEngine, Update
from hauberk.detect.incidents.next_steps import rank
from hauberk.formats.ocsf import finding_uid
from hauberk.model.finding import Finding
from hauberk.model.ids import IncidentId
from hauberk.model.incident import Incident
from hauberk.service.links import Links

_FORETOLD = 100
"""Incidents whose next steps are worked out: as many as anybody reads, since each looks through all links."""


class Correlation:
    """Findings go in, incidents with their next steps come out."""

    def __init__(self, fleet: Fleet) -> None:
        self.links: Final = Links()
        self._fleet: Final = fleet
        self._engine = IncidentEngine(fleet)

    def add(self, finding: Finding) -> Update | None:
        """Correlate one finding, as it is raised; what that did to its incident."""
        return self._engine.observe(finding)

    def begin_again(self, findings: Iterable[Finding]) -> None:
        """Forget all incidents and correlate ``findings``, which name their devices as they are known now."""
        self._engine = IncidentEngine(self._fleet)
        for finding in sorted(findings, key=lambda finding: (finding.raised, finding_uid(finding))):
            self._engine.observe(finding)

    def incident_of(self, finding: Finding) -> IncidentId | None:
        """The incident that holds ``finding``."""
        return self._engine.incident_of(finding)

    def incident(self, identifier: IncidentId) -> Incident | None:
        """An incident as it is now."""
        incident = self._engine.incident(identifier)
        return None if incident is None else self._foretold(incident)

    def merged(self, identifier: IncidentId) -> tuple[IncidentId, ...]:
        """Identifiers that went into this one."""
        return self._engine.merged(identifier)

    def incidents(self) -> list[Incident]:
        """Every incident, by the time it began; the severest with what may come next."""
        incidents = self._engine.incidents()
        severest = {
            incident.id for incident in sorted(incidents, key=lambda incident: (-incident.severity, -incident.updated))[:_FORETOLD]
        }
        return [self._foretold(incident) if incident.id in severest else incident for incident in incidents]

    def _foretold(self, incident: Incident) -> Incident:
        return replace(incident, next_steps=rank(incident, self.links.edges(incident.addresses), self._fleet))
