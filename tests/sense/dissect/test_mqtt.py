"""MQTT 3.1, 3.1.1 and 5.0."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hauberk.errors import Malformed
from hauberk.model.hint import HintKey
from hauberk.model.transaction import MALFORMED, OK, Message
from hauberk.sense.dissect.interface import CERTAIN, LIKELY, NO, POSSIBLE
from hauberk.sense.dissect.limits import DEFAULT_LIMITS, Limits
from hauberk.sense.dissect.mqtt import DISSECTORS, MqttSession, recognise


def field(raw: bytes) -> bytes:
    """Bytes behind their length."""
    return len(raw).to_bytes(2, "big") + raw


def packet(first: int, body: bytes) -> bytes:
    """A packet with its remaining length."""
    size, length = bytearray(), len(body)
    while True:
        size.append(length % 128 | (0x80 if length > 127 else 0))
        length //= 128
        if not length:
            return bytes((first,)) + bytes(size) + body


def connect(level: int = 4, flags: int = 2, body: bytes = b"\x00\x05plant", name: bytes = b"MQTT", middle: bytes = b"") -> bytes:
    """A CONNECT of keep alive 60."""
    return packet(0x10, field(name) + bytes((level, flags, 0, 60)) + middle + body)


CONNECT_31 = connect(3, name=b"MQIsdp")
CONNECT_311 = connect()
CONNECT_5 = connect(5, middle=bytes.fromhex("051100000e10"))
CONNECT_FULL = connect(4, 0xEE, field(b"c1") + field(b"last/words") + field(b"gone") + field(b"alice") + field(b"secret"))
PUBLISH = packet(0x30, field(b"room/temp") + b"23.5")
PUBLISH_QOS1 = packet(0x32, field(b"room/temp") + b"\x00\x07on")
PUBLISH_QOS2 = packet(0x34, field(b"room/temp") + b"\x00\x08on")
PUBLISH_5 = packet(0x30, field(b"room/temp") + bytes.fromhex("03230001") + b"1")
PUBLISH_5_ALIAS = packet(0x30, field(b"") + bytes.fromhex("03230001") + b"2")
SUBSCRIBE = packet(0x82, b"\x00\x02" + field(b"a/+") + b"\x01" + field(b"b/#") + b"\x00")
UNSUBSCRIBE = packet(0xA2, b"\x00\x03" + field(b"a/+"))
CONNACK = bytes.fromhex("20020000")
PINGREQ, PINGRESP, DISCONNECT = b"\xc0\x00", b"\xd0\x00", b"\xe0\x00"

SAMPLES: tuple[tuple[bytes, bool], ...] = (
    (CONNECT_311, True),
    (CONNECT_31, True),
    (CONNECT_5, True),
    (bytes.fromhex("2006000003210014"), False),
    (CONNECT_FULL, True),
    (CONNACK, False),
    (bytes.fromhex("20020105"), False),
    (PUBLISH, True),
    (PUBLISH_QOS1, True),
    (PUBLISH_QOS2, True),
    (bytes.fromhex("40020007"), False),
    (bytes.fromhex("50020008"), False),
    (bytes.fromhex("62020008"), True),
    (bytes.fromhex("70020008"), False),
    (SUBSCRIBE, True),
    (bytes.fromhex("900400020100"), False),
    (UNSUBSCRIBE, True),
    (bytes.fromhex("b0020003"), False),
    (PINGREQ, True),
    (PINGRESP, False),
    (DISCONNECT, True),
)


def talk(*exchange: tuple[bytes, bool], session: MqttSession | None = None) -> list[Message]:
    """The messages of an exchange; every packet must be one frame."""
    session = session or MqttSession(DEFAULT_LIMITS)
    messages = []
    for pdu, to_responder in exchange:
        assert session.frame_length(pdu, to_responder) == len(pdu)
        messages.extend(session.read(pdu, to_responder))
    return messages


def test_code_and_operation_of_every_type() -> None:
    """Each packet is one message whose code is its type, and all of a sound exchange are ok."""
    messages = talk(*SAMPLES)
    assert [message.code for message in messages] == [pdu[0] >> 4 for pdu, _ in SAMPLES]
    assert {message.operation for message in messages} == {
        "connect", "connack", "publish", "puback", "pubrec", "pubrel", "pubcomp", "subscribe", "suback", "unsubscribe", "unsuback",
        "pingreq", "pingresp", "disconnect",
    }  # fmt: skip
    assert [message.status for message in messages if message.status != OK] == ["not_authorized"]
    assert not any(message.write for message in messages)


def test_connect_tells_everything_but_the_password() -> None:
    """Client id, version, will and user name are kept; a password is only noted."""
    message = talk((CONNECT_FULL, True))[0]
    assert message.object == "c1"
    assert message.value == ("version=3.1.1", "keep_alive=60", "clean", "will=last/words", "username=alice", "with_password")
    assert "secret" not in repr(message)
    assert (HintKey.CLIENT_ID, "c1", None) in message.hints


def test_roles_are_hinted_once() -> None:
    """Each side is named at its first message only."""
    messages = talk((CONNECT_311, True), (CONNACK, False), (PINGREQ, True), (PINGRESP, False))
    hints = [[hint.value for hint in message.hints if hint.key == HintKey.ROLE] for message in messages]
    assert hints == [["mqtt.client"], ["mqtt.broker"], [], []]


def test_publish_direction() -> None:
    """What a client publishes is a request, what the broker passes on an event, whichever side began the capture."""
    assert [m.role for m in talk((CONNECT_311, True), (PUBLISH, True), (PUBLISH, False))] == ["request", "request", "event"]
    assert [m.role for m in talk((PINGREQ, False), (PUBLISH, False), (PUBLISH, True))] == ["request", "request", "event"]


def test_publish_topic_and_value() -> None:
    """A publication acts on its topic, with its payload in short form."""
    message = talk((PUBLISH, True))[0]
    assert message == Message("mqtt", "request", "publish", 3, "room/temp", 23.5)


@pytest.mark.parametrize("payload,value", [(b"", ""), (b"\x01\xff", "2 bytes 01ff"), (b'{"a":1}', '{"a":1}')])
def test_payload_forms(payload: bytes, value: str) -> None:
    """Empty, binary and JSON payloads."""
    assert talk((CONNECT_311, True), (packet(0x30, field(b"t") + payload), True))[1].value == value


def test_acknowledgements_carry_the_topic() -> None:
    """PUBACK, and the three steps of quality of service 2, act on what they acknowledge."""
    messages = talk(*SAMPLES[7:14])
    assert [message.object for message in messages] == ["room/temp"] * 7
    assert [message.role for message in messages[3:]] == ["response", "response", "request", "response"]


def test_subscription_and_its_answer() -> None:
    """Topic filters are joined; the answer has them, with the granted qualities."""
    asked, answered = talk((SUBSCRIBE, True), (bytes.fromhex("900400020180"), False))
    assert (asked.object, asked.value) == ("a/+,b/#", (1, 0))
    assert (answered.object, answered.value, answered.status) == ("a/+,b/#", (1, 128), "failure")


@pytest.mark.parametrize(
    "code,status",
    [
        (0, "ok"),
        (1, "unacceptable_protocol_version"),
        (2, "identifier_rejected"),
        (3, "server_unavailable"),
        (4, "bad_user_name_or_password"),
        (5, "not_authorized"),
        (6, MALFORMED),
    ],
)
def test_return_codes(code: int, status: str) -> None:
    """CONNACK of 3.1.1 tells its return code, on the client that asked."""
    answer = talk((CONNECT_311, True), (bytes((0x20, 2, 0, code)), False))[1]
    assert answer.status == status
    assert answer.object == (None if status == MALFORMED else "plant")


@pytest.mark.parametrize(
    "pdu,status,value",
    [
        ("2003008700", "not_authorized", None),
        ("20020001", "unacceptable_protocol_version", None),
        ("4003000787", "not_authorized", None),
        ("400400071000", OK, "no_matching_subscribers"),
        ("900400020087", "not_authorized", (0x87,)),
        ("b00400030011", OK, (0x11,)),
        ("e0028e00", "session_taken_over", None),
        ("e00104", OK, "disconnect_with_will_message"),
        ("f0021800", OK, "continue_authentication"),
        ("40030007ff", MALFORMED, None),
        ("e0018e", "session_taken_over", None),
    ],
)
def test_reason_codes_of_5(pdu: str, status: str, value: object) -> None:
    """Reason codes of 5.0: failures are statuses, the rest values."""
    message = talk((CONNECT_5, True), (bytes.fromhex(pdu), False))[1]
    assert (message.status, message.value) == (status, value)


def test_topic_alias() -> None:
    """An alias stands for the topic it was given in that direction, and for none after a gap."""
    session = MqttSession(DEFAULT_LIMITS)
    exchange = ((CONNECT_5, True), (PUBLISH_5, True), (PUBLISH_5_ALIAS, True), (PUBLISH_5_ALIAS, False))
    messages = talk(*exchange, session=session)
    assert [message.object for message in messages[1:]] == ["room/temp", "room/temp", "alias:1"]
    session.gap(True)
    assert session.read(PUBLISH_5_ALIAS, True)[0].object == "alias:1"


@pytest.mark.parametrize(
    "first", [packet(0x82, b"\x00\x02\x00" + field(b"a/+") + b"\x01"), packet(0x30, field(b"t") + b"\x00hello"), PUBLISH_5]
)
def test_version_5_is_found_without_connect(first: bytes) -> None:
    """Where the CONNECT was not seen, a packet that reads as 5.0 only tells the version."""
    session = MqttSession(DEFAULT_LIMITS)
    assert talk((first, True), session=session)[0].status == OK
    assert session.read(bytes.fromhex("4003000787"), False)[0].status == "not_authorized"


def test_311_without_connect() -> None:
    """3.1.1 is what is assumed."""
    assert [m.status for m in talk((SUBSCRIBE, True), (PUBLISH, False), (PINGREQ, True))] == [OK, OK, OK]


def test_assigned_client_identifier() -> None:
    """A broker of 5.0 may name a client that sent no name."""
    answer = packet(0x20, b"\x00\x00" + bytes((8,)) + b"\x12" + field(b"auto1"))
    messages = talk((connect(5, body=b"\x00\x00", middle=b"\x00"), True), (answer, False))
    assert [message.object for message in messages] == [None, "auto1"]


@pytest.mark.parametrize(
    "pdu",
    [
        b"\x00\x00",
        connect(name=b"MQXX"),
        connect(flags=3),
        connect(flags=0x1E),
        connect(flags=0x42, body=field(b"a") + field(b"p")),
        connect(body=field(b"a") + b"x"),
        connect(body=field(b"\xff")),
        packet(0x36, field(b"t") + b"\x00\x01"),
        packet(0x32, field(b"t") + b"\x00\x00"),
        packet(0x30, field(b"a/#")),
        packet(0x30, field(b"\xff\xff")),
        packet(0x30, b"\x00\x09a"),
        packet(0x30, b"\x00"),
        packet(0x80, b"\x00\x02" + field(b"a") + b"\x00"),
        packet(0x82, b"\x00\x02"),
        packet(0x82, b"\x00\x00" + field(b"a") + b"\x00"),
        packet(0x82, b"\x00\x02" + field(b"a") + b"\x03"),
        packet(0x82, b"\x00\x02" + field(b"a/#/b") + b"\x00"),
        packet(0x90, b"\x00\x02\x05"),
        packet(0x40, b"\x00"),
        packet(0xC1, b""),
        packet(0xC0, b"x"),
        packet(0x20, b"\x02\x00"),
        packet(0xF0, b""),
    ],
)
def test_malformed_inside_a_known_frame(pdu: bytes) -> None:
    """A frame whose inside breaks a rule is one malformed message, and the conversation goes on."""
    messages = talk((CONNECT_311, True), (pdu, True), (PINGREQ, True))
    assert [message.status for message in messages] == [OK, MALFORMED, OK]
    assert messages[1].code == pdu[0] >> 4


def test_unknown_level() -> None:
    """A level nobody has defined is answered by the broker, and told as what the broker will say."""
    assert talk((connect(9), True))[0].status == "unacceptable_protocol_version"
    assert talk((connect(0x84), True))[0].status == OK


def test_frame_length_waits() -> None:
    """Until type and remaining length are there, more bytes are needed; then the length may exceed what is there."""
    session = MqttSession(DEFAULT_LIMITS)
    long = packet(0x30, field(b"t") + b"x" * 20000)
    assert [session.frame_length(long[:size], True) for size in range(5)] == [0, 0, 0, 0, len(long)]


@pytest.mark.parametrize("data", ["30ffffffff01", "30ffffff7f"])
def test_frame_length_refuses(data: str) -> None:
    """A fifth length byte, and lengths beyond the limit, begin no message."""
    with pytest.raises(Malformed):
        MqttSession(DEFAULT_LIMITS).frame_length(bytes.fromhex(data), True)


@pytest.mark.parametrize("pdu", [b"", b"\x30", b"\x30\x05abc", b"\xc0\x00\x00"])
def test_read_refuses_what_is_no_frame(pdu: bytes) -> None:
    """Bytes that do not agree with their remaining length are no frame."""
    with pytest.raises(Malformed):
        MqttSession(DEFAULT_LIMITS).read(pdu, True)


def test_memory_is_bounded() -> None:
    """Unanswered publications and aliases beyond the limit are forgotten or not learned."""
    session = MqttSession(Limits(pending=4))
    session.read(CONNECT_5, True)
    for number in range(1, 50):
        body = field(b"t%d" % number) + number.to_bytes(2, "big") + b"\x03\x23" + number.to_bytes(2, "big")
        assert session.read(packet(0x32, body), True)[0].status == OK
    assert len(session._pending) == 4
    assert len(session._aliases[True]) == 4


def test_many_filters_are_bounded() -> None:
    """Only the first filters of a subscription are kept."""
    message = MqttSession(Limits(items=3)).read(packet(0x82, b"\x00\x01" + (field(b"a") + b"\x00") * 50), True)[0]
    assert (message.object, message.value) == ("a,a,a", (0, 0, 0))


def test_recognises_its_own() -> None:
    """CONNECT is certain; every other whole packet is at least likely, or possible where it says next to nothing."""
    for pdu, to_responder in SAMPLES:
        expected = CERTAIN if pdu[0] == 0x10 else POSSIBLE if pdu == DISCONNECT else LIKELY
        assert recognise(pdu, to_responder) == expected, pdu.hex()
    assert recognise(PUBLISH_QOS1 + PINGREQ, True) == LIKELY
    assert recognise(packet(0x30, field(b"room/temp") + b"x" * 5000)[:1400], True) == LIKELY


@pytest.mark.parametrize(
    "other",
    [
        b"",
        b"\x30",
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"220 ready\r\n",
        b"SSH-2.0-x\r\n",
        b"POST /a HTTP/1.1\r\n\r\n",
        bytes.fromhex("16030100c8010000c40303"),
        bytes.fromhex("000100000006010300000001"),
        bytes.fromhex("0300001611e00000000100c0010ac1020100c2020102"),
        bytes.fromhex("680407000000"),
        bytes.fromhex("056405c00100000a0aba"),
        bytes.fromhex("302602010104067075626c6963a019020400000000020100020100300b300906052b060102010500"),
        bytes.fromhex("700000000000000000000000000000000000000000000000"),
        bytes.fromhex("aa41001200f100000000000000000005d7d0"),
        b"FINS\x00\x00\x00\x0c\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
    ],
)
def test_recognises_nothing_else(other: bytes) -> None:
    """Other protocols' first bytes are not taken for MQTT."""
    assert recognise(other, True) == NO


def test_registration() -> None:
    """One row, on TCP 1883."""
    assert [(row.name, row.transport, row.ports) for row in DISSECTORS] == [("mqtt", "tcp", (1883,))]


@given(st.sampled_from(SAMPLES), st.data())
def test_nothing_but_malformed_escapes(sample: tuple[bytes, bool], data: st.DataObject) -> None:
    """Whatever happens to a packet, it is read, refused as malformed, or said to be malformed."""
    pdu, to_responder = sample
    changed = bytearray(pdu)
    for _ in range(data.draw(st.integers(0, 4))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    raw = data.draw(st.one_of(st.just(bytes(changed)), st.binary(max_size=60)))
    assert NO <= recognise(raw, to_responder) <= CERTAIN
    session = MqttSession(DEFAULT_LIMITS)
    if data.draw(st.booleans()):
        session.read(data.draw(st.sampled_from((CONNECT_311, CONNECT_5))), True)
    try:
        length = session.frame_length(raw, to_responder)
        for message in session.read(raw[:length] if length else raw, to_responder):
            assert message.protocol == "mqtt"
    except Malformed:
        pass
