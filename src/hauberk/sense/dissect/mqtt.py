"""MQTT 3.1, 3.1.1 and 5.0 over TCP (OASIS MQTT 3.1.1 and MQTT 5.0, clauses 2 to 4).

``code`` is the packet type. ``object`` is the topic of a publication, the topic filters of a subscription joined by commas, the
client identifier of a connection; acknowledgements carry what they acknowledge. ``value`` is the payload of a publication in short
form, the granted or requested quality of service, or what a CONNECT says of itself. Passwords and authentication data are
never kept. A publication counts as no write: the broker decides what it moves.

The version is the one of the CONNECT; where that was not seen, 3.1.1 is assumed until a packet reads as 5.0 only.
"""

from __future__ import annotations

from hauberk.errors import Malformed
from hauberk.model.hint import Hint, HintKey
from hauberk.model.transaction import MALFORMED, OK, Message, Role, Value
from hauberk.sense.dissect.interface import CERTAIN, LIKELY, NO, POSSIBLE, Dissector
from hauberk.sense.dissect.limits import Limits
from hauberk.sense.dissect.mqtt_fields import binary, properties, string, topic_filter, topic_name, variable_integer
from hauberk.sense.dissect.mqtt_names import ASSIGNED_CLIENT_ID, REASONS, RETURN_CODES, TOPIC_ALIAS, TYPES
from hauberk.sense.dissect.payload import payload_value
from hauberk.sense.dissect.reader import text

CONNECT, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP = 1, 2, 3, 4, 5, 6, 7
SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK, PINGREQ, PINGRESP, DISCONNECT, AUTH = 8, 9, 10, 11, 12, 13, 14, 15

_FROM_CLIENT = frozenset({CONNECT, SUBSCRIBE, UNSUBSCRIBE, PINGREQ})
_FROM_BROKER = frozenset({CONNACK, SUBACK, UNSUBACK, PINGRESP})
_FLAGS = (0, 0, 0, None, 0, 0, 2, 0, 2, 0, 2, 0, 0, 0, 0, 0)
_PUBLISH_PROPERTIES = frozenset({0x01, 0x02, 0x03, 0x08, 0x09, 0x0B, 0x23, 0x26})
_VERSIONS = {3: "3.1", 4: "3.1.1", 5: "5.0"}
_RESPONSES = frozenset({CONNACK, PUBACK, PUBREC, PUBCOMP, SUBACK, UNSUBACK, PINGRESP})
_ROLES: tuple[Role, ...] = tuple("response" if kind in _RESPONSES else "request" for kind in range(16))
_SUBSCRIBED, _UNSUBSCRIBED, _PUBLISHED = 0, 1 << 16, 2 << 16
_CLIENT_ROLE = Hint(HintKey.ROLE, "mqtt.client")
_BROKER_ROLE = Hint(HintKey.ROLE, "mqtt.broker")


