"""MMS: services, names, values, errors, and the layers between it and the transport."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hauberk.errors import Malformed
from hauberk.model.hint import Hint, HintKey
from hauberk.model.transaction import Message
from hauberk.sense.dissect.interface import CERTAIN, NO, POSSIBLE
from hauberk.sense.dissect.iso_on_tcp import IsoOnTcp, recognise_mms, recognise_s7comm
from hauberk.sense.dissect.limits import DEFAULT_LIMITS, Limits


def tlv(tag: int, *contents: bytes) -> bytes:
    """An element; the tag as written."""
    body = b"".join(contents)
    size = bytes([len(body)]) if len(body) < 0x80 else b"\x82" + len(body).to_bytes(2, "big")
    return tag.to_bytes(1 + tag.bit_length() // 9, "big") + size + body


def frame(user: bytes) -> bytes:
    """A TPKT frame with a data PDU."""
    return b"\x03\x00" + (len(user) + 7).to_bytes(2, "big") + b"\x02\xf0\x80" + user


def mms(pdu: bytes, context: int = 3) -> bytes:
    """An MMS PDU in the data transfer of an open association."""
    return frame(b"\x01\x00\x01\x00" + tlv(0x61, tlv(0x30, tlv(0x02, bytes([context])), tlv(0xA0, pdu))))


def ask(service: bytes, invoke: int = 1) -> bytes:
    """A confirmed request."""
    return mms(tlv(0xA0, tlv(0x02, bytes([invoke])), service))


def answer(service: bytes, invoke: int = 1) -> bytes:
    """A confirmed response."""
    return mms(tlv(0xA1, tlv(0x02, bytes([invoke])), service))


def name(domain: bytes, item: bytes) -> bytes:
    """A name in a domain."""
    return tlv(0xA1, tlv(0x1A, domain), tlv(0x1A, item))


def variables(*names: bytes) -> bytes:
    """A list of variables."""
    return tlv(0xA0, *(tlv(0x30, tlv(0xA0, one)) for one in names))


INITIATE = tlv(0xA8, tlv(0x80, b"\x00\x7d\x00"), tlv(0x81, b"\x14"), tlv(0x82, b"\x14"), tlv(0x83, b"\x04"))
ACSE_OID, MMS_OID, BER_OID = bytes.fromhex("06045201 0001"), bytes.fromhex("060528ca220201"), bytes.fromhex("06025101")


def connect(abstract: bytes = MMS_OID) -> bytes:
    """A session connect with everything above it, down to the initiate request."""
    contexts = tlv(
        0xA4,
        tlv(0x30, b"\x02\x01\x01", ACSE_OID, tlv(0x30, BER_OID)),
        tlv(0x30, b"\x02\x01\x03", abstract, tlv(0x30, BER_OID)),
    )
    request = tlv(0x60, tlv(0xA1, MMS_OID), tlv(0xBE, tlv(0x28, BER_OID, b"\x02\x01\x03", tlv(0xA0, INITIATE))))
    values = tlv(0x61, tlv(0x30, b"\x02\x01\x01", tlv(0xA0, request)))
    presentation = tlv(0x31, tlv(0xA0, tlv(0x80, b"\x01")), tlv(0xA2, tlv(0x81, b"\x00\x01"), contexts, values))
    parameters = b"\x05\x06\x13\x01\x00\x16\x01\x02" + b"\x14\x02\x00\x02" + b"\xc1\xff" + len(presentation).to_bytes(2, "big")
    body = parameters + presentation
    return frame(b"\x0d\xff" + len(body).to_bytes(2, "big") + body)


READ = ask(tlv(0xA4, tlv(0xA1, variables(name(b"LD0", b"MMXU1$MX$A"), name(b"LD0", b"GGIO1$ST$Ind")))))
READ_ANSWER = answer(
    tlv(0xA4, tlv(0xA1, tlv(0xA2, tlv(0x87, bytes.fromhex("083fc00000")), tlv(0x84, b"\x03\x00")), tlv(0x83, b"\x01")))
)
WRITE = ask(tlv(0xA5, variables(name(b"LD0", b"CSWI1$CO$Pos$Oper")), tlv(0xA0, tlv(0xA2, tlv(0x83, b"\x01"), tlv(0x86, b"\x05")))))
CONNECT = bytes.fromhex("0300001611e00000077800c1020001c2020001c0010d")
REPORT = mms(
    tlv(
        0xA3,
        tlv(
            0xA0,
            tlv(0xA1, tlv(0x80, b"RPT")),
            tlv(0xA0, tlv(0x8A, b"brcb01"), tlv(0x84, bytes.fromhex("067900")), tlv(0x86, b"\x07")),
        ),
    ),
)

SAMPLES: tuple[tuple[bytes, bool], ...] = (
    (CONNECT, True),
    (connect(), True),
    (READ, True),
    (READ_ANSWER, False),
    (WRITE, True),
    (answer(tlv(0xA5, tlv(0x81))), False),
    (REPORT, False),
    (ask(tlv(0x82)), True),
    (answer(tlv(0xA2, tlv(0x80, b"Acme"), tlv(0x81, b"Bay 7"), tlv(0x82, b"2.1"))), False),
    (ask(tlv(0xA1, tlv(0xA0, tlv(0x80, b"\x00")), tlv(0xA1, tlv(0x81, b"LD0")))), True),
    (answer(tlv(0xA1, tlv(0xA0, tlv(0x1A, b"LLN0"), tlv(0x1A, b"MMXU1")), tlv(0x81, b"\x00"))), False),
    (ask(tlv(0xBF48, tlv(0xA0, tlv(0x19, b"a.cid")), tlv(0x81, b"\x00"))), True),
    (ask(tlv(0x9F49, b"\x05")), True),
    (mms(tlv(0xA2, tlv(0x80, b"\x01"), tlv(0xA2, tlv(0xA0, tlv(0x87, b"\x02"))))), False),
    (mms(tlv(0xA4, tlv(0x80, b"\x01"), tlv(0x81, b"\x01"))), False),
    (mms(tlv(0x8B)), True),
)


def read(*pdus: tuple[bytes, bool]) -> list[Message]:
    """Messages of one conversation, hints left out."""
    one = IsoOnTcp(DEFAULT_LIMITS)
    return [message._replace(hints=()) for pdu, to_responder in pdus for message in one.read(pdu, to_responder)]


def test_an_association_begins_with_initiate() -> None:
    """It lies below session, presentation and association control."""
    assert read((CONNECT, True), (connect(), True)) == [Message("mms", "request", "initiate")]


def test_a_read_and_its_answer_share_names() -> None:
    """Structures are flattened; unused bits of bit strings are left out."""
    asked, answered = read((READ, True), (READ_ANSWER, False))
    assert asked == Message("mms", "request", "read", 4, "LD0/MMXU1$MX$A,LD0/GGIO1$ST$Ind")
    assert answered == Message("mms", "response", "read", 4, asked.object, (1.5, "00", True))


def test_a_failed_read_says_why() -> None:
    """The first failure is the status, the value stays empty."""
    failed = answer(tlv(0xA4, tlv(0xA1, tlv(0x80, b"\x0a"))))
    assert read((READ, True), (failed, False))[1][6] == "object_non_existent"


def test_a_write_tells_its_values_and_its_answer_the_outcome() -> None:
    """Both are marked as writes."""
    asked, answered = read((WRITE, True), (answer(tlv(0xA5, tlv(0x80, b"\x03"))), False))
    assert asked == Message("mms", "request", "write", 5, "LD0/CSWI1$CO$Pos$Oper", (True, 5), "ok", True)
    assert (answered.object, answered.status, answered.write) == (asked.object, "object_access_denied", True)


def test_both_sides_may_ask_with_the_same_number() -> None:
    """Control centres ask each other: the direction keeps their requests apart."""
    other = ask(tlv(0xA4, tlv(0xA1, variables(name(b"B", b"Y")))))
    messages = read((READ, True), (other, False), (READ_ANSWER, False), (READ_ANSWER, True))
    assert [message.object for message in messages[2:]] == ["LD0/MMXU1$MX$A,LD0/GGIO1$ST$Ind", "B/Y"]


def test_a_report_is_named_by_its_report_id() -> None:
    """The list of variables is RPT for every report."""
    assert read((REPORT, False)) == [Message("mms", "event", "information_report", None, "RPT:brcb01", ("brcb01", "7900", 7))]


@pytest.mark.parametrize(
    "service, code, operation, target, write",
    [
        (tlv(0x80, b"\x00"), 0, "status", None, False),
        (tlv(0xA1, tlv(0xA0, tlv(0x80, b"\x09")), tlv(0xA1, tlv(0x80))), 1, "get_name_list", None, False),
        (tlv(0xA6, tlv(0xA0, name(b"LD0", b"X"))), 6, "get_variable_access_attributes", "LD0/X", False),
        (tlv(0xAC, name(b"LD0", b"LLN0$ds")), 12, "get_named_variable_list_attributes", "LD0/LLN0$ds", False),
        (tlv(0xAB, tlv(0x82, b"mine"), variables(tlv(0x80, b"X"))), 11, "define_named_variable_list", "@mine", True),
        (tlv(0xAD, tlv(0x80, b"\x00"), tlv(0xA1, name(b"LD0", b"ds"))), 13, "delete_named_variable_list", "LD0/ds", True),
        (tlv(0xA4, tlv(0xA1, tlv(0xA1, tlv(0x80, b"ALL")))), 4, "read", "ALL", False),
        (tlv(0x9F24, b"DOM1"), 36, "delete_domain", "DOM1", True),
        (tlv(0xBF28, tlv(0x80, b"PI1")), 40, "start", "PI1", True),
        (tlv(0xBF29, tlv(0x80, b"PI1")), 41, "stop", "PI1", True),
        (tlv(0xBA, tlv(0x80, b"DOM1"), tlv(0x82, b"\x00")), 26, "initiate_download_sequence", "DOM1", True),
        (tlv(0xBF41, tlv(0xA0, name(b"LD0", b"LOG"))), 65, "read_journal", "LD0/LOG", False),
        (tlv(0xBF2E, tlv(0xA1, tlv(0x19, b"s")), tlv(0xA2, tlv(0x19, b"d"))), 46, "obtain_file", "s,d", True),
        (tlv(0xBF48, tlv(0xA0, tlv(0x19, b"dir"), tlv(0x19, b"a.cid"))), 72, "file_open", "dir/a.cid", False),
        (tlv(0x9F49, b"\x05"), 73, "file_read", "frsm/5", False),
        (tlv(0xBF4C, tlv(0x19, b"a.cid")), 76, "file_delete", "a.cid", True),
    ],
)
def test_services_have_code_name_object_and_effect(
    service: bytes, code: int, operation: str, target: str | None, write: bool
) -> None:
    """The code is the number of the service's tag, also where it takes two bytes."""
    assert read((ask(service), True)) == [Message("mms", "request", operation, code, target, None, "ok", write)]


