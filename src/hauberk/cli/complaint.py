"""What commands say on standard error."""

from __future__ import annotations

import sys

from hauberk.cli.visible import visible_lines


def complain(text: str) -> None:
    """Say ``text`` under the program's name. Names of files and words from the wire in it are shown escaped."""
    sys.stderr.write(f"hauberk: {visible_lines(text)}\n")


def say(text: str) -> None:
    """Say ``text`` as it is, escaped."""
    sys.stderr.write(f"{visible_lines(text)}\n")
