"""Zeek logs: headers, JSON lines, connections, messages of each log, and lines that cannot be read."""

from __future__ import annotations

import gzip
import lzma
from ipaddress import IPv4Address
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hauberk.errors import InputError
from hauberk.formats.zeek import ZeekReader, sniff
from hauberk.model.address import ip_halves
from hauberk.model.flow import ACTIVITY, FLOW, STATE_ESTABLISHED, STATE_FIN, STATE_FIRST, STATE_RST, STATE_SYN
from hauberk.model.hint import Hint, HintKey
from hauberk.model.observation import Columns, Observations
from hauberk.model.service import SERVICE_NUMBER
from hauberk.model.transaction import Transaction

NOWHERE = str(IPv4Address(0))
CONN = [
    "ts",
    "uid",
    "id.orig_h",
    "id.orig_p",
    "id.resp_h",
    "id.resp_p",
    "proto",
    "service",
    "duration",
    "orig_bytes",
    "resp_bytes",
    "conn_state",
    "local_orig",
    "local_resp",
    "missed_bytes",
    "history",
    "orig_pkts",
    "orig_ip_bytes",
    "resp_pkts",
    "resp_ip_bytes",
    "tunnel_parents",
]
ENDS = {
    "ts": "1700000000.250000",
    "uid": "Cx1",
    "id.orig_h": "10.0.0.5",
    "id.orig_p": "40000",
    "id.resp_h": "10.0.0.9",
    "id.resp_p": "502",
}


def header(path: str, fields: list[str], separator: str = "\t") -> list[bytes]:
    """The header of a tab-separated log."""
    escaped = f"\\x{ord(separator):02x}"
    parts = (("set_separator", ","), ("empty_field", "(empty)"), ("unset_field", "-"), ("path", path), ("fields", *fields))
    lines = [f"#separator {escaped}", *(separator.join((f"#{name}", *values)) for name, *values in parts)]
    return [f"{line}\n".encode() for line in lines]


def tsv(path: str, *rows: dict[str, str], name: str = "x.log") -> tuple[ZeekReader, Observations]:
    """The reader and what it made of a log with these rows."""
    fields = list(dict.fromkeys(field for row in rows for field in row))
    lines = [("\t".join(row.get(field, "-") for field in fields) + "\n").encode() for row in rows]
    reader = ZeekReader(name)
    return reader, reader.feed(header(path, fields) + lines)


def said(path: str, **fields: str) -> list[Transaction]:
    """The transactions of one line between the usual ends."""
    reader, seen = tsv(path, ENDS | {name.replace("__", "."): value for name, value in fields.items()})
    assert reader.problems == []
    return seen.transactions


def conn(**fields: str) -> Columns:
    """The activity row of one connection."""
    _, seen = tsv("conn", ENDS | {"proto": "tcp"} | fields)
    assert (len(seen.activity), len(seen.flows)) == (1, 1)
    return seen.activity


def test_connection_becomes_one_row_of_activity_and_one_flow() -> None:
    """Ends, times, counters, service and flags of a whole connection."""
    row = {
        "service": "modbus",
        "duration": "2.5",
        "orig_bytes": "24",
        "resp_bytes": "100",
        "conn_state": "SF",
        "history": "ShADadFf",
    }
    row |= {
        "orig_pkts": "6",
        "orig_ip_bytes": "272",
        "resp_pkts": "5",
        "resp_ip_bytes": "308",
        "orig_l2_addr": "02:00:00:00:00:05",
        "vlan": "7",
    }
    _, seen = tsv("conn", ENDS | {"proto": "tcp"} | row)
    assert (seen.activity.dtype, seen.flows.dtype) == (ACTIVITY, FLOW)
    activity, flow = seen.activity[0], seen.flows[0]
    assert (activity["start"], activity["end"], flow["end"]) == (
        1_700_000_000_250_000_000,
        1_700_000_000_250_000_000,
        1_700_000_002_750_000_000,
    )
    assert (int(flow["a_hi"]), int(flow["a_lo"])) == ip_halves("10.0.0.5")
    assert (int(flow["b_hi"]), int(flow["b_lo"])) == ip_halves("10.0.0.9")
    assert [int(flow[name]) for name in ("a_port", "b_port", "transport", "ip_version", "vlan", "a_mac", "b_mac")] == [
        40000, 502, 6, 4, 7, 0x020000000005, 0,
    ]  # fmt: skip
    assert [int(flow[name]) for name in ("packets_out", "packets_in", "bytes_out", "bytes_in", "payload_out", "payload_in")] == [
        6, 5, 272 + 6 * 14, 308 + 5 * 14, 24, 100,
    ]  # fmt: skip
    assert int(flow["service"]) == SERVICE_NUMBER["modbus"]
    assert int(flow["state"]) == STATE_SYN | STATE_ESTABLISHED | STATE_FIN
    assert int(activity["state"]) == STATE_SYN | STATE_ESTABLISHED | STATE_FIN | STATE_FIRST
    assert (float(flow["size_mean_out"]), float(flow["gap_mean_out"])) == ((272 + 84) / 6, 0.5)
    assert int(activity["id"]) == int(flow["id"]) != 0
    assert seen.watermark == pytest.approx(1_700_000_000.25)


