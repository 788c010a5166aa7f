"""User data of S7comm (message kind 7): status lists, clock, blocks, variable tables, subscriptions, passwords.

A service is a function group and a subfunction. Answers longer than one message come in parts that share a data unit reference;
they are joined, within bounds, for what they say about the controller. What a password message holds is never looked at.
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple, TypeVar

from hauberk.errors import Malformed
from hauberk.model.hint import Hint
from hauberk.model.transaction import OK, Message, Role, Value
from hauberk.sense.dissect.limits import Limits
from hauberk.sense.dissect.reader import text
from hauberk.sense.dissect.s7comm_address import Item, block, items, variable_table
from hauberk.sense.dissect.s7comm_identity import identity
from hauberk.sense.dissect.s7comm_names import (
    BLOCKS,
    GROUPS,
    SERVICE_WRITES,
    SERVICES,
    SUCCESS,
    error_name,
    return_name,
)
from hauberk.sense.dissect.s7comm_values import clock, read_values

_K = TypeVar("_K")
_V = TypeVar("_V")

_HEAD = Struct(">3sBBBBB")
_HEADS = frozenset({b"\x00\x01\x12", b"\x01\x00\x10"})
"""First bytes of the parameter; the second form announces mode transitions."""
_LIST = Struct(">HH")
_ROLES: dict[int, Role] = {0: "event", 3: "event", 4: "request", 7: "request", 8: "response", 11: "response"}
"""By the high half of the type byte; 3, 7 and 11 are those of numerical controls."""

_READ_SZL = (4, 1)
_MESSAGE_SERVICE = (4, 2)
_DIAGNOSTIC = (4, 3)
_SUBSCRIPTIONS = frozenset({(2, 1), (2, 5), (2, 7)})
_VARIABLE_TABLES = frozenset({(1, 2), (1, 8), (1, 9)})
_STANDING = _SUBSCRIPTIONS | _VARIABLE_TABLES
_UNSUBSCRIBE = (2, 4)
_CLOCKS = frozenset({(7, 1), (7, 2), (7, 3), (7, 4)})
_EMPTY = 0x0A
"""Return code of data sections that hold nothing, in requests and good answers alike."""
_JOINED_BYTES = 1 << 16


class _Subject(NamedTuple):
    """What a request asks about: its words, and its variables where answers carry their values."""

    words: str | None
    items: tuple[Item, ...] = ()


_NOTHING = _Subject(None)


class UserData:
    """Reads user data and remembers what open requests and subscriptions ask about and the parts of long answers."""

    __slots__ = ("_limits", "_parts", "_pending", "_subscribed")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._pending: dict[int, _Subject] = {}
        self._subscribed: dict[tuple[int, int], _Subject] = {}
        self._parts: dict[int, tuple[_Subject, bytearray]] = {}

    def gap(self) -> None:
        """Forget half read answers."""
        self._parts.clear()

    def read(self, parameter: bytes, data: bytes, reference: int, to_responder: bool) -> Message:
        """The message with this parameter and data section. Raises ``Malformed``."""
        if len(parameter) < 8:
            raise Malformed("a user data parameter is cut off")
        head, _, _, kind, subfunction, sequence = _HEAD.unpack_from(parameter)
        if head not in _HEADS:
            raise Malformed("not a user data parameter")
        service = (kind & 0x0F, subfunction)
        role = _ROLES.get(kind >> 4) or ("request" if to_responder else "response")
        operation = SERVICES.get(service) or f"{GROUPS.get(service[0]) or f'group_{service[0]}'}_{subfunction}"
        body = data[4:]
        unit, more = (parameter[8], parameter[9]) if len(parameter) >= 12 else (0, 0)
        status = _status(parameter, data, answer=role == "response" and service == _READ_SZL)
        hints: tuple[Hint, ...] = ()
        if role == "request":
            subject = self._asked(service, sequence, body)
            if subject.words is not None:
                _remember(self._pending, reference, subject, self._limits.pending)
        elif service in _STANDING:
            subject = self._standing(service[0], sequence, self._pending.pop(reference, None) if role == "response" else None)
        else:
            subject = self._pending.pop(reference, _NOTHING) if role == "response" else _event(service, body)
            if role == "response" and service == _READ_SZL and status is OK:
                subject, hints = self._status_list(subject, unit or sequence, more, body)
        value = self._value(service, role, subject, body)
        return Message("s7comm", role, operation, None, subject.words, value, status, service in SERVICE_WRITES, hints)

    def _asked(self, service: tuple[int, int], sequence: int, body: bytes) -> _Subject:
        most = self._limits.items
        if service == _READ_SZL and len(body) >= 4:
            return _Subject(_list_name(body))
        if service == (3, 2) and len(body) >= 2:
            return _Subject(BLOCKS.get(body[:2].decode("latin-1")) or text(body[:2], 8))
        if service == (3, 3) and len(body) >= 7:
            return _Subject(block(body))
        if service in _VARIABLE_TABLES:
            return _Subject(variable_table(body, most))
        if service in _SUBSCRIPTIONS and len(body) >= 4:
            found = items(body, 4, body[0] << 8 | body[1], most)
            subject = _Subject(",".join(item.label for item in found) or None, found)
            if sequence:
                _remember(self._subscribed, (service[0], sequence), subject, self._limits.pending)
            return subject
        if service == _UNSUBSCRIBE and len(body) >= 2:
            return self._subscribed.get((service[0], body[1]), _NOTHING)
        return _NOTHING

    def _standing(self, group: int, sequence: int, asked: _Subject | None) -> _Subject:
        """The subject of a subscription or variable table, by the number that the controller gave it in its first answer."""
        if asked is not None:
            _remember(self._subscribed, (group, sequence), asked, self._limits.pending)
            return asked
        return self._subscribed.get((group, sequence), _NOTHING)

    def _status_list(self, subject: _Subject, unit: int, more: int, body: bytes) -> tuple[_Subject, tuple[Hint, ...]]:
        """Join the parts of a status list; the first part names it, the last one brings the hints."""
        earlier = self._parts.pop(unit, None)
        if earlier is None and not _begins_list(body):
            return subject, ()
        if earlier is None:
            earlier = (_Subject(_list_name(body)), bytearray())
        subject, joined = earlier
        joined += body
        if not more:
            return subject, identity(bytes(joined))
        if len(joined) <= _JOINED_BYTES:
            _remember(self._parts, unit, earlier, self._limits.pending)
        return subject, ()

    def _value(self, service: tuple[int, int], role: Role, subject: _Subject, body: bytes) -> Value:
        if service in _CLOCKS:
            return clock(body)
        if service == _MESSAGE_SERVICE and len(body) >= 10:
            return text(body[2:10], self._limits.text).strip() or None
        if service in _SUBSCRIPTIONS and role != "request" and subject.items and len(body) > 2:
            return read_values(body, 2, len(body), subject.items, self._limits)[0]
        return None


def _remember(memory: dict[_K, _V], key: _K, value: _V, most: int) -> None:
    """Keep ``value``, and at most ``most`` of its kind: the oldest goes."""
    if len(memory) >= most and key not in memory:
        del memory[next(iter(memory))]
    memory[key] = value


def _event(service: tuple[int, int], body: bytes) -> _Subject:
    """The number of a diagnostic event, the only event that names itself in one number."""
    return _Subject(f"event/0x{body[:2].hex()}") if service == _DIAGNOSTIC and len(body) >= 2 else _NOTHING


def _status(parameter: bytes, data: bytes, *, answer: bool) -> str:
    error = parameter[10] << 8 | parameter[11] if len(parameter) >= 12 else 0
    if error:
        return error_name(error)
    if not data or data[0] in {SUCCESS, 0} or (data[0] == _EMPTY and not answer):
        return OK
    return return_name(data[0])


def _list_name(body: bytes) -> str:
    number, index = _LIST.unpack_from(body)
    return f"szl/0x{number:04x}/0x{index:04x}"


def _begins_list(body: bytes) -> bool:
    """True where a status list's header agrees with what follows; later parts of long lists have none."""
    return len(body) >= 8 and 8 + int.from_bytes(body[4:6], "big") * int.from_bytes(body[6:8], "big") >= len(body)
