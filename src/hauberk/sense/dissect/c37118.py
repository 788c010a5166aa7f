"""Synchrophasors over TCP and UDP (IEEE C37.118.2-2011, and the 2005 edition, clause 6).

``code`` is the frame type, ``object`` the identification code of the stream. ``value`` is the frequency of each station (Hz) of
a data frame whose configuration was seen in the same conversation, the station names of a configuration, the text of a header, and
the name of a command. ``status`` of a data frame is the worst its stations report. Phasors are not kept.
"""

from __future__ import annotations

import math
from binascii import crc_hqx
from struct import Struct

from hauberk.errors import Malformed
from hauberk.model.hint import Hint, HintKey
from hauberk.model.transaction import MALFORMED, OK, Message, Role, Scalar, Value
from hauberk.sense.dissect.c37118_config import Configuration, configuration
from hauberk.sense.dissect.interface import CERTAIN, LIKELY, NO, POSSIBLE, Dissector
from hauberk.sense.dissect.limits import Limits
from hauberk.sense.dissect.reader import text

DATA, HEADER, CONFIGURATION_1, CONFIGURATION_2, COMMAND, CONFIGURATION_3 = range(6)

_OPERATIONS = ("data", "header", "configuration_frame_1", "configuration_frame_2", "command", "configuration_frame_3")
_ROLES: tuple[Role, ...] = ("event", "response", "response", "response", "request", "response")
_COMMANDS = {
    1: "turn_off_transmission",
    2: "turn_on_transmission",
    3: "send_header_frame",
    4: "send_configuration_frame_1",
    5: "send_configuration_frame_2",
    6: "send_configuration_frame_3",
    8: "extended_frame",
}
_WRITES = frozenset({1, 2, 8})
_STATES = (OK, "pmu_error_no_data", "test_mode", "pmu_error")
_HEAD = Struct(">BBHHII")
_LEAST = 16
_CLIENT_ROLE = Hint(HintKey.ROLE, "c37118.client")
_SERVER_ROLE = Hint(HintKey.ROLE, "c37118.server")


