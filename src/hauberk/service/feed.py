"""Where observations come from: captures and other sensors' logs, opened by what they contain, as one stream.

Captures go through the sensor, logs through their format. Where both are given the stream is put together by traffic time.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from heapq import heapify, heappop, heappush
from io import BufferedReader
from pathlib import Path

from hauberk.errors import CaptureError, InputError
from hauberk.model.observation import Observations
from hauberk.sense.capture.compression import STANDARD_INPUT, open_decompressed
from hauberk.sense.capture.files import FileSource, open_captures, sniff
from hauberk.sense.capture.interface import (
    LINK_ETHERNET,
    LINK_LINUX_SLL,
    LINK_LINUX_SLL2,
    LINK_LOOP,
    LINK_NULL,
    LINK_RAW,
    LINK_RAW_IPV4,
    LINK_RAW_IPV6,
    PacketSource,
)
from hauberk.sense.sensor import Sensor, SensorLimits
from hauberk.service.logs import LogFile, log_reader

_SNIFF = 4096

READABLE_LINKS = frozenset(
    {LINK_NULL, LINK_ETHERNET, LINK_RAW, LINK_LOOP, LINK_LINUX_SLL, LINK_RAW_IPV4, LINK_RAW_IPV6, LINK_LINUX_SLL2}
)
"""Link types the sensor reads."""

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
    unread_links: set[int] = field(default_factory=set)
    """Link types (tcpdump's LINKTYPE numbers) met that the sensor does not read."""

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
        logs = sum(log.size for log in self.logs)
        if self.captures is None:
            return logs
        return None if self.captures.size is None else self.captures.size + logs

    def observations(self, progress: Progress | None = None) -> Iterator[Observations]:
        """The stream, batch by batch, in order of traffic time between sources."""
        streams: list[Iterator[Observations]] = []
        if self.captures is not None:
            streams.append(observe(self.captures, self.sensor, self.unread_links))
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


def observe(source: PacketSource, by: Sensor, unread_links: set[int] | None = None) -> Iterator[Observations]:
    """Observations of a packet source, to its end. Link types that could not be read are added to ``unread_links``."""
    unread = 0
    for block in source.blocks():
        batch = by.process(block)
        if by.counters.unknown_link > unread and unread_links is not None:
            unread = by.counters.unknown_link
            unread_links.update(set(block.link[: block.count].tolist()) - READABLE_LINKS)
        yield batch
    yield by.finish()


def open_feed(paths: Sequence[str], depth: Depth, limits: SensorLimits | None = None, seed: int | None = None) -> Feed:
    """Open ``paths``: captures, Zeek or EVE logs (told apart by content), or folders of them; ``-`` is a capture on standard input.

    A file of which nothing can be read is a problem of the feed; where no file can be read at all its ``InputError`` is raised.
    """
    captures: list[str] = []
    logs: list[LogFile] = []
    problems: list[InputError] = []
    for path in _once(_files(paths, problems)):
        try:
            if path == STANDARD_INPUT or not stat.S_ISREG(_status(path).st_mode) or sniff(path) is not None:
                captures.append(path)
            else:
                logs.append(_open_log(path))
        except InputError as error:
            problems.append(error)
    source = _open_together(captures, problems)
    if source is None and not logs:
        raise problems[0] if len(problems) == 1 else InputError("\n".join(str(problem) for problem in problems))
    return Feed(source, logs, sensor(depth, limits, seed), problems)


def _open_together(paths: list[str], problems: list[InputError]) -> FileSource | None:
    """The captures as one source, without those that cannot be read: each of these becomes a problem."""
    while paths:
        try:
            return open_captures(paths)
        except CaptureError as error:
            problems.append(error)
            broken = STANDARD_INPUT if error.source == "standard input" else error.source
            if broken not in paths:
                return None
            paths = [path for path in paths if path != broken]
    return None


def _once(paths: Iterable[str]) -> Iterator[str]:
    """``paths`` without files that were named before, under whatever name: their traffic would count twice."""
    seen: set[tuple[int, int] | str] = set()
    for path in paths:
        key: tuple[int, int] | str = path
        with suppress(CaptureError):
            status = _status(path) if path != STANDARD_INPUT else None
            key = (status.st_dev, status.st_ino) if status else path
        if key not in seen:
            seen.add(key)
            yield path


def _status(path: str) -> os.stat_result:
    try:
        return os.stat(path)  # noqa: PTH116 - a path may hold a zero byte, which pathlib reports the same way but later
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise CaptureError(path, f"cannot be opened ({reason})") from error


def _files(paths: Sequence[str], problems: list[InputError]) -> Iterator[str]:
    """The files named, folders opened one level deep in order of name. A folder that gives none is a problem."""
    for path in paths:
        if path == STANDARD_INPUT or not os.path.isdir(path):  # noqa: PTH112 - Path.is_dir raises for names that are too long
            yield path
            continue
        try:
            inside = sorted(str(entry) for entry in Path(path).iterdir() if entry.is_file())
        except OSError as error:
            problems.append(CaptureError(path, f"cannot be opened ({error.strerror})"))
            continue
        if not inside:
            problems.append(InputError(f"{path}: the folder holds no file"))
        yield from inside


def _open_log(path: str) -> LogFile:
    with open_decompressed(path) as stream:
        head = BufferedReader(stream).read(_SNIFF)  # a raw read may give a few bytes only
    if not head:
        raise CaptureError(path, "is empty", 0)
    reader = log_reader(Path(path).name, head)
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
