"""BACnet: services, values, segments, routing, errors, and what identifies a device."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hauberk.errors import Malformed
from hauberk.model.hint import Hint, HintKey
from hauberk.model.transaction import MALFORMED, Message
from hauberk.sense.dissect import bacnet
from hauberk.sense.dissect.bacnet_values import Tags
from hauberk.sense.dissect.interface import CERTAIN, NO, POSSIBLE
from hauberk.sense.dissect.limits import DEFAULT_LIMITS, Limits


def link(body: str, function: int = 0x0A, kind: int = 0x81) -> bytes:
    """A virtual link message around a body given in hexadecimal."""
    data = bytes.fromhex(body)
    return bytes([kind, function]) + (4 + len(data)).to_bytes(2, "big") + data


def apdu(body: str, control: str = "0100") -> bytes:
    """An application PDU in a unicast datagram."""
    return link(control + body)


def characters(words: str) -> str:
    """A character string in UTF-8 as an application value, in hexadecimal."""
    return f"75{len(words) + 1:02x}00{words.encode().hex()}"


READ = apdu("0005010c0c02000001194d", "0104")
READ_ACK = apdu("30010c0c02000001194d3e" + characters("AHU-7") + "3f")
WRITE = apdu("0005020f0c0080000519553e4441a800003f4908", "0104")
I_AM = apdu("1000c4020000fe2204009100210a")

SAMPLES: tuple[tuple[bytes, bool], ...] = (
    (READ, True),
    (READ_ACK, False),
    (WRITE, True),
    (apdu("20020f"), False),
    (apdu("50020f91029128"), False),
    (apdu("600209"), False),
    (apdu("710204"), False),
    (I_AM, False),
    (apdu("1008"), True),
    (apdu("100809001963"), True),
    (apdu("10072c05c00005"), True),
    (apdu("1001c4020000fec405c00005" + characters("Flow")), False),
    (apdu("1006a476030602b41012301b"), True),
    (apdu("0005030e0c020000011e094d09461f", "0104"), True),
    (apdu("30030e0c020000011e294d4e" + characters("AHU-7") + "4f29465e910291205f1f"), False),
    (apdu("000504100c000000021e09552e44422800002f39081f", "0104"), True),
    (apdu("000505140901" + "1d0700" + b"secret".hex(), "0104"), True),
    (apdu("0005061109051901", "0104"), True),
    (apdu("1002090a1c020000012c0000000339784e09552e44420100002f096f2e8204002f4f"), False),
    (apdu("0005071c09121c0000000129013978" + "", "0104"), True),
    (apdu("0005080509121c0000000129013978", "0104"), True),
    (apdu("0c05090000" + "0c" + "0c020000fe194c"), True),
    (apdu("3c0900040c" + "0c020000fe194c3e"), False),
    (apdu("40090003"), True),
    (link("0010", 0x05), True),
    (link("0000", 0x00), False),
    (link("c0a80a05bac0" + "0120ffff00ff1008", 0x04), True),
    (link("0120ffff00ff1008", 0x0B), True),
    (link("018000", 0x0B), True),
    (link("018001000a", 0x0B), False),
    (link("000001" + "01001008", 0x02, 0x82), True),
)


def session(limits: Limits = DEFAULT_LIMITS) -> bacnet.BacnetSession:
    """A fresh conversation."""
    return bacnet.BacnetSession(limits)


def one(pdu: bytes) -> Message:
    """The only message of a datagram of the initiator."""
    (message,) = session().read(pdu, True)
    return message


def reply(pdu: bytes) -> Message:
    """The only message of a datagram of the responder."""
    (message,) = session().read(pdu, False)
    return message


def exchange(*pdus: tuple[bytes, bool]) -> list[Message]:
    """The messages of several datagrams of one conversation."""
    conversation = session()
    return [message for pdu, direction in pdus for message in conversation.read(pdu, direction)]


def test_reading_a_property_names_object_and_value() -> None:
    """The request names the property, the answer gives its value, and a device's own name identifies it."""
    request, answer = exchange((READ, True), (READ_ACK, False))
    assert (request.role, request.operation, request.code, request.object) == (
        "request",
        "read_property",
        12,
        "device:1/object_name",
    )
    assert (answer.role, answer.object, answer.value) == ("response", "device:1/object_name", "AHU-7")
    assert Hint(HintKey.HOSTNAME, "AHU-7") in answer.hints


def test_writing_a_property_is_a_write_with_its_value() -> None:
    """Present value of an analog value, a real; the acknowledgement carries object and flag."""
    request, answer = exchange((WRITE, True), (apdu("20020f"), False))
    assert (request.object, request.value, request.write) == ("analog_value:5/present_value", 21.0, True)
    assert (answer.operation, answer.code, answer.object, answer.write) == (
        "write_property",
        15,
        "analog_value:5/present_value",
        True,
    )


