"""Rows that wait, in one array of bounded length: appending costs what is appended, not what waits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hauberk.model.observation import Columns

Flags = NDArray[np.bool_]


def compact(dtype: np.dtype[np.void], rows: Columns, chosen: NDArray[np.intp], **more: NDArray[np.generic]) -> Columns:
    """The ``chosen`` rows with the columns of ``dtype`` only, those of ``more`` from there."""
    kept = np.empty(len(chosen), dtype)
    for name in dtype.names or ():
        kept[name] = more[name] if name in more else rows[name][chosen]
    return kept


def fields(
    like: np.dtype[np.void], names: tuple[str, ...], more: Mapping[str, type[np.generic]] | None = None
) -> np.dtype[np.void]:
    """A type with the columns ``names`` of ``like``, and ``more``."""
    return np.dtype([*((name, like[name]) for name in names), *(more or {}).items()], align=True)


class RowBuffer:
    """Rows in order of arrival; the oldest are dropped where there are more than ``most``."""

    def __init__(self, dtype: np.dtype[np.void], most: int) -> None:
        self._most: Final = most
        self._store: Columns = np.empty(0, dtype)
        self._head = self._tail = 0

    @property
    def rows(self) -> Columns:
        """What waits, not copied."""
        return self._store[self._head : self._tail]

    def __len__(self) -> int:
        return self._tail - self._head

    def begin_stream(self) -> None:
        """Nothing waits that belongs to traffic of another time."""
        self._head = self._tail = 0

    def saved(self) -> Mapping[str, object]:
        """What is kept in a snapshot: the rows, not the room around them."""
        return {"_most": self._most, "_store": self.rows, "_head": 0, "_tail": len(self)}

    def append(self, fresh: Columns) -> None:
        """Add ``fresh`` at the end."""
        fresh = fresh[-self._most :]
        if self._tail + len(fresh) > len(self._store):
            old = self.rows[-self._most :]
            room = 3 * (len(old) + len(fresh)) // 2
            store = self._store if len(self._store) >= room else np.empty(room, self._store.dtype)
            store[: len(old)] = old
            self._store, self._head, self._tail = store, 0, len(old)
        self._store[self._tail : self._tail + len(fresh)] = fresh
        self._tail += len(fresh)
        self._head = max(self._head, self._tail - self._most)

    def keep(self, which: Flags) -> None:
        """Drop the other rows."""
        gone = len(self) if not which.any() else int(np.argmax(which))
        self._head += gone
        if not which[gone:].all():
            kept = self.rows[which[gone:]]
            self._store[self._head : self._head + len(kept)] = kept
            self._tail = self._head + len(kept)
