"""What an opaque payload says, in one short form: the value of an MQTT publication or a CoAP message.

Neither protocol says what its payload means (MQTT 5.0 clause 3.3.3, RFC 7252 clause 5.5.1), so only its shape is told. Nothing is
ever parsed further, and JSON stays text.
"""

from __future__ import annotations

import math
import re

from hauberk.sense.dissect.reader import text

_NUMBER = re.compile(rb"-?(?:0|[1-9][0-9]{0,17})(\.[0-9]{1,18})?([eE][+-]?[0-9]{1,3})?")
_NUMBER_BYTES = 32
_PREFIX = 16
_BLANKS = str.maketrans("", "", "\t\r\n")


def payload_value(data: bytes, most: int) -> str | int | float:
    """A number where ``data`` is one in text, printable text of at most ``most`` characters, or size and first bytes."""
    if len(data) <= _NUMBER_BYTES:
        found = _NUMBER.fullmatch(data)
        if found is not None:
            if found[1] is None and found[2] is None:
                return int(data)
            number = float(data)
            if math.isfinite(number):
                return number
    try:
        # A cut may fall inside a character of up to 4 bytes: the three bytes before it are not looked at.
        shown = (data if len(data) <= most else data[:most]).decode()
    except UnicodeDecodeError as reason:
        if len(data) <= most or reason.start < most - 3:
            return opaque(data)
        shown = data[: reason.start].decode()
    if shown.isprintable():
        return shown
    if shown.translate(_BLANKS).isprintable():
        return text(shown.encode(), most)
    return opaque(data)


def opaque(data: bytes) -> str:
    """Size and first bytes of data that is not text, as ``8 bytes 0a1b2c``."""
    return f"{len(data)} bytes {data[:_PREFIX].hex()}"