def test_identify_says_vendor_model_and_revision() -> None:
    """They become hints about the server."""
    one = IsoOnTcp(DEFAULT_LIMITS)
    message = one.read(SAMPLES[8][0], False)[0]
    assert message.value == ("Acme", "Bay 7", "2.1")
    assert message.hints == (
        Hint(HintKey.VENDOR, "Acme"),
        Hint(HintKey.MODEL, "Bay 7"),
        Hint(HintKey.FIRMWARE, "2.1"),
        Hint(HintKey.ROLE, "mms.server"),
    )


def test_names_of_a_server_are_listed() -> None:
    """The list is the value."""
    assert read(SAMPLES[10])[0].value == ("LLN0", "MMXU1")


def test_an_error_answers_the_request_without_a_code() -> None:
    """Operation and object come from the request."""
    error = mms(tlv(0xA2, tlv(0x80, b"\x01"), tlv(0xA2, tlv(0xA0, tlv(0x87, b"\x03")))))
    message = read((WRITE, True), (error, False))[1]
    assert message == Message("mms", "response", "write", None, "LD0/CSWI1$CO$Pos$Oper", None, "object_access_denied", True)


def test_a_reject_says_what_was_refused() -> None:
    """Kind and number of the reason."""
    message = read((mms(tlv(0xA4, tlv(0x80, b"\x01"), tlv(0x81, b"\x01"))), False))[0]
    assert (message.operation, message.status) == ("reject", "rejected_confirmed_request_1")


