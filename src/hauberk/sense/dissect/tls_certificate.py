"""Reads who a certificate is for, who issued it and until when it holds (X.509, RFC 5280), for the certificates servers show.

It judges nothing: no signature is checked and no chain is built. Reading is left to ``cryptography``.
"""

from __future__ import annotations

import hashlib
import warnings
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from hauberk.errors import Malformed

if TYPE_CHECKING:
    from cryptography import x509


class Certificate(NamedTuple):
    """What is shown of one certificate. ``not_after`` is ISO 8601 in UTC; the hashes are of the whole DER, in hexadecimal."""

    subject: str
    issuer: str
    not_after: str
    sha256: str
    sha1: str


def _name(name: x509.Name) -> str:
    from cryptography.x509.oid import NameOID  # noqa: PLC0415 - loaded at the first certificate, as most traffic shows none

    common = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(common[0].value) if common and common[0].value else name.rfc4514_string()


def _alternative(certificate: x509.Certificate) -> str:
    """The first DNS name or address in the subject alternative names (RFC 5280 section 4.2.1.6); empty where there is none."""
    from cryptography import x509  # noqa: PLC0415 - see _name

    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ""
    for name in names:
        if isinstance(name, x509.DNSName | x509.IPAddress | x509.UniformResourceIdentifier):
            return str(name.value)
    return ""


@lru_cache(maxsize=512)
def read_certificate(der: bytes, most: int) -> Certificate:
    """Subject (common name, else the first alternative name, else the whole name), issuer and end of validity.

    Texts are cut to ``most`` characters. Raises ``Malformed`` where the bytes are no certificate.
    """
    from cryptography import x509  # noqa: PLC0415 - see _name
    from cryptography.x509.oid import NameOID  # noqa: PLC0415 - same

    try:
        with warnings.catch_warnings():
            # What the library thinks of another party's certificate is not for our user's terminal.
            warnings.simplefilter("ignore")
            certificate = x509.load_der_x509_certificate(der)
            common = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
            subject = _name(certificate.subject) if common else _alternative(certificate) or _name(certificate.subject)
            issuer = _name(certificate.issuer)
            until = certificate.not_valid_after_utc.strftime("%Y-%m-%dT%H:%M:%SZ")
    # TypeError is what a name attribute of the wrong string type gives.
    except (ValueError, TypeError, x509.InvalidVersion, x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as error:
        raise Malformed(f"unreadable certificate: {error}") from error
    return Certificate(
        _printable(subject)[:most],
        _printable(issuer)[:most],
        until,
        hashlib.sha256(der).hexdigest(),
        # Lists of bad certificates name them so; nothing is trusted because of it.
        hashlib.sha1(der, usedforsecurity=False).hexdigest(),
    )


def _printable(text: str) -> str:
    return text if text.isprintable() else text.encode("unicode_escape").decode("ascii")
