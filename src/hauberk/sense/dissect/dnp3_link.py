"""DNP3 link frames: their length and their checksums (IEEE 1815-2012, clause 9.2 and annex E).

The checksum is CRC-16 with the reflected polynomial A6BC, inverted, over the header and over each block of at most 16 bytes.
It is computed two bytes at a time; a block followed by its own checksum always leaves the same remainder.
"""

from __future__ import annotations

from functools import lru_cache
from struct import Struct
from typing import Final

HEADER: Final = 10
"""Bytes of a header with its checksum."""
_POLYNOMIAL: Final = 0xA6BC
_BLOCK: Final = 16
_WHOLE_BLOCK: Final = Struct("<9H")
_HEADER_WORDS: Final = Struct("<5H")
_TAILS: Final = tuple(Struct(f"<{count}H") for count in range(10))


def frame_size(length: int) -> int:
    """Bytes of a frame whose length field is ``length`` (5 to 255)."""
    data = length - 5
    return HEADER + data + (data + _BLOCK - 1) // _BLOCK * 2


@lru_cache(maxsize=1)
def _tables() -> tuple[list[int], list[int], int]:
    """Remainders of all 16-bit words and of all bytes, and the remainder of a block with its checksum.

    The remainder is linear: each bit doubles the table. Lists, because an array makes a new integer at each look.
    """
    single = [0]
    words = [0]
    for bit in range(16):
        crc = 1 << bit
        for step in range(16):
            crc = crc >> 1 ^ (_POLYNOMIAL if crc & 1 else 0)
            if step == 7 and bit < 8:
                single += [entry ^ crc for entry in single]
        words += [entry ^ crc for entry in words]
    return words, single, words[0xFFFF]


def header_is_right(header: bytes) -> bool:
    """True where the checksum of the header, the first ``HEADER`` bytes of a frame, agrees."""
    table, _, remainder = _tables()
    a, b, c, d, e = _HEADER_WORDS.unpack_from(header)
    checked: int = table[e ^ table[d ^ table[c ^ table[b ^ table[a]]]]]
    return checked == remainder


def user_data(frame: bytes) -> bytes | None:
    """What a whole frame carries, without checksums; None where one of its blocks has a wrong one."""
    table, single, remainder = _tables()
    end = len(frame)
    position = HEADER
    parts: list[bytes] = []
    while end - position >= _BLOCK + 2:
        a, b, c, d, e, f, g, h, i = _WHOLE_BLOCK.unpack_from(frame, position)
        first = table[e ^ table[d ^ table[c ^ table[b ^ table[a]]]]]
        if table[i ^ table[h ^ table[g ^ table[f ^ first]]]] != remainder:
            return None
        parts.append(frame[position : position + _BLOCK])
        position += _BLOCK + 2
    left = end - position
    if left:
        crc = 0
        for word in _TAILS[left >> 1].unpack_from(frame, position):
            crc = table[crc ^ word]
        if left & 1:
            crc = crc >> 8 ^ single[(crc ^ frame[end - 1]) & 0xFF]
        if crc != remainder:
            return None
        parts.append(frame[position : end - 2])
    return parts[0] if len(parts) == 1 else b"".join(parts)