@pytest.mark.parametrize(
    "answer,status",
    [
        ("50020f91029128", "write_access_denied"),
        ("50020f91059100", "services_other"),
        ("600209", "reject_unrecognized_service"),
        ("710204", "abort_segmentation_not_supported"),
        ("50020f", "error"),
    ],
)
def test_refusals_name_their_reason_and_keep_the_service(answer: str, status: str) -> None:
    """Error, reject and abort end the request; their service and object are its."""
    refused = exchange((WRITE, True), (apdu(answer), False))[-1]
    assert (refused.operation, refused.code, refused.object, refused.status) == (
        "write_property",
        15,
        "analog_value:5/present_value",
        status,
    )


def test_a_refusal_without_its_request_has_no_code() -> None:
    """Reject and abort do not say what they refuse."""
    assert (reply(apdu("600209")).operation, reply(apdu("600209")).code) == ("reject", None)
    assert reply(apdu("710204")).operation == "abort"


def test_property_lists_name_every_property() -> None:
    """Read property multiple: all properties, values and errors in order."""
    request, answer = exchange((SAMPLES[13][0], True), (SAMPLES[14][0], False))
    assert request.object == "device:1/object_name,device:1/model_name"
    assert answer.object == "device:1/object_name,device:1/model_name"
    assert answer.value == ("AHU-7", "error unknown_property")
    assert Hint(HintKey.HOSTNAME, "AHU-7") in answer.hints


def test_writing_several_properties_is_a_write() -> None:
    """Write property multiple: object, value and flag."""
    message = one(SAMPLES[15][0])
    assert (message.operation, message.object, message.value, message.write) == (
        "write_property_multiple",
        "analog_input:2/present_value",
        42.0,
        True,
    )


def test_restarts_and_silencing_are_writes_and_keep_no_password() -> None:
    """Reinitialize device and device communication control say what they ask for and nothing else."""
    restart, silence = one(SAMPLES[16][0]), one(SAMPLES[17][0])
    assert (restart.operation, restart.value, restart.write) == ("reinitialize_device", "warm_start", True)
    assert (silence.operation, silence.value, silence.write) == ("device_communication_control", "disable", True)
    assert "secret" not in repr(restart)


@pytest.mark.parametrize(
    "body,operation,shown,value,write",
    [
        ("1008", "who_is", None, None, False),
        ("100809001963", "who_is", None, (0, 99), False),
        ("10072c05c00005", "who_has", "accumulator:5", None, False),
        ("10073d0500466c6f77", "who_has", None, "Flow", False),
        ("1001c4020000fec405c00005" + characters("Flow"), "i_have", "accumulator:5", ("device:254", "Flow"), False),
        ("1006a476030602b41012301b", "time_synchronization", None, ("2018-03-06", "16:18:48"), True),
        ("1009a4ff0306ffb4ff12301b", "utc_time_synchronization", None, ("*-03-06", "*:18:48"), True),
        ("10040905190a", "unconfirmed_private_transfer", "vendor:5/10", None, False),
        ("100a", "write_group", None, None, True),
    ],
)
def test_unconfirmed_services(body: str, operation: str, shown: str | None, value: object, write: bool) -> None:
    """Discovery reads nothing and writes nothing; clocks and groups are set."""
    message = one(apdu(body))
    assert (message.operation, message.object, message.value, message.write) == (operation, shown, value, write)
    assert message.code == int(body[2:4], 16)


@pytest.mark.parametrize(
    "body,operation,shown,write",
    [
        ("000508050912 1c000000012901 3978", "subscribe_cov", "analog_input:1", False),
        ("00050a07c402800001 0e3100 1f", "atomic_write_file", "file:1", True),
        ("00050a06c402800001", "atomic_read_file", "file:1", False),
        ("00050b0a0e09020f", "create_object", "analog_value", True),
        ("00050b0a0e1c008000070f", "create_object", "analog_value:7", True),
        ("00050c0bc400800007", "delete_object", "analog_value:7", True),
        ("00050d080c03c000011966 3e 21013f", "add_list_element", "notification_class:1/recipient_list", True),
        ("00050e1b09121d0300616229013c05400003", "life_safety_operation", "life_safety_point:3", True),
        ("00050f120905190a", "confirmed_private_transfer", "vendor:5/10", False),
        ("0005101a0c0500000119 83", "read_range", "trend_log:1/log_buffer", False),
    ],
)
def test_confirmed_services(body: str, operation: str, shown: str, write: bool) -> None:
    """Each service names the object it acts on, and says whether it changes something."""
    message = one(apdu(body.replace(" ", ""), "0104"))
    assert (message.operation, message.write, message.status) == (operation, write, "ok")
    assert message.object == shown


