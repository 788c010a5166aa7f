"""ISO transport on TCP: TPKT frames (RFC 1006) that carry class 0 transport PDUs (ISO 8073, ITU-T X.224).

S7comm, S7comm-plus and MMS lie on it; so does RDP, whose connection request carries a cookie or a negotiation block instead of
transport selectors and which is therefore told apart here. This module knows frames, fragments and selectors, and must never
interpret user data.
"""

from __future__ import annotations

from typing import NamedTuple

from hauberk.errors import Malformed

TPKT_BYTES = 4
SHORTEST_BYTES = 7
"""Shortest TPKT frame: header and a transport PDU of three bytes (RFC 1006 clause 6)."""

CONNECTION_REQUEST = 0xE0
CONNECTION_CONFIRM = 0xD0
DISCONNECT_REQUEST = 0x80
DISCONNECT_CONFIRM = 0xC0
ERROR = 0x70
DATA = 0xF0

_FAREWELL_BYTES = 64
"""Most user data behind the header of a disconnect request (X.224 clause 13.5.4)."""
_EOT = 0x80
_CALLING = 0xC1
_CALLED = 0xC2
_PARAMETERS = frozenset({*range(0x85, 0x8D), *range(0xC0, 0xC8), 0xE0, 0xF0})
"""Codes of the variable part of X.224 clause 13.3.4."""


class Connection(NamedTuple):
    """Transport selectors of a connection request or confirm."""

    calling: bytes
    called: bytes


def frame_length(data: bytes) -> int:
    """Bytes of the first TPKT frame; 0 while the header is not there. Raises ``Malformed``."""
    if len(data) < TPKT_BYTES:
        return 0
    if data[0] != 3 or data[1]:
        raise Malformed("not a TPKT header")
    length = data[2] << 8 | data[3]
    if length < SHORTEST_BYTES:
        raise Malformed(f"a TPKT frame of {length} bytes")
    return length


def pdu_type(data: bytes) -> int | None:
    """The class 0 transport PDU type at the start of ``data`` if frame and header lengths agree, else None."""
    if len(data) < SHORTEST_BYTES or data[0] != 3 or data[1]:
        return None
    length, indicator, kind = data[2] << 8 | data[3], data[4], data[5]
    if length < SHORTEST_BYTES:
        return None
    if kind == DATA:
        return DATA if indicator == 2 and not data[6] & 0x7F else None
    kind &= 0xF0 if kind & 0xF0 in {CONNECTION_REQUEST, CONNECTION_CONFIRM} else 0xFF
    farewell = length - indicator - 5
    if kind not in {CONNECTION_REQUEST, CONNECTION_CONFIRM, DISCONNECT_REQUEST, DISCONNECT_CONFIRM, ERROR} or farewell < 0:
        return None
    if kind == DISCONNECT_REQUEST:
        return kind if 4 <= indicator <= 64 and farewell <= _FAREWELL_BYTES else None
    if kind in {DISCONNECT_CONFIRM, ERROR}:
        return kind if 4 <= indicator <= 64 and not farewell else None
    return kind if indicator >= 6 and length == indicator + 5 and not data[10:11].strip(b"\x00") else None


def connection(data: bytes) -> Connection | None:
    """The selectors of a connection request or confirm; None where there are none or something else stands in their place."""
    at, end = 11, 5 + data[4] if len(data) > SHORTEST_BYTES else 0
    if end > len(data):
        return None
    selectors: dict[int, bytes] = {}
    while at + 2 <= end:
        code, stop = data[at], at + 2 + data[at + 1]
        if code not in _PARAMETERS or stop > end:
            return None
        selectors[code] = data[at + 2 : stop]
        at = stop
    if at != end or not selectors.keys() & {_CALLING, _CALLED}:
        return None
    return Connection(selectors.get(_CALLING, b""), selectors.get(_CALLED, b""))


class Reassembly:
    """Joins data PDUs of one direction until the one marked as the end (EOT) of a transport service data unit."""

    __slots__ = ("_buffer", "_most", "_skipping", "idle")

    def __init__(self, most: int) -> None:
        self._most = most
        self._buffer = bytearray()
        self._skipping = False
        self.idle = True
        """True when nothing is half read."""

    def add(self, frame: bytes) -> bytes | None:
        """User data that the data PDU in ``frame`` completes, or None. Raises ``Malformed`` where it grows too large."""
        last = bool(frame[6] & _EOT)
        self.idle = last
        if not self._skipping:
            self._buffer += frame[SHORTEST_BYTES:]
            if len(self._buffer) > self._most:
                self._buffer.clear()
                self._skipping = not last
                raise Malformed(f"more than {self._most} bytes without an end of transport data unit")
        if not last:
            return None
        whole = bytes(self._buffer)
        self.forget()
        return whole

    def forget(self) -> None:
        """Drop what is half read."""
        self._buffer.clear()
        self._skipping = False
        self.idle = True
