"""Indicators of STIX 2.1 bundles."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hauberk.errors import InputError
from hauberk.formats.stix import looks_like_stix, read_stix
from hauberk.formats.stix_pattern import read_pattern
from hauberk.model.indicator import IndicatorKind

JA4 = "t13d181100_85036bcba153_d41ae481755e"


def indicator(pattern: str, **more: Any) -> dict[str, Any]:
    """An indicator object."""
    return {"type": "indicator", "id": "indicator--1", "pattern_type": "stix", "pattern": pattern, **more}


def bundle(*objects: dict[str, Any]) -> bytes:
    """A bundle."""
    return orjson.dumps({"type": "bundle", "id": "bundle--1", "objects": objects})


@pytest.mark.parametrize(
    "pattern, values",
    [
        ("[ipv4-addr:value = '198.51.100.7']", ["198.51.100.7"]),
        ("[ipv6-addr:value = '2001:db8::1']", ["2001:db8::1"]),
        ("[ipv4-addr:value ISSUBSET '198.51.100.0/24']", ["198.51.100.0/24"]),
        ("[domain-name:value = 'a.example'] OR [url:value = 'http://b.example/c']", ["a.example", "b.example/c"]),
        ("[ipv4-addr:value IN ('198.51.100.7', '198.51.100.8')]", ["198.51.100.7", "198.51.100.8"]),
        ("([domain-name:value = 'a.example' OR (url:value = 'http://b.example/c')])", ["a.example", "b.example/c"]),
        (f"[x509-certificate:hashes.'SHA-256' = '{'AB' * 32}']", ["ab" * 32]),
        (f"[x509-certificate:hashes.'SHA-1' = '{'ab' * 20}']", ["ab" * 20]),
        (f"[network-traffic:extensions.'tls-ext'.ja4 = '{JA4}']", [JA4]),
        (f"[x-ja4:value = '{JA4}']", [JA4]),
        ("[network-traffic:dst_ref.value = '198.51.100.7']", ["198.51.100.7"]),
    ],
)
def test_patterns_give_their_values(pattern: str, values: list[str]) -> None:
    """Each alone makes the pattern hold; nothing is left over."""
    reading = read_pattern(pattern)
    assert ([value for _, value in reading.values], reading.problems) == (values, [])


@pytest.mark.parametrize(
    "pattern, problem",
    [
        ("[ipv4-addr:value = '198.51.100.7'] AND [domain-name:value = 'a.example']", "AND between observations"),
        ("[ipv4-addr:value = '198.51.100.7'] FOLLOWEDBY [domain-name:value = 'a.example']", "FOLLOWEDBY"),
        ("[ipv4-addr:value = '198.51.100.7' AND network-traffic:dst_port = 443]", "AND of several comparisons"),
        ("[ipv4-addr:value = '198.51.100.7'] REPEATS 5 TIMES", "REPEATS 5 TIMES"),
        ("[domain-name:value LIKE '%.example']", "operator of 'domain-name:value LIKE"),
        ("[domain-name:value != 'a.example']", "what is not bad"),
        ("[file:hashes.'SHA-256' = 'ab']", "file:hashes.SHA-256 is not seen"),
        ("[ipv4-addr:value = '10.0.0.0/8']", "every network uses"),
        ("[file:name ISSUBSET 'x']", "ISSUBSET is for addresses"),
    ],
)
def test_what_one_observation_cannot_tell_is_a_problem(pattern: str, problem: str) -> None:
    """With its reason, and without a value."""
    reading = read_pattern(pattern)
    assert reading.values == []
    assert any(problem in one for one in reading.problems)


def test_the_rest_of_a_choice_is_applied() -> None:
    """What OR joins to a part that cannot be applied still can."""
    reading = read_pattern(
        "[file:name = 'x' OR ipv4-addr:value = '198.51.100.7'] OR [url:value = 'http://a.example/' AND file:size = 1]"
    )
    assert [value for _, value in reading.values] == ["198.51.100.7"]
    assert len(reading.problems) == 2


@pytest.mark.parametrize("pattern", ["", "[", "[ipv4-addr:value = ", "x" * 40_000, "(" * 500 + "[a:b = 1]" + ")" * 500])
def test_broken_and_boundless_patterns_are_input_errors(pattern: str) -> None:
    """Never a crash of the parser."""
    with pytest.raises(InputError):
        read_pattern(pattern)


def test_an_indicator_keeps_what_its_feed_says() -> None:
    """Confidence, times, names, and what relationships point to."""
    content = bundle(
        indicator(
            "[domain-name:value = 'a.example']",
            name="Loader",
            description="first stage",
            confidence=85,
            valid_from="2024-01-01T00:00:00Z",
            valid_until="2024-01-02T00:00:00.000Z",
            indicator_types=["malicious-activity"],
        ),
        {"type": "malware", "id": "malware--1", "name": "Emotet"},
        {
            "type": "attack-pattern",
            "id": "attack-pattern--1",
            "external_references": [{"source_name": "mitre-attack", "external_id": "T1071.004"}],
        },
        {"type": "relationship", "relationship_type": "indicates", "source_ref": "indicator--1", "target_ref": "malware--1"},
        {"type": "relationship", "relationship_type": "indicates", "source_ref": "indicator--1", "target_ref": "attack-pattern--1"},
    )
    (one,) = read_stix(content, "feed").indicators
    assert (one.kind, one.value, one.source, one.id) == (IndicatorKind.DOMAIN, "a.example", "feed", "indicator--1")
    assert (one.name, one.description, one.confidence) == ("Loader", "first stage", 85)
    assert (one.valid_from, one.valid_until) == (1704067200.0, 1704153600.0)
    assert (one.labels, one.techniques) == (("Emotet", "malicious-activity"), ("T1071.004",))


@pytest.mark.parametrize(
    "more, reason",
    [
        ({"revoked": True}, "revoked"),
        ({"pattern_type": "snort"}, "language 'snort'"),
        ({"confidence": 101}, "confidence"),
        ({"valid_from": "yesterday"}, "valid_from"),
        ({"valid_from": "2024-01-02T00:00:00Z", "valid_until": "2024-01-01T00:00:00Z"}, "does not come after"),
        ({"pattern": 7}, "no pattern"),
    ],
)
def test_an_indicator_that_cannot_be_applied_is_skipped_by_its_id(more: dict[str, Any], reason: str) -> None:
    """The others of the bundle are kept."""
    good = {**indicator("[ipv4-addr:value = '198.51.100.7']"), "id": "indicator--2"}
    feed = read_stix(bundle({**indicator("[ipv4-addr:value = '198.51.100.8']"), **more}, good), "feed")
    assert [one.value for one in feed.indicators] == ["198.51.100.7"]
    assert [one.where for one in feed.skipped] == ["indicator--1"]
    assert reason in feed.skipped[0].reason


@pytest.mark.parametrize("content", [b"{", b"{}", b"[1]x", b'{"objects": 1}', b"\xff"])
def test_no_bundle_is_an_input_error(content: bytes) -> None:
    """Whatever else it is."""
    with pytest.raises(InputError):
        read_stix(content, "feed")


def test_json_is_told_from_lists() -> None:
    """By how it begins."""
    assert looks_like_stix(b' \n{"type": 1}')
    assert looks_like_stix(b"\xef\xbb\xbf[")
    assert not looks_like_stix(b"type,value\n")


_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 53), 1 << 53) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["id", "pattern", "type", "name", "valid_from"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None)
@given(
    extra=st.dictionaries(st.sampled_from(["revoked", "confidence", "valid_until", "labels", "pattern", "id", "name"]), _json),
    other=_json,
)
def test_any_object_is_read_or_skipped(extra: dict[str, Any], other: Any) -> None:
    """Objects of the wrong shape never break a bundle."""
    content = orjson.dumps({"objects": [{**indicator("[ipv4-addr:value = '198.51.100.7']"), **extra}, other]})
    feed = read_stix(content, "feed")
    assert len(feed.indicators) + len(feed.skipped) >= 1


@settings(max_examples=60, deadline=None)
@given(
    parts=st.lists(
        st.sampled_from(["[", "]", "(", ")", "'x'", "ipv4-addr:value", "=", "IN", "OR", "AND", "NOT", "FOLLOWEDBY", "5", "\\"]),
        max_size=20,
    )
)
def test_any_pattern_is_read_or_an_input_error(parts: list[str]) -> None:
    """The parser behind it never lets anything else out."""
    try:
        read_pattern(" ".join(parts))
    except InputError:
        return
