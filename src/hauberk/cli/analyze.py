"""``hauberk analyze``: inventory, what was learned, and findings of captures or logs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hauberk.cli.exit_code import ExitCode
from hauberk.cli.format import Format, FormatOption, chosen, write_lines
from hauberk.cli.known_bad_option import IndicatorsOption, SigmaOption, read_known_bad
from hauberk.cli.mud import MudOption, mud_policies

EXAMPLE = "Example: hauberk analyze monday.pcapng.zst --learn 50% --save-baseline plant.baseline"

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
ReportOption = Annotated[
    Path | None, typer.Option("--report", metavar="FILE", help="Write a report: one HTML page to read offline, print or send.")
]


def analyze(  # noqa: PLR0913, PLR0917 - one argument an option
    source: Annotated[
        list[str],
        typer.Argument(metavar="SOURCE...", help="Captures (pcap, pcapng, also .gz .xz .zst), Zeek or EVE logs, folders, or - ."),
    ],
    learn: LearnOption = None,
    baseline: BaselineOption = None,
    save_baseline: SaveOption = None,
    report: ReportOption = None,
    mud: MudOption = None,
    indicators: IndicatorsOption = None,
    sigma: SigmaOption = None,
    config: ConfigOption = None,
    output: FormatOption = None,
) -> None:
    """Say which devices there are, who talks to whom, and what is wrong. Exit code 1 means findings."""
    from hauberk.cli.baseline_file import check_target, read_baseline, warn_untaught, write_baseline  # noqa: PLC0415 - a command loads what it needs when it runs
    from hauberk.cli.problem import report_problems  # noqa: PLC0415 - same
    from hauberk.cli.progress import progress  # noqa: PLC0415 - same
    from hauberk.cli.verdict_table import say_suppressed  # noqa: PLC0415 - same
    from hauberk.service.analysis import Analysis, finding_record, incident_record  # noqa: PLC0415 - same
    from hauberk.service.feed import Depth, open_feed  # noqa: PLC0415 - same
    from hauberk.service.learning import learn_until, parse_learn  # noqa: PLC0415 - same
    from hauberk.service.settings import load_settings  # noqa: PLC0415 - same

    settings = load_settings(config)
    check_target(save_baseline, learns=learn is not None or baseline is not None)
    keeper = None
    if report is not None:
        from hauberk.cli.report_file import ReportKeeper  # noqa: PLC0415 - loaded where a report is asked for

        keeper = ReportKeeper(report, source)
    policies = mud_policies(mud)
    known = read_baseline(baseline)
    known_bad = read_known_bad(settings, indicators, sigma)
    until = learn_until(parse_learn(learn), source) if learn is not None else None
    feed = open_feed(source, Depth.MESSAGES, settings.sensor_limits())
    analysis = Analysis(learn_until=until, settings=settings.detector_settings(), snapshot=known, known_bad=known_bad)
    analysis.engine.mud = policies
    with progress(f"Analyzing {feed.name}", feed.size) as advance:
        observations = feed.observations(advance)
        watched = observations if keeper is None else keeper.watch(observations)
        findings = list(analysis.run(watched, keep=save_baseline is not None))
    findings = analysis.settle(findings)
    incidents = analysis.incidents(findings)
    if chosen(output) is Format.JSON:
        write_lines(finding_record(finding, analysis.correlation.incident_of(finding)) for finding in findings)
        write_lines(incident_record(incident, analysis.correlation.merged(incident.id)) for incident in incidents)
    else:
        from hauberk.cli.summary import print_summary  # noqa: PLC0415 - JSON needs no tables

        print_summary(feed, analysis, findings, incidents)
    if save_baseline is not None:
        write_baseline(save_baseline, analysis.snapshot())
    if keeper is not None:
        keeper.write(feed, analysis, findings, incidents, learn)
    warn_untaught(analysis.engine.untaught)
    if chosen(output) is Format.JSON:
        say_suppressed(analysis.suppressed)
    code = report_problems(feed)
    if code is ExitCode.CLEAN and findings:
        code = ExitCode.FINDINGS
    if code is not ExitCode.CLEAN:
        raise typer.Exit(code)
