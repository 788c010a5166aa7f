"""Names and numbers of protocols as the dissectors use them, for messages that another sensor has read.

Modbus Application Protocol 1.1b3, IEEE 1815-2012 (DNP3), MQTT 3.1.1, RFC 2132 (DHCP), RFC 1035 and the IANA registers of DNS and
HTTP, CIP volume 1, ASHRAE 135 (BACnet), and S7comm as controllers speak it. Tables only; a test holds them against the dissectors'.
"""

from __future__ import annotations

MODBUS_FUNCTIONS = {
    1: "read_coils",
    2: "read_discrete_inputs",
    3: "read_holding_registers",
    4: "read_input_registers",
    5: "write_single_coil",
    6: "write_single_register",
    7: "read_exception_status",
    8: "diagnostics",
    9: "program_484",
    10: "poll_484",
    11: "get_comm_event_counter",
    12: "get_comm_event_log",
    13: "program_controller",
    14: "poll_controller",
    15: "write_multiple_coils",
    16: "write_multiple_registers",
    17: "report_server_id",
    18: "program_884",
    19: "reset_comm_link",
    20: "read_file_record",
    21: "write_file_record",
    22: "mask_write_register",
    23: "read_write_multiple_registers",
    24: "read_fifo_queue",
    40: "program_concept",
    43: "encapsulated_interface_transport",
    90: "umas",
    125: "firmware_replacement",
    126: "program_584_984",
    127: "report_local_address",
}
MODBUS_WRITES = frozenset({5, 6, 9, 13, 15, 16, 18, 19, 21, 22, 23, 40, 125, 126})
MODBUS_EXCEPTIONS = {
    1: "illegal_function",
    2: "illegal_data_address",
    3: "illegal_data_value",
    4: "server_device_failure",
    5: "acknowledge",
    6: "server_device_busy",
    7: "negative_acknowledge",
    8: "memory_parity_error",
    10: "gateway_path_unavailable",
    11: "gateway_target_device_failed_to_respond",
}
MODBUS_TABLES = {1: "coil", 2: "discrete_input", 3: "holding_register", 4: "input_register", 5: "coil", 6: "holding_register"} | {
    15: "coil",
    16: "holding_register",
    22: "holding_register",
    23: "holding_register",
}
"""Table a function acts on, by function code."""

DNP3_FUNCTIONS = {
    0: "confirm",
    1: "read",
    2: "write",
    3: "select",
    4: "operate",
    5: "direct_operate",
    6: "direct_operate_nr",
    7: "immed_freeze",
    8: "immed_freeze_nr",
    9: "freeze_clear",
    10: "freeze_clear_nr",
    11: "freeze_at_time",
    12: "freeze_at_time_nr",
    13: "cold_restart",
    14: "warm_restart",
    15: "initialize_data",
    16: "initialize_application",
    17: "start_application",
    18: "stop_application",
    19: "save_configuration",
    20: "enable_unsolicited",
    21: "disable_unsolicited",
    22: "assign_class",
    23: "delay_measurement",
    24: "record_current_time",
    25: "open_file",
    26: "close_file",
    27: "delete_file",
    28: "get_file_info",
    29: "authenticate_file",
    30: "abort_file",
    31: "activate_configuration",
    32: "authentication_request",
    33: "authentication_request_nr",
    129: "response",
    130: "unsolicited_response",
    131: "authentication_response",
}
DNP3_WRITES = frozenset({2, *range(3, 23), 27, 30, 31})
DNP3_INDICATIONS = (
    "broadcast",
    "class_1_events",
    "class_2_events",
    "class_3_events",
    "need_time",
    "local_control",
    "device_trouble",
    "device_restart",
    "no_func_code_support",
    "object_unknown",
    "parameter_error",
    "event_buffer_overflow",
    "already_executing",
    "config_corrupt",
)
DNP3_REFUSALS = (8, 9, 10, 12, 13)

MQTT_TYPES = (
    *("reserved", "connect", "connack", "publish", "puback", "pubrec", "pubrel", "pubcomp"),
    *("subscribe", "suback", "unsubscribe", "unsuback", "pingreq", "pingresp", "disconnect", "auth"),
)
MQTT_RETURN_CODES = {
    0: "ok",
    1: "unacceptable_protocol_version",
    2: "identifier_rejected",
    3: "server_unavailable",
    4: "bad_user_name_or_password",
    5: "not_authorized",
}
MQTT_VERSIONS = {3: "3.1", 4: "3.1.1", 5: "5.0"}

