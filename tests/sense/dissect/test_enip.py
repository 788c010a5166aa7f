"""EtherNet/IP: encapsulation, its own commands, joining of responses to requests, and what it hands to CIP."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hauberk.errors import Malformed
from hauberk.model.hint import Hint, HintKey
from hauberk.model.transaction import MALFORMED, Message
from hauberk.sense.dissect import enip
from hauberk.sense.dissect.interface import CERTAIN, LIKELY, NO, POSSIBLE
from hauberk.sense.dissect.limits import DEFAULT_LIMITS, Limits

CONTEXT = b"hauberk1"


def frame(command: int, body: bytes = b"", session: int = 7, status: int = 0, context: bytes = CONTEXT) -> bytes:
    """An encapsulation frame."""
    head = command.to_bytes(2, "little") + len(body).to_bytes(2, "little") + session.to_bytes(4, "little")
    return head + status.to_bytes(4, "little") + context + bytes(4) + body


def unconnected(cip: str, context: bytes = CONTEXT) -> bytes:
    """A SendRRData frame with a CIP message given in hexadecimal."""
    data = bytes.fromhex(cip)
    return frame(0x6F, bytes(6) + b"\2\0" + bytes(4) + b"\xb2\0" + len(data).to_bytes(2, "little") + data, context=context)


def connected(cip: str, sequence: int = 1, connection: int = 0x1001) -> bytes:
    """A SendUnitData frame with a sequence count and a CIP message given in hexadecimal."""
    data = sequence.to_bytes(2, "little") + bytes.fromhex(cip)
    address = b"\xa1\0\4\0" + connection.to_bytes(4, "little")
    return frame(0x70, bytes(6) + b"\2\0" + address + b"\xb1\0" + len(data).to_bytes(2, "little") + data, context=bytes(8))


IDENTITY = "01000c003a00040330008e4d52000b" + b"1756-ENBT/A".hex() + "03"
LISTED = bytes.fromhex("01000c002d000100" + "0002af120a0101a4" + "00" * 8 + IDENTITY)
IO = bytes.fromhex("0200028008000400fe8001000000b10006000100aabbccdd")
SERVICES = bytes.fromhex("0100000114000100" + "2001" + b"Communications".hex() + "0000")

SAMPLES: tuple[tuple[bytes, bool], ...] = (
    (frame(0x65, b"\1\0\0\0", session=0), True),
    (frame(0x65, b"\1\0\0\0"), False),
    (frame(0x63, session=0), True),
    (frame(0x63, LISTED, session=0), False),
    (frame(0x04, session=0), True),
    (frame(0x04, SERVICES, session=0), False),
    (frame(0x66), True),
    (unconnected("0e03200124013007"), True),
    (unconnected("8e0000000b" + b"1756-ENBT/A".hex()), False),
    (unconnected("010220012401"), True),
    (unconnected("81000000" + IDENTITY), False),
    (unconnected("52022006240107f9060001022001240101000100"), True),
    (connected("0a0220022401020006000e000e0320f52401300103022001240101000700"), True),
    (connected("8a000000020006000c008e0000000100000083000000010007000000"), False),
    (connected("4d0691054c6576656c002803c40001002a000000"), True),
    (connected("cd000000"), False),
    (connected("4b0220672401074d00e0312b3d0f004ec68006"), True),
    (connected("cb000000074d00e0312b3d4f004ec6"), False),
    (IO, True),
)


def session(limits: Limits = DEFAULT_LIMITS) -> enip.EnipSession:
    """A fresh conversation."""
    return enip.EnipSession(limits)


def one(frames: list[tuple[bytes, bool]]) -> Message:
    """The only message of the last frame after the others were read."""
    conversation = session()
    found = [conversation.read(*item) for item in frames]
    assert len(found[-1]) == 1
    return found[-1][0]


@pytest.mark.parametrize(
    "pdu,to_responder,role,operation,code",
    [
        (frame(0x65, b"\1\0\0\0", session=0), True, "request", "register_session", 0x65),
        (frame(0x65, b"\1\0\0\0", session=9), False, "response", "register_session", 0x65),
        (frame(0x66), True, "request", "unregister_session", 0x66),
        (frame(0x63, session=0), False, "request", "list_identity", 0x63),
        (frame(0x04, SERVICES), True, "response", "list_services", 0x04),
        (frame(0x64), True, "request", "list_interfaces", 0x64),
        (frame(0x00, b"abcd"), True, "event", "nop", 0x00),
        (frame(0x6F, status=0x64), False, "response", "send_rr_data", 0x6F),
    ],
)
def test_commands_without_cip_are_enip_messages(pdu: bytes, to_responder: bool, role: str, operation: str, code: int) -> None:
    """Each command has its own name and number, and says itself which way it goes where it can."""
    message = one([(pdu, to_responder)])
    assert (message.protocol, message.role, message.operation, message.code) == ("enip", role, operation, code)


def test_encapsulation_errors_become_the_status() -> None:
    """An invalid session handle is named; an unknown status is shown by number."""
    assert one([(frame(0x6F, status=0x64), False)]).status == "invalid_session_handle"
    assert one([(frame(0x65, b"\1\0\0\0", status=0x1234), False)]).status == "status_0x00001234"


def test_list_identity_identifies_the_device() -> None:
    """Vendor, product, revision, serial number and kind come from the identity item, and the role with the first answer."""
    message = one([(frame(0x63, LISTED, session=0), False)])
    assert message.value == ("Rockwell Automation", "1756-ENBT/A", "4.3", "00524d8e", 12, 58)
    assert message.hints == (
        Hint(HintKey.VENDOR, "Rockwell Automation"),
        Hint(HintKey.MODEL, "1756-ENBT/A"),
        Hint(HintKey.FIRMWARE, "4.3"),
        Hint(HintKey.SERIAL, "00524d8e"),
        Hint(HintKey.KIND, "communications_adapter"),
        Hint(HintKey.ROLE, "enip.server"),
    )


def test_a_cut_identity_is_malformed() -> None:
    """An item that announces more than is there is named malformed and keeps its command."""
    message = one([(frame(0x63, LISTED[:30], session=0), False)])
    assert (message.status, message.code, message.hints) == (MALFORMED, 0x63, ())


def test_the_service_list_gives_its_name() -> None:
    """The first service is the value."""
    assert one([(frame(0x04, SERVICES), False)]).value == "Communications"


def test_frames_that_carry_cip_show_only_cip() -> None:
    """A CIP request is one message of protocol cip, without one of the carrier."""
    message = one([(unconnected("0e03200124013007"), True)])
    assert (message.protocol, message.operation, message.object) == ("cip", "get_attribute_single", "identity/1/7")


def test_connected_answers_find_their_request_by_sequence_count() -> None:
    """Answers in another order than the requests carry the right objects."""
    conversation = session()
    conversation.read(connected("0e0320f524013001", 1), True)
    conversation.read(connected("0e0320f624013002", 2), True)
    second = conversation.read(connected("8e0000002f000000", 2, 0x2002), False)[0]
    first = conversation.read(connected("8e00000001000000", 1, 0x2002), False)[0]
    assert (first.object, second.object) == ("tcp_ip_interface/1/1", "ethernet_link/1/2")
    assert (first.value, second.value) == (1, 0x2F)


def test_connections_seen_to_open_keep_equal_sequence_counts_apart() -> None:
    """Two connections with the same sequence count do not answer each other."""
    conversation = session()
    for number in (1, 2):
        request = "54022006240107f9" + f"0000000{number}0000000{number}"
        context = bytes([number]) * 8
        rest = "0100010001000000" + "00000000" + "00002000f44300002000f443a3" + "0220022401"
        conversation.read(unconnected(request + rest, context), True)
        ids = f"1{number}000000" + f"2{number}000000"
        conversation.read(unconnected("d4000000" + ids + "01000100010000000000200000002000" + "0000", context), False)
    conversation.read(connected("0e0320f524013001", 5, 0x11), True)
    conversation.read(connected("0e0320f624013002", 5, 0x12), True)
    assert conversation.read(connected("8e00000001000000", 5, 0x21), False)[0].object == "tcp_ip_interface/1/1"
    assert conversation.read(connected("8e0000002f000000", 5, 0x22), False)[0].object == "ethernet_link/1/2"


def test_unconnected_answers_find_their_request_by_context() -> None:
    """The sender context joins answer and request."""
    conversation = session()
    conversation.read(unconnected("0e0320f524013001", b"aaaaaaaa"), True)
    conversation.read(unconnected("0e0320f624013002", b"bbbbbbbb"), True)
    assert conversation.read(unconnected("8e00000001000000", b"aaaaaaaa"), False)[0].object == "tcp_ip_interface/1/1"


def test_roles_are_told_once_for_each_side() -> None:
    """The first request and the first answer name client and server; later ones say nothing."""
    conversation = session()
    found = [
        conversation.read(unconnected("0e0320f524013001"), True)[0],
        conversation.read(unconnected("8e00000001000000"), False)[0],
        conversation.read(unconnected("0e0320f524013001"), True)[0],
        conversation.read(unconnected("8e00000001000000"), False)[0],
    ]
    assert [[hint.value for hint in message.hints] for message in found] == [["enip.client"], ["enip.server"], [], []]


def test_unanswered_requests_are_bounded() -> None:
    """The oldest request is forgotten first."""
    conversation = session(Limits(pending=2))
    for sequence in (1, 2, 3):
        conversation.read(connected("0e0320f524013001", sequence), True)
    assert conversation.read(connected("8e00000001000000", 1), False)[0].object is None
    assert conversation.read(connected("8e00000001000000", 3), False)[0].object == "tcp_ip_interface/1/1"


def test_cyclic_data_is_recognised_and_makes_no_messages() -> None:
    """Input and output over UDP is this protocol, and silent."""
    assert enip.recognise(IO, True) == CERTAIN
    assert session().read(IO, True) == []
    assert enip.recognise(IO + b"\0", True) == NO


def test_frames_are_cut_by_the_length_field() -> None:
    """Two frames in one segment, a frame in pieces, and bytes that begin none."""
    first, second = SAMPLES[7][0], SAMPLES[12][0]
    assert session().frame_length(first + second, True) == len(first)
    assert session().frame_length(first[:3], True) == 0
    assert session().frame_length(first[:10], True) == len(first)
    with pytest.raises(Malformed):
        session().frame_length(b"HTTP/1.1 200 OK", False)


def test_a_frame_shorter_than_it_says_is_malformed() -> None:
    """A datagram cut short keeps its command; less than a header is refused."""
    message = session().read(SAMPLES[7][0][:-3], True)[0]
    assert (message.protocol, message.code, message.status) == ("enip", 0x6F, MALFORMED)
    with pytest.raises(Malformed):
        session().read(b"\x6f\0", True)


def test_a_carrier_without_data_is_its_own_message() -> None:
    """SendRRData that holds no data item is shown as the command."""
    assert one([(frame(0x6F, bytes(8)), True)]).operation == "send_rr_data"


@pytest.mark.parametrize("pdu,to_responder", SAMPLES)
def test_samples_are_recognised(pdu: bytes, to_responder: bool) -> None:
    """Every valid frame is found by its content."""
    assert enip.recognise(pdu, to_responder) >= LIKELY


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n",
        bytes.fromhex("16030100a5010000a10303") + bytes(40),
        bytes.fromhex("0300001611e00000001400c1020100c2020102c0010a"),
        bytes.fromhex("000100000006010300000001") + bytes(12),
        bytes.fromhex("0564" + "05c00100000a6f2c") + bytes(20),
        bytes(48),
        b"",
    ],
)
def test_other_protocols_are_not_enip(data: bytes) -> None:
    """HTTP, TLS, ISO transport, Modbus, DNP3 and zeros are something else."""
    assert enip.recognise(data, True) < POSSIBLE


@given(
    st.lists(
        st.tuples(st.sampled_from(SAMPLES), st.lists(st.tuples(st.integers(0, 300), st.integers(0, 255)), max_size=4)), max_size=6
    ),
    st.binary(max_size=200),
)
def test_nothing_but_malformed_escapes(pieces: list[tuple[tuple[bytes, bool], list[tuple[int, int]]]], noise: bytes) -> None:
    """Changed frames and noise are read or refused, never worse, also as CIP inside a good frame."""
    conversation = session()
    inside = (unconnected(noise.hex()), True), (connected(noise.hex()), False), (unconnected("0a0220022401" + noise.hex()), True)
    for (pdu, direction), changes in [*pieces, ((noise, True), []), *((item, []) for item in inside)]:
        data = bytearray(pdu)
        for position, byte in changes:
            data[position % len(data)] = byte
        changed = bytes(data)
        assert 0 <= enip.recognise(changed, direction) <= CERTAIN
        try:
            assert conversation.frame_length(changed, direction) >= 0
            for message in conversation.read(changed, direction):
                assert message.protocol in {"enip", "cip"}
                assert message.code is not None
        except Malformed:
            continue
