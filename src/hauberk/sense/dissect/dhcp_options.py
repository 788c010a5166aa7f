"""Reads the fixed part and the options of BOOTP and DHCP messages (RFC 951, RFC 2131, RFC 2132).

Options may overflow into the ``file`` and ``sname`` fields (option 52) and one option may be cut into several (RFC 3396). A
cookie other than that of RFC 2132 means that the vendor area is not options: nothing in it is read. Must never raise anything but
``Malformed``.
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from hauberk.errors import Malformed
from hauberk.model.address import ip_text, mac_text

FIXED_BYTES = 236
COOKIE = b"\x63\x82\x53\x63"
PAD, ROUTER, DNS_SERVERS, HOSTNAME, NTP_SERVERS = 0, 3, 6, 12, 42
REQUESTED_ADDRESS, LEASE, OVERLOAD, TYPE, SERVER, PARAMETERS = 50, 51, 52, 53, 54, 55
VENDOR_CLASS, FQDN, MUD_URL, END = 60, 81, 161, 255

_FIXED = Struct(">BBBBIHHIIII16s64s128s")
_V4_MAPPED = 0xFFFF_0000_0000
_ETHERNET = 1
_FILE, _SNAME = 1, 2
"""Bits of the overload option: which fields hold options too (RFC 2132 section 9.3)."""


class DhcpMessage(NamedTuple):
    """What a message says. ``options`` holds their joined bytes by code; ``whole`` is false where the vendor area is broken."""

    op: int
    hardware_type: int
    hardware: bytes
    client: int
    assigned: int
    relay: int
    options: dict[int, bytes]
    whole: bool

    @property
    def mac(self) -> str | None:
        """The client's hardware address, where it is an Ethernet address and not empty."""
        if len(self.hardware) != 6 or not any(self.hardware) or self.hardware_type != _ETHERNET:
            return None
        return mac_text(int.from_bytes(self.hardware, "big"))

    def addresses(self, code: int) -> tuple[str, ...]:
        """The IPv4 addresses an option lists."""
        data = self.options.get(code, b"")
        return tuple(address_text(int.from_bytes(data[at : at + 4], "big")) for at in range(0, len(data) - 3, 4))

    def number(self, code: int) -> int | None:
        """The unsigned number in an option."""
        data = self.options.get(code)
        return int.from_bytes(data, "big") if data and len(data) <= 4 else None


def address_text(address: int) -> str:
    """Dotted text of a 32-bit address."""
    return ip_text(0, _V4_MAPPED | address)


def _collect(data: bytes, position: int, into: dict[int, bytes]) -> None:
    size = len(data)
    while position < size:
        code = data[position]
        if code == PAD:
            position += 1
            continue
        if code == END:
            return
        start = position + 2
        if start > size:
            raise Malformed("option without length")
        stop = start + data[position + 1]
        if stop > size:
            raise Malformed(f"option {code} ends after its area")
        value = data[start:stop]
        into[code] = into[code] + value if code in into else value
        position = stop


def read_dhcp(data: bytes) -> DhcpMessage:
    """The message in a datagram. Raises ``Malformed`` where the fixed part is not whole."""
    if len(data) < FIXED_BYTES:
        raise Malformed(f"message of {len(data)} bytes is shorter than its fixed part")
    op, kind, length, _, _, _, _, client, assigned, _, relay, hardware, sname, file = _FIXED.unpack_from(data)
    options: dict[int, bytes] = {}
    whole = length <= 16
    if data[FIXED_BYTES : FIXED_BYTES + 4] == COOKIE:
        try:
            _collect(data, FIXED_BYTES + 4, options)
            overload = options.get(OVERLOAD, b"\x00")[-1:] or b"\x00"
            if overload[0] & _FILE:
                _collect(file, 0, options)
            if overload[0] & _SNAME:
                _collect(sname, 0, options)
        except Malformed:
            whole = False
    else:
        whole = whole and not any(data[FIXED_BYTES:])
    return DhcpMessage(op, kind, hardware[:length], client, assigned, relay, options, whole)
