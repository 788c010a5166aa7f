"""``hauberk detector``: what can be detected, and with which limits."""

from __future__ import annotations

import typer

from hauberk.cli.format import Format, FormatOption, chosen, write_lines

app = typer.Typer(
    help="The detectors: what each looks for, its limits and whether it is on.",
    epilog="Example: hauberk detector list",
    no_args_is_help=True,
)


@app.callback()
def group() -> None:
    """The detectors: what each looks for, its limits and whether it is on."""


@app.command(name="list", epilog="Example: hauberk detector list --format json")
def list_detectors(output: FormatOption = None) -> None:
    """List every detector with its id, parameters, defaults and switch."""
    from hauberk.detect.detectors.registry import detectors  # noqa: PLC0415 - loads every detector

    if chosen(output) is Format.JSON:
        write_lines(
            {
                "id": row.id,
                "title": row.title,
                "description": row.description,
                "enabled": row.enabled,
                "learned": row.learned,
                "parameters": {
                    name: {"default": parameter.default, "unit": parameter.unit, "meaning": parameter.meaning}
                    for name, parameter in row.parameters.items()
                },
                "techniques": [
                    {"id": technique.id, "name": technique.name, "matrix": technique.matrix} for technique in row.techniques
                ],
            }
            for row in detectors()
        )
        return
    from rich.console import Console  # noqa: PLC0415 - JSON needs no tables
    from rich.table import Table  # noqa: PLC0415 - same

    table = Table(header_style="bold", box=None, pad_edge=False, expand=True)
    for title in ("Detector", "Looks for", "Parameters", "On", "Suggests"):
        table.add_column(title, overflow="fold", no_wrap=title == "Detector")
    for row in detectors():
        table.add_row(
            row.id,
            row.description + (" Needs a learning part." if row.learned else ""),
            "\n".join(f"{name} = {parameter.default:g} {parameter.unit}" for name, parameter in row.parameters.items()),
            "yes" if row.enabled else "no",
            ", ".join(technique.id for technique in row.techniques),
        )
    Console().print(table)
