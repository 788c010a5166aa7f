"""HART-IP and the HART commands it carries."""

from __future__ import annotations

from functools import reduce
from operator import xor
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hauberk.errors import Malformed
from hauberk.model.hint import HintKey
from hauberk.model.transaction import MALFORMED, Message
from hauberk.sense.dissect.hart_ip import DISSECTORS, HartIpSession, recognise
from hauberk.sense.dissect.interface import CERTAIN, LIKELY, NO, POSSIBLE
from hauberk.sense.dissect.limits import DEFAULT_LIMITS, Limits

ADDRESS = bytes.fromhex("264e0000d2")


def message(kind: int, identifier: int, body: bytes = b"", sequence: int = 1, status: int = 0) -> bytes:
    """A HART-IP message."""
    return pack(">BBBBHH", 1, kind, identifier, status, sequence, 8 + len(body)) + body


def frame(delimiter: int, command: int, data: bytes, address: bytes = ADDRESS) -> bytes:
    """A token-passing frame with its check byte."""
    body = bytes((delimiter,)) + address + bytes((command, len(data))) + data
    return body + bytes((reduce(xor, body),))


def ask(command: int, data: bytes = b"", sequence: int = 1) -> bytes:
    """A request of one command."""
    return message(0, 3, frame(0x82, command, data), sequence)


def answer(command: int, data: bytes = b"", code: int = 0, sequence: int = 1) -> bytes:
    """A response of one command."""
    return message(1, 3, frame(0x86, command, bytes((code, 0x40)) + data), sequence)


IDENTITY = bytes.fromhex("fe264e050704010e0c0000d205020002d00026002684")
INITIATE = message(0, 0, b"\x01" + (30000).to_bytes(4, "big"))
DIRECT = message(0, 4, bytes.fromhex("00000036010000230907") + pack(">ff", 10, 1))
DIRECT_ANSWER = message(1, 4, bytes.fromhex("000000360200ff00230107"))

SAMPLES: tuple[tuple[bytes, bool], ...] = (
    (INITIATE, True),
    (message(1, 0, b"\x01\x00\x00\x75\x30"), False),
    (message(0, 2), True),
    (message(1, 2), False),
    (ask(0), True),
    (answer(0, IDENTITY), False),
    (ask(3), True),
    (answer(3, pack(">fBfBf", 12.5, 32, 20.25, 39, 1.5)), False),
    (ask(35, b"\x07" + pack(">ff", 10, 1)), True),
    (answer(35, code=7), False),
    (DIRECT, True),
    (DIRECT_ANSWER, False),
    (message(0, 5, b"\x00\xff"), True),
    (message(2, 3, frame(0x81, 1, b"\x00\x00\x20" + pack(">f", 3.5))), False),
    (message(15, 3, status=15), False),
    (message(0, 1), True),
)


def talk(*exchange: tuple[bytes, bool], limits: Limits = DEFAULT_LIMITS) -> list[Message]:
    """The messages of an exchange; every PDU must be one frame."""
    session = HartIpSession(limits)
    messages = []
    for pdu, to_responder in exchange:
        assert session.frame_length(pdu, to_responder) == len(pdu)
        messages.extend(session.read(pdu, to_responder))
    return messages


def test_samples_are_sound() -> None:
    """Each is one message with its id, and none is malformed."""
    messages = talk(*SAMPLES)
    assert [found.code for found in messages] == [pdu[2] for pdu, _ in SAMPLES]
    assert MALFORMED not in {found.status for found in messages}


def test_roles() -> None:
    """The message type is the role: request, response, publication, refusal."""
    kinds = {pdu[1]: found.role for (pdu, _), found in zip(SAMPLES, talk(*SAMPLES), strict=True)}
    assert kinds == {0: "request", 1: "response", 2: "event", 15: "response"}


def test_session_initiate() -> None:
    """Master type and inactivity time."""
    assert talk((INITIATE, True))[0].value == (1, 30000)


def test_header_status() -> None:
    """A status in the header is told in words where it is known."""
    assert talk((message(1, 0, status=8), False))[0].status == "set_to_nearest_possible_value"
    assert talk((message(15, 0, status=15), False))[0].status == "all_available_sessions_in_use"
    assert talk((message(1, 0, status=99), False))[0].status == "status_99"


