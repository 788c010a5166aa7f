"""MUD files: one with everything the standard has, and published ones, as their tools wrote them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import orjson
import pytest

from hauberk.detect.mud import Policy
from hauberk.formats.mud import dump, load
from hauberk.formats.mud_reading import MudError

EXAMPLE = Path(__file__).with_name("example.json")
LEGAL = {"L2540DW.json"}
"""Published files that keep to the standard."""


def published(data: Path) -> list[Path]:
    """The published files, which must be there."""
    files = sorted((data / "mud").glob("*.json"))
    assert len(files) >= 10
    return files


def test_a_file_with_everything_comes_back_the_same() -> None:
    """All of RFC 8520 and RFC 8519 that a MUD file may hold, and extensions, survive reading and writing."""
    content = EXAMPLE.read_bytes()
    loaded = load(content)
    assert orjson.loads(dump(loaded.file)) == orjson.loads(content)
    assert not loaded.repairs
    assert load(content, lenient=True).file == loaded.file


@pytest.mark.needs_data
def test_published_files_that_are_legal_come_back_the_same(data: Path) -> None:
    """What the standard allows is accepted without repair, and written as it was."""
    for name in LEGAL:
        content = (data / "mud" / name).read_bytes()
        assert orjson.loads(dump(load(content).file)) == orjson.loads(content)


@pytest.mark.needs_data
def test_published_files_that_are_not_are_refused_with_reasons(data: Path) -> None:
    """Every other file is refused, and every reason has its place."""
    for path in published(data):
        if path.name in LEGAL:
            continue
        with pytest.raises(MudError) as caught:
            load(path.read_bytes())
        assert caught.value.problems
        assert all(problem.place.startswith("$.ietf-") and problem.reason for problem in caught.value.problems)


@pytest.mark.needs_data
def test_published_files_can_be_repaired(data: Path) -> None:
    """A lenient reading takes them all; what it makes of them is legal, and loses no more than it says."""
    for path in published(data):
        content = path.read_bytes()
        loaded = load(content, lenient=True)
        assert load(dump(loaded.file)).file == loaded.file
        kinds = Counter(repair.kind for repair in loaded.repairs)
        parsed = orjson.loads(content)
        lists = next(value for key, value in parsed.items() if "access-control-list" in key)["acl"]
        entries = sum(len(item["aces"]["ace"]) for item in lists)
        assert sum(len(item.entries) for item in loaded.file.lists) + kinds["left_out"] == entries
        assert Policy.of(loaded.file).rules