@pytest.mark.parametrize(
    "state,history,packets,expected,bits",
    [
        ("S0", "S", ("3", "0"), (3, 0, 0, 0), STATE_SYN),
        ("REJ", "Sr", ("1", "1"), (1, 0, 0, 1), STATE_SYN | STATE_RST),
        ("REJ", "Sr", ("3", "3"), (3, 0, 0, 3), STATE_SYN | STATE_RST),
        ("S1", "Sh", ("1", "2"), (1, 2, 0, 0), STATE_SYN | STATE_ESTABLISHED),
        ("RSTO", "ShADaR", ("9", "8"), (1, 1, 1, 0), STATE_SYN | STATE_ESTABLISHED | STATE_RST),
        ("RSTOS0", "SR", ("2", "0"), (1, 0, 1, 0), STATE_SYN | STATE_RST),
        ("RSTRH", "hr", ("0", "2"), (0, 1, 0, 1), STATE_ESTABLISHED | STATE_RST),
        ("OTH", "DdA", ("9", "8"), (0, 0, 0, 0), 0),
        ("S0", "-", ("1", "0"), (1, 0, 0, 0), STATE_SYN),
        ("REJ", "-", ("1", "1"), (1, 0, 0, 1), STATE_SYN | STATE_RST),
        ("SF", "-", ("9", "9"), (1, 1, 0, 0), STATE_SYN | STATE_ESTABLISHED | STATE_FIN),
    ],
)
def test_control_flags_follow_the_history(
    state: str, history: str, packets: tuple[str, str], expected: tuple[int, int, int, int], bits: int
) -> None:
    """SYN and reset counts and state bits; without a history the state of the connection stands for it."""
    row = conn(conn_state=state, history=history, orig_pkts=packets[0], resp_pkts=packets[1])[0]
    assert tuple(int(row[name]) for name in ("syn_out", "syn_in", "rst_out", "rst_in")) == expected
    assert int(row["state"]) == bits | STATE_FIRST


def test_icmp_has_no_ports() -> None:
    """Zeek writes type and code as ports; the version of ICMP follows the addresses."""
    v4 = conn(proto="icmp", **{"id.orig_p": "8", "id.resp_p": "0"})[0]
    v6 = conn(proto="icmp", **{"id.orig_h": "fe80::1", "id.resp_h": "ff02::1", "id.orig_p": "135", "id.resp_p": "136"})[0]
    assert [int(v4[name]) for name in ("transport", "a_port", "b_port", "ip_version")] == [1, 0, 0, 4]
    assert [int(v6[name]) for name in ("transport", "a_port", "b_port", "ip_version")] == [58, 0, 0, 6]


@pytest.mark.parametrize(
    "service,port,expected",
    [
        ("ssl", "443", "tls"),
        ("dns", "53", "dns"),
        ("dns", "5353", "mdns"),
        ("dnp3_tcp", "20000", "dnp3"),
        ("ntlm,http", "80", "http"),
        ("rfb", "1", ""),
    ],
)
def test_services_have_our_names(service: str, port: str, expected: str) -> None:
    """The first known of a list of services."""
    assert int(conn(service=service, **{"id.resp_p": port})[0]["service"]) == SERVICE_NUMBER[expected]


