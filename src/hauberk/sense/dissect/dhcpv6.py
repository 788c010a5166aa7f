"""Dynamic host configuration for IPv6 (RFC 8415; UDP ports 546 and 547).

``code`` is the message type and ``operation`` its name, such as ``solicit`` or ``information_request``. A relayed message is two:
the relay's envelope, then what it carries. ``object`` is the client: its hardware address where its DUID holds one (section 11),
the DUID in hexadecimal otherwise; of an envelope, the peer's address. ``value`` is a tuple of the addresses and prefixes of its
identity associations. ``status`` is the first status code that is no success. Must never follow envelopes deeper than
``limits.depth``.
"""

from __future__ import annotations

from hauberk.errors import Malformed
from hauberk.model.address import ip_text, mac_text
from hauberk.model.hint import Hint, HintKey
from hauberk.model.transaction import MALFORMED, OK, Message, Role
from hauberk.sense.dissect.dns_message import read_name
from hauberk.sense.dissect.interface import CERTAIN, LIKELY, NO, Dissector, StatelessSession
from hauberk.sense.dissect.limits import Limits
from hauberk.sense.dissect.reader import Reader, text

_OPERATIONS = {
    1: "solicit",
    2: "advertise",
    3: "request",
    4: "confirm",
    5: "renew",
    6: "rebind",
    7: "reply",
    8: "release",
    9: "decline",
    10: "reconfigure",
    11: "information_request",
    12: "relay_forward",
    13: "relay_reply",
    14: "lease_query",
    15: "lease_query_reply",
    16: "lease_query_done",
    17: "lease_query_data",
    18: "reconfigure_request",
    19: "reconfigure_reply",
    20: "dhcpv4_query",
    21: "dhcpv4_response",
}
"""RFC 8415 section 7.3, RFC 5007, RFC 5460, RFC 6977, RFC 7341."""
_FROM_SERVER = frozenset({2, 7, 10, 13, 15, 16, 17, 19, 21})
_ENVELOPES = frozenset({12, 13})
_REPLY, _INFORMATION_REQUEST = 7, 11
_ENVELOPE_BYTES = 34
_STATUS = {
    1: "unspec_fail",
    2: "no_addrs_avail",
    3: "no_binding",
    4: "not_on_link",
    5: "use_multicast",
    6: "no_prefix_avail",
}
"""RFC 8415 section 21.13."""

_CLIENT, _SERVER, _IA_NA, _IA_TA, _IA_ADDRESS, _REQUESTED, _RELAYED = 1, 2, 3, 4, 5, 6, 9
_STATUS_CODE, _VENDOR_CLASS, _DNS, _IA_PD, _IA_PREFIX, _FQDN, _MUD_URL = 13, 16, 23, 25, 26, 39, 112
_ELAPSED = 8
_DUID_TYPES = frozenset({b"\x00\x01", b"\x00\x02", b"\x00\x03", b"\x00\x04"})
"""RFC 8415 section 11.1, RFC 6355."""
_IA_HEAD = {_IA_NA: 12, _IA_TA: 4, _IA_PD: 12}
"""Bytes in front of the options of an identity association (sections 21.4, 21.5 and 21.21)."""

Options = dict[int, list[bytes]]


def _options(data: bytes, position: int, limits: Limits) -> Options:
    """Options by code, each as often as it occurs."""
    reader = Reader(data, position)
    found: Options = {}
    kept = 0
    while reader.remaining:
        code = reader.u16()
        value = reader.take(reader.u16())
        if kept < limits.items:
            found.setdefault(code, []).append(value)
            kept += 1
    return found


def _duid_mac(duid: bytes) -> str | None:
    """The Ethernet address within a DUID of type 1 (with time) or 3 (RFC 8415 sections 11.2 and 11.4)."""
    if len(duid) == 14 and duid[:4] == b"\x00\x01\x00\x01":
        return mac_text(int.from_bytes(duid[8:], "big"))
    if len(duid) == 10 and duid[:4] == b"\x00\x03\x00\x01":
        return mac_text(int.from_bytes(duid[4:], "big"))
    return None


def _address(data: bytes) -> str:
    if len(data) < 16:
        raise Malformed(f"address of {len(data)} bytes")
    return ip_text(int.from_bytes(data[:8], "big"), int.from_bytes(data[8:16], "big"))


def _prefix(data: bytes) -> str:
    if len(data) < 25:
        raise Malformed("prefix cut short")
    return f"{_address(data[9:])}/{data[8]}"


def _associations(options: Options, limits: Limits) -> tuple[list[str], list[int]]:
    """Addresses and prefixes of the identity associations, and the status codes inside them."""
    leased: list[str] = []
    codes: list[int] = []
    for code, head in _IA_HEAD.items():
        for association in options.get(code, ()):
            inner = _options(association, min(head, len(association)), limits)
            leased.extend(_address(value) for value in inner.get(_IA_ADDRESS, ()))
            leased.extend(map(_prefix, inner.get(_IA_PREFIX, ())))
            codes.extend(_status_codes(inner))
    return leased[: limits.items], codes


def _status_codes(options: Options) -> list[int]:
    return [int.from_bytes(value[:2], "big") for value in options.get(_STATUS_CODE, ())]


def _name(data: bytes) -> str | None:
    """A name in wire format whose end may be left out (RFC 4704 section 4.2)."""
    try:
        name = read_name(data + b"\x00", 0)[0]
    except Malformed:
        return None
    return None if name == "." else name


