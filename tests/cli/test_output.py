"""What reaches a terminal or a pipe, and how commands end when their user goes away."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import select
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hauberk.cli.format import json_line
from hauberk.cli.summary import finding_panel, incident_line, incident_panel
from hauberk.cli.table import _COLUMNS, cell, fitted
from hauberk.cli.visible import visible
from hauberk.model.finding import Finding, Severity, Technique
from hauberk.model.ids import DetectorId, IncidentId
from hauberk.model.incident import Incident, NextStep

Run = Callable[..., Any]
HOSTILE = b"\x1b]0;owned\x07[red]\x1b[2J"


def on_terminal(command: list[str], *arguments: str, width: int = 80) -> tuple[int, str]:
    """Exit code and everything shown when run on a terminal of ``width`` columns."""
    main, side = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(width), "TERM": "xterm"}
    process = subprocess.Popen([*command, *arguments], stdin=side, stdout=side, stderr=side, env=environment)
    os.close(side)
    shown = b""
    while select.select([main], [], [], 60)[0]:
        try:
            part = os.read(main, 65536)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        shown += part
    os.close(main)
    return process.wait(60), shown.decode(errors="replace")


def test_terminal_gets_text_and_pipe_gets_json(command: list[str], run: Run, pcap: Path) -> None:
    """Without --format the place of the output decides."""
    code, shown = on_terminal(command, "inspect", str(pcap), "--emit", "transactions")
    assert code == 0
    assert "9 transactions" in shown
    assert '{"frame"' not in shown
    assert [json.loads(line)["frame"] for line in run("inspect", pcap, "--emit", "transactions").out.splitlines()] == list(
        range(1, 10)
    )


def test_progress_only_on_a_terminal(run: Run, pcap: Path) -> None:
    """Nothing is drawn where nobody watches."""
    assert run("analyze", pcap, "-f", "text").err == ""


@pytest.mark.parametrize("arguments", [("inspect", "--emit", "transactions"), ("inspect", "--emit", "devices"), ("analyze",)])
def test_words_from_the_wire_do_not_command_the_terminal(
    command: list[str], tmp_path: Path, make: Any, named_query: Any, arguments: tuple[str, ...]
) -> None:
    """Escape sequences in a name, and in the name of a file, are shown escaped; brackets are no markup."""
    path = tmp_path / "x\x1b]0;file\x07[bold].pcap"
    path.write_bytes(make((10**18, 2, 53, named_query(HOSTILE)), (10**18 + 1, 3, 5353, named_query(HOSTILE))))
    _, shown = on_terminal(command, *arguments, str(path), width=300)
    assert "\x1b]0" not in shown
    assert "\x1b[2J" not in shown
    assert "\x07" not in shown
    if "transactions" in arguments:
        assert "[red]" in shown


@pytest.mark.parametrize("emit", ["devices", "flows", "transactions"])
@pytest.mark.parametrize("width", [40, 80, 250])
def test_tables_fit_the_terminal(command: list[str], pcap: Path, emit: str, width: int) -> None:
    """No line is wider than the terminal, and each record keeps one line."""
    _, shown = on_terminal(command, "inspect", str(pcap), "--emit", emit, width=width)
    rows = [re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", row).rstrip("\r").rsplit("\r", 1)[-1] for row in shown.split("\n")]
    assert max(map(len, rows)) <= width
    count = int(next(row for row in rows if row.endswith(emit)).split()[0])
    assert sum("10.0.0." in row for row in rows) == count


@pytest.mark.parametrize("kind", sorted(_COLUMNS))
@pytest.mark.parametrize("width", [10, 40, 80, 120, 400])
def test_columns_are_dropped_before_they_become_useless(kind: str, width: int) -> None:
    """Every kept column has its least width; all together fit, unless only one is left."""
    columns = _COLUMNS[kind]
    widths = fitted(columns, [60] * len(columns), width)
    assert all(size >= min(60, columns[at].least) for at, size in widths.items())
    assert len(widths) == 1 or sum(size + 1 for size in widths.values()) - 1 <= width


def test_wide_terminal_drops_nothing() -> None:
    """Where there is room every column has what it needs."""
    columns = _COLUMNS["flows"]
    assert fitted(columns, [9] * len(columns), 400) == dict.fromkeys(range(len(columns)), 9)


@pytest.mark.parametrize(
    "text,shown",
    [
        ("plain [red] é", "plain [red] é"),
        ("\x1b[2J", "\\x1b[2J"),
        ("a\nb\tc", "a\\nb\\tc"),
        ("\u202eevil", "\\u202eevil"),
        ("\udcff", "\\udcff"),
    ],
)
def test_visible_escapes_what_does_not_print(text: str, shown: str) -> None:
    """Control characters, direction marks and half characters are escaped, all else is left alone."""
    assert visible(text) == shown


def test_cell_is_safe_for_every_value() -> None:
    """Lists and absurd times are safe, too."""
    assert cell("hostnames", ("a\x1b", None)) == "a\\x1b, "
    assert cell("time", 1e30) == "1e+30 s"
    assert cell("time", float("inf")) == "inf s"


def test_finding_panel_is_safe() -> None:
    """No field of a finding reaches the terminal raw."""
    from rich.console import Console  # noqa: PLC0415 - only here

    bad = "\x1b[2J[red]"
    finding = Finding(DetectorId("x"), bad, Severity.HIGH, 6.0, None, (bad,), 0.0, 0.0, (bad,), bad)
    console = Console(width=100, force_terminal=True, record=True, file=io.StringIO())
    console.print(finding_panel(finding))
    text = console.export_text(styles=True)
    assert "\x1b[2J" not in text
    assert text.count("[red]") == 3


def test_incident_panels_are_safe_and_short() -> None:
    """No field of an incident reaches the terminal raw; a thousand findings fit a screen."""
    from rich.console import Console  # noqa: PLC0415 - only here

    bad = "\x1b[2J[red]"
    technique = Technique("T1", bad, "ics")
    findings = tuple(
        Finding(DetectorId("x"), f"{bad}{at}", Severity.HIGH, 6.0, None, (bad,), at, at, (bad,), bad) for at in range(1000)
    )
    incident = Incident(
        IncidentId("i"), bad, Severity.HIGH, 0.5, (), (bad,), findings, 0.0, 9.0, (technique,), ("Discovery",), bad,
        (NextStep(technique, bad, 0.5, bad),),
    )  # fmt: skip
    console = Console(width=100, force_terminal=True, record=True, file=io.StringIO())
    console.print(incident_panel(incident))
    console.print(incident_line(incident, opened=True))
    text = console.export_text(styles=True)
    assert "\x1b[2J" not in text
    assert "988 more" in text
    assert text.count("\n") < 40


def test_json_line_says_everything() -> None:
    """Numbers beyond 64 bits, bytes and half characters are said as text."""
    line = json_line({"a": 1 << 70, "b": b"\xff", "c": "x\udcff", "d": [-(1 << 65), True, None], "e": (1 << 64) - 1})
    assert json.loads(line) == {
        "a": str(1 << 70),
        "b": "ff",
        "c": "x\\udcff",
        "d": [str(-(1 << 65)), True, None],
        "e": (1 << 64) - 1,
    }


def test_reader_that_leaves_ends_the_command_quietly(command: list[str], tmp_path: Path, make: Any, named_query: Any) -> None:
    """A closed pipe is no error."""
    path = tmp_path / "many.pcap"
    path.write_bytes(make(*((number * 10**6, 2, 53, named_query()) for number in range(5000))))
    process = subprocess.Popen(
        [*command, "inspect", str(path), "--emit", "transactions"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    assert json.loads(process.stdout.readline())["frame"] == 1
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait(60) == 0
    process.stderr.close()


def test_interrupt_ends_quietly(command: list[str], tmp_path: Path) -> None:
    """Ctrl-C while a pipe is waited for: code 130, no traceback."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    process = subprocess.Popen([*command, "inspect", str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with path.open("wb"):  # returns when the command has opened the other end
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out == b""
    assert err in {b"", b"Stopped.\n"}


