"""The models of process values at work on columns."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hauberk.detect.state.codec import decode, encode
from hauberk.detect.values.companions import Companions
from hauberk.detect.values.envelope import Envelope
from hauberk.detect.values.limits import MOST_POINTS
from hauberk.detect.values.novelty import Novelty, unrelated_values
from hauberk.detect.values.points import Matrix, Run, Sample, columns, grouped
from hauberk.detect.values.replay import Replay
from hauberk.detect.values.written import Written

NOT_READ = (math.inf, -math.inf, 0)


def readings(values: Any, begin: float = 0.0) -> list[Run]:
    """One reading a second."""
    table: Matrix = np.asarray(values, float).reshape(len(values), -1)
    names = [f"p{index}" for index in range(table.shape[1])]
    return columns("10.0.1.1", names, (begin + np.arange(len(table))).tolist(), table)["10.0.1.1"]


def wave(count: int, seed: int, begin: int = 0) -> Matrix:
    """A slow wave with noise."""
    noise = np.random.default_rng(seed).normal(0, 0.1, count)
    result: Matrix = 50 + 10 * np.sin((begin + np.arange(count)) / 20) + noise
    return result


def test_readings_out_of_their_band_raise_evidence_and_one_does_not() -> None:
    """A single odd reading is let go."""
    envelope = Envelope("10.0.1.1")
    envelope.learn(readings(wave(4000, 1)))
    odd = wave(600, 2)
    odd[300] = 500
    assert not envelope.judge(readings(odd, 4000))
    (alarm, *_) = envelope.judge(readings(np.full(40, 90.0), 4600))
    assert alarm.points == ("p0",)
    assert alarm.evidence[0].usual is not None
    assert 38 < alarm.evidence[0].usual.low < alarm.evidence[0].usual.high < 62
    assert alarm.time - 4600 < 10


@pytest.mark.parametrize("learned", [np.arange(4000.0), np.full(4000, 7.0), np.tile([0.0, 1.0], 2000)])
def test_counters_constants_and_switches_have_no_band(learned: Matrix) -> None:
    """What learning does not bound is not judged by a bound."""
    envelope = Envelope("10.0.1.1")
    envelope.learn(readings(learned))
    assert not envelope.judge(readings(np.full(200, 1e6), 4000))


def written(*values: float | str) -> Written:
    """A point with these writes."""
    point = Written()
    for value in values:
        point.learn(value)
    return point


@pytest.mark.parametrize(
    "known,value",
    [
        (written(*[50.0, 51.0, 55.0, 50.0, 51.0, 55.0]), 95.0),
        (written(*[1.0, 2.0, 3.0] * 10), 4.0),
        (written(*["latch_on", "latch_off"] * 10), "pulse_on"),
    ],
)
def test_writes_unlike_the_learned_are_strange(known: Written, value: Any) -> None:
    """Far away, a new mode, a new command."""
    assert known.strange(value, NOT_READ)


@pytest.mark.parametrize(
    "known,value",
    [
        (written(*[50.0, 51.0, 55.0, 50.0, 51.0, 55.0]), 58.0),
        (written(*[float(value) for value in range(100, 140)]), 500.0),
        (written(*[0.0] * 50), 1.0),
        (written(*[1.0, 2.0, 3.0, 4.0, 7.0, 8.0, 9.0] * 3), 5.0),
        (written(), 1e9),
    ],
)
def test_writes_that_learning_cannot_exclude_are_not(known: Written, value: float) -> None:
    """Near, a clock that goes on, a switch turned, too little learned."""
    assert known.strange(value, NOT_READ) is None


def test_a_point_never_written_is_judged_by_its_readings() -> None:
    """A set point that always read 50."""
    assert Written().strange(200.0, (50.0, 50.0, 100))
    assert Written().strange(55.0, (50.0, 50.0, 100)) is None
    assert Written().strange(200.0, (50.0, 50.0, 5)) is None


def related(count: int, seed: int) -> Matrix:
    """Two flows that follow one cause, and a third that does not."""
    chance = np.random.default_rng(seed)
    cause = np.cumsum(chance.normal(0, 1, count))
    cause -= np.convolve(cause, np.ones(50) / 50, "same")
    other = chance.normal(0, 1, count)
    return np.column_stack([cause + chance.normal(0, 0.05, count), 3 * cause + chance.normal(0, 0.1, count), other])


def test_a_value_that_leaves_its_companion_is_found() -> None:
    """It stays in its range; only the relation tells."""
    companions = Companions("10.0.1.1")
    companions.learn(readings(related(3000, 1)))
    assert not companions.judge(readings(related(1000, 2), 3000))
    lie = related(1000, 3)
    lie[500:, 0] = lie[:500, 0]
    alarms = companions.judge(readings(lie, 4000))
    assert alarms
    assert alarms[0].time >= 4500
    assert alarms[0].time < 4600
    assert set(alarms[0].points[:2]) == {"p0", "p1"}


def test_unrelated_values_have_no_relation_to_break() -> None:
    """Independent wanderings look related for a while; what is not confirmed is not trusted."""
    for seed in range(6):
        walks = np.cumsum(np.random.default_rng(seed).normal(0, 1, (4000, 4)), axis=0)
        companions = Companions("10.0.1.1")
        companions.learn(readings(walks[:1500]))
        assert not companions.judge(readings(walks[1500:], 1500))


def test_a_replay_is_found_and_a_repetitive_process_is_not() -> None:
    """Only where readings were unique while learned."""
    live = wave(3000, 1)
    replay = Replay("10.0.1.1")
    assert not replay.take(readings(live), learning=True)
    assert not replay.take(readings(wave(500, 2, 3000), 3000), learning=False)
    (alarm, *_) = replay.take(readings(live[-400:], 3500), learning=False)
    assert alarm.evidence[0].name == "readings_repeated"
    cyclic = np.tile(np.arange(40.0) * 7 % 41, 100)
    replay = Replay("10.0.1.1")
    replay.take(readings(cyclic), learning=True)
    assert not replay.take(readings(cyclic, 4000), learning=False)


def test_a_noisy_value_that_freezes_is_found() -> None:
    """In the middle of its range; at its end a process may rest."""
    replay = Replay("10.0.1.1")
    replay.take(readings(wave(3000, 1)), learning=True)
    (alarm,) = replay.take(readings(np.full(200, 50.0), 3000), learning=False)
    assert alarm.evidence[0].name == "readings_frozen"
    replay = Replay("10.0.1.1")
    replay.take(readings(wave(3000, 1)), learning=True)
    assert not replay.take(readings(np.full(200, 39.9), 3000), learning=False)


def test_data_in_a_register_that_was_smooth_is_found() -> None:
    """A point turns into a stream of unrelated values."""
    novelty = Novelty("10.0.1.1")
    assert not novelty.take(readings(np.round(100 * wave(2000, 1))), learning=True)
    data = np.random.default_rng(1).integers(0, 256, 200)
    (alarm, *_) = novelty.take(readings(data, 2000), learning=False)
    assert alarm.points == ("p0",)


def test_data_in_many_registers_is_found_without_learning_and_said_once() -> None:
    """Also while learning, and not again for what was there then."""
    data = np.random.default_rng(1).integers(0, 1 << 13, (400, 9))
    novelty = Novelty("10.0.1.1")
    assert len(novelty.take(readings(data[:200]), learning=True)) == 1
    assert not novelty.take(readings(data[200:], 200), learning=False)


def test_a_noisy_measurement_of_64_bits_is_no_channel() -> None:
    """The low words of a fraction are as good as random."""
    chance = np.random.default_rng(1)
    words = (230 + chance.normal(0, 1, 2000)).astype(">f8").view(">u2").reshape(-1, 4)
    assert not Novelty("10.0.1.1").take(readings(words), learning=True)


def test_smooth_constant_and_missing_values_are_related() -> None:
    """Only the random column is not."""
    table = np.column_stack(
        [np.arange(24) * 50.0, np.full(24, 3.0), np.full(24, np.nan), np.random.default_rng(1).integers(0, 999, 24)]
    )
    assert unrelated_values(table, 64.0).tolist() == [False, False, False, True]


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(1 << 1200), 1 << 1200),
    st.floats(),
    st.text(max_size=5),
    st.binary(max_size=5),
)
messages = st.lists(
    st.tuples(
        st.floats(0, 2e9), st.sampled_from("abc"), st.lists(scalars, min_size=2, max_size=2), st.sampled_from(["", "10.0.0.1"])
    ),
    max_size=60,
)


@settings(max_examples=60, deadline=None)
@given(messages, messages, st.integers(0, 60))
def test_nothing_that_can_be_read_breaks_a_model_and_cuts_do_not_matter(taught: list[Any], judged: list[Any], cut: int) -> None:
    """Missing, infinite and huge values, text, and clocks that go backwards; state saved and read back in between."""
    first, second = (
        [Sample(time, key, ("x", "y"), tuple(row), by) for time, key, row, by in part * 4] for part in (taught, judged)
    )
    outcomes = []
    for early, late in (([first], [second]), ([first[:cut], first[cut:]], [second[:cut], second[cut:]])):
        envelope, companions, replay, novelty = Envelope("h"), Companions("h"), Replay("h"), Novelty("h")
        found = []
        for part in early:
            runs = grouped("h", part)
            envelope.learn(runs)
            companions.learn(runs)
            found += novelty.take(runs, learning=True) + replay.take(runs, learning=True)
        for part in late:
            envelope = decode(encode(envelope))
            runs = grouped("h", part)
            found += envelope.judge(runs) + companions.judge(runs) + replay.take(runs, learning=False)
            found += novelty.take(runs, learning=False)
        outcomes.append(sorted(repr(alarm) for alarm in found))
    assert outcomes[0] == outcomes[1]


def test_a_device_with_ever_new_points_stays_within_its_budget() -> None:
    """First come, first followed; 64 kB a device for what judging needs, without names."""
    envelope, companions, replay, novelty = Envelope("h"), Companions("h"), Replay("h"), Novelty("h")
    chance = np.random.default_rng(1)
    said: list[Sample] = []
    for round_ in range(900):
        said = []
        for kind in range(40):
            row = tuple(chance.integers(0, 60000, 8).tolist())
            said.append(Sample(round_ * 1.0, f"k{kind}", tuple(f"k{kind}/{index}" for index in range(8)), row))
        runs = grouped("h", said)
        envelope.learn(runs)
        companions.learn(runs)
        replay.take(runs, learning=True)
        novelty.take(runs, learning=True)
    last = grouped("h", [said[0]._replace(time=1000.0)])
    envelope.judge(last)
    companions.judge(last)
    assert len(companions.frames.names) <= MOST_POINTS
    assert sum(len(kind.names) for kind in envelope.kinds.values()) <= MOST_POINTS
    assert novelty.points <= MOST_POINTS
    size = sum(sum(np.asarray(array).nbytes for array in encode(model).arrays) for model in (envelope, companions, replay, novelty))
    assert size < 64 << 10


def test_what_is_learned_later_adds_to_what_is_known() -> None:
    """A second span of learning widens the band and the writes; a message that comes late does not."""
    later = 60 + wave(4000, 2)
    fresh, taught, late = Envelope("h"), Envelope("h"), Envelope("h")
    for envelope in (fresh, taught, late):
        envelope.learn(readings(wave(4000, 1)))
        assert not envelope.judge(readings(wave(100, 3, 4000), 4000))
    taught.learn(readings(later, 5000))
    late.learn(readings(later, -4000))
    assert fresh.judge(readings(later[:100], 10_000))
    assert late.judge(readings(later[:100], 10_000))
    assert not taught.judge(readings(later[:100], 10_000))
    band = taught.kinds["columns"].band
    assert band.read(0)[2] == 8000


def test_relations_and_repetitions_are_learned_further() -> None:
    """What was fitted to one span is calibrated in the next; fingerprints of both are kept."""
    companions, replay = Companions("h"), Replay("h")
    companions.learn(readings(related(3000, 1)))
    replay.take(readings(wave(3000, 1)), learning=True)
    assert not companions.judge(readings(related(200, 2), 3000))
    assert not replay.take(readings(wave(200, 2, 3000), 3000), learning=False)
    before = companions.quick.count
    assert companions.quick.fit is not None
    known = companions.quick.fit.count
    companions.begin_stream()
    companions.phase.begin_stream()
    companions.learn(readings(related(2000, 3), -9000))
    replay.take(readings(wave(2000, 5, 7000), 4000), learning=True)
    assert companions.quick.count > before
    assert companions.quick.fit.count != known
    lie = related(1000, 4)
    lie[:, 0] = lie[::-1, 0]
    assert companions.judge(readings(lie, 9000))
    (alarm, *_) = replay.take(readings(wave(2000, 5, 7000)[-400:], 9000), learning=False)
    assert alarm.evidence[0].name == "readings_repeated"


def test_another_stream_neither_repeats_nor_goes_on() -> None:
    """Readings of before and after a break are no windows together; nothing under way is left."""
    live = wave(3000, 1)
    replay = Replay("h")
    replay.take(readings(live), learning=True)
    assert not replay.take(readings(live[1000:1020], 3000), learning=False)
    for followed in replay.followed.values():
        followed.begin_stream()
    assert not replay.take(readings(live[1020:1030], 9000), learning=False)
    assert replay.take(readings(live[1030:1300], 9010), learning=False)


def test_fingerprints_thinned_out_stay_where_they_were() -> None:
    """Far more readings than fingerprints are kept: a replay tells how far back it lies."""
    live = wave(30_000, 7)
    replay = Replay("h")
    replay.take(readings(live), learning=True)
    (alarm, *_) = replay.take(readings(live[-6000:], 30_000), learning=False)
    assert "those of 6000 readings earlier" in alarm.reasons[0]
