"""Names of ADS commands, states, errors and index groups.

Beckhoff Information System, "ADS specification" and "ADS return codes".
"""

from __future__ import annotations

from typing import Final

COMMANDS: Final[tuple[str, ...]] = (
    "invalid",
    "read_device_info",
    "read",
    "write",
    "read_state",
    "write_control",
    "add_device_notification",
    "delete_device_notification",
    "device_notification",
    "read_write",
)
"""ADS commands by number."""

TCP_COMMANDS: Final[dict[int, str]] = {
    0x0001: "port_close",
    0x1000: "port_connect",
    0x1001: "router_notification",
    0x1002: "get_local_net_id",
}
"""Commands of the AMS/TCP header other than carrying ADS (0)."""

STATES: Final[tuple[str, ...]] = (
    "invalid",
    "idle",
    "reset",
    "init",
    "start",
    "run",
    "stop",
    "save_config",
    "load_config",
    "power_failure",
    "power_good",
    "error",
    "shutdown",
    "suspend",
    "resume",
    "config",
    "reconfig",
    "stopping",
    "incompatible",
    "exception",
)
"""ADS states by number."""

LOOKUPS: Final[frozenset[int]] = frozenset(
    {0xF003, 0xF004, 0xF007, 0xF008, 0xF009, 0xF00A, 0xF00B, 0xF00C, 0xF00E, 0xF00F, 0xF010, 0xF011}
    | {0xF080, 0xF083, 0xF084, 0xF085, 0xF086}
    | {100, 110, 121, 122, 124, 125, 126, 133, 200, 400, 700}
)
"""Index groups whose read_write only asks: symbols by name, sums of reads and of notifications, reading of files and registry."""

RELEASES: Final[frozenset[int]] = frozenset({0xF006, 0xF086})
"""Index groups whose write only gives back a handle."""

FILE_OPEN: Final = 120
"""Index group whose read_write opens a file; bit 1 of the offset asks to write, bit 2 to append."""

ERRORS: Final[dict[int, str]] = {
    0x000: "ok",
    0x001: "internal_error",
    0x002: "no_real_time",
    0x003: "locked_memory_allocation_error",
    0x004: "mailbox_full",
    0x005: "wrong_receive_message",
    0x006: "target_port_not_found",
    0x007: "target_machine_not_found",
    0x008: "unknown_command_id",
    0x009: "invalid_task_id",
    0x00A: "no_io",
    0x00B: "unknown_ams_command",
    0x00C: "win32_error",
    0x00D: "port_not_connected",
    0x00E: "invalid_ams_length",
    0x00F: "invalid_ams_net_id",
    0x010: "low_installation_level",
    0x011: "no_debugging_available",
    0x012: "port_disabled",
    0x013: "port_already_connected",
    0x014: "ams_sync_win32_error",
    0x015: "ams_sync_timeout",
    0x016: "ams_sync_error",
    0x017: "no_index_map_for_ams_sync",
    0x018: "invalid_ams_port",
    0x019: "no_memory",
    0x01A: "tcp_send_error",
    0x01B: "host_unreachable",
    0x01C: "invalid_ams_fragment",
    0x01D: "tls_send_error",
    0x01E: "access_denied",
    0x500: "router_no_locked_memory",
    0x501: "router_memory_not_resized",
    0x502: "router_mailbox_full",
    0x503: "router_debug_mailbox_full",
    0x504: "router_unknown_port_type",
    0x505: "router_not_initialized",
    0x506: "router_port_already_in_use",
    0x507: "router_port_not_registered",
    0x508: "router_no_more_queues",
    0x509: "router_invalid_port",
    0x50A: "router_not_activated",
    0x700: "device_error",
    0x701: "service_not_supported",
    0x702: "invalid_index_group",
    0x703: "invalid_index_offset",
    0x704: "invalid_access",
    0x705: "invalid_size",
    0x706: "invalid_data",
    0x707: "not_ready",
    0x708: "busy",
    0x709: "invalid_context",
    0x70A: "no_memory",
    0x70B: "invalid_parameter",
    0x70C: "not_found",
    0x70D: "syntax_error",
    0x70E: "incompatible",
    0x70F: "exists",
    0x710: "symbol_not_found",
    0x711: "symbol_version_invalid",
    0x712: "invalid_state",
    0x713: "transmission_mode_not_supported",
    0x714: "notification_handle_invalid",
    0x715: "client_unknown",
    0x716: "no_more_handles",
    0x717: "invalid_watch_size",
    0x718: "not_initialized",
    0x719: "timeout",
    0x71A: "no_interface",
    0x71B: "invalid_interface",
    0x71C: "invalid_class_id",
    0x71D: "invalid_object_id",
    0x71E: "pending",
    0x71F: "aborted",
    0x720: "warning",
    0x721: "invalid_array_index",
    0x722: "symbol_not_active",
    0x723: "access_denied",
    0x724: "license_not_found",
    0x725: "license_expired",
    0x726: "license_exceeded",
    0x727: "license_invalid",
    0x740: "client_error",
    0x741: "client_invalid_parameter",
    0x742: "client_list_empty",
    0x743: "client_variable_used",
    0x744: "client_duplicate_invoke_id",
    0x745: "client_sync_timeout",
    0x746: "client_win32_error",
    0x747: "client_invalid_timeout",
    0x748: "client_port_not_open",
    0x749: "client_no_ams_address",
    0x750: "client_sync_internal_error",
    0x751: "client_hash_table_overflow",
    0x752: "client_hash_key_not_found",
    0x753: "client_no_more_symbols",
    0x754: "client_invalid_response",
    0x755: "client_port_locked",
}
"""Return codes of AMS and ADS."""

DISCOVERY: Final[dict[int, str]] = {1: "discover", 6: "add_route"}
"""Services of the router on UDP."""

TAG_STATUS, TAG_PASSWORD, TAG_TWINCAT, TAG_SYSTEM, TAG_HOST, TAG_NET_ID, TAG_ROUTE, TAG_USER = 1, 2, 3, 4, 5, 7, 12, 13
"""Tags of what the router says and asks on UDP that are read (the password's never is)."""
TAG_FINGERPRINT = 18
