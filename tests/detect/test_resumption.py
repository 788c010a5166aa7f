"""Going on from a snapshot: limits in force win, other detectors do no harm, and another stream is another stream."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hauberk.detect.detectors.interface import Detector, Parameter
from hauberk.detect.detectors.registry import detectors
from hauberk.detect.engine import DetectionEngine, DetectorSetting
from hauberk.detect.episode import Episodes
from hauberk.detect.resumption import LONGEST_GAP
from hauberk.detect.snapshot import Snapshot
from hauberk.detect.state.codec import Tree, decode, encode
from hauberk.detect.state.parameters import Unfit, under
from hauberk.errors import InputError
from hauberk.model.ids import DetectorId

Make = Callable[..., DetectionEngine]


@pytest.fixture
def make(engine: Any) -> Make:
    """Makes engines on one fleet."""
    fleet = engine({}).fleet

    def begin(rows: Any = None, **options: Any) -> DetectionEngine:
        return DetectionEngine(detectors() if rows is None else rows, fleet, **options)

    return begin


def scan(traffic: Any, begins: float, ports: range) -> Any:
    """A port scan, one port a second."""
    for number, port in enumerate(ports):
        traffic.flow(begins + number, "10.0.0.66", "10.0.1.1", port)
    return traffic


def after(engine: DetectionEngine, product: str = "1") -> Snapshot:
    """A snapshot that went through a file."""
    return Snapshot.load(engine.snapshot(product).dump())


def found(engine: DetectionEngine, traffic: Any, mark: float | None = None) -> list[str]:
    """Ids of what is found in ``traffic``; ``mark``: what the last batch says of its end."""
    (batch,) = traffic.batches()
    return [finding.detector for finding in engine.observe(batch if mark is None else replace(batch, watermark=mark))]


def test_a_scan_goes_on_over_a_restart(make: Make, make_traffic: Callable[[], Any]) -> None:
    """Half before and half after: found, and found once."""
    first = make()
    assert not found(first, scan(make_traffic(), 100, range(20, 26)), 105.0)
    second = make(snapshot=after(first))
    assert found(second, scan(make_traffic(), 108, range(26, 32)), 119.0) == ["port_scan"]
    third = make(snapshot=after(second))
    assert not found(third, scan(make_traffic(), 120, range(32, 50)), 150.0)


@pytest.mark.parametrize("begins", [10.0, 60.0, 105.0 + LONGEST_GAP + 1, 3e8])
def test_another_stream_is_another_stream(begins: float, make: Make, make_traffic: Callable[[], Any]) -> None:
    """Traffic from before, or long after: what was going on then neither suppresses a scan nor makes half of one a whole."""
    half, whole = make(), make()
    assert not found(half, scan(make_traffic(), 100, range(20, 26)), 105.0)
    assert found(whole, scan(make_traffic(), 94, range(20, 32)), 107.0) == ["port_scan"]
    assert not found(make(snapshot=after(half)), scan(make_traffic(), begins, range(26, 32)))
    assert found(make(snapshot=after(whole)), scan(make_traffic(), begins, range(20, 32))) == ["port_scan"]


def test_what_was_learned_serves_another_stream(make: Make, make_traffic: Callable[[], Any]) -> None:
    """Years later the same master is the same master, and a new one is new, whatever was said of it before."""
    teaching = make_traffic()
    teaching.say(10, "10.0.0.1", "10.0.1.1", "modbus read")
    teacher = make(learn_until=20.0)
    found(teacher, teaching, 19.0)
    judged = make_traffic()
    judged.say(30, "10.0.0.2", "10.0.1.1", "modbus read")
    assert found(teacher, judged, 31.0) == ["new_ot_master"]
    again = make_traffic()
    again.say(32, "10.0.0.2", "10.0.1.1", "modbus read")
    assert not found(make(snapshot=after(teacher)), again, 33.0)
    later = make_traffic()
    later.say(1e9, "10.0.0.1", "10.0.1.1", "modbus read")
    later.say(1e9 + 1, "10.0.0.2", "10.0.1.1", "modbus read")
    assert found(make(snapshot=after(teacher)), later) == ["new_ot_master"]


def test_limits_in_force_win(make: Make, make_traffic: Callable[[], Any]) -> None:
    """A threshold that the owner changed holds for what was counted under the old one."""
    first = make(settings={"port_scan": DetectorSetting(parameters={"threshold": 50})})
    assert not found(first, scan(make_traffic(), 100, range(20, 40)), 119.0)
    saved = after(first)
    assert not found(
        make(snapshot=saved, settings={"port_scan": DetectorSetting(parameters={"threshold": 50})}), _one(make_traffic())
    )
    assert found(make(snapshot=saved), _one(make_traffic())) == ["port_scan"]
    assert make(snapshot=saved).snapshot().detectors["port_scan"].parameters["threshold"] == 10


def _one(traffic: Any) -> Any:
    return scan(traffic, 120, range(40, 41))


def test_detectors_come_and_go(make: Make) -> None:
    """One that is off keeps what it has for later; one that is unknown is carried along; a new one begins."""
    rows = detectors()
    saved = after(make(rows))
    fewer = make(rows[3:], snapshot=saved)
    assert after(fewer).detectors.keys() == saved.detectors.keys()
    assert after(make(rows, snapshot=after(make(rows[3:])))).detectors.keys() == saved.detectors.keys()


def test_a_detector_that_was_not_taught_is_silent(make: Make, make_traffic: Callable[[], Any]) -> None:
    """One that was off while the network was learned would find everything new; it says nothing, and that is told."""
    teaching = make_traffic()
    teaching.say(10, "10.0.0.1", "10.0.1.1", "modbus write!")
    off = {"new_write": DetectorSetting(enabled=False)}
    teacher = make(learn_until=20.0, settings=off)
    found(teacher, teaching, 19.0)
    engine = make(snapshot=after(teacher))
    assert engine.untaught == ("new_write",)
    judged = make_traffic()
    judged.say(30, "10.0.0.1", "10.0.1.1", "modbus write!")
    assert not found(engine, judged, 31.0)
    again = make(snapshot=after(engine), learn_until=40.0)
    found(again, teaching, 39.0)
    assert not again.untaught


def test_a_snapshot_does_not_change(make: Make, make_traffic: Callable[[], Any]) -> None:
    """Neither when the engine goes on, nor when another goes on from it."""
    teaching = scan(make_traffic(), 100, range(20, 25))
    teaching.say(101, "10.0.0.1", "10.0.1.1", "modbus read")
    engine = make(learn_until=1e9)
    found(engine, teaching, 105.0)
    snapshot = engine.snapshot()
    before = snapshot.dump()
    for other in (engine, make(snapshot=snapshot, learn_until=1e9)):
        more = scan(make_traffic(), 106, range(30, 60))
        more.say(107, "10.0.0.9", "10.0.1.9", "modbus read")
        found(other, more, 200.0)
    assert snapshot.dump() == before


def _counting(seconds: float) -> dict[str, Any]:
    return {"times": np.zeros(int(seconds)), "last": deque([1, 2], maxlen=int(seconds)), "name": OrderedDict(a=seconds)}


def test_numbers_of_limits_are_found_wherever_they_stand() -> None:
    """In mappings, lengths of queues, objects; what is not a limit stays as it was stored."""

    def state(limit: float) -> dict[str, Any]:
        return {"q": deque(maxlen=int(limit)), "e": Episodes(limit), "m": OrderedDict(a=limit, b=1), "t": (limit, 2), "x": 0}

    stored = {**state(5.0), "q": deque([1, 2, 3, 4, 5], maxlen=5), "x": 7}
    stored["e"].begin("a", 1.0)
    result = decode(under(encode(stored), encode(state(5.0)), encode(state(3.0))))
    assert result["q"] == deque([3, 4, 5])
    assert result["q"].maxlen == 3
    assert (result["m"], result["t"], result["x"]) == (OrderedDict(a=3.0, b=1), (3.0, 2), 7)
    assert result["e"].quiet == 3.0
    assert result["e"].goes_on("a", 2.0)


def test_states_that_do_not_fit_begin_anew(make: Make) -> None:
    """Where the length of an array is a limit, nothing of the old state can stay, and what was learned is gone too."""
    with pytest.raises(Unfit):
        under(encode(_counting(5.0)), encode(_counting(5.0)), encode(_counting(4.0)))
    for strange in ([], 5, {"": "x"}, ["d"]):
        with pytest.raises(Unfit):
            under(Tree(strange), encode({"a": 5.0}), encode({"a": 4.0}))
    row = Detector(
        DetectorId("counting"),
        "Counting",
        "Counts.",
        {"seconds": Parameter(5.0, "s", "length")},
        lambda parameters: _counting(parameters["seconds"]),
        lambda state, view: [],  # noqa: ARG005 - the signature is that of a step
        learned=True,
    )
    teacher = make([row], learn_until=10.0)
    teacher.observe(_empty(5.0))
    assert not make([row], snapshot=after(teacher)).untaught
    shorter = make([row], snapshot=after(teacher), settings={"counting": DetectorSetting(parameters={"seconds": 3.0})})
    assert shorter.untaught == ("counting",)
    carrying = replace(row, carry=lambda fresh, old: fresh["name"].update(old["name"]))
    shorter = make([carrying], snapshot=after(teacher), settings={"counting": DetectorSetting(parameters={"seconds": 3.0})})
    assert not shorter.untaught


def _empty(mark: float) -> Any:
    from hauberk.model.observation import Observations  # noqa: PLC0415 - only here

    return Observations(watermark=mark)


def test_trackers_of_another_type_are_refused(make: Make) -> None:
    """As any state is."""
    whole = make().snapshot()
    bad = replace(whole, trackers={"attempts": replace(whole.trackers["attempts"], tree=encode(5))})
    with pytest.raises(InputError, match="attempts"):
        make(snapshot=bad)
