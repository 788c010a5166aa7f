"""DNP3 over TCP and UDP (IEEE 1815-2012): link frames with checksums, transport segments, application fragments.

One message for each application fragment, when its last segment has come; ``code`` is the application function code. A link
frame without user data is a message of its own, named after its link function, with ``code`` None. A frame with a wrong
checksum is malformed, and what it carries is not believed.

``object`` is ``MASTER->OUTSTATION`` in both directions, then the object headers joined by commas: ``3->4/g60v2,g60v3``,
``3->4/g12v1/1+5`` (point indexes), ``3->4/g1v2/0-8`` (a range). A response without objects gets those of its request, by
application sequence number. ``value`` holds what the objects say in their order, or the internal indications of a response
that says nothing else. Reassembly holds at most a fixed number of bytes for a fixed number of link addresses.
"""

from __future__ import annotations

from functools import lru_cache
from struct import Struct
from typing import Final

from hauberk.errors import Malformed
from hauberk.model.hint import Hint, HintKey
from hauberk.model.transaction import MALFORMED, OK, Message, Role, Value
from hauberk.sense.dissect import dnp3_link as link
from hauberk.sense.dissect import dnp3_names as names
from hauberk.sense.dissect.dnp3_objects import Contents, contents
from hauberk.sense.dissect.interface import CERTAIN, NO, POSSIBLE, Dissector
from hauberk.sense.dissect.limits import Limits

NAME: Final = "dnp3"
PORT: Final = 20000

_START: Final = b"\x05\x64"
_HEADER: Final = Struct("<2xBBHH")
_FIR, _FIN = 0x40, 0x80
_FROM_MASTER, _PRIMARY = 0x80, 0x40
_USER_DATA: Final = frozenset({_PRIMARY | 3, _PRIMARY | 4})
_FRAGMENT_BYTES: Final = 1 << 16
"""Largest application fragment that is put together; the standard makes 2048 usual (clause 4.2.2)."""
_OUTSTATION: Final = (Hint(HintKey.ROLE, "dnp3.outstation"),)
_MASTER: Final = (Hint(HintKey.ROLE, "dnp3.master"),)
_NOTHING: Final = Contents()


@lru_cache(maxsize=4096)
def _ends(master: int, outstation: int) -> str:
    return f"{master}->{outstation}"


@lru_cache(maxsize=4096)
def _link(header: bytes) -> tuple[bool, int, int, int]:
    """Whether the checksum of a link header agrees, its control byte, destination and source."""
    _, control, destination, source = _HEADER.unpack_from(header)
    return link.header_is_right(header), control, destination, source


@lru_cache(maxsize=1024)
def _indications(word: int) -> tuple[str, ...]:
    return tuple(name for bit, name in enumerate(names.INDICATIONS) if word >> bit & 1)


@lru_cache(maxsize=1024)
def _refusal(word: int) -> str:
    return next((names.INDICATIONS[bit] for bit in names.REFUSALS if word >> bit & 1), OK)


class _Partial:
    """Segments of a fragment that is not complete."""

    __slots__ = ("chunks", "expected", "size")

    def __init__(self, chunk: bytes, expected: int) -> None:
        self.chunks = [chunk]
        self.size = len(chunk)
        self.expected = expected


