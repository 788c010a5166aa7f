"""Credentials in clear HTTP."""

from __future__ import annotations

import base64

import pytest

from hauberk.sense.dissect.http_login import basic_user, form_user
from hauberk.sense.dissect.limits import DEFAULT_LIMITS


def test_basic_credentials_name_the_user() -> None:
    """In any case of the scheme; a cut field still names the user."""
    encoded = base64.b64encode(b"admin:" + b"x" * 400).decode()
    assert basic_user(f"Basic {encoded}", DEFAULT_LIMITS) == "admin"
    assert basic_user(f"basic {encoded[:50]}", DEFAULT_LIMITS) == "admin"


@pytest.mark.parametrize(
    "field", ["", "Bearer abc", "Basic !!!!", "Basic YWJj", "Digest username=x", "Basic \u00e9\u00e9\u00e9\u00e9"]
)
def test_other_credentials_are_none(field: str) -> None:
    """Other schemes, no base64, no colon."""
    assert basic_user(field, DEFAULT_LIMITS) is None


@pytest.mark.parametrize(
    "form, user",
    [
        ("user=a&pass=b", "a"),
        ("password=b&login=a%40x", "a@x"),
        ("pwd=b", ""),
        ("user=a", None),
        ("user=a&pass=", None),
        ("", None),
        ("compass=north&user=a", None),
    ],
)
def test_a_form_with_a_password_names_its_user(form: str, user: str | None) -> None:
    """Without a password it is no log-in."""
    assert form_user(form, DEFAULT_LIMITS) == user
