"""What the input left unread, told on standard error."""

from __future__ import annotations

import sys

from hauberk.cli.exit_code import ExitCode
from hauberk.service.feed import Feed

_SHOWN = 20


def report_problems(feed: Feed) -> ExitCode:
    """Say what could not be read, and give the exit code that follows from it."""
    problems = [error.diagnostics() for error in feed.problems]
    reader = feed.sensor.reader
    if reader is not None and reader.defects:
        problems.extend(
            f"{sample}\nThis is a defect of Hauberk: please report it with the frame." for sample in reader.defect_samples
        )
    for text in problems[:_SHOWN]:
        sys.stderr.write(f"hauberk: {text}\n")
    if len(problems) > _SHOWN:
        sys.stderr.write(f"hauberk: and {len(problems) - _SHOWN} more problems\n")
    counters = feed.sensor.counters
    if counters.unknown_link:
        sys.stderr.write(f"hauberk: {counters.unknown_link} of {counters.packets} packets have a link type that is not read\n")
        if counters.unknown_link == counters.packets:
            return ExitCode.UNASSESSED
    return ExitCode.UNASSESSED if problems else ExitCode.CLEAN