class SynchrophasorSession:
    """One conversation between a measurement unit or concentrator and who asked for its data."""

    __slots__ = ("_configurations", "_introduced", "_limits", "_names")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._configurations: dict[int, Configuration] = {}
        self._names: dict[int, str] = {}
        self._introduced = [False, False]

    def frame_length(self, data: bytes, to_responder: bool) -> int:  # noqa: ARG002 - the interface's shape
        """SYNC and FRAMESIZE (clause 6.2)."""
        if len(data) < 4:
            if data[:1] not in {b"", b"\xaa"}:
                raise Malformed("no synchronisation byte")
            return 0
        size = data[2] << 8 | data[3]
        if data[0] != 0xAA or data[1] >= 0x60 or size < _LEAST:
            raise Malformed("no synchronisation word, or an impossible size")
        return size

    def read(self, pdu: bytes, to_responder: bool) -> list[Message]:  # noqa: ARG002 - the frame type says who sends
        """The frames in ``pdu``: one of a stream, one or more of a datagram."""
        end = len(pdu)
        messages: list[Message] = []
        at = 0
        while at < end and len(messages) < self._limits.messages:
            if end - at < _LEAST or pdu[at] != 0xAA or pdu[at + 1] >= 0x60:
                raise Malformed("no synchronisation word")
            size = pdu[at + 2] << 8 | pdu[at + 3]
            frame = pdu if size == end else pdu[at : at + size]
            if len(frame) < size or size < _LEAST:
                raise Malformed(f"frame of {size} bytes, {end - at} there")
            messages.append(self._frame(frame))
            at += size
        return messages

    def gap(self, to_responder: bool) -> None:
        """Nothing is half read; a configuration lost in the gap shows as data of another size."""

    @property
    def finished(self) -> bool:
        """More may follow."""
        return False

    def _frame(self, frame: bytes) -> Message:
        kind, code = frame[1] >> 4, frame[4] << 8 | frame[5]
        name = self._names.get(code) or self._name(code)
        if crc_hqx(frame[:-2], 0xFFFF) != (frame[-2] << 8 | frame[-1]):
            return Message("c37118", _ROLES[kind], _OPERATIONS[kind], kind, name, None, MALFORMED)
        hints = () if self._introduced[kind == COMMAND] else self._introduce(kind == COMMAND)
        if kind == DATA:
            known = self._configurations.get(code)
            if known is None or known.size != len(frame):
                return Message("c37118", "event", "data", DATA, name, None, OK, False, hints)
            value, status = _measured(known, frame)
            return Message("c37118", "event", "data", DATA, name, value, status, False, hints)
        if kind == COMMAND:
            command = frame[14] << 8 | frame[15] if len(frame) >= 18 else None
            if command is None:
                return Message("c37118", "request", "command", COMMAND, name, None, MALFORMED)
            told = _COMMANDS.get(command, f"command_0x{command:04x}")
            return Message("c37118", "request", "command", COMMAND, name, told, OK, command in _WRITES, hints)
        if kind == HEADER:
            return Message("c37118", "response", "header", HEADER, name, text(frame[14:-2], self._limits.text), OK, False, hints)
        return self._configure(frame, kind, code, hints)

    def _configure(self, frame: bytes, kind: int, code: int, hints: tuple[Hint, ...]) -> Message:
        name, operation = self._name(code), _OPERATIONS[kind]
        try:
            found = configuration(frame, kind, self._limits)
        except Malformed:
            return Message("c37118", "response", operation, kind, name, None, MALFORMED, False, hints)
        if found is None:
            return Message("c37118", "response", operation, kind, name, None, OK, False, hints)
        # Configuration 1 tells what the sender could do, the others what it does.
        if kind != CONFIGURATION_1 and (code in self._configurations or len(self._configurations) < self._limits.pending):
            self._configurations[code] = found
        if len(found.names) == 1 and found.names[0]:
            hints += (Hint(HintKey.HOSTNAME, found.names[0]),)
        return Message("c37118", "response", operation, kind, name, found.names, OK, False, hints)

    def _name(self, code: int) -> str:
        name = str(code)
        if len(self._names) < self._limits.pending:
            self._names[code] = name
        return name

    def _introduce(self, command: bool) -> tuple[Hint, ...]:
        self._introduced[command] = True
        return (_CLIENT_ROLE,) if command else (_SERVER_ROLE,)


def _measured(known: Configuration, frame: bytes) -> tuple[Value, str]:
    """Frequencies in Hz to the millihertz, and the worst state (STAT bits 15 and 14) of the stations."""
    fields = known.layout.unpack_from(frame, 14)
    if len(fields) == 2:
        state, raw = fields
        return _frequency(raw, known.nominal[0]), _STATES[state >> 14]
    status = OK
    values: list[Scalar] = []
    for number, base in enumerate(known.nominal):
        state = fields[2 * number] >> 14
        if state and status == OK:
            status = _STATES[state]
        values.append(_frequency(fields[2 * number + 1], base))
    return tuple(values), status


def _frequency(raw: float, nominal: float | None) -> float | None:
    if nominal is not None:
        return round(nominal + raw / 1000, 3)
    return round(raw, 3) if math.isfinite(raw) else None


def recognise(data: bytes, to_responder: bool) -> int:  # noqa: ARG001 - frames say themselves who sends
    """A synchronisation word, a size and, where the frame is whole, a check that agrees."""
    if len(data) < _LEAST or data[0] != 0xAA or data[1] >= 0x60 or not 1 <= data[1] & 15 <= 3:
        return NO
    _, _, size, _, _, _ = _HEAD.unpack_from(data)
    if size < _LEAST:
        return NO
    if size > len(data):
        return LIKELY
    checked = crc_hqx(data[: size - 2], 0xFFFF) == (data[size - 2] << 8 | data[size - 1])
    return CERTAIN if checked else POSSIBLE


DISSECTORS = (
    Dissector("c37118", "tcp", (4712,), recognise, SynchrophasorSession, ot=True),
    Dissector("c37118", "udp", (4713, 4712), recognise, SynchrophasorSession, ot=True),
)
