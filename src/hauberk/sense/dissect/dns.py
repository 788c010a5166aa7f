"""Domain name system (RFC 1035) over UDP and TCP (RFC 7766), and link-local name resolution (LLMNR, RFC 4795).

One message each. ``operation`` is the opcode (``query``, ``notify``, ``update`` ...), ``code`` the type of the first question, or
None where there is no question. ``object`` is the name of the first question (of the first record where there is none), in lower
case without the final dot. ``value`` of a response is a tuple with what its answers say: addresses, names, texts; of an update,
what it changes; None where nothing is said. ``status`` is the response code. Must never believe a record about the sender: a
resolver speaks of others.
"""

from __future__ import annotations

from functools import partial
from ipaddress import IPv4Address

from hauberk.errors import Malformed
from hauberk.model.hint import Hint, HintKey
from hauberk.model.transaction import MALFORMED, OK, Message, Value
from hauberk.sense.dissect import dns_names as n
from hauberk.sense.dissect.dns_message import HEADER, DnsMessage, Record, address, read_message, record_text, target
from hauberk.sense.dissect.interface import LIKELY, NO, POSSIBLE, Dissector, StatelessSession
from hauberk.sense.dissect.limits import DEFAULT_LIMITS, Limits

_PREFIX = 2
_UPDATE = 5
_REVERSE = ".in-addr.arpa"
_SHARED = LIKELY - 5
"""Recognition score: a whole message that LLMNR, multicast DNS or NBNS would send as well."""


def values(data: bytes, records: tuple[Record, ...], limits: Limits) -> tuple[Value, str]:
    """What the records say, and ``malformed`` where one of them is broken inside."""
    said: list[str] = []
    status = OK
    for record in records:
        try:
            said.append(record_text(data, record, limits))
        except Malformed:
            status = MALFORMED
    return tuple(said) or None, status


def message_of(protocol: str, data: bytes, message: DnsMessage, hints: tuple[Hint, ...], limits: Limits) -> Message:
    """The application message of a parsed one, for every protocol of the family."""
    opcode = message.opcode
    records: tuple[Record, ...] = ()
    if opcode == _UPDATE:
        records = message.authorities
    elif message.response:
        records = message.answers
    value, status = values(data, records, limits)
    if not message.whole:
        status = MALFORMED
    elif status == OK and message.response:
        status = n.response_name(message.rcode)
    code, name = None, None
    if message.questions:
        name, code, _ = message.questions[0]
    elif records:
        name = records[0].name
    return Message(
        protocol,
        "response" if message.response else "request",
        n.OPERATIONS.get(opcode) or f"opcode_{opcode}",
        code,
        name,
        value,
        status,
        opcode == _UPDATE,
        hints,
    )


def reverse_address(name: str) -> str | None:
    """The IPv4 address a reverse name such as ``7.0.168.192.in-addr.arpa`` stands for (RFC 1035 section 3.5)."""
    parts = name.removesuffix(_REVERSE).split(".")
    if (
        not name.endswith(_REVERSE)
        or len(parts) != 4
        or not all(p.isascii() and p.isdigit() and len(p) <= 3 and int(p) < 256 for p in parts)
    ):
        return None
    return ".".join(str(int(part)) for part in reversed(parts))


def _reverse_hints(data: bytes, message: DnsMessage) -> list[Hint]:
    """A resolver's word for who holds a private address: the site's own register of names."""
    found: list[Hint] = []
    for record in message.answers:
        about = reverse_address(record.name) if record.type == n.PTR else None
        if about is None or not IPv4Address(about).is_private:
            continue
        try:
            name = target(data, record)
        except Malformed:
            continue
        if name is not None:
            found.append(Hint(HintKey.HOSTNAME, name, about))
    return found


