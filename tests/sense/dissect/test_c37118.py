"""Synchrophasors: IEEE C37.118.2."""

from __future__ import annotations

from binascii import crc_hqx
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hauberk.errors import Malformed
from hauberk.model.hint import HintKey
from hauberk.model.transaction import MALFORMED, OK, Message
from hauberk.sense.dissect.c37118 import DISSECTORS, SynchrophasorSession, recognise
from hauberk.sense.dissect.interface import CERTAIN, LIKELY, NO, POSSIBLE
from hauberk.sense.dissect.limits import DEFAULT_LIMITS, Limits


def frame(kind: int, body: bytes, code: int = 241, version: int = 1) -> bytes:
    """A frame with its check."""
    head = pack(">BBHHII", 0xAA, kind << 4 | version, 16 + len(body), code, 1218023578, 622592)
    return head + body + crc_hqx(head + body, 0xFFFF).to_bytes(2, "big")


def station(name: str, form: int, phasors: int = 1, analogs: int = 1, digitals: int = 1, nominal: int = 1) -> bytes:
    """One station of a configuration 2 frame."""
    labels = phasors + analogs + 16 * digitals
    return (
        name.encode().ljust(16)
        + pack(">HHHHH", 7, form, phasors, analogs, digitals)
        + b"label".ljust(16) * labels
        + b"\x00" * 4 * (phasors + analogs + digitals)
        + pack(">HH", nominal, 1)
    )


def station_3(name: str, form: int) -> bytes:
    """One station of a configuration 3 frame, with one phasor and one digital word."""
    labels = b"".join(bytes((len(text),)) + text for text in (b"VA", b"", *(b"bit%d" % bit for bit in range(15))))
    return (
        bytes((len(name),))
        + name.encode()
        + pack(">H16sHHHH", 7, b"g" * 16, form, 1, 0, 1)
        + labels
        + b"\x00" * (12 + 4 + 21)
        + pack(">HH", 0, 1)
    )


def configuration(*stations: bytes, kind: int = 3, prefix: bytes = b"") -> bytes:
    """A configuration frame."""
    return frame(kind, prefix + pack(">IH", 1000000, len(stations)) + b"".join(stations) + pack(">h", 50))


def command(number: int) -> bytes:
    """A command frame."""
    return frame(4, number.to_bytes(2, "big"))


FLOATS = configuration(station("Blue PMU", 0b1111))
DATA_FLOATS = frame(0, pack(">H8xff4x2x", 0, 50.0021, 0.1))
INTEGERS = configuration(station("Red PMU", 0, nominal=0), station("Green PMU", 0b1000))
DATA_INTEGERS = frame(0, pack(">H4xhh2x2x", 0x4000, -25, 0) + pack(">H4xff2x2x", 0xC000, 49.98, 0))
THIRD = configuration(station_3("Third", 0b1111), kind=5, prefix=b"\x00\x00")

SAMPLES: tuple[tuple[bytes, bool], ...] = (
    (command(5), True),
    (FLOATS, False),
    (command(2), True),
    (DATA_FLOATS, False),
    (frame(1, b"Substation 7"), False),
    (configuration(station("Blue PMU", 15), kind=2), False),
    (INTEGERS, False),
    (DATA_INTEGERS, False),
    (THIRD, False),
    (frame(0, pack(">H8xff2x", 0x8000, 60.0, 0)), False),
    (command(1), True),
    (command(0x0101), True),
)


def talk(*exchange: tuple[bytes, bool], limits: Limits = DEFAULT_LIMITS) -> list[Message]:
    """The messages of an exchange; every PDU must be one frame."""
    session = SynchrophasorSession(limits)
    messages = []
    for pdu, to_responder in exchange:
        assert session.frame_length(pdu, to_responder) == len(pdu)
        messages.extend(session.read(pdu, to_responder))
    return messages


def test_samples_are_sound() -> None:
    """Each is one message with its frame type, on the stream's code."""
    messages = talk(*SAMPLES)
    assert [found.code for found in messages] == [pdu[1] >> 4 for pdu, _ in SAMPLES]
    assert {found.object for found in messages} == {"241"}
    assert MALFORMED not in {found.status for found in messages}


