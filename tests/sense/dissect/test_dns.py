"""DNS over UDP and TCP, and LLMNR."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hauberk.errors import Malformed
from hauberk.model.hint import Hint, HintKey
from hauberk.model.transaction import MALFORMED, OK, Message
from hauberk.sense.dissect.dns import DISSECTORS, reverse_address
from hauberk.sense.dissect.interface import LIKELY, NO
from hauberk.sense.dissect.limits import DEFAULT_LIMITS, Limits


def name(dotted: str) -> bytes:
    """A name in wire format."""
    return b"".join(bytes((len(label),)) + label.encode() for label in dotted.split(".") if label) + b"\x00"


def question(dotted: str, kind: int = 1) -> bytes:
    """A question of class IN."""
    return name(dotted) + kind.to_bytes(2, "big") + b"\x00\x01"


def record(owner: bytes, kind: int, data: bytes, ttl: int = 60, class_: int = 1) -> bytes:
    """A resource record."""
    return (
        owner + kind.to_bytes(2, "big") + class_.to_bytes(2, "big") + ttl.to_bytes(4, "big") + len(data).to_bytes(2, "big") + data
    )


def message(flags: int, counts: tuple[int, int, int, int], body: bytes, message_id: int = 0x1234) -> bytes:
    """A message with its header."""
    return b"".join(number.to_bytes(2, "big") for number in (message_id, flags, *counts)) + body


QNAME = b"\xc0\x0c"
QUERY = message(0x0100, (1, 0, 0, 0), question("Pump.Example.ORG"))
ANSWER = message(
    0x8180,
    (1, 3, 0, 0),
    question("pump.example.org")
    + record(QNAME, 5, name("b.example.org"))
    + record(name("b.example.org"), 1, bytes((192, 0, 2, 7)))
    + record(QNAME, 28, bytes.fromhex("20010db8000000000000000000000001")),
)
NXDOMAIN = message(0x8183, (1, 0, 0, 0), question("no.example.org", 28))
UPDATE = message(0x2800, (1, 0, 1, 0), question("example.org", 6) + record(name("new.example.org"), 1, bytes((192, 0, 2, 9))))
NOTIFY = message(0x2400, (1, 0, 0, 0), question("example.org", 6))
TEXTS = message(
    0x8180,
    (1, 5, 0, 0),
    question("t.example.org", 255)
    + record(QNAME, 16, b"\x03abc\x02de")
    + record(QNAME, 33, bytes.fromhex("00010002 01bb") + name("srv.example.org"))
    + record(QNAME, 15, b"\x00\x0a" + name("mx.example.org"))
    + record(QNAME, 10, b"12345")
    + record(QNAME, 65280, b"1"),
)
BADVERS = message(0x8100, (1, 0, 0, 1), question("a.example") + record(b"\x00", 41, b"", ttl=0x01000000, class_=1232))
REVERSE = message(0x8180, (1, 1, 0, 0), question("7.2.168.192.in-addr.arpa", 12) + record(QNAME, 12, name("cam.lan")))
LOOP = message(0x0100, (1, 0, 0, 0), b"\xc0\x0c\x00\x01\x00\x01")
LLMNR = message(0x0000, (1, 0, 0, 0), question("printer"))
LLMNR_ANSWER = message(0x8000, (1, 1, 0, 0), question("printer") + record(QNAME, 1, bytes((192, 0, 2, 8))))

SAMPLES: tuple[tuple[bytes, bool], ...] = (
    (QUERY, True),
    (ANSWER, False),
    (NXDOMAIN, False),
    (UPDATE, True),
    (NOTIFY, True),
    (TEXTS, False),
    (BADVERS, False),
    (REVERSE, False),
    (LLMNR, True),
    (LLMNR_ANSWER, False),
)
UDP, TCP, LLMNR_ROW = DISSECTORS


def one(data: bytes, limits: Limits = DEFAULT_LIMITS) -> Message:
    """The only message of a datagram."""
    (only,) = UDP.start(limits).read(data, True)
    return only


def survive(data: bytes, to_responder: bool) -> None:
    """Recognise and read a datagram; only Malformed may escape."""
    for row in DISSECTORS:
        assert 0 <= row.recognise(data, to_responder) <= 100
        session = row.start(DEFAULT_LIMITS)
        try:
            assert session.frame_length(data, to_responder) >= 0
            messages = session.read(data, to_responder)
        except Malformed:
            continue
        assert all(isinstance(message, Message) for message in messages)


def test_a_query_gives_type_and_lower_case_name() -> None:
    """The object does not depend on how the client spells the name."""
    query = one(QUERY)
    assert query[:6] == ("dns", "request", "query", 1, "pump.example.org", None)
    assert query.status == OK


def test_a_response_gives_its_answers() -> None:
    """Names and addresses of the answers, in order; the code stays the question's."""
    answer = one(ANSWER)
    assert (answer.role, answer.code) == ("response", 1)
    assert answer.value == ("b.example.org", "192.0.2.7", "2001:db8::1")


def test_other_records_are_shown_by_kind() -> None:
    """Texts joined, services with port, unread types with their size."""
    assert one(TEXTS).value == ("abc de", "srv.example.org:443", "mx.example.org", "NULL:5", "TYPE65280:1")


