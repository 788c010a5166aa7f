"""A window of bounded size that moves over a stream, for walkers that need whole records in one array.

What a walker has not consumed is carried over to the front before more is read. The buffer is reused for the whole stream:
memory does not grow with the length of the file, and only a single record larger than the buffer makes it larger.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from hauberk.errors import CaptureError
from hauberk.sense.capture.compression import PlainStream

WINDOW_BYTES: Final = 4 << 20
"""Size of the buffer unless a record needs more."""

RECORD_LIMIT: Final = 16 << 20
"""Most bytes one record or block of a capture file may take; one that claims more is an error of the file."""


class Window:
    """``data[begin:end]`` is what is there to be walked; ``base`` is the offset of ``data[0]`` in the plain stream."""

    def __init__(self, stream: PlainStream, size: int = WINDOW_BYTES) -> None:
        self.stream = stream
        self.data: NDArray[np.uint8] = np.empty(size, np.uint8)
        self.begin = 0
        self.end = 0
        self.base = 0
        self.problem: CaptureError | None = None
        """Why the stream ended early, where it did."""
        self._finished = False

    @property
    def held(self) -> int:
        """Bytes that are there to be walked."""
        return self.end - self.begin

    @property
    def offset(self) -> int:
        """Where the walker stands, in plain bytes from the start of the file."""
        return self.base + self.begin

    def have(self, count: int) -> bool:
        """Whether ``count`` bytes are there, after reading as much as is needed and can be had.

        Moves ``data``, so blocks made of it before are void. A file fills the whole window; a pipe gives what it has, so that
        the packets of a slow one are not held back. ``count`` must not exceed ``RECORD_LIMIT``.
        """
        if self.held >= count:
            return True
        self._make_room(count)
        eager = self.stream.size is not None
        view = self.data.data
        while not self._finished and self.end < len(view) and (eager or self.held < count):
            try:
                got = self.stream.readinto(view[self.end :])
            except CaptureError as error:
                self.problem = error
                got = 0
            self.end += got
            self._finished = got == 0
        return self.held >= count

    def _make_room(self, count: int) -> None:
        target = self.data if count <= len(self.data) else np.empty(count, np.uint8)
        if self.begin or target is not self.data:
            held = self.held
            target[:held] = self.data[self.begin : self.end]
            self.base += self.begin
            self.begin, self.end = 0, held
            self.data = target
