"""Beckhoff ADS over AMS/TCP, and the router's discovery over UDP (Beckhoff Information System, "ADS specification").

``code`` is the ADS command id, null for discovery and for messages of the AMS/TCP header alone. ``object`` is the device the
command acts on, as ``net id:port`` with ``/group:offset`` where the command has them (``5.13.117.96.1.1:851/0xf005:0x12``), and
the net id in discovery. ``value`` is the data in short form, the symbol name of a look-up, or the state. A read_write counts as a
write unless its index group only asks.
"""

from __future__ import annotations

from functools import lru_cache
from struct import Struct

from hauberk.errors import Malformed
from hauberk.model.hint import Hint, HintKey
from hauberk.model.transaction import MALFORMED, OK, Message, Scalar, Value
from hauberk.sense.dissect import ads_discovery
from hauberk.sense.dissect.ads_names import COMMANDS, ERRORS, FILE_OPEN, LOOKUPS, RELEASES, STATES, TCP_COMMANDS
from hauberk.sense.dissect.ads_target import target_hints
from hauberk.sense.dissect.interface import CERTAIN, NO, POSSIBLE, Dissector
from hauberk.sense.dissect.limits import Limits
from hauberk.sense.dissect.payload import opaque
from hauberk.sense.dissect.reader import Reader, text

DEVICE_INFO, READ, WRITE, READ_STATE, WRITE_CONTROL, ADD, DELETE, NOTIFY, READ_WRITE = 1, 2, 3, 4, 5, 6, 7, 8, 9

_HEADER = Struct("<HI6sH6sHHHIII")
_HEADER_BYTES = 38
_GROUP = Struct("<III")
_RESULT = Struct("<II")
_PAIR = Struct("<HH")
_WORD = Struct("<I")
_VERSION = Struct("<IBBH16s")
_RESPONSE_BIT = 1
_FLAGS = 0x81FF
_TARGET_DESCRIPTION = 700
_CLIENT_ROLE = Hint(HintKey.ROLE, "ads.client")
_SERVER_ROLE = Hint(HintKey.ROLE, "ads.server")

Address = tuple[bytes, int]
"""AMS net id and port."""


class AdsSession:
    """One connection between two AMS routers."""

    __slots__ = ("_introduced", "_limits", "_pending", "_watched")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._pending: dict[tuple[int, Address], tuple[str, bool, int | None]] = {}
        self._watched: dict[tuple[Address, int], str] = {}
        self._introduced = [False, False]

    def frame_length(self, data: bytes, to_responder: bool) -> int:  # noqa: ARG002 - the interface's shape
        """AMS/TCP header: two bytes of command, four of length."""
        if len(data) < 6:
            return 0
        command, length = data[0] | data[1] << 8, _WORD.unpack_from(data, 2)[0]
        if (command and command not in TCP_COMMANDS) or (not command and length < 32):
            raise Malformed("no AMS/TCP header")
        return 6 + int(length)

    def read(self, pdu: bytes, to_responder: bool) -> list[Message]:
        """The one message in ``pdu``."""
        if len(pdu) < 6:
            raise Malformed("less than an AMS/TCP header")
        if pdu[0] or pdu[1]:
            operation = TCP_COMMANDS.get(pdu[0] | pdu[1] << 8)
            if operation is None:
                raise Malformed("unknown command of the AMS/TCP header")
            return [Message("ads", "request" if to_responder else "response", operation)]
        if len(pdu) < _HEADER_BYTES:
            raise Malformed("less than an AMS header")
        _, length, target, port, source, source_port, command, flags, size, error, invoke = _HEADER.unpack_from(pdu)
        response = bool(flags & _RESPONSE_BIT)
        operation = COMMANDS[command] if command < len(COMMANDS) else f"command_{command}"
        hints = () if self._introduced[response] or command == NOTIFY else self._introduce(response)
        if size != length - 32 or 6 + length != len(pdu):
            return [Message("ads", "response" if response else "request", operation, command, None, None, MALFORMED)]
        try:
            if response:
                message = self._response(
                    pdu, command, (source, source_port), (invoke, (target, port)), ERRORS.get(error) or _hex(error)
                )
            elif command == NOTIFY:
                message = self._notification(pdu, (source, source_port))
            else:
                message = self._request(pdu, command, (target, port), (invoke, (source, source_port)))
        except Malformed:
            return [Message("ads", "response" if response else "request", operation, command, None, None, MALFORMED, False, hints)]
        return [message._replace(hints=message.hints + hints) if hints else message]

    def gap(self, to_responder: bool) -> None:
        """Nothing is half read."""

    @property
    def finished(self) -> bool:
        """More may follow."""
        return False

    def _request(self, pdu: bytes, command: int, target: Address, key: tuple[int, Address]) -> Message:
        limits = self._limits
        object_, value, write, group = _device(*target), None, False, None
        if command in {READ, WRITE, READ_WRITE, ADD}:
            if len(pdu) < _HEADER_BYTES + 12:
                raise Malformed("request cut short")
            group, offset, size = _GROUP.unpack_from(pdu, _HEADER_BYTES)
            object_ = _place(*target, group, offset)
            write, value = _written(pdu, command, group, offset, size, limits)
        elif command == WRITE_CONTROL:
            reader = Reader(pdu, _HEADER_BYTES)
            state, device = reader.u16le(), reader.u16le()
            write, value = True, (_state(state), device)
        elif command == DELETE:
            if len(pdu) < _HEADER_BYTES + 4:
                raise Malformed("request cut short")
            handle = _WORD.unpack_from(pdu, _HEADER_BYTES)[0]
            object_ = self._watched.pop((target, handle), object_)
        if len(self._pending) >= limits.pending and key not in self._pending:
            del self._pending[next(iter(self._pending))]
        self._pending[key] = (object_, write, group)
        return Message("ads", "request", _operation(command), command, object_, value, OK, write)

    def _response(self, pdu: bytes, command: int, device: Address, key: tuple[int, Address], status: str) -> Message:
        object_, write, group = self._pending.pop(key, (_device(*device), command in {WRITE, WRITE_CONTROL}, None))
        value: Value = None
        hints: tuple[Hint, ...] = ()
        if status == OK and len(pdu) < _HEADER_BYTES + 4:
            raise Malformed("response without result")
        if status == OK:
            result = _WORD.unpack_from(pdu, _HEADER_BYTES)[0]
            status = ERRORS.get(result) or _hex(result)
            if status == OK:
                value, hints = self._told(pdu, command, group)
            if status == OK and command == ADD and isinstance(value, int) and len(self._watched) < self._limits.pending:
                self._watched[device, value] = object_
        return Message("ads", "response", _operation(command), command, object_, value, status, write, hints)

    def _told(self, pdu: bytes, command: int, group: int | None) -> tuple[Value, tuple[Hint, ...]]:
        """Value and hints of a response that went well."""
        reader = Reader(pdu, _HEADER_BYTES + 4)
        if command in {READ, READ_WRITE}:
            data = reader.take(reader.u32le())
            return _short(data, self._limits.text), target_hints(data, self._limits.text) if group == _TARGET_DESCRIPTION else ()
        if command == READ_STATE:
            return (_state(reader.u16le()), reader.u16le()), ()
        if command == ADD:
            return reader.u32le(), ()
        if command == DEVICE_INFO:
            major, minor, build, name = reader.u8(), reader.u8(), reader.u16le(), reader.take(16)
            shown = text(name.split(b"\x00")[0], self._limits.text)
            version = f"{major}.{minor}.{build}"
            return (shown, version), (Hint(HintKey.VENDOR, "Beckhoff"), Hint(HintKey.BANNER, f"{shown} {version}"))
        return None, ()

    def _notification(self, pdu: bytes, device: Address) -> Message:
        """Samples a device sends for notifications that were added (one message, whatever its number of samples)."""
        limits = self._limits
        reader = Reader(pdu, _HEADER_BYTES)
        reader.u32le()
        stamps = reader.u32le()
        object_: str | None = None
        values: list[Scalar] = []
        seen = 0
        for _ in range(min(stamps, limits.messages)):
            reader.skip(8)
            for _sample in range(min(reader.u32le(), limits.messages)):
                handle, data = reader.u32le(), reader.take(reader.u32le())
                seen += 1
                if seen > limits.messages:
                    break
                object_ = object_ or self._watched.get((device, handle))
                if len(values) < limits.items:
                    values.append(_short(data, limits.text))
        value: Value = values[0] if len(values) == 1 else tuple(values)
        return Message("ads", "event", COMMANDS[NOTIFY], NOTIFY, object_ or _device(*device), value)

    def _introduce(self, response: bool) -> tuple[Hint, ...]:
        self._introduced[response] = True
        return (_SERVER_ROLE,) if response else (_CLIENT_ROLE,)


