"""Writes the reference pages from the code: ``python scripts/generate_reference.py [--check]``.

The same code gives the same bytes. ``--check`` writes nothing and fails where a page is stale. What only people can say (the
meaning of a key, of a protocol's code) stands in ``reference_words.toml``; a key or protocol without an
entry fails, so that none goes undocumented.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Annotated, get_args, get_origin

import numpy as np
import typer
from annotated_types import Ge, Gt, Le
from pydantic import BaseModel

import hauberk.errors
from hauberk.cli.app import app, register
from hauberk.cli.exit_code import ExitCode
from hauberk.detect.detectors.interface import Detector
from hauberk.detect.detectors.registry import detectors
from hauberk.errors import HauberkError, InputError
from hauberk.formats.eve_events import EVENTS
from hauberk.formats.ocsf import detection_finding, incident_finding
from hauberk.formats.zeek_logs import LOGS
from hauberk.inventory.kinds import FAMILIES, GENERIC, KINDS
from hauberk.inventory.limits import InventoryLimits
from hauberk.model.device import Device
from hauberk.model.finding import Finding, Severity, Technique
from hauberk.model.flow import FLOW
from hauberk.model.ids import DetectorId, DeviceId, IncidentId
from hauberk.model.incident import Incident
from hauberk.model.service import OT_SERVICES, SERVICES
from hauberk.model.transaction import Transaction
from hauberk.sense.dissect.interface import Dissector
from hauberk.sense.dissect.limits import Limits
from hauberk.sense.dissect.registry import dissectors
from hauberk.sense.flow.table import FlowLimits
from hauberk.sense.reassembly.fragments import FragmentLimits
from hauberk.sense.reassembly.stream import StreamLimits
from hauberk.service.record import device_records, flow_records, transaction_record
from hauberk.service.settings import DetectorSettings, KnownBadSettings, SensorSettings

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "reference"
_NOTICE = "<!-- Written by scripts/generate_reference.py from the code. Change the code, then run 'make docs'. -->"

_WORDS: dict[str, dict[str, str]] = tomllib.loads(Path(__file__).with_name("reference_words.toml").read_text("utf-8"))
_CODES = _WORDS["codes"]

_EXIT_CODES = {
    ExitCode.CLEAN: "Nothing was found.",
    ExitCode.FINDINGS: "There are findings.",
    ExitCode.USAGE: "The command was used wrongly, or nothing of the input could be read.",
    ExitCode.UNASSESSED: "Some of the input could not be assessed: a file breaks off, a link type is not read, packets were lost. "
    "What could be is reported.",
}


def cell(text: object) -> str:
    """Text that fits a cell of a table."""
    return " ".join(str(text).replace("``", "`").replace("|", "\\|").replace("<", "&lt;").split())


def table(titles: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """A table in Markdown."""
    lines = ["| " + " | ".join(titles) + " |", "|" + "---|" * len(titles)]
    return [*lines, *("| " + " | ".join(cell(item) for item in row) + " |" for row in rows), ""]


def attribute_docs(cls: type) -> dict[str, str]:
    """The text below each field of a class."""
    body = ast.parse(inspect.cleandoc(inspect.getsource(cls))).body[0]
    assert isinstance(body, ast.ClassDef)
    found: dict[str, str] = {}
    for statement, following in zip(body.body, body.body[1:], strict=False):
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name) and isinstance(following, ast.Expr):
            found[statement.target.id] = str(ast.literal_eval(following.value))
    return found


# ------------------------------------------------------------------------------------------------------------------ the pages


def commands() -> Iterator[tuple[str, typer.core.TyperCommand]]:
    """Full name and definition of every command, groups left out."""
    if not app.registered_commands:
        register()
    todo = [("hauberk", typer.main.get_command(app))]
    while todo:
        name, command = todo.pop(0)
        if isinstance(command, typer.core.TyperGroup):
            todo.extend((f"{name} {verb}", inner) for verb, inner in sorted(command.commands.items()))
        elif isinstance(command, typer.core.TyperCommand):
            yield name, command


def cli() -> list[str]:
    """Every command."""
    lines = [
        "# Command line",
        "",
        "Every command takes `--help`. `hauberk --version` prints the version.",
        "",
        "With `--format json` a command prints one JSON object a line on standard output.",
        "Progress and problems go to standard error.",
        "",
        "## Exit codes",
        "",
        *table(("Code", "Meaning"), [(int(code), _EXIT_CODES[code]) for code in ExitCode] + [(130, "Stopped with Ctrl-C.")]),
    ]
    for name, command in commands():
        lines += [f"## {name}", "", " ".join((command.help or "").split()), ""]
        arguments = [
            (parameter.metavar or parameter.name, getattr(parameter, "help", ""))
            for parameter in command.params
            if parameter.param_type_name == "argument"
        ]
        if arguments:
            lines += table(("Argument", "Meaning"), [(f"`{metavar}`", text) for metavar, text in arguments])
        options = [parameter for parameter in command.params if parameter.param_type_name == "option"]
        rows = [
            (
                ", ".join(f"`{flag}`" for flag in option.opts)
                + ("" if getattr(option, "is_flag", False) else f" `{option.metavar or values(option.name)}`"),
                "" if option.default is None else f"`{getattr(option.default, 'value', option.default)}`",
                getattr(option, "help", ""),
            )
            for option in options
        ]
        lines += table(("Option", "Default", "Meaning"), rows)
        lines += ["```sh", (command.epilog or "").removeprefix("Example: "), "```", ""]
    return lines


def values(name: str | None) -> str:
    """What an option without a metavar takes."""
    kinds = {"output": "text, json", "emit": "devices, flows, transactions"}
    return kinds[name or ""]


def unit(meaning: str) -> str:
    """Unit of a setting, by what its meaning says."""
    return "s" if "seconds" in meaning else "bytes" if "bytes" in meaning else "count"


def bounds(annotation: object, metadata: Sequence[object]) -> str:
    """What values a number may have."""
    found = [*metadata, *(item for item in get_args(annotation)[1:] if get_origin(annotation) is Annotated)]
    flat = [part for item in found for part in (getattr(item, "metadata", None) or [item])]
    words = {Ge: ("at least", "ge"), Gt: ("over", "gt"), Le: ("at most", "le")}
    return ", ".join(f"{words[type(part)][0]} {getattr(part, words[type(part)][1])}" for part in flat if type(part) in words)


def takes_settings(command: typer.core.TyperCommand) -> bool:
    """True for a command with the option for a file of settings."""
    return any("--config" in parameter.opts for parameter in command.params)


def settings() -> list[str]:
    """Every setting."""
    lines = [
        "# Settings",
        "",
        "Settings stand in one TOML file, given with `--config FILE`, or in the environment.",
        "The environment wins over the file.",
        "An unknown key is an error.",
        "",
        "A variable is `HAUBERK_`, then the path of the key in capitals, with two underscores between parts.",
        "",
        f"These commands read settings: {', '.join(f'`{name}`' for name, command in commands() if takes_settings(command))}.",
        "",
        "## sensor",
        "",
        "Bounds of the sensor.",
        "",
    ]
    lines += table(("Key", "Default", "Unit", "Allowed", "Meaning", "Variable"), list(setting_rows("sensor", SensorSettings)))
    lines += [
        "## known_bad",
        "",
        "Indicator feeds and Sigma rules; see [how to match what is known to be bad](../how-to/match-known-bad.md).",
        "Each key is a list of files and folders; in a variable it is written as JSON.",
        "",
    ]
    lines += table(
        ("Key", "Default", "Meaning", "Variable"),
        [
            (f"`known_bad.{name}`", "none", field.description, f"`HAUBERK_KNOWN_BAD__{name.upper()}`")
            for name, field in KnownBadSettings.model_fields.items()
        ],
    )
    lines += [
        "## detector",
        "",
        "One table for each detector, named by its id.",
        "",
        "| Key | Default | Meaning | Variable |",
        "|---|---|---|---|",
    ]
    for row in detectors():
        switch = "true" if row.enabled else "false"
        meaning = DetectorSettings.model_fields["enabled"].description
        lines.append(f"| `detector.{row.id}.enabled` | {switch} | {meaning} | `HAUBERK_DETECTOR__{row.id.upper()}__ENABLED` |")
        for name, parameter in row.parameters.items():
            variable = f"HAUBERK_DETECTOR__{row.id.upper()}__{name.upper()}"
            lines.append(
                f"| `detector.{row.id}.{name}` | {parameter.default:g} {parameter.unit} "
                f"| {cell(parameter.meaning)} | `{variable}` |"
            )
    return [*lines, ""]


def setting_rows(section: str, model: type[BaseModel]) -> Iterator[tuple[object, ...]]:
    """Rows of the table of one section."""
    for name, field in model.model_fields.items():
        meaning = field.description
        assert meaning, f"setting {section}.{name} has no description"
        yield (
            f"`{section}.{name}`",
            field.default,
            unit(meaning),
            bounds(field.annotation, field.metadata),
            meaning,
            f"`HAUBERK_{section.upper()}__{name.upper()}`",
        )


def detector_page() -> list[str]:
    """Every detector."""
    rows = detectors()
    lines = [
        "# Detectors",
        "",
        "Every detector is deterministic: the same traffic and settings give the same findings.",
        "A *learned* one compares with what was learned before, and is silent where nothing was learned.",
        "See [how detection works](../explanation/detection.md) and [how to tune it](../how-to/tune-detectors.md).",
        "",
        *table(
            ("Id", "Looks for", "Learned", "On"),
            [(f"[`{row.id}`](#{row.id})", row.description, yes(row.learned), yes(row.enabled)) for row in rows],
        ),
    ]
    for row in rows:
        lines += one_detector(row)
    return lines


def one_detector(row: Detector) -> list[str]:
    """The section of one detector."""
    techniques = [f"{technique.id} {technique.name} ({technique.matrix})" for technique in row.techniques]
    return [
        f"## {row.id}",
        "",
        f"{row.title}. {row.description}",
        "",
        f"- Learned: {yes(row.learned)}.",
        f"- On by default: {yes(row.enabled)}.",
        f"- ATT&CK techniques it suggests: {'; '.join(techniques) or 'none'}.",
        "",
        *table(
            ("Parameter", "Default", "Unit", "Meaning"),
            [(f"`{name}`", f"{item.default:g}", item.unit, item.meaning) for name, item in row.parameters.items()],
        ),
    ]


def yes(value: bool) -> str:  # noqa: FBT001 - a word for a truth value
    """Yes or no."""
    return "yes" if value else "no"


def protocol_page() -> list[str]:
    """Every protocol."""
    by_name: dict[str, list[Dissector]] = {}
    for row in dissectors():
        by_name.setdefault(row.name, []).append(row)
    names = [name for name in SERVICES if name]
    assert set(by_name) <= set(names), "a dissector's name is no service"
    lines = [
        "# Protocols",
        "",
        "A protocol is found by the content of its messages first, so the port does not matter where the content is clear.",
        "The ports below are the registered or customary ones; they decide where the content is not clear.",
        "",
        "*OT* protocols operate machines.",
        "*Encrypted* ones protect credentials.",
        "",
        *table(
            ("Protocol", "Ports", "OT", "Encrypted", "`code` is"),
            [
                (
                    f"[`{name}`](#{name})",
                    ports(by_name.get(name, [])),
                    yes(name in OT_SERVICES),
                    yes(any(row.encrypted for row in by_name.get(name, []))),
                    _CODES[name],
                )
                for name in names
            ],
        ),
    ]
    for name in names:
        lines += [f"## {name}", "", f"- Ports: {ports(by_name.get(name, []))}.", f"- `code`: {_CODES[name]}.", ""]
        lines += protocol_text(name, by_name.get(name, []))
    lines += [
        "## Logs of other sensors",
        "",
        f"Of Zeek's logs `conn` and these are read: {', '.join(f'`{name}`' for name in sorted(LOGS))}.",
        f"Of Suricata's EVE events `flow` and these are read: {', '.join(f'`{name}`' for name in sorted(EVENTS))}.",
        "",
    ]
    return lines


def ports(rows: Sequence[Dissector]) -> str:
    """Transports and ports of a protocol."""
    if not rows:
        return "inside EtherNet/IP"
    return "; ".join(
        f"EtherType {', '.join(f'0x{port:04x}' for port in row.ports)}"
        if row.transport == "ethernet"
        else f"{row.transport} {', '.join(map(str, row.ports))}"
        for row in rows
    )


def protocol_text(name: str, rows: Sequence[Dissector]) -> list[str]:
    """What the module of a protocol says of itself."""
    path = f"hauberk.sense.dissect.{name}"
    if importlib.util.find_spec(path) is None:
        path = rows[0].recognise.__module__
    text = inspect.cleandoc(importlib.import_module(path).__doc__ or "").replace("``", "`").replace("<", "&lt;")
    return [" ".join(paragraph.split()) + "\n" for paragraph in text.split("\n\n")]


def leaves(record: Mapping[str, object], path: str = "") -> Iterator[str]:
    """Paths of every key that holds no further keys."""
    for key, value in record.items():
        if isinstance(value, Mapping):
            yield from leaves(value, f"{path}{key}.")
        else:
            yield f"{path}{key}"


_OCSF = {
    "findings": ("Findings are OCSF 1.8 Detection Findings; what OCSF has no field for stands under `unmapped.hauberk`.", ""),
    "incidents": (
        "Incidents are OCSF 1.8 Incident Findings.",
        "`analyze` prints each once.",
        "`watch` prints one when it is opened, and again when its severity or stages change or another goes into it.",
        "[Incidents](../explanation/incidents.md) says how they are made.",
        "",
    ),
}


def json_page() -> list[str]:
    """Keys of everything printed as JSON."""
    message = Transaction(1, 0.0, "modbus", "", None, "", None, "request", "", None, None, None, "ok", write=False)
    device = Device(DeviceId("d"), (), (), (), None, None, None, None, 0.0, (), (), 0.0, 0.0, 0)
    finding = Finding(
        DetectorId("d"), "t", Severity.LOW, 6.0, DeviceId("d"), ("192.0.2.1",), 0.0, 0.0, ("r",), "a", (Technique("T", "n", "ics"),)
    )
    incident = Incident(IncidentId("i"), "t", Severity.LOW, 0.5, (), (), (finding,), 0.0, 0.0, finding.techniques, (), "s")
    parts: tuple[tuple[str, str, Mapping[str, object], Mapping[str, str]], ...] = (
        ("devices", "`hauberk inspect SOURCE --emit devices --format json`", next(device_records([device])), _WORDS["devices"]),
        ("flows", "`hauberk inspect SOURCE --emit flows --format json`", next(flow_records(np.zeros(1, FLOW))), _WORDS["flows"]),
        (
            "transactions",
            "`hauberk inspect SOURCE --emit transactions --format json`",
            transaction_record(message),
            _WORDS["transactions"],
        ),
        (
            "findings",
            "`hauberk analyze SOURCE --format json` and `hauberk watch INTERFACE --format json`",
            detection_finding(finding, "0", "0"),
            _WORDS["findings"],
        ),
        (
            "incidents",
            "`hauberk analyze SOURCE --format json`, after all findings, and `hauberk watch INTERFACE --format json`",
            incident_finding(incident, "0", "0"),
            _WORDS["incidents"],
        ),
    )
    lines = [
        "# JSON output",
        "",
        "One JSON object a line.",
        "Times are those of the traffic, never of the wall clock.",
        "",
        "`analyze` and `watch` print findings and incidents and nothing else; devices come from `inspect`.",
        "`class_uid` tells them apart: 2004 is a finding, 2005 an incident.",
        "",
    ]
    for title, command, record, meanings in parts:
        keys = list(leaves(record))
        assert set(keys) == set(meanings), f"{title}: {set(keys) ^ set(meanings)} is not in both the code and the reference"
        extra = [*_OCSF.get(title, ())]
        lines += [
            f"## {title}",
            "",
            f"Printed by {command}.",
            "",
            *extra,
            *table(("Key", "Meaning"), [(f"`{key}`", meanings[key]) for key in keys]),
        ]
    return lines


def errors() -> list[type[HauberkError]]:
    """Every class of error, parents first."""
    found = [value for value in vars(hauberk.errors).values() if isinstance(value, type) and issubclass(value, HauberkError)]
    return sorted(found, key=lambda cls: cls.code)


def error_page() -> list[str]:
    """Every error."""
    lines = [
        "# Errors",
        "",
        "A message ends with a code in brackets, such as `[hauberk.input.capture]`.",
        "Codes are stable.",
        "",
    ]
    for cls in errors():
        code = ExitCode.USAGE if issubclass(cls, InputError) else ExitCode.UNASSESSED
        lines += [
            f"## {cls.code}",
            "",
            " ".join(inspect.cleandoc(cls.__doc__ or "").replace("``", "`").split()),
            "",
            f"- What to do: {cls.advice}",
            f"- Exit code where it ends the command: {int(code)}.",
            f"- Class: `{cls.__name__}`.",
            "",
        ]
    return lines


def limit_page() -> list[str]:
    """Every bound."""
    parts = (
        (FlowLimits, "The flow table. Set with `sensor.flows` and the like; see [settings](settings.md)."),
        (FragmentLimits, "Reassembly of IP fragments. Set with `sensor.fragment…`."),
        (StreamLimits, "Reassembly of TCP. Set with `sensor.stream_…`."),
        (Limits, "What one dissector may read of one message. Fixed."),
        (InventoryLimits, "The inventory. Fixed."),
    )
    lines = [
        "# Limits",
        "",
        "Memory is bounded whatever arrives.",
        "What is cut or dropped at a bound of the sensor is counted, and `analyze` prints the counts.",
        "",
    ]
    for cls, text in parts:
        said = attribute_docs(cls)
        values_of = {field.name: field.default for field in fields(cls)}
        rows = []
        for name, value in values_of.items():
            assert name in said, f"{cls.__name__}.{name} has no text"
            rows.append((f"`{name}`", f"{value:,}", said[name]))
        lines += [f"## {cls.__name__}", "", text, "", *table(("Bound", "Default", "Meaning and unit"), rows)]
    return lines


def kind_page() -> list[str]:
    """Every kind of device."""
    return [
        "# Kinds of devices",
        "",
        "The `kind` of a device record is one of these words, or null where the evidence is too weak.",
        "",
        "*Generic* kinds say little: they give way to a narrower kind that is nearly as likely.",
        "",
        *table(("Kind", "Is a", "Generic"), [(f"`{kind}`", text, yes(kind in GENERIC)) for kind, text in KINDS.items()]),
        "## Families",
        "",
        "Kinds of one family are easily taken for one another.",
        "Evidence for one speaks less against the others.",
        "",
        *(f"- {', '.join(f'`{kind}`' for kind in sorted(family))}" for family in FAMILIES),
        "",
    ]


PAGES: dict[str, Callable[[], list[str]]] = {
    "cli.md": cli,
    "settings.md": settings,
    "detectors.md": detector_page,
    "protocols.md": protocol_page,
    "json.md": json_page,
    "errors.md": error_page,
    "limits.md": limit_page,
    "kinds.md": kind_page,
}


def text_of(page: Callable[[], list[str]]) -> str:
    """A page as it is written."""
    title, *rest = page()
    return "\n".join([title, "", _NOTICE, *rest]).rstrip() + "\n"


def main(arguments: Sequence[str]) -> int:
    """Write the pages, or with ``--check`` say which are stale."""
    stale = [
        name for name, page in PAGES.items() if not (FOLDER / name).is_file() or (FOLDER / name).read_text("utf-8") != text_of(page)
    ]
    if "--check" in arguments:
        for name in stale:
            sys.stderr.write(f"docs/reference/{name} is stale; run 'make docs'\n")
        return int(bool(stale))
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in stale:
        (FOLDER / name).write_text(text_of(PAGES[name]), "utf-8")
        print(f"wrote docs/reference/{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
