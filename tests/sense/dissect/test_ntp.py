"""Network time protocol."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hauberk.errors import Malformed
from hauberk.model.hint import Hint, HintKey
from hauberk.model.transaction import MALFORMED, OK, Message
from hauberk.sense.dissect.interface import LIKELY, NO, POSSIBLE
from hauberk.sense.dissect.limits import DEFAULT_LIMITS
from hauberk.sense.dissect.ntp import DISSECTORS

TIMES = bytes.fromhex("e0000000 00000000") * 4
CLIENT = b"\x23" + bytes(39) + bytes.fromhex("e000000012345678")
SERVER = bytes.fromhex("24020600 00000100 00000200 c0000205") + TIMES
PRIMARY = bytes.fromhex("240106ec 00000100 00000200") + b"GPS\x00" + TIMES
SERVER_FINE = bytes.fromhex("240206ec 00000100 00000200 c0000205") + TIMES
KISS = bytes.fromhex("e40006ec 00000000 00000000") + b"RATE" + TIMES
CONTROL = bytes.fromhex("160200010000000000000000")
CONTROL_WRITE = bytes.fromhex("160300010000000000000004") + b"a=1 "
CONTROL_ERROR = bytes.fromhex("16c200010700000000000000")
MONLIST = bytes.fromhex("1700032a") + bytes(4)
MONLIST_REPLY = bytes.fromhex("d700032a") + bytes(44)

SAMPLES: tuple[tuple[bytes, bool], ...] = (
    (CLIENT, True),
    (SERVER, False),
    (PRIMARY, False),
    (KISS, False),
    (CONTROL, True),
    (CONTROL_WRITE, True),
    (CONTROL_ERROR, False),
    (MONLIST, True),
    (MONLIST_REPLY, False),
)


def one(data: bytes) -> Message:
    """The only message of a datagram."""
    (only,) = DISSECTORS[0].start(DEFAULT_LIMITS).read(data, True)
    return only


def survive(data: bytes, to_responder: bool) -> None:
    """Recognise and read a datagram; only Malformed may escape."""
    for row in DISSECTORS:
        assert 0 <= row.recognise(data, to_responder) <= 100
        session = row.start(DEFAULT_LIMITS)
        assert session.frame_length(data, to_responder) >= 0
        try:
            messages = session.read(data, to_responder)
        except Malformed:
            continue
        assert all(isinstance(message, Message) for message in messages)


def test_a_client_asks() -> None:
    """Mode 3; the stratum is unknown."""
    assert one(CLIENT)[:7] == ("ntp", "request", "client", 3, None, 0, OK)


def test_a_server_says_whom_it_follows() -> None:
    """An address above stratum 1, a kind of clock at stratum 1."""
    assert one(SERVER)[:6] == ("ntp", "response", "server", 4, "192.0.2.5", 2)
    assert one(PRIMARY).object == "GPS"


def test_the_server_role_is_told_once() -> None:
    """By the first answer only."""
    session = DISSECTORS[0].start(DEFAULT_LIMITS)
    assert session.read(SERVER, False)[0].hints == (Hint(HintKey.ROLE, "ntp.server"),)
    assert session.read(SERVER, False)[0].hints == ()


def test_a_kiss_of_death_is_the_status() -> None:
    """RFC 5905 section 7.4."""
    assert one(KISS).status == "rate"


@pytest.mark.parametrize(
    "first, operation, role",
    [(0x21, "symmetric_active", "request"), (0x22, "symmetric_passive", "response"), (0x25, "broadcast", "event")],
)
def test_other_modes_are_named(first: int, operation: str, role: str) -> None:
    """The mode is the code."""
    seen = one(bytes((first,)) + SERVER[1:])
    assert (seen.operation, seen.role, seen.code) == (operation, role, first & 7)


def test_control_messages_say_what_is_asked() -> None:
    """Reads and writes of variables, and errors."""
    assert one(CONTROL)[:5] == ("ntp", "request", "control", 6, "read_variables")
    assert not one(CONTROL).write
    assert one(CONTROL_WRITE).write
    assert (one(CONTROL_ERROR).role, one(CONTROL_ERROR).status) == ("response", "error_7")


def test_the_monitor_list_is_named() -> None:
    """The request that amplifies."""
    assert one(MONLIST)[:5] == ("ntp", "request", "private", 7, "monlist")
    assert one(MONLIST_REPLY).role == "response"


def test_a_short_message_is_malformed() -> None:
    """The mode is known, the rest is not there."""
    assert one(CLIENT[:40]).status == MALFORMED
    with pytest.raises(Malformed):
        one(CONTROL[:11])
    with pytest.raises(Malformed):
        one(b"")


def test_found_by_content() -> None:
    """Ranges of every field; control messages only on the port."""
    recognise = DISSECTORS[0].recognise
    assert [recognise(data, True) for data in (CLIENT, PRIMARY, SERVER_FINE)] == [LIKELY] * 3
    assert recognise(MONLIST, True) == POSSIBLE
    assert recognise(bytes(48), True) == NO
    assert recognise(b"GET / HTTP/1.1\r\n" + bytes(40), True) < LIKELY
    assert recognise(b"\x23" + b"\xa5" * 47, True) < LIKELY


class TestHostileInput:
    """Nothing but Malformed escapes, whatever the bytes."""

    @given(
        st.sampled_from(SAMPLES), st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=8), st.integers(0, 2000)
    )
    def test_a_changed_message_is_read_or_malformed(
        self, sample: tuple[bytes, bool], changes: list[tuple[int, int]], cut: int
    ) -> None:
        """Bytes of a valid message are changed and its end is cut off."""
        data = bytearray(sample[0])
        for at, byte in changes:
            data[at % len(data)] = byte
        survive(bytes(data[: len(data) - cut % len(data)]), sample[1])

    @given(st.binary(max_size=300), st.booleans())
    def test_random_bytes_are_read_or_malformed(self, data: bytes, to_responder: bool) -> None:
        """Bytes without any structure."""
        survive(data, to_responder)
