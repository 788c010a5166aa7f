"""The result of an analysis as a person reads it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from rich.console import Console, Group
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from hauberk.cli.table import cell
from hauberk.model.device import Device
from hauberk.model.finding import Finding, Severity
from hauberk.service.analysis import Analysis
from hauberk.service.feed import Feed

_DEVICES = 30
_FINDINGS = 50
_COLOUR = {
    Severity.INFORMATIONAL: "blue",
    Severity.LOW: "cyan",
    Severity.MEDIUM: "yellow",
    Severity.HIGH: "red",
    Severity.CRITICAL: "bold white on red",
}


def print_summary(feed: Feed, analysis: Analysis, findings: Sequence[Finding]) -> None:
    """Print what was seen, the devices, what was learned and the findings."""
    console = Console()
    devices = analysis.devices()
    console.print(Panel(_overview(feed, analysis, devices, findings), title="Hauberk", title_align="left", border_style="dim"))
    if devices:
        console.print(_devices(devices))
        if len(devices) > _DEVICES:
            console.print(f"… and {len(devices) - _DEVICES} more; see 'hauberk inspect SOURCE --emit devices'", style="dim")
    for finding in sorted(findings, key=lambda finding: (-finding.severity, finding.raised))[:_FINDINGS]:
        console.print(finding_panel(finding))
    if len(findings) > _FINDINGS:
        console.print(f"… and {len(findings) - _FINDINGS} more findings; see --format json", style="dim")


def _overview(feed: Feed, analysis: Analysis, devices: Sequence[Device], findings: Sequence[Finding]) -> Table:
    counters, totals = feed.sensor.counters, analysis.totals
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    table.add_row("Source", Text(feed.name))
    if counters.packets:
        span = counters.last_time - counters.first_time
        table.add_row("Traffic", f"{counters.packets:,} packets, {counters.bytes:,} bytes in {_duration(span)} from {moment(counters.first_time)}")
    table.add_row("Conversations", f"{totals.conversations:,}")
    messages = ", ".join(f"{name} {count:,}" for name, count in totals.transactions.most_common())
    table.add_row("Messages", f"{totals.transactions.total():,}" + (f" ({messages})" if messages else ""))
    if totals.writes:
        table.add_row("Writes", f"{totals.writes:,} write, control, program or stop operations")
    table.add_row("Devices", f"{len(devices):,}")
    baseline = analysis.baseline
    if baseline.until is not None:
        table.add_row(
            "Learned",
            f"until {moment(baseline.until)}: {len(baseline.macs)} network cards, {len(baseline.masters)} master-device pairs, "
            f"{len(baseline.writers)} kinds of write",
        )
    for text in _unread(feed):
        table.add_row("Not read", Text(text, style="yellow"))
    worst = max((finding.severity for finding in findings), default=None)
    verdict = Text(f"{len(findings):,}", style=_COLOUR[worst]) if worst else Text("none", style="green")
    table.add_row("Findings", verdict)
    return table


def _unread(feed: Feed) -> list[str]:
    """What the sensor could not use, in sentences."""
    counters, fragments, evicted = feed.sensor.counters, feed.sensor.fragments.dropped, feed.sensor.table.evicted
    said = (
        (counters.truncated, "packets end inside a header"),
        (counters.contradictory, "packets contradict their own headers"),
        (counters.too_deep, "packets nest too deep"),
        (counters.unknown_link, "packets have a link type that is not read"),
        (fragments, "IP fragments or datagrams stayed incomplete"),
        (evicted, "conversations were cut short because the table was full"),
    )
    return [f"{count:,} {text}" for count, text in said if count]


def _devices(devices: Sequence[Device]) -> Table:
    table = Table(title="Devices", title_justify="left", title_style="bold", header_style="bold", box=None, pad_edge=False)
    for title, justify in (("Address", "left"), ("Name", "left"), ("Kind", "left"), ("Vendor, model", "left"), ("Sure", "right"), ("Speaks", "left"), ("Packets", "right")):
        table.add_column(title, justify=justify, overflow="fold")  # type: ignore[arg-type]  # the literals above
    for device in sorted(devices, key=lambda device: -device.packets)[:_DEVICES]:
        address = ", ".join((*device.ips[:2], *(device.macs[:1] if not device.ips else ()))) + (" …" if len(device.ips) > 2 else "")
        table.add_row(
            Text(address),
            Text(cell("hostnames", device.hostnames[:1])),
            device.kind or "",
            Text(", ".join(part for part in (device.vendor, device.model) if part)),
            f"{device.confidence:.0%}" if device.kind else "",
            " ".join(device.protocols),
            f"{device.packets:,}",
        )
    return table


def finding_panel(finding: Finding) -> Panel:
    """One finding: what, who, why and what to do."""
    colour = _COLOUR[finding.severity]
    lines = [Text(reason) for reason in finding.reasons]
    details = Text.assemble(
        ("when ", "dim"), moment(finding.raised),
        ("   device ", "dim"), finding.device or "unknown",
        ("   detector ", "dim"), finding.detector,
        ("   suggests ", "dim"), ", ".join(technique.id for technique in finding.techniques) or "-",
    )  # fmt: skip
    body = Group(*lines, Text(f"→ {finding.advice}", style="italic"), details)
    title = Text.assemble((f" {finding.severity.name} ", colour), " ", (finding.title, "bold"))
    return Panel(Padding(body, (0, 1)), title=title, title_align="left", border_style=colour.rsplit(" ", 1)[-1])


def moment(time: float) -> str:
    """A time of the traffic in UTC."""
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3] + "Z"


def _duration(seconds: float) -> str:
    """A span of time in the unit that suits it."""
    for size, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"
