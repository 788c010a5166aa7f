"""DNP3: frames and checksums, segments, objects, indications, and what broken ones do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hauberk.errors import Malformed
from hauberk.model.hint import HintKey
from hauberk.model.transaction import Message
from hauberk.sense.dissect import dnp3
from hauberk.sense.dissect.dnp3_link import frame_size, header_is_right, user_data
from hauberk.sense.dissect.interface import CERTAIN, NO, POSSIBLE
from hauberk.sense.dissect.limits import DEFAULT_LIMITS, Limits

MASTER, OUTSTATION = 3, 4


def checksum(data: bytes) -> bytes:
    """CRC of the standard's annex E, bit by bit."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA6BC if crc & 1 else 0)
    return (crc ^ 0xFFFF).to_bytes(2, "little")


def frame(control: int, user: bytes = b"", *, source: int = MASTER, destination: int = OUTSTATION) -> bytes:
    """A link frame."""
    header = b"\x05\x64" + bytes([5 + len(user), control]) + destination.to_bytes(2, "little") + source.to_bytes(2, "little")
    blocks = [user[start : start + 16] for start in range(0, len(user), 16)]
    return header + checksum(header) + b"".join(block + checksum(block) for block in blocks)


def request(application: str, *, sequence: int = 0, transport: int = 0xC0) -> bytes:
    """A whole fragment from the master: function code and objects in hexadecimal."""
    return frame(0xC4, bytes([transport, 0xC0 | sequence]) + bytes.fromhex(application))


def response(application: str, *, sequence: int = 0, transport: int = 0xC0) -> bytes:
    """A whole fragment from the outstation."""
    return frame(0x44, bytes([transport, 0xC0 | sequence]) + bytes.fromhex(application), source=OUTSTATION, destination=MASTER)


CROB = "0c01280100010003016400000064000000"
SAMPLES: tuple[tuple[bytes, bool], ...] = (
    (bytes.fromhex("05640bc403000400ef7ac1c1013c0206b576"), True),
    (bytes.fromhex("056405c903000400bd71"), True),
    (bytes.fromhex("05641ac403000400c9b7c1c1030c0128010001000301640000007b5e6400000000005b"), True),
    (bytes.fromhex("05641c4401000a007636c6c08100000c01280100000003016400c39600006400000000005b"), False),
    (bytes.fromhex("056412c403000400152dc1c10232010701fa7d0b460d01c863"), True),
    (bytes.fromhex("05640a4401000a006e25c0f08280006b7d"), False),
    (bytes.fromhex("056408c40a000100fc42c0c00d9c86"), True),
    (request("1946035b0128001a000e00" + "00" * 16 + "010000040400" + b"./testfile.txt".hex()), True),
    (response("8100001e02280200010001640002000107ff" + "0203070001c8"), False),
    (response("81000000fc00000001044163" + "6d65"), False),
    (request("0170010600"), True),
    (frame(0x0B, source=OUTSTATION, destination=MASTER), False),
    (frame(0xC4, bytes([0x40, 0xC0, 1, 60, 2]) + b"\x06"), True),
    (frame(0xC4, bytes([0x81, 60, 3, 6])), True),
)
"""Polls, controls, answers, link frames, and the two segments of one fragment."""


def session() -> dnp3.Dnp3Session:
    """A fresh conversation."""
    return dnp3.Dnp3Session(DEFAULT_LIMITS)


def only(data: bytes, *, to_responder: bool = True) -> Message:
    """The one message of a frame."""
    (message,) = session().read(data, to_responder)
    return message


def test_checksum_agrees_with_its_definition() -> None:
    """The table-driven check accepts what the bitwise definition makes, at every block length, and nothing one bit off."""
    for size in range(40):
        data = frame(0xC4, bytes(range(size)))
        assert len(data) == frame_size(5 + size)
        assert header_is_right(data)
        assert user_data(data) == bytes(range(size))
        for position in range(10, len(data)):
            assert user_data(data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]) is None


