"""DHCP for IPv6."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hauberk.errors import Malformed
from hauberk.model.hint import Hint, HintKey
from hauberk.model.transaction import MALFORMED, OK, Message
from hauberk.sense.dissect.dhcpv6 import DISSECTORS
from hauberk.sense.dissect.interface import CERTAIN, LIKELY, NO
from hauberk.sense.dissect.limits import DEFAULT_LIMITS, Limits

MAC = "02:00:5e:10:20:30"


def option(code: int, data: bytes) -> bytes:
    """One option."""
    return code.to_bytes(2, "big") + len(data).to_bytes(2, "big") + data


def packet(kind: int, *options: bytes) -> bytes:
    """A message of a client or server."""
    return bytes((kind, 1, 2, 3)) + b"".join(options)


def relayed(kind: int, inner: bytes) -> bytes:
    """A relay's envelope."""
    return bytes((kind, 0)) + bytes(16) + bytes.fromhex("fe80" + "00" * 13 + "07") + option(9, inner)


CLIENT = option(1, bytes.fromhex("00030001 02005e102030"))
CLIENT_TIME = option(1, bytes.fromhex("00010001 12345678 02005e102030"))
ADDRESS = bytes.fromhex("20010db8" + "00" * 11 + "05")
SOLICIT = packet(
    1,
    CLIENT,
    option(6, bytes.fromhex("00170018")),
    option(39, b"\x00\x05cam-1\x03lan\x00"),
    option(16, bytes.fromhex("00000137 0008") + b"MSFT 5.0"),
    option(112, b"https://maker.example/cam.json"),
)
REPLY = packet(
    7,
    CLIENT_TIME,
    option(2, bytes.fromhex("00030001 020000000001")),
    option(3, bytes(12) + option(5, ADDRESS + bytes(8))),
    option(25, bytes(12) + option(26, bytes(8) + b"\x38" + ADDRESS)),
    option(23, ADDRESS),
)
REFUSED = packet(7, CLIENT, option(3, bytes(12) + option(13, b"\x00\x02none")))
FORWARD = relayed(12, SOLICIT)

SAMPLES: tuple[tuple[bytes, bool], ...] = ((SOLICIT, True), (REPLY, False), (REFUSED, False), (FORWARD, True))


def read(data: bytes, limits: Limits = DEFAULT_LIMITS) -> list[Message]:
    """The messages of a datagram."""
    return DISSECTORS[0].start(limits).read(data, True)


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


def test_a_solicit_names_its_client() -> None:
    """The hardware address within the DUID."""
    assert read(SOLICIT)[0][:7] == ("dhcpv6", "request", "solicit", 1, MAC, None, OK)


def test_a_client_describes_itself() -> None:
    """Address, name, software, fingerprint and description, about the sender."""
    assert set(read(SOLICIT)[0].hints) == {
        Hint(HintKey.MAC, MAC),
        Hint(HintKey.HOSTNAME, "cam-1.lan"),
        Hint(HintKey.DHCP_VENDOR_CLASS, "MSFT 5.0"),
        Hint(HintKey.DHCP_FINGERPRINT, "23,24"),
        Hint(HintKey.DEVICE_URL, "https://maker.example/cam.json"),
    }


def test_a_reply_gives_addresses_and_prefixes() -> None:
    """The client owns the addresses, the server its role."""
    reply = read(REPLY)[0]
    assert (reply.role, reply.object, reply.value) == ("response", MAC, ("2001:db8::5", "2001:db8::5/56"))
    assert set(reply.hints) == {
        Hint(HintKey.ROLE, "dhcpv6.server"),
        Hint(HintKey.ROLE, "dns.server", "2001:db8::5"),
        Hint(HintKey.IP, "2001:db8::5", MAC),
    }


def test_a_refusal_is_the_status() -> None:
    """Status codes inside an identity association count."""
    assert read(REFUSED)[0].status == "no_addrs_avail"


def test_a_relayed_message_is_two() -> None:
    """The envelope names the peer, which the hints are about."""
    envelope, inner = read(FORWARD)
    assert envelope[1:5] == ("request", "relay_forward", 12, "fe80::7")
    assert (inner.operation, inner.code) == ("solicit", 1)
    assert Hint(HintKey.MAC, MAC, "fe80::7") in inner.hints


def test_envelopes_are_followed_to_a_depth() -> None:
    """No deeper than the limit."""
    nested = SOLICIT
    for _ in range(9):
        nested = relayed(12, nested)
    assert len(read(nested, Limits(depth=4))) == 4
    assert len(read(nested)) == 10


@pytest.mark.parametrize("data", [SOLICIT[:-3], packet(7, option(3, bytes(12) + option(5, bytes(4)))), FORWARD[:30], FORWARD[:-1]])
def test_broken_options_are_malformed(data: bytes) -> None:
    """The type is known."""
    assert read(data)[-1].status == MALFORMED
    assert read(data)[0].code == data[0]


def test_less_than_a_head_is_refused() -> None:
    """Three bytes are no message."""
    with pytest.raises(Malformed):
        read(SOLICIT[:3])


def test_found_by_content() -> None:
    """Options to the end with a DUID among them."""
    recognise = DISSECTORS[0].recognise
    assert [recognise(data, True) for data, _ in SAMPLES] == [CERTAIN] * 4
    assert recognise(SOLICIT + b"\x00", True) == NO
    assert recognise(b"\x01\x00\x00\x00" + bytes(8), True) == NO
    assert recognise(packet(11, option(8, b"\x00\x00")), True) == LIKELY
    assert recognise(b"\x0b" + bytes(47), True) == NO


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
