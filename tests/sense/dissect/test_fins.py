"""FINS over UDP and FINS/TCP."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hauberk.errors import Malformed
from hauberk.model.hint import HintKey
from hauberk.model.transaction import MALFORMED, OK, Message
from hauberk.sense.dissect.fins import DISSECTORS, FinsSession, FinsTcpSession, recognise, recognise_tcp
from hauberk.sense.dissect.fins_names import COMMANDS, LEAST, WRITES
from hauberk.sense.dissect.interface import CERTAIN, LIKELY, NO, POSSIBLE
from hauberk.sense.dissect.limits import DEFAULT_LIMITS, Limits


def ask(code: int, data: str = "", sid: int = 1, icf: int = 0x80) -> bytes:
    """A request from node 99 to node 0."""
    return bytes((icf, 0, 2, 0, 0, 0, 0, 99, 0, sid)) + code.to_bytes(2, "big") + bytes.fromhex(data)


def answer(code: int, data: str = "0000", sid: int = 1) -> bytes:
    """A response from node 0 to node 99."""
    return bytes((0xC0, 0, 2, 0, 99, 0, 0, 0, 0, sid)) + code.to_bytes(2, "big") + bytes.fromhex(data)


def tcp(command: int, body: bytes, error: int = 0) -> bytes:
    """A message behind the FINS/TCP header."""
    return b"FINS" + (8 + len(body)).to_bytes(4, "big") + command.to_bytes(4, "big") + error.to_bytes(4, "big") + body


CONTROLLER = "0000" + b"CP1L-EL20DR-D".ljust(20).hex() + b"01.00".ljust(20, b"\0").hex() + "00" * 52

SAMPLES: tuple[tuple[bytes, bool], ...] = (
    (ask(0x0101, "820064000002"), True),
    (answer(0x0101, "000012345678"), False),
    (ask(0x0102, "820064000002" + "00010002"), True),
    (answer(0x0102, "2102"), False),
    (ask(0x0102, "310005030001" + "01"), True),
    (ask(0x0103, "b20000000010" + "ffff"), True),
    (ask(0x0104, "82006400b1000100"), True),
    (ask(0x0105, "82006400" + "b1000a00" + "0005"), True),
    (ask(0x0306, "ffff0000000001f4"), True),
    (ask(0x0401, "ffff04"), True),
    (ask(0x0402), True),
    (ask(0x0501, "00"), True),
    (answer(0x0501, CONTROLLER), False),
    (ask(0x0601), True),
    (answer(0x0601, "0000" + "0102" + "00" * 24), False),
    (ask(0x0702, "0901200102"), True),
    (ask(0x0920, "40ff"), True),
    (ask(0x0C02, "ffff"), True),
    (ask(0x2203, "000000000000" + b"PROGRAM .OBJ".hex() + "00000000" + "0004" + "61626364"), True),
    (ask(0x2301, "0001" + "8001" + "30000503"), True),
    (ask(0x0601, icf=0x81), True),
)
TCP_SAMPLES: tuple[tuple[bytes, bool], ...] = (
    (tcp(0, bytes(4)), True),
    (tcp(1, bytes.fromhex("000000fb000000c8")), False),
    (tcp(2, SAMPLES[0][0]), True),
    (tcp(2, SAMPLES[1][0]), False),
    (tcp(3, b"", 3), False),
    (tcp(6, b""), True),
)


def talk(*exchange: tuple[bytes, bool], limits: Limits = DEFAULT_LIMITS) -> list[Message]:
    """The messages of an exchange over UDP."""
    session = FinsSession(limits)
    return [found for pdu, to_responder in exchange for found in session.read(pdu, to_responder)]


def talk_tcp(*exchange: tuple[bytes, bool]) -> list[Message]:
    """The messages of an exchange over TCP; every PDU must be one frame."""
    session = FinsTcpSession(DEFAULT_LIMITS)
    messages = []
    for pdu, to_responder in exchange:
        assert session.frame_length(pdu, to_responder) == len(pdu)
        messages.extend(session.read(pdu, to_responder))
    return messages


def test_samples_are_sound() -> None:
    """Each is one message with its command code, and none is malformed."""
    messages = talk(*SAMPLES)
    assert [found.code for found in messages] == [pdu[10] << 8 | pdu[11] for pdu, _ in SAMPLES]
    assert [found.role for found in messages] == ["request" if asked else "response" for _, asked in SAMPLES]
    assert MALFORMED not in {found.status for found in messages}


def test_read() -> None:
    """A read acts on area, address and count; the response tells the words."""
    asked, answered = talk(*SAMPLES[:2])
    assert (asked.operation, asked.object, asked.value, asked.write) == ("memory_area_read", "D/100+2", None, False)
    assert (answered.operation, answered.object, answered.value) == ("memory_area_read", "D/100+2", (0x1234, 0x5678))


def test_write() -> None:
    """A write tells its words, and its refusal the end code on the same object."""
    asked, answered = talk(*SAMPLES[2:4])
    assert (asked.object, asked.value, asked.write) == ("D/100+2", (1, 2), True)
    assert (answered.object, answered.status, answered.write) == ("D/100+2", "protected", True)


@pytest.mark.parametrize(
    "number,object_,value",
    [
        (4, "W/5.03+1", (1,)),
        (5, "H/0+16", (0xFFFF,)),
        (6, "D/100+1,W/1+1", None),
        (7, "D/100+5>W/10+5", None),
        (8, "program/ffff/0", None),
        (9, "program/ffff", "run"),
        (18, None, None),
        (19, "CIO/5.03+1", ("forced_on",)),
    ],
)
def test_objects(number: int, object_: str | None, value: object) -> None:
    """Bits, fills, several areas, transfers, programs and forced bits."""
    found = talk(SAMPLES[number])[0]
    assert found.value == value
    assert found.object == object_ or (number == 18 and found.object is not None)


def test_file_name() -> None:
    """File commands act on the name of the file."""
    assert talk((ask(0x2205, "00000001" + b"PROGRAM .OBJ".hex()), True))[0].object == "file/PROGRAM .OBJ"


def test_parameter_area() -> None:
    """The mark of a last part is no part of the count."""
    assert talk((ask(0x0202, "8010000080ff" + "00"), True))[0].object == "parameter/8010/0+255"


def test_unknown_area() -> None:
    """An area nobody named keeps its code."""
    assert talk((ask(0x0101, "fe0001000001"), True))[0].object == "area_fe/1+1"


def test_password_is_not_kept() -> None:
    """Program protection shows the program only."""
    found = talk((ask(0x0304, "ffff00" + "00000000" + "ffffffff" + b"PASSWORD".hex()), True))[0]
    assert (found.object, found.value, found.write) == ("program/ffff", None, True)
    assert "PASS" not in repr(found)


@pytest.mark.parametrize("code", sorted(COMMANDS))
def test_writes(code: int) -> None:
    """Requests of commands that change something are writes, others are not; the answer agrees."""
    body = "00" * LEAST.get(code, (20, 20))[0]
    messages = talk((ask(code, body), True), (answer(code), False))
    assert [found.write for found in messages] == [code in WRITES, code in WRITES]
    assert [found.operation for found in messages] == [COMMANDS[code]] * 2


def test_clearing_messages_is_a_write() -> None:
    """One command reads and clears messages; only clearing is a write."""
    assert [found.write for found in talk((ask(0x0920, "40ff"), True), (ask(0x0920, "00ff"), True))] == [True, False]


def test_controller_data() -> None:
    """A controller that is asked tells vendor, model and version."""
    found = talk((answer(0x0501, CONTROLLER), False))[0]
    assert found.value == ("CP1L-EL20DR-D", "01.00")
    assert {(hint.key, hint.value) for hint in found.hints} == {
        (HintKey.ROLE, "fins.server"),
        (HintKey.VENDOR, "Omron"),
        (HintKey.MODEL, "CP1L-EL20DR-D"),
        (HintKey.FIRMWARE, "01.00"),
    }


def test_controller_status() -> None:
    """State and mode by name."""
    assert talk((answer(0x0601, "0000" + "0102"), False))[0].value == ("run", "monitor")


@pytest.mark.parametrize(
    "end,status",
    [
        ("0000", OK),
        ("0040", OK),
        ("8101", "local_node_not_in_network"),
        ("1104", "address_range_exceeded"),
        ("7777", "end_code_7737"),
    ],
)
def test_end_codes(end: str, status: str) -> None:
    """Flags of relay and controller errors are no part of the end code."""
    assert talk((answer(0x0101, end), False))[0].status == status


def test_response_to_another_request() -> None:
    """Service ids that are used again for another command do not mix objects."""
    assert talk((ask(0x0102, "820064000001" + "0001"), True), (answer(0x0101), False))[1].object is None


@pytest.mark.parametrize(
    "pdu",
    [
        ask(0x0101, "8200"),
        ask(0x0102, "820064000002" + "0001"),
        ask(0x0105, "82"),
        ask(0x2301, "0002" + "00" * 6),
        ask(0x2301),
        answer(0x0101, ""),
    ],
)
def test_malformed(pdu: bytes) -> None:
    """Requests that end before their items, and responses without end code, are malformed."""
    found = talk((pdu, True))[0]
    assert (found.status, found.code) == (MALFORMED, pdu[10] << 8 | pdu[11])


def test_no_header() -> None:
    """Less than header and command is refused."""
    with pytest.raises(Malformed):
        talk((b"\x80\x00\x02", True))


def test_memory_is_bounded() -> None:
    """Unanswered requests beyond the limit are forgotten, and requests without answer not remembered."""
    session = FinsSession(Limits(pending=4, items=3))
    for number in range(50):
        session.read(ask(0x0601, sid=number), True)
    assert len(session._pending) == 4
    session.read(ask(0x0601, sid=99, icf=0x81), True)
    assert 99 not in {key[-1] for key in session._pending}
    assert session.read(ask(0x0102, "820064000010" + "0001" * 16), True)[0].value == (1, 1, 1)


def test_tcp_exchange() -> None:
    """The handshake has no command code, frames have theirs, refusals a status."""
    messages = talk_tcp(*TCP_SAMPLES)
    assert [(found.operation, found.code, found.role) for found in messages] == [
        ("node_address_data_send", None, "request"),
        ("node_address_data_send", None, "response"),
        ("memory_area_read", 0x0101, "request"),
        ("memory_area_read", 0x0101, "response"),
        ("frame_send_error_notification", None, "event"),
        ("connection_confirmation", None, "request"),
    ]
    assert (messages[1].object, messages[1].value) == ("node/200", (251, 200))
    assert messages[3].object == "D/100+2"
    assert messages[4].status == "command_not_supported"


def test_tcp_errors() -> None:
    """Unknown error codes keep their number, and a frame without FINS is malformed."""
    assert talk_tcp((tcp(1, bytes(8), 0x99), False))[0].status == "error_0x99"
    assert talk_tcp((tcp(2, b"\x80"), True))[0].status == MALFORMED
    assert talk_tcp((tcp(2, b"", 1), False))[0].status == "header_is_not_fins"


def test_tcp_frame_length() -> None:
    """Eight bytes tell the length; another magic or an impossible length begins no message."""
    session = FinsTcpSession(DEFAULT_LIMITS)
    pdu = TCP_SAMPLES[2][0]
    assert [session.frame_length(pdu[:size], True) for size in (0, 3, 7, 8, 16)] == [0, 0, 0, len(pdu), len(pdu)]
    for data in (b"FIX", b"FINS\x00\x00\x00\x07", b"FINS\x7f\x00\x00\x00", b"GET / HTTP"):
        with pytest.raises(Malformed):
            session.frame_length(data, True)


@pytest.mark.parametrize("pdu", [b"FINS", tcp(0, bytes(4))[:-1], b"SNIF" + tcp(0, bytes(4))[4:]])
def test_tcp_read_refuses(pdu: bytes) -> None:
    """What is no whole frame is refused."""
    with pytest.raises(Malformed):
        FinsTcpSession(DEFAULT_LIMITS).read(pdu, True)


def test_recognises_its_own() -> None:
    """Known commands of a length they may have are likely over UDP; the magic of TCP is certain."""
    for pdu, to_responder in SAMPLES:
        assert recognise(pdu, to_responder) == LIKELY, pdu.hex()
    for pdu, to_responder in TCP_SAMPLES:
        assert recognise_tcp(pdu, to_responder) == CERTAIN
    assert recognise(ask(0x0601, "00"), True) == POSSIBLE
    assert recognise_tcp(tcp(9, b""), True) == POSSIBLE


@pytest.mark.parametrize(
    "other",
    [
        "",
        "80000200000000000000",
        "800002000000000000009999",
        "8060a1b2000000a0deadbeef",
        "c000000001088394c8f03e515708",
        "810a001101040005010c",
    ],
)
def test_recognises_nothing_else(other: str) -> None:
    """Unknown commands, RTP, QUIC and BACnet are not FINS."""
    assert recognise(bytes.fromhex(other), True) == NO
    assert recognise_tcp(bytes.fromhex(other), True) == NO


def test_registration() -> None:
    """TCP and UDP on 9600, as a protocol that operates machines."""
    assert [(row.transport, row.ports, row.ot) for row in DISSECTORS] == [("tcp", (9600,), True), ("udp", (9600,), True)]
    assert set(COMMANDS) >= WRITES


@given(st.sampled_from(SAMPLES + TCP_SAMPLES), st.data())
def test_nothing_but_malformed_escapes(sample: tuple[bytes, bool], data: st.DataObject) -> None:
    """Whatever happens to a message, it is read, refused as malformed, or said to be malformed."""
    pdu, to_responder = sample
    changed = bytearray(pdu)
    for _ in range(data.draw(st.integers(0, 4))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    raw = data.draw(
        st.one_of(
            st.just(bytes(changed)), st.just(bytes(changed[: data.draw(st.integers(0, len(changed)))])), st.binary(max_size=60)
        )
    )
    for session, known in ((FinsSession(DEFAULT_LIMITS), recognise), (FinsTcpSession(DEFAULT_LIMITS), recognise_tcp)):
        assert NO <= known(raw, to_responder) <= CERTAIN
        try:
            length = session.frame_length(raw, to_responder)
            messages = session.read(raw[:length] if length else raw, to_responder)
        except Malformed:
            continue
        assert [found.protocol for found in messages] == ["fins"]
