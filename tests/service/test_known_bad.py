"""Feeds and rules from files and folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from hauberk.detect.known_bad import NOTHING_KNOWN
from hauberk.errors import InputError
from hauberk.service.known_bad import load_known_bad

RULE = """title: Write
id: 6f0f6d4e-0c5c-4b5a-9a0a-000000000001
logsource: {product: hauberk, service: transaction}
detection: {s: {write: true}, condition: s}
"""
BUNDLE = '{"objects": [{"type": "indicator", "id": "i", "pattern": "[ipv4-addr:value = \'198.51.100.7\']"}]}'


def test_files_of_every_kind_are_told_by_their_content(tmp_path: Path) -> None:
    """A bundle and a list, whatever their names; the feed is named after the file."""
    (tmp_path / "a.txt").write_text(BUNDLE)
    (tmp_path / "b.json").write_text("198.51.100.8\n")
    loaded = load_known_bad([tmp_path / "a.txt", tmp_path / "b.json"], [])
    assert (loaded.indicators, loaded.rules, loaded.skipped) == (2, 0, ())
    entry = loaded.known_bad.indicators.address("198.51.100.7")
    assert entry is not None
    assert entry.indicators[0].source == "a.txt"


def test_a_folder_is_read_whole_and_what_is_broken_in_it_is_skipped(tmp_path: Path) -> None:
    """With the file and the reason; files of other kinds are left alone."""
    inner = tmp_path / "inner"
    inner.mkdir()
    (tmp_path / "good.yml").write_text(RULE)
    (inner / "same.yaml").write_text(RULE)
    (inner / "broken.yml").write_text("a: [")
    (inner / "README.md").write_text("# no rule")
    loaded = load_known_bad([], [tmp_path])
    assert (loaded.indicators, loaded.rules) == (0, 1)
    assert [Path(skipped.where.partition(",")[0]).name for skipped in loaded.skipped] == ["broken.yml", "same.yaml"]
    assert "is there already" in loaded.skipped[1].reason


def test_a_file_that_is_named_must_be_readable(tmp_path: Path) -> None:
    """Absent, or not what it should be."""
    (tmp_path / "broken.yml").write_text("a: [")
    for feeds, rules in (([tmp_path / "absent"], []), ([], [tmp_path / "broken.yml"])):
        with pytest.raises(InputError, match=str(tmp_path)):
            load_known_bad(feeds, rules)


def test_nothing_given_is_nothing_known() -> None:
    """So that detectors have nothing to do."""
    assert load_known_bad([], []).known_bad is NOTHING_KNOWN


def test_the_summary_names_the_first_reasons(tmp_path: Path) -> None:
    """And how many there are more."""
    (tmp_path / "feed.csv").write_text("type,value\nip,198.51.100.7\n" + "md5,aa\n" * 9)
    lines = list(load_known_bad([tmp_path / "feed.csv"], []).summary(shown=2))
    assert lines[0] == "known bad: 1 indicator and 0 Sigma rules loaded, 9 skipped"
    assert lines[1].endswith("feed.csv, line 3: values of type 'md5' are not seen on the network")
    assert (len(lines), lines[-1]) == (4, "and 7 more skipped")
