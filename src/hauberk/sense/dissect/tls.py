"""TLS and SSL over TCP: what of the handshake is in the clear (RFC 8446, RFC 5246, RFC 6101).

One message for each handshake message that can be read, with its handshake type as code, and one for each alert that is in the
clear (code None, ``value`` the alert's name, ``status`` too where it is fatal). ChangeCipherSpec and application data give none.
Once both sides encrypt, or application data of the server is seen, the session is finished. ``object`` of a hello is the server
name, of a certificate its subject. Nothing is ever decrypted.
"""

from __future__ import annotations

from hauberk.errors import Malformed
from hauberk.model.hint import Hint, HintKey
from hauberk.model.transaction import MALFORMED, OK, Message, Role
from hauberk.sense.dissect.interface import CERTAIN, LIKELY, NO, POSSIBLE, Dissector
from hauberk.sense.dissect.limits import Limits
from hauberk.sense.dissect.reader import Reader
from hauberk.sense.dissect.tls_certificate import read_certificate
from hauberk.sense.dissect.tls_hello import broken, client_hello, client_hello_ssl2, is_tls_1_3, server_hello, version_name

HANDSHAKE_NAMES = {
    0: "hello_request",
    1: "client_hello",
    2: "server_hello",
    3: "hello_verify_request",
    4: "new_session_ticket",
    5: "end_of_early_data",
    6: "hello_retry_request",
    8: "encrypted_extensions",
    11: "certificate",
    12: "server_key_exchange",
    13: "certificate_request",
    14: "server_hello_done",
    15: "certificate_verify",
    16: "client_key_exchange",
    20: "finished",
    21: "certificate_url",
    22: "certificate_status",
    23: "supplemental_data",
    24: "key_update",
    25: "compressed_certificate",
    67: "next_protocol",
}
"""IANA registry "TLS HandshakeType", with the retired numbers that old stacks still send."""

ALERT_NAMES = {
    0: "close_notify",
    1: "end_of_early_data",
    10: "unexpected_message",
    20: "bad_record_mac",
    21: "decryption_failed",
    22: "record_overflow",
    30: "decompression_failure",
    40: "handshake_failure",
    41: "no_certificate",
    42: "bad_certificate",
    43: "unsupported_certificate",
    44: "certificate_revoked",
    45: "certificate_expired",
    46: "certificate_unknown",
    47: "illegal_parameter",
    48: "unknown_ca",
    49: "access_denied",
    50: "decode_error",
    51: "decrypt_error",
    60: "export_restriction",
    70: "protocol_version",
    71: "insufficient_security",
    80: "internal_error",
    86: "inappropriate_fallback",
    90: "user_canceled",
    100: "no_renegotiation",
    109: "missing_extension",
    110: "unsupported_extension",
    111: "certificate_unobtainable",
    112: "unrecognized_name",
    113: "bad_certificate_status_response",
    114: "bad_certificate_hash_value",
    115: "unknown_psk_identity",
    116: "certificate_required",
    120: "no_application_protocol",
    121: "ech_required",
}
"""IANA registry "TLS Alerts"."""

_CHANGE_CIPHER_SPEC, _ALERT, _HANDSHAKE, _APPLICATION_DATA, _HEARTBEAT = 20, 21, 22, 23, 24
_CLIENT_HELLO, _SERVER_HELLO, _CERTIFICATE = 1, 2, 11
_FATAL = 2
_HEADER = 5
_LARGEST_RECORD = (1 << 14) + 2048
"""RFC 5246 section 6.2.3: the longest fragment of a protected record, in bytes."""
_SSL2_CLIENT_HELLO, _SSL2_SERVER_HELLO = 1, 4


def _is_ssl2(data: bytes) -> bool:
    """Whether the bytes begin an SSL 2.0 record (RFC 6101 appendix E) that holds a hello: header, type, and a known version."""
    if len(data) < 5 or not data[0] & 0x80:
        return False
    if data[2] == _SSL2_CLIENT_HELLO:
        return data[3:5] == b"\x00\x02" or (data[3] == 3 and data[4] <= 4)
    return data[2] == _SSL2_SERVER_HELLO and data[5:7] == b"\x00\x02"


def _ssl2_score(data: bytes) -> int:
    if len(data) < 11 or not _is_ssl2(data):
        return NO
    length = (data[0] & 0x7F) << 8 | data[1]
    if data[2] == _SSL2_SERVER_HELLO:
        return LIKELY if length + 2 == len(data) else POSSIBLE
    ciphers, session, challenge = data[5] << 8 | data[6], data[7] << 8 | data[8], data[9] << 8 | data[10]
    if (
        ciphers
        and ciphers % 3 == 0
        and session in {0, 16}
        and 16 <= challenge <= 32
        and 9 + ciphers + session + challenge == length
    ):
        return CERTAIN
    return NO


