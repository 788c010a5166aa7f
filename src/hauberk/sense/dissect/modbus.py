"""Modbus/TCP, and the same frames over UDP (Modbus Application Protocol 1.1b3; Messaging on TCP/IP Implementation Guide 1.0b).

``code`` is the function code without the exception bit; an exception's name is the status. ``object`` is
``unit/table/first-last`` with zero-based addresses as on the wire (``1/holding_register/100-109``, ``1/coil/7``), written range
and read range for function 23 (``1/holding_register/14-16,3-8``), ``unit/file/number:first-last``, ``unit/fifo/address``,
``unit/diagnostics/name``, ``unit/device_identification/level``, ``unit/umas/name``, or the unit alone. A response gets it
from its request by transaction, unit and function; where the request was not seen, the range is left off.

The wire does not say which way a message travels. What the shape of a message excludes is believed first, then an unanswered
request with the same transaction, then the way earlier messages travelled, then the caller. A conversation is never trusted to
answer what was asked: values are cut to what is really there.
"""

from __future__ import annotations

from struct import Struct
from typing import Final, NamedTuple

from hauberk.errors import Malformed
from hauberk.model.hint import Hint, HintKey
from hauberk.model.transaction import MALFORMED, OK, Message, Role, Value
from hauberk.sense.dissect import modbus_bodies as bodies
from hauberk.sense.dissect import modbus_names as names
from hauberk.sense.dissect import modbus_shapes as shapes
from hauberk.sense.dissect.interface import CERTAIN, LIKELY, NO, POSSIBLE, Dissector
from hauberk.sense.dissect.limits import Limits

NAME: Final = "modbus"
PORT: Final = 502

_AFTER_TRANSACTION: Final = Struct(">HH")
_LONGEST: Final = 1100
"""Largest length field believed, in bytes. The guide allows 254; UMAS controllers agree on up to 1024."""
_STANDARD_LONGEST: Final = 254
_MOST_LEAN: Final = 8
_FIRM_LEAN: Final = 4
"""So many messages whose shape allowed one direction only make the direction of a conversation firm."""
_RECOGNISED_FRAMES: Final = 4
_SERVER: Final = (Hint(HintKey.ROLE, "modbus.server"),)
_CLIENT: Final = (Hint(HintKey.ROLE, "modbus.client"),)


class _Function(NamedTuple):
    """What is known of one function code."""

    operation: str
    write: bool
    varies: bool
    """True where operation or write depend on a sub-function."""
    shape: shapes.Shape
    request: bodies.RequestDecoder
    response: bodies.ResponseDecoder


_FUNCTIONS: Final = tuple(
    _Function(
        names.function_name(code),
        code in names.WRITES,
        code in {8, names.ENCAPSULATED, names.UMAS},
        shapes.SHAPES.get(code, shapes.unknown),
        bodies.REQUESTS.get(code, bodies.bare),
        bodies.RESPONSES.get(code, bodies.bare_response),
    )
    for code in range(128)
)


def _varied(data: bytes, function: _Function) -> tuple[str, bool]:
    """Operation and write flag of a message whose function has sub-functions."""
    code = data[7]
    if code == 8 and len(data) >= 10:
        sub = data[8] << 8 | data[9]
        return function.operation, sub in names.DIAGNOSTIC_WRITES or (sub == 21 and data[10:12] == b"\x00\x04")
    if code == names.UMAS and len(data) >= 10:
        return function.operation, data[9] in names.UMAS_WRITES
    if code == names.ENCAPSULATED and len(data) >= 9:
        return names.ENCAPSULATED_NAMES.get(data[8], function.operation), False
    return function.operation, False


