"""A file, a pipe or standard input as a stream of plain bytes, whatever it was packed with.

The packing is found by its first bytes, never by the name: gzip (RFC 1952 section 2.3.1), xz (the .xz file format, section
2.1.1.1) and Zstandard (RFC 8878 section 3.1.1, with its skippable frames, section 3.1.2). Members, streams and frames that
follow each other count as one. The memory a packed file may claim is bounded here, and an error is never raised before the
bytes ahead of it were handed over, except that a damaged piece of compressed data takes with it what its own few KiB would
have given.
"""

from __future__ import annotations

import gzip
import io
import lzma
import os
import stat
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Protocol

import zstandard

from hauberk.errors import CaptureError

if TYPE_CHECKING:
    from typing_extensions import Buffer

STANDARD_INPUT: Final = "-"
"""The path that means standard input."""

ZSTD_WINDOW_LIMIT: Final = 1 << 27
"""Largest Zstandard window accepted, in bytes: what ``zstd`` itself takes without being asked for more."""

XZ_MEMORY_LIMIT: Final = 1 << 27
"""Most memory an xz decoder may use, in bytes: ``xz -9`` needs 65 MiB."""

_HEAD: Final = 6  # the longest of the magic numbers below
_INPUT: Final = 1 << 16  # compressed bytes asked of the system at a time
_OUTPUT: Final = 1 << 17  # plain bytes asked of a decoder at a time
_ZSTD_INPUT: Final = 1 << 10  # a block of four bytes may give 128 KiB, so this bounds one step to 32 MiB

_GZIP: Final = b"\x1f\x8b"
_XZ: Final = b"\xfd7zXZ\x00"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_ZSTD_SKIPPABLE: Final = b"\x2a\x4d\x18"


class _Counted(io.RawIOBase):
    """The bytes as stored, with the first few given back after they were looked at, and a count of those consumed."""

    def __init__(self, inner: io.RawIOBase) -> None:
        self._inner = inner
        self.taken = 0
        head = b""
        while len(head) < _HEAD:
            more = inner.read(_HEAD - len(head))
            if not more:
                break
            head += more
        self.head = head
        self._back = head

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        view = memoryview(buffer).cast("B")
        if self._back:
            count = min(len(view), len(self._back))
            view[:count] = self._back[:count]
            self._back = self._back[count:]
        else:
            count = self._inner.readinto(view) or 0
        self.taken += count
        return count

    def close(self) -> None:
        self._inner.close()
        super().close()


class _Decoder(Protocol):
    def __call__(self) -> bytes:
        """The next plain bytes; empty at the end. Raises ``EOFError`` where compressed data is cut off."""
        ...


class _Xz:
    def __init__(self, raw: _Counted) -> None:
        self._raw = raw
        self._decoder = _xz_decoder()
        self._pending = b""

    def __call__(self) -> bytes:
        while True:
            if self._decoder.eof:
                self._pending = self._after_padding(self._decoder.unused_data)
                if not self._pending:
                    return b""
                self._decoder = _xz_decoder()
            given = b""
            if self._decoder.needs_input:
                given = self._pending or self._raw.read(_INPUT) or b""
                self._pending = b""
                if not given:
                    raise EOFError
            plain = self._decoder.decompress(given, _OUTPUT)
            if plain:
                return plain

    def _after_padding(self, rest: bytes) -> bytes:
        """What follows the zero bytes that may stand between and after streams (.xz file format, section 2.2)."""
        rest = rest.lstrip(b"\0")
        while not rest:
            more = self._raw.read(_INPUT)
            if not more:
                return b""
            rest = more.lstrip(b"\0")
        return rest


def _xz_decoder() -> lzma.LZMADecompressor:
    return lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=XZ_MEMORY_LIMIT)


