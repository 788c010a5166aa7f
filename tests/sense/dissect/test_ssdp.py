"""Simple service discovery."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hauberk.errors import Malformed
from hauberk.model.hint import Hint, HintKey
from hauberk.model.transaction import MALFORMED, OK, Message
from hauberk.sense.dissect.interface import CERTAIN, NO
from hauberk.sense.dissect.limits import DEFAULT_LIMITS
from hauberk.sense.dissect.ssdp import DISSECTORS

SEARCH = (
    b'M-SEARCH * HTTP/1.1\r\nHOST: [FF02::C]:1900\r\nMAN: "ssdp:discover"\r\nMX: 2\r\nST: ssdp:all\r\nUSER-AGENT: app/1\r\n\r\n'
)
KIND = "urn:schemas-upnp-org:device:BinaryLight:1"
ALIVE = (
    f"NOTIFY * HTTP/1.1\r\nHost: 239.255.255.250:1900\r\nNT: {KIND}\r\nNTS: ssdp:alive\r\nSERVER: Linux/3 UPnP/1.0 lamp/2\r\n"
    f"USN: uuid:abc-1::{KIND}\r\nLocation: http://192.0.2.7:80/d.xml\r\n\r\n"
).encode()
BYE = ALIVE.replace(b"ssdp:alive", b"ssdp:byebye")
RESPONSE = (
    f"HTTP/1.1 200 OK\r\nST: {KIND}\r\nUSN: uuid:abc-1::{KIND}\r\nLOCATION: http://192.0.2.7:80/d.xml\r\nEXT:\r\n"
    "SERVER: lamp/2\r\n\r\n"
).encode()

SAMPLES: tuple[tuple[bytes, bool], ...] = ((SEARCH, True), (ALIVE, True), (BYE, True), (RESPONSE, False))


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


def test_a_search_says_what_for() -> None:
    """The search target is the object; the searcher names its software."""
    search = one(SEARCH)
    assert search[:7] == ("ssdp", "request", "m_search", None, "ssdp:all", None, OK)
    assert search.hints == (Hint(HintKey.USER_AGENT, "app/1"),)


def test_an_announcement_describes_its_sender() -> None:
    """Software, description, identity and kind."""
    alive = one(ALIVE)
    assert (alive.role, alive.operation, alive.object) == ("event", "notify", KIND)
    assert alive.value == ("ssdp:alive", f"uuid:abc-1::{KIND}", "http://192.0.2.7:80/d.xml")
    assert set(alive.hints) == {
        Hint(HintKey.BANNER, "Linux/3 UPnP/1.0 lamp/2"),
        Hint(HintKey.DEVICE_URL, "http://192.0.2.7:80/d.xml"),
        Hint(HintKey.SERIAL, "uuid:abc-1"),
        Hint(HintKey.SERVICE, KIND),
    }


def test_a_goodbye_tells_nothing() -> None:
    """What it says no longer holds."""
    assert one(BYE).hints == ()


def test_a_response_is_read_like_an_announcement() -> None:
    """It has no subtype."""
    response = one(RESPONSE)
    assert (response.role, response.operation, response.object) == ("response", "response", KIND)
    assert Hint(HintKey.BANNER, "lamp/2") in response.hints


def test_repeated_statements_are_made_once() -> None:
    """Devices announce themselves for ever."""
    session = DISSECTORS[0].start(DEFAULT_LIMITS)
    assert session.read(ALIVE, True)[0].hints
    assert session.read(ALIVE, True)[0].hints == ()


def test_without_target_or_fields_it_is_malformed() -> None:
    """The search target is required; a line without colon is no field."""
    assert one(SEARCH.replace(b"ST: ssdp:all\r\n", b"")).status == MALFORMED
    assert one(SEARCH.replace(b"MX: 2", b"MX 2")).status == MALFORMED


def test_what_is_no_head_is_refused() -> None:
    """Neither a request nor a response."""
    with pytest.raises(Malformed):
        one(b"\x00\x01\x02")


def test_found_by_content() -> None:
    """Start lines are certain; a response needs the fields of discovery."""
    recognise = DISSECTORS[0].recognise
    assert [recognise(data, True) for data, _ in SAMPLES] == [CERTAIN] * 4
    assert recognise(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", False) == NO
    assert recognise(b"GET / HTTP/1.1\r\nST: x\r\n\r\n", True) == NO


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
