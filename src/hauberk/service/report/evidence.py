"""Charts of evidence: what was seen against what is usual.

Colours are names of the page's palette (``@band``); the page fills in what suits its light or dark scheme.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from hauberk.model.finding import Band, Evidence
from hauberk.service.report.text import chart_text, clipped, milliseconds, number, words

Figure = dict[str, object]

_POINTS = 160
"""Most points of a series that are drawn; the latest."""
_WIDE = 100.0
"""From this ratio of the largest to the smallest value the axis is logarithmic."""


def evidence_figure(evidence: Evidence, raised: float) -> Figure | None:
    """The chart of one piece of evidence: a series over its band, or a marker over it; None where nothing is to be drawn."""
    if isinstance(evidence.seen, str) or not math.isfinite(evidence.seen):
        return None
    points = [
        (time, value) for at, value in evidence.series[-_POINTS:] if (time := milliseconds(at)) is not None and math.isfinite(value)
    ]
    if len(points) > 1:
        return _series(evidence, points, raised)
    return _marker(evidence) if _bands(evidence) else None


def _series(evidence: Evidence, points: list[tuple[int, float]], raised: float) -> Figure:
    seen = float(evidence.seen)
    times, values = zip(*points, strict=True)
    alarm = milliseconds(raised)
    if alarm is None or not times[0] <= alarm <= times[-1] + (times[-1] - times[0]):
        alarm = times[-1]
    drawn = (*values, seen, *(edge for _, band in _bands(evidence) for edge in band))
    logarithmic = min(drawn) > 0 and max(drawn) / min(drawn) > _WIDE
    traces: list[object] = [
        {
            "type": "scatter", "mode": "lines+markers", "x": times, "y": [_rounded(value) for value in values],
            "line": {"color": "@seen", "width": 1.6}, "marker": {"size": 4, "color": "@seen"},
            "hovertext": [number(value, chart_text(evidence.unit, 20)) for value in values], "hoverinfo": "x+text", "name": "seen",
        },
        _alarm(alarm, seen, evidence),
    ]  # fmt: skip
    shapes = [
        *_shapes(evidence, "y", logarithmic=logarithmic),
        {
            "type": "line", "xref": "x", "yref": "paper", "x0": alarm, "x1": alarm, "y0": 0, "y1": 1, "layer": "below",
            "line": {"color": "@alarm", "width": 1, "dash": "dot"},
        },
    ]  # fmt: skip
    axis: Figure = {"title": {"text": _title(evidence)}, "rangemode": "normal" if logarithmic else "tozero"}
    if logarithmic:
        axis["type"] = "log"
    return {"data": traces, "layout": {"height": 220, "xaxis": {"type": "date"}, "yaxis": axis, "shapes": shapes}}


def _alarm(x: float, y: float, evidence: Evidence) -> Figure:
    said = number(y, chart_text(evidence.unit, 20))
    return {
        "type": "scatter", "mode": "markers", "x": [x], "y": [_rounded(y)], "name": "alarm",
        "marker": {"symbol": "diamond", "size": 12, "color": "@alarm", "line": {"width": 1.5, "color": "@paper"}},
        "hovertext": [f"alarm: {said}"], "hoverinfo": "text", "cliponaxis": False,
    }  # fmt: skip


def _marker(evidence: Evidence) -> Figure:
    """One value on a line, over the bands: the axis runs from left to right."""
    seen = float(evidence.seen)
    edges = [edge for _, band in _bands(evidence) for edge in band]
    positive = [value for value in (seen, *edges) if value > 0]
    logarithmic = min(seen, *edges) >= 0 and len(positive) > 1 and max(positive) / min(positive) > _WIDE and seen > 0
    low, high = min(0.0, seen, *edges), max(seen, *edges)
    room = (high - low) * 0.06 or 1.0
    span = [math.log10(min(positive)) - 0.3, math.log10(max(positive)) + 0.2] if logarithmic else [low - room / 2, high + room]
    axis: Figure = {"title": {"text": _title(evidence)}, "range": [_rounded(edge) for edge in span]}
    if logarithmic:
        axis["type"] = "log"
    return {
        "data": [
            _alarm(seen, 0, evidence)
            | {"x": [_rounded(seen)], "hovertext": [f"seen: {number(seen, chart_text(evidence.unit, 20))}"]}
        ],
        "layout": {
            "height": 120,
            "xaxis": axis,
            "yaxis": {"visible": False, "range": [-1, 1], "fixedrange": True},
            "shapes": _shapes(evidence, "x", logarithmic=logarithmic, floor=10 ** span[0] if logarithmic else None),
        },
    }


def _bands(evidence: Evidence) -> list[tuple[str, Band]]:
    """The bands that can be drawn, the lighter one of the kind first so that the device's own lies above it."""
    return [
        (name, band)
        for name, band in (("@band-kind", evidence.usual_of_kind), ("@band", evidence.usual))
        if band is not None and all(map(math.isfinite, band))
    ]


def _shapes(evidence: Evidence, along: str, *, logarithmic: bool, floor: float | None = None) -> list[Figure]:
    """Shaded bands and the line of the device's middle. ``along``: the axis on which the values lie."""
    across = "x" if along == "y" else "y"
    shapes: list[Figure] = []
    for colour, band in _bands(evidence):
        low, high = (_rounded(max(edge, floor) if floor else edge) for edge in (band.low, band.high))
        shapes.append(_shape(along, across, low, high) | {"type": "rect", "fillcolor": colour, "line": {"width": 0}})
        # A band without width is drawn as a line: what never varies is the strictest of all.
        if low == high or colour == "@band":
            middle = _rounded(max(band.middle, floor) if floor else band.middle)
            if not logarithmic or middle > 0:
                line = {"color": "@usual", "width": 1.5 if low != high else 3, "dash": "dash" if low != high else "solid"}
                shapes.append(_shape(along, across, middle, middle) | {"type": "line", "line": line})
    return shapes


def _shape(along: str, across: str, low: float, high: float) -> Figure:
    return {
        f"{along}ref": along, f"{across}ref": "paper", f"{along}0": low, f"{along}1": high, f"{across}0": 0, f"{across}1": 1,
        "layer": "below",
    }  # fmt: skip


def _title(evidence: Evidence) -> str:
    unit = f" ({evidence.unit})" if evidence.unit else ""
    return chart_text(f"{words(evidence.name)}{unit}", 40)


def _rounded(value: float) -> float:
    """Six significant digits: more cannot be seen and would only fill the page."""
    return float(f"{value:.6g}")


def band_text(band: Band | None, unit: str) -> str:
    """A band in words."""
    if band is None:
        return "not known"
    if band.low == band.high:
        return f"always {number(band.middle, unit)}"
    inside = unit if unit in {"B", "bytes"} else ""  # a number of bytes carries its own unit
    return f"{number(band.low, inside)} to {number(band.high, unit)}, middle {number(band.middle, inside)}"


def seen_text(evidence: Evidence) -> str:
    """What was seen, in words."""
    return clipped(evidence.seen, 200) if isinstance(evidence.seen, str) else number(evidence.seen, evidence.unit)


def chart_words(evidence: Iterable[Evidence]) -> str:
    """What the charts show, for those who do not see them."""
    return "; ".join(f"{words(item.name)}: seen {seen_text(item)}, usual {band_text(item.usual, item.unit)}" for item in evidence)
