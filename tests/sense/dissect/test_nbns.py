"""NetBIOS name service."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hauberk.errors import Malformed
from hauberk.model.hint import Hint, HintKey
from hauberk.model.transaction import MALFORMED, Message
from hauberk.sense.dissect.interface import LIKELY, NO
from hauberk.sense.dissect.limits import DEFAULT_LIMITS
from hauberk.sense.dissect.nbns import DISSECTORS, decode_name


def encode(text: str, suffix: int) -> bytes:
    """First-level encoding behind its length."""
    raw = text.encode().ljust(15)[:15] + bytes((suffix,))
    return b"\x20" + b"".join(bytes((65 + (byte >> 4), 65 + (byte & 15))) for byte in raw) + b"\x00"


def registration(suffix: int, flags: int) -> bytes:
    """A host claims a name."""
    entry = b"\xc0\x0c" + bytes.fromhex("00200001 000493e0 0006") + flags.to_bytes(2, "big") + bytes((192, 0, 2, 33))
    return bytes.fromhex("8001 2910 0001 0000 0000 0001") + encode("HMI-01", suffix) + bytes.fromhex("00200001") + entry


QUERY = bytes.fromhex("8002 0110 0001 0000 0000 0000") + encode("HMI-01", 0x20) + bytes.fromhex("00200001")
ANSWER = (
    bytes.fromhex("8002 8500 0000 0001 0000 0000") + encode("HMI-01", 0x20) + bytes.fromhex("00200001 000493e0 0006 0000 c0000221")
)
REFUSED = (
    bytes.fromhex("8002 8506 0000 0001 0000 0000") + encode("HMI-01", 0) + bytes.fromhex("00200001 00000000 0006 0000 c0000221")
)
STATUS = (
    bytes.fromhex("8003 8400 0000 0001 0000 0000")
    + encode("*", 0)
    + bytes.fromhex("00210001 00000000 002b 02")
    + b"HMI-01         \x00\x04\x00"
    + b"PLANT          \x00\x84\x00"
    + bytes.fromhex("020304050607")
)
REGISTRATION = registration(0, 0)

SAMPLES: tuple[tuple[bytes, bool], ...] = ((QUERY, True), (ANSWER, False), (REFUSED, False), (STATUS, False), (REGISTRATION, True))


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


def test_a_query_gives_the_decoded_name() -> None:
    """Name and suffix instead of letters from A to P."""
    assert one(QUERY)[:6] == ("nbns", "request", "query", 32, "hmi-01<20>", None)


def test_an_answer_gives_addresses_and_names_their_owner() -> None:
    """The answer's own type stands in for that of the question, which it does not repeat."""
    answer = one(ANSWER)
    assert (answer.role, answer.code, answer.value) == ("response", 32, ("192.0.2.33",))
    assert answer.hints == (Hint(HintKey.HOSTNAME, "hmi-01", "192.0.2.33"),)


def test_a_refusal_names_nobody() -> None:
    """The name belongs to somebody else."""
    refused = one(REFUSED)
    assert (refused.status, refused.hints) == ("active", ())


def test_a_registration_names_the_host() -> None:
    """Unique names with the suffix of a workstation or server."""
    claim = one(REGISTRATION)
    assert claim.operation == "registration"
    assert claim.hints == (Hint(HintKey.HOSTNAME, "hmi-01", "192.0.2.33"),)


@pytest.mark.parametrize("suffix, flags", [(0, 0x8000), (0x1C, 0), (0x1E, 0x8000)])
def test_group_and_service_names_are_no_hosts(suffix: int, flags: int) -> None:
    """Many hosts share them."""
    assert one(registration(suffix, flags)).hints == ()


def test_a_node_tells_its_names_and_hardware_address() -> None:
    """RFC 1002 section 4.2.18; the group is listed but is no host name."""
    status = one(STATUS)
    assert (status.code, status.value) == (33, ("hmi-01<00>", "plant<00>"))
    assert status.hints == (Hint(HintKey.HOSTNAME, "hmi-01"), Hint(HintKey.MAC, "02:03:04:05:06:07"))


def test_a_node_status_that_announces_too_many_names_is_malformed() -> None:
    """More names than the record holds."""
    at = STATUS.index(b"\x2b\x02HMI") + 1
    assert one(STATUS[:at] + b"\x09" + STATUS[at + 1 :]).status == MALFORMED


@pytest.mark.parametrize("encoded", ["short", "z" * 32, "A" * 33])
def test_other_names_are_not_decoded(encoded: str) -> None:
    """Thirty-two letters from A to P."""
    assert decode_name(encoded.lower()) is None


def test_found_by_content() -> None:
    """The encoded name is enough on any port."""
    assert [DISSECTORS[0].recognise(data, True) for data, _ in SAMPLES] == [LIKELY] * len(SAMPLES)
    assert DISSECTORS[0].recognise(QUERY[:12] + b"\x20" + b"z" * 32 + QUERY[45:], True) == NO


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
