"""OPC UA in binary encoding over TCP: how supervisory software reads, writes and calls what a server offers.

OPC 10000-6 clauses 6.7 (secure conversation, chunks) and 7.1 (connection protocol), services as OPC 10000-4 defines them. A
message of several chunks is one message, made when its last chunk arrives. What is encrypted is shown as ``encrypted_message``
without a code and never guessed at. ``object`` has the form of ``opcua_services``; a response carries the object of its request,
which shares its request identifier, and a notification the nodes its items were created for.
"""

from __future__ import annotations

from struct import Struct
from typing import Final, NamedTuple

from hauberk.errors import Malformed
from hauberk.model.hint import Hint, HintKey
from hauberk.model.transaction import MALFORMED, OK, Message, Role
from hauberk.sense.dissect.interface import CERTAIN, LIKELY, NO, Dissector
from hauberk.sense.dissect.limits import Limits
from hauberk.sense.dissect.opcua_names import FAULT, OPEN_REQUEST, OPEN_RESPONSE, SERVICES, WRITES, status_name
from hauberk.sense.dissect.opcua_services import BODIES, NOTHING, Said
from hauberk.sense.dissect.opcua_values import count, extension, node_id, skip_bytes, skip_diagnostic, string, type_number
from hauberk.sense.dissect.reader import Reader

PROTOCOL: Final = "opcua"

_HEADER_BYTES: Final = 8
_U32: Final = Struct("<I")
_CONNECTION: Final = frozenset({b"HEL", b"ACK", b"ERR", b"RHE"})
_SECURE: Final = frozenset({b"OPN", b"MSG", b"CLO"})
_CHUNKS: Final = frozenset(b"FCA")
_POLICY: Final = b"http://opcfoundation.org/UA/SecurityPolicy#"
_PLAIN: Final = "None"
_CHANNEL_NAMES: Final[dict[bytes, tuple[str, Role]]] = {
    b"OPN": ("open_secure_channel", "request"),
    b"CLO": ("close_secure_channel", "request"),
    b"MSG": ("encrypted_message", "request"),
}


class _Asked(NamedTuple):
    """A request that waits for its answer."""

    operation: str
    said: Said


