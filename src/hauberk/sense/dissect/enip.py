"""EtherNet/IP: the encapsulation that carries CIP over TCP and UDP, and its own commands.

CIP Volume 2, EtherNet/IP Adaptation of CIP, chapter 2: encapsulation header (2-3), commands (2-4), common packet format (2-6),
connected messages (3-2). Where a frame carries CIP, the messages are those of ``cip`` alone; other commands are messages of
protocol ``enip``, whose ``object`` is None. Cyclic input and output (UDP 2222) is recognised and counted as traffic, but makes no
messages: it repeats hundreds of times a second. Responses are joined to requests by connection and sequence count, or by the
sender context of unconnected ones.
"""

from __future__ import annotations

from struct import Struct
from typing import Final

from hauberk.errors import Malformed
from hauberk.model.hint import Hint, HintKey
from hauberk.model.transaction import MALFORMED, OK, Message, Role, Value
from hauberk.sense.dissect.cip import CipReader, Request, broken
from hauberk.sense.dissect.cip_values import identity
from hauberk.sense.dissect.interface import CERTAIN, LIKELY, NO, POSSIBLE, Dissector
from hauberk.sense.dissect.limits import Limits
from hauberk.sense.dissect.reader import Reader, text

PROTOCOL: Final = "enip"

_HEADER: Final = Struct("<HHII8sI")
_HEADER_BYTES: Final = 24
_ITEM: Final = Struct("<HH")
_U16: Final = Struct("<H")
_U32: Final = Struct("<I")

NOP, LIST_SERVICES, LIST_IDENTITY, LIST_INTERFACES = 0x00, 0x04, 0x63, 0x64
REGISTER_SESSION, UNREGISTER_SESSION, SEND_RR_DATA, SEND_UNIT_DATA = 0x65, 0x66, 0x6F, 0x70
INDICATE_STATUS, CANCEL, START_DTLS = 0x72, 0x73, 0xC8

COMMANDS: Final[dict[int, str]] = {
    NOP: "nop",
    LIST_SERVICES: "list_services",
    LIST_IDENTITY: "list_identity",
    LIST_INTERFACES: "list_interfaces",
    REGISTER_SESSION: "register_session",
    UNREGISTER_SESSION: "unregister_session",
    SEND_RR_DATA: "send_rr_data",
    SEND_UNIT_DATA: "send_unit_data",
    INDICATE_STATUS: "indicate_status",
    CANCEL: "cancel",
    START_DTLS: "start_dtls",
}

STATUSES: Final[dict[int, str]] = {
    0x00: OK,
    0x01: "invalid_command",
    0x02: "insufficient_memory",
    0x03: "incorrect_data",
    0x64: "invalid_session_handle",
    0x65: "invalid_length",
    0x69: "unsupported_protocol_revision",
    0x6A: "service_not_allowed",
}

_NULL, _IDENTITY_ITEM, _CONNECTED, _CONNECTED_DATA, _UNCONNECTED_DATA, _SERVICES_ITEM = 0x00, 0x0C, 0xA1, 0xB1, 0xB2, 0x100
_IO_START: Final = bytes.fromhex("020002800800")
"""Two items, the first a sequenced address of 8 bytes: how every datagram of cyclic data begins (2-6.3.3)."""
_MOST_ITEMS: Final = 8
_CARRIERS: Final = frozenset({SEND_RR_DATA, SEND_UNIT_DATA})
_DISCOVERY: Final = frozenset({LIST_SERVICES, LIST_IDENTITY, LIST_INTERFACES})