def test_rows_are_in_order_of_time_and_bytes_never_sent_do_not_count() -> None:
    """Zeek writes a connection when it ends; its byte counts follow sequence numbers."""
    late = ENDS | {"proto": "tcp", "ts": "20.0", "orig_bytes": "4000000000", "orig_pkts": "1", "orig_ip_bytes": "60"}
    early = ENDS | {"proto": "tcp", "ts": "10.0"}
    _, seen = tsv("conn", late, early)
    assert seen.activity["start"].tolist() == [10_000_000_000, 20_000_000_000]
    assert int(seen.activity["payload_out"][1]) == 74
    assert seen.watermark == 20.0


def test_json_lines_are_read_like_the_others() -> None:
    """Numbers, booleans, lists; the log type by ``_path`` or by its fields; ISO 8601 times."""
    row = {"ts": 1700828217.314165, "uid": "C1", "id.orig_h": "192.168.1.9", "id.orig_p": 50820, "id.resp_h": "45.33.32.156"}
    row |= {"id.resp_p": 443, "proto": "tcp", "conn_state": "REJ", "history": "Sr", "orig_pkts": 1, "resp_pkts": 1}
    reader = ZeekReader("current.json")
    (activity,) = reader.feed([orjson.dumps(row)]).activity
    assert (reader.path, int(activity["start"]), int(activity["rst_in"])) == ("conn", 1_700_828_217_314_165_000, 1)
    row = {
        "_path": "dns",
        "ts": "2023-11-24T12:16:57.314165Z",
        "id.orig_h": "::1",
        "id.resp_h": "::2",
        "id.resp_p": 53,
        "id.orig_p": 4,
    }
    row |= {"query": "Plc.Example", "qtype": 28, "rcode": 0, "answers": ["::3", "x"], "rtt": 0.5}
    asked, answered = reader.feed([orjson.dumps(row) + b"\n"]).transactions
    assert (asked.protocol, asked.src, asked.operation, asked.code, asked.object) == ("dns", "::1", "query", 28, "plc.example")
    assert (answered.src, answered.value, answered.status, answered.frame) == ("::2", ("::3", "x"), "ok", 2)
    assert answered.time - asked.time == pytest.approx(0.5)


@pytest.mark.parametrize(
    "name,fields,expected",
    [
        ("logs/conn.log", ["a"], "conn"),
        ("conn.2024-01-01-00-00-00.log.gz", ["a"], "conn"),
        ("dns.00:00:00-01:00:00.log", ["a"], "dns"),
        ("analyzer.basic__mqtt_publish.log", ["a"], "mqtt_publish"),
        ("capture-1.conn.log.labeled", ["a"], "conn"),
        ("connections.log", ["a", "conn_state"], "conn"),
        ("x.log", ["func", "id.orig_h"], "modbus"),
        ("x.log", ["a"], None),
    ],
)
def test_log_type_by_name_or_fields(name: str, fields: list[str], expected: str | None) -> None:
    """Where there is no ``#path``, the file's name tells, else the fields."""
    reader = ZeekReader(name)
    reader.feed([b"#separator \\x09\n", ("#fields\t" + "\t".join(fields)).encode()])
    assert reader.path == expected


def test_any_separator_and_a_second_header() -> None:
    """Fields may be parted by any character, and a log may begin anew with other fields."""
    lines = [*header("ssh", ["ts", "id.orig_h", "id.resp_h", "client"], "|"), b"1.0|10.0.0.1|10.0.0.2|SSH-2.0-a\\x7cb\n"]
    lines += [*header("ssh", ["id.orig_h", "ts", "id.resp_h", "server"]), b"10.0.0.3\t2.0\t10.0.0.4\tSSH-2.0-c\n"]
    first, second = ZeekReader("x").feed(lines).transactions
    assert (first.src, first.object, second.src, second.object) == ("10.0.0.1", "a|b", "10.0.0.4", "c")
    assert (first.frame, second.frame) == (7, 14)


def test_header_missing_is_an_input_error() -> None:
    """Values without names cannot be read."""
    with pytest.raises(InputError, match="header"):
        ZeekReader("conn.log").feed([b"1.0\tC1\t10.0.0.1\n"])


