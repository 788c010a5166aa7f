"""The documentation keeps up with the code: everything has its entry, nothing is stale, no link is dead."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

import hauberk.errors
from hauberk.cli.app import app, register
from hauberk.detect.detectors.registry import detectors
from hauberk.errors import HauberkError
from hauberk.inventory.kinds import KINDS
from hauberk.model.service import SERVICES
from hauberk.sense.dissect.registry import dissectors
from hauberk.service.analysis import Analysis
from hauberk.service.settings import Settings, load_settings

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "docs" / "reference"
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
_LINK = re.compile(r"(?<!\!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
_MACHINE = re.compile(r"(?<![\w<])/(?:work|tmp|root|home)(?=/|\b)")
_SCANNED = ("src", "docs", "tests", "scripts", "benchmarks", ".ci")
_TEXT = {".py", ".md", ".toml", ".svg", ".txt", ".json", ".sh", ""}


def headings(page: str) -> set[str]:
    """Second-level headings of a reference page."""
    return set(re.findall(r"^## (.+)$", (REFERENCE / page).read_text("utf-8"), re.MULTILINE))


def commands() -> Iterator[str]:
    """Full name of every command."""
    if not app.registered_commands:
        register()
    for command in app.registered_commands:
        assert command.callback is not None
        yield f"hauberk {command.name or command.callback.__name__}"
    for group in app.registered_groups:
        assert isinstance(group.typer_instance, typer.Typer)
        for command in group.typer_instance.registered_commands:
            yield f"hauberk {group.name} {command.name}"


def links() -> Iterator[tuple[Path, str]]:
    """Every page and relative link in it; code blocks hold none."""
    for page in PAGES:
        for match in _LINK.finditer(_FENCE.sub("", page.read_text("utf-8"))):
            target = match[1] or match[2]
            if not re.match(r"[a-z]+:", target):
                yield page, target


def anchors(page: Path) -> set[str]:
    """Names that a link into a page may end with."""
    titles = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title).strip().lower().replace(" ", "-") for title in titles}


def test_every_command_has_its_section() -> None:
    """A command that the reference does not show cannot be found."""
    assert set(commands()) <= headings("cli.md")


def test_every_setting_has_its_row() -> None:
    """Each key of the settings stands in the reference with its variable."""
    text = (REFERENCE / "settings.md").read_text("utf-8")
    sensor = Settings.model_fields["sensor"].annotation
    assert sensor is not None
    keys = [f"sensor.{name}" for name in sensor.model_fields]
    known_bad = Settings.model_fields["known_bad"].annotation
    assert known_bad is not None
    keys += [f"known_bad.{name}" for name in known_bad.model_fields]
    for row in detectors():
        keys += [f"detector.{row.id}.{name}" for name in ("enabled", *row.parameters)]
    for key in keys:
        assert f"| `{key}` |" in text, key
        assert f"`HAUBERK_{key.upper().replace('.', '__')}`" in text, key


def test_every_section_of_settings_is_known_here() -> None:
    """A new section of settings needs its own rows above."""
    assert set(Settings.model_fields) == {"sensor", "known_bad", "detector"} <= headings("settings.md")


def test_every_detector_has_its_section() -> None:
    """Sections and registry agree in both directions."""
    assert headings("detectors.md") == {row.id for row in detectors()}


def test_every_protocol_has_its_section() -> None:
    """Every service, and every name a dissector gives, is described."""
    found = headings("protocols.md")
    assert {name for name in SERVICES if name} <= found
    assert {row.name for row in dissectors()} <= found


def test_every_error_code_has_its_section() -> None:
    """Codes are what scripts match, so each is explained."""
    classes = [value for value in vars(hauberk.errors).values() if isinstance(value, type) and issubclass(value, HauberkError)]
    assert headings("errors.md") == {cls.code for cls in classes}


def test_every_kind_has_its_row() -> None:
    """The words of device records are all explained."""
    text = (REFERENCE / "kinds.md").read_text("utf-8")
    assert [kind for kind in KINDS if f"| `{kind}` |" not in text] == []


def test_the_reference_is_fresh() -> None:
    """What the code generates is what is committed."""
    script = ROOT / "scripts" / "generate_reference.py"
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_stale_reference_is_noticed(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The check itself must be able to fail: a changed page is named."""
    spec = importlib.util.spec_from_file_location("generate_reference", ROOT / "scripts" / "generate_reference.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    monkeypatch.setattr(script, "FOLDER", tmp_path)
    assert script.main([]) == 0
    assert script.main(["--check"]) == 0
    (tmp_path / "kinds.md").write_text("old", "utf-8")
    capsys.readouterr()
    assert script.main(["--check"]) == 1
    assert capsys.readouterr().err.startswith("docs/reference/kinds.md is stale")


def test_relative_links_lead_somewhere() -> None:
    """Every relative link names a file, and a heading where it has an anchor."""
    dead = []
    for page, target in links():
        path, _, anchor = target.partition("#")
        there = page if not path else (page.parent / path).resolve()
        if not there.exists() or (anchor and anchor not in anchors(there)):
            dead.append(f"{page.relative_to(ROOT)}: {target}")
    assert dead == []


def test_there_are_links_to_check() -> None:
    """The pattern finds links, pictures too; else the test above says nothing."""
    targets = {target for _, target in links()}
    assert {"docs/index.md", "docs/images/analyze.svg", "#port_scan"} <= targets


def test_every_page_can_be_reached_from_the_index() -> None:
    """A page that nothing links to is not read."""
    reached = {(page.parent / target.partition("#")[0]).resolve() for page, target in links() if not target.startswith("#")}
    index = ROOT / "docs" / "index.md"
    assert [page.name for page in PAGES if "docs" in page.relative_to(ROOT).parts and page not in {*reached, index}] == []


@pytest.mark.parametrize("command", ["make demo", "make test"])
def test_the_readme_names_the_commands_for_a_newcomer(command: str) -> None:
    """Each stands on a line of its own, to be copied, and the Makefile has the target."""
    assert re.search(rf"^{command}$", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)
    target = command.removeprefix("make ")
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)