class MqttSession:
    """One connection between a client and a broker."""

    __slots__ = ("_aliases", "_client", "_client_id", "_introduced", "_limits", "_pending", "_version")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._version: int | None = None
        self._client: bool | None = None
        self._client_id: str | None = None
        self._pending: dict[int, str | None] = {}
        self._aliases: tuple[dict[int, str], dict[int, str]] = ({}, {})
        self._introduced = [False, False]

    def frame_length(self, data: bytes, to_responder: bool) -> int:  # noqa: ARG002 - the interface's shape
        """Fixed header and remaining length (clause 2.2.3)."""
        if len(data) < 2:
            return 0
        length = data[1]
        if length < 0x80:
            total = 2 + length
        else:
            if len(data) < 5 and all(byte >= 0x80 for byte in data[1:]):
                return 0
            length, at = variable_integer(data, 1, len(data))
            total = at + length
        if total > self._limits.message_bytes:
            raise Malformed(f"packet of {total} bytes")
        return total

    def read(self, pdu: bytes, to_responder: bool) -> list[Message]:
        """The one packet in ``pdu``."""
        end = len(pdu)
        if end < 2:
            raise Malformed("less than a fixed header")
        first = pdu[0]
        kind = first >> 4
        length, at = (pdu[1], 2) if pdu[1] < 0x80 else variable_integer(pdu, 1, end)
        if at + length != end:
            raise Malformed(f"remaining length {length}, {end - at} bytes there")
        if kind == PUBLISH and self._version is not None and self._introduced[to_responder]:
            try:
                return [self._publish(first, pdu, at, to_responder)]
            except Malformed:
                return [Message("mqtt", self._role(kind, to_responder), "publish", kind, None, None, MALFORMED)]
        message = self._any(first, pdu, at, to_responder)
        return [self._introduce(message, kind, to_responder)]

    def gap(self, to_responder: bool) -> None:
        """Aliases may have been set in what was lost."""
        self._aliases[to_responder].clear()

    @property
    def finished(self) -> bool:
        """More may follow."""
        return False

    def _any(self, first: int, pdu: bytes, at: int, to_responder: bool) -> Message:
        kind = first >> 4
        version = self._version
        try:
            return self._packet(kind, first, pdu, at, to_responder)
        except Malformed:
            if version is None and kind != CONNECT:
                self._version = 5
                try:
                    return self._packet(kind, first, pdu, at, to_responder)
                except Malformed:
                    self._version = None
            return Message("mqtt", self._role(kind, to_responder), TYPES[kind], kind, None, None, MALFORMED)

    def _packet(self, kind: int, first: int, pdu: bytes, at: int, to_responder: bool) -> Message:
        if kind == PUBLISH:
            return self._publish(first, pdu, at, to_responder)
        if _FLAGS[kind] != first & 15:
            raise Malformed("reserved flags set")
        if kind in {PUBACK, PUBREC, PUBREL, PUBCOMP}:
            return self._acknowledge(kind, pdu, at, to_responder)
        if kind in {SUBSCRIBE, UNSUBSCRIBE}:
            return self._subscribe(kind, pdu, at)
        if kind in {SUBACK, UNSUBACK}:
            return self._suback(kind, pdu, at)
        if kind == CONNECT:
            return self._connect(pdu, at)
        if kind == CONNACK:
            return self._connack(pdu, at)
        return self._bare(kind, pdu, at, to_responder)

    def _publish(self, first: int, pdu: bytes, at: int, to_responder: bool) -> Message:
        end = len(pdu)
        if at + 2 > end:
            raise Malformed("no topic")
        stop = at + 2 + (pdu[at] << 8 | pdu[at + 1])
        quality = first >> 1 & 3
        body = stop + 2 if quality else stop
        if body > end or quality == 3:
            raise Malformed("topic longer than its packet, or quality of service 3")
        limits = self._limits
        raw = pdu[at + 2 : stop]
        identifier = 0
        if quality:
            identifier = pdu[stop] << 8 | pdu[stop + 1]
            if not identifier:
                raise Malformed("packet identifier 0")
        if self._version is None and _begins_with_properties(pdu, body, end):
            self._version = 5
        if self._version == 5:
            found, body = properties(pdu, body, end, _PUBLISH_PROPERTIES)
            topic = self._aliased(raw, found.get(TOPIC_ALIAS), to_responder)
        else:
            topic = topic_name(raw, limits.text)
        if identifier:
            self._remember(_PUBLISHED | to_responder << 16 | identifier, topic)
        role: Role = "request" if to_responder == self._client or (self._client is None and to_responder) else "event"
        return Message("mqtt", role, "publish", PUBLISH, topic, payload_value(pdu[body:], limits.text))

    def _aliased(self, raw: bytes, alias: int | bytes | None, to_responder: bool) -> str:
        """The topic by name or by alias (MQTT 5.0 clause 3.3.2.3.4)."""
        if not isinstance(alias, int):
            return topic_name(raw, self._limits.text)
        aliases = self._aliases[to_responder]
        if not raw:
            return aliases.get(alias, f"alias:{alias}")
        topic = topic_name(raw, self._limits.text)
        if alias in aliases or len(aliases) < self._limits.pending:
            aliases[alias] = topic
        return topic

    def _acknowledge(self, kind: int, pdu: bytes, at: int, to_responder: bool) -> Message:
        end = len(pdu)
        if end - at < 2:
            raise Malformed("no packet identifier")
        status, value = OK, None
        if end - at > 2:
            self._need_5()
            status, value = self._reason(pdu, at + 2)
        publisher = to_responder if kind == PUBREL else not to_responder
        key = _PUBLISHED | publisher << 16 | pdu[at] << 8 | pdu[at + 1]
        done = kind in {PUBACK, PUBCOMP} or (kind == PUBREC and status != OK)
        topic = self._pending.pop(key, None) if done else self._pending.get(key)
        return Message("mqtt", _ROLES[kind], TYPES[kind], kind, topic, value, status)

    def _subscribe(self, kind: int, pdu: bytes, at: int) -> Message:
        """SUBSCRIBE and UNSUBSCRIBE: packet identifier, then topic filters with options or without."""
        end, limits = len(pdu), self._limits
        identifier = int.from_bytes(pdu[at : at + 2], "big")
        if end - at < 2 or not identifier:
            raise Malformed("no packet identifier")
        at += 2
        if self._version == 5:
            _found, at = properties(pdu, at, end)
        filters: list[str] = []
        options: list[int] = []
        while at < end:
            raw, at = string(pdu, at, end)
            shown = topic_filter(raw, limits.text) if len(filters) < limits.items else ""
            option = 0
            if kind == SUBSCRIBE:
                option = self._options(pdu, at, end)
                at += 1
            if len(filters) < limits.items:
                filters.append(shown)
                options.append(option & 3)
        if not filters:
            raise Malformed("no topic filter")
        object_ = ",".join(filters)[: limits.text]
        self._remember(identifier | (_SUBSCRIBED if kind == SUBSCRIBE else _UNSUBSCRIBED), object_)
        return Message("mqtt", "request", TYPES[kind], kind, object_, tuple(options) if kind == SUBSCRIBE else None)

    def _options(self, pdu: bytes, at: int, end: int) -> int:
        if at >= end:
            raise Malformed("no subscription options")
        option = pdu[at]
        # MQTT 5.0 clause 3.8.3.1 gives bits 2 to 5 a meaning; retain handling 3 has none.
        reserved = 0xC0 if self._version == 5 else 0xFC
        if option & reserved or option & 3 == 3 or option & 0x30 == 0x30:
            raise Malformed("reserved subscription options")
        return option

    def _suback(self, kind: int, pdu: bytes, at: int) -> Message:
        end = len(pdu)
        if end - at < 2:
            raise Malformed("no packet identifier")
        identifier = int.from_bytes(pdu[at : at + 2], "big")
        at += 2
        if self._version == 5:
            _found, at = properties(pdu, at, end)
        codes = pdu[at:end]
        if self._version == 5:
            bad = not codes or any(code not in REASONS for code in codes)
        else:
            bad = bool(codes) if kind == UNSUBACK else not codes or any(code > 2 and code != 0x80 for code in codes)
        if bad:
            raise Malformed("missing or unknown return code")
        failed = next((code for code in codes if code >= 0x80), None)
        status = OK if failed is None else REASONS[failed] if self._version == 5 else "failure"
        filters = self._pending.pop(identifier | (_SUBSCRIBED if kind == SUBACK else _UNSUBSCRIBED), None)
        value: Value = tuple(codes[: self._limits.items]) or None
        return Message("mqtt", "response", TYPES[kind], kind, filters, value, status)

    def _connect(self, pdu: bytes, at: int) -> Message:
        end, limits = len(pdu), self._limits
        name, at = string(pdu, at, end)
        if name not in {b"MQTT", b"MQIsdp"} or end - at < 4:
            raise Malformed("no MQTT protocol name")
        # Bridges of some brokers set the top bit of the level.
        level, flags, keep_alive = pdu[at] & 0x7F, pdu[at + 1], pdu[at + 2] << 8 | pdu[at + 3]
        at += 4
        if level not in _VERSIONS:
            return Message("mqtt", "request", "connect", CONNECT, None, f"level={level}", "unacceptable_protocol_version")
        if flags & 1 or flags & 0x18 == 0x18 or (not flags & 4 and flags & 0x38) or (level < 5 and flags & 0xC0 == 0x40):
            raise Malformed("connect flags that exclude each other")
        self._version = level
        if level == 5:
            _found, at = properties(pdu, at, end)
        client, at = string(pdu, at, end)
        value = [f"version={_VERSIONS[level]}", f"keep_alive={keep_alive}"]
        if flags & 2:
            value.append("clean")
        if flags & 4:
            if level == 5:
                _found, at = properties(pdu, at, end)
            topic, at = string(pdu, at, end)
            _will, at = binary(pdu, at, end)
            value.append(f"will={topic_name(topic, limits.text)}")
        if flags & 0x80:
            user, at = string(pdu, at, end)
            value.append(f"username={text(user, limits.text)}")
        if flags & 0x40:
            _secret, at = binary(pdu, at, end)
            value.append("with_password")
        if at != end:
            raise Malformed("bytes behind the last field")
        self._client_id = text(client, limits.text) if client else None
        hints = () if self._client_id is None else (Hint(HintKey.CLIENT_ID, self._client_id),)
        return Message("mqtt", "request", "connect", CONNECT, self._client_id, tuple(value), OK, False, hints)

    def _connack(self, pdu: bytes, at: int) -> Message:
        end = len(pdu)
        if end - at < 2 or pdu[at] & 0xFE:
            raise Malformed("no acknowledge flags, or reserved ones")
        code = pdu[at + 1]
        value = "session_present" if pdu[at] else None
        if end - at > 2 or self._version == 5:
            self._need_5()
            # A broker that refuses the level answers a 5.0 client in the old form (MQTT 5.0 clause 3.1.2.2).
            if end - at == 2 and code in RETURN_CODES:
                return Message("mqtt", "response", "connack", CONNACK, self._client_id, value, RETURN_CODES[code])
            if code not in REASONS:
                raise Malformed("unknown reason code")
            found, at = properties(pdu, at + 2, end)
            if at != end:
                raise Malformed("bytes behind the last field")
            assigned = found.get(ASSIGNED_CLIENT_ID)
            if isinstance(assigned, bytes):
                self._client_id = text(assigned, self._limits.text)
            status = REASONS[code] if code >= 0x80 else OK
        elif code in RETURN_CODES:
            status = RETURN_CODES[code]
        else:
            raise Malformed("unknown return code")
        return Message("mqtt", "response", "connack", CONNACK, self._client_id, value, status)

    def _bare(self, kind: int, pdu: bytes, at: int, to_responder: bool) -> Message:
        """PINGREQ, PINGRESP, DISCONNECT and AUTH: nothing, or a reason of MQTT 5.0."""
        end = len(pdu)
        if not kind:
            raise Malformed("packet type 0")
        status, value = OK, None
        if kind == AUTH:
            self._need_5()
        if at < end:
            if kind not in {DISCONNECT, AUTH}:
                raise Malformed("a ping carries nothing")
            self._need_5()
            status, value = self._reason(pdu, at)
        object_ = self._client_id if kind == DISCONNECT else None
        return Message("mqtt", self._role(kind, to_responder), TYPES[kind], kind, object_, value, status)

    def _reason(self, pdu: bytes, at: int) -> tuple[str, str | None]:
        """Status and value of a reason code with properties or without (MQTT 5.0 clauses 2.4 and 3.4.2)."""
        code = pdu[at]
        if code not in REASONS:
            raise Malformed("unknown reason code")
        if at + 1 < len(pdu):
            _found, stop = properties(pdu, at + 1, len(pdu))
            if stop != len(pdu):
                raise Malformed("bytes behind the last field")
        if code >= 0x80:
            return REASONS[code], None
        return OK, REASONS[code] if code else None

    def _need_5(self) -> None:
        if self._version is None:
            self._version = 5
        elif self._version != 5:
            raise Malformed("form of MQTT 5.0 in an older conversation")

    def _role(self, kind: int, to_responder: bool) -> Role:
        if kind in {PUBLISH, DISCONNECT, AUTH}:
            client = to_responder if self._client is None else to_responder == self._client
            return "request" if client else "response" if kind == AUTH else "event"
        return _ROLES[kind]

    def _remember(self, key: int, object_: str | None) -> None:
        pending = self._pending
        if len(pending) >= self._limits.pending and key not in pending:
            del pending[next(iter(pending))]
        pending[key] = object_

    def _introduce(self, message: Message, kind: int, to_responder: bool) -> Message:
        """Learns which side is the client and says so once of each side."""
        if self._client is None and message.status != MALFORMED:
            if kind in _FROM_CLIENT:
                self._client = to_responder
            elif kind in _FROM_BROKER:
                self._client = not to_responder
        if self._client is None or self._introduced[to_responder]:
            return message
        self._introduced[to_responder] = True
        role = _CLIENT_ROLE if to_responder == self._client else _BROKER_ROLE
        return message._replace(hints=(*message.hints, role))


