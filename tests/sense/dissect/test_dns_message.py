"""The parser behind DNS, multicast DNS, LLMNR and NBNS."""

from __future__ import annotations

import pytest

from hauberk.errors import Malformed
from hauberk.sense.dissect.dns_message import read_labels, read_message, read_name
from hauberk.sense.dissect.limits import DEFAULT_LIMITS

PADDING = bytes(12)


def test_a_compressed_name_is_followed() -> None:
    """RFC 1035 section 4.1.4: F.ISI.ARPA and FOO.F.ISI.ARPA."""
    data = PADDING + b"\x01F\x03ISI\x04ARPA\x00" + b"\x03FOO\xc0\x0c"
    assert read_name(data, 12) == ("f.isi.arpa", 24)
    assert read_name(data, 24) == ("foo.f.isi.arpa", 30)


def test_the_root_is_a_dot() -> None:
    """RFC 1035 section 3.1: the root has no label."""
    assert read_name(b"\x00", 0) == (".", 1)


@pytest.mark.parametrize(
    "data",
    [
        b"\xc0\x00",
        b"\x01a\xc0\x00",
        b"\xc0\x02\x01a\x00",
        b"\x05abc",
        b"\x01a",
        b"\xc0",
        b"\x40a\x00",
        b"\x3f" + b"a" * 63 + (b"\x3f" + b"a" * 63) * 3 + b"\x00",
    ],
    ids=["self", "loop", "forward", "short", "no end", "half pointer", "label type", "too long"],
)
def test_a_bad_name_is_malformed(data: bytes) -> None:
    """Every name ends, whatever it points to."""
    with pytest.raises(Malformed):
        read_name(data, 0)


def test_a_long_chain_of_pointers_ends() -> None:
    """Each pointer must point back, so that a chain is no longer than the message."""
    chain = b"\x00\x00" + b"".join(b"\xc0" + bytes((at,)) for at in range(0, 200, 2))
    assert read_labels(chain, 200) == ((), 202)


def test_dots_and_control_characters_in_labels_are_escaped() -> None:
    """A label with a dot is no two labels."""
    assert read_name(b"\x03a.b\x01\x07\x00", 0)[0] == "a\\\\.b.\\x07"


def test_names_repeat_at_the_cost_of_a_pointer() -> None:
    """A pointer to the question gives the question's name."""
    data = (
        bytes.fromhex("0001 8180 0001 0002 0000 0000") + b"\x01a\x01b\x00" + bytes(4) + (b"\xc0\x0c" + bytes(8) + b"\x00\x00") * 2
    )
    message = read_message(data, DEFAULT_LIMITS)
    assert [record.name for record in message.answers] == ["a.b", "a.b"]
    assert message.whole
    assert message.end == len(data)


def test_what_was_read_before_a_break_is_kept() -> None:
    """The first record is whole, the second ends after the message."""
    data = bytes.fromhex("0001 8180 0000 0002 0000 0000") + (b"\x00" + bytes(8) + b"\x00\x00") + b"\x00\x00"
    message = read_message(data, DEFAULT_LIMITS)
    assert len(message.answers) == 1
    assert not message.whole
