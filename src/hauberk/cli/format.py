"""How a command prints: text for a person, one JSON object a line for a program."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Annotated

import orjson
import typer


class Format(StrEnum):
    """Output formats."""

    TEXT = "text"
    JSON = "json"


FormatOption = Annotated[
    Format | None,
    typer.Option("--format", "-f", help="Text for people or JSON, one object a line. Default: text in a terminal, JSON in a pipe."),
]


def chosen(value: Format | None) -> Format:
    """The format asked for, or the one that suits where the output goes."""
    return value or (Format.TEXT if sys.stdout.isatty() else Format.JSON)


def write_lines(objects: Iterable[Mapping[str, object]]) -> None:
    """Write one JSON object a line to standard output."""
    write = sys.stdout.buffer.write
    for item in objects:
        write(orjson.dumps(item, option=orjson.OPT_APPEND_NEWLINE))
