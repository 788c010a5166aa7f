"""MMS, the Manufacturing Message Specification (ISO 9506-2), as substations (IEC 61850-8-1) and control centres (TASE.2) use it.

``object`` names what a request acts on (``mms_objects``): ``domain/item``; reports of IEC 61850 read ``RPT:<report id>``. ``value``
holds written and read values, flattened. It reads what one transport service data unit holds; ``iso_on_tcp`` delivers those.
"""

from __future__ import annotations

from hauberk.errors import Malformed
from hauberk.model.hint import Hint, HintKey
from hauberk.model.transaction import MALFORMED, OK, Message, Role, Scalar, Value
from hauberk.sense.dissect import ber, mms_data
from hauberk.sense.dissect.ber import Element
from hauberk.sense.dissect.iso_presentation import Presentation
from hauberk.sense.dissect.limits import Limits
from hauberk.sense.dissect.mms_names import (
    GET_NAME_LIST,
    IDENTIFY,
    READ,
    REJECTS,
    WRITE,
    WRITES,
    access_error,
    service_error,
    service_name,
)
from hauberk.sense.dissect.mms_objects import target, variables
from hauberk.sense.dissect.reader import text

NAME = "mms"

_CONFIRMED_REQUEST, _CONFIRMED_RESPONSE, _CONFIRMED_ERROR, _UNCONFIRMED, _REJECT = 0xA0, 0xA1, 0xA2, 0xA3, 0xA4
_PLAIN: dict[int, tuple[Role, str, str]] = {
    0x85: ("request", "cancel", OK),
    0x86: ("response", "cancel", OK),
    0xA7: ("response", "cancel", "cancel_error"),
    0xA8: ("request", "initiate", OK),
    0xA9: ("response", "initiate", OK),
    0xAA: ("response", "initiate", "initiate_error"),
    0x8B: ("request", "conclude", OK),
    0x8C: ("response", "conclude", OK),
    0xAD: ("response", "conclude", "conclude_error"),
}
_UNCONFIRMED_SERVICES = {0xA0: "information_report", 0xA1: "unsolicited_status", 0xA2: "event_notification"}
_MODIFIERS = frozenset({0x30})
_IDENTITY = {0x80: HintKey.VENDOR, 0x81: HintKey.MODEL, 0x82: HintKey.FIRMWARE}
_REPORT = "RPT"
_SERVER = (Hint(HintKey.ROLE, "mms.server"),)
_CLIENT = (Hint(HintKey.ROLE, "mms.client"),)


class Mms:
    """Reads MMS messages of one conversation and remembers its open requests."""

    __slots__ = ("_announced", "_limits", "_pending", "presentation")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._pending: dict[tuple[int, bool], tuple[int, str | None]] = {}
        self._announced = 0
        self.presentation = Presentation()

    def read(self, data: bytes, to_responder: bool) -> list[Message]:
        """The messages in one session PDU. Raises ``Malformed`` where the layers around MMS are broken."""
        messages: list[Message] = []
        for value in self.presentation.values(data)[: self._limits.messages]:
            one = ber.element(data, value.start, value.end)
            try:
                message = self._message(data, one, to_responder)
            except Malformed:
                message = Message(NAME, _role(one.tag), _kind(one.tag), None, None, None, MALFORMED)
            if message is not None:
                messages.append(message)
        return messages

    def _message(self, data: bytes, one: Element, to_responder: bool) -> Message | None:
        if one.tag == _CONFIRMED_REQUEST:
            return self._announce(self._request(data, one, to_responder), 1)
        if one.tag == _CONFIRMED_RESPONSE:
            return self._announce(self._response(data, one, to_responder), 2)
        if one.tag == _CONFIRMED_ERROR:
            return self._error(data, one, to_responder)
        if one.tag == _UNCONFIRMED:
            return self._unconfirmed(data, one)
        if one.tag == _REJECT:
            return self._reject(data, one, to_responder)
        plain = _PLAIN.get(one.tag)
        if plain is None:
            return None
        role, operation, status = plain
        message = Message(NAME, role, operation, None, None, None, status)
        return self._announce(message, 1 if role == "request" else 2) if operation == "initiate" else message

    def _announce(self, message: Message, side: int) -> Message:
        """Say once of each side what it is."""
        if self._announced & side:
            return message
        self._announced |= side
        return message._replace(hints=message.hints + (_CLIENT if side == 1 else _SERVER))

    def _request(self, data: bytes, one: Element, to_responder: bool) -> Message:
        invoke, service, body = _confirmed(data, one)
        status = OK
        name: str | None = None
        value: Value = None
        try:
            name = target(data, service, body, self._limits)
            if service == WRITE:
                value = _shaped(_written(data, body, self._limits))
        except Malformed:
            status = MALFORMED
        if len(self._pending) >= self._limits.pending:
            del self._pending[next(iter(self._pending))]
        self._pending[invoke, to_responder] = (service, name)
        return Message(NAME, "request", service_name(service), service, name, value, status, service in WRITES)

    def _response(self, data: bytes, one: Element, to_responder: bool) -> Message:
        invoke, service, body = _confirmed(data, one)
        asked = self._pending.pop((invoke, not to_responder), None)
        name = asked[1] if asked is not None and asked[0] == service else None
        status = OK
        value: Value = None
        hints: tuple[Hint, ...] = ()
        try:
            if service == READ:
                values, status = _results(data, ber.find(data, body.start, body.end, 0xA1), self._limits)
                value = _shaped(values)
                repeated = ber.find(data, body.start, body.end, 0xA0) if name is None else None
                if repeated is not None:
                    name = variables(data, ber.element(data, repeated.start, repeated.end), self._limits)
            elif service == WRITE:
                status = _results(data, body, self._limits)[1]
            elif service == IDENTIFY:
                hints, value = _identity(data, body, self._limits)
            elif service == GET_NAME_LIST:
                listed = ber.find(data, body.start, body.end, 0xA0)
                value = None if listed is None else mms_data.values(data, listed.start, listed.end, self._limits)
        except Malformed:
            status = MALFORMED
        return Message(NAME, "response", service_name(service), service, name, value, status, service in WRITES, hints)

    def _error(self, data: bytes, one: Element, to_responder: bool) -> Message:
        parts = ber.children(data, one.start, one.end, 4)
        invoke, operation, name, write, status = -1, "confirmed_error", None, False, "error"
        for part in parts:
            if part.tag == 0x80:
                invoke = ber.integer(data, part)
            elif part.tag == 0xA2:
                kind = ber.find(data, part.start, part.end, 0xA0)
                if kind is not None and kind.start < kind.end:
                    choice = ber.element(data, kind.start, kind.end)
                    status = service_error(choice.tag & 0x1F, ber.integer(data, choice))
        asked = self._pending.pop((invoke, not to_responder), None)
        if asked is not None:
            operation, name, write = service_name(asked[0]), asked[1], asked[0] in WRITES
        return Message(NAME, "response", operation, None, name, None, status, write)

    def _reject(self, data: bytes, one: Element, to_responder: bool) -> Message:
        operation, name, reason = "reject", None, "rejected"
        for part in ber.children(data, one.start, one.end, 4):
            if part.tag == 0x80:
                asked = self._pending.pop((ber.integer(data, part), not to_responder), None)
                name = asked[1] if asked is not None else None
            elif part.tag & 0xE0 == 0x80:
                number = part.tag & 0x1F
                reason = f"rejected_{REJECTS.get(number) or number}_{ber.integer(data, part)}"
        return Message(NAME, "response", operation, None, name, None, reason)

    def _unconfirmed(self, data: bytes, one: Element) -> Message:
        service = ber.element(data, one.start, one.end)
        operation = _UNCONFIRMED_SERVICES.get(service.tag) or "unconfirmed"
        if service.tag != 0xA0:
            return Message(NAME, "event", operation)
        specification = ber.element(data, service.start, service.end)
        name = variables(data, specification, self._limits)
        listed = ber.find(data, specification.after, service.end, 0xA0)
        values, status = _results(data, listed, self._limits)
        if name == _REPORT and values and isinstance(values[0], str):
            name = f"{_REPORT}:{values[0]}"
        return Message(NAME, "event", operation, None, name, _shaped(values), status)