def test_errors_are_named() -> None:
    """The response code, also the part of it that lies in the OPT record."""
    assert one(NXDOMAIN).status == "nxdomain"
    assert one(BADVERS).status == "badvers"
    assert one(message(0x8185, (1, 0, 0, 0), question("a"))).status == "refused"
    assert one(message(0x818F, (1, 0, 0, 0), question("a"))).status == "rcode_15"


def test_an_update_writes() -> None:
    """RFC 2136: the zone is the question, the changes are the value."""
    update = one(UPDATE)
    assert (update.operation, update.code, update.object, update.value, update.write) == (
        "update",
        6,
        "example.org",
        ("192.0.2.9",),
        True,
    )


def test_a_notification_is_named() -> None:
    """RFC 1996."""
    assert one(NOTIFY).operation == "notify"
    assert not one(NOTIFY).write


def test_a_pointer_loop_is_malformed() -> None:
    """A name that points to itself is not followed."""
    assert one(LOOP).status == MALFORMED


def test_a_cut_message_keeps_its_question() -> None:
    """The question is known though the answers are cut off."""
    cut = one(ANSWER[:-20])
    assert (cut.status, cut.code, cut.object) == (MALFORMED, 1, "pump.example.org")


def test_less_than_a_header_is_refused() -> None:
    """Nothing can be said of it."""
    with pytest.raises(Malformed):
        one(QUERY[:11])


def test_answers_are_bounded() -> None:
    """No more than the limit, and the rest is read over."""
    many = message(0x8180, (1, 90, 0, 0), question("a.b") + record(QNAME, 1, b"\x01\x02\x03\x04") * 90)
    answer = one(many, Limits(items=5))
    assert answer.value == ("1.2.3.4",) * 5
    assert answer.status == OK


def test_roles_are_told_once_in_a_session() -> None:
    """Client and server are named by their first message."""
    session = UDP.start(DEFAULT_LIMITS)
    hints = [session.read(data, True)[0].hints for data in (QUERY, ANSWER, QUERY, ANSWER)]
    assert hints == [(Hint(HintKey.ROLE, "dns.client"),), (Hint(HintKey.ROLE, "dns.server"),), (), ()]


def test_a_reverse_answer_names_a_private_address() -> None:
    """The site's resolver knows its own hosts."""
    assert Hint(HintKey.HOSTNAME, "cam.lan", "192.168.2.7") in one(REVERSE).hints


def test_a_reverse_answer_names_no_public_address() -> None:
    """Others' hosts are none of ours."""
    public = message(0x8180, (1, 1, 0, 0), question("8.8.8.8.in-addr.arpa", 12) + record(QNAME, 12, name("dns.google")))
    assert all(hint.key is HintKey.ROLE for hint in one(public).hints)


@pytest.mark.parametrize("text", ["1.2.3.in-addr.arpa", "1.2.3.400.in-addr.arpa", "a.b.c.d.in-addr.arpa", "example.org"])
def test_only_whole_reverse_names_are_addresses(text: str) -> None:
    """Four numbers below 256."""
    assert reverse_address(text) is None


def test_over_tcp_each_message_is_behind_its_length() -> None:
    """Split prefix, split message, two in one segment."""
    session = TCP.start(DEFAULT_LIMITS)
    framed = len(QUERY).to_bytes(2, "big") + QUERY
    assert session.frame_length(framed[:1], True) == 0
    assert session.frame_length(framed[:5], True) == len(framed)
    assert session.frame_length(framed * 2, True) == len(framed)
    assert session.read(framed, True)[0].object == "pump.example.org"
    with pytest.raises(Malformed):
        session.frame_length(b"\x00\x03abc", True)


def test_llmnr_names_its_sender() -> None:
    """The host that answers speaks of itself."""
    session = LLMNR_ROW.start(DEFAULT_LIMITS)
    assert session.read(LLMNR, True)[0][:5] == ("llmnr", "request", "query", 1, "printer")
    assert Hint(HintKey.HOSTNAME, "printer", "192.0.2.8") in session.read(LLMNR_ANSWER, False)[0].hints


@pytest.mark.parametrize("data", [QUERY, ANSWER, NXDOMAIN, UPDATE, REVERSE])
def test_found_by_content(data: bytes) -> None:
    """A whole message is found on any port, over TCP too."""
    assert UDP.recognise(data, True) >= LIKELY
    assert TCP.recognise(len(data).to_bytes(2, "big") + data, True) >= LIKELY


def test_a_single_label_is_rather_llmnr() -> None:
    """Where the port says nothing, a single label without recursion wanted is link-local."""
    assert LLMNR_ROW.recognise(LLMNR, True) > UDP.recognise(LLMNR, True)
    assert LLMNR_ROW.recognise(QUERY, True) < UDP.recognise(QUERY, True)


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        bytes.fromhex("000100000006010300000001"),
        bytes.fromhex("16030100a5010000a10303") + bytes(60),
        bytes(48),
        b"\x1b" + bytes(47),
        QUERY + b"trailing",
    ],
)
def test_others_are_not_dns(data: bytes) -> None:
    """HTTP, Modbus, TLS, zeros, NTP and trailing bytes."""
    assert [row.recognise(data, True) for row in DISSECTORS] == [NO, NO, NO]


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
