"""Modbus, MQTT and DHCP against what Zeek's own tests expect of the same traces.

The expectations have no times, so contents are compared as multisets. ``mapping.csv`` beside the traces says which belong together.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path

import pytest

from hauberk.model.hint import HintKey
from hauberk.model.transaction import Transaction

pytestmark = [pytest.mark.needs_data, pytest.mark.xdist_group("originators")]

ORACLE = "Zeek"
Decoded = Callable[..., Sequence[Transaction]]
Rows = Callable[[Path], list[dict[str, str]]]
Judge = Callable[..., None]

_EVENT = re.compile(
    r"(?P<count>\d+) (?P<name>\w+), \[orig_h=(?P<client>[^,]+), orig_p=(?P<port>\d+)/tcp, .*?ctx=\[\]\], "
    r"\[tid=\w+, pid=0, uid=(?P<unit>\d+), function_code=(?P<code>\w+), len=\d+\],? ?(?P<rest>.*)"
)
_ACKED = "the response was captured after its acknowledgement: Zeek takes it for lost, here it is read"
_RANDOM = "sequence numbers were changed at random: what belongs to the stream depends on how its holes are treated; tshark agrees"
_TRUE = "T"


def _events(path: Path, name: str) -> list[re.Match[str]]:
    found = [
        match for line in path.read_text(encoding="utf-8").splitlines() if (match := _EVENT.match(line)) and match["name"] == name
    ]
    return [match for match in found for _ in range(int(match["count"]))]


def _sent_by_client(transaction: Transaction) -> bool:
    return transaction.role == "request"


def _message(transaction: Transaction) -> tuple[Hashable, ...]:
    client, port = transaction.src, transaction.src_port
    if not _sent_by_client(transaction):
        client, port = transaction.dst, transaction.dst_port
    unit = int((transaction.object or "0").partition("/")[0])
    return (client, port, unit, transaction.code, _sent_by_client(transaction))


@pytest.mark.parametrize(
    "trace,expected", [("modbusSmall.pcap", "coil_parsing_small__output"), ("modbusBig.pcap", "coil_parsing_big__output")]
)
def test_modbus_messages_agree(
    trace: str, expected: str, data: Path, capture: Callable[[Path], Path], decoded: Decoded, judge_items: Judge
) -> None:
    """Each ``modbus_message`` event has a message with the same client, unit, function and direction."""
    folder = data / "captures/parser-zeek/modbus"
    events = _events(folder / f"expected/scripts.base.protocols.modbus.{expected}", "modbus_message")
    theirs = [
        (event["client"], int(event["port"]), int(event["unit"]), int(event["code"]), event["rest"] == _TRUE) for event in events
    ]
    ours = [_message(transaction) for transaction in decoded(capture(folder / trace)) if transaction.protocol == "modbus"]
    late = ("10.235.149.240", 49226, 255, 1, False)
    judge_items(ORACLE, "modbus", theirs, ours, lambda item: _ACKED if item == late else "")


@pytest.mark.parametrize(
    "trace,expected", [("modbusSmall.pcap", "coil_parsing_small__output"), ("modbusBig.pcap", "coil_parsing_big__output")]
)
def test_modbus_coil_values_agree(
    trace: str, expected: str, data: Path, capture: Callable[[Path], Path], decoded: Decoded, judge_items: Judge
) -> None:
    """What was written to coils has the same address and states as in Zeek's events."""
    folder = data / "captures/parser-zeek/modbus"
    path = folder / f"expected/scripts.base.protocols.modbus.{expected}"
    theirs: list[tuple[Hashable, ...]] = []
    for name in ("modbus_write_single_coil_request", "modbus_write_multiple_coils_request"):
        for event in _events(path, name):
            address, _, states = event["rest"].partition(", ")
            theirs.append(
                (event["client"], int(event["port"]), int(address), tuple(state == _TRUE for state in re.findall("[TF]", states)))
            )
    ours: list[tuple[Hashable, ...]] = []
    for transaction in decoded(capture(folder / trace)):
        if transaction.operation in {"write_single_coil", "write_multiple_coils"} and transaction.role == "request":
            first = int((transaction.object or "").rpartition("/")[2].partition("-")[0])
            value = transaction.value if isinstance(transaction.value, tuple) else (transaction.value,)
            ours.append((transaction.src, transaction.src_port, first, tuple(map(bool, value))))
    judge_items(ORACLE, "modbus coils", theirs, ours)


