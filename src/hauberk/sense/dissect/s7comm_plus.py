"""S7comm-plus, the protocol of SIMATIC S7-1200 and S7-1500 controllers, inside ISO on TCP.

Siemens publishes no standard; the layout is what controllers up to firmware V3 (protocol versions 1 to 3, before TLS) send in
clear: header, in version 3 a digest, an opcode and a function, and a trailer after the last part. ``object`` is the number of what
is asked for, as ``0x0000011d``. Values are not decoded. Keys of a session are never read.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from hauberk.errors import Malformed
from hauberk.model.hint import Hint, HintKey
from hauberk.model.transaction import MALFORMED, OK, Message, Role
from hauberk.sense.dissect.limits import Limits

NAME = "s7comm_plus"
PROTOCOL_ID = 0x72

_HEADER_BYTES = 4
_VERSIONS = frozenset({1, 2, 3})
_WITH_DIGEST = 3
_DIGEST_BYTES = 32
_KEEP_ALIVE = 0xFE
_ROLES: dict[int, Role] = {0x31: "request", 0x32: "response", 0x02: "response", 0x33: "event"}
_CREATE, _SECURE = 0x04CA, 0x05B3
_WITHOUT_OBJECT = frozenset({0x0556, 0x0560, 0x05B3})
_FUNCTIONS = {
    0x04B1: "error",
    0x04BB: "explore",
    0x04CA: "create_object",
    0x04D4: "delete_object",
    0x04F2: "set_variable",
    0x04FC: "get_variable",
    0x0506: "add_link",
    0x051A: "remove_link",
    0x0524: "get_link",
    0x0542: "set_multi_variables",
    0x054C: "get_multi_variables",
    0x0556: "begin_sequence",
    0x0560: "end_sequence",
    0x056B: "invoke",
    0x057C: "set_variable_substreamed",
    0x0586: "get_variables_substreamed",
    0x0590: "get_variables_address",
    0x059A: "abort",
    0x05A9: "error_2",
    0x05B3: "init_ssl",
}
_WRITES = frozenset({0x04CA, 0x04D4, 0x04F2, 0x0506, 0x051A, 0x0542, 0x056B, 0x057C})
_DYNAMIC = range(0x70000000, 0x80000000)
"""Object numbers in this range are those of sessions and subscriptions: changing them changes no program and no process."""
_SESSIONS = 0x0000011D
"""The container of sessions: creating an object there is a login."""
_SESSION_BYTES = 18
"""From the opcode to the object of a request: opcode, two fillers, function, sequence number, session and flags."""

_IDENTITY = re.compile(rb"1;(6[A-Z]{2}\d [0-9A-Z]{3,6}-[0-9A-Z]{5}-[0-9A-Z]{4}) ?;[VS](\d+\.\d+(?:\.\d+)?)")
"""Order number and firmware as the controller names itself in the answer to a login."""


class _Open(NamedTuple):
    operation: str
    object: str | None
    write: bool


def looks_like(data: bytes, at: int) -> bool:
    """True where an S7comm-plus header begins at ``at``."""
    if len(data) < at + _HEADER_BYTES or data[at] != PROTOCOL_ID:
        return False
    if data[at + 1] == _KEEP_ALIVE:
        return True
    return data[at + 1] in _VERSIONS and at + _HEADER_BYTES + (data[at + 2] << 8 | data[at + 3]) <= len(data)


class S7commPlus:
    """Reads S7comm-plus messages of one conversation."""

    __slots__ = ("_limits", "_open", "_own", "_partial", "secured")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._open: dict[tuple[int, int], _Open] = {}
        self._partial: dict[bool, Message] = {}
        self._own: dict[int, None] = {}
        self.secured = False
        """True after the answer that switches to TLS: nothing that follows can be read."""

    def gap(self, to_responder: bool) -> None:
        """Forget the parts of that direction."""
        self._partial.pop(to_responder, None)

    def read(self, data: bytes, at: int, to_responder: bool) -> list[Message]:
        """The message at ``at``; one of several parts when its last part is there. Raises ``Malformed``."""
        if len(data) < at + _HEADER_BYTES:
            raise Malformed("an S7comm-plus header is cut off")
        version, size = data[at + 1], data[at + 2] << 8 | data[at + 3]
        if version == _KEEP_ALIVE:
            return [Message(NAME, "event", "keep_alive")]
        at += _HEADER_BYTES
        end = at + size
        if end > len(data):
            return [Message(NAME, "request" if to_responder else "response", "unknown", None, None, None, MALFORMED)]
        last = len(data) >= end + _HEADER_BYTES
        message = self._partial.pop(to_responder, None)
        if message is None:
            if version == _WITH_DIGEST and size > _DIGEST_BYTES and data[at] == _DIGEST_BYTES:
                at += 1 + _DIGEST_BYTES
            message = self._message(data, at, end, to_responder)
        if last:
            return [message]
        self._partial[to_responder] = message
        return []

    def _message(self, data: bytes, at: int, end: int, to_responder: bool) -> Message:
        opcode = data[at] if at < end else 0
        role = _ROLES.get(opcode)
        if role == "event":
            number = int.from_bytes(data[at + 1 : at + 5], "big")
            self._keep(number)
            return Message(NAME, role, "notification", None, f"0x{number:08x}")
        if role is None or end < at + 9:
            return Message(NAME, "request" if to_responder else "response", "unknown", None, None, None, MALFORMED)
        function, sequence = data[at + 3] << 8 | data[at + 4], data[at + 7] << 8 | data[at + 8]
        operation = _FUNCTIONS.get(function) or f"function_0x{function:04x}"
        if role == "request":
            opened = self._request(operation, function, data[at:end])
            if len(self._open) >= self._limits.pending:
                del self._open[next(iter(self._open))]
            self._open[function, sequence] = opened
            return Message(NAME, role, operation, None, opened.object, None, OK, opened.write)
        asked = self._open.pop((function, sequence), _Open(operation, None, False))
        hints: tuple[Hint, ...] = ()
        if function == _CREATE:
            hints = _identity(data, at, end)
            if not asked.write:
                for number in _created(data[at:end]):
                    self._keep(number)
        self.secured = self.secured or function == _SECURE
        return Message(NAME, role, operation, None, asked.object, None, OK, asked.write, hints)

    def _request(self, operation: str, function: int, body: bytes) -> _Open:
        """A request, and whether it changes a program or a process, not only the client's own session and subscriptions."""
        if len(body) < _SESSION_BYTES or function in _WITHOUT_OBJECT:
            return _Open(operation, None, function in _WRITES)
        session, number = int.from_bytes(body[9:13], "big"), int.from_bytes(body[14:18], "big")
        harmless = number != 0 and (number in {_SESSIONS, session} or number in self._own or number in _DYNAMIC)
        return _Open(operation, f"0x{number:08x}" if number else None, function in _WRITES and not harmless)

    def _keep(self, number: int) -> None:
        """Remember an object that the client made for itself."""
        if len(self._own) >= self._limits.pending:
            del self._own[next(iter(self._own))]
        self._own[number] = None


def _created(body: bytes) -> list[int]:
    """Numbers of the objects that an answer to ``create_object`` names, in seven bits a byte, the last byte without the highest."""
    found: list[int] = []
    if len(body) < 12 or body[10]:
        return found
    number = 0
    for octet in body[12:32]:
        if len(found) >= body[11]:
            break
        number = (number << 7 | octet & 0x7F) & 0xFFFFFFFF
        if not octet & 0x80:
            found.append(number)
            number = 0
    return found


def _identity(data: bytes, at: int, end: int) -> tuple[Hint, ...]:
    found = _IDENTITY.search(data, at, end)
    if found is None:
        return ()
    return (
        Hint(HintKey.VENDOR, "Siemens"),
        Hint(HintKey.MODEL, found[1].decode("ascii")),
        Hint(HintKey.FIRMWARE, found[2].decode("ascii")),
        Hint(HintKey.ROLE, "s7comm_plus.server"),
    )