def test_read_variables() -> None:
    """Commands 1, 2, 3 and 9 tell units and values; what is no number is None."""
    assert talk((answer(1, b"\xfb" + pack(">f", 1.1)), False))[0].value == (251, 1.1)
    assert talk((answer(2, bytes.fromhex("7fa00000") + pack(">f", 50)), False))[0].value == (None, 50.0)
    assert talk((answer(3, pack(">fBf", 12.5, 32, 20.25)), False))[0].value == (12.5, 32, 20.25)
    assert talk((answer(9, bytes.fromhex("000000fb3f800000c0")), False))[0].value == (0, 251, 1.0, 192)


def test_texts() -> None:
    """Long tag and packed texts."""
    assert talk((ask(22, b"tank 7".ljust(32, b"\0")), True))[0].value == "tank 7"
    assert talk((answer(12, bytes.fromhex("0420c4")), False))[0].value == "ABCD"
    assert talk((answer(13, bytes.fromhex("0420c4820820") + b"\x82\x08\x20" * 4 + b"\1\2\3"), False))[0].value == ("ABCD", "")


@pytest.mark.parametrize(
    "command,write",
    [(0, False), (3, False), (6, True), (17, True), (22, True), (33, False), (35, True), (40, True), (42, True), (48, False)],
)
def test_writes(command: int, write: bool) -> None:
    """Writing commands count as writes, in request and response."""
    messages = talk((ask(command), True), (answer(command), False))
    assert [found.write for found in messages] == [write, write]
    assert [found.object for found in messages] == [f"command/{command}"] * 2


def test_write_is_told_with_its_values() -> None:
    """A range that is written shows unit, upper and lower value; the refusal shows why."""
    messages = talk((SAMPLES[8][0], True), (SAMPLES[9][0], False))
    assert messages[0].value == (7, 10.0, 1.0)
    assert messages[1].status == "in_write_protect_mode"


def test_extended_command() -> None:
    """Command 31 carries a number of two bytes; keys are not kept."""
    found = talk((ask(31, (768).to_bytes(2, "big") + b"0123456789abcdef"), True))[0]
    assert (found.object, found.write, found.value) == ("command/768", True, None)


def test_command_for_a_sub_device() -> None:
    """What a gateway passes on is what counts, in the answer too."""
    inner = bytes((0, 1, 5, 0x82)) + bytes.fromhex("1122334455") + bytes((35, 7)) + pack(">ff", 5, 1)
    messages = talk((ask(77, inner), True), (answer(77, b"\0\1\x86"), False))
    assert [(found.object, found.write) for found in messages] == [("command/77/command/35", True)] * 2
    assert messages[0].value == (7, 5.0, 1.0)


def test_direct_pdu() -> None:
    """Several commands in one message: objects are joined, one write makes it one, the first failure is the status."""
    asked, answered = talk((DIRECT, True), (DIRECT_ANSWER, False))
    assert (asked.object, asked.write, asked.value) == ("command/54,command/35", True, (7, 10.0, 1.0))
    assert (answered.object, answered.write, answered.status) == ("command/54,command/35", True, "in_write_protect_mode")


def test_preambles_and_short_addresses() -> None:
    """Preamble bytes are passed over, and a polling address has one byte."""
    assert talk((message(0, 3, b"\xff" * 5 + frame(0x02, 0, b"", b"\x80")), True))[0].object == "command/0"


def test_burst_has_a_response_code() -> None:
    """A published frame is read as a response."""
    found = talk(SAMPLES[13])[0]
    assert (found.role, found.object, found.value) == ("event", "command/1", (32, 3.5))


def test_identity_hints() -> None:
    """The first identity and long tag of a session are the server's; later ones are of devices behind it."""
    named = answer(20, b"gateway".ljust(32, b"\0"))
    messages = talk((answer(0, IDENTITY), False), (named, False), (answer(0, IDENTITY), False))
    told = {(hint.key, hint.value) for hint in messages[0].hints + messages[1].hints}
    assert told == {
        (HintKey.ROLE, "hart_ip.server"),
        (HintKey.VENDOR, "Rosemount"),
        (HintKey.MODEL, "HART device type 0x264e"),
        (HintKey.FIRMWARE, "1"),
        (HintKey.SERIAL, "0000d2"),
        (HintKey.HOSTNAME, "gateway"),
    }
    assert messages[2].hints == ()


def test_manufacturer_before_hart_7() -> None:
    """In revision 5 the manufacturer is the upper byte of the device type."""
    identity = b"\xfe\x11\x05\x05\x05\x02\x03\x00\x00\x01\x02\x03"
    assert (HintKey.VENDOR, "Endress+Hauser", None) in talk((answer(0, identity), False))[0].hints


