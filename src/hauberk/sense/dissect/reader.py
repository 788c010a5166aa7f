"""A bounded cursor over bytes from the wire: it reads what is there or raises ``Malformed``, and nothing else."""

from __future__ import annotations

from struct import Struct

from hauberk.errors import Malformed

_U16, _U32, _U64 = Struct(">H"), Struct(">I"), Struct(">Q")
_U16LE, _U32LE, _U64LE = Struct("<H"), Struct("<I"), Struct("<Q")


class Reader:
    """Reads forward through ``data`` between ``position`` and ``end`` (both in bytes)."""

    __slots__ = ("data", "end", "position")

    def __init__(self, data: bytes, position: int = 0, end: int | None = None) -> None:
        self.data = data
        self.position = position
        self.end = len(data) if end is None else min(end, len(data))

    @property
    def remaining(self) -> int:
        """Bytes left to read."""
        return self.end - self.position

    def _advance(self, size: int) -> int:
        start = self.position
        if size < 0 or start + size > self.end:
            raise Malformed(f"{size} bytes announced at byte {start}, {self.end - start} there")
        self.position = start + size
        return start

    def u8(self) -> int:
        """One unsigned byte."""
        return self.data[self._advance(1)]

    def u16(self) -> int:
        """Two bytes, big-endian."""
        return int(_U16.unpack_from(self.data, self._advance(2))[0])

    def u24(self) -> int:
        """Three bytes, big-endian."""
        start = self._advance(3)
        return int.from_bytes(self.data[start : start + 3], "big")

    def u32(self) -> int:
        """Four bytes, big-endian."""
        return int(_U32.unpack_from(self.data, self._advance(4))[0])

    def u64(self) -> int:
        """Eight bytes, big-endian."""
        return int(_U64.unpack_from(self.data, self._advance(8))[0])

    def u16le(self) -> int:
        """Two bytes, little-endian."""
        return int(_U16LE.unpack_from(self.data, self._advance(2))[0])

    def u32le(self) -> int:
        """Four bytes, little-endian."""
        return int(_U32LE.unpack_from(self.data, self._advance(4))[0])

    def u64le(self) -> int:
        """Eight bytes, little-endian."""
        return int(_U64LE.unpack_from(self.data, self._advance(8))[0])

    def unpack(self, layout: Struct) -> tuple[int | float | bytes, ...]:
        """The fields of ``layout``."""
        return layout.unpack_from(self.data, self._advance(layout.size))

    def take(self, size: int) -> bytes:
        """The next ``size`` bytes."""
        start = self._advance(size)
        return self.data[start : start + size]

    def rest(self) -> bytes:
        """All that is left."""
        return self.take(self.end - self.position)

    def skip(self, size: int) -> None:
        """Pass over ``size`` bytes."""
        self._advance(size)

    def part(self, size: int) -> Reader:
        """A reader over the next ``size`` bytes, which this one passes over."""
        start = self._advance(size)
        return Reader(self.data, start, start + size)


def text(data: bytes, most: int) -> str:
    """Wire bytes as printable text of at most ``most`` characters: UTF-8 where it is, control characters escaped."""
    decoded = data[: most * 4].rstrip(b"\x00").decode("utf-8", "backslashreplace")[:most]
    return decoded if decoded.isprintable() else decoded.encode("unicode_escape").decode("ascii")[:most]