def test_changes_of_value_are_events_with_their_values() -> None:
    """A notification names each property of its object and gives the values."""
    message = one(SAMPLES[18][0])
    assert (message.role, message.operation) == ("event", "unconfirmed_cov_notification")
    assert message.object == "analog_input:3/present_value,analog_input:3/status_flags"
    assert message.value == (32.25, "0000")


def test_i_am_identifies_vendor_and_role() -> None:
    """The vendor comes by name, an unknown one by number."""
    message = reply(I_AM)
    assert (message.object, message.value) == ("device:254", (1024, 0, 10))
    assert message.hints == (Hint(HintKey.VENDOR, "Schneider Electric"), Hint(HintKey.ROLE, "bacnet.device"))
    assert reply(apdu("1000c4020000fe2204009100220fa0")).hints[0].value == "BACnet vendor 4000"


def test_routed_and_forwarded_messages_do_not_name_the_sender() -> None:
    """A device behind a router gives no hints; a forwarded message is about its origin."""
    routed = reply(apdu("1000c4020000fe2204009100210a", "010800050107"))
    assert (routed.object, routed.hints) == ("device:254", ())
    forwarded = reply(link("c0a80a05bac0" + "01001000c4020000fe2204009100210a", 0x04))
    assert {hint.about for hint in forwarded.hints} == {"192.168.10.5"}


def test_requests_through_a_router_find_their_answers() -> None:
    """Invoke identifiers of two devices behind one router do not mix."""
    conversation = session()
    for address, instance in (("07", "01"), ("08", "02")):
        conversation.read(apdu("0005010c0c020000" + instance + "191c", "0124000501" + address + "ff"), True)
    late = conversation.read(apdu("50010c91029120", "0108000501" + "07"), False)[0]
    assert (late.object, late.status) == ("device:1/description", "unknown_property")


SEGMENTS = tuple(
    apdu(f"3{flags}5e{number:02x}040c" + body)
    for flags, number, body in (("c", 0, "0c020000fe194c3ec400"), ("c", 1, "000001c4000000"), ("8", 2, "023f"))
)


def test_segments_are_messages_and_the_last_has_the_values() -> None:
    """Every segment has the code; the whole list of objects comes with the last one."""
    request = apdu("02755e0c0c020000fe194c", "0104")
    found = exchange((request, True), *((segment, False) for segment in SEGMENTS))
    assert [message.code for message in found] == [12] * 4
    assert [message.object for message in found] == ["device:254/object_list"] * 4
    assert [message.value for message in found[1:]] == [None, None, ("analog_input:1", "analog_input:2")]


def test_a_lost_segment_leaves_no_wrong_values() -> None:
    """Without the second segment nothing is put together, and a repeated one does no harm."""
    assert [message.value for message in exchange((SEGMENTS[0], False), (SEGMENTS[2], False))] == [None, None]
    repeated = exchange(*((SEGMENTS[index], False) for index in (0, 1, 1, 2)))
    assert repeated[-1].value == ("analog_input:1", "analog_input:2")


def test_segments_are_bounded() -> None:
    """More than the largest message is not gathered."""
    conversation = session(Limits(message_bytes=8))
    found = [conversation.read(segment, False)[0] for segment in SEGMENTS]
    assert [message.value for message in found] == [None, None, None]


def test_a_segment_ack_has_no_code() -> None:
    """It belongs to a request and is none itself."""
    message = one(apdu("40090003"))
    assert (message.operation, message.code, message.role) == ("segment_ack", None, "request")
    assert reply(apdu("43090003")).status == "negative_ack"


@pytest.mark.parametrize(
    "pdu,operation,status,write",
    [
        (link("0030", 0x00), "bvlc_result", "register_foreign_device_nak", False),
        (link("0000", 0x00), "bvlc_result", "ok", False),
        (link("0010", 0x05), "bvlc_register_foreign_device", "ok", False),
        (link("", 0x02), "bvlc_read_broadcast_distribution_table", "ok", False),
        (link("c0a80a05bac0ffffffff", 0x01), "bvlc_write_broadcast_distribution_table", "ok", True),
        (link("018000", 0x0B), "network_who_is_router_to_network", "ok", False),
        (link("0180060100050000", 0x0A), "network_initialize_routing_table", "ok", True),
        (link("0180800005aabb", 0x0A), "network_proprietary", "ok", False),
    ],
)
def test_lower_layers_have_messages_without_code(pdu: bytes, operation: str, status: str, write: bool) -> None:
    """Virtual link and network messages are named, and table writes are flagged."""
    message = one(pdu)
    assert (message.operation, message.code, message.status, message.write) == (operation, None, status, write)


