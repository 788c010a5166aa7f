"""Finds credentials that HTTP carries in the clear: Basic authentication (RFC 7617), submitted forms and queries.

Gives the user's name. Must never keep, return or compare a password.
"""

from __future__ import annotations

import base64
import binascii
from urllib.parse import unquote_plus

from hauberk.sense.dissect.limits import Limits
from hauberk.sense.dissect.reader import text

_PASSWORDS = frozenset({"pass", "pw", "psw", "passphrase", "user_pass", "loginpass"})
_USERS = frozenset(
    {"user", "username", "user_name", "login", "loginname", "email", "name", "uname", "usr", "userid", "uid", "account", "log"}
)
_BASIC = "basic "


def basic_user(authorization: str, limits: Limits) -> str | None:
    """The user of Basic credentials; None for every other scheme and for what cannot be decoded."""
    if authorization[: len(_BASIC)].lower() != _BASIC:
        return None
    encoded = authorization[len(_BASIC) :].strip()
    try:
        # The field may have been cut to the longest text kept: whole groups of four letters are enough for the name.
        decoded = base64.b64decode(encoded[: len(encoded) // 4 * 4], validate=True)
    except (binascii.Error, ValueError):
        return None
    user, colon, _ = decoded.partition(b":")
    return text(user, limits.text) if colon else None


def form_user(form: str, limits: Limits) -> str | None:
    """The user a form or query logs in, where it has a password too: empty where it names none, None where it is no log-in."""
    user = ""
    password = False
    for parameter in form.split("&", limits.items):
        name, _, value = parameter.partition("=")
        name = unquote_plus(name[:64]).lower()
        if name in _PASSWORDS or "passw" in name or "pwd" in name:
            password = password or bool(value)
        elif not user and (name in _USERS or "user" in name):
            user = unquote_plus(value[: limits.text])
    return text(user.encode("utf-8", "replace"), limits.text) if password else None
