"""Charts: plotly accepts them, and they say what the data says."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson
import plotly.graph_objects as go  # type: ignore[import-untyped]  # plotly carries no types
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hauberk.model.finding import Band, Evidence
from hauberk.service.report import Material
from hauberk.service.report.evidence import Figure, evidence_figure
from hauberk.service.report.heatmap import traffic
from hauberk.service.report.labels import Labels
from hauberk.service.report.network import network
from hauberk.service.report.sequence import drawn_in_part, incident_figure
from hauberk.service.report.text import words

Make = Callable[..., Material]
USUAL = Band(2.0, 3.0, 5.0)
KIND = Band(1.0, 4.0, 12.0)


def accepted(figure: Figure | None) -> Any:
    """The figure as the page holds it, after plotly has checked every attribute; the palette's names stand for colours."""
    assert figure is not None
    text = orjson.dumps(figure)
    coloured = orjson.loads(text)

    def paint(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: paint(item) for key, item in value.items()}
        if isinstance(value, list):
            return [paint(item) for item in value]
        return "#123456" if isinstance(value, str) and value.startswith("@") else value

    go.Figure(paint(coloured))
    return coloured


def test_a_series_is_drawn_over_its_bands() -> None:
    """Line, alarm, the device's band with its middle, the kind's band below it."""
    evidence = Evidence("rate", 40.0, "", USUAL, KIND, series=tuple((1e9 + at, 3.0 + at) for at in range(30)))
    figure = accepted(evidence_figure(evidence, 1e9 + 29))
    line, alarm = figure["data"]
    assert line["y"] == [3.0 + at for at in range(30)]
    assert (alarm["x"], alarm["y"]) == ([1_000_000_029_000], [40])
    bands = [shape for shape in figure["layout"]["shapes"] if shape["type"] == "rect"]
    assert [(band["fillcolor"], band["y0"], band["y1"]) for band in bands] == [("@band-kind", 1, 12), ("@band", 2, 5)]
    assert any(shape["type"] == "line" and shape.get("y0") == shape.get("y1") == 3 for shape in figure["layout"]["shapes"])


def test_a_number_without_a_series_is_a_mark_against_the_band() -> None:
    """The axis reaches over band and mark."""
    figure = accepted(evidence_figure(Evidence("peers", 41.0, "", USUAL), 1e9))
    assert figure["data"][0]["x"] == [41]
    low, high = figure["layout"]["xaxis"]["range"]
    assert low <= 0
    assert high > 41


def test_far_off_values_get_a_logarithmic_axis() -> None:
    """Otherwise the band would be a hair."""
    figure = accepted(evidence_figure(Evidence("peers", 90_000.0, "", USUAL), 1e9))
    assert figure["layout"]["xaxis"]["type"] == "log"
    assert figure["layout"]["xaxis"]["range"][1] > math.log10(90_000)


@pytest.mark.parametrize(
    "evidence",
    [
        Evidence("new_peer", "203.0.113.9", usual=USUAL),
        Evidence("peers", 41.0),
        Evidence("peers", math.nan, usual=USUAL),
        Evidence("peers", 41.0, usual=Band(math.nan, 1.0, math.inf)),
    ],
)
def test_what_is_no_number_or_has_no_band_is_left_to_the_table(evidence: Evidence) -> None:
    """No chart is better than an empty one."""
    assert evidence_figure(evidence, 1e9) is None


number = st.floats(allow_nan=True, allow_infinity=True)
band = st.none() | st.builds(Band, number, number, number)


@given(
    st.builds(
        Evidence,
        st.text("abc_<&é", max_size=20),
        number,
        st.text("kB%/<&µ", max_size=5),
        band,
        band,
        series=st.lists(st.tuples(number, number), max_size=5).map(tuple),
    ),
    number,
)
def test_no_evidence_breaks_a_chart(evidence: Evidence, raised: float) -> None:
    """Whatever the numbers, the figure is finite JSON."""
    figure = evidence_figure(evidence, raised)
    if figure is not None:
        assert b"NaN" not in orjson.dumps(figure)


def test_the_heat_map_shows_devices_with_findings_and_the_busiest(make: Make) -> None:
    """Thirty rows of sixty devices, marks on the findings, the rest in words."""
    material = make(60, 5)
    labels = Labels(material.devices)
    heat = traffic(material, labels)
    figure = accepted(heat.figure)
    rows = figure["data"][0]["y"]
    assert len(rows) == len(set(rows)) == 30
    assert {labels.of(finding.device) for finding in material.findings} <= set(rows)
    assert len(figure["data"][1]["x"]) == 5
    assert "30 of 60 devices" in heat.said
    assert any(shape.get("label", {}).get("text") == "learned until here" for shape in figure["layout"]["shapes"])


def test_bytes_of_a_row_are_those_of_the_timeline(make: Make) -> None:
    """The table beside the heat map adds up."""
    material = make(4, 0)
    counts = {address: series.sum() for address, series in material.timeline.series()}
    rows = traffic(material, Labels(material.devices)).rows
    assert len(rows) == 4
    assert max(counts.values()) == pytest.approx(float(rows[0][1].split()[0]) * 1000, rel=0.01)


def test_devices_of_one_name_keep_a_row_each(make: Make) -> None:
    """Names that are the same when cut are told apart."""
    material = make(4, 2)
    same = [replace(device, hostnames=("x" * 90,)) for device in material.devices]
    figure = accepted(traffic(replace(material, devices=same), Labels(same)).figure)
    assert len(set(figure["data"][0]["y"])) == 4


def test_the_graph_is_one_figure_with_devices_peers_and_findings(make: Make) -> None:
    """Plotly accepts it, and its words count what it shows."""
    drawn = network(make(), Labels(make().devices))
    figure = accepted(drawn.figure)
    names = {trace.get("name") for trace in figure["data"]}
    assert {"OT protocols", "Internet", "device", "device with findings", "Internet host"} <= names
    assert drawn.said.startswith("24 devices")


def test_an_incident_is_drawn_in_the_order_of_its_findings(make: Make) -> None:
    """One row a detector; lines begin at the first evidence."""
    incident = make().incidents[0]
    figure = accepted(incident_figure(incident))
    assert figure["data"][1]["x"] == [round(finding.raised * 1000) for finding in incident.findings]
    assert figure["layout"]["yaxis"]["categoryarray"][0] == words(incident.findings[0].detector)
    assert not drawn_in_part(incident)
    assert drawn_in_part(replace(incident, findings=incident.findings * 50))
    beyond = tuple(replace(finding, raised=math.inf) for finding in incident.findings)
    assert incident_figure(replace(incident, findings=beyond)) is None
