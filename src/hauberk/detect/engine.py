"""Runs the detectors over the stream of observations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from hauberk.detect.attempts import Attempts
from hauberk.detect.baseline import Baseline
from hauberk.detect.detectors.interface import Detector
from hauberk.detect.fleet import Fleet
from hauberk.detect.view import View
from hauberk.errors import SettingError
from hauberk.model.finding import Finding
from hauberk.model.observation import Observations


@dataclass(frozen=True, slots=True)
class DetectorSetting:
    """What the owner set for one detector."""

    enabled: bool | None = None
    parameters: Mapping[str, float] | None = None


class DetectionEngine:
    """Detectors with their states.

    ``learn_until`` (epoch seconds): what comes before teaches the learned detectors and is not judged by them.
    """

    def __init__(
        self,
        detectors: Iterable[Detector],
        fleet: Fleet,
        baseline: Baseline | None = None,
        learn_until: float | None = None,
        settings: Mapping[str, DetectorSetting] | None = None,
    ) -> None:
        self.fleet = fleet
        self.baseline = baseline or Baseline()
        self.learn_until = learn_until
        self._attempts = Attempts()
        self._active: list[tuple[Detector, Any]] = []
        chosen = dict(settings or {})
        for detector in detectors:
            setting = chosen.pop(detector.id, DetectorSetting())
            if detector.enabled if setting.enabled is None else setting.enabled:
                self._active.append((detector, detector.begin(_parameters(detector, setting))))
        if chosen:
            raise SettingError(f"there is no detector '{next(iter(chosen))}'; 'hauberk detector list' shows what there is")

    def observe(self, batch: Observations) -> list[Finding]:
        """Findings of one batch, in order of the time they were raised."""
        findings: list[Finding] = []
        if self.learn_until is None:
            findings = self._step(batch, learning=False)
        else:
            taught, judged = split(batch, self.learn_until)
            if taught is not None:
                findings += self._step(taught, learning=True)
                self.baseline.until = self.learn_until
            if judged is not None:
                findings += self._step(judged, learning=False)
        return sorted(findings, key=lambda finding: finding.raised)

    def _step(self, batch: Observations, *, learning: bool) -> list[Finding]:
        view = View(batch, self.fleet, self.baseline, learning, self._attempts)
        knows = learning or self.baseline.until is not None
        return [
            finding for detector, state in self._active if knows or not detector.learned for finding in detector.step(state, view)
        ]


def split(batch: Observations, at: float) -> tuple[Observations | None, Observations | None]:
    """What of ``batch`` lies before ``at`` (epoch seconds) and what does not; None for an empty part."""
    if batch.watermark < at:
        return batch, None
    activity, flows, claims = batch.activity, batch.flows, batch.claims
    # In seconds, as messages have it: the same moment must fall on the same side in every kind of observation.
    before = tuple(column * 1e-9 < at for column in (activity["start"], flows["start"], claims["time"]))
    early = Observations(
        activity[before[0]],
        flows[before[1]],
        claims[before[2]],
        [transaction for transaction in batch.transactions if transaction.time < at],
        at,
    )
    if not (len(early.activity) or len(early.flows) or len(early.claims) or early.transactions):
        return None, batch
    late = replace(
        batch,
        activity=activity[~before[0]],
        flows=flows[~before[1]],
        claims=claims[~before[2]],
        transactions=[transaction for transaction in batch.transactions if transaction.time >= at],
    )
    return early, late


def _parameters(detector: Detector, setting: DetectorSetting) -> dict[str, float]:
    values = detector.defaults()
    for name, value in (setting.parameters or {}).items():
        if name not in values:
            raise SettingError(f"detector '{detector.id}' has no parameter '{name}'; it has {', '.join(values)}")
        values[name] = value
    return values
