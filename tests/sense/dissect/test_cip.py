"""CIP: paths, services, embedded services, tags, PCCC, and what is never kept."""

from __future__ import annotations

import pytest

from hauberk.errors import Malformed
from hauberk.model.hint import Hint, HintKey
from hauberk.model.transaction import MALFORMED, Message
from hauberk.sense.dissect.cip import CipReader, Request, broken
from hauberk.sense.dissect.cip_path import decode
from hauberk.sense.dissect.cip_pccc import body_of, read_pccc
from hauberk.sense.dissect.limits import DEFAULT_LIMITS, Limits


def asked(request: str, limits: Limits = DEFAULT_LIMITS) -> tuple[CipReader, Request, list[Message]]:
    """A reader after one request, the request and its messages."""
    reader = CipReader(limits)
    data = bytes.fromhex(request)
    pending = reader.request(data, 0, len(data))
    return reader, pending, list(reader.out)


def answered(request: str, response: str) -> list[Message]:
    """The messages of the response to a request."""
    reader, pending, _ = asked(request)
    reader.out.clear()
    data = bytes.fromhex(response)
    reader.response(data, 0, len(data), pending)
    return reader.out


@pytest.mark.parametrize(
    "path,shown",
    [
        ("20012401", "identity/1"),
        ("200124013007", "identity/1/7"),
        ("208b2401", "0x8b/1"),
        ("206825002024", "0x68/9248"),
        ("21000103260078563412", "0x301/305419896"),
        ("20042c65", "assembly/point101"),
        ("910554616e6b3100", "Tank1"),
        ("910554616e6b31002803", "Tank1[3]"),
        ("910450726f679103546167002807", "Prog.Tag[7]"),
        ("010020022401", "message_router/1"),
        ("340401000e00360014002004", "assembly"),
        ("63546167206b", "symbol/Tag"),
    ],
)
def test_paths_are_shown_compactly(path: str, shown: str) -> None:
    """Logical, symbolic and port segments and the electronic key give one stable text."""
    assert decode(bytes.fromhex(path)).shown == shown


def test_routes_are_kept_apart_from_the_object() -> None:
    """Ports and links come before the object; an extended link is text."""
    assert decode(bytes.fromhex("010020022401")).route == "1/0"
    assert decode(bytes.fromhex("120831302e302e302e32")).route == "2/10.0.0.2"


@pytest.mark.parametrize("path", ["20", "2500", "e001", "9105ab", "27000000", "3404"])
def test_broken_paths_are_refused(path: str) -> None:
    """A path that ends inside a segment, or has a reserved one, is not guessed at."""
    with pytest.raises(Malformed):
        decode(bytes.fromhex(path))


@pytest.mark.parametrize(
    "request_bytes,operation,write",
    [
        ("010220012401", "get_attributes_all", False),
        ("100320f62401300602006400", "set_attribute_single", True),
        ("0402208b240101000500", "set_attribute_list", True),
        ("05022001240100", "reset", True),
        ("0602208e2401", "start", True),
        ("0702208e2401", "stop", True),
        ("08012069", "create", True),
        ("090220692405", "delete", True),
        ("4c04910554616e6b31000100", "read_tag", False),
        ("4d04910554616e6b3100c40001002a000000", "write_tag", True),
        ("5304910554616e6b3100c4000200000000000100000002000000", "write_tag_fragmented", True),
        ("4e04910554616e6b310004000f000000ffffffff", "read_modify_write_tag", True),
        ("4e0220062401", "forward_close", False),
        ("4c0220372401", "initiate_download", True),
        ("4b0220ac2401", "service_0x4b", False),
        ("4c0220722400", "service_0x4c", False),
    ],
)
def test_services_are_named_by_the_object_they_are_sent_to(request_bytes: str, operation: str, write: bool) -> None:
    """The same number means different things to different objects; writes, starts and stops are flagged."""
    message = asked(request_bytes)[2][0]
    assert (message.operation, message.write, message.code) == (operation, write, int(request_bytes[:2], 16))


@pytest.mark.parametrize(
    "request_bytes,value",
    [
        ("4d04910554616e6b3100c40001002a000000", 42),
        ("4d04910554616e6b3100ca000200000020410000a0c1", (10.0, -20.0)),
        ("4d04910554616e6b3100c100010001", True),
        ("4d04910554616e6b3100a002ce0f010003000000616263", "abc"),
        ("5304910554616e6b3100c30002000000000001000200", (1, 2)),
        ("4e04910554616e6b310004000f000000ffffffff", (15, 0xFFFFFFFF)),
        ("100320f62401300602006400", 0x00640002),
        ("030220012401020001000700", (1, 7)),
    ],
)
def test_written_values_are_read(request_bytes: str, value: object) -> None:
    """Tag values by their type, attributes as numbers, lists of attributes as their numbers."""
    assert asked(request_bytes)[2][0].value == value


