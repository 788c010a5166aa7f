"""Which messages are a server's verdict on a log-in, and which of them refuse it."""

from __future__ import annotations

from hauberk.detect.view import Group
from hauberk.model.transaction import OK

_REFUSED = frozenset({"not_authorized", "bad_user_name_or_password", "identifier_rejected", "banned", "bad_authentication_method"})


def is_outcome(group: Group) -> bool:
    """True for a server's verdict on a log-in."""
    if group.role != "response":
        return False
    return group.operation == "login" or (group.protocol == "mqtt" and group.operation == "connack")


def is_refusal(group: Group) -> bool:
    """True for an outcome by which the server does not let the client in for who it says it is; a busy broker refuses nobody."""
    return is_outcome(group) and group.status != OK and (group.operation == "login" or group.status in _REFUSED)
