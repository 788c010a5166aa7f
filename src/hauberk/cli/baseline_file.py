"""Baselines on disk.

A baseline is written so that its file holds either the old or the new one, never half of it, and nothing but a plain file is ever
replaced.
"""

from __future__ import annotations

import os
from pathlib import Path

from hauberk.detect.baseline import Baseline
from hauberk.errors import InputError, SettingError

_LARGEST = 64 << 20


def read_baseline(path: Path | None) -> Baseline | None:
    """The baseline in ``path``; None where no path is given."""
    if path is None:
        return None
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
        return Baseline.load(content)
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
    target = _target(path)
    if not os.access(target.parent, os.W_OK | os.X_OK):
        raise InputError(f"{path}: the folder {target.parent} cannot be written to")


def write_baseline(path: Path, baseline: Baseline) -> None:
    """Write ``baseline`` to ``path``; a symbolic link is followed."""
    if baseline.until is None:
        raise InputError(f"{path}: nothing was learned, so there is nothing to save; was there traffic within --learn?")
    target = _target(path)
    beside = target.with_name(f".{target.name[:200]}.{os.getpid()}")
    try:
        with beside.open("wb") as file:
            file.write(baseline.dump())
            file.flush()
            os.fsync(file.fileno())
        beside.replace(target)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise InputError(f"{path}: {error.strerror}") from error


def _target(path: Path) -> Path:
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