@pytest.mark.parametrize(
    "application,operation,code,place,value,write",
    [
        ("013c0206", "read", 1, "3->4/g60v2", None, False),
        ("01" + "3c0206" + "3c0306", "read", 1, "3->4/g60v2,g60v3", None, False),
        ("01" + "0102000005", "read", 1, "3->4/g1v2/0-5", None, False),
        ("01" + "1e01170207" + "09", "read", 1, "3->4/g30v1/7+9", None, False),
        ("02" + "32010701fa7d0b460d01", "write", 2, "3->4/g50v1", (0x010D460B7DFA,), True),
        ("02" + "500100070700", "write", 2, "3->4/g80v1/7", (False,), True),
        ("03" + CROB + "00", "select", 3, "3->4/g12v1/1", ("latch_on count=1 on=100 off=100",), True),
        ("04" + CROB + "00", "operate", 4, "3->4/g12v1/1", ("latch_on count=1 on=100 off=100",), True),
        ("05" + "0c01170105810200000000fa00000000", "direct_operate", 5, "3->4/g12v1/5", None, True),
        ("05" + "2901280100020010270000" + "00", "direct_operate", 5, "3->4/g41v1/2", (10000,), True),
        ("06" + "29032801000200" + "0000c03f" + "00", "direct_operate_nr", 6, "3->4/g41v3/2", (1.5,), True),
        ("07" + "140006", "immed_freeze", 7, "3->4/g20v0", None, True),
        ("0b" + "3202070100000000000000000000" + "140006", "freeze_at_time", 11, "3->4/g50v2,g20v0", (0,), True),
        ("0d", "cold_restart", 13, "3->4", None, True),
        ("0e", "warm_restart", 14, "3->4", None, True),
        ("12" + "5a015b01040001020304", "stop_application", 18, "3->4/g90v1", None, True),
        ("13", "save_configuration", 19, "3->4", None, True),
        ("14" + "3c0206", "enable_unsolicited", 20, "3->4/g60v2", None, True),
        ("15" + "3c0206", "disable_unsolicited", 21, "3->4/g60v2", None, True),
        ("16" + "3c0306" + "0100000007", "assign_class", 22, "3->4/g60v3,g1v0/0-7", None, True),
        ("17", "delay_measurement", 23, "3->4", None, False),
        ("1b" + "46035b011e001a000400" + "00" * 22 + b"a.sh".hex(), "delete_file", 27, "3->4/g70v3", ("a.sh",), True),
        ("20" + "78025b0104000100aabb", "authentication_request", 32, "3->4/g120v2", None, False),
        ("00", "confirm", 0, "3->4", None, False),
        ("46", "reserved_function_70", 70, "3->4", None, False),
    ],
)
def test_request(application: str, operation: str, code: int, place: str, value: object, write: bool) -> None:
    """Each family of functions: operation, objects, values and whether it changes the outstation."""
    message = only(request(application))
    assert message.operation == operation
    assert (message.role, message.code, message.object, message.write, message.status) == (
        "request",
        code,
        place,
        write,
        message.status,
    )
    if value is not None:
        assert (message.value, message.status) == (value, "ok")


@pytest.mark.parametrize("mode,write", [(1, False), (2, True), (3, True)])
def test_opening_a_file_writes_by_its_mode(mode: int, write: bool) -> None:
    """Open for reading changes nothing; the authentication key is not kept."""
    body = "1946035b0120001a000600" + "00" * 8 + "deadbeef" + "00000000" + f"{mode:02x}00" + "00040400"
    message = only(request(body + b"cfg.db".hex()))
    assert (message.value, message.write, message.status) == (("cfg.db",), write, "ok")


