"""GOOSE, the multicast of states and trips between protection devices (IEC 61850-8-1 clause 18, EtherType 0x88B8).

``object`` is the reference of the control block, ``value`` the state number, the sequence number and the data set, flattened as in
``mms_data``. Management PDUs ask for names of the same control blocks. It reads what follows the EtherType. Publishers repeat
themselves for hours: what does not change between two messages is compared, not read again.
"""

from __future__ import annotations

from typing import NamedTuple

from hauberk.errors import Malformed
from hauberk.model.hint import Hint, HintKey
from hauberk.model.transaction import MALFORMED, OK, Message, Role, Scalar
from hauberk.sense.dissect import ber, mms_data
from hauberk.sense.dissect.interface import CERTAIN, LIKELY, NO, Dissector, StatelessSession
from hauberk.sense.dissect.limits import Limits
from hauberk.sense.dissect.reader import text

NAME = "goose"
ETHERTYPE = 0x88B8

_HEADER_BYTES = 8
_MANAGEMENT, _PUBLISH = 0x60, 0x61
_REFERENCE, _DATA_SET, _STATE, _SEQUENCE, _TEST, _NEEDS_COMMISSIONING, _ALL_DATA = 0x80, 0x82, 0x85, 0x86, 0x87, 0x89, 0xAB
_SIZES = range(1, 6)
"""Lengths of a counter of 32 bits."""
_SIMULATED = 0x80
"""Highest bit of the first reserved field (IEC 62351-6, IEC 61850-8-1 edition 2)."""
_SERVICES = {
    1: "get_go_reference",
    2: "get_goose_element_number",
    3: "get_gs_reference",
    4: "get_gsse_data_offset",
    5: "not_supported",
}
_ROLE_HINT = (Hint(HintKey.ROLE, "goose.publisher"),)


class _Known(NamedTuple):
    """The last message of one publisher: the bytes that rarely change, and what they mean."""

    head: bytes
    """From the reference up to the state number, without the length before it."""
    tail: bytes
    """From after the sequence number to the end."""
    object: str | None
    status: str
    values: tuple[Scalar, ...]


