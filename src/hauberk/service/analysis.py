"""The analysis of a stream of observations: inventory and detection side by side. Files, logs and interfaces take the same path."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib.metadata import version

from hauberk.detect.attack import ATTACK_VERSION
from hauberk.detect.baseline import Baseline
from hauberk.detect.detectors.registry import detectors
from hauberk.detect.engine import DetectionEngine, DetectorSetting
from hauberk.formats.ocsf import detection_finding
from hauberk.inventory import Inventory
from hauberk.model.device import Device
from hauberk.model.finding import Finding
from hauberk.model.observation import Observations


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
    ) -> None:
        self.inventory = Inventory()
        self.engine = DetectionEngine(detectors(), self.inventory, baseline, learn_until, settings)
        self.totals = Totals()

    @property
    def baseline(self) -> Baseline:
        """What was learned so far."""
        return self.engine.baseline

    def run(self, batches: Iterable[Observations]) -> Iterator[Finding]:
        """Work through ``batches``; findings come as soon as they are raised."""
        for batch in batches:
            self.inventory.observe(batch)
            self.totals.conversations += len(batch.flows)
            for transaction in batch.transactions:
                self.totals.transactions[transaction.protocol] += 1
                self.totals.writes += transaction.write
            yield from self.engine.observe(batch)
        # A log tells no end: what still waits for an answer has waited long enough.
        yield from self.engine.observe(Observations(watermark=float("inf")))

    def settle(self, findings: Iterable[Finding]) -> list[Finding]:
        """The findings with the device records as they are known now, by the time they were raised."""
        settled = [
            replace(finding, device=self.inventory.device(finding.addresses[0]) if finding.addresses else None)
            for finding in findings
        ]
        return sorted(settled, key=lambda finding: finding.raised)

    def devices(self) -> list[Device]:
        """The device records."""
        return self.inventory.devices()


@lru_cache(maxsize=1)
def product_version() -> str:
    """Version of the installed Hauberk."""
    return version("hauberk")


def finding_record(finding: Finding) -> Mapping[str, object]:
    """A finding as it is published: an OCSF object."""
    return detection_finding(finding, product_version(), ATTACK_VERSION)
