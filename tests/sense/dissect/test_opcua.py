"""OPC UA: connection, channel, chunks, services, values, and what stays unread."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hauberk.errors import Malformed
from hauberk.model.hint import Hint, HintKey
from hauberk.model.transaction import MALFORMED, Message, Scalar
from hauberk.sense.dissect import opcua
from hauberk.sense.dissect.interface import CERTAIN, LIKELY, NO
from hauberk.sense.dissect.limits import DEFAULT_LIMITS, Limits
from hauberk.sense.dissect.opcua_names import status_name
from hauberk.sense.dissect.opcua_values import data_value, node_id, variant
from hauberk.sense.dissect.reader import Reader

POLICY = "http://opcfoundation.org/UA/SecurityPolicy#"
NULL = b"\xff\xff\xff\xff"


def u32(*numbers: int) -> bytes:
    """Four bytes each."""
    return struct.pack(f"<{len(numbers)}I", *numbers)


def words(value: str) -> bytes:
    """A string."""
    data = value.encode()
    return u32(len(data)) + data


def node(number: int, space: int = 0) -> bytes:
    """A numeric NodeId."""
    return b"\2" + struct.pack("<HI", space, number)


def chunk(kind: bytes, body: bytes, final: bytes = b"F") -> bytes:
    """A message chunk."""
    return kind + final + u32(8 + len(body)) + body


def opened(body: bytes, policy: str = "None", request: int = 1) -> bytes:
    """An OpenSecureChannel chunk."""
    return chunk(b"OPN", u32(3) + words(POLICY + policy) + NULL + NULL + u32(1, request) + body)


def message(body: bytes, request: int = 9, kind: bytes = b"MSG", final: bytes = b"F") -> bytes:
    """A chunk of the secure conversation."""
    return chunk(kind, u32(3, 4, 1, request) + body, final)


def asks(code: int, body: bytes = b"") -> bytes:
    """A request: type, header, body."""
    return b"\1\0" + struct.pack("<H", code) + b"\0\0" + bytes(8) + u32(5, 0) + NULL + u32(1000) + b"\0\0\0" + body


def says(code: int, body: bytes = b"", result: int = 0) -> bytes:
    """A response: type, header, body."""
    return b"\1\0" + struct.pack("<H", code) + bytes(8) + u32(5, result) + b"\0" + u32(0) + b"\0\0\0" + body


def read_id(node_bytes: bytes, attribute: int = 13) -> bytes:
    """A ReadValueId."""
    return node_bytes + u32(attribute) + NULL + b"\0\0" + NULL


def application(name: str, product: str, uri: str) -> bytes:
    """An ApplicationDescription without addresses."""
    return words(uri) + words(product) + b"\2" + words(name) + u32(0) + NULL + NULL + NULL


LEVEL = b"\3\2\0" + words("Level")
ENDPOINT = (
    words("opc.tcp://plc-7:4840")
    + application("Mill", "urn:acme:px", "urn:plc-7:mill")
    + NULL
    + u32(1)
    + words(POLICY + "None")
    + u32(1)
    + words("anonymous")
    + u32(0)
    + NULL * 3
    + words("binary")
    + b"\0"
)
HELLO = chunk(b"HEL", u32(0, 65536, 65536, 0, 0) + words("opc.tcp://plc-7:4840"))
READ = message(asks(631, bytes(8) + u32(3) + u32(2) + read_id(LEVEL) + read_id(node(85), 3)))
READ_ANSWER = message(says(634, u32(2) + b"\1\x0b" + struct.pack("<d", 2.5) + b"\2" + u32(0x80340000) + u32(0)))
WRITE = message(asks(673, u32(1) + LEVEL + u32(13) + NULL + b"\1\x06" + u32(7)))
CALL = message(asks(712, u32(1) + node(7, 1) + node(9, 1) + u32(2) + b"\x0c" + words("on") + b"\x07" + u32(3)))
MONITOR = message(asks(751, u32(1, 0, 1) + read_id(LEVEL) + u32(2, 77) + bytes(8) + b"\0\0\0" + u32(1) + b"\1"))
CHANGE = u32(1) + u32(77) + b"\1\x06" + u32(42) + u32(0)
PUBLISHED = message(
    says(
        829,
        u32(1, 1, 5) + b"\0" + u32(5) + bytes(8) + u32(1) + b"\1\0" + struct.pack("<H", 811) + b"\1" + u32(len(CHANGE)) + CHANGE,
    )
)
TOKEN = words("policy") + words("operator") + words("pa55word") + NULL
ACTIVATE = message(
    asks(467, NULL * 2 + u32(0) + u32(0) + b"\1\0" + struct.pack("<H", 324) + b"\1" + u32(len(TOKEN)) + TOKEN + NULL * 2)
)
SESSION = message(asks(461, application("Viewer", "", "urn:viewer") + NULL + words("opc.tcp://plc-7:4840") + words("s1")))
ENDPOINTS = message(says(431, u32(1) + ENDPOINT))

SAMPLES: tuple[tuple[bytes, bool], ...] = (
    (HELLO, True),
    (chunk(b"ACK", u32(0, 65536, 65536, 0, 0)), False),
    (chunk(b"ERR", u32(0x80830000) + words("no such endpoint")), False),
    (opened(asks(446, u32(0, 0, 1) + NULL + u32(1000))), True),
    (opened(says(449, u32(0, 3, 4) + bytes(8) + u32(1000) + NULL)), False),
    (READ, True),
    (READ_ANSWER, False),
    (WRITE, True),
    (message(says(676, u32(1, 0x803B0000) + u32(0))), False),
    (CALL, True),
    (message(says(715, u32(1, 0) + u32(0) + u32(0) + u32(1) + b"\1\1" + u32(0))), False),
    (MONITOR, True),
    (PUBLISHED, False),
    (ACTIVATE, True),
    (SESSION, True),
    (ENDPOINTS, False),
    (message(asks(527, b"\0\0" + bytes(12) + u32(0) + u32(1) + node(85) + u32(0) + node(33) + b"\1" + u32(0, 63))), True),
    (message(asks(500, u32(1) + node(3, 1) + b"\1")), True),
    (message(says(397, result=0x801F0000)), False),
    (message(asks(452), kind=b"CLO"), True),
)


def session(limits: Limits = DEFAULT_LIMITS) -> opcua.OpcUaSession:
    """A fresh conversation."""
    return opcua.OpcUaSession(limits)


def told(*frames: tuple[bytes, bool]) -> list[Message]:
    """The messages of frames of one conversation."""
    conversation = session()
    return [found for pdu, direction in frames for found in conversation.read(pdu, direction)]


@pytest.mark.parametrize(
    "pdu,to_responder,role,operation,shown",
    [
        (*SAMPLES[0], "request", "hello", "opc.tcp://plc-7:4840"),
        (*SAMPLES[1], "response", "acknowledge", None),
        (*SAMPLES[3], "request", "open_secure_channel", None),
        (*SAMPLES[4], "response", "open_secure_channel", None),
        (*SAMPLES[19], "request", "close_secure_channel", None),
        (chunk(b"RHE", words("urn:s") + words("opc.tcp://c")), True, "event", "reverse_hello", "opc.tcp://c"),
    ],
)
def test_connection_and_channel_have_no_code(pdu: bytes, to_responder: bool, role: str, operation: str, shown: str | None) -> None:
    """Hello, acknowledge, open and close are messages without a service number."""
    (found,) = told((pdu, to_responder))
    assert (found.role, found.operation, found.code, found.object) == (role, operation, None, shown)


def test_an_error_message_names_its_reason() -> None:
    """The status code is the status, the text the value."""
    (found,) = told(SAMPLES[2])
    assert (found.operation, found.status, found.value) == ("error", "bad_tcp_endpoint_url_invalid", "no such endpoint")


def test_reading_names_nodes_and_gives_values() -> None:
    """Values where they are, the status where a node has none; an attribute other than the value is shown."""
    request, answer = told((READ, True), (READ_ANSWER, False))
    assert (request.operation, request.code, request.object) == ("read", 631, "ns=2;s=Level,i=85/browse_name")
    assert (answer.operation, answer.code, answer.role) == ("read", 634, "response")
    assert (answer.object, answer.value) == ("ns=2;s=Level,i=85/browse_name", (2.5, "bad_node_id_unknown"))


def test_writing_is_a_write_with_its_value_and_its_results() -> None:
    """The request says what is written; the answer what became of it where that is not good."""
    request, answer = told((WRITE, True), SAMPLES[8])
    assert (request.operation, request.object, request.value, request.write) == ("write", "ns=2;s=Level", 7, True)
    assert (answer.object, answer.value, answer.status, answer.write) == ("ns=2;s=Level", "bad_not_writable", "ok", True)


def test_calling_a_method_is_a_write() -> None:
    """Object and method, arguments and results."""
    request, answer = told((CALL, True), SAMPLES[10])
    assert (request.object, request.value, request.write) == ("ns=1;i=7/ns=1;i=9", ("on", 3), True)
    assert (answer.object, answer.value) == ("ns=1;i=7/ns=1;i=9", True)


def test_arguments_of_standard_methods_are_not_kept() -> None:
    """Those that manage users are among them."""
    (found,) = told((message(asks(712, u32(1) + node(7) + node(24304) + u32(1) + b"\x0c" + words("pa55word"))), True))
    assert (found.object, found.value) == ("i=7/i=24304", None)


def test_a_log_in_names_the_user_and_keeps_no_password() -> None:
    """The kind of token and the name are all that is said."""
    (found,) = told((ACTIVATE, True))
    assert found.value == ("user_name", "operator")
    assert "pa55word" not in repr(found)


def test_notifications_name_the_nodes_they_are_about() -> None:
    """The handle a client gave its item leads back to the node."""
    found = told((MONITOR, True), (PUBLISHED, False))
    assert (found[1].operation, found[1].object, found[1].value) == ("publish", "ns=2;s=Level", 42)
    assert told((PUBLISHED, False))[0].object == "item77"


def test_browsing_and_deleting_name_their_nodes() -> None:
    """Only one of them changes the address space."""
    browse, delete = told(SAMPLES[16], SAMPLES[17])
    assert (browse.operation, browse.object, browse.write) == ("browse", "i=85", False)
    assert (delete.operation, delete.object, delete.write) == ("delete_nodes", "ns=1;i=3", True)


def test_adding_nodes_names_what_is_added() -> None:
    """The identifier asked for, or the parent where the server chooses."""
    one = node(85) + node(35) + node(0) + b"\1\0" + words("Pump") + u32(1) + b"\0\0\0" + node(58)
    two = node(85) + node(35) + node(5, 1) + b"\1\0" + words("Valve") + u32(1) + b"\0\0\0" + node(58)
    (found,) = told((message(asks(488, u32(2) + one + two)), True))
    assert (found.object, found.value, found.write) == ("i=85,ns=1;i=5", ("1:Pump", "1:Valve"), True)


def test_a_fault_carries_the_status_and_flag_of_its_request() -> None:
    """A refused write is seen as a write."""
    found = told((WRITE, True), SAMPLES[18])[1]
    assert (found.operation, found.code, found.status) == ("service_fault", 397, "bad_user_access_denied")
    assert (found.object, found.write) == ("ns=2;s=Level", True)


def test_applications_identify_themselves() -> None:
    """Client and server give their names and products, the server its host name too; each side its role once."""
    found = told((SESSION, True), (ENDPOINTS, False), (ENDPOINTS, False))
    assert found[0].hints == (
        Hint(HintKey.BANNER, "Viewer"),
        Hint(HintKey.BANNER, "urn:viewer"),
        Hint(HintKey.ROLE, "opcua.client"),
    )
    assert (found[0].object, found[0].value) == ("opc.tcp://plc-7:4840", ("Viewer", "s1"))
    assert found[1].hints == (
        Hint(HintKey.BANNER, "Mill"),
        Hint(HintKey.BANNER, "urn:acme:px"),
        Hint(HintKey.BANNER, "urn:plc-7:mill"),
        Hint(HintKey.HOSTNAME, "plc-7"),
        Hint(HintKey.ROLE, "opcua.server"),
    )
    assert found[1].value == "opc.tcp://plc-7:4840 none None"
    assert found[2].hints == ()


def test_the_build_information_identifies_the_server() -> None:
    """Read as one structure, inside the server status, or node by node."""
    build = words("urn:acme") + words("Acme") + words("PX-9") + words("3.1") + words("77") + bytes(8)
    status = bytes(16) + u32(0) + build
    for target, kind, body in ((2260, 340, build), (2256, 864, status)):
        structure = b"\1\x16" + b"\1\0" + struct.pack("<H", kind) + b"\1" + u32(len(body)) + body
        request = message(asks(631, bytes(8) + u32(3) + u32(1) + read_id(node(target))))
        hints = told((request, True), (message(says(634, u32(1) + structure + u32(0))), False))[1].hints
        expected = [(HintKey.VENDOR, "Acme"), (HintKey.MODEL, "PX-9"), (HintKey.FIRMWARE, "3.1")]
        assert [(hint.key, hint.value) for hint in hints[1:4]] == expected
    request = message(asks(631, bytes(8) + u32(3) + u32(1) + read_id(node(2264))))
    answer = message(says(634, u32(1) + b"\1\x0c" + words("3.1") + u32(0)))
    assert Hint(HintKey.FIRMWARE, "3.1") in told((request, True), (answer, False))[1].hints


def test_a_message_in_chunks_is_read_when_it_is_whole() -> None:
    """Nothing comes of the first chunks; the last gives the one message."""
    body = asks(673, u32(1) + LEVEL + u32(13) + NULL + b"\1\x06" + u32(7))
    parts = (message(body[:20], final=b"C"), message(body[20:41], final=b"C"), message(body[41:]))
    conversation = session()
    assert [len(conversation.read(part, True)) for part in parts] == [0, 0, 1]
    assert told(*((part, True) for part in parts))[0].object == "ns=2;s=Level"


def test_a_gap_drops_what_was_half_read() -> None:
    """The end of a message without its beginning is not taken for one."""
    conversation = session()
    body = asks(631, bytes(200))
    conversation.read(message(body[:60], final=b"C"), True)
    conversation.gap(True)
    assert conversation.read(message(body[60:]), True)[0].operation != "read"


def test_an_aborted_message_says_why() -> None:
    """An abort chunk ends a message that was begun."""
    (found,) = told((message(bytes(9), final=b"C"), True), (message(u32(0x80030000) + words("too big"), final=b"A"), True))
    assert (found.operation, found.code, found.status, found.value) == ("abort", None, "bad_out_of_memory", "too big")


def test_unfinished_messages_are_bounded() -> None:
    """Chunks without an end are thrown away, oldest first."""
    conversation = session(Limits(message_bytes=4096, pending=4))
    for request in range(50):
        conversation.read(message(bytes(1000), request, final=b"C"), True)
    assert len(conversation._chunks) <= 4
    assert conversation._size <= 4096


def test_encrypted_messages_are_not_guessed_at() -> None:
    """Under a policy that encrypts, the channel and its messages are shown without codes."""
    noise = bytes(range(40, 140))
    found = told((opened(noise, "Basic256Sha256"), True), (chunk(b"MSG", u32(3, 4) + noise), True))
    assert [(m.operation, m.code, m.value) for m in found] == [
        ("open_secure_channel", None, "Basic256Sha256"),
        ("encrypted_message", None, None),
    ]


def test_an_unknown_service_in_the_clear_keeps_its_number() -> None:
    """Where nothing is encrypted a type that is not in the table is shown."""
    found = told((SAMPLES[3][0], True), (message(asks(15000)), True))[1]
    assert (found.operation, found.code) == ("service_15000", 15000)


@pytest.mark.parametrize("cut", [20, 30, 40])
def test_a_cut_body_is_malformed(cut: int) -> None:
    """The service is known, its contents are not."""
    body = asks(631, bytes(8) + u32(3) + u32(2) + read_id(LEVEL))[:cut]
    (found,) = told((message(body), True))
    assert (found.operation, found.code, found.status) == ("read", 631, MALFORMED)


def test_arrays_that_announce_too_much_are_malformed() -> None:
    """A count beyond the message costs nothing."""
    (found,) = told((message(asks(673, u32(0x7FFFFFFF))), True))
    assert (found.operation, found.status, found.write) == ("write", MALFORMED, True)


@pytest.mark.parametrize(
    "data,shown",
    [
        (b"\0\x54", "i=84"),
        (b"\1\2\x10\0", "ns=2;i=16"),
        (node(2258), "i=2258"),
        (LEVEL, "ns=2;s=Level"),
        (b"\4\1\0" + bytes(range(16)), "ns=1;g=03020100-0504-0706-0809-0a0b0c0d0e0f"),
        (b"\5\1\0" + words("ab"), "ns=1;b=6162"),
        (b"\xc0\x54" + words("urn:x") + u32(1), "i=84"),
    ],
)
def test_node_ids(data: bytes, shown: str) -> None:
    """Every encoding, with namespace address and server index passed over."""
    reader = Reader(data)
    assert node_id(reader) == shown
    assert not reader.remaining


@pytest.mark.parametrize(
    "data,values",
    [
        (b"\0", [None]),
        (b"\1\1", [True]),
        (b"\2\xff", [-1]),
        (b"\x0a" + struct.pack("<f", 1.5), [1.5]),
        (b"\x0c" + NULL, [""]),
        (b"\x0d" + struct.pack("<Q", 116444736000000000 + 5 * 10**7), [5.0]),
        (b"\x0e" + bytes(range(16)), ["03020100-0504-0706-0809-0a0b0c0d0e0f"]),
        (b"\x0f" + words("ab"), ["6162"]),
        (b"\x11" + node(5), ["i=5"]),
        (b"\x13" + u32(0x80740000), ["bad_type_mismatch"]),
        (b"\x14\1\0" + words("Q"), ["1:Q"]),
        (b"\x15\3" + words("en") + words("Hi"), ["Hi"]),
        (b"\x16\0\5\0", ["structure i=5"]),
        (b"\x17\1\1\1", [True]),
        (b"\x18\1\1", [True]),
        (b"\x19\x11" + u32(0) + words("x"), [None]),
        (b"\x86" + u32(3) + u32(1, 2, 3), [1, 2, 3]),
        (b"\xc4" + u32(2) + b"\1\0\2\0" + u32(2, 1, 2), [1, 2]),
        (b"\x8c" + u32(2) + words("a") + words("b"), ["a", "b"]),
    ],
)
def test_variants(data: bytes, values: list[Scalar]) -> None:
    """Every built-in type, alone and in arrays, and nothing is left over."""
    reader = Reader(data)
    found: list[Scalar] = []
    variant(reader, found, 8)
    assert found == values
    assert not reader.remaining


def test_variants_inside_variants_have_a_limit() -> None:
    """Nesting without end is refused."""
    with pytest.raises(Malformed):
        variant(Reader(b"\x18" * 1000), [], 8)


def test_data_values_pass_their_times() -> None:
    """Value, status, both times and their fractions are read over in order."""
    reader = Reader(b"\x3f\1\1" + u32(0) + bytes(8) + bytes(2) + bytes(8) + bytes(2))
    found: list[Scalar] = []
    data_value(reader, found, 8)
    assert found == [True]
    assert not reader.remaining


def test_status_codes() -> None:
    """Good ones are ok, known bad ones named, the others shown by number."""
    assert [status_name(code) for code in (0, 0x00A20000, 0x80280000, 0x80340400, 0x80FF0000)] == [
        "ok",
        "ok",
        "bad_subscription_id_invalid",
        "bad_node_id_unknown",
        "0x80ff0000",
    ]


def test_frames_are_cut_by_the_size_field() -> None:
    """Two chunks in one segment, a chunk in pieces, and what begins none."""
    assert session().frame_length(READ + WRITE, True) == len(READ)
    assert session().frame_length(READ[:7], True) == 0
    for data in (b"GET / HTTP/1.1", b"MSGF\4\0\0\0", b"MSGF\xff\xff\xff\x7f", b"MSGX" + u32(50)):
        with pytest.raises(Malformed):
            session().frame_length(data, True)


def test_unanswered_requests_are_bounded() -> None:
    """The oldest request is forgotten first."""
    conversation = session(Limits(pending=2))
    for request in (1, 2, 3):
        conversation.read(message(asks(673, u32(1) + LEVEL + u32(13) + NULL + b"\1\x06" + u32(7)), request), True)
    answers = [conversation.read(message(says(676, u32(1, 0) + u32(0)), request), False)[0] for request in (1, 3)]
    assert [answer.object for answer in answers] == [None, "ns=2;s=Level"]


@pytest.mark.parametrize("pdu,to_responder", SAMPLES)
def test_samples_are_recognised(pdu: bytes, to_responder: bool) -> None:
    """Every valid chunk is certain by its content."""
    assert opcua.recognise(pdu, to_responder) == CERTAIN


def test_recognition_of_encrypted_and_foreign_bytes() -> None:
    """An encrypted message is likely; HTTP, TLS and bare magic are nothing."""
    assert opcua.recognise(chunk(b"MSG", u32(3, 4) + bytes(range(40, 140))), True) == LIKELY
    foreign = (
        b"",
        b"HELO mail.example.org\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x16\3\1" + bytes(60),
        b"MSGF" + u32(12, 0),
        b"ACKF" + u32(99, 0),
    )
    assert [opcua.recognise(data, True) for data in foreign] == [NO] * 6


@given(
    st.lists(
        st.tuples(st.sampled_from(SAMPLES), st.lists(st.tuples(st.integers(0, 300), st.integers(0, 255)), max_size=4)), max_size=6
    ),
    st.binary(max_size=200),
)
def test_nothing_but_malformed_escapes(pieces: list[tuple[tuple[bytes, bool], list[tuple[int, int]]]], noise: bytes) -> None:
    """Changed chunks and noise are read or refused, never worse, also as the body of every service."""
    conversation = session()
    bodies = [(message(asks(code, noise), code), True) for code in range(422, 850, 3)]
    bodies += [(message(says(code, noise), code - 3), False) for code in range(425, 853, 3)]
    for (pdu, direction), changes in [*pieces, ((noise, True), []), *((body, []) for body in bodies)]:
        data = bytearray(pdu)
        for position, byte in changes:
            data[position % len(data)] = byte
        changed = bytes(data)
        assert 0 <= opcua.recognise(changed, direction) <= CERTAIN
        try:
            assert conversation.frame_length(changed, direction) >= 0
            for found in conversation.read(changed, direction):
                assert found.protocol == "opcua"
        except Malformed:
            continue
