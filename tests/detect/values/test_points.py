"""Messages become samples of process values."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hauberk.detect.values.points import LARGEST, MOST_VALUES, Run, Sample, columns, matrix, point_names, runs
from hauberk.model.transaction import Transaction

MASTER, PLC = "10.0.0.1", "10.0.1.1"


def said(
    role: Any, thing: str | None, value: Any, protocol: str = "modbus", *, write: bool = False, status: str = "ok"
) -> Transaction:
    """A message between master and controller."""
    ends = (PLC, 502, MASTER, 4000) if role == "response" else (MASTER, 4000, PLC, 502)
    return Transaction(1, 10.0, protocol, *ends, role, "op", 3, thing, value, status, write)


def in_turn(found: list[Run]) -> list[Sample]:
    """Runs as samples, in order of the stream."""
    every = [
        (run.places[index], Sample(run.times[index], run.key, run.names, row, run.by[index] if run.written else ""))
        for run in found
        for index, row in enumerate(run.rows)
    ]
    return [sample for _, sample in sorted(every, key=lambda pair: pair[0])]


def samples(messages: list[Transaction]) -> dict[str, list[Sample]]:
    """Samples of messages by who holds the values."""
    return {holder: in_turn(found) for holder, found in runs(messages).items()}


def one(message: Transaction) -> tuple[str, Sample]:
    """The only sample of a message, and who holds it."""
    ((holder, (sample,)),) = samples([message]).items()
    return holder, sample


@pytest.mark.parametrize(
    "thing,width,names",
    [
        (
            "1/holding_register/8-11",
            4,
            ("1/holding_register/8", "1/holding_register/9", "1/holding_register/10", "1/holding_register/11"),
        ),
        ("M0.1,MD300", 2, ("M0.1", "MD300")),
        ("100->5/g1v2/0-1,g30v2/7", 3, ("100->5/g1v2/0", "100->5/g1v2/1", "100->5/g30v2/7")),
        ("3/1300-1301", 2, ("3/1300", "3/1301")),
        ("3/4501", 2, ("3/4501",)),
        ("LD0/LLN0$GO$gcb", 3, ("LD0/LLN0$GO$gcb[0]", "LD0/LLN0$GO$gcb[1]", "LD0/LLN0$GO$gcb[2]")),
        ("1->2/g2v2/4+5", 2, ("1->2/g2v2/4", "1->2/g2v2/5")),
        ("sensor-1-2", 1, ("sensor-1-2",)),
    ],
)
def test_objects_name_one_point_a_value(thing: str, width: int, names: tuple[str, ...]) -> None:
    """Ranges, lists, queues and data sets."""
    assert point_names(thing, width) == names


def test_an_answer_tells_values_of_who_answers() -> None:
    """A read."""
    holder, sample = one(said("response", "1/coil/0-1", (True, False)))
    assert holder == PLC
    assert (sample.names, tuple(sample.row), sample.by) == (("1/coil/0", "1/coil/1"), (True, False), "")


def test_a_write_tells_values_of_who_receives_it() -> None:
    """And who wrote them."""
    holder, sample = one(said("request", "3/5021", (123.0, "execute"), "iec104", write=True))
    assert holder == PLC
    assert (sample.names, tuple(sample.row), sample.by) == (("3/5021",), (123.0,), MASTER)


@pytest.mark.parametrize(
    "message",
    [
        said("response", "1/coil/0", True, write=True),
        said("request", "1/coil/0", True),
        said("response", "1/coil/0", True, status="illegal_data_address"),
        said("response", None, 3),
        said("response", "1/coil/0", None),
        said("event", "home/t", 3, "mqtt"),
        said("response", "example.org", ("192.0.2.1",), "dns"),
    ],
)
def test_echoes_copies_errors_and_other_protocols_tell_nothing(message: Transaction) -> None:
    """Only first-hand values of machines."""
    assert not samples([message])


def test_numeric_fields_of_json_are_points() -> None:
    """Nested and in lists; text is none."""
    payload = '{"t": 21.5, "pos": {"x": 1, "name": "a"}, "v": [true, 4]}'
    holder, sample = one(said("request", "home/box", payload, "mqtt"))
    assert holder == MASTER
    assert dict(zip(sample.names, sample.row, strict=True)) == {
        "home/box/t": 21.5,
        "home/box/pos/x": 1,
        "home/box/v[0]": True,
        "home/box/v[1]": 4,
    }


@pytest.mark.parametrize("payload", ["{", "[" * 400, '{"a": {"a": {"a": {"a": {"a": 1}}}}}', "plain", '{"a": "text"}', "{}"])
def test_json_that_is_deep_broken_or_without_numbers_tells_nothing(payload: str) -> None:
    """Bounded in depth."""
    assert not samples([said("request", "home/box", payload, "mqtt")])


def test_queues_of_events_give_one_sample_each() -> None:
    """The same point may stand several times."""
    (found,) = samples([said("response", "1->2/g2v2/4+5+4", (True, False, False), "dnp3")]).values()
    assert [(sample.names, tuple(sample.row)) for sample in found] == [
        (("1->2/g2v2/4",), (True,)),
        (("1->2/g2v2/5",), (False,)),
        (("1->2/g2v2/4",), (False,)),
    ]


def test_columns_come_as_samples() -> None:
    """As a historian exports them."""
    (sample, _) = in_turn(columns("site", ["a", "b"], [1.0, 2.0], np.array([[1.0, 2.0], [3.0, 4.0]]))["site"])
    assert (sample.time, sample.names, tuple(sample.row)) == (1.0, ("a", "b"), (1.0, 2.0))


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(1 << 2000), 1 << 2000),
    st.floats(),
    st.text(max_size=20),
    st.binary(max_size=9),
)


@given(st.integers(1, 6).flatmap(lambda width: st.lists(st.tuples(*[scalars] * width), min_size=1, max_size=6)))
def test_rows_of_anything_become_numbers_alone_as_together(rows: list[tuple[Any, ...]]) -> None:
    """What one row becomes does not depend on its neighbours; nothing infinite or huge comes out."""
    together = matrix(rows)
    assert together.shape == (len(rows), len(rows[0]))
    np.testing.assert_array_equal(together, np.concatenate([matrix([row]) for row in rows]))
    assert np.all(np.isnan(together) | (np.abs(together) < LARGEST))
    assert all(
        math.isnan(number)
        for row, numbers in zip(rows, together, strict=True)
        for value, number in zip(row, numbers, strict=True)
        if isinstance(value, str | bytes) or value is None
    )


@given(
    st.text(max_size=60) | st.from_regex(r"[a-z0-9/>\-]{0,9}/\d{1,12}-\d{1,12}(,[A-Z]\d)*", fullmatch=True),
    st.one_of(scalars, st.lists(scalars, max_size=80).map(tuple)),
    st.sampled_from(["modbus", "dnp3", "mqtt", "goose", "opcua"]),
    st.sampled_from(["request", "response", "event"]),
    st.booleans(),
)
def test_any_message_gives_named_values_within_bounds(thing: str, value: Any, protocol: str, role: str, write: bool) -> None:
    """As many names as values, never the same twice, and not more than are followed."""
    for found in samples([said(role, thing, value, protocol, write=write)]).values():
        for sample in found:
            assert 0 < len(sample.names) == len(sample.row)
            assert len(set(sample.names)) == len(sample.names)
            assert len(found) <= 80
            assert len(sample.names) <= max(MOST_VALUES, 80)
