"""The AMS router's own protocol on UDP: who is there, and please add a route (as the tools of TwinCAT speak it).

Not published by Beckhoff; the fields are as pyads and the open TwinCAT tools use them. ``object`` is the AMS net id of the sender.
The password of a request to add a route is passed over and only noted as ``with_password``.
"""

from __future__ import annotations

from hauberk.errors import Malformed
from hauberk.model.hint import Hint, HintKey
from hauberk.model.transaction import MALFORMED, OK, Message, Scalar
from hauberk.sense.dissect.ads_names import (
    DISCOVERY,
    ERRORS,
    TAG_FINGERPRINT,
    TAG_HOST,
    TAG_PASSWORD,
    TAG_ROUTE,
    TAG_STATUS,
    TAG_SYSTEM,
    TAG_TWINCAT,
    TAG_USER,
)
from hauberk.sense.dissect.interface import CERTAIN, NO, StatelessSession
from hauberk.sense.dissect.limits import Limits
from hauberk.sense.dissect.reader import Reader, text

MAGIC = b"\x03\x66\x14\x71"
_RESPONSE = 0x80000000
_ADD_ROUTE = 6
_PLATFORMS = {2: "Windows", 3: "Windows CE"}


def net_id(raw: bytes) -> str:
    """An AMS net id as text: six numbers with points."""
    return ".".join(map(str, raw))


class DiscoverySession(StatelessSession):
    """Questions to routers and their answers."""

    __slots__ = ("_introduced",)

    def __init__(self, limits: Limits) -> None:
        super().__init__(limits)
        self._introduced = False

    def read(self, pdu: bytes, to_responder: bool) -> list[Message]:  # noqa: ARG002 - the service number says it
        """The one message in ``pdu``."""
        reader = Reader(pdu)
        if reader.take(4) != MAGIC:
            raise Malformed("no magic")
        reader.skip(4)
        service = reader.u32le()
        response = bool(service & _RESPONSE)
        service &= ~_RESPONSE
        operation = DISCOVERY.get(service, f"service_{service}")
        sender = net_id(reader.take(6))
        reader.skip(2)
        write = service == _ADD_ROUTE
        try:
            tags = self._tags(reader)
        except Malformed:
            return [Message("ads", "response" if response else "request", operation, None, sender, None, MALFORMED, write)]
        notes: list[Scalar] = []
        for tag, name in ((TAG_HOST, "host"), (TAG_ROUTE, "route"), (TAG_USER, "user"), (TAG_FINGERPRINT, "fingerprint")):
            if tag in tags:
                notes.append(f"{name}={text(tags[tag].split(bytes(1))[0], self.limits.text)}")
        if TAG_PASSWORD in tags and not response:
            notes.append("with_password")
        status = OK
        if TAG_STATUS in tags and response:
            code = int.from_bytes(tags[TAG_STATUS][:4], "little")
            status = ERRORS.get(code, f"error_0x{code:x}")
        hints = self._hints(tags) if response else ()
        return [
            Message(
                "ads", "response" if response else "request", operation, None, sender, tuple(notes) or None, status, write, hints
            )
        ]

    def _tags(self, reader: Reader) -> dict[int, bytes]:
        """Tag, length and data, as often as announced."""
        tags: dict[int, bytes] = {}
        for _ in range(min(reader.u32le(), self.limits.items)):
            tag = reader.u16le()
            tags.setdefault(tag, reader.take(reader.u16le()))
        return tags

    def _hints(self, tags: dict[int, bytes]) -> tuple[Hint, ...]:
        """What an answer says of its sender."""
        hints = [] if self._introduced else [Hint(HintKey.ROLE, "ads.router")]
        self._introduced = True
        host = text(tags.get(TAG_HOST, b"").split(b"\x00")[0], self.limits.text)
        if host:
            hints.extend((Hint(HintKey.HOSTNAME, host), Hint(HintKey.VENDOR, "Beckhoff")))
        version = tags.get(TAG_TWINCAT, b"")
        if len(version) >= 4:
            hints.append(Hint(HintKey.BANNER, f"TwinCAT {version[0]}.{version[1]}.{version[2] | version[3] << 8}"))
        system = tags.get(TAG_SYSTEM, b"")
        if len(system) >= 20:
            major, minor, build, platform = (int.from_bytes(system[at : at + 4], "little") for at in (4, 8, 12, 16))
            if platform in _PLATFORMS and major < 100:
                shown = f"{_PLATFORMS[platform]} {major}.{minor}" + (f" build {build}" if build else "")
                hints.append(Hint(HintKey.OPERATING_SYSTEM, shown))
        return tuple(hints)


def recognise(data: bytes, to_responder: bool) -> int:  # noqa: ARG001 - the service number says who sends
    """The magic, in front of a service."""
    return CERTAIN if data[:4] == MAGIC and len(data) >= 24 else NO
