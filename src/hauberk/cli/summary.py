"""The result of an analysis as a person reads it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import groupby

from rich.box import HEAVY
from rich.cells import cell_len
from rich.console import Console, Group, JustifyMethod
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from hauberk.cli.problem import unread
from hauberk.cli.table import Column, cell, fitted, moment
from hauberk.cli.verdict_table import suppressed_words
from hauberk.cli.visible import visible
from hauberk.model.device import Device
from hauberk.model.finding import Finding, Severity
from hauberk.model.incident import Incident
from hauberk.service.analysis import Analysis
from hauberk.service.feed import Feed

_DEVICES = 30
_INCIDENTS = 20
_FINDINGS = 10
"""Findings shown under one incident, and of those outside any: the severest."""
_MOMENTS = 12
"""Lines of a timeline, as many of its beginning as of its end."""
_STEPS = 3
_COLUMNS = (
    Column("ips", "Address", 15, 0), Column("hostnames", "Name", 12, 2), Column("kind", "Kind", 12, 0),
    Column("vendor", "Vendor, model", 14, 1),
    Column("confidence", "Sure", 4, 3), Column("protocols", "Speaks", 10, 4), Column("packets", "Packets", 7, 3),
)  # fmt: skip
_COLOUR = {
    Severity.INFORMATIONAL: "blue",
    Severity.LOW: "cyan",
    Severity.MEDIUM: "yellow",
    Severity.HIGH: "red",
    Severity.CRITICAL: "bold white on red",
}


def print_summary(feed: Feed, analysis: Analysis, findings: Sequence[Finding], incidents: Sequence[Incident] = ()) -> None:
    """Print what was seen, the devices, what was learned, the incidents and the findings."""
    console = Console(highlight=False)
    devices = analysis.devices()
    overview = _overview(feed, analysis, devices, findings, incidents)
    console.print(Panel(overview, title="Hauberk", title_align="left", border_style="dim"))
    if devices:
        console.print(_devices(devices, console.width))
        if len(devices) > _DEVICES:
            console.print(f"… and {len(devices) - _DEVICES} more; see 'hauberk inspect SOURCE --emit devices'", style="dim")
    for incident in sorted(incidents, key=lambda incident: (-incident.severity, incident.started))[:_INCIDENTS]:
        console.print(incident_panel(incident))
        _print_findings(console, incident.findings, "of this incident")
    if len(incidents) > _INCIDENTS:
        console.print(f"… and {len(incidents) - _INCIDENTS} more incidents; see --format json", style="dim")
    outside = [finding for finding in findings if analysis.correlation.incident_of(finding) is None]
    _print_findings(console, outside, "outside any incident")


def _print_findings(console: Console, findings: Sequence[Finding], where: str) -> None:
    """The severest findings, the first of each kind before others like it; how many more there are."""
    kinds: Counter[tuple[str, str]] = Counter()
    order = []
    for finding in sorted(findings, key=lambda finding: (-finding.severity, finding.raised)):
        kind = (finding.detector, finding.addresses[0] if finding.addresses else "")
        order.append((kinds[kind], -finding.severity, finding.raised, finding))
        kinds[kind] += 1
    order.sort(key=lambda entry: entry[:3])
    for *_, finding in order[:_FINDINGS]:
        console.print(finding_panel(finding))
    if len(findings) > _FINDINGS:
        console.print(f"… and {len(findings) - _FINDINGS:,} more findings {where}; see --format json", style="dim")


def _overview(
    feed: Feed, analysis: Analysis, devices: Sequence[Device], findings: Sequence[Finding], incidents: Sequence[Incident]
) -> Table:
    counters, totals = feed.sensor.counters, analysis.totals
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    table.add_row("Source", Text(visible(feed.name)))
    if counters.packets:
        span = counters.last_time - counters.first_time
        amount = f"{counters.packets:,} packets, {counters.bytes:,} bytes in {_duration(span)}"
        table.add_row("Traffic", f"{amount} from {moment(counters.first_time)}Z")
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
            f"until {moment(baseline.until)}Z: network cards {len(baseline.macs)}, master-device pairs {len(baseline.masters)}, "
            f"kinds of write {len(baseline.writers)}",
        )
    for text in unread(feed):
        table.add_row("Not read", Text(text, style="yellow"))
    table.add_row("Findings", _verdict(findings))
    if analysis.suppressed:
        table.add_row("Suppressed", suppressed_words(analysis.suppressed))
    if incidents:
        table.add_row("Incidents", _verdict(incidents))
    return table


def _verdict(findings: Sequence[Finding] | Sequence[Incident]) -> Text:
    """How many of each severity."""
    if not findings:
        return Text("none", style="green")
    counts = Counter(finding.severity for finding in findings)
    parts = [
        (f"{counts[severity]} {severity.name.lower()}", _COLOUR[severity].split(" on ")[-1])
        for severity in sorted(counts, reverse=True)
    ]
    return Text(f"{len(findings):,}: ").append_text(Text(", ").join(Text(text, style=colour) for text, colour in parts))


def _devices(devices: Sequence[Device], width: int) -> Table:
    shown = sorted(devices, key=lambda device: -device.packets)[:_DEVICES]
    cells = [
        (
            visible(", ".join((*device.ips[:2], *(device.macs[:1] if not device.ips else ()))))
            + (" …" if len(device.ips) > 2 else ""),
            cell("hostnames", device.hostnames[:1]),
            visible(device.kind or ""),
            visible(", ".join(part for part in (device.vendor, device.model) if part)),
            f"{device.confidence:.0%}" if device.kind else "",
            visible(" ".join(device.protocols)),
            f"{device.packets:,}",
        )
        for device in shown
    ]
    needs = [max(len(column.title), *(cell_len(row[at]) for row in cells)) for at, column in enumerate(_COLUMNS)]
    table = Table(
        title="Devices",
        title_justify="left",
        title_style="bold",
        header_style="bold",
        box=None,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    widths = fitted(_COLUMNS, needs, width)
    for at, size in widths.items():
        justify: JustifyMethod = "right" if _COLUMNS[at].key in {"confidence", "packets"} else "left"
        table.add_column(_COLUMNS[at].title, justify=justify, width=size, no_wrap=True, overflow="ellipsis")
    for row in cells:
        table.add_row(*(Text(row[at]) for at in widths))
    return table


def finding_panel(finding: Finding) -> Panel:
    """One finding: what, who, why and what to do."""
    colour = _COLOUR[finding.severity]
    lines = [Text(visible(reason)) for reason in finding.reasons]
    details = Text.assemble(
        ("when ", "dim"), f"{moment(finding.raised)}Z",
        ("   device ", "dim"), visible(finding.device or "unknown"),
        ("   detector ", "dim"), finding.detector,
        ("   suggests ", "dim"), ", ".join(technique.id for technique in finding.techniques) or "-",
    )  # fmt: skip
    body = Group(*lines, Text(f"→ {visible(finding.advice)}", style="italic"), details)
    title = Text.assemble((f" {finding.severity.name} ", colour), " ", (visible(finding.title), "bold"))
    return Panel(Padding(body, (0, 1)), title=title, title_align="left", border_style=colour.rsplit(" ", 1)[-1])


def incident_panel(incident: Incident) -> Panel:
    """One incident: the story, its timeline, what may follow."""
    colour = _COLOUR[incident.severity]
    title = Text.assemble((f" INCIDENT {incident.severity.name} ", colour), " ", (visible(incident.title), "bold"))
    parts: list[Text | Table] = [Text(visible(incident.summary)), _timeline(incident.findings)]
    for step in incident.next_steps[:_STEPS]:
        what = f"{step.technique.name} ({step.technique.id}) against {step.target}"
        parts.append(Text.assemble((f"next? {step.probability:.0%} ", "dim"), visible(f"{what}: {step.reason}")))
    parts.append(
        Text.assemble(
            ("sure ", "dim"), f"{incident.confidence:.0%}",
            ("   devices ", "dim"), f"{len(incident.devices):,}",
            ("   stages ", "dim"), ", ".join(incident.stages) or "-",
            ("   suggests ", "dim"), ", ".join(technique.id for technique in incident.techniques) or "-",
        )
    )  # fmt: skip
    return Panel(Padding(Group(*parts), (0, 1)), title=title, title_align="left", border_style=colour.rsplit(" ", 1)[-1], box=HEAVY)


def incident_line(incident: Incident, *, opened: bool) -> Text:
    """One incident in a line or two, for who watches: that it began, or what it has become."""
    colour = _COLOUR[incident.severity]
    word = "opened" if opened else "now"
    count = f"{len(incident.findings):,} finding{'s' * (len(incident.findings) != 1)}"
    return Text.assemble(
        (f" INCIDENT {incident.severity.name} ", colour), f" {word}: ", (visible(incident.title), "bold"),
        f" ({count}; {incident.id[:8]}). ", visible(incident.summary),
    )  # fmt: skip


def _timeline(findings: Sequence[Finding]) -> Table:
    """When what happened; the middle of a long one is left out."""
    table = Table.grid(padding=(0, 2))
    for style, fold in (("dim", False), ("bold", False), ("", True)):
        table.add_column(style=style, no_wrap=not fold, overflow="fold" if fold else "ellipsis")
    half = _MOMENTS // 2
    moments = [list(run) for _, run in groupby(findings, key=lambda finding: (finding.title, finding.addresses[:2]))]
    for at, run in enumerate(moments):
        if len(moments) > _MOMENTS and half <= at < len(moments) - half:
            if at == half:
                left = sum(map(len, moments[half : len(moments) - half]))
                table.add_row("", f"… {left:,} more …", "")
            continue
        finding = run[0]
        who = ", ".join(finding.addresses[:2]) + (" …" if len(finding.addresses) > 2 else "")
        table.add_row(
            f"{moment(finding.raised)}Z", visible(finding.title), visible(who) + (f" ({len(run)} times)" if run[1:] else "")
        )
    return table


def _duration(seconds: float) -> str:
    """A span of time in the unit that suits it."""
    for size, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"
