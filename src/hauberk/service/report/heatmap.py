"""The chart of traffic over time: one row a device, one column a bin, colour for bytes, marks for findings."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from hauberk.model.ids import DeviceId
from hauberk.service.report.evidence import Figure
from hauberk.service.report.labels import Labels
from hauberk.service.report.material import Material
from hauberk.service.report.text import chart_text, duration, milliseconds, volume
from hauberk.service.timeline import Counts

_DEVICES = 30
_MARKS = 400


@dataclass(frozen=True, slots=True)
class Traffic:
    """The chart, and in words how much of the traffic it shows. ``rows``: name, bytes in all and busiest bin, for a table."""

    figure: Figure | None
    said: str
    rows: tuple[tuple[str, str, str], ...]


def traffic(material: Material, labels: Labels) -> Traffic:
    """Bytes of each device over time; devices with findings first, then the busiest."""
    timeline = material.timeline
    counts: dict[DeviceId, Counts] = defaultdict(lambda: np.zeros(timeline.used))
    for address, series in timeline.series():
        holder = material.holder(address)
        if holder is not None:
            counts[holder] += series
    if not counts or not timeline.used:
        return Traffic(None, "No device sent or received anything.", ())
    found = {finding.device for finding in material.findings}
    order = sorted(counts, key=lambda device: (device not in found, -counts[device].sum(), device))
    chosen = sorted(order[:_DEVICES], key=lambda device: (-counts[device].sum(), device))
    times = [milliseconds(timeline.start + (at + 0.5) * timeline.width) for at in range(timeline.used)]
    figure = _figure(material, labels, {device: counts[device] for device in chosen}, times)
    rows = tuple(
        (labels.of(device), volume(counts[device].sum()), f"{volume(counts[device].max())} in {duration(timeline.width)}")
        for device in chosen
    )
    said = f"One column is {duration(timeline.width)}; the darker or stronger the colour, the more bytes sent and received."
    if len(order) > len(chosen):
        said += (
            f" Shown are {len(chosen)} of {len(order):,} devices: those with findings first, then the busiest. "
            f"The other {len(order) - len(chosen):,} carried {volume(sum(counts[device].sum() for device in order[_DEVICES:]))}."
        )
    if timeline.beyond().any():
        said += f" Another {volume(timeline.beyond().sum())} belong to addresses that were too many to follow one by one."
    return Traffic(figure if any(time is not None for time in times) else None, said, rows)


def _figure(material: Material, labels: Labels, counts: dict[DeviceId, Counts], times: list[int | None]) -> Figure:
    names = {device: chart_text(labels.of(device), 24) for device in counts}
    if len(set(names.values())) < len(names):  # cut names that are now the same: a row each all the same
        names = {device: f"{name} {number}" for number, (device, name) in enumerate(names.items(), 1)}
    filled = np.log10(np.concatenate([series[series > 0] for series in counts.values()] or [np.ones(1)]))
    low, high = (float(np.floor(np.quantile(filled, 0.02))), float(filled.max())) if filled.size else (0.0, 1.0)
    exponents = list(range(int(low), int(high) + 1))
    ticks: list[float] = [*exponents[:: len(exponents) // 5 + 1]] if len(exponents) > 1 else [low, high]
    heat: Figure = {
        "type": "heatmap", "x": times, "y": list(names.values()),
        "z": [[round(float(np.log10(value)), 2) if value else None for value in series] for series in counts.values()],
        "text": [[volume(value) if value else "" for value in series] for series in counts.values()],
        "hovertemplate": "%{y}<br>%{x}<br>%{text}<extra></extra>", "hoverongaps": False, "xgap": 0, "ygap": 2,
        "zmin": low, "zmax": round(max(high, low + 1), 2),
        "colorscale": [[0, "@heat-0"], [0.5, "@heat-1"], [1, "@heat-2"]],
        "colorbar": {
            "thickness": 10, "outlinewidth": 0, "tickvals": ticks, "ticktext": [volume(10**power) for power in ticks],
        },
    }  # fmt: skip
    marks = [
        (milliseconds(finding.raised), names[finding.device], chart_text(finding.title))
        for finding in material.findings
        if finding.device in names
    ][:_MARKS]
    data: list[Figure] = [heat]
    if marks:
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "x": [mark[0] for mark in marks],
                "y": [mark[1] for mark in marks],
                "hovertext": [mark[2] for mark in marks],
                "hoverinfo": "x+text",
                "name": "finding",
                "marker": {"symbol": "diamond", "size": 9, "color": "@alarm", "line": {"width": 1.5, "color": "@paper"}},
            }
        )
    shapes: list[Figure] = []
    learned = milliseconds(material.learned_until) if material.learned_until is not None else None
    reach = [time for time in times if time is not None]
    if learned is not None and reach and reach[0] < learned < reach[-1]:
        shapes.append(
            {
                "type": "line",
                "xref": "x",
                "yref": "paper",
                "x0": learned,
                "x1": learned,
                "y0": 0,
                "y1": 1,
                "line": {"color": "@ink", "width": 1.5, "dash": "dash"},
                "label": {"text": "learned until here", "textposition": "end", "textangle": 0, "font": {"size": 11}},
            }
        )
    layout: Figure = {
        "height": 110 + 24 * len(counts),
        "xaxis": {"type": "date"},
        "yaxis": {"type": "category", "autorange": "reversed", "showgrid": False, "automargin": True},
        "shapes": shapes,
        "margin": {"l": 52, "r": 8, "t": 28, "b": 40},
    }
    return {"data": data, "layout": layout}
