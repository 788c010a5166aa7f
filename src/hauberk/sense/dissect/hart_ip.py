"""HART-IP over TCP and UDP (FieldComm Group HCF_SPEC-085), with the HART commands it carries (HCF_SPEC-081, -127, -151).

``code`` is the message id and ``operation`` its name. ``object`` of a message that carries HART is ``command/N``; a command for
a device behind an input/output system shows both, as ``command/77/command/3``, and a direct PDU with several commands joins them
by commas.
``value`` are the numbers and texts of the commands everybody uses; the data of other commands, passwords and keys among them, is
not kept. ``status`` is that of the header, or the response code of the first command that failed.
"""

from __future__ import annotations

import math
from functools import reduce
from operator import xor
from struct import Struct

from hauberk.errors import Malformed
from hauberk.model.hint import Hint, HintKey
from hauberk.model.transaction import MALFORMED, OK, Message, Role, Scalar, Value
from hauberk.sense.dissect.hart_ip_names import MANUFACTURERS, MESSAGES, RESPONSE_CODES, SEND_TO_SUB_DEVICE, STATUSES, WRITES
from hauberk.sense.dissect.interface import CERTAIN, LIKELY, NO, POSSIBLE, Dissector
from hauberk.sense.dissect.limits import Limits
from hauberk.sense.dissect.reader import Reader, text

INITIATE, CLOSE, KEEP_ALIVE, TOKEN_PASSING, DIRECT = 0, 1, 2, 3, 4
_REQUEST, _RESPONSE, _PUBLISH, _NAK = 0, 1, 2, 15
_ROLES: dict[int, Role] = {_REQUEST: "request", _RESPONSE: "response", _PUBLISH: "event", _NAK: "response"}

_HEADER = Struct(">BBBBHH")
_FLOAT = Struct(">f")
_PACKED = "@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_ !\"#$%&'()*+,-./0123456789:;<=>?"

_CLIENT_ROLE = Hint(HintKey.ROLE, "hart_ip.client")
_SERVER_ROLE = Hint(HintKey.ROLE, "hart_ip.server")

_LAYOUTS: dict[tuple[int, bool], str] = {
    (1, False): "uf",
    (2, False): "ff",
    (3, False): "fufufufuf",
    (6, True): "uu",
    (7, False): "uu",
    (33, False): "uufuufuufuuf",
    (34, True): "f",
    (35, True): "uff",
    (39, True): "u",
    (40, True): "f",
    (44, True): "u",
    (45, True): "f",
    (46, True): "f",
    (47, True): "u",
    (51, True): "uuuu",
    (52, True): "u",
    (53, True): "uu",
    (55, True): "uf",
    (59, True): "u",
    (65, True): "uuff",
    (66, True): "uuf",
    (79, True): "uuufu",
}
"""Fields of the data of a command, by number and whether it is the request: ``u`` a byte, ``f`` a float."""
_LONG_TAG, _WRITE_LONG_TAG = 20, 22
_PREAMBLES = 32
"""Preamble bytes passed over in front of a frame."""

Command = tuple[int, int | None, bytes]
"""Number, response code (None in a request) and data without response code and status."""


