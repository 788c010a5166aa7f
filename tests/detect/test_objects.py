"""Objects as tokens: one grammar for what every dissector writes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hauberk.detect.objects import MOST_ITEMS, Token, shown, target, tokens
from hauberk.model.transaction import Transaction, Value


@pytest.mark.parametrize(
    "protocol, text, expected",
    [
        ("modbus", "255/coil/7-9", [Token("255/coil/", 7, 9)]),
        ("modbus", "1/holding_register/99", [Token("1/holding_register/", 99, 99)]),
        ("modbus", "1/holding_register/10-12,20-21", [Token("1/holding_register/", 10, 12), Token("1/holding_register/", 20, 21)]),
        ("iec104", "3/1300,1301", [Token("3/", 1300, 1300), Token("3/", 1301, 1301)]),
        ("dnp3", "100->5/g12v1/8+10", [Token("100->5/g12v1/", 8, 8), Token("100->5/g12v1/", 10, 10)]),
        ("dnp3", "1->10/g60v2,g60v3", [Token("1->10/g60v", 2, 2), Token("1->10/g60v", 3, 3)]),
        ("dnp3", "1->10/g30v1/0-5", [Token("1->10/g30v1/", 0, 5)]),
        ("s7comm", "DB131.DBB82+10", [Token("DB131.DBX", 656, 735)]),
        ("s7comm", "DB131.DBX8.1;MW2", [Token("DB131.DBX", 65, 65), Token("MX", 16, 31)]),
        ("s7comm", "_INSE:OB1", [Token("_INSE:OB", 1, 1)]),
        ("fins", "CIO/52428+2", [Token("CIO/", 52428, 52429)]),
        ("fins", "CIO/16+16>TC/32+16", [Token("CIO/", 16, 31), Token("TC/", 32, 47)]),
        ("ads", "5.13.117.96.1.1:1/0x3:0x2", [Token("5.13.117.96.1.1:1/0x3:", 2, 2)]),
        ("ads", "5.13.117.96.1.1:851/0xf005:0x1a2b", [Token("5.13.117.96.1.1:851/handle")]),
        ("opcua", "ns=1;i=12133,ns=1;s=the.answer", [Token("ns=1;i=", 12133, 12133), Token("ns=1;s=the.answer")]),
        ("bacnet", "device:721/present_value", [Token("device:721/present_value")]),
        ("goose", "LD0/LLN0$GO$gcb_A", [Token("LD0/LLN0$GO$gcb_A")]),
        ("cip", "Motor[3]", [Token("Motor[", 3, 3)]),
        ("modbus", "1/coil/9-7", [Token("1/coil/9-7")]),
    ],
)
def test_objects_of_all_protocols_are_read(protocol: str, text: str, expected: list[Token]) -> None:
    """As the dissectors write them."""
    assert list(tokens(protocol, text)) == expected


@given(protocol=st.sampled_from(["modbus", "dnp3", "s7comm", "ads", "opcua"]), text=st.text(max_size=400))
def test_any_text_gives_bounded_tokens(protocol: str, text: str) -> None:
    """Never fails; ranges are in order."""
    found = tokens(protocol, text)
    assert len(found) <= MOST_ITEMS
    assert all(token.low is None or (token.high is not None and token.low <= token.high) for token in found)


@given(unit=st.integers(0, 255), low=st.integers(0, 65535), count=st.integers(1, 2000))
def test_a_range_keeps_its_numbers(unit: int, low: int, count: int) -> None:
    """Unit and table are the space."""
    assert tokens("modbus", f"{unit}/holding_register/{low}-{low + count}") == (
        Token(f"{unit}/holding_register/", low, low + count),
    )


@given(block=st.integers(1, 65535), start=st.integers(0, 65535), count=st.integers(1, 200))
def test_widths_of_s7_cover_the_same_bits(block: int, start: int, count: int) -> None:
    """A word is two bytes."""
    assert tokens("s7comm", f"DB{block}.DBW{start}+{count}") == tokens("s7comm", f"DB{block}.DBB{start}+{2 * count}")


def test_bits_are_said_as_bits() -> None:
    """Byte and bit, first to last."""
    assert shown("DB5.DBX", 65, 65) == "DB5.DBX8.1"
    assert shown("1/coil/", 7, 9) == "1/coil/7 to 9"


def _message(protocol: str, operation: str, thing: str | None, value: Value = None) -> Transaction:
    return Transaction(1, 0.0, protocol, "a", 1, "b", 2, "request", operation, 1, thing, value, "ok", write=True)


def test_a_command_that_only_its_value_names_is_part_of_the_target() -> None:
    """Starting and stopping a stream are different things, a password is not looked at."""
    assert target(_message("c37118", "command", "241", "turn_off_transmission")) == "241=turn_off_transmission"
    assert target(_message("bacnet", "reinitialize_device", None, "coldstart")) == "=coldstart"
    assert target(_message("modbus", "write_single_coil", "1/coil/1", value=True)) == "1/coil/1"
    assert target(_message("s7comm_plus", "set_variable", "0x000003c0")) is None