def test_values_are_bounded() -> None:
    """No more elements than the limit are kept."""
    message = asked("4d04910554616e6b3100c2000a00" + "01" * 10, Limits(items=4))[2][0]
    assert message.value == (1, 1, 1, 1)


def test_values_of_security_objects_are_never_kept() -> None:
    """What is written to the EtherNet/IP security object may be a key."""
    message = asked("1003205e24013005" + b"topsecret".hex())[2][0]
    assert (message.operation, message.value, message.write) == ("set_attribute_single", None, True)


def test_answers_carry_object_value_and_status_of_their_request() -> None:
    """A read gives its value; a refusal its name; both the object and the write flag."""
    assert answered("4c04910554616e6b31000100", "cc000000c4002a000000")[0] == Message(
        "cip", "response", "read_tag", 0x4C, "Tank1", 42
    )
    refused = answered("100320f6240130060200", "90000e00")[0]
    assert (refused.status, refused.object, refused.write) == ("attribute_not_settable", "ethernet_link/1/6", True)
    assert answered("0e03200124013009", "8e00ff00")[0].status == "status_0xff"


def test_a_partial_transfer_still_gives_values() -> None:
    """The first part of a long tag comes with status 6."""
    message = answered("5204910554616e6b3100020000000000", "d2000600c4002a000000")[0]
    assert (message.status, message.value) == ("partial_transfer", 42)


def test_the_identity_object_identifies_the_device() -> None:
    """All attributes at once, a list of them, or one: each gives its hints."""
    everything = "01000c003a00040330008e4d52000b" + b"1756-ENBT/A".hex()
    assert Hint(HintKey.SERIAL, "00524d8e") in answered("010220012401", "81000000" + everything)[0].hints
    listed = answered("030220012401020001000700", "83000000" + "0200" + "010000000100" + "07000000" + "03504c43")[0]
    assert (listed.value, listed.hints) == ((1, "PLC"), (Hint(HintKey.VENDOR, "Rockwell Automation"), Hint(HintKey.MODEL, "PLC")))
    assert answered("0e03200124013007", "8e00000003504c43")[0].hints == (Hint(HintKey.MODEL, "PLC"),)


def test_the_same_identity_is_told_once() -> None:
    """A poll that repeats the identity gives no second hint."""
    reader, pending, _ = asked("0e03200124013007")
    data = bytes.fromhex("8e00000003504c43")
    reader.response(data, 0, len(data), pending)
    reader.response(data, 0, len(data), pending)
    assert [bool(message.hints) for message in reader.out[1:]] == [True, False]


MULTIPLE = "0a0220022401020006000e000e0320f52401300103022001240101000700"


def test_a_multiple_service_packet_is_followed_by_its_services() -> None:
    """The packet itself, then each service in order; the answers carry the objects of theirs."""
    assert [(m.operation, m.object) for m in asked(MULTIPLE)[2]] == [
        ("multiple_service_packet", "message_router/1"),
        ("get_attribute_single", "tcp_ip_interface/1/1"),
        ("get_attribute_list", "identity/1"),
    ]
    answers = answered(MULTIPLE, "8a001e00020006000e008e00000001000000830008000000")
    assert [(m.operation, m.object, m.status) for m in answers] == [
        ("multiple_service_packet", "message_router/1", "embedded_service_error"),
        ("get_attribute_single", "tcp_ip_interface/1/1", "ok"),
        ("get_attribute_list", "identity/1", "service_not_supported"),
    ]


def test_a_broken_embedded_service_keeps_its_place() -> None:
    """What cannot be read inside a packet is malformed; what follows is read."""
    messages = asked("0a0220022401020006000c000e09200124010e0320f524013001")[2]
    assert [(m.code, m.status) for m in messages] == [(0x0A, "ok"), (0x0E, MALFORMED), (0x0E, "ok")]


@pytest.mark.parametrize(
    "request_bytes", ["0a0220022401", "0a02200224010500", "0a022002240102000a000600" + "00" * 8, "0e092001", "0e"]
)
def test_requests_that_contradict_themselves_are_refused(request_bytes: str) -> None:
    """Counts, offsets and sizes beyond the message raise."""
    with pytest.raises(Malformed):
        asked(request_bytes)


def test_nesting_has_a_limit() -> None:
    """Packets inside packets are followed to the depth of the limits."""
    request = "0e03200124013007"
    for _ in range(5):
        request = "0a0220022401" + "01000400" + request
    assert len(asked(request)[2]) == 6
    assert asked(request, Limits(depth=3))[2][-1].status == MALFORMED


def test_the_number_of_services_has_a_limit() -> None:
    """No more messages come from one packet than the limit says."""
    services = "0e0220012401"
    offsets = "".join((2 + 2 * 20 + 6 * index).to_bytes(2, "little").hex() for index in range(20))
    assert len(asked("0a02200224011400" + offsets + services * 20, Limits(messages=8))[2]) == 8


