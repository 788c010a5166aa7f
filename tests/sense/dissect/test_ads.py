"""ADS over AMS/TCP."""

from __future__ import annotations

from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hauberk.errors import Malformed
from hauberk.model.hint import HintKey
from hauberk.model.transaction import MALFORMED, OK, Message
from hauberk.sense.dissect.ads import DISSECTORS, AdsSession, recognise
from hauberk.sense.dissect.interface import CERTAIN, NO, POSSIBLE
from hauberk.sense.dissect.limits import DEFAULT_LIMITS, Limits

DEVICE = bytes((5, 13, 117, 96, 1, 1))
CLIENT = bytes((192, 168, 1, 99, 1, 1))


def ams(command: int, flags: int, body: bytes, error: int = 0, invoke: int = 7) -> bytes:
    """An AMS/TCP packet between client port 33000 and device port 851."""
    device, client = DEVICE + pack("<H", 851), CLIENT + pack("<H", 33000)
    source, target = (device, client) if flags & 1 or command == 8 else (client, device)
    return pack("<HI", 0, 32 + len(body)) + target + source + pack("<HHIII", command, flags, len(body), error, invoke) + body


def ask(command: int, body: bytes = b"", invoke: int = 7) -> bytes:
    """A request."""
    return ams(command, 4, body, invoke=invoke)


def answer(command: int, body: bytes = b"", result: int = 0, invoke: int = 7) -> bytes:
    """A response with its result."""
    return ams(command, 5, pack("<I", result) + body, invoke=invoke)


def exchange(group: int, offset: int, data: bytes) -> bytes:
    """Body of a read_write."""
    return pack("<IIII", group, offset, 4, len(data)) + data


NOTIFICATION = pack("<IIQI", 0, 1, 0, 1) + pack("<II", 14, 2) + b"\x05\x00"

SAMPLES: tuple[tuple[bytes, bool], ...] = (
    (ask(1), True),
    (answer(1, pack("<BBH16s", 2, 11, 2103, b"PLC Server")), False),
    (ask(2, pack("<III", 0x4020, 8, 4)), True),
    (answer(2, pack("<II", 4, 1234)), False),
    (ask(3, pack("<III", 0xF005, 0x12, 2) + b"\x01\x00"), True),
    (answer(3), False),
    (ask(4), True),
    (answer(4, pack("<HH", 5, 2)), False),
    (ask(5, pack("<HHI", 6, 0, 0)), True),
    (answer(5, result=0x712), False),
    (ask(6, pack("<III", 0x4020, 8, 2) + b"\x00" * 28), True),
    (answer(6, pack("<I", 14)), False),
    (ams(8, 4, NOTIFICATION), False),
    (ask(7, pack("<I", 14)), True),
    (answer(7), False),
    (ask(9, exchange(0xF003, 0, b"MAIN.valve\x00")), True),
    (answer(9, pack("<II", 4, 0x12)), False),
    (pack("<HI", 0x1000, 2) + b"\x00\x00", True),
)


def talk(*packets: tuple[bytes, bool], limits: Limits = DEFAULT_LIMITS) -> list[Message]:
    """The messages of an exchange; every packet must be one frame."""
    session = AdsSession(limits)
    messages = []
    for pdu, to_responder in packets:
        assert session.frame_length(pdu, to_responder) == len(pdu)
        messages.extend(session.read(pdu, to_responder))
    return messages


def test_samples_are_sound() -> None:
    """Each is one message with its command, and only the refused stop is not ok."""
    messages = talk(*SAMPLES)
    assert [found.code for found in messages] == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 8, 7, 7, 9, 9, None]
    assert [found.status for found in messages if found.status != OK] == ["invalid_state"]
    assert messages[-1].operation == "port_connect"


def test_read() -> None:
    """Group and offset on the device; the response has them too, and the number that was read."""
    asked, answered = talk(*SAMPLES[2:4])
    assert (asked.role, asked.operation, asked.object, asked.write) == ("request", "read", "5.13.117.96.1.1:851/0x4020:0x8", False)
    assert (answered.role, answered.object, answered.value) == ("response", asked.object, 1234)


def test_write() -> None:
    """A write by handle with its value, and its answer."""
    messages = talk(*SAMPLES[4:6])
    assert [(found.object, found.write) for found in messages] == [("5.13.117.96.1.1:851/0xf005:0x12", True)] * 2
    assert messages[0].value == 1


