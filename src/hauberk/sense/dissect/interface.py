"""What a dissector is.

A dissector module defines ``DISSECTORS``, a tuple of ``Dissector`` rows, and a session class. A session lives as long as one
conversation and keeps what later messages need of earlier ones. It does no input or output, reads no clock, raises only
``Malformed`` and keeps the bounds of its ``Limits``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from hauberk.model.transaction import Message
from hauberk.sense.dissect.limits import Limits

Transport = Literal["tcp", "udp", "ethernet"]

CERTAIN = 100
"""Recognition score: a magic value and a structure that agree."""
LIKELY = 70
"""Recognition score: lengths and several fixed fields agree."""
POSSIBLE = 30
"""Recognition score: nothing speaks against it; only believed on a registered port."""
NO = 0
"""Recognition score: it cannot be this protocol."""


class Session(Protocol):
    """One conversation of one protocol.

    ``to_responder`` is true for bytes sent by the initiator of the conversation (usually the client). In a capture that
    begins in the middle it may be wrong: prefer what the message itself says.
    """

    def frame_length(self, data: bytes, to_responder: bool) -> int:
        """Length in bytes of the first message in ``data``; 0 when more bytes are needed to know. Streams only.

        The length may exceed ``len(data)``: the stream layer then waits for the rest. Raises ``Malformed`` when ``data`` cannot
        begin a message.
        """
        ...

    def read(self, pdu: bytes, to_responder: bool) -> list[Message]:
        """The application messages in one whole frame, datagram or Ethernet payload. Raises ``Malformed``."""
        ...

    def gap(self, to_responder: bool) -> None:
        """Bytes of that direction were lost: forget what was half read."""
        ...

    @property
    def finished(self) -> bool:
        """True when nothing that follows can be read (encrypted, or no longer of interest): the sensor stops delivering."""
        ...


@runtime_checkable
class EndAware(Protocol):
    """A session some of whose messages end with the stream, as an HTTP response without length does (RFC 9112 section 6.3)."""

    def ended(self, to_responder: bool) -> list[Message]:
        """The messages that end because that direction sends nothing more."""
        ...


class StatelessSession:
    """Base of sessions that remember nothing and read datagrams."""

    __slots__ = ("limits",)

    def __init__(self, limits: Limits) -> None:
        self.limits = limits

    def frame_length(self, data: bytes, to_responder: bool) -> int:  # noqa: ARG002 - the interface's shape
        """A datagram is one frame."""
        return len(data)

    def gap(self, to_responder: bool) -> None:
        """Nothing is half read."""

    @property
    def finished(self) -> bool:
        """More may follow."""
        return False


@dataclass(frozen=True, slots=True)
class Dissector:
    """One row of the registry."""

    name: str
    """Protocol name, as the service of a flow shows it."""
    transport: Transport
    ports: tuple[int, ...]
    """Registered or customary ports of the responder; EtherTypes where ``transport`` is ``ethernet``."""
    recognise: Callable[[bytes, bool], int]
    """Score (0 to 100) that these first bytes of one direction (``to_responder``) are this protocol. Never raises."""
    start: Callable[[Limits], Session]
    """Begins a session."""
    ot: bool = False
    """True for protocols that operate machines."""
    encrypted: bool = False
    """True where the protocol protects credentials."""
