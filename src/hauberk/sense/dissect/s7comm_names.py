"""Names and numbers of S7comm: functions, memory areas, types, errors and user data services.

Siemens publishes no standard of it; the numbers are those that controllers of the families S7-200 to S7-400 use. Tables only.
"""

from __future__ import annotations

from struct import Struct
from typing import Final

CPU_SERVICES: Final = 0x00
SETUP: Final = 0xF0
READ_VAR: Final = 0x04
WRITE_VAR: Final = 0x05
REQUEST_DOWNLOAD: Final = 0x1A
DOWNLOAD_BLOCK: Final = 0x1B
DOWNLOAD_ENDED: Final = 0x1C
START_UPLOAD: Final = 0x1D
UPLOAD: Final = 0x1E
END_UPLOAD: Final = 0x1F
PI_SERVICE: Final = 0x28
PLC_STOP: Final = 0x29

FUNCTIONS: Final = {
    CPU_SERVICES: "cpu_services",
    SETUP: "setup_communication",
    READ_VAR: "read_var",
    WRITE_VAR: "write_var",
    REQUEST_DOWNLOAD: "request_download",
    DOWNLOAD_BLOCK: "download_block",
    DOWNLOAD_ENDED: "download_ended",
    START_UPLOAD: "start_upload",
    UPLOAD: "upload",
    END_UPLOAD: "end_upload",
    PI_SERVICE: "pi_service",
    PLC_STOP: "plc_stop",
}
"""Job functions: parameter byte 0."""

WRITES: Final = frozenset({WRITE_VAR, REQUEST_DOWNLOAD, DOWNLOAD_BLOCK, DOWNLOAD_ENDED, PI_SERVICE, PLC_STOP})
"""Job functions that change what the controller holds or does."""

DATA_BLOCK: Final = 0x84
INSTANCE_BLOCK: Final = 0x85
COUNTERS: Final = frozenset({0x1C, 0x1D, 0x1E, 0x1F})
"""Areas addressed by number, not by byte and bit."""

AREAS: Final = {
    0x01: "DR",  # data record
    0x03: "SI",  # system information, S7-200
    0x05: "SM",  # system flags, S7-200
    0x06: "AI",
    0x07: "AQ",
    0x1C: "C",
    0x1D: "T",
    0x1E: "IC",  # IEC counter, S7-200
    0x1F: "IT",  # IEC timer, S7-200
    0x80: "P",
    0x81: "I",
    0x82: "Q",
    0x83: "M",
    0x84: "DB",
    0x85: "DI",
    0x86: "L",
    0x87: "V",
}

BIT: Final = 1
BYTE: Final = 2
CHAR: Final = 3

WIDTH_LETTERS: Final = {
    1: "X",  # BIT
    2: "B",  # BYTE
    3: "B",  # CHAR
    4: "W",  # WORD
    5: "W",  # INT
    6: "D",  # DWORD
    7: "D",  # DINT
    8: "D",  # REAL
    9: "W",  # DATE
    10: "D",  # TIME_OF_DAY
    11: "D",  # TIME
    12: "W",  # S5TIME
}
"""Letter of the width in an address, by transport size; ``B`` for all others."""

NUMBERS: Final = {
    2: Struct(">B"),
    4: Struct(">H"),
    5: Struct(">h"),
    6: Struct(">I"),
    7: Struct(">i"),
    8: Struct(">f"),
    9: Struct(">H"),
    10: Struct(">I"),
    11: Struct(">i"),
    12: Struct(">H"),
    0x1C: Struct(">H"),
    0x1D: Struct(">H"),
}
"""How one element of a transport size is read as a number."""

BLOCKS: Final = {
    "08": "OB",
    "09": "CMOD",
    "0A": "DB",
    "0B": "SDB",
    "0C": "FC",
    "0D": "SFC",
    "0E": "FB",
    "0F": "SFB",
}
"""Block types as written in file names."""

SUCCESS: Final = 0xFF
RETURN_CODES: Final = {
    0x00: "reserved",
    0x01: "hardware_error",
    0x03: "access_not_allowed",
    0x05: "invalid_address",
    0x06: "data_type_not_supported",
    0x07: "data_type_inconsistent",
    0x0A: "object_does_not_exist",
    0xFF: "ok",
}
"""Of one item of a read or write, or of user data."""

ERROR_CLASSES: Final = {
    0x81: "application_error",
    0x82: "object_definition_error",
    0x83: "no_resources",
    0x84: "service_error",
    0x85: "supplies_error",
    0x87: "access_error",
}

