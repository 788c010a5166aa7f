"""GOOSE: counters, data sets, states, repetition, management, and what broken messages do."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hauberk.errors import Malformed
from hauberk.model.hint import Hint, HintKey
from hauberk.model.transaction import Message
from hauberk.sense.dissect.goose import Goose, recognise
from hauberk.sense.dissect.interface import CERTAIN, LIKELY, NO
from hauberk.sense.dissect.limits import DEFAULT_LIMITS, Limits

DATA = bytes.fromhex("83010184030300008502fffe8705083fc00000a206830100860105")
TIME = bytes.fromhex("4888b1d5204189020a")[:8]


def tlv(tag: int, body: bytes) -> bytes:
    """An element."""
    return bytes([tag]) + (bytes([len(body)]) if len(body) < 0x80 else b"\x81" + bytes([len(body)])) + body


def number(value: int) -> bytes:
    """A number as BER writes it."""
    return value.to_bytes(value.bit_length() // 8 + 1, "big")


def goose(
    state: int = 7,
    sequence: int = 1,
    data: bytes = DATA,
    *,
    reference: bytes = b"LD0/LLN0$GO$gcb01",
    flags: tuple[bool, bool] = (False, False),
    simulated: bool = False,
    appid: int = 0x3001,
    pad: int = 0,
) -> bytes:
    """A published message after the EtherType."""
    body = tlv(0x80, reference) + tlv(0x81, b"\x07\xd0") + tlv(0x82, b"LD0/LLN0$ds") + tlv(0x83, b"id") + tlv(0x84, TIME)
    body += tlv(0x85, number(state)) + tlv(0x86, number(sequence)) + tlv(0x87, bytes([flags[0]])) + tlv(0x88, b"\x01")
    body += tlv(0x89, bytes([flags[1]])) + tlv(0x8A, b"\x05") + tlv(0xAB, data)
    return wrap(tlv(0x61, body), appid, simulated=simulated) + bytes(pad)


def wrap(pdu: bytes, appid: int = 0x3001, *, simulated: bool = False) -> bytes:
    """The header before a PDU."""
    return appid.to_bytes(2, "big") + (len(pdu) + 8).to_bytes(2, "big") + (b"\x80\x00" if simulated else b"\0\0") + b"\0\0" + pdu


REQUEST = wrap(tlv(0x60, tlv(0x80, b"\x01") + tlv(0xA1, tlv(0xA1, tlv(0x80, b"LD0/LLN0$GO$gcb01") + tlv(0xA1, b"")))))
VALUES = (True, "0000", -2, 1.5, False, 5)

SAMPLES: tuple[tuple[bytes, bool], ...] = (
    (goose(), True),
    (goose(200, 70000, pad=20), True),
    (goose(flags=(True, True)), True),
    (REQUEST, True),
)


def read(*pdus: bytes, limits: Limits = DEFAULT_LIMITS) -> list[Message]:
    """Messages of one publisher, hints left out."""
    session = Goose(limits)
    return [message._replace(hints=()) for pdu in pdus for message in session.read(pdu, True)]


def test_a_message_has_reference_counters_and_data() -> None:
    """Structures are flattened after the two counters."""
    assert read(goose()) == [Message("goose", "event", "publish", None, "LD0/LLN0$GO$gcb01", (7, 1, *VALUES))]


def test_repeated_messages_say_what_changed() -> None:
    """The remembered message must not leak into a different one."""
    changed = DATA.replace(b"\x83\x01\x01", b"\x83\x01\x00", 1)
    pdus = [
        goose(7, 1),
        goose(7, 2),
        goose(7, 127),
        goose(7, 128),
        goose(8, 0, changed),
        goose(8, 1, changed),
        goose(70000, 70000),
        goose(8, 2, reference=b"LD1/LLN0$GO$gcb02"),
        goose(8, 3, flags=(True, False)),
        goose(8, 4, simulated=True),
        goose(8, 5, appid=0x3002),
        goose(8, 6),
    ]
    together = read(*pdus)
    assert together == [read(pdu)[0] for pdu in pdus]
    assert [message.value[:2] for message in together if isinstance(message.value, tuple)] == [
        (7, 1), (7, 2), (7, 127), (7, 128), (8, 0), (8, 1), (70000, 70000), (8, 2), (8, 3), (8, 4), (8, 5), (8, 6),
    ]  # fmt: skip
    assert together[4].value == (8, 0, False, *VALUES[1:])


@pytest.mark.parametrize(
    "pdu, status",
    [
        (goose(flags=(True, False)), "test"),
        (goose(simulated=True), "test"),
        (goose(flags=(False, True)), "needs_commissioning"),
        (goose(flags=(True, True)), "test"),
        (goose(), "ok"),
    ],
)
def test_test_and_commissioning_show_in_the_status(pdu: bytes, status: str) -> None:
    """Simulation comes first: receivers must not act on it."""
    assert read(pdu)[0].status == status
    assert read(pdu, pdu)[1].status == status


def test_padding_after_the_message_is_ignored() -> None:
    """Short Ethernet frames are filled up."""
    assert read(goose(pad=30)) == read(goose())


def test_the_publisher_is_hinted_at_once() -> None:
    """Its role comes with the first message only."""
    session = Goose(DEFAULT_LIMITS)
    assert session.read(goose(), True)[0].hints == (Hint(HintKey.ROLE, "goose.publisher"),)
    assert session.read(goose(), True)[0].hints == ()


def test_a_management_request_names_what_it_asks_for() -> None:
    """Its operation is the standard's."""
    assert read(REQUEST) == [Message("goose", "request", "get_go_reference", None, "LD0/LLN0$GO$gcb01")]