def _written(pdu: bytes, command: int, group: int, offset: int, size: int, limits: Limits) -> tuple[bool, Value]:
    """Whether a request changes something, and what it carries."""
    if command == WRITE:
        return group not in RELEASES, _short(Reader(pdu, _HEADER_BYTES + 12).take(size), limits.text)
    if command == READ_WRITE:
        reader = Reader(pdu, _HEADER_BYTES + 12)
        data = reader.take(reader.u32le())
        return bool(offset & 6) if group == FILE_OPEN else group not in LOOKUPS, _short(data, limits.text)
    return False, None


def _operation(command: int) -> str:
    return COMMANDS[command] if command < len(COMMANDS) else f"command_{command}"


def _state(number: int) -> str:
    return STATES[number] if number < len(STATES) else f"state_{number}"


def _hex(number: int) -> str:
    return f"error_0x{number:x}"


@lru_cache(maxsize=4096)
def _device(net_id: bytes, port: int) -> str:
    """``net id:port`` of a device."""
    return f"{ads_discovery.net_id(net_id)}:{port}"


@lru_cache(maxsize=8192)
def _place(net_id: bytes, port: int, group: int, offset: int) -> str:
    """``net id:port/group:offset`` of a variable."""
    return f"{_device(net_id, port)}/0x{group:x}:0x{offset:x}"


def _short(data: bytes, most: int) -> Scalar:
    """Data in short form: an unsigned number of 1, 2, 4 or 8 bytes, else text where it is, else size and first bytes."""
    if len(data) in {1, 2, 4, 8}:
        return int.from_bytes(data, "little")
    if not data:
        return None
    body = data.split(b"\x00", 1)[0] if not data.rstrip(b"\x00").count(0) else b""
    if body.isascii() and body.decode("ascii").isprintable() and body:
        return text(body, most)
    return opaque(data)


def recognise(data: bytes, to_responder: bool) -> int:  # noqa: ARG001 - the header says who sends
    """Two lengths that agree, a known command and state flags as they are in use."""
    if len(data) < _HEADER_BYTES or data[0] or data[1]:
        return NO
    _, length, _, _, _, _, command, flags, size, error, _ = _HEADER.unpack_from(data)
    if size != length - 32 or not 1 <= command < len(COMMANDS) or flags & ~_FLAGS or not flags & 4:
        return NO
    return CERTAIN if error in ERRORS and length < 1 << 24 else POSSIBLE


DISSECTORS = (
    Dissector("ads", "tcp", (48898,), recognise, AdsSession, ot=True),
    Dissector("ads", "udp", (48899,), ads_discovery.recognise, ads_discovery.DiscoverySession, ot=True),
)
