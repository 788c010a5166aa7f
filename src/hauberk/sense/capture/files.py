"""Capture files as a packet source: one file, or several as one stream by packet time.

A file of which not even the header can be read raises ``CaptureError`` on opening. Where a file goes wrong later, every complete
packet before that place is handed over, the reason is noted in ``FileSource.problems``, and reading goes on with the other files.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Final, Literal, Self

from hauberk.errors import CaptureError
from hauberk.sense.capture.compression import PlainStream, open_decompressed
from hauberk.sense.capture.interface import Block
from hauberk.sense.capture.merge import Feed, merged
from hauberk.sense.capture.pcap import MAGICS, PcapReader
from hauberk.sense.capture.pcapng import MAGIC, PcapngReader
from hauberk.sense.capture.walk import BLOCK_PACKETS
from hauberk.sense.capture.window import WINDOW_BYTES, Window

Kind = Literal["pcap", "pcapng"]
"""What a capture file may be."""

_TOGETHER_BYTES: Final = 16 * WINDOW_BYTES  # for the windows of all files, as they may all be open at once
_SMALLEST_WINDOW: Final = 256 << 10
_PEEK_BYTES: Final = 64 << 10
_HEAD: Final = 12  # bytes that tell either format for sure
_BYTE_ORDER_MAGICS: Final = (struct.pack("<I", 0x1A2B3C4D), struct.pack(">I", 0x1A2B3C4D))


def sniff(path: str | os.PathLike[str]) -> Kind | None:
    """What kind of capture the file at ``path`` holds, found through compression by its first bytes; None for anything else.

    Raises ``CaptureError`` where the file cannot be opened. Standard input cannot be sniffed without being consumed.
    """
    with open_decompressed(path) as stream:
        window = Window(stream, 1024)
        window.have(_HEAD)
        return _kind(window)


def _kind(window: Window) -> Kind | None:
    head = window.data[window.begin : min(window.end, window.begin + _HEAD)].tobytes()
    if head[:4] in MAGICS:
        return "pcap"
    if head[:4] == MAGIC and head[8:] in _BYTE_ORDER_MAGICS:
        return "pcapng"
    return None


def _reader(stream: PlainStream, window_bytes: int, packets: int) -> PcapReader | PcapngReader:
    """A reader that has read the header of the file."""
    window = Window(stream, window_bytes)
    complete = window.have(_HEAD)
    kind = _kind(window)
    if kind == "pcap":
        return PcapReader(window, packets)
    if kind == "pcapng":
        return PcapngReader(window, packets)
    if window.problem is not None:
        raise window.problem
    if window.held == 0:
        raise CaptureError(stream.source, "is empty", 0)
    reason = "is neither pcap nor pcapng" if complete else "is too short to be a capture"
    raise CaptureError(stream.source, reason, 0)


class _CaptureFile:
    """One file of a source, opened at once so that its header is known to be sound."""

    def __init__(self, path: str | os.PathLike[str], window_bytes: int, problems: list[CaptureError], *, peek: bool) -> None:
        self._path = path
        self._window_bytes = window_bytes
        self._problems = problems
        self._first: Block | None = None
        self._blocks: Iterator[Block] = iter(())
        self._stream = self._start(peek=peek)

    def _start(self, *, peek: bool) -> PlainStream:
        """Open the file; to ``peek`` is to make ready for the first packet only, of a file that can be opened again."""
        stream = open_decompressed(self._path)
        small = peek and stream.size is not None
        try:
            reader = _reader(stream, *((_PEEK_BYTES, 1) if small else (self._window_bytes, BLOCK_PACKETS)))
        except CaptureError:
            stream.close()
            raise
        self._blocks = self._guarded(reader.blocks())
        return stream

    def _guarded(self, blocks: Iterator[Block]) -> Iterator[Block]:
        try:
            yield from blocks
        except CaptureError as error:
            self._problems.append(error)

    @property
    def name(self) -> str:
        """What the file is called."""
        return self._stream.source

    @property
    def size(self) -> int | None:
        """Bytes of the file as stored; None for a pipe."""
        return self._stream.size

    @property
    def position(self) -> int:
        """Stored bytes consumed so far."""
        return self._stream.position

    def begins(self) -> int | None:
        """Time of the first packet in nanoseconds, or None where there is none; a file that can be is closed until its turn."""
        self._first = next(self._blocks, None)
        if self._first is None:
            return None
        begins = int(self._first.time[0])
        if self.size is not None:
            self.close()
        return begins

    def blocks(self) -> Iterator[Block]:
        """The packets; an error of the file ends them and is noted."""
        if self._stream.closed:
            try:
                self._stream = self._start(peek=False)
            except CaptureError as error:
                self._problems.append(error)
                return
        if self._first is not None:
            yield self._first
        yield from self._blocks
        self.close()

    def close(self) -> None:
        """Close the file and let go of its buffers."""
        self._stream.close()
        self._first = None
        self._blocks = iter(())


class FileSource:
    """Capture files as one stream of packets. Made by ``open_captures``; ``blocks`` may be walked once.

    Differs from an interface in that ``blocks`` does not raise where a file goes wrong: it notes that in ``problems``.
    """

    def __init__(self, files: Sequence[_CaptureFile], feeds: Sequence[Feed], problems: list[CaptureError]) -> None:
        self._files = files
        self._feeds = feeds
        self.problems = problems
        """Why files were not read to their end, in the order met; complete once ``blocks`` is exhausted."""

    @property
    def name(self) -> str:
        """What the source is called in messages to people."""
        others = len(self._files) - 1
        return self._files[0].name + (f" and {others} more" if others else "")

    @property
    def size(self) -> int | None:
        """Bytes of all files as stored, or None where one of them is a pipe."""
        sizes = [file.size for file in self._files]
        known = [size for size in sizes if size is not None]
        return sum(known) if len(known) == len(sizes) else None

    @property
    def position(self) -> int:
        """Stored bytes consumed so far."""
        return sum(file.position for file in self._files)

    def blocks(self) -> Iterator[Block]:
        """The packets, block by block, as far as the files can be read; look at ``problems`` afterwards."""
        try:
            if len(self._files) == 1:
                yield from self._files[0].blocks()
            else:
                yield from merged(self._feeds)
        finally:
            self.close()

    def close(self) -> None:
        """Close the files that are open."""
        for file in self._files:
            file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def open_captures(paths: Sequence[str | os.PathLike[str]], *, window_bytes: int = WINDOW_BYTES) -> FileSource:
    """The captures at ``paths`` as one source, by packet time; ``-`` is standard input.

    Frames are numbered from 1 within their own file. Raises ``CaptureError`` where a file cannot be opened or is no capture.
    """
    if not paths:
        message = "no capture was named"
        raise ValueError(message)
    together = len(paths) > 1
    problems: list[CaptureError] = []
    files: list[_CaptureFile] = []
    feeds: list[Feed] = []
    if together:
        window_bytes = min(window_bytes, max(_SMALLEST_WINDOW, _TOGETHER_BYTES // len(paths)))
    try:
        for path in paths:
            file = _CaptureFile(path, window_bytes, problems, peek=together)
            files.append(file)
            begins = file.begins() if together else None
            if begins is not None:
                feeds.append(Feed(begins, file.blocks))
    except CaptureError:
        for file in files:
            file.close()
        raise
    return FileSource(files, feeds, problems)