def _handshake_score(data: bytes, length: int) -> int:
    """Score of a handshake record whose header is sound."""
    if len(data) < _HEADER + 4 or data[5] not in HANDSHAKE_NAMES:
        return NO
    size = data[6] << 16 | data[7] << 8 | data[8]
    if data[5] in {_CLIENT_HELLO, _SERVER_HELLO}:
        version_agrees = len(data) > _HEADER + 5 and data[9] == 3 and data[10] <= 4
        return CERTAIN if version_agrees and 38 <= size <= 1 << 16 else NO
    if size + 4 <= length or length > 1024:
        return LIKELY if size < 1 << 17 else NO
    return NO


def _opaque_score(data: bytes, length: int) -> int:
    """Score of a record whose content says nothing: what follows it must begin the next record."""
    following = data[_HEADER + length :]
    if len(following) >= 3:
        return LIKELY if _CHANGE_CIPHER_SPEC <= following[0] <= _HEARTBEAT and following[1:3] == data[1:3] else NO
    if len(data) == _HEADER + length:
        return LIKELY
    return POSSIBLE if data[0] == _APPLICATION_DATA else NO


def recognise(data: bytes, to_responder: bool) -> int:  # noqa: ARG001 - a TLS record looks the same both ways
    """A record header that agrees with what follows; a hello is certain."""
    if len(data) < _HEADER:
        return NO
    kind = data[0]
    if not _CHANGE_CIPHER_SPEC <= kind <= _HEARTBEAT or data[1] != 3 or data[2] > 4:
        return _ssl2_score(data) if kind & 0x80 else NO
    length = data[3] << 8 | data[4]
    if not length or length > _LARGEST_RECORD:
        return NO
    if kind == _HANDSHAKE:
        return _handshake_score(data, length)
    if kind == _CHANGE_CIPHER_SPEC:
        return CERTAIN if length == 1 and data[5:6] == b"\x01" else NO
    if kind == _ALERT and length == 2:
        return LIKELY if len(data) == 7 and data[5] in {1, 2} and data[6] in ALERT_NAMES else NO
    return _opaque_score(data, length)


