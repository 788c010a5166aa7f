"""``hauberk watch``: the same as ``analyze``, live on an interface."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hauberk.cli.complaint import complain
from hauberk.cli.exit_code import ExitCode
from hauberk.cli.format import Format, FormatOption, chosen, write_lines
from hauberk.cli.known_bad_option import IndicatorsOption, SigmaOption, read_known_bad
from hauberk.cli.mud import MudOption, mud_policies
from hauberk.errors import CaptureError, SettingError

if TYPE_CHECKING:
    from hauberk.cli.baseline_file import BaselineKeeper
    from hauberk.cli.watching import Watching
    from hauberk.detect.incidents.engine import Update
    from hauberk.model.finding import Finding
    from hauberk.model.observation import Observations
    from hauberk.sense.capture.live import LiveSource
    from hauberk.service.analysis import Analysis

EXAMPLE = "Example: sudo hauberk watch eth1 --learn 10m --save-baseline plant.baseline"

_MEBIBYTE = 1 << 20


def watch(  # noqa: PLR0913, PLR0917 - one argument an option
    interface: Annotated[
        str, typer.Argument(metavar="INTERFACE", help="Network interface, for instance the one behind a mirror port.")
    ],
    learn: Annotated[
        str | None,
        typer.Option("--learn", metavar="SPAN", help="How long to learn what is normal before judging: 10m, or until=EPOCH."),
    ] = None,
    baseline: Annotated[
        Path | None, typer.Option("--baseline", metavar="FILE", help="Judge against what an earlier run learned.")
    ] = None,
    save_baseline: Annotated[
        Path | None, typer.Option("--save-baseline", metavar="FILE", help="Save what was learned, now and then and at the end.")
    ] = None,
    save_every: Annotated[
        float, typer.Option("--save-every", metavar="SECONDS", min=1, help="How often to save what was learned while watching.")
    ] = 300.0,
    mud: MudOption = None,
    indicators: IndicatorsOption = None,
    sigma: SigmaOption = None,
    config: Annotated[Path | None, typer.Option("--config", metavar="FILE", help="Settings (TOML).")] = None,
    duration: Annotated[
        float | None, typer.Option("--duration", metavar="SECONDS", help="Stop after so long; default: until Ctrl-C.")
    ] = None,
    ring: Annotated[
        int, typer.Option("--ring", metavar="MIB", min=1, max=1024, help="Size of the kernel's packet ring in MiB.")
    ] = 64,
    output: FormatOption = None,
) -> None:
    """Watch an interface and report findings as they are raised. Exit code 1 means findings, 3 that packets were lost."""
    from hauberk.cli.baseline_file import BaselineKeeper, check_target, read_baseline, warn_untaught  # noqa: PLC0415 - loaded when the command runs
    from hauberk.cli.problem import report_sensor  # noqa: PLC0415 - same
    from hauberk.cli.verdict_table import say_suppressed  # noqa: PLC0415 - same
    from hauberk.cli.watching import watching  # noqa: PLC0415 - same
    from hauberk.detect.warm import warm  # noqa: PLC0415 - same
    from hauberk.sense.capture.live import LiveSource  # noqa: PLC0415 - same
    from hauberk.service.feed import Depth, sensor  # noqa: PLC0415 - same
    from hauberk.service.live import live_learn_until, observe_live  # noqa: PLC0415 - same
    from hauberk.service.settings import load_settings  # noqa: PLC0415 - same

    if duration is not None and not 0 < duration <= threading.TIMEOUT_MAX:
        raise SettingError(f"--duration {duration:g}: give how many seconds to watch, more than 0")
    settings = load_settings(config)
    live_learn_until(learn, 0.0)  # a span that has no meaning is said before anything is opened
    check_target(save_baseline, learns=learn is not None or baseline is not None)
    policies = mud_policies(mud)
    known = read_baseline(baseline)
    known_bad = read_known_bad(settings, indicators, sigma)
    by = sensor(Depth.MESSAGES, settings.sensor_limits())
    by.warm()  # before packets wait in the ring
    warm()  # same
    with LiveSource(interface, ring_bytes=ring * _MEBIBYTE) as source, _stopped_by_signal(source):
        analysis, batches = observe_live(source, by, learn, known, settings.detector_settings(), duration)
        analysis.engine.mud = policies
        analysis.engine.known_bad = known_bad
        status = watching(source, analysis)
        keeper = BaselineKeeper(save_baseline, analysis.snapshot, save_every)
        status.started()
        warn_untaught(analysis.engine.untaught)
        count, problem = _follow(analysis, batches, (status, keeper), chosen(output))
        status.stopped(count)
    if problem is not None:
        complain(problem.diagnostics())
    keeper.finish()
    say_suppressed(analysis.suppressed)
    code = report_sensor(interface, by)
    if problem is not None or source.kernel_drops or source.own_drops:
        code = ExitCode.UNASSESSED
    if code is ExitCode.CLEAN and count:
        code = ExitCode.FINDINGS
    if code is not ExitCode.CLEAN:
        raise typer.Exit(code)


def _follow(
    analysis: Analysis, batches: Iterable[Observations], told: tuple[Watching, BaselineKeeper], output: Format
) -> tuple[int, CaptureError | None]:
    """Print findings as they are raised; how many, and why the capture ended, where that was not asked for."""
    count = 0
    status, keeper = told

    def counted() -> Iterator[Observations]:
        for batch in batches:
            yield batch
            status.passed(count)
            keeper.passed()

    try:
        for finding in analysis.run(counted(), keep=keeper.keeps):
            count += 1
            update = analysis.correlation.add(finding)
            status.aside()
            _print(finding, update, analysis, output)
    except CaptureError as error:
        return count, error
    return count, None


@contextmanager
def _stopped_by_signal(source: LiveSource) -> Iterator[None]:
    """End the capture, not the program, on the first Ctrl-C or SIGTERM: what was seen is still worked through. The second ends
    it all."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def stop(signum: int, frame: object) -> None:  # noqa: ARG001 - the signature is the signal module's
        restore()
        source.stop()

    for number in before:
        signal.signal(number, stop)
    try:
        yield
    finally:
        restore()


def _print(finding: Finding, update: Update | None, analysis: Analysis, output: Format) -> None:
    """A finding, and its incident where that is new or became another: worse, further, or one with others."""
    incident = None
    if update is not None and (update.opened or update.changed):
        incident = analysis.correlation.incident(update.incident)
    if output is Format.JSON:
        from hauberk.service.analysis import finding_record, incident_record  # noqa: PLC0415 - loaded by now

        write_lines([finding_record(finding, None if update is None else update.incident)])
        if incident is not None and update is not None:
            write_lines([incident_record(incident, update.merged, update=not update.opened)])
        sys.stdout.flush()
        return
    from rich.console import Console  # noqa: PLC0415 - JSON needs no panels

    from hauberk.cli.summary import finding_panel, incident_line  # noqa: PLC0415 - same

    console = Console(highlight=False)
    console.print(finding_panel(finding))
    if incident is not None and update is not None:
        console.print(incident_line(incident, opened=update.opened))
