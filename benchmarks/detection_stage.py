"""What a scenario of the detection benchmark is, and how one is run: one pass of the product, with the peers' windows beside it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from detection_peers import Table
from detection_score import Alarm, Attack, Heard, Verdict, judge
from detection_sources import Shelf
from hauberk.detect.features.frame import Frame
from hauberk.detect.features.windows import FeatureWindows
from hauberk.model.finding import Finding, Severity
from hauberk.model.observation import Observations
from hauberk.service.analysis import Analysis

PEER_SECONDS = 10.0
"""Length of the windows that the peers judge."""
WEAKNESSES = frozenset({"cleartext_credentials", "internet_exposed_ot"})
"""Detectors that tell of a weakness which stands, whether anybody uses it or not."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One stream to run: what comes before ``learn_until`` (epoch seconds) teaches, the rest is judged."""

    stream: Iterable[Observations]
    learn_until: float
    attacks: tuple[Attack, ...] = ()


@dataclass(frozen=True, slots=True)
class Scenario:
    """One row of the table of scenarios.

    ``table``: benign, real, spliced or synthetic. ``build`` gives its stages, each run by itself. ``needs``: files of the
    development data. ``group``: of benign traffic, whether homes or benches of regular senders. ``skip``: why it cannot be run.
    """

    name: str
    table: str
    training: str
    build: Callable[[Shelf], list[Stage]] = lambda _: []
    needs: tuple[str, ...] = ()
    group: str = ""
    quick: bool = False
    skip: str = ""


@dataclass(slots=True)
class Outcome:
    """What one stage gave."""

    stage: Stage
    findings: list[Finding] = field(default_factory=list)
    """Those after learning, of severity low or more."""
    incidents: int = 0
    alarms: list[Alarm] = field(default_factory=list)
    device_days: dict[str, float] = field(default_factory=dict)
    windows: Table | None = None
    """What the peers judge; None where they are not asked."""

    def verdicts(self) -> list[Verdict]:
        """What became of each attack."""
        return judge(self.stage.attacks, self.alarms)


def run(stage: Stage, *, peers: bool) -> Outcome:
    """Run one stage."""
    outcome = Outcome(stage)
    analysis = Analysis(learn_until=stage.learn_until)
    heard = Heard()
    spoken: list[tuple[float, str, str]] = []
    announced = any(attack.announced for attack in stage.attacks)
    frames: list[Frame] = []
    windows = FeatureWindows(analysis.inventory, PEER_SECONDS) if peers else None

    def tap() -> Iterator[Observations]:
        for batch in stage.stream:
            yield batch
            # The inventory knows the batch by now.
            heard.add(batch.activity, stage.learn_until)
            if announced:
                spoken.extend((message.time, message.src, message.dst) for message in batch.transactions)
            if windows is not None:
                frames.extend(windows.observe(batch))

    raised = list(analysis.run(tap()))
    if windows is not None:
        frames.extend(windows.observe(Observations(watermark=math.inf)))
        outcome.windows = Table.of(frames)
    settled = analysis.settle(raised)
    findings = [finding for finding in settled if finding.raised >= stage.learn_until and finding.severity >= Severity.LOW]
    outcome.findings = findings
    # A weakness that stands is no find of the attack that happens to use it.
    outcome.alarms = [_alarm(finding) for finding in findings if finding.detector not in WEAKNESSES]
    outcome.device_days = heard.device_days(analysis.inventory.device)
    outcome.incidents = sum(incident.updated >= stage.learn_until for incident in analysis.incidents(settled))
    # Devices of the parties, so that an alarm about a device is one about its addresses, for us and for the peers.
    outcome.stage = Stage((), stage.learn_until, tuple(_known(_acting(attack, spoken), analysis) for attack in stage.attacks))
    return outcome


def _alarm(finding: Finding) -> Alarm:
    named = {*finding.addresses, *([finding.device] if finding.device else [])}
    return Alarm(finding.raised, frozenset(named), finding.detector, tuple(technique.id for technique in finding.techniques))


def _known(attack: Attack, analysis: Analysis) -> Attack:
    inventory = analysis.inventory
    devices = {inventory.device(address) for address in attack.parties if not inventory.is_infrastructure(address)}
    parties = attack.parties | {device for device in devices if device is not None}
    return replace(attack, parties=parties)


def _acting(attack: Attack, spoken: Iterable[tuple[float, str, str]]) -> Attack:
    if not attack.announced:
        return attack
    times = [time for time, *ends in spoken if attack.onset <= time <= attack.end and attack.parties.issuperset(ends)]
    return replace(attack, acted=min(times, default=None))