class TlsSession:
    """One TLS connection. Index 0 of the pairs is the responder's direction (server), 1 the initiator's."""

    __slots__ = ("_client", "_encrypted", "_finished", "_hello_seen", "_pending", "_unsure", "_version", "limits")

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._pending = [bytearray(), bytearray()]
        self._encrypted = [False, False]
        self._unsure = [False, False]
        self._client = True
        self._hello_seen = False
        self._version = 0
        self._finished = False

    def frame_length(self, data: bytes, to_responder: bool) -> int:  # noqa: ARG002 - a record looks the same both ways
        """Length of the record: header and fragment."""
        if len(data) < _HEADER:
            return 0
        if _CHANGE_CIPHER_SPEC <= data[0] <= _HEARTBEAT and data[1] == 3 and data[2] <= 4:
            length = data[3] << 8 | data[4]
            if length > _LARGEST_RECORD:
                raise Malformed(f"a record of {length} bytes is longer than TLS allows")
            return _HEADER + length
        if not self._version and data[0] & 0x80 and data[2] in {_SSL2_CLIENT_HELLO, _SSL2_SERVER_HELLO}:
            if len(data) < 7:
                return 0
            if _is_ssl2(data):
                return 2 + ((data[0] & 0x7F) << 8 | data[1])
        raise Malformed("no TLS record begins here")

    def read(self, pdu: bytes, to_responder: bool) -> list[Message]:
        """The handshake messages and alerts completed by one record."""
        if len(pdu) < _HEADER:
            raise Malformed(f"a record of {len(pdu)} bytes")
        kind = pdu[0]
        if kind & 0x80:
            return self._read_ssl2(pdu, to_responder)
        if kind == _HANDSHAKE:
            return self._read_handshake(pdu, to_responder)
        if kind == _ALERT:
            return self._read_alert(pdu, to_responder)
        if kind == _CHANGE_CIPHER_SPEC:
            # In TLS 1.3 it is a dummy (RFC 8446 appendix D.4) and hides nothing.
            if not is_tls_1_3(self._version):
                self._encrypts(to_responder)
        elif kind == _APPLICATION_DATA:
            self._encrypts(to_responder)
            # Early data (RFC 8446 section 2.3) is the only application data that precedes a ServerHello.
            if not self._hello_seen or to_responder != self._client:
                self._finished = True
        elif kind != _HEARTBEAT:
            raise Malformed(f"record type {kind}")
        return []

    def gap(self, to_responder: bool) -> None:
        """Forget the half-read handshake message; what comes next may be the rest of it."""
        self._pending[to_responder].clear()
        self._unsure[to_responder] = True

    @property
    def finished(self) -> bool:
        """True once everything that follows is encrypted."""
        return self._finished

    def _encrypts(self, to_responder: bool) -> None:
        self._encrypted[to_responder] = True
        self._pending[to_responder].clear()
        self._finished = self._finished or (self._encrypted[0] and self._encrypted[1])

    def _role(self, to_responder: bool) -> Role:
        return "request" if to_responder == self._client else "response"

    def _read_ssl2(self, pdu: bytes, to_responder: bool) -> list[Message]:
        if not _is_ssl2(pdu):
            raise Malformed("no hello in an SSL 2.0 record")
        if pdu[2] == _SSL2_SERVER_HELLO:
            # Nothing after an SSL 2.0 server's hello is in the clear but its own key exchange.
            self._finished = True
            hints = (Hint(HintKey.ROLE, "tls.server"),)
            value = (version_name(0x0002), None)
            return [Message("tls", "response", "server_hello", _SERVER_HELLO, None, value, OK, False, hints)]
        self._client, self._hello_seen = to_responder, True
        try:
            return [client_hello_ssl2(pdu)]
        except Malformed:
            return [broken("tls", "request", "client_hello", _CLIENT_HELLO)]

    def _read_alert(self, pdu: bytes, to_responder: bool) -> list[Message]:
        if len(pdu) != _HEADER + 2 or self._encrypted[to_responder]:
            return []
        name = ALERT_NAMES.get(pdu[6]) or f"alert_{pdu[6]}"
        return [Message("tls", "event", "alert", None, None, name, name if pdu[5] == _FATAL else OK)]

    def _read_handshake(self, pdu: bytes, to_responder: bool) -> list[Message]:
        fragment = pdu[_HEADER:]
        if self._encrypted[to_responder] or self._unsure[to_responder]:
            if not self._is_readable(fragment, to_responder):
                return []
            self._unsure[to_responder] = False
        pending = self._pending[to_responder]
        pending += fragment
        messages: list[Message] = []
        position = 0
        while position + 4 <= len(pending) and len(messages) < self.limits.messages:
            kind = pending[position]
            end = position + 4 + (pending[position + 1] << 16 | pending[position + 2] << 8 | pending[position + 3])
            if kind not in HANDSHAKE_NAMES or end - position > self.limits.message_bytes:
                self.gap(to_responder)
                operation = HANDSHAKE_NAMES.get(kind, f"handshake_{kind}")
                messages.append(broken("tls", self._role(to_responder), operation, kind))
                return messages
            if end > len(pending):
                break
            messages.append(self._message(kind, bytes(pending[position + 4 : end]), to_responder))
            position = end
        if len(messages) < self.limits.messages:
            del pending[:position]
        else:
            pending.clear()
        return messages

    def _is_readable(self, fragment: bytes, to_responder: bool) -> bool:
        """Whether a handshake record is in the clear although it may be encrypted or be the middle of a message.

        A second ClientHello follows early data that a HelloRetryRequest refused, and a hello ends any doubt after a gap.
        """
        if len(fragment) < 4:
            return False
        size = fragment[1] << 16 | fragment[2] << 8 | fragment[3]
        if fragment[0] in {_CLIENT_HELLO, _SERVER_HELLO}:
            return 38 <= size <= 1 << 16 and fragment[4:5] == b"\x03" and (size + 4 <= len(fragment) or len(fragment) > 1024)
        return not self._encrypted[to_responder] and fragment[0] in HANDSHAKE_NAMES and size + 4 <= len(fragment)

    def _message(self, kind: int, body: bytes, to_responder: bool) -> Message:
        try:
            if kind == _CLIENT_HELLO:
                self._client, self._hello_seen = to_responder, True
                return client_hello("tls", body, self.limits)
            if kind == _SERVER_HELLO:
                self._client = not to_responder
                return self._server_hello(body, to_responder)
            if kind == _CERTIFICATE:
                return self._certificate(body, to_responder)
        except Malformed:
            return broken("tls", self._role(to_responder), HANDSHAKE_NAMES[kind], kind)
        return Message("tls", self._role(to_responder), HANDSHAKE_NAMES[kind], kind)

    def _server_hello(self, body: bytes, to_responder: bool) -> Message:
        message, chosen = server_hello("tls", body, self.limits)
        self._hello_seen = True
        self._version = chosen.version
        if is_tls_1_3(chosen.version) and not chosen.retry:
            self._encrypted[not to_responder] = True
            self._encrypts(to_responder)
        return message

    def _certificate(self, body: bytes, to_responder: bool) -> Message:
        role = self._role(to_responder)
        chain = Reader(body)
        chain = chain.part(chain.u24())
        if not chain.remaining:
            return Message("tls", role, "certificate", _CERTIFICATE)
        try:
            leaf = read_certificate(chain.take(chain.u24()), self.limits.text)
        except Malformed:
            return Message("tls", role, "certificate", _CERTIFICATE, status=MALFORMED)
        named = (Hint(HintKey.CERTIFICATE, leaf.subject),) if leaf.subject else ()
        hints = (*named, Hint(HintKey.CERTIFICATE_SHA256, leaf.sha256), Hint(HintKey.CERTIFICATE_SHA1, leaf.sha1))
        value = (leaf.issuer, leaf.not_after)
        return Message("tls", role, "certificate", _CERTIFICATE, leaf.subject or None, value, OK, False, hints)


DISSECTORS = (
    Dissector(
        name="tls",
        transport="tcp",
        ports=(443, 465, 636, 802, 853, 989, 990, 992, 993, 995, 2221, 4843, 5061, 5671, 5684, 8443, 8883, 9443, 19998),
        recognise=recognise,
        start=TlsSession,
        encrypted=True,
    ),
)
