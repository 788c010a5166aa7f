"""TLS over TCP: recognition, records, handshake messages, certificates, alerts and the end of what is readable."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import ssl
import struct
from functools import lru_cache
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from hauberk.errors import Malformed
from hauberk.model.hint import Hint, HintKey
from hauberk.model.transaction import Message
from hauberk.sense.dissect.interface import CERTAIN, LIKELY, NO, POSSIBLE
from hauberk.sense.dissect.limits import DEFAULT_LIMITS, Limits
from hauberk.sense.dissect.tls import DISSECTORS, TlsSession, recognise

KEY = ec.derive_private_key(0x1234567, ec.SECP256R1())


@lru_cache(maxsize=8)
def certificate(common: str | None = "plc.example", alternative: str | None = None) -> x509.Certificate:
    """A self-signed certificate."""
    names = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Works")]
    if common is not None:
        names.append(x509.NameAttribute(NameOID.COMMON_NAME, common))
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name(names))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Works CA")]))
        .public_key(KEY.public_key())
        .serial_number(7)
        .not_valid_before(dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
        .not_valid_after(dt.datetime(2049, 12, 31, tzinfo=dt.UTC))
    )
    if alternative is not None:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(alternative)]), critical=False)
    return builder.sign(KEY, hashes.SHA256())


def der(common: str | None = "plc.example", alternative: str | None = None) -> bytes:
    """The bytes of a certificate."""
    return certificate(common, alternative).public_bytes(serialization.Encoding.DER)


def counted(content: bytes, width: int) -> bytes:
    """``content`` after its length."""
    return len(content).to_bytes(width, "big") + content


def handshake(kind: int, body: bytes) -> bytes:
    """A handshake message."""
    return bytes((kind,)) + counted(body, 3)


def record(kind: int, content: bytes, version: int = 0x0303) -> bytes:
    """A record."""
    return struct.pack(">BH", kind, version) + counted(content, 2)


def client_body(versions: tuple[int, ...] = ()) -> bytes:
    """The body of a small ClientHello for ``hub.example``."""
    block = b"\x00\x00" + counted(counted(b"\x00" + counted(b"hub.example", 2), 2), 2)
    if versions:
        block += b"\x00\x2b" + counted(counted(struct.pack(f">{len(versions)}H", *versions), 1), 2)
    return b"\x03\x03" + bytes(32) + b"\x00" + counted(b"\xc0\x2f\x00\x2f", 2) + b"\x01\x00" + counted(block, 2)


def server_body(version: int = 0x0303, random: bytes = bytes(32)) -> bytes:
    """The body of a ServerHello."""
    block = b"\x00\x2b\x00\x02" + struct.pack(">H", version) if version > 0x0303 else b""
    legacy = min(version, 0x0303)
    return struct.pack(">H", legacy) + random + b"\x00" + b"\xc0\x2f\x00" + (counted(block, 2) if block else b"")


def chain(*certificates: bytes) -> bytes:
    """The body of a certificate message."""
    return counted(b"".join(counted(each, 3) for each in certificates), 3)


CLIENT_HELLO = record(22, handshake(1, client_body()), 0x0301)
SERVER_FLIGHT = record(22, handshake(2, server_body()) + handshake(11, chain(der())) + handshake(14, b""))
SSL2_HELLO = bytes.fromhex("802e0103010015000000100100800700c003008006004002008004008000000400fe1e") + bytes(13)
ALERT = record(21, b"\x02\x28")
CHANGE = record(20, b"\x01")
DATA = record(23, bytes(40))

SAMPLES: tuple[tuple[bytes, bool], ...] = (
    (CLIENT_HELLO, True),
    (SERVER_FLIGHT, False),
    (SSL2_HELLO, True),
    (ALERT, False),
    (CHANGE, True),
    (DATA, True),
)


def session(limits: Limits = DEFAULT_LIMITS) -> TlsSession:
    """A new session."""
    return TlsSession(limits)


def stream(reader: TlsSession, data: bytes, to_responder: bool) -> list[Message]:
    """The messages of a run of whole records, as the stream layer delivers them."""
    messages: list[Message] = []
    while data and not reader.finished:
        length = reader.frame_length(data, to_responder)
        messages += reader.read(data[:length], to_responder)
        data = data[length:]
    return messages


def codes(messages: list[Message]) -> list[int | None]:
    """The codes of messages."""
    return [message.code for message in messages]


def test_hello_is_recognised_with_certainty_on_any_port() -> None:
    """Both hellos and an SSL 2.0 hello."""
    assert [recognise(CLIENT_HELLO, True), recognise(SERVER_FLIGHT, False), recognise(SSL2_HELLO, True)] == [CERTAIN] * 3


def test_middle_of_a_connection_is_recognised_by_record_lengths() -> None:
    """Application data whose length fits, is followed by a record, or says nothing."""
    assert recognise(DATA, True) == LIKELY
    assert recognise(DATA + DATA[:10], True) == LIKELY
    assert recognise(DATA[:20], True) == POSSIBLE
    assert recognise(DATA + b"GET", True) == NO
    assert recognise(ALERT, False) == LIKELY
    assert recognise(CHANGE + DATA, False) == CERTAIN


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"\x10\x16\x00\x04MQTT\x04\x02\x00\x3c\x00\x0aclient-001",
        b"\x03\x00\x00\x16\x11\xe0\x00\x00\x00\x01\x00\xc1\x02\x01\x00\xc2\x02\x01\x02\xc0\x01\x0a",
        b"\x00\x01\x00\x00\x00\x06\x01\x03\x00\x00\x00\x0a",
        b"\x68\x04\x07\x00\x00\x00",
        b"\x16\x03\x01\x00\x04\x63\x00\x00\x00",
        b"\x16\x03",
        b"",
    ],
)
def test_other_traffic_is_not_recognised(data: bytes) -> None:
    """Other protocols, a handshake type that does not exist, and too little data."""
    assert recognise(data, True) == NO


def test_client_hello_gives_name_and_hints() -> None:
    """Code 1, the server name as object, the fingerprint as a hint."""
    (message,) = session().read(CLIENT_HELLO, True)
    assert (message.role, message.operation, message.code, message.object) == ("request", "client_hello", 1, "hub.example")
    assert [hint.key for hint in message.hints] == [HintKey.SNI, HintKey.JA4]


def test_several_messages_in_one_record() -> None:
    """A server's flight in one record: hello, certificate, done."""
    reader = session()
    stream(reader, CLIENT_HELLO, True)
    hello, shown, done = stream(reader, SERVER_FLIGHT, False)
    assert hello.value == ("TLS 1.2", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256")
    assert (shown.role, shown.code, shown.object, shown.value) == (
        "response",
        11,
        "plc.example",
        ("Works CA", "2049-12-31T00:00:00Z"),
    )
    assert shown.hints[0] == Hint(HintKey.CERTIFICATE, "plc.example")
    assert (done.operation, done.code, reader.finished) == ("server_hello_done", 14, False)


def test_certificate_hashes_are_of_the_whole_certificate() -> None:
    """SHA-256 and SHA-1 of the DER as it was on the wire."""
    reader = session()
    stream(reader, CLIENT_HELLO, True)
    _, shown, _ = stream(reader, SERVER_FLIGHT, False)
    start = SERVER_FLIGHT.index(b"\x30\x82")
    der = SERVER_FLIGHT[start : start + 4 + int.from_bytes(SERVER_FLIGHT[start + 2 : start + 4], "big")]
    assert shown.hints[1:] == (
        Hint(HintKey.CERTIFICATE_SHA256, hashlib.sha256(der).hexdigest()),
        Hint(HintKey.CERTIFICATE_SHA1, hashlib.sha1(der, usedforsecurity=False).hexdigest()),
    )


def test_message_fragmented_over_records() -> None:
    """A certificate message cut into records of 100 bytes is one message, given with the last record."""
    reader = session()
    stream(reader, CLIENT_HELLO, True)
    flight = SERVER_FLIGHT[5:]
    pieces = [record(22, flight[at : at + 100]) for at in range(0, len(flight), 100)]
    given = [codes(reader.read(piece, False)) for piece in pieces]
    assert [code for codes_ in given for code in codes_] == [2, 11, 14]
    assert given[-1][-2:] == [11, 14]


def test_subject_falls_back_to_alternative_name_and_whole_name() -> None:
    """Without a common name the first alternative name, and without that the whole subject."""
    reader = session()
    stream(reader, CLIENT_HELLO, True)
    (named,) = reader.read(record(22, handshake(11, chain(der(None, "cam.example")))), False)
    (bare,) = reader.read(record(22, handshake(11, chain(der(None)))), False)
    assert (named.object, bare.object) == ("cam.example", "O=Works")


def test_certificate_of_the_client_is_a_request() -> None:
    """A client's certificate, and its empty list."""
    reader = session()
    stream(reader, CLIENT_HELLO, True)
    (shown,) = reader.read(record(22, handshake(11, chain(der("meter-7")))), True)
    (empty,) = reader.read(record(22, handshake(11, chain())), True)
    assert (shown.role, shown.object) == ("request", "meter-7")
    assert (empty.object, empty.status, empty.hints) == (None, "ok", ())


def test_unreadable_certificate_is_malformed_but_reported() -> None:
    """A leaf that is no certificate keeps the session alive."""
    (message,) = session().read(record(22, handshake(11, chain(b"\x30\x03\x02\x01\x01"))), False)
    assert (message.code, message.status, message.object) == (11, "malformed", None)


@pytest.mark.parametrize("string_type,status", [(0x03, "malformed"), (0x0C, "ok")])
def test_odd_names_in_certificates_are_survived(string_type: int, status: str) -> None:
    """An issuer whose name is a bit string is unreadable; a country of nine letters is read without a word."""
    issuer = b"\x55\x04\x03\x0c\x08Works CA"
    assert der().count(issuer) == 1
    country = issuer.replace(b"\x04\x03\x0c", bytes((0x04, 0x06, string_type)))
    (message,) = session().read(record(22, handshake(11, chain(der().replace(issuer, country)))), False)
    assert message.status == status


def test_old_handshake_ends_when_both_sides_have_changed() -> None:
    """TLS 1.2: the encrypted Finished after the first ChangeCipherSpec is not read, and after the second the session ends."""
    reader = session()
    stream(reader, CLIENT_HELLO, True)
    stream(reader, SERVER_FLIGHT, False)
    encrypted = record(22, bytes(range(40)))
    messages = stream(reader, record(22, handshake(16, bytes(66))) + CHANGE + encrypted, True)
    assert (codes(messages), reader.finished) == ([16], False)
    messages = stream(reader, record(22, handshake(4, bytes(20))) + CHANGE + encrypted, False)
    assert (codes(messages), reader.finished) == ([4], True)


def test_tls_1_3_ends_at_the_server_hello() -> None:
    """What follows the ServerHello of TLS 1.3 is encrypted."""
    reader = session()
    stream(reader, record(22, handshake(1, client_body((0x0304,)))), True)
    (message,) = stream(reader, record(22, handshake(2, server_body(0x0304))) + CHANGE + DATA, False)
    assert message.value == ("TLS 1.3", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256")
    assert reader.finished


def test_second_hello_after_a_retry_is_read() -> None:
    """HelloRetryRequest: dummy ChangeCipherSpecs hide nothing and both hellos are given, even after early data."""
    retry = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
    hello = record(22, handshake(1, client_body((0x0304,))))
    reader = session()
    assert codes(stream(reader, hello + CHANGE + DATA, True)) == [1]
    (asked,) = stream(reader, record(22, handshake(2, server_body(0x0304, retry))) + CHANGE, False)
    assert asked.operation == "hello_retry_request"
    assert codes(stream(reader, CHANGE + hello, True)) == [1]
    assert not reader.finished
    assert codes(stream(reader, record(22, handshake(2, server_body(0x0304))), False)) == [2]
    assert reader.finished


def test_application_data_without_a_hello_ends_the_session() -> None:
    """A capture that begins in the middle has nothing to read."""
    reader = session()
    assert (reader.read(DATA, True), reader.finished) == ([], True)


@pytest.mark.parametrize(
    "content,value,status",
    [
        (b"\x02\x28", "handshake_failure", "handshake_failure"),
        (b"\x01\x00", "close_notify", "ok"),
        (b"\x02\xee", "alert_238", "alert_238"),
    ],
)
def test_alerts_in_the_clear_are_events(content: bytes, value: str, status: str) -> None:
    """Fatal alerts are a status, warnings are not."""
    (message,) = session().read(record(21, content), False)
    assert message == Message("tls", "event", "alert", None, None, value, status)


def test_encrypted_alert_gives_nothing() -> None:
    """An alert longer than two bytes is encrypted, and so is one after ChangeCipherSpec."""
    reader = session()
    assert reader.read(record(21, bytes(26)), True) == []
    reader.read(CHANGE, True)
    assert reader.read(ALERT, True) == []


def test_ssl2_hello_is_read_without_fingerprint() -> None:
    """An SSL 2.0 record with a hello that offers TLS 1.0."""
    reader = session()
    assert reader.frame_length(SSL2_HELLO, True) == len(SSL2_HELLO) == 48
    (message,) = reader.read(SSL2_HELLO, True)
    assert (message.code, message.value, message.hints) == (1, ("TLS 1.0", None), ())
    assert codes(stream(reader, SERVER_FLIGHT, False)) == [2, 11, 14]


def test_ssl2_server_hello_ends_the_session() -> None:
    """SSL 2.0 has nothing more to read."""
    reader = session()
    data = b"\x80\x0b\x04\x00\x01\x00\x02" + bytes(6)
    (message,) = reader.read(data[: reader.frame_length(data, False)], False)
    assert (message.code, message.value, reader.finished) == (2, ("SSL 2.0", None), True)


def test_frame_length_waits_for_the_header_and_refuses_rubbish() -> None:
    """Zero while a header is incomplete, the record's length then, and Malformed for other bytes."""
    reader = session()
    assert [reader.frame_length(CLIENT_HELLO[:size], True) for size in (0, 4, 5, 20)] == [
        0,
        0,
        len(CLIENT_HELLO),
        len(CLIENT_HELLO),
    ]
    for rubbish in (b"GET / HTTP", b"\x17\x03\x03\xff\xff\x00\x00"):
        with pytest.raises(Malformed):
            reader.frame_length(rubbish, True)


def test_broken_hello_is_malformed_and_the_session_goes_on() -> None:
    """The message says what it is; the next one is read."""
    reader = session()
    (message,) = reader.read(record(22, handshake(1, client_body()[:50])), True)
    assert (message.operation, message.code, message.status) == ("client_hello", 1, "malformed")
    assert codes(reader.read(SERVER_FLIGHT, False)) == [2, 11, 14]


def test_unknown_handshake_type_is_malformed_once() -> None:
    """After a type that does not exist nothing of that direction is believed until a sound message."""
    reader = session()
    (message,) = reader.read(record(22, b"\x63\x00\x00\x01\x00"), False)
    assert (message.operation, message.code, message.status) == ("handshake_99", 99, "malformed")
    assert reader.read(record(22, bytes((200, 1)) + bytes(60)), False) == []
    assert codes(reader.read(SERVER_FLIGHT, False)) == [2, 11, 14]


def test_gap_forgets_the_half_read_message() -> None:
    """After lost bytes the rest of a message is not taken for a new one."""
    reader = session()
    stream(reader, CLIENT_HELLO, True)
    flight = SERVER_FLIGHT[5:]
    assert codes(reader.read(record(22, flight[:200]), False)) == [2]
    reader.gap(False)
    assert reader.read(record(22, flight[250:400]), False) == []
    assert codes(reader.read(record(22, handshake(14, b"")), False)) == [14]


def test_announced_length_beyond_the_limit_is_refused() -> None:
    """A handshake message longer than the bound is not buffered."""
    reader = session(Limits(message_bytes=1000))
    (message,) = reader.read(record(22, b"\x0b\x00\x10\x00" + bytes(100)), False)
    assert (message.code, message.status) == (11, "malformed")


def test_empty_messages_are_bounded() -> None:
    """A record full of empty messages gives no more than the bound."""
    assert len(session(Limits(messages=10)).read(record(22, bytes(4000)), False)) == 10


def exchange(version: ssl.TLSVersion, folder: Path) -> list[tuple[bytes, bool]]:
    """The records of a real handshake between two endpoints in memory."""
    path = folder / "both.pem"
    private = KEY.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(private + certificate().public_bytes(serialization.Encoding.PEM))
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(path)
    asking = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    asking.check_hostname = False
    asking.verify_mode = ssl.CERT_NONE
    asking.minimum_version = asking.maximum_version = version
    asking.set_alpn_protocols(["mqtt"])
    wires = [ssl.MemoryBIO() for _ in range(4)]
    client = asking.wrap_bio(wires[0], wires[1], server_hostname="plc.example")
    server = serving.wrap_bio(wires[2], wires[3], server_side=True)
    flights: list[tuple[bytes, bool]] = []
    for _ in range(4):
        for end, out, into, to_responder in ((client, wires[1], wires[2], True), (server, wires[3], wires[0], False)):
            with contextlib.suppress(ssl.SSLWantReadError):
                end.do_handshake()
            if data := out.read():
                flights.append((data, to_responder))
                into.write(data)
    return flights


@pytest.mark.parametrize(
    "version,expected",
    [(ssl.TLSVersion.TLSv1_2, [1, 2, 11, 12, 14, 16, 4]), (ssl.TLSVersion.TLSv1_3, [1, 2])],
)
def test_real_handshake_is_read_to_its_encrypted_part(version: ssl.TLSVersion, expected: list[int], tmp_path: Path) -> None:
    """A handshake of OpenSSL: every message in the clear, and then the session is finished."""
    reader = session()
    messages: list[Message] = []
    for data, to_responder in exchange(version, tmp_path):
        messages += stream(reader, data, to_responder)
    assert (codes(messages), reader.finished) == (expected, True)
    assert messages[0].object == "plc.example"
    assert isinstance(messages[0].value, tuple)
    assert messages[0].value[2] == "mqtt"


def test_registry_row() -> None:
    """One row, for streams, that protects credentials."""
    (row,) = DISSECTORS
    assert (row.name, row.transport, row.encrypted, 8883 in row.ports) == ("tls", "tcp", True, True)


@given(st.sampled_from(SAMPLES), st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=6), st.binary(max_size=120))
def test_nothing_but_malformed_escapes(sample: tuple[bytes, bool], edits: list[tuple[int, int]], noise: bytes) -> None:
    """Mutated records and random bytes raise nothing but Malformed."""
    mutated = bytearray(sample[0])
    for at, value in edits:
        mutated[at % len(mutated)] = value
    reader = session()
    for data in (bytes(mutated), bytes(mutated)[: len(mutated) // 2], noise, bytes(mutated) + noise):
        for to_responder in (sample[1], not sample[1]):
            assert 0 <= recognise(data, to_responder) <= 100
            try:
                length = reader.frame_length(data, to_responder)
                assert length >= 0
                reader.read(data[:length], to_responder)
            except Malformed:
                reader.gap(to_responder)
