"""Modbus: what each function says, which way messages travel, and what broken ones do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hauberk.errors import Malformed
from hauberk.model.hint import HintKey
from hauberk.model.transaction import Message
from hauberk.sense.dissect import modbus
from hauberk.sense.dissect.interface import CERTAIN, LIKELY, NO, POSSIBLE
from hauberk.sense.dissect.limits import DEFAULT_LIMITS, Limits


def adu(pdu: str, transaction: int = 1, unit: int = 1) -> bytes:
    """A frame around a PDU given in hexadecimal."""
    body = bytes([unit]) + bytes.fromhex(pdu)
    return transaction.to_bytes(2, "big") + b"\0\0" + len(body).to_bytes(2, "big") + body


IDENTIFICATION = "2b0e01010000030006" + b"Acme &".hex() + "0104" + b"PX-9".hex() + "0203" + b"V12".hex()

SAMPLES: tuple[tuple[bytes, bool], ...] = (
    (adu("0100130013"), True),
    (adu("0103cd6b05"), False),
    (adu("0200c40016"), True),
    (adu("0203acdb35"), False),
    (adu("03006b0003"), True),
    (adu("0306022b00000064"), False),
    (adu("0400080001"), True),
    (adu("0402000a"), False),
    (adu("0500acff00"), True),
    (adu("0500acff00"), False),
    (adu("0600010003"), True),
    (adu("07"), True),
    (adu("076d"), False),
    (adu("080000a537"), True),
    (adu("0b"), True),
    (adu("0bffff0108"), False),
    (adu("0c"), True),
    (adu("0c080000010801212000"), False),
    (adu("0f0013000a02cd01"), True),
    (adu("0f0013000a"), False),
    (adu("100001000204000a0102"), True),
    (adu("1000010002"), False),
    (adu("11"), True),
    (adu("11024aff"), False),
    (adu("140e0600040001000206000300090002"), True),
    (adu("140c05060dfe0020050633cd0040"), False),
    (adu("150d0600040007000306af04be100d"), True),
    (adu("16000400f20025"), True),
    (adu("1700030006000e00030600ff00ff00ff"), True),
    (adu("170c00fe0acd00010003000d00ff"), False),
    (adu("1804de"), True),
    (adu("180006000201b81284"), False),
    (adu("2b0e0100"), True),
    (adu(IDENTIFICATION), False),
    (adu("8302"), False),
    (adu("5a0002"), True),
    (adu("5a0041ff00"), True),
    (adu("5a00fe"), False),
)
"""Requests and responses of the standard's clause 6 examples, and UMAS."""


def session() -> modbus.ModbusSession:
    """A fresh conversation."""
    return modbus.ModbusSession(DEFAULT_LIMITS)


def ask(request: str, response: str | None = None, *, unit: int = 1) -> tuple[Message, Message | None]:
    """The messages of one exchange."""
    conversation = session()
    (first,) = conversation.read(adu(request, unit=unit), True)
    if response is None:
        return first, None
    (second,) = conversation.read(adu(response, unit=unit), False)
    return first, second


