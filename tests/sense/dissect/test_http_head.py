"""Heads of HTTP messages."""

from __future__ import annotations

import pytest

from hauberk.formats.http_target import is_secret
from hauberk.sense.dissect.http_head import read_fields, shown_target
from hauberk.sense.dissect.limits import DEFAULT_LIMITS, Limits


def test_wanted_fields_are_kept_once() -> None:
    """Names in any case, values without surrounding space, the first of several."""
    head = read_fields(b"GET / HTTP/1.1\r\nHOST:  a \r\nX: 1\r\nhost: b\r\n\r\n", {"host"}, DEFAULT_LIMITS)
    assert head == ({"host": "a"}, True)


def test_folded_lines_are_passed_over() -> None:
    """Obsolete, but no error (RFC 9112 section 5.2)."""
    assert read_fields(b"GET / HTTP/1.1\nA: b\n c\n\n", {"a"}, DEFAULT_LIMITS) == ({"a": "b"}, True)


def test_a_line_without_colon_is_no_field() -> None:
    """The head is not whole."""
    assert not read_fields(b"GET / HTTP/1.1\r\nbroken\r\n\r\n", {"a"}, DEFAULT_LIMITS).whole


def test_values_are_cut_and_escaped() -> None:
    """No control characters reach a terminal."""
    head = read_fields(b"GET / HTTP/1.1\r\nA: " + b"x" * 99 + b"\r\nB: \x1b[2J\r\n\r\n", {"a", "b"}, Limits(text=10))
    assert head.fields == {"a": "x" * 10, "b": "\\x1b[2J"}


@pytest.mark.parametrize(
    "target, shown",
    [
        ("/a?b=1", "h/a?b=1"),
        ("/a?token=abc&x=1&PassWord=q", "h/a?token=*&x=1&PassWord=*"),
        ("http://user:pw@other/a", "other/a"),
        ("/api/0123456789abcdef0123456789abcdef/lights", "h/api/*/lights"),
        ("/firmware-image-for-all-models.bin", "h/firmware-image-for-all-models.bin"),
        ("*", "h*"),
    ],
)
def test_secrets_in_targets_are_hidden(target: str, shown: str) -> None:
    """Parameters by name, credentials in URLs, segments that may be keys."""
    assert shown_target(target, "h", DEFAULT_LIMITS) == shown


def test_targets_are_cut() -> None:
    """To the longest text kept."""
    assert len(shown_target("/" + "a/" * 999, "h", Limits(text=50))) == 50


@pytest.mark.parametrize("name, secret", [("api_key", True), ("SessionId", True), ("page", False)])
def test_secrets_are_told_by_name(name: str, secret: bool) -> None:
    """In any case."""
    assert is_secret(name) is secret
