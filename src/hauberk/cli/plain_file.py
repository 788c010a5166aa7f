"""Results written to files: a file holds either the old or the new result, never half of it, and nothing but a plain file is ever
replaced. A symbolic link is followed."""

from __future__ import annotations

import os
import time
from pathlib import Path

from hauberk.errors import InputError

_STALE = 60.0
"""Seconds after which an unfinished file is nobody's, if the process that began it is gone."""


def plain_target(path: Path) -> Path:
    """The plain file that ``path`` means, which need not exist; raises ``InputError`` for a folder, a device, a pipe."""
    try:
        target = path.resolve()
        if target.exists() and not target.is_file():
            raise InputError(f"{path}: is no plain file")
        if not target.parent.is_dir():
            raise InputError(f"{path}: there is no folder {target.parent}")
    except (OSError, ValueError, RuntimeError) as error:  # a name too long, a zero byte, links in a circle
        raise InputError(f"{path}: {error}") from error
    return target


def check_writable(path: Path) -> None:
    """Say before the work begins that its result could not be written to ``path``: raises ``InputError``."""
    target = plain_target(path)
    if not os.access(target.parent, os.W_OK | os.X_OK):
        raise InputError(f"{path}: the folder {target.parent} cannot be written to")


def write_whole(path: Path, content: bytes, what: str) -> None:
    """Put ``content`` in ``path``. An older file stays as it is until the new one is whole; ``what``: the result, for messages."""
    target = plain_target(path)
    prefix = f".{target.name[:200]}."
    _sweep(target.parent, prefix)
    beside = target.with_name(f"{prefix}{os.getpid()}")
    try:
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(target)
        _settle(target.parent)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise InputError(f"{path}: {error.strerror}; {what} was not saved, and what was there before was kept") from error


def _sweep(folder: Path, prefix: str) -> None:
    """Remove what a killed process began to write and never finished."""
    try:
        for entry in os.scandir(folder):
            number = entry.name.removeprefix(prefix)
            theirs = entry.name.startswith(prefix) and number.isdecimal() and not Path(f"/proc/{number}").exists()
            if theirs and time.time() - entry.stat(follow_symlinks=False).st_mtime > _STALE:
                Path(entry.path).unlink(missing_ok=True)
    except OSError:
        return  # a folder that cannot be listed can still be written to


def _settle(folder: Path) -> None:
    """Have the new name survive a power cut too."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
