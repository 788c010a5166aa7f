"""Dynamic host configuration (RFC 2131, RFC 2132; UDP ports 67 and 68): who is on the network and what it calls itself.

``code`` is the message type (option 53) and ``operation`` its name: ``discover``, ``offer``, ``request``, ``decline``, ``ack``,
``nak``, ``release``, ``inform``. A message without that option, or whose cookie is not that of DHCP, is BOOTP: ``bootp_request``
or ``bootp_reply`` with code None. ``object`` is the client's hardware address. ``value`` of what a client sends: (address it asks
for or has,); of what a server sends: (assigned address, server, lease in seconds). Hints about the client name it by its hardware
address, for it has no other yet. Must never take a requested address for one the client has.
"""

from __future__ import annotations

from hauberk.errors import Malformed
from hauberk.model.hint import Hint, HintKey
from hauberk.model.transaction import MALFORMED, OK, Message, Value
from hauberk.sense.dissect import dhcp_options as o
from hauberk.sense.dissect.dhcp_options import DhcpMessage, address_text, read_dhcp
from hauberk.sense.dissect.dns_message import read_name
from hauberk.sense.dissect.interface import CERTAIN, NO, POSSIBLE, Dissector, StatelessSession
from hauberk.sense.dissect.limits import Limits
from hauberk.sense.dissect.reader import text

_OPERATIONS = {
    1: "discover",
    2: "offer",
    3: "request",
    4: "decline",
    5: "ack",
    6: "nak",
    7: "release",
    8: "inform",
    9: "force_renew",
    10: "lease_query",
    11: "lease_unassigned",
    12: "lease_unknown",
    13: "lease_active",
    14: "bulk_lease_query",
    15: "lease_query_done",
    16: "active_lease_query",
    17: "lease_query_status",
    18: "tls",
}
"""IANA, "DHCP Message Type 53 Values"."""
_OFFER, _ACK, _NAK = 2, 5, 6
_REQUEST_OP, _REPLY_OP = 1, 2
_WIRE_FORMAT = 4
"""Flag of option 81: the name is in DNS wire format (RFC 4702 section 2.1)."""
_ROLES = ((o.ROUTER, "router"), (o.DNS_SERVERS, "dns.server"), (o.NTP_SERVERS, "ntp.server"))


def _qualified_name(data: bytes, limits: Limits) -> str | None:
    if len(data) < 4:
        return None
    if not data[0] & _WIRE_FORMAT:
        return text(data[3:], limits.text).rstrip(".") or None
    try:
        # A client may leave out the end of a partial name (RFC 4702 section 3.1).
        name = read_name(data[3:] + b"\x00", 0)[0]
    except Malformed:
        return None
    return None if name == "." else name


def _client_hints(message: DhcpMessage, mac: str, limits: Limits) -> list[Hint]:
    options = message.options
    hints = [Hint(HintKey.MAC, mac, mac)]
    names = (text(options.get(o.HOSTNAME, b""), limits.text).strip(), _qualified_name(options.get(o.FQDN, b""), limits))
    hints.extend(Hint(HintKey.HOSTNAME, name, mac) for name in dict.fromkeys(names) if name)
    if parameters := options.get(o.PARAMETERS):
        hints.append(Hint(HintKey.DHCP_FINGERPRINT, ",".join(map(str, parameters[: limits.text])), mac))
    for code, key in ((o.VENDOR_CLASS, HintKey.DHCP_VENDOR_CLASS), (o.MUD_URL, HintKey.DEVICE_URL)):
        if value := text(options.get(code, b""), limits.text).strip():
            hints.append(Hint(key, value, mac))
    if message.client:
        hints.append(Hint(HintKey.IP, address_text(message.client), mac))
    return hints


def _client_value(message: DhcpMessage) -> Value:
    asked = message.addresses(o.REQUESTED_ADDRESS)
    if asked:
        return asked[:1]
    return (address_text(message.client),) if message.client else None


def _server_value(message: DhcpMessage) -> Value:
    given = message.assigned or message.client
    servers = message.addresses(o.SERVER)
    if not given and not servers:
        return None
    return (address_text(given) if given else None, servers[0] if servers else None, message.number(o.LEASE))


class _Session(StatelessSession):
    """Remembers which servers and routers were already told: all clients broadcast within one conversation."""

    __slots__ = ("_told",)

    def __init__(self, limits: Limits) -> None:
        super().__init__(limits)
        self._told: set[Hint] = set()

    def read(self, pdu: bytes, to_responder: bool) -> list[Message]:  # noqa: ARG002 - the message itself says its direction
        """The message in one datagram."""
        message = read_dhcp(pdu)
        if message.op not in {_REQUEST_OP, _REPLY_OP}:
            raise Malformed(f"operation {message.op} is neither request nor reply")
        code = message.number(o.TYPE)
        reply = message.op == _REPLY_OP
        bootp = "bootp_reply" if reply else "bootp_request"
        operation = bootp if code is None else _OPERATIONS.get(code) or f"type_{code}"
        mac = message.mac
        hints: list[Hint] = []
        if reply:
            hints = self._server_hints(message, code, mac)
        elif mac is not None:
            hints = _client_hints(message, mac, self.limits)
        return [
            Message(
                "dhcp",
                "response" if reply else "request",
                operation,
                code,
                mac or message.hardware.hex(":") or None,
                _server_value(message) if reply else _client_value(message),
                OK if message.whole else MALFORMED,
                write=False,
                hints=tuple(hints),
            )
        ]

    def _server_hints(self, message: DhcpMessage, code: int | None, mac: str | None) -> list[Hint]:
        hints: list[Hint] = []
        given = message.assigned or message.client
        if code == _ACK and given and mac is not None:
            hints = [Hint(HintKey.MAC, mac, mac), Hint(HintKey.IP, address_text(given), mac)]
        if code in {_OFFER, _ACK, _NAK}:
            servers = message.addresses(o.SERVER)
            # Behind a relay the sender is the relay, so that only the message can name the server.
            about = servers[0] if message.relay and servers else None
            roles = [Hint(HintKey.ROLE, "dhcp.server", about)]
            for option, role in _ROLES:
                roles.extend(Hint(HintKey.ROLE, role, address) for address in message.addresses(option)[:8])
            new = [hint for hint in roles if hint not in self._told]
            if len(self._told) < self.limits.pending:
                self._told.update(new)
            hints.extend(new)
        return hints


def _recognise(data: bytes, to_responder: bool) -> int:  # noqa: ARG001 - the message itself says its direction
    """Fixed part in range and the cookie of RFC 2132 section 2."""
    if len(data) < o.FIXED_BYTES or data[0] not in {1, 2} or data[2] > 16 or data[3] > 16:
        return NO
    if data[o.FIXED_BYTES : o.FIXED_BYTES + 4] == o.COOKIE:
        return CERTAIN
    return POSSIBLE if data[1] == 1 and data[2] == 6 else NO


DISSECTORS: tuple[Dissector, ...] = (Dissector("dhcp", "udp", (67, 68), _recognise, _Session),)
