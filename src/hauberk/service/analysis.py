"""The analysis of a stream of observations: inventory and detection side by side. Files, logs and interfaces take the same path."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib.metadata import version

from hauberk.detect.attack import ATTACK_VERSION
from hauberk.detect.baseline import Baseline
from hauberk.detect.detectors.registry import detectors
from hauberk.detect.engine import DetectionEngine, DetectorSetting
from hauberk.detect.incidents.assessment import confidence_of
from hauberk.detect.known_bad import NOTHING_KNOWN, KnownBad
from hauberk.detect.resumption import latest
from hauberk.detect.snapshot import Snapshot
from hauberk.errors import CaptureError
from hauberk.formats.ocsf import detection_finding, incident_finding
from hauberk.inventory import Inventory
from hauberk.model.device import Device
from hauberk.model.finding import Finding
from hauberk.model.ids import DetectorId, IncidentId
from hauberk.model.incident import Incident
from hauberk.model.observation import Observations
from hauberk.service.correlation import Correlation


@dataclass(slots=True)
class Totals:
    """What went through an analysis."""

    conversations: int = 0
    transactions: Counter[str] = field(default_factory=Counter)
    writes: int = 0


class Analysis:
    """Inventory, detection and totals of one stream."""

    def __init__(
        self,
        baseline: Baseline | None = None,
        learn_until: float | None = None,
        settings: Mapping[str, DetectorSetting] | None = None,
        snapshot: Snapshot | None = None,
        known_bad: KnownBad = NOTHING_KNOWN,
    ) -> None:
        """``snapshot``: what an earlier run knew; without it ``baseline`` is what was learned. ``known_bad``: feeds and rules."""
        self.inventory = Inventory()
        self.engine = DetectionEngine(
            detectors(), self.inventory, baseline, learn_until, settings, snapshot=snapshot, known_bad=known_bad
        )
        self.correlation = Correlation(self.inventory)
        self._end: Snapshot | None = None
        self.totals = Totals()

    @property
    def baseline(self) -> Baseline:
        """What was learned so far."""
        return self.engine.baseline

    @property
    def suppressed(self) -> Counter[DetectorId]:
        """Findings that operators' verdicts kept back in this run, by detector."""
        return self.engine.suppressed

    def snapshot(self) -> Snapshot:
        """All that detection knows, to go on from. Of a run that came to its end: as it stood when the last traffic was in."""
        return self._end or self.engine.snapshot(product_version())

    def run(self, batches: Iterable[Observations], *, keep: bool = False) -> Iterator[Finding]:
        """Work through ``batches``; findings come as soon as they are raised. ``keep``: a snapshot will be asked for at the end.
        Where the input breaks off, what was seen is judged before ``CaptureError`` is raised."""
        problem = None
        try:
            for batch in batches:
                self.inventory.observe(batch)
                self.correlation.links.observe(batch.activity)
                self.totals.conversations += len(batch.flows)
                for transaction in batch.transactions:
                    self.totals.transactions[transaction.protocol] += 1
                    self.totals.writes += transaction.write
                yield from self.engine.observe(_open_ended(batch))
        except CaptureError as error:
            problem = error  # what was seen until then is judged first
        if keep:
            self._end = self.engine.snapshot(product_version())
        # A log tells no end: what still waits for an answer has waited long enough.
        yield from self.engine.observe(Observations(watermark=float("inf")))
        if problem is not None:
            raise problem

    def settle(self, findings: Iterable[Finding]) -> list[Finding]:
        """The findings with the device records as they are known now, by the time they were raised."""
        settled = [
            replace(finding, device=self.inventory.device(finding.addresses[0]) if finding.addresses else None)
            for finding in findings
        ]
        return sorted(settled, key=lambda finding: finding.raised)

    def incidents(self, findings: Iterable[Finding] | None = None) -> list[Incident]:
        """The incidents, by the time they began. ``findings``: all there are, settled; without them, those that were correlated as
        they came."""
        if findings is not None:
            self.correlation.begin_again(findings)
        return self.correlation.incidents()

    def devices(self) -> list[Device]:
        """The device records."""
        return self.inventory.devices()


def _open_ended(batch: Observations) -> Observations:
    """The last batch of a file as one in the middle of the stream, whose next part may bring the answer that is waited for."""
    if batch.watermark != math.inf:
        return batch
    last = latest(batch)
    return replace(batch, watermark=-math.inf if last is None else last)


@lru_cache(maxsize=1)
def product_version() -> str:
    """Version of the installed Hauberk."""
    return version("hauberk")


def finding_record(finding: Finding, incident: IncidentId | None = None) -> Mapping[str, object]:
    """A finding as it is published: an OCSF object; ``incident`` that holds it."""
    return detection_finding(finding, product_version(), ATTACK_VERSION, incident, confidence_of(finding))


def incident_record(incident: Incident, merged: Sequence[IncidentId] = (), *, update: bool = False) -> Mapping[str, object]:
    """An incident as it is published: an OCSF object; ``merged``: published before and now part of it, ``update``: it was, too."""
    return incident_finding(incident, product_version(), ATTACK_VERSION, merged=merged, update=update)
