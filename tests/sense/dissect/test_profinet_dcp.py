"""PROFINET DCP: get, set, identify and hello, what devices say of themselves, and what broken messages do."""

from __future__ import annotations

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hauberk.errors import Malformed
from hauberk.model.hint import Hint, HintKey
from hauberk.model.transaction import Message
from hauberk.sense.dissect.interface import CERTAIN, LIKELY, NO
from hauberk.sense.dissect.limits import DEFAULT_LIMITS, Limits
from hauberk.sense.dissect.profinet_dcp import ProfinetDcp, recognise


def block(option: int, suboption: int, body: bytes = b"") -> bytes:
    """One block, filled up to an even length."""
    return struct.pack(">BBH", option, suboption, len(body)) + body + bytes(len(body) & 1)


def dcp(frame_id: int, service: int, kind: int, body: bytes, transaction: int = 1) -> bytes:
    """A message after the EtherType, filled up as Ethernet does."""
    return (struct.pack(">HBBIHH", frame_id, service, kind, transaction, 0, len(body)) + body).ljust(46, b"\0")


ADDRESS = bytes.fromhex("c0a80005ffffff00c0a80001")
IDENTIFY = dcp(0xFEFE, 5, 0, block(2, 2, b"plc-1"))
IDENTIFIED = dcp(
    0xFEFF,
    5,
    1,
    block(2, 1, b"\0\0S7-1200")
    + block(2, 2, b"\0\0plc-1")
    + block(2, 3, bytes.fromhex("0000002a010d"))
    + block(2, 4, b"\0\0\x02\0")
    + block(1, 2, b"\0\x01" + ADDRESS),
)
SET_NAME = dcp(0xFEFD, 4, 0, block(2, 2, b"\0\x01pump-7"))

SAMPLES: tuple[tuple[bytes, bool], ...] = (
    (dcp(0xFEFE, 5, 0, block(255, 255)), True),
    (IDENTIFY, True),
    (IDENTIFIED, False),
    (dcp(0xFEFD, 3, 0, bytes([2, 2, 1, 2])), True),
    (dcp(0xFEFD, 3, 1, block(2, 2, b"\0\0plc-1") + block(1, 2, b"\0\x01" + ADDRESS)), False),
    (SET_NAME, True),
    (dcp(0xFEFD, 4, 1, block(5, 4, bytes([2, 2, 0]))), False),
    (dcp(0xFEFD, 4, 0, block(1, 2, b"\0\x01" + ADDRESS)), True),
    (dcp(0xFEFD, 4, 0, block(5, 5, b"\0\0")), True),
    (dcp(0xFEFC, 6, 0, block(2, 2, b"\0\0plc-1") + block(1, 2, b"\0\x01" + ADDRESS)), True),
)


def read(*pdus: bytes) -> list[Message]:
    """Messages of one pair of stations."""
    session = ProfinetDcp(DEFAULT_LIMITS)
    return [message for pdu in pdus for message in session.read(pdu, True)]


def test_identify_shows_its_filter() -> None:
    """A search for one name tells from a search for all."""
    everyone, one = read(SAMPLES[0][0], IDENTIFY)
    assert everyone == Message("profinet_dcp", "request", "identify", 5, "all/all")
    assert one == Message("profinet_dcp", "request", "identify", 5, "device/name_of_station=plc-1")


def test_an_identified_device_says_who_it_is() -> None:
    """Name, kind of station, vendor, role and address become hints about the sender."""
    (message,) = read(IDENTIFIED)
    assert (message.role, message.operation, message.code) == ("response", "identify", 5)
    assert message.value == ("S7-1200", "plc-1", "0x002a:0x010d", "io_controller", "192.168.0.5 255.255.255.0 192.168.0.1")
    assert message.hints == (
        Hint(HintKey.MODEL, "S7-1200"),
        Hint(HintKey.HOSTNAME, "plc-1"),
        Hint(HintKey.VENDOR, "Siemens"),
        Hint(HintKey.ROLE, "profinet.io_controller"),
        Hint(HintKey.IP, "192.168.0.5"),
    )


def test_an_unset_address_is_no_hint() -> None:
    """New devices answer with zeros."""
    (message,) = read(dcp(0xFEFF, 5, 1, block(1, 2, bytes(14))))
    assert message.value == "0.0.0.0 0.0.0.0 0.0.0.0"
    assert message.hints == ()


def test_get_lists_options_and_its_answer_their_contents() -> None:
    """A get request has no lengths."""
    asked, answered = read(SAMPLES[3][0], SAMPLES[4][0])
    assert asked == Message("profinet_dcp", "request", "get", 3, "device/name_of_station,ip/ip_parameter")
    assert answered.value == ("plc-1", "192.168.0.5 255.255.255.0 192.168.0.1")


