"""Requests to controllers, as the learned detectors look at them."""

from __future__ import annotations

from collections.abc import Iterator

from hauberk.detect.view import Group, View
from hauberk.model.service import OT_SERVICES
from hauberk.model.transaction import Transaction

DISCOVERY = frozenset(
    {
        *("who_is", "who_has", "i_am", "i_have", "list_identity", "list_services", "list_interfaces", "identify", "hello", "nop"),
        *("keep_alive", "reset_link_states", "test_link_states", "request_link_status", "testfr_act", "testfr_con"),
    }
)
"""Operations that ask who is there, or whether the line stands: sending one makes no master, answering one makes no server."""


def first_requests(view: View) -> Iterator[tuple[Group, Transaction]]:
    """First message of every group of operating-technology requests, in order of time."""
    for group, members in view.groups.items():
        if group.role == "request" and group.protocol in OT_SERVICES and group.operation not in DISCOVERY:
            yield group, members[0]
