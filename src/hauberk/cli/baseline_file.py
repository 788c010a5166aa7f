"""Baselines on disk."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from hauberk.cli.complaint import complain, say
from hauberk.cli.plain_file import check_writable, write_whole
from hauberk.detect.snapshot import LARGEST_FILE, Snapshot
from hauberk.errors import InputError, SettingError


def read_baseline(path: Path | None) -> Snapshot | None:
    """The baseline in ``path``; None where no path is given."""
    if path is None:
        return None
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
        return Snapshot.load(content)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    except ValueError as error:  # a path with a zero byte
        raise InputError(f"{path}: {error}") from error


def check_target(path: Path | None, *, learns: bool) -> None:
    """Say before the work begins that its result could not be saved. ``learns``: whether there will be something to save."""
    if path is None:
        return
    if not learns:
        raise SettingError(f"--save-baseline {path}: nothing is learned, so there is nothing to save; give --learn or --baseline")
    check_writable(path)


def write_baseline(path: Path, snapshot: Snapshot) -> None:
    """Write ``snapshot`` to ``path``; a symbolic link is followed. An older file stays as it is until the new one is whole."""
    if snapshot.baseline.until is None:
        raise InputError(f"{path}: nothing was learned, so there is nothing to save; was there traffic within --learn?")
    write_whole(path, snapshot.dump(), "the baseline")


def warn_untaught(detectors: Sequence[str]) -> None:
    """Say which detectors cannot judge although there is a baseline."""
    if detectors:
        say(f"Silent, as they were off or unknown when the baseline was learned: {', '.join(detectors)}. Learn again to use them.")


class BaselineKeeper:
    """Saves what was learned while watching, so that little is lost whatever ends the process."""

    def __init__(
        self, path: Path | None, take: Callable[[], Snapshot], every: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """``take`` gives the snapshot to save, ``every`` is in seconds; without a ``path`` nothing is saved."""
        self._path = path
        self._take = take
        self._every = every
        self._clock = clock
        self._due = clock() + every

    @property
    def keeps(self) -> bool:
        """Whether anything is to be saved."""
        return self._path is not None

    def passed(self) -> None:
        """Called between batches: save where it is time. A failure is told, and watching goes on."""
        if self._path is None or self._clock() < self._due:
            return
        snapshot = self._take()
        if snapshot.baseline.until is not None:
            try:
                write_baseline(self._path, snapshot)
            except InputError as error:
                complain(error.diagnostics())
        self._due = self._clock() + self._every

    def finish(self) -> None:
        """Save at the end; raises ``InputError`` where that fails."""
        if self._path is not None:
            write_baseline(self._path, self._take())