def test_values_are_bounded() -> None:
    """No more than the limit are kept, beside the counters."""
    assert read(goose(data=b"\x83\x01\x01" * 30), limits=Limits(items=4))[0].value == (7, 1, True, True, True, True)


@pytest.mark.parametrize(
    "broken", [goose().replace(b"\x85\x01\x07", b"\x9f\x01\x07"), goose(data=b"\x87\x02\x08\x00"), goose(data=b"\x83\x05")]
)
def test_a_broken_inside_is_a_malformed_message(broken: bytes) -> None:
    """Counters missing, values cut off."""
    assert read(broken) == [Message("goose", "event", "publish", None, None, None, "malformed")]


@pytest.mark.parametrize("broken", [b"", goose()[:9], goose()[:-1], b"\x30\x01\x00\x04" + bytes(20), wrap(b"\x30\x03\x01\x01\x01")])
def test_a_wrong_header_is_refused(broken: bytes) -> None:
    """Lengths that do not fit and foreign PDUs."""
    with pytest.raises(Malformed):
        read(broken)


def test_a_counter_of_impossible_length_is_not_believed() -> None:
    """Neither on the long way nor on the short one."""
    wide = goose().replace(b"\x85\x01\x07", b"\x85\x0c" + bytes(11) + b"\x07")
    size = len(wide) - len(goose())
    wide = wide[:2] + (len(wide)).to_bytes(2, "big") + wide[4:8] + b"\x61\x81" + bytes([wide[10] + size]) + wide[11:]
    assert [message.status for message in read(goose(), wide)] == ["ok", "malformed"]


@pytest.mark.parametrize("pdu, to_responder", SAMPLES)
def test_every_sample_is_recognised_and_read(pdu: bytes, to_responder: bool) -> None:
    """By the two lengths that agree."""
    assert recognise(pdu, to_responder) == CERTAIN
    assert read(pdu)[0].status != "malformed"


@pytest.mark.parametrize("pdu", [b"", b"\x30\x01", bytes(60), b"GET / HTTP/1.1\r\n\r\n", goose()[:40]])
def test_other_payloads_are_refused(pdu: bytes) -> None:
    """Lengths that do not fit, and other tags."""
    assert recognise(pdu, True) == NO


@given(st.data())
def test_nothing_but_malformed_escapes(data: st.DataObject) -> None:
    """Mutated samples in any order."""
    session = Goose(Limits(pending=2))
    for _ in range(data.draw(st.integers(1, 5))):
        pdu = bytearray(
            data.draw(st.one_of(st.sampled_from([sample for sample, _ in SAMPLES]), st.binary(min_size=1, max_size=60)))
        )
        for _ in range(data.draw(st.integers(0, 3))):
            pdu[data.draw(st.integers(0, len(pdu) - 1))] = data.draw(st.integers(0, 255))
        assert recognise(bytes(pdu), True) in {NO, LIKELY, CERTAIN}
        assert session.frame_length(bytes(pdu), True) == len(pdu)
        with contextlib.suppress(Malformed):
            session.read(bytes(pdu), True)
