"""Omron FINS over UDP and FINS/TCP (Omron W227 and W342, FINS commands reference; W421 for the TCP header).

``code`` is main and sub request code as one number, null for messages of the TCP header alone. ``object`` is ``area/address+count``
for memory areas (``D/100+10``, bits as ``W/5.03+1``), a file name, or an area of parameters or program; a response has that
of its request, found by service id and node. ``value`` are words or bits, and what a controller says of itself. The password of
program protection is never kept.
"""

from __future__ import annotations

from functools import lru_cache
from struct import Struct

from hauberk.errors import Malformed
from hauberk.model.hint import Hint, HintKey
from hauberk.model.transaction import MALFORMED, OK, Message, Role, Value
from hauberk.sense.dissect.fins_names import AREAS, COMMANDS, END_CODES, LEAST, TCP_COMMANDS, TCP_ERRORS, WRITES
from hauberk.sense.dissect.interface import CERTAIN, LIKELY, NO, POSSIBLE, Dissector
from hauberk.sense.dissect.limits import Limits
from hauberk.sense.dissect.reader import text

_READ, _WRITE, _FILL, _TRANSFER, _MULTIPLE = 0x0101, 0x0102, 0x0103, 0x0105, 0x0104
_CONTROLLER_DATA, _CONTROLLER_STATUS, _RUN, _MESSAGE = 0x0501, 0x0601, 0x0401, 0x0920
_FORCED = 0x2301
_FORCED_WORDS = {0x0000: "reset", 0x0001: "set", 0x8000: "forced_off", 0x8001: "forced_on", 0xFFFF: "released"}
_STATES = {0x00: "stop", 0x01: "run", 0x80: "standby"}
_MODES = {0: "program", 1: "debug", 2: "monitor", 4: "run"}
_ITEM = Struct(">BHBH")
_PARAMETER = Struct(">HHH")
_TCP_HEADER = Struct(">4sIII")
_FRAME_SEND = 2
_RESPONSE_BIT = 0x40
_END_FLAGS = 0x80C0
_CLIENT_ROLE = Hint(HintKey.ROLE, "fins.client")
_SERVER_ROLE = Hint(HintKey.ROLE, "fins.server")


class FinsSession:
    """One conversation of FINS over UDP."""

    __slots__ = ("_introduced", "_limits", "_pending")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._pending: dict[bytes, tuple[int, str | None, int, bool]] = {}
        self._introduced = [False, False]

    def frame_length(self, data: bytes, to_responder: bool) -> int:  # noqa: ARG002 - the interface's shape
        """A datagram is one frame."""
        return len(data)

    def read(self, pdu: bytes, to_responder: bool) -> list[Message]:  # noqa: ARG002 - the header says who sends
        """The one command or response in ``pdu``."""
        return [self._frame(pdu, 0)]

    def gap(self, to_responder: bool) -> None:
        """Nothing is half read."""

    @property
    def finished(self) -> bool:
        """More may follow."""
        return False

    def _frame(self, pdu: bytes, at: int) -> Message:
        if len(pdu) - at < 12:
            raise Malformed("less than a header and a command")
        code = pdu[at + 10] << 8 | pdu[at + 11]
        response = bool(pdu[at] & _RESPONSE_BIT)
        operation = COMMANDS.get(code, f"command_0x{code:04x}")
        hints = () if self._introduced[response] else self._introduce(response)
        # The service id, and the node that asked: destination of the response, source of the request.
        key = pdu[at + 3 : at + 6] + pdu[at + 9 : at + 10] if response else pdu[at + 6 : at + 10]
        if response:
            return self._response(pdu, at + 12, code, operation, key, hints)
        try:
            object_, width, value = _request(pdu, at + 12, code, self._limits)
        except Malformed:
            return Message("fins", "request", operation, code, None, None, MALFORMED, code in WRITES, hints)
        write = code in WRITES or (code == _MESSAGE and len(pdu) > at + 12 and pdu[at + 12] >> 6 == 1)
        if not pdu[at] & 1:
            if len(self._pending) >= self._limits.pending and key not in self._pending:
                del self._pending[next(iter(self._pending))]
            self._pending[key] = (code, object_, width, write)
        return Message("fins", "request", operation, code, object_, value, OK, write, hints)

    def _response(self, pdu: bytes, at: int, code: int, operation: str, key: bytes, hints: tuple[Hint, ...]) -> Message:
        asked, object_, width, write = self._pending.pop(key, (code, None, 0, code in WRITES))
        if asked != code:
            object_, width, write = None, 0, code in WRITES
        if len(pdu) < at + 2:
            return Message("fins", "response", operation, code, object_, None, MALFORMED, write, hints)
        end = (pdu[at] << 8 | pdu[at + 1]) & ~_END_FLAGS
        status = END_CODES.get(end, f"end_code_{end:04x}")
        body = pdu[at + 2 :]
        value: Value = None
        if status == OK and body:
            if code == _READ and width:
                value = _words(body, 0, width, self._limits.items)
            elif code == _CONTROLLER_STATUS and len(body) >= 2:
                value = (_STATES.get(body[0], str(body[0])), _MODES.get(body[1], str(body[1])))
            elif code == _CONTROLLER_DATA and len(body) >= 40:
                value, told = _identity(body, self._limits.text)
                hints += told
        return Message("fins", "response", operation, code, object_, value, status, write, hints)

    def _introduce(self, response: bool) -> tuple[Hint, ...]:
        self._introduced[response] = True
        return (_SERVER_ROLE,) if response else (_CLIENT_ROLE,)