@pytest.mark.parametrize(
    "objects,place,value",
    [
        ("0101000009ff03", "g1v1/0-9", (True,) * 10),
        ("01020000010181", "g1v2/0-1", (False, True)),
        ("02022801000500" + "81" + "000000000000", "g2v2/5", (True,)),
        ("0301000003e4", "g3v1/0-3", (0, 1, 2, 3)),
        ("030200000041", "g3v2/0", (1,)),
        ("1402000000" + "01" + "3412", "g20v2/0", (0x1234,)),
        ("1e0228020001000164000200" + "01" + "9cff", "g30v2/1+2", (100, -100)),
        ("1e05000000" + "01" + "0000c03f", "g30v5/0", (1.5,)),
        ("2003170103" + "01" + "ffffffff" + "000000000000", "g32v3/3", (-1,)),
        ("340207015802", "g52v2", (600,)),
        ("6e0500000068656c6c6f", "g110v5/0", ("hello",)),
        ("700517010168656c6c6f", "g112v5/1", None),
        ("78015b0104000a0b0c0d", "g120v1", None),
    ],
)
def test_response_values(objects: str, place: str, value: object) -> None:
    """Binary, double-bit, counter, analog, time and string objects; terminals and authentication keep their secrets."""
    message = only(response("810000" + objects), to_responder=False)
    assert (message.role, message.code, message.object) == ("response", 129, f"3->4/{place}")
    assert (message.value, message.status) == (value, "ok")


def test_response_without_objects_gets_those_of_its_request() -> None:
    """The application sequence number pairs them; another number does not."""
    conversation = session()
    conversation.read(request("143c0206", sequence=3), True)
    conversation.read(request("0d", sequence=4), True)
    (message,) = conversation.read(response("810000", sequence=3), False)
    assert message.object == "3->4/g60v2"
    (again,) = conversation.read(response("810000", sequence=3), False)
    assert again.object == "3->4"


@pytest.mark.parametrize(
    "indications,status,value",
    [
        ("0000", "ok", None),
        ("8000", "ok", ("device_restart",)),
        ("9008", "ok", ("need_time", "device_restart", "event_buffer_overflow")),
        ("0001", "no_func_code_support", ("no_func_code_support",)),
        ("0002", "object_unknown", ("object_unknown",)),
        ("0004", "parameter_error", ("parameter_error",)),
        ("0010", "already_executing", ("already_executing",)),
        ("0020", "config_corrupt", ("config_corrupt",)),
    ],
)
def test_indications_of_an_empty_response(indications: str, status: str, value: object) -> None:
    """A refusal is the status; every indication is the value where there is no other."""
    message = only(response("81" + indications), to_responder=False)
    assert (message.status, message.value) == (status, value)


def test_refused_control_is_a_status() -> None:
    """The status inside an echoed control says why it was not done."""
    assert only(response("810000" + CROB + "07"), to_responder=False).status == "local"
    assert only(response("810000" + "2902280100020010270c"), to_responder=False).status == "out_of_range"


def test_refused_file_is_a_status() -> None:
    """A file command answered with an error."""
    message = only(response("810000" + "46045b010d00" + "00" * 12 + "03"), to_responder=False)
    assert message.status == "file_not_found"


def test_unsolicited_response_is_an_event() -> None:
    """The outstation speaks first."""
    message = only(bytes.fromhex("05640a4401000a006e25c0f08280006b7d"), to_responder=True)
    assert (message.role, message.code, message.operation, message.object) == ("event", 130, "unsolicited_response", "1->10")


@pytest.mark.parametrize(
    "control,operation,role",
    [
        (0xC0, "reset_link_states", "request"),
        (0xC2, "test_link_states", "request"),
        (0xC9, "request_link_status", "request"),
        (0x00, "ack", "response"),
        (0x01, "nack", "response"),
        (0x0B, "link_status", "response"),
        (0x0F, "not_supported", "response"),
        (0xCD, "reserved_link_function_13", "request"),
    ],
)
def test_link_frame_alone_is_a_message_without_code(control: int, operation: str, role: str) -> None:
    """Frames without user data keep the link alive."""
    master_sends = control & 0x80
    source, destination = (MASTER, OUTSTATION) if master_sends else (OUTSTATION, MASTER)
    message = only(frame(control, source=source, destination=destination))
    assert message == ("dnp3", role, operation, None, "3->4", None, "ok", False, ())


def test_segments_become_one_fragment_also_across_the_end_of_numbers() -> None:
    """Three segments numbered 63, 0, 1: one message, with the last."""
    conversation = session()
    assert conversation.read(frame(0xC4, bytes([0x7F, 0xC0, 1, 60])), True) == []
    assert conversation.read(frame(0xC4, bytes([0x00, 2, 6, 60])), True) == []
    (message,) = conversation.read(frame(0xC4, bytes([0x81, 3, 6])), True)
    assert message.object == "3->4/g60v2,g60v3"
    assert not conversation._partials


