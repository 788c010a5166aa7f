"""Network time protocol (RFC 5905; control messages RFC 9327; UDP port 123).

``code`` is the mode, ``operation`` its name: ``client``, ``server``, ``symmetric_active``, ``symmetric_passive``, ``broadcast``,
``control``, ``private``. ``object`` is the reference identifier: a clock's name at stratum 1, an address above; for control and
private messages the name or number of what is asked, as ``read_variables`` or ``monlist``. ``value`` is the stratum. ``status``
of a server that refuses is its kiss code in lower case (RFC 5905 section 7.4), such as ``rate`` or ``deny``.
"""

from __future__ import annotations

from struct import Struct

from hauberk.errors import Malformed
from hauberk.model.hint import Hint, HintKey
from hauberk.model.transaction import MALFORMED, OK, Message, Role
from hauberk.sense.dissect.interface import LIKELY, NO, POSSIBLE, Dissector, StatelessSession
from hauberk.sense.dissect.limits import Limits

_MODES: tuple[tuple[str, Role], ...] = (
    ("reserved", "event"),
    ("symmetric_active", "request"),
    ("symmetric_passive", "response"),
    ("client", "request"),
    ("server", "response"),
    ("broadcast", "event"),
    ("control", "request"),
    ("private", "request"),
)
_CONTROL = {
    1: "read_status",
    2: "read_variables",
    3: "write_variables",
    4: "read_clock_variables",
    5: "write_clock_variables",
    6: "set_trap",
    7: "trap_response",
    8: "configure",
    9: "save_configuration",
    10: "read_most_recently_used",
    11: "read_ordered_list",
    12: "request_nonce",
    31: "unset_trap",
}
"""RFC 9327 section 2 and, from 8, the reference implementation."""
_CONTROL_WRITES = frozenset({3, 5, 6, 8, 9, 31})
_MONITOR_LISTS = frozenset({20, 42})
"""Private requests for the list of clients, which amplify an attack."""
_BASIC = 48
_HEAD = Struct(">BBbb4s4s4s")
_SHORTEST_CONTROL, _SHORTEST_PRIVATE = 12, 8
_SERVER, _CONTROL_MODE, _PRIVATE_MODE = 4, 6, 7
_YEAR_2000 = 0xBC17_C200
"""Seconds from 1900 to 2000, of era 0 (RFC 5905 section 6)."""


def _reference(stratum: int, identifier: bytes) -> str | None:
    if identifier == b"\x00\x00\x00\x00":
        return None
    if stratum < 2:
        name = identifier.rstrip(b"\x00")
        return name.decode("ascii") if name.isascii() and name.decode("ascii").isprintable() else identifier.hex()
    return f"{identifier[0]}.{identifier[1]}.{identifier[2]}.{identifier[3]}"


def _control(pdu: bytes) -> Message:
    if len(pdu) < _SHORTEST_CONTROL:
        raise Malformed(f"control message of {len(pdu)} bytes")
    flags = pdu[1]
    name = _CONTROL.get(flags & 31) or f"opcode_{flags & 31}"
    status = f"error_{pdu[4]}" if flags & 0x40 else OK
    return Message(
        "ntp", "response" if flags & 0x80 else "request", "control", 6, name, None, status, flags & 31 in _CONTROL_WRITES
    )


def _private(pdu: bytes) -> Message:
    if len(pdu) < _SHORTEST_PRIVATE:
        raise Malformed(f"private message of {len(pdu)} bytes")
    response = pdu[0] & 0x80 != 0
    name = "monlist" if pdu[3] in _MONITOR_LISTS else f"request_{pdu[3]}"
    error = pdu[4] >> 4 if response else 0
    return Message("ntp", "response" if response else "request", "private", 7, name, pdu[2], f"error_{error}" if error else OK)


class _Session(StatelessSession):
    """Remembers only that the server's role was told."""

    __slots__ = ("_told",)

    def __init__(self, limits: Limits) -> None:
        super().__init__(limits)
        self._told = False

    def read(self, pdu: bytes, to_responder: bool) -> list[Message]:  # noqa: ARG002 - the mode says the direction
        """The message in one datagram."""
        if not pdu:
            raise Malformed("empty datagram")
        mode = pdu[0] & 7
        if mode == _CONTROL_MODE:
            return [_control(pdu)]
        if mode == _PRIVATE_MODE:
            return [_private(pdu)]
        operation, role = _MODES[mode]
        if len(pdu) < _BASIC:
            return [Message("ntp", role, operation, mode, None, None, MALFORMED)]
        stratum = pdu[1]
        reference = _reference(stratum, pdu[12:16])
        status = OK
        hints: tuple[Hint, ...] = ()
        if mode == _SERVER:
            if stratum == 0 and reference is not None:
                status = reference.lower()
            if not self._told:
                self._told = True
                hints = (Hint(HintKey.ROLE, "ntp.server"),)
        return [Message("ntp", role, operation, mode, reference, stratum, status, False, hints)]


def _recognise(data: bytes, to_responder: bool) -> int:  # noqa: ARG001 - the mode says the direction
    """Fields within the ranges of RFC 5905 section 7.3, where even a client that hides its clock sends zeros."""
    if len(data) < _SHORTEST_PRIVATE:
        return NO
    version, mode = data[0] >> 3 & 7, data[0] & 7
    if not 1 <= version <= 4 or mode == 0:
        return NO
    if mode >= _CONTROL_MODE:
        return POSSIBLE
    if len(data) < _BASIC:
        return NO
    _, stratum, poll, precision, delay, dispersion, _ = _HEAD.unpack_from(data)
    if stratum > 16 or not -6 <= poll <= 17 or not -32 <= precision <= 0 or delay[0] not in {0, 255} or dispersion[0]:
        return POSSIBLE
    if len(data) == _BASIC and not any(data[1:40]):
        return LIKELY if data[40:44] != b"\x00\x00\x00\x00" or version >= 3 else POSSIBLE
    seconds = int.from_bytes(data[40:44], "big")
    return LIKELY if precision < 0 and (mode == 3 or seconds >= _YEAR_2000) else POSSIBLE


DISSECTORS: tuple[Dissector, ...] = (Dissector("ntp", "udp", (123,), _recognise, _Session),)
