"""Kinds of request, read from the words of operations."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hauberk.detect.verbs import ACCESS, ERASE, OTHER, PROGRAM, STOP, STRANGE, UPLOAD, WRITE, Kind, kind_of


@pytest.mark.parametrize(
    "operation, thing, write, kind",
    [
        ("plc_stop", "P_PROGRAM", True, STOP),
        ("pi_service", "P_PROGRAM:C", True, STOP),
        ("pi_service", "_INSE:OB1", True, PROGRAM),
        ("request_download", "OB1", True, PROGRAM),
        ("start_upload", "OB1", False, UPLOAD),
        ("cold_restart", "1->10", True, STOP),
        ("force_listen_only_mode", None, True, STOP),
        ("reinitialize_device", "=coldstart", True, STOP),
        ("device_communication_control", "=disable", True, STOP),
        ("execute_pccc", "pccc/change_mode=remote_program", True, STOP),
        ("execute_pccc", "pccc/protected_typed_logical_masked_write_3/file0xa2_1:0", True, WRITE),
        ("reset", "identity/1", True, STOP),
        ("write_control", "1.2.3.4.1.1:851", True, STOP),
        ("run", "program/0000=monitor", True, STOP),
        ("set", "control/reset_to_factory", True, STOP),
        ("set", "control/start,ip/ip_parameter,control/stop", True, WRITE),
        ("program_area_clear", "program/0000", True, PROGRAM),
        ("memory_card_format", None, True, ERASE),
        ("delete_file", "1->10", True, ERASE),
        ("forced_set_reset", "CIO/0+1", True, WRITE),
        ("write_multiple_registers", "1/holding_register/1-2", True, WRITE),
        ("set_plc_session_password", None, False, ACCESS),
        ("reserved_function_29", "1", False, STRANGE),
        ("read_var", "MB0", False, OTHER),
        ("multiple_service_packet", None, False, OTHER),
    ],
)
def test_words_tell_the_kind(operation: str, thing: str | None, write: bool, kind: Kind) -> None:
    """Operations as the dissectors name them."""
    assert kind_of(operation, thing, write) is kind


@given(operation=st.text(max_size=40), thing=st.none() | st.text(max_size=40), write=st.booleans())
def test_every_request_has_a_kind(operation: str, thing: str | None, write: bool) -> None:
    """Whatever its name, and a write is never less than high."""
    kind = kind_of(operation, thing, write)
    assert kind.techniques
    assert not write or kind.severity >= WRITE.severity