def test_nothing_speaks_of_one_machine() -> None:
    """No source or page names a path that only the machine of an author has."""
    files = [path for name in _SCANNED for path in (ROOT / name).rglob("*") if path.is_file() and path.suffix in _TEXT]
    files += [path for path in ROOT.iterdir() if path.is_file() and path.suffix in {".md", ".toml", ""} and path.name != ".git"]
    found = []
    for path in sorted(files):
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            if _MACHINE.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}")
    assert found == []


@pytest.mark.parametrize("line", ["see " + "/wo" + "rk/shared", "'/t" + "mp/x.pcap'", "/ro" + "ot"])
def test_paths_of_one_machine_are_recognised(line: str) -> None:
    """The pattern of the test above finds what it is for."""
    assert _MACHINE.search(line)


def test_the_licence_is_the_one_declared() -> None:
    """The text is that of Apache 2.0, to its end."""
    text = (ROOT / "LICENSE").read_text("utf-8")
    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text
    assert text.rstrip().endswith("limitations under the License.")


def test_toml_examples_are_settings(tmp_path: Path) -> None:
    """What a page tells people to write into their settings is accepted, detectors and parameters included."""
    blocks = [
        match[1]
        for page in PAGES
        for match in re.finditer(r"^```toml\n(.*?)^```", page.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    ]
    assert len(blocks) >= 3
    for number, block in enumerate(blocks):
        file = tmp_path / f"{number}.toml"
        file.write_text(block, "utf-8")
        Analysis(settings=load_settings(file).detector_settings())


def test_commands_in_examples_exist() -> None:
    """Every call of hauberk in a shell block names a command and options that there are."""
    options = {name: {flag for option in command.params for flag in option.opts} for name, command in _definitions()}
    checked = 0
    for page in PAGES:
        for block in re.findall(r"^```sh\n(.*?)^```", page.read_text("utf-8"), re.DOTALL | re.MULTILINE):
            for call in re.findall(r"(?:^|[\s/])(hauberk [a-z][^\n|>#]*)", block):
                words = call.split()
                name = " ".join(words[:2]) if f"hauberk {words[1]}" in options else " ".join(words[:3])
                assert name in options, f"{page.name}: {call}"
                wrong = [word for word in words if word.startswith("-") and word != "-" and word not in options[name]]
                assert wrong == [], f"{page.name}: {call}"
                checked += 1
    assert checked >= 20


def _definitions() -> Iterator[tuple[str, typer.core.TyperCommand]]:
    names = set(commands())
    top = typer.main.get_command(app)
    assert isinstance(top, typer.core.TyperGroup)
    for verb, command in top.commands.items():
        inner = command.commands if isinstance(command, typer.core.TyperGroup) else {"": command}
        for word, leaf in inner.items():
            name = f"hauberk {verb} {word}".strip()
            assert name in names
            assert isinstance(leaf, typer.core.TyperCommand)
            yield name, leaf
