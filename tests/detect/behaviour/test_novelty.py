"""What a device meets for the first time: exact tails, classes, sums and memory."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hauberk.detect.behaviour import novelty as classes
from hauberk.detect.behaviour.novelty import Novelty, NoveltyAlarm, peer_group
from hauberk.detect.behaviour.novelty_kernel import at_least
from hauberk.detect.features.frame import Verb
from hauberk.detect.names import Names
from hauberk.detect.state.codec import decode, encode
from hauberk.model.observation import Observations
from hauberk.model.transaction import Transaction

LEARNED = 720
"""Windows of 10 s: two hours."""


def exact(k: int, a: float, b: float) -> float:
    """-log10 P(X >= k), the tail summed term by term until nothing is added."""
    terms = []
    for j in range(k, k + 100_000):
        log = math.lgamma(a + j) - math.lgamma(a) - math.lgamma(j + 1) + a * math.log(b / (b + 1)) - j * math.log(b + 1)
        terms.append(math.exp(log))
        if len(terms) > 5 and terms[-1] < 1e-18 * sum(terms):
            break
    return -math.log10(math.fsum(terms))


@settings(deadline=None)
@given(st.integers(1, 60), st.floats(0.5, 200), st.floats(0.5, 1e5))
def test_tails_are_those_of_the_negative_binomial(k: int, a: float, b: float) -> None:
    """Against the sum of the tail, up to the cap."""
    expected = min(12.0, exact(k, a, b))
    assert float(at_least(float(k), a, b)) == pytest.approx(expected, abs=0.15 if expected > 8 else 1e-4)


@settings(deadline=None)
@given(st.floats(0.5, 50), st.floats(1, 1e5))
def test_more_new_things_are_more_evidence(a: float, b: float) -> None:
    """And none at all is no evidence."""
    scores = [float(at_least(float(k), a, b)) for k in range(40)]
    assert scores[0] == 0
    assert all(low <= high + 1e-6 for low, high in itertools.pairwise(scores))


@pytest.fixture
def learned(span: Any, meet: Any, homes: Any) -> Callable[[], Novelty]:
    """A model of a device that had to do with one cloud service and one neighbour for two hours."""

    def learn() -> Novelty:
        model = Novelty(3600.0, 0.01)
        contacts = [meet(w, w, "203.0.113.5") for w in range(LEARNED)] + [meet(w, w, "10.0.0.9", 80) for w in range(LEARNED)]
        some = span(["cam"], [0] * LEARNED, range(LEARNED), contacts=contacts, taught=True)
        assert not list(model.observe(some, Names(), homes))
        assert not list(model.flush(LEARNED * 10.0, learning=True))
        return model

    return learn


def go(model: Novelty, homes: Any, some: Any, names: Names | None = None) -> list[NoveltyAlarm]:
    """What a span and the time that passes with it tell."""
    told = list(model.observe(some, names or Names(), homes))
    return told + list(model.flush(float(some.window[-1] + 1) * 10, learning=False))


def test_a_device_that_does_as_before_is_no_news(learned: Any, span: Any, meet: Any, homes: Any) -> None:
    """The same peers and services for hours."""
    windows = range(LEARNED, 3 * LEARNED)
    contacts = [meet(row, w, "203.0.113.77") for row, w in enumerate(windows)]
    assert not go(learned(), homes, span(["cam"], [0] * len(windows), windows, contacts=contacts))


def test_many_new_things_in_one_window_never_alert_alone(learned: Any, span: Any, meet: Any, homes: Any) -> None:
    """A hundred new peers within 10 s, and then nothing new."""
    windows = range(LEARNED, LEARNED + 60)
    contacts = [meet(0, LEARNED, f"10.0.7.{number}", 22) for number in range(100)]
    assert not go(learned(), homes, span(["cam"], [0] * 60, windows, contacts=contacts))


def test_new_peers_in_window_after_window_alert_with_their_names(learned: Any, span: Any, meet: Any, homes: Any) -> None:
    """Eight new neighbours every 10 s: told once, with what was new."""
    windows = range(LEARNED, LEARNED + 30)
    contacts = [meet(row, w, f"10.1.{row}.{number}", 22) for row, w in enumerate(windows) for number in range(8)]
    (alarm,) = go(learned(), homes, span(["cam"], [0] * 30, windows, contacts=contacts))
    assert alarm.kind == classes.NEW_LOCAL
    assert alarm.height > alarm.threshold
    assert {thing for _, _, thing in alarm.things} >= {"10.1.0.0 on tcp/22", "10.1.1.7 on tcp/22"}
    assert all(time < alarm.end for time, _, _ in alarm.things)


def sorts(model: Novelty) -> dict[int, int]:
    """How many new things of each class the device met, in tenths as they count when they are judged."""
    events = model._events[0]
    return {sort: round(float(count) * 10) for sort, count in enumerate(events) if count}


@pytest.mark.parametrize(
    "peer, port, more, sort",
    [
        ("198.51.100.7", 443, {}, classes.NEW_NETWORK),
        ("198.51.100.7", 4444, {}, classes.NEW_BOTH),
        ("203.0.113.200", 4444, {}, classes.NEW_SERVICE),
        ("203.0.113.200", 443, {}, None),
        ("10.0.0.77", 80, {}, classes.NEW_LOCAL),
        ("239.1.1.1", 1900, {"transport": 17}, classes.NEW_SERVICE),
        ("10.0.0.9", 23, {"outward": False}, classes.NEW_OFFER),
        ("10.0.0.77", 23, {"outward": False, "answered": False}, classes.NEW_TRY),
        ("10.0.0.9", 23, {"outward": False, "answered": False}, None),
    ],
)
def test_what_is_new_about_a_contact(
    peer: str, port: int, more: dict[str, Any], sort: int | None, learned: Any, span: Any, meet: Any, homes: Any
) -> None:
    """One class each, and what was met once is not new again."""
    model = learned()
    before = sorts(model)
    windows = range(LEARNED, LEARNED + 4)
    contacts = [meet(row, w, peer, port, **more) for row, w in enumerate(windows)]
    go(model, homes, span(["cam"], [0] * 4, windows, contacts=contacts))
    after = sorts(model)
    assert {key: after[key] - before.get(key, 0) for key in after if after[key] != before.get(key)} == (
        {sort: 1} if sort is not None else {}
    )


def test_operations_are_new_once(learned: Any, span: Any, homes: Any) -> None:
    """By protocol and operation, whoever is asked."""
    model = learned()
    verbs = [Verb(row, "modbus", "write_coil", f"10.0.1.{row}", (LEARNED + row) * 10.0) for row in range(3)]
    before = sorts(model)
    go(model, homes, span(["cam"], [0] * 3, range(LEARNED, LEARNED + 3), verbs=verbs))
    assert sorts(model) == before | {classes.NEW_VERB: 1}


def test_peers_are_taken_together_by_name_and_by_network() -> None:
    """Registrable domain where a name was said in time, else /24 and /48."""
    names = Names()
    said = Transaction(
        1, 50.0, "dns", "10.0.0.1", 53, "10.0.0.2", 4, "response", "a", 1, "a.b.example.co.uk", ("203.0.113.5",), "ok", False
    )
    names.observe(Observations(transactions=[said]))
    assert peer_group("203.0.113.5", names, 60.0) == "example.co.uk"
    assert peer_group("203.0.113.5", names, 40.0) == "203.0.113.0/24"
    assert peer_group("2001:db8:1:2::3", names, 60.0) == "2001:db8:1::/48"


def test_a_stream_that_begins_keeps_what_was_learned(learned: Any, span: Any, meet: Any, homes: Any) -> None:
    """What was met is not new in another stream; sums of evidence begin at nothing; written and read, it is the same."""
    model = decode(encode(learned()), Novelty(3600.0, 0.01))
    windows = range(LEARNED, LEARNED + 2)
    contacts = [meet(row, w, f"10.1.{row}.{number}", 22) for row, w in enumerate(windows) for number in range(8)]
    assert not go(model, homes, span(["cam"], [0] * 2, windows, contacts=contacts))
    assert model._total.any()
    model.begin_stream()
    assert not model._total.any()
    known = sorts(model)
    go(model, homes, span(["cam"], [0], [10], contacts=[meet(0, 10, "10.1.0.3", 22)]))
    assert sorts(model) == known


def test_no_more_is_remembered_than_there_is_room_for(span: Any, meet: Any, homes: Any) -> None:
    """Of ten thousand new peers in one window a few are looked at."""
    one = meet(0, 0, "10.1.0.0", 22)
    contacts = np.repeat(one, 10_000)
    contacts["peer_lo"] += np.arange(10_000, dtype=np.uint64)
    model = Novelty(3600.0, 0.01)
    go(model, homes, span(["cam"], [0], [0], contacts=[contacts]))
    assert len(model._met) < 300
    assert all(len(things) <= 64 for things in model._things.values())
