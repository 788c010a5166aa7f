"""DHCP and BOOTP."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hauberk.errors import Malformed
from hauberk.model.hint import Hint, HintKey
from hauberk.model.transaction import MALFORMED, OK, Message
from hauberk.sense.dissect.dhcp import DISSECTORS
from hauberk.sense.dissect.interface import CERTAIN, NO, POSSIBLE
from hauberk.sense.dissect.limits import DEFAULT_LIMITS

MAC = "02:00:5e:10:20:30"
COOKIE = bytes.fromhex("63825363")


def packet(
    op: int,
    options: bytes,
    client: bytes = bytes(4),
    assigned: bytes = bytes(4),
    relay: bytes = bytes(4),
    fields: tuple[bytes, bytes] = (b"", b""),
) -> bytes:
    """A message; ``fields`` are sname and file."""
    head = bytes((op, 1, 6, 0)) + bytes(8) + client + assigned + bytes(4) + relay + bytes.fromhex("02005e102030") + bytes(10)
    return head + fields[0].ljust(64, b"\x00") + fields[1].ljust(128, b"\x00") + options


def option(code: int, data: bytes) -> bytes:
    """One option."""
    return bytes((code, len(data))) + data


SERVER, LEASED = bytes((192, 0, 2, 1)), bytes((192, 0, 2, 50))
DISCOVER = packet(
    1,
    COOKIE
    + option(53, b"\x01")
    + option(50, LEASED)
    + option(12, b"cam-1\x00")
    + option(55, bytes((1, 3, 6, 15)))
    + option(60, b"udhcp 1.30")
    + option(161, b"https://maker.example/cam.json")
    + option(81, b"\x04\x00\x00\x05cam-1\x03lan\x00")
    + b"\xff",
)
OFFERED = (
    option(54, SERVER)
    + option(51, bytes.fromhex("00000e10"))
    + option(3, SERVER)
    + option(6, SERVER + bytes((192, 0, 2, 2)))
    + b"\xff"
)
OFFER = packet(2, COOKIE + option(53, b"\x02") + OFFERED, assigned=LEASED)
ACK = packet(2, COOKIE + option(53, b"\x05") + OFFERED, assigned=LEASED)
NAK = packet(2, COOKIE + option(53, b"\x06") + option(54, SERVER) + b"\xff")
RENEW = packet(1, COOKIE + option(53, b"\x03") + b"\xff", client=LEASED)
RELEASE = packet(1, COOKIE + option(53, b"\x07") + option(54, SERVER) + b"\xff", client=LEASED)
BOOTP = packet(1, bytes(64))
OVERLOADED = packet(
    2,
    COOKIE + option(53, b"\x05") + option(52, b"\x03") + b"\xff",
    fields=(option(3, SERVER) + b"\xff", option(54, SERVER) + b"\xff"),
)

SAMPLES: tuple[tuple[bytes, bool], ...] = (
    (DISCOVER, True),
    (OFFER, False),
    (ACK, False),
    (NAK, False),
    (RENEW, True),
    (RELEASE, True),
    (BOOTP, True),
    (OVERLOADED, False),
)


def one(data: bytes) -> Message:
    """The only message of a datagram."""
    (only,) = DISSECTORS[0].start(DEFAULT_LIMITS).read(data, True)
    return only


def survive(data: bytes, to_responder: bool) -> None:
    """Recognise and read a datagram; only Malformed may escape."""
    for row in DISSECTORS:
        assert 0 <= row.recognise(data, to_responder) <= 100
        session = row.start(DEFAULT_LIMITS)
        assert session.frame_length(data, to_responder) >= 0
        try:
            messages = session.read(data, to_responder)
        except Malformed:
            continue
        assert all(isinstance(message, Message) for message in messages)


def test_a_discover_says_who_asks_for_what() -> None:
    """Type, client and the address it would like."""
    assert one(DISCOVER)[:8] == ("dhcp", "request", "discover", 1, MAC, ("192.0.2.50",), OK, False)


def test_a_client_is_described_under_its_hardware_address() -> None:
    """Names, fingerprint, software and description; what it asks for is not its address."""
    assert set(one(DISCOVER).hints) == {
        Hint(HintKey.MAC, MAC, MAC),
        Hint(HintKey.HOSTNAME, "cam-1", MAC),
        Hint(HintKey.HOSTNAME, "cam-1.lan", MAC),
        Hint(HintKey.DHCP_FINGERPRINT, "1,3,6,15", MAC),
        Hint(HintKey.DHCP_VENDOR_CLASS, "udhcp 1.30", MAC),
        Hint(HintKey.DEVICE_URL, "https://maker.example/cam.json", MAC),
    }


def test_an_acknowledgement_gives_the_address() -> None:
    """Address, server and lease; the client now owns the address."""
    ack = one(ACK)
    assert (ack.role, ack.operation, ack.code, ack.value) == ("response", "ack", 5, ("192.0.2.50", "192.0.2.1", 3600))
    assert Hint(HintKey.IP, "192.0.2.50", MAC) in ack.hints


def test_an_offer_is_no_lease() -> None:
    """The client may take another."""
    assert not [hint for hint in one(OFFER).hints if hint.key is HintKey.IP]


def test_servers_and_routers_are_told_once() -> None:
    """The sender serves DHCP; options name router and resolvers."""
    session = DISSECTORS[0].start(DEFAULT_LIMITS)
    roles = {
        Hint(HintKey.ROLE, "dhcp.server"),
        Hint(HintKey.ROLE, "router", "192.0.2.1"),
        Hint(HintKey.ROLE, "dns.server", "192.0.2.1"),
        Hint(HintKey.ROLE, "dns.server", "192.0.2.2"),
    }
    assert set(session.read(OFFER, False)[0].hints) == roles
    assert not roles & set(session.read(ACK, False)[0].hints)


def test_behind_a_relay_the_option_names_the_server() -> None:
    """The sender is the relay."""
    relayed = packet(2, COOKIE + option(53, b"\x02") + option(54, SERVER) + b"\xff", assigned=LEASED, relay=bytes((192, 0, 2, 9)))
    assert one(relayed).hints == (Hint(HintKey.ROLE, "dhcp.server", "192.0.2.1"),)


def test_a_renewing_client_has_its_address() -> None:
    """It says so in the field for it."""
    renew = one(RENEW)
    assert (renew.operation, renew.value) == ("request", ("192.0.2.50",))
    assert Hint(HintKey.IP, "192.0.2.50", MAC) in renew.hints


def test_overloaded_fields_hold_options() -> None:
    """RFC 2132 section 9.3: both sname and file."""
    ack = one(OVERLOADED)
    assert ack.value == (None, "192.0.2.1", None)
    assert Hint(HintKey.ROLE, "router", "192.0.2.1") in ack.hints


def test_a_long_option_is_joined() -> None:
    """RFC 3396: parts of one option belong together."""
    data = packet(1, COOKIE + option(53, b"\x08") + option(12, b"first-") + option(12, b"second") + b"\xff")
    assert Hint(HintKey.HOSTNAME, "first-second", MAC) in one(data).hints


def test_without_the_type_it_is_bootp() -> None:
    """No code, named by its operation field."""
    assert one(BOOTP)[2:5] == ("bootp_request", None, MAC)
    assert one(packet(2, bytes(64))).operation == "bootp_reply"
    assert one(BOOTP).status == OK


def test_a_foreign_cookie_hides_the_options() -> None:
    """Nothing behind it is read as options."""
    foreign = one(packet(1, b"\x63\x82\x53\x00" + option(53, b"\x01")))
    assert (foreign.operation, foreign.code, foreign.status) == ("bootp_request", None, MALFORMED)


@pytest.mark.parametrize("tail", [option(12, b"abc")[:-1], b"\x0c"])
def test_an_option_that_ends_outside_is_malformed(tail: bytes) -> None:
    """What was read before it is kept."""
    cut = one(packet(1, COOKIE + option(53, b"\x01") + tail))
    assert (cut.code, cut.status) == (1, MALFORMED)


def test_an_unknown_hardware_type_gives_no_mac() -> None:
    """The object is its bytes."""
    token = packet(1, COOKIE + option(53, b"\x01") + b"\xff")
    seen = one(token[:1] + b"\x06\x03" + token[3:])
    assert (seen.object, seen.hints) == ("02:00:5e", ())


@pytest.mark.parametrize("data", [DISCOVER[:200], b"\x03" + DISCOVER[1:]])
def test_what_is_no_message_is_refused(data: bytes) -> None:
    """Too short, or neither request nor reply."""
    with pytest.raises(Malformed):
        one(data)


def test_found_by_content() -> None:
    """The cookie is certain, BOOTP needs the port."""
    recognise = DISSECTORS[0].recognise
    assert recognise(DISCOVER, True) == recognise(ACK, False) == CERTAIN
    assert recognise(BOOTP, True) == POSSIBLE
    assert recognise(b"GET / HTTP/1.1" + bytes(300), True) == NO


class TestHostileInput:
    """Nothing but Malformed escapes, whatever the bytes."""

    @given(
        st.sampled_from(SAMPLES), st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=8), st.integers(0, 2000)
    )
    def test_a_changed_message_is_read_or_malformed(
        self, sample: tuple[bytes, bool], changes: list[tuple[int, int]], cut: int
    ) -> None:
        """Bytes of a valid message are changed and its end is cut off."""
        data = bytearray(sample[0])
        for at, byte in changes:
            data[at % len(data)] = byte
        survive(bytes(data[: len(data) - cut % len(data)]), sample[1])

    @given(st.binary(max_size=300), st.booleans())
    def test_random_bytes_are_read_or_malformed(self, data: bytes, to_responder: bool) -> None:
        """Bytes without any structure."""
        survive(data, to_responder)
