"""Several captures as one stream in the order of packet time.

Captures that follow each other are handed through as they are. Where they overlap, packets are interleaved by time: from every open
capture, what lies before the earliest of their blocks' ends is put together in one block, so the cost is a copy of the frames and
a sort of the columns, whatever the number of captures. A packet that is older than one before it in its own capture keeps its
place there. A capture is opened when its first packet's turn comes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hauberk.sense.capture.interface import Block
from hauberk.sense.capture.walk import BLOCK_PACKETS, Columns

_BEFORE_ALL: Final = np.iinfo(np.int64).min


@dataclass(frozen=True, slots=True)
class Feed:
    """One capture to be merged: when it begins (nanoseconds) and how to read it."""

    begins: int
    open: Callable[[], Iterator[Block]]


class _Head:
    """The part of one capture's current block that was not handed on yet."""

    def __init__(self, blocks: Iterator[Block]) -> None:
        self._blocks = blocks
        self._latest: int = _BEFORE_ALL
        self.block: Block | None = None
        self.at = 0
        self.key: NDArray[np.int64] = np.empty(0, np.int64)
        """Latest time up to each packet of the block, which never falls."""
        self.advance(0)

    def advance(self, count: int) -> None:
        """Leave ``count`` packets behind, and go to the next block where that was the last."""
        self.at += count
        if self.at < len(self.key):
            return
        self.block = next(self._blocks, None)
        self.at = 0
        if self.block is None:
            self.key = self.key[:0]
            return
        self.key = np.maximum(np.maximum.accumulate(self.block.time), self._latest)
        self._latest = int(self.key[-1])

    @property
    def last(self) -> int:
        """The key of the last packet of the block."""
        return int(self.key[-1])

    def until(self, time: int) -> int:
        """How many packets come up to ``time``."""
        return int(np.searchsorted(self.key[self.at :], time, side="right"))


def merged(feeds: Sequence[Feed]) -> Iterator[Block]:
    """The packets of all ``feeds``, which must not yield empty blocks, by time; at the same time in the order of ``feeds``."""
    waiting = deque(sorted(feeds, key=lambda feed: feed.begins))
    heads: list[_Head] = []
    mixer = _Mixer()
    while heads or waiting:
        if not heads:
            _start(waiting, heads)
            continue
        bound = min(head.last for head in heads)
        while waiting and waiting[0].begins <= bound:
            _start(waiting, heads)
            bound = min(head.last for head in heads)
        parts = [(head, count) for head in heads if (count := head.until(bound))]
        if len(parts) == 1:
            yield _part(*parts[0])
        else:
            yield from mixer.mixed(parts)
        for head, count in parts:
            head.advance(count)
        heads = [head for head in heads if head.block is not None]


def _start(waiting: deque[Feed], heads: list[_Head]) -> None:
    head = _Head(waiting.popleft().open())
    if head.block is not None:
        heads.append(head)


def _part(head: _Head, count: int) -> Block:
    block = head.block
    assert block is not None
    if count == block.count:
        return block
    return _columns(block).chosen(slice(head.at, head.at + count)).block(block.data)


def _columns(block: Block) -> Columns:
    return Columns(block.offset, block.captured, block.wire, block.time, block.link, block.vlan, block.frame)


class _Mixer:
    """Puts parts of several blocks together in a buffer of its own."""

    def __init__(self) -> None:
        self._data: NDArray[np.uint8] = np.empty(0, np.uint8)

    def mixed(self, parts: Sequence[tuple[_Head, int]]) -> Iterator[Block]:
        pieces = [_part(head, count) for head, count in parts]
        spans = [(int(piece.offset[0]), int(piece.offset[-1]) + int(piece.captured[-1])) for piece in pieces]
        total = sum(end - begin for begin, end in spans)
        if total > len(self._data):
            self._data = np.empty(total, np.uint8)
        shifts = []
        filled = 0
        for piece, (begin, end) in zip(pieces, spans, strict=True):
            self._data[filled : filled + end - begin] = piece.data[begin:end]
            shifts.append(filled - begin)
            filled += end - begin
        key = np.concatenate([head.key[head.at : head.at + count] for head, count in parts])
        order = np.argsort(key, kind="stable")
        rows = [_columns(piece) for piece in pieces]
        together = Columns(
            np.concatenate([row.offset + shift for row, shift in zip(rows, shifts, strict=True)]),
            np.concatenate([row.captured for row in rows]),
            np.concatenate([row.wire for row in rows]),
            np.concatenate([row.time for row in rows]),
            np.concatenate([row.link for row in rows]),
            np.concatenate([row.vlan for row in rows]),
            np.concatenate([row.frame for row in rows]),
        )
        for start in range(0, len(order), BLOCK_PACKETS):
            yield together.chosen(order[start : start + BLOCK_PACKETS]).block(self._data)
