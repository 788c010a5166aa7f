"""Hypertext transfer protocol, version 1 (RFC 9110, RFC 9112), on any TCP port.

``operation`` is the method in snake_case (``get``, ``m_search``), for a response that of its request (``response`` where the
request was not seen). ``code`` is the status, None for requests; ``status`` is ``ok`` below 400 and the name of the error above
(``not_found``). ``object`` is host and path with secrets in the query hidden. ``value``: content type, or action of a SOAP call,
of a request; (content type, server software) of a response. A message is given when its body has ended. Bodies are passed over,
never gathered, but for short forms and device descriptions.

A log-in whose credentials go in the clear gives an extra message with operation ``login`` and the user as ``object``: with role
request, where Basic credentials or a form with a password are first seen, status ``ok``, which says nothing of the outcome; with
role response, for its outcome: ``unauthorized`` for every 401 or 403, ``ok`` where Basic credentials were first let through. Must
never keep a password.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from hauberk.errors import Malformed
from hauberk.model.hint import Hint, HintKey
from hauberk.model.transaction import MALFORMED, OK, Message
from hauberk.sense.dissect.http_description import description_hints
from hauberk.sense.dissect.http_head import (
    HEAD_END,
    LONGEST_HEAD,
    METHOD,
    REQUEST_LINE,
    STATUS_LINE,
    Head,
    read_fields,
    shown_target,
)
from hauberk.sense.dissect.http_login import basic_user, form_user
from hauberk.sense.dissect.http_names import METHODS, WRITES, status_name
from hauberk.sense.dissect.interface import CERTAIN, LIKELY, NO, Dissector
from hauberk.sense.dissect.limits import Limits
from hauberk.sense.dissect.reader import text

_WANTED = frozenset(
    {
        "host",
        "content-length",
        "transfer-encoding",
        "content-type",
        "user-agent",
        "server",
        "authorization",
        "proxy-authorization",
        "soapaction",
    }
)
_HEAD, _LENGTH, _CHUNK_SIZE, _CHUNK_DATA, _TRAILER, _CLOSE = range(6)
"""What a direction is in the middle of."""
_KEPT_BODY = 1 << 16
"""Longest form or description that is read, in bytes."""
_LONGEST_LINE = 4096
"""Longest chunk size or trailer line, in bytes."""
_DENIED = frozenset({401, 403})
_UNAUTHORIZED = "unauthorized"
_CHANGING_ACTIONS = ("set", "add", "delete", "update", "create", "remove", "write", "reboot", "reset", "upgrade")


class _Request(NamedTuple):
    """What a response needs of its request. ``user`` is that of a log-in, ``basic`` tells how it came."""

    method: str
    object: str
    user: str | None
    basic: bool


_UNSEEN = _Request("response", "", None, basic=False)


class _Direction:
    """Framing of one direction: ``held`` waits for the end of the body, of which ``left`` bytes remain."""

    __slots__ = ("body", "held", "left", "state")

    def __init__(self) -> None:
        self.state = _HEAD
        self.left = 0
        self.held: list[Message] = []
        self.body: bytearray | None = None

    def release(self) -> list[Message]:
        """What was held, now due."""
        held, self.held = self.held, []
        return held


class _Session:
    """Both directions of a connection and the requests not yet answered."""

    __slots__ = ("_agent", "_allowed", "_directions", "_finished", "_owed", "_requests", "_server", "_told", "_user", "limits")

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._directions = [_Direction(), _Direction()]
        self._requests: deque[_Request] = deque(maxlen=limits.pending)
        self._owed: tuple[list[Message], list[Message]] = ([], [])
        self._finished = False
        self._told = False
        self._agent = self._server = ""
        self._user: str | None = None
        self._allowed: str | None = None

    @property
    def finished(self) -> bool:
        """True after a switch of protocols: what follows is something else."""
        return self._finished

    def gap(self, to_responder: bool) -> None:
        """A body may have ended in what was lost, and requests and responses no longer pair."""
        direction = self._directions[to_responder]
        self._owe(to_responder, direction)
        self._directions[to_responder] = _Direction()
        self._requests.clear()

    def frame_length(self, data: bytes, to_responder: bool) -> int:
        """A head, a chunk's size line, or as much of a body as is there."""
        direction = self._directions[to_responder]
        state = direction.state
        if state == _HEAD:
            return _head_length(data)
        if state in {_LENGTH, _CHUNK_DATA}:
            return min(len(data), direction.left)
        if state == _CLOSE:
            return len(data)
        end = data.find(b"\n", 0, _LONGEST_LINE) + 1
        if not end and len(data) >= _LONGEST_LINE:
            raise Malformed("chunk line without end")
        return end

    def read(self, pdu: bytes, to_responder: bool) -> list[Message]:
        """The messages that end with this piece of the stream."""
        owed = self._paid(to_responder)
        direction = self._directions[to_responder]
        state = direction.state
        if state == _HEAD:
            return owed + self._head(pdu, to_responder)
        if state in {_LENGTH, _CHUNK_DATA}:
            self._keep(direction, pdu)
            direction.left -= len(pdu)
            if direction.left > 0:
                return owed
            if state == _CHUNK_DATA:
                direction.state = _CHUNK_SIZE
                return owed
            return owed + self._end(direction)
        if state == _CLOSE:
            self._keep(direction, pdu)
        elif state == _CHUNK_SIZE:
            self._chunk_size(pdu, direction)
        elif state == _TRAILER and pdu in {b"\r\n", b"\n"}:
            return owed + self._end(direction)
        return owed

    def ended(self, to_responder: bool) -> list[Message]:
        """A body without length ends here, and so does one that was cut short."""
        return self._paid(to_responder) + self._end(self._directions[to_responder])

    def _owe(self, to_responder: bool, direction: _Direction) -> None:
        """Keep what ``direction`` held until that side is read again: messages carry the addresses of their sender."""
        held = direction.release()
        if len(self._owed[to_responder]) < self.limits.pending:
            self._owed[to_responder].extend(held)

    def _paid(self, to_responder: bool) -> list[Message]:
        """What that side's earlier messages are owed, once."""
        owed = list(self._owed[to_responder])
        self._owed[to_responder].clear()
        return owed

    def _keep(self, direction: _Direction, pdu: bytes) -> None:
        if direction.body is not None:
            if len(direction.body) + len(pdu) > _KEPT_BODY:
                direction.body = None
            else:
                direction.body += pdu

    @staticmethod
    def _chunk_size(line: bytes, direction: _Direction) -> None:
        """RFC 9112 section 7.1: hexadecimal size, extensions behind a semicolon; a chunk ends with a line end of its own."""
        digits = line.partition(b";")[0].strip()
        if not digits or len(digits) > 15 or not digits.isalnum():
            raise Malformed("chunk without size")
        try:
            size = int(digits, 16)
        except ValueError:
            raise Malformed("chunk size is no number") from None
        direction.state = _CHUNK_DATA if size else _TRAILER
        direction.left = size + 2

    def _head(self, pdu: bytes, to_responder: bool) -> list[Message]:
        direction = self._directions[to_responder]
        if pdu in {b"\r\n", b"\n"}:
            return []
        head = read_fields(pdu, _WANTED, self.limits)
        if pdu.startswith(b"HTTP/"):
            if pdu[9:10] != b"1":
                # A final answer to a request whose body goes on: the request must not wait for an end that may never come.
                self._owe(not to_responder, self._directions[not to_responder])
            return self._response(pdu, head, direction)
        return self._request(pdu, head, direction)

    def _request(self, pdu: bytes, head: Head, direction: _Direction) -> list[Message]:
        match = REQUEST_LINE.match(pdu)
        if match is None:
            raise Malformed("no request line")
        fields = head.fields
        method = match[1].decode("ascii").lower().replace("-", "_")
        raw_target = match[2].decode("utf-8", "backslashreplace")
        target = shown_target(raw_target, fields.get("host", ""), self.limits)
        hints: tuple[Hint, ...] = ()
        agent = fields.get("user-agent", "")
        if agent and agent != self._agent:
            self._agent = agent
            hints = (Hint(HintKey.USER_AGENT, agent),)
        action = fields.get("soapaction", "").strip('"').rpartition("#")[2]
        write = method in WRITES or action.lower().startswith(_CHANGING_ACTIONS)
        value = action or fields.get("content-type")
        messages = [Message("http", "request", method, None, target, value, OK if head.whole else MALFORMED, write, hints)]
        basic = basic_user(fields.get("authorization") or fields.get("proxy-authorization") or "", self.limits)
        user = form_user(raw_target.partition("?")[2], self.limits) if basic is None else basic
        if user is not None:
            messages += self._login_seen(user)
        self._requests.append(_Request(method, target, user, basic=basic is not None))
        form = method in {"post", "put"} and fields.get("content-type", "").startswith("application/x-www-form-urlencoded")
        return self._body(direction, messages, fields, gather=form, response=False)

    def _login_seen(self, user: str) -> list[Message]:
        """A log-in, once for as long as the same user goes on."""
        if user == self._user:
            return []
        self._user = user
        return [Message("http", "request", "login", None, user)]

    def _response(self, pdu: bytes, head: Head, direction: _Direction) -> list[Message]:
        match = STATUS_LINE.match(pdu)
        if match is None:
            raise Malformed("no status line")
        code = int(match[1])
        fields = head.fields
        interim = 100 <= code < 200
        request = _UNSEEN
        if self._requests:
            request = self._requests[0] if interim and code != 101 else self._requests.popleft()
        server = fields.get("server", "")
        kind = fields.get("content-type")
        status = status_name(code) if head.whole else MALFORMED
        value = (kind, server or None) if kind or server else None
        messages = [
            Message(
                "http",
                "response",
                request.method,
                code,
                request.object or None,
                value,
                status,
                request.method in WRITES,
                self._about(server),
            )
        ]
        if request.user is not None and not interim:
            messages += self._login_outcome(request, code)
        if code == 101 or (request.method == "connect" and code < 300):
            self._finished = True
            return messages
        if interim or code in {204, 304} or request.method == "head":
            return messages
        described = kind is not None and "xml" in kind
        return self._body(direction, messages, fields, gather=described, response=True)

    def _about(self, server: str) -> tuple[Hint, ...]:
        hints: list[Hint] = []
        if not self._told:
            self._told = True
            hints.append(Hint(HintKey.ROLE, "http.server"))
        if server and server != self._server:
            self._server = server
            hints.append(Hint(HintKey.BANNER, server))
        return tuple(hints)

    def _login_outcome(self, request: _Request, code: int) -> list[Message]:
        user = request.user
        if code in _DENIED:
            self._allowed = None
            return [Message("http", "response", "login", code, user, None, _UNAUTHORIZED)]
        if not request.basic or code >= 400 or user == self._allowed:
            return []
        self._allowed = user
        return [Message("http", "response", "login", code, user)]

    def _body(
        self, direction: _Direction, messages: list[Message], fields: dict[str, str], *, gather: bool, response: bool
    ) -> list[Message]:
        """How the body is framed (RFC 9112 section 6.3): holds the messages until its end, where that can be known."""
        direction.body = bytearray() if gather else None
        if "chunked" in fields.get("transfer-encoding", "").lower():
            direction.state = _CHUNK_SIZE
        elif "content-length" in fields:
            length = fields["content-length"].partition(",")[0].strip()
            if not (length.isascii() and length.isdigit()) or len(length) > 18:
                direction.body = None
                return [messages[0]._replace(status=MALFORMED), *messages[1:]]
            direction.left = int(length)
            if direction.left == 0:
                return messages
            direction.state = _LENGTH
            if direction.left > self.limits.message_bytes:
                return messages
        elif response:
            direction.state = _CLOSE
        else:
            return messages
        direction.held = messages
        return []

    def _end(self, direction: _Direction) -> list[Message]:
        """The body has ended: what was held is due, with what the body told."""
        direction.state = _HEAD
        messages = direction.release()
        body, direction.body = direction.body, None
        if not body or not messages:
            return messages
        first = messages[0]
        if first.role == "response":
            messages[0] = first._replace(hints=first.hints + description_hints(bytes(body), self.limits))
            return messages
        user = form_user(body.decode("utf-8", "replace"), self.limits)
        if user is not None:
            if self._requests and self._requests[-1].user is None:
                self._requests[-1] = self._requests[-1]._replace(user=user)
            # Every submitted form is an attempt of its own.
            messages.append(Message("http", "request", "login", None, user))
        return messages


