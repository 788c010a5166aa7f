"""Opens QUIC Initial packets, whose keys anyone can derive from the packet itself (RFC 9001 section 5.2, RFC 9369 section 3.3).

These keys protect against accidents, not against observers: nothing confidential is ever opened here.
"""

from __future__ import annotations

import hmac
from typing import NamedTuple

from hauberk.errors import Malformed

VERSION_1 = 0x0000_0001
VERSION_2 = 0x6B33_43CF
_SAMPLE = 16
_TAG = 16


class _Suite(NamedTuple):
    """What differs between versions: the salt, and the labels of key, nonce and header protection."""

    salt: bytes
    labels: tuple[bytes, bytes, bytes]


def _label(name: str, size: int) -> bytes:
    """HkdfLabel of RFC 8446 section 7.1 with an empty context, and the counter of the first and only block of HKDF-Expand."""
    label = b"tls13 " + name.encode("ascii")
    return size.to_bytes(2, "big") + bytes((len(label),)) + label + b"\x00\x01"


_ROLES = (_label("server in", 32), _label("client in", 32))
_SUITES = {
    VERSION_1: _Suite(
        bytes.fromhex("38762cf7f55934b34d179ae6a4c80cadccbb7f0a"),
        (_label("quic key", 16), _label("quic iv", 12), _label("quic hp", 16)),
    ),
    VERSION_2: _Suite(
        bytes.fromhex("0dede3def700a6db819381be6e269dcbf9bd2ed9"),
        (_label("quicv2 key", 16), _label("quicv2 iv", 12), _label("quicv2 hp", 16)),
    ),
}


class InitialKeys:
    """The keys of one side's Initial packets. ``connection`` is the client's first destination connection id."""

    __slots__ = ("_aead", "_mask", "_nonce")

    def __init__(self, version: int, connection: bytes, from_client: bool) -> None:
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes  # noqa: PLC0415 - loaded at the first packet
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - same

        suite = _SUITES[version]
        initial = hmac.digest(suite.salt, connection, "sha256")
        secret = hmac.digest(initial, _ROLES[from_client], "sha256")
        key, nonce, protection = (hmac.digest(secret, label, "sha256")[: label[1]] for label in suite.labels)
        self._aead = AESGCM(key)
        self._nonce = int.from_bytes(nonce, "big")
        # RFC 9001 section 5.4.3 defines the header mask as one block of plain AES.
        self._mask = Cipher(algorithms.AES(protection), modes.ECB()).encryptor()  # noqa: S305 - the standard's own construction

    def open(self, packet: bytes, number_at: int) -> bytes:
        """The frames in one whole Initial packet, whose packet number begins at ``number_at``.

        Raises ``Malformed`` where the packet was not protected with these keys.
        """
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - same as above

        sample = packet[number_at + 4 : number_at + 4 + _SAMPLE]
        if len(sample) < _SAMPLE:
            raise Malformed("an Initial packet too short for its header protection")
        mask = self._mask.update(sample)
        first = packet[0] ^ mask[0] & 0x0F
        size = (first & 3) + 1
        number = bytes(byte ^ hidden for byte, hidden in zip(packet[number_at : number_at + size], mask[1 : 1 + size], strict=True))
        header = bytes((first,)) + packet[1:number_at] + number
        sealed = packet[number_at + size :]
        if len(sealed) < _TAG:
            raise Malformed("an Initial packet too short for its tag")
        nonce = (self._nonce ^ int.from_bytes(number, "big")).to_bytes(12, "big")
        try:
            return self._aead.decrypt(nonce, sealed, header)
        except InvalidTag as error:
            raise Malformed("an Initial packet that its keys do not open") from error
