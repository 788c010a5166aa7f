"""Takes option negotiation out of a Telnet stream (RFC 854, RFC 855) and keeps the text.

Commands may be cut anywhere between segments: the cleaner remembers where it was. Must never buffer: suboptions are passed over.
"""

from __future__ import annotations

import re

_IAC = 255
_SUBOPTION_END, _SUBOPTION = 240, 250
_WILL, _DONT = 251, 254
_LAST_OPTION = 49
"""Highest option number in wide use (IANA, "Telnet Options"); 255 is the list of further ones."""

_TEXT, _COMMAND, _OPTION, _INSIDE, _INSIDE_COMMAND = range(5)
NEGOTIATION = re.compile(rb"(?:\xff[\xfb-\xfe][\x00-\x31]|\xff\xfa[\x00-\x31][^\xff]{0,128}\xff\xf0){1,64}")


class TelnetCleaner:
    """One direction of a connection. ``negotiated`` counts the options spoken of."""

    __slots__ = ("_state", "negotiated")

    def __init__(self) -> None:
        self._state = _TEXT
        self.negotiated = 0

    def clean(self, data: bytes) -> bytes:
        """The text in ``data``."""
        if self._state == _TEXT and _IAC not in data:
            return data
        kept = bytearray()
        position, size = 0, len(data)
        while position < size:
            state = self._state
            if state in {_TEXT, _INSIDE}:
                found = data.find(_IAC, position)
                stop = size if found < 0 else found
                if state == _TEXT:
                    kept += data[position:stop]
                if found >= 0:
                    self._state = state + 1 if state == _INSIDE else _COMMAND
                position = stop + 1
                continue
            self._command(data[position], kept)
            position += 1
        return bytes(kept)

    def _command(self, byte: int, kept: bytearray) -> None:
        """One byte after an IAC, or the option behind it (RFC 854, "Telnet command structure")."""
        state = self._state
        if state == _OPTION:
            self.negotiated += 1
            self._state = _TEXT
        elif state == _INSIDE_COMMAND:
            self._state = _TEXT if byte == _SUBOPTION_END else _INSIDE
        elif byte == _SUBOPTION:
            self._state = _INSIDE
        elif _WILL <= byte <= _DONT:
            self._state = _OPTION
        else:
            if byte == _IAC:
                kept.append(byte)
            self._state = _TEXT
