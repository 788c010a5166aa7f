"""Variable integers, strings, topics and properties of MQTT."""

from __future__ import annotations

import pytest

from hauberk.errors import Malformed
from hauberk.sense.dissect.mqtt_fields import binary, properties, string, topic_filter, topic_name, variable_integer


@pytest.mark.parametrize("data,value", [("00", 0), ("7f", 127), ("8001", 128), ("ffff7f", 2097151), ("ffffff7f", 268435455)])
def test_variable_integer(data: str, value: int) -> None:
    """The bounds of each length, from the table of clause 2.2.3."""
    raw = bytes.fromhex(data)
    assert variable_integer(raw, 0, len(raw)) == (value, len(raw))


@pytest.mark.parametrize("data", ["", "80", "ffffffff7f"])
def test_bad_variable_integer(data: str) -> None:
    """A missing or a fifth byte is malformed."""
    with pytest.raises(Malformed):
        variable_integer(bytes.fromhex(data), 0, len(data) // 2)


@pytest.mark.parametrize("data", ["0003c3a9", "0001ff", "0003610062", "0003eda080"])
def test_bad_string(data: str) -> None:
    """Cut strings, bytes that are not UTF-8, null characters and surrogates are malformed."""
    with pytest.raises(Malformed):
        string(bytes.fromhex(data), 0, len(data) // 2)


def test_binary_stays_inside_its_packet() -> None:
    """A length beyond the end of the packet is malformed even where the buffer is longer."""
    with pytest.raises(Malformed):
        binary(b"\x00\x04abcd", 0, 5)


@pytest.mark.parametrize("name", [b"", b"a/#", b"a+", b"a\x00", b"\xff", b"x" * 300 + b"#"])
def test_bad_topic_name(name: bytes) -> None:
    """Topic names are not empty, hold no wildcard and no null character, and are UTF-8, short or long."""
    with pytest.raises(Malformed):
        topic_name(name, 512)


def test_long_topic_name_is_cut() -> None:
    """Names beyond what is remembered are read too, and cut to the limit."""
    assert topic_name(b"x" * 1000, 512) == "x" * 512


@pytest.mark.parametrize("raw", [b"#", b"+", b"a/+/b", b"a/#", b"/", b"$SYS/#"])
def test_good_filter(raw: bytes) -> None:
    """Wildcards that stand alone in their level are kept as they are."""
    assert topic_filter(raw, 512) == raw.decode()


@pytest.mark.parametrize("raw", [b"", b"a#", b"#/a", b"a+/b", b"a/b#"])
def test_bad_filter(raw: bytes) -> None:
    """Empty filters and misplaced wildcards are malformed."""
    with pytest.raises(Malformed):
        topic_filter(raw, 512)


def test_properties_of_every_type() -> None:
    """Byte, two and four bytes, variable integer, binary, string; pairs are passed over."""
    raw = bytes.fromhex("01010a2300050200000010" + "0b8001" + "090002beef" + "0300026162" + "2600016b000176")
    data = bytes((len(raw) - 1,)) + raw[:2] + raw[3:]
    found, at = properties(data, 0, len(data))
    assert at == len(data)
    assert found == {1: 1, 0x23: 5, 2: 16, 0x0B: 128, 9: b"\xbe\xef", 3: b"ab"}


@pytest.mark.parametrize("data", ["0501", "0101", "0601000100", "02ff00", "0401000101"])
def test_bad_properties(data: str) -> None:
    """Lengths that do not fit, unknown and repeated properties are malformed."""
    with pytest.raises(Malformed):
        properties(bytes.fromhex(data), 0, len(data) // 2)


def test_property_in_the_wrong_packet() -> None:
    """A property that this packet may not have is malformed, though it is known."""
    with pytest.raises(Malformed):
        properties(bytes.fromhex("03210014"), 0, 4, {0x01, 0x23})


def test_too_many_properties() -> None:
    """User properties may repeat, but not without end."""
    pair = bytes.fromhex("2600016b000176")
    data = bytes.fromhex("c840") + pair * 1176
    with pytest.raises(Malformed):
        properties(data, 0, len(data))
