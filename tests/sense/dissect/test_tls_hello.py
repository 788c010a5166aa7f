"""The ClientHello reader and the JA4 fingerprint, against the fingerprints its authors publish."""

from __future__ import annotations

import struct

import pytest

from hauberk.errors import Malformed
from hauberk.model.hint import Hint, HintKey
from hauberk.sense.dissect.limits import DEFAULT_LIMITS
from hauberk.sense.dissect.tls_hello import cipher_name, client_hello, server_hello, version_name

SNI, ALGORITHMS, ALPN, VERSIONS = 0x0000, 0x000D, 0x0010, 0x002B

CHROME_CIPHERS = "1301,1302,1303,c02b,c02f,c02c,c030,cca9,cca8,c013,c014,009c,009d,002f,0035"
CHROME_EXTENSIONS = "001b,0000,0033,0010,4469,0017,002d,000d,0005,0023,0012,002b,ff01,000b,000a,0015"
CHROME_ALGORITHMS = "0403,0804,0401,0503,0805,0501,0806,0601"


def numbers(listing: str) -> list[int]:
    """The numbers of a comma-separated hexadecimal list."""
    return [int(part, 16) for part in listing.split(",") if part]


def counted(content: bytes, width: int = 2) -> bytes:
    """``content`` after its length in ``width`` bytes."""
    return len(content).to_bytes(width, "big") + content


def extension(
    number: int, algorithms: list[int], names: tuple[bytes, ...], versions: tuple[int, ...], server: bytes = b"device.example"
) -> bytes:
    """One extension with believable content."""
    content = b""
    if number == SNI:
        content = counted(b"\x00" + counted(server))
    elif number == ALGORITHMS:
        content = counted(struct.pack(f">{len(algorithms)}H", *algorithms))
    elif number == ALPN:
        content = counted(b"".join(counted(name, 1) for name in names))
    elif number == VERSIONS:
        content = counted(struct.pack(f">{len(versions)}H", *versions), 1)
    return struct.pack(">H", number) + counted(content)


def hello(
    ciphers: str,
    extensions: str,
    algorithms: str,
    names: tuple[bytes, ...] = (b"h2", b"http/1.1"),
    versions: tuple[int, ...] = (0x0304, 0x0303),
    legacy: int = 0x0303,
) -> bytes:
    """The body of a ClientHello with these lists."""
    suites = numbers(ciphers)
    block = b"".join(extension(number, numbers(algorithms), names, versions) for number in numbers(extensions))
    head = struct.pack(">H", legacy) + bytes(range(32)) + counted(bytes(32), 1)
    return head + counted(struct.pack(f">{len(suites)}H", *suites)) + b"\x01\x00" + counted(block)


def ja4(body: bytes, protocol: str = "tls") -> str:
    """The fingerprint in the message of a ClientHello."""
    value = client_hello(protocol, body, DEFAULT_LIMITS).value
    assert isinstance(value, tuple)
    return str(value[1])


PUBLISHED = [
    pytest.param(
        "tls",
        CHROME_CIPHERS,
        CHROME_EXTENSIONS,
        CHROME_ALGORITHMS,
        "t13d1516h2_8daaf6152771_e5627efa2ab1",
        id="the specification's own",
    ),
    pytest.param(
        "tls",
        CHROME_CIPHERS,
        "0000,0017,ff01,000a,000b,0023,0010,0005,000d,0012,0033,002d,002b,001b,4469,0015",
        CHROME_ALGORITHMS,
        "t13d1516h2_8daaf6152771_e5627efa2ab1",
        id="other order of extensions",
    ),
    pytest.param(
        "tls",
        CHROME_CIPHERS,
        "fe0d,0010,0017,0033,44cd,ff01,000a,000d,0023,002b,000b,ca34,002d,0000,0005,001b,0012",
        "0904,0905,0906,0403,0804,0401,0503,0805,0501,0806,0601",
        "t13d1517h2_8daaf6152771_cb7bf5808d99",
        id="signature algorithms of a newer browser",
    ),
    pytest.param(
        "tls",
        CHROME_CIPHERS,
        "fe0d,0033,ff01,0017,001b,000a,0000,0010,0005,002b,002d,0012,000b,44cd,000d,0023",
        CHROME_ALGORITHMS,
        "t13d1516h2_8daaf6152771_d8a2da3f94cd",
        id="encrypted client hello",
    ),
]


@pytest.mark.parametrize("protocol,ciphers,extensions,algorithms,expected", PUBLISHED)
def test_ja4_equals_the_published_fingerprint(protocol: str, ciphers: str, extensions: str, algorithms: str, expected: str) -> None:
    """JA4 of hellos rebuilt from published raw fingerprints is the published hash."""
    assert ja4(hello(ciphers, extensions, algorithms), protocol) == expected


def test_ja4_ignores_grease_everywhere() -> None:
    """Reserved values in ciphers, extensions, signature algorithms, versions and protocol names change nothing."""
    greased = hello(
        f"dada,{CHROME_CIPHERS}",
        f"3a3a,{CHROME_EXTENSIONS},fafa",
        f"0a0a,{CHROME_ALGORITHMS}",
        (b"\x8a\x8a", b"h2"),
        (0xCACA, 0x0304, 0x0303),
    )
    assert ja4(greased) == "t13d1516h2_8daaf6152771_e5627efa2ab1"


