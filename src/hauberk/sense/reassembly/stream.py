"""TCP segments back to a byte stream, one direction of one conversation (RFC 9293 section 3.10.7.4).

First bytes win where segments overlap. A hole is given up, and noted as a gap, when the other side acknowledges past it (the
receiver has the bytes, the capture lost them), when it stays open too long, or when too much waits behind it. Must never hold more
than its limits allow, and never gives a byte twice.
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
            data = data[-ahead & _MASK :]
            ahead = 0
        self._hold(ahead, data, frame, time)
        yield from self._release()
        while self.held and self._impatient(time):
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

    def skip(self, seq: int, size: int) -> bool:
        """Pass over ``size`` bytes from ``seq`` on that were on the wire but not captured; False if they are no news here.

        What waited behind them is to be had from ``released``.
        """
        end = (seq + size - self.expected) & _MASK
        if (seq - self.expected - 1) & _MASK < _HALF or not 0 < end < _HALF:
            return False
        self.expected = (self.expected + end) & _MASK
        return True

    def released(self) -> Iterator[Piece]:
        """What waited and is next now."""
        return self._release()

    def _hold(self, ahead: int, data: bytes, frame: int, time: int) -> None:
        """Keep those bytes, ``ahead`` of the next expected, that did not come before: what is held never overlaps."""
        end = ahead + len(data)
        at = ahead
        spans = sorted(((seq - self.expected) & _MASK, len(held)) for seq, (held, _, _) in self.held.items())
        for begin, size in [*spans, (end, 0)]:
            stop = min(begin, end)
            if at < stop:
                self.held[(self.expected + at) & _MASK] = (data[at - ahead : stop - ahead], frame, time)
                self.held_bytes += stop - at
            at = max(at, begin + size)

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
        """What waited and is next now."""
        while self.held:
            if self.expected in self.held:
                data, frame, time = self._take(self.expected)
                yield self._advance(data, frame, time, gap=False)
                continue
            # Bytes passed over may reach into what is held.
            behind = [seq for seq in self.held if (seq - self.expected) & _MASK >= _HALF]
            if not behind:
                return
            for seq in behind:
                data, frame, time = self._take(seq)
                rest = data[(self.expected - seq) & _MASK :]
                if rest:
                    self.held[self.expected] = (rest, frame, time)
                    self.held_bytes += len(rest)
