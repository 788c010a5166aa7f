"""Series of devices: what is silence, what is a gap, and what was seen in part."""

from __future__ import annotations

import numpy as np
import pytest

from hauberk.detect.features.frame import CONTACT, Span
from hauberk.detect.features.metrics import METRICS, M
from hauberk.detect.forecast.series import NAMES, Gathering, Series, coarser

START = 1_700_000_400
"""A multiple of ten minutes."""


def span(minute: int, amounts: dict[str, float], address: str = "10.0.0.{}") -> Span:
    """One minute in which each device sent so many bytes."""
    values = np.zeros((len(amounts), len(METRICS)))
    values[:, M.BYTES_OUT] = list(amounts.values())
    values[:, M.PACKETS_OUT], values[:, M.PACKETS_IN] = 2, 3
    count = len(amounts)
    return Span(
        60.0,
        tuple(amounts),
        tuple(address.format(name) for name in amounts),
        np.arange(count, dtype=np.int32),
        np.full(count, START // 60 + minute),
        values,
        np.zeros((count, 2)),
        np.zeros(0, CONTACT),
        (),
        np.zeros(count, np.bool_),
    )


def gathered(*spans: Span, holder: dict[str, str] | None = None) -> dict[str, Series]:
    """The series by device."""
    gathering = Gathering(600.0)
    for part in spans:
        gathering.add(part)
    return {series.device: series for series in gathering.series((holder or {}).get)}


def test_minutes_add_up_to_whole_bins_and_silence_is_nothing_sent() -> None:
    """The first and the last bin are left out; a bin in which only others spoke is 0."""
    parts = [span(minute, {"a": 10.0, "b": 1.0} if not 20 <= minute < 30 else {"b": 1.0}) for minute in range(45)]
    series = gathered(*parts)["a"]
    assert series.start == START + 600
    assert series.amounts[NAMES.index("bytes_out")].tolist() == [100, 0, 100]
    assert series.amounts[NAMES.index("packets")].tolist() == [50, 0, 50]
    assert series.before[NAMES.index("bytes_out")] == 100
    assert series.end == START + 2400


def test_an_hour_without_anybody_is_a_gap() -> None:
    """Its bins, and the two beside it, are unknown; a shorter pause is silence."""
    heard = [0, 10, 20, 100, 110, 120, 160, 170]
    values = gathered(*(span(minute, {"a": 1.0}) for minute in heard))["a"].amounts[0]
    assert np.flatnonzero(np.isnan(values)).tolist() == list(range(1, 10))
    assert values[10:].tolist() == [1, 1, 0, 0, 0, 1]


def test_a_device_begins_when_it_is_first_heard() -> None:
    """What came before it is no silence of its own."""
    late = gathered(*(span(minute, {"a": 1.0} if minute < 30 else {"a": 1.0, "b": 2.0}) for minute in range(0, 80, 10)))["b"]
    assert late.start == START + 4 * 600
    assert late.amounts[0].tolist() == [2, 2, 2]


def test_addresses_that_turn_out_to_be_one_device_are_added() -> None:
    """The identity known at the end counts."""
    parts = [span(minute, {"a": 1.0, "b": 2.0}) for minute in range(0, 50, 10)]
    found = gathered(*parts, holder={"10.0.0.a": "one", "10.0.0.b": "one"})
    assert list(found) == ["one"]
    assert found["one"].addresses == ("10.0.0.a", "10.0.0.b")
    assert found["one"].amounts[0].tolist() == [3, 3, 3]


def test_rows_are_put_together_without_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    """However often memory is made free, the sums are the same."""
    parts = [span(minute, {"a": 1.0, "b": 2.0}) for minute in range(100)]
    plain = gathered(*parts)
    monkeypatch.setattr("hauberk.detect.forecast.series._LOOSE", 3)
    again = gathered(*parts)
    assert {name: row.amounts.tolist() for name, row in again.items()} == {
        name: row.amounts.tolist() for name, row in plain.items()
    }


@pytest.mark.parametrize("minutes", [[], [0], [0, 10]])
def test_less_than_one_whole_bin_gives_no_series(minutes: list[int]) -> None:
    """Nothing, one bin, or two that were both seen in part."""
    assert gathered(*(span(minute, {"a": 1.0}) for minute in minutes)) == {}


def test_coarser_bins_end_where_the_finer_ones_do() -> None:
    """What is left over at the beginning is kept for meters; a gap makes its wider bin one."""
    amounts = np.tile(np.arange(8.0), (len(NAMES), 1))
    amounts[:, 3] = np.nan
    wide = coarser(Series("a", (), 0.0, 600.0, amounts, np.ones(len(NAMES))), 3)
    assert np.array_equal(wide.amounts[0], [np.nan, 18], equal_nan=True)
    assert (wide.start, wide.end, wide.before[0]) == (1200.0, 4800.0, 2.0)
