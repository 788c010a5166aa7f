"""The arithmetic of the detection benchmark: a benchmark that miscounts is a defect."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detection_score import GRACE, LOOKBACK, SLOT, Alarm, Attack, Heard, Rate, episodes, judge, poisson_upper, quantile, unexplained
from hauberk.model.address import ip_halves, mac_number
from hauberk.model.flow import ACTIVITY
from hauberk.model.observation import Columns

ATTACKER, VICTIM, OTHER = "10.0.0.66", "10.0.0.10", "10.0.0.99"


def attack(onset: float, end: float, *parties: str, name: str = "attack") -> Attack:
    """An attack of the attacker on the victim where ``parties`` say nothing else."""
    return Attack(name, "noisy", onset, end, frozenset(parties or (ATTACKER, VICTIM)), frozenset({"T1046"}))


def alarm(time: float, *parties: str, techniques: tuple[str, ...] = ("T1046",)) -> Alarm:
    """An alarm about the attacker where ``parties`` say nothing else."""
    return Alarm(time, frozenset(parties or (ATTACKER,)), "scan", techniques)


@pytest.mark.parametrize("events, bound", [(0, 2.9957), (1, 4.7439), (2, 6.2958), (5, 10.5130), (10, 16.9622), (100, 118.079)])
def test_the_poisson_bound_is_the_published_one(events: int, bound: float) -> None:
    """Half the 95 % quantile of chi-square with 2(n + 1) degrees of freedom, from tables."""
    assert poisson_upper(events) == pytest.approx(bound, abs=1e-3)


@given(st.integers(0, 300), st.floats(0.5, 0.999))
def test_the_poisson_bound_has_the_coverage_it_says(events: int, confidence: float) -> None:
    """At the bound, so few events or fewer have the probability that is left."""
    mean = poisson_upper(events, confidence)
    term, total = math.exp(-mean), 0.0
    for count in range(events + 1):
        total += term
        term *= mean / (count + 1)
    assert total == pytest.approx(1 - confidence, rel=1e-6)


def test_a_rate_over_nothing_watched_is_no_rate() -> None:
    """No device-days give neither a rate nor a bound."""
    assert Rate(0, 0.0).rate is None
    assert Rate(0, 0.0).bound is None
    assert Rate(3, 1.5).rate == 2.0
    assert Rate(0, 30.0).bound == pytest.approx(0.0999, abs=1e-3)


@pytest.mark.parametrize(
    "time, found", [(99.9, False), (100.0, True), (130.0, True), (120.0 + GRACE, True), (120.1 + GRACE, False)]
)
def test_an_alarm_counts_from_the_onset_to_the_end_of_the_grace(time: float, found: bool) -> None:
    """Neither an alarm before the onset nor one after the grace is a find."""
    verdict = judge([attack(100.0, 120.0)], [alarm(time)])[0]
    assert verdict.found is found
    assert verdict.delay == (pytest.approx(time - 100.0) if found else None)


def test_an_alarm_about_somebody_else_is_no_find() -> None:
    """It must name one of the parties."""
    assert not judge([attack(100.0, 120.0)], [alarm(110.0, OTHER)])[0].found
    assert judge([attack(100.0, 120.0)], [alarm(110.0, OTHER, VICTIM)])[0].found


@pytest.mark.parametrize("time, excluded", [(100.0 - LOOKBACK - 1, False), (100.0 - LOOKBACK, True), (99.0, True)])
def test_parties_that_were_alarming_before_leave_the_attack_out(time: float, excluded: bool) -> None:
    """An alarm in the time before the onset, outside any attack, makes a later one say nothing."""
    verdict = judge([attack(100.0, 120.0)], [alarm(time), alarm(105.0)])[0]
    assert verdict.excluded is excluded
    assert verdict.found is not excluded
    assert (verdict.delay is None) is excluded


def test_the_alarm_of_an_earlier_attack_leaves_nothing_out() -> None:
    """Attacks follow each other; what the first raised is explained."""
    attacks = [attack(100.0, 120.0), attack(400.0, 420.0)]
    verdicts = judge(attacks, [alarm(101.0), alarm(402.0)])
    assert [verdict.delay for verdict in verdicts] == [pytest.approx(1.0), pytest.approx(2.0)]


def test_the_alarm_of_the_next_attack_is_not_the_first_ones() -> None:
    """The grace ends where the next attack of the same parties begins, but not where that of others does."""
    late = [alarm(131.0)]
    assert [verdict.found for verdict in judge([attack(100.0, 120.0), attack(130.0, 140.0)], late)] == [False, True]
    assert judge([attack(100.0, 120.0), attack(130.0, 140.0, OTHER)], late)[0].found


def test_the_first_alarm_gives_the_delay_and_the_technique() -> None:
    """Whatever the order in which alarms are handed over; later ones count for 'any' alone."""
    verdict = judge([attack(100.0, 120.0)], [alarm(110.0), alarm(103.0, techniques=("T9999",))])[0]
    assert verdict.delay == pytest.approx(3.0)
    assert (verdict.named, verdict.suggested) == (False, True)


def test_the_reaction_is_counted_from_the_first_message() -> None:
    """Of an attack that a script announced before it did anything; of others nothing is known but the onset."""
    announced = Attack("a", "noisy", 100.0, 120.0, frozenset({ATTACKER}), announced=True, acted=108.0)
    verdict = judge([announced], [alarm(110.0)])[0]
    assert verdict.delay == pytest.approx(10.0)
    assert verdict.reaction == pytest.approx(2.0)
    assert judge([announced], [alarm(105.0)])[0].reaction == 0.0
    assert judge([attack(100.0, 120.0)], [alarm(110.0)])[0].reaction is None


def test_alarms_outside_every_attack_are_counted() -> None:
    """By time, and by whom they are about."""
    outside = [alarm(50.0), alarm(110.0, OTHER), alarm(121.0 + GRACE)]
    assert unexplained([attack(100.0, 120.0)], [*outside, alarm(110.0)]) == outside


@given(st.lists(st.floats(0, 1e5), max_size=40), st.floats(1, 1e4))
def test_episodes_are_apart_and_cover_every_alarm(times: list[float], quiet: float) -> None:
    """Every alarm follows the beginning of an episode; two beginnings have a silence between them."""
    begun = episodes(times, quiet)
    assert set(begun) <= set(times)
    assert bool(begun) is bool(times)
    for start in begun[1:]:
        assert start - max(time for time in times if time < start) > quiet
    assert (
        len(begun) == 1 + sum(b - a > quiet for a, b in zip(sorted(times), sorted(times)[1:], strict=False)) if times else not begun
    )


def test_quantiles_interpolate() -> None:
    """As NumPy's default does."""
    values = [4.0, 1.0, 9.0, 2.0]
    assert quantile(values, 0.95) == pytest.approx(float(np.quantile(values, 0.95)))
    assert quantile(values, 0.5) == 3.0
    assert quantile([], 0.5) is None


