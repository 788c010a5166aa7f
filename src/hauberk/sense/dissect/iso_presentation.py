"""ISO session (ISO 8327-1), presentation (ISO 8823-1) and association control (ISO 8650-1): the layers between COTP and MMS.

Only what MMS needs of them: where user data lies, which presentation context it belongs to and which contexts carry MMS. What an
association request holds to prove who asks is never read.
"""

from __future__ import annotations

from typing import NamedTuple

from hauberk.errors import Malformed
from hauberk.sense.dissect import ber
from hauberk.sense.dissect.ber import Element

GIVE_TOKENS_DATA = b"\x01\x00\x01\x00"
"""A give tokens SPDU and the data transfer SPDU it is joined with (ISO 8327-1 clause 8.3.11)."""
CONNECT, ACCEPT, FINISH, DISCONNECT = 0x0D, 0x0E, 0x09, 0x0A
_WITH_USER_DATA = frozenset({CONNECT, ACCEPT, FINISH, DISCONNECT, 0x08, 0x0C, 0x19})
_USER_DATA, _EXTENDED_USER_DATA = 0xC1, 0xC2
_MMS_OID = b"\x28\xca\x22"
"""1.0.9506, the arc of MMS."""
_FULLY_ENCODED, _CONNECT_PPDU, _NORMAL_MODE = 0x61, 0x31, 0xA2
_CONTEXTS = 0xA4
_USER_INFORMATION, _EXTERNAL = 0xBE, 0x28
_ASSOCIATION = range(0x60, 0x65)


class Value(NamedTuple):
    """One presentation data value: its context (None where unsaid) and where it lies, in bytes."""

    context: int | None
    start: int
    end: int


def looks_like(data: bytes, at: int) -> bool:
    """True where a session PDU with a presentation PDU inside begins at ``at``."""
    if data.startswith(GIVE_TOKENS_DATA, at):
        return data[at + 4 : at + 5] in {b"\x61", b"\xa0"}
    if len(data) < at + 4 or data[at] not in {CONNECT, ACCEPT, FINISH, DISCONNECT}:
        return False
    width = 4 if data[at + 1] == 0xFF else 2
    size = data[at + 2] << 8 | data[at + 3] if width == 4 else data[at + 1]
    return at + width + size == len(data)


class Presentation:
    """Unwraps the presentation data values of one conversation and remembers which contexts carry MMS."""

    __slots__ = ("_contexts", "foreign")

    def __init__(self) -> None:
        self._contexts: dict[int, bool] = {}
        self.foreign = False
        """True when the contexts were agreed and none of them carries MMS."""

    def values(self, data: bytes) -> list[Value]:
        """Where the MMS PDUs lie in one transport service data unit. Raises ``Malformed``."""
        start = _session(data)
        end = len(data)
        if start >= end:
            return []
        outer = ber.element(data, start, end)
        if outer.tag == _CONNECT_PPDU:
            normal = ber.find(data, outer.start, outer.end, _NORMAL_MODE)
            if normal is None:
                return []
            self._agree(data, normal)
            found = ber.find(data, normal.start, normal.end, _FULLY_ENCODED)
        else:
            found = outer if outer.tag == _FULLY_ENCODED else None
        if found is None:
            return []
        values: list[Value] = []
        for listed in ber.children(data, found.start, found.end, 16):
            if listed.tag == 0x30:
                values.extend(self._value(data, listed))
        return values

    def _agree(self, data: bytes, normal: Element) -> None:
        proposed = ber.find(data, normal.start, normal.end, _CONTEXTS)
        if proposed is None:
            return
        self._contexts.clear()
        for entry in ber.children(data, proposed.start, proposed.end, 16):
            parts = ber.children(data, entry.start, entry.end, 3)
            if len(parts) >= 2 and parts[0].tag == 0x02:
                self._contexts[ber.integer(data, parts[0])] = data.startswith(_MMS_OID, parts[1].start)
        self.foreign = not any(self._contexts.values())

    def _value(self, data: bytes, listed: Element) -> list[Value]:
        context, body = _parts(data, listed)
        if body is None or body.start >= body.end:
            return []
        inner = ber.element(data, body.start, body.end)
        if inner.tag not in _ASSOCIATION:
            wanted = self._contexts.get(context, not self._contexts) if context is not None else True
            return [Value(context, body.start, body.end)] if wanted else []
        information = ber.find(data, inner.start, inner.end, _USER_INFORMATION)
        if information is None:
            return []
        found: list[Value] = []
        for external in ber.children(data, information.start, information.end, 4):
            if external.tag == _EXTERNAL:
                context, body = _parts(data, external)
                if body is not None and body.start < body.end:
                    found.append(Value(context, body.start, body.end))
        return found


def _parts(data: bytes, outer: Element) -> tuple[int | None, Element | None]:
    context: int | None = None
    body: Element | None = None
    for part in ber.children(data, outer.start, outer.end, 4):
        if part.tag == 0x02:
            context = ber.integer(data, part)
        elif part.tag in {0xA0, 0x81}:
            body = part
    return context, body


def _session(data: bytes) -> int:
    """Where the presentation PDU begins; the end of ``data`` where there is none."""
    at = 4 if data.startswith(GIVE_TOKENS_DATA) else 0
    if at:
        return at
    if len(data) < 2:
        raise Malformed("a session PDU is cut off")
    kind = data[0]
    at, size = _length(data, 1)
    end = at + size
    if kind == 1:  # data transfer, or give tokens with parameters before it
        return end + 2 + data[end + 1] if data[end : end + 1] == b"\x01" and len(data) > end + 1 else end
    if kind not in _WITH_USER_DATA or end > len(data):
        return len(data)
    while at + 2 <= end:
        parameter = data[at]
        at, size = _length(data, at + 1)
        if parameter in {_USER_DATA, _EXTENDED_USER_DATA}:
            return at
        at += size
    return len(data)


def _length(data: bytes, at: int) -> tuple[int, int]:
    """A length indicator (ISO 8327-1 clause 8.2.5): one byte, or 255 and two bytes; and where what it measures begins."""
    if at < len(data) and data[at] != 0xFF:
        return at + 1, data[at]
    if at + 3 > len(data):
        raise Malformed("a session length is cut off")
    return at + 3, data[at + 1] << 8 | data[at + 2]