def test_broken_lines_are_skipped_and_counted() -> None:
    """The first line of each reason is remembered, and what is sound goes through."""
    good = ENDS | {"proto": "tcp", "duration": "-"}
    bad_time, bad_port, bad_address = good | {"ts": "XXX"}, good | {"id.orig_p": "70000"}, good | {"id.orig_h": "host"}
    reader, seen = tsv(
        "conn", good, bad_time, bad_port, bad_time, good | {"duration": "1e999"}, bad_address, good | {"ts": "99999999999"}
    )
    assert (len(seen.activity), reader.skipped) == (1, 6)
    assert [(problem.line, problem.count) for problem in reader.problems] == [(8, 3), (9, 1), (12, 1), (13, 1)]
    more = reader.feed([b"1.0\tonly two\n", b"\xff\xfe\n", b"{]\n", b"\n"])
    assert (len(more.activity), reader.skipped) == (0, 9)
    assert {problem.reason for problem in reader.problems} >= {"too few fields", "not a JSON object"}


def test_columns_of_a_labelling_tool_are_tolerated() -> None:
    """Labels behind the last field, parted by blanks, change nothing."""
    fields = header("conn", [*CONN[:-1], "tunnel_parents   label   detailed-label"])
    values = ["1545403816.870900", "C1", "192.168.1.1", "1", "192.168.1.2", "22", "tcp", *["-"] * 13, "-   Benign   -"]
    seen = ZeekReader("a.conn.log.labeled").feed([*fields, "\t".join(values).encode()])
    assert len(seen.activity) == 1


def test_logs_without_use_are_ignored() -> None:
    """A log that holds nothing for the model is counted, not a problem."""
    reader, seen = tsv("weird", ENDS | {"name": "x"})
    assert (reader.ignored, reader.skipped, seen.transactions) == (1, 0, [])


def test_modbus_requests_responses_and_exceptions() -> None:
    """Function names become codes; exceptions become the status; old logs have one line for both."""
    (asked,) = said("modbus", func="WRITE_MULTIPLE_REGISTERS", unit="1", pdu_type="REQ")
    assert asked[2:8] == ("modbus", "10.0.0.5", 40000, "10.0.0.9", 502, "request")
    assert asked[8:14] == ("write_multiple_registers", 16, "1/holding_register", None, "ok", True)
    (answered,) = said("modbus", func="unknown-156", unit="1", pdu_type="RESP", exception="ILLEGAL_FUNCTION")
    assert (answered.src, answered.code, answered.status) == ("10.0.0.9", 28, "illegal_function")
    both = said("modbus", func="READ_COILS", exception="SLAVE_DEVICE_FAILURE")
    assert [(each.role, each.status) for each in both] == [("request", "ok"), ("response", "server_device_failure")]
    assert len(said("modbus", func="READ_COILS")) == 1


def test_modbus_detailed_has_addresses_and_values() -> None:
    """The ICSNPP log says what was read and written."""
    fields = {
        "func": "WRITE_MULTIPLE_REGISTERS",
        "unit": "2",
        "address": "100",
        "quantity": "2",
        "request_values": "7,8",
        "request_response": "REQUEST",
    }
    (asked,) = said("modbus_detailed", **fields)
    assert (asked.object, asked.value, asked.write) == ("2/holding_register/100-101", (7, 8), True)


def test_dnp3_has_request_response_and_indications() -> None:
    """Both function codes of a line, and internal indications with the first octet high."""
    asked, answered = said("dnp3", fc_request="DIRECT_OPERATE", fc_reply="RESPONSE", iin="513")
    assert (asked.operation, asked.code, asked.write) == ("direct_operate", 5, True)
    assert (answered.src, answered.code, answered.value, answered.status) == (
        "10.0.0.9",
        129,
        ("class_1_events", "no_func_code_support"),
        "no_func_code_support",
    )
    (event,) = said("dnp3", fc_reply="UNSOLICITED_RESPONSE", iin="0")
    assert (event.role, event.operation, event.code) == ("event", "unsolicited_response", 130)


def test_s7comm_jobs_answers_and_user_data() -> None:
    """Functions by number; user data has no code."""
    (stop,) = said("s7comm", is_orig="T", rosctr_code="1", function_code="0x29", function_name="PLC Stop")
    assert (stop.role, stop.operation, stop.code, stop.write) == ("request", "plc_stop", 0x29, True)
    (block,) = said("s7comm", is_orig="F", rosctr_code="7", function_code="0x83", subfunction_code="0x03", error_code="0xd209")
    assert (block.src, block.role, block.operation, block.code, block.status) == (
        "10.0.0.9", "response", "get_block_info", None, "block_not_found_on_module",
    )  # fmt: skip


