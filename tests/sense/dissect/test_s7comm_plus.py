"""S7comm-plus: logins, functions, parts, and which requests change something."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hauberk.errors import Malformed
from hauberk.model.hint import Hint, HintKey
from hauberk.model.transaction import Message
from hauberk.sense.dissect.interface import CERTAIN
from hauberk.sense.dissect.iso_on_tcp import IsoOnTcp, recognise_s7comm_plus
from hauberk.sense.dissect.limits import DEFAULT_LIMITS, Limits

SESSION = 0x3BE


def plus(body: bytes, version: int = 2, *, last: bool = True) -> bytes:
    """A frame with one S7comm-plus part."""
    user = bytes([0x72, version]) + len(body).to_bytes(2, "big") + body + (bytes([0x72, version, 0, 0]) if last else b"")
    return b"\x03\x00" + (len(user) + 7).to_bytes(2, "big") + b"\x02\xf0\x80" + user


def request(function: int, number: int, sequence: int = 1, session: int = SESSION) -> bytes:
    """The body of a request that begins with an object."""
    head = b"\x31\0\0" + function.to_bytes(2, "big") + b"\0\0" + sequence.to_bytes(2, "big")
    return head + session.to_bytes(4, "big") + b"\x34" + number.to_bytes(4, "big") + b"\0\0\0"


def response(function: int, rest: bytes = b"\0\0", sequence: int = 1) -> bytes:
    """The body of an answer."""
    return b"\x32\0\0" + function.to_bytes(2, "big") + b"\0\0" + sequence.to_bytes(2, "big") + b"\x34" + rest


LOGIN = response(0x04CA, bytes.fromhex("00028723870e") + b"1;6ES7 211-1BE31-0XB0 ;V3.0")
CONNECT = bytes.fromhex("030000241fe00000011200c1020620c21053494d415449432d524f4f542d484d49c0010a")

SAMPLES: tuple[tuple[bytes, bool], ...] = (
    (CONNECT, True),
    (plus(request(0x04CA, 0x11D, session=0x120), 1), True),
    (plus(LOGIN, 1), False),
    (plus(request(0x0542, SESSION, 2)), True),
    (plus(request(0x054C, 0, 3), 3), True),
    (plus(response(0x054C, sequence=3), 3), False),
    (plus(b"\x20" + bytes(32) + request(0x04F2, 0x34, 4), 3), True),
    (plus(b"\x33\x70\x00\x0c\x01" + bytes(20)), False),
)


def read(*pdus: tuple[bytes, bool]) -> list[Message]:
    """Messages of one conversation."""
    one = IsoOnTcp(DEFAULT_LIMITS)
    return [message for pdu, to_responder in pdus for message in one.read(pdu, to_responder)]


def test_a_login_is_no_write_and_names_the_controller() -> None:
    """The answer gives order number and firmware; code stays empty."""
    asked, answered = read((plus(request(0x04CA, 0x11D, session=0x120), 1), True), (plus(LOGIN, 1), False))
    assert asked == Message("s7comm_plus", "request", "create_object", None, "0x0000011d")
    assert (answered.operation, answered.object, answered.write) == ("create_object", "0x0000011d", False)
    assert Hint(HintKey.MODEL, "6ES7 211-1BE31-0XB0") in answered.hints
    assert Hint(HintKey.FIRMWARE, "3.0") in answered.hints


@pytest.mark.parametrize(
    "function, number, operation, write",
    [
        (0x04F2, 0x34, "set_variable", True),
        (0x0542, 0, "set_multi_variables", True),
        (0x0542, SESSION, "set_multi_variables", False),
        (0x04D4, SESSION, "delete_object", False),
        (0x04CA, 3, "create_object", True),
        (0x04CA, 0x70000E28, "create_object", False),
        (0x04F2, 0x8A0E0001, "set_variable", True),
        (0x054C, 0, "get_multi_variables", False),
        (0x04BB, 0x1F, "explore", False),
        (0x0FFF, 1, "function_0x0fff", False),
    ],
)
def test_only_what_changes_program_or_process_is_a_write(function: int, number: int, operation: str, write: bool) -> None:
    """Changes to the client's own session are not; the answer says the same as the request."""
    asked, answered = read((plus(request(function, number)), True), (plus(response(function)), False))
    assert (asked.operation, asked.write) == (operation, write)
    assert (answered.operation, answered.write, answered.object) == (operation, write, asked.object)


