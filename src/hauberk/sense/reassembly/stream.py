"""TCP segments back to a byte stream, one direction of one conversation (RFC 9293 section 3.10.7.4).

First bytes win where segments overlap. A hole is given up, and noted as a gap, when the other side acknowledges past it (the receiver has the
bytes, the capture lost them), when it stays open too long, or when too much waits behind it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

_MASK = 0xFFFFFFFF
_HALF = 0x80000000


@dataclass(frozen=True, slots=True)
class StreamLimits:
    """Bounds of TCP reassembly."""

    held_bytes: int = 256 * 1024
    """Most bytes of one direction that wait behind a hole."""
    held_segments: int = 64
    """Most segments of one direction that wait behind a hole."""
    hole_seconds: float = 2.0
    """How long a hole may stay open, in traffic time."""
    total_bytes: int = 64 * 1024 * 1024
    """Most bytes that all conversations together may hold back."""


class Piece(NamedTuple):
    """Bytes in order, with the frame and time (nanoseconds) that brought them; ``gap``: bytes before them were lost."""

    data: bytes
    frame: int
    time: int
    gap: bool


class Stream:
    """One direction of a TCP conversation."""

    __slots__ = ("expected", "held", "held_bytes", "limits")

    def __init__(self, expected: int, limits: StreamLimits) -> None:
        self.expected = expected
        self.limits = limits
        self.held: dict[int, tuple[bytes, int, int]] = {}
        self.held_bytes = 0

    def add(self, seq: int, data: bytes, frame: int, time: int) -> Iterator[Piece]:
        """Take a segment that is not simply the next one: what can be read now."""
        ahead = (seq - self.expected) & _MASK
        if ahead >= _HALF:
            seen = -ahead & _MASK
            if seen < len(data):
                yield self._advance(data[seen:], frame, time, gap=False)
                yield from self._release()
            return
        if ahead == 0:
            yield self._advance(data, frame, time, gap=False)
            yield from self._release()
            return
        if seq not in self.held or len(self.held[seq][0]) < len(data):
            self.held_bytes += len(data) - (len(self.held[seq][0]) if seq in self.held else 0)
            self.held[seq] = (data, frame, time)
        if self._impatient(time):
            yield from self.give_up()

    def acknowledged(self, ack: int) -> bool:
        """True if the other side has confirmed bytes that a hole still misses."""
        return bool(self.held) and 0 < ((ack - self.expected) & _MASK) < _HALF

    def give_up(self) -> Iterator[Piece]:
        """Skip the hole: what waits behind it, the first piece marked as following a gap."""
        if not self.held:
            return
        first = min(self.held, key=lambda seq: (seq - self.expected) & _MASK)
        data, frame, time = self._take(first)
        self.expected = first
        yield self._advance(data, frame, time, gap=True)
        yield from self._release()

    def skip(self, size: int) -> None:
        """Pass over bytes that were on the wire but not captured."""
        self.expected = (self.expected + size) & _MASK

    def _impatient(self, now: int) -> bool:
        """True if the hole has been open too long or too much waits behind it."""
        oldest = min(time for _, _, time in self.held.values())
        limits = self.limits
        return (
            self.held_bytes > limits.held_bytes or len(self.held) > limits.held_segments or now - oldest > limits.hole_seconds * 1e9
        )

    def _take(self, seq: int) -> tuple[bytes, int, int]:
        entry = self.held.pop(seq)
        self.held_bytes -= len(entry[0])
        return entry

    def _advance(self, data: bytes, frame: int, time: int, *, gap: bool) -> Piece:
        self.expected = (self.expected + len(data)) & _MASK
        return Piece(data, frame, time, gap)

    def _release(self) -> Iterator[Piece]:
        """What waited and is next now; of bytes that came twice the first stay."""
        while self.held:
            following = min(self.held, key=lambda seq: (seq - self.expected + _HALF) & _MASK)
            ahead = (following - self.expected) & _MASK
            if 0 < ahead < _HALF:
                return
            data, frame, time = self._take(following)
            seen = -ahead & _MASK
            if seen < len(data):
                yield self._advance(data[seen:], frame, time, gap=False)
