"""Names of Modbus functions, exceptions and sub-functions.

Public codes: Modbus Application Protocol 1.1b3, clauses 6 and 7. Older controller codes: Modicon PI-MBUS-300. UMAS, Schneider's
programming protocol under function 90, has no public standard: its names are those in common use among analysts.
"""

from __future__ import annotations

from typing import Final

from hauberk.formats.protocol_words import MODBUS_FUNCTIONS

UMAS: Final = 90
ENCAPSULATED: Final = 43
READ_DEVICE_IDENTIFICATION: Final = 14

FUNCTIONS: Final = MODBUS_FUNCTIONS
"""Function code to operation; other codes are user defined (65 to 72, 100 to 110) or reserved."""

WRITES: Final = frozenset({5, 6, 9, 13, 15, 16, 18, 19, 21, 22, 23, 40, 125, 126})
"""Functions that always change the server; diagnostics and UMAS depend on their sub-function."""

EXCEPTIONS: Final[dict[int, str]] = {
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

DIAGNOSTICS: Final[dict[int, str]] = {
    0: "return_query_data",
    1: "restart_communications_option",
    2: "return_diagnostic_register",
    3: "change_ascii_input_delimiter",
    4: "force_listen_only_mode",
    10: "clear_counters_and_diagnostic_register",
    11: "return_bus_message_count",
    12: "return_bus_communication_error_count",
    13: "return_bus_exception_error_count",
    14: "return_server_message_count",
    15: "return_server_no_response_count",
    16: "return_server_nak_count",
    17: "return_server_busy_count",
    18: "return_bus_character_overrun_count",
    20: "clear_overrun_counter_and_flag",
    21: "modbus_plus_statistics",
}
DIAGNOSTIC_WRITES: Final = frozenset({1, 3, 4, 10, 20})

ENCAPSULATED_NAMES: Final[dict[int, str]] = {
    13: "canopen_general_reference",
    READ_DEVICE_IDENTIFICATION: "read_device_identification",
}
IDENTIFICATION_LEVELS: Final[dict[int, str]] = {1: "basic", 2: "regular", 3: "extended", 4: "specific"}

UMAS_FUNCTIONS: Final[dict[int, str]] = {
    0x01: "init_communication",
    0x02: "read_identification",
    0x03: "read_project_info",
    0x04: "read_plc_info",
    0x06: "read_card_info",
    0x0A: "repeat",
    0x10: "take_plc_reservation",
    0x11: "release_plc_reservation",
    0x12: "keep_alive",
    0x20: "read_memory_block",
    0x21: "write_memory_block",
    0x22: "read_variables",
    0x23: "write_variables",
    0x24: "read_coils_registers",
    0x25: "write_coils_registers",
    0x30: "initialize_upload",
    0x31: "upload_block",
    0x32: "end_strategy_upload",
    0x33: "initialize_download",
    0x34: "download_block",
    0x35: "end_strategy_download",
    0x39: "read_ethernet_master_data",
    0x40: "start_plc",
    0x41: "stop_plc",
    0x50: "monitor_plc",
    0x58: "check_plc",
    0x70: "read_io_object",
    0x71: "write_io_object",
    0x73: "get_status_module",
}
UMAS_READ_IDENTIFICATION: Final = 0x02
UMAS_WRITES: Final = frozenset({0x21, 0x23, 0x25, 0x30, 0x31, 0x32, 0x40, 0x41, 0x71})
"""UMAS calls a transfer into the controller an upload."""
UMAS_ACCEPTED: Final = 0xFE
UMAS_REFUSED: Final = 0xFD


def function_name(code: int) -> str:
    """The operation of a function code (0 to 127)."""
    if (name := FUNCTIONS.get(code)) is not None:
        return name
    if 65 <= code <= 72 or 100 <= code <= 110:
        return f"user_defined_function_{code}"
    return f"reserved_function_{code}"


def exception_name(code: int) -> str:
    """The status of an exception code."""
    return EXCEPTIONS.get(code, f"exception_{code}")
