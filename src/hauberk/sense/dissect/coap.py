"""CoAP over UDP (RFC 7252; observation RFC 7641, block-wise transfer RFC 7959, FETCH and PATCH RFC 8132).

``code`` is the code byte. ``object`` is path and query of the resource as ``/a/b?c=d``, or a proxy's whole URI; responses carry
that of their request, found by token or message id. ``value`` is the payload in short form, followed by notes on observation and
blocks where there are any (``observe=0``, ``block1=2/more/64``); an empty message has its type (``con`` is a ping). A later
notification of an observation is an event. Nothing is reassembled from blocks.
"""

from __future__ import annotations

from itertools import islice

from hauberk.errors import Malformed
from hauberk.model.hint import Hint, HintKey
from hauberk.model.transaction import MALFORMED, OK, Message, Role, Scalar, Value
from hauberk.sense.dissect.coap_names import (
    BLOCK1,
    BLOCK2,
    LOCATION_PATH,
    METHODS,
    OBSERVE,
    OPTIONS,
    PROXY_URI,
    RESPONSES,
    URI_PATH,
    URI_QUERY,
    WRITES,
)
from hauberk.sense.dissect.interface import LIKELY, NO, POSSIBLE, Dissector, StatelessSession
from hauberk.sense.dissect.limits import Limits
from hauberk.sense.dissect.payload import payload_value
from hauberk.sense.dissect.reader import text

_TYPES = ("con", "non", "ack", "rst")
_ACK, _RST = 2, 3
_MOST_OPTIONS = 1024
"""Options of one message; a whole datagram of them is no request anybody makes."""
_SERVER_ROLE = Hint(HintKey.ROLE, "coap.server")
_CLIENT_ROLE = Hint(HintKey.ROLE, "coap.client")

Options = list[tuple[int, bytes]]


class CoapSession(StatelessSession):
    """Requests and responses between two endpoints, either of which may ask."""

    __slots__ = ("_by_id", "_by_token", "_introduced")

    def __init__(self, limits: Limits) -> None:
        super().__init__(limits)
        self._by_token: dict[tuple[bool, bytes], tuple[str | None, bool]] = {}
        self._by_id: dict[tuple[bool, int], str | None] = {}
        self._introduced: set[Hint] = set()

    def read(self, pdu: bytes, to_responder: bool) -> list[Message]:
        """The one message in ``pdu``."""
        if len(pdu) < 4 or pdu[0] >> 6 != 1:
            raise Malformed("no header of CoAP version 1")
        code = pdu[1]
        operation = _operation(code)
        try:
            token, options, body = _split(pdu)
        except Malformed:
            return [Message("coap", _role(code), operation, code, None, None, MALFORMED, code in WRITES)]
        kind, identifier = pdu[0] >> 4 & 3, int.from_bytes(pdu[2:4], "big")
        if not code:
            object_ = self._by_id.get((not to_responder, identifier)) if kind >= _ACK else None
            return [Message("coap", "response" if kind >= _ACK else "request", "empty", 0, object_, _TYPES[kind])]
        value = self._value(options, pdu[body:])
        if code < 0x20:
            object_ = self._target(options)
            self._remember(to_responder, identifier, token, object_)
            hints = self._introduce(_CLIENT_ROLE)
            return [Message("coap", "request", operation, code, object_, value, OK, code in WRITES, hints)]
        return [self._response(kind, identifier, token, options, value, pdu, to_responder)]

    def _response(
        self, kind: int, identifier: int, token: bytes, options: Options, value: Value, pdu: bytes, to_responder: bool
    ) -> Message:
        code = pdu[1]
        key = (not to_responder, token)
        object_, answered = self._by_token.get(key, (None, False))
        role: Role = "response"
        if any(number == OBSERVE for number, _ in options):
            role = "event" if answered else "response"
            if key in self._by_token:
                self._by_token[key] = (object_, True)
        elif kind == _ACK:
            object_ = self._by_id.get((not to_responder, identifier), object_)
        if object_ is None:
            created = "/".join(self._parts(options, LOCATION_PATH))
            object_ = f"/{created}"[: self.limits.text] if created else None
        status = OK if code < 0x80 else _operation(code)
        if kind != _ACK:
            self._keep_id(to_responder, identifier, object_)
        return Message("coap", role, _operation(code), code, object_, value, status, False, self._introduce(_SERVER_ROLE))

    def _value(self, options: Options, body: bytes) -> Value:
        notes: list[Scalar] = []
        for number, raw in options:
            if number == OBSERVE:
                notes.append(f"observe={int.from_bytes(raw, 'big')}")
            elif number in {BLOCK1, BLOCK2}:
                block = int.from_bytes(raw, "big")
                more = "more" if block & 8 else "last"
                notes.append(f"{'block1' if number == BLOCK1 else 'block2'}={block >> 4}/{more}/{16 << (block & 7)}")
        payload = payload_value(body, self.limits.text) if body else None
        return payload if not notes else (payload, *notes[: self.limits.items])

    def _target(self, options: Options) -> str:
        """What a request asks for (RFC 7252 clause 6.5)."""
        for number, raw in options:
            if number == PROXY_URI:
                return text(raw, self.limits.text)
        path = "/" + "/".join(self._parts(options, URI_PATH))
        queries = "&".join(self._parts(options, URI_QUERY))
        return (f"{path}?{queries}" if queries else path)[: self.limits.text]

    def _parts(self, options: Options, wanted: int) -> list[str]:
        found = (raw for number, raw in options if number == wanted)
        return [text(raw, self.limits.text) for raw in islice(found, self.limits.items)]

    def _remember(self, to_responder: bool, identifier: int, token: bytes, object_: str | None) -> None:
        key = (to_responder, token)
        if len(self._by_token) >= self.limits.pending and key not in self._by_token:
            del self._by_token[next(iter(self._by_token))]
        self._by_token[key] = (object_, False)
        self._keep_id(to_responder, identifier, object_)

    def _keep_id(self, to_responder: bool, identifier: int, object_: str | None) -> None:
        key = (to_responder, identifier)
        if len(self._by_id) >= self.limits.pending and key not in self._by_id:
            del self._by_id[next(iter(self._by_id))]
        self._by_id[key] = object_

    def _introduce(self, role: Hint) -> tuple[Hint, ...]:
        if role in self._introduced:
            return ()
        self._introduced.add(role)
        return (role,)


