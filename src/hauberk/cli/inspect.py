"""``hauberk inspect``: what the sensor saw, without judging."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hauberk.cli.exit_code import ExitCode
from hauberk.cli.format import Format, FormatOption, chosen, write_lines

if TYPE_CHECKING:
    from hauberk.model.observation import Observations
    from hauberk.sense.sensor import SensorLimits
    from hauberk.service.record import Record

EXAMPLE = "Example: hauberk inspect plant.pcapng --emit transactions --format json"


class Emit(StrEnum):
    """What to show."""

    DEVICES = "devices"
    FLOWS = "flows"
    TRANSACTIONS = "transactions"


def inspect(
    source: Annotated[
        list[str],
        typer.Argument(metavar="SOURCE...", help="Captures (pcap, pcapng, also .gz .xz .zst), Zeek or EVE logs, folders, or - ."),
    ],
    emit: Annotated[Emit, typer.Option("--emit", "-e", help="What to show.")] = Emit.DEVICES,
    config: Annotated[Path | None, typer.Option("--config", metavar="FILE", help="Settings (TOML): bounds of the sensor.")] = None,
    output: FormatOption = None,
) -> None:
    """Show the devices, conversations or application messages in captures or logs."""
    from hauberk.cli.problem import report_problems  # noqa: PLC0415 - a command loads what it needs when it runs
    from hauberk.cli.progress import progress  # noqa: PLC0415 - same
    from hauberk.service.feed import Depth, open_feed  # noqa: PLC0415 - same

    feed = open_feed(source, Depth.SERVICES if emit is Emit.FLOWS else Depth.MESSAGES, _limits(config))
    # Rows that appear in a terminal as they are read show the progress themselves, and a bar would mix with them.
    streamed = emit is not Emit.DEVICES and sys.stdout.isatty()
    with progress(f"Reading {feed.name}", feed.size, wanted=not streamed) as advance:
        records = _records(feed.observations(advance), emit)
        if emit is Emit.DEVICES:
            records = iter(list(records))
        elif not streamed:
            _write(records, emit, output)
    if emit is Emit.DEVICES or streamed:
        _write(records, emit, output)
    code = report_problems(feed)
    if code is not ExitCode.CLEAN:
        raise typer.Exit(code)


def _write(records: Iterator[Record], emit: Emit, output: Format | None) -> None:
    if chosen(output) is Format.JSON:
        write_lines(records)
    else:
        from hauberk.cli.table import print_records  # noqa: PLC0415 - JSON needs no tables

        print_records(emit.value, records)


def _limits(config: Path | None) -> SensorLimits | None:
    """The bounds of the sensor that were set, or None: reading settings takes longer than reading a small capture."""
    if config is None and not any(name.upper().startswith("HAUBERK_") for name in os.environ):
        return None
    from hauberk.service.settings import load_settings  # noqa: PLC0415 - see above

    return load_settings(config).sensor_limits()


def _records(batches: Iterable[Observations], emit: Emit) -> Iterator[Record]:
    from hauberk.service.record import flow_records, transaction_record  # noqa: PLC0415 - same as above

    if emit is Emit.TRANSACTIONS:
        return (transaction_record(transaction) for batch in batches for transaction in batch.transactions)
    if emit is Emit.FLOWS:
        return (record for batch in batches for record in flow_records(batch.flows))
    return _devices(batches)


def _devices(batches: Iterable[Observations]) -> Iterator[Record]:
    from hauberk.inventory import Inventory  # noqa: PLC0415 - only devices need it
    from hauberk.service.record import device_records  # noqa: PLC0415 - same

    inventory = Inventory()
    for batch in batches:
        inventory.observe(batch)
    yield from device_records(inventory.devices())
