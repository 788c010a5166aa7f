"""Values of indicators as feeds write them, made comparable: defanged ones restored, addresses, names, URLs and hashes normalised.

"Defanged" values are written so that nobody clicks them: ``hxxp``, ``[.]``, ``(dot)``. Ranges that hold addresses every network
uses (IANA special-purpose registries) are refused: lists of routes meant for border routers hold them, and here they would call
every device bad.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

from hauberk.errors import InputError
from hauberk.formats.http_target import LONGEST_TARGET, without_secrets
from hauberk.model.indicator import IndicatorKind

LONGEST_VALUE = 8192
"""Characters of a value that are looked at."""

_DOT = re.compile(r"\s*[\[({]\s*(?:\.|dot)\s*[\])}]\s*", re.IGNORECASE)
_SCHEME = re.compile(r"^\s*(?:hxxp|h\*\*p|htxp|hxtp|meow)(s?)(?=\W)", re.IGNORECASE)
_BRACKETED = ((re.compile(r"\[://\]"), "://"), (re.compile(r"\[:\]"), ":"), (re.compile(r"\[/\]"), "/"))
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_JA4 = re.compile(r"[tqd][a-z0-9]{9}_[0-9a-f]{12}_[0-9a-f]{12}")
"""``JA4_a_b_c`` as its authors publish it."""
_HEX = re.compile(r"[0-9a-f]+")
_SPECIAL = tuple(
    ip_network(text)
    for text in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"),
        *("224.0.0.0/4", "255.255.255.255/32", "::/128", "::1/128", "fc00::/7", "fe80::/10", "ff00::/8"),
    )
)
_LIMITED_BROADCAST = ip_network("255.255.255.255/32")
_WIDEST_4, _WIDEST_6 = 8, 16
_DEFAULT_PORTS = {"http": 80, "https": 443, "ftp": 21}
_DIGITS = {IndicatorKind.CERTIFICATE_SHA256: 64, IndicatorKind.CERTIFICATE_SHA1: 40}

Normal = tuple[IndicatorKind, str]


def refang(text: str) -> str:
    """``text`` with what keeps it from being clicked undone."""
    restored = _DOT.sub(".", text.strip())
    for pattern, plain in _BRACKETED:
        restored = pattern.sub(plain, restored)
    return _SCHEME.sub(r"http\1", restored)


def normal(kind: IndicatorKind, text: str) -> Normal:
    """Kind and value in their normal form; an address with a prefix length is a range, whatever it was called.

    Raises ``InputError`` with the reason where the text is no such value, or one that cannot be applied.
    """
    if len(text) > LONGEST_VALUE:
        raise InputError(f"a value of {len(text):,} characters is too long")
    plain = refang(text)
    if kind in {IndicatorKind.IP, IndicatorKind.CIDR}:
        return _network(plain)
    if kind is IndicatorKind.DOMAIN:
        return kind, domain_name(plain)
    if kind is IndicatorKind.URL:
        return kind, url_target(plain)
    if kind is IndicatorKind.JA4:
        lowered = plain.lower()
        if not _JA4.fullmatch(lowered):
            raise InputError(f"'{_short(plain)}' is no JA4 fingerprint")
        return kind, lowered
    digits = plain.lower().replace(":", "").replace(" ", "")
    if len(digits) != _DIGITS[kind] or not _HEX.fullmatch(digits):
        raise InputError(f"'{_short(plain)}' is no hash of {_DIGITS[kind]} hexadecimal digits")
    return kind, digits


def guessed(text: str) -> Normal:
    """The same for a value of which nothing is said."""
    if len(text) > LONGEST_VALUE:
        raise InputError(f"a value of {len(text):,} characters is too long")
    plain = refang(text)
    if "://" in plain:
        return normal(IndicatorKind.URL, plain)
    if _JA4.fullmatch(plain.lower()):
        return IndicatorKind.JA4, plain.lower()
    if _is_network(plain):
        return _network(plain)
    if len(plain) >= 32 and _HEX.fullmatch(plain.lower()):
        raise InputError(f"the hash '{_short(plain)}' does not say what it is of; give the type in a column")
    if "/" in plain:
        return normal(IndicatorKind.URL, plain)
    return IndicatorKind.DOMAIN, domain_name(plain)


def domain_name(text: str) -> str:
    """A domain name in lower case (RFC 1035, RFC 5890), without final dot and leading wildcard; raises ``InputError``."""
    name = text.strip().lower().removesuffix(".").removeprefix("*").removeprefix(".")
    if not name.isascii():
        try:
            name = name.encode("idna").decode("ascii")
        except UnicodeError as error:
            raise InputError(f"'{_short(text)}' is no domain name") from error
    labels = name.split(".")
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels) or labels[-1].isdigit():
        raise InputError(f"'{_short(text)}' is no domain name")
    if len(labels) < 2:
        raise InputError(f"'{_short(text)}' is a single label, which would match too much")
    return name


def url_target(text: str) -> str:
    """Host and path of a URL as they are shown of a request: no scheme, no default port, no fragment, secrets hidden."""
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        host, port = (parts.hostname or "").removesuffix("."), parts.port
    except ValueError as error:
        raise InputError(f"'{_short(text)}' is no URL") from error
    if not host or any(letter.isspace() for letter in text):
        raise InputError(f"'{_short(text)}' is no URL")
    if ":" in host:
        host = f"[{host}]"
    elif not host.isascii():
        host = domain_name(host)
    if port is not None and port != _DEFAULT_PORTS.get(parts.scheme):
        host = f"{host}:{port}"
    return without_secrets(f"{host}{parts.path or '/'}{_query(parts)}")[:LONGEST_TARGET]


def _query(parts: SplitResult) -> str:
    return f"?{parts.query}" if parts.query else ""


def _is_network(text: str) -> bool:
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def _network(text: str) -> Normal:
    if "/" not in text:
        try:
            return IndicatorKind.IP, _address(ip_address(text))
        except ValueError as error:
            raise InputError(f"'{_short(text)}' is no IP address") from error
    try:
        network = ip_network(text, strict=False)
    except ValueError as error:
        raise InputError(f"'{_short(text)}' is no IP network") from error
    if network.prefixlen == network.max_prefixlen:
        return IndicatorKind.IP, _address(network.network_address)
    if network.prefixlen < (_WIDEST_4 if network.version == 4 else _WIDEST_6):
        raise InputError(f"the network {network} is too wide")
    if any(_holds(network, special) for special in _SPECIAL):
        raise InputError(f"the network {network} holds addresses that every network uses for itself")
    return IndicatorKind.CIDR, str(network)


def _holds(network: IPv4Network | IPv6Network, special: IPv4Network | IPv6Network) -> bool:
    """Whether all of ``special`` lies in ``network``; for multicast and loopback, any of it."""
    if isinstance(network, IPv4Network) and isinstance(special, IPv4Network):
        return special.subnet_of(network) or (not _is_site(special) and network.subnet_of(special))
    if isinstance(network, IPv6Network) and isinstance(special, IPv6Network):
        return special.subnet_of(network) or (not _is_site(special) and network.subnet_of(special))
    return False


def _is_site(special: IPv4Network | IPv6Network) -> bool:
    """Whether single hosts and parts of the range may be somebody's: an owner may well call one of his own addresses bad."""
    first = special.network_address
    return not (special.is_multicast or special.is_loopback or first.is_unspecified or special == _LIMITED_BROADCAST)


def _address(address: IPv4Address | IPv6Address) -> str:
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if address.is_multicast or address.is_unspecified or address.is_loopback or address in _LIMITED_BROADCAST:
        raise InputError(f"the address {address} is nobody's in particular")
    return str(address)


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:77]}..."
