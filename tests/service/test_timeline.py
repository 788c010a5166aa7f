"""Traffic over time: nothing is lost, bins are where they should be, and the table stays within its bounds."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hauberk.model.address import ip_halves
from hauberk.model.flow import ACTIVITY
from hauberk.model.observation import Columns, Observations
from hauberk.service.timeline import Timeline

SECOND = 1_000_000_000
BEGIN = 1_700_000_000

Row = tuple[int, int, int, int]
"""Second, last bytes of both addresses, bytes."""

rows_of = st.lists(
    st.tuples(st.integers(0, 100_000), st.integers(1, 9), st.integers(1, 9), st.integers(0, 10_000)), min_size=1, max_size=60
)


def activity(rows: list[Row]) -> Columns:
    """``ACTIVITY`` rows."""
    columns = np.zeros(len(rows), ACTIVITY)
    for at, (second, one, other, amount) in enumerate(rows):
        columns[at]["start"] = columns[at]["end"] = (BEGIN + second) * SECOND
        columns[at]["a_hi"], columns[at]["a_lo"] = ip_halves(f"10.0.0.{one}")
        columns[at]["b_hi"], columns[at]["b_lo"] = ip_halves(f"10.0.0.{other}")
        columns[at]["ip_version"], columns[at]["bytes_out"] = 4, amount
    return columns


def table(timeline: Timeline) -> dict[str, list[float]]:
    """Every series by address."""
    return {address: series.tolist() for address, series in timeline.series()}


@given(rows_of, st.integers(2, 12))
def test_every_byte_is_in_the_bin_of_its_time(rows: list[Row], bins: int) -> None:
    """The bins agree with counting one by one, whatever the order of the rows."""
    timeline = Timeline(bins=bins)
    for row in rows:
        timeline.observe(activity([row]))
    expected: dict[str, list[float]] = {}
    for second, one, other, amount in rows:
        at = int((BEGIN + second) // timeline.width - timeline.start // timeline.width)
        for address in (one, other):
            expected.setdefault(f"10.0.0.{address}", [0.0] * timeline.used)[at] += amount
    assert table(timeline) == expected
    assert timeline.used <= bins


@given(rows_of, st.integers(1, 59))
def test_cutting_the_stream_changes_nothing(rows: list[Row], cut: int) -> None:
    """One batch or two: the same series, start and width."""
    whole, parts = Timeline(bins=8), Timeline(bins=8)
    whole.observe(activity(rows))
    parts.observe(activity(rows[:cut]))
    parts.observe(activity(rows[cut:]))
    assert (table(whole), whole.first, whole.last) == (table(parts), parts.first, parts.last)
    assert (whole.start, whole.width) == (parts.start, parts.width)


def test_the_width_doubles_as_time_goes_on() -> None:
    """Ten bins of a second become bins of two, then of four, seconds."""
    timeline = Timeline(bins=10)
    widths = []
    for second in (0, 9, 12, 30):
        timeline.observe(activity([(second, 1, 2, 1)]))
        widths.append(timeline.width)
    assert widths == [1, 1, 2, 4]


def test_addresses_beyond_the_bound_are_counted_together() -> None:
    """Nothing is lost when there are too many addresses."""
    timeline = Timeline(addresses=3)
    timeline.observe(activity([(0, one, 9, 100) for one in range(1, 9)]))
    assert len(table(timeline)) == 3
    assert sum(map(sum, table(timeline).values())) + timeline.beyond().sum() == 1600


def test_hardware_addresses_are_told_from_internet_addresses() -> None:
    """A conversation without IP belongs to its network cards."""
    columns = activity([(0, 1, 2, 7)])
    columns["ip_version"], columns["a_hi"], columns["a_lo"] = 0, 0, 0x020000000001
    timeline = Timeline()
    timeline.observe(columns)
    assert "02:00:00:00:00:01" in table(timeline)


def test_watching_hands_every_batch_on() -> None:
    """The stream comes out as it went in."""
    batches = [Observations(activity=activity([(at, 1, 2, 1)])) for at in range(3)]
    timeline = Timeline()
    assert list(timeline.watch(batches)) == batches
    assert timeline.used == 3


def test_no_traffic_gives_no_bins() -> None:
    """An empty timeline has nothing to show."""
    timeline = Timeline()
    timeline.observe(np.zeros(0, ACTIVITY))
    assert (timeline.used, table(timeline), timeline.first) == (0, {}, None)
