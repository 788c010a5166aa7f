"""Values of indicators: refanged, normalised, refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hauberk.errors import InputError
from hauberk.formats.indicator_values import guessed, normal, refang
from hauberk.model.indicator import IndicatorKind


@pytest.mark.parametrize(
    "written, meant",
    [
        ("hxxp://a[.]example/x", "http://a.example/x"),
        ("hxxps[://]a(.)example", "https://a.example"),
        ("a[dot]b{.}example", "a.b.example"),
        ("198[.]51[.]100[.]7", "198.51.100.7"),
        ("2001[:]db8::1", "2001:db8::1"),
    ],
)
def test_defanged_values_are_restored(written: str, meant: str) -> None:
    """Every way of defanging in use."""
    assert refang(written) == meant


@pytest.mark.parametrize(
    "text, kind, value",
    [
        ("198.51.100.7", IndicatorKind.IP, "198.51.100.7"),
        ("198.51.100.7/32", IndicatorKind.IP, "198.51.100.7"),
        ("198.51.100.9/24", IndicatorKind.CIDR, "198.51.100.0/24"),
        ("2001:DB8:0::1", IndicatorKind.IP, "2001:db8::1"),
        ("::ffff:198.51.100.7", IndicatorKind.IP, "198.51.100.7"),
        ("*.Evil.Example.", IndicatorKind.DOMAIN, "evil.example"),
        ("bücher.example", IndicatorKind.DOMAIN, "xn--bcher-kva.example"),
        ("HTTP://User@Evil.example:80/A?b=1#c", IndicatorKind.URL, "evil.example/A?b=1"),
        ("https://evil.example:8443", IndicatorKind.URL, "evil.example:8443/"),
        ("http://[2001:db8::1]/x", IndicatorKind.URL, "[2001:db8::1]/x"),
        ("http://evil.example/?token=s3cret", IndicatorKind.URL, "evil.example/?token=*"),
        ("t13d181100_85036BCBA153_d41ae481755e", IndicatorKind.JA4, "t13d181100_85036bcba153_d41ae481755e"),
    ],
)
def test_values_are_normalised(text: str, kind: IndicatorKind, value: str) -> None:
    """Guessed from the text alone."""
    assert guessed(text) == (kind, value)


@pytest.mark.parametrize(
    "text, reason",
    [
        ("0.0.0.0/0", "too wide"),
        ("10.0.0.0/8", "every network uses"),
        ("192.0.0.0/8", "every network uses"),
        ("224.1.0.0/16", "every network uses"),
        ("127.0.0.1", "nobody's"),
        ("255.255.255.255", "nobody's"),
        ("fe80::/10", "too wide"),
        ("fc00::/7", "too wide"),
        ("com", "single label"),
        ("a b.example", "no domain name"),
        ("1.2.3", "no domain name"),
        ("aa" * 32, "what it is of"),
        ("http:///x", "no URL"),
        ("http://a.example:99999/", "no URL"),
        ("x" * 9000, "too long"),
    ],
)
def test_what_would_match_too_much_or_nothing_is_refused(text: str, reason: str) -> None:
    """With the reason."""
    with pytest.raises(InputError, match=reason):
        guessed(text)


def test_part_of_a_private_network_may_be_bad() -> None:
    """An owner may call one of his own ranges bad."""
    assert normal(IndicatorKind.CIDR, "10.66.0.0/24") == (IndicatorKind.CIDR, "10.66.0.0/24")


@pytest.mark.parametrize("kind, digits", [(IndicatorKind.CERTIFICATE_SHA1, 20), (IndicatorKind.CERTIFICATE_SHA256, 32)])
def test_hashes_may_have_colons(kind: IndicatorKind, digits: int) -> None:
    """And any case; of another length they are none."""
    assert normal(kind, ":".join(["AB"] * digits)) == (kind, "ab" * digits)
    with pytest.raises(InputError, match="no hash"):
        normal(kind, "ab" * (digits - 1))


@given(text=st.text(max_size=60), kind=st.sampled_from(IndicatorKind))
def test_any_text_is_a_value_or_an_input_error(text: str, kind: IndicatorKind) -> None:
    """And a normal value stays as it is."""
    for read in (guessed, lambda text: normal(kind, text)):
        try:
            found, value = read(text)
        except InputError:
            continue
        if found is not IndicatorKind.URL:
            assert normal(found, value) == (found, value)
