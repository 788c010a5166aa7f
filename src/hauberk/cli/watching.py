"""What ``hauberk watch`` tells of itself while it runs: one living line in a terminal, structured logs elsewhere; both on
standard error."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Protocol

from hauberk.cli.complaint import say
from hauberk.cli.visible import visible

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

    from hauberk.sense.capture.live import LiveSource
    from hauberk.service.analysis import Analysis

_REDRAW = 0.5
_LOG_DROPS = 10.0
_COUNT_DEVICES = 2.0
_COUNT_SHARE = 20.0
"""Counting devices may take one part in so many of the time."""


class Watching(Protocol):
    """Told what happens; called from the loop that reads packets, so it must be quick."""

    def started(self) -> None:
        """Packets are being read."""

    def passed(self, findings: int) -> None:
        """Another batch was worked through; ``findings`` so far."""

    def aside(self) -> None:
        """Something else is about to be printed."""

    def stopped(self, findings: int) -> None:
        """All that was seen is worked through."""


def watching(source: LiveSource, analysis: Analysis) -> Watching:
    """The way to tell that suits where standard error goes."""
    return LivingLine(source, analysis) if sys.stderr.isatty() else WatchLog(source)


class LivingLine:
    """One line that is drawn again and again: packets, rate, devices, findings, drops."""

    def __init__(self, source: LiveSource, analysis: Analysis) -> None:
        self._source = source
        self._analysis = analysis
        self._drawn = 0.0
        self._packets = 0
        self._devices = 0
        self._count_next = 0.0
        self._rate = 0.0

    def started(self) -> None:
        """Say how to stop."""
        say(f"Watching {self._source.name}; Ctrl-C stops.")
        self._drawn = time.monotonic()

    def passed(self, findings: int) -> None:
        """Draw the line, twice a second at most."""
        now = time.monotonic()
        since = now - self._drawn
        if since < _REDRAW:
            return
        packets = self._source.received
        self._rate = (packets - self._packets) / since
        self._packets, self._drawn = packets, now
        if now >= self._count_next:
            self._devices = len(self._analysis.devices())
            self._count_next = now + max(_COUNT_DEVICES, (time.monotonic() - now) * _COUNT_SHARE)
        lost = self._source.kernel_drops + self._source.own_drops
        text = (
            f"{visible(self._source.name)}: {packets:,} packets, {self._rate:,.0f}/s, {self._devices:,} devices, "
            f"{findings:,} findings, {lost:,} dropped"
        )
        sys.stderr.write(f"\r\x1b[2K{text[: _width() - 1]}")
        sys.stderr.flush()

    def aside(self) -> None:
        """Take the line away, so that what is printed does not mix with it."""
        sys.stderr.write("\r\x1b[2K")
        sys.stderr.flush()
        self._drawn = min(self._drawn, time.monotonic() - _REDRAW)

    def stopped(self, findings: int) -> None:
        """Leave the final counts."""
        self.aside()
        source = self._source
        say(
            f"{source.received:,} packets, {findings:,} findings; "
            f"dropped by the kernel {source.kernel_drops:,}, by Hauberk {source.own_drops:,}."
        )


class WatchLog:
    """One JSON object an event: start, drops, stop."""

    def __init__(self, source: LiveSource) -> None:
        self._source = source
        self._log = _logger()
        self._began = time.monotonic()
        self._reported = 0
        self._report_next = 0.0

    def started(self) -> None:
        """Log that packets are being read."""
        self._log.info("watch_started", interface=self._source.name)

    def passed(self, findings: int) -> None:
        """Log drops when there are new ones, now and then."""
        lost = self._source.kernel_drops + self._source.own_drops
        if lost == self._reported:
            return
        now = time.monotonic()
        if now >= self._report_next:
            self._log.warning("packets_dropped", **self._counts(findings))
            self._reported, self._report_next = lost, now + _LOG_DROPS

    def aside(self) -> None:
        """Nothing stands in the way."""

    def stopped(self, findings: int) -> None:
        """Log the final counts."""
        self._log.info("watch_stopped", seconds=round(time.monotonic() - self._began, 1), **self._counts(findings))

    def _counts(self, findings: int) -> dict[str, int | str]:
        source = self._source
        return {
            "interface": source.name,
            "packets": source.received,
            "findings": findings,
            "kernel_drops": source.kernel_drops,
            "own_drops": source.own_drops,
        }


def _logger() -> FilteringBoundLogger:
    import structlog  # noqa: PLC0415 - slow to import, and only logs need it

    logger: FilteringBoundLogger = structlog.wrap_logger(
        structlog.PrintLogger(sys.stderr),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(20),
    )
    return logger


def _width() -> int:
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or 80
    except OSError:
        return 80
