"""ASDU types of IEC 60870-5-104: names, layouts of their information elements, and how elements become values.

IEC 60870-5-101 clauses 7.2.6 (elements) and 7.3 (types), IEC 60870-5-104 clause 8, IEC 60870-5-7 (security types 81 to 95).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from struct import Struct
from typing import Final, NamedTuple

from hauberk.model.transaction import Scalar

Row = tuple[int, ...]
"""Fields of one information object as ``struct`` gives them. Floating-point fields only meet ``_number``, which passes them on."""
Decoder = Callable[[Sequence[Row], int], list[Scalar]]
"""Values of several objects; the number tells which field of each row is the first behind the object address."""

_STATES: Final = ("intermediate", "off", "on", "indeterminate")
_STEPS: Final = ("step_0", "lower", "higher", "step_3")
_ORDERS: Final = ("order_0", "off", "on", "order_3")


class AsduType(NamedTuple):
    """One type of application data."""

    operation: str
    addressed: Struct | None
    """Object address (low two bytes, high byte) and elements; None where their size varies."""
    element: Struct | None
    """The elements alone, as they follow each other in a sequence."""
    decode: Decoder | None
    write: bool
    control: bool
    """True for types that travel to the controlled station."""


def _number(rows: Sequence[Row], column: int) -> list[Scalar]:
    return [row[column] for row in rows]


def _single_point(rows: Sequence[Row], column: int) -> list[Scalar]:
    return [bool(row[column] & 1) for row in rows]


def _double_point(rows: Sequence[Row], column: int) -> list[Scalar]:
    return [_STATES[row[column] & 3] for row in rows]


def _step(rows: Sequence[Row], column: int) -> list[Scalar]:
    """Seven bits with sign; the eighth says that the equipment is in transit."""
    return [((row[column] & 0x7F) ^ 0x40) - 0x40 for row in rows]


def _normalised(rows: Sequence[Row], column: int) -> list[Scalar]:
    return [row[column] / 32768 for row in rows]


def _executed(qualifier: int) -> str:
    return "select" if qualifier & 0x80 else "execute"


def _single_command(rows: Sequence[Row], column: int) -> list[Scalar]:
    return [said for row in rows for said in (bool(row[column] & 1), _executed(row[column]))]


def _double_command(rows: Sequence[Row], column: int) -> list[Scalar]:
    return [said for row in rows for said in (_ORDERS[row[column] & 3], _executed(row[column]))]


def _step_command(rows: Sequence[Row], column: int) -> list[Scalar]:
    return [said for row in rows for said in (_STEPS[row[column] & 3], _executed(row[column]))]


def _set_point(rows: Sequence[Row], column: int) -> list[Scalar]:
    return [said for row in rows for said in (row[column], _executed(row[column + 1]))]


def _set_normalised(rows: Sequence[Row], column: int) -> list[Scalar]:
    return [said for row in rows for said in (row[column] / 32768, _executed(row[column + 1]))]


def _clock(rows: Sequence[Row], column: int) -> list[Scalar]:
    """Time with seven bytes (CP56Time2a), as ISO 8601 text without a zone: the standard leaves the zone to the parties."""
    return [
        f"20{row[column + 5] & 0x7F:02d}-{row[column + 4] & 0x0F:02d}-{row[column + 3] & 0x1F:02d}"
        f"T{row[column + 2] & 0x1F:02d}:{row[column + 1] & 0x3F:02d}:{row[column] // 1000:02d}.{row[column] % 1000:03d}"
        for row in rows
    ]


def _pair(rows: Sequence[Row], column: int) -> list[Scalar]:
    return [said for row in rows for said in row[column : column + 2]]


_SHORT_TIME, _LONG_TIME = "3x", "7x"

_ROWS: Final[tuple[tuple[int, str, str, Decoder | None], ...]] = (
    (1, "single_point_information", "B", _single_point),
    (2, "single_point_information_with_time_tag", "B" + _SHORT_TIME, _single_point),
    (3, "double_point_information", "B", _double_point),
    (4, "double_point_information_with_time_tag", "B" + _SHORT_TIME, _double_point),
    (5, "step_position_information", "Bx", _step),
    (6, "step_position_information_with_time_tag", "Bx" + _SHORT_TIME, _step),
    (7, "bitstring_of_32_bit", "Ix", _number),
    (8, "bitstring_of_32_bit_with_time_tag", "Ix" + _SHORT_TIME, _number),
    (9, "measured_value_normalized", "hx", _normalised),
    (10, "measured_value_normalized_with_time_tag", "hx" + _SHORT_TIME, _normalised),
    (11, "measured_value_scaled", "hx", _number),
    (12, "measured_value_scaled_with_time_tag", "hx" + _SHORT_TIME, _number),
    (13, "measured_value_short_float", "fx", _number),
    (14, "measured_value_short_float_with_time_tag", "fx" + _SHORT_TIME, _number),
    (15, "integrated_totals", "ix", _number),
    (16, "integrated_totals_with_time_tag", "ix" + _SHORT_TIME, _number),
    (17, "event_of_protection_equipment_with_time_tag", "B2x" + _SHORT_TIME, _double_point),
    (18, "packed_start_events_of_protection_equipment_with_time_tag", "B3x" + _SHORT_TIME, _number),
    (19, "packed_output_circuit_information_of_protection_equipment_with_time_tag", "B3x" + _SHORT_TIME, _number),
    (20, "packed_single_point_information_with_status_change_detection", "H2xx", _number),
    (21, "measured_value_normalized_without_quality", "h", _normalised),
    (30, "single_point_information_with_time_tag_cp56time2a", "B" + _LONG_TIME, _single_point),
    (31, "double_point_information_with_time_tag_cp56time2a", "B" + _LONG_TIME, _double_point),
    (32, "step_position_information_with_time_tag_cp56time2a", "Bx" + _LONG_TIME, _step),
    (33, "bitstring_of_32_bit_with_time_tag_cp56time2a", "Ix" + _LONG_TIME, _number),
    (34, "measured_value_normalized_with_time_tag_cp56time2a", "hx" + _LONG_TIME, _normalised),
    (35, "measured_value_scaled_with_time_tag_cp56time2a", "hx" + _LONG_TIME, _number),
    (36, "measured_value_short_float_with_time_tag_cp56time2a", "fx" + _LONG_TIME, _number),
    (37, "integrated_totals_with_time_tag_cp56time2a", "ix" + _LONG_TIME, _number),
    (38, "event_of_protection_equipment_with_time_tag_cp56time2a", "B2x" + _LONG_TIME, _double_point),
    (39, "packed_start_events_of_protection_equipment_with_time_tag_cp56time2a", "B3x" + _LONG_TIME, _number),
    (40, "packed_output_circuit_information_of_protection_equipment_with_time_tag_cp56time2a", "B3x" + _LONG_TIME, _number),
    (45, "single_command", "B", _single_command),
    (46, "double_command", "B", _double_command),
    (47, "regulating_step_command", "B", _step_command),
    (48, "set_point_command_normalized", "hB", _set_normalised),
    (49, "set_point_command_scaled", "hB", _set_point),
    (50, "set_point_command_short_float", "fB", _set_point),
    (51, "bitstring_of_32_bit_command", "I", _number),
    (58, "single_command_with_time_tag_cp56time2a", "B" + _LONG_TIME, _single_command),
    (59, "double_command_with_time_tag_cp56time2a", "B" + _LONG_TIME, _double_command),
    (60, "regulating_step_command_with_time_tag_cp56time2a", "B" + _LONG_TIME, _step_command),
    (61, "set_point_command_normalized_with_time_tag_cp56time2a", "hB" + _LONG_TIME, _set_normalised),
    (62, "set_point_command_scaled_with_time_tag_cp56time2a", "hB" + _LONG_TIME, _set_point),
    (63, "set_point_command_short_float_with_time_tag_cp56time2a", "fB" + _LONG_TIME, _set_point),
    (64, "bitstring_of_32_bit_command_with_time_tag_cp56time2a", "I" + _LONG_TIME, _number),
    (70, "end_of_initialization", "B", _number),
    (100, "interrogation_command", "B", _number),
    (101, "counter_interrogation_command", "B", _number),
    (102, "read_command", "0s", None),
    (103, "clock_synchronization_command", "HBBBBB", _clock),
    (104, "test_command", "H", _number),
    (105, "reset_process_command", "B", _number),
    (106, "delay_acquisition_command", "H", _number),
    (107, "test_command_with_time_tag_cp56time2a", "H" + _LONG_TIME, _number),
    (110, "parameter_of_measured_value_normalized", "hx", _normalised),
    (111, "parameter_of_measured_value_scaled", "hx", _number),
    (112, "parameter_of_measured_value_short_float", "fx", _number),
    (113, "parameter_activation", "B", _number),
    (120, "file_ready", "H4x", _number),
    (121, "section_ready", "HB4x", _pair),
    (122, "call_directory_select_file_call_file_call_section", "HBB", _pair),
    (123, "last_section_last_segment", "HBxx", _pair),
    (124, "ack_file_ack_section", "HBB", _pair),
    (126, "directory", "H4x" + _LONG_TIME, _number),
    (127, "query_log_request_archive_file", "H14x", _number),
)
"""Type, operation, layout of the elements of one object, decoder. Quality and time tags are read over."""

_VARIABLE: Final[dict[int, str]] = {
    41: "integrated_totals_containing_time_tagged_security_statistics",
    81: "authentication_challenge",
    82: "authentication_reply",
    83: "aggressive_mode_authentication_request",
    84: "session_key_status_request",
    85: "session_key_status",
    86: "session_key_change",
    87: "authentication_error",
    90: "user_certificate",
    91: "user_status_change",
    92: "update_key_change_request",
    93: "update_key_change_reply",
    94: "update_key_change_symmetric",
    95: "update_key_change_confirmation",
    125: "segment",
}
"""Types whose objects have no fixed size, or are not opened because they hold keys."""

_WRITES: Final = frozenset({*range(45, 52), *range(58, 65), 103, 105, *range(110, 114)})
"""Types that change the controlled station. Counter interrogation (101) and file types (120 to 127) depend on what they say."""
_TO_CONTROLLED: Final = frozenset({*range(45, 65), *range(100, 114)})


def _types() -> dict[int, AsduType]:
    rows = {number: AsduType(name, None, None, None, False, False) for number, name in _VARIABLE.items()}
    for number, name, layout, decode in _ROWS:
        write, control = number in _WRITES, number in _TO_CONTROLLED
        rows[number] = AsduType(name, Struct(f"<HB{layout}"), Struct(f"<{layout}"), decode, write, control)
    return rows


TYPES: Final = _types()

ACTIVATION, DEACTIVATION = 6, 8
CONFIRMATIONS: Final = frozenset({7, 9, 10})
FILE_TRANSFER: Final = 13
CAUSE_STATUSES: Final[dict[int, str]] = {
    44: "unknown_type_identification",
    45: "unknown_cause_of_transmission",
    46: "unknown_common_address_of_asdu",
    47: "unknown_information_object_address",
}
EVENT_CAUSES: Final = frozenset({1, 2, 3, 4, 11, 12})
"""Periodic, background scan, spontaneous, initialised, return information by a remote or a local command."""

U_FRAMES: Final[dict[int, str]] = {
    0x07: "startdt_act",
    0x0B: "startdt_con",
    0x13: "stopdt_act",
    0x23: "stopdt_con",
    0x43: "testfr_act",
    0x83: "testfr_con",
}