def test_conclude_has_no_code() -> None:
    """It belongs to the association, not to a service."""
    assert read((mms(tlv(0x8B)), True), (mms(tlv(0x8C)), False)) == [
        Message("mms", "request", "conclude"),
        Message("mms", "response", "conclude"),
    ]


def test_other_presentation_contexts_are_not_mms() -> None:
    """Once the contexts are agreed only those of MMS are read."""
    one = IsoOnTcp(DEFAULT_LIMITS)
    one.read(connect(), True)
    assert one.read(mms(tlv(0xA0, tlv(0x02, b"\x01"), tlv(0x82)), context=7), True) == []
    assert not one.finished


def test_an_association_without_mms_is_left_alone() -> None:
    """Directories and mail use the same layers."""
    one = IsoOnTcp(DEFAULT_LIMITS)
    one.read(connect(bytes.fromhex("060355 0901")), True)
    assert one.finished


def test_broken_contents_are_malformed_messages() -> None:
    """The service is still named where it can be."""
    inside, outside = read((ask(b"\xa4\x04\xa1\x05\xa0\x00"), True), (mms(tlv(0xA0, b"\x02\x05")), True))
    assert (inside.operation, inside.status) == ("read", "malformed")
    assert (outside.operation, outside.status) == ("confirmed_request", "malformed")


