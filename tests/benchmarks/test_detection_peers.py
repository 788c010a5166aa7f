"""The peers are judged as fairly as the product: same windows, thresholds from learning, one alarm an episode."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from detection_peers import Box, Matrix, Scored, Table, alarms, false_alarms, found, score, threshold_for
from detection_score import Attack


@dataclass
class Frame:
    """A window of features."""

    start: float
    subjects: tuple[str, ...]
    values: Matrix
    seconds: float = 10.0


def frames(count: int, level: float = 100.0, seed: int = 1) -> list[Frame]:
    """Windows of two devices that go on alike."""
    random = np.random.default_rng(seed)
    return [Frame(10.0 * i, ("quiet", "loud"), random.normal([[level], [50 * level]], level / 20, (2, 3))) for i in range(count)]


def test_a_box_judges_each_device_by_itself() -> None:
    """What is usual for one device is far off for another."""
    odd = Frame(5000.0, ("quiet",), np.full((1, 3), 5000.0))
    usual = Frame(5000.0, ("loud",), np.full((1, 3), 5000.0))
    scored = score(Box, Table.of([*frames(400), odd, usual]), 4500.0)
    excess = {item.device: item.excess for item in scored}
    assert excess["quiet"] > 1
    assert excess["loud"] < 0


def test_windows_that_reach_over_the_end_of_learning_teach_nothing_and_are_not_judged() -> None:
    """Neither side may hold them: they are half benign for certain, half not."""
    scored = score(Box, Table.of(frames(100)), 505.0)
    assert min(item.time for item in scored) == pytest.approx(520.0)


def test_a_peer_that_learned_next_to_nothing_judges_nothing() -> None:
    """Nine windows of two devices are too few for a model."""
    assert score(Box, Table.of(frames(100)), 90.0) == []


def test_alarms_of_a_device_that_follow_each_other_are_one_false_alarm() -> None:
    """Two episodes of one device and one of another."""
    scored = [Scored(time, device, 1.0) for time, device in ((10.0, "a"), (20.0, "a"), (15.0, "b"), (1000.0, "a"))]
    assert false_alarms(scored, 0.5) == 3
    assert false_alarms(scored, 1.0) == 0


@pytest.mark.parametrize("most, expected", [(0, 3.0), (1, 2.0), (2, 1.0), (3, 0.0), (9, 0.0)])
def test_the_matching_threshold_is_the_lowest_that_makes_no_more_false_alarms(most: int, expected: float) -> None:
    """With as many allowed as there are at the natural threshold, it is that."""
    stages = [[Scored(0.0, "a", 1.0), Scored(9000.0, "a", -1.0)], [Scored(0.0, "a", 2.0), Scored(9000.0, "b", 3.0)]]
    threshold = threshold_for(stages, most)
    assert threshold == expected
    assert sum(false_alarms(stage, threshold) for stage in stages) <= most


def test_a_peer_finds_an_attack_when_a_window_of_a_party_is_over_the_threshold() -> None:
    """By the end of the window, when it can be judged at the earliest."""
    attack = Attack("a", "noisy", 100.0, 110.0, frozenset({"a"}))
    scored = [Scored(110.0, "a", 0.4), Scored(120.0, "b", 9.0)]
    assert [alarm.time for alarm in alarms(scored, 0.3)] == [110.0, 120.0]
    assert found([((attack,), scored)], 0.3).found == 1
    assert found([((attack,), scored)], 0.5).found == 0
    assert found([((attack,), [Scored(90.0, "a", 9.0)])], 0.5).excluded == 1
