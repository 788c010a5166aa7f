"""IEC 60870-5-104 (telecontrol over TCP; application data as in IEC 60870-5-101).

Each APDU is one message. ``code`` is the ASDU type of I frames and None for S and U frames. ``object`` is ``common address/object
address``: ``3/4500``, ``3/1300-1301`` for addresses that follow each other, ``3/7,9,12`` otherwise, cut to the bound of items;
the common address alone where no object is named. ``value`` holds the elements in the order of the objects: states, numbers, and
for commands the order and ``select`` or ``execute``. The cause of transmission decides the role and, where it says no, the status.
What is written to a station is judged from type and content, never from its effect: a negative confirmation is a write
with status ``negative_confirmation``.
"""

from __future__ import annotations

from struct import Struct
from typing import Final

from hauberk.errors import Malformed
from hauberk.model.hint import Hint, HintKey
from hauberk.model.transaction import MALFORMED, OK, Message, Role, Scalar, Value
from hauberk.sense.dissect import iec104_types as types
from hauberk.sense.dissect.iec104_types import TYPES, AsduType, Row
from hauberk.sense.dissect.interface import CERTAIN, LIKELY, NO, POSSIBLE, Dissector
from hauberk.sense.dissect.limits import Limits

NAME: Final = "iec104"
PORT: Final = 2404

_START: Final = 0x68
_ASDU: Final = Struct("<BBBBH")
_OBJECTS: Final = 12
"""Where the first object address begins in a frame: 2 bytes of start and length, 4 of control, 6 of ASDU header."""
_LEAST, _MOST = 4, 253
_COUNTER_INTERROGATION, _CALL, _DELETE_FILE = 101, 122, 4
_FILE_WRITES: Final = frozenset({120, 121, 123, 125})
_FILE_TYPES: Final = range(120, 128)
_TESTED_CAUSES: Final = frozenset({*range(1, 14), *range(20, 42), *range(44, 48)})
_RECOGNISED_FRAMES: Final = 4
_CONTROLLED: Final = (Hint(HintKey.ROLE, "iec104.controlled_station"),)
_CONTROLLING: Final = (Hint(HintKey.ROLE, "iec104.controlling_station"),)
_SUPERVISORY: Final = Message(NAME, "response", "supervisory")
_UNNUMBERED: Final = {
    control: Message(NAME, "request" if name.endswith("act") else "response", name) for control, name in types.U_FRAMES.items()
}


def _roles() -> dict[tuple[bool, int], Role | None]:
    """Role by (type is a command, cause); None where only the direction can tell."""
    roles: dict[tuple[bool, int], Role | None] = {}
    for cause in range(64):
        answer: Role | None = (
            "response" if cause in types.CONFIRMATIONS or 20 <= cause <= 41 or cause in types.CAUSE_STATUSES else None
        )
        event: Role | None = "event" if cause in types.EVENT_CAUSES else None
        asked = cause in {types.ACTIVATION, types.DEACTIVATION}
        roles[True, cause] = answer or ("request" if asked or cause == 5 else None)
        roles[False, cause] = answer or event or ("request" if asked else "response" if cause == 5 else None)
    return roles


_ROLES: Final = _roles()