class ModbusSession:
    """One Modbus conversation."""

    __slots__ = ("_items", "_lean", "_pending", "_told_client", "_told_server", "limits")

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._items = limits.items
        self._pending: dict[int, bodies.Asked] = {}
        self._lean = 0
        self._told_client = False
        self._told_server = False

    def frame_length(self, data: bytes, to_responder: bool) -> int:  # noqa: ARG002 - both directions are framed alike
        """Six bytes of header before what the length field counts."""
        if len(data) < 6:
            if any(data[2:4]):
                raise Malformed("the protocol identifier is not Modbus")
            return 0
        protocol, length = _AFTER_TRANSACTION.unpack_from(data, 2)
        if protocol or not 2 <= length <= _LONGEST:
            raise Malformed(f"no Modbus header: protocol identifier {protocol}, length {length}")
        return 6 + int(length)

    def read(self, pdu: bytes, to_responder: bool) -> list[Message]:
        """The messages of one frame, or of a datagram that may hold several."""
        end = self.frame_length(pdu, to_responder)
        if end == len(pdu) > 0:
            return [self._message(pdu, to_responder)]
        if end == 0 or end > len(pdu):
            raise Malformed(f"a Modbus frame of {end} bytes in {len(pdu)}")
        messages = [self._message(pdu[:end], to_responder)]
        while end < len(pdu) and len(messages) < self.limits.messages:
            rest = pdu[end:]
            try:
                size = self.frame_length(rest, to_responder)
            except Malformed:
                break  # padding behind the last frame; what came before stands
            if size == 0 or size > len(rest):
                break
            messages.append(self._message(rest[:size], to_responder))
            end += size
        return messages

    def gap(self, to_responder: bool) -> None:
        """Answers to requests of that direction may still come; nothing is half read."""

    @property
    def finished(self) -> bool:
        """More may follow."""
        return False

    def _message(self, data: bytes, to_responder: bool) -> Message:
        code = data[7] & 0x7F
        key = data[0] << 24 | data[1] << 16 | data[6] << 8 | code
        if data[7] & 0x80:
            return self._exception(data, code, key, to_responder)
        function = _FUNCTIONS[code]
        shape = function.shape(data, len(data) - 7)
        request, status = self._direction(shape, key, to_responder)
        operation, write = function.operation, function.write
        if function.varies:
            operation, write = _varied(data, function)
        if request:
            body = function.request(data, self._items) if status is OK else bodies.bare(data, 0)
            if len(self._pending) >= self.limits.pending:
                del self._pending[next(iter(self._pending))]
            self._pending[key] = bodies.Asked(to_responder, operation, write, body.object, body.quantity)
            hints = () if self._told_client else self._tell_client()
            return Message(NAME, "request", operation, code, body.object, body.value, status, write, hints)
        asked = self._pending.pop(key, None)
        if asked is not None and asked.to_responder == to_responder:
            asked = None
        body = function.response(data, self._items, asked) if status is OK else bodies.bare_response(data, 0, asked)
        hints = () if self._told_server else self._tell_server()
        if function.varies or code == 17:
            if asked is not None:
                operation, write = asked.operation, asked.write
            if status is OK:
                hints += self._identity(data, code, asked)
                if code == names.UMAS and data[9] == names.UMAS_REFUSED:
                    status = "umas_error"
        return Message(NAME, "response", operation, code, body.object, body.value, status, write, hints)

    def _direction(self, shape: int, key: int, to_responder: bool) -> tuple[bool, str]:
        """Whether a message of that shape is a request, and its status."""
        if shape == shapes.REQUEST or shape == shapes.RESPONSE:  # noqa: PLR1714 - two comparisons cost half of a set
            request = shape == shapes.REQUEST
            lean = self._lean
            forward = request == to_responder
            if forward:
                if lean < _MOST_LEAN:
                    self._lean = lean + 1
                return (request, OK) if lean > -_FIRM_LEAN else (not request, MALFORMED)
            if lean > -_MOST_LEAN:
                self._lean = lean - 1
            return (request, OK) if lean < _FIRM_LEAN else (not request, MALFORMED)
        status = OK if shape else MALFORMED
        asked = self._pending.get(key)
        if asked is not None and asked.to_responder != to_responder:
            return False, status
        return to_responder == (self._lean >= 0), status

    def _exception(self, data: bytes, code: int, key: int, to_responder: bool) -> Message:
        """An exception response (clause 7): the function code with its high bit, and one exception code."""
        whole = len(data) == 9
        request, status = self._direction(shapes.RESPONSE if whole else shapes.NEITHER, key, to_responder)
        function = _FUNCTIONS[code]
        role: Role = "request" if request else "response"
        asked = None if request else self._pending.pop(key, None)
        if asked is not None and asked.to_responder != to_responder:
            operation, write, place = asked.operation, asked.write, asked.object
        else:
            operation, write, place = function.operation, function.write, str(data[6])
        if status is OK:
            status = names.exception_name(data[8])
        value: Value = data[8] if whole else None
        hints = () if request or self._told_server else self._tell_server()
        return Message(NAME, role, operation, code, place, value, status, write, hints)

    def _identity(self, data: bytes, code: int, asked: bodies.Asked | None) -> tuple[Hint, ...]:
        if code == names.ENCAPSULATED and data[8] == names.READ_DEVICE_IDENTIFICATION:
            return bodies.identity_hints(data, self._items)
        if code == 17:
            return bodies.server_id_hints(data)
        if code == names.UMAS:
            return bodies.umas_hints(data, asked)
        return ()

    def _tell_client(self) -> tuple[Hint, ...]:
        self._told_client = True
        return _CLIENT

    def _tell_server(self) -> tuple[Hint, ...]:
        self._told_server = True
        return _SERVER


def recognise(data: bytes, to_responder: bool) -> int:  # noqa: ARG001 - a message is judged by itself
    """Counts of the first frames that agree with their functions; the protocol identifier alone is nothing but not wrong."""
    if any(data[2:4]):
        return NO
    if len(data) < 8:
        return POSSIBLE if data else NO
    position, best = 0, NO
    for _ in range(_RECOGNISED_FRAMES):
        score = _score(data[position:])
        if score <= POSSIBLE:
            return score if position == 0 else NO
        best = max(best, score)
        position += 6 + (data[position + 4] << 8 | data[position + 5])
        if position >= len(data):
            return best
    return best


def _score(data: bytes) -> int:
    """How well one whole frame at the start of ``data`` agrees with itself."""
    if len(data) < 8 or any(data[2:4]):
        return NO
    length = data[4] << 8 | data[5]
    if not 2 <= length <= _LONGEST:
        return NO
    if length + 6 > len(data) or length > _STANDARD_LONGEST:
        return POSSIBLE
    frame = data[: 6 + length]
    code = frame[7] & 0x7F
    if frame[7] & 0x80:
        return LIKELY if length == 3 and code in shapes.SHAPES and frame[8] in names.EXCEPTIONS else POSSIBLE
    shape = shapes.SHAPES.get(code, shapes.unknown)(frame, length - 1)
    if shape in {shapes.REQUEST, shapes.RESPONSE} and code in {1, 2, 3, 4, 15, 16, 20, 23, names.ENCAPSULATED}:
        return CERTAIN
    return LIKELY if shape and code in shapes.SHAPES else POSSIBLE


DISSECTORS: tuple[Dissector, ...] = (
    Dissector(NAME, "tcp", (PORT,), recognise, ModbusSession, ot=True),
    Dissector(NAME, "udp", (PORT,), recognise, ModbusSession, ot=True),
)