class Goose(StatelessSession):
    """GOOSE messages between one publisher and one group of subscribers."""

    __slots__ = ("_announced", "_known", "_values")

    def __init__(self, limits: Limits) -> None:
        super().__init__(limits)
        self._known: dict[bytes, _Known] = {}
        self._values: dict[bytes, tuple[Scalar, ...]] = {}
        self._announced = False

    def read(self, pdu: bytes, to_responder: bool) -> list[Message]:
        """The message after the EtherType. Raises ``Malformed`` where its length is not that of its contents."""
        if len(pdu) < _HEADER_BYTES + 2:
            raise Malformed("a GOOSE header is cut off")
        end = pdu[2] << 8 | pdu[3]
        if not _HEADER_BYTES + 2 <= end <= len(pdu):
            raise Malformed(f"a GOOSE message of {end} bytes, {len(pdu)} there")
        tag = pdu[_HEADER_BYTES]
        if tag not in {_PUBLISH, _MANAGEMENT}:
            raise Malformed(f"not a GOOSE message: tag 0x{tag:02x}")
        try:
            if tag == _MANAGEMENT:
                return [_management(pdu, end, to_responder, self.limits)]
            message = self._publish(pdu, end)
        except Malformed:
            return [Message(NAME, "event", "publish", None, None, None, MALFORMED)]
        if not self._announced:
            self._announced = True
            message = message._replace(hints=_ROLE_HINT)
        return [message]

    def _publish(self, pdu: bytes, end: int) -> Message:
        first = pdu[9]
        start = 10 if first < 0x80 else 10 + (first & 0x7F)
        who = pdu[:2]
        known = self._known.get(who)
        if known is not None:
            after = start + len(known.head)
            if pdu[start:after] == known.head and after + 3 <= end and pdu[after] == _STATE and pdu[after + 1] in _SIZES:
                middle = after + 2 + pdu[after + 1]
                if middle + 2 <= end and pdu[middle] == _SEQUENCE and pdu[middle + 1] in _SIZES:
                    rest = middle + 2 + pdu[middle + 1]
                    if pdu[rest:end] + pdu[4:6] == known.tail and rest <= end:
                        state = int.from_bytes(pdu[after + 2 : middle], "big")
                        sequence = int.from_bytes(pdu[middle + 2 : rest], "big")
                        return Message(NAME, "event", "publish", None, known.object, (state, sequence, *known.values), known.status)
        return self._learn(pdu, end, who)

    def _learn(self, pdu: bytes, end: int, who: bytes) -> Message:
        """Read every field, and remember what may stay the same."""
        outer = ber.element(pdu, _HEADER_BYTES, end)
        found: dict[int, ber.Element] = {}
        for one in ber.children(pdu, outer.start, outer.end, 16):
            found.setdefault(one.tag, one)
        if _STATE not in found or _SEQUENCE not in found:
            raise Malformed("a GOOSE message without its counters")
        reference = found.get(_REFERENCE) or found.get(_DATA_SET)
        name = None if reference is None else text(pdu[reference.start : reference.end], 129)
        status = OK
        if _NEEDS_COMMISSIONING in found and ber.boolean(pdu, found[_NEEDS_COMMISSIONING]):
            status = "needs_commissioning"
        if (_TEST in found and ber.boolean(pdu, found[_TEST])) or pdu[4] & _SIMULATED:
            status = "test"
        data = found.get(_ALL_DATA)
        values = () if data is None else self._values_of(pdu[data.start : data.end])
        state, sequence = found[_STATE], found[_SEQUENCE]
        if outer.end == outer.after == end and state.after == sequence.start - 2:
            if len(self._known) >= self.limits.pending:
                del self._known[next(iter(self._known))]
            head, tail = pdu[outer.start : state.start - 2], pdu[sequence.after : end] + pdu[4:6]
            self._known[who] = _Known(head, tail, name, status, values)
        counters = (ber.unsigned(pdu, state), ber.unsigned(pdu, sequence))
        return Message(NAME, "event", "publish", None, name, counters + values, status)

    def _values_of(self, data: bytes) -> tuple[Scalar, ...]:
        """The data set; publishers go back and forth between few states."""
        values = self._values.get(data)
        if values is None:
            values = mms_data.values(data, 0, len(data), self.limits)
            if len(self._values) >= self.limits.pending:
                del self._values[next(iter(self._values))]
            self._values[data] = values
        return values


def _management(pdu: bytes, end: int, to_responder: bool, limits: Limits) -> Message:
    """A management PDU: a state id, then one request or response (IEC 61850-8-1 annex A)."""
    outer = ber.element(pdu, _HEADER_BYTES, end)
    for one in ber.children(pdu, outer.start, outer.end, 8):
        if one.tag not in {0xA1, 0xA2}:
            continue
        role: Role = "request" if one.tag == 0xA1 else "response"
        if one.start >= one.end:
            return Message(NAME, role, "management")
        service = ber.element(pdu, one.start, one.end)
        operation = _SERVICES.get(service.tag & 0x1F) or "management"
        name = None
        for part in ber.children(pdu, service.start, service.end, limits.items) if service.tag & 0x20 else ():
            if part.tag in {0x80, 0x1A}:
                name = text(pdu[part.start : part.end], 129)
                break
        return Message(NAME, role, operation, None, name)
    return Message(NAME, "request" if to_responder else "response", "management")


def recognise(data: bytes, to_responder: bool) -> int:  # noqa: ARG001 - the interface's shape
    """Score that this is GOOSE: the length of the header is that of the PDU inside."""
    if len(data) < _HEADER_BYTES + 2 or data[8] not in {_PUBLISH, _MANAGEMENT}:
        return NO
    end = data[2] << 8 | data[3]
    if not _HEADER_BYTES + 2 <= end <= len(data):
        return NO
    first = data[9]
    width = first & 0x7F if first > 0x80 else 0
    size = int.from_bytes(data[10 : 10 + width], "big") if width else first
    return CERTAIN if 10 + width + size == end else LIKELY


DISSECTORS = (Dissector(NAME, "ethernet", (ETHERTYPE,), recognise, Goose, ot=True),)