class Iec104Session:
    """One connection between a controlling and a controlled station."""

    __slots__ = ("_controlling", "_items", "_places", "_told_controlled", "_told_controlling", "limits")

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._items = limits.items
        self._places: dict[tuple[int, int], str] = {}
        self._controlling: bool | None = None
        """The direction in which the controlling station sends, once a message told it."""
        self._told_controlled = False
        self._told_controlling = False

    def frame_length(self, data: bytes, to_responder: bool) -> int:  # noqa: ARG002 - both directions are framed alike
        """The length byte counts what follows it."""
        if data[:1] != b"\x68":
            if data:
                raise Malformed("no start byte of an APDU")
            return 0
        if len(data) < 2:
            return 0
        if not _LEAST <= data[1] <= _MOST:
            raise Malformed(f"an APDU of {data[1]} bytes")
        return data[1] + 2

    def read(self, pdu: bytes, to_responder: bool) -> list[Message]:
        """The one message of an APDU."""
        if len(pdu) < 6 or len(pdu) != self.frame_length(pdu, to_responder):
            raise Malformed("not one whole APDU")
        control = pdu[2]
        if not control & 1:
            return [self._information(pdu, to_responder)]
        if control & 3 == 1:
            return [_SUPERVISORY if len(pdu) == 6 else _SUPERVISORY._replace(status=MALFORMED)]
        message = _UNNUMBERED.get(control)
        if message is None or len(pdu) != 6:
            role: Role = "request" if to_responder else "response"
            return [Message(NAME, role, "unnumbered_control", status=MALFORMED)]
        if control == 0x07:
            self._controlling = to_responder
            return [self._hinted(message)]
        return [message]

    def gap(self, to_responder: bool) -> None:
        """Nothing is half read."""

    @property
    def finished(self) -> bool:
        """More may follow."""
        return False

    def _hinted(self, message: Message) -> Message:
        if message.role == "request":
            if self._told_controlling:
                return message
            self._told_controlling = True
            return message._replace(hints=_CONTROLLING)
        if self._told_controlled:
            return message
        self._told_controlled = True
        return message._replace(hints=_CONTROLLED)

    def _information(self, pdu: bytes, to_responder: bool) -> Message:
        """An I frame with its ASDU (IEC 60870-5-101 clause 7.2)."""
        if len(pdu) < _OBJECTS:
            return Message(NAME, "request" if to_responder else "response", "information_transfer", status=MALFORMED)
        number, qualifier, cause_byte, _, common = _ASDU.unpack_from(pdu, 6)
        cause, negative = cause_byte & 0x3F, cause_byte & 0x40
        row = TYPES.get(number)
        role = _ROLES[row is not None and row.control, cause]
        if role is None:
            role = self._role_by_direction(row, to_responder)
        elif row is not None and row.control:
            self._controlling = to_responder == (role == "request")
        status = types.CAUSE_STATUSES.get(cause) or ("negative_confirmation" if negative and cause in types.CONFIRMATIONS else OK)
        if row is None:
            return Message(NAME, role, f"reserved_type_{number}", number, str(common), None, status)
        place, value, whole = self._elements(pdu, row, qualifier, common)
        if not whole:
            status = MALFORMED
        write = row.write
        if number == _COUNTER_INTERROGATION:
            write = len(pdu) > 15 and pdu[15] >= 0x40
        elif number in _FILE_TYPES:
            write = self._writes_file(pdu, number, to_responder)
        told = self._told_controlling if role == "request" else self._told_controlled
        message = Message(NAME, role, row.operation, number, place, value, status, write)
        return message if told else self._hinted(message)

    def _role_by_direction(self, row: AsduType | None, to_responder: bool) -> Role:
        """Types and causes that do not go together, and file transfer: who sends decides."""
        controlling = to_responder if self._controlling is None else to_responder == self._controlling
        if controlling:
            return "request"
        return "event" if row is not None and not row.control else "response"

    def _writes_file(self, pdu: bytes, number: int, to_responder: bool) -> bool:
        """Sending a file to the controlled station, or deleting one there, is a write; fetching one is not."""
        controlling = to_responder if self._controlling is None else to_responder == self._controlling
        if number == _CALL:
            return controlling and len(pdu) > 18 and pdu[18] & 0x0F == _DELETE_FILE
        return controlling and number in _FILE_WRITES

    def _elements(self, pdu: bytes, row: AsduType, qualifier: int, common: int) -> tuple[str, Value, bool]:
        """Object, value, and whether the ASDU is as long as its objects."""
        count, sequence, items = qualifier & 0x7F, qualifier & 0x80, self._items
        size = len(pdu) - _OBJECTS
        if row.addressed is None or row.element is None:
            return (self._place(common, pdu), None, True) if size >= 3 else (str(common), None, count == 0)
        if count == 1 and size == row.addressed.size:
            one = row.addressed.unpack_from(pdu, _OBJECTS)
            address = one[0] | one[1] << 16
            place = self._places.get((common, address)) or self._remember(common, address)
            values = None if row.decode is None else row.decode((one,), 2)
            return place, (values[0] if len(values) == 1 else tuple(values)) if values else None, True
        if count == 0 or size < 3:
            return str(common), None, count == 0 and size == 0
        if sequence:
            needed = 3 + row.element.size * count
            kept = min(count, items, (size - 3) // row.element.size) if row.element.size else 0
            rows: list[Row] = list(row.element.iter_unpack(pdu[15 : 15 + row.element.size * kept])) if kept else []
            first = pdu[12] | pdu[13] << 8 | pdu[14] << 16
            place = f"{common}/{first}-{first + count - 1}" if count > 1 else f"{common}/{first}"
        else:
            needed = row.addressed.size * count
            kept = min(count, items, size // row.addressed.size)
            rows = list(row.addressed.iter_unpack(pdu[_OBJECTS : _OBJECTS + row.addressed.size * kept]))
            place = _listed(common, [entry[0] | entry[1] << 16 for entry in rows], count)
        whole = size == needed
        found: list[Scalar] = row.decode(rows, 0 if sequence else 2) if row.decode is not None else []
        return place, tuple(found[:items]) or None, whole

    def _place(self, common: int, pdu: bytes) -> str:
        address = pdu[12] | pdu[13] << 8 | pdu[14] << 16
        return self._places.get((common, address)) or self._remember(common, address)

    def _remember(self, common: int, address: int) -> str:
        places = self._places
        if len(places) >= self.limits.pending:
            places.clear()
        place = places[common, address] = f"{common}/{address}"
        return place


def _listed(common: int, addresses: list[int], count: int) -> str:
    """Several object addresses: a range where each is one more than the last and none was cut off."""
    if not addresses:
        return str(common)
    first, last = addresses[0], addresses[-1]
    if last - first + 1 == len(addresses) == count and addresses == list(range(first, last + 1)):
        return f"{common}/{first}-{last}" if last > first else f"{common}/{first}"
    return f"{common}/{','.join(map(str, addresses))}"


def recognise(data: bytes, to_responder: bool) -> int:  # noqa: ARG001 - a frame is judged by itself
    """A chain of APDUs, of which at least one holds more than a start byte and lengths that agree."""
    best = position = 0
    for _ in range(_RECOGNISED_FRAMES):
        if position >= len(data):
            break
        score = _score(data[position : position + 2 + _MOST])
        if score == NO:
            return NO
        best = max(best, score)
        if position + 1 >= len(data):
            break
        position += data[position + 1] + 2
    return best


def _score(data: bytes) -> int:
    """How well one frame at the start of ``data`` agrees with itself."""
    if data[0] != _START or (len(data) > 1 and not _LEAST <= data[1] <= _MOST):
        return NO
    length, control = (data[1], data[2]) if len(data) > 2 else (_LEAST, 0)
    if control & 1:
        return _score_control(data, length, control)
    if (len(data) > 2 and length < 10) or (len(data) > 4 and data[4] & 1):
        return NO
    if len(data) < length + 2 or len(data) < _OBJECTS:
        return POSSIBLE
    return _score_asdu(data[: length + 2])


def _score_control(data: bytes, length: int, control: int) -> int:
    """S and U frames: four bytes, most of which are fixed."""
    if length != 4 or (control & 3 == 1 and control != 1) or (control & 3 == 3 and control not in types.U_FRAMES) or any(data[3:4]):
        return NO
    if len(data) < 6:
        return POSSIBLE
    if control == 1:
        return LIKELY if not data[4] & 1 else NO
    return CERTAIN if data[4:6] == b"\0\0" else NO


def _score_asdu(frame: bytes) -> int:
    """How well the ASDU of an I frame agrees with its length."""
    row = TYPES.get(frame[6])
    count, size = frame[7] & 0x7F, len(frame) - _OBJECTS
    if row is None or frame[8] & 0x3F not in _TESTED_CAUSES or count == 0:
        return POSSIBLE
    if row.addressed is None or row.element is None:
        return LIKELY
    needed = 3 + row.element.size * count if frame[7] & 0x80 else row.addressed.size * count
    return CERTAIN if size == needed else POSSIBLE


DISSECTORS: tuple[Dissector, ...] = (Dissector(NAME, "tcp", (PORT,), recognise, Iec104Session, ot=True),)
