"""The AMS router's discovery over UDP."""

from __future__ import annotations

from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hauberk.errors import Malformed
from hauberk.model.hint import HintKey
from hauberk.model.transaction import MALFORMED, OK, Message
from hauberk.sense.dissect.ads_discovery import DiscoverySession, recognise
from hauberk.sense.dissect.interface import CERTAIN, NO
from hauberk.sense.dissect.limits import DEFAULT_LIMITS

NET_ID = bytes((5, 13, 117, 96, 1, 1))


def datagram(service: int, *tags: tuple[int, bytes]) -> bytes:
    """A datagram with its tags."""
    body = b"".join(pack("<HH", tag, len(data)) + data for tag, data in tags)
    return b"\x03\x66\x14\x71" + pack("<II", 0, service) + NET_ID + pack("<HI", 10000, len(tags)) + body


SYSTEM = pack("<IIIII", 276, 6, 0, 0, 3).ljust(276, b"\x00")
ASK = datagram(1)
ANSWER = datagram(0x80000001, (5, b"CX_0D7560\x00"), (4, SYSTEM), (3, bytes((2, 11)) + pack("<H", 2228)), (18, b"ab12\x00"))
ROUTE = datagram(
    6, (12, b"laptop\x00"), (7, b"\x01" * 6), (13, b"Administrator\x00"), (2, b"hunter2\x00"), (5, b"192.168.1.99\x00")
)
ROUTED = datagram(0x80000006, (1, pack("<I", 0)))
REFUSED = datagram(0x80000006, (1, pack("<I", 0x704)))

SAMPLES: tuple[tuple[bytes, bool], ...] = ((ASK, True), (ANSWER, False), (ROUTE, True), (ROUTED, False), (REFUSED, False))


def talk(*datagrams: tuple[bytes, bool]) -> list[Message]:
    """The messages of some datagrams."""
    session = DiscoverySession(DEFAULT_LIMITS)
    return [found for pdu, to_responder in datagrams for found in session.read(pdu, to_responder)]


def test_discovery() -> None:
    """The question has no code; the answer tells host, system and version of its sender, and its fingerprint."""
    asked, answered = talk((ASK, True), (ANSWER, False))
    assert asked == Message("ads", "request", "discover", None, "5.13.117.96.1.1")
    assert (answered.role, answered.status, answered.value) == ("response", OK, ("host=CX_0D7560", "fingerprint=ab12"))
    assert {(hint.key, hint.value) for hint in answered.hints} == {
        (HintKey.ROLE, "ads.router"),
        (HintKey.HOSTNAME, "CX_0D7560"),
        (HintKey.VENDOR, "Beckhoff"),
        (HintKey.BANNER, "TwinCAT 2.11.2228"),
        (HintKey.OPERATING_SYSTEM, "Windows CE 6.0"),
    }


def test_route_is_a_write_without_password() -> None:
    """Adding a route is a write; route and user are told, the password is only noted."""
    asked, granted, refused = talk(*SAMPLES[2:])
    assert (asked.operation, asked.write) == ("add_route", True)
    assert asked.value == ("host=192.168.1.99", "route=laptop", "user=Administrator", "with_password")
    assert "hunter2" not in repr(asked)
    assert (granted.status, refused.status) == (OK, "invalid_access")


def test_tags_that_end_early() -> None:
    """Tags longer than the datagram make it malformed."""
    assert talk((ANSWER[:-1], False))[0].status == MALFORMED


@pytest.mark.parametrize("pdu", [b"", b"\x03\x66\x14\x71", b"\x00" * 30])
def test_refuses(pdu: bytes) -> None:
    """No magic, or less than a header, is refused."""
    with pytest.raises(Malformed):
        talk((pdu, True))


def test_recognise() -> None:
    """The magic is certain; anything else is something else."""
    assert [recognise(pdu, to_responder) for pdu, to_responder in SAMPLES] == [CERTAIN] * 5
    assert recognise(b"\x00" * 30, True) == NO
    assert recognise(ASK[:20], True) == NO


@given(st.sampled_from(SAMPLES), st.data())
def test_nothing_but_malformed_escapes(sample: tuple[bytes, bool], data: st.DataObject) -> None:
    """Whatever happens to a datagram, it is read, refused as malformed, or said to be malformed."""
    pdu, to_responder = sample
    changed = bytearray(pdu)
    for _ in range(data.draw(st.integers(0, 4))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    raw = data.draw(st.one_of(st.just(bytes(changed)), st.binary(max_size=60)))
    session = DiscoverySession(DEFAULT_LIMITS)
    assert session.frame_length(raw, to_responder) == len(raw)
    assert recognise(raw, to_responder) in {NO, CERTAIN}
    try:
        messages = session.read(raw, to_responder)
    except Malformed:
        return
    assert [found.protocol for found in messages] == ["ads"]
