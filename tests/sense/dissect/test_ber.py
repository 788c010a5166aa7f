"""BER: where elements begin and end, what broken ones do, and numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hauberk.errors import Malformed
from hauberk.sense.dissect import ber


def only(text: str) -> tuple[bytes, ber.Element]:
    """The element given in hexadecimal, and its bytes."""
    data = bytes.fromhex(text)
    return data, ber.element(data, 0, len(data))


def test_short_and_long_lengths_are_read() -> None:
    """Both forms of a length lead to the same contents."""
    assert only("040101")[1] == (0x04, 2, 3, 3)
    assert only("04820001ff")[1] == (0x04, 4, 5, 5)


def test_a_tag_of_two_bytes_is_kept_as_written() -> None:
    """File services of MMS have tag numbers above 30."""
    assert only("bf480101")[1].tag == 0xBF48


def test_an_indefinite_length_ends_at_its_marker() -> None:
    """The contents end before the marker, the element after it."""
    data, one = only("3080040101300000000500")
    assert (one.start, one.end, one.after) == (2, 7, 9)
    assert [child.tag for child in ber.children(data, one.start, one.end)] == [0x04, 0x30]


@pytest.mark.parametrize(
    "text",
    ["", "04", "0402ff", "0485000000000100", "3080040101", "0480", "1f8182838401", "308030803080", "04820001"],
)
def test_cut_off_elements_are_malformed(text: str) -> None:
    """An element that is longer than what is there is refused."""
    with pytest.raises(Malformed):
        only(text)


def test_endless_nesting_is_malformed() -> None:
    """Indefinite lengths inside each other are followed to a fixed depth only."""
    data = b"\x30\x80" * 5000
    with pytest.raises(Malformed):
        ber.element(data, 0, len(data))


def test_numbers_have_their_sign_and_width() -> None:
    """A leading zero makes a number of nine bytes one of eight; wider ones are refused."""
    assert ber.integer(*only("0201ff")) == -1
    assert ber.unsigned(*only("8609" + "00" + "ff" * 8)) == 2**64 - 1
    for broken in ("0200", "0209" + "01" * 9):
        with pytest.raises(Malformed):
            ber.integer(*only(broken))
    with pytest.raises(Malformed):
        ber.unsigned(*only("8609" + "01" * 9))


def test_floating_point_numbers_of_both_widths_are_read() -> None:
    """The first byte is the width of the exponent, not a part of the number."""
    assert ber.floating(*only("8705083fc00000")) == 1.5
    assert ber.floating(*only("87090b3ff8000000000000")) == 1.5
    with pytest.raises(Malformed):
        ber.floating(*only("8703080000"))


def test_truth_values_are_one_byte() -> None:
    """Anything but zero is true."""
    assert ber.boolean(*only("830101")) is True
    assert ber.boolean(*only("830100")) is False
    with pytest.raises(Malformed):
        ber.boolean(*only("83020000"))


@given(st.binary(max_size=200))
def test_elements_lie_inside_their_bytes(data: bytes) -> None:
    """Whatever the bytes, an element is inside them or refused."""
    try:
        found = ber.children(data, 0, len(data))
    except Malformed:
        return
    for one in found:
        assert 0 < one.start <= one.end <= one.after <= len(data)
