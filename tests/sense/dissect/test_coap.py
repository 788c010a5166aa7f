"""CoAP over UDP."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hauberk.errors import Malformed
from hauberk.model.transaction import MALFORMED, Message
from hauberk.sense.dissect.coap import DISSECTORS, CoapSession, recognise
from hauberk.sense.dissect.coap_names import METHODS, RESPONSES
from hauberk.sense.dissect.interface import CERTAIN, LIKELY, NO, POSSIBLE
from hauberk.sense.dissect.limits import DEFAULT_LIMITS, Limits

# Figures 16 and 17 of RFC 7252: a confirmable request for a temperature, answered in the acknowledgement or apart from it.
GET = bytes.fromhex("40017d34bb74656d7065726174757265")
CONTENT = bytes.fromhex("60457d34ff32322e33")
GET_TOKEN = bytes.fromhex("41017d3520bb74656d7065726174757265")
EMPTY_ACK = bytes.fromhex("60007d35")
SEPARATE = bytes.fromhex("4145abcd20ff32322e33")
PUT = bytes.fromhex("4203350278f8") + b"\xb1r\x03Car\x11\x32\xff{}"
QUERY = b"\x40\x02\x00\x01\xb1a\x01b\x43x=1\x03y=2"
OBSERVE = bytes.fromhex("410100014a6056") + b"lights"
NOTE_FIRST = bytes.fromhex("614500014a610a") + b"\xffoff"
NOTE_NEXT = bytes.fromhex("514500024a610b") + b"\xffon"
BLOCK = b"\x40\x03\x00\x02\xb2fw\xd1\x03\x2e\xff" + b"\x00" * 64
PING = bytes.fromhex("40000009")
RESET = bytes.fromhex("70000009")
NOT_FOUND = bytes.fromhex("61847d3520")
CREATED = bytes.fromhex("6141000a55") + b"\x81n\x017"

SAMPLES: tuple[tuple[bytes, bool], ...] = (
    (GET, True),
    (CONTENT, False),
    (GET_TOKEN, True),
    (EMPTY_ACK, False),
    (SEPARATE, False),
    (PUT, True),
    (QUERY, True),
    (OBSERVE, True),
    (NOTE_FIRST, False),
    (NOTE_NEXT, False),
    (BLOCK, True),
    (PING, True),
    (RESET, False),
    (NOT_FOUND, False),
    (CREATED, False),
)


def talk(*exchange: tuple[bytes, bool], limits: Limits = DEFAULT_LIMITS) -> list[Message]:
    """The messages of an exchange."""
    session = CoapSession(limits)
    return [message for pdu, to_responder in exchange for message in session.read(pdu, to_responder)]


def test_samples_are_sound() -> None:
    """Each is one message with its code byte, none malformed."""
    messages = talk(*SAMPLES)
    assert [message.code for message in messages] == [pdu[1] for pdu, _ in SAMPLES]
    assert MALFORMED not in {message.status for message in messages}


def test_piggybacked_response() -> None:
    """An acknowledgement with content acts on what its message id asked for."""
    asked, answered = talk((GET, True), (CONTENT, False))
    assert (asked.role, asked.operation, asked.object, asked.write) == ("request", "get", "/temperature", False)
    assert (answered.role, answered.operation, answered.object, answered.value) == ("response", "content", "/temperature", 22.3)


def test_separate_response() -> None:
    """The empty acknowledgement is found by message id, the response by token."""
    messages = talk((GET_TOKEN, True), (EMPTY_ACK, False), (SEPARATE, False))
    assert [(message.operation, message.object) for message in messages] == [
        ("get", "/temperature"),
        ("empty", "/temperature"),
        ("content", "/temperature"),
    ]
    assert messages[1].value == "ack"


def test_error_response() -> None:
    """Codes of class 4 and 5 are operation and status."""
    message = talk((GET_TOKEN, True), (NOT_FOUND, False))[1]
    assert (message.operation, message.status, message.object) == ("not_found", "not_found", "/temperature")


@pytest.mark.parametrize("code,write", [(1, False), (2, True), (3, True), (4, True), (5, False), (6, True), (7, True)])
def test_writes(code: int, write: bool) -> None:
    """Every method but GET and FETCH changes the resource."""
    message = talk((bytes((0x40, code)) + GET[2:], True))[0]
    assert (message.operation, message.write) == (METHODS[code], write)


def test_path_and_query() -> None:
    """Options make up the URI."""
    assert talk((QUERY, True))[0].object == "/a/b?x=1&y=2"
    assert talk((b"\x40\x01\x00\x01", True))[0].object == "/"
    assert talk((b"\x40\x01\x00\x01\xdb\x16coap://h/x1", True))[0].object == "coap://h/x1"


def test_location_of_what_was_created() -> None:
    """A response to nothing that was seen acts on the location it names."""
    assert talk((CREATED, False))[0].object == "/n/7"


def test_observation() -> None:
    """The first notification is the response, later ones are events on the same resource."""
    messages = talk((OBSERVE, True), (NOTE_FIRST, False), (NOTE_NEXT, False))
    assert [message.role for message in messages] == ["request", "response", "event"]
    assert [message.object for message in messages] == ["/lights"] * 3
    assert [message.value for message in messages] == [(None, "observe=0"), ("off", "observe=10"), ("on", "observe=11")]


def test_blocks_are_noted() -> None:
    """Number, whether more follow, and size of a block."""
    assert talk((BLOCK, True))[0].value == ("64 bytes " + "00" * 16, "block1=2/more/1024")


def test_ping() -> None:
    """An empty confirmable message is answered by a reset; both say their type."""
    messages = talk((PING, True), (RESET, False))
    assert [(message.operation, message.code, message.role, message.value) for message in messages] == [
        ("empty", 0, "request", "con"),
        ("empty", 0, "response", "rst"),
    ]


def test_role_hints_once() -> None:
    """Client and server are named once."""
    hints = [[hint.value for hint in message.hints] for message in talk((GET, True), (CONTENT, False), (GET, True))]
    assert hints == [["coap.client"], ["coap.server"], []]


@pytest.mark.parametrize(
    "pdu",
    [
        "49010001000000000000000000",
        "41010001",
        "4000000101",
        "40010001f1",
        "400100011f",
        "40010001b5",
        "40010001ff",
        "40010001d1",
        "40010001e101",
        "40210001",
        "40610001",
        "40c10001",
    ],
)
def test_malformed(pdu: str) -> None:
    """Long tokens, reserved codes and lengths, options that do not end and empty payloads are malformed."""
    message = talk((bytes.fromhex(pdu), True))[0]
    assert (message.status, message.code) == (MALFORMED, int(pdu[2:4], 16))


@pytest.mark.parametrize("pdu", ["", "400100", "00010001", "80010001", "c0010001"])
def test_not_even_a_header(pdu: str) -> None:
    """Less than four bytes, or another version, is refused."""
    with pytest.raises(Malformed):
        talk((bytes.fromhex(pdu), True))


def test_unknown_codes_are_told() -> None:
    """A code that is not registered keeps its class and detail."""
    assert talk((bytes.fromhex("40080001"), True))[0].operation == "code_0_08"
    assert talk((bytes.fromhex("605e0001"), False))[0].operation == "code_2_30"


def test_too_many_options() -> None:
    """A datagram full of empty options is malformed."""
    assert talk((bytes.fromhex("40010001") + b"\x00" * 5000, True))[0].status == MALFORMED


def test_memory_is_bounded() -> None:
    """Unanswered requests beyond the limit are forgotten."""
    session = CoapSession(Limits(pending=4))
    for number in range(50):
        session.read(b"\x41\x01\x00" + bytes((number, number)) + GET[4:], True)
    assert (len(session._by_token), len(session._by_id)) == (4, 4)


def test_recognises_its_own() -> None:
    """Requests that name a resource and responses with options or token are likely; bare headers need the port."""
    bare = {CONTENT, EMPTY_ACK, PING, RESET, SEPARATE}
    for pdu, to_responder in SAMPLES:
        assert recognise(pdu, to_responder) == (POSSIBLE if pdu in bare else LIKELY), pdu.hex()


@pytest.mark.parametrize(
    "other",
    [
        "",
        "400100",
        "16fefd0000000000000000",
        "800002000000000000000101",
        "43ff0001010203",
        "7001000100",
        "60010001",
        "4001000175616263646566",
        "d501000100000000",
        "010003000003001182264e0000d2000038",
    ],
)
def test_recognises_nothing_else(other: str) -> None:
    """Other versions, unknown codes, types that exclude the code and options of a length nobody registered are not CoAP."""
    assert recognise(bytes.fromhex(other), True) == NO


def test_text_protocols_are_not_coap() -> None:
    """Text whose first letters make a header is not taken for CoAP."""
    for line in (b"REGISTER sip:a SIP/2.0\r\n", b"NOTIFY * HTTP/1.1\r\n", b"M-SEARCH * HTTP/1.1\r\n", b"HTTP/1.1 200 OK\r\n"):
        assert recognise(line, True) == NO


def test_registration() -> None:
    """One row, on UDP 5683, and names for every code that is recognised."""
    assert [(row.name, row.transport, row.ports) for row in DISSECTORS] == [("coap", "udp", (5683,))]
    assert not set(METHODS) & set(RESPONSES)


@given(st.sampled_from(SAMPLES), st.data())
def test_nothing_but_malformed_escapes(sample: tuple[bytes, bool], data: st.DataObject) -> None:
    """Whatever happens to a message, it is read, refused as malformed, or said to be malformed."""
    pdu, to_responder = sample
    changed = bytearray(pdu)
    for _ in range(data.draw(st.integers(0, 4))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    raw = data.draw(st.one_of(st.just(bytes(changed)), st.binary(max_size=60)))
    session = CoapSession(DEFAULT_LIMITS)
    assert NO <= recognise(raw, to_responder) <= CERTAIN
    assert session.frame_length(raw, to_responder) == len(raw)
    try:
        messages = session.read(raw, to_responder)
    except Malformed:
        return
    assert [message.protocol for message in messages] == ["coap"]
    assert messages[0].status != MALFORMED or messages[0].value is None