def test_a_length_that_is_too_long_is_forgiven() -> None:
    """Some stacks state more bytes than they send; the message is read all the same."""
    pdu = bytearray(apdu("5001149105911a"))
    pdu[3] += 4
    message = reply(bytes(pdu))
    assert (message.operation, message.status) == ("reinitialize_device", "password_failure")


@pytest.mark.parametrize("body", ["0005010c0c02", "30010c0c020000", "1000c402", "0005020f0c0080000519553e4441", "f0", "00", ""])
def test_cut_messages_are_malformed(body: str) -> None:
    """What ends too early is marked, not dropped."""
    assert one(apdu(body)).status == MALFORMED


@pytest.mark.parametrize("data", [b"", b"\x81", b"\x80\x0a\x00\x04", b"\x81\x77\x00\x04"])
def test_what_is_no_virtual_link_is_refused(data: bytes) -> None:
    """Another type or an unknown function raises."""
    with pytest.raises(Malformed):
        session().read(data, True)


@pytest.mark.parametrize(
    "value,decoded",
    [
        ("00", None),
        ("11", True),
        ("2203e8", 1000),
        ("31ff", -1),
        ("44c1200000", -10.0),
        ("55083ff8000000000000", 1.5),
        ("62abcd", "abcd"),
        ("750500c3a96162", "éab"),
        ("73040041", "A"),
        ("82040f", "0000"),
        ("9103", 3),
        ("a47b0a0f05", "2023-10-15"),
        ("b40d1e0f32", "13:30:15"),
        ("c4008000ff", "analog_value:255"),
        ("4201ff", "01ff"),
    ],
)
def test_primitive_values(value: str, decoded: object) -> None:
    """Each application tag gives a scalar; what breaks its type is shown in hexadecimal."""
    data = bytes.fromhex(value)
    tags = Tags(data, 0, len(data))
    tags.step()
    assert tags.primitive() == decoded


def test_unanswered_requests_are_bounded() -> None:
    """The oldest request is forgotten first."""
    conversation = session(Limits(pending=2))
    for invoke in range(3):
        conversation.read(apdu(f"0005{invoke:02x}0c0c02000001194d", "0104"), True)
    assert conversation.read(apdu("50000c91029120"), False)[0].object is None
    assert conversation.read(apdu("50020c91029120"), False)[0].object == "device:1/object_name"


@pytest.mark.parametrize("pdu,to_responder", SAMPLES)
def test_samples_are_recognised(pdu: bytes, to_responder: bool) -> None:
    """Every valid datagram is certain by its content."""
    assert bacnet.recognise(pdu, to_responder) == CERTAIN


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"M-SEARCH * HTTP/1.1\r\n",
        bytes.fromhex("810a000c") + bytes(8),
        bytes.fromhex("8100000100000000000005") + b"abcd",
        bytes.fromhex("80c8000c") + bytes(20),
    ],
)
def test_other_protocols_are_not_bacnet(data: bytes) -> None:
    """Text, DNS and RTCP are something else."""
    assert bacnet.recognise(data, True) == NO


def test_a_wrong_length_is_only_possible() -> None:
    """A datagram longer or shorter than stated is believed on the registered port only."""
    assert bacnet.recognise(READ + b"\0", True) == POSSIBLE


@given(
    st.lists(
        st.tuples(st.sampled_from(SAMPLES), st.lists(st.tuples(st.integers(0, 60), st.integers(0, 255)), max_size=4)), max_size=6
    ),
    st.binary(max_size=80),
)
def test_nothing_but_malformed_escapes(pieces: list[tuple[tuple[bytes, bool], list[tuple[int, int]]]], noise: bytes) -> None:
    """Changed datagrams and noise are read or refused, never worse, also as the body of every service."""
    conversation = session()
    bodies = [(apdu(f"000501{service:02x}" + noise.hex()), True) for service in range(30)]
    bodies += [(apdu(f"10{service:02x}" + noise.hex()), True) for service in range(12)]
    bodies += [(apdu(f"3001{service:02x}" + noise.hex()), False) for service in range(30)]
    for (pdu, direction), changes in [*pieces, ((noise, True), []), *((body, []) for body in bodies)]:
        data = bytearray(pdu)
        for position, byte in changes:
            data[position % len(data)] = byte
        changed = bytes(data)
        assert 0 <= bacnet.recognise(changed, direction) <= CERTAIN
        assert conversation.frame_length(changed, direction) == len(changed)
        try:
            for message in conversation.read(changed, direction):
                assert message.protocol == "bacnet"
        except Malformed:
            continue
