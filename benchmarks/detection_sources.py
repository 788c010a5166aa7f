"""Development data as streams of observations: captures, members of archives, frames and flows chosen by their labels."""

from __future__ import annotations

import csv
import gzip
import io
import lzma
import os
import struct
import tarfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from hauberk.model.observation import Observations
from hauberk.sense.capture.files import open_captures
from hauberk.service.feed import Depth, open_feed

SEED = 1
_RECORD = struct.Struct("<IIII")


class Window(NamedTuple):
    """One labelled attack: its name, onset and end in epoch seconds."""

    attack: str
    onset: float
    end: float


def data_folder() -> Path:
    """Where the development data is: ``HAUBERK_TEST_DATA``, or beside the source tree."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    return Path(os.environ.get("HAUBERK_TEST_DATA", beside))


@dataclass(frozen=True, slots=True)
class Shelf:
    """The data ``folder``, and a ``scratch`` folder for what is cut out of it."""

    folder: Path
    scratch: Path
    _windows: list[tuple[str, str, Window]] = field(default_factory=list)

    def path(self, name: str) -> Path:
        """A file of the data."""
        return self.folder / name

    def read(self, *names: str) -> Iterable[Observations]:
        """A stream of captures or logs together."""
        return observe(*(self.path(name) for name in names))

    def windows(self, dataset: str, file: str) -> list[Window]:
        """The labelled attacks of a file, by onset."""
        if not self._windows:
            with self.path("labelled/attack_windows.csv").open(newline="") as lines:
                for row in csv.DictReader(lines):
                    window = Window(row["attack"], float(row["start_epoch_utc"]), float(row["end_epoch_utc"]))
                    self._windows.append((row["dataset"], row["file"], window))
        chosen = [window for set_name, name, window in self._windows if (set_name, name) == (dataset, file)]
        return sorted(chosen, key=lambda window: window.onset)

    def unpack(self, archive: str) -> Path:
        """The folder in which the members of a tar archive are."""
        target = self.scratch / Path(archive).name
        if not target.is_dir():
            with tarfile.open(self.path(archive)) as members:
                members.extractall(target, filter="data")
        return target

    def frames(self, capture: str | Path, keep: Callable[[int], bool], name: str) -> Path:
        """A capture of the frames (Ethernet) whose 1-based number ``keep`` says yes to."""
        target = self.scratch / f"{name}.pcap"
        number = 0
        with target.open("wb") as file:
            file.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, 1))
            for block in open_captures([str(self.folder / capture)]).blocks():
                for i in range(block.count):
                    number += 1
                    if keep(number):
                        begin, size = int(block.offset[i]), int(block.captured[i])
                        seconds, rest = divmod(int(block.time[i]), 1_000_000_000)
                        file.write(_RECORD.pack(seconds, rest, size, int(block.wire[i])))
                        file.write(block.data[begin : begin + size].tobytes())
        return target

    def lines(self, log: str, keep: Callable[[str], bool], name: str) -> Path:
        """A log of the header lines and of those lines that ``keep`` says yes to."""
        target = self.scratch / f"{name}.conn.log"
        with target.open("w") as file:
            file.writelines(line for line in text(self.path(log)) if line.startswith("#") or keep(line))
        return target


def observe(*paths: Path) -> Iterable[Observations]:
    """A stream of captures or logs together."""
    return open_feed([str(path) for path in paths], Depth.MESSAGES, seed=SEED).observations()


def text(path: Path) -> Iterable[str]:
    """The lines of a text file, compressed or not."""
    if path.suffix == ".xz":
        return lzma.open(path, "rt")
    return gzip.open(path, "rt") if path.suffix == ".gz" else path.open()


def frame_times(capture: Path) -> list[float]:
    """Time of each frame in epoch seconds; the first frame's is at 0."""
    return [int(time) * 1e-9 for block in open_captures([str(capture)]).blocks() for time in block.time[: block.count]]


def marked_frames(labels: Path) -> set[int]:
    """1-based numbers of the frames marked as attack: ``frame;0|1`` lines, or lines that name attack frames alone."""
    marked = set()
    for line in text(labels):
        number, _, label = line.strip().partition(";")
        if label:
            if label == "1":
                marked.add(int(number))
        elif row := next(csv.reader(io.StringIO(line)), None):
            marked.add(int(row[0]))
    return marked
