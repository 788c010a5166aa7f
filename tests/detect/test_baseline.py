"""What was learned, as plain data: what goes in comes out, and nothing else passes for it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hauberk.detect.baseline import Baseline
from hauberk.errors import InputError

_SETS = st.sets(st.tuples(st.text(st.characters(codec="utf-8"), max_size=8), st.text(st.characters(codec="utf-8"), max_size=8)))


@given(macs=_SETS, masters=_SETS, until=st.none() | st.floats(0, 4e9))
def test_plain_data_says_it_all(macs: set[tuple[str, ...]], masters: set[tuple[str, ...]], until: float | None) -> None:
    """Round trip; sets in order."""
    baseline = Baseline(macs=macs, masters=masters, until=until)
    loaded = Baseline.from_plain(baseline.plain())
    assert loaded == baseline
    assert loaded.plain() == baseline.plain()


def test_a_copy_goes_its_own_way() -> None:
    """Adding to one adds nothing to the other."""
    first = Baseline({("a",)}, until=1.0)
    second = first.copy()
    second.macs.add(("b",))
    assert first == Baseline({("a",)}, until=1.0)


def test_what_an_older_file_does_not_have_is_empty() -> None:
    """Sets that came later."""
    assert Baseline.from_plain({"until": 3}) == Baseline(until=3.0)


@pytest.mark.parametrize(
    "content",
    [None, [], {"macs": 1}, {"macs": [[1]]}, {"macs": ["a"]}, {"until": "now"}, {"until": float("nan")}, {"other": []}],
)
def test_anything_else_is_refused(content: object) -> None:
    """With an error a person can read."""
    with pytest.raises(InputError):
        Baseline.from_plain(content)
