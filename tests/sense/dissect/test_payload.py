"""Short forms of opaque payloads."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hauberk.sense.dissect.payload import payload_value


@pytest.mark.parametrize(
    "data,expected",
    [
        (b"42", 42),
        (b"-7", -7),
        (b"23.5", 23.5),
        (b"1e3", 1000.0),
        (b"1e999", "1e999"),
        (b"007", "007"),
        (b"nan", "nan"),
        (b"1_000", "1_000"),
        (b"", ""),
        (b"ON", "ON"),
        (b'{"t": 1}', '{"t": 1}'),
        (b'{\n"t": 1}', '{\\n"t": 1}'),
        (b"\x00\x01\x02", "3 bytes 000102"),
        (b"\xff\xfe", "2 bytes fffe"),
    ],
)
def test_shape_is_told(data: bytes, expected: object) -> None:
    """Numbers in text become numbers, printable text stays, the rest shows its size and first bytes."""
    assert payload_value(data, 512) == expected


def test_long_text_is_cut() -> None:
    """No more characters are kept than the limit says."""
    assert payload_value(b"a" * 1000, 16) == "a" * 16


def test_cut_inside_a_character_keeps_the_text() -> None:
    """A character of several bytes that the cut divides does not turn text into bytes."""
    assert payload_value("é".encode() * 100, 7) == "é" * 3


def test_long_binary_stays_binary() -> None:
    """Data that is no text is opaque however long it is."""
    assert payload_value(b"\xff" * 100, 16) == "100 bytes " + "ff" * 16


@given(st.binary(max_size=80), st.integers(8, 64))
def test_bounded_and_finite(data: bytes, most: int) -> None:
    """Whatever the data, text is bounded and numbers are finite."""
    value = payload_value(data, most)
    if isinstance(value, str):
        assert value.isprintable()
        assert len(value) <= max(most, len("80 bytes ") + 32)
    else:
        assert math.isfinite(value)
