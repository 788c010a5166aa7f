"""Exit codes of every command, so that scripts can tell outcomes apart."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Stable meanings; the worst that happened wins."""

    CLEAN = 0
    FINDINGS = 1
    USAGE = 2
    """Wrong usage, or input of which nothing could be read."""
    UNASSESSED = 3
    """Some of the input could not be assessed; what could be is reported."""
