"""BACnet over IP: what controllers of buildings ask of each other.

ASHRAE 135 annex J (BACnet/IP virtual link), annex U (BACnet/IPv6), clause 6 (network layer), clause 20.1 (application PDUs).
Every application PDU is one message, every segment of a segmented one too: the last segment carries the values of the whole. An
acknowledgement has the service it carries; Reject, Abort and Segment-ACK that of their request. Messages of the network layer and
of the virtual link alone have no code. ``object`` has the form of ``bacnet_services`` (``analog_input:1/present_value``). What a
message says of a device is attributed to its sender only where it was not routed or forwarded; a forwarded one names its origin.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Final, NamedTuple

from hauberk.errors import Malformed
from hauberk.model.hint import Hint, HintKey
from hauberk.model.transaction import MALFORMED, OK, Message, Role, Value
from hauberk.sense.dissect.bacnet_names import (
    ABORT_REASONS,
    CONFIRMED,
    CONFIRMED_WRITES,
    LINK6_FUNCTIONS,
    LINK_FUNCTIONS,
    LINK_RESULTS,
    NETWORK_MESSAGES,
    NETWORK_WRITES,
    REJECT_REASONS,
    UNCONFIRMED,
    UNCONFIRMED_WRITES,
)
from hauberk.sense.dissect.bacnet_services import ANSWERS, NOTHING, Body, error_status
from hauberk.sense.dissect.bacnet_services import CONFIRMED as READ_CONFIRMED
from hauberk.sense.dissect.bacnet_services import UNCONFIRMED as READ_UNCONFIRMED
from hauberk.sense.dissect.bacnet_values import Tags
from hauberk.sense.dissect.interface import CERTAIN, NO, POSSIBLE, Dissector, StatelessSession
from hauberk.sense.dissect.limits import Limits
from hauberk.sense.dissect.reader import Reader

PROTOCOL: Final = "bacnet"

_IPV4, _IPV6 = 0x81, 0x82
_RESULT, _FORWARDED, _REGISTER, _SECURED = 0x00, 0x04, 0x05, 0x0C
_REGISTER6 = 0x09
_CARRIERS: Final[dict[int, int]] = {0x04: 6, 0x09: 0, 0x0A: 0, 0x0B: 0}
"""BACnet/IP functions that carry a network message, and the bytes between."""
_CARRIERS6: Final[dict[int, int]] = {0x01: 6, 0x02: 3, 0x08: 21, 0x0C: 3}
_LINK_REPLIES: Final = frozenset({0x00, 0x03, 0x07})
_LINK6_REPLIES: Final = frozenset({0x00, 0x05, 0x07})
_LINK_WRITES: Final = frozenset({0x01, 0x08})
_EVENTS: Final = frozenset({0, 1, 2, 3, 4, 5, 11, 12})
"""Unconfirmed services that tell and ask nothing."""

CONFIRMED_REQUEST, UNCONFIRMED_REQUEST, SIMPLE_ACK, COMPLEX_ACK, SEGMENT_ACK, ERROR, REJECT, ABORT = range(8)
_SEGMENTED, _MORE = 0x08, 0x04


class _Asked(NamedTuple):
    """A confirmed request that waits for its answer."""

    service: int
    shown: str | None


class _Parts:
    """The segments of one message so far."""

    __slots__ = ("chunks", "following", "size")

    def __init__(self) -> None:
        self.chunks: list[bytes] = []
        self.size = 0
        self.following = 0


class _Envelope(NamedTuple):
    """What the lower layers say: direction, the far end of a routed message, and what its hints are about."""

    to_responder: bool
    remote: bytes
    direct: bool
    about: str | None


_DIRECT: Final = (
    _Envelope(to_responder=False, remote=b"", direct=True, about=None),
    _Envelope(to_responder=True, remote=b"", direct=True, about=None),
)
"""The envelopes of messages that were neither routed nor forwarded, by direction."""
_MEMO_BYTES: Final = 96
"""Bodies up to this size are read once however often they come."""
_SECRET: Final = frozenset({17, 20, 24, 25})
"""Confirmed services whose bodies may hold a password or a key: they are not remembered."""
_Key = tuple[bool, int, bytes]
_TABLES: Final[dict[int, dict[int, Callable[[Tags, Limits], Body]]]] = {
    CONFIRMED_REQUEST: READ_CONFIRMED,
    UNCONFIRMED_REQUEST: READ_UNCONFIRMED,
    COMPLEX_ACK: ANSWERS,
}


class BacnetSession(StatelessSession):
    """One pair of BACnet/IP nodes: unanswered requests and half-received segments, of both as client."""

    __slots__ = ("_asked", "_hinted", "_parts", "_read")

    def __init__(self, limits: Limits) -> None:
        super().__init__(limits)
        self._asked: dict[_Key, _Asked] = {}
        self._parts: dict[_Key, _Parts] = {}
        self._hinted: set[bool] = set()
        self._read = _memory(limits)

    def read(self, pdu: bytes, to_responder: bool) -> list[Message]:
        """The message in one datagram."""
        if len(pdu) < 4 or pdu[0] not in {_IPV4, _IPV6}:
            raise Malformed("no BACnet virtual link")
        # Stacks exist that state a longer datagram than they send: the bytes that are there decide.
        function, end = pdu[1], min(len(pdu), int.from_bytes(pdu[2:4], "big"))
        names = LINK_FUNCTIONS if pdu[0] == _IPV4 else LINK6_FUNCTIONS
        if function not in names:
            raise Malformed(f"virtual link function 0x{function:02x}")
        skipped = (_CARRIERS if pdu[0] == _IPV4 else _CARRIERS6).get(function)
        if end < (6 if function == _RESULT else 4 + (skipped or 0)):
            return [Message(PROTOCOL, "event", names[function], status=MALFORMED)]
        if skipped is None:
            return [_link(pdu, function, end, names[function])]
        about = None
        if pdu[0] == _IPV4 and function == _FORWARDED:
            about = ".".join(str(part) for part in pdu[4:8])
        try:
            return [self._network(pdu, 4 + skipped, end, to_responder, about)]
        except Malformed:
            return [Message(PROTOCOL, "event", names[function], status=MALFORMED)]

    def _network(self, pdu: bytes, at: int, end: int, to_responder: bool, about: str | None) -> Message:
        """Version, control, destination, source, hop count (clause 6.2)."""
        if at + 2 < end and pdu[at] == 1 and not pdu[at + 1] & 0xA8 and about is None:
            try:
                return self._application(pdu, at + 2, end, _DIRECT[to_responder])
            except Malformed:
                return _broken(pdu, at + 2, end)
        reader = Reader(pdu, at, end)
        if reader.u8() != 1:
            raise Malformed("BACnet network version")
        control = reader.u8()
        destination = source = b""
        if control & 0x20:
            network = reader.take(2)
            destination = network + reader.take(reader.u8())
        if control & 0x08:
            network = reader.take(2)
            source = network + reader.take(reader.u8())
        if control & 0x20:
            reader.skip(1)
        if control & 0x80:
            return _network_message(reader)
        envelope = _Envelope(to_responder, source or destination, not source, about)
        start = reader.position
        try:
            return self._application(pdu, start, end, envelope)
        except Malformed:
            return _broken(pdu, start, end)

    def _application(self, pdu: bytes, at: int, end: int, envelope: _Envelope) -> Message:
        """One application PDU (clause 20.1)."""
        if at + 4 <= end and not pdu[at] & _SEGMENTED:
            if pdu[at] >> 4 == CONFIRMED_REQUEST:
                return self._request(pdu[at + 2], pdu[at + 3], pdu[at + 4 : end], envelope)
            if pdu[at] >> 4 == COMPLEX_ACK:
                return self._answer(pdu[at + 1], pdu[at + 2], pdu[at + 3 : end], envelope)
        reader = Reader(pdu, at, end)
        head = reader.u8()
        kind = head >> 4
        if kind == CONFIRMED_REQUEST:
            return self._confirmed(reader, head, envelope)
        if kind == UNCONFIRMED_REQUEST:
            return self._unconfirmed(reader, envelope)
        if kind == COMPLEX_ACK:
            return self._complex(reader, head, envelope)
        if kind == SEGMENT_ACK:
            return self._segment_ack(reader, head, envelope)
        if kind in {SIMPLE_ACK, ERROR}:
            return self._answered(reader, kind, envelope)
        if kind in {REJECT, ABORT}:
            return self._refused(reader, head, envelope)
        raise Malformed(f"BACnet PDU type {kind}")

    def _confirmed(self, reader: Reader, head: int, envelope: _Envelope) -> Message:
        """A segment of a confirmed request."""
        reader.skip(1)
        invoke = reader.u8()
        data, service = self._joined(reader, head, (envelope.to_responder, invoke, envelope.remote))
        return self._request(invoke, service, data, envelope)

    def _request(self, invoke: int, service: int, data: bytes | None, envelope: _Envelope) -> Message:
        """A confirmed request; ``data`` is None for a segment that does not complete it."""
        write = service in CONFIRMED_WRITES
        body, status = self._body(CONFIRMED_REQUEST, service, data)
        if data is not None:
            if len(self._asked) >= self.limits.pending:
                self._asked.pop(next(iter(self._asked)))
            self._asked[envelope.to_responder, invoke, envelope.remote] = _Asked(service, body.shown)
        hints = self._role(envelope, "bacnet.client", asks=True)
        operation = CONFIRMED.get(service) or f"confirmed_service_{service}"
        return Message(PROTOCOL, "request", operation, service, body.shown, body.value, status, write, hints)

    def _unconfirmed(self, reader: Reader, envelope: _Envelope) -> Message:
        service = reader.u8()
        body, status = self._body(UNCONFIRMED_REQUEST, service, reader.data[reader.position : reader.end])
        operation = UNCONFIRMED.get(service) or f"unconfirmed_service_{service}"
        role: Role = "event" if service in _EVENTS else "request"
        hints = _attributed(body, envelope)
        if service == 0 and envelope.direct:
            hints = (*hints, Hint(HintKey.ROLE, "bacnet.device", envelope.about))
        return Message(PROTOCOL, role, operation, service, body.shown, body.value, status, service in UNCONFIRMED_WRITES, hints)

    def _complex(self, reader: Reader, head: int, envelope: _Envelope) -> Message:
        """A segment of a complex acknowledgement."""
        invoke = reader.u8()
        data, service = self._joined(reader, head, (envelope.to_responder, invoke | 0x100, envelope.remote))
        return self._answer(invoke, service, data, envelope)

    def _answer(self, invoke: int, service: int, data: bytes | None, envelope: _Envelope) -> Message:
        """A complex acknowledgement; ``data`` is None for a segment that does not complete it."""
        key = (not envelope.to_responder, invoke, envelope.remote)
        asked = self._asked.get(key) if data is None else self._asked.pop(key, None)
        body, status = self._body(COMPLEX_ACK, service, data)
        shown = body.shown or (asked.shown if asked is not None and asked.service == service else None)
        hints = (*_attributed(body, envelope), *self._role(envelope, "bacnet.server", asks=False))
        operation = CONFIRMED.get(service) or f"confirmed_service_{service}"
        return Message(PROTOCOL, "response", operation, service, shown, body.value, status, service in CONFIRMED_WRITES, hints)

    def _answered(self, reader: Reader, kind: int, envelope: _Envelope) -> Message:
        """Simple acknowledgement and error: both name their service."""
        invoke, service = reader.u8(), reader.u8()
        asked = self._asked.pop((not envelope.to_responder, invoke, envelope.remote), None)
        shown = asked.shown if asked is not None and asked.service == service else None
        status = OK if kind == SIMPLE_ACK else error_status(Tags(reader.data, reader.position, reader.end))
        hints = self._role(envelope, "bacnet.server", asks=False)
        operation = CONFIRMED.get(service) or f"confirmed_service_{service}"
        return Message(PROTOCOL, "response", operation, service, shown, None, status, service in CONFIRMED_WRITES, hints)

    def _refused(self, reader: Reader, head: int, envelope: _Envelope) -> Message:
        """Reject and abort: only the request says what was refused. A client aborts its own request (bit 0 clear)."""
        reject = head >> 4 == REJECT
        invoke, reason = reader.u8(), reader.u8()
        by_server = reject or bool(head & 1)
        client = not envelope.to_responder if by_server else envelope.to_responder
        asked = self._asked.pop((client, invoke, envelope.remote), None)
        name = (REJECT_REASONS if reject else ABORT_REASONS).get(reason) or f"reason_{reason}"
        status = f"{'reject' if reject else 'abort'}_{name}"
        role: Role = "response" if by_server else "request"
        if asked is None:
            return Message(PROTOCOL, role, "reject" if reject else "abort", status=status)
        operation = CONFIRMED.get(asked.service) or f"confirmed_service_{asked.service}"
        write = asked.service in CONFIRMED_WRITES
        return Message(PROTOCOL, role, operation, asked.service, asked.shown, None, status, write)

    def _segment_ack(self, reader: Reader, head: int, envelope: _Envelope) -> Message:
        invoke = reader.u8()
        by_server = bool(head & 1)
        asked = self._asked.get((envelope.to_responder != by_server, invoke, envelope.remote))
        role: Role = "response" if by_server else "request"
        status = "negative_ack" if head & 2 else OK
        return Message(PROTOCOL, role, "segment_ack", None, asked.shown if asked is not None else None, None, status)

    def _joined(self, reader: Reader, head: int, key: _Key) -> tuple[bytes | None, int]:
        """The body of a message and its service; None for a segment that does not complete its message."""
        if not head & _SEGMENTED:
            service = reader.u8()
            return reader.rest(), service
        sequence = reader.u8()
        reader.skip(1)
        service = reader.u8()
        parts = self._parts.get(key)
        if sequence == 0 and (parts is None or parts.following & 0xFF):
            if len(self._parts) >= self.limits.pending:
                self._parts.pop(next(iter(self._parts)))
            parts = self._parts[key] = _Parts()
        if parts is None:
            return None, service
        if sequence == parts.following & 0xFF:
            chunk = reader.rest()
            parts.size += len(chunk)
            if parts.size > self.limits.message_bytes:
                del self._parts[key]
                return None, service
            parts.chunks.append(chunk)
            parts.following += 1
        elif (parts.following - 1 - sequence) & 0xFF > 0x7F:
            # Neither the next segment nor one sent again: one was lost.
            del self._parts[key]
            return None, service
        if head & _MORE or sequence != (parts.following - 1) & 0xFF:
            return None, service
        del self._parts[key]
        return b"".join(parts.chunks), service

    def _body(self, kind: int, service: int, data: bytes | None) -> tuple[Body, str]:
        """What the service says, and whether it could be read."""
        if data is None:
            return NOTHING, OK
        if len(data) > _MEMO_BYTES or service in _SECRET:
            return _said(kind, service, data, self.limits)
        return self._read(kind, service, data)

    def _role(self, envelope: _Envelope, role: str, asks: bool) -> tuple[Hint, ...]:
        if not envelope.direct or asks in self._hinted:
            return ()
        self._hinted.add(asks)
        return (Hint(HintKey.ROLE, role, envelope.about),)


def _said(kind: int, service: int, data: bytes, limits: Limits) -> tuple[Body, str]:
    """What the service of a PDU of this kind says, and whether it could be read."""
    read = _TABLES[kind].get(service)
    if read is None:
        return NOTHING, OK
    try:
        return read(Tags(data, 0, len(data)), limits), OK
    except Malformed:
        return NOTHING, MALFORMED


@lru_cache(maxsize=4)
def _memory(limits: Limits) -> Callable[[int, int, bytes], tuple[Body, str]]:
    """``_said`` with a memory: controllers poll the same properties for years."""

    @lru_cache(maxsize=8192)
    def remembered(kind: int, service: int, data: bytes) -> tuple[Body, str]:
        return _said(kind, service, data, limits)

    return remembered


def _attributed(body: Body, envelope: _Envelope) -> tuple[Hint, ...]:
    """Hints of a message, about its origin; none where it came through a router."""
    if not body.hints or not envelope.direct:
        return ()
    if envelope.about is None:
        return body.hints
    return tuple(hint._replace(about=envelope.about) for hint in body.hints)


def _link(pdu: bytes, function: int, end: int, name: str) -> Message:
    """A message of the virtual link alone."""
    four = pdu[0] == _IPV4
    role: Role = "response" if function in (_LINK_REPLIES if four else _LINK6_REPLIES) else "request"
    value: Value = None
    status = OK
    if function == _RESULT:
        code = int.from_bytes(pdu[end - 2 : end], "big")
        status = LINK_RESULTS.get(code) or f"result_0x{code:04x}"
    elif function == (_REGISTER if four else _REGISTER6) and end >= 6:
        value = int.from_bytes(pdu[end - 2 : end], "big")
    return Message(PROTOCOL, role, name, None, None, value, status, four and function in _LINK_WRITES)


def _network_message(reader: Reader) -> Message:
    """A message of the network layer; the first network it names is its value."""
    kind = reader.u8()
    if kind >= 0x80:
        vendor = reader.u16()
        return Message(PROTOCOL, "event", "network_proprietary", None, f"vendor:{vendor}/{kind}")
    value: Value = None
    if kind == 3 and reader.remaining >= 3:
        value = (reader.u8(), reader.u16())
    elif kind in {0, 1, 2, 4, 5, 8, 9, 0x13} and reader.remaining >= 2:
        value = reader.u16()
    name = NETWORK_MESSAGES.get(kind) or f"network_message_{kind}"
    role: Role = "request" if kind in {0x00, 0x06, 0x08, 0x09, 0x12} else "event"
    return Message(PROTOCOL, role, name, None, None, value, OK, kind in NETWORK_WRITES)


def _broken(pdu: bytes, at: int, end: int) -> Message:
    """What is known of an application PDU that is cut short."""
    kind = pdu[at] >> 4 if at < end else ABORT + 1
    role: Role = "request" if kind <= UNCONFIRMED_REQUEST else "response" if kind <= ABORT else "event"
    return Message(PROTOCOL, role, "malformed_apdu", status=MALFORMED)


def recognise(data: bytes, to_responder: bool) -> int:  # noqa: ARG001 - the interface's shape
    """Score: the type of the virtual link, a known function, the datagram's own length, and the network version."""
    if len(data) < 4 or data[0] not in {_IPV4, _IPV6}:
        return NO
    function, length = data[1], int.from_bytes(data[2:4], "big")
    if function > _SECURED or length < 4:
        return NO
    skipped = (_CARRIERS if data[0] == _IPV4 else _CARRIERS6).get(function)
    if skipped is None:
        fits = data[0] == _IPV6 or length in {4, 6, 10} or function in {1, 3, 7, _SECURED}
        return CERTAIN if fits and length == len(data) else NO
    at = 4 + skipped
    if at + 2 > len(data) or data[at] != 1 or data[at + 1] & 0x50:
        return NO
    return CERTAIN if length == len(data) else POSSIBLE


DISSECTORS: tuple[Dissector, ...] = (Dissector(PROTOCOL, "udp", (47808,), recognise, BacnetSession, ot=True),)
