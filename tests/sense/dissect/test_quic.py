"""QUIC: the vectors of RFC 9001 appendix A and RFC 9369 appendix A, reassembly of hellos, and what is left alone."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from hauberk.errors import Malformed
from hauberk.model.hint import HintKey
from hauberk.model.transaction import Message
from hauberk.sense.dissect.interface import CERTAIN, LIKELY, NO, POSSIBLE
from hauberk.sense.dissect.limits import DEFAULT_LIMITS
from hauberk.sense.dissect.quic import DISSECTORS, QuicSession, recognise

CONNECTION = bytes.fromhex("8394c8f03e515708")
# Client keys of the two appendices: key, nonce, header protection.
CLIENT_KEYS_1 = ("1f369613dd76d5467730efcbe3b1a22d", "fa044b2f42a3fd3b46fb255c", "9f50449e04a0e810283a1e9933adedd2")
CLIENT_KEYS_2 = ("8b1a0bc121284290a29e0971b5cd045d", "91f73e2351d8fa91660e909f", "45b95e15235d6f45a6b19cbcb0294ba9")
SERVER_KEYS_1 = ("cf3a5331653c364c88f0f379b6067e37", "0ac1493ca1905853b0bba03e", "c206b8d9b9f0f37644430b490eeaa314")

CRYPTO = bytes.fromhex(
    "060040f1010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e86804fe3a47f06a2b69484c00000413011302010000c000000010000e00000b65"
    "78616d706c652e636f6dff01000100000a00080006001d0017001800100007000504616c706e000500050100000000003300260024001d00209370b2c9caa4"
    "7fbabaf4559fedba753de171fa71f50f1ce15d43e994ec74d748002b0003020304000d0010000e0403050306030203080408050806002d00020101001c0002"
    "4001003900320408ffffffffffffffff05048000ffff07048000ffff0801100104800075300901100f088394c8f03e51570806048000ffff"
)
HELLO = CRYPTO[4:]

SERVER_INITIAL_1 = bytes.fromhex(
    "cf000000010008f067a5502a4262b5004075c0d95a482cd0991cd25b0aac406a5816b6394100f37a1c69797554780bb38cc5a99f5ede4cf73c3ec2493a1839"
    "b3dbcba3f6ea46c5b7684df3548e7ddeb9c3bf9c73cc3f3bded74b562bfb19fb84022f8ef4cdd93795d77d06edbb7aaf2f58891850abbdca3d20398c276456"
    "cbc42158407dd074ee"
)
SERVER_INITIAL_2 = bytes.fromhex(
    "dc6b3343cf0008f067a5502a4262b5004075d92faaf16f05d8a4398c47089698baeea26b91eb761d9b89237bbf87263017915358230035f7fd3945d88965cf"
    "17f9af6e16886c61bfc703106fbaf3cb4cfa52382dd16a393e42757507698075b2c984c707f0a0812d8cd5a6881eaf21ceda98f4bd23f6fe1a3e2c43edd9ce"
    "7ca84bed8521e2e140"
)
RETRY_1 = bytes.fromhex("ff000000010008f067a5502a4262b5746f6b656e04a265ba2eff4d829058fb3f0f2496ba")
RETRY_2 = bytes.fromhex("cf6b3343cf0008f067a5502a4262b5746f6b656ec8646ce8bfe33952d955543665dcc7b6")
NEGOTIATION = bytes.fromhex("80000000000008f067a5502a4262b5000000016b3343cf0a1a2a3a")


def seal(keys: tuple[str, str, str], header: bytes, number: int, frames: bytes) -> bytes:
    """A protected packet of a four-byte packet number, by the steps of RFC 9001 section 5."""
    key, nonce, protection = (bytes.fromhex(part) for part in keys)
    header += number.to_bytes(4, "big")
    mixed = (int.from_bytes(nonce, "big") ^ number).to_bytes(12, "big")
    sealed = AESGCM(key).encrypt(mixed, frames, header)
    mask = Cipher(algorithms.AES(protection), modes.ECB()).encryptor().update(sealed[:16])  # noqa: S305 - the standard's construction
    hidden = bytes(byte ^ other for byte, other in zip(header[-4:], mask[1:5], strict=True))
    return bytes((header[0] ^ mask[0] & 0x0F,)) + header[1:-4] + hidden + sealed


def initial(
    frames: bytes, number: int = 2, keys: tuple[str, str, str] = CLIENT_KEYS_1, version: int = 1, first: int = 0xC3
) -> bytes:
    """A client's Initial packet of the appendices' connection, padded to 1162 bytes of frames."""
    padded = frames.ljust(1162, b"\x00")
    length = (len(padded) + 20 | 0x4000).to_bytes(2, "big")
    header = bytes((first,)) + version.to_bytes(4, "big") + b"\x08" + CONNECTION + b"\x00\x00" + length
    return seal(keys, header, number, padded)


def server_initial(frames: bytes, number: int = 1) -> bytes:
    """A server's Initial packet."""
    length = (len(frames) + 20 | 0x4000).to_bytes(2, "big")
    return seal(SERVER_KEYS_1, bytes.fromhex("c3000000010008f067a5502a4262b500") + length, number, frames)