def test_operations_and_roles() -> None:
    """Commands are requests, descriptions responses, data events."""
    assert {(found.operation, found.role) for found in talk(*SAMPLES)} == {
        ("command", "request"),
        ("header", "response"),
        ("configuration_frame_1", "response"),
        ("configuration_frame_2", "response"),
        ("configuration_frame_3", "response"),
        ("data", "event"),
    }


@pytest.mark.parametrize(
    "number,name,write",
    [
        (1, "turn_off_transmission", True),
        (2, "turn_on_transmission", True),
        (3, "send_header_frame", False),
        (5, "send_configuration_frame_2", False),
        (6, "send_configuration_frame_3", False),
        (8, "extended_frame", True),
        (0x0101, "command_0x0101", False),
    ],
)
def test_commands(number: int, name: str, write: bool) -> None:
    """Commands by name; those that switch the stream, and the extended frame, are writes."""
    found = talk((command(number), True))[0]
    assert (found.value, found.write) == (name, write)


def test_data_of_one_station() -> None:
    """With its configuration seen, data tells the frequency to the millihertz."""
    assert [found.value for found in talk((FLOATS, False), (DATA_FLOATS, False))] == [("Blue PMU",), 50.002]


def test_data_of_several_stations() -> None:
    """Integers are deviations from 50 or 60 Hz, and the first bad state is the status."""
    found = talk((INTEGERS, False), (DATA_INTEGERS, False))[1]
    assert (found.value, found.status) == ((59.975, 49.98), "pmu_error_no_data")


def test_data_by_configuration_3() -> None:
    """Names of any length and scale factors do not disturb the layout."""
    messages = talk((THIRD, False), (SAMPLES[9][0], False))
    assert [found.value for found in messages] == [("Third",), 60.0]
    assert messages[1].status == "test_mode"


def test_part_of_a_configuration_3() -> None:
    """A configuration in several frames is not joined, nor called malformed."""
    found = talk((configuration(station_3("Third", 0), kind=5, prefix=b"\x00\x01"), False))[0]
    assert (found.status, found.value) == (OK, None)


def test_data_without_configuration() -> None:
    """Data tells nothing where the configuration was not seen, says what could be, or is of another size."""
    capable = configuration(station("Blue PMU", 15), kind=2)
    other = frame(0, pack(">H8xff4x4x", 0, 50.0, 0.1))
    assert [found.value for found in talk((DATA_FLOATS, False), (capable, False), (DATA_FLOATS, False))][::2] == [None, None]
    assert talk((FLOATS, False), (other, False))[1].value is None


def test_frequency_that_is_no_number() -> None:
    """A unit that has no frequency sends none."""
    assert talk((FLOATS, False), (frame(0, pack(">H8xff4x2x", 0, float("nan"), 0)), False))[1].value is None


def test_header_text() -> None:
    """A header frame is text for people."""
    assert talk((frame(1, b"Substation 7"), False))[0].value == "Substation 7"


def test_hints() -> None:
    """One station names its sender, several name others; each side is named once."""
    messages = talk(*SAMPLES)
    hints = [(hint.key, hint.value) for found in messages for hint in found.hints]
    assert hints.count((HintKey.ROLE, "c37118.client")) == 1
    assert hints.count((HintKey.ROLE, "c37118.server")) == 1
    assert (HintKey.HOSTNAME, "Blue PMU") in hints
    assert (HintKey.HOSTNAME, "Red PMU") not in hints


def test_bad_check() -> None:
    """A frame whose check does not agree is malformed, and is learned nothing from."""
    broken = FLOATS[:-1] + bytes((FLOATS[-1] ^ 1,))
    messages = talk((broken, False), (DATA_FLOATS, False))
    assert [found.status for found in messages] == [MALFORMED, OK]
    assert messages[1].value is None


@pytest.mark.parametrize(
    "pdu", [configuration(kind=3)[:-2], frame(3, b"\x00" * 7), frame(3, pack(">IH", 1, 9) + b"x" * 20), frame(4, b"")]
)
def test_malformed(pdu: bytes) -> None:
    """Configurations that end early and commands without a number are malformed."""
    whole = pdu if len(pdu) == int.from_bytes(pdu[2:4], "big") else pdu + b"\x00\x00"
    assert talk((whole, False))[0].status == MALFORMED


