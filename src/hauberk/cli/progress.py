"""A progress bar on standard error for work that takes long; silent where nobody watches."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from hauberk.cli.visible import visible


@contextmanager
def progress(title: str, size: int | None, *, wanted: bool = True) -> Iterator[Callable[[int], None]]:
    """Show how far of ``size`` bytes the work is; gives a function that takes the position in bytes."""
    if not (wanted and sys.stderr.isatty()):
        yield _silent
        return
    from rich.console import Console  # noqa: PLC0415 - only a terminal needs it
    from rich.markup import escape  # noqa: PLC0415 - same
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn  # noqa: PLC0415

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(escape(visible(title)), total=size)
        yield lambda position: bar.update(task, completed=position)


def _silent(position: int) -> None:
    """Nobody watches."""