def test_cip_enip_and_bacnet_of_icsnpp() -> None:
    """Service codes, objects by class name, and errors; commands that carry CIP are told by its log."""
    fields = {
        "is_orig": "T",
        "direction": "request",
        "cip_service": "Set Attribute Single",
        "class_id": "0x01",
        "class_name": "Identity",
    }
    (set_,) = said("cip", cip_service_code="0x10", instance_id="0x01", attribute_id="0x07", **fields)
    assert set_[8:14] == ("set_attribute_single", 16, "identity/1/7", None, "ok", True)
    (failed,) = said(
        "cip",
        is_orig="F",
        direction="response",
        cip_service_code="0x8e",
        cip_status_code="0x08",
        cip_status="Service not supported",
    )
    assert (failed.code, failed.status) == (14, "service_not_supported")
    assert said("enip", is_orig="T", enip_command_code="0x70", enip_command="Send Unit Data") == []
    (listed,) = said("enip", is_orig="T", enip_command_code="0x63", enip_status="Success")
    assert (listed.operation, listed.code, listed.status) == ("list_identity", 0x63, "ok")
    (restart,) = said("bacnet", is_orig="T", bvlc_function="x", pdu_type="CONFIRMED_REQUEST", pdu_service="reinitialize_device")
    assert (restart.role, restart.code, restart.write) == ("request", 20, True)
    (refused,) = said(
        "bacnet", is_orig="F", pdu_type="ERROR_PDU", pdu_service="reinitialize_device", result_code="password-failure"
    )
    assert (refused.src, refused.status) == ("10.0.0.9", "password_failure")
    (here,) = said("bacnet", is_orig="T", pdu_type="UNCONFIRMED_REQUEST", pdu_service="i_am")
    assert (here.role, here.operation, here.code) == ("event", "i_am", 0)


def test_http_request_response_and_login() -> None:
    """Secrets in the query are hidden, the password is not read, the outcome of Basic credentials is a log-in."""
    fields = {
        "method": "GET",
        "host": "cam",
        "uri": "/v?token=abc&x=1",
        "user_agent": "curl/8",
        "status_code": "401",
        "username": "admin",
        "password": "geheim",
    }
    messages = said("http", **fields)
    assert [(each.role, each.operation, each.code, each.status) for each in messages] == [
        ("request", "get", None, "ok"),
        ("request", "login", None, "ok"),
        ("response", "get", 401, "unauthorized"),
        ("response", "login", 401, "unauthorized"),
    ]
    assert messages[0].object == "cam/v?token=*&x=1"
    assert Hint(HintKey.USER_AGENT, "curl/8") in messages[0].hints
    assert "geheim" not in repr(messages)


def test_ssl_gives_hellos_and_certificate() -> None:
    """Server name, version, suite, and the subject the server showed."""
    hello, answer, shown, alert = said(
        "ssl", version="TLSv12", cipher="TLS_RSA_WITH_AES_128_CBC_SHA", server_name="hub.example", subject="CN=hub.example,O=Works",
        issuer="CN=Works CA", last_alert="unknown_ca",
    )  # fmt: skip
    assert (hello.protocol, hello.operation, hello.code, hello.object) == ("tls", "client_hello", 1, "hub.example")
    assert (answer.code, answer.value) == (2, ("TLS 1.2", "TLS_RSA_WITH_AES_128_CBC_SHA"))
    assert (shown.src, shown.code, shown.object, shown.value) == ("10.0.0.9", 11, "hub.example", ("Works CA", None))
    assert Hint(HintKey.CERTIFICATE, "hub.example") in shown.hints
    assert (alert.role, alert.status) == ("event", "unknown_ca")


