"""The ``hauberk`` command: its nouns and verbs, and what happens to errors."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

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

_INTERRUPTED = 130
"""What a shell expects of a command ended by Ctrl-C."""


def _register() -> None:
    """Hang every command on the application."""
    from hauberk.cli import analyze, detector, inspect, watch  # noqa: PLC0415 - commands import the rooms they need when they run

    app.command(name="analyze", epilog=analyze.EXAMPLE)(analyze.analyze)
    app.command(name="inspect", epilog=inspect.EXAMPLE)(inspect.inspect)
    app.command(name="watch", epilog=watch.EXAMPLE)(watch.watch)
    app.add_typer(detector.app, name="detector")


def _print_version(wanted: bool) -> None:  # noqa: FBT001 - the signature is Typer's
    if wanted:
        from importlib.metadata import version  # noqa: PLC0415 - costs time that no other command needs

        sys.stdout.write(f"hauberk {version('hauberk')}\n")
        raise typer.Exit(ExitCode.CLEAN)


@app.callback()
def configure(
    *,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.", is_eager=True, callback=_print_version)] = False,
) -> None:
    """Security for fleets of connected devices: who a device is, what it does, and what is wrong."""


def run() -> None:
    """Run the command line; every failure ends in one message for a person and a stable exit code."""
    _register()
    try:
        code = app(standalone_mode=False)
        sys.stdout.flush()
        sys.exit(code or 0)
    except typer.Exit as leave:
        sys.exit(leave.exit_code)
    except typer.TyperException as error:
        context = getattr(error, "ctx", None)
        command = context.command_path if context is not None else "hauberk"
        sys.stderr.write(f"hauberk: {error.format_message()}\nSee '{command} --help' for what it takes.\n")
        sys.exit(ExitCode.USAGE)
    except (typer.Abort, KeyboardInterrupt):
        sys.stderr.write("Stopped.\n")
        sys.exit(_INTERRUPTED)
    except BrokenPipeError:
        # The reader of our output has seen enough. Nothing more can be written, not even at interpreter exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(ExitCode.CLEAN)
    except HauberkError as error:
        sys.stderr.write(f"hauberk: {error.diagnostics()}\n")
        sys.exit(ExitCode.USAGE if isinstance(error, InputError) else ExitCode.UNASSESSED)
