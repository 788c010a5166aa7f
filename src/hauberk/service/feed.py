"""Where observations come from: captures and other sensors' logs, opened by what they contain, as one stream.

Captures go through the sensor, logs through their format. Where both are given the stream is put together by traffic time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from heapq import heapify, heappop, heappush
from pathlib import Path

from hauberk.errors import CaptureError, InputError
from hauberk.model.observation import Observations
from hauberk.sense.capture.compression import open_decompressed
from hauberk.sense.capture.files import FileSource, open_captures, sniff
from hauberk.sense.capture.interface import PacketSource
from hauberk.sense.sensor import Sensor, SensorLimits
from hauberk.service.logs import LogFile, log_reader

_SNIFF = 4096

Progress = Callable[[int], None]


class Depth(Enum):
    """How far payloads are read."""

    HEADERS = "headers"
    SERVICES = "services"
    """Far enough to tell which protocol a conversation speaks."""
    MESSAGES = "messages"


def sensor(depth: Depth, limits: SensorLimits | None = None, seed: int | None = None) -> Sensor:
    """A sensor that reads payloads as far as ``depth`` says."""
    if depth is Depth.HEADERS:
        return Sensor(limits, seed=seed)
    from hauberk.sense.dissect.registry import dissectors  # noqa: PLC0415 - thirty modules that reading headers does not need
    from hauberk.sense.reader import PayloadReader  # noqa: PLC0415 - same

    streams = limits.streams if limits else None
    return Sensor(limits, PayloadReader(dissectors(), streams=streams, recognise_only=depth is Depth.SERVICES), seed)


@dataclass(slots=True)
class Feed:
    """A stream of observations of one or more sources. ``problems``: what could not be read, known when the stream has ended."""

    captures: FileSource | None
    logs: list[LogFile]
    sensor: Sensor
    problems: list[InputError] = field(default_factory=list)

    @property
    def name(self) -> str:
        """What the input is called in messages to people."""
        if self.captures is not None:
            return self.captures.name
        others = len(self.logs) - 1
        return self.logs[0].path + (f" and {others} more" if others else "")

    @property
    def size(self) -> int | None:
        """Bytes in all, where known."""
        sizes = [part.size for part in (*([self.captures] if self.captures else []), *self.logs)]
        return None if None in sizes else sum(size for size in sizes if size is not None)

    def observations(self, progress: Progress | None = None) -> Iterator[Observations]:
        """The stream, batch by batch, in order of traffic time between sources."""
        streams: list[Iterator[Observations]] = []
        if self.captures is not None:
            streams.append(observe(self.captures, self.sensor))
        streams.extend(log.observations() for log in self.logs)
        for batch in streams[0] if len(streams) == 1 else _by_time(streams):
            if progress is not None:
                progress(self._position())
            yield batch
        if self.captures is not None:
            self.problems.extend(self.captures.problems)
        for log in self.logs:
            self.problems.extend(log.problems)

    def _position(self) -> int:
        return (self.captures.position if self.captures else 0) + sum(log.position for log in self.logs)


def observe(source: PacketSource, by: Sensor) -> Iterator[Observations]:
    """Observations of a packet source, to its end."""
    for block in source.blocks():
        yield by.process(block)
    yield by.finish()


def open_feed(paths: Sequence[str], depth: Depth, limits: SensorLimits | None = None, seed: int | None = None) -> Feed:
    """Open ``paths``: captures, Zeek or EVE logs (told apart by content), or folders of them; ``-`` is a capture on standard input.

    A file of which nothing can be read is a problem of the feed; where no file can be read at all its ``InputError`` is raised.
    """
    captures: list[str] = []
    logs: list[LogFile] = []
    problems: list[InputError] = []
    for path in _files(paths):
        try:
            if path == "-" or not Path(path).is_file() or sniff(path) is not None:
                if len(paths) > 1 and Path(path).is_file():
                    open_captures([path]).close()  # one that cannot be read must not stop the others
                captures.append(path)
            else:
                logs.append(_open_log(path))
        except InputError as error:
            problems.append(error)
    source = None
    if captures:
        try:
            source = open_captures(captures)
        except InputError as error:
            problems.append(error)
    if source is None and not logs:
        raise problems[0]
    return Feed(source, logs, sensor(depth, limits, seed), problems)


def _files(paths: Sequence[str]) -> Iterator[str]:
    """The files named, folders opened one level deep in order of name."""
    for path in paths:
        if path != "-" and Path(path).is_dir():
            inside = sorted(str(entry) for entry in Path(path).iterdir() if entry.is_file())
            if not inside:
                raise InputError(f"{path}: the folder holds no file")
            yield from inside
        else:
            yield path


def _open_log(path: str) -> LogFile:
    with open_decompressed(path) as stream:
        head = bytearray(_SNIFF)
        head = head[: stream.readinto(head)]
    if not head:
        raise CaptureError(path, "is empty", 0)
    reader = log_reader(Path(path).name, bytes(head))
    if reader is None:
        raise CaptureError(path, "is neither a capture (pcap, pcapng) nor a Zeek or Suricata EVE log", 0)
    return LogFile(path, reader)


def _by_time(streams: Sequence[Iterator[Observations]]) -> Iterator[Observations]:
    """Batches of several streams: always the next of the stream that is furthest behind."""
    heap: list[tuple[float, int, Iterator[Observations]]] = [(float("-inf"), order, stream) for order, stream in enumerate(streams)]
    heapify(heap)
    while heap:
        _, order, stream = heappop(heap)
        batch = next(stream, None)
        if batch is not None:
            heappush(heap, (batch.watermark, order, stream))
            yield batch
