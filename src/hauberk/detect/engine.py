"""Runs the detectors over the stream of observations, and keeps what they know across runs."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from hauberk.detect.attempts import Attempts
from hauberk.detect.baseline import Baseline
from hauberk.detect.detectors.interface import Detector
from hauberk.detect.features.windows import FeatureWindows
from hauberk.detect.fleet import Fleet
from hauberk.detect.known_bad import NOTHING_KNOWN, KnownBad
from hauberk.detect.mud_policies import MudPolicies
from hauberk.detect.names import Names
from hauberk.detect.resumption import (
    Running,
    for_another_stream,
    goes_on,
    latest,
    resumed,
    resumed_tracker,
    tracker_for_another_stream,
)
from hauberk.detect.snapshot import Part, Snapshot
from hauberk.detect.state.codec import encode
from hauberk.detect.teaching import Classroom, Taught, lesson, unlearn
from hauberk.detect.verdict_subject import VerdictSubject
from hauberk.detect.verdicts import Given, Verdicts
from hauberk.detect.view import View
from hauberk.errors import SettingError
from hauberk.model.finding import Finding
from hauberk.model.ids import DetectorId, FindingId
from hauberk.model.observation import Observations
from hauberk.model.verdict import VerdictRecord


@dataclass(frozen=True, slots=True)
class DetectorSetting:
    """What the owner set for one detector."""

    enabled: bool | None = None
    parameters: Mapping[str, float] | None = None


def trackers(fleet: Fleet) -> dict[str, Any]:
    """What all detectors share and what a snapshot holds besides their states, fresh, by name. A tracker with a method
    ``carry(old)`` takes over from ``old`` what holds for another stream too."""
    return {"attempts": Attempts(), "names": Names(), "windows": FeatureWindows(fleet)}


class DetectionEngine:
    """Detectors with their states.

    ``learn_until`` (epoch seconds): what comes before teaches the learned detectors and is not judged by them. ``snapshot``: what
    an earlier run knew. Where the first batch continues the traffic of that run, all of it goes on as if there had been no break;
    traffic of another time takes over only what was learned. ``resume``: true or false to say so in advance. ``known_bad``:
    indicators and Sigma rules that the owner gave.
    """

    def __init__(
        self,
        detectors: Iterable[Detector],
        fleet: Fleet,
        baseline: Baseline | None = None,
        learn_until: float | None = None,
        settings: Mapping[str, DetectorSetting] | None = None,
        *,
        snapshot: Snapshot | None = None,
        resume: bool | None = None,
        known_bad: KnownBad = NOTHING_KNOWN,
    ) -> None:
        self.fleet = fleet
        self.known_bad = known_bad
        """May be set before the first batch."""
        self.baseline = snapshot.baseline.copy() if snapshot is not None else baseline or Baseline()
        self.verdicts = snapshot.verdicts.copy() if snapshot is not None else Verdicts()
        """What operators said of findings; see ``teach``."""
        self.suppressed: Counter[DetectorId] = Counter()
        """Findings that verdicts kept back in this run, by detector; not those of what was to be learned."""
        self.learn_until = learn_until
        self.mud = MudPolicies()
        """MUD files that the owner gave; may be set before the first batch."""
        self._trackers = trackers(fleet)
        self._active: list[Running] = []
        self._seen: float | None = None
        self._watermark: float | None = None
        self._kept = dict(snapshot.detectors) if snapshot is not None else {}
        self._kept_trackers = dict(snapshot.trackers) if snapshot is not None else {}
        self._undecided: dict[str, Part] = {}
        self._resume = resume
        chosen = dict(settings or {})
        for detector in detectors:
            setting = chosen.pop(detector.id, DetectorSetting())
            if detector.enabled if setting.enabled is None else setting.enabled:
                self._active.append(self._begun(detector, _parameters(detector, setting), knows=snapshot is None))
        if chosen:
            raise SettingError(f"there is no detector '{next(iter(chosen))}'; 'hauberk detector list' shows what there is")
        for name, fresh in self._trackers.items():
            part = self._kept_trackers.get(name)
            if part is not None:
                self._trackers[name] = resumed_tracker(name, fresh, part)

    @property
    def untaught(self) -> tuple[str, ...]:
        """Learned detectors that are silent although there is a baseline: they were off, or did not exist, when it was learned."""
        if self.baseline.until is None:
            return ()
        return tuple(running.detector.id for running in self._active if running.detector.learned and not running.taught)

    def state(self, detector: DetectorId) -> Any:  # noqa: ANN401 - each detector has a state type of its own
        """The state of an active detector; raises ``SettingError`` where there is no such one."""
        for running in self._active:
            if running.detector.id == detector:
                return running.state
        raise SettingError(f"detector '{detector}' is off or does not exist; 'hauberk detector list' shows what there is")

    def teach(self, record: VerdictRecord) -> Taught:
        """Have an operator's verdict hold from the next batch on; raises ``SettingError`` where it contradicts a true positive."""
        return self._classroom().teach(record)

    def forget(self, finding: FindingId) -> list[Given]:
        """Undo what an operator said of the finding with this identifier."""
        return self._classroom().forget(finding)

    def _classroom(self) -> Classroom:
        return Classroom(self.verdicts, self.baseline, [(running.detector, running.state) for running in self._active])

    def observe(self, batch: Observations) -> list[Finding]:
        """Findings of one batch, in order of the time they were raised."""
        last = latest(batch)
        if last is None and batch.watermark == -math.inf:
            return []
        if last is not None:
            if self._undecided or self._kept_trackers:
                self._decide(batch)
            self._seen = last
        if math.isfinite(batch.watermark):
            self._watermark = float(batch.watermark)
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
        return [finding for finding in sorted(findings, key=lambda finding: finding.raised) if not self._hidden(finding)]

    def snapshot(self, product: str = "") -> Snapshot:
        """All that is known now; it does not change when the engine goes on. ``product``: version of Hauberk, to be shown."""
        detectors = dict(self._kept)
        for running in self._active:
            detectors[running.detector.id] = self._part(running.state, running.parameters, taught=running.taught)
        shared = dict(self._kept_trackers)
        shared.update({name: self._part(tracker) for name, tracker in self._trackers.items()})
        return Snapshot(self.baseline.copy(), detectors, shared, product, self.verdicts.copy())

    def _part(self, state: object, parameters: Mapping[str, float] | None = None, *, taught: bool = False) -> Part:
        return Part(encode(state), dict(parameters or {}), taught, self._seen, self._watermark)

    def _begun(self, detector: Detector, parameters: Mapping[str, float], *, knows: bool) -> Running:
        """The detector as it was in the snapshot, or fresh where that does not have it. ``knows``: whether a fresh one shares what
        the baseline learned."""
        part = self._kept.pop(detector.id, None)
        if part is None:
            return Running(detector, detector.begin(parameters), parameters, taught=knows and self.baseline.until is not None)
        self._undecided[detector.id] = part
        self._seen, self._watermark = part.seen, part.watermark
        return resumed(detector, parameters, part)

    def _decide(self, batch: Observations) -> None:
        """Drop what belongs to another stream than ``batch`` does."""
        for number, running in enumerate(self._active):
            part = self._undecided.get(running.detector.id)
            if part is not None and not self._continues(part, batch):
                self._active[number] = for_another_stream(running)
        for name, fresh in trackers(self.fleet).items():
            part = self._kept_trackers.get(name)
            if part is not None and not self._continues(part, batch):
                self._trackers[name] = tracker_for_another_stream(fresh, self._trackers[name])
        self._undecided.clear()
        self._kept_trackers.clear()

    def _continues(self, part: Part, batch: Observations) -> bool:
        return goes_on(batch, part.seen, part.watermark) if self._resume is None else self._resume

    def _step(self, batch: Observations, *, learning: bool) -> list[Finding]:
        names = self._trackers["names"]
        names.observe(batch)
        view = View(
            batch,
            self.fleet,
            self.baseline,
            learning,
            self._trackers["attempts"],
            self.mud,
            known_bad=self.known_bad,
            names=names,
        )
        view.spans = self._trackers["windows"].spans(batch, view.groups, learning=learning)
        findings: list[Finding] = []
        for running in self._active:
            running.taught |= learning
            if running.taught or not running.detector.learned:
                locked = self.verdicts.locked(running.detector.id) if learning and running.detector.learned else []
                shown = lesson(view, locked, running.detector) if locked else view
                findings += running.detector.step(running.state, shown)
                for record in locked:
                    unlearn([(running.detector, running.state)], VerdictSubject(record, self.baseline))
        return findings

    def _hidden(self, finding: Finding) -> bool:
        """True if a verdict keeps ``finding`` back."""
        given = self.verdicts.hides(finding)
        if given is not None and given.counts:
            self.suppressed[finding.detector] += 1
        return given is not None


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
