"""Rows of devices: stable, in order, bounded."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hauberk.detect.behaviour.roster import MOST, UNKNOWN, Roster, grown


@given(st.lists(st.lists(st.text(max_size=2), max_size=8), max_size=8))
def test_a_device_keeps_the_row_it_got_first(parts: list[list[str]]) -> None:
    """Entered one by one or together, rows count up in order of arrival."""
    roster = Roster()
    found = [roster.enter(part).tolist() for part in parts]
    order = list(dict.fromkeys(device for part in parts for device in part))
    assert found == [[order.index(device) for device in part] for part in parts]
    assert roster.ids == tuple(order)
    assert [roster.row(device) for device in order] == list(range(len(roster)))


def test_no_more_devices_than_there_is_room_for() -> None:
    """What comes beyond has no row; the others keep theirs."""
    roster = Roster()
    roster.enter([f"d{number}" for number in range(MOST)])
    assert roster.enter(["late", "d5"]).tolist() == [UNKNOWN, 5]
    assert len(roster) == MOST
    assert roster.row("late") == UNKNOWN


@given(st.integers(0, 40), st.integers(0, 90), st.integers(-1, 1))
def test_grown_arrays_keep_what_they_had(old: int, count: int, fill: int) -> None:
    """New rows hold the fill; an array with room enough is the same."""
    array = np.arange(old * 2, dtype=np.int64).reshape(old, 2)
    new = grown(array, count, fill)
    assert len(new) >= count
    assert (new[:old] == array).all()
    assert (new[old:] == fill).all()
    assert new is array or len(new) >= 2 * old