def test_setting_a_name_is_a_write_with_its_outcome() -> None:
    """The answer takes its object from the request with the same transaction."""
    asked, good = read(SET_NAME, SAMPLES[6][0])
    assert asked == Message("profinet_dcp", "request", "set", 4, "device/name_of_station", "pump-7", "ok", True)
    assert good == Message("profinet_dcp", "response", "set", 4, "device/name_of_station", None, "ok", True)
    refused = read(SET_NAME, dcp(0xFEFD, 4, 1, block(5, 4, bytes([2, 2, 6]))))[1]
    assert refused.status == "in_operation"


def test_an_answer_without_its_request_names_the_option_it_answers() -> None:
    """The response block repeats it."""
    assert read(SAMPLES[6][0])[0].object == "device/name_of_station"


@pytest.mark.parametrize(
    "body, target, value",
    [
        (block(5, 5, b"\0\0"), "control/factory_reset", None),
        (block(5, 6, b"\0\x04"), "control/reset_to_factory", None),
        (block(5, 3, b"\0\0\x01\0"), "control/signal", "0100"),
        (block(1, 2, b"\0\0" + ADDRESS), "ip/ip_parameter", "192.168.0.5 255.255.255.0 192.168.0.1"),
    ],
)
def test_resets_signals_and_addresses_are_writes(body: bytes, target: str, value: str | None) -> None:
    """What is set lies after the qualifier."""
    assert read(dcp(0xFEFD, 4, 0, body)) == [Message("profinet_dcp", "request", "set", 4, target, value, "ok", True)]


def test_unsupported_services_are_answered_so() -> None:
    """Service type 5."""
    assert read(dcp(0xFEFD, 4, 5, b""))[0].status == "not_supported"


def test_hello_says_who_starts() -> None:
    """A request that is about its sender."""
    (message,) = read(SAMPLES[9][0])
    assert (message.role, message.operation) == ("request", "hello")
    assert Hint(HintKey.HOSTNAME, "plc-1") in message.hints


def test_cyclic_data_is_passed_over() -> None:
    """Other frames of the EtherType say nothing and are no fault."""
    assert read(b"\x80\x00" + bytes(44)) == []
    assert recognise(b"\x80\x00" + bytes(44), True) == LIKELY


@pytest.mark.parametrize("body", [block(2, 2, b"x" * 9)[:-5], block(2, 2)[:3] + b"\xff" + b"ab"])
def test_broken_blocks_are_malformed_messages(body: bytes) -> None:
    """The service is known even so."""
    (message,) = read(dcp(0xFEFD, 4, 0, body))
    assert (message.code, message.status, message.write) == (4, "malformed", True)


def test_a_length_beyond_the_frame_is_malformed() -> None:
    """The header says more than there is."""
    assert read(SET_NAME[:10] + b"\xff\xff" + SET_NAME[12:])[0].status == "malformed"


@pytest.mark.parametrize("pdu", [b"", b"\xfe", SET_NAME[:11]])
def test_a_cut_header_is_refused(pdu: bytes) -> None:
    """Not even the service is there."""
    with pytest.raises(Malformed):
        read(pdu)


def test_open_requests_are_bounded() -> None:
    """The oldest transaction is forgotten first."""
    session = ProfinetDcp(Limits(pending=1))
    for transaction in (1, 2):
        session.read(dcp(0xFEFD, 4, 0, block(2, 2, b"\0\0a"), transaction), True)
    assert session.read(dcp(0xFEFD, 4, 1, b"", 1), False)[0].object is None
    assert session.read(dcp(0xFEFD, 4, 1, b"", 2), False)[0].object == "device/name_of_station"


@pytest.mark.parametrize("pdu, to_responder", SAMPLES)
def test_every_sample_is_recognised_and_read(pdu: bytes, to_responder: bool) -> None:
    """By frame id, service and length."""
    assert recognise(pdu, to_responder) == CERTAIN
    assert [message.status for message in read(pdu)] == ["ok"]


@pytest.mark.parametrize("pdu", [b"", bytes(46), b"\xff\xff" + bytes(44), b"\xfe\xfd\x09" + bytes(43), SET_NAME[:20]])
def test_other_payloads_are_refused(pdu: bytes) -> None:
    """Unknown frame ids, unknown services, lengths that do not fit."""
    assert recognise(pdu, True) == NO


@given(st.data())
def test_nothing_but_malformed_escapes(data: st.DataObject) -> None:
    """Mutated samples in any order."""
    session = ProfinetDcp(Limits(pending=2))
    for _ in range(data.draw(st.integers(1, 4))):
        pdu = bytearray(
            data.draw(st.one_of(st.sampled_from([sample for sample, _ in SAMPLES]), st.binary(min_size=1, max_size=60)))
        )
        for _ in range(data.draw(st.integers(0, 4))):
            pdu[data.draw(st.integers(0, len(pdu) - 1))] = data.draw(st.integers(0, 255))
        cut = bytes(pdu[: data.draw(st.integers(0, len(pdu)))])
        assert recognise(cut, True) in {NO, LIKELY, CERTAIN}
        for part in (bytes(pdu), cut):
            assert session.frame_length(part, True) == len(part)
            with contextlib.suppress(Malformed):
                session.read(part, True)