@pytest.mark.parametrize(
    "request_pdu, response_pdu, operation, code, place, value, write",
    [
        ("0100130013", "0103cd6b05", "read_coils", 1, "1/coil/19-37", None, False),
        ("0200c40016", "0203acdb35", "read_discrete_inputs", 2, "1/discrete_input/196-217", None, False),
        ("03006b0003", "0306022b00000064", "read_holding_registers", 3, "1/holding_register/107-109", None, False),
        ("0400080001", "0402000a", "read_input_registers", 4, "1/input_register/8", None, False),
        ("0500acff00", "0500acff00", "write_single_coil", 5, "1/coil/172", True, True),
        ("0500ac0000", "0500ac0000", "write_single_coil", 5, "1/coil/172", False, True),
        ("0600010003", "0600010003", "write_single_register", 6, "1/holding_register/1", 3, True),
        ("07", "076d", "read_exception_status", 7, "1", None, False),
        ("080000a537", "080000a537", "diagnostics", 8, "1/diagnostics/return_query_data", (0xA537,), False),
        ("080001ff00", "080001ff00", "diagnostics", 8, "1/diagnostics/restart_communications_option", (0xFF00,), True),
        ("0800040000", "0800040000", "diagnostics", 8, "1/diagnostics/force_listen_only_mode", (0,), True),
        ("08000a0000", "08000a0000", "diagnostics", 8, "1/diagnostics/clear_counters_and_diagnostic_register", (0,), True),
        ("0800150003", "0800150003", "diagnostics", 8, "1/diagnostics/modbus_plus_statistics", (3,), False),
        ("0800150004", "0800150004", "diagnostics", 8, "1/diagnostics/modbus_plus_statistics", (4,), True),
        ("0b", "0bffff0108", "get_comm_event_counter", 11, "1", None, False),
        (
            "0f0013000a02cd01",
            "0f0013000a",
            "write_multiple_coils",
            15,
            "1/coil/19-28",
            (True, False, True, True, False, False, True, True, True, False),
            True,
        ),
        ("100001000204000a0102", "1000010002", "write_multiple_registers", 16, "1/holding_register/1-2", (10, 258), True),
        (
            "140e0600040001000206000300090002",
            "140c05060dfe0020050633cd0040",
            "read_file_record",
            20,
            "1/file/4:1-2,3:9-10",
            None,
            False,
        ),
        (
            "150d0600040007000306af04be100d",
            "150d0600040007000306af04be100d",
            "write_file_record",
            21,
            "1/file/4:7-9",
            (1711, 1214, 4109),
            True,
        ),
        ("16000400f20025", "16000400f20025", "mask_write_register", 22, "1/holding_register/4", (0xF2, 0x25), True),
        (
            "1700030006000e00030600ff00ff00ff",
            "170c00fe0acd00010003000d00ff",
            "read_write_multiple_registers",
            23,
            "1/holding_register/14-16,3-8",
            (255, 255, 255),
            True,
        ),
        ("1804de", "180006000201b81284", "read_fifo_queue", 24, "1/fifo/1246", None, False),
        ("2b0e0100", IDENTIFICATION, "read_device_identification", 43, "1/device_identification/basic", None, False),
        ("2b0d0102", "2b0d0102", "canopen_general_reference", 43, "1/canopen_general_reference", None, False),
        ("5a000441", "5a00fe", "umas", 90, "1/umas/read_plc_info", None, False),
        ("5a0041ff00", "5a00fe", "umas", 90, "1/umas/stop_plc", None, True),
        ("41aabb", "41cc", "user_defined_function_65", 65, "1", None, False),
        ("00aabb", "00cc", "reserved_function_0", 0, "1", None, False),
    ],
)
def test_exchange_has_same_operation_object_and_write_flag_both_ways(
    request_pdu: str, response_pdu: str, operation: str, code: int, place: str, value: object, write: bool
) -> None:
    """Each function: the request carries what is written, the response repeats operation, code, object and write flag."""
    first, second = ask(request_pdu, response_pdu)
    assert first[:8] == ("modbus", "request", operation, code, place, value, "ok", write)
    assert second is not None
    assert (second.role, second.operation, second.code, second.object, second.status, second.write) == (
        "response",
        operation,
        code,
        place,
        "ok",
        write,
    )


@pytest.mark.parametrize(
    "request_pdu, response_pdu, value",
    [
        ("0100130003", "010105", (True, False, True)),
        ("03006b0003", "0306022b00000064", (555, 0, 100)),
        ("07", "076d", 0x6D),
        ("0b", "0bffff0108", (0xFFFF, 264)),
        ("140e0600040001000206000300090002", "140c05060dfe0020050633cd0040", (0x0DFE, 0x20, 0x33CD, 0x40)),
        ("1700030002000e0001020001", "170400fe0acd", (254, 0x0ACD)),
        ("1804de", "180006000201b81284", (440, 4740)),
        ("2b0e0100", IDENTIFICATION, ("Acme &", "PX-9", "V12")),
        ("11", "1106" + b"PLC 7\xff".hex(), "PLC 7\\xff"),
    ],
)
def test_response_carries_what_was_read(request_pdu: str, response_pdu: str, value: object) -> None:
    """What the server read is the value of the response."""
    _, second = ask(request_pdu, response_pdu)
    assert second is not None
    assert second.value == value


@pytest.mark.parametrize(
    "code, status",
    [(1, "illegal_function"), (2, "illegal_data_address"), (11, "gateway_target_device_failed_to_respond"), (99, "exception_99")],
)
def test_exception_names_its_reason_and_keeps_function_and_object(code: int, status: str) -> None:
    """An exception response: code without the exception bit, reason as status, object and write flag of the request."""
    _, second = ask("10000100020400010002", f"90{code:02x}")
    assert second is not None
    assert (second.operation, second.code, second.object) == ("write_multiple_registers", 16, "1/holding_register/1-2")
    assert (second.status, second.write) == (status, True)


