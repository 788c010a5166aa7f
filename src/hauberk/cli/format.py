"""How a command prints: text for a person, one JSON object a line for a program."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from enum import StrEnum
from itertools import islice
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


_LINES = 256
"""Lines written at once, so that an unbuffered output does not cost a system call each."""


def write_lines(objects: Iterable[Mapping[str, object]]) -> None:
    """Write one JSON object a line to standard output."""
    items = iter(objects)
    while lines := [json_line(item) for item in islice(items, _LINES)]:
        sys.stdout.buffer.write(b"".join(lines))
    sys.stdout.buffer.flush()


def json_line(item: Mapping[str, object]) -> bytes:
    """``item`` as one line of JSON, whatever came from the wire: what JSON cannot say is said as text."""
    try:
        return orjson.dumps(item, option=orjson.OPT_APPEND_NEWLINE)
    except TypeError:
        return orjson.dumps(_sayable(item), option=orjson.OPT_APPEND_NEWLINE)


def _sayable(value: object) -> object:
    """``value`` with numbers beyond 64 bits as text, bytes in hex, and half characters escaped."""
    if isinstance(value, Mapping):
        return {str(_sayable(key)): _sayable(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_sayable(item) for item in value]
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, int) and not -(1 << 63) <= value < 1 << 64:
        return str(value)
    return value
