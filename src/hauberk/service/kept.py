"""What a baseline file holds, as records for people and programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from hauberk.detect.detectors.interface import Detector
from hauberk.detect.detectors.registry import detectors
from hauberk.detect.snapshot import VERSION, Part, Snapshot
from hauberk.detect.state.size import held, state_of, written


def snapshot_records(snapshot: Snapshot) -> Iterator[Mapping[str, object]]:
    """One record on the file (``record``: ``baseline``), one for each detector and each tracker (``detector``, ``tracker``).

    ``bytes`` are those of a state as written, before compression; ``memory`` what it takes in a running process, null for
    detectors that this Hauberk does not know. ``verdicts`` counts what operators said, ``suppressed`` the findings that were kept
    back for it, ``erring`` how often each detector was said to have erred. ``holds`` is what the detector itself says of its state.
    Raises ``InputError`` for states that cannot be read.
    """
    baseline = snapshot.baseline
    devices = len(baseline.macs) + len(baseline.ips)
    sizes = [written(part.tree) for part in (*snapshot.detectors.values(), *snapshot.trackers.values())]
    yield {
        "record": "baseline",
        "version": VERSION,
        "product": snapshot.product,
        "learned_until": baseline.until,
        "seen_until": max((part.seen for part in snapshot.detectors.values() if part.seen is not None), default=None),
        "devices": devices,
        **{name: len(getattr(baseline, name)) for name in ("macs", "ips", "masters", "servers", "writers")},
        "verdicts": dict(sorted(Counter(given.record.verdict.value for given in snapshot.verdicts).items())),
        "suppressed": sum(given.hidden for given in snapshot.verdicts),
        "erring": dict(snapshot.verdicts.erring().most_common()),
        "bytes": sum(sizes),
        "bytes_per_device": round(sum(sizes) / max(devices, 1)),
    }
    known = {detector.id: detector for detector in detectors()}
    for name, part in sorted(snapshot.detectors.items()):
        yield {"record": "detector", "id": name, **_part(part, devices), **_state(known.get(name), part)}  # type: ignore[call-overload]  # an id is a str
    for name, part in sorted(snapshot.trackers.items()):
        yield {"record": "tracker", "id": name, **_part(part, devices)}


def _part(part: Part, devices: int) -> dict[str, object]:
    size = written(part.tree)
    return {
        "taught": part.taught,
        "seen_until": part.seen,
        "parameters": dict(part.parameters),
        "bytes": size,
        "bytes_per_device": round(size / max(devices, 1)),
    }


def _state(detector: Detector | None, part: Part) -> dict[str, object]:
    if detector is None:
        return {"known": False, "memory": None, "holds": {}}
    state = state_of(detector, part)
    holds = dict(detector.describe(state)) if detector.describe is not None else {}
    return {"known": True, "memory": held(state), "holds": holds}