def _confirmed(data: bytes, one: Element) -> tuple[int, int, Element]:
    """Invoke id, service number and contents of a confirmed request or response."""
    invoke = ber.element(data, one.start, one.end)
    if invoke.tag != 0x02:
        raise Malformed("a confirmed PDU without an invoke id")
    body = ber.element(data, invoke.after, one.end)
    if body.tag in _MODIFIERS:
        body = ber.element(data, body.after, one.end)
    tag = body.tag
    service = tag & 0x1F if tag < 0x100 else tag & 0x7F if tag < 0x10000 else (tag >> 1 & 0x3F80) | tag & 0x7F
    if (tag if tag < 0x100 else tag >> 8 if tag < 0x10000 else tag >> 16) & 0xC0 != 0x80:
        raise Malformed("a service without a context tag")
    return ber.integer(data, invoke), service, body


def _results(data: bytes, listed: Element | None, limits: Limits) -> tuple[tuple[Scalar, ...], str]:
    """Values of a list of access results, None where one failed, and the first failure."""
    if listed is None:
        return (), OK
    found: list[Scalar] = []
    status = OK
    at = listed.start
    while at < listed.end and len(found) < limits.items:
        one = ber.element(data, at, listed.end)
        if one.tag == 0x80:
            status = access_error(ber.integer(data, one)) if status is OK else status
            found.append(None)
        elif one.tag != 0x81:
            found.extend(mms_data.values(data, at, one.after, limits))
        at = one.after
    return tuple(found[: limits.items]), status


def _written(data: bytes, body: Element, limits: Limits) -> tuple[Scalar, ...]:
    specification = ber.element(data, body.start, body.end)
    listed = ber.find(data, specification.after, body.end, 0xA0)
    return () if listed is None else mms_data.values(data, listed.start, listed.end, limits)


def _shaped(values: tuple[Scalar, ...]) -> Value:
    return values[0] if len(values) == 1 else values or None


def _identity(data: bytes, body: Element, limits: Limits) -> tuple[tuple[Hint, ...], Value]:
    hints: list[Hint] = []
    for part in ber.children(data, body.start, body.end, 3):
        key = _IDENTITY.get(part.tag)
        words = text(data[part.start : part.end], limits.text).strip()
        if key is not None and words:
            hints.append(Hint(key, words))
    return tuple(hints), tuple(hint.value for hint in hints)


def _role(tag: int) -> Role:
    if tag == _UNCONFIRMED:
        return "event"
    return "request" if tag in {_CONFIRMED_REQUEST, 0x85, 0xA8, 0x8B} else "response"


def _kind(tag: int) -> str:
    kinds = {
        _CONFIRMED_REQUEST: "confirmed_request",
        _CONFIRMED_RESPONSE: "confirmed_response",
        _CONFIRMED_ERROR: "confirmed_error",
    }
    return kinds.get(tag) or ("unconfirmed" if tag == _UNCONFIRMED else "reject")