class HartIpSession:
    """One session of a host with a server, usually a gateway."""

    __slots__ = ("_hinted", "_limits", "_pending")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._pending: dict[int, tuple[str, bool]] = {}
        self._hinted: set[str] = set()

    def frame_length(self, data: bytes, to_responder: bool) -> int:  # noqa: ARG002 - the interface's shape
        """The header tells the length of the whole message."""
        if len(data) < 8:
            return 0
        version, kind, _, _, _, length = _HEADER.unpack_from(data)
        if version not in {1, 2} or kind & 15 not in _ROLES or length < 8:
            raise Malformed("no HART-IP header")
        return int(length)

    def read(self, pdu: bytes, to_responder: bool) -> list[Message]:  # noqa: ARG002 - the message type says it
        """The one message in ``pdu``."""
        if len(pdu) < 8:
            raise Malformed("less than a header")
        version, kind, identifier, status, sequence, length = _HEADER.unpack_from(pdu)
        role = _ROLES.get(kind & 15)
        if role is None or version not in {1, 2}:
            raise Malformed("unknown version or message type")
        operation = MESSAGES.get(identifier, f"message_{identifier}")
        hints = self._introduce(role)
        object_, write = self._pending.pop(sequence, (None, False)) if role == "response" else (None, False)
        told = STATUSES.get(status, f"status_{status}") if role == "response" else OK
        value: Value = None
        try:
            _whole(pdu, length)
            if kind & 15 != _NAK and identifier in {TOKEN_PASSING, DIRECT} and length > 8:
                commands = (
                    _token_passing(pdu, role == "request") if identifier == TOKEN_PASSING else _direct(pdu, role == "request")
                )
                named, value, changes = self._commands(commands, role == "request")
                object_, write = object_ or named, write or changes
                failed = next((RESPONSE_CODES[code] for _, code, _ in commands if code in RESPONSE_CODES), None)
                told = failed or told if told == OK else told
                if role != "request":
                    hints += self._identity(commands)
            elif identifier == INITIATE:
                value = _initiate(pdu)
        except Malformed:
            return [Message("hart_ip", role, operation, identifier, object_, None, MALFORMED, write, hints)]
        if role == "request" and object_ is not None:
            if len(self._pending) >= self._limits.pending and sequence not in self._pending:
                del self._pending[next(iter(self._pending))]
            self._pending[sequence] = (object_, write)
        return [Message("hart_ip", role, operation, identifier, object_, value, told, write, hints)]

    def gap(self, to_responder: bool) -> None:
        """Nothing is half read."""

    @property
    def finished(self) -> bool:
        """More may follow."""
        return False

    def _commands(self, commands: list[Command], request: bool) -> tuple[str | None, Value, bool]:
        """Object, value and write of the commands of one message."""
        names: list[str] = []
        values: list[Scalar] = []
        write = False
        for number, _, body in commands[: self._limits.items]:
            name, data, changes = f"command/{number}", body, number in WRITES
            if number == SEND_TO_SUB_DEVICE and request:
                inner, data = _embedded(body)
                name, changes = f"{name}/command/{inner}", inner in WRITES
                values.extend(_values(inner, data, request, self._limits.text))
            else:
                values.extend(_values(number, data, request, self._limits.text))
            names.append(name)
            write = write or changes
        kept = values[: self._limits.items]
        value: Value = None if not kept else kept[0] if len(kept) == 1 else tuple(kept)
        return ",".join(names) or None, value, write

    def _introduce(self, role: Role) -> tuple[Hint, ...]:
        hint = _CLIENT_ROLE if role == "request" else _SERVER_ROLE
        if hint.value in self._hinted:
            return ()
        self._hinted.add(hint.value)
        return (hint,)

    def _identity(self, commands: list[Command]) -> tuple[Hint, ...]:
        """What the first identity and the first long tag of a session say of the server; later ones are of devices behind it."""
        hints: tuple[Hint, ...] = ()
        for number, code, body in commands:
            if code or f"command/{number}" in self._hinted:
                continue
            if number == 0 and len(body) >= 12 and body[0] == 254:
                hints += _identity(body)
            elif number == _LONG_TAG and body.strip(b"\x00? "):
                hints += (Hint(HintKey.HOSTNAME, text(body.split(b"\x00")[0], self._limits.text)),)
            else:
                continue
            self._hinted.add(f"command/{number}")
        return hints


def _whole(pdu: bytes, length: int) -> None:
    if length != len(pdu):
        raise Malformed(f"length {length}, {len(pdu)} bytes there")


def _initiate(pdu: bytes) -> Value:
    """Master type and inactivity close time (ms) of a session."""
    if len(pdu) == 8:
        return None
    if len(pdu) != 13:
        raise Malformed("session initiate of another size")
    return (pdu[8], int.from_bytes(pdu[9:13], "big"))


def _token_passing(pdu: bytes, request: bool) -> list[Command]:
    """The one command of a frame of the token-passing data link layer (HCF_SPEC-081 clause 7), whose check byte must agree."""
    start = 8
    while start < min(len(pdu), 8 + _PREAMBLES) and pdu[start] == 0xFF:
        start += 1
    reader = Reader(pdu, start)
    delimiter = reader.u8()
    reader.skip((5 if delimiter & 0x80 else 1) + (delimiter >> 5 & 3))
    number = reader.u8()
    body = reader.take(reader.u8())
    if reader.remaining != 1 or reduce(xor, pdu[start:], 0):
        raise Malformed("check byte or length of the frame does not agree")
    code = None
    if not request or delimiter & 7 in {1, 6}:
        if len(body) < 2:
            raise Malformed("a response without response code and status")
        code, body = body[0], body[2:]
    if number == 31 and len(body) >= 2:
        number, body = int.from_bytes(body[:2], "big"), body[2:]
    return [(number, code, body)]


def _direct(pdu: bytes, request: bool) -> list[Command]:
    """The commands of a direct PDU: two bytes of status, then number, byte count and data of each."""
    reader = Reader(pdu, 10)
    commands: list[Command] = []
    while reader.remaining > 0:
        number = reader.u16()
        body = reader.take(reader.u8())
        code = None
        if not request and body:
            code, body = body[0], body[1:]
        commands.append((number, code, body))
    if not commands:
        raise Malformed("direct PDU without command")
    return commands


