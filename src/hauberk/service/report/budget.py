"""How much of a page each part may fill, so that no input makes it larger than a browser, or a mail, bears.

The parts together, with plotly's library (about 2 MB), stay under 5 MB.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

import orjson
from markupsafe import Markup

from hauberk.service.report.evidence import Figure

DEVICES = 600_000
INCIDENTS = 350_000
FINDINGS = 700_000
FINDINGS_IN_SHORT = 250_000
CHARTS = 700_000

T = TypeVar("T")


def within(things: Iterable[T], render: Callable[[T], str], size: int, most: int) -> tuple[list[Markup], int]:
    """The first of ``things`` as markup, at most ``most`` and ``size`` bytes of it; and how many are shown."""
    shown: list[Markup] = []
    for thing in things:
        if len(shown) == most:
            break
        text = render(thing)
        size -= len(text.encode())
        if size < 0:
            break
        shown.append(Markup(text))  # noqa: S704 - what a template made, which escapes by itself
    return shown, len(shown)


class Charts:
    """The figures of a page by name, within a number of bytes. Those that must be there go first."""

    def __init__(self, size: int = CHARTS) -> None:
        self._left = size
        self._figures: dict[str, bytes] = {}
        self.refused = 0

    def add(self, name: str, figure: Figure | None) -> str | None:
        """``name`` where the figure has a place; None where there is none, or none is left."""
        if figure is None:
            return None
        text = orjson.dumps(figure, option=orjson.OPT_SERIALIZE_NUMPY)
        size = len(text) + 8 * text.count(b"<") + 6 * text.count(b"&") + len(name) + 4
        if size > self._left:
            self.refused += 1
            return None
        self._left -= size
        self._figures[name] = text
        return name

    def any(self, beginning: str) -> bool:
        """True if there is a figure whose name begins so."""
        return any(name.startswith(beginning) for name in self._figures)

    def json(self) -> Markup:
        """Every figure as one JSON object that may stand in a script element."""
        content = b",".join(orjson.dumps(name) + b":" + text for name, text in self._figures.items())
        text = f"{{{content.decode()}}}"
        for character in "<>&\u2028\u2029":
            text = text.replace(character, f"\\u{ord(character):04x}")
        return Markup(text)  # noqa: S704 - JSON without any character that HTML knows