def test_ja4_of_quic_begins_with_q_and_has_the_published_cipher_hash() -> None:
    """QUIC's marker, and the published hash of the three suites of TLS 1.3."""
    assert ja4(hello("1301,1302,1303", "0000,0010,000d,002b", "0403", (b"h3",)), "quic").startswith("q13d0304h3_55b375c5d22e_")


def test_ja4_without_signature_algorithms_ends_without_underscore() -> None:
    """The published hash of the extensions alone, where the list of algorithms is empty."""
    assert ja4(hello(CHROME_CIPHERS, CHROME_EXTENSIONS, "")).split("_")[2] == "6d807ffa2a79"


def test_ja4_of_empty_lists_is_zeros() -> None:
    """Without ciphers and extensions both hashes are twelve zeros, and the version is that of the hello."""
    assert ja4(hello("", "", "", legacy=0x0301)) == "t10i000000_000000000000_000000000000"


@pytest.mark.parametrize(
    "name,expected",
    [
        (b"http/1.1", "h1"),
        (b"x", "xx"),
        (b"\xab", "ab"),
        (b"\xab\xcd", "ad"),
        (b"0\xab", "3b"),
        (b"01\xab\xcd", "3d"),
        (b"0\xab\xcd1", "01"),
    ],
)
def test_ja4_shows_ends_of_the_first_protocol_name(name: bytes, expected: str) -> None:
    """The specification's examples: characters where both ends are letters or digits, else hexadecimal."""
    assert ja4(hello("1301", "0010", "", (name,)))[8:10] == expected


@pytest.mark.parametrize(
    "version,expected", [(0x0304, "13"), (0x0303, "12"), (0x0302, "11"), (0x0301, "10"), (0x0300, "s3"), (0x7F1C, "00")]
)
def test_ja4_names_the_highest_version(version: int, expected: str) -> None:
    """The highest version of the extension counts, not the one in the hello."""
    assert ja4(hello("1301", "002b", "", versions=(0x0300, version), legacy=0x0303))[1:3] == expected


def test_client_hello_says_whom_it_asks_for() -> None:
    """Server name, version, fingerprint and protocol names; hints about the sender."""
    message = client_hello("tls", hello(CHROME_CIPHERS, CHROME_EXTENSIONS, CHROME_ALGORITHMS), DEFAULT_LIMITS)
    fingerprint = "t13d1516h2_8daaf6152771_e5627efa2ab1"
    assert message[:6] == ("tls", "request", "client_hello", 1, "device.example", ("TLS 1.3", fingerprint, "h2", "http/1.1"))
    assert message.hints == (Hint(HintKey.SNI, "device.example"), Hint(HintKey.JA4, fingerprint))


def test_client_hello_without_server_name_has_no_object() -> None:
    """A hello to an address: no object, no hint of a name, and ``i`` in the fingerprint."""
    message = client_hello("tls", hello("1301", "002b", ""), DEFAULT_LIMITS)
    assert message.object is None
    assert [hint.key for hint in message.hints] == [HintKey.JA4]
    assert ja4(hello("1301", "002b", ""))[3] == "i"


def server(random: bytes, extensions: bytes, legacy: int = 0x0303, cipher: int = 0x1301) -> bytes:
    """The body of a ServerHello."""
    return struct.pack(">H", legacy) + random + b"\x00" + struct.pack(">HB", cipher, 0) + counted(extensions)


def test_server_hello_shows_what_was_chosen() -> None:
    """The version of the extension wins over that of the message, and the role is a hint."""
    message, chosen = server_hello("tls", server(bytes(32), b"\x00\x2b\x00\x02\x03\x04"), DEFAULT_LIMITS)
    assert message[:6] == ("tls", "response", "server_hello", 2, None, ("TLS 1.3", "TLS_AES_128_GCM_SHA256"))
    assert message.hints == (Hint(HintKey.ROLE, "tls.server"),)
    assert (chosen.version, chosen.cipher, chosen.retry) == (0x0304, 0x1301, False)


def test_server_hello_of_old_tls_shows_the_protocol_name() -> None:
    """In TLS 1.2 the chosen protocol name is in the clear; an unknown suite is shown as a number."""
    message, _ = server_hello("tls", server(bytes(32), b"\x00\x10\x00\x05\x00\x03\x02h2", cipher=0xEEEE), DEFAULT_LIMITS)
    assert message.value == ("TLS 1.2", "0xeeee", "h2")


def test_hello_retry_request_is_told_by_its_random() -> None:
    """RFC 8446 section 4.1.3."""
    random = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
    message, chosen = server_hello("tls", server(random, b""), DEFAULT_LIMITS)
    assert (message.operation, message.code, chosen.retry, message.hints) == ("hello_retry_request", 2, True, ())


@pytest.mark.parametrize("cut", range(0, 200, 7))
def test_truncated_hello_is_malformed(cut: int) -> None:
    """A hello cut anywhere in a field raises Malformed and nothing else."""
    body = hello(CHROME_CIPHERS, CHROME_EXTENSIONS, CHROME_ALGORITHMS)
    with pytest.raises(Malformed):
        client_hello("tls", body[:cut], DEFAULT_LIMITS)


def test_names_of_unknown_numbers_are_hexadecimal() -> None:
    """A number without a registered name is still shown."""
    assert (version_name(0x0305), cipher_name(0xFFFF)) == ("0x0305", "0xffff")
