"""Names of FINS commands, memory areas and end codes (Omron W227 and W342, FINS commands reference; W421 for FINS/TCP)."""

from __future__ import annotations

from typing import Final

COMMANDS: Final[dict[int, str]] = {
    0x0101: "memory_area_read",
    0x0102: "memory_area_write",
    0x0103: "memory_area_fill",
    0x0104: "multiple_memory_area_read",
    0x0105: "memory_area_transfer",
    0x0201: "parameter_area_read",
    0x0202: "parameter_area_write",
    0x0203: "parameter_area_clear",
    0x0220: "data_link_table_read",
    0x0221: "data_link_table_write",
    0x0304: "program_area_protect",
    0x0305: "program_area_protect_clear",
    0x0306: "program_area_read",
    0x0307: "program_area_write",
    0x0308: "program_area_clear",
    0x0401: "run",
    0x0402: "stop",
    0x0403: "reset",
    0x0501: "controller_data_read",
    0x0502: "connection_data_read",
    0x0601: "controller_status_read",
    0x0602: "network_status_read",
    0x0603: "data_link_status_read",
    0x0620: "cycle_time_read",
    0x0701: "clock_read",
    0x0702: "clock_write",
    0x0801: "loopback_test",
    0x0802: "broadcast_test_results_read",
    0x0803: "broadcast_test_data_send",
    0x0920: "message_read",
    0x0C01: "access_right_acquire",
    0x0C02: "access_right_forced_acquire",
    0x0C03: "access_right_release",
    0x2101: "error_clear",
    0x2102: "error_log_read",
    0x2103: "error_log_clear",
    0x2140: "fins_write_access_log_read",
    0x2141: "fins_write_access_log_clear",
    0x2201: "file_name_read",
    0x2202: "single_file_read",
    0x2203: "single_file_write",
    0x2204: "memory_card_format",
    0x2205: "file_delete",
    0x2206: "volume_label_create_delete",
    0x2207: "file_copy",
    0x2208: "file_name_change",
    0x2209: "file_data_check",
    0x220A: "memory_area_file_transfer",
    0x220B: "parameter_area_file_transfer",
    0x220C: "program_area_file_transfer",
    0x220F: "file_memory_index_read",
    0x2210: "file_memory_read",
    0x2211: "file_memory_write",
    0x2215: "directory_create_delete",
    0x2220: "memory_cassette_transfer",
    0x2301: "forced_set_reset",
    0x2302: "forced_set_reset_cancel",
    0x230A: "multiple_forced_status_read",
    0x2601: "name_set",
    0x2602: "name_delete",
    0x2603: "name_read",
    0x2801: "object_data_read",
    0x2802: "object_data_write",
}
"""Commands by main and sub request code."""

WRITES: Final[frozenset[int]] = frozenset(
    {0x0102, 0x0103, 0x0105, 0x0202, 0x0203, 0x0221, 0x0304, 0x0305, 0x0307, 0x0308, 0x0401, 0x0402, 0x0403, 0x0702}
    | {0x0C01, 0x0C02, 0x0C03, 0x2101, 0x2103, 0x2141, 0x2203, 0x2204, 0x2205, 0x2206, 0x2207, 0x2208, 0x220A, 0x220B, 0x220C}
    | {0x2211, 0x2215, 0x2220, 0x2301, 0x2302, 0x2601, 0x2602, 0x2802}
)
"""Commands that write, control, take control or change files."""

LEAST: Final[dict[int, tuple[int, int]]] = {
    0x0101: (6, 6),
    0x0102: (6, 2012),
    0x0103: (8, 10),
    0x0104: (4, 2012),
    0x0105: (10, 10),
    0x0201: (6, 6),
    0x0203: (8, 8),
    0x0306: (8, 8),
    0x0308: (2, 3),
    0x0401: (0, 3),
    0x0402: (0, 2),
    0x0403: (0, 0),
    0x0501: (0, 1),
    0x0502: (1, 2),
    0x0601: (0, 0),
    0x0602: (0, 0),
    0x0603: (0, 0),
    0x0620: (1, 1),
    0x0701: (0, 0),
    0x0702: (5, 7),
    0x0920: (2, 2),
    0x0C01: (2, 2),
    0x0C02: (2, 2),
    0x0C03: (2, 2),
    0x2101: (2, 2),
    0x2102: (4, 4),
    0x2103: (0, 0),
    0x2302: (0, 0),
}
"""Least and greatest length of the data of a request, in bytes, where the manual fixes them."""


