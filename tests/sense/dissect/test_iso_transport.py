"""ISO transport on TCP: frames, fragments, selectors, and what is not it."""

from __future__ import annotations

import pytest

from hauberk.errors import Malformed
from hauberk.sense.dissect import iso_transport
from hauberk.sense.dissect.iso_transport import Reassembly

REQUEST = bytes.fromhex("0300001611e00000000d00c1020200c2020202c0010a")
RDP_REQUEST = bytes.fromhex("0300002c27e00000000000") + b"Cookie: mstshash=eltons\r\n" + bytes.fromhex("0100080000000000")


def data(user: bytes, last: bool) -> bytes:
    """A TPKT frame with a data PDU."""
    return b"\x03\x00" + (len(user) + 7).to_bytes(2, "big") + b"\x02\xf0" + (b"\x80" if last else b"\x00") + user


def test_a_frame_is_as_long_as_its_header_says() -> None:
    """Less than a header needs more bytes."""
    assert iso_transport.frame_length(REQUEST + b"\x03") == len(REQUEST)
    assert iso_transport.frame_length(REQUEST[:3]) == 0


@pytest.mark.parametrize("head", [b"\x02\x00\x00\x16", b"\x03\x01\x00\x16", b"\x03\x00\x00\x06", b"HTTP"])
def test_what_is_no_frame_is_malformed(head: bytes) -> None:
    """Version, reserved byte and shortest length are checked."""
    with pytest.raises(Malformed):
        iso_transport.frame_length(head)


def test_kinds_of_transport_pdus_are_told_apart() -> None:
    """A connection request, a data PDU, and what is neither."""
    assert iso_transport.pdu_type(REQUEST) == iso_transport.CONNECTION_REQUEST
    assert iso_transport.pdu_type(data(b"x", last=True)) == iso_transport.DATA
    assert iso_transport.pdu_type(b"\x03\x00\x00\x16\x11\x42" + bytes(16)) is None
    assert iso_transport.pdu_type(REQUEST[:2] + b"\x00\x17" + REQUEST[4:]) is None


@pytest.mark.parametrize(
    "frame,kind",
    [
        ("0300000b06800001000180", iso_transport.DISCONNECT_REQUEST),
        ("0300000c0680000100010000", iso_transport.DISCONNECT_REQUEST),
        ("0300000a05c000010001", iso_transport.DISCONNECT_CONFIRM),
        ("0300000b05c00001000100", None),
        ("0300005406800001000180" + "00" * 73, None),
    ],
)
def test_farewells_are_no_broken_messages(frame: str, kind: int | None) -> None:
    """A disconnect request may carry up to 64 bytes of user data; its confirmation none."""
    assert iso_transport.pdu_type(bytes.fromhex(frame)) == kind


def test_selectors_of_a_connection_request_are_found() -> None:
    """Rack and slot of a controller lie in the called selector."""
    assert iso_transport.connection(REQUEST) == (b"\x02\x00", b"\x02\x02")


def test_remote_desktop_has_no_selectors() -> None:
    """Its cookie and its negotiation stand where parameters would."""
    assert iso_transport.pdu_type(RDP_REQUEST) == iso_transport.CONNECTION_REQUEST
    assert iso_transport.connection(RDP_REQUEST) is None


def test_fragments_are_joined_up_to_the_last() -> None:
    """Only the end of transport data unit completes; an empty fragment adds nothing."""
    parts = Reassembly(100)
    assert parts.idle
    assert parts.add(data(b"ab", last=False)) is None
    assert not parts.idle
    assert parts.add(data(b"", last=False)) is None
    assert parts.add(data(b"c", last=True)) == b"abc"
    assert parts.idle


def test_a_gap_forgets_the_fragments_before_it() -> None:
    """What was half read is not joined with what follows."""
    parts = Reassembly(100)
    parts.add(data(b"ab", last=False))
    parts.forget()
    assert parts.add(data(b"c", last=True)) == b"c"


def test_too_many_fragments_are_refused_and_passed_over() -> None:
    """The rest of an overlong unit is skipped; the next one is read."""
    parts = Reassembly(4)
    parts.add(data(b"abc", last=False))
    with pytest.raises(Malformed):
        parts.add(data(b"de", last=False))
    assert parts.add(data(b"f", last=False)) is None
    assert parts.add(data(b"g", last=True)) == b""
    assert parts.add(data(b"h", last=True)) == b"h"