def test_several_frames_in_a_datagram() -> None:
    """A datagram may carry frames of several streams."""
    pdu = DATA_FLOATS + frame(0, b"\x00" * 8, code=9)
    assert [found.object for found in SynchrophasorSession(DEFAULT_LIMITS).read(pdu, False)] == ["241", "9"]


@pytest.mark.parametrize(
    "pdu", [b"\xaa", b"\xaa\x01\x00\x20" + b"\0" * 14, b"\xab" + DATA_FLOATS[1:], b"\xaa\x01\x00\x02" + b"\0" * 14]
)
def test_read_refuses(pdu: bytes) -> None:
    """Bytes that are no whole frame are refused."""
    with pytest.raises(Malformed):
        SynchrophasorSession(DEFAULT_LIMITS).read(pdu, False)


def test_frame_length() -> None:
    """Four bytes tell the size; what does not synchronise begins no frame."""
    session = SynchrophasorSession(DEFAULT_LIMITS)
    assert [session.frame_length(FLOATS[:size], False) for size in (0, 1, 3, 4)] == [0, 0, 0, len(FLOATS)]
    for data in (b"x", b"\xaa\x71\x00\x20", b"\xaa\x01\x00\x0f"):
        with pytest.raises(Malformed):
            session.frame_length(data, False)


def test_memory_is_bounded() -> None:
    """Configurations and names beyond the limit are not kept."""
    session = SynchrophasorSession(Limits(pending=3, items=1))
    for code in range(20):
        body = pack(">IH", 1, 2) + station("A", 0) * 2 + pack(">h", 50)
        found = session.read(frame(3, body, code=code), False)[0]
        assert (found.object, found.value) == (str(code), ("A",))
    assert (len(session._configurations), len(session._names)) == (3, 3)
    assert session.read(frame(0, b"\0" * 28, code=1), False)[0].value == 50.0


def test_recognises_its_own() -> None:
    """A frame whose check agrees is certain, one that is not whole likely, one that is broken only possible."""
    for pdu, to_responder in SAMPLES:
        assert recognise(pdu, to_responder) == CERTAIN
    assert recognise(FLOATS[:40], False) == LIKELY
    assert recognise(FLOATS[:-1] + b"\x00", False) == POSSIBLE
    assert recognise(DATA_FLOATS * 2, False) == CERTAIN


@pytest.mark.parametrize(
    "other", [b"", b"\xaa\x41\x00\x12", b"\xaa\xaa\x03\x00\x00\x00\x08\x00" * 2, b"GET / HTTP/1.1\r\n\r\n", b"\xaa\x01\x00\x02" * 4]
)
def test_recognises_nothing_else(other: bytes) -> None:
    """Less than a frame, other protocols and impossible sizes are not synchrophasors."""
    assert recognise(other, True) == NO


def test_registration() -> None:
    """TCP on 4712 and UDP on 4713, as a protocol that operates machines."""
    assert [(row.transport, row.ports[0], row.ot) for row in DISSECTORS] == [("tcp", 4712, True), ("udp", 4713, True)]


@given(st.sampled_from(SAMPLES), st.data())
def test_nothing_but_malformed_escapes(sample: tuple[bytes, bool], data: st.DataObject) -> None:
    """Whatever happens to a frame, its check repaired or not, it is read, refused or said to be malformed."""
    pdu, to_responder = sample
    changed = bytearray(pdu)
    for _ in range(data.draw(st.integers(0, 4))):
        changed[data.draw(st.integers(0, len(changed) - 3))] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        changed[-2:] = crc_hqx(bytes(changed[:-2]), 0xFFFF).to_bytes(2, "big")
    raw = data.draw(st.one_of(st.just(bytes(changed)), st.binary(max_size=60)))
    session = SynchrophasorSession(DEFAULT_LIMITS)
    session.read(data.draw(st.sampled_from((FLOATS, INTEGERS, THIRD))), False)
    assert NO <= recognise(raw, to_responder) <= CERTAIN
    try:
        length = session.frame_length(raw, to_responder)
        messages = session.read(raw[:length] if length else raw, to_responder)
        messages += session.read(DATA_FLOATS, False)
    except Malformed:
        return
    assert {found.protocol for found in messages} == {"c37118"}
