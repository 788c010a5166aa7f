"""``hauberk forecast``: what is to be expected of every device, how sure that is, and when limits are reached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from hauberk.cli.exit_code import ExitCode
from hauberk.cli.format import Format, FormatOption, chosen, write_lines

EXAMPLE = "Example: hauberk forecast week.pcapng --horizon 24h --coverage 0.8 --limit bytes_out=2GB/30d"

_HORIZON = "1h"
_COVERAGE = 0.9
_WIDE = 96
_METRICS = {"bytes_out": "bytes out", "bytes_in": "bytes in", "packets": "packets", "conversations_begun": "conversations"}


def forecast(
    source: Annotated[
        list[str],
        typer.Argument(metavar="SOURCE...", help="Captures (pcap, pcapng, also .gz .xz .zst), Zeek or EVE logs, folders, or - ."),
    ],
    horizon: Annotated[
        str, typer.Option("--horizon", metavar="SPAN", help="The span whose total is forecast: 10m to 7d.")
    ] = _HORIZON,
    limit: Annotated[
        list[str] | None,
        typer.Option(
            "--limit",
            metavar="METRIC=AMOUNT[/PERIOD]",
            help="Say when this much has added up, for instance bytes_out=2GB/30d. May be given once a metric.",
        ),
    ] = None,
    device: Annotated[
        list[str] | None,
        typer.Option("--device", metavar="ID", help="Only this device, by id or address. May be given several times."),
    ] = None,
    coverage: Annotated[
        float,
        typer.Option("--coverage", metavar="SHARE", min=0.5, max=0.99, help="How often the interval is to hold, 0.5 to 0.99."),
    ] = _COVERAGE,
    config: Annotated[Path | None, typer.Option("--config", metavar="FILE", help="Settings (TOML): bounds of the sensor.")] = None,
    output: FormatOption = None,
) -> None:
    """Forecast what devices send and receive. Exit code 3 means that nothing could be forecast."""
    from hauberk.cli.complaint import complain  # noqa: PLC0415 - a command loads what it needs when it runs
    from hauberk.cli.problem import report_problems  # noqa: PLC0415 - same
    from hauberk.cli.progress import progress  # noqa: PLC0415 - same
    from hauberk.service.feed import Depth, open_feed  # noqa: PLC0415 - same
    from hauberk.service.forecast import Forecasting, Question, anything_said, parse_horizon, parse_limits  # noqa: PLC0415 - same
    from hauberk.service.settings import load_settings  # noqa: PLC0415 - same

    question = Question(parse_horizon(horizon), coverage, parse_limits(limit or ()), frozenset(device or ()))
    feed = open_feed(source, Depth.MESSAGES, load_settings(config).sensor_limits())
    forecasting = Forecasting()
    with progress(f"Reading {feed.name}", feed.size) as advance:
        forecasting.run(feed.observations(advance))
    records = list(forecasting.records(question))
    if chosen(output) is Format.JSON:
        write_lines(records)
    elif records:
        _print(records, horizon)
    code = report_problems(feed)
    if not anything_said(records):
        complain("nothing could be forecast" + ("" if records else ": no device was heard for a whole ten minutes"))
        code = ExitCode.UNASSESSED
    if code is not ExitCode.CLEAN:
        raise typer.Exit(code)


def _print(records: Sequence[Mapping[str, Any]], horizon: str) -> None:
    """A line a device and metric; what could not be forecast is dim and says why."""
    from rich.console import Console  # noqa: PLC0415 - JSON needs no tables
    from rich.table import Table  # noqa: PLC0415 - same
    from rich.text import Text  # noqa: PLC0415 - same

    from hauberk.cli.table import moment  # noqa: PLC0415 - same
    from hauberk.cli.visible import visible  # noqa: PLC0415 - same

    console = Console(highlight=False)
    wide = console.width >= _WIDE
    table = Table(header_style="bold", box=None, pad_edge=False)
    table.add_column("Device", overflow="fold")
    table.add_column("Metric", no_wrap=True)
    table.add_column(f"Next {horizon}", justify="right", no_wrap=True)
    table.add_column(f"{records[0]['coverage']:.0%} between", justify="right", no_wrap=True)
    if wide:
        table.add_column("Held", justify="right", no_wrap=True)
    table.add_column("Skill", justify="right", no_wrap=True)
    table.add_column("Model, or why none", overflow="fold")
    before = None
    for record in records:
        name = "" if record["device"] == before else visible(str(record["device"]))
        before = record["device"]
        cells = [Text(*cell) for cell in _cells(record)]
        table.add_row(Text(name, style="bold"), _METRICS[record["metric"]], *(cells if wide else cells[:2] + cells[3:]))
    console.print(table)
    for record in records:
        if record["limit"] is not None:
            text, style = _limit(record["limit"], record["unit"])
            console.print(Text(f"{visible(str(record['device']))}, {_METRICS[record['metric']]}: {text}", style=style))
    said = sum(record["model"] is not None for record in records)
    when = moment(max(record["from"] for record in records))[:-4]
    console.print(
        f"{said} of {len(records)} forecast, from {when}Z on; the others have no skill or no data, and say which", style="dim"
    )


def _cells(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Value, interval, share that held, skill and model, each with its style."""
    skill = "" if record["skill"] is None else f"{record['skill']:+.0%}"
    if record["model"] is None:
        needed = record["history_needed"]
        why = record["reason"] + (f": {_span(record['history'])}, needs {_span(needed)}" if needed else "")
        return [("-", "dim"), ("", ""), ("", ""), (skill, "dim"), (why, "dim")]
    unit = record["unit"]
    held = record["coverage_measured"]
    short = held is not None and held < record["coverage"] - 0.05
    return [
        (_amount(record["value"], unit), "bold"),
        (f"{_amount(record['low'], unit)} .. {_amount(record['high'], unit)}", ""),
        ("" if held is None else f"{held:.0%}", "yellow" if short else "green"),
        (skill, "green" if record["skill"] >= 0.1 else ""),
        (record["model"], ""),
    ]


def _limit(limit: Mapping[str, Any], unit: str) -> tuple[str, str]:
    """When a limit is reached, in words, with the style."""
    used = f"{_amount(limit['used'], unit)} of {_amount(limit['amount'], unit)} used"
    if limit["reason"] is not None:
        return f"{used}; no time to the limit: {limit['reason']}", "dim"
    if limit["within"] == 0:
        return f"limit reached, {used}", "bold red"
    chance = limit["probability"]
    ends = [limit[name] for name in ("earliest", "latest")]
    text = f"{used}; reached within {_span(limit['within'])} with {chance:.0%}"
    if ends[0] is not None:
        text += f", in {_span(ends[0])} " + ("or later" if ends[1] is None else f"to {_span(ends[1])}")
    return text, "red" if chance >= 0.5 else "yellow" if chance >= 0.05 else "green"


def _amount(value: float, unit: str) -> str:
    """With the prefix that leaves three digits."""
    scaled, prefix = value, ""
    for prefix in ("", "k", "M", "G", "T", "P"):  # noqa: B007 - the last one is used
        if scaled < 999.5:
            break
        scaled /= 1000
    digits = f"{scaled:.3g}" if scaled < 999.5 else f"{scaled:.0f}"
    return f"{digits} {prefix}{unit}".rstrip()


def _span(seconds: float) -> str:
    """A duration in the unit that suits it."""
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    if seconds < 172800:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 86400:.1f} d"
