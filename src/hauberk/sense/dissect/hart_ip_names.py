"""Names of HART-IP messages and HART commands, and which commands change something.

HCF_SPEC-085 (network management and HART-IP), HCF_SPEC-127 (universal commands), HCF_SPEC-151 (common practice commands),
HCF_SPEC-155 (wireless commands), HCF_SPEC-183 (common tables).
"""

from __future__ import annotations

from typing import Final

MESSAGES: Final[dict[int, str]] = {
    0: "session_initiate",
    1: "session_close",
    2: "keep_alive",
    3: "token_passing_pdu",
    4: "direct_pdu",
    5: "read_audit_log",
    128: "discovery",
}
"""Message ids."""

STATUSES: Final[dict[int, str]] = {
    0: "ok",
    2: "invalid_selection",
    5: "too_few_data_bytes_received",
    6: "device_specific_command_error",
    8: "set_to_nearest_possible_value",
    14: "version_not_supported",
    15: "all_available_sessions_in_use",
    16: "access_restricted",
}
"""Status of a message header."""

RESPONSE_CODES: Final[dict[int, str]] = {
    2: "invalid_selection",
    3: "passed_parameter_too_large",
    4: "passed_parameter_too_small",
    5: "too_few_data_bytes_received",
    6: "device_specific_command_error",
    7: "in_write_protect_mode",
    16: "access_restricted",
    32: "busy",
    33: "delayed_response_initiated",
    34: "delayed_response_running",
    35: "delayed_response_dead",
    36: "delayed_response_conflict",
    64: "command_not_implemented",
}
"""Response codes of commands that mean an error for every command; others have several meanings, or are warnings."""

WRITES: Final[frozenset[int]] = frozenset(
    {6, 17, 18, 19, 22, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 49, 51, 52, 53, 55, 56, 58, 59}
    | {64, 65, 66, 67, 68, 69, 71, 79, 82, 83, 87, 88, 89, 92, 97, 99, 100, 102, 103, 104, 106, 107, 108, 109}
    | {111, 112, 113, 116, 117, 118, 119, 122, 123}
    | {513, 521, 533, 539, 540, 541, 542, 544, 545, 546, 547}
    | {768, 771, 773, 775, 795, 797, 811, 813, 815, 816, 821}
    | {961, 962, 963, 964, 965, 966, 967, 968, 969, 970, 971, 972, 973, 974, 975, 976, 977}
)
"""Commands that write, set, trim, reset or configure."""

SEND_TO_SUB_DEVICE: Final = 77
"""The command that carries another command for a device behind an input or output system."""

MANUFACTURERS: Final[dict[int, str]] = {
    0x02: "Allen-Bradley",
    0x0A: "Brooks Instrument",
    0x11: "Endress+Hauser",
    0x13: "Fisher Controls",
    0x14: "Foxboro",
    0x17: "Honeywell",
    0x1F: "Micro Motion",
    0x20: "Moore Industries",
    0x26: "Rosemount",
    0x2A: "Siemens",
    0x2C: "Toshiba",
    0x2E: "Rosemount Analytical",
    0x36: "Yamatake",
    0x37: "Yokogawa",
    0x3E: "SMAR",
    0x41: "Samson",
    0x44: "Krohne",
    0x55: "Magnetrol",
    0x62: "VEGA",
}
"""Manufacturer identification codes (common table 8) that are met most."""
