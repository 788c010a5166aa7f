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
_SECRET_WORDS = ("pass", "pwd", "psw", "token", "secret", "key", "auth", "session", "signature", "credential", "sid", "pin")


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


def _without_secret(parameter: str) -> str:
    name, equals, value = parameter.partition("=")
    lowered = name.lower()
    return f"{name}=*" if equals and value and any(word in lowered for word in _SECRET_WORDS) else parameter


def web_target(host: str, target: str) -> str | None:
    """Host and path of a request, secrets in the query hidden; None where neither is known."""
    scheme, separator, rest = target.partition("://")
    if separator and scheme.isalnum():
        authority, slash, path = rest.partition("/")
        target = f"{authority.rpartition('@')[2]}{slash}{path}"
    else:
        target = host + target
    path, mark, query = target.partition("?")
    if mark:
        path = f"{path}?{'&'.join(map(_without_secret, query.split('&')))}"
    return path or None


def payload_scalar(payload: str) -> str | int | float:
    """A payload in text as the number it is, or as it is."""
    if len(payload) <= 32 and payload.isascii():
        try:
            return int(payload) if payload.lstrip("-").isdigit() else float(payload) if payload[:1] in "-0123456789" and payload else payload
        except ValueError:
            return payload
    return payload


def http_messages(  # noqa: PLR0913 - what a line of either log may say
    method: str | None,
    target: str | None,
    status: int | None,
    *,
    agent: str | None = None,
    server: str | None = None,
    user: str | None = None,
    sent: str | None = None,
    got: str | None = None,
) -> list[Said]:
    """A request and, where its status is known, the response, with the log-in they carry. ``sent``, ``got``: content types."""
    from hauberk.formats.protocol_words import HTTP_WRITES, http_status  # noqa: PLC0415

    operation = method.lower().replace("-", "_") if method else None
    write = operation in HTTP_WRITES
    said = []
    if operation is not None:
        hints = (Hint(HintKey.USER_AGENT, agent),) if agent else ()
        said.append(Said(True, Message("http", "request", operation, None, target, sent, "ok", write, hints)))
        if user:
            said.append(Said(True, Message("http", "request", "login", None, user)))
    if status is not None:
        hints = (Hint(HintKey.BANNER, server),) if server else ()
        value = (got, server) if got or server else None
        words = http_status(status)
        said.append(Said(False, Message("http", "response", operation or "response", status, target, value, words, write, hints)))
        if user:
            outcome = "unauthorized" if status in {401, 403} else "ok"
            if outcome != "ok" or status < 400:
                said.append(Said(False, Message("http", "response", "login", status, user, None, outcome)))
    return said
