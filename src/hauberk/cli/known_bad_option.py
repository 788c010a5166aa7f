"""The options that name what is known to be bad, and what is said of how much of it is applied."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hauberk.cli.complaint import complain

if TYPE_CHECKING:
    from hauberk.detect.known_bad import KnownBad
    from hauberk.service.settings import Settings

IndicatorsOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--indicators",
        metavar="FILE",
        help="Addresses, names, URLs, certificates known to be bad: STIX 2.1, CSV or a list; a folder of them. May be repeated.",
    ),
]
SigmaOption = Annotated[
    list[Path] | None,
    typer.Option("--sigma", metavar="PATH", help="Sigma rules to apply: a YAML file or a folder of them. May be repeated."),
]


def read_known_bad(settings: Settings, indicators: list[Path] | None, sigma: list[Path] | None) -> KnownBad:
    """What the options and the settings name; says on standard error how much of it is applied, and why the rest is not."""
    from hauberk.detect.known_bad import NOTHING_KNOWN  # noqa: PLC0415 - a command loads what it needs when it runs

    feeds = (*settings.known_bad.indicators, *(indicators or ()))
    rules = (*settings.known_bad.sigma, *(sigma or ()))
    if not feeds and not rules:
        return NOTHING_KNOWN
    from hauberk.service.known_bad import load_known_bad  # noqa: PLC0415 - loaded where something is given

    loaded = load_known_bad(feeds, rules)
    for line in loaded.summary():
        complain(line)
    return loaded.known_bad
