"""Detectors of process values on a simulated water tank: what is wrong is found, and a day without attack raises nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from hauberk.detect.detectors.registry import detectors
from hauberk.detect.engine import DetectionEngine
from hauberk.model.finding import Finding, Severity

VALUES = frozenset({"value_out_of_range", "value_relation_broken", "value_replayed", "covert_values"})


class Fleet:
    """Nothing is known of the fleet."""

    def device(self, address: str) -> None:
        """No record holds the address."""

    def kind(self, address: str) -> None:
        """Unknown."""

    def is_local(self, address: str) -> bool:
        """All hosts are."""
        return bool(address)

    def is_infrastructure(self, address: str) -> bool:
        """None is."""
        return not address


def judge(tank: Any, learn_until: float | None, cuts: Sequence[float] = ()) -> list[Finding]:
    """What the detectors of values say of a tank."""
    chosen = [detector for detector in detectors() if detector.id in VALUES]
    engine = DetectionEngine(chosen, Fleet(), learn_until=learn_until)
    return [finding for batch in tank.observations(cuts) for finding in engine.observe(batch)]


@pytest.fixture
def running(tank: Callable[..., Any]) -> Callable[[int], tuple[Any, float]]:
    """Makes a tank that was learned for 5000 polls and then ran healthily for 200, and the time of the former."""

    def make(seed: int) -> tuple[Any, float]:
        plant = tank(seed)
        plant.live(5000)
        until = plant.time + 0.001
        plant.live(200)
        return plant, until

    return make


@pytest.mark.parametrize("seed", range(3))
def test_a_day_without_attack_raises_nothing(seed: int, tank: Callable[..., Any]) -> None:
    """Learned for half a day, judged for a whole one."""
    plant = tank(seed, interval=5.0)
    plant.live(3 * 8640)
    assert not judge(plant, plant.begin + 43200)


@pytest.mark.parametrize("seed", range(3))
def test_a_wrong_set_point_is_found_at_its_packet(seed: int, running: Callable[[int], tuple[Any, float]]) -> None:
    """From the master that always writes."""
    plant, until = running(seed)
    plant.write(11, 95)
    (finding,) = judge(plant, until)
    assert (finding.detector, finding.severity) == ("value_out_of_range", Severity.HIGH)
    assert finding.raised == plant.time
    assert finding.addresses == (plant.MASTER, plant.PLC)
    evidence = finding.evidence[0]
    assert evidence.seen == 95
    assert evidence.usual is not None
    assert (evidence.usual.low, evidence.usual.high) == (45, 55)
    assert "wrote 95 to 1/holding_register/11" in finding.reasons[0]


def test_a_mode_that_was_never_set_is_found(running: Callable[[int], tuple[Any, float]]) -> None:
    """Between and beside the known ones."""
    plant, until = running(1)
    plant.write(10, 4)
    (finding,) = judge(plant, until)
    assert finding.detector == "value_out_of_range"


def test_set_points_as_usual_raise_nothing(running: Callable[[int], tuple[Any, float]]) -> None:
    """Also a little beyond what was seen."""
    plant, until = running(1)
    plant.write(10, 2)
    plant.write(11, 58)
    assert not judge(plant, until)


@pytest.mark.parametrize("seed", range(3))
def test_a_level_that_drifts_in_a_lie_is_found_by_what_flows(seed: int, running: Callable[[int], tuple[Any, float]]) -> None:
    """A fiftieth of a unit a second, an hour's worth within the range."""
    plant, until = running(seed)
    begin = plant.time
    plant.live(600, lambda poll, row: [max(0, row[0] - 2 * poll), *row[1:]])
    found = [finding for finding in judge(plant, until) if finding.detector == "value_relation_broken"]
    assert found
    assert begin < found[0].raised <= begin + 400
    assert found[0].addresses == (plant.PLC,)
    assert found[0].evidence[0].series


@pytest.mark.parametrize("seed", range(3))
def test_a_recording_played_back_is_found(seed: int, running: Callable[[int], tuple[Any, float]]) -> None:
    """The last 150 readings again."""
    plant, until = running(seed)
    begin = plant.time
    recorded = [list(message.value) for message in plant.messages if message.object.endswith("0-3") and message.value][-150:]
    plant.live(150, lambda poll, _: recorded[poll])
    (finding,) = (finding for finding in judge(plant, until) if finding.detector == "value_replayed")
    assert finding.raised <= begin + 100
    assert finding.first_evidence >= begin - 1


@pytest.mark.parametrize("seed", range(3))
def test_data_in_a_register_is_found(seed: int, running: Callable[[int], tuple[Any, float]]) -> None:
    """Bytes of a file instead of the temperature, in its range."""
    plant, until = running(seed)
    plant.live(300, lambda _, row: [*row[:3], 1900 + plant.chance.randrange(200)])
    (finding,) = (finding for finding in judge(plant, until) if finding.detector == "covert_values")
    assert "1/holding_register/3" in finding.reasons[0]


def test_nothing_learned_nothing_said_but_of_data_in_many_registers(tank: Callable[..., Any]) -> None:
    """The others need to know what is usual."""
    plant = tank(1)
    plant.live(300, lambda *_: [plant.chance.randrange(8192) for _ in range(4)])
    plant.write(11, 30000)
    (finding,) = judge(plant, None)
    assert finding.detector == "covert_values"
    assert len({"1/holding_register/0", "1/holding_register/3"} & set(finding.reasons[0].replace(",", "").split())) == 2


@pytest.mark.parametrize("step", [7.3, 61.0, 400.0])
def test_cuts_do_not_matter(step: float, running: Callable[[int], tuple[Any, float]]) -> None:
    """One batch against many, over the end of learning."""
    plant, until = running(2)
    plant.write(11, 95)
    plant.live(200, lambda poll, row: [max(0, row[0] - 8 * poll), *row[1:]])
    plant.live(100, lambda _, row: [*row[:3], plant.chance.randrange(65536)])
    whole = judge(plant, until)
    assert len({finding.detector for finding in whole}) >= 3
    cuts = [plant.begin + step * number for number in range(int((plant.time - plant.begin) / step))]
    assert sorted(judge(plant, until, cuts), key=repr) == sorted(whole, key=repr)


@pytest.mark.needs_data
def test_a_real_covert_channel_is_found_without_learning(data: Any) -> None:
    """Files over nine registers of a Modbus bench; nothing is known of how it was before."""
    from hauberk.service.feed import Depth, open_feed  # noqa: PLC0415 - only where there is data

    engine = DetectionEngine([detector for detector in detectors() if detector.id in VALUES], Fleet())
    path = data / "labelled/modbus-cset2016/channel_4d_9s.pcap.xz"
    findings = [finding for batch in open_feed([str(path)], Depth.MESSAGES).observations() for finding in engine.observe(batch)]
    assert [finding.detector for finding in findings] == ["covert_values"]
