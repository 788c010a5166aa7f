"""Reads one message of the domain name family: DNS (RFC 1035), multicast DNS (RFC 6762), LLMNR (RFC 4795) and NBNS (RFC 1002).

All four share the header, the sections and name compression. Pointers are followed backwards only, each to before the start of
the piece it ends (RFC 1035 section 4.1.4 says "prior occurrence"), so that no name can make the reader loop. Must never read
outside the message it was given and never raise anything but ``Malformed``.
"""

from __future__ import annotations

from functools import lru_cache
from struct import Struct
from typing import NamedTuple

from hauberk.errors import Malformed
from hauberk.model.address import ip_text
from hauberk.sense.dissect import dns_names as n
from hauberk.sense.dissect.limits import Limits
from hauberk.sense.dissect.reader import text

HEADER = Struct(">6H")
_FIXED = Struct(">HHIH")
_TWO = Struct(">HH")
_PAIR = Struct(">QQ")
_SRV = Struct(">HHH")
_LONGEST_NAME = 255
_V4_MAPPED = 0xFFFF_0000_0000


class Question(NamedTuple):
    """What is asked for; ``class_`` keeps the unicast-response bit of RFC 6762 section 5.4."""

    name: str
    type: int
    class_: int


class Record(NamedTuple):
    """One resource record; its data lies between ``start`` and ``end`` (bytes) of the message."""

    name: str
    type: int
    class_: int
    ttl: int
    start: int
    end: int


class DnsMessage(NamedTuple):
    """A whole message, or as much as could be read where ``whole`` is false. ``end`` is where reading stopped, in bytes."""

    id: int
    flags: int
    questions: tuple[Question, ...]
    answers: tuple[Record, ...]
    authorities: tuple[Record, ...]
    additionals: tuple[Record, ...]
    end: int
    whole: bool

    @property
    def response(self) -> bool:
        """True for a response."""
        return self.flags & 0x8000 != 0

    @property
    def opcode(self) -> int:
        """Kind of query."""
        return self.flags >> 11 & 15

    @property
    def rcode(self) -> int:
        """Response code, with the upper bits of the OPT record where there is one (RFC 6891 section 6.1.3)."""
        code = self.flags & 15
        for record in self.additionals:
            if record.type == n.OPT:
                return code | record.ttl >> 24 << 4
        return code


@lru_cache(maxsize=1 << 13)
def _name_text(labels: tuple[bytes, ...]) -> str:
    shown = (label.replace(b"\\", b"\\\\").replace(b".", b"\\.") if b"." in label or b"\\" in label else label for label in labels)
    name = b".".join(shown).decode("utf-8", "backslashreplace").lower()
    if not name:
        return "."
    return name if name.isprintable() else name.encode("unicode_escape").decode("ascii")


def read_labels(data: bytes, position: int) -> tuple[tuple[bytes, ...], int]:
    """The labels of the name at ``position`` and where reading continues."""
    labels: list[bytes] = []
    size = 1
    after = 0
    floor = position
    try:
        while True:
            length = data[position]
            if length == 0:
                return tuple(labels), after or position + 1
            if length < 64:
                stop = position + 1 + length
                label = data[position + 1 : stop]
                size += length + 1
                if size > _LONGEST_NAME or len(label) != length:
                    raise Malformed(f"name of over {size - 1} bytes, or cut short, at byte {position}")
                labels.append(label)
                position = stop
            elif length >= 0xC0:
                target = (length & 63) << 8 | data[position + 1]
                after = after or position + 2
                if target >= floor:
                    raise Malformed(f"name pointer at byte {position} does not point back")
                position = floor = target
            else:
                raise Malformed(f"label type {length >> 6} at byte {position}")
    except IndexError:
        raise Malformed("name ends after the message") from None


def read_name(data: bytes, position: int) -> tuple[str, int]:
    """The name at ``position`` in lower case, dots inside labels escaped, and where reading continues."""
    labels, after = read_labels(data, position)
    return _name_text(labels), after


