"""``hauberk watch``: the same as ``analyze``, live on an interface."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hauberk.cli.exit_code import ExitCode
from hauberk.cli.format import Format, FormatOption, chosen, write_lines

if TYPE_CHECKING:
    from hauberk.sense.capture.live import LiveSource

EXAMPLE = "Example: sudo hauberk watch eth1 --learn 10m --save-baseline plant.json"

_MEBIBYTE = 1 << 20


def watch(
    interface: Annotated[str, typer.Argument(metavar="INTERFACE", help="Network interface, for instance the one behind a mirror port.")],
    learn: Annotated[
        str | None, typer.Option("--learn", metavar="SPAN", help="How long to learn what is normal before judging: 10m, or until=EPOCH.")
    ] = None,
    baseline: Annotated[Path | None, typer.Option("--baseline", metavar="FILE", help="Judge against what an earlier run learned.")] = None,
    save_baseline: Annotated[Path | None, typer.Option("--save-baseline", metavar="FILE", help="Save what was learned, at the end.")] = None,
    config: Annotated[Path | None, typer.Option("--config", metavar="FILE", help="Settings (TOML).")] = None,
    duration: Annotated[float | None, typer.Option("--duration", metavar="SECONDS", help="Stop after so long; default: until Ctrl-C.")] = None,
    ring: Annotated[int, typer.Option("--ring", metavar="MIB", min=1, max=1024, help="Size of the kernel's packet ring in MiB.")] = 64,
    output: FormatOption = None,
) -> None:
    """Watch an interface and report findings as they are raised. Exit code 1 means findings, 3 that packets were lost."""
    from hauberk.cli.baseline_file import read_baseline, write_baseline  # noqa: PLC0415 - a command loads what it needs when it runs
    from hauberk.sense.capture.live import LiveSource  # noqa: PLC0415 - same
    from hauberk.service.analysis import Analysis, finding_record  # noqa: PLC0415 - same
    from hauberk.service.feed import Depth, sensor  # noqa: PLC0415 - same
    from hauberk.service.live import observe_live  # noqa: PLC0415 - same
    from hauberk.service.settings import load_settings  # noqa: PLC0415 - same

    settings = load_settings(config)
    known = read_baseline(baseline)
    by = sensor(Depth.MESSAGES, settings.sensor_limits())
    count = 0
    with LiveSource(interface, ring_bytes=ring * _MEBIBYTE) as source:
        _stop_on_signal(source)
        analysis, batches = observe_live(source, by, learn, known, settings.detector_settings(), duration)
        sys.stderr.write(f"Watching {interface}; Ctrl-C stops.\n")
        for finding in analysis.run(batches):
            count += 1
            if chosen(output) is Format.JSON:
                write_lines([finding_record(finding)])
                sys.stdout.flush()
            else:
                _print(finding)
        _print_counters(source, by.counters.packets, count)
    if save_baseline is not None:
        write_baseline(save_baseline, analysis.baseline)
    if source.kernel_drops or source.own_drops:
        raise typer.Exit(ExitCode.UNASSESSED)
    if count:
        raise typer.Exit(ExitCode.FINDINGS)


def _stop_on_signal(source: LiveSource) -> None:
    """End the capture, not the program, on Ctrl-C and SIGTERM: what was seen is still worked through."""

    def stop(signum: int, frame: object) -> None:  # noqa: ARG001 - the signature is the signal module's
        source.stop()

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)


def _print(finding: object) -> None:
    from rich.console import Console  # noqa: PLC0415 - JSON needs no panels

    from hauberk.cli.summary import finding_panel  # noqa: PLC0415 - same
    from hauberk.model.finding import Finding  # noqa: PLC0415 - same

    assert isinstance(finding, Finding)
    Console().print(finding_panel(finding))


def _print_counters(source: LiveSource, packets: int, findings: int) -> None:
    sys.stderr.write(
        f"{packets:,} packets, {findings} findings; dropped by the kernel {source.kernel_drops:,}, by Hauberk {source.own_drops:,}.\n"
    )
