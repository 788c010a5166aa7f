"""Reports on disk: the results of ``analyze`` as one page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from hauberk.cli.complaint import say
from hauberk.cli.plain_file import check_writable, write_whole
from hauberk.cli.problem import unread
from hauberk.detect.attack import ATTACK_VERSION
from hauberk.model.finding import Finding
from hauberk.model.incident import Incident
from hauberk.model.observation import Observations
from hauberk.service.analysis import Analysis, product_version
from hauberk.service.feed import Feed
from hauberk.service.report import Material, report
from hauberk.service.timeline import Timeline


class ReportKeeper:
    """Gathers what only a report needs while the analysis goes on, and writes the report at its end."""

    def __init__(self, path: Path, sources: Sequence[str]) -> None:
        """Raises ``InputError`` where ``path`` cannot be written to, before the work begins."""
        check_writable(path)
        self._path = path
        self._sources = sources
        self._timeline = Timeline()

    def watch(self, batches: Iterable[Observations]) -> Iterator[Observations]:
        """The batches as they come, each looked at in passing."""
        return self._timeline.watch(batches)

    def write(
        self,
        feed: Feed,
        analysis: Analysis,
        findings: Sequence[Finding],
        incidents: Sequence[Incident],
        learned: str | None,
    ) -> None:
        """Write the report, and say on standard error where it is. ``learned``: how much taught, as the user gave it."""
        counters, totals = feed.sensor.counters, analysis.totals
        material = Material(
            sources=self._sources,
            version=product_version(),
            attack_version=ATTACK_VERSION,
            packets=counters.packets,
            bytes=counters.bytes,
            conversations=totals.conversations,
            messages=totals.transactions.most_common(),
            writes=totals.writes,
            devices=analysis.devices(),
            findings=findings,
            incidents=incidents,
            edges=analysis.correlation.links.edges(),
            timeline=self._timeline,
            holder=analysis.inventory.device,
            is_local=analysis.inventory.is_local,
            learned=learned,
            learned_until=analysis.baseline.until,
            unread=[*(str(problem) for problem in feed.problems), *unread(feed)],
        )
        write_whole(self._path, report(material), "the report")
        say(f"Report: {self._path.resolve()}")
