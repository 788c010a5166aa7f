"""The command line: a thin face over ``service``."""

from __future__ import annotations


def main() -> None:
    """Entry point of the ``hauberk`` command."""
    from hauberk.cli.app import run  # noqa: PLC0415 - keeps 'import hauberk.cli' free of everything the commands need

    run()