def test_response_without_request_leaves_the_range_off() -> None:
    """Nothing is invented where the request was not captured."""
    (message,) = session().read(adu("0306022b00000064"), False)
    assert (message.role, message.object, message.value) == ("response", "1/holding_register", (555, 0, 100))


def test_answer_of_another_length_does_not_get_the_range() -> None:
    """A response whose count contradicts the request of its transaction is not its answer."""
    _, second = ask("0300000002", "0306022b00000064")
    assert second is not None
    assert second.object == "1/holding_register"


def test_pipelined_requests_are_told_apart_by_transaction() -> None:
    """Two open requests, answered in the other order."""
    conversation = session()
    conversation.read(adu("0300000001", 1), True)
    conversation.read(adu("0300640001", 2), True)
    (late,) = conversation.read(adu("03020007", 2), False)
    (early,) = conversation.read(adu("03020008", 1), False)
    assert (late.object, early.object) == ("1/holding_register/100", "1/holding_register/0")


def test_direction_is_judged_by_shape_where_the_caller_is_wrong() -> None:
    """A capture that begins midway: the shape of reads tells requests from responses."""
    conversation = session()
    (request,) = conversation.read(adu("0300000001"), False)
    (response,) = conversation.read(adu("03020007"), True)
    assert (request.role, response.role) == ("request", "response")
    (write,) = conversation.read(adu("0600010003", 2), False)
    (echo,) = conversation.read(adu("0600010003", 2), True)
    assert (write.role, echo.role) == ("request", "response")


def test_echoed_write_is_the_response_of_its_transaction() -> None:
    """Request and response of a single write are the same bytes; the second one is the response."""
    first, second = ask("0600010003", "0600010003")
    assert second is not None
    assert (first.role, second.role) == ("request", "response")


def test_shape_against_a_firm_direction_is_malformed() -> None:
    """A cut write in a conversation whose direction is certain is a malformed request, not a response."""
    conversation = session()
    for transaction in range(8):
        conversation.read(adu("0300000001", transaction), True)
    (message,) = conversation.read(adu("1000010002", 9), True)
    assert (message.role, message.status, message.write) == ("request", "malformed", True)


@pytest.mark.parametrize(
    "pdu", ["03000001", "0305022b0000", "05ff", "0f00130008", "16000400f2", "0803", "5a00", "2b", "90", "900102"]
)
def test_wrong_length_is_malformed_but_keeps_the_code(pdu: str) -> None:
    """A frame whose inside does not fit its function is still counted, with its code."""
    conversation = session()
    for transaction in range(8):
        conversation.read(adu("0300000001", 100 + transaction), True)
    (message,) = conversation.read(adu(pdu), True)
    assert message.status == "malformed"
    assert message.code == int(pdu[:2], 16) & 0x7F


def test_frame_length_waits_for_the_header_and_counts_the_rest() -> None:
    """Six bytes tell the length; split and joined frames are cut alike."""
    frame = adu("0300000001")
    assert [session().frame_length(frame[:size], True) for size in (0, 5, 6, 12)] == [0, 0, 12, 12]
    assert session().frame_length(frame + frame, True) == 12


@pytest.mark.parametrize("data", ["000100010006", "000100000001", "00010000ffff", "000101"])
def test_no_header_is_malformed(data: str) -> None:
    """Another protocol identifier or an impossible length cannot begin a frame."""
    with pytest.raises(Malformed) as caught:
        session().frame_length(bytes.fromhex(data), True)
    assert caught.value.code == "hauberk.input.malformed"


def test_datagram_may_hold_several_frames() -> None:
    """Over UDP the frames of one datagram are read one after the other; padding behind them is passed over."""
    messages = session().read(adu("0300000001", 1) + adu("0400000001", 2) + b"\xff\xff\xff\xff\xff\xff", True)
    assert [message.code for message in messages] == [3, 4]
    with pytest.raises(Malformed):
        session().read(adu("0300000001")[:-1], True)


def test_identification_gives_vendor_model_and_firmware() -> None:
    """Read device identification is the clearest statement a Modbus device makes of itself."""
    _, second = ask("2b0e0100", IDENTIFICATION)
    assert second is not None
    assert {hint.key: hint.value for hint in second.hints if hint.key is not HintKey.ROLE} == {
        HintKey.VENDOR: "Acme &",
        HintKey.MODEL: "PX-9",
        HintKey.FIRMWARE: "V12",
    }