def _read_questions(data: bytes, count: int, keep: int) -> tuple[list[Question], int]:
    kept: list[Question] = []
    position = HEADER.size
    for _ in range(count):
        name, position = read_name(data, position)
        if position + 4 > len(data):
            raise Malformed("question ends after the message")
        if len(kept) < keep:
            kept.append(Question(name, *_TWO.unpack_from(data, position)))
        position += 4
    return kept, position


def _read_records(data: bytes, position: int, count: int, into: list[Record], keep: int, names: dict[int, str]) -> int:
    """Reads records and gives where they end. ``names`` remembers what was read where: most records point to a known name."""
    size = len(data)
    for _ in range(count):
        first = position
        known = names.get((data[first] & 63) << 8 | data[first + 1]) if first + 1 < size and data[first] >= 0xC0 else None
        if known is None:
            name, position = read_name(data, first)
            names[first] = name
        else:
            name, position = known, first + 2
        start = position + 10
        if start > size:
            raise Malformed("record ends after the message")
        kind, class_, ttl, length = _FIXED.unpack_from(data, position)
        position = start + length
        if position > size:
            raise Malformed("record data end after the message")
        if len(into) < keep:
            into.append(Record(name, kind, class_, ttl, start, position))
    return position


def read_message(data: bytes, limits: Limits) -> DnsMessage:
    """The message in ``data``. Raises ``Malformed`` where not even its header is there; a broken inside gives ``whole`` false."""
    if len(data) < HEADER.size:
        raise Malformed(f"message of {len(data)} bytes is shorter than its header")
    message_id, flags, *counts = HEADER.unpack_from(data)
    questions: list[Question] = []
    sections: tuple[list[Record], list[Record], list[Record]] = ([], [], [])
    position = HEADER.size
    whole = True
    try:
        questions, position = _read_questions(data, counts[0], limits.items)
        names = {HEADER.size: questions[0].name} if questions else {}
        for at, section in enumerate(sections, 1):
            if counts[at]:
                position = _read_records(data, position, counts[at], section, limits.items, names)
    except Malformed:
        whole = False
    answers, authorities, additionals = map(tuple, sections)
    return DnsMessage(message_id, flags, tuple(questions), answers, authorities, additionals, position, whole)


def address(data: bytes, record: Record) -> str | None:
    """The IP address an A or AAAA record gives, as text."""
    size = record.end - record.start
    if record.type == n.A and size == 4:
        return ip_text(0, _V4_MAPPED | int.from_bytes(data[record.start : record.end], "big"))
    if record.type == n.AAAA and size == 16:
        return ip_text(*_PAIR.unpack_from(data, record.start))
    return None


def strings(data: bytes, record: Record, limits: Limits) -> list[bytes]:
    """The character strings of a TXT record (RFC 1035 section 3.3.14)."""
    found: list[bytes] = []
    position = record.start
    while position < record.end and len(found) < limits.items:
        stop = position + 1 + data[position]
        if stop > record.end:
            raise Malformed("character string ends after its record")
        if stop > position + 1:
            found.append(data[position + 1 : stop])
        position = stop
    return found


def target(data: bytes, record: Record) -> str | None:
    """The name a CNAME, NS, PTR, DNAME, MX, SRV, SVCB or HTTPS record points to."""
    skip = _TARGET_AT.get(record.type)
    if skip is None or record.start + skip >= record.end:
        return None
    return read_name(data, record.start + skip)[0]


_TARGET_AT = {n.NS: 0, n.CNAME: 0, n.SOA: 0, n.PTR: 0, n.DNAME: 0, n.MX: 2, 64: 2, 65: 2, n.SRV: 6}
"""Bytes in front of the name, by record type: RFC 1035 section 3.3, RFC 2782, RFC 9460 section 2.2."""


def record_text(data: bytes, record: Record, limits: Limits) -> str:
    """What a record says: an address, a name (SRV: ``name:port``), a text; otherwise ``TYPE:n`` with its size in bytes."""
    found = address(data, record) or target(data, record)
    if found is not None:
        if record.type == n.SRV:
            return f"{found}:{_SRV.unpack_from(data, record.start)[2]}"
        return found
    if record.type == n.TXT:
        return text(b" ".join(strings(data, record, limits)), limits.text)
    return f"{n.type_name(record.type)}:{record.end - record.start}"
