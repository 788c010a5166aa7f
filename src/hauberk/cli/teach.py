"""``hauberk baseline teach`` and ``verdicts``: what an operator says of findings, into a baseline and out of it."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from hauberk.cli.complaint import say
from hauberk.cli.format import Format, FormatOption, chosen, write_lines
from hauberk.errors import InputError, SettingError
from hauberk.model.verdict import Verdict

TEACH_EXAMPLE = (
    "Example: hauberk baseline teach plant.baseline --from monday.jsonl --finding 5c1e… --verdict learn --note 'new HMI'"
)
VERDICTS_EXAMPLE = "Example: hauberk baseline verdicts plant.baseline --forget 5c1e…"

FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="A baseline that analyze or watch saved; it is changed.")]
_EFFECTS = {
    "learned": "allowed from now on",
    "suppressed": "findings of it are suppressed from now on",
    "locked": "never learned and never suppressed",
}


def teach(
    file: FileArgument,
    finding: Annotated[list[str], typer.Option("--finding", metavar="UID", help="Identifier of the finding. May be repeated.")],
    source: Annotated[
        str, typer.Option("--from", metavar="FINDINGS", help="Lines that analyze or watch printed as JSON; - is standard input.")
    ],
    verdict: Annotated[
        Verdict,
        typer.Option(
            "--verdict",
            metavar="VERDICT",
            help="learn: normal from now on. benign: real and harmless. false: the detector erred. true: an attack, never learned.",
        ),
    ],
    note: Annotated[str | None, typer.Option("--note", metavar="TEXT", help="Why, for those who come later.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change, and change nothing.")] = False,  # noqa: FBT002 - typer's own form
    output: FormatOption = None,
) -> None:
    """Tell a baseline what became of findings, so that the next run knows."""
    from hauberk.cli.baseline_file import read_baseline, write_baseline  # noqa: PLC0415 - loads every detector
    from hauberk.detect.verdicts import LONGEST_NOTE  # noqa: PLC0415 - same
    from hauberk.service.verdicts import read_findings, teach_snapshot, verdict_record  # noqa: PLC0415 - same

    if len(note or "") > LONGEST_NOTE:
        raise SettingError(f"--note is longer than {LONGEST_NOTE} characters")
    snapshot = read_baseline(file)
    assert snapshot is not None
    try:
        records = read_findings(_lines(source), list(dict.fromkeys(finding)), verdict, note or "", time.time())
    except InputError as error:
        raise InputError(f"{source}: {error}") from error
    changed, done = teach_snapshot(snapshot, records)
    if not dry_run:
        write_baseline(file, changed)
    rows = [verdict_record(given, "withdrawn") for taught in done for given in taught.withdrawn]
    rows += [verdict_record(taught.given, "given") for taught in done]
    _print(rows, output)
    if dry_run:
        say(f"Nothing was changed in {file}.")


def verdicts(
    file: FileArgument,
    forget: Annotated[
        list[str] | None, typer.Option("--forget", metavar="UID", help="Undo what was said of this finding. May be repeated.")
    ] = None,
    output: FormatOption = None,
) -> None:
    """List the verdicts that a baseline holds, or undo some."""
    from hauberk.cli.baseline_file import read_baseline, write_baseline  # noqa: PLC0415 - loads every detector
    from hauberk.service.verdicts import forget_verdicts, verdict_record  # noqa: PLC0415 - same

    snapshot = read_baseline(file)
    assert snapshot is not None
    if not forget:
        _print([verdict_record(given) for given in snapshot.verdicts], output)
        return
    changed, gone = forget_verdicts(snapshot, dict.fromkeys(forget))
    write_baseline(file, changed)
    _print([verdict_record(given, "forgotten") for given in gone], output)


def _lines(source: str) -> Iterator[bytes]:
    from hauberk.service.verdicts import LONGEST_LINE  # noqa: PLC0415 - loaded by now

    if source == "-":
        yield from iter(lambda: sys.stdin.buffer.readline(LONGEST_LINE + 1), b"")
        return
    try:
        with Path(source).open("rb") as file:
            yield from iter(lambda: file.readline(LONGEST_LINE + 1), b"")
    except OSError as error:
        raise InputError(error.strerror or str(error)) from error
    except ValueError as error:  # a path with a zero byte
        raise InputError(str(error)) from error


def _print(rows: Sequence[Mapping[str, Any]], output: Format | None) -> None:
    if chosen(output) is Format.JSON:
        write_lines(rows)
        return
    from rich.console import Console  # noqa: PLC0415 - JSON needs no tables
    from rich.text import Text  # noqa: PLC0415 - same

    from hauberk.cli.table import moment  # noqa: PLC0415 - same
    from hauberk.cli.visible import visible  # noqa: PLC0415 - same

    console = Console(highlight=False)
    if not rows:
        console.print("There are no verdicts.")
    for row in rows:
        who = " → ".join(row["addresses"][:2])
        what = "; ".join(str(seen) for _, seen in row["evidence"][:3])
        change = {"withdrawn": "no longer holds", "forgotten": "forgotten"}.get(row.get("change", ""), _EFFECTS[row["effect"]])
        head = Text.assemble((row["verdict"], "bold"), f"  {row['detector']}  {visible(who)}  {visible(what)}")
        console.print(head, soft_wrap=True)
        count = f"; {row['suppressed']:,} suppressed so far" if row["suppressed"] else ""
        note = f"; {visible(row['note'])}" if row["note"] else ""
        console.print(
            Text(f"  {change}{count}{note}; {moment(row['time'])}Z; {visible(row['finding'])}", style="dim"), soft_wrap=True
        )
