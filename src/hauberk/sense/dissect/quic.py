"""QUIC versions 1 and 2: the hellos in Initial packets (RFC 9000, RFC 9001, RFC 9369).

Initial packets are opened with the keys their first packet names; the CRYPTO frames are put in order and the ClientHello (code 1)
and ServerHello (code 2) in them read as those of TLS. Version negotiation, Retry and a connection refused in an Initial packet
give messages without a code. ``object`` is the server name; ``value`` of version_negotiation the versions offered, of
connection_close the error number. Everything else is encrypted: the session is finished after the hellos.
"""

from __future__ import annotations

from typing import NamedTuple

from hauberk.errors import Malformed
from hauberk.model.transaction import Message, Role
from hauberk.sense.dissect.interface import CERTAIN, LIKELY, NO, POSSIBLE, Dissector, StatelessSession
from hauberk.sense.dissect.limits import Limits
from hauberk.sense.dissect.quic_keys import VERSION_1, VERSION_2, InitialKeys
from hauberk.sense.dissect.reader import Reader
from hauberk.sense.dissect.tls import ALERT_NAMES
from hauberk.sense.dissect.tls_hello import broken, client_hello, server_hello

_INITIAL, _ZERO_RTT, _HANDSHAKE, _RETRY = 0, 1, 2, 3
_PADDING, _PING, _ACK, _ACK_ECN, _CRYPTO, _CLOSE = 0x00, 0x01, 0x02, 0x03, 0x06, 0x1C
_CLIENT_HELLO, _SERVER_HELLO = 1, 2
_LONGEST_ID = 20
_SHORTEST_FIRST_ID = 8
"""RFC 9000 section 7.2: the least a client chooses for the server's connection id, in bytes."""
_LONGEST_CRYPTO = 1 << 16
"""Most bytes of one side's Initial CRYPTO stream that are kept; a hello with post-quantum shares takes a few thousand."""
_MOST_DATAGRAMS = 64
"""Datagrams after which a conversation whose hellos were not seen is given up."""
_MOST_PACKETS = 16
"""Most packets read of one datagram."""
_ERRORS = (
    "no_error",
    "internal_error",
    "connection_refused",
    "flow_control_error",
    "stream_limit_error",
    "stream_state_error",
    "final_size_error",
    "frame_encoding_error",
    "transport_parameter_error",
    "connection_id_limit_error",
    "protocol_violation",
    "invalid_token",
    "application_error",
    "crypto_buffer_exceeded",
    "key_update_error",
    "aead_limit_reached",
    "no_viable_path",
)
"""RFC 9000 section 20.1, by number."""


class _Packet(NamedTuple):
    """One long-header packet: ``kind`` in the numbering of version 1, where its packet number begins and where it ends."""

    kind: int
    version: int
    destination: bytes
    source: bytes
    number_at: int
    end: int


def _variable(reader: Reader) -> int:
    """A variable-length integer (RFC 9000 section 16)."""
    first = reader.u8()
    value = first & 0x3F
    for _ in range((1 << (first >> 6)) - 1):
        value = value << 8 | reader.u8()
    return value


def _long_header(data: bytes, start: int) -> _Packet:
    """The long header at ``start`` of a known version or of version negotiation. Raises ``Malformed``."""
    reader = Reader(data, start)
    first = reader.u8()
    version = reader.u32()
    destination = reader.take(reader.u8())
    source = reader.take(reader.u8())
    if version == 0:
        return _Packet(_INITIAL, 0, destination, source, reader.position, len(data))
    if version not in {VERSION_1, VERSION_2} or not first & 0x40 or max(len(destination), len(source)) > _LONGEST_ID:
        raise Malformed("not a header of QUIC version 1 or 2")
    # Version 2 numbers the types one higher, RFC 9369 section 3.2.
    kind = first >> 4 & 3 if version == VERSION_1 else (first >> 4) - 1 & 3
    if kind == _RETRY:
        return _Packet(kind, version, destination, source, reader.position, len(data))
    if kind == _INITIAL:
        reader.skip(_variable(reader))
    length = _variable(reader)
    if length > reader.remaining:
        raise Malformed(f"a packet of {length} bytes, {reader.remaining} there")
    return _Packet(kind, version, destination, source, reader.position, reader.position + length)


