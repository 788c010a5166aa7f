"""IEC 60870-5-104: frames, causes, objects, values, and what broken ones do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hauberk.errors import Malformed
from hauberk.sense.dissect import iec104
from hauberk.sense.dissect.iec104_types import TYPES
from hauberk.sense.dissect.interface import CERTAIN, LIKELY, NO, POSSIBLE
from hauberk.sense.dissect.limits import DEFAULT_LIMITS, Limits


def apdu(asdu: str, control: str = "02000400") -> bytes:
    """An I frame around an ASDU in hexadecimal."""
    body = bytes.fromhex(control + asdu)
    return bytes([0x68, len(body)]) + body


TIME = "2bb7150a0b0c1a"
SAMPLES: tuple[tuple[bytes, bool], ...] = (
    (bytes.fromhex("680407000000"), True),
    (bytes.fromhex("68040b000000"), False),
    (bytes.fromhex("680413000000"), True),
    (bytes.fromhex("680443000000"), True),
    (bytes.fromhex("680483000000"), False),
    (bytes.fromhex("680401009c00"), True),
    (apdu("640106000300" + "000000" + "14"), True),
    (apdu("640107000300" + "000000" + "14"), False),
    (apdu("2d0106000300" + "941100" + "81"), True),
    (apdu("3a0106000300" + "951100" + "01" + TIME), True),
    (apdu("0d8214000300" + "140500" + "0000f04100" + "0000314400"), False),
    (apdu("0d0203000300" + "140500" + "0000f04100" + "200500" + "0000314400"), False),
    (apdu("1e0103000300" + "020000" + "01" + TIME), False),
    (apdu("670106000300" + "000000" + TIME), True),
    (apdu("7d010d000300" + "010000" + "0100010461626364"), True),
)
"""Start and stop, tests, an interrogation, commands, measured values in both forms, a clock and a file segment."""


def session() -> iec104.Iec104Session:
    """A fresh conversation."""
    return iec104.Iec104Session(DEFAULT_LIMITS)


def read(asdu: str, *, to_responder: bool = True) -> tuple[object, ...]:
    """The one message of an I frame, without protocol and hints."""
    (message,) = session().read(apdu(asdu), to_responder)
    return message[1:8]


@pytest.mark.parametrize(
    "asdu,operation,code,place,value,write",
    [
        ("2d0106000300" + "941100" + "81", "single_command", 45, "3/4500", (True, "select"), True),
        ("2d0106000300" + "941100" + "00", "single_command", 45, "3/4500", (False, "execute"), True),
        ("2e0106000300" + "f81100" + "06", "double_command", 46, "3/4600", ("on", "execute"), True),
        ("2f0106000300" + "010000" + "82", "regulating_step_command", 47, "3/1", ("higher", "select"), True),
        ("300106000300" + "010000" + "0040" + "00", "set_point_command_normalized", 48, "3/1", (0.5, "execute"), True),
        ("310106000300" + "010000" + "9cff" + "80", "set_point_command_scaled", 49, "3/1", (-100, "select"), True),
        ("320106000300" + "9c1300" + "00002ec2" + "00", "set_point_command_short_float", 50, "3/5020", (-43.5, "execute"), True),
        ("330106000300" + "010000" + "efbeadde", "bitstring_of_32_bit_command", 51, "3/1", 0xDEADBEEF, True),
        ("3a0106000300" + "951100" + "81" + TIME, "single_command_with_time_tag_cp56time2a", 58, "3/4501", (True, "select"), True),
        ("400106000300" + "010000" + "01000000" + TIME, "bitstring_of_32_bit_command_with_time_tag_cp56time2a", 64, "3/1", 1, True),
        ("640106000300" + "000000" + "14", "interrogation_command", 100, "3/0", 20, False),
        ("650106000300" + "000000" + "05", "counter_interrogation_command", 101, "3/0", 5, False),
        ("650106000300" + "000000" + "45", "counter_interrogation_command", 101, "3/0", 0x45, True),
        ("660105000300" + "010000", "read_command", 102, "3/1", None, False),
        (
            "670106000300" + "000000" + TIME,
            "clock_synchronization_command",
            103,
            "3/0",
            "2026-12-11T10:21:46.891",
            True,
        ),
        ("680106000300" + "000000" + "aa55", "test_command", 104, "3/0", 0x55AA, False),
        ("690106000300" + "000000" + "01", "reset_process_command", 105, "3/0", 1, True),
        ("6a0106000300" + "000000" + "0100", "delay_acquisition_command", 106, "3/0", 1, False),
        ("6b0106000300" + "000000" + "0100" + TIME, "test_command_with_time_tag_cp56time2a", 107, "3/0", 1, False),
        ("6e0106000300" + "010000" + "0040" + "01", "parameter_of_measured_value_normalized", 110, "3/1", 0.5, True),
        ("700106000300" + "010000" + "0000803f" + "01", "parameter_of_measured_value_short_float", 112, "3/1", 1.0, True),
        ("710106000300" + "010000" + "02", "parameter_activation", 113, "3/1", 2, True),
    ],
)
def test_activation_and_its_confirmation(asdu: str, operation: str, code: int, place: str, value: object, write: bool) -> None:
    """Each command: a request; confirmed, the response has the same operation, object, value and write flag."""
    assert read(asdu) == ("request", operation, code, place, value, "ok", write)
    if asdu[4:6] == "06":
        for cause in ("07", "0a"):
            answer = asdu[:4] + cause + asdu[6:]
            assert read(answer, to_responder=False) == ("response", operation, code, place, value, "ok", write)


@pytest.mark.parametrize(
    "asdu,operation,place,value",
    [
        ("010103000300" + "020000" + "01", "single_point_information", "3/2", True),
        ("018402000300" + "010000" + "01000100", "single_point_information", "3/1-4", (True, False, True, False)),
        ("030103000300" + "020000" + "02", "double_point_information", "3/2", "on"),
        ("050103000300" + "020000" + "7f00", "step_position_information", "3/2", -1),
        ("070103000300" + "020000" + "0f00000000", "bitstring_of_32_bit", "3/2", 15),
        ("090103000300" + "020000" + "00c000", "measured_value_normalized", "3/2", -0.5),
        ("0b0103000300" + "020000" + "9cff00", "measured_value_scaled", "3/2", -100),
        ("0d8203000300" + "140500" + "0000f04100" + "0000314400", "measured_value_short_float", "3/1300-1301", (30.0, 708.0)),
        (
            "0d0203000300" + "140500" + "0000f04100" + "150500" + "0000314400",
            "measured_value_short_float",
            "3/1300-1301",
            (30.0, 708.0),
        ),
        (
            "0d0203000300" + "140500" + "0000f04100" + "200501" + "0000314400",
            "measured_value_short_float",
            "3/1300,66848",
            (30.0, 708.0),
        ),
        ("0f0103000300" + "020000" + "ffffffff01", "integrated_totals", "3/2", -1),
        ("150103000300" + "020000" + "0040", "measured_value_normalized_without_quality", "3/2", 0.5),
        ("1e0103000300" + "020000" + "00" + TIME, "single_point_information_with_time_tag_cp56time2a", "3/2", False),
        ("240103000300" + "020000" + "0000f04100" + TIME, "measured_value_short_float_with_time_tag_cp56time2a", "3/2", 30.0),
        ("460104000300" + "000000" + "00", "end_of_initialization", "3/0", 0),
    ],
)
def test_monitored_information(asdu: str, operation: str, place: str, value: object) -> None:
    """Each kind of information: objects in both forms, values without quality and time."""
    assert read(asdu, to_responder=False) == ("event", operation, int(asdu[:2], 16), place, value, "ok", False)


@pytest.mark.parametrize("number", sorted(TYPES))
def test_every_type_of_fixed_size_is_whole_at_its_size(number: int) -> None:
    """The layouts with and without address agree, and one byte less is malformed."""
    row = TYPES[number]
    if row.addressed is None or row.element is None:
        assert read(f"{number:02x}0103000300" + "010000" + "00")[5] == "ok"
        return
    assert row.addressed.size == row.element.size + 3
    body = "010000" + "00" * row.element.size
    assert read(f"{number:02x}0103000300" + body)[5] == "ok"
    assert read(f"{number:02x}8103000300" + body)[3] == "3/1"
    assert read(f"{number:02x}0103000300" + body[:-2])[5] == "malformed"
    assert read(f"{number:02x}0103000300" + body + "00")[5] == "malformed"


@pytest.mark.parametrize(
    "cause,role,status",
    [
        ("01", "event", "ok"),
        ("02", "event", "ok"),
        ("05", "response", "ok"),
        ("14", "response", "ok"),
        ("0b", "event", "ok"),
    ],
)
def test_cause_of_information_decides_the_role(cause: str, role: str, status: str) -> None:
    """Periodic, background, requested, interrogated, return information."""
    message = read("0101" + cause + "000300" + "020000" + "01", to_responder=False)
    assert (message[0], message[5]) == (role, status)


@pytest.mark.parametrize(
    "cause,status",
    [
        ("47", "negative_confirmation"),
        ("4a", "negative_confirmation"),
        ("6c", "unknown_type_identification"),
        ("6d", "unknown_cause_of_transmission"),
        ("6e", "unknown_common_address_of_asdu"),
        ("6f", "unknown_information_object_address"),
        ("2f", "unknown_information_object_address"),
    ],
)
def test_refusals_are_responses_with_their_reason(cause: str, status: str) -> None:
    """A station that says no: still the same command, still a write."""
    message = read("2d01" + cause + "000300" + "941100" + "01", to_responder=False)
    assert (message[0], message[1], message[5], message[6]) == ("response", "single_command", status, True)


def test_command_with_a_cause_that_does_not_fit_is_judged_by_its_sender() -> None:
    """A command sent as spontaneous is no event: what the controlling station sends is a request, and a write."""
    assert read("2d0103000300" + "941100" + "01")[0::6] == ("request", True)
    assert read("2d0103000300" + "941100" + "01", to_responder=False)[0] == "response"


def test_direction_is_learnt_where_the_caller_is_wrong() -> None:
    """Start of data transfer tells who controls; file types have no cause that would."""
    conversation = session()
    conversation.read(bytes.fromhex("680407000000"), False)
    (segment,) = conversation.read(SAMPLES[-1][0], False)
    assert (segment.role, segment.write) == ("request", True)
    (segment,) = conversation.read(SAMPLES[-1][0], True)
    assert (segment.role, segment.write) == ("event", False)


@pytest.mark.parametrize(
    "asdu,write",
    [
        ("78010d000300" + "010000" + "010010000000", True),
        ("7a010d000300" + "010000" + "01000001", False),
        ("7a010d000300" + "010000" + "01000004", True),
        ("7b010d000300" + "010000" + "0100010100", True),
        ("7c010d000300" + "010000" + "01000101", False),
        ("7e010d000300" + "010000" + "010010000000" + TIME, False),
    ],
)
def test_file_transfer_to_the_station_is_a_write(asdu: str, write: bool) -> None:
    """Sending and deleting files writes; selecting, acknowledging and listing do not."""
    assert read(asdu)[6] is write
    assert read(asdu, to_responder=False)[6] is False


@pytest.mark.parametrize(
    "data,operation,role",
    [
        ("680407000000", "startdt_act", "request"),
        ("68040b000000", "startdt_con", "response"),
        ("680413000000", "stopdt_act", "request"),
        ("680423000000", "stopdt_con", "response"),
        ("680443000000", "testfr_act", "request"),
        ("680483000000", "testfr_con", "response"),
        ("680401009c00", "supervisory", "response"),
    ],
)
def test_frames_without_application_data_have_no_code(data: str, operation: str, role: str) -> None:
    """U and S frames."""
    (message,) = session().read(bytes.fromhex(data), True)
    assert message[:8] == ("iec104", role, operation, None, None, None, "ok", False)


@pytest.mark.parametrize("data", ["6804ff000000", "6806030000000000", "680601000000aabb", "680702000400" + "640106"])
def test_frame_with_a_broken_inside_is_malformed(data: str) -> None:
    """Unknown control bits, control frames that are too long, an ASDU without its header."""
    (message,) = session().read(bytes.fromhex(data), True)
    assert (message.status, message.code) == ("malformed", None)


@pytest.mark.parametrize("data", ["", "68", "68040700", "6803070000", "68fe07000000", "690407000000", "68040700000000"])
def test_no_whole_frame_is_refused(data: str) -> None:
    """Only one whole APDU is read."""
    with pytest.raises(Malformed) as caught:
        session().read(bytes.fromhex(data), True)
    assert caught.value.code == "hauberk.input.malformed"


def test_reserved_type_keeps_its_number() -> None:
    """A type nobody defined is still counted."""
    assert read("ff0103000700" + "010000" + "00")[1:6] == ("reserved_type_255", 255, "7", None, "ok")


def test_objects_announced_beyond_the_frame_are_malformed() -> None:
    """The count of objects contradicts the length, in both forms."""
    assert read("018a14000300" + "010000" + "0100")[2:6] == (1, "3/1-10", (True, False), "malformed")
    assert read("010a14000300" + "010000" + "01" + "020000" + "00")[2:6] == (1, "3/1,2", (True, False), "malformed")
    assert read("010014000300" + "010000" + "01")[5] == "malformed"


def test_frame_length_counts_start_and_length() -> None:
    """Two bytes tell the length; several frames of a segment are cut one by one."""
    data = SAMPLES[6][0]
    assert [session().frame_length(both, True) for both in (b"", data[:1], data[:2], data + data)] == [0, 0, len(data), len(data)]
    with pytest.raises(Malformed):
        session().frame_length(b"\x05\x64", True)


def test_roles_are_told_once() -> None:
    """Both stations are hinted at with their first telling message only."""
    conversation = session()
    frames = [SAMPLES[0], SAMPLES[6], SAMPLES[7], SAMPLES[6], SAMPLES[7]]
    hints = [conversation.read(data, direction)[0].hints for data, direction in frames]
    assert [[hint.value for hint in of] for of in hints] == [
        ["iec104.controlling_station"],
        [],
        ["iec104.controlled_station"],
        [],
        [],
    ]


def test_bounds_are_kept() -> None:
    """Values, addresses and remembered places stay within their limits; far apart addresses cost nothing."""
    conversation = iec104.Iec104Session(Limits(items=4, pending=8))
    (message,) = conversation.read(apdu("010a14000300" + "".join(f"{n * 2:02x}000001" for n in range(10))), False)
    assert (message.object, message.value, message.status) == ("3/0,2,4,6", (True,) * 4, "ok")
    for address in range(50):
        conversation.read(apdu("010103000300" + f"{address:02x}0000" + "01"), False)
    assert len(conversation._places) <= 8
    assert read("010214000300" + "00000001" + "ffffff01", to_responder=False)[3] == "3/0,16777215"
    conversation.gap(True)
    assert not conversation.finished


@pytest.mark.parametrize("data,direction", SAMPLES)
def test_recognised_by_content_on_any_port(data: bytes, direction: bool) -> None:
    """Control frames and ASDUs whose length agrees, alone or several in a segment, whole or cut."""
    assert iec104.recognise(data, direction) >= LIKELY
    assert iec104.recognise(data + data[:4], direction) >= LIKELY
    assert iec104.recognise(data[:4], direction) == POSSIBLE


@pytest.mark.parametrize(
    "data",
    [
        b"hello",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00",
        b"\x05\x64\x05\xc9\x03\x00\x04\x00\xbd\x71",
        b"\x00\x01\0\0\0\x06\x01\x03\0\0\0\x01",
        b"\x68\x04\x04\x68\x08\x01\x72\x00",
        b"\x68\x04\x07\x00\x00\x01",
        b"\x68\x20\x01\x00\x00\x00",
        b"",
    ],
)
def test_other_protocols_are_not_iec104(data: bytes) -> None:
    """Text that begins with the same letter, HTTP, TLS, DNP3, Modbus, M-Bus and broken control frames."""
    assert iec104.recognise(data, True) == NO


@given(
    st.lists(
        st.tuples(st.sampled_from(SAMPLES), st.lists(st.tuples(st.integers(0, 300), st.integers(0, 255)), max_size=4)), max_size=5
    ),
    st.binary(max_size=300),
    st.binary(max_size=240),
)
def test_nothing_but_malformed_escapes(
    pieces: list[tuple[tuple[bytes, bool], list[tuple[int, int]]]], noise: bytes, inside: bytes
) -> None:
    """Changed frames, noise, and noise in an I frame are read or refused, never worse."""
    conversation = session()
    built: list[tuple[tuple[bytes, bool], list[tuple[int, int]]]] = [((apdu(inside.hex()), True), []), ((noise, True), [])]
    for (original, direction), changes in [*pieces, *built]:
        data = bytearray(original)
        for position, byte in changes:
            data[position % len(data)] = byte
        changed = bytes(data)
        assert 0 <= iec104.recognise(changed, direction) <= CERTAIN
        try:
            size = conversation.frame_length(changed, direction)
            assert size >= 0
            for message in conversation.read(changed, direction):
                assert message.protocol == "iec104"
        except Malformed:
            continue
