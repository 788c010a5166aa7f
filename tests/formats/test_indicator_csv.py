"""Indicators of CSV files and plain lists."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hauberk.errors import InputError
from hauberk.formats.indicator_csv import read_list
from hauberk.model.indicator import IndicatorFeed, IndicatorKind


def read(text: str) -> IndicatorFeed:
    """The feed in ``text``."""
    return read_list(text.encode(), "feed")


def values(text: str) -> list[str]:
    """The values in ``text``."""
    return [one.value for one in read(text).indicators]


def test_columns_may_be_in_any_order() -> None:
    """Under the names in use; quoted fields may hold commas."""
    (one,) = read(
        'confidence,description,value,type,valid_until,tags,technique\n90,"a, b",evil[.]example,domain,2024-01-01,"x;y",t1071\n'
    ).indicators
    assert (one.kind, one.value, one.confidence, one.description) == (IndicatorKind.DOMAIN, "evil.example", 90, "a, b")
    assert (one.valid_until, one.labels, one.techniques) == (1704067200.0, ("x", "y"), ("T1071",))


def test_header_behind_a_hash_and_a_column_called_after_its_kind() -> None:
    """As feeds of bad URLs have it."""
    assert values('# a list\n# "id","dateadded","url","tags"\n"1","x","http://q.example/x.sh","elf"\n') == ["q.example/x.sh"]


def test_misp_export() -> None:
    """Ports and second values are cut off; what is not meant for detection is skipped."""
    feed = read(
        "uuid,event_id,category,type,value,comment,to_ids,date\n"
        'a,1,Network activity,"ip-dst|port",198.51.100.7|443,c2,1,1\n'
        'b,1,Network activity,"domain|ip",evil.example|198.51.100.8,,1,1\n'
        "c,1,Network activity,domain,good.example,,0,1\n"
        "d,1,Payload delivery,md5,aa,,1,1\n"
    )
    assert [(one.id, one.value) for one in feed.indicators] == [("a", "198.51.100.7"), ("b", "evil.example")]
    assert [one.where for one in feed.skipped] == ["line 4", "line 5"]


def test_plain_list_with_remarks() -> None:
    """One value a line; hosts files too."""
    feed = read(
        "# feed\n198.51.100.7 # c2\n198.51.100.0/24 ; SBL1\n0.0.0.0 bad.example\n127.0.0.1 localhost\n\n! x\nhxxp://a.example/b\n"
    )
    assert [(one.value, one.description) for one in feed.indicators] == [
        ("198.51.100.7", "c2"),
        ("198.51.100.0/24", "SBL1"),
        ("bad.example", ""),
        ("a.example/b", ""),
    ]
    assert feed.skipped == ()


def test_wrong_lines_are_skipped_by_number() -> None:
    """Lines are counted as an editor does, over quoted fields of several lines too."""
    feed = read('type,value,description\nip,198.51.100.7,"two\nlines"\nip,nonsense,\nip,198.51.100.8,\nip,198.51.100.9,x,\nip,,\n')
    assert [one.value for one in feed.indicators] == ["198.51.100.7", "198.51.100.8", "198.51.100.9"]
    assert [one.where for one in feed.skipped] == ["line 4", "line 7"]


@pytest.mark.parametrize("cell, reason", [("x", "no number"), ("101", "not from 0 to 100"), ("nan", "not from 0 to 100")])
def test_confidence_is_checked(cell: str, reason: str) -> None:
    """From 0 to 100."""
    (skipped,) = read(f"value,confidence\n198.51.100.7,{cell}\n").skipped
    assert reason in skipped.reason


def test_no_text_is_an_input_error_with_its_line() -> None:
    """As a feed in another encoding, or a picture."""
    with pytest.raises(InputError, match="line 2"):
        read_list(b"198.51.100.7\n\xff\xfe\n", "feed")


@given(text=st.text(alphabet=st.sampled_from('ab1.:/,;#"\n\r\t |-\x00'), max_size=120))
def test_any_text_is_a_feed(text: str) -> None:
    """Whatever it says, with or without a header."""
    for start in ("", "type,value\n", "# ip,x\n"):
        feed = read(start + text)
        assert len(feed.indicators) + len(feed.skipped) <= text.count("\n") + text.count("\r") + 2