def _embedded(body: bytes) -> tuple[int, bytes]:
    """The command for a sub-device (HCF_SPEC-151, command 77): card, channel, preambles, delimiter, address, command, data."""
    reader = Reader(body, 3)
    reader.skip(5 if reader.u8() & 0x80 else 1)
    return reader.u8(), reader.rest()


def _values(number: int, body: bytes, request: bool, most: int) -> list[Scalar]:
    """Numbers and texts of a command, as far as its data goes."""
    if number in {_LONG_TAG, _WRITE_LONG_TAG}:
        return [text(body.split(b"\x00")[0], most)] if body else []
    if number in {12, 17}:
        return [_packed(body)] if body else []
    if number in {13, 18}:
        return [_packed(body[:6]), _packed(body[6:18])] if len(body) >= 18 else []
    if number == 9 and not request:
        return [
            value for at in range(1, len(body) - 7, 8) for value in (body[at], body[at + 2], _float(body, at + 3), body[at + 7])
        ]
    values: list[Scalar] = []
    at = 0
    for field in _LAYOUTS.get((number, request), ""):
        size = 4 if field == "f" else 1
        if at + size > len(body):
            break
        values.append(_float(body, at) if field == "f" else body[at])
        at += size
    return values


def _float(body: bytes, at: int) -> float | None:
    """A float as it was meant, to the seven digits it has; None for what is no number."""
    value = float(_FLOAT.unpack_from(body, at)[0])
    return float(f"{value:.7g}") if math.isfinite(value) else None


def _packed(body: bytes) -> str:
    """Packed ASCII: four characters of six bits in three bytes (HCF_SPEC-127)."""
    bits = int.from_bytes(body[: len(body) // 3 * 3], "big")
    count = len(body) // 3 * 4
    return "".join(_PACKED[bits >> shift & 63] for shift in range(6 * (count - 1), -1, -6)).rstrip() if count else ""


def _identity(body: bytes) -> tuple[Hint, ...]:
    """Hints of command 0 (HCF_SPEC-127): device type, revisions, device id, manufacturer."""
    device_type = int.from_bytes(body[1:3], "big")
    # Before HART 7 the manufacturer was the upper byte of the type.
    manufacturer = int.from_bytes(body[17:19], "big") if len(body) >= 19 and body[4] >= 7 else body[1]
    vendor = MANUFACTURERS.get(manufacturer)
    return (
        *(() if vendor is None else (Hint(HintKey.VENDOR, vendor),)),
        Hint(HintKey.MODEL, f"HART device type 0x{device_type:04x}"),
        Hint(HintKey.FIRMWARE, str(body[6])),
        Hint(HintKey.SERIAL, body[9:12].hex()),
    )


def recognise(data: bytes, to_responder: bool) -> int:  # noqa: ARG001 - the message type says who sends
    """A header whose version, type, id, status and length agree with each other and with the data."""
    if len(data) < 8:
        return NO
    version, kind, identifier, status, _, length = _HEADER.unpack_from(data)
    if version not in {1, 2} or kind not in _ROLES or identifier not in MESSAGES or (kind == _REQUEST and status):
        return NO
    if length < 8 or (length > len(data) and identifier not in {TOKEN_PASSING, DIRECT, 5}):
        return NO
    if identifier in {CLOSE, KEEP_ALIVE}:
        return LIKELY if length == 8 else POSSIBLE if length < 16 else NO
    if identifier == INITIATE:
        return NO if length not in {8, 13} else CERTAIN if length == 13 and data[8] < 2 else POSSIBLE
    return _carries(data, identifier, kind, length)


def _carries(data: bytes, identifier: int, kind: int, length: int) -> int:
    """Score of a message that carries commands."""
    if length > len(data):
        return POSSIBLE
    score = LIKELY if length == len(data) else POSSIBLE
    try:
        if identifier == TOKEN_PASSING and kind != _NAK:
            _token_passing(data[:length], kind == _REQUEST)
            return CERTAIN
        if identifier == DIRECT and kind != _NAK:
            _direct(data[:length], kind == _REQUEST)
            return LIKELY
    except Malformed:
        return POSSIBLE if score == LIKELY else NO
    return score


DISSECTORS = (
    Dissector("hart_ip", "tcp", (5094,), recognise, HartIpSession, ot=True),
    Dissector("hart_ip", "udp", (5094,), recognise, HartIpSession, ot=True),
)