class FinsTcpSession(FinsSession):
    """One conversation of FINS/TCP: every frame behind a header of its own."""

    __slots__ = ()

    def frame_length(self, data: bytes, to_responder: bool) -> int:  # noqa: ARG002 - the interface's shape
        """Magic and length, which counts from behind itself."""
        if len(data) < 8:
            if not b"FINS".startswith(data[:4]):
                raise Malformed("no FINS/TCP header")
            return 0
        length = int.from_bytes(data[4:8], "big")
        if data[:4] != b"FINS" or not 8 <= length <= self._limits.message_bytes:
            raise Malformed("no FINS/TCP header, or an impossible length")
        return 8 + length

    def read(self, pdu: bytes, to_responder: bool) -> list[Message]:
        """The one message in ``pdu``."""
        if len(pdu) < 16:
            raise Malformed("less than a FINS/TCP header")
        magic, length, command, error = _TCP_HEADER.unpack_from(pdu)
        if magic != b"FINS" or length + 8 != len(pdu):
            raise Malformed("no FINS/TCP header, or another length")
        if command == _FRAME_SEND and not error and len(pdu) >= 28:
            return [self._frame(pdu, 16)]
        status = TCP_ERRORS.get(error, f"error_0x{error:02x}")
        if command == _FRAME_SEND and not error:
            status = MALFORMED
        operation = TCP_COMMANDS.get(command, f"tcp_command_{command}")
        nodes = tuple(int.from_bytes(pdu[at : at + 4], "big") for at in range(16, min(len(pdu) - 3, 24), 4))
        object_ = f"node/{nodes[-1]}" if nodes and command in {0, 1} else None
        if command == 1:
            return [Message("fins", "response", operation, None, object_, nodes, status)]
        if command == 0:
            return [Message("fins", "request", operation, None, object_, None, status)]
        role: Role = "event" if command == 3 else "request" if to_responder else "response"
        return [Message("fins", role, operation, None, object_, None, status)]


@lru_cache(maxsize=4096)
def _area(code: int, word: int, bit: int, count: int) -> str:
    """The object text of a memory area."""
    name, width = AREAS.get(code, (f"area_{code:02x}", 2))
    return f"{name}/{word}+{count}" if width else f"{name}/{word}.{bit:02d}+{count}"


def _request(pdu: bytes, at: int, code: int, limits: Limits) -> tuple[str | None, int, Value]:
    """Object, bytes of an item, and value of a request."""
    size = len(pdu) - at
    if code in {_READ, _WRITE, _FILL}:
        if size < 6:
            raise Malformed("memory area cut short")
        area, word, bit, count = _ITEM.unpack_from(pdu, at)
        width = AREAS.get(area, ("", 2))[1] or 1
        value: Value = None
        if code == _WRITE:
            if size - 6 < count * width:
                raise Malformed("fewer items than announced")
            value = _words(pdu, at + 6, width, limits.items)
        elif code == _FILL:
            value = _words(pdu, at + 6, width, 1)
        return _area(area, word, bit, count), width, value
    if code == _TRANSFER:
        if size < 10:
            raise Malformed("memory areas cut short")
        area, word, bit = pdu[at], pdu[at + 1] << 8 | pdu[at + 2], pdu[at + 3]
        target, to, to_bit, count = _ITEM.unpack_from(pdu, at + 4)
        return f"{_area(area, word, bit, count)}>{_area(target, to, to_bit, count)}", 0, None
    if code == _MULTIPLE:
        items = (pdu[place : place + 4] for place in range(at, min(len(pdu) - 3, at + 4 * limits.items), 4))
        return ",".join(_area(item[0], item[1] << 8 | item[2], item[3], 1) for item in items)[: limits.text] or None, 0, None
    if code == _FORCED:
        return _forced(pdu, at, limits)
    return _named(pdu, at, code, limits), 0, _MODES.get(pdu[at + 2]) if code == _RUN and size >= 3 else None