def test_mqtt_logs() -> None:
    """Connections with their client identifier, publications both ways, subscriptions."""
    asked, answered = said(
        "mqtt_connect", proto_version="3.1.1", client_id="meter", connect_status="Refused: not authorized", will_topic="w"
    )
    assert (asked.code, asked.object, asked.value) == (1, "meter", ("version=3.1.1", "will=w"))
    assert asked.hints == (Hint(HintKey.CLIENT_ID, "meter"), Hint(HintKey.ROLE, "mqtt.client"))
    assert (answered.code, answered.status) == (2, "not_authorized")
    (up,) = said("mqtt_publish", from_client="T", topic="a/b", payload="21.5")
    (down,) = said("mqtt_publish", from_client="F", topic="a/b", payload="on")
    assert (up.src, up.role, up.value, down.src, down.role, down.value) == ("10.0.0.5", "request", 21.5, "10.0.0.9", "event", "on")
    assert up.code == 3
    subscribe, granted = said(
        "mqtt_subscribe", action="MQTT::SUBSCRIBE", topics="a,b", qos_levels="0,1", granted_qos_level="1", ack="T"
    )
    assert (subscribe.code, subscribe.object, subscribe.value, granted.code, granted.value) == (8, "a,b", (0, 1), 9, (1,))
    (leave,) = said("mqtt_subscribe", action="MQTT::UNSUBSCRIBE", topics="a", ack="F")
    assert (leave.operation, leave.code) == ("unsubscribe", 10)


def test_dhcp_line_becomes_its_messages() -> None:
    """One line for an exchange without connection: each message with its direction, and who the client is."""
    row = {"ts": "1.0", "uids": "C1", "client_addr": "10.0.0.7", "server_addr": "10.0.0.1", "mac": "02:00:00:00:00:07"}
    row |= {
        "host_name": "meter-7",
        "assigned_addr": "10.0.0.7",
        "lease_time": "3600.000000",
        "msg_types": "DISCOVER,OFFER,REQUEST,ACK",
    }
    reader, seen = tsv("dhcp", row)
    assert reader.problems == []
    assert [(each.operation, each.code, each.src, each.dst) for each in seen.transactions] == [
        ("discover", 1, NOWHERE, "255.255.255.255"),
        ("offer", 2, "10.0.0.1", "10.0.0.7"),
        ("request", 3, NOWHERE, "255.255.255.255"),
        ("ack", 5, "10.0.0.1", "10.0.0.7"),
    ]
    assert Hint(HintKey.HOSTNAME, "meter-7", "02:00:00:00:00:07") in seen.transactions[0].hints
    assert Hint(HintKey.IP, "10.0.0.7", "02:00:00:00:00:07") in seen.transactions[3].hints
    assert seen.transactions[3].value == ("10.0.0.7", "10.0.0.1", 3600)


def test_ntp_ssh_and_ftp() -> None:
    """The mode tells the direction; banners of both sides; the reply to a password is a log-in."""
    (answer,) = said("ntp", mode="4", stratum="1", ref_id="GPS")
    assert (answer.src, answer.operation, answer.code, answer.object, answer.value) == ("10.0.0.9", "server", 4, "GPS", 1)
    client, server, login = said(
        "ssh", client="SSH-2.0-libssh2_1.9", server="SSH-2.0-dropbear_2019.78 x", auth_success="F", auth_attempts="4"
    )
    assert (client.object, server.object, server.src, login.status) == (
        "libssh2_1.9",
        "dropbear_2019.78",
        "10.0.0.9",
        "login_failed",
    )
    _, denied = said("ftp", command="PASS", arg="geheim", user="root", reply_code="530", reply_msg="no")
    assert (denied.operation, denied.object, denied.code, denied.status) == ("login", "root", 530, "login_failed")
    assert "geheim" not in repr(said("ftp", command="PASS", arg="geheim", user="root", reply_code="530"))
    _, stored = said("ftp", command="STOR", arg="/a", user="root", reply_code="226")
    assert (stored.operation, stored.object, stored.status, stored.write) == ("stor", "/a", "ok", True)


def test_roles_are_told_once() -> None:
    """A server's role is a hint of its first answer only."""
    row = ENDS | {"fc_request": "READ", "fc_reply": "RESPONSE", "iin": "0"}
    _, seen = tsv("dnp3", row, row)
    assert [[hint.value for hint in each.hints] for each in seen.transactions] == [["dnp3.master"], ["dnp3.outstation"], [], []]


