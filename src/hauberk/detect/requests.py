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


SESSION = frozenset(
    {
        *("setup_communication", "open_secure_channel", "close_secure_channel", "create_session", "activate_session"),
        *("close_session", "register_session", "unregister_session", "forward_open", "large_forward_open", "forward_close"),
        *("unconnected_send", "multiple_service_packet", "initiate", "conclude", "session_initiate", "session_close"),
        *("startdt_act", "startdt_con", "get_endpoints", "find_servers", "begin_sequence", "end_sequence", "confirm"),
        *("segment_ack", "ack", "acknowledge", "init_communication", "supervisory", "cancel", "delete_device_notification"),
    }
)
"""Operations that open, close or carry a session: they come with every new connection and say nothing of what is done in it."""


CALLED_BACK = frozenset({"download_block", "download_ended"})
"""Operations with which a controller, told to take a program, fetches it: the one who answers them commands (S7comm)."""


def is_request(group: Group) -> bool:
    """True for requests that operate a device; what cannot be read operates none and is for ``malformed_messages`` to say."""
    readable = group.status != MALFORMED and group.operation not in DISCOVERY and group.operation not in CALLED_BACK
    return group.role == "request" and group.protocol in OT_SERVICES and readable


def is_command(group: Group) -> bool:
    """True for a write, program, control or stop operation, seen as request or only as its answer (a capture of one direction)."""
    readable = group.status != MALFORMED and group.operation not in DISCOVERY
    return group.write and group.role != "event" and group.protocol in OT_SERVICES and readable


def ends(group: Group) -> tuple[str, str]:
    """Who commands and who is commanded."""
    turned = (group.role == "response") != (group.operation in CALLED_BACK)
    return (group.dst, group.src) if turned else (group.src, group.dst)
