"""Allow-lists: merged ranges, exact names, growth, bounds."""

from __future__ import annotations

import sys

from hypothesis import given
from hypothesis import strategies as st

from hauberk.detect.allowlist import Allowed, AllowList, Growth, News, Ranges
from hauberk.detect.objects import Token

_SPANS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 9)), max_size=40)


@given(spans=_SPANS, probe=st.tuples(st.integers(0, 70), st.integers(0, 6)))
def test_merged_ranges_hold_exactly_what_was_added(spans: list[tuple[int, int]], probe: tuple[int, int]) -> None:
    """Against a plain set of numbers."""
    ranges = Ranges()
    numbers: set[int] = set()
    for low, more in spans:
        ranges.add(low, low + more)
        numbers.update(range(low, low + more + 1))
        assert ranges.check()
    low, more = probe
    assert ranges.holds(low, low + more) == (set(range(low, low + more + 1)) <= numbers)


@given(spans=_SPANS)
def test_the_order_of_learning_does_not_matter(spans: list[tuple[int, int]]) -> None:
    """The same ranges from both ends."""
    forth, back = Ranges(), Ranges()
    for low, more in spans:
        forth.add(low, low + more)
    for low, more in reversed(spans):
        back.add(low, low + more)
    assert (forth.lows, forth.highs) == (back.lows, back.highs)


def test_names_are_exact_and_numbers_have_their_space() -> None:
    """Ten registers allow none of the coils, and no other name."""
    allowed = Allowed()
    allowed.learn([Token("1/holding_register/", 0, 9), Token("tag")])
    assert allowed.holds(Token("1/holding_register/", 3, 9))
    assert allowed.holds(Token("tag"))
    assert not allowed.holds(Token("1/coil/", 3, 3))
    assert not allowed.holds(Token("tag2"))
    assert not allowed.holds(Token("1/holding_register/", 9, 10))


def test_a_million_distinct_objects_take_bounded_memory() -> None:
    """Far apart, so that nothing merges: the list opens and forgets."""
    allowed = Allowed()
    for number in range(1_000_000):
        token = Token("r/", number * 3, number * 3) if number % 2 else Token(f"name{number}")
        allowed.learn([token])
        allowed.remember(f"r/{number}")
    assert allowed.full
    assert not allowed.spaces
    assert not allowed.names
    assert allowed.growth(1) is Growth.GROWING
    assert sys.getsizeof(allowed.texts) < 1 << 20


def test_a_long_range_learned_piece_by_piece_is_one_range() -> None:
    """A download that walks through memory."""
    allowed = Allowed()
    for number in range(10_000):
        allowed.learn([Token("memory/", number * 16, number * 16 + 15)])
    assert allowed.size == 1
    assert not allowed.full


def _news(places: list[int], messages: int) -> News:
    news = News()
    for number in range(1, messages + 1):
        news.count(float(number))
        if number in places:
            news.note(float(number))
    return news


def test_a_list_that_kept_growing_says_nothing() -> None:
    """Something new in every message."""
    assert _news(list(range(1, 41)), 40).growth(4) is Growth.GROWING


def test_a_list_complete_for_long_is_settled() -> None:
    """All fifty objects of a poll in its first round, then nothing new."""
    assert _news(list(range(1, 51)), 500).growth(100) is Growth.SETTLED
    assert _news(list(range(1, 51)), 500).growth(100, seconds=3600) is Growth.SPARSE


def test_a_list_of_few_messages_is_sparse() -> None:
    """Three commands to three things."""
    assert _news([1, 2, 3], 3).growth(4) is Growth.SPARSE


@given(places=st.sets(st.integers(1, 300), max_size=300), messages=st.integers(1, 300))
def test_growth_never_calls_a_growing_list_settled(places: set[int], messages: int) -> None:
    """Settled means that the second half brought nothing."""
    news = _news(sorted(places), messages)
    late = [place for place in places if messages // 2 < place <= messages]
    if late:
        assert news.growth(1) is not Growth.SETTLED


def test_what_one_verb_wrote_another_may_write() -> None:
    """Outside is what the master touched with no verb of the list."""
    lists = AllowList()
    for verb, low in (("write_single", 5), ("write_multiple", 9)):
        allowed = lists.begin(("modbus", "a", "b", verb))
        assert allowed is not None
        allowed.learn([Token("1/coil/", low, low)])
    tokens = [Token("1/coil/", 9, 9), Token("1/coil/", 7, 7)]
    assert lists.outside(("modbus", "a", "b", "write_single"), tokens) == [Token("1/coil/", 7, 7)]


def test_what_is_usual_is_said_near_what_was_seen() -> None:
    """Neighbours first, the rest as a number."""
    allowed = Allowed()
    for low in range(0, 1000, 10):
        allowed.learn([Token("1/coil/", low, low + 1)])
    assert allowed.usual(Token("1/coil/", 505, 505)) == "1/coil/490 to 491, 1/coil/500 to 501, 1/coil/510 to 511 and 97 more"


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 60), st.integers(0, 12)), max_size=30))
def test_ranges_are_sets_of_numbers(steps: list[tuple[bool, int, int]]) -> None:
    """Whatever is put in and taken out, a range list holds what a set would."""
    ranges, numbers = Ranges(), set[int]()
    for put, low, more in steps:
        (ranges.add if put else ranges.remove)(low, low + more)
        numbers = numbers | {*range(low, low + more + 1)} if put else numbers - {*range(low, low + more + 1)}
        assert ranges.check()
        assert {n for n in range(80) if ranges.holds(n, n)} == numbers