def _begins_with_properties(pdu: bytes, at: int, end: int) -> bool:
    """Whether what would be a payload in 3.1.1 begins with the properties of 5.0."""
    if at >= end:
        return False
    if not pdu[at]:
        rest = pdu[at + 1 : end]
        return bool(rest) and rest.isascii() and rest.decode("ascii").isprintable()
    if end - at < 2 or pdu[at + 1] not in _PUBLISH_PROPERTIES:
        return False
    try:
        properties(pdu, at, end, _PUBLISH_PROPERTIES)
    except Malformed:
        return False
    return True


def recognise(data: bytes, to_responder: bool) -> int:  # noqa: ARG001 - every packet says itself which side sends it
    """CONNECT by its name; anything else by packets that are whole, follow one another and keep their flags and fields."""
    at, packets, score = 0, 0, NO
    while at < len(data) and packets < 8:
        found = _plausible(data, at)
        if found == NO:
            return NO
        if found == CERTAIN:
            return CERTAIN
        score = max(score, found)
        length, behind = variable_integer(data, at + 1, len(data))
        at = behind + length
        packets += 1
    return LIKELY if packets > 1 and at == len(data) else score


def _plausible(data: bytes, at: int) -> int:
    """Score that a packet begins at ``at``."""
    if at + 2 > len(data):
        return NO
    kind = data[at] >> 4
    if kind != PUBLISH and (not kind or _FLAGS[kind] != data[at] & 15):
        return NO
    try:
        length, body = variable_integer(data, at + 1, len(data))
    except Malformed:
        return NO
    stop = body + length
    if kind == CONNECT:
        named = data[body : body + 6] == b"\x00\x04MQTT" or data[body : body + 8] == b"\x00\x06MQIsdp"
        return CERTAIN if named and length >= 12 else NO
    if kind in {PINGREQ, PINGRESP}:
        return NO if length else LIKELY
    if kind == PUBLISH:
        return _plausible_publish(data, at, body, stop)
    return NO if stop > len(data) else _plausible_control(data, at, body, stop)


