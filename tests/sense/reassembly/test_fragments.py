"""IP fragments: joined once, first bytes win, and never more held than allowed."""

from __future__ import annotations

import struct
from itertools import permutations
from typing import Any

import pytest

from hauberk.sense.reassembly.fragments import FragmentLimits, FragmentReassembler

TEXT = bytes(range(40))


def _v4(wire: Any, at: int, end: int, *, text: bytes = TEXT, ident: int = 7, more: bool | None = None) -> bytes:
    packet: bytes = wire.ipv4(text[at:end], 17, ident=ident, at=at, more=end < len(text) if more is None else more)
    return packet


def _v6(wire: Any, at: int, end: int, *, extra: bytes = b"") -> bytes:
    fragment = struct.pack(">BBHI", 17, 0, at | (end < len(TEXT)), 9)
    packet: bytes = wire.ipv6(extra + fragment + TEXT[at:end], 60 if extra else 44)
    return packet


@pytest.mark.parametrize("order", list(permutations([(0, 16), (16, 24), (24, 40)])))
def test_ipv4_fragments_in_any_order_give_the_datagram(wire: Any, order: list[tuple[int, int]]) -> None:
    """RFC 791 section 3.2: with the header of the first, its length set anew and not fragmented any more."""
    taken = FragmentReassembler(FragmentLimits())
    told = [taken.add(_v4(wire, *piece), 0.0) for piece in order]
    assert told == [None, None, wire.ipv4(TEXT, 17)]
    assert (taken.dropped, taken.held_bytes) == (0, 0)


@pytest.mark.parametrize("extra", [b"", bytes([44, 0]) + bytes(6)])
def test_ipv6_fragments_give_the_packet_without_the_fragment_header(wire: Any, extra: bytes) -> None:
    """RFC 8200 section 4.5: the chain goes on where the fragment header stood."""
    taken = FragmentReassembler(FragmentLimits())
    assert taken.add(_v6(wire, 16, 40, extra=extra), 0.0) is None
    unfragmentable = bytes([17]) + extra[1:] if extra else b""
    assert taken.add(_v6(wire, 0, 16, extra=extra), 0.0) == wire.ipv6(unfragmentable + TEXT, 60 if extra else 17)


def test_the_first_bytes_win(wire: Any) -> None:
    """A later fragment cannot rewrite an earlier one, whether it lies over its beginning, its end or all of it."""
    taken = FragmentReassembler(FragmentLimits())
    evil = bytes(40)
    assert taken.add(_v4(wire, 8, 24), 0.0) is None
    assert taken.add(_v4(wire, 0, 32, text=evil), 0.0) is None
    assert taken.add(_v4(wire, 24, 40, text=evil), 0.0) == wire.ipv4(bytes(8) + TEXT[8:24] + bytes(16), 17)


def test_a_teardrop_is_joined_without_harm(wire: Any) -> None:
    """The second fragment ends inside the first (CA-1997.28)."""
    taken = FragmentReassembler(FragmentLimits())
    assert taken.add(wire.ipv4(TEXT[:32], 17, ident=7, more=True), 0.0) is None
    assert taken.add(wire.ipv4(b"\xff" * 4, 17, ident=7, at=24), 0.0) == wire.ipv4(TEXT[:28], 17)


def test_fragments_of_other_datagrams_stay_apart(wire: Any) -> None:
    """Identification, addresses and protocol tell them apart."""
    taken = FragmentReassembler(FragmentLimits())
    assert taken.add(_v4(wire, 0, 16), 0.0) is None
    assert taken.add(_v4(wire, 16, 40, ident=8), 0.0) is None
    assert taken.add(wire.ipv4(TEXT[16:], 17, "192.0.2.9", ident=7, at=16), 0.0) is None
    assert taken.add(wire.ipv4(TEXT[16:], 6, ident=7, at=16), 0.0) is None
    assert taken.add(_v4(wire, 16, 40), 0.0) == wire.ipv4(TEXT, 17)


def test_what_stays_incomplete_is_dropped(wire: Any) -> None:
    """After its time, counted."""
    taken = FragmentReassembler(FragmentLimits(seconds=30))
    assert taken.add(_v4(wire, 0, 16), 0.0) is None
    assert taken.add(_v4(wire, 16, 40), 30.5) is None
    assert (taken.dropped, taken.held_bytes) == (1, 24)


@pytest.mark.parametrize(
    "broken",
    [
        {"payload": b"", "more": True},
        {"payload": bytes(9), "more": True},
        {"payload": bytes(8), "more": True, "total": 100},
        {"payload": bytes(16), "at": 65528},
    ],
)
def test_impossible_and_cut_fragments_are_dropped(wire: Any, broken: dict[str, Any]) -> None:
    """Empty, of a length that cannot be followed, cut by the capture, or past the largest datagram ("ping of death")."""
    taken = FragmentReassembler(FragmentLimits())
    broken = dict(broken)
    assert taken.add(wire.ipv4(broken.pop("payload"), 17, **broken), 0.0) is None
    assert (taken.dropped, taken.held_bytes) == (1, 0)


def test_a_full_table_drops_the_oldest_only_for_a_new_datagram(wire: Any) -> None:
    """A further fragment of one that is held pushes nothing out."""
    taken = FragmentReassembler(FragmentLimits(datagrams=2))
    for ident in (1, 2):
        taken.add(_v4(wire, 0, 16, ident=ident), 0.0)
    assert taken.add(_v4(wire, 16, 40, ident=2), 0.0) is not None
    assert taken.dropped == 0
    taken.add(_v4(wire, 0, 16, ident=3), 0.0)
    taken.add(_v4(wire, 0, 16, ident=4), 0.0)
    assert taken.dropped == 1
    assert taken.add(_v4(wire, 16, 40, ident=1), 0.0) is None


def test_what_is_held_is_bounded_in_pieces_and_bytes(wire: Any) -> None:
    """Whatever arrives."""
    taken = FragmentReassembler(FragmentLimits(held_bytes=10_000, pieces=5))
    for number in range(1000):
        taken.add(wire.ipv4(bytes(800), 17, ident=number // 7, at=(number % 3) * 8, more=True), 0.0)
        assert taken.held_bytes <= 10_000
    assert taken.dropped > 100
