"""Words and numbers of a report, short enough to fit and safe to show.

Nothing from the wire reaches the page but through here: HTML is escaped by the template engine, which passes every value through
``shown``; text in charts through ``chart_text``, because plotly reads some HTML in labels.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from html import escape

from markupsafe import Markup

from hauberk.service.visible import visible

LONGEST = 900
"""Characters of the longest text shown; a reason is rarely a third as long."""
_SHORT = frozenset({"arp", "dns", "hmi", "io", "iot", "ip", "mac", "nas", "ot", "plc", "rtu", "tcp", "tls", "tv", "udp", "ups"})
_UNITS = ("B", "kB", "MB", "GB", "TB", "PB", "EB")
_YEARS = (-62_135_596_800.0, 253_402_300_799.0)
"""Epoch seconds of the years 1 and 9999, the ends of the calendar."""


def clipped(text: str, longest: int = LONGEST) -> str:
    """``text`` without control characters, cut at ``longest`` characters."""
    safe = visible(text[: longest + 1])
    return safe if len(safe) <= longest else safe[: longest - 1] + "…"


def shown(value: object) -> object:
    """``value`` as a template may print it: markup as it is, text without control characters, None as nothing."""
    if isinstance(value, Markup):
        return value
    if value is None:
        return ""
    return clipped(value) if isinstance(value, str) else value


def chart_text(text: str, longest: int = 60) -> str:
    """``text`` as a label in a chart. Plotly knows entities and a few tags, so both are escaped."""
    return escape(clipped(text, longest), quote=False)


def moment(time: float) -> str:
    """A time of the traffic in UTC, to the second; beyond the calendar, in epoch seconds."""
    if not math.isfinite(time) or not _YEARS[0] <= time <= _YEARS[1]:
        return f"{time:g} s"
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M:%S")


def milliseconds(time: float) -> int | None:
    """A time on a chart's axis: milliseconds since the epoch; None beyond the calendar."""
    if not math.isfinite(time) or not _YEARS[0] <= time <= _YEARS[1]:
        return None
    return round(time * 1000)


def duration(seconds: float) -> str:
    """A span of time in the unit that suits it."""
    for size, unit in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    said = f"{seconds:.3g}"
    return f"{said} second" if said == "1" else f"{said} seconds"


def volume(count: float) -> str:
    """A number of bytes, in decimal units."""
    for unit in _UNITS:
        if count < 1000 or unit == _UNITS[-1]:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.3g} {unit}"
        count /= 1000
    return ""


def number(value: float, unit: str = "") -> str:
    """A measured value with its unit."""
    if unit in {"B", "bytes"}:
        text, unit = volume(value), ""
    elif not math.isfinite(value):
        text = str(value)
    elif value == int(value) and abs(value) < 1e15:
        text = f"{int(value):,}"
    else:
        text = f"{value:.4g}" if abs(value) < 1e4 else f"{value:,.0f}"
    return f"{text} {unit}".strip()


def words(name: str) -> str:
    """A snake_case name as words."""
    parts = [part.upper() if part in _SHORT else part for part in name.lower().replace("_", " ").split()]
    text = " ".join("IoT" if part == "IOT" else part for part in parts)
    return text[:1].upper() + text[1:]
