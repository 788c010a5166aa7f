"""Sets of hashes: as Python's sets, up to a limit."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hauberk.detect.behaviour.things import Met, seed

HASHES = st.lists(st.integers(0, (1 << 64) - 1) | st.integers(0, 20), max_size=30)


@given(st.lists(HASHES, max_size=6), HASHES)
def test_a_set_knows_what_was_added(parts: list[list[int]], asked: list[int]) -> None:
    """And nothing else."""
    met, oracle = Met(10_000), set[int]()
    for part in parts:
        met.add(np.array(part, np.uint64))
        oracle |= set(part)
    assert met.has(np.array(asked, np.uint64)).tolist() == [number in oracle for number in asked]
    assert len(met) == len(oracle)


@given(HASHES, st.integers(0, 10))
def test_a_full_set_takes_no_more(numbers: list[int], most: int) -> None:
    """It never holds more than it may, and keeps what it has."""
    met = Met(most)
    for number in numbers:
        before = [int(known) for known in numbers if met.has(np.array([known], np.uint64))[0]]
        met.add(np.array([number], np.uint64))
        assert met.has(np.array(before, np.uint64)).all()
    assert len(met) == min(most, len(set(numbers)))


def test_a_seed_is_the_same_in_every_run() -> None:
    """A digest of the text, lone surrogates included."""
    assert seed("camera") == 0xDF71_2660_53DD_D034
    assert seed("\ud800") != seed("camera")


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 12)), max_size=40), st.integers(0, 8))
def test_one_by_one_or_together_is_the_same_set(steps: list[tuple[bool, int]], most: int) -> None:
    """Something is new until it is known, and a full set calls it new again and again."""
    met, oracle = Met(most), set[int]()
    for single, number in steps:
        if single:
            assert met.meet(number) == (number not in oracle)
        else:
            met.add(np.array([number], np.uint64))
        if len(oracle) < most:
            oracle.add(number)
        assert len(met) == len(oracle)
