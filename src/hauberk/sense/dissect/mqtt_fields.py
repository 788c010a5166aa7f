"""The fields MQTT packets are made of: variable byte integers, UTF-8 strings, topic names and filters, properties.

MQTT 3.1.1 clauses 1.5.3, 2.2.3 and 4.7; MQTT 5.0 clauses 1.5, 2.2.2 and 4.7. Everything raises ``Malformed`` and nothing else.
"""

from __future__ import annotations

from collections.abc import Container
from functools import lru_cache

from hauberk.errors import Malformed
from hauberk.sense.dissect.mqtt_names import BINARY, BYTE, FOUR, PAIR, PROPERTIES, STRING, TWO, VARIABLE
from hauberk.sense.dissect.reader import text

_REMEMBERED_BYTES = 256
_MOST_PROPERTIES = 1024
"""Properties of one packet; only user properties may repeat, and nobody sends so many."""
USER_PROPERTY = 0x26
SUBSCRIPTION_IDENTIFIER = 0x0B

Properties = dict[int, int | bytes]


def variable_integer(data: bytes, at: int, end: int) -> tuple[int, int]:
    """The value of one to four bytes of seven bits, least significant first, and the position behind them."""
    value = 0
    for shift in (0, 7, 14, 21):
        if at >= end:
            raise Malformed("variable byte integer cut short")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise Malformed("variable byte integer of more than four bytes")


def binary(data: bytes, at: int, end: int) -> tuple[bytes, int]:
    """Bytes behind a length of two bytes, and the position behind them."""
    if at + 2 > end:
        raise Malformed("length cut short")
    stop = at + 2 + (data[at] << 8 | data[at + 1])
    if stop > end:
        raise Malformed("field longer than its packet")
    return data[at + 2 : stop], stop


def string(data: bytes, at: int, end: int) -> tuple[bytes, int]:
    """The bytes of a UTF-8 string without null character, and the position behind them."""
    raw, stop = binary(data, at, end)
    if not raw.isascii():
        try:
            raw.decode()
        except UnicodeDecodeError as reason:
            raise Malformed("string that is not UTF-8") from reason
    if b"\x00" in raw:
        raise Malformed("null character in a string")
    return raw, stop


def topic_name(raw: bytes, most: int) -> str:
    """A topic name as text of at most ``most`` characters; wildcards and null characters may not stand in it."""
    return _topic_name(raw, most) if len(raw) <= _REMEMBERED_BYTES else _topic_name.__wrapped__(raw, most)


@lru_cache(maxsize=4096)
def _topic_name(raw: bytes, most: int) -> str:
    string(len(raw).to_bytes(2, "big") + raw, 0, len(raw) + 2)
    if not raw or b"#" in raw or b"+" in raw:
        raise Malformed("topic name that is empty or has a wildcard")
    return text(raw, most)


def topic_filter(raw: bytes, most: int) -> str:
    """A topic filter as text of at most ``most`` characters; wildcards stand alone in their level and ``#`` in the last."""
    levels = raw.split(b"/")
    for number, level in enumerate(levels):
        if (b"+" in level and level != b"+") or (b"#" in level and (level != b"#" or number != len(levels) - 1)):
            raise Malformed("misplaced wildcard")
    if not raw:
        raise Malformed("empty topic filter")
    return text(raw, most)


def properties(data: bytes, at: int, end: int, allowed: Container[int] = PROPERTIES) -> tuple[Properties, int]:
    """The properties at ``at`` and the position behind them; user properties are passed over."""
    size, at = variable_integer(data, at, end)
    stop = at + size
    if stop > end:
        raise Malformed("properties longer than their packet")
    found: Properties = {}
    count = 0
    while at < stop:
        name = data[at]
        count += 1
        if count > _MOST_PROPERTIES:
            raise Malformed(f"more than {_MOST_PROPERTIES} properties")
        if name not in allowed or (name in found and name != SUBSCRIPTION_IDENTIFIER):
            raise Malformed("unknown or repeated property")
        value, at = _property(PROPERTIES[name], data, at + 1, stop)
        if name != USER_PROPERTY:
            found[name] = value
    return found, stop


def _property(kind: int, data: bytes, at: int, stop: int) -> tuple[int | bytes, int]:
    if kind in {BYTE, TWO, FOUR}:
        size = 1 if kind == BYTE else 2 if kind == TWO else 4
        if at + size > stop:
            raise Malformed("property cut short")
        return int.from_bytes(data[at : at + size], "big"), at + size
    if kind == VARIABLE:
        return variable_integer(data, at, stop)
    if kind == BINARY:
        return binary(data, at, stop)
    if kind == PAIR:
        _name, at = string(data, at, stop)
    assert kind in {PAIR, STRING}
    return string(data, at, stop)
