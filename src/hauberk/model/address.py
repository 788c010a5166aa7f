"""Addresses as text and as the two halves the columns hold."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

_MAPPED = 0xFFFF_0000_0000


@lru_cache(maxsize=1 << 16)
def ip_text(hi: int, lo: int) -> str:
    """Text of the IP address whose 64-bit halves are given; IPv4-mapped addresses read as IPv4."""
    if hi == 0 and lo >> 32 == 0xFFFF:
        return f"{lo >> 24 & 255}.{lo >> 16 & 255}.{lo >> 8 & 255}.{lo & 255}"
    return str(IPv6Address(hi << 64 | lo))


@lru_cache(maxsize=1 << 16)
def mac_text(mac: int) -> str:
    """Lower-case, colon-separated text of a 48-bit hardware address."""
    return ":".join(f"{mac >> shift & 255:02x}" for shift in (40, 32, 24, 16, 8, 0))


@lru_cache(maxsize=1 << 16)
def ip_halves(address: str) -> tuple[int, int]:
    """The two 64-bit halves of an IP address in text; raises ValueError where it is none."""
    parsed = ip_address(address)
    if isinstance(parsed, IPv4Address):
        return 0, _MAPPED | int(parsed)
    return int(parsed) >> 64, int(parsed) & 0xFFFF_FFFF_FFFF_FFFF


def mac_number(address: str) -> int:
    """A hardware address in text, with ``:`` or ``-`` between bytes, as a number."""
    return int(address.replace(":", "").replace("-", ""), 16)
