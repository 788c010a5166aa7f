"""Lookups of names, URLs, addresses and fingerprints."""

from __future__ import annotations

import numpy as np
import pytest

from hauberk.detect.indicators.matcher import IndicatorMatcher
from hauberk.detect.indicators.techniques import techniques_named
from hauberk.model.address import ip_halves
from hauberk.model.indicator import Indicator, IndicatorKind


def matcher(*pairs: tuple[IndicatorKind, str]) -> IndicatorMatcher:
    """One that knows these."""
    return IndicatorMatcher(Indicator(kind, value, "feed") for kind, value in pairs)


@pytest.mark.parametrize(
    "name, found",
    [
        ("evil.example", "evil.example"),
        ("A.B.Evil.Example.", "evil.example"),
        ("c2.evil.example", "c2.evil.example"),
        ("notevil.example", None),
        ("example", None),
        ("", None),
        ("evil.example.org", None),
    ],
)
def test_a_domain_stands_for_every_name_below_it(name: str, found: str | None) -> None:
    """The nearest one is given."""
    known = matcher((IndicatorKind.DOMAIN, "evil.example"), (IndicatorKind.DOMAIN, "c2.evil.example"))
    entry = known.domain(name)
    assert (entry.value if entry else None) == found


@pytest.mark.parametrize(
    "target, found",
    [
        ("Evil.Example/a?b=1", "evil.example/a?b=1"),
        ("evil.example:80/a?b=1", "evil.example/a?b=1"),
        ("evil.example/x?anything=1", "evil.example/x"),
        ("evil.example/a", None),
        ("evil.example", "evil.example/"),
        ("evil.example:8080/x", None),
    ],
)
def test_urls_are_compared_as_requests_show_them(target: str, found: str | None) -> None:
    """The host in any case; a URL without query stands for every query."""
    known = matcher(*((IndicatorKind.URL, url) for url in ("evil.example/a?b=1", "evil.example/x", "evil.example/")))
    entry = known.url(target)
    assert (entry.value if entry else None) == found


def test_an_entry_has_what_every_feed_says_of_it_and_of_ranges_around_it() -> None:
    """The narrowest first."""
    known = IndicatorMatcher(
        [
            Indicator(IndicatorKind.CIDR, "198.51.100.0/24", "wide"),
            Indicator(IndicatorKind.IP, "198.51.100.7", "one"),
            Indicator(IndicatorKind.IP, "198.51.100.7", "two"),
        ]
    )
    entry = known.address("198.51.100.7")
    assert entry is not None
    assert (entry.key, [one.source for one in entry.indicators]) == ("ip:198.51.100.7", ["one", "two", "wide"])
    assert known.by_key(entry.key) is entry
    assert len(known) == 2


def test_what_has_expired_is_in_no_row() -> None:
    """By the time of each row; a wider range that has not expired still counts."""
    known = IndicatorMatcher(
        [
            Indicator(IndicatorKind.IP, "198.51.100.7", "feed", valid_until=100.0),
            Indicator(IndicatorKind.IP, "198.51.100.9", "feed", valid_until=100.0),
            Indicator(IndicatorKind.CIDR, "198.51.100.8/30", "feed"),
        ]
    )
    halves = np.array([ip_halves(text) for text in ("198.51.100.7", "198.51.100.7", "198.51.100.9", "203.0.113.1")], np.uint64)
    bad, _ = known.rows(halves[:, 0].copy(), halves[:, 1].copy(), np.array([99.0, 100.0, 200.0, 0.0]))
    assert bad.tolist() == [True, False, True, False]


def test_techniques_are_named_as_attack_names_them() -> None:
    """Unknown ones are left out; a sub-technique that is not known stands for its technique."""
    assert [(one.id, one.matrix) for one in techniques_named(["t1071.999", "T0855", "t9999", "T0855"])] == [
        ("T1071", "enterprise"),
        ("T0855", "ics"),
    ]