class OpcUaSession:
    """One connection: unanswered requests, unfinished messages, and what monitored items stand for."""

    __slots__ = ("_asked", "_chunks", "_hinted", "_items", "_plain", "_size", "_told", "limits")

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._asked: dict[int, _Asked] = {}
        self._chunks: dict[tuple[bool, int], list[bytes]] = {}
        self._size = 0
        self._items: dict[int, str] = {}
        self._hinted: set[Role] = set()
        self._told: tuple[Hint, ...] = ()
        self._plain: bool | None = None

    def frame_length(self, data: bytes, to_responder: bool) -> int:  # noqa: ARG002 - the interface's shape
        """The size in the header, which counts the header."""
        if len(data) < _HEADER_BYTES:
            return 0
        kind, size = data[:3], _U32.unpack_from(data, 4)[0]
        if (kind not in _CONNECTION and kind not in _SECURE) or data[3] not in _CHUNKS:
            raise Malformed("no OPC UA message type")
        if not _HEADER_BYTES <= size <= self.limits.message_bytes:
            raise Malformed(f"OPC UA chunk of {size} bytes")
        return int(size)

    def gap(self, to_responder: bool) -> None:
        """Unfinished messages of that direction are lost."""
        for key in [key for key in self._chunks if key[0] == to_responder]:
            self._drop(key)

    @property
    def finished(self) -> bool:
        """More may follow."""
        return False

    def read(self, pdu: bytes, to_responder: bool) -> list[Message]:
        """The message a chunk completes; none for a chunk that others follow."""
        if len(pdu) < _HEADER_BYTES:
            raise Malformed("OPC UA header cut short")
        kind = pdu[:3]
        if kind not in _SECURE and kind not in _CONNECTION:
            raise Malformed("no OPC UA message type")
        try:
            message = self._secure(pdu, kind, to_responder) if kind in _SECURE else _connection(pdu, kind, to_responder)
        except Malformed:
            name = _CHANNEL_NAMES[kind][0] if kind in {b"OPN", b"CLO"} else "message"
            message = Message(PROTOCOL, "request" if to_responder else "response", name, status=MALFORMED)
        if message is None:
            return []
        return [self._introduce(message)]

    def _secure(self, pdu: bytes, kind: bytes, to_responder: bool) -> Message | None:
        """A chunk of the secure conversation: security header, sequence header, then a piece of the message."""
        reader = Reader(pdu, _HEADER_BYTES)
        reader.skip(4)
        if kind == b"OPN":
            policy = string(reader).rpartition("#")[2]
            skip_bytes(reader)
            skip_bytes(reader)
            self._plain = policy == _PLAIN
            if not self._plain:
                # Opening is always encrypted under the other policies, whatever mode it asks for (clause 6.7.2.3).
                role: Role = "request" if to_responder else "response"
                return Message(PROTOCOL, role, "open_secure_channel", None, None, policy)
        else:
            reader.skip(4)
        reader.skip(4)
        request = reader.u32le()
        key = (to_responder, request)
        if pdu[3:4] == b"C":
            if self._plain is not False:
                self._keep(key, reader.rest())
            return None
        begun = self._chunks.get(key)
        if pdu[3:4] == b"A":
            self._drop(key)
            return self._aborted(reader, request, to_responder)
        if begun:
            body = b"".join((*begun, reader.rest()))
            self._drop(key)
            reader = Reader(body)
        return self._service(reader, kind, request, to_responder)

    def _keep(self, key: tuple[bool, int], piece: bytes) -> None:
        """Keep a piece of an unfinished message; the oldest ones go where there are too many."""
        self._chunks.setdefault(key, []).append(piece)
        self._size += len(piece)
        while self._chunks and (self._size > self.limits.message_bytes or len(self._chunks) > self.limits.pending):
            self._drop(next(iter(self._chunks)))

    def _drop(self, key: tuple[bool, int]) -> None:
        self._size -= sum(len(piece) for piece in self._chunks.pop(key, ()))

    def _aborted(self, reader: Reader, request: int, to_responder: bool) -> Message:
        """An abort chunk: an error and its reason (clause 6.7.3)."""
        asked = self._asked.pop(request, None)
        role: Role = "request" if to_responder else "response"
        operation = asked.operation if asked else "abort"
        code = reader.u32le()
        return Message(PROTOCOL, role, operation, None, asked.said.shown if asked else None, string(reader), status_name(code))

    def _service(self, reader: Reader, kind: bytes, request: int, to_responder: bool) -> Message:
        """A whole message: its type, header and body."""
        start = reader.position
        code = _service_type(reader)
        known = SERVICES.get(code)
        if known is None:
            operation, role = _CHANNEL_NAMES[kind]
            if self._plain and code and kind == b"MSG":
                return Message(PROTOCOL, role if to_responder else "response", f"service_{code}", code)
            return Message(PROTOCOL, role if to_responder else "response", operation)
        operation, role = known
        shown_code = code if kind == b"MSG" else None
        asked = self._asked.pop(request, None) if role == "response" else None
        try:
            status = OK
            if role == "request":
                _request_header(reader)
            else:
                status = _response_header(reader)
            said = self._body(reader, code, asked)
        except Malformed:
            if reader.position == start:
                raise
            status, said = MALFORMED, Said(asked.said.shown) if asked else NOTHING
        if role == "request" and status == OK:
            self._remember(request, operation, said)
        write = operation in WRITES or (code == FAULT and asked is not None and asked.operation in WRITES)
        hints = () if said.hints == self._told else said.hints
        self._told = said.hints or self._told
        return Message(PROTOCOL, role, operation, shown_code, said.shown, said.value, status, write, hints)

    def _body(self, reader: Reader, code: int, asked: _Asked | None) -> Said:
        before = asked.said if asked else NOTHING
        read = BODIES.get(code)
        if read is None or not reader.remaining:
            return Said(before.shown)
        said = read(reader, self.limits, before)
        if code == 829 and said.handles:
            nodes = ",".join(self._items.get(handle) or f"item{handle}" for handle in said.handles)
            return said._replace(shown=nodes[: self.limits.text])
        return said

    def _remember(self, request: int, operation: str, said: Said) -> None:
        while len(self._asked) >= self.limits.pending:
            self._asked.pop(next(iter(self._asked)))
        self._asked[request] = _Asked(operation, said)
        if operation == "create_monitored_items":
            for handle, node in zip(said.handles, said.nodes, strict=False):
                if len(self._items) >= 16 * self.limits.pending:
                    self._items.pop(next(iter(self._items)))
                self._items[handle] = node

    def _introduce(self, message: Message) -> Message:
        """Says once for each side what it is."""
        if message.role == "event" or message.role in self._hinted or message.status == MALFORMED:
            return message
        self._hinted.add(message.role)
        role = "opcua.client" if message.role == "request" else "opcua.server"
        return message._replace(hints=(*message.hints, Hint(HintKey.ROLE, role)))