def test_segment_sent_twice_is_counted_once() -> None:
    """A link layer retry does not break the fragment."""
    conversation = session()
    first = frame(0xC4, bytes([0x40, 0xC0, 1, 60]))
    conversation.read(first, True)
    conversation.read(first, True)
    (message,) = conversation.read(frame(0xC4, bytes([0x81, 2, 6])), True)
    assert message.object == "3->4/g60v2"


@pytest.mark.parametrize("wrong", [0x82, 0x8F])
def test_missing_segment_gives_no_message(wrong: int) -> None:
    """A hole in the numbers: the fragment is dropped, the next one is read."""
    conversation = session()
    conversation.read(frame(0xC4, bytes([0x40, 0xC0, 1, 60])), True)
    assert conversation.read(frame(0xC4, bytes([wrong, 2, 6])), True) == []
    assert conversation.read(frame(0xC4, bytes([0x81, 2, 6])), True) == []
    assert len(conversation.read(request("0d"), True)) == 1


def test_gap_forgets_half_a_fragment_of_its_direction_only() -> None:
    """Bytes lost from the master say nothing of what the outstation sends."""
    conversation = session()
    conversation.read(frame(0xC4, bytes([0x40, 0xC0, 1, 60])), True)
    conversation.read(frame(0x44, bytes([0x40, 0xC0, 129, 0]), source=OUTSTATION, destination=MASTER), False)
    conversation.gap(True)
    assert conversation.read(frame(0xC4, bytes([0x81, 2, 6])), True) == []
    assert len(conversation.read(frame(0x44, bytes([0x81, 0]), source=OUTSTATION, destination=MASTER), False)) == 1
    assert not conversation.finished


@pytest.mark.parametrize("position", [4, 8, 11, 17])
def test_wrong_checksum_is_malformed_and_its_content_not_believed(position: int) -> None:
    """Header or block: link addresses are told, nothing else."""
    data = bytearray(request("0d" + "3c0206"))
    data[position] ^= 0x10
    message = only(bytes(data))
    assert (message.status, message.code, message.write, message.value) == ("malformed", None, False, None)


@pytest.mark.parametrize(
    "application",
    [
        "01" + "3c02",
        "01" + "3c020b",
        "03" + "0c0128",
        "03" + CROB,
        "01" + "0101000500",
        "02" + "500100070a",
        "02" + "46035b01ff00",
        "01" + "1e011705",
    ],
)
def test_broken_objects_are_malformed_but_keep_the_function(application: str) -> None:
    """Objects that announce more than there is."""
    message = only(request(application))
    assert (message.status, message.code) == ("malformed", int(application[:2], 16))


def test_short_fragments_are_malformed() -> None:
    """No function code, and a response without indications."""
    assert only(frame(0xC4, b"\xc0\xc0")).status == "malformed"
    assert only(response("8100"), to_responder=False)[2:7] == ("response", 129, "3->4", None, "malformed")


def test_frame_length_counts_checksums() -> None:
    """Three bytes tell the length."""
    data = request("0d" + "00" * 40)
    assert [session().frame_length(data[:size], True) for size in (0, 2, 3, len(data))] == [0, 0, len(data), len(data)]


@pytest.mark.parametrize("data", ["0665", "056404c0", "47", "0505"])
def test_no_start_bytes_is_malformed(data: str) -> None:
    """Other bytes, or a length below that of a header, begin no frame."""
    with pytest.raises(Malformed) as caught:
        session().frame_length(bytes.fromhex(data), True)
    assert caught.value.code == "hauberk.input.malformed"


def test_datagram_may_hold_several_frames() -> None:
    """Over UDP, frames stand behind each other; a rest that is no frame is passed over, a cut first frame is malformed."""
    messages = session().read(request("0d") + request("0e", sequence=1) + b"\x00\x01", True)
    assert [message.code for message in messages] == [13, 14]
    with pytest.raises(Malformed):
        session().read(request("0d")[:-1], True)