def _negotiation_versions(data: bytes, position: int) -> tuple[int, ...]:
    return tuple(int.from_bytes(data[at : at + 4], "big") for at in range(position, len(data) - 3, 4))


def recognise(data: bytes, to_responder: bool) -> int:
    """A long header of version 1 or 2 whose lengths agree; an Initial packet is certain."""
    if len(data) < 21:
        return NO
    if not data[0] & 0x80:
        return POSSIBLE if data[0] & 0x40 else NO
    try:
        packet = _long_header(data, 0)
    except Malformed:
        return NO
    if packet.version == 0:
        versions = _negotiation_versions(data, packet.number_at)
        whole = (len(data) - packet.number_at) % 4 == 0
        return LIKELY if whole and not to_responder and (VERSION_1 in versions or VERSION_2 in versions) else NO
    if packet.kind == _INITIAL:
        first_id_sound = not to_responder or len(packet.destination) >= _SHORTEST_FIRST_ID or packet.source
        return CERTAIN if first_id_sound and packet.end - packet.number_at >= 20 else NO
    return LIKELY


class _Stream:
    """The CRYPTO stream of one side, put in order."""

    __slots__ = ("ahead", "data", "taken")

    def __init__(self) -> None:
        self.data = bytearray()
        self.taken = 0
        self.ahead: dict[int, bytes] = {}

    def add(self, offset: int, content: bytes, most_ahead: int) -> None:
        """Keep ``content``; what does not yet join is kept apart."""
        if offset + len(content) > _LONGEST_CRYPTO:
            raise Malformed("a CRYPTO stream longer than any hello")
        if offset > len(self.data):
            if len(self.ahead) < most_ahead:
                self.ahead[offset] = max(content, self.ahead.get(offset, b""), key=len)
            return
        self.data += content[len(self.data) - offset :]
        while self.ahead and (first := min(self.ahead)) <= len(self.data):
            waiting = self.ahead.pop(first)
            self.data += waiting[len(self.data) - first :]

    def next_message(self) -> tuple[int, bytes] | None:
        """The next whole handshake message: its type and body."""
        start = self.taken
        if len(self.data) < start + 4:
            return None
        end = start + 4 + int.from_bytes(self.data[start + 1 : start + 4], "big")
        if end > len(self.data):
            return None
        self.taken = end
        return self.data[start], bytes(self.data[start + 4 : end])


