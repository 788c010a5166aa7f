"""Baselines on disk."""

from __future__ import annotations

import os
from pathlib import Path

from hauberk.detect.baseline import Baseline
from hauberk.errors import InputError


def read_baseline(path: Path | None) -> Baseline | None:
    """The baseline in ``path``; None where no path is given."""
    if path is None:
        return None
    try:
        return Baseline.load(path.read_bytes())
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def write_baseline(path: Path, baseline: Baseline) -> None:
    """Write ``baseline`` so that ``path`` holds either the old or the new one, never half of it."""
    if baseline.until is None:
        raise InputError(f"{path}: nothing was learned, so there is nothing to save; give --learn")
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with beside.open("wb") as file:
            file.write(baseline.dump())
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise InputError(f"{path}: {error.strerror}") from error