@pytest.mark.parametrize(
    "pdu",
    [
        ask(3)[:-1] + b"\x00",
        message(1, 3, frame(0x86, 3, b"\x00")),
        message(0, 3, b"\x82"),
        message(0, 3, b"\xff\xff"),
        message(0, 0, b"\x01"),
        message(0, 4, b"\x00\x00"),
        message(0, 4, b"\x00\x00\x00\x36\x09\x00"),
        ask(77, b"\x00"),
    ],
)
def test_malformed(pdu: bytes) -> None:
    """Check bytes that do not agree and bodies that end early make a malformed message that keeps its id."""
    found = talk((pdu, True))[0]
    assert (found.status, found.code) == (MALFORMED, pdu[2])


def test_length_of_a_datagram() -> None:
    """A datagram of another length than its header says is malformed."""
    assert HartIpSession(DEFAULT_LIMITS).read(message(0, 2) + b"x", True)[0].status == MALFORMED


@pytest.mark.parametrize("data", ["0200000000010007", "0300000000010008", "0107000000010008"])
def test_no_header(data: str) -> None:
    """Lengths below a header, unknown versions and types begin no message."""
    with pytest.raises(Malformed):
        HartIpSession(DEFAULT_LIMITS).frame_length(bytes.fromhex(data), True)


def test_frame_length_waits() -> None:
    """Eight bytes tell the length, whatever is there of the rest."""
    session = HartIpSession(DEFAULT_LIMITS)
    assert [session.frame_length(DIRECT[:size], True) for size in (0, 7, 8, len(DIRECT))] == [0, 0, len(DIRECT), len(DIRECT)]


@pytest.mark.parametrize("pdu", [b"", b"\x01\x00\x02", bytes.fromhex("0900020000010008"), bytes.fromhex("0104020000010008")])
def test_read_refuses(pdu: bytes) -> None:
    """What has no header of HART-IP is refused."""
    with pytest.raises(Malformed):
        HartIpSession(DEFAULT_LIMITS).read(pdu, True)


def test_memory_is_bounded() -> None:
    """Unanswered requests beyond the limit are forgotten."""
    session = HartIpSession(Limits(pending=4))
    for number in range(50):
        session.read(ask(3, sequence=number), True)
    assert len(session._pending) == 4


def test_recognises_its_own() -> None:
    """Checked frames and session requests are certain, the rest likely; a refusal or publication may be less."""
    for pdu, to_responder in SAMPLES:
        assert recognise(pdu, to_responder) >= LIKELY, pdu.hex()
    assert recognise(INITIATE, True) == CERTAIN
    assert recognise(ask(3), True) == CERTAIN
    assert recognise(ask(3) + ask(3), True) == CERTAIN
    assert recognise(DIRECT[:12], True) == POSSIBLE


@pytest.mark.parametrize(
    "other",
    [
        "",
        "000100000006010300000001",
        "010000000006010300000001",
        "0100000000020009",
        "0100800100010008",
        "aa41001200f1000000000000",
        "01000000000100200101",
    ],
)
def test_recognises_nothing_else(other: str) -> None:
    """Modbus with a transaction id that looks like a header, and headers that disagree with themselves."""
    assert recognise(bytes.fromhex(other), True) == NO


def test_registration() -> None:
    """TCP and UDP on 5094, as a protocol that operates machines."""
    assert [(row.transport, row.ports, row.ot) for row in DISSECTORS] == [("tcp", (5094,), True), ("udp", (5094,), True)]


@given(st.sampled_from(SAMPLES), st.data())
def test_nothing_but_malformed_escapes(sample: tuple[bytes, bool], data: st.DataObject) -> None:
    """Whatever happens to a message, it is read, refused as malformed, or said to be malformed."""
    pdu, to_responder = sample
    changed = bytearray(pdu)
    for _ in range(data.draw(st.integers(0, 4))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()) and changed[2] == 3:
        changed[-1] ^= reduce(xor, changed[8:], 0)
    raw = data.draw(st.one_of(st.just(bytes(changed)), st.binary(max_size=60)))
    session = HartIpSession(DEFAULT_LIMITS)
    assert NO <= recognise(raw, to_responder) <= CERTAIN
    try:
        length = session.frame_length(raw, to_responder)
        messages = session.read(raw[:length] if length else raw, to_responder)
    except Malformed:
        return
    assert [found.protocol for found in messages] == ["hart_ip"]
    assert messages[0].status != MALFORMED or messages[0].value is None
