"""TCP segments: whatever the order, the bytes come out once and in theirs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hauberk.sense.reassembly.stream import Piece, Stream, StreamLimits

LIMITS = StreamLimits()
SECOND = 1_000_000_000


def _add(stream: Stream, seq: int, data: bytes, time: int = 0) -> list[Piece]:
    return list(stream.add(seq & 0xFFFFFFFF, data, 1, time))


def _text(pieces: list[Piece]) -> bytes:
    return b"".join(piece.data for piece in pieces)


def test_segments_out_of_order_wait_for_the_one_before() -> None:
    """A hole holds back what is behind it, and no longer."""
    stream = Stream(100, LIMITS)
    assert _add(stream, 103, b"def") == []
    assert stream.held_bytes == 3
    assert _text(_add(stream, 100, b"abc")) == b"abcdef"
    assert (stream.expected, stream.held_bytes, stream.held) == (106, 0, {})


def test_a_retransmission_gives_nothing_twice() -> None:
    """Whole, in part, and with new bytes at its end."""
    stream = Stream(100, LIMITS)
    assert _text(_add(stream, 100, b"abc")) == b"abc"
    assert _add(stream, 100, b"abc") == []
    assert _add(stream, 101, b"b") == []
    assert _text(_add(stream, 101, b"bcd")) == b"d"


@pytest.mark.parametrize("second", [(100, b"XYZW"), (101, b"YZWVU"), (100, b"XYZWVUTS")])
def test_the_first_bytes_win(second: tuple[int, bytes]) -> None:
    """A later segment cannot rewrite bytes that wait behind a hole (RFC 9293 leaves it open; evasion makes use of it)."""
    stream = Stream(100, LIMITS)
    _add(stream, 102, b"cd")
    pieces = _add(stream, *second)
    if second[0] != 100:
        pieces += _add(stream, 100, b"ab")
    told = _text(pieces)
    assert told[2:4] == b"cd"
    assert stream.held_bytes == 0


def test_a_longer_segment_at_the_same_place_keeps_the_first_bytes() -> None:
    """Only what is new of it is added."""
    stream = Stream(0, LIMITS)
    _add(stream, 2, b"cd")
    _add(stream, 2, b"XXef")
    assert _text(_add(stream, 0, b"ab")) == b"abcdef"


def test_a_lost_segment_is_given_up_when_the_receiver_confirms_it() -> None:
    """The other side has the bytes, so they will not come again."""
    stream = Stream(0, LIMITS)
    _add(stream, 10, b"later")
    assert not stream.acknowledged(0)
    assert stream.acknowledged(10)
    assert list(stream.give_up()) == [Piece(b"later", 1, 0, True)]
    assert not stream.acknowledged(20)
    assert list(stream.give_up()) == []


def test_a_hole_is_given_up_after_its_time() -> None:
    """In traffic time."""
    stream = Stream(0, LIMITS)
    assert _add(stream, 10, b"a", 0) == []
    assert _add(stream, 11, b"b", 2 * SECOND) == []
    told = _add(stream, 12, b"c", 2 * SECOND + 1)
    assert [(piece.data, piece.gap) for piece in told] == [(b"a", True), (b"b", False), (b"c", False)]


@pytest.mark.parametrize("limits", [StreamLimits(held_bytes=100), StreamLimits(held_segments=4)])
def test_what_waits_is_bounded(limits: StreamLimits) -> None:
    """In bytes and in segments, one hole after the other."""
    stream = Stream(0, limits)
    for number in range(1, 200):
        _add(stream, number * 40, bytes(30))
        assert stream.held_bytes <= limits.held_bytes
        assert len(stream.held) <= limits.held_segments
        assert stream.held_bytes == sum(len(data) for data, _, _ in stream.held.values())
    assert stream.expected > 7000


def test_bytes_that_were_not_captured_are_passed_over_once() -> None:
    """In order, and not where the segment waits or has been seen."""
    stream = Stream(100, LIMITS)
    assert not stream.skip(110, 5)
    assert stream.skip(100, 5)
    assert not stream.skip(100, 5)
    assert stream.skip(103, 5)
    assert stream.expected == 108


def test_bytes_passed_over_reach_into_what_waits() -> None:
    """The rest of it is next."""
    stream = Stream(0, LIMITS)
    _add(stream, 3, b"defg")
    assert stream.skip(0, 5)
    assert _text(list(stream.released())) == b"fg"
    assert (stream.expected, stream.held_bytes) == (7, 0)


@given(
    text=st.binary(min_size=1, max_size=120),
    start=st.integers(0, 0xFFFFFFFF) | st.integers(0xFFFFFF80, 0xFFFFFFFF),
    cuts=st.lists(st.tuples(st.integers(0, 119), st.integers(1, 40)), max_size=25),
    order=st.randoms(use_true_random=False),
)
def test_any_order_and_overlap_gives_the_string(text: bytes, start: int, cuts: list[tuple[int, int]], order: object) -> None:
    """Segments that cover a string, shuffled, doubled and overlapping, over a wrap of the sequence number."""
    shuffle = order.shuffle  # type: ignore[attr-defined]  # Hypothesis gives a Random of its own class
    pieces = [(at, text[at : at + 10]) for at in range(0, len(text), 10)]
    pieces += [(at % len(text), text[at % len(text) : at % len(text) + size]) for at, size in cuts]
    shuffle(pieces)
    stream = Stream(start, LIMITS)
    told = [piece for at, data in pieces for piece in _add(stream, start + at, data)]
    assert _text(told) == text
    assert not any(piece.gap for piece in told)
    assert (stream.held_bytes, stream.expected) == (0, (start + len(text)) & 0xFFFFFFFF)


@given(segments=st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20)), min_size=1, max_size=30))
def test_of_bytes_that_differ_the_first_to_arrive_count(segments: list[tuple[int, int]]) -> None:
    """Each segment is filled with its own number; a model keeps the first writer of every byte."""
    stream = Stream(0, LIMITS)
    first: dict[int, int] = {}
    told: list[Piece] = []
    for number, (at, size) in enumerate(segments):
        for place in range(at, at + size):
            first.setdefault(place, number)
        told += _add(stream, at, bytes([number]) * size)
    text = _text(told)
    assert text == bytes(first[place] for place in range(len(text)))
    assert len(text) not in first