@pytest.mark.parametrize(
    "start,expected",
    [
        (b"#separator \\x09\n#set_separator\t,\n", True),
        (b"#fields\tts\tuid\n", True),
        (b"### note\n#separator \\x09\n#fields\tts\n", True),
        (b'{"ts":1.0,"uid":"C1","id.orig_h":"10.0.0.1"}\n', True),
        (b'{"_path":"dns","ts":"2024-01-01T00:00:00Z"}\n', True),
        (b'{"timestamp":"2024","event_type":"dns","ts":1,"uid":2}\n', False),
        (b"# a comment\na,b\n", False),
        (b'{"a":1}\n', False),
        (b"\xd4\xc3\xb2\xa1\x02\x00\x04\x00", False),
        (b"", False),
    ],
)
def test_sniff(start: bytes, expected: bool) -> None:
    """Zeek logs of both kinds are told from other files."""
    assert sniff(start) is expected


def test_real_logs_are_read_without_a_problem(data: Path) -> None:
    """Connection logs of other people's networks: every line a row, in both forms, labelled or not."""
    files = sorted((data / "labelled" / "iot23").glob("*conn.log*")) + sorted((data / "labelled" / "slips").glob("*conn.log"))
    assert files
    for path in files:
        content = path.read_bytes()
        content = (
            gzip.decompress(content) if path.suffix == ".gz" else lzma.decompress(content) if path.suffix == ".xz" else content
        )
        lines = content.splitlines(keepends=True)
        assert sniff(b"".join(lines[:20]))
        reader = ZeekReader(path.name)
        seen = reader.feed(lines)
        assert reader.problems == []
        assert len(seen.activity) == len(seen.flows) == sum(not line.startswith(b"#") for line in lines)


def test_scan_in_a_real_log_shows_as_refused_connections(data: Path) -> None:
    """A vertical port scan: one host, many ports, resets from the other side."""
    lines = (data / "labelled" / "slips" / "port-scans__vertical__conn.log").read_bytes().splitlines()
    activity = ZeekReader("conn.log").feed(lines).activity
    activity = activity[activity["transport"] == 6]
    assert (activity["syn_out"] > 0).all()
    assert int((activity["rst_in"] > 0).sum()) > len(activity) // 2


SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=20))
LISTS = st.lists(st.text(max_size=5), max_size=3)
VALUES = st.one_of(SCALARS, LISTS, st.dictionaries(st.text(max_size=3), st.integers(), max_size=2))
NAMES = [
    *ENDS,
    "proto",
    "duration",
    "conn_state",
    "history",
    "orig_pkts",
    "query",
    "qtype",
    "rcode",
    "answers",
    "func",
    "exception",
    "fc_request",
]
NAMES += [
    "fc_reply",
    "iin",
    "msg_types",
    "mac",
    "method",
    "uri",
    "status_code",
    "mode",
    "ref_id",
    "stratum",
    "rosctr_code",
    "function_code",
]
NAMES += [
    "cip_service_code",
    "class_id",
    "pdu_type",
    "pdu_service",
    "topics",
    "client_id",
    "version",
    "client",
    "server",
    "command",
    "vlan",
]
PATHS = ["conn", "dns", "http", "ssl", "mqtt_connect", "mqtt_publish", "mqtt_subscribe", "dhcp", "ntp", "ssh", "ftp", "modbus"]
PATHS += ["modbus_detailed", "dnp3", "s7comm", "cip", "enip", "bacnet"]


@given(st.sampled_from(PATHS), st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=12), st.binary(max_size=60))
def test_no_line_raises(path: str, fields: dict[str, object], noise: bytes) -> None:
    """Whatever a line holds, it is read or skipped."""
    reader = ZeekReader("x.log")
    sound = {"ts": 1.0, "id.orig_h": "10.0.0.1", "id.resp_h": "10.0.0.2", "id.orig_p": 1, "id.resp_p": 2}
    lines = []
    for row in (fields | {"_path": path}, sound | fields | {"_path": path}):
        try:
            lines.append(orjson.dumps(row))
        except orjson.JSONEncodeError:
            continue
    reader.feed([*lines, b"{" + noise])
    reader.feed(
        [*header(path, [*ENDS, "proto"]), b"x\t" + noise, b"1.0\tC\t10.0.0.1\t1\t10.0.0.2\t2\t" + noise.replace(b"\n", b"")]
    )
    assert reader.skipped <= 6
