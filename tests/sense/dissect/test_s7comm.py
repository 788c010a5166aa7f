"""S7comm: jobs and their answers, user data, what broken messages do, and what is recognised."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hauberk.errors import Malformed
from hauberk.model.hint import Hint, HintKey
from hauberk.model.transaction import Message
from hauberk.sense.dissect.interface import CERTAIN, NO, POSSIBLE
from hauberk.sense.dissect.iso_on_tcp import IsoOnTcp, recognise_mms, recognise_s7comm, recognise_s7comm_plus
from hauberk.sense.dissect.limits import DEFAULT_LIMITS, Limits


def frame(user: bytes | str, *, last: bool = True) -> bytes:
    """A TPKT frame with a data PDU."""
    user = bytes.fromhex(user) if isinstance(user, str) else user
    return b"\x03\x00" + (len(user) + 7).to_bytes(2, "big") + b"\x02\xf0" + (b"\x80" if last else b"\x00") + user


def s7(kind: int, parameter: str, data: str = "", reference: int = 1, error: str = "0000") -> bytes:
    """A frame with one S7comm message."""
    first, second = bytes.fromhex(parameter), bytes.fromhex(data)
    head = bytes([0x32, kind, 0, 0]) + b"".join(size.to_bytes(2, "big") for size in (reference, len(first), len(second)))
    return frame(head + (bytes.fromhex(error) if kind in {2, 3} else b"") + first + second)


def any_item(kind: int, count: int, block: int, area: int, address: int) -> str:
    """An item specification of the usual form."""
    fields = bytes([kind]) + count.to_bytes(2, "big") + block.to_bytes(2, "big") + bytes([area]) + address.to_bytes(3, "big")
    return "120a10" + fields.hex()


def user_data(kind: int, subfunction: int, body: str, reference: int = 1, tail: str | None = None, code: str = "ff09") -> bytes:
    """A user data message: ``tail`` is unit, last unit and error of an answer."""
    parameter = "000112" + ("04" if tail is None else "08") + ("11" if tail is None else "12") + f"{kind:02x}{subfunction:02x}00"
    size = len(body) // 2
    return s7(7, parameter + (tail or ""), f"{code}{size:04x}{body}" if code else "", reference)


WORD = "0401" + any_item(4, 1, 1, 0x84, 80)
MANY = "0403" + any_item(1, 1, 0, 0x83, 801) + any_item(2, 4, 7, 0x84, 80) + any_item(0x1D, 1, 0, 0x1D, 5)
CONNECT = bytes.fromhex("0300001611e00000000d00c1020200c2020202c0010a")
CONFIRM = bytes.fromhex("0300001611d0000d000500c0010ac1020200c2020202")
IDENTITY = (
    "0011000000" + "1c0002" + "0001" + b"6ES7 315-2EH14-0AB0 ".hex() + "00c000040001" + "0007" + b" ".hex() * 20 + "00c056030206"
)

SAMPLES: tuple[tuple[bytes, bool], ...] = (
    (CONNECT, True),
    (CONFIRM, False),
    (s7(1, "f0000001000101e0"), True),
    (s7(3, "f0000001000100f0"), False),
    (s7(1, WORD, reference=2), True),
    (s7(3, "0401", "ff0400101234", reference=2), False),
    (s7(1, MANY, reference=3), True),
    (s7(3, "0403", "ff03000101" + "00" + "ff040020deadbeef" + "0a000000", reference=3), False),
    (s7(1, "0501" + any_item(1, 1, 900, 0x84, 3), "0003000101", reference=4), True),
    (s7(3, "0501", "ff", reference=4), False),
    (s7(1, "290000000000" + "09" + b"P_PROGRAM".hex(), reference=5), True),
    (s7(3, "29", reference=5), False),
    (s7(1, "28000000000000fd" + "000a" + "0100" + b"0800001P".hex() + "05" + b"_INSE".hex(), reference=6), True),
    (s7(1, "1a00010000000000" + "09" + b"_0800001P".hex() + "0d" + b"1000332000212".hex(), reference=7), True),
    (s7(1, "1d00000000000000" + "09" + b"_0B00000A".hex(), reference=8), True),
    (s7(3, "1d00010000000007" + "07" + b"0000216".hex(), reference=8), False),
    (s7(1, "1e00000000000007", reference=9), True),
    (s7(2, "", reference=10, error="d241"), False),
    (user_data(0x44, 1, "00110000"), True),
    (user_data(0x84, 1, IDENTITY, tail="00000000"), False),
    (user_data(0x45, 1, "213a1b1d6e681b1d", reference=2), True),
    (user_data(0x47, 2, "00191408201159330400", reference=3), True),
    (user_data(0x42, 5, "00010101" + "1207b0010500510172", reference=4), True),
    (user_data(0x41, 8, "0014000800000001000000120001000100010001000102000001010100000005", reference=5), True),
    (user_data(0x04, 3, "4304ff8400000000000000009401092153421521"), False),
    (s7(7, "0100101000000000"), False),
)


def session(limits: Limits = DEFAULT_LIMITS) -> IsoOnTcp:
    """A fresh session."""
    return IsoOnTcp(limits)


def read(*pdus: tuple[bytes, bool]) -> list[Message]:
    """Messages of one conversation, hints left out."""
    one = session()
    return [message._replace(hints=()) for pdu, to_responder in pdus for message in one.read(pdu, to_responder)]


def test_every_sample_is_read_without_fault() -> None:
    """The samples other tests use are valid, and only connection PDUs are silent."""
    one = session()
    for pdu, to_responder in SAMPLES:
        assert one.frame_length(pdu, to_responder) == len(pdu)
        messages = one.read(pdu, to_responder)
        assert len(messages) == (0 if pdu in {CONNECT, CONFIRM} else 1)
        assert all(message.status != "malformed" and message.protocol == "s7comm" for message in messages)


def test_a_read_and_its_answer_share_address_and_operation() -> None:
    """The answer gets its address from the job with the same reference; the word is a number."""
    asked, answered = read((s7(1, WORD), True), (s7(3, "0401", "ff0400101234"), False))
    assert asked == Message("s7comm", "request", "read_var", 4, "DB1.DBW10")
    assert answered == Message("s7comm", "response", "read_var", 4, "DB1.DBW10", 0x1234)


def test_an_answer_without_its_job_is_still_read() -> None:
    """A capture that begins in the middle knows the function, not the address."""
    assert read((s7(3, "0501", "ff"), False)) == [Message("s7comm", "response", "write_var", 5, None, None, "ok", True)]


def test_several_items_keep_one_value_each() -> None:
    """A bit, an array as hexadecimal and a failed item, which names the status."""
    answer = s7(3, "0403", "ff03000101" + "00" + "ff040020deadbeef" + "0a000000")
    asked, answered = read((s7(1, MANY), True), (answer, False))
    assert asked.object == "M100.1,DB7.DBB10+4,T5"
    assert answered.value == (1, "deadbeef", None)
    assert answered.status == "object_does_not_exist"


def test_failed_items_may_repeat_a_length_without_data() -> None:
    """The length before missing data is not believed."""
    answer = s7(3, "0402", "0a000004" + "0a000004")
    asked = s7(1, "0402" + any_item(2, 1, 0, 0x81, 0) + any_item(2, 1, 0, 0x82, 0))
    answered = read((asked, True), (answer, False))[1]
    assert (answered.value, answered.status) == ((None, None), "object_does_not_exist")


@pytest.mark.parametrize(
    "kind, count, data, value",
    [
        (8, 1, "ff0700043fc00000", 1.5),
        (5, 1, "ff050010fffe", -2),
        (5, 3, "ff050030000100020003", (1, 2, 3)),
        (7, 1, "ff060004ffffffff", -1),
        (2, 1, "ff0400087f", 127),
        (3, 4, "ff09000450756d70", "Pump"),
        (2, 3, "ff040018010203", "010203"),
        (1, 1, "ff03000101", 1),
    ],
)
def test_values_follow_the_type_asked_for(kind: int, count: int, data: str, value: object) -> None:
    """Reals, signed and unsigned numbers, arrays, text, bytes and bits."""
    job = s7(1, "0401" + any_item(kind, count, 0, 0x83, 16))
    assert read((job, True), (s7(3, "0401", data), False))[1].value == value


def test_a_write_tells_what_is_written_and_whether_it_was() -> None:
    """Value on the request, return code on the answer, both marked as writes."""
    asked, answered = read(
        (s7(1, "0501" + any_item(1, 1, 900, 0x84, 3), "0003000101"), True),
        (s7(3, "0501", "03"), False),
    )
    assert asked == Message("s7comm", "request", "write_var", 5, "DB900.DBX0.3", 1, "ok", True)
    assert answered == Message("s7comm", "response", "write_var", 5, "DB900.DBX0.3", None, "access_not_allowed", True)


def test_stop_and_program_services_are_writes() -> None:
    """Stopping and inserting blocks change what the controller does."""
    stop, insert, copy = read(
        (s7(1, "290000000000" + "09" + b"P_PROGRAM".hex()), True),
        (s7(1, "28000000000000fd" + "000a" + "0100" + b"0800001P".hex() + "05" + b"_INSE".hex()), True),
        (s7(1, "28000000000000fd" + "0002" + b"EP".hex() + "05" + b"_MODU".hex()), True),
    )
    assert stop == Message("s7comm", "request", "plc_stop", 0x29, "P_PROGRAM", None, "ok", True)
    assert insert == Message("s7comm", "request", "pi_service", 0x28, "_INSE:OB1", None, "ok", True)
    assert (copy.object, copy.write) == ("_MODU:EP", True)


def test_a_download_names_its_block_in_both_directions() -> None:
    """The controller asks for the parts; equal references of both sides are not confused."""
    name = "09" + b"_0800001P".hex()
    messages = read(
        (s7(1, "1a00010000000000" + name), True),
        (s7(1, "1b00000000000000" + name), False),
        (s7(3, "1a"), False),
        (s7(3, "1b01", "000200fb7070"), True),
    )
    assert [(message.role, message.operation, message.object) for message in messages] == [
        ("request", "request_download", "OB1"),
        ("request", "download_block", "OB1"),
        ("response", "request_download", "OB1"),
        ("response", "download_block", "OB1"),
    ]
    assert all(message.write for message in messages)


def test_parts_of_an_upload_name_the_block_it_began_with() -> None:
    """The upload number of the first answer leads back to the block."""
    messages = read(
        (s7(1, "1d00000000000000" + "09" + b"_0B00000A".hex(), reference=1), True),
        (s7(3, "1d00010000000007" + "07" + b"0000216".hex(), reference=1), False),
        (s7(1, "1e00000000000007", reference=2), True),
        (s7(3, "1e00", "0002" + "00fb", reference=2), False),
        (s7(1, "1f00000000000007", reference=3), True),
    )
    assert [message.object for message in messages] == ["SDB0"] * 5
    assert not any(message.write for message in messages)


def test_an_acknowledgement_without_parameter_has_no_code() -> None:
    """Its job gives the operation, its header the error."""
    job = s7(1, "1d00000000000000" + "09" + b"_0B00000A".hex())
    answered = read((job, True), (s7(2, "", error="d241"), False))[1]
    assert (answered.operation, answered.code, answered.status) == ("start_upload", None, "not_permitted_at_protection_level")


def test_an_unknown_error_keeps_its_class_and_number() -> None:
    """No error is dropped for want of a name."""
    assert read((s7(3, "04", error="8712"), False))[0].status == "access_error_0x8712"


def test_a_status_list_gives_vendor_model_and_firmware() -> None:
    """List 0x0011 in two parts: the identity comes with the last one."""
    one = session()
    one.read(user_data(0x44, 1, "00110000"), True)
    first = one.read(user_data(0x84, 1, IDENTITY[:60], tail="01010000"), False)[0]
    last = one.read(user_data(0x84, 1, IDENTITY[60:], tail="01000000"), False)[0]
    assert first.object == last.object == "szl/0x0011/0x0000"
    assert first.hints == (Hint(HintKey.ROLE, "s7comm.server"),)
    assert last.hints == (
        Hint(HintKey.VENDOR, "Siemens"),
        Hint(HintKey.MODEL, "6ES7 315-2EH14-0AB0"),
        Hint(HintKey.FIRMWARE, "3.2.6"),
    )


def test_a_component_list_gives_serial_number_and_type() -> None:
    """List 0x001C: records of 34 bytes."""
    records = [(5, b"S C-C2UR28922012"), (7, b"CPU 315-2 PN/DP")]
    body = "001c0000" + "0022" + "0002" + "".join(f"{index:04x}" + name.ljust(32, b"\0").hex() for index, name in records)
    hints = session().read(user_data(0x84, 1, body, tail="00000000"), False)[0].hints
    assert Hint(HintKey.SERIAL, "S C-C2UR28922012") in hints
    assert Hint(HintKey.MODEL, "CPU 315-2 PN/DP") in hints


def test_a_session_password_is_never_shown() -> None:
    """The login is seen, the secret is not."""
    message = read((user_data(0x45, 1, "213a1b1d6e681b1d"), True))[0]
    assert message == Message("s7comm", "request", "set_plc_session_password", None)


def test_setting_the_clock_is_a_write() -> None:
    """The time is read from its binary coded decimals."""
    message = read((user_data(0x47, 2, "00191408201159330400"), True))[0]
    assert (message.operation, message.value, message.write) == ("set_clock", "2014-08-20T11:59:33.040", True)


def test_a_variable_table_that_modifies_is_a_write() -> None:
    """Looking at the same table is not."""
    table = "0014000800000001000000120001000100010001000102000001010100000005"
    look, modify = read((user_data(0x41, 2, table), True), (user_data(0x41, 8, table), True))
    assert (look.operation, look.object, look.write) == ("variable_status", "MB5", False)
    assert (modify.operation, modify.object, modify.write) == ("modify_variable", "MB5", True)


def test_a_subscription_lends_its_variables_to_what_it_delivers() -> None:
    """Pushed values carry only the number that the first answer gave."""
    one = session()
    one.read(user_data(0x42, 1, "00010101" + any_item(4, 1, 9, 0x84, 160)), True)
    one.read(s7(7, "000112081282010300000000", "ff0900080001ff0400100007"), False)
    pushed = one.read(s7(7, "000112081202010300000000", "ff0900080001ff0400100009", reference=0), False)[0]
    assert (pushed.role, pushed.operation, pushed.object, pushed.value) == ("event", "cyclic_transfer", "DB9.DBW20", 9)


def test_mode_transitions_and_diagnostic_events_are_events() -> None:
    """A controller tells of its stop by itself."""
    event, stop = read((user_data(0x04, 3, "4304ff84"), False), (s7(7, "0100101000000000"), False))
    assert (event.role, event.operation, event.object) == ("event", "diagnostic_message", "event/0x4304")
    assert (stop.role, stop.operation) == ("event", "mode_transition_stop")


def test_roles_are_told_once() -> None:
    """Client and server are hinted at with the first message of each."""
    one = session()
    pairs = [(s7(1, WORD), True), (s7(3, "0401", "ff0400101234"), False)] * 2
    hints = [hint.value for pdu, way in pairs for message in one.read(pdu, way) for hint in message.hints]
    assert hints == ["s7comm.client", "s7comm.server"]


def test_a_message_in_fragments_is_one_message() -> None:
    """The fragment that ends it completes it; an empty one changes nothing."""
    whole = s7(1, WORD)[7:]
    one = session()
    assert one.read(frame(whole[:5], last=False), True) == []
    assert one.read(frame(b"", last=False), True) == []
    assert one.read(frame(whole[5:]), True)[0].object == "DB1.DBW10"


def test_a_gap_drops_the_fragments_before_it() -> None:
    """What follows a loss is read for itself."""
    one = session()
    one.read(frame(b"\x32\x01", last=False), True)
    one.gap(True)
    assert one.read(s7(1, WORD), True)[0].operation == "read_var"


@pytest.mark.parametrize(
    "pdu",
    [
        frame("320100000001000e0000" + WORD[:10]),
        s7(1, "0405" + any_item(2, 1, 0, 0x83, 0)),
        s7(1, "04"),
        s7(1, "0501" + any_item(2, 4, 0, 0x83, 0), "000400ff01"),
        s7(7, "0001"),
        s7(7, "0102030405060708"),
    ],
)
def test_a_broken_inside_is_a_malformed_message(pdu: bytes) -> None:
    """The frame is there, so the message is reported instead of thrown away."""
    (message,) = session().read(pdu, True)
    assert message.status == "malformed"


@pytest.mark.parametrize("pdu", [frame("3201"), frame("32090000000100000000"), b"\x03\x00\x00\x08\x02\x42\x80\x00"])
def test_what_cannot_be_named_is_refused(pdu: bytes) -> None:
    """A cut header, an unknown kind and a foreign transport PDU."""
    one = session()
    one.read(s7(1, WORD), True)
    with pytest.raises(Malformed):
        one.read(pdu, True)


def test_open_jobs_are_bounded() -> None:
    """The oldest job is forgotten first."""
    one = session(Limits(pending=2))
    for reference in (1, 2, 3):
        one.read(s7(1, WORD, reference=reference), True)
    assert one.read(s7(3, "0401", "ff0400101234", reference=1), False)[0].object is None
    assert one.read(s7(3, "0401", "ff0400101234", reference=3), False)[0].object == "DB1.DBW10"


def test_items_are_bounded() -> None:
    """No more than the limit are kept."""
    one = session(Limits(items=2))
    assert one.read(s7(1, MANY), True)[0].object == "M100.1,DB7.DBB10+4"


def test_data_without_a_protocol_is_passed_over() -> None:
    """User programs exchange bytes over the same transport."""
    assert session().read(frame(b"\x99\x01\x02"), True) == []


@pytest.mark.parametrize("pdu, to_responder", SAMPLES)
def test_every_sample_is_recognised(pdu: bytes, to_responder: bool) -> None:
    """By itself and followed by another frame; the other protocols of the transport stay possible."""
    for data in (pdu, pdu + SAMPLES[2][0]):
        assert recognise_s7comm(data, to_responder) == CERTAIN
        assert recognise_mms(data, to_responder) == POSSIBLE
        assert recognise_s7comm_plus(data, to_responder) == POSSIBLE


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        bytes.fromhex("0300002c27e00000000000") + b"Cookie: mstshash=eltons\r\n" + bytes.fromhex("0100080000000000"),
        bytes.fromhex("030000130ee000000000000100080003000000"),
        bytes.fromhex("030000130ed000001234000200080000000000"),
        frame("7f658201be0401010401010101ff"),
        frame("6400060370"),
        bytes.fromhex("00010000000601030000000a"),
    ],
)
def test_other_protocols_are_refused(data: bytes) -> None:
    """HTTP, TLS, Modbus, and remote desktop on the same transport."""
    assert recognise_s7comm(data, True) == NO
    assert recognise_s7comm_plus(data, True) == NO
    assert recognise_mms(data, True) == NO


@given(st.data())
def test_nothing_but_malformed_escapes(data: st.DataObject) -> None:
    """Mutated samples and random bytes, in any order."""
    one = session(Limits(message_bytes=4096))
    for _ in range(data.draw(st.integers(1, 4))):
        pdu = bytearray(data.draw(st.one_of(st.sampled_from([sample for sample, _ in SAMPLES]), st.binary(max_size=80))))
        for _ in range(data.draw(st.integers(0, 4))):
            if pdu:
                pdu[data.draw(st.integers(0, len(pdu) - 1))] = data.draw(st.integers(0, 255))
        way = data.draw(st.booleans())
        assert recognise_s7comm(bytes(pdu), way) in {NO, POSSIBLE, CERTAIN}
        try:
            length = one.frame_length(bytes(pdu), way)
            if 0 < length <= len(pdu):
                one.read(bytes(pdu[:length]), way)
            one.read(bytes(pdu), way)
        except Malformed:
            pass