def _plausible_publish(data: bytes, at: int, body: int, stop: int) -> int:
    quality = data[at] >> 1 & 3
    name = body + 2 + int.from_bytes(data[body : body + 2], "big")
    if quality == 3 or body + 2 > len(data) or name + (2 if quality else 0) > min(stop, len(data)):
        return NO
    try:
        shown = topic_name(data[body + 2 : name], 1 << 16)
    except Malformed:
        # An empty topic stands for an alias, and is too little to know a packet by.
        return POSSIBLE if name == body + 2 and name < stop <= len(data) else NO
    if not shown.isascii() or "\\" in shown:
        return POSSIBLE
    return LIKELY if stop <= len(data) or name - body > 4 else POSSIBLE


def _plausible_control(data: bytes, at: int, body: int, stop: int) -> int:
    """Acknowledgements, subscriptions and the rest, by reading them as either version."""
    kind = data[at] >> 4
    message = MqttSession(Limits()).read(data[at:stop], kind in _FROM_CLIENT)[0]
    if message.status == MALFORMED:
        return NO
    if kind in {DISCONNECT, AUTH}:
        return POSSIBLE
    return NO if kind != CONNACK and data[body : body + 2] == b"\x00\x00" else LIKELY


DISSECTORS = (Dissector("mqtt", "tcp", (1883,), recognise, MqttSession),)