def test_device_attributes_become_hints() -> None:
    """Group 0 names maker, model, firmware and serial number."""
    texts = {252: b"Acme", 250: b"RTU-7", 242: b"2.1", 248: b"S1"}
    body = "".join(f"00{number:02x}000000" + f"01{len(words):02x}" + words.hex() for number, words in texts.items())
    message = only(response("810000" + body), to_responder=False)
    assert {hint.key: hint.value for hint in message.hints} == {
        HintKey.VENDOR: "Acme",
        HintKey.MODEL: "RTU-7",
        HintKey.FIRMWARE: "2.1",
        HintKey.SERIAL: "S1",
        HintKey.ROLE: "dnp3.outstation",
    }
    assert message.value == ("Acme", "RTU-7", "2.1", "S1")


def test_roles_are_told_once() -> None:
    """Master and outstation are hinted at with their first message only."""
    conversation = session()
    frames = [(request("013c0106"), True), (response("810000"), False)] * 2
    hints = [conversation.read(data, direction)[0].hints for data, direction in frames]
    assert [[hint.value for hint in of] for of in hints] == [["dnp3.master"], ["dnp3.outstation"], [], []]


def test_bounds_are_kept() -> None:
    """Values, open requests and half fragments stay within their limits."""
    conversation = dnp3.Dnp3Session(Limits(items=4, pending=8, message_bytes=64))
    (message,) = conversation.read(response("810000" + "0102000009" + "81" * 10 + "0102000009" + "81" * 10), False)
    assert message.value == (True,) * 4
    for source in range(100):
        conversation.read(frame(0xC4, bytes([0xC0, 0xC0, 1]), source=source), True)
        conversation.read(frame(0xC4, bytes([0x40, 0xC0, 1]), source=source), True)
    assert len(conversation._partials) == len(conversation._pending) == 8
    for number in range(1, 9):
        conversation.read(frame(0xC4, bytes([number]) + b"\0" * 20, source=99), True)
    assert len(conversation._partials) == 7


@pytest.mark.parametrize("data,direction", SAMPLES)
def test_recognised_by_content_on_any_port(data: bytes, direction: bool) -> None:
    """The header checksum makes it certain."""
    assert dnp3.recognise(data, direction) == CERTAIN
    assert dnp3.recognise(data[:6], direction) == POSSIBLE


@pytest.mark.parametrize(
    "data",
    [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00", b"\x68\x04\x07\0\0\0", b"\x00\x01\0\0\0\x06\x01\x03\0\0\0\x01", b""],
)
def test_other_protocols_are_not_dnp3(data: bytes) -> None:
    """HTTP, TLS, IEC 104 and Modbus are something else."""
    assert dnp3.recognise(data, True) == NO


@given(
    st.lists(
        st.tuples(st.sampled_from(SAMPLES), st.lists(st.tuples(st.integers(0, 300), st.integers(0, 255)), max_size=4)), max_size=5
    ),
    st.binary(max_size=300),
    st.binary(max_size=240),
)
def test_nothing_but_malformed_escapes(
    pieces: list[tuple[tuple[bytes, bool], list[tuple[int, int]]]], noise: bytes, user: bytes
) -> None:
    """Changed frames, noise, and noise in frames with right checksums are read or refused, never worse."""
    conversation = session()
    built: list[tuple[tuple[bytes, bool], list[tuple[int, int]]]] = [
        ((frame(0xC4, user), True), []),
        ((frame(0x44, b"\xc0\xc0\x81\0\0" + user), False), []),
        ((noise, True), []),
    ]
    for (original, direction), changes in [*pieces, *built]:
        data = bytearray(original)
        for position, byte in changes:
            data[position % len(data)] = byte
        changed = bytes(data)
        assert 0 <= dnp3.recognise(changed, direction) <= CERTAIN
        try:
            size = conversation.frame_length(changed, direction)
            assert size >= 0
            for message in conversation.read(changed, direction):
                assert message.protocol == "dnp3"
        except Malformed:
            continue