class EnipSession:
    """One encapsulation conversation: sessions, connections that were seen to open, and unanswered requests."""

    __slots__ = ("_cip", "_connections", "_hinted", "_pending", "limits")

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._cip = CipReader(limits)
        self._pending: dict[tuple[int, int | bytes], Request] = {}
        self._connections: dict[int, tuple[int, bool]] = {}
        self._hinted: set[Role] = set()

    def frame_length(self, data: bytes, to_responder: bool) -> int:  # noqa: ARG002 - the interface's shape
        """The header's length field, and the header."""
        if len(data) < 4:
            return 0
        command, length = _ITEM.unpack_from(data)
        if command not in COMMANDS:
            raise Malformed(f"encapsulation command 0x{command:04x}")
        return _HEADER_BYTES + int(length)

    def gap(self, to_responder: bool) -> None:
        """Requests whose answers were lost stay until they are displaced."""

    @property
    def finished(self) -> bool:
        """More may follow."""
        return False

    def read(self, pdu: bytes, to_responder: bool) -> list[Message]:
        """The CIP messages of one encapsulation frame, or the message of its command."""
        if len(pdu) < _HEADER_BYTES:
            if pdu[:6] == _IO_START:
                return []
            raise Malformed(f"encapsulation header of {len(pdu)} bytes")
        command, length, session, status, context, _ = _HEADER.unpack_from(pdu)
        if command not in COMMANDS:
            if pdu[:6] == _IO_START:
                return []
            raise Malformed(f"encapsulation command 0x{command:04x}")
        end = _HEADER_BYTES + length
        if end > len(pdu):
            return [Message(PROTOCOL, "request" if to_responder else "response", COMMANDS[command], command, status=MALFORMED)]
        if command in _CARRIERS and length > 8:
            found = self._carried(pdu, end, context)
            if found:
                return found if len(self._hinted) == 2 else self._introduce(found)
        return self._introduce([self._command(pdu, end, (command, session, status), to_responder)])

    def _carried(self, pdu: bytes, end: int, context: bytes) -> list[Message]:
        """The CIP messages in a common packet; none where it holds no data."""
        connection, first, last = _items(pdu, end)
        if first >= last:
            return []
        out = self._cip.out = []
        key: tuple[int, int | bytes] = (-1, context)
        routed = False
        if connection is not None:
            if last - first < 3:
                return []
            sequence = _U16.unpack_from(pdu, first)[0]
            first += 2
            connection, routed = self._connections.get(connection, (0, False))
            key = (connection, sequence)
        try:
            if pdu[first] & 0x80:
                request = self._pending.pop(key, None)
                self._cip.response(pdu, first, last, request)
                self._connect()
            else:
                request = self._cip.request(pdu, first, last)
                if len(self._pending) >= self.limits.pending:
                    self._pending.pop(next(iter(self._pending)))
                self._pending[key] = request._replace(routed=True) if routed else request
        except Malformed:
            out.append(broken(pdu[first]))
        return out

    def _connect(self) -> None:
        """Both identifiers of a connection that was opened lead to the one of the target: requests and answers differ in them."""
        opened = self._cip.opened
        if opened is None:
            return
        self._cip.opened = None
        while len(self._connections) >= self.limits.pending:
            self._connections.pop(next(iter(self._connections)))
        self._connections[opened.to_target] = self._connections[opened.to_originator] = opened.to_target, opened.routed

    @staticmethod
    def _command(pdu: bytes, end: int, head: tuple[int, int, int], to_responder: bool) -> Message:
        """The message of a command that carries no CIP."""
        command, session, status = head
        name = STATUSES.get(status) or f"status_0x{status:08x}"
        value: Value = None
        hints: tuple[Hint, ...] = ()
        role: Role = "request" if to_responder else "response"
        if command in {NOP, INDICATE_STATUS}:
            role = "event"
        elif command in _DISCOVERY:
            role = "response" if end > _HEADER_BYTES or status else "request"
        elif command == REGISTER_SESSION and not status:
            role = "response" if session else "request"
        try:
            if role == "response" and command == LIST_IDENTITY:
                value, hints = _listed_identity(pdu, end)
            elif role == "response" and command == LIST_SERVICES:
                value = _listed_service(pdu, end)
        except Malformed:
            name = MALFORMED
        return Message(PROTOCOL, role, COMMANDS[command], command, None, value, name, False, hints)

    def _introduce(self, messages: list[Message]) -> list[Message]:
        """Says once for each side what it is."""
        first = messages[0]
        if first.role != "event" and first.role not in self._hinted and first.status != MALFORMED:
            self._hinted.add(first.role)
            role = "enip.client" if first.role == "request" else "enip.server"
            messages[0] = first._replace(hints=(*first.hints, Hint(HintKey.ROLE, role)))
        return messages


