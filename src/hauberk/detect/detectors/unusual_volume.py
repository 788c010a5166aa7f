"""Unusual volume: a device does more of something than it ever did, for longer than one window.

Evidence of windows of 10 s, 60 s and 10 min is added up apart; each sum has a threshold calibrated from the time that was learned.
A lasting change of how much a device sends is said once, as ``behaviour_changed``, and then learned.
"""

from __future__ import annotations

from dataclasses import dataclass

from hauberk.detect.behaviour.suggested import BY_METRIC
from hauberk.detect.behaviour.volume import SECONDS, Change, Volume, VolumeAlarm
from hauberk.detect.behaviour.words import sentence
from hauberk.detect.detectors.interface import Detector, Parameter, Parameters
from hauberk.detect.features.metrics import METRICS, M
from hauberk.detect.verdict_subject import VerdictSubject
from hauberk.detect.view import View, moment
from hauberk.model.finding import Evidence, Finding, Severity
from hauberk.model.ids import DetectorId, DeviceId

_VOLUME, _CHANGE = DetectorId("unusual_volume"), DetectorId("behaviour_changed")
_HOUR = 3600.0


@dataclass(slots=True)
class VolumeState:
    """The model, and an address of each device by its row."""

    model: Volume
    addresses: dict[str, str]
    relearn: float
    """Seconds for which something new that is normal is learned."""


def _begin(parameters: Parameters) -> VolumeState:
    model = Volume(
        parameters["quiet"],
        parameters["budget"],
        parameters["drift_days"],
        parameters["drift_distance"],
        parameters["relearn_hours"] * _HOUR,
    )
    return VolumeState(model, {}, parameters["relearn_hours"] * _HOUR)


def _step(state: VolumeState, view: View) -> list[Finding]:
    findings = []
    for span in view.spans:
        state.addresses.update(zip(span.ids, span.addresses, strict=True))
        kinds = [view.fleet.kind(address) for address in span.addresses]
        findings += [_told(state, told) for told in state.model.observe(span, kinds)]
    return findings + [_told(state, told) for told in state.model.flush(view.passed)]


def _learn(state: VolumeState, subject: VerdictSubject) -> bool:
    """What an operator calls normal is learned for as long as a lasting change is."""
    record = subject.record
    return record.device is not None and state.model.relearn(record.device, state.relearn)


def _describe(state: VolumeState) -> dict[str, object]:
    return state.model.describe()


def _told(state: VolumeState, told: VolumeAlarm | Change) -> Finding:
    return _finding(state, told) if isinstance(told, VolumeAlarm) else _changed(state, told)


def _finding(state: VolumeState, alarm: VolumeAlarm) -> Finding:
    model = state.model
    name = model.roster.ids[alarm.row]
    address = state.addresses.get(name, name)
    kind = model.kind_of(alarm.row)
    evidence = tuple(_evidence(model, alarm, *part) for part in alarm.metrics)
    reasons = [
        sentence(address, item, metric, SECONDS[alarm.scale], kind)
        for item, (metric, _, _) in zip(evidence, alarm.metrics, strict=True)
    ]
    since = float(model.since[alarm.row])
    reasons.append(
        f"Its evidence has added up to {alarm.height:.1f} (log10); the threshold for it is {alarm.threshold:.1f}, set from what was"
        f" learned since {moment(since)}."
    )
    main = alarm.metrics[0][0] if alarm.metrics else M.PACKETS_OUT
    return Finding(
        _VOLUME,
        f"Unusually many {METRICS[main].phrase}" if METRICS[main].unit in {"", "B"} else f"Unusual {METRICS[main].phrase}",
        Severity.LOW if alarm.height < 2 * alarm.threshold else Severity.MEDIUM,
        alarm.height,
        DeviceId(name),
        (address,),
        float(alarm.began * SECONDS[alarm.scale]),
        alarm.end,
        tuple(reasons),
        f"Look at whom {address} talked to in that time; a firmware update or a new task explains most cases. If this is the new"
        " normal, teach it.",
        BY_METRIC[main],
        evidence,
    )


def _evidence(model: Volume, alarm: VolumeAlarm, metric: M, score: float, seen: float) -> Evidence:
    band, samples = model.band(alarm.row, alarm.scale, metric)
    series = model.series(alarm.row, alarm.scale, metric)
    return Evidence(
        METRICS[metric].name,
        seen,
        METRICS[metric].unit,
        band,
        model.kind_band(alarm.row, alarm.scale, metric),
        float(model.since[alarm.row]),
        samples,
        round(score, 2),
        series,
    )


def _changed(state: VolumeState, change: Change) -> Finding:
    model = state.model
    name = model.roster.ids[change.row]
    address = state.addresses.get(name, name)
    scale = len(SECONDS) - 1
    band, samples = model.band(change.row, scale, M.BYTES_OUT)
    return Finding(
        _CHANGE,
        "Behaviour changed for good",
        Severity.INFORMATIONAL,
        6.0,
        DeviceId(name),
        (address,),
        change.time - _HOUR,
        change.time,
        (
            (f"For long enough to tell, {address} has sent amounts that differ from those it was learned with:"
            f" the distributions are {change.distance:.2f} apart (Kolmogorov-Smirnov, 0 to 1)."),
            "From now on the new amounts are learned; this is said once.",
        ),
        f"If {address} was updated or has a new task, nothing is to be done. If not, look at what else it does.",
        (),
        (Evidence("drift_distance", round(change.distance, 3), "", None, None, float(model.since[change.row]), samples, 6.0),
         Evidence("bytes_out", _last(model, change.row, scale), "B", band, None, float(model.since[change.row]), samples, 0.0,
                  model.series(change.row, scale, M.BYTES_OUT))),
    )  # fmt: skip


def _last(model: Volume, row: int, scale: int) -> float:
    series = model.series(row, scale, M.BYTES_OUT)
    return series[-1][1] if series else 0.0


DETECTORS = (
    Detector(
        _VOLUME,
        "Unusual volume",
        "More packets, bytes, peers, look-ups, requests or failures than the device had while it was learned, for longer than one"
        " window; says once, as 'behaviour_changed', when that lasts.",
        {
            "budget": Parameter(0.01, "a day", "false alarms allowed for each active device-day"),
            "quiet": Parameter(3600.0, "s", "said again only after so long a silence"),
            "drift_days": Parameter(1.0, "days", "active days on both sides that a lasting change is judged by"),
            "drift_distance": Parameter(0.5, "0 to 1", "distance of two distributions that makes a lasting change"),
            "relearn_hours": Parameter(24.0, "h", "how long a lasting change is learned after it was said"),
        },
        _begin,
        _step,
        tuple(dict.fromkeys(technique for techniques in BY_METRIC.values() for technique in techniques)),
        learned=True,
        describe=_describe,
        learn=_learn,
    ),
)