def test_objects_the_client_made_for_itself_are_its_own() -> None:
    """Numbers in the answer to a login, and of subscriptions that send, are remembered."""
    messages = read(
        (plus(request(0x04CA, 0x11D, session=0x120), 1), True),
        (plus(LOGIN, 1), False),
        (plus(request(0x04F2, 0x38E, 2)), True),
        (plus(b"\x33\x10\x00\x00\x6a" + bytes(20)), False),
        (plus(request(0x04F2, 0x1000006A, 3)), True),
        (plus(request(0x04F2, 0x1000006B, 4)), True),
    )
    assert [(message.operation, message.write) for message in messages[2:]] == [
        ("set_variable", False),
        ("notification", False),
        ("set_variable", False),
        ("set_variable", True),
    ]


def test_a_digest_before_the_message_is_passed_over() -> None:
    """Version 3 puts it in front."""
    body = b"\x20" + bytes(range(32)) + request(0x04F2, 0x34)
    assert read((plus(body, 3), True))[0].object == "0x00000034"


def test_parts_make_one_message_with_the_last() -> None:
    """Only the last part has the trailer."""
    one = IsoOnTcp(DEFAULT_LIMITS)
    assert one.read(plus(request(0x04F2, 0x34), last=False), True) == []
    assert one.read(plus(b"more", last=False), True) == []
    assert [message.operation for message in one.read(plus(b"end"), True)] == ["set_variable"]


def test_the_session_ends_where_encryption_begins() -> None:
    """After the switch to TLS nothing can be read."""
    one = IsoOnTcp(DEFAULT_LIMITS)
    one.read(plus(request(0x05B3, 0), 1), True)
    assert not one.finished
    one.read(plus(response(0x05B3), 1), False)
    assert one.finished


def test_unknown_opcodes_and_cut_messages_are_malformed() -> None:
    """They are reported, the conversation goes on."""
    cut = plus(request(0x04F2, 0x34))
    short = cut[:2] + (len(cut) - 12).to_bytes(2, "big") + cut[4:-12]
    messages = read((plus(request(0x04F2, 1)), True), (plus(b"\x99" + bytes(20)), True), (short, True))
    assert [message.status for message in messages] == ["ok", "malformed", "malformed"]


@pytest.mark.parametrize("pdu, to_responder", SAMPLES)
def test_every_sample_is_recognised_and_read(pdu: bytes, to_responder: bool) -> None:
    """By its first frame, whatever the port."""
    assert recognise_s7comm_plus(pdu, to_responder) == CERTAIN
    assert all(message.status == "ok" for message in read((pdu, to_responder)))


@given(st.data())
def test_nothing_but_malformed_escapes(data: st.DataObject) -> None:
    """Mutated samples in any order."""
    one = IsoOnTcp(Limits(pending=4))
    for _ in range(data.draw(st.integers(1, 4))):
        pdu = bytearray(data.draw(st.sampled_from([sample for sample, _ in SAMPLES])))
        for _ in range(data.draw(st.integers(0, 4))):
            pdu[data.draw(st.integers(0, len(pdu) - 1))] = data.draw(st.integers(0, 255))
        cut = bytes(pdu[: data.draw(st.integers(0, len(pdu)))])
        way = data.draw(st.booleans())
        recognise_s7comm_plus(cut, way)
        for part in (bytes(pdu), cut):
            try:
                one.frame_length(part, way)
                one.read(part, way)
            except Malformed:
                pass
