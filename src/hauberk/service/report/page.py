"""The page: what of the material goes where, how much of it, and what is said about the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from pathlib import PurePath

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from hauberk.model.device import Device
from hauberk.model.finding import Finding, Severity
from hauberk.model.ids import DeviceId
from hauberk.model.incident import Incident
from hauberk.service.report import budget
from hauberk.service.report.budget import Charts, within
from hauberk.service.report.evidence import band_text, evidence_figure, seen_text
from hauberk.service.report.heatmap import traffic
from hauberk.service.report.labels import Labels, device_label
from hauberk.service.report.library import packed_plotly, policy
from hauberk.service.report.material import Material
from hauberk.service.report.network import network
from hauberk.service.report.sequence import drawn_in_part, incident_figure
from hauberk.service.report.text import clipped, duration, moment, number, shown, volume, words

_CARDS, _ROWS, _DEVICES, _INCIDENTS = 120, 1500, 3000, 60
_EVIDENCE = 8
_FINDINGS_OF_AN_INCIDENT = 12
_SOURCES = 12
_LONGEST_SOURCE = 120


def report(material: Material) -> bytes:
    """The report as one HTML page in UTF-8. The same material gives the same bytes."""
    return _Page(material).render().encode("utf-8", "backslashreplace")


class _Page:
    """One report in the making."""

    def __init__(self, material: Material) -> None:
        self.material = material
        self.labels = Labels(material.devices)
        self.charts = Charts()
        self.findings = sorted(
            material.findings,
            key=lambda finding: (-finding.severity, finding.raised, finding.detector, finding.addresses, finding.title),
        )
        self.numbers = {finding: at for at, finding in reversed(list(enumerate(self.findings, 1)))}
        self.of_device = Counter(finding.device for finding in self.findings if finding.device)
        self.linked: set[DeviceId] = set()

    def render(self) -> str:
        """Work the parts out, large charts first, and fill the template."""
        material = self.material
        heat, graph = traffic(material, self.labels), network(material, self.labels)
        self.charts.add("traffic", heat.figure)
        self.charts.add("network", graph.figure)
        devices, devices_shown = within(self._devices(), self._device, budget.DEVICES, _DEVICES)
        incidents, incidents_shown = within(enumerate(self._incidents(), 1), self._incident, budget.INCIDENTS, _INCIDENTS)
        cards, cards_shown = within(enumerate(self.findings, 1), self._finding, budget.FINDINGS, _CARDS)
        rest = list(enumerate(self.findings, 1))[cards_shown:]
        rows, rows_shown = within(rest, self._finding_row, budget.FINDINGS_IN_SHORT, _ROWS)
        script = _resource("page.js")
        return (
            _environment()
            .get_template("page.html.jinja")
            .render(
                m=material,
                policy=policy(script),
                style=Markup(_resource("page.css")),  # noqa: S704 - a file of ours
                script=Markup(script),  # noqa: S704 - same
                plotly=Markup(packed_plotly()),  # noqa: S704 - base64
                figures=self.charts.json(),
                evidence_charts=self.charts.any("finding-"),
                sources=[_source(source) for source in material.sources[:_SOURCES]],
                title=clipped(PurePath(material.sources[0]).name if material.sources else "", 80),
                sources_more=max(len(material.sources) - _SOURCES, 0),
                span=self._span(),
                verdict=self._verdict(),
                severities=self._severities(),
                alarmed=len(self.of_device),
                heat=heat,
                heat_chart=heat.figure is not None,
                graph=graph,
                graph_chart=graph.figure is not None,
                devices=devices,
                devices_more=len(material.devices) - devices_shown,
                incidents=incidents,
                incidents_more=len(material.incidents) - incidents_shown,
                cards=cards,
                rows=rows,
                findings_more=len(self.findings) - cards_shown - rows_shown,
                charts_refused=self.charts.refused,
            )
        )

    def _span(self) -> Mapping[str, str] | None:
        first, last = self.material.timeline.first, self.material.timeline.last
        if first is None or last is None:
            return None
        return {"first": moment(first * 1e-9), "last": moment(last * 1e-9), "length": duration((last - first) * 1e-9)}

    def _verdict(self) -> str:
        found, incidents = len(self.findings), len(self.material.incidents)
        if not found:
            return "Nothing wrong was found."
        said = f"{found:,} finding{'s' * (found != 1)}"
        if incidents:
            said = f"{incidents:,} incident{'s' * (incidents != 1)}, {said}"
        count, total = len(self.of_device), len(self.material.devices)
        return f"{said} on {count:,} of {total:,} device{'s' * (total != 1)}." if count else f"{said}."

    def _severities(self) -> list[tuple[int, str, int]]:
        counts = Counter(finding.severity for finding in self.findings)
        return [(int(severity), _name(severity), counts[severity]) for severity in sorted(counts, reverse=True)]

    def _incidents(self) -> list[Incident]:
        return sorted(self.material.incidents, key=lambda incident: (-incident.severity, incident.started, incident.id))

    def _devices(self) -> list[Device]:
        """Devices with findings first, then by packets."""
        return sorted(self.material.devices, key=lambda device: (-self.of_device[device.id], -device.packets, device.id))

    def _device(self, device: Device) -> str:
        self.linked.add(device.id)
        return _part("device", device=device, label=device_label(device), findings=self.of_device[device.id])

    def _incident(self, numbered: tuple[int, Incident]) -> str:
        at, incident = numbered
        return _part(
            "incident",
            number=at,
            incident=incident,
            severity=_name(incident.severity),
            chart=self.charts.add(f"incident-{at}", incident_figure(incident)),
            in_part=drawn_in_part(incident),
            devices=[self._who(device, "") for device in incident.devices[:8]],
            devices_more=max(len(incident.devices) - 8, 0),
            findings=[(self.numbers.get(item, 0), item) for item in incident.findings[:_FINDINGS_OF_AN_INCIDENT]],
            findings_more=max(len(incident.findings) - _FINDINGS_OF_AN_INCIDENT, 0),
            cards=_CARDS,
            version=self.material.attack_version,
        )

    def _finding(self, numbered: tuple[int, Finding]) -> str:
        at, finding = numbered
        evidence = finding.evidence[:_EVIDENCE]
        drawn = [
            (self.charts.add(f"finding-{at}-{which}", evidence_figure(item, finding.raised)), item)
            for which, item in enumerate(evidence, 1)
        ]
        return _part(
            "finding",
            number=at,
            finding=finding,
            severity=_name(finding.severity),
            who=self._who(finding.device, finding.addresses[0] if finding.addresses else ""),
            others=finding.addresses[1:5],
            charts=[(name, item) for name, item in drawn if name],
            evidence=evidence,
            compared=any(item.usual or item.usual_of_kind or item.since is not None or item.samples for item in evidence),
            evidence_more=len(finding.evidence) - len(evidence),
            version=self.material.attack_version,
        )

    def _finding_row(self, numbered: tuple[int, Finding]) -> str:
        at, finding = numbered
        who = self._who(finding.device, finding.addresses[0] if finding.addresses else "")
        return _part("finding_row", number=at, finding=finding, severity=_name(finding.severity), who=who)

    def _who(self, device: DeviceId | None, address: str) -> Mapping[str, str]:
        """A device's name, and where in the page it stands."""
        return {"label": self.labels.of(device, address), "link": f"device-{device}" if device in self.linked else ""}


def _name(severity: Severity) -> str:
    return severity.name.capitalize()


def _resource(name: str) -> str:
    return files("hauberk.service.report").joinpath("templates", name).read_text("utf-8")


def _part(name: str, **values: object) -> str:
    macro = getattr(_environment().get_template("parts.html.jinja").module, name)
    return str(macro(**values))


def _source(path: str) -> Markup:
    """A path as the user gave it; of a long one the end, where the name stands."""
    short = clipped(path if len(path) <= _LONGEST_SOURCE else f"…{path[-_LONGEST_SOURCE:]}", _LONGEST_SOURCE + 1)
    return Markup("/<wbr>").join(short.split("/"))  # joining escapes the parts


def _first(values: Sequence[str], most: int) -> str:
    """The first of some texts, and how many more there are."""
    text = ", ".join(clipped(value, 60) for value in values[:most])
    return f"{text} and {len(values) - most:,} more" if len(values) > most else text


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("hauberk.service.report"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        moment=moment, volume=volume, number=number, words=words, first=_first, seen=seen_text, band=band_text, clipped=clipped
    )
    return environment
