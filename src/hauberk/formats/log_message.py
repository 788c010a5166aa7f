"""From a record to transactions: who said what to whom, in the words the dissectors use.

A line of a log often tells of a request and its answer at once: it becomes two transactions with the same frame, the line's number.
Roles become hints once for each address and log, not once for each line.
"""

from __future__ import annotations

from typing import NamedTuple

from hauberk.model.hint import Hint, HintKey
from hauberk.model.transaction import Message, Transaction

_CLIENTS = {"modbus": "client", "dnp3": "master", "s7comm": "client", "cip": "client", "enip": "client", "bacnet": "client"} | {
    "mqtt": "client",
    "dns": "client",
    "llmnr": "client",
}
_SERVERS = {"mqtt": "broker", "dnp3": "outstation", "mdns": "", "nbns": "", "dhcp": ""}
"""Roles that are not called server; empty where an answer makes no server."""
_MOST_TOLD = 1 << 16


class Ends(NamedTuple):
    """Two ends of a conversation, the initiator first."""

    a: str
    a_port: int | None
    b: str
    b_port: int | None


class Said(NamedTuple):
    """One message. ``outward``: the initiator said it; ``later``: seconds after the time of the line; ``ends``: where other than
    those of the line."""

    outward: bool
    message: Message
    later: float = 0.0
    ends: Ends | None = None


class Scribe:
    """Writes messages down as transactions and remembers which roles were told."""

    __slots__ = ("_told",)

    def __init__(self) -> None:
        self._told: set[tuple[str, str, bool]] = set()

    def write(self, said: Said, ends: Ends, time: float, frame: int) -> Transaction:
        """The transaction of one message."""
        message = said.message
        a, a_port, b, b_port = said.ends or ends
        src, src_port, dst, dst_port = (a, a_port, b, b_port) if said.outward else (b, b_port, a, a_port)
        hints = message.hints
        if message.role != "event":
            asks = message.role == "request"
            key = (message.protocol, src, asks)
            if key not in self._told:
                if len(self._told) >= _MOST_TOLD:
                    self._told.clear()
                self._told.add(key)
                role = _CLIENTS.get(message.protocol) if asks else _SERVERS.get(message.protocol, "server")
                if role:
                    hints = (*hints, Hint(HintKey.ROLE, f"{message.protocol}.{role}"))
        return Transaction(
            frame,
            time + said.later,
            message.protocol,
            src,
            src_port,
            dst,
            dst_port,
            message.role,
            message.operation,
            message.code,
            message.object,
            message.value,
            message.status,
            message.write,
            hints,
        )
