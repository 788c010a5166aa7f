"""PCCC inside CIP: the commands of PLC-5, SLC 500 and MicroLogix controllers, sent with the service Execute PCCC.

DF1 Protocol and Command Set (Rockwell 1770-6.5.16), chapters 7 and 8, and the PCCC object of the Logix data access manual.
Shown as ``pccc/FUNCTION`` or, where an address of a data file is given, ``pccc/FUNCTION/N7:0``. It reads one command; it keeps
no state and never interprets program files.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

from hauberk.errors import Malformed
from hauberk.model.transaction import OK, Value
from hauberk.sense.dissect.reader import Reader

FUNCTIONS: Final[dict[int, str]] = {
    0x0F00: "word_range_write",
    0x0F01: "word_range_read",
    0x0F02: "bit_write",
    0x0F03: "file_write",
    0x0F04: "file_read",
    0x0F05: "download_request",
    0x0F06: "upload",
    0x0F07: "shutdown",
    0x0F08: "physical_write",
    0x0F09: "physical_read",
    0x0F0A: "restart_request",
    0x0F11: "get_edit_resource",
    0x0F12: "return_edit_resource",
    0x0F17: "read_bytes_physical",
    0x0F18: "write_bytes_physical",
    0x0F26: "read_modify_write",
    0x0F29: "read_section_size",
    0x0F3A: "set_cpu_mode",
    0x0F41: "disable_forces",
    0x0F50: "download_all_request",
    0x0F52: "download_completed",
    0x0F53: "upload_all_request",
    0x0F55: "upload_completed",
    0x0F57: "initialize_memory",
    0x0F5E: "modify_plc2_compatibility_file",
    0x0F67: "typed_write",
    0x0F68: "typed_read",
    0x0F79: "read_modify_write_n",
    0x0F80: "change_mode",
    0x0F81: "open_file",
    0x0F82: "close_file",
    0x0F88: "execute_multiple_commands",
    0x0F8F: "apply_port_configuration",
    0x0FA1: "protected_typed_logical_read_2",
    0x0FA2: "protected_typed_logical_read_3",
    0x0FA7: "protected_typed_file_read",
    0x0FA9: "protected_typed_logical_write_2",
    0x0FAA: "protected_typed_logical_write_3",
    0x0FAB: "protected_typed_logical_masked_write_3",
    0x0FAF: "protected_typed_file_write",
    0x0600: "echo",
    0x0601: "read_diagnostic_counters",
    0x0602: "set_variables",
    0x0603: "diagnostic_status",
    0x0604: "set_timeout",
    0x0605: "set_naks",
    0x0606: "set_enqs",
    0x0607: "reset_diagnostic_counters",
    0x0608: "set_data_table_size",
    0x0609: "read_link_parameters",
    0x060A: "set_link_parameters",
    0x0700: "disable_outputs",
    0x0701: "enable_outputs",
    0x0703: "enable_plc_scanning",
    0x0704: "enter_download_mode",
    0x0705: "exit_download_upload_mode",
    0x0706: "enter_upload_mode",
}
"""Command byte times 256 plus function byte."""

COMMANDS: Final[dict[int, str]] = {
    0x00: "protected_write",
    0x01: "unprotected_read",
    0x02: "protected_bit_write",
    0x04: "physical_read",
    0x05: "unprotected_bit_write",
    0x08: "unprotected_write",
}
"""Commands that have no function byte."""

_WITH_FUNCTION: Final = frozenset({0x06, 0x07, 0x0F})
_READS: Final = frozenset(
    {
        *(0x0F01, 0x0F04, 0x0F06, 0x0F09, 0x0F11, 0x0F12, 0x0F17, 0x0F29, 0x0F53, 0x0F55, 0x0F68, 0x0F81, 0x0F82, 0x0F88),
        *(0x0FA1, 0x0FA2, 0x0FA7, 0x0600, 0x0601, 0x0603, 0x0607, 0x0609, 0x0706),
    }
)
_READ_COMMANDS: Final = frozenset({0x01, 0x04})
_TWO_FIELDS: Final = frozenset({0x0FA1, 0x0FA9})
_THREE_FIELDS: Final = frozenset({0x0FA2, 0x0FAA, 0x0FAB})
_MODES: Final[dict[int, str]] = {
    0x01: "remote_program",
    0x06: "remote_run",
    0x07: "remote_test_continuous",
    0x08: "remote_test_single",
    0x09: "remote_test_debug",
}
_FILE_TYPES: Final[dict[int, str]] = {
    0x82: "O",
    0x83: "I",
    0x84: "S",
    0x85: "B",
    0x86: "T",
    0x87: "C",
    0x88: "R",
    0x89: "N",
    0x8A: "F",
    0x8B: "O",
    0x8C: "I",
    0x8D: "ST",
    0x8E: "A",
    0x8F: "D",
    0x91: "L",
}
_STATUSES: Final[dict[int, str]] = {
    0x10: "pccc_illegal_command",
    0x20: "pccc_host_problem",
    0x30: "pccc_remote_node_missing",
    0x40: "pccc_hardware_fault",
    0x50: "pccc_addressing_problem",
    0x60: "pccc_function_protected",
    0x70: "pccc_program_mode",
    0x80: "pccc_compatibility_file_missing",
    0x90: "pccc_cannot_buffer",
    0xA0: "pccc_wait_ack",
    0xB0: "pccc_download_problem",
    0xC0: "pccc_wait_ack",
}


class Command(NamedTuple):
    """One PCCC command or reply. ``shown``: the text; empty for replies, which do not repeat their function."""

    shown: str
    value: Value
    status: str
    write: bool


def _field(reader: Reader) -> int:
    """An address field: one byte, or 0xFF and two bytes (chapter 13)."""
    number = reader.u8()
    return reader.u16le() if number == 0xFF else number


def _words(data: bytes, most: int) -> Value:
    count = min(len(data) // 2, most)
    if not count:
        return None
    values = tuple(int.from_bytes(data[at : at + 2], "little") for at in range(0, 2 * count, 2))
    return values[0] if len(values) == 1 else values


def _request(reader: Reader, function: int, most: int) -> tuple[str, Value]:
    """Address and written words of the typed logical functions, mode of a mode change."""
    if function in _THREE_FIELDS or function in _TWO_FIELDS:
        reader.skip(1)
        number, kind, element = _field(reader), reader.u8(), _field(reader)
        address = f"/{_FILE_TYPES.get(kind) or f'file0x{kind:02x}_'}{number}:{element}"
        if function in _THREE_FIELDS and (sub := _field(reader)):
            address += f".{sub}"
        return address, None if function in _READS else _words(reader.rest(), most)
    if function == 0x0F80:
        mode = reader.u8()
        return "", _MODES.get(mode) or mode
    return "", None


def body_of(data: bytes, start: int, end: int) -> bytes:
    """The command or reply between ``start`` and ``end`` without its requester and its number. Raises ``Malformed``.

    The number changes with every command: without it, those that repeat are equal.
    """
    at = start + data[start] if start < end else start
    if at == start or at + 4 > end:
        raise Malformed("PCCC without a requester or a command")
    return data[at : at + 2] + data[at + 4 : end]


@lru_cache(maxsize=4096)
def read_pccc(message: bytes, most: int) -> Command:
    """The command or reply in what ``body_of`` gives; ``most`` bounds the words kept. Raises ``Malformed``."""
    reader = Reader(message)
    command, status = reader.u8(), reader.u8()
    if command & 0x40:
        if status == 0xF0:
            return Command("", None, f"pccc_extended_0x{reader.u8():02x}", write=False)
        return Command("", None, OK if not status else _STATUSES.get(status) or f"pccc_0x{status:02x}", write=False)
    command &= 0x0F
    if command not in _WITH_FUNCTION:
        name = COMMANDS.get(command)
        return Command(f"pccc/{name or f'command_0x{command:02x}'}", None, OK, name is not None and command not in _READ_COMMANDS)
    function = command << 8 | reader.u8()
    name = FUNCTIONS.get(function)
    address, value = _request(reader, function, most)
    return Command(f"pccc/{name or f'function_0x{function:04x}'}{address}", value, OK, name is not None and function not in _READS)
