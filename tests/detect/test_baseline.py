"""Baselines survive the trip through a file, and nothing else passes for one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hauberk.detect.baseline import Baseline
from hauberk.errors import InputError

_SETS = st.sets(st.tuples(st.text(st.characters(codec="utf-8"), max_size=8), st.text(st.characters(codec="utf-8"), max_size=8)))


@given(macs=_SETS, masters=_SETS, until=st.none() | st.floats(0, 4e9))
def test_a_saved_baseline_loads_as_it_was(macs: set[tuple[str, ...]], masters: set[tuple[str, ...]], until: float | None) -> None:
    """Round trip, and the same bytes for the same content."""
    baseline = Baseline(macs=macs, masters=masters, until=until)
    loaded = Baseline.load(baseline.dump())
    assert loaded == baseline
    assert loaded.dump() == baseline.dump()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b'{"format":"other"}',
        b'{"format":"hauberk-baseline","version":2}',
        b'{"format":"hauberk-baseline","version":1}',
        b'{"format":"hauberk-baseline","version":1,"macs":[[1]],"ips":[],"masters":[],"servers":[],"writers":[],"until":null}',
        b'{"format":"hauberk-baseline","version":1,"macs":[],"ips":[],"masters":[],"servers":[],"writers":[],"until":"now"}',
    ],
)
def test_anything_else_is_refused(content: bytes) -> None:
    """With an error a person can read."""
    with pytest.raises(InputError):
        Baseline.load(content)
