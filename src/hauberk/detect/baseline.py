"""What was learned of the fleet: plain sets, carried across runs as versioned JSON."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

import orjson

from hauberk.errors import InputError

_FORMAT = "hauberk-baseline"
_VERSION = 1
_LARGEST = 64 << 20

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

    def dump(self) -> bytes:
        """The baseline as JSON, the same bytes for the same content."""
        content: dict[str, object] = {"format": _FORMAT, "version": _VERSION, "until": self.until}
        for entry in fields(self):
            if entry.name != "until":
                content[entry.name] = sorted(getattr(self, entry.name))
        return orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)

    @classmethod
    def load(cls, content: bytes) -> Baseline:
        """Read what ``dump`` wrote; raises ``InputError`` for anything else."""
        if len(content) > _LARGEST:
            raise InputError(f"the baseline is larger than {_LARGEST} bytes")
        try:
            parsed = orjson.loads(content)
        except orjson.JSONDecodeError as error:
            raise InputError(f"the baseline is not JSON: {error}") from error
        if not isinstance(parsed, dict) or parsed.get("format") != _FORMAT:
            raise InputError("the file is not a Hauberk baseline")
        if parsed.get("version") != _VERSION:
            raise InputError(f"the baseline has version {parsed.get('version')!r}; this Hauberk reads version {_VERSION}")
        until = parsed.get("until")
        if until is not None and not isinstance(until, int | float):
            raise InputError("the baseline's 'until' is not a time")
        sets = {entry.name: _pairs(entry.name, parsed.get(entry.name)) for entry in fields(cls) if entry.name != "until"}
        return cls(**sets, until=until)


def _pairs(name: str, value: object) -> set[Pair]:
    if not isinstance(value, list):
        raise InputError(f"the baseline's '{name}' is not a list")
    for row in value:
        if not isinstance(row, list) or not all(isinstance(item, str) for item in row):
            raise InputError(f"the baseline's '{name}' holds something that is not a list of texts")
    return {tuple(row) for row in value}
