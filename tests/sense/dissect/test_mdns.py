"""Multicast DNS and service discovery."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hauberk.errors import Malformed
from hauberk.model.hint import Hint, HintKey
from hauberk.model.transaction import Message
from hauberk.sense.dissect.interface import LIKELY, NO, POSSIBLE
from hauberk.sense.dissect.limits import DEFAULT_LIMITS, Limits
from hauberk.sense.dissect.mdns import DISSECTORS, service_type


def name(dotted: str) -> bytes:
    """A name in wire format; a slash stands for a dot inside a label."""
    labels = (label.replace("/", ".").encode() for label in dotted.split(".") if label)
    return b"".join(bytes((len(label),)) + label for label in labels) + b"\x00"


def record(owner: str, kind: int, data: bytes, ttl: int = 120) -> bytes:
    """A resource record of class IN."""
    return name(owner) + kind.to_bytes(2, "big") + b"\x80\x01" + ttl.to_bytes(4, "big") + len(data).to_bytes(2, "big") + data


def announcement(*records: bytes) -> bytes:
    """A response that asks nothing."""
    return bytes.fromhex("0000 8400 0000") + len(records).to_bytes(2, "big") + bytes(4) + b"".join(records)


def texts(*items: bytes) -> bytes:
    """The data of a TXT record."""
    return b"".join(bytes((len(item),)) + item for item in items)


QUERY = bytes.fromhex("0000 0000 0002 0000 0000 0000") + b"".join(
    name(service) + b"\x00\x0c\x80\x01" for service in ("_HAP._tcp.local", "_ipp._tcp.local")
)
HOST = announcement(
    record("Lamp-7.local", 1, bytes((192, 0, 2, 5))), record("Lamp-7.local", 28, bytes.fromhex("fe80" + "00" * 13 + "05"))
)
SERVICE = announcement(
    record("_hap._tcp.local", 12, name("Lamp 7/1._hap._tcp.local")),
    record("Lamp 7/1._hap._tcp.local", 33, bytes.fromhex("000000000050") + name("lamp-7.local")),
    record("Lamp 7/1._hap._tcp.local", 16, texts(b"md=LX-100", b"fv=1.2.3", b"mac=00:11:22:AA:bb:cc", b"pw=x", b"flag")),
)
ENUMERATION = announcement(record("_services._dns-sd._udp.local", 12, name("_ipp._tcp.local")))
METADATA = announcement(record("A@B._raop._tcp.local", 16, texts(b"md=0,1,2", b"am=Speaker3,1", b"deviceid=not-a-mac")))
GOODBYE = announcement(record("Lamp-7.local", 1, bytes((192, 0, 2, 5)), ttl=0))

SAMPLES: tuple[tuple[bytes, bool], ...] = (
    (QUERY, True),
    (HOST, True),
    (SERVICE, True),
    (ENUMERATION, True),
    (METADATA, True),
    (GOODBYE, True),
)


def one(data: bytes, limits: Limits = DEFAULT_LIMITS) -> Message:
    """The only message of a datagram."""
    (only,) = DISSECTORS[0].start(limits).read(data, True)
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


def test_a_query_gives_its_first_question() -> None:
    """The unicast-response bit of the class does not matter."""
    assert one(QUERY)[:6] == ("mdns", "request", "query", 12, "_hap._tcp.local", None)


def test_an_announcement_asks_nothing() -> None:
    """No code; the object is the name of its first record."""
    host = one(HOST)
    assert (host.role, host.code, host.object, host.value) == ("response", None, "lamp-7.local", ("192.0.2.5", "fe80::5"))


def test_addresses_name_hosts() -> None:
    """Both addresses carry the name, and are the sender's own."""
    hints = one(HOST).hints
    assert Hint(HintKey.HOSTNAME, "lamp-7", "192.0.2.5") in hints
    assert Hint(HintKey.HOSTNAME, "lamp-7", "fe80::5") in hints
    assert Hint(HintKey.IP, "192.0.2.5") in hints


def test_a_service_tells_what_it_runs_on() -> None:
    """Type, host, model, firmware and hardware address; unknown keys say nothing."""
    assert set(one(SERVICE).hints) == {
        Hint(HintKey.SERVICE, "_hap._tcp"),
        Hint(HintKey.HOSTNAME, "lamp-7"),
        Hint(HintKey.MODEL, "LX-100"),
        Hint(HintKey.FIRMWARE, "1.2.3"),
        Hint(HintKey.MAC, "00:11:22:aa:bb:cc"),
    }


def test_the_list_of_services_names_types() -> None:
    """RFC 6763 section 9: the type is what the record points to."""
    assert one(ENUMERATION).hints == (Hint(HintKey.SERVICE, "_ipp._tcp"),)


def test_metadata_kinds_are_no_model() -> None:
    """AirTunes uses the key of the model for something else; what is no hardware address is not taken for one."""
    assert one(METADATA).hints == (Hint(HintKey.MODEL, "Speaker3,1"),)


def test_a_goodbye_tells_nothing() -> None:
    """A lifetime of zero takes the statement back."""
    assert one(GOODBYE).hints == ()


def test_a_query_tells_nothing() -> None:
    """Answers known to a querier are others' words."""
    known = bytes.fromhex("0000 0000 0001 0001 0000 0000") + QUERY[12:][: len(name("_hap._tcp.local")) + 4]
    assert one(known + record("x.local", 1, b"\x01\x02\x03\x04")).hints == ()


def test_hints_are_bounded() -> None:
    """A crowd of records gives no crowd of hints."""
    crowd = announcement(*(record(f"h{at}.local", 1, bytes((10, 0, 0, at))) for at in range(60)))
    assert len(one(crowd, Limits(items=8)).hints) == 8


@pytest.mark.parametrize(
    "full, kind", [("a._hap._tcp.local", "_hap._tcp"), ("_x._sub._ipp._tcp.local", "_ipp._tcp"), ("host.local", None)]
)
def test_service_types_are_found_in_names(full: str, kind: str | None) -> None:
    """Instances and subtypes both hold the type."""
    assert service_type(full) == kind


def test_found_by_content() -> None:
    """Zero identifier and local names are likely on any port; others only on the port."""
    recognise = DISSECTORS[0].recognise
    assert recognise(HOST, True) == LIKELY
    assert recognise(QUERY, True) == LIKELY
    assert recognise(b"\x12\x34" + QUERY[2:], True) == POSSIBLE
    assert recognise(b"GET / HTTP/1.1\r\n\r\n", True) == NO


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