def test_umas_identification_gives_the_model() -> None:
    """UMAS names the controller behind 22 bytes of fixed content."""
    _, second = ask("5a0002", "5a00fe" + "00" * 22 + "0a" + b"BMX P34-20".hex())
    assert second is not None
    assert {hint.key: hint.value for hint in second.hints if hint.key is not HintKey.ROLE} == {
        HintKey.VENDOR: "Schneider Electric",
        HintKey.MODEL: "BMX P34-20",
    }


def test_umas_refusal_is_a_status() -> None:
    """A refused stop is not ok, and still a stop."""
    _, second = ask("5a0041ff00", "5a00fd80")
    assert second is not None
    assert (second.object, second.status, second.write) == ("1/umas/stop_plc", "umas_error", True)


def test_roles_are_told_once() -> None:
    """Client and server are hinted at with their first message only."""
    conversation = session()
    hints = [
        conversation.read(adu(pdu), direction)[0].hints
        for pdu, direction in (("0300000001", True), ("03020007", False), ("0300000001", True), ("03020007", False))
    ]
    assert [[hint.value for hint in of] for of in hints] == [["modbus.client"], ["modbus.server"], [], []]


def test_bounds_are_kept() -> None:
    """Values and unanswered requests stay within their limits, whatever is sent."""
    conversation = modbus.ModbusSession(Limits(items=4, pending=8))
    for transaction in range(100):
        conversation.read(adu("0300000010", transaction), True)
    assert len(conversation._pending) == 8
    (message,) = conversation.read(adu("0320" + "0001" * 16, 99), False)
    assert message.value == (1, 1, 1, 1)
    (coils,) = conversation.read(adu("0f00000050" + "0a" + "ff" * 10, 5), True)
    assert coils.value == (True,) * 4


def test_gap_ends_nothing() -> None:
    """After lost bytes an open request is still answered."""
    conversation = session()
    conversation.read(adu("0300000001"), True)
    conversation.gap(True)
    assert conversation.read(adu("03020007"), False)[0].object == "1/holding_register/0"
    assert not conversation.finished


@pytest.mark.parametrize("frame, direction", SAMPLES)
def test_recognised_by_content_on_any_port(frame: bytes, direction: bool) -> None:
    """Public functions are found without a port, in either direction."""
    assert modbus.recognise(frame, direction) >= LIKELY
    assert modbus.recognise(frame + frame, direction) >= LIKELY


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        bytes.fromhex("16030102000100"),
        bytes.fromhex("0300001611e00000000100c0010ac1020100c2020102"),
        bytes.fromhex("056405c903000400bd71"),
        bytes.fromhex("680407000000"),
        bytes.fromhex("63000000000000000000000000000000"),
        b"",
    ],
)
def test_other_protocols_are_not_modbus(data: bytes) -> None:
    """HTTP, TLS, ISO transport, DNP3 and IEC 104 are something else."""
    assert modbus.recognise(data, True) == NO


def test_scores_follow_the_evidence() -> None:
    """A count that agrees is certain, a reserved function only possible, a DICOM data unit no more than that."""
    assert modbus.recognise(adu("0306022b00000064"), False) == CERTAIN
    assert modbus.recognise(adu("2100000000"), True) == POSSIBLE
    assert modbus.recognise(adu("0300000001")[:9], True) == POSSIBLE
    assert modbus.recognise(bytes.fromhex("040000000010" + "0000000c0103" + "00" * 10), True) <= POSSIBLE


@given(
    st.lists(
        st.tuples(st.sampled_from(SAMPLES), st.lists(st.tuples(st.integers(0, 300), st.integers(0, 255)), max_size=4)), max_size=5
    ),
    st.binary(max_size=300),
)
def test_nothing_but_malformed_escapes(pieces: list[tuple[tuple[bytes, bool], list[tuple[int, int]]]], noise: bytes) -> None:
    """Changed frames and noise are read or refused, never worse; what is returned keeps the shape of a message."""
    conversation = session()
    for (frame, direction), changes in [*pieces, ((noise, True), []), ((noise, False), [])]:
        data = bytearray(frame)
        for position, byte in changes:
            if data:
                data[position % len(data)] = byte
        changed = bytes(data)
        assert 0 <= modbus.recognise(changed, direction) <= CERTAIN
        try:
            size = conversation.frame_length(changed, direction)
            assert size >= 0
            for message in conversation.read(changed, direction):
                assert message.protocol == "modbus"
                assert message.code is not None
        except Malformed:
            continue