def _head_length(data: bytes) -> int:
    if data[:2] == b"\r\n":
        return 2
    if data[:1] == b"\n":
        return 1
    if not _may_begin(data):
        raise Malformed("neither a request nor a status line")
    end = HEAD_END.search(data, 0, LONGEST_HEAD)
    if end is not None:
        return end.end()
    if len(data) >= LONGEST_HEAD:
        raise Malformed("head without end")
    return 0


def _may_begin(data: bytes) -> bool:
    """True where the first bytes may begin a request or status line."""
    if data[:5] == b"HTTP/"[: len(data)]:
        return len(data) < 13 or data[5:7] == b"1."
    method, space, _ = data[:25].partition(b" ")
    if not METHOD.fullmatch(method):
        return not space and len(data) < 2 and data.isupper()
    if not space:
        return len(data) < 25
    line_end = data.find(b"\n", 0, LONGEST_HEAD)
    return line_end < 0 or REQUEST_LINE.match(data) is not None


def _recognise(data: bytes, to_responder: bool) -> int:  # noqa: ARG001 - the start line says the direction
    """A whole start line is certain; a known method and a target whose line goes on is likely."""
    if STATUS_LINE.match(data):
        return CERTAIN
    method, space, rest = data[:64].partition(b" ")
    if not space or method not in METHODS:
        return NO
    if REQUEST_LINE.match(data):
        return CERTAIN
    return LIKELY if b"\n" not in data and rest.startswith((b"/", b"http://")) and text(rest, 64).isascii() else NO


DISSECTORS: tuple[Dissector, ...] = (
    Dissector("http", "tcp", (80, 3128, 5000, 7547, 8000, 8008, 8080, 8081, 8088, 8888, 49152, 49153), _recognise, _Session),
)