class _Zstd:
    def __init__(self, raw: _Counted) -> None:
        self._raw = raw
        self._context = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW_LIMIT)
        self._frame = self._context.decompressobj()
        self._pending = b""
        self._fresh = True

    def __call__(self) -> bytes:
        while True:
            if not self._pending:
                self._pending = self._raw.read(_INPUT) or b""
                if not self._pending:
                    if self._fresh:
                        return b""
                    raise EOFError
            given, self._pending = self._pending[:_ZSTD_INPUT], self._pending[_ZSTD_INPUT:]
            plain = self._frame.decompress(given)
            self._fresh = False
            if self._frame.eof:
                self._pending = self._frame.unused_data + self._pending
                self._frame = self._context.decompressobj()
                self._fresh = True
            if plain:
                return plain


def _gzip_decoder(raw: _Counted) -> _Decoder:
    stream = gzip.GzipFile(fileobj=io.BufferedReader(raw, _INPUT), mode="rb")
    return lambda: stream.read1(_OUTPUT)


def _packing(head: bytes) -> tuple[str, Callable[[_Counted], _Decoder]] | None:
    if head.startswith(_GZIP):
        return "gzip", _gzip_decoder
    if head.startswith(_XZ):
        return "xz", _Xz
    if head.startswith(_ZSTD) or (head[1:4] == _ZSTD_SKIPPABLE and head[0] >> 4 == 5):
        return "zstd", _Zstd
    return None


class PlainStream(io.RawIOBase):
    """The plain bytes of one file; wrap it in ``io.BufferedReader`` and ``io.TextIOWrapper`` to read lines.

    Reading raises ``CaptureError`` where the compressed data is cut off or damaged, after all bytes before that.
    """

    def __init__(self, inner: io.RawIOBase, source: str, size: int | None) -> None:
        self.source = source
        """What the file is called in messages to people."""
        self.size = size
        """Bytes of the file as stored, or None for a pipe."""
        self.plain = 0
        """Plain bytes handed over so far."""
        self._ready = memoryview(b"")
        self._raw = _Counted(inner)
        packing = _packing(self._raw.head)
        self.packing: str | None = None
        """``gzip``, ``xz``, ``zstd``, or None where the file is not packed."""
        self._decode: _Decoder | None = None
        if packing is not None:
            self.packing, start = packing
            self._decode = start(self._raw)

    @property
    def position(self) -> int:
        """Bytes of the file as stored that were consumed so far."""
        return self._raw.taken

    def readable(self) -> bool:
        """Always true."""
        return True

    def readinto(self, buffer: Buffer) -> int:
        """Fill some of ``buffer``; 0 at the end of the file."""
        view = memoryview(buffer).cast("B")
        if not view:
            return 0
        if not self._ready:
            try:
                if self._decode is None:
                    count = self._raw.readinto(view)
                    self.plain += count
                    return count
                self._ready = memoryview(self._decode())
            except EOFError:
                raise CaptureError(self.source, f"the {self.packing} data is cut off", self.plain) from None
            except (gzip.BadGzipFile, zlib.error, lzma.LZMAError, zstandard.ZstdError) as error:
                raise CaptureError(self.source, f"the {self.packing} data is damaged ({error})", self.plain) from error
            except OSError as error:
                raise CaptureError(self.source, f"cannot be read ({error.strerror or error})", self.plain) from error
        count = min(len(view), len(self._ready))
        view[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        self.plain += count
        return count

    def close(self) -> None:
        """Close the file. Standard input stays open."""
        if not self.closed:
            self._raw.close()
        super().close()


def open_decompressed(path: str | os.PathLike[str]) -> PlainStream:
    """The plain bytes of the file at ``path``, or of standard input where it is ``-``.

    Raises ``CaptureError`` where the file cannot be opened.
    """
    name = os.fspath(path)
    if name == STANDARD_INPUT:
        return PlainStream(io.FileIO(0, "rb", closefd=False), "standard input", None)
    inner: io.FileIO | None = None
    try:
        inner = io.FileIO(name, "rb")
        status = os.fstat(inner.fileno())
        return PlainStream(inner, name, status.st_size if stat.S_ISREG(status.st_mode) else None)
    except OSError as error:
        if inner is not None:
            inner.close()
        raise CaptureError(name, f"cannot be opened ({error.strerror or error})") from error