def test_modbus_exceptions_and_interface_transport_agree(data: Path, decoded: Decoded, judge_items: Judge) -> None:
    """Unit, direction and exception of the encapsulated interface; the events of other traces in the file are left aside."""
    folder = data / "captures/parser-zeek/modbus"
    path = folder / "expected/scripts.base.protocols.modbus.events__compressed-output"
    found = [transaction for transaction in decoded(folder / "modbus-eit.pcap") if transaction.protocol == "modbus"]
    clients = {_message(transaction)[0] for transaction in found}
    theirs: list[tuple[Hashable, ...]] = [
        (event["client"], int(event["port"]), int(event["unit"]), event["rest"] == _TRUE)
        for event in _events(path, "modbus_message")
        if event["client"] in clients
    ]
    theirs += [
        (event["client"], int(event["port"]), int(event["unit"]), "exception")
        for event in _events(path, "modbus_exception")
        if event["client"] in clients
    ]
    ours: list[tuple[Hashable, ...]] = []
    for transaction in found:
        client, port, unit, _, request = _message(transaction)
        ours.append((client, port, unit, request))
        if transaction.status != "ok":
            ours.append((client, port, unit, "exception"))
    judge_items(ORACLE, "modbus", set(theirs), set(ours))


FUZZED_DIFFERENCES: dict[str, frozenset[tuple[int | None, bool]]] = {
    "fuzz-1011.pcap": frozenset(),
    "fuzz-72.pcap": frozenset(
        {(38, True), (47, False), (51, False), (43, True), (46, True), (47, True), (50, True), (52, True), (70, True), (None, True)}
    ),
}
"""By trace: function code and direction (true for a request) of messages that only one side reads."""

_FUNCTIONS = {"read_input_registers": 4}


@pytest.mark.parametrize("trace,test", [("fuzz-1011.pcap", "register_parsing"), ("fuzz-72.pcap", "exception_handling")])
def test_fuzzed_modbus_log_agrees(trace: str, test: str, data: Path, decoded: Decoded, zeek_rows: Rows, judge_items: Judge) -> None:
    """Function and direction of each logged message of traces that were changed at random."""
    folder = data / "captures/parser-zeek/modbus"
    theirs: list[tuple[Hashable, ...]] = []
    for row in zeek_rows(folder / f"expected/scripts.base.protocols.modbus.{test}__modbus.log"):
        name = row["func"].lower()
        code = int(name.removeprefix("unknown-")) & 0x7F if name.startswith("unknown-") else _FUNCTIONS[name]
        theirs.append((code, row["pdu_type"] == "REQ"))
    ours = [(found.code, _sent_by_client(found)) for found in decoded(folder / trace) if found.protocol == "modbus"]
    judge_items(ORACLE, "modbus fuzzed", theirs, ours, lambda item: _RANDOM if item in FUZZED_DIFFERENCES[trace] else "")


def test_register_values_agree(data: Path, decoded: Decoded, judge: Judge) -> None:
    """Registers read have the values of Zeek's events, as far as values are kept."""
    folder = data / "captures/parser-zeek/modbus"
    lines = (folder / "expected/scripts.base.protocols.modbus.register_parsing__output").read_text(encoding="utf-8").splitlines()
    theirs = [
        tuple(int(part) for part in line.rpartition("], [")[2].partition("]")[0].split(", "))
        for line in lines
        if line.startswith("modbus_read_input_registers_response")
    ]
    ours = [found.value for found in decoded(folder / "fuzz-1011.pcap") if found.role == "response" and found.status == "ok"]
    compared = list(zip(theirs, ours, strict=True))
    wrong = [f"{own}" for other, own in compared if not isinstance(own, tuple) or not own or other[: len(own)] != own]
    judge(ORACLE, "modbus registers", len(compared), wrong, {})


def _mqtt(data: Path, decoded: Decoded, operation: str) -> list[Transaction]:
    found = decoded(data / "captures/parser-zeek/mqtt/mqtt.pcap")
    return [transaction for transaction in found if transaction.operation == operation]


def _mqtt_rows(data: Path, zeek_rows: Rows, name: str) -> list[dict[str, str]]:
    return zeek_rows(data / f"captures/parser-zeek/mqtt/expected/scripts.base.protocols.mqtt.mqtt__mqtt_{name}.log")


def test_mqtt_connections_agree(data: Path, decoded: Decoded, zeek_rows: Rows, judge_items: Judge) -> None:
    """Client, version and outcome of every connection."""
    theirs = [
        (row["id.orig_h"], row["client_id"], f"version={row['proto_version']}", row["connect_status"] == "Connection Accepted")
        for row in _mqtt_rows(data, zeek_rows, "connect")
    ]
    answers = {(answer.dst, answer.dst_port): answer.status == "ok" for answer in _mqtt(data, decoded, "connack")}
    ours = [
        (found.src, found.object, found.value[0] if isinstance(found.value, tuple) else None, answers[found.src, found.src_port])
        for found in _mqtt(data, decoded, "connect")
    ]
    judge_items(ORACLE, "mqtt", theirs, ours)


def test_mqtt_publications_agree(data: Path, decoded: Decoded, zeek_rows: Rows, judge_items: Judge) -> None:
    """Topic, payload and direction of every publication."""
    theirs = [(row["topic"], row["payload"], row["from_client"] == _TRUE) for row in _mqtt_rows(data, zeek_rows, "publish")]
    ours = [(found.object, found.value, found.role == "request") for found in _mqtt(data, decoded, "publish")]
    judge_items(ORACLE, "mqtt", theirs, ours)


