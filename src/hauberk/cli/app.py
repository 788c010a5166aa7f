"""The ``hauberk`` command: its nouns and verbs, and what happens to errors."""

from __future__ import annotations

import gc
import os
import sys
from typing import Annotated

import typer

from hauberk.cli.compiled import provide_compiled_folder
from hauberk.cli.complaint import complain, say
from hauberk.cli.exit_code import ExitCode
from hauberk.errors import HauberkError, InputError

app = typer.Typer(
    name="hauberk",
    help="Security for fleets of connected devices: who a device is, what it does, and what is wrong.",
    epilog="Example: hauberk analyze capture.pcapng",
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_STANDARD_OUTPUT = 1
_INTERRUPTED = 130
"""What a shell expects of a command ended by Ctrl-C."""


def register() -> None:
    """Hang every command on the application."""
    from hauberk.cli import analyze, baseline, detector, forecast, inspect, mud, watch  # noqa: PLC0415 - commands import the rooms they need when they run

    app.command(name="analyze", epilog=analyze.EXAMPLE)(analyze.analyze)
    app.command(name="inspect", epilog=inspect.EXAMPLE)(inspect.inspect)
    app.command(name="watch", epilog=watch.EXAMPLE)(watch.watch)
    app.command(name="forecast", epilog=forecast.EXAMPLE)(forecast.forecast)
    app.add_typer(detector.app, name="detector")
    app.add_typer(baseline.app, name="baseline")
    app.add_typer(mud.app, name="mud")


def _print_version(wanted: bool) -> None:  # noqa: FBT001 - the signature is Typer's
    if wanted:
        from importlib.metadata import version  # noqa: PLC0415 - costs time that no other command needs

        sys.stdout.write(f"hauberk {version('hauberk')}\n")
        raise typer.Exit(ExitCode.CLEAN)


@app.callback()
def configure(
    *,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """Security for fleets of connected devices: who a device is, what it does, and what is wrong."""


def run() -> None:
    """Run the command line; every failure ends in one message for a person and a stable exit code."""
    # One tuple a message: with Python's default of a collection every 700 objects a fifth of the time goes into looking for cycles.
    gc.freeze()
    gc.set_threshold(100_000, 50, 50)
    code: int = ExitCode.CLEAN
    try:
        provide_compiled_folder()
        register()
        code = _outcome()
        sys.stdout.flush()
    except typer.Abort:
        code = _interrupted()
    except KeyboardInterrupt:
        code = _interrupted()
    except (BrokenPipeError, SystemExit):
        # Whoever read the output has seen enough. Typer turns that into an exit with 1, which would read as "findings".
        _drop_output()
        code = ExitCode.CLEAN
    except HauberkError as error:
        complain(error.diagnostics())
        code = ExitCode.USAGE if isinstance(error, InputError) else ExitCode.UNASSESSED
    except OSError as error:
        # What reads and writes files says so in its own words; this is standard output, for instance on a full disk.
        complain(f"the result could not be written: {error.strerror or error}")
        _drop_output()
        code = ExitCode.UNASSESSED
    sys.exit(code)


def _outcome() -> int:
    """Run the command that was named; its exit code."""
    try:
        return app(standalone_mode=False) or ExitCode.CLEAN
    except typer.Exit as leave:
        return leave.exit_code
    except typer.TyperException as error:
        context = getattr(error, "ctx", None)
        command = context.command_path if context is not None else "hauberk"
        message = error.format_message()
        if message:
            complain(message)
        say(f"See '{command} --help' for what it takes.")
        return ExitCode.USAGE


def _interrupted() -> int:
    say("Stopped.")
    _drop_output()
    return _INTERRUPTED


def _drop_output() -> None:
    """Nothing more can or shall be written to standard output, not even at interpreter exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, _STANDARD_OUTPUT)
    os.close(nowhere)
