"""NetBIOS name service (RFC 1001, RFC 1002 section 4.2; UDP port 137): names of Windows and Samba hosts.

``operation``: query, registration, release, wait_for_acknowledgement, refresh. ``code`` is the type (32 NB, 33 NBSTAT) of the
question, of the answer where nothing is asked. ``object`` is ``name<suffix>`` with the suffix in hexadecimal. ``value`` of
responses: addresses, or the names of a node. Hints: the host name from registrations (unique names only) and node status, with
the hardware address of the latter.
"""

from __future__ import annotations

from hauberk.errors import Malformed
from hauberk.model.address import ip_text, mac_text
from hauberk.model.hint import Hint, HintKey
from hauberk.model.transaction import MALFORMED, OK, Message, Role, Scalar
from hauberk.sense.dissect import dns_names as n
from hauberk.sense.dissect.dns_message import HEADER, DnsMessage, Record, read_message
from hauberk.sense.dissect.interface import LIKELY, NO, Dissector, StatelessSession
from hauberk.sense.dissect.limits import DEFAULT_LIMITS, Limits
from hauberk.sense.dissect.reader import Reader, text

_OPERATIONS = {
    0: "query",
    5: "registration",
    6: "release",
    7: "wait_for_acknowledgement",
    8: "refresh",
    9: "refresh",
    15: "multi_homed_registration",
}
"""RFC 1002 section 4.2.1.1; 9 is an old mistake for 8, 15 is Microsoft's."""
_CLAIMS = frozenset({5, 8, 9, 15})
"""Requests by which a host says that a name is its own."""
_STATUS = {1: "format_error", 2: "server_failure", 3: "name_error", 4: "unsupported", 5: "refused", 6: "active", 7: "conflict"}
"""RFC 1002 section 4.2.6 and 4.2.10."""
_HOST_SUFFIXES = frozenset({0x00, 0x20})
"""Workstation and file server: the name of the host itself."""
_GROUP = 0x8000
_ENCODED = 32
_V4_MAPPED = 0xFFFF_0000_0000


def decode_name(encoded: str) -> tuple[str, int] | None:
    """Name and suffix of a first-level encoded label (RFC 1001 section 14.1): half-bytes as letters from A."""
    letters = encoded.partition(".")[0].encode("ascii", "replace")
    if len(letters) != _ENCODED or not all(97 <= letter <= 112 for letter in letters):
        return None
    raw = bytes((letters[at] - 97) << 4 | letters[at + 1] - 97 for at in range(0, _ENCODED, 2))
    return text(raw[:15].rstrip(b" \x00"), 60), raw[15]


def _shown(encoded: str) -> str:
    decoded = decode_name(encoded)
    return encoded if decoded is None else f"{decoded[0].lower()}<{decoded[1]:02x}>"


def _address_records(data: bytes, records: tuple[Record, ...]) -> list[tuple[str, int, str]]:
    """Name, flags and address of NB records (RFC 1002 section 4.2.1.3)."""
    found: list[tuple[str, int, str]] = []
    for record in records:
        if record.type != n.NB:
            continue
        for at in range(record.start, record.end - 5, 6):
            address = ip_text(0, _V4_MAPPED | int.from_bytes(data[at + 2 : at + 6], "big"))
            found.append((record.name, data[at] << 8 | data[at + 1], address))
    return found


def _host_hints(named: list[tuple[str, int, str]], limits: Limits) -> list[Hint]:
    hints: list[Hint] = []
    for encoded, flags, address in named[: limits.items]:
        decoded = decode_name(encoded)
        if decoded is not None and decoded[0] not in {"", "*"} and decoded[1] in _HOST_SUFFIXES and not flags & _GROUP:
            hints.append(Hint(HintKey.HOSTNAME, decoded[0].lower(), None if address == "0.0.0.0" else address))  # noqa: S104 - compared, not bound
    return hints


def _node_status(data: bytes, record: Record, limits: Limits) -> tuple[list[Scalar], list[Hint]]:
    """Names and hardware address of a node (RFC 1002 section 4.2.18)."""
    reader = Reader(data, record.start, record.end)
    names: list[Scalar] = []
    hints: list[Hint] = []
    for _ in range(reader.u8()):
        name = text(reader.take(15).rstrip(b" \x00"), 60).lower()
        suffix, flags = reader.u8(), reader.u16()
        if len(names) < limits.items:
            names.append(f"{name}<{suffix:02x}>")
            if suffix == 0 and not flags & _GROUP:
                hints.append(Hint(HintKey.HOSTNAME, name))
    mac = int.from_bytes(reader.take(6), "big")
    if mac:
        hints.append(Hint(HintKey.MAC, mac_text(mac)))
    return names, hints


class _Session(StatelessSession):
    """Names are claimed, asked for and given in single datagrams."""

    __slots__ = ()

    def read(self, pdu: bytes, to_responder: bool) -> list[Message]:  # noqa: ARG002 - the message itself says its direction
        """The message in one datagram."""
        message = read_message(pdu, self.limits)
        opcode = message.opcode
        said: list[Scalar] = []
        hints: list[Hint] = []
        status = OK if message.whole else MALFORMED
        if message.response:
            if status == OK and message.flags & 15:
                status = _STATUS.get(message.flags & 15) or f"rcode_{message.flags & 15}"
            said, hints, inside = self._answers(pdu, message)
            status = inside or status
        elif opcode in _CLAIMS:
            hints = _host_hints(_address_records(pdu, message.additionals), self.limits)
        name, code = None, None
        if message.questions:
            name, code, _ = message.questions[0]
        elif message.answers:
            name, code = message.answers[0].name, message.answers[0].type
        role: Role = "response" if message.response else "request"
        operation = _OPERATIONS.get(opcode) or f"opcode_{opcode}"
        shown = None if name is None else _shown(name)
        return [Message("nbns", role, operation, code, shown, tuple(said) or None, status, write=False, hints=tuple(hints))]

    def _answers(self, pdu: bytes, message: DnsMessage) -> tuple[list[Scalar], list[Hint], str | None]:
        named = _address_records(pdu, message.answers)[: self.limits.items]
        said: list[Scalar] = [address for _, _, address in named]
        hints = [] if message.flags & 15 else _host_hints(named, self.limits)
        for record in message.answers:
            if record.type == n.NBSTAT:
                try:
                    names, about = _node_status(pdu, record, self.limits)
                except Malformed:
                    return said, hints, MALFORMED
                return said + names, hints + about, None
        return said, hints, None


def _recognise(data: bytes, to_responder: bool) -> int:  # noqa: ARG001 - a message looks alike in both directions
    """A first-level encoded name is unmistakable."""
    if len(data) < HEADER.size + 34 or data[HEADER.size] != _ENCODED:
        return NO
    message = read_message(data, DEFAULT_LIMITS)
    first = message.questions[0].name if message.questions else message.answers[0].name if message.answers else ""
    return LIKELY if message.whole and message.opcode in _OPERATIONS and decode_name(first) is not None else NO


DISSECTORS: tuple[Dissector, ...] = (Dissector("nbns", "udp", (137,), _recognise, _Session),)
