"""The chart of an incident: when each kind of finding was raised, and since when there was evidence."""

from __future__ import annotations

from hauberk.model.finding import Severity
from hauberk.model.incident import Incident
from hauberk.service.report.evidence import Figure
from hauberk.service.report.text import chart_text, milliseconds, moment, words

_FINDINGS = 200
_KINDS = 20


def drawn_in_part(incident: Incident) -> bool:
    """True if the chart leaves something out."""
    return len(incident.findings) > _FINDINGS or len({finding.detector for finding in incident.findings}) > _KINDS


def incident_figure(incident: Incident) -> Figure | None:
    """One row a kind of finding in the order they were met; a line from the first evidence to the alarm. None where there are not
    two findings with times to compare."""
    rows: dict[str, str] = {}
    points: list[tuple[int, int, str, Severity, str]] = []
    for finding in incident.findings[:_FINDINGS]:
        raised, began = milliseconds(finding.raised), milliseconds(finding.first_evidence)
        if finding.detector not in rows and len(rows) == _KINDS:
            continue
        row = rows.setdefault(finding.detector, chart_text(words(finding.detector), 26))
        if raised is not None:
            text = f"{chart_text(finding.title)}<br>{moment(finding.raised)}"
            points.append((raised if began is None else min(began, raised), raised, row, finding.severity, text))
    if len(points) < 2:
        return None
    lines_x = [at for began, raised, *_ in points for at in (began, raised, None)]
    lines_y = [at for _, _, row, *_ in points for at in (row, row, None)]
    first, last = min(point[0] for point in points), max(point[1] for point in points)
    room = max((last - first) // 20, 1000)
    return {
        "data": [
            {
                "type": "scatter", "mode": "lines", "x": lines_x, "y": lines_y, "hoverinfo": "skip", "showlegend": False,
                "line": {"color": "@usual", "width": 3},
            },
            {
                "type": "scatter", "mode": "markers", "x": [point[1] for point in points], "y": [point[2] for point in points],
                "hovertext": [point[4] for point in points], "hoverinfo": "text", "cliponaxis": False,
                "marker": {
                    "symbol": "diamond", "size": 13, "color": [f"@severity-{int(point[3])}" for point in points],
                    "line": {"width": 1.5, "color": "@paper"},
                },
            },
        ],
        "layout": {
            "height": 84 + 28 * len(rows),
            "xaxis": {"type": "date", "range": [first - room, last + room]},
            "yaxis": {
                "type": "category", "automargin": True, "categoryorder": "array", "categoryarray": list(rows.values()),
                "range": [len(rows) - 0.5, -0.5],
            },
        },
    }  # fmt: skip