def test_state_and_control() -> None:
    """States by name; control is a write whose refusal is told."""
    messages = talk(*SAMPLES[6:10])
    assert messages[1].value == ("run", 2)
    assert (messages[2].value, messages[2].write) == (("stop", 0), True)
    assert (messages[3].status, messages[3].write) == ("invalid_state", True)
    assert talk((answer(4, pack("<HH", 99, 0)), False))[0].value == ("state_99", 0)


def test_notifications() -> None:
    """Samples act on the variable that was asked to be watched, until it is no longer."""
    messages = talk(*SAMPLES[10:15], SAMPLES[12])
    variable = "5.13.117.96.1.1:851/0x4020:0x8"
    assert [found.object for found in messages] == [variable] * 4 + [variable, "5.13.117.96.1.1:851"]
    assert (messages[2].role, messages[2].operation, messages[2].value) == ("event", "device_notification", 5)


def test_lookup_is_no_write() -> None:
    """A symbol's name is looked up by read_write."""
    asked, answered = talk(*SAMPLES[15:17])
    assert (asked.value, asked.write) == ("MAIN.valve", False)
    assert (answered.value, answered.write) == (0x12, False)


@pytest.mark.parametrize(
    "group,offset,write",
    [
        (0xF080, 1, False),
        (0xF081, 1, True),
        (0xF082, 1, True),
        (0x4020, 0, True),
        (500, 0, True),
        (120, 1, False),
        (120, 2, True),
        (200, 0, False),
    ],
)
def test_read_write_by_group(group: int, offset: int, write: bool) -> None:
    """Whether read_write changes something depends on its index group, and for files on how they are opened."""
    assert talk((ask(9, exchange(group, offset, b"x")), True))[0].write is write


def test_releasing_a_handle_is_no_write() -> None:
    """Giving a handle back changes nothing."""
    assert talk((ask(3, pack("<III", 0xF006, 0, 4) + pack("<I", 0x12)), True))[0].write is False


@pytest.mark.parametrize(
    "data,value",
    [
        (b"", None),
        (b"\x07", 7),
        (b"abc\x00", 0x636261),
        (b"hello\x00", "hello"),
        (b"\x01\x02\x03", "3 bytes 010203"),
        (b"\x00" * 6, "6 bytes 000000000000"),
    ],
)
def test_data_forms(data: bytes, value: object) -> None:
    """Data of one to eight bytes is a number, text is text, the rest its size and first bytes."""
    assert talk((answer(2, pack("<I", len(data)) + data), False))[0].value == value


def test_errors() -> None:
    """The router's error in the header comes before the device's in the result."""
    assert talk((ams(1, 5, b"", error=6), False))[0].status == "target_port_not_found"
    assert talk((answer(2, result=0x710), False))[0].status == "symbol_not_found"
    assert talk((answer(2, result=0x9999), False))[0].status == "error_0x9999"


def test_device_info_hints() -> None:
    """A device that is asked tells its name and version."""
    found = talk(SAMPLES[1])[0]
    assert found.value == ("PLC Server", "2.11.2103")
    assert {(hint.key, hint.value) for hint in found.hints} == {
        (HintKey.ROLE, "ads.server"),
        (HintKey.VENDOR, "Beckhoff"),
        (HintKey.BANNER, "PLC Server 2.11.2103"),
    }


def test_target_description_hints() -> None:
    """What a system says of itself behind group 700."""
    system = b"<OsName>Windows CE</OsName><OsVersion>6.0</OsVersion>"
    xml = b"<TcTargetDesc><TargetType>CX1020-CE</TargetType><SerialNo>63667</SerialNo>" + system + b"</TcTargetDesc>\x00"
    found = talk((ask(2, pack("<III", 700, 1, 200)), True), (answer(2, pack("<I", len(xml)) + xml), False))[1]
    told = {(hint.key, hint.value) for hint in found.hints}
    assert told >= {(HintKey.MODEL, "CX1020-CE"), (HintKey.SERIAL, "63667"), (HintKey.OPERATING_SYSTEM, "Windows CE 6.0")}


def test_role_hints_once() -> None:
    """Each side is named once."""
    hints = [[hint.value for hint in found.hints if hint.key == HintKey.ROLE] for found in talk(*SAMPLES[2:6])]
    assert hints == [["ads.client"], ["ads.server"], [], []]


