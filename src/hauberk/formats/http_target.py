"""Targets of HTTP requests as Hauberk shows them: without secrets.

What reads requests off the wire and what reads lists of bad URLs hide the same things, so that the two can be compared.
"""

from __future__ import annotations

import re

LONGEST_TARGET = 512
"""Characters of a target that are kept."""

_SECRET_WORDS = ("pass", "pwd", "psw", "token", "secret", "key", "auth", "session", "signature", "credential", "sid", "sso", "pin")
_HIDDEN = "*"
_LONG_SEGMENT = re.compile(r"(?<=/)(?=[A-Za-z_-]*[0-9])[A-Za-z0-9_-]{24,}(?=/|$)")
"""A path segment that may be a key: long, without a dot and with a digit in it. Bridges take their tokens there."""


def is_secret(name: str) -> bool:
    """True for the name of a parameter whose value may be a secret."""
    lowered = name.lower()
    return any(word in lowered for word in _SECRET_WORDS)


def without_secrets(target: str) -> str:
    """``target`` (host, path and query) with the values of secret parameters and segments that look like keys replaced."""
    path, mark, query = target.partition("?")
    path = _LONG_SEGMENT.sub(_HIDDEN, path)
    return f"{path}?{'&'.join(map(_without_secret, query.split('&')))}" if mark else path


def _without_secret(parameter: str) -> str:
    name, equals, value = parameter.partition("=")
    return f"{name}={_HIDDEN}" if equals and value and is_secret(name) else parameter
