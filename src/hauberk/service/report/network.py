"""The chart of who talks to whom."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from hauberk.service.report.evidence import Figure
from hauberk.service.report.graph import Graph, Node, Pair, Tie, by_width, graph, heaviest, layout
from hauberk.service.report.labels import Labels
from hauberk.service.report.material import Material
from hauberk.service.report.text import chart_text, volume

_TIES = 40
_LABELLED = 26
_NAMES = {"ot": "OT protocols", "it": "IT, local", "internet": "Internet"}
_DASH = {"ot": "solid", "it": "dot", "internet": "dash"}
"""Lines differ in kind as well as in colour, for eyes and printers that tell no colours."""
_WIDTHS = {"ot": (1.5, 2.5, 4.0), "it": (1.0, 1.5, 2.2), "internet": (1.3, 2.0, 3.0)}
_SYMBOL = {"device": "circle", "internet": "square", "group": "hexagon"}

Places = Mapping[str, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Network:
    """The chart, in words what is put together, and the heaviest ties for a table: both ends, nature, services, packets, bytes."""

    figure: Figure | None
    said: str
    ties: tuple[tuple[str, str, str, str, str, str], ...]


def network(material: Material, labels: Labels) -> Network:
    """Who talks to whom, bounded in nodes."""
    drawn = graph(material, labels)
    if not drawn.ties:
        return Network(None, "No conversations were seen.", ())
    places = layout(drawn)
    data = [*_lines(drawn, places), _hover(drawn, places), *_nodes(drawn, places)]
    axis: Figure = {"visible": False, "fixedrange": True}
    figure: Figure = {
        "data": data,
        "layout": {
            "height": 560 if len(drawn.nodes) > 14 else 420,
            "hovermode": "closest",
            "xaxis": axis | {"range": [-0.07, 1.07]},
            "yaxis": axis | {"range": [-0.09, 1.09]},
            "showlegend": True,
            "legend": {"orientation": "h", "x": 0, "y": -0.02, "yanchor": "top"},
            "margin": {"l": 8, "r": 8, "t": 8, "b": 40},
        },
    }
    return Network(figure, _said(drawn), tuple(_row(*tie) for tie in heaviest(drawn, _TIES)))


def _said(drawn: Graph) -> str:
    devices = sum(node.nature == "device" for node in drawn.nodes.values())
    said = f"{devices:,} devices and {len(drawn.ties):,} ties between them and their peers."
    if drawn.left_out:
        said += (
            f" {drawn.left_out:,} more devices stand together as one node; those with findings are drawn first, then the busiest."
        )
    grouped = [len(node.members) for node in drawn.nodes.values() if node.nature == "internet" and len(node.members) > 1]
    if grouped:
        said += f" {grouped[0]:,} Internet hosts stand together as well."
    return said


def _row(first: Node, second: Node, tie: Tie) -> tuple[str, str, str, str, str, str]:
    return first.label, second.label, _NAMES[tie.nature], _services(tie), f"{tie.packets:,}", volume(tie.bytes)


def _services(tie: Tie) -> str:
    names = [name for name, _ in sorted(tie.services.items(), key=lambda item: (-item[1], item[0]))]
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


def _lines(drawn: Graph, places: Places) -> list[Figure]:
    lines: list[Figure] = []
    named: set[str] = set()
    for (nature, weight), pairs in sorted(by_width(drawn).items(), key=lambda item: (item[0][0], -item[0][1])):
        x: list[float | None] = []
        y: list[float | None] = []
        for first, second in pairs:
            x += [places[first][0], places[second][0], None]
            y += [places[first][1], places[second][1], None]
        lines.append(
            {
                "type": "scatter",
                "mode": "lines",
                "x": x,
                "y": y,
                "hoverinfo": "skip",
                "name": _NAMES[nature],
                "legendgroup": nature,
                "showlegend": nature not in named,
                "line": {"color": f"@{nature}", "width": _WIDTHS[nature][weight], "dash": _DASH[nature]},
            }
        )
        named.add(nature)
    return lines


def _hover(drawn: Graph, places: Places) -> Figure:
    """Unseen marks in the middle of every line, to be pointed at."""

    def middle(pair: Pair, axis: int) -> float:
        return round((places[pair[0]][axis] + places[pair[1]][axis]) / 2, 4)

    pairs = sorted(drawn.ties)
    text = [
        f"{chart_text(drawn.nodes[pair[0]].label)} - {chart_text(drawn.nodes[pair[1]].label)}<br>{chart_text(_services(tie))}"
        f"<br>{tie.packets:,} packets, {volume(tie.bytes)}"
        for pair, tie in sorted(drawn.ties.items())
    ]
    return {
        "type": "scatter", "mode": "markers", "x": [middle(pair, 0) for pair in pairs], "y": [middle(pair, 1) for pair in pairs],
        "hovertext": text, "hoverinfo": "text", "showlegend": False, "marker": {"size": 14, "opacity": 0, "color": "@ink"},
    }  # fmt: skip


def _nodes(drawn: Graph, places: Places) -> list[Figure]:
    ranked = sorted(drawn.nodes, key=lambda key: (-drawn.nodes[key].findings, -drawn.nodes[key].bytes, key))
    important = {
        *ranked[:_LABELLED],
        *(key for key, node in drawn.nodes.items() if node.nature == "group" or len(node.members) > 1),
    }
    largest = max(node.bytes for node in drawn.nodes.values()) or 1
    traces: list[Figure] = []
    for name, nature, alarmed, colour in (
        ("device", "device", False, "@device"),
        ("Internet host", "internet", False, "@internet"),
        ("group of addresses", "group", False, "@group"),
        ("device with findings", "device", True, "@alarm"),
    ):
        keys = [key for key, node in sorted(drawn.nodes.items()) if node.nature == nature and bool(node.findings) is alarmed]
        if not keys:
            continue
        nodes = [drawn.nodes[key] for key in keys]
        traces.append(
            {
                "type": "scatter",
                "mode": "markers+text",
                "name": name,
                "textposition": "bottom center",
                "x": [places[key][0] for key in keys],
                "y": [places[key][1] for key in keys],
                "text": [chart_text(drawn.nodes[key].label, 24) if key in important else "" for key in keys],
                "hovertext": [_told(node) for node in nodes],
                "hoverinfo": "text",
                "textfont": {"size": 11},
                "marker": {
                    "opacity": 1,
                    "symbol": "diamond" if alarmed else _SYMBOL[nature],
                    "color": colour,
                    "size": [round(10 + 12 * math.sqrt(node.bytes / largest) + 4 * alarmed, 1) for node in nodes],
                    "line": {"width": 2, "color": "@paper"},
                },
            }
        )
    return traces


def _told(node: Node) -> str:
    told = f"{chart_text(node.label)}<br>{volume(node.bytes)}"
    return told + (f"<br>{node.findings:,} finding{'s' * (node.findings != 1)}" if node.findings else "")
