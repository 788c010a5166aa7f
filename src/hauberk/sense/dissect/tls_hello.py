"""Reads the ClientHello and ServerHello of TLS and of QUIC, and fingerprints the client.

RFC 8446 section 4.1 and RFC 5246 section 7.4.1 give the layout, RFC 6066 section 3 the server name, RFC 7301 the protocol names,
RFC 8701 the reserved values that mean nothing (GREASE), RFC 6101 appendix E the hello of SSL 2.0. The fingerprint is JA4 as its
authors publish it (the client part only). No message here holds a secret, and nothing is decrypted here.

``object`` is the server name asked for; ``value`` of a client_hello is the highest version offered, the JA4 fingerprint and the
protocol names offered; of a server_hello the version and cipher suite chosen and the protocol name, where it is in the clear.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from struct import Struct, unpack_from
from typing import NamedTuple

from hauberk.errors import Malformed
from hauberk.model.hint import Hint, HintKey
from hauberk.model.transaction import MALFORMED, OK, Message, Role
from hauberk.sense.dissect.limits import Limits
from hauberk.sense.dissect.reader import Reader, text
from hauberk.sense.dissect.tls_ciphers import CIPHER_NAMES

VERSION_NAMES = {
    0x0002: "SSL 2.0",
    0x0300: "SSL 3.0",
    0x0301: "TLS 1.0",
    0x0302: "TLS 1.1",
    0x0303: "TLS 1.2",
    0x0304: "TLS 1.3",
}
"""Protocol version number to the name shown."""

TLS_1_3 = 0x0304
_CLIENT_HELLO = 1
_SERVER_HELLO = 2
_JA4_VERSIONS = {0x0304: "13", 0x0303: "12", 0x0302: "11", 0x0301: "10", 0x0300: "s3", 0x0002: "s2"}
_GREASE = frozenset(0x0A0A + 0x1010 * step for step in range(16))
_SERVER_NAME, _SIGNATURE_ALGORITHMS, _ALPN, _SUPPORTED_VERSIONS = 0, 13, 16, 43
_RETRY_RANDOM = hashlib.sha256(b"HelloRetryRequest").digest()
"""RFC 8446 section 4.1.3: the random that makes a ServerHello a HelloRetryRequest."""
_NO_LIST = "000000000000"
_EXTENSION = Struct(">HH")


class ServerHello(NamedTuple):
    """What a server chose. ``retry``: it is a HelloRetryRequest, and another ClientHello follows."""

    version: int
    cipher: int
    alpn: str | None
    retry: bool


def version_name(version: int) -> str:
    """Name of a protocol version; its number in hexadecimal where it has none."""
    return VERSION_NAMES.get(version) or f"0x{version:04x}"


def cipher_name(suite: int) -> str:
    """Registered name of a cipher suite; its number in hexadecimal where it has none."""
    return CIPHER_NAMES.get(suite) or f"0x{suite:04x}"


def is_tls_1_3(version: int) -> bool:
    """Whether the handshake after the ServerHello is encrypted: TLS 1.3 or a draft of it."""
    return version == TLS_1_3 or version >> 8 in {0x7F, 0xFB}


def _hash12(listing: str) -> str:
    return hashlib.sha256(listing.encode()).hexdigest()[:12]


@lru_cache(maxsize=4096)
def _ciphers_part(raw: bytes) -> tuple[int, str]:
    """How many suites are offered, and the second part of JA4."""
    suites = [suite for suite in unpack_from(f">{len(raw) // 2}H", raw) if suite not in _GREASE]
    return len(suites), _hash12(",".join(f"{suite:04x}" for suite in sorted(suites))) if suites else _NO_LIST


@lru_cache(maxsize=4096)
def _extensions_part(extensions: tuple[int, ...], algorithms: bytes) -> str:
    """The third part of JA4, of sorted extension numbers and the raw list of signature algorithms."""
    listing = ",".join(f"{number:04x}" for number in extensions)
    offered = [number for number in unpack_from(f">{len(algorithms) // 2}H", algorithms) if number not in _GREASE]
    if offered:
        listing += "_" + ",".join(f"{number:04x}" for number in offered)
    return _hash12(listing) if extensions else _NO_LIST


@lru_cache(maxsize=1024)
def _alpn_part(first: bytes) -> str:
    if not first:
        return "00"
    ends = bytes((first[0], first[-1]))
    return ends.decode("ascii") if ends.isalnum() else first.hex()[0] + first.hex()[-1]


def _is_grease_name(name: bytes) -> bool:
    return len(name) == 2 and name[0] << 8 | name[1] in _GREASE


def _extensions(reader: Reader) -> dict[int, bytes]:
    """Extension number to its content, in the order sent; the first of a repeated number counts."""
    found: dict[int, bytes] = {}
    if not reader.remaining:
        return found
    block = reader.part(reader.u16())
    data, position, end = block.data, block.position, block.end
    while position < end:
        if position + 4 > end:
            raise Malformed(f"{end - position} bytes left where an extension should begin")
        number, size = _EXTENSION.unpack_from(data, position)
        position += 4 + size
        if position > end:
            raise Malformed(f"extension {number} announces {size} bytes, {end - position + size} there")
        found.setdefault(number, data[position - size : position])
    return found


def _server_name(content: bytes | None, most: int) -> str | None:
    """The first DNS host name of a server_name extension."""
    if not content:
        return None
    names = Reader(content)
    names = names.part(names.u16())
    while names.remaining:
        kind, name = names.u8(), names.take(names.u16())
        if kind == 0:
            return text(name, most) or None
    return None


def _names(content: bytes | None, items: int) -> list[bytes]:
    """The protocol names of an ALPN extension."""
    if not content:
        return []
    reader = Reader(content)
    reader = reader.part(reader.u16())
    names: list[bytes] = []
    while reader.remaining and len(names) < items:
        name = reader.take(reader.u8())
        if not _is_grease_name(name):
            names.append(name)
    return names


def _highest_version(content: bytes | None, legacy: int) -> int:
    if not content:
        return legacy
    listed = content[1 : 1 + content[0]]
    return max((version for version in unpack_from(f">{len(listed) // 2}H", listed) if version not in _GREASE), default=legacy)


def client_hello(protocol: str, body: bytes, limits: Limits) -> Message:
    """The message of a ClientHello whose handshake header is off; ``protocol`` is ``tls`` or ``quic``. Raises ``Malformed``."""
    reader = Reader(body)
    legacy = reader.u16()
    reader.skip(32)
    reader.skip(reader.u8())
    ciphers = reader.take(reader.u16())
    reader.skip(reader.u8())
    found = _extensions(reader)
    version = _highest_version(found.get(_SUPPORTED_VERSIONS), legacy)
    name = _server_name(found.get(_SERVER_NAME), limits.text)
    names = _names(found.get(_ALPN), limits.items)
    numbers = [number for number in found if number not in _GREASE]
    hashed = tuple(sorted(number for number in numbers if number not in {_SERVER_NAME, _ALPN}))
    count, ciphers_hash = _ciphers_part(ciphers)
    ja4 = (
        f"{'q' if protocol == 'quic' else 't'}{_JA4_VERSIONS.get(version, '00')}{'d' if _SERVER_NAME in found else 'i'}"
        f"{min(count, 99):02}{min(len(numbers), 99):02}{_alpn_part(names[0] if names else b'')}"
        f"_{ciphers_hash}_{_extensions_part(hashed, found.get(_SIGNATURE_ALGORITHMS, b'')[2:])}"
    )
    hints = (Hint(HintKey.JA4, ja4),) if name is None else (Hint(HintKey.SNI, name), Hint(HintKey.JA4, ja4))
    value = (version_name(version), ja4, *(text(each, limits.text) for each in names))
    return Message(protocol, "request", "client_hello", _CLIENT_HELLO, name, value, OK, False, hints)


def client_hello_ssl2(record: bytes) -> Message:
    """The message of a ClientHello in an SSL 2.0 record, whose two-byte header is included. Raises ``Malformed``.

    JA4 is not defined for it.
    """
    reader = Reader(record, 3)
    version, ciphers, session, challenge = reader.u16(), reader.u16(), reader.u16(), reader.u16()
    if ciphers % 3 or ciphers + session + challenge != reader.remaining:
        raise Malformed("the lengths inside an SSL 2.0 hello do not add up")
    return Message("tls", "request", "client_hello", _CLIENT_HELLO, None, (version_name(version), None))


def server_hello(protocol: str, body: bytes, limits: Limits) -> tuple[Message, ServerHello]:
    """The message and the choices of a ServerHello whose handshake header is off. Raises ``Malformed``."""
    reader = Reader(body)
    version = reader.u16()
    retry = reader.take(32) == _RETRY_RANDOM
    reader.skip(reader.u8())
    cipher = reader.u16()
    reader.skip(1)
    found = _extensions(reader)
    selected = found.get(_SUPPORTED_VERSIONS, b"")
    if len(selected) == 2:
        version = selected[0] << 8 | selected[1]
    names = _names(found.get(_ALPN), 1)
    alpn = text(names[0], limits.text) if names else None
    operation = "hello_retry_request" if retry else "server_hello"
    value = (version_name(version), cipher_name(cipher)) if alpn is None else (version_name(version), cipher_name(cipher), alpn)
    hints = () if retry else (Hint(HintKey.ROLE, f"{protocol}.server"),)
    message = Message(protocol, "response", operation, _SERVER_HELLO, None, value, OK, False, hints)
    return message, ServerHello(version, cipher, alpn, retry)


def broken(protocol: str, role: Role, operation: str, code: int) -> Message:
    """The message of a handshake message that cannot be read."""
    return Message(protocol, role, operation, code, status=MALFORMED)
