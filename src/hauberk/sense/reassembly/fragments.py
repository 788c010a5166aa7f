"""IP fragments back to datagrams (RFC 791 section 3.2, RFC 8200 section 4.5).

First bytes win where fragments overlap, so that a late fragment cannot rewrite what was judged. A datagram that grows over its
bounds or stays incomplete too long is dropped and counted; so is a fragment of which the capture holds only a part. Must never hold
more than its limits allow, whatever arrives.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from struct import Struct, pack

_V4_FLAGS = Struct(">HH")
_LAST_BYTE = 65535


@dataclass(frozen=True, slots=True)
class FragmentLimits:
    """Bounds of fragment reassembly."""

    datagrams: int = 1024
    """Most incomplete datagrams held."""
    pieces: int = 128
    """Most fragments of one datagram."""
    held_bytes: int = 16 * 1024 * 1024
    """Most bytes of fragments held."""
    seconds: float = 30.0
    """How long a datagram may stay incomplete, in traffic time (RFC 1122 section 3.3.2 asks for 60 to 120 of a host)."""


@dataclass(slots=True)
class _Datagram:
    began: float
    header: bytes = b""
    pieces: list[tuple[int, bytes]] = field(default_factory=list)
    size: int = 0
    total: int | None = None


class FragmentReassembler:
    """Collects fragments; ``add`` gives the datagram when its last piece arrives."""

    def __init__(self, limits: FragmentLimits) -> None:
        self.limits = limits
        self.dropped = 0
        self.held_bytes = 0
        self._held: OrderedDict[bytes, _Datagram] = OrderedDict()

    def add(self, packet: bytes, time: float) -> bytes | None:
        """Take one fragment, from its IP header on, seen at ``time`` (epoch seconds).

        Gives the whole IP packet, or None while pieces miss.
        """
        piece = _piece_v4(packet) if packet[0] >> 4 == 4 else _piece_v6(packet)
        if piece is None:
            self.dropped += 1
            return None
        key, header, start, more, data = piece
        self._forget(time, key, len(data))
        datagram = self._held.get(key)
        if datagram is None:
            datagram = self._held[key] = _Datagram(time)
        if start + len(data) > _LAST_BYTE or len(datagram.pieces) >= self.limits.pieces:
            self._drop(key)
            return None
        if start == 0 and not datagram.header:
            datagram.header = header
        if not more and datagram.total is None:
            datagram.total = start + len(data)
        datagram.pieces.append((start, data))
        datagram.size += len(data)
        self.held_bytes += len(data)
        payload = _join(datagram)
        if payload is None or not datagram.header:
            return None
        del self._held[key]
        self.held_bytes -= datagram.size
        return _rebuild(datagram.header, payload)

    def _forget(self, now: float, key: bytes, size: int) -> None:
        """Drop what stayed incomplete too long, and the oldest while there is no room for ``size`` bytes more of ``key``."""
        limits = self.limits
        while self._held:
            first, oldest = next(iter(self._held.items()))
            full = len(self._held) >= limits.datagrams and key not in self._held
            if not full and self.held_bytes + size <= limits.held_bytes and now - oldest.began <= limits.seconds:
                return
            self._drop(first)

    def _drop(self, key: bytes) -> None:
        self.held_bytes -= self._held.pop(key).size
        self.dropped += 1


def _piece_v4(packet: bytes) -> tuple[bytes, bytes, int, bool, bytes] | None:
    """Key, header, start in bytes, whether more follow, and data of an IPv4 fragment."""
    size = (packet[0] & 15) * 4
    total = int.from_bytes(packet[2:4], "big") or len(packet)
    identification, word = _V4_FLAGS.unpack_from(packet, 4)
    data = packet[size:total]
    more = bool(word & 0x2000)
    if not data or total > len(packet) or (more and len(data) % 8):
        return None
    key = b"4" + packet[12:20] + packet[9:10] + identification.to_bytes(2, "big")
    return key, packet[:size], (word & 0x1FFF) * 8, more, data


def _piece_v6(packet: bytes) -> tuple[bytes, bytes, int, bool, bytes] | None:
    """Key, unfragmentable part (its chain ends where the fragment header stood), start, whether more follow, and data."""
    following, at, where = packet[6], 40, 6
    while following in (0, 43, 60) and at + 8 <= len(packet):
        following, where, at = packet[at], at, at + (packet[at + 1] + 1) * 8
    if following != 44 or at + 8 > len(packet):
        return None
    word = int.from_bytes(packet[at + 2 : at + 4], "big")
    header = bytearray(packet[:at])
    header[where] = packet[at]
    end = 40 + int.from_bytes(packet[4:6], "big")
    data = packet[at + 8 : end]
    more = bool(word & 1)
    if not data or end > len(packet) or (more and len(data) % 8):
        return None
    return b"6" + packet[8:40] + packet[at + 4 : at + 8], bytes(header), word & 0xFFF8, more, data


def _join(datagram: _Datagram) -> bytes | None:
    """The payload if no byte misses; of bytes sent twice the first to arrive count."""
    if datagram.total is None or sum(len(data) for _, data in datagram.pieces) < datagram.total:
        return None
    payload = bytearray(datagram.total)
    known = bytearray(datagram.total)
    for start, data in reversed(datagram.pieces):  # the first to arrive is written last
        end = min(start + len(data), datagram.total)
        if start < end:
            payload[start:end] = data[: end - start]
            known[start:end] = b"\x01" * (end - start)
    return bytes(payload) if 0 not in known else None


def _rebuild(header: bytes, payload: bytes) -> bytes:
    """An unfragmented packet of ``header`` and ``payload``."""
    if header[0] >> 4 == 4:
        return header[:2] + pack(">HHH", min(len(header) + len(payload), _LAST_BYTE), 0, 0) + header[8:] + payload
    return header[:4] + pack(">H", min(len(header) - 40 + len(payload), _LAST_BYTE)) + header[6:] + payload
