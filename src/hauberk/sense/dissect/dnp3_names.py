"""Names of DNP3 functions, indications and statuses (IEEE 1815-2012: clause 4.4 application functions, 4.2.6 internal indications,
9.2.4 link functions, annex A objects)."""

from __future__ import annotations

from typing import Final

from hauberk.formats.protocol_words import DNP3_FUNCTIONS

READ: Final = 1
OPEN_FILE: Final = 25
RESPONSE: Final = 129
UNSOLICITED: Final = 130
AUTHENTICATION: Final = 131

FUNCTIONS: Final = DNP3_FUNCTIONS

WRITES: Final = frozenset({2, *range(3, 23), 27, 30, 31})
"""Functions that change the outstation; opening a file does where its mode is not reading."""

CARRY_DATA: Final = frozenset({2, 3, 4, 5, 6, 31, 32, 33, RESPONSE, UNSOLICITED, AUTHENTICATION})
"""Functions whose object headers are followed by the objects themselves."""
FREEZE_AT_TIME: Final = frozenset({11, 12})

PRIMARY: Final[dict[int, str]] = {
    0: "reset_link_states",
    1: "reset_user_process",
    2: "test_link_states",
    3: "confirmed_user_data",
    4: "unconfirmed_user_data",
    9: "request_link_status",
}
SECONDARY: Final[dict[int, str]] = {0: "ack", 1: "nack", 11: "link_status", 14: "link_not_functioning", 15: "not_supported"}

INDICATIONS: Final = (
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
"""Internal indications, from bit 0 of the first byte to bit 5 of the second."""
REFUSALS: Final = (8, 9, 10, 12, 13)
"""Indications (their bit numbers) that say that a request was not done."""

CONTROL_STATUSES: Final[dict[int, str]] = {
    1: "timeout",
    2: "no_select",
    3: "format_error",
    4: "not_supported",
    5: "already_active",
    6: "hardware_error",
    7: "local",
    8: "too_many_objs",
    9: "not_authorized",
    10: "automation_inhibit",
    11: "processing_limited",
    12: "out_of_range",
    13: "downstream_local",
    14: "already_complete",
    15: "blocked",
    16: "canceled",
    17: "blocked_other_master",
    18: "downstream_fail",
    126: "non_participating",
    127: "undefined",
}
FILE_STATUSES: Final[dict[int, str]] = {
    1: "permission_denied",
    2: "invalid_mode",
    3: "file_not_found",
    4: "file_locked",
    5: "too_many_open",
    6: "invalid_handle",
    7: "write_block_size",
    8: "comm_lost",
    9: "cannot_abort",
    16: "not_opened",
    17: "handle_expired",
    18: "buffer_overrun",
    19: "fatal",
    20: "block_sequence",
}

OPERATIONS: Final = ("nul", "pulse_on", "pulse_off", "latch_on", "latch_off")
TRIP_CLOSE: Final = ("", " close", " trip", " trip_close_3")


def function_name(code: int) -> str:
    """The operation of an application function code."""
    return FUNCTIONS.get(code) or f"reserved_function_{code}"


def link_name(control: int) -> str:
    """The operation of a link control byte."""
    code = control & 0x0F
    return (PRIMARY if control & 0x40 else SECONDARY).get(code) or f"reserved_link_function_{code}"
