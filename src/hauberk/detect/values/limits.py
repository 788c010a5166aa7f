"""How much is remembered of one device's values, and how many devices are followed."""

from __future__ import annotations

from typing import Final

import numpy as np

MOST_DEVICES: Final = 4096
"""Devices whose values are followed; later ones are not, until the state begins anew."""
MOST_POINTS: Final = 64
"""Points followed of one device: those seen first."""
MOST_KINDS: Final = 48
"""Kinds of messages followed of one device: those seen first."""

_CELLS = 512
_MOST_ROWS = 32
_LEAST_ROWS = 8


def enough_rows(width: int) -> int:
    """Rows of ``width`` points from which the nature of the points is told."""
    return int(np.clip(_CELLS // width, _LEAST_ROWS, _MOST_ROWS))