def rows(times: list[float], a: str, b: str, out: int = 1, back: int = 0, mac: str = "02:00:00:00:00:01") -> Columns:
    """Activity rows of one pair, each over at once."""
    made = np.zeros(len(times), ACTIVITY)
    made["start"] = made["end"] = np.round(np.array(times) * 1e9)
    made["a_hi"], made["a_lo"] = ip_halves(a)
    made["b_hi"], made["b_lo"] = ip_halves(b)
    made["a_mac"], made["ip_version"] = mac_number(mac), 4
    made["packets_out"], made["packets_in"] = out, back
    return made


def test_a_slot_counts_once_however_much_is_heard_in_it() -> None:
    """Three rows in two slots of ten minutes are two of 144 parts of a day; who is only spoken to was not heard."""
    heard = Heard()
    heard.add(rows([10.0, 20.0, SLOT + 1.0], ATTACKER, VICTIM))
    assert heard.device_days({ATTACKER: "a", VICTIM: "v"}.get) == {"a": pytest.approx(2 / 144)}
    heard.add(rows([10.0], ATTACKER, VICTIM, back=1))
    assert heard.device_days({ATTACKER: "a", VICTIM: "v"}.get)["v"] == pytest.approx(1 / 144)


def test_what_is_heard_while_learning_is_not_counted() -> None:
    """Device-days are those in which a false alarm could have come."""
    heard = Heard()
    heard.add(rows([10.0, SLOT + 1.0], ATTACKER, VICTIM), after=float(SLOT))
    assert heard.device_days(lambda _: "device") == {"device": pytest.approx(1 / 144)}


def test_several_addresses_of_a_device_are_one_device() -> None:
    """The slots of its addresses are joined, not added."""
    heard = Heard()
    heard.add(rows([10.0], ATTACKER, VICTIM))
    heard.add(rows([20.0], OTHER, VICTIM))
    assert heard.device_days({ATTACKER: "a", OTHER: "a"}.get) == {"a": pytest.approx(1 / 144)}


def test_a_foreign_address_is_heard_through_the_card_that_carried_it() -> None:
    """What a router forwards says that the router is there."""
    heard = Heard()
    heard.add(rows([10.0], "203.0.113.9", VICTIM, mac="02:00:00:00:00:07"))
    assert heard.device_days({"02:00:00:00:00:07": "router"}.get) == {"router": pytest.approx(1 / 144)}
