"""Which device has which row in the arrays of a model."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

MOST = 1 << 14
"""Devices a model remembers; those that appear beyond are not judged."""
UNKNOWN = -1
Kind = TypeVar("Kind", bound=np.generic)


class Roster:
    """Rows of devices by id, in the order in which they were first heard."""

    def __init__(self) -> None:
        self._row: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._row)

    @property
    def ids(self) -> tuple[str, ...]:
        """The devices by row."""
        return tuple(self._row)

    def row(self, device: str) -> int:
        """Row of a device, -1 where it has none."""
        return self._row.get(device, UNKNOWN)

    def enter(self, devices: Sequence[str]) -> NDArray[np.int64]:
        """Rows of devices, new ones where there is room, -1 elsewhere."""
        found = np.empty(len(devices), np.int64)
        for place, device in enumerate(devices):
            row = self._row.get(device, UNKNOWN)
            if row == UNKNOWN and len(self._row) < MOST:
                row = self._row[device] = len(self._row)
            found[place] = row
        return found


def grown(array: NDArray[Kind], count: int, fill: float = 0) -> NDArray[Kind]:
    """``array`` with room for at least ``count`` rows; new ones hold ``fill``."""
    if len(array) >= count:
        return array
    larger = np.full((max(count, 2 * len(array), 16), *array.shape[1:]), fill, array.dtype)
    larger[: len(array)] = array
    return larger


def without_room(attributes: Mapping[str, object], count: int, whole: Collection[str]) -> dict[str, object]:
    """``attributes`` with the first ``count`` rows of every array, all of those named in ``whole``."""
    return {
        name: value[:count] if isinstance(value, np.ndarray) and name not in whole else value for name, value in attributes.items()
    }
