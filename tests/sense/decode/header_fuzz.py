"""Run by ``test_headers.py`` in a process of its own with Numba's bounds checks on: cut and damaged frames of exact size."""

from __future__ import annotations

import json
import random
import sys

import numpy as np

from hauberk.sense.capture.interface import LINK_NULL, LINK_RAW
from hauberk.sense.decode.headers import decode
from hauberk.sense.decode.packet import PACKET

LINKS = (0, 1, 1, 1, 1, 101, 108, 113, 228, 229, 276)
ROUNDS = 200


def read(frame: bytes, link: int, extra: int = 0) -> np.void:
    """The row of a frame in a buffer that ends with it; ``extra`` is what the capture claims beyond that."""
    data = np.frombuffer(bytearray(frame), np.uint8)
    size = np.array([len(frame) + extra], np.uint32)
    zero = np.zeros(1, np.int64)
    out = np.zeros(1, PACKET)
    decode(data, zero, size, size, zero, np.array([link], np.uint16), np.array([-1], np.int32), zero, 0, 1, out)
    row: np.void = out[0]
    if not extra:
        assert row["payload"] + row["payload_size"] <= len(frame)
        assert row["network"] + row["network_size"] <= len(frame)
    return row


def main() -> None:
    """Prove that the checks are on, then read everything."""
    frames = [bytes.fromhex(line) for line in json.load(sys.stdin)]
    try:
        read(frames[0][:30], 1, extra=60)
    except IndexError:
        pass
    else:
        message = "bounds are not checked"
        raise SystemExit(message)
    dice = random.Random(1)  # noqa: S311 - repeatable damage, not a secret
    for frame in frames:
        for size in range(len(frame)):
            read(frame[:size], 1)
        for _ in range(ROUNDS):
            damaged = bytearray(frame)
            for _ in range(dice.randint(1, 4)):
                damaged[dice.randrange(len(damaged))] = dice.choice((0, 1, 4, 0x45, 0x60, 0xFF, dice.randrange(256)))
            start = dice.choice((0, 0, 0, 14))
            read(bytes(damaged[start : dice.randint(start, len(damaged))]), dice.choice(LINKS))
            read(frame[14 : dice.randint(14, len(frame))], dice.choice((LINK_RAW, LINK_NULL)))
    print("sound")  # noqa: T201 - what the test looks for


if __name__ == "__main__":
    main()