class _Session(StatelessSession):
    """Remembers only which roles were already told."""

    __slots__ = ("_protocol", "_told")

    def __init__(self, limits: Limits, protocol: str) -> None:
        super().__init__(limits)
        self._protocol = protocol
        self._told = 0

    def read(self, pdu: bytes, to_responder: bool) -> list[Message]:  # noqa: ARG002 - the message itself says its direction
        """The message in one datagram."""
        message = read_message(pdu, self.limits)
        hints: list[Hint] = []
        if message.response:
            if message.answers:
                hints = self._hints(pdu, message)
            if not self._told & 1:
                self._told |= 1
                hints.append(Hint(HintKey.ROLE, f"{self._protocol}.server"))
        elif not self._told & 2:
            self._told |= 2
            hints.append(Hint(HintKey.ROLE, f"{self._protocol}.client"))
        return [message_of(self._protocol, pdu, message, tuple(hints), self.limits)]

    def _hints(self, pdu: bytes, message: DnsMessage) -> list[Hint]:
        if self._protocol == "dns":
            return _reverse_hints(pdu, message)
        found: list[Hint] = []
        for record in message.answers:
            about = address(pdu, record)
            if about is not None:
                found.append(Hint(HintKey.HOSTNAME, record.name, about))
        return found


class _StreamSession(_Session):
    """DNS over TCP: each message behind its length (RFC 1035 section 4.2.2)."""

    __slots__ = ()

    def frame_length(self, data: bytes, to_responder: bool) -> int:  # noqa: ARG002 - both directions are framed alike
        """The length prefix and what it announces."""
        if len(data) < _PREFIX:
            return 0
        size = data[0] << 8 | data[1]
        if size < HEADER.size:
            raise Malformed(f"announced message of {size} bytes is shorter than its header")
        return _PREFIX + size

    def read(self, pdu: bytes, to_responder: bool) -> list[Message]:
        """The message behind the length."""
        return super().read(pdu[_PREFIX:], to_responder)


def plausible(data: bytes) -> DnsMessage | None:
    """The message, where header and structure agree to the last byte; None otherwise."""
    if len(data) < HEADER.size + 5:
        return None
    _, flags, *counts = HEADER.unpack_from(data)
    if flags & 0x40 or flags >> 11 & 15 not in n.OPERATIONS or counts[0] > 64 or not any(counts) or max(counts) > 512:
        return None
    message = read_message(data, DEFAULT_LIMITS)
    if not message.whole or message.end != len(data):
        return None
    if not all(question.type in n.TYPES and question.class_ & 0x7FFF in n.CLASSES for question in message.questions):
        return None
    return message


def _recognise(data: bytes, to_responder: bool) -> int:  # noqa: ARG001 - a message looks alike in both directions
    """A name of several labels, not of multicast DNS, speaks for the global system; where a sister may speak too, ports decide."""
    message = plausible(data)
    if message is None or len(message.questions) > 1:
        return NO
    if not message.questions:
        return POSSIBLE
    name = message.questions[0].name
    shared = "." not in name or (message.id == 0 and name.endswith(".local"))
    return _SHARED if shared else LIKELY


def _recognise_stream(data: bytes, to_responder: bool) -> int:
    """As over UDP, where the first message is whole; otherwise by its first question."""
    if len(data) < _PREFIX + HEADER.size:
        return NO
    stop = _PREFIX + (data[0] << 8 | data[1])
    if stop <= len(data):
        return _recognise(data[_PREFIX:stop], to_responder)
    flags = data[4] << 8 | data[5]
    one_question = data[6:8] == b"\x00\x01"
    return POSSIBLE if one_question and not flags & 0x40 and flags >> 11 & 15 in n.OPERATIONS else NO


def _recognise_llmnr(data: bytes, to_responder: bool) -> int:  # noqa: ARG001 - a message looks alike in both directions
    """RFC 4795 section 2.1.1: opcode 0, one question; names are single labels or reverse names."""
    message = plausible(data)
    if message is None or message.opcode != 0 or len(message.questions) != 1 or message.flags & 0x00F0:
        return NO
    return LIKELY if "." not in message.questions[0].name and not message.flags & 0x0180 else POSSIBLE


DISSECTORS: tuple[Dissector, ...] = (
    Dissector("dns", "udp", (53,), _recognise, partial(_Session, protocol="dns")),
    Dissector("dns", "tcp", (53,), _recognise_stream, partial(_StreamSession, protocol="dns")),
    Dissector("llmnr", "udp", (5355,), _recognise_llmnr, partial(_Session, protocol="llmnr")),
)
