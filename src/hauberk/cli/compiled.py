"""Where compiled kernels are kept when nothing beside the program can be written.

Numba keeps what it compiled beside the modules or in the user's cache folder, and refuses to work where it may write to neither:
a read-only
container, a service account without a home. Then a folder of this process alone serves. It must never be a folder others can
write to, as
compiled code is loaded from it.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import hauberk
from hauberk.cli.complaint import say

_VARIABLE = "NUMBA_CACHE_DIR"
_ROOMS = ("sense/capture", "sense/decode", "sense/flow", "inventory", "detect/behaviour", "detect/values")


def provide_compiled_folder() -> None:
    """Give Numba a private folder, removed at exit, where it would have none. Does nothing elsewhere."""
    if os.environ.get(_VARIABLE) or _beside_modules() or _writable(_user_cache()):
        return
    folder = tempfile.mkdtemp(prefix="hauberk-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ[_VARIABLE] = folder
    say(
        "No folder can keep compiled code, so it is compiled now; this takes a minute. "
        f"Set {_VARIABLE} to a folder that only you can write to."
    )


def _beside_modules() -> bool:
    package = Path(next(iter(hauberk.__path__)))
    return all(_writable(package / room / "__pycache__") for room in _ROOMS)


def _user_cache() -> Path:
    """Where Numba looks next: the cache folder of the XDG base directory specification."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path(os.path.expanduser("~")) / ".cache") / "numba"  # noqa: PTH111 - Path.home raises without a home


def _writable(folder: Path) -> bool:
    """Whether files can be made in ``folder``, or it in the nearest folder above that exists."""
    try:
        while not folder.exists():
            folder = folder.parent
    except OSError:  # a folder above may not be entered
        return False
    return os.access(folder, os.W_OK | os.X_OK)
