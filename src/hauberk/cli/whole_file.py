"""Files that are written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from hauberk.errors import InputError


def write_whole(path: Path, content: bytes) -> None:
    """Write ``content`` to the plain file ``path``, which holds the old content until all of the new is on the disk."""
    try:
        target = path.resolve()
        if target.exists() and not target.is_file():
            raise InputError(f"{path}: is no plain file")
        beside = target.with_name(f".{target.name[:200]}.{os.getpid()}")
        try:
            with beside.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(target)
        except OSError:
            beside.unlink(missing_ok=True)
            raise
    except (OSError, ValueError, RuntimeError) as error:  # a name too long, a zero byte, links in a circle
        raise InputError(f"{path}: {getattr(error, 'strerror', None) or error}") from error
