"""Secure shell transport (RFC 4253; TCP port 22), as far as it is in the clear.

``banner`` for the version line of each side; then key exchange messages with ``code`` the message number and ``operation`` its
name: ``kexinit``, ``newkeys``, ``kexdh_init`` and ``kexdh_reply`` (30 and 31, whatever the method), ``disconnect`` and so on.
``object`` is the software version. ``value`` of a banner is the whole line, of ``kexinit`` the first choice of key exchange, host
key, cipher, MAC and compression. After both sides have sent ``newkeys`` nothing can be read and the session is finished: log-ins
and their outcome are not guessed. Must never take encrypted bytes for a message.
"""

from __future__ import annotations

from hauberk.errors import Malformed
from hauberk.model.hint import Hint, HintKey
from hauberk.model.transaction import MALFORMED, OK, Message, Role, Scalar
from hauberk.sense.dissect.interface import CERTAIN, NO, Dissector
from hauberk.sense.dissect.limits import Limits
from hauberk.sense.dissect.reader import Reader, text

_NAMES = {
    1: "disconnect",
    2: "ignore",
    3: "unimplemented",
    4: "debug",
    5: "service_request",
    6: "service_accept",
    7: "ext_info",
    20: "kexinit",
    21: "newkeys",
    30: "kexdh_init",
    31: "kexdh_reply",
    32: "kexdh_gex_init",
    33: "kexdh_gex_reply",
    34: "kexdh_gex_request",
}
"""RFC 4250 section 4.1.2; 30 to 49 belong to the key exchange method (RFC 4253 section 8, RFC 4419 section 5)."""
_KEXINIT, _NEWKEYS, _LAST_OPEN = 20, 21, 49
_LONGEST_LINE = 1024
"""Bytes; RFC 4253 section 4.2 allows 255 for the version and leaves lines before it open."""
_LONGEST_PACKET = 1 << 18
"""Bytes; what implementations in wide use accept (RFC 4253 section 6.1 demands 35000)."""
_SHOWN_LISTS = (0, 1, 2, 4, 6)
"""Of the name lists of kexinit: key exchange, host key, cipher, MAC and compression from client to server."""
_NAME_LISTS = 10
_COOKIE = 16


def _first_choices(payload: bytes, limits: Limits) -> tuple[Scalar, ...]:
    """First names of the lists of a kexinit (RFC 4253 section 7.1)."""
    reader = Reader(payload, 1 + _COOKIE)
    lists = [reader.take(reader.u32()) for _ in range(_NAME_LISTS)]
    return tuple(text(lists[at].partition(b",")[0], limits.text) for at in _SHOWN_LISTS)


class _Session:
    """Where each direction is between version line, key exchange and encryption."""

    __slots__ = ("_greeted", "_lost", "_sealed", "limits")

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._greeted = [False, False]
        self._sealed = [False, False]
        self._lost = False

    @property
    def finished(self) -> bool:
        """True when both directions are encrypted, or may be."""
        return self._lost or all(self._sealed)

    def gap(self, to_responder: bool) -> None:  # noqa: ARG002 - either direction may have changed to encryption meanwhile
        """After a loss nobody can tell packets from encrypted bytes."""
        self._lost = True

    def frame_length(self, data: bytes, to_responder: bool) -> int:
        """A version line, a binary packet in the clear, or encrypted bytes as they come."""
        if self._sealed[to_responder]:
            return len(data)
        if not self._greeted[to_responder]:
            end = data.find(b"\n", 0, _LONGEST_LINE) + 1
            if not end and len(data) >= _LONGEST_LINE:
                raise Malformed("version line without end")
            return end
        if len(data) < 6:
            return 0
        size = int.from_bytes(data[:4], "big")
        if not 2 <= size <= _LONGEST_PACKET or data[4] >= size:
            raise Malformed(f"packet of {size} bytes with {data[4]} bytes of padding")
        return 4 + size

    def read(self, pdu: bytes, to_responder: bool) -> list[Message]:
        """The message in a line or packet; nothing for what is encrypted."""
        if self._sealed[to_responder]:
            return []
        role: Role = "request" if to_responder else "response"
        if not self._greeted[to_responder]:
            return self._banner(pdu, role, to_responder)
        if len(pdu) < 6:
            raise Malformed("packet without message")
        payload = pdu[5 : len(pdu) - pdu[4]]
        code = pdu[5]
        if code > _LAST_OPEN:
            self._lost = True
            raise Malformed(f"message {code} in the clear")
        value: tuple[Scalar, ...] | None = None
        status = OK
        if code == _KEXINIT:
            try:
                value = _first_choices(payload, self.limits)
            except Malformed:
                status = MALFORMED
        elif code == _NEWKEYS:
            self._sealed[to_responder] = True
        return [Message("ssh", role, _NAMES.get(code) or f"message_{code}", code, None, value, status)]

    def _banner(self, line: bytes, role: Role, to_responder: bool) -> list[Message]:
        """``SSH-protocolversion-softwareversion comments`` (section 4.2); a server may send other lines first."""
        if not line.startswith(b"SSH-"):
            return []
        self._greeted[to_responder] = True
        banner = text(line.rstrip(b"\r\n"), self.limits.text)
        version, _, software = banner[4:].partition("-")
        if version.startswith("1.") and version != "1.99":
            self._lost = True
        hints = [Hint(HintKey.BANNER, banner)]
        if not to_responder:
            hints.append(Hint(HintKey.ROLE, "ssh.server"))
        return [Message("ssh", role, "banner", None, software.partition(" ")[0] or None, banner, OK, False, tuple(hints))]


def _recognise(data: bytes, to_responder: bool) -> int:  # noqa: ARG001 - both sides begin alike
    """Both sides begin with their version."""
    return CERTAIN if data.startswith((b"SSH-2.0-", b"SSH-1.")) else NO


DISSECTORS: tuple[Dissector, ...] = (Dissector("ssh", "tcp", (22,), _recognise, _Session, encrypted=True),)