def crypto(offset: int, content: bytes) -> bytes:
    """A CRYPTO frame."""
    return b"\x06" + (offset | 0x4000).to_bytes(2, "big") + (len(content) | 0x4000).to_bytes(2, "big") + content


CLIENT_INITIAL_1 = initial(CRYPTO)
CLIENT_INITIAL_2 = initial(CRYPTO, keys=CLIENT_KEYS_2, version=0x6B3343CF, first=0xD3)

SAMPLES: tuple[tuple[bytes, bool], ...] = (
    (CLIENT_INITIAL_1, True),
    (CLIENT_INITIAL_2, True),
    (SERVER_INITIAL_1, False),
    (SERVER_INITIAL_2, False),
    (RETRY_1, False),
    (RETRY_2, False),
    (NEGOTIATION, False),
)


def session() -> QuicSession:
    """A new session."""
    return QuicSession(DEFAULT_LIMITS)


def test_sealing_here_agrees_with_the_appendices() -> None:
    """The packets made here begin and end as RFC 9001 A.2 and RFC 9369 A.2 print them."""
    assert CLIENT_INITIAL_1.hex().startswith(
        "c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11d242b123dc9bd8bab936b47d92ec"
    )
    assert CLIENT_INITIAL_1.hex().endswith("e221af44860018ab0856972e194cd934")
    assert CLIENT_INITIAL_2.hex().startswith(
        "d76b3343cf088394c8f03e5157080000449ea0c95e82ffe67b6abcdb4298b485dd04de806071bf03dceebfa162e7"
    )
    assert CLIENT_INITIAL_2.hex().endswith("a18b2faa745b6fe189cf772a9f84cbfc")


@pytest.mark.parametrize("client,server", [(CLIENT_INITIAL_1, SERVER_INITIAL_1), (CLIENT_INITIAL_2, SERVER_INITIAL_2)])
def test_hellos_of_the_appendices_are_read(client: bytes, server: bytes) -> None:
    """Both hellos of both versions, after which the session is finished."""
    reader = session()
    (asked,) = reader.read(client, True)
    assert asked[:5] == ("quic", "request", "client_hello", 1, "example.com")
    assert isinstance(asked.value, tuple)
    assert asked.value[0] == "TLS 1.3"
    assert str(asked.value[1]).startswith("q13d0211an_62ed6f6ca7ad_")
    assert asked.value[2] == "alpn"
    assert [hint.key for hint in asked.hints] == [HintKey.SNI, HintKey.JA4]
    assert not reader.finished
    (answered,) = reader.read(server, False)
    assert answered[:6] == ("quic", "response", "server_hello", 2, None, ("TLS 1.3", "TLS_AES_128_GCM_SHA256"))
    assert reader.finished


def test_hello_in_pieces_over_packets_is_put_in_order() -> None:
    """CRYPTO frames out of order, overlapping, repeated and between PADDING and PING, over two packets."""
    reader = session()
    later = crypto(150, HELLO[150:]) + b"\x01" + bytes(5) + crypto(60, HELLO[60:100])
    assert reader.read(initial(later, 0), True) == []
    (message,) = reader.read(initial(bytes(3) + crypto(0, HELLO[:70]) + crypto(90, HELLO[90:160]) + crypto(0, HELLO[:20]), 1), True)
    assert (message.operation, message.object, message.status) == ("client_hello", "example.com", "ok")


def test_packets_sharing_a_datagram_are_all_read() -> None:
    """An Initial packet followed by a Handshake packet and by another Initial packet."""
    opaque = bytes.fromhex("e0000000010008f067a5502a4262b5") + b"\x14" + bytes(20)
    reader = session()
    shared = initial(crypto(0, HELLO[:100]), 0) + opaque + initial(crypto(100, HELLO[100:]), 1)
    assert [message.code for message in reader.read(shared, True)] == [1]


def test_retry_starts_over_with_new_keys() -> None:
    """The hello sent again after a Retry is read with the keys of the id the client uses then."""
    reader = session()
    reader.read(CLIENT_INITIAL_2, True)
    (asked,) = reader.read(RETRY_1, False)
    assert asked[:4] == ("quic", "response", "retry", None)
    assert [message.object for message in reader.read(CLIENT_INITIAL_1, True)] == ["example.com"]


def test_version_negotiation_lists_the_versions() -> None:
    """RFC 9000 section 17.2.1."""
    (message,) = session().read(NEGOTIATION, False)
    assert message == Message("quic", "response", "version_negotiation", None, None, ("0x00000001", "0x6b3343cf", "0x0a1a2a3a"))