ERRORS: Final = {
    0x0110: "invalid_block_number",
    0x0111: "invalid_request_length",
    0x0112: "invalid_parameter",
    0x0113: "invalid_block_type",
    0x0114: "block_not_found",
    0x0115: "block_exists",
    0x0116: "block_write_protected",
    0x0117: "block_too_large",
    0x0119: "incorrect_password",
    0x8001: "wrong_block_state",
    0x8003: "block_transfer_error",
    0x8100: "service_unknown",
    0x8104: "service_not_implemented",
    0x8204: "type_inconsistent",
    0x8301: "insufficient_memory",
    0x8302: "too_few_resources",
    0x8304: "no_more_parallel_uploads",
    0x8305: "function_not_available",
    0x8401: "invalid_service_sequence",
    0x8402: "wrong_object_state",
    0x8404: "function_cannot_be_performed",
    0x8405: "remote_block_disabled",
    0x8500: "wrong_frames",
    0x8503: "service_cancelled",
    0x8701: "addressing_error",
    0x8702: "service_not_supported",
    0x8703: "access_refused",
    0x8704: "object_damaged",
    0xD041: "no_memory_for_job",
    0xD042: "job_list_full",
    0xD061: "not_permitted_in_mode",
    0xD081: "not_permitted_at_protection_level",
    0xD0A1: "variable_access_error",
    0xD0A2: "change_to_stop_or_hold",
    0xD0A5: "job_referenced_not_found",
    0xD201: "block_name_syntax_error",
    0xD202: "function_parameter_syntax_error",
    0xD209: "block_not_found_on_module",
    0xD20C: "ob_priority_class_missing",
    0xD20E: "no_block_available",
    0xD210: "invalid_block_number_on_module",
    0xD240: "coordination_rules_violated",
    0xD241: "not_permitted_at_protection_level",
    0xD242: "protection_violation",
    0xD401: "information_not_available",
    0xD402: "information_not_available",
    0xD403: "service_already_logged_on",
    0xD405: "service_not_supported_or_syntax_error",
    0xD406: "information_currently_unavailable",
    0xD601: "function_parameter_syntax_error",
    0xD602: "incorrect_password",
    0xD603: "connection_already_authorised",
    0xD604: "connection_already_enabled",
    0xD605: "no_password_configured",
    0xD801: "variable_address_invalid",
    0xD802: "job_does_not_exist",
    0xD805: "no_more_cyclic_jobs",
    0xDC01: "invalid_date_or_time",
}
"""Error class and code as one number."""

GROUPS: Final = {
    0: "mode_transition",
    1: "programmer_commands",
    2: "cyclic_services",
    3: "block_functions",
    4: "cpu_functions",
    5: "security",
    6: "pbc",
    7: "time_functions",
    15: "nc_programming",
}
"""Function groups of user data."""

SERVICES: Final = {
    (0, 0): "mode_transition_stop",
    (0, 1): "mode_transition_warm_restart",
    (0, 2): "mode_transition_run",
    (0, 3): "mode_transition_hot_restart",
    (0, 4): "mode_transition_hold",
    (0, 6): "mode_transition_cold_restart",
    (0, 9): "mode_transition_run_redundant",
    (0, 11): "mode_transition_link_up",
    (0, 12): "mode_transition_update",
    (1, 1): "block_status",
    (1, 2): "variable_status",
    (1, 3): "output_istack",
    (1, 4): "output_bstack",
    (1, 5): "output_lstack",
    (1, 6): "time_measurement",
    (1, 7): "force_selection",
    (1, 8): "modify_variable",
    (1, 9): "force",
    (1, 10): "breakpoint",
    (1, 11): "exit_hold",
    (1, 12): "memory_reset",
    (1, 13): "disable_job",
    (1, 14): "enable_job",
    (1, 15): "delete_job",
    (1, 16): "read_job_list",
    (1, 17): "read_job",
    (1, 18): "replace_job",
    (1, 19): "block_status_v2",
    (1, 22): "flash_led",
    (2, 1): "cyclic_transfer",
    (2, 4): "cyclic_unsubscribe",
    (2, 5): "change_driven_transfer",
    (2, 7): "change_driven_transfer_modify",
    (2, 8): "read_record",
    (3, 1): "list_blocks",
    (3, 2): "list_blocks_of_type",
    (3, 3): "get_block_info",
    (4, 1): "read_szl",
    (4, 2): "message_service",
    (4, 3): "diagnostic_message",
    (4, 5): "alarm_8_indication",
    (4, 6): "notify_indication",
    (4, 7): "alarm_8_lock",
    (4, 8): "alarm_8_unlock",
    (4, 9): "scan_indication",
    (4, 11): "alarm_ack",
    (4, 12): "alarm_ack_indication",
    (4, 13): "alarm_lock_indication",
    (4, 14): "alarm_unlock_indication",
    (4, 17): "alarm_sq_indication",
    (4, 18): "alarm_s_indication",
    (4, 19): "alarm_query",
    (4, 22): "notify_8_indication",
    (5, 1): "set_plc_session_password",
    (5, 2): "clear_plc_session_password",
    (7, 1): "read_clock",
    (7, 2): "set_clock",
    (7, 3): "read_clock_following",
    (7, 4): "set_clock",
    (15, 1): "nc_request_download",
    (15, 2): "nc_download_block",
    (15, 3): "nc_continue_download",
    (15, 4): "nc_download_ended",
    (15, 6): "nc_start_upload",
    (15, 7): "nc_upload",
    (15, 8): "nc_continue_upload",
}
"""Operations of user data, by function group and subfunction."""

SERVICE_WRITES: Final = frozenset(
    {(1, 8), (1, 9), (1, 10), (1, 11), (1, 12), (1, 22), (4, 7), (4, 8), (7, 2), (7, 4), (15, 1), (15, 2), (15, 3), (15, 4)},
)
"""User data services that change what the controller holds, shows or does."""

STATUS_AREAS: Final = {
    0x00: "MX",
    0x01: "MB",
    0x02: "MW",
    0x03: "MD",
    0x10: "IX",
    0x11: "IB",
    0x12: "IW",
    0x13: "ID",
    0x20: "QX",
    0x21: "QB",
    0x22: "QW",
    0x23: "QD",
    0x31: "PIB",
    0x32: "PIW",
    0x33: "PID",
    0x54: "T",
    0x64: "C",
    0x70: "DBX",
    0x71: "DBB",
    0x72: "DBW",
    0x73: "DBD",
}
"""Areas with width in variable tables (variable status, modify, force)."""


def error_name(number: int) -> str:
    """The error as a word, or its class and number where it has none."""
    known = ERRORS.get(number)
    return known or f"{ERROR_CLASSES.get(number >> 8, 'error')}_0x{number:04x}"


def return_name(number: int) -> str:
    """The return code of an item as a word."""
    return RETURN_CODES.get(number) or f"return_code_0x{number:02x}"
