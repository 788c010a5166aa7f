"""Logs of other sensors as observations: read line by line, a bounded number at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from io import BufferedReader
from itertools import islice
from pathlib import Path
from typing import Protocol

from hauberk.errors import InputError
from hauberk.model.observation import Observations
from hauberk.sense.capture.compression import open_decompressed

_LINES = 2048
"""Lines read at once."""
_LINE_BYTES = 1 << 20
"""Longest line read whole; a longer one is broken and fails to parse."""


class LineProblem(Protocol):
    """Why lines could not be read."""

    @property
    def line(self) -> int:
        """1-based number of the first such line."""
        ...

    @property
    def reason(self) -> str:
        """What is wrong with it."""
        ...


class LogReader(Protocol):
    """Turns lines of one log into observations, bit by bit."""

    @property
    def problems(self) -> Iterable[LineProblem]:
        """Lines that were skipped."""
        ...

    def feed(self, lines: Iterable[bytes]) -> Observations:
        """Observations of the next lines."""
        ...


def log_reader(name: str, head: bytes) -> LogReader | None:
    """A reader for the log called ``name`` that begins with ``head``; None where no format fits."""
    from hauberk.formats import eve, zeek  # noqa: PLC0415 - captures need neither

    if zeek.sniff(head):
        return zeek.ZeekReader(name)
    if eve.sniff(head):
        return eve.EveReader(name)
    return None


@dataclass(slots=True)
class LogFile:
    """One log, opened when it is read."""

    path: str
    reader: LogReader
    position: int = 0
    problems: list[InputError] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Bytes as stored."""
        return Path(self.path).stat().st_size

    def observations(self) -> Iterator[Observations]:
        """The log's content. A broken line, or the place where the file breaks off, becomes a problem."""
        with open_decompressed(self.path) as stream:
            lines = _lines(BufferedReader(stream))
            while True:
                try:
                    batch = list(islice(lines, _LINES))
                except InputError as error:
                    self.problems.append(error)
                    break
                if not batch:
                    break
                self.position = stream.position
                yield self.reader.feed(batch)
        for problem in self.reader.problems:
            self.problems.append(InputError(f"{self.path}: line {problem.line}: {problem.reason}"))


def _lines(stream: BufferedReader) -> Iterator[bytes]:
    while line := stream.readline(_LINE_BYTES):
        yield line