def _areas() -> dict[int, tuple[str, int]]:
    areas: dict[int, tuple[str, int]] = {
        0x00: ("CIO", 0),
        0x80: ("CIO", 2),
        0x01: ("TC", 0),
        0x81: ("TC", 2),
        0x02: ("D", 0),
        0x82: ("D", 2),
        0x03: ("TN", 0),
        0x04: ("ST", 0),
        0x05: ("FORCED", 0),
        0x06: ("TK", 0),
        0x07: ("CF", 0),
        0x09: ("TC", 0),
        0x89: ("TC", 2),
        0x1B: ("AC", 0),
        0x85: ("FORCED", 2),
        0x98: ("E", 2),
        0x9C: ("EMBANK", 2),
        0xBC: ("EMBANK", 2),
        0xDC: ("IR", 4),
        0xDD: ("INT", 2),
    }
    for number, name in enumerate(("CIO", "W", "H", "A")):
        areas[0x30 + number] = (name, 0)
        areas[0xB0 + number] = (name, 2)
        areas[0x70 + number] = (name, 0)
        areas[0xF0 + number] = (name, 4)
    for bank in range(8):
        areas[0x90 + bank] = (f"E{bank:X}_", 2)
    for bank in range(16):
        areas[0x20 + bank] = (f"E{bank:X}_", 0)
        areas[0xA0 + bank] = (f"E{bank:X}_", 2)
    for bank in range(9):
        areas[0xE0 + bank] = (f"E{bank + 16:X}_", 0)
        areas[0x60 + bank] = (f"E{bank + 16:X}_", 2)
    return areas


AREAS: Final = _areas()
"""Memory areas by code: the name as programmers write it, and bytes of a word, 0 where the code addresses bits."""

END_CODES: Final[dict[int, str]] = {
    0x0000: "ok",
    0x0001: "service_interrupted",
    0x0101: "local_node_not_in_network",
    0x0102: "token_timeout",
    0x0103: "retries_failed",
    0x0104: "too_many_send_frames",
    0x0105: "node_address_range_error",
    0x0106: "node_address_duplication",
    0x0201: "destination_node_not_in_network",
    0x0202: "unit_missing",
    0x0203: "third_node_missing",
    0x0204: "destination_node_busy",
    0x0205: "response_timeout",
    0x0301: "communications_controller_error",
    0x0302: "cpu_unit_error",
    0x0303: "controller_error",
    0x0304: "unit_number_error",
    0x0401: "undefined_command",
    0x0402: "not_supported_by_model",
    0x0501: "destination_address_setting_error",
    0x0502: "no_routing_tables",
    0x0503: "routing_table_error",
    0x0504: "too_many_relays",
    0x1001: "command_too_long",
    0x1002: "command_too_short",
    0x1003: "elements_data_do_not_match",
    0x1004: "command_format_error",
    0x1005: "header_error",
    0x1101: "area_classification_missing",
    0x1102: "access_size_error",
    0x1103: "address_range_error",
    0x1104: "address_range_exceeded",
    0x1106: "program_missing",
    0x1109: "relational_error",
    0x110A: "duplicate_data_access",
    0x110B: "response_too_long",
    0x110C: "parameter_error",
    0x2002: "protected",
    0x2003: "table_missing",
    0x2004: "data_missing",
    0x2005: "program_missing",
    0x2006: "file_missing",
    0x2007: "data_mismatch",
    0x2101: "read_only",
    0x2102: "protected",
    0x2103: "cannot_register",
    0x2105: "program_missing",
    0x2106: "file_missing",
    0x2107: "file_name_already_exists",
    0x2108: "cannot_change",
    0x2201: "not_possible_during_execution",
    0x2202: "not_possible_while_running",
    0x2203: "wrong_mode_program",
    0x2204: "wrong_mode_debug",
    0x2205: "wrong_mode_monitor",
    0x2206: "wrong_mode_run",
    0x2207: "not_polling_node",
    0x2208: "step_cannot_be_executed",
    0x2301: "file_device_missing",
    0x2302: "memory_missing",
    0x2303: "clock_missing",
    0x2401: "data_link_table_error",
    0x2502: "memory_error",
    0x2503: "io_setting_error",
    0x2504: "too_many_io_points",
    0x2505: "cpu_bus_error",
    0x2506: "io_duplication",
    0x2507: "io_bus_error",
    0x2509: "sysmac_bus_2_error",
    0x250A: "cpu_bus_unit_error",
    0x250D: "sysmac_bus_number_duplication",
    0x250F: "memory_error",
    0x2510: "sysmac_bus_terminator_missing",
    0x2601: "no_protection",
    0x2602: "incorrect_password",
    0x2604: "protected",
    0x2605: "service_already_executing",
    0x2606: "service_stopped",
    0x2607: "no_execution_right",
    0x2608: "settings_required",
    0x2609: "required_items_not_set",
    0x260A: "number_already_defined",
    0x260B: "error_will_not_clear",
    0x3001: "no_access_right",
    0x4001: "service_aborted",
}
"""End codes without the three flag bits (relay error, fatal and non-fatal error of the controller)."""

TCP_COMMANDS: Final[dict[int, str]] = {
    0: "node_address_data_send",
    1: "node_address_data_send",
    2: "frame_send",
    3: "frame_send_error_notification",
    6: "connection_confirmation",
}
"""Commands of the FINS/TCP header."""

TCP_ERRORS: Final[dict[int, str]] = {
    0x00: "ok",
    0x01: "header_is_not_fins",
    0x02: "data_length_too_long",
    0x03: "command_not_supported",
    0x20: "all_connections_in_use",
    0x21: "node_already_connected",
    0x22: "access_from_unspecified_address",
    0x23: "client_node_address_out_of_range",
    0x24: "same_node_address_as_server",
    0x25: "no_node_address_available",
}
"""Error codes of the FINS/TCP header."""