DHCP_TYPES = (
    *("", "discover", "offer", "request", "decline", "ack", "nak", "release", "inform", "force_renew", "lease_query"),
    *("lease_unassigned", "lease_unknown", "lease_active"),
)
DHCP_PARAMETERS = {
    "subnet_mask": 1,
    "time_offset": 2,
    "router": 3,
    "time_server": 4,
    "name_server": 5,
    "dns_server": 6,
    "log_server": 7,
    "lpr_server": 9,
    "hostname": 12,
    "boot_file_size": 13,
    "domain": 15,
    "swap_server": 16,
    "root_path": 17,
    "interface_mtu": 26,
    "broadcast": 28,
    "router_discovery": 31,
    "static_route": 33,
    "nis_domain": 40,
    "nis_servers": 41,
    "ntp_servers": 42,
    "vendor_specific": 43,
    "netbios_name_server": 44,
    "netbios_dgm_server": 45,
    "netbios_node_type": 46,
    "netbios_scope": 47,
    "requested_ip": 50,
    "lease_time": 51,
    "dhcp_server": 54,
    "renewal_time": 58,
    "rebinding_time": 59,
    "vendor_class": 60,
    "client_id": 61,
    "tftp_server_name": 66,
    "bootfile_name": 67,
    "domain_search": 119,
    "classless_static_route": 121,
}
"""Numbers of the options a client asks for, by the names Suricata gives them."""

DNS_RESPONSES = (
    *("ok", "formerr", "servfail", "nxdomain", "notimp", "refused", "yxdomain", "yxrrset", "nxrrset", "notauth", "notzone"),
    "dsotypeni",
)
DNS_TYPES = {
    "A": 1,
    "NS": 2,
    "CNAME": 5,
    "SOA": 6,
    "NULL": 10,
    "PTR": 12,
    "HINFO": 13,
    "MX": 15,
    "TXT": 16,
    "KEY": 25,
    "AAAA": 28,
    "LOC": 29,
    "SRV": 33,
    "NAPTR": 35,
    "DNAME": 39,
    "OPT": 41,
    "DS": 43,
    "SSHFP": 44,
    "RRSIG": 46,
    "NSEC": 47,
    "DNSKEY": 48,
    "NSEC3": 50,
    "TLSA": 52,
    "SVCB": 64,
    "HTTPS": 65,
    "SPF": 99,
    "TKEY": 249,
    "TSIG": 250,
    "IXFR": 251,
    "AXFR": 252,
    "ANY": 255,
    "URI": 256,
    "CAA": 257,
}

NTP_MODES = ("reserved", "symmetric_active", "symmetric_passive", "client", "server", "broadcast", "control", "private")

S7_FUNCTIONS = {
    0x00: "cpu_services",
    0x04: "read_var",
    0x05: "write_var",
    0x1A: "request_download",
    0x1B: "download_block",
    0x1C: "download_ended",
    0x1D: "start_upload",
    0x1E: "upload",
    0x1F: "end_upload",
    0x28: "pi_service",
    0x29: "plc_stop",
    0xF0: "setup_communication",
}
S7_WRITES = frozenset({0x05, 0x1A, 0x1B, 0x1C, 0x28, 0x29})
S7_SERVICES = {
    (3, 1): "list_blocks",
    (3, 2): "list_blocks_of_type",
    (3, 3): "get_block_info",
    (4, 1): "read_szl",
    (4, 2): "message_service",
    (5, 1): "set_plc_session_password",
    (5, 2): "clear_plc_session_password",
    (7, 1): "read_clock",
    (7, 2): "set_clock",
    (7, 3): "read_clock_following",
    (7, 4): "set_clock",
}
"""Operations of user data by function group and subfunction; others are named by what the log says."""
S7_SERVICE_WRITES = frozenset({(7, 2), (7, 4)})
S7_ERRORS = {
    0xD041: "no_memory_for_job",
    0xD061: "not_permitted_in_mode",
    0xD081: "not_permitted_at_protection_level",
    0xD0A1: "variable_access_error",
    0xD201: "block_name_syntax_error",
    0xD202: "function_parameter_syntax_error",
    0xD209: "block_not_found_on_module",
    0xD20E: "no_block_available",
    0xD240: "coordination_rules_violated",
    0xD241: "not_permitted_at_protection_level",
    0xD242: "protection_violation",
    0xD401: "information_not_available",
    0xD402: "information_not_available",
    0xD602: "incorrect_password",
    0xD605: "no_password_configured",
}
"""Errors of user data that the log gives whole; of others it gives the class."""

CIP_WRITES = frozenset({0x02, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0D, 0x10, 0x15, 0x16, 0x19, 0x1A, 0x1B})
CIP_WRITE_OPERATIONS = frozenset({"write_tag", "read_modify_write_tag", "write_tag_fragmented"})
ENIP_COMMANDS = {
    0x00: "nop",
    0x04: "list_services",
    0x63: "list_identity",
    0x64: "list_interfaces",
    0x65: "register_session",
    0x66: "unregister_session",
    0x6F: "send_rr_data",
    0x70: "send_unit_data",
    0x72: "indicate_status",
    0x73: "cancel",
}
ENIP_CARRIERS = frozenset({0x6F, 0x70})
"""Commands that carry CIP, whose own log tells of it."""

