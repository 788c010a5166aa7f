"""The ``hauberk`` command: its nouns and verbs, and what happens to errors."""

from __future__ import annotations

import os
import sys

import structlog
import typer
from click.exceptions import Abort, ClickException, Exit

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


def _register() -> None:
    """Hang every command on the application."""
    from hauberk.cli import analyze, detector, inspect, watch  # noqa: PLC0415 - commands import the rooms they need when they run

    app.command(name="analyze", epilog=analyze.EXAMPLE)(analyze.analyze)
    app.command(name="inspect", epilog=inspect.EXAMPLE)(inspect.inspect)
    app.command(name="watch", epilog=watch.EXAMPLE)(watch.watch)
    app.add_typer(detector.app, name="detector")


@app.callback()
def configure(
    *,
    verbose: bool = typer.Option(False, "--verbose", "-v", help="Log more, to standard error."),
    version: bool = typer.Option(False, "--version", help="Print the version and exit.", is_eager=True),
) -> None:
    """Set up logging for every command."""
    if version:
        from importlib.metadata import version as installed  # noqa: PLC0415 - costs time that no other command needs

        sys.stdout.write(f"hauberk {installed('hauberk')}\n")
        raise typer.Exit(ExitCode.CLEAN)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
            if sys.stderr.isatty()
            else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(10 if verbose else 30),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def run() -> None:
    """Run the command line; every failure ends in one message for a person and a stable exit code."""
    _register()
    try:
        code = app(standalone_mode=False)
        sys.stdout.flush()
        sys.exit(code or 0)
    except Exit as leave:
        sys.exit(leave.exit_code)
    except ClickException as error:
        error.show()
        sys.exit(ExitCode.USAGE)
    except (Abort, KeyboardInterrupt):
        sys.stderr.write("Stopped.\n")
        sys.exit(130)
    except BrokenPipeError:
        # The reader of our output has seen enough. Nothing more can be written, not even at interpreter exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(ExitCode.CLEAN)
    except HauberkError as error:
        sys.stderr.write(f"hauberk: {error.diagnostics()}\n")
        sys.exit(ExitCode.USAGE if isinstance(error, InputError) else ExitCode.UNASSESSED)
