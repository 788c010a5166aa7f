"""What was learned of the fleet: plain sets."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from hauberk.errors import InputError

Pair = tuple[str, ...]


@dataclass(slots=True)
class Baseline:
    """The fleet as it was while nothing was wrong.

    ``macs`` and ``ips``: addresses of devices, the latter where no cards are seen. ``masters``: (protocol, client, server) of
    operating-technology requests. ``servers``: (protocol, address) that answered such requests. ``writers``: (protocol, client,
    server, operation) of writes. ``until``: traffic time, in epoch seconds, up to which it learned; None while it has learned
    nothing.
    """

    macs: set[Pair] = field(default_factory=set)
    ips: set[Pair] = field(default_factory=set)
    masters: set[Pair] = field(default_factory=set)
    servers: set[Pair] = field(default_factory=set)
    writers: set[Pair] = field(default_factory=set)
    until: float | None = None

    def copy(self) -> Baseline:
        """The same content, which goes its own way."""
        sets = {entry.name: set(getattr(self, entry.name)) for entry in fields(self) if entry.name != "until"}
        return Baseline(**sets, until=self.until)

    def plain(self) -> dict[str, object]:
        """The baseline as JSON can say it, with sets in order. What is no text (half a surrogate pair) is escaped as by
        ``backslashreplace``."""
        content: dict[str, object] = {"until": None if self.until is None else float(self.until)}
        for entry in fields(self):
            if entry.name != "until":
                content[entry.name] = sorted([_sayable(item) for item in row] for row in getattr(self, entry.name))
        return content

    @classmethod
    def from_plain(cls, content: object) -> Baseline:
        """Read what ``plain`` gave; raises ``InputError`` for anything else. A set that is not there is empty."""
        if not isinstance(content, Mapping):
            raise InputError("the baseline is no mapping")
        until = content.get("until")
        if until is not None and not (isinstance(until, int | float) and math.isfinite(until)):
            raise InputError("the baseline's 'until' is not a time")
        names = [entry.name for entry in fields(cls) if entry.name != "until"]
        if unknown := set(content) - {*names, "until"}:
            raise InputError(f"the baseline holds '{min(unknown)}', which is unknown")
        return cls(**{name: _pairs(name, content.get(name, [])) for name in names}, until=None if until is None else float(until))


def _sayable(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def _pairs(name: str, value: object) -> set[Pair]:
    if not isinstance(value, list):
        raise InputError(f"the baseline's '{name}' is not a list")
    for row in value:
        if not isinstance(row, list) or not all(isinstance(item, str) for item in row):
            raise InputError(f"the baseline's '{name}' holds something that is not a list of texts")
    return {tuple(row) for row in value}