BACNET_CONFIRMED = [
    "acknowledge_alarm",
    "confirmed_cov_notification",
    "confirmed_event_notification",
    "get_alarm_summary",
    "get_enrollment_summary",
    "subscribe_cov",
    "atomic_read_file",
    "atomic_write_file",
    "add_list_element",
    "remove_list_element",
    "create_object",
    "delete_object",
    "read_property",
    "read_property_conditional",
    "read_property_multiple",
    "write_property",
    "write_property_multiple",
    "device_communication_control",
    "confirmed_private_transfer",
    "confirmed_text_message",
    "reinitialize_device",
    "vt_open",
    "vt_close",
    "vt_data",
    "authenticate",
    "request_key",
    "read_range",
    "life_safety_operation",
    "subscribe_cov_property",
    "get_event_information",
]
BACNET_UNCONFIRMED = [
    "i_am",
    "i_have",
    "unconfirmed_cov_notification",
    "unconfirmed_event_notification",
    "unconfirmed_private_transfer",
    "unconfirmed_text_message",
    "time_synchronization",
    "who_has",
    "who_is",
    "utc_time_synchronization",
    "write_group",
]
BACNET_CONFIRMED_WRITES = frozenset({7, 8, 9, 10, 11, 15, 16, 17, 20, 27})
BACNET_UNCONFIRMED_WRITES = frozenset({6, 9, 10})
BACNET_EVENTS = frozenset({0, 1, 2, 3, 4, 5, 11, 12})
"""Unconfirmed services that tell and do not ask."""

FTP_WRITES = frozenset({"stor", "stou", "appe", "dele", "rmd", "mkd", "xrmd", "xmkd", "rnfr", "rnto", "site"})
FTP_ERRORS = {
    421: "service_not_available",
    425: "cannot_open_data_connection",
    426: "connection_closed",
    430: "invalid_credentials",
    450: "file_unavailable",
    451: "local_error",
    452: "insufficient_storage",
    500: "syntax_error",
    501: "argument_error",
    502: "not_implemented",
    503: "bad_sequence",
    504: "argument_not_implemented",
    530: "not_logged_in",
    532: "need_account",
    534: "request_denied",
    550: "file_unavailable",
    551: "page_type_unknown",
    552: "storage_exceeded",
    553: "file_name_not_allowed",
}

HTTP_WRITES = frozenset({"put", "delete", "patch", "proppatch", "mkcol", "copy", "move", "merge"})
HTTP_ERRORS = {
    400: "bad_request",
    401: "unauthorized",
    402: "payment_required",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    407: "proxy_authentication_required",
    408: "request_timeout",
    409: "conflict",
    410: "gone",
    411: "length_required",
    412: "precondition_failed",
    413: "content_too_large",
    414: "uri_too_long",
    415: "unsupported_media_type",
    416: "range_not_satisfiable",
    417: "expectation_failed",
    418: "unused",
    421: "misdirected_request",
    422: "unprocessable_content",
    423: "locked",
    424: "failed_dependency",
    425: "too_early",
    426: "upgrade_required",
    428: "precondition_required",
    429: "too_many_requests",
    431: "request_header_fields_too_large",
    451: "unavailable_for_legal_reasons",
    500: "internal_server_error",
    501: "not_implemented",
    502: "bad_gateway",
    503: "service_unavailable",
    504: "gateway_timeout",
    505: "http_version_not_supported",
    506: "variant_also_negotiates",
    507: "insufficient_storage",
    508: "loop_detected",
    510: "not_extended",
    511: "network_authentication_required",
}

TLS_VERSIONS = {
    "sslv2": "SSL 2.0",
    "sslv3": "SSL 3.0",
    "tlsv1": "TLS 1.0",
    "tlsv10": "TLS 1.0",
    "tlsv11": "TLS 1.1",
    "tlsv12": "TLS 1.2",
    "tlsv13": "TLS 1.3",
}
"""Zeek's version names in lower case."""


def modbus_function(code: int) -> str:
    """The operation of a Modbus function code."""
    if (name := MODBUS_FUNCTIONS.get(code)) is not None:
        return name
    return f"user_defined_function_{code}" if 65 <= code <= 72 or 100 <= code <= 110 else f"reserved_function_{code}"


def http_status(code: int) -> str:
    """``ok`` below 400, the name of the error otherwise."""
    return "ok" if code < 400 else HTTP_ERRORS.get(code) or f"status_{code}"


def ftp_status(code: int) -> str:
    """``ok`` below 400, the name of the error otherwise."""
    return "ok" if code < 400 else FTP_ERRORS.get(code) or f"reply_{code}"


def dns_status(code: int) -> str:
    """Status word of a DNS response code."""
    return DNS_RESPONSES[code] if 0 <= code < len(DNS_RESPONSES) else f"rcode_{code}"


def dnp3_indications(word: int) -> tuple[tuple[str, ...], str]:
    """Names of the internal indications in ``word`` (first octet in the low byte) and the status they mean."""
    said = tuple(name for bit, name in enumerate(DNP3_INDICATIONS) if word >> bit & 1)
    return said, next((DNP3_INDICATIONS[bit] for bit in DNP3_REFUSALS if word >> bit & 1), "ok")
