"""Simple service discovery (UPnP Device Architecture 2.0, section 1; UDP port 1900): devices and services announce themselves.

``operation``: ``m_search`` (request), ``response``, ``notify`` (event). ``code`` is None. ``object`` is the search target or
notification type. ``value``: (notification subtype as ``ssdp:alive``, unique service name, location), None where there is none of
them. Hints, of those who do not say goodbye: software, URL of the description, UUID as serial number, device and service types.
"""

from __future__ import annotations

from hauberk.errors import Malformed
from hauberk.model.hint import Hint, HintKey
from hauberk.model.transaction import MALFORMED, OK, Message, Role
from hauberk.sense.dissect.http_head import METHOD, read_fields
from hauberk.sense.dissect.interface import CERTAIN, NO, Dissector, StatelessSession
from hauberk.sense.dissect.limits import Limits

_WANTED = frozenset({"st", "nt", "nts", "usn", "location", "server", "user-agent"})
_OPERATIONS: dict[bytes, tuple[str, Role]] = {
    b"M-SEARCH": ("m_search", "request"),
    b"NOTIFY": ("notify", "event"),
    b"HTTP/1.1": ("response", "response"),
    b"HTTP/1.0": ("response", "response"),
}
_GOODBYE = "ssdp:byebye"


def _other_method(start: bytes, pdu: bytes) -> tuple[str, Role]:
    if METHOD.fullmatch(start) is None or b" HTTP/1." not in pdu[:256]:
        raise Malformed("neither a request nor a status line")
    return start.decode("ascii").lower().replace("-", "_"), "request"


def _hints(fields: dict[str, str], subject: str | None) -> list[Hint]:
    hints = [
        Hint(key, fields[name])
        for name, key in (("server", HintKey.BANNER), ("user-agent", HintKey.USER_AGENT), ("location", HintKey.DEVICE_URL))
        if fields.get(name)
    ]
    uuid = fields.get("usn", "").partition("::")[0]
    if uuid.startswith("uuid:"):
        hints.append(Hint(HintKey.SERIAL, uuid))
    if subject is not None and subject.startswith("urn:"):
        hints.append(Hint(HintKey.SERVICE, subject))
    return hints


class _Session(StatelessSession):
    """Remembers the statements already made: devices repeat the same announcements for ever."""

    __slots__ = ("_told",)

    def __init__(self, limits: Limits) -> None:
        super().__init__(limits)
        self._told: set[Hint] = set()

    def read(self, pdu: bytes, to_responder: bool) -> list[Message]:  # noqa: ARG002 - the start line says the direction
        """The message in one datagram."""
        start = pdu[:9].partition(b" ")[0]
        operation, role = _OPERATIONS.get(start) or _other_method(start, pdu)
        head = read_fields(pdu, _WANTED, self.limits)
        fields = head.fields
        subject = fields.get("st") or fields.get("nt")
        subtype = fields.get("nts")
        said = (subtype, fields.get("usn"), fields.get("location"))
        whole = head.whole and (subject is not None or operation not in {"m_search", "notify"})
        hints: list[Hint] = []
        if subtype != _GOODBYE:
            about = subject if operation != "m_search" else None
            hints = [hint for hint in _hints(fields, about) if hint not in self._told]
            if len(self._told) < self.limits.pending:
                self._told.update(hints)
        value = said if any(said) else None
        return [Message("ssdp", role, operation, None, subject, value, OK if whole else MALFORMED, False, tuple(hints))]


def _recognise(data: bytes, to_responder: bool) -> int:  # noqa: ARG001 - the start line says the direction
    """Searches and announcements have fixed start lines; a response names its search target and service."""
    if data.startswith((b"M-SEARCH * HTTP/1.", b"NOTIFY * HTTP/1.")):
        return CERTAIN
    if not data.startswith(b"HTTP/1."):
        return NO
    lowered = data[:2048].lower()
    return CERTAIN if b"\nusn:" in lowered or b"\nst:" in lowered else NO


DISSECTORS: tuple[Dissector, ...] = (Dissector("ssdp", "udp", (1900,), _recognise, _Session),)
