"""Requests to controllers, as the learned detectors look at them."""

from __future__ import annotations

from hauberk.detect.view import Group
from hauberk.model.service import OT_SERVICES
from hauberk.model.transaction import MALFORMED

DISCOVERY = frozenset(
    {
        *("who_is", "who_has", "i_am", "i_have", "list_identity", "list_services", "list_interfaces", "identify", "hello", "nop"),
        *("keep_alive", "reset_link_states", "test_link_states", "request_link_status", "testfr_act", "testfr_con"),
    }
)
"""Operations that ask who is there, or whether the line stands: sending one makes no master, answering one makes no server."""


def is_request(group: Group) -> bool:
    """True for requests that operate a device; what cannot be read operates none and is for ``malformed_messages`` to say."""
    readable = group.status != MALFORMED and group.operation not in DISCOVERY
    return group.role == "request" and group.protocol in OT_SERVICES and readable