def _service_type(reader: Reader) -> int:
    """The type of a message; 0 where it is none that is known, as when the rest is encrypted."""
    ahead = Reader(reader.data, reader.position, reader.end)
    try:
        code = type_number(ahead)
    except Malformed:
        return 0
    if code in SERVICES:
        reader.position = ahead.position
    return code


def _request_header(reader: Reader) -> None:
    """Token, time, handle, diagnostics, audit entry, timeout, extension (OPC 10000-4 clause 7.33)."""
    node_id(reader)
    reader.skip(16)
    skip_bytes(reader)
    reader.skip(4)
    extension(reader)


def _response_header(reader: Reader) -> str:
    """Time, handle, result, diagnostics, strings, extension (clause 7.34); the result as status."""
    reader.skip(12)
    status = status_name(reader.u32le())
    skip_diagnostic(reader)
    for _ in range(count(reader)):
        skip_bytes(reader)
    extension(reader)
    return status


def _connection(pdu: bytes, kind: bytes, to_responder: bool) -> Message:
    """Hello, acknowledge, error and reverse hello (OPC 10000-6 clause 7.1.2)."""
    reader = Reader(pdu, _HEADER_BYTES)
    if kind == b"HEL":
        reader.skip(20)
        return Message(PROTOCOL, "request", "hello", None, string(reader) or None)
    if kind == b"ACK":
        reader.skip(20)
        return Message(PROTOCOL, "response", "acknowledge")
    if kind == b"RHE":
        server, url = string(reader), string(reader)
        return Message(PROTOCOL, "event", "reverse_hello", None, url or None, server)
    code = reader.u32le()
    role: Role = "request" if to_responder else "response"
    return Message(PROTOCOL, role, "error", None, None, string(reader) or None, status_name(code))


def _secure_score(data: bytes, kind: bytes, size: int) -> int:
    """Score of a chunk of the secure conversation."""
    if kind == b"OPN":
        return CERTAIN if data[16 : 16 + len(_POLICY)] == _POLICY else NO
    if len(data) < 28 or size < 28:
        return NO
    known = SERVICES.get(_service_type(Reader(data, 24)))
    if known is not None and known[0] not in {SERVICES[OPEN_REQUEST][0], SERVICES[OPEN_RESPONSE][0]}:
        return CERTAIN
    return LIKELY if any(data[8:12]) else NO


def recognise(data: bytes, to_responder: bool) -> int:  # noqa: ARG001 - the interface's shape
    """Score: a message type, a chunk type, a size that fits, and the first fields of that type."""
    if len(data) < 12 or data[3] not in _CHUNKS:
        return NO
    kind, size = data[:3], _U32.unpack_from(data, 4)[0]
    if not 12 <= size <= 1 << 24:
        return NO
    if kind in _SECURE:
        return _secure_score(data, kind, size)
    if kind == b"ACK":
        return CERTAIN if size == 28 else NO
    if kind in {b"HEL", b"ERR"}:
        at = 28 if kind == b"HEL" else 12
        if len(data) < at + 4 or data[3:4] != b"F":
            return NO
        (length,) = _U32.unpack_from(data, at)
        return CERTAIN if size == at + 4 + (length if length != 0xFFFFFFFF else 0) else NO
    return LIKELY if kind == b"RHE" and data[3:4] == b"F" else NO


DISSECTORS: tuple[Dissector, ...] = (Dissector(PROTOCOL, "tcp", (4840,), recognise, OpcUaSession, ot=True),)
