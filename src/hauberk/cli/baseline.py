"""``hauberk baseline``: what a saved baseline holds, and what operators say of findings against it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hauberk.cli.format import Format, FormatOption, chosen, write_lines
from hauberk.cli.teach import TEACH_EXAMPLE, VERDICTS_EXAMPLE, teach, verdicts

if TYPE_CHECKING:
    from rich.table import Table

app = typer.Typer(
    help="Saved baselines: what they hold, how large they are, and what operators taught them.",
    epilog="Example: hauberk baseline show plant.baseline",
    no_args_is_help=True,
)


@app.callback()
def group() -> None:
    """Saved baselines: what they hold, how large they are, and what operators taught them."""


app.command(name="teach", epilog=TEACH_EXAMPLE)(teach)
app.command(name="verdicts", epilog=VERDICTS_EXAMPLE)(verdicts)


@app.command(name="show", epilog="Example: hauberk baseline show plant.baseline --format json")
def show(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A baseline that analyze or watch saved.")],
    output: FormatOption = None,
) -> None:
    """Show what a baseline holds: until when it learned, how many devices, and what each detector keeps."""
    from hauberk.cli.baseline_file import read_baseline  # noqa: PLC0415 - loads every detector
    from hauberk.service.kept import snapshot_records  # noqa: PLC0415 - same

    snapshot = read_baseline(file)
    assert snapshot is not None
    records = list(snapshot_records(snapshot))
    if chosen(output) is Format.JSON:
        write_lines(records)
        return
    _print(records)


def _print(records: list[Mapping[str, Any]]) -> None:
    """The file, its states by size, and what detectors say of theirs."""
    from rich.console import Console  # noqa: PLC0415 - JSON needs no tables

    from hauberk.cli.table import moment  # noqa: PLC0415 - same
    from hauberk.cli.verdict_table import verdict_rows  # noqa: PLC0415 - same

    def time(value: float | None) -> str:
        return "never" if value is None else f"{moment(value)}Z"

    console = Console(highlight=False)
    head, *states = records
    rows = [
        ("Format", f"version {head['version']}, written by Hauberk {head['product'] or 'unknown'}"),
        ("Learned until", time(head["learned_until"])),
        ("Traffic seen until", time(head["seen_until"])),
        ("Devices", f"{head['devices']:,}: {head['macs']:,} network cards, {head['ips']:,} addresses without a card"),
        ("Masters", f"{head['masters']:,} pairs, {head['servers']:,} servers"),
        ("Kinds of write", f"{head['writers']:,}"),
        *verdict_rows(head),
        ("States", f"{head['bytes']:,} bytes, {head['bytes_per_device']:,} a device"),
    ]
    console.print(_grid(rows))
    console.print()
    table = _table("State", "Taught", "Bytes", "A device", "In memory")
    for row in sorted(states, key=lambda row: -row["bytes"]):
        taught = ("yes" if row["taught"] else "no") if row["record"] == "detector" else ""
        name = row["id"] if row.get("known", True) else f"{row['id']} (unknown here)"
        memory = row.get("memory")
        table.add_row(name, taught, f"{row['bytes']:,}", f"{row['bytes_per_device']:,}", "" if memory is None else f"{memory:,}")
    console.print(table)
    for row in states:
        if row.get("holds"):
            console.print()
            console.print(f"[bold]{row['id']}[/bold]")
            console.print(_grid([(name.replace("_", " ").capitalize(), _say(value)) for name, value in row["holds"].items()]))


def _say(value: object) -> str:
    if isinstance(value, Mapping):
        return "\n".join(f"{name}: {_say(item)}" for name, item in value.items())
    if isinstance(value, list | tuple):
        return "\n".join(_say(item) for item in value)
    if isinstance(value, int | float):
        return f"{value:,}" if isinstance(value, int) else f"{value:,.6g}"
    from hauberk.cli.visible import visible  # noqa: PLC0415 - words may come from the wire

    return visible(str(value))


def _grid(rows: list[tuple[str, str]]) -> Table:
    from rich.table import Table  # noqa: PLC0415 - JSON needs no tables
    from rich.text import Text  # noqa: PLC0415 - same

    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(name, Text(value))
    return table


def _table(*titles: str) -> Table:
    from rich.table import Table  # noqa: PLC0415 - JSON needs no tables

    table = Table(header_style="bold", box=None, pad_edge=False)
    for title in titles:
        table.add_column(title, justify="left" if title in {"State", "Taught"} else "right")
    return table