ROUTED = "52022006240107f9060001022001240101000100"


def test_an_unconnected_send_is_followed_by_what_it_carries() -> None:
    """The route is its value; the answer is that of the carried request, or of the router when it fails."""
    sent = asked(ROUTED)[2]
    assert [(m.operation, m.object, m.value) for m in sent] == [
        ("unconnected_send", "connection_manager/1", "1/0"),
        ("get_attributes_all", "identity/1", None),
    ]
    assert answered(ROUTED, "d200010104020a00")[0].operation == "unconnected_send"
    identity = "81000000" + "01000c003a00040330008e4d52000b" + b"1756-ENBT/A".hex()
    answer = answered(ROUTED, identity)[0]
    assert (answer.operation, answer.object) == ("get_attributes_all", "identity/1")


def test_a_routed_identity_is_not_the_senders() -> None:
    """What another module behind the device says gives no hints about the device."""
    identity = "81000000" + "01000c003a00040330008e4d52000b" + b"1756-ENBT/A".hex()
    answer = answered(ROUTED, identity)[0]
    assert answer.value is not None
    assert answer.hints == ()


def test_a_forward_open_says_where_it_leads() -> None:
    """The connection path is the value; it is no write; the answer gives both identifiers."""
    fixed = "07f9" + "01000000" + "02000000" + "0100" + "0100" + "01000000" + "00000000" + "00002000f443" + "00002000f443" + "a3"
    request = "540220062401" + fixed + "03010020022401"
    reader, pending, sent = asked(request)
    assert (sent[0].operation, sent[0].value, sent[0].write) == ("forward_open", "1/0/message_router/1", False)
    data = bytes.fromhex("d4000000" + "11000000" + "21000000" + "01000100010000000000200000002000" + "0000")
    reader.response(data, 0, len(data), pending)
    assert reader.opened == (0x11, 0x21, True)


def test_a_response_without_its_request_is_named_where_that_is_possible() -> None:
    """Services of every object keep their name, others show their number; there is no object."""
    reader = CipReader(DEFAULT_LIMITS)
    for raw in ("90000e00", "cb000000"):
        data = bytes.fromhex(raw)
        reader.response(data, 0, len(data), None)
    assert [(m.operation, m.status, m.object, m.write) for m in reader.out] == [
        ("set_attribute_single", "attribute_not_settable", None, True),
        ("service_0x4b", "ok", None, False),
    ]


@pytest.mark.parametrize(
    "command,shown,value,write",
    [
        ("0f004ec68001", "pccc/change_mode", "remote_program", True),
        ("0f004ec6a20207890000", "pccc/protected_typed_logical_read_3/N7:0", None, False),
        ("0f004ec6aa040789000001000200", "pccc/protected_typed_logical_write_3/N7:0", (1, 2), True),
        ("0f004ec6a102078905", "pccc/protected_typed_logical_read_2/N7:5", None, False),
        ("06004ec603", "pccc/diagnostic_status", None, False),
        ("0f004ec6e7", "pccc/function_0x0fe7", None, False),
        ("08004ec6aabb", "pccc/unprotected_write", None, True),
    ],
)
def test_pccc_commands_are_named(command: str, shown: str, value: object, write: bool) -> None:
    """Function, address of a data file, written words or mode, and whether it writes."""
    request = "4b0220672401" + "074d00e0312b3d" + command
    message = asked(request)[2][0]
    assert (message.operation, message.object, message.value, message.write) == ("execute_pccc", shown, value, write)


def test_pccc_answers_carry_function_flag_and_error() -> None:
    """The answer does not repeat the function; its own status replaces the good one of CIP."""
    request = "4b0220672401" + "074d00e0312b3d" + "0f004ec68001"
    good, bad = ("cb000000074d00e0312b3d4f" + status + "4ec6" for status in ("00", "70"))
    assert [(m.object, m.status, m.write) for m in answered(request, good)] == [("pccc/change_mode", "ok", True)]
    assert answered(request, bad)[0].status == "pccc_program_mode"
    assert answered(request, "cb000000074d00e0312b3d4ff04ec60b")[0].status == "pccc_extended_0x0b"


@pytest.mark.parametrize("raw", ["", "00", "07ab", "0f", "0102"])
def test_broken_pccc_is_refused(raw: str) -> None:
    """Without a whole requester and command there is nothing to read."""
    data = bytes.fromhex(raw)
    with pytest.raises(Malformed):
        read_pccc(body_of(data, 0, len(data)), 8)


def test_a_broken_service_is_shown_by_its_number() -> None:
    """The first byte gives code, direction and flag."""
    assert broken(0x90) == Message("cip", "response", "set_attribute_single", 0x10, status=MALFORMED, write=True)