class QuicSession(StatelessSession):
    """One QUIC connection until its hellos are read. Index 1 of the pairs is the client's side."""

    __slots__ = ("_client", "_datagrams", "_done", "_keys", "_streams")

    def __init__(self, limits: Limits) -> None:
        super().__init__(limits)
        self._keys: tuple[InitialKeys, InitialKeys] | None = None
        self._streams = (_Stream(), _Stream())
        self._client: bool | None = None
        self._datagrams = 0
        self._done = False

    @property
    def finished(self) -> bool:
        """True after the hellos, or when they can no longer come."""
        return self._done

    def read(self, pdu: bytes, to_responder: bool) -> list[Message]:
        """The messages in one datagram, which may hold several packets. Raises ``Malformed`` where no packet begins it."""
        self._datagrams += 1
        self._done = self._done or self._datagrams >= _MOST_DATAGRAMS
        messages: list[Message] = []
        position = 0
        for _ in range(_MOST_PACKETS):
            if position >= len(pdu):
                break
            if not pdu[position] & 0x80:
                # A short header means that the keys of the application are in use (zero bytes are padding).
                self._done = self._done or bool(pdu[position] & 0x40)
                break
            try:
                packet = _long_header(pdu, position)
            except Malformed:
                if position:
                    break
                raise
            self._read_packet(
                pdu[position : packet.end], packet._replace(number_at=packet.number_at - position), to_responder, messages
            )
            position = packet.end
        return messages

    def _read_packet(self, data: bytes, packet: _Packet, to_responder: bool, messages: list[Message]) -> None:
        if packet.version == 0:
            offered = _negotiation_versions(data, packet.number_at)[: self.limits.items]
            names = tuple(f"0x{version:08x}" for version in offered)
            messages.append(Message("quic", "response", "version_negotiation", None, None, names))
        elif packet.kind == _RETRY:
            # The client begins again with the server's id, and with it come new keys (RFC 9001 section 5.2).
            self._keys = None
            self._streams = (_Stream(), _Stream())
            messages.append(Message("quic", "response", "retry"))
        elif packet.kind == _INITIAL:
            opened = self._open(data, packet, to_responder)
            if opened is not None:
                frames, from_client = opened
                self._read_frames(frames, from_client, messages)

    def _open(self, data: bytes, packet: _Packet, to_responder: bool) -> tuple[bytes, bool] | None:
        """The frames of an Initial packet and whether the client sent it; None where the first packet was not seen."""
        if self._keys is not None:
            from_client = to_responder == self._client
            try:
                return self._keys[from_client].open(data, packet.number_at), from_client
            except Malformed:
                if not from_client:
                    return None
        keys = InitialKeys(packet.version, packet.destination, from_client=True)
        try:
            frames = keys.open(data, packet.number_at)
        except Malformed:
            return None
        self._keys = (InitialKeys(packet.version, packet.destination, from_client=False), keys)
        self._client = to_responder
        return frames, True

    def _read_frames(self, frames: bytes, from_client: bool, messages: list[Message]) -> None:
        reader = Reader(frames)
        stream = self._streams[from_client]
        role: Role = "request" if from_client else "response"
        try:
            while reader.remaining:
                kind = _variable(reader)
                if kind == _PADDING:
                    reader.position = len(frames) - len(frames[reader.position :].lstrip(b"\x00"))
                elif kind == _CRYPTO:
                    offset = _variable(reader)
                    stream.add(offset, reader.take(_variable(reader)), self.limits.pending)
                elif kind in {_ACK, _ACK_ECN}:
                    _pass_over_acknowledgement(reader, kind)
                elif kind == _CLOSE:
                    messages.append(_close(_variable(reader)))
                    self._done = True
                    break
                elif kind != _PING:
                    raise Malformed(f"frame type {kind} in an Initial packet")  # noqa: TRY301 - one place says what a broken frame means
        except Malformed:
            operation, code = ("client_hello", _CLIENT_HELLO) if from_client else ("server_hello", _SERVER_HELLO)
            messages.append(broken("quic", role, operation, code))
            return
        while (found := stream.next_message()) is not None and len(messages) < self.limits.messages:
            self._read_hello(*found, role, messages)

    def _read_hello(self, kind: int, body: bytes, role: Role, messages: list[Message]) -> None:
        if kind == _CLIENT_HELLO:
            try:
                messages.append(client_hello("quic", body, self.limits))
            except Malformed:
                messages.append(broken("quic", role, "client_hello", kind))
        elif kind == _SERVER_HELLO:
            try:
                message, chosen = server_hello("quic", body, self.limits)
            except Malformed:
                messages.append(broken("quic", role, "server_hello", kind))
                return
            messages.append(message)
            self._done = not chosen.retry
        else:
            messages.append(broken("quic", role, f"handshake_{kind}", kind))


def _pass_over_acknowledgement(reader: Reader, kind: int) -> None:
    """An ACK frame, RFC 9000 section 19.3."""
    _variable(reader)
    _variable(reader)
    ranges = _variable(reader)
    # Each range takes at least two bytes: a larger count is a lie that the reader would find out slowly.
    if ranges * 2 > reader.remaining:
        raise Malformed(f"{ranges} acknowledged ranges announced")
    for _ in range(1 + 2 * ranges + (3 if kind == _ACK_ECN else 0)):
        _variable(reader)


def _close(error: int) -> Message:
    """A CONNECTION_CLOSE frame: errors from 0x100 carry a TLS alert (RFC 9001 section 4.8)."""
    if error < len(_ERRORS):
        name = _ERRORS[error]
    elif error >> 8 == 1:
        name = ALERT_NAMES.get(error & 0xFF) or f"alert_{error & 0xFF}"
    else:
        name = f"error_{error}"
    return Message("quic", "event", "connection_close", None, None, error, name)


DISSECTORS = (
    Dissector(name="quic", transport="udp", ports=(443, 8443, 784, 853), recognise=recognise, start=QuicSession, encrypted=True),
)
