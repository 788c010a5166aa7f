"""Numbers and names of OPC UA: services, attributes, status codes and well-known nodes.

OPC 10000-6 annex A (numeric identifiers, binary encoding), OPC 10000-4 clause 7.39 (status codes), OPC 10000-6 annex A.1
(attributes), OPC 10000-5 (nodes of the server object). Names are snake_case. Data only: nothing is read here.
"""

from __future__ import annotations

from typing import Final

from hauberk.model.hint import HintKey
from hauberk.model.transaction import Role


def _numbered(first: int, names: str) -> dict[int, str]:
    """Names numbered upwards from ``first``."""
    return dict(enumerate(names.split(), first))


FAULT: Final = 397
OPEN_REQUEST, OPEN_RESPONSE, CLOSE_REQUEST = 446, 449, 452

_REQUESTS: Final[dict[int, str]] = {
    410: "test_stack",
    416: "test_stack_ex",
    422: "find_servers",
    428: "get_endpoints",
    437: "register_server",
    446: "open_secure_channel",
    452: "close_secure_channel",
    461: "create_session",
    467: "activate_session",
    473: "close_session",
    479: "cancel",
    488: "add_nodes",
    494: "add_references",
    500: "delete_nodes",
    506: "delete_references",
    527: "browse",
    533: "browse_next",
    554: "translate_browse_paths_to_node_ids",
    560: "register_nodes",
    566: "unregister_nodes",
    615: "query_first",
    621: "query_next",
    631: "read",
    664: "history_read",
    673: "write",
    700: "history_update",
    712: "call",
    751: "create_monitored_items",
    763: "modify_monitored_items",
    769: "set_monitoring_mode",
    775: "set_triggering",
    781: "delete_monitored_items",
    787: "create_subscription",
    793: "modify_subscription",
    799: "set_publishing_mode",
    826: "publish",
    832: "republish",
    841: "transfer_subscriptions",
    847: "delete_subscriptions",
}
"""Binary encoding identifiers of requests; those of their responses are three higher."""

SERVICES: Final[dict[int, tuple[str, Role]]] = {
    **{number: (name, "request") for number, name in _REQUESTS.items()},
    **{number + 3: (name, "response") for number, name in _REQUESTS.items()},
    FAULT: ("service_fault", "response"),
    12208: ("find_servers_on_network", "request"),
    12209: ("find_servers_on_network", "response"),
    12211: ("register_server2", "request"),
    12212: ("register_server2", "response"),
}

WRITES: Final = frozenset({"write", "call", "add_nodes", "add_references", "delete_nodes", "delete_references", "history_update"})
"""Services that change values, run methods or change the address space."""

VALUE: Final = 13
"""The attribute that reads and writes are usually about; it is not shown."""

ATTRIBUTES: Final[dict[int, str]] = _numbered(
    1,
    "node_id node_class browse_name display_name description write_mask user_write_mask is_abstract symmetric "
    "inverse_name contains_no_loops event_notifier value data_type value_rank array_dimensions access_level "
    "user_access_level minimum_sampling_interval historizing executable user_executable data_type_definition "
    "role_permissions user_role_permissions access_restrictions access_level_ex",
)

IDENTITY_NODES: Final[dict[str, HintKey]] = {
    "i=2261": HintKey.MODEL,
    "i=2263": HintKey.VENDOR,
    "i=2264": HintKey.FIRMWARE,
}
"""Product name, manufacturer name and software version of the server (OPC 10000-5, BuildInfo)."""

USER_TOKENS: Final[dict[int, str]] = {321: "anonymous", 324: "user_name", 327: "certificate", 940: "issued_token"}
"""Identity tokens by binary encoding identifier."""

MODES: Final[dict[int, str]] = {0: "invalid", 1: "none", 2: "sign", 3: "sign_and_encrypt"}
"""Message security modes."""


def _codes(first: int, names: str) -> dict[int, str]:
    return {number << 16: f"bad_{name}" for number, name in _numbered(first, names).items()}


