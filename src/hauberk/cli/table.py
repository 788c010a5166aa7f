"""Records as a table in a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from itertools import islice

from rich.console import Console
from rich.table import Table
from rich.text import Text

_PAGE = 500
"""Rows shown as one table, so that long output begins at once."""

_COLUMNS: dict[str, tuple[tuple[str, str], ...]] = {
    "devices": (
        ("id", "Device"), ("kind", "Kind"), ("vendor", "Vendor"), ("model", "Model"), ("confidence", "Sure"),
        ("ips", "Addresses"), ("hostnames", "Names"), ("protocols", "Protocols"), ("packets", "Packets"),
    ),
    "flows": (
        ("start", "Start"), ("initiator", "Initiator"), ("initiator_port", "Port"), ("responder", "Responder"), ("responder_port", "Port"),
        ("transport", "Transport"), ("service", "Service"), ("packets_out", "Pkts out"), ("packets_in", "Pkts in"),
        ("bytes_out", "Bytes out"), ("bytes_in", "Bytes in"),
    ),
    "transactions": (
        ("frame", "Frame"), ("time", "Time"), ("protocol", "Protocol"), ("src", "From"), ("dst", "To"), ("role", "Role"),
        ("operation", "Operation"), ("code", "Code"), ("object", "Object"), ("value", "Value"), ("status", "Status"),
    ),
}  # fmt: skip
_NUMBERS = frozenset(
    {"frame", "code", "packets", "packets_out", "packets_in", "bytes_out", "bytes_in", "initiator_port", "responder_port"}
)
_TIMES = frozenset({"time", "start", "end", "first_seen", "last_seen"})


def print_records(kind: str, records: Iterable[Mapping[str, object]]) -> None:
    """Print ``records`` of ``kind`` (devices, flows, transactions) page by page."""
    console = Console()
    rows = iter(records)
    total = 0
    while page := list(islice(rows, _PAGE)):
        total += len(page)
        console.print(_table(kind, page))
    console.print(f"{total} {kind}", style="dim")


def _table(kind: str, records: Iterable[Mapping[str, object]]) -> Table:
    table = Table(header_style="bold", box=None, pad_edge=False)
    columns = _COLUMNS[kind]
    for key, title in columns:
        table.add_column(title, justify="right" if key in _NUMBERS else "left", overflow="fold", no_wrap=key in _TIMES)
    for record in records:
        written = kind == "transactions" and record["write"]
        style = "red" if record.get("status") not in {None, "ok"} else "yellow" if written else ""
        # Text, not markup: names on the wire may hold brackets.
        table.add_row(*(Text(cell(key, record.get(key))) for key, _ in columns), style=style)
    return table


def cell(key: str, value: object) -> str:
    """A value as a person reads it."""
    if value is None:
        return ""
    if key in _TIMES and isinstance(value, float):
        return datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
    if isinstance(value, tuple | list):
        return ", ".join("" if item is None else str(item) for item in value[:6]) + (" …" if len(value) > 6 else "")
    return str(value)