@pytest.mark.parametrize(
    "pdu",
    [
        ask(2, b"\x00" * 11),
        ask(3, pack("<III", 1, 1, 9) + b"ab"),
        ask(5, b"\x00"),
        ask(7, b""),
        ask(9, pack("<IIII", 1, 1, 1, 99)),
        ams(2, 5, b""),
        answer(2, pack("<I", 99)),
        answer(4),
        ams(8, 4, pack("<IIQI", 0, 1, 0, 1)),
        answer(1, b"abc"),
    ],
)
def test_malformed(pdu: bytes) -> None:
    """Bodies that end early are malformed messages of a known command."""
    found = talk((pdu, True))[0]
    assert (found.status, found.code) == (MALFORMED, pdu[22])


def test_lengths_that_disagree() -> None:
    """The two lengths of the headers must say the same."""
    pdu = bytearray(ask(4))
    pdu[26] = 1
    assert talk((bytes(pdu), True))[0].status == MALFORMED


def test_frame_length() -> None:
    """Six bytes tell the length; an unknown command or less than an AMS header begins no message."""
    session = AdsSession(DEFAULT_LIMITS)
    pdu = SAMPLES[2][0]
    assert [session.frame_length(pdu[:size], True) for size in (0, 5, 6, 50)] == [0, 0, len(pdu), len(pdu)]
    for data in (b"\x00\x00\x1f\x00\x00\x00", b"\x02\x00\x20\x00\x00\x00"):
        with pytest.raises(Malformed):
            session.frame_length(data, True)


@pytest.mark.parametrize("pdu", [b"", b"\x00\x00\x20\x00\x00\x00", b"\x05\x00\x00\x00\x00\x00"])
def test_read_refuses(pdu: bytes) -> None:
    """What has no header of AMS is refused."""
    with pytest.raises(Malformed):
        AdsSession(DEFAULT_LIMITS).read(pdu, True)


def test_memory_is_bounded() -> None:
    """Unanswered requests and watched variables beyond the limit are forgotten or not learned, samples are cut."""
    session = AdsSession(Limits(pending=4, items=2))
    for number in range(50):
        session.read(ask(6, pack("<III", 1, number, 2) + b"\x00" * 28, invoke=number), True)
        session.read(answer(6, pack("<I", number), invoke=number), False)
        session.read(ask(4, invoke=number + 100), True)
    assert (len(session._pending), len(session._watched)) == (4, 4)
    many = pack("<IIQI", 0, 1, 0, 9) + (pack("<II", 99, 1) + b"\x05") * 9
    assert session.read(ams(8, 4, many), False)[0].value == (5, 5)


def test_recognises_its_own() -> None:
    """Packets whose two lengths agree are certain."""
    for pdu, to_responder in SAMPLES[:-1]:
        assert recognise(pdu, to_responder) == CERTAIN
    assert recognise(ams(1, 5, b"", error=0x999999), False) == POSSIBLE
    assert recognise(SAMPLES[1][0][:38], False) == CERTAIN


@pytest.mark.parametrize(
    "other", [b"", b"\x00" * 64, b"\x00\x00\x00\x00\x00\x06\x01\x03\x00\x00\x00\x01", bytes(range(64)), ask(0), ask(4)[:30]]
)
def test_recognises_nothing_else(other: bytes) -> None:
    """Zeros, Modbus, commands that do not exist and pieces of a header are not ADS."""
    assert recognise(other, True) == NO


def test_registration() -> None:
    """TCP on 48898 and discovery on UDP 48899, as a protocol that operates machines."""
    assert [(row.name, row.transport, row.ports, row.ot) for row in DISSECTORS] == [
        ("ads", "tcp", (48898,), True),
        ("ads", "udp", (48899,), True),
    ]


@given(st.sampled_from(SAMPLES), st.data())
def test_nothing_but_malformed_escapes(sample: tuple[bytes, bool], data: st.DataObject) -> None:
    """Whatever happens to a packet, it is read, refused as malformed, or said to be malformed."""
    pdu, to_responder = sample
    changed = bytearray(pdu)
    for _ in range(data.draw(st.integers(0, 4))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    raw = data.draw(st.one_of(st.just(bytes(changed)), st.binary(max_size=80)))
    session = AdsSession(DEFAULT_LIMITS)
    for packet in SAMPLES[10:12]:
        session.read(*packet)
    assert NO <= recognise(raw, to_responder) <= CERTAIN
    try:
        length = session.frame_length(raw, to_responder)
        messages = session.read(raw[:length] if length else raw, to_responder)
    except Malformed:
        return
    assert [found.protocol for found in messages] == ["ads"]