def test_mqtt_subscriptions_agree(data: Path, decoded: Decoded, zeek_rows: Rows, judge_items: Judge) -> None:
    """Topics with the quality of service that was asked for and that was granted."""
    theirs = [
        (row["topics"], (int(row["qos_levels"]),), (int(row["granted_qos_level"]),))
        for row in _mqtt_rows(data, zeek_rows, "subscribe")
    ]
    asked, granted = _mqtt(data, decoded, "subscribe"), _mqtt(data, decoded, "suback")
    ours = [(request.object, request.value, answer.value) for request, answer in zip(asked, granted, strict=True)]
    judge_items(ORACLE, "mqtt", theirs, ours)


DHCP: dict[str, str] = {
    "dhcp-all-msg-types": "dhcp.pcap",
    "dhcp-ack-msg-types": "dhcp_ack_subscriber_id_and_agent_remote_id.pcap",
    "dhcp-discover-msg-types": "dhcp_discover_param_req_and_client_id.pcap",
    "dhcp-max-tracked-transactions": "dhcp-unique-xid-join-data-growth.pcapng",
    "dhcp-prevent-large-msgtypes": "dhcp_flood.pcap",
    "dhcp-prevent-large-uids": "dhcp_flood.pcap",
    "inform": "dhcp_inform.pcap",
}
"""Zeek's test and its trace."""


@pytest.mark.parametrize("test", DHCP)
def test_dhcp_messages_agree(test: str, data: Path, decoded: Decoded, zeek_rows: Rows, judge_items: Judge) -> None:
    """The clients' messages, which Zeek joins to one row a transaction, are all there."""
    folder = data / "captures/parser-zeek/dhcp"
    rows = zeek_rows(folder / f"expected/scripts.base.protocols.dhcp.{test}__dhcp.log")
    theirs = [(row["mac"], kind.lower()) for row in rows for kind in row["msg_types"].split(",")]
    ours = [(found.object, found.operation) for found in decoded(folder / DHCP[test]) if found.protocol == "dhcp"]
    judge_items(ORACLE, "dhcp", theirs, ours)


def test_dhcp_facts_agree(data: Path, decoded: Decoded, zeek_rows: Rows, judge_items: Judge) -> None:
    """Host names, assigned addresses and lease times of the logs."""
    folder = data / "captures/parser-zeek/dhcp"
    theirs, ours = set[tuple[Hashable, ...]](), set[tuple[Hashable, ...]]()
    for test, trace in DHCP.items():
        for row in zeek_rows(folder / f"expected/scripts.base.protocols.dhcp.{test}__dhcp.log"):
            if row["host_name"] != "-":
                theirs.add((trace, row["mac"], "name", row["host_name"]))
            if row["assigned_addr"] != "-":
                theirs.add((trace, row["mac"], "lease", row["assigned_addr"], float(row["lease_time"])))
        for found in decoded(folder / trace):
            for hint in found.hints:
                if hint.key is HintKey.HOSTNAME:
                    ours.add((trace, found.object, "name", hint.value))
            if found.operation == "ack" and isinstance(found.value, tuple) and found.value[2] is not None:
                ours.add((trace, found.object, "lease", found.value[0], float(str(found.value[2]))))
    judge_items(ORACLE, "dhcp facts", theirs, ours)


def test_messages_with_a_wrong_cookie_have_no_options(data: Path, decoded: Decoded, judge: Judge) -> None:
    """Two of the messages have the cookie of DHCP; only those have a message type."""
    folder = data / "captures/parser-zeek/dhcp"
    expected = (folder / "expected/scripts.base.protocols.dhcp.bad-cookie-clears-options__out").read_text(encoding="utf-8")
    typed = [found for found in decoded(folder / "dhcp_bad_cookie_option_retention.pcap") if found.code is not None]
    theirs = expected.count("option_count=1")
    judge(ORACLE, "dhcp", theirs, [] if len(typed) == theirs else [f"{len(typed)} messages with a type"], {})


def test_time_servers_named_by_dhcp_agree(data: Path, decoded: Decoded, judge_items: Judge) -> None:
    """Servers of network time that the reply names."""
    folder = data / "captures/parser-zeek/dhcp"
    lines = (folder / "expected/scripts.base.protocols.dhcp.dhcp-time-nameserver-events__.stdout").read_text(encoding="utf-8")
    theirs = re.findall(r"ntpserver_list, \[([^\]]+)\]", lines)
    found = decoded(folder / "dhcp_time_and_nameserver.pcap")
    ours = {hint.about for transaction in found for hint in transaction.hints if hint.value == "ntp.server"}
    judge_items(ORACLE, "dhcp facts", theirs, ours)