def _operation(code: int) -> str:
    if not code:
        return "empty"
    return METHODS.get(code) or RESPONSES.get(code) or f"code_{code >> 5}_{code & 31:02d}"


def _role(code: int) -> Role:
    return "request" if code < 0x20 else "response"


def _split(pdu: bytes) -> tuple[bytes, Options, int]:
    """Token, options and the position of the payload (RFC 7252 clauses 3 and 3.1)."""
    end = len(pdu)
    at = 4 + (pdu[0] & 15)
    if at > 12 or at > end:
        raise Malformed("token of more than 8 bytes, or cut short")
    if not pdu[1] and end > 4:
        raise Malformed("an empty message has a header only")
    if pdu[1] >> 5 in {1, 3, 6, 7}:
        raise Malformed("reserved class of code")
    token = pdu[4:at]
    options: Options = []
    number = 0
    while at < end:
        byte = pdu[at]
        at += 1
        if byte == 0xFF:
            if at == end:
                raise Malformed("payload marker without payload")
            return token, options, at
        delta, at = _extended(byte >> 4, pdu, at)
        length, at = _extended(byte & 15, pdu, at)
        number += delta
        if at + length > end or number > 0xFFFF or len(options) >= _MOST_OPTIONS:
            raise Malformed("option longer than its message, or too many of them")
        options.append((number, pdu[at : at + length]))
        at += length
    return token, options, end


def _extended(nibble: int, pdu: bytes, at: int) -> tuple[int, int]:
    if nibble < 13:
        return nibble, at
    size = nibble - 12
    if size == 3 or at + size > len(pdu):
        raise Malformed("reserved option header, or cut short")
    return int.from_bytes(pdu[at : at + size], "big") + (13 if size == 1 else 269), at + size


def recognise(data: bytes, to_responder: bool) -> int:  # noqa: ARG001 - either endpoint may send first
    """A known code, a token and options that end where the datagram ends, and options whose lengths the register allows."""
    if len(data) < 4 or data[0] >> 6 != 1 or not (data[1] in METHODS or data[1] in RESPONSES or not data[1]):
        return NO
    kind, code = data[0] >> 4 & 3, data[1]
    # RFC 7252 clause 4.2 and table 1: no request is an acknowledgement, and only empty messages reset.
    if (kind == _RST and code) or (kind == _ACK and 0 < code < 0x20):
        return NO
    try:
        token, options, body = _split(data)
    except Malformed:
        return NO
    if not code:
        return POSSIBLE if kind != 1 else NO
    known = 0
    for number, raw in options:
        least, most = OPTIONS.get(number, (0, 1034))
        if not least <= len(raw) <= most:
            return NO
        known += number in OPTIONS
    if known < len(options) or not (options or token):
        return POSSIBLE
    if code < 0x20:
        named = any(
            number in {URI_PATH, PROXY_URI} and raw.isascii() and raw.decode("ascii").isprintable() for number, raw in options
        )
        return LIKELY if named else POSSIBLE
    return LIKELY if options or body == len(data) else POSSIBLE


DISSECTORS = (Dissector("coap", "udp", (5683,), recognise, CoapSession),)