STATUSES: Final[dict[int, str]] = {
    0x00000000: "ok",
    **_codes(
        0x8001,
        "unexpected_error internal_error out_of_memory resource_unavailable communication_error encoding_error decoding_error "
        "encoding_limits_exceeded unknown_response timeout service_unsupported shutdown server_not_connected server_halted "
        "nothing_to_do too_many_operations data_type_id_unknown certificate_invalid security_checks_failed "
        "certificate_time_invalid certificate_issuer_time_invalid certificate_host_name_invalid certificate_uri_invalid "
        "certificate_use_not_allowed certificate_issuer_use_not_allowed certificate_untrusted certificate_revocation_unknown "
        "certificate_issuer_revocation_unknown certificate_revoked certificate_issuer_revoked user_access_denied "
        "identity_token_invalid identity_token_rejected secure_channel_id_invalid invalid_timestamp nonce_invalid "
        "session_id_invalid session_closed session_not_activated subscription_id_invalid",
    ),
    **_codes(0x802A, "request_header_invalid timestamps_to_return_invalid request_cancelled_by_client"),
    **_codes(
        0x8031,
        "no_communication waiting_for_initial_data node_id_invalid node_id_unknown attribute_id_invalid index_range_invalid "
        "index_range_no_data data_encoding_invalid data_encoding_unsupported not_readable not_writable out_of_range "
        "not_supported not_found object_deleted not_implemented monitoring_mode_invalid monitored_item_id_invalid "
        "monitored_item_filter_invalid monitored_item_filter_unsupported filter_not_allowed structure_missing "
        "event_filter_invalid content_filter_invalid filter_operand_invalid continuation_point_invalid "
        "no_continuation_points reference_type_id_invalid browse_direction_invalid node_not_in_view server_uri_invalid "
        "server_name_missing discovery_url_missing semaphore_file_missing request_type_invalid security_mode_rejected "
        "security_policy_rejected too_many_sessions user_signature_invalid application_signature_invalid "
        "no_valid_certificates request_cancelled_by_request parent_node_id_invalid reference_not_allowed node_id_rejected "
        "node_id_exists node_class_invalid browse_name_invalid browse_name_duplicated node_attributes_invalid "
        "type_definition_invalid source_node_id_invalid target_node_id_invalid duplicate_reference_not_allowed "
        "invalid_self_reference reference_local_only no_delete_rights",
    ),
    **_codes(0x806A, "server_index_invalid view_id_unknown"),
    **_codes(
        0x806D,
        "too_many_matches query_too_complex no_match max_age_invalid history_operation_invalid "
        "history_operation_unsupported write_not_supported type_mismatch method_invalid arguments_missing "
        "too_many_subscriptions too_many_publish_requests no_subscription sequence_number_unknown message_not_available "
        "insufficient_client_profile tcp_server_too_busy tcp_message_type_invalid tcp_secure_channel_unknown "
        "tcp_message_too_large tcp_not_enough_resources tcp_internal_error tcp_endpoint_url_invalid request_interrupted "
        "request_timeout secure_channel_closed secure_channel_token_unknown sequence_number_invalid configuration_error "
        "not_connected device_failure sensor_failure out_of_service deadband_filter_invalid",
    ),
    0x80AB0000: "bad_invalid_argument",
    0x80AC0000: "bad_connection_rejected",
    0x80AD0000: "bad_disconnect",
    0x80AE0000: "bad_connection_closed",
    0x80AF0000: "bad_invalid_state",
    0x80B80000: "bad_request_too_large",
    0x80B90000: "bad_response_too_large",
    0x80BE0000: "bad_protocol_version_unsupported",
    0x80BF0000: "bad_state_not_active",
    0x80DB0000: "bad_too_many_monitored_items",
}
"""Status codes without their low half, which qualifies them."""


def status_name(code: int) -> str:
    """A status code as text: ``ok`` for all good ones, the name of a known bad one, else its number."""
    if code >> 30 == 0:
        return "ok"
    return STATUSES.get(code & 0xFFFF0000) or f"0x{code:08x}"
