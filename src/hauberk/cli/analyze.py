"""``hauberk analyze``: inventory, what was learned, and findings of captures or logs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hauberk.cli.exit_code import ExitCode
from hauberk.cli.format import Format, FormatOption, chosen, write_lines

EXAMPLE = "Example: hauberk analyze monday.pcapng.zst --learn 50% --save-baseline plant.json"

LearnOption = Annotated[
    str | None,
    typer.Option(
        "--learn",
        metavar="SPAN",
        help="How much teaches what is normal, unjudged by learned detectors: a duration (10m), a share (50%) or until=EPOCH.",
    ),
]
BaselineOption = Annotated[
    Path | None, typer.Option("--baseline", metavar="FILE", help="Judge against what an earlier run learned and saved.")
]
SaveOption = Annotated[Path | None, typer.Option("--save-baseline", metavar="FILE", help="Save what was learned, for later runs.")]
ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Settings (TOML): switches and limits of detectors, bounds of the sensor."),
]


def analyze(
    source: Annotated[
        list[str],
        typer.Argument(metavar="SOURCE...", help="Captures (pcap, pcapng, also .gz .xz .zst), Zeek or EVE logs, folders, or - ."),
    ],
    learn: LearnOption = None,
    baseline: BaselineOption = None,
    save_baseline: SaveOption = None,
    config: ConfigOption = None,
    output: FormatOption = None,
) -> None:
    """Say which devices there are, who talks to whom, and what is wrong. Exit code 1 means findings."""
    from hauberk.cli.baseline_file import check_target, read_baseline, write_baseline  # noqa: PLC0415 - a command loads what it needs when it runs
    from hauberk.cli.problem import report_problems  # noqa: PLC0415 - same
    from hauberk.cli.progress import progress  # noqa: PLC0415 - same
    from hauberk.service.analysis import Analysis, finding_record  # noqa: PLC0415 - same
    from hauberk.service.feed import Depth, open_feed  # noqa: PLC0415 - same
    from hauberk.service.learning import learn_until, parse_learn  # noqa: PLC0415 - same
    from hauberk.service.settings import load_settings  # noqa: PLC0415 - same

    settings = load_settings(config)
    check_target(save_baseline, learns=learn is not None or baseline is not None)
    known = read_baseline(baseline)
    until = learn_until(parse_learn(learn), source) if learn is not None else None
    feed = open_feed(source, Depth.MESSAGES, settings.sensor_limits())
    analysis = Analysis(known, until, settings.detector_settings())
    with progress(f"Analyzing {feed.name}", feed.size) as advance:
        findings = list(analysis.run(feed.observations(advance)))
    findings = analysis.settle(findings)
    if chosen(output) is Format.JSON:
        write_lines(finding_record(finding) for finding in findings)
    else:
        from hauberk.cli.summary import print_summary  # noqa: PLC0415 - JSON needs no tables

        print_summary(feed, analysis, findings)
    if save_baseline is not None:
        write_baseline(save_baseline, analysis.baseline)
    code = report_problems(feed)
    if code is ExitCode.CLEAN and findings:
        code = ExitCode.FINDINGS
    if code is not ExitCode.CLEAN:
        raise typer.Exit(code)