class Dnp3Session:
    """One DNP3 conversation, which may carry several pairs of link addresses."""

    __slots__ = ("_items", "_partials", "_pending", "_told_master", "_told_outstation", "limits")

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._items = limits.items
        self._partials: dict[tuple[bool, int, int], _Partial] = {}
        self._pending: dict[tuple[int, int, int], str] = {}
        self._told_master = False
        self._told_outstation = False

    def frame_length(self, data: bytes, to_responder: bool) -> int:  # noqa: ARG002 - both directions are framed alike
        """The length field counts neither the start bytes nor the checksums."""
        if len(data) < 3:
            if not _START.startswith(data[:2]):
                raise Malformed("no DNP3 start bytes")
            return 0
        if data[:2] != _START or data[2] < 5:
            raise Malformed("no DNP3 link header")
        return link.frame_size(data[2])

    def read(self, pdu: bytes, to_responder: bool) -> list[Message]:
        """The messages that one link frame, or a datagram of several, completes."""
        end = self.frame_length(pdu, to_responder)
        if end == len(pdu) > 0:
            return self._frame(pdu, to_responder)
        messages: list[Message] = []
        position = 0
        while 0 < end <= len(pdu) - position and len(messages) < self.limits.messages:
            messages += self._frame(pdu[position : position + end], to_responder)
            position += end
            if position == len(pdu):
                return messages
            try:
                end = self.frame_length(pdu[position:], to_responder)
            except Malformed:
                end = 0
        if position == 0:
            raise Malformed(f"a DNP3 frame of {end} bytes in {len(pdu)}")
        return messages

    def gap(self, to_responder: bool) -> None:
        """A fragment with a hole cannot be completed."""
        for key in [key for key in self._partials if key[0] == to_responder]:
            del self._partials[key]

    @property
    def finished(self) -> bool:
        """More may follow."""
        return False

    def _frame(self, frame: bytes, to_responder: bool) -> list[Message]:
        """One whole link frame."""
        right, control, destination, source = _link(frame[: link.HEADER])
        payload = link.user_data(frame) if right else None
        kind = control & 0x4F
        if payload is None or (payload and kind not in _USER_DATA):
            return [self._link_only(control, destination, source, MALFORMED)]
        if not payload:
            return [self._link_only(control, destination, source, OK)]
        transport = payload[0]
        if transport & 0xC0 == 0xC0:
            fragment = payload[1:]
            if self._partials:
                self._partials.pop((to_responder, source, destination), None)
        else:
            joined = self._segment((to_responder, source, destination), transport, payload)
            if joined is None:
                return []
            fragment = joined
        return [self._fragment(fragment, control, destination, source)]

    def _link_only(self, control: int, destination: int, source: int, status: str) -> Message:
        role: Role = "request" if control & _PRIMARY else "response"
        place = _ends(source, destination) if control & _FROM_MASTER else _ends(destination, source)
        return Message(NAME, role, names.link_name(control), None, place, None, status)

    def _segment(self, key: tuple[bool, int, int], transport: int, payload: bytes) -> bytes | None:
        """Add a transport segment (clause 8.2); the fragment where it is the last one."""
        following = (transport + 1) & 0x3F
        if transport & _FIR:
            partials = self._partials
            partials.pop(key, None)
            if len(partials) >= self.limits.pending:
                del partials[next(iter(partials))]
            partials[key] = _Partial(payload[1:], following)
            return None
        partial = self._partials.get(key)
        if partial is None or (partial.expected - 1) & 0x3F == transport & 0x3F:
            return None  # its beginning was not seen, or the last segment came twice
        partial.size += len(payload) - 1
        if partial.expected != transport & 0x3F or partial.size > min(_FRAGMENT_BYTES, self.limits.message_bytes):
            del self._partials[key]
            return None
        partial.chunks.append(payload[1:])
        partial.expected = following
        if not transport & _FIN:
            return None
        del self._partials[key]
        return b"".join(partial.chunks)

    def _fragment(self, data: bytes, control: int, destination: int, source: int) -> Message:
        """One application fragment (clause 4.2)."""
        if len(data) < 2:
            return self._link_only(control, destination, source, MALFORMED)
        function = data[1]
        if function >= names.RESPONSE:
            return self._response(data, destination, source)
        outgoing = function or control & _FROM_MASTER
        place = _ends(source, destination) if outgoing else _ends(destination, source)
        write = function in names.WRITES
        found = _NOTHING
        if len(data) > 2:
            found = contents(data, 2, function, self._items)
            write = write or found.writes_file
            if found.place:
                place = f"{place}/{found.place}"
        if function:
            pending = self._pending
            if len(pending) >= self.limits.pending:
                del pending[next(iter(pending))]
            pending[source, destination, data[0] & 0x0F] = place
        hints: tuple[Hint, ...] = ()
        if not self._told_master and outgoing:
            self._told_master = True
            hints = _MASTER
        return Message(NAME, "request", names.function_name(function), function, place, found.value, found.status, write, hints)

    def _response(self, data: bytes, destination: int, source: int) -> Message:
        """A response: two bytes of internal indications come before the objects."""
        function = data[1]
        role: Role = "event" if function == names.UNSOLICITED else "response"
        operation = names.function_name(function)
        place = _ends(destination, source)
        if len(data) < 4:
            return Message(NAME, role, operation, function, place, None, MALFORMED)
        word = data[2] | data[3] << 8
        found = contents(data, 4, function, self._items) if len(data) > 4 else _NOTHING
        asked = None if role == "event" else self._pending.pop((destination, source, data[0] & 0x0F), None)
        if found.place:
            place = f"{place}/{found.place}"
        elif asked is not None:
            place = asked
        status = _refusal(word)
        if status is OK or found.status is MALFORMED:
            status = found.status
        hints = found.hints
        if not self._told_outstation:
            self._told_outstation = True
            hints += _OUTSTATION
        value: Value = found.value or (None if found.place else _indications(word)) or None
        return Message(NAME, role, operation, function, place, value, status, False, hints)


def recognise(data: bytes, to_responder: bool) -> int:  # noqa: ARG001 - a frame is judged by itself
    """The start bytes and a header checksum that agrees."""
    if not data or data[:2] != _START[: len(data)]:
        return NO
    if len(data) < link.HEADER:
        return POSSIBLE
    return CERTAIN if data[2] >= 5 and link.header_is_right(data) else POSSIBLE


DISSECTORS: tuple[Dissector, ...] = (
    Dissector(NAME, "tcp", (PORT,), recognise, Dnp3Session, ot=True),
    Dissector(NAME, "udp", (PORT,), recognise, Dnp3Session, ot=True),
)
