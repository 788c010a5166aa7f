"""Conversations over ISO transport on TCP (RFC 1006, port 102): S7comm, S7comm-plus or MMS, told apart by what they carry.

One session serves all three, because the connection request comes before the first message and may fit more than one. The rows
differ in what they recognise; what counts is the protocol each message names. Remote desktop (RDP), which
uses the same transport, is refused.
"""

from __future__ import annotations

from functools import lru_cache

from hauberk.errors import Malformed
from hauberk.model.transaction import Message
from hauberk.sense.dissect import iso_presentation, iso_transport, mms, s7comm, s7comm_plus
from hauberk.sense.dissect.interface import CERTAIN, NO, POSSIBLE, Dissector
from hauberk.sense.dissect.iso_transport import CONNECTION_CONFIRM, CONNECTION_REQUEST, DATA, SHORTEST_BYTES, Connection, Reassembly
from hauberk.sense.dissect.limits import Limits
from hauberk.sense.dissect.mms import Mms
from hauberk.sense.dissect.s7comm import S7comm
from hauberk.sense.dissect.s7comm_plus import S7commPlus

_WHOLE = b"\x02\xf0\x80"
"""A data PDU that is a whole transport service data unit."""
_FRAMES = 8
"""Frames looked at for one that tells the protocol."""
_TLS_RECORDS = frozenset({0x14, 0x15, 0x16, 0x17})


class IsoOnTcp:
    """One conversation over ISO transport on TCP."""

    __slots__ = ("_foreign", "_limits", "_mms", "_parts", "_plus", "_s7comm")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._parts = (Reassembly(limits.message_bytes), Reassembly(limits.message_bytes))
        self._s7comm: S7comm | None = None
        self._plus: S7commPlus | None = None
        self._mms: Mms | None = None
        self._foreign = False

    def frame_length(self, data: bytes, to_responder: bool) -> int:  # noqa: ARG002 - the interface's shape
        """Bytes of the first TPKT frame; 0 while its header is not there. Raises ``Malformed``."""
        if len(data) >= SHORTEST_BYTES and data[0] == 3 and not data[1] and (length := data[2] << 8 | data[3]) >= SHORTEST_BYTES:
            return length
        return iso_transport.frame_length(data)

    def read(self, pdu: bytes, to_responder: bool) -> list[Message]:
        """Messages that this TPKT frame completes. Raises ``Malformed``."""
        parts = self._parts[to_responder]
        if pdu[4:7] == _WHOLE and parts.idle:
            if len(pdu) == SHORTEST_BYTES:
                return []
            if pdu[SHORTEST_BYTES] == s7comm.PROTOCOL_ID:
                reader = self._s7comm
                if reader is None:
                    reader = self._s7comm = S7comm(self._limits)
                return reader.read(pdu, SHORTEST_BYTES, to_responder)
            return self._unit(pdu[SHORTEST_BYTES:], to_responder)
        kind = iso_transport.pdu_type(pdu)
        if kind is None:
            raise Malformed("not a class 0 transport PDU")
        if kind != DATA:
            parts.forget()
            return []
        unit = parts.add(pdu)
        return self._unit(unit, to_responder) if unit else []

    def _unit(self, unit: bytes, to_responder: bool) -> list[Message]:
        """Hand one transport service data unit to the protocol it begins like."""
        first = unit[0]
        if first == s7comm.PROTOCOL_ID and (self._s7comm is not None or s7comm.looks_like(unit, 0)):
            self._s7comm = self._s7comm or S7comm(self._limits)
            return self._s7comm.read(unit, 0, to_responder)
        if first == s7comm_plus.PROTOCOL_ID and (self._plus is not None or s7comm_plus.looks_like(unit, 0)):
            self._plus = self._plus or S7commPlus(self._limits)
            return self._plus.read(unit, 0, to_responder)
        if self._plus is not None and first in _TLS_RECORDS:
            self._plus.secured = True
            return []
        if self._s7comm is not None or self._plus is not None:
            raise Malformed(f"user data begins with 0x{first:02x}")
        if self._mms is None and not iso_presentation.looks_like(unit, 0):
            return []  # data that user programs of controllers exchange without a protocol
        self._mms = self._mms or Mms(self._limits)
        return self._mms.read(unit, to_responder)

    def gap(self, to_responder: bool) -> None:
        """Forget what was half read in that direction."""
        self._parts[to_responder].forget()
        if self._s7comm is not None:
            self._s7comm.gap()
        if self._plus is not None:
            self._plus.gap(to_responder)

    @property
    def finished(self) -> bool:
        """True once TLS begins inside, or when the agreed presentation contexts carry no MMS."""
        if self._plus is not None:
            return self._plus.secured
        return self._mms is not None and self._mms.presentation.foreign


def recognise_s7comm(data: bytes, to_responder: bool) -> int:  # noqa: ARG001 - the interface's shape
    """Score that a conversation begins like S7comm."""
    return _score(data, s7comm.NAME)


def recognise_s7comm_plus(data: bytes, to_responder: bool) -> int:  # noqa: ARG001 - the interface's shape
    """Score that a conversation begins like S7comm-plus."""
    return _score(data, s7comm_plus.NAME)


def recognise_mms(data: bytes, to_responder: bool) -> int:  # noqa: ARG001 - the interface's shape
    """Score that a conversation begins like MMS."""
    return _score(data, mms.NAME)


def _score(data: bytes, name: str) -> int:
    """Certain of the protocol the bytes speak for; possible for the others, because one session reads them all."""
    if len(data) < SHORTEST_BYTES:
        return POSSIBLE if data[:2] == b"\x03\x00" else NO
    found = _protocol(data)
    if found is None:
        return NO
    return CERTAIN if found == name else POSSIBLE


@lru_cache(maxsize=8)
def _protocol(data: bytes) -> str | None:
    """The protocol of the first frame that tells; cached because each row asks for the same bytes."""
    guess: str | None = None
    for _ in range(_FRAMES):
        kind = iso_transport.pdu_type(data)
        if kind is None:
            return guess
        length = data[2] << 8 | data[3]
        if kind == DATA and length > SHORTEST_BYTES:
            return _content(data[:length]) or guess
        if kind in {CONNECTION_REQUEST, CONNECTION_CONFIRM}:
            selectors = iso_transport.connection(data)
            if selectors is None:
                return None
            guess = _by_selectors(selectors)
        elif guess is None:
            guess = s7comm.NAME  # controllers acknowledge with empty data PDUs
        data = data[length:]
    return guess


def _content(frame: bytes) -> str | None:
    if s7comm.looks_like(frame, SHORTEST_BYTES):
        return s7comm.NAME
    if s7comm_plus.looks_like(frame, SHORTEST_BYTES):
        return s7comm_plus.NAME
    return mms.NAME if iso_presentation.looks_like(frame, SHORTEST_BYTES) else None


def _by_selectors(selectors: Connection) -> str:
    """Controllers put a connection kind before rack and slot, later families a name; MMS counts from 0."""
    if selectors.called.startswith(b"SIMATIC-ROOT"):
        return s7comm_plus.NAME
    for selector in selectors:
        if (len(selector) == 2 and selector[0]) or selector.startswith(b"SIMATIC"):
            return s7comm.NAME
    return mms.NAME


DISSECTORS = (
    Dissector(s7comm.NAME, "tcp", (102,), recognise_s7comm, IsoOnTcp, ot=True),
    Dissector(s7comm_plus.NAME, "tcp", (102,), recognise_s7comm_plus, IsoOnTcp, ot=True),
    Dissector(mms.NAME, "tcp", (102,), recognise_mms, IsoOnTcp, ot=True),
)