def test_deep_structures_are_malformed() -> None:
    """Nesting is followed to the limit."""
    data = tlv(0x83, b"\x01")
    for _ in range(40):
        data = tlv(0xA2, data)
    message = read((ask(tlv(0xA5, variables(name(b"A", b"B")), tlv(0xA0, data))), True))[0]
    assert (message.object, message.status) == ("A/B", "malformed")


def test_values_and_names_are_bounded() -> None:
    """No more than the limit are kept."""
    one = IsoOnTcp(Limits(items=3))
    service = tlv(0xA5, variables(*[name(b"A", b"%d" % at) for at in range(9)]), tlv(0xA0, *[tlv(0x86, b"\x01")] * 9))
    message = one.read(ask(service), True)[0]
    assert message.value == (1, 1, 1)
    assert message.object == "A/0,A/1,A/2"


@pytest.mark.parametrize(
    "data, value",
    [
        (tlv(0x85, b"\xff"), -1),
        (tlv(0x86, b"\x00\xff"), 255),
        (tlv(0x89, b"\xde\xad"), "dead"),
        (tlv(0x8A, b"text"), "text"),
        (tlv(0x90, "ü".encode()), "ü"),
        (tlv(0x8C, bytes.fromhex("000003e80001")), "1984-01-02T00:00:01.000000Z"),
        (tlv(0x8C, bytes.fromhex("000003e8")), 1000),
        (tlv(0x91, bytes.fromhex("3b9aca008000000a")), "2001-09-09T01:46:40.500000Z"),
    ],
)
def test_kinds_of_values(data: bytes, value: object) -> None:
    """Numbers, bytes, text and times."""
    assert read((ask(tlv(0xA5, variables(name(b"A", b"B")), tlv(0xA0, data))), True))[0].value == value


@pytest.mark.parametrize("pdu, to_responder", SAMPLES)
def test_every_sample_is_recognised_and_read(pdu: bytes, to_responder: bool) -> None:
    """By its first frame, whatever the port; S7comm stays possible."""
    assert recognise_mms(pdu, to_responder) == CERTAIN
    assert recognise_s7comm(pdu, to_responder) == POSSIBLE
    one = IsoOnTcp(DEFAULT_LIMITS)
    assert one.frame_length(pdu, to_responder) == len(pdu)
    messages = one.read(pdu, to_responder)
    assert len(messages) == (0 if pdu == CONNECT else 1)
    assert all(message.status != "malformed" for message in messages)


@given(st.data())
def test_nothing_but_malformed_escapes(data: st.DataObject) -> None:
    """Mutated samples in any order."""
    one = IsoOnTcp(Limits(pending=4))
    for _ in range(data.draw(st.integers(1, 4))):
        pdu = bytearray(data.draw(st.sampled_from([sample for sample, _ in SAMPLES])))
        for _ in range(data.draw(st.integers(0, 4))):
            pdu[data.draw(st.integers(0, len(pdu) - 1))] = data.draw(st.integers(0, 255))
        cut = bytes(pdu[: data.draw(st.integers(0, len(pdu)))])
        way = data.draw(st.booleans())
        assert recognise_mms(cut, way) in {NO, POSSIBLE, CERTAIN}
        for part in (bytes(pdu), cut):
            try:
                one.frame_length(part, way)
                one.read(part, way)
            except Malformed:
                pass
