"""Records as a table in a terminal.

A narrow terminal gets fewer columns, not narrower ones: what matters least goes first, and what is long is shortened with an
ellipsis.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import NamedTuple

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hauberk.cli.visible import visible

_PAGE = 500
"""Rows shown as one table, so that long output begins at once."""
_GAP = 1
"""Characters between columns."""


class Column(NamedTuple):
    """One column: ``least`` is the width, in characters, below which it is of no use; the higher ``rank``, the sooner it is
    dropped."""

    key: str
    title: str
    least: int
    rank: int


_COLUMNS: dict[str, tuple[Column, ...]] = {
    "devices": (
        Column("id", "Device", 12, 5), Column("ips", "Addresses", 15, 0), Column("hostnames", "Names", 12, 2),
        Column("kind", "Kind", 12, 0),
        Column("vendor", "Vendor", 12, 1), Column("model", "Model", 12, 3), Column("confidence", "Sure", 4, 3),
        Column("protocols", "Protocols", 12, 4), Column("packets", "Packets", 7, 2),
    ),
    "flows": (
        Column("start", "Start", 12, 1), Column("initiator", "Initiator", 15, 0), Column("initiator_port", "Port", 5, 4),
        Column("responder", "Responder", 15, 0), Column("responder_port", "Port", 5, 1), Column("transport", "Transport", 9, 3),
        Column("service", "Service", 8, 1), Column("packets_out", "Pkts out", 8, 5), Column("packets_in", "Pkts in", 7, 5),
        Column("bytes_out", "Bytes out", 9, 2), Column("bytes_in", "Bytes in", 8, 2),
    ),
    "transactions": (
        Column("frame", "Frame", 5, 3), Column("time", "Time", 12, 4), Column("protocol", "Protocol", 8, 1),
        Column("src", "From", 15, 0),
        Column("dst", "To", 15, 0), Column("role", "Role", 8, 3), Column("operation", "Operation", 16, 0),
        Column("code", "Code", 4, 6),
        Column("object", "Object", 10, 2), Column("value", "Value", 10, 5), Column("status", "Status", 6, 2),
    ),
}  # fmt: skip
_NUMBERS = frozenset(
    {"frame", "code", "packets", "packets_out", "packets_in", "bytes_out", "bytes_in", "initiator_port", "responder_port"}
)
_TIMES = frozenset({"time", "start", "end", "first_seen", "last_seen"})
_DAY = len("2026-01-01 ")


def print_records(kind: str, records: Iterable[Mapping[str, object]]) -> None:
    """Print ``records`` of ``kind`` (devices, flows, transactions) page by page."""
    console = Console(highlight=False)
    rows = iter(records)
    total = 0
    while page := list(islice(rows, _PAGE)):
        total += len(page)
        console.print(_table(kind, page, console.width))
    console.print(f"{total} {kind}", style="dim")


def _table(kind: str, records: Sequence[Mapping[str, object]], width: int) -> Table:
    columns = _COLUMNS[kind]
    cells = [[cell(column.key, record.get(column.key)) for column in columns] for record in records]
    needs = [max(len(column.title), max((cell_len(row[at]) for row in cells), default=0)) for at, column in enumerate(columns)]
    widths = fitted(columns, needs, width)
    table = Table(header_style="bold", box=None, pad_edge=False, padding=(0, _GAP, 0, 0))
    for at, size in widths.items():
        key, title, _, _ = columns[at]
        table.add_column(title, justify="right" if key in _NUMBERS else "left", width=size, no_wrap=True, overflow="ellipsis")
    for record, row in zip(records, cells, strict=True):
        written = kind == "transactions" and record["write"]
        style = "red" if record.get("status") not in {None, "ok"} else "yellow" if written else ""
        # Text, not markup: names on the wire may hold brackets.
        table.add_row(*(Text(_cut(columns[at].key, row[at], size)) for at, size in widths.items()), style=style)
    return table


def fitted(columns: Sequence[Column], needs: Sequence[int], width: int) -> dict[int, int]:
    """Which of ``columns`` (by place) fit into ``width`` characters, and how wide each is; ``needs``: how wide each would like
    to be."""
    kept = list(range(len(columns)))

    def least(at: int) -> int:
        return min(needs[at], columns[at].least)

    while len(kept) > 1 and sum(least(at) + _GAP for at in kept) - _GAP > width:
        kept.remove(max(kept, key=lambda at: (columns[at].rank, at)))
    widths = {at: least(at) for at in kept}
    spare = width - sum(size + _GAP for size in widths.values()) + _GAP
    while spare > 0 and (wanting := [at for at in kept if widths[at] < needs[at]]):
        share = max(1, spare // len(wanting))
        for at in wanting:
            more = min(share, needs[at] - widths[at], spare)
            widths[at] += more
            spare -= more
    return widths


def _cut(key: str, text: str, width: int) -> str:
    """A time without its day where that does not fit; anything else is cut by the table."""
    return text[_DAY:] if key in _TIMES and len(text) > width else text


def moment(time: float) -> str:
    """A time of the traffic in UTC, to the millisecond; beyond the calendar, in epoch seconds."""
    try:
        return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
    except (OverflowError, ValueError, OSError):
        return f"{time:g} s"


def cell(key: str, value: object) -> str:
    """A value as a person reads it, safe for a terminal."""
    if value is None:
        return ""
    if key in _TIMES and isinstance(value, float):
        return moment(value)
    if key == "confidence" and isinstance(value, float):
        return f"{value:.0%}"
    if isinstance(value, tuple | list):
        return visible(", ".join("" if item is None else str(item) for item in value[:6])) + (" …" if len(value) > 6 else "")
    return visible(str(value))