@pytest.mark.parametrize(
    "error,name",
    [(b"\x02", "connection_refused"), (b"\x41\x28", "handshake_failure"), (b"\x41\xff", "alert_255"), (b"\x4f\xff", "error_4095")],
)
def test_refused_connection_is_an_event(error: bytes, name: str) -> None:
    """CONNECTION_CLOSE in an Initial packet, after an ACK: the alert of TLS or the transport's error as status."""
    reader = session()
    reader.read(CLIENT_INITIAL_1, True)
    (message,) = reader.read(server_initial(b"\x02\x01\x00\x00\x00\x1c" + error + b"\x00\x00" + bytes(20)), False)
    assert (message.role, message.operation, message.code, message.status) == ("event", "connection_close", None, name)
    assert reader.finished


def test_unknown_frame_is_a_malformed_hello() -> None:
    """A frame that an Initial packet may not hold."""
    (message,) = session().read(initial(b"\x08\x00\x00"), True)
    assert (message.operation, message.status) == ("client_hello", "malformed")


@pytest.mark.parametrize(
    "frames", [crypto(0, b"\x01\x00\x00\x02\x03\x03"), b"\x02\x00\x00\x7f\xff\x00", b"\x06\x80\x01\x00\x00\x40\x10" + bytes(16)]
)
def test_impossible_content_is_a_malformed_hello(frames: bytes) -> None:
    """A hello of two bytes, an absurd number of acknowledged ranges, a stream longer than any hello."""
    (message,) = session().read(initial(frames), True)
    assert (message.code, message.status) == (1, "malformed")


def test_packets_of_an_unseen_beginning_are_left_alone() -> None:
    """A server's Initial whose connection id was not seen, and a damaged packet, give nothing."""
    reader = session()
    assert reader.read(SERVER_INITIAL_1, False) == []
    assert reader.read(CLIENT_INITIAL_1[:-1] + b"\x00", True) == []
    assert [message.code for message in reader.read(CLIENT_INITIAL_1, True)] == [1]


def test_short_header_finishes_the_session() -> None:
    """With application keys in use no hello can follow."""
    reader = session()
    assert (reader.read(b"\x41" + bytes(40), True), reader.finished) == ([], True)


def test_session_gives_up_after_many_datagrams() -> None:
    """A conversation without readable hellos does not stay open."""
    reader = session()
    for _ in range(64):
        assert not reader.finished
        reader.read(SERVER_INITIAL_1, False)
    assert reader.finished


def test_recognition() -> None:
    """Initial packets are certain; other long headers likely; a short header is only possible; the rest is not QUIC."""
    assert [recognise(*sample) for sample in SAMPLES] == [CERTAIN, CERTAIN, CERTAIN, CERTAIN, LIKELY, LIKELY, LIKELY]
    assert recognise(b"\x41" + bytes(40), True) == POSSIBLE
    for other in (
        b"",
        bytes(40),
        bytes.fromhex("c0ff00001d08") + bytes(60),
        b"\x16\xfe\xfd" + bytes(40),
        CLIENT_INITIAL_1[:600],
        NEGOTIATION[:-1],
    ):
        assert recognise(other, False) == NO


def test_unknown_version_is_malformed() -> None:
    """A datagram that begins with a header of another version raises Malformed."""
    with pytest.raises(Malformed):
        session().read(bytes.fromhex("c0ff00001d08") + bytes(60), True)


def test_registry_row() -> None:
    """One row, for datagrams, that protects credentials."""
    (row,) = DISSECTORS
    assert (row.name, row.transport, row.encrypted) == ("quic", "udp", True)
    assert row.start(DEFAULT_LIMITS).frame_length(b"abc", True) == 3


@given(st.sampled_from(SAMPLES), st.lists(st.tuples(st.integers(0, 1300), st.integers(0, 255)), max_size=5), st.binary(max_size=80))
def test_nothing_but_malformed_escapes(sample: tuple[bytes, bool], edits: list[tuple[int, int]], noise: bytes) -> None:
    """Mutated datagrams and random bytes raise nothing but Malformed."""
    mutated = bytearray(sample[0])
    for at, value in edits:
        mutated[at % len(mutated)] = value
    reader = session()
    for data in (bytes(mutated), bytes(mutated[: len(mutated) // 3]), noise, bytes(mutated) + noise):
        assert 0 <= recognise(data, sample[1]) <= 100
        try:
            reader.read(data, sample[1])
        except Malformed:
            reader.gap(sample[1])


@given(st.binary(max_size=200), st.booleans())
def test_any_frames_are_survived(frames: bytes, ahead: bool) -> None:
    """Whatever the sealed frames hold, nothing escapes."""
    reader = session()
    for message in reader.read(initial(crypto(3, b"abc") + frames if ahead else frames), True):
        assert message.protocol == "quic"