def _client_hints(options: Options, mac: str | None, about: str | None, limits: Limits) -> list[Hint]:
    hints = [] if mac is None else [Hint(HintKey.MAC, mac, about)]
    if name := _name(options.get(_FQDN, [b""])[0][1:]):
        hints.append(Hint(HintKey.HOSTNAME, name, about))
    # Enterprise number, then texts behind their lengths (section 21.16).
    if words := text(options.get(_VENDOR_CLASS, [b""])[0][6:], limits.text).strip():
        hints.append(Hint(HintKey.DHCP_VENDOR_CLASS, words, about))
    requested = options.get(_REQUESTED, [b""])[0]
    if codes := ",".join(str(requested[at] << 8 | requested[at + 1]) for at in range(0, min(len(requested), limits.text) - 1, 2)):
        hints.append(Hint(HintKey.DHCP_FINGERPRINT, codes, about))
    hints.extend(Hint(HintKey.DEVICE_URL, text(value, limits.text), about) for value in options.get(_MUD_URL, ())[:1])
    return hints


class _Session(StatelessSession):
    """Remembers which roles were already told."""

    __slots__ = ("_told",)

    def __init__(self, limits: Limits) -> None:
        super().__init__(limits)
        self._told: set[Hint] = set()

    def read(self, pdu: bytes, to_responder: bool) -> list[Message]:  # noqa: ARG002 - the message type says the direction
        """The message in one datagram, behind its envelopes."""
        messages: list[Message] = []
        about: str | None = None
        for _ in range(self.limits.depth):
            if len(pdu) < 4:
                raise Malformed(f"message of {len(pdu)} bytes")
            if pdu[0] not in _ENVELOPES:
                messages.append(self._message(pdu, about, relayed=bool(messages)))
                break
            envelope, inner, about = self._envelope(pdu)
            messages.append(envelope)
            if inner is None:
                break
            pdu = inner
        return messages

    def _envelope(self, pdu: bytes) -> tuple[Message, bytes | None, str | None]:
        """The relay's message, what it carries and the peer it speaks for (section 9)."""
        kind = pdu[0]
        role: Role = "response" if kind in _FROM_SERVER else "request"
        operation = _OPERATIONS[kind]
        try:
            peer = _address(pdu[18:_ENVELOPE_BYTES])
            carried = _options(pdu, _ENVELOPE_BYTES, self.limits).get(_RELAYED)
        except Malformed:
            return Message("dhcpv6", role, operation, kind, None, None, MALFORMED), None, None
        status = OK if carried and len(carried[0]) >= 4 else MALFORMED
        return Message("dhcpv6", role, operation, kind, peer, None, status), carried[0] if carried and status == OK else None, peer

    def _message(self, pdu: bytes, about: str | None, *, relayed: bool) -> Message:
        kind = pdu[0]
        operation = _OPERATIONS.get(kind) or f"type_{kind}"
        response = kind in _FROM_SERVER
        role: Role = "response" if response else "request"
        try:
            options = _options(pdu, 4, self.limits)
            leased, codes = _associations(options, self.limits)
        except Malformed:
            return Message("dhcpv6", role, operation, kind, None, None, MALFORMED)
        codes = [code for code in _status_codes(options) + codes if code]
        status = (_STATUS.get(codes[0]) or f"status_{codes[0]}") if codes else OK
        duid = options.get(_CLIENT, [b""])[0]
        mac = _duid_mac(duid)
        if response:
            hints = self._server_hints(options, relayed=relayed)
            if kind == _REPLY and mac is not None and not codes:
                hints.extend(Hint(HintKey.IP, address, mac) for address in leased if "/" not in address)
        else:
            hints = _client_hints(options, mac, about, self.limits)
        return Message(
            "dhcpv6", role, operation, kind, mac or duid.hex() or None, tuple(leased) or None, status, False, tuple(hints)
        )

    def _server_hints(self, options: Options, *, relayed: bool) -> list[Hint]:
        roles = [] if relayed else [Hint(HintKey.ROLE, "dhcpv6.server")]
        for value in options.get(_DNS, ()):
            roles.extend(Hint(HintKey.ROLE, "dns.server", _address(value[at:])) for at in range(0, min(len(value), 128) - 15, 16))
        new = [hint for hint in roles if hint not in self._told]
        if len(self._told) < self.limits.pending:
            self._told.update(new)
        return new


def _recognise(data: bytes, to_responder: bool) -> int:  # noqa: ARG001 - the message type says the direction
    """Options that end with the datagram, among them a DUID of a known type, or a relayed message."""
    if len(data) < 8 or data[0] not in _OPERATIONS:
        return NO
    envelope = data[0] in _ENVELOPES
    position, size = (_ENVELOPE_BYTES if envelope else 4), len(data)
    proof = NO
    while position + 4 <= size:
        code, length = data[position] << 8 | data[position + 1], data[position + 2] << 8 | data[position + 3]
        position += 4
        if code == 0:
            return NO
        if envelope:
            proof = CERTAIN if code == _RELAYED and length >= 4 else proof
        elif code in {_CLIENT, _SERVER}:
            proof = CERTAIN if data[position : position + 2] in _DUID_TYPES else proof
        elif code == _ELAPSED and length == 2 and data[0] == _INFORMATION_REQUEST:
            # A client may ask for information without saying who it is (RFC 8415 section 18.2.6).
            proof = max(proof, LIKELY)
        position += length
    return proof if position == size else NO


DISSECTORS: tuple[Dissector, ...] = (Dissector("dhcpv6", "udp", (546, 547), _recognise, _Session),)