def _forced(pdu: bytes, at: int, limits: Limits) -> tuple[str | None, int, Value]:
    """Bits to be forced, with what is done to each."""
    if len(pdu) - at < 2:
        raise Malformed("no number of bits")
    count = pdu[at] << 8 | pdu[at + 1]
    if len(pdu) - at < 2 + 6 * count:
        raise Malformed("fewer bits than announced")
    objects: list[str] = []
    actions: list[str] = []
    for place in range(at + 2, at + 2 + 6 * min(count, limits.items), 6):
        action = pdu[place] << 8 | pdu[place + 1]
        actions.append(_FORCED_WORDS.get(action, f"0x{action:04x}"))
        objects.append(_area(pdu[place + 2], pdu[place + 3] << 8 | pdu[place + 4], pdu[place + 5], 1))
    return ",".join(objects)[: limits.text] or None, 0, tuple(actions)


def _named(pdu: bytes, at: int, code: int, limits: Limits) -> str | None:
    """Object of the commands that name an area, a program or a file."""
    size = len(pdu) - at
    if code >> 8 == 0x02 and code < 0x0220 and size >= 6:
        area, first, count = _PARAMETER.unpack_from(pdu, at)
        # The top bit of the count marks the last part of a transfer.
        return f"parameter/{area:04x}/{first}+{count & 0x7FFF}"
    if code in {0x0306, 0x0307} and size >= 8:
        return f"program/{pdu[at] << 8 | pdu[at + 1]:04x}/{int.from_bytes(pdu[at + 2 : at + 6], 'big')}"
    if code in {0x0308, 0x0401, 0x0304, 0x0305} and size >= 2:
        return f"program/{pdu[at] << 8 | pdu[at + 1]:04x}"
    place = {0x2202: 2, 0x2203: 4, 0x2205: 4, 0x2207: 2, 0x2208: 2, 0x2209: 2}.get(code)
    if place is not None and size >= place + 12:
        return f"file/{text(pdu[at + place : at + place + 12].strip(), limits.text)}"
    return None


def _words(pdu: bytes, at: int, width: int, most: int) -> Value:
    """Items of ``width`` bytes from ``at`` on, at most ``most`` of them."""
    stop = min(len(pdu), at + width * most)
    if width == 1:
        return tuple(pdu[at:stop])
    return tuple(int.from_bytes(pdu[place : place + width], "big") for place in range(at, stop - width + 1, width))


def _identity(body: bytes, most: int) -> tuple[Value, tuple[Hint, ...]]:
    """Model and version of a controller."""
    model = text(body[:20].split(b"\x00")[0].strip(), most)
    version = text(body[20:40].split(b"\x00")[0].strip(), most)
    hints = [Hint(HintKey.VENDOR, "Omron")]
    if model:
        hints.append(Hint(HintKey.MODEL, model))
    if version:
        hints.append(Hint(HintKey.FIRMWARE, version))
    return (model, version), tuple(hints)


def recognise(data: bytes, to_responder: bool) -> int:  # noqa: ARG001 - the header says who sends
    """A header without reserved bits, a known command and data of a length it may have."""
    if len(data) < 12 or data[0] & 0xBE not in {0x80, 0x00} or data[1] or data[2] > 7:
        return NO
    code = data[10] << 8 | data[11]
    if code not in COMMANDS or data[3] > 0x7F or data[6] > 0x7F:
        return NO
    if data[0] & _RESPONSE_BIT:
        known = len(data) >= 14 and (data[12] << 8 | data[13]) & ~_END_FLAGS in END_CODES
    else:
        least, most = LEAST.get(code, (0, 2012))
        known = least <= len(data) - 12 <= most
    return LIKELY if known and data[0] & 0x80 and data[2] in {2, 1, 7} else POSSIBLE


def recognise_tcp(data: bytes, to_responder: bool) -> int:  # noqa: ARG001 - the header says who sends
    """The magic, with a command and a length that agree with it."""
    if data[:4] != b"FINS" or len(data) < 16:
        return NO
    _, length, command, error = _TCP_HEADER.unpack_from(data)
    return CERTAIN if command in TCP_COMMANDS and error in TCP_ERRORS and 8 <= length < 1 << 16 else POSSIBLE


DISSECTORS = (
    Dissector("fins", "tcp", (9600,), recognise_tcp, FinsTcpSession, ot=True),
    Dissector("fins", "udp", (9600,), recognise, FinsSession, ot=True),
)
