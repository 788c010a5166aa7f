"""Multicast DNS (RFC 6762) with service discovery (RFC 6763), UDP port 5353: devices introduce themselves.

``operation``, ``code``, ``object``, ``value`` and ``status`` are those of ``dns``: ``code`` is the type of the first question and
None for the usual announcement, which asks nothing. Hints come from announcements: host names with their addresses, service
types, and the model, vendor, firmware, serial number and hardware address that TXT keys carry. Must never take the word of a
record with a lifetime of zero: it says goodbye (RFC 6762 section 10.1).
"""

from __future__ import annotations

import re

from hauberk.errors import Malformed
from hauberk.model.hint import Hint, HintKey
from hauberk.model.transaction import Message
from hauberk.sense.dissect import dns_names as n
from hauberk.sense.dissect.dns import message_of, plausible
from hauberk.sense.dissect.dns_message import Record, address, read_message, strings, target
from hauberk.sense.dissect.interface import LIKELY, NO, POSSIBLE, Dissector, StatelessSession
from hauberk.sense.dissect.limits import Limits
from hauberk.sense.dissect.reader import text

_SERVICE = re.compile(r"(?:^|\.)(_[a-z0-9_-]{1,63}\._(?:tcp|udp))\.")
_ENUMERATION = "_services._dns-sd._udp.local"
"""RFC 6763 section 9: asks for the types of all services."""
_MAC = re.compile(r"(?:[0-9a-f]{2}[:-]?){5}[0-9a-f]{2}", re.IGNORECASE)

_TXT_KEYS = {
    b"md": HintKey.MODEL,
    b"model": HintKey.MODEL,
    b"modelid": HintKey.MODEL,
    b"modelname": HintKey.MODEL,
    b"am": HintKey.MODEL,
    b"ty": HintKey.MODEL,
    b"mdl": HintKey.MODEL,
    b"usb_mdl": HintKey.MODEL,
    b"product": HintKey.MODEL,
    b"manufacturer": HintKey.VENDOR,
    b"mf": HintKey.VENDOR,
    b"usb_mfg": HintKey.VENDOR,
    b"vendor": HintKey.VENDOR,
    b"fv": HintKey.FIRMWARE,
    b"fw": HintKey.FIRMWARE,
    b"fw_version": HintKey.FIRMWARE,
    b"firmware": HintKey.FIRMWARE,
    b"srcvers": HintKey.FIRMWARE,
    b"serialnumber": HintKey.SERIAL,
    b"serial": HintKey.SERIAL,
    b"deviceid": HintKey.MAC,
    b"mac": HintKey.MAC,
    b"macaddress": HintKey.MAC,
}
"""What TXT keys say, by custom: HomeKit and Google Cast ``md``, AirPlay ``model`` and ``deviceid``, AirTunes ``am``, printers
``ty`` and ``usb_MDL``."""
_NO_MODEL = {b"md": "_raop._tcp"}
"""AirTunes uses ``md`` for kinds of metadata."""


def _mac(value: str) -> str | None:
    if not _MAC.fullmatch(value):
        return None
    digits = value.replace(":", "").replace("-", "").lower()
    return ":".join(digits[at : at + 2] for at in range(0, 12, 2))


def _host(name: str) -> str:
    return name.removesuffix(".local")


def _txt_hints(data: bytes, record: Record, limits: Limits) -> list[Hint]:
    service = service_type(record.name)
    found: list[Hint] = []
    for item in strings(data, record, limits):
        name, _, raw = item.partition(b"=")
        name = name.lower()
        key = _TXT_KEYS.get(name)
        if key is None or not raw or (service is not None and _NO_MODEL.get(name) == service):
            continue
        value: str | None = text(raw, limits.text).strip()
        if key is HintKey.MAC:
            value = _mac(value or "")
        if value:
            found.append(Hint(key, value))
    return found


def service_type(name: str) -> str | None:
    """The service type within a name, as ``_hap._tcp`` (RFC 6763 section 4.1.2)."""
    match = _SERVICE.search(name)
    return None if match is None else match[1]


def _record_hints(data: bytes, record: Record, limits: Limits) -> list[Hint]:
    if record.type == n.TXT:
        return _txt_hints(data, record, limits)
    if record.type in {n.A, n.AAAA}:
        about = address(data, record)
        return [] if about is None else [Hint(HintKey.HOSTNAME, _host(record.name), about), Hint(HintKey.IP, about)]
    if record.type == n.SRV:
        host = target(data, record)
        return [] if host is None else [Hint(HintKey.HOSTNAME, _host(host))]
    if record.type == n.PTR:
        pointed = target(data, record) if record.name == _ENUMERATION else record.name
        service = service_type(pointed + ".") if pointed else None
        return [] if service is None else [Hint(HintKey.SERVICE, service)]
    return []


def announcement_hints(data: bytes, records: tuple[Record, ...], limits: Limits) -> tuple[Hint, ...]:
    """What an announcement says of its sender, each statement once and no more than ``limits.items`` of them."""
    found: dict[Hint, None] = {}
    for record in records:
        if record.ttl == 0:
            continue
        try:
            found.update(dict.fromkeys(_record_hints(data, record, limits)))
        except Malformed:
            continue
    return tuple(found)[: limits.items]


class _Session(StatelessSession):
    """Multicast DNS asks and answers in single datagrams."""

    __slots__ = ()

    def read(self, pdu: bytes, to_responder: bool) -> list[Message]:  # noqa: ARG002 - the message itself says its direction
        """The message in one datagram."""
        message = read_message(pdu, self.limits)
        hints: tuple[Hint, ...] = ()
        if message.response:
            hints = announcement_hints(pdu, message.answers + message.additionals, self.limits)
        return [message_of("mdns", pdu, message, hints, self.limits)]


def _recognise(data: bytes, to_responder: bool) -> int:  # noqa: ARG001 - a message looks alike in both directions
    """The identifier is zero and names end in ``.local`` (RFC 6762 sections 3 and 18.1) or are reverse names."""
    message = plausible(data)
    if message is None or message.opcode != 0:
        return NO
    names = [question.name for question in message.questions] + [record.name for record in message.answers]
    local = any(name.endswith(".local") for name in names)
    return LIKELY if message.id == 0 and local else POSSIBLE


DISSECTORS: tuple[Dissector, ...] = (Dissector("mdns", "udp", (5353,), _recognise, _Session),)