def _items(pdu: bytes, end: int) -> tuple[int | None, int, int]:
    """Connection identifier (None where unconnected), start and end of the data item; start and end are equal without one."""
    at = _HEADER_BYTES + 8
    if at > end:
        return None, 0, 0
    connection: int | None = None
    for _ in range(min(_U16.unpack_from(pdu, at - 2)[0], _MOST_ITEMS)):
        if at + 4 > end:
            break
        kind, size = _ITEM.unpack_from(pdu, at)
        at += 4
        if kind in {_CONNECTED_DATA, _UNCONNECTED_DATA}:
            return (connection or 0) if kind == _CONNECTED_DATA else None, at, min(end, at + size)
        if kind == _CONNECTED and size == 4 and at + 4 <= end:
            connection = _U32.unpack_from(pdu, at)[0]
        at += size
    return None, 0, 0


def _listed_identity(pdu: bytes, end: int) -> tuple[Value, tuple[Hint, ...]]:
    """The first identity item: protocol version, socket address, then the attributes of the identity object (2-4.2.3)."""
    reader = Reader(pdu, _HEADER_BYTES, end)
    if not reader.u16le() or reader.u16le() != _IDENTITY_ITEM:
        return None, ()
    item = reader.part(reader.u16le())
    item.skip(18)
    return identity(pdu, item.position, item.end)


def _listed_service(pdu: bytes, end: int) -> Value:
    """The name of the first service, usually ``Communications`` (2-4.1)."""
    reader = Reader(pdu, _HEADER_BYTES, end)
    if not reader.u16le() or reader.u16le() != _SERVICES_ITEM:
        return None
    item = reader.part(reader.u16le())
    item.skip(4)
    return text(item.rest().split(b"\x00", 1)[0], 16)


def _io(data: bytes) -> int:
    """Score that a datagram is cyclic data: sequenced address item, then connected data to the end."""
    if len(data) >= 18 and data[14:16] == b"\xb1\x00" and 18 + _U16.unpack_from(data, 16)[0] == len(data):
        return CERTAIN
    return NO


def _body(data: bytes, command: int, length: int, session: int) -> int:
    """Score of what follows a good header."""
    at = _HEADER_BYTES
    if command in _CARRIERS:
        if len(data) < at + 12:
            return LIKELY if length >= 12 and session else POSSIBLE
        count, kind, size = _U16.unpack_from(data, at + 6)[0], *_ITEM.unpack_from(data, at + 8)
        known = (kind == _NULL and not size) or (kind == _CONNECTED and size == 4)
        return CERTAIN if data[at : at + 4] == bytes(4) and 2 <= count <= _MOST_ITEMS and known else NO
    if command == REGISTER_SESSION:
        return CERTAIN if length == 4 and data[at : at + 4] in {b"\x01\x00\x00\x00", b"\x01"} else NO
    if command in _DISCOVERY:
        if not length:
            return LIKELY if len(data) == at else NO
        return CERTAIN if data[at : at + 1] != b"\x00" and data[at + 2 : at + 4] in {b"\x0c\x00", b"\x00\x01"} else NO
    if command == UNREGISTER_SESSION:
        return LIKELY if not length and session and len(data) == at else NO
    return POSSIBLE if command != NOP or length == len(data) - at else NO


def recognise(data: bytes, to_responder: bool) -> int:  # noqa: ARG001 - the interface's shape
    """Score: a known command, a known status, no options, and a body that fits the command."""
    if data[:6] == _IO_START:
        return _io(data)
    if len(data) < _HEADER_BYTES:
        return NO
    command, length, session, status, _, options = _HEADER.unpack_from(data)
    if command not in COMMANDS or status not in STATUSES or options:
        return NO
    if status and not length:
        return LIKELY if len(data) == _HEADER_BYTES else NO
    if command in _CARRIERS and not length:
        return NO
    return _body(data, command, length, session)


DISSECTORS: tuple[Dissector, ...] = (
    Dissector(PROTOCOL, "tcp", (44818,), recognise, EnipSession, ot=True),
    Dissector(PROTOCOL, "udp", (44818, 2222), recognise, EnipSession, ot=True),
)