@pytest.mark.parametrize("words", [(), ("analyze",), ("inspect",), ("watch",), ("detector",), ("detector", "list")])
def test_help_shows_an_example(run: Run, words: tuple[str, ...]) -> None:
    """Every command shows how it is used."""
    code, out, _ = run(*words, "--help")
    assert code == 0
    assert b"Example: " in out


def test_version(run: Run) -> None:
    """The version is one line."""
    assert re.fullmatch(rb"hauberk \d+\.\d+\.\d+\n", run("--version").out)


KEYS = {
    "transactions": "frame time protocol src src_port dst dst_port role operation code object value status write",
    "flows": "start end initiator initiator_port responder responder_port transport service "
    "packets_out packets_in bytes_out bytes_in",
    "devices": "id macs ips hostnames vendor kind model confidence reasons protocols first_seen last_seen packets",
}


@pytest.mark.parametrize("emit", sorted(KEYS))
def test_keys_are_the_published_ones(run: Run, pcap: Path, emit: str) -> None:
    """Scripts find every published key."""
    rows = [json.loads(line) for line in run("inspect", pcap, "--emit", emit).out.splitlines()]
    assert rows
    more = {"firmware"} if emit == "devices" else set()
    assert all(set(row) == {*KEYS[emit].split(), *more} for row in rows)


def test_small_commands_load_little(command: list[str], pcap: Path) -> None:
    """Flows as JSON need neither tables, nor cryptography, nor logs."""
    done = subprocess.run(
        [command[0], "-X", "importtime", *command[1:], "inspect", str(pcap), "--emit", "flows", "-f", "json"],
        capture_output=True,
        check=True,
        timeout=60,
    )
    loaded = set(re.findall(r"\| +([\w.]+)$", done.stderr.decode(), re.MULTILINE))
    assert "hauberk.service.feed" in loaded
    assert not loaded & {"rich.console", "cryptography", "structlog", "pydantic_settings"}
