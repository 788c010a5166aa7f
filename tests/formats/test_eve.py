"""Suricata's EVE log: flows, application events of old and new versions, alerts, and lines that cannot be read."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hauberk.formats.eve import EveReader, SensorAlert, sniff
from hauberk.formats.eve_events import EVENTS
from hauberk.model.address import ip_halves
from hauberk.model.flow import ACTIVITY, FLOW, STATE_ESTABLISHED, STATE_FIN, STATE_FIRST, STATE_RST, STATE_SYN
from hauberk.model.hint import Hint, HintKey
from hauberk.model.observation import Observations
from hauberk.model.service import SERVICE_NUMBER
from hauberk.model.transaction import Transaction

NOWHERE = str(IPv4Address(0))
TIME = "2024-01-15T10:00:00.250000+0200"
EPOCH = 1_705_305_600
ENDS: dict[str, object] = {
    "timestamp": TIME,
    "flow_id": 77,
    "src_ip": "10.0.0.5",
    "src_port": 40000,
    "dest_ip": "10.0.0.9",
    "dest_port": 502,
}


def read(*events: dict[str, object]) -> tuple[EveReader, Observations]:
    """The reader and what it made of these events."""
    reader = EveReader("eve.json")
    return reader, reader.feed([orjson.dumps(event) + b"\n" for event in events])


def said(kind: str, content: Mapping[str, object], **ends: object) -> list[Transaction]:
    """The transactions of one application event."""
    reader, seen = read(ENDS | {"event_type": kind, kind: content} | ends)
    assert reader.problems == []
    return seen.transactions


def flow_event(flow: dict[str, object], **other: object) -> dict[str, object]:
    """A flow event."""
    times = {"start": "2024-01-15T08:00:00.250000Z", "end": "2024-01-15T08:00:02.250000Z"}
    return ENDS | {"event_type": "flow", "proto": "TCP", "flow": times | flow} | other


def test_flow_becomes_activity_and_flow() -> None:
    """Times with zones, counters, service, flags, hardware addresses and VLAN."""
    event = flow_event(
        {"pkts_toserver": 6, "pkts_toclient": 5, "bytes_toserver": 424, "bytes_toclient": 370},
        app_proto="modbus",
        tcp={"tcp_flags_ts": "1b", "tcp_flags_tc": "1b"},
        ether={"src_macs": ["02:00:00:00:00:05"], "dest_macs": []},
        vlan=[7],
    )
    _, seen = read(event)
    assert (seen.activity.dtype, seen.flows.dtype) == (ACTIVITY, FLOW)
    row = seen.flows[0]
    assert (int(row["start"]), int(row["end"])) == (EPOCH * 10**9 + 250_000_000, EPOCH * 10**9 + 2_250_000_000)
    assert int(seen.activity[0]["end"]) == int(row["start"])
    assert (int(row["a_hi"]), int(row["a_lo"])) == ip_halves("10.0.0.5")
    assert [int(row[name]) for name in ("id", "a_port", "b_port", "transport", "vlan", "a_mac", "b_mac")] == [
        77, 40000, 502, 6, 7, 0x020000000005, 0,
    ]  # fmt: skip
    assert [int(row[name]) for name in ("packets_out", "packets_in", "bytes_out", "bytes_in", "payload_out", "payload_in")] == [
        6, 5, 424, 370, 424 - 6 * 54, 370 - 5 * 54,
    ]  # fmt: skip
    assert int(row["service"]) == SERVICE_NUMBER["modbus"]
    assert int(row["state"]) == STATE_SYN | STATE_ESTABLISHED | STATE_FIN
    assert int(seen.activity[0]["state"]) & STATE_FIRST
    assert seen.watermark == pytest.approx(EPOCH + 0.25)


@pytest.mark.parametrize(
    "flags,packets,expected,state",
    [
        (("02", "00"), (3, 0), (3, 0, 0, 0), STATE_SYN),
        (("02", "14"), (1, 1), (1, 0, 0, 1), STATE_SYN | STATE_RST),
        (("02", "14"), (3, 3), (3, 0, 0, 3), STATE_SYN | STATE_RST),
        (("1e", "1a"), (9, 9), (1, 1, 1, 0), STATE_SYN | STATE_ESTABLISHED | STATE_RST),
        (("18", "18"), (9, 9), (0, 0, 0, 0), 0),
        (("06", "12"), (2, 1), (1, 1, 1, 0), STATE_SYN | STATE_ESTABLISHED | STATE_RST),
    ],
)
def test_control_flags_of_a_flow(
    flags: tuple[str, str], packets: tuple[int, int], expected: tuple[int, int, int, int], state: int
) -> None:
    """A side that sent nothing but a SYN or a reset did so with each packet."""
    counts: dict[str, object] = {"pkts_toserver": packets[0], "pkts_toclient": packets[1]}
    _, seen = read(flow_event(counts, tcp={"tcp_flags_ts": flags[0], "tcp_flags_tc": flags[1]}))
    row = seen.flows[0]
    assert tuple(int(row[name]) for name in ("syn_out", "syn_in", "rst_out", "rst_in")) == expected
    assert int(row["state"]) == state


def test_icmp_flow_has_no_ports() -> None:
    """ICMP over IPv6 has its own number."""
    _, seen = read(flow_event({}, proto="IPv6-ICMP", src_ip="fe80::1", dest_ip="ff02::1", icmp_type=135))
    assert [int(seen.flows[0][name]) for name in ("transport", "a_port", "b_port", "ip_version")] == [58, 0, 0, 6]


def test_dns_of_three_versions() -> None:
    """One event for each message; the server is who has its port; records listed or single."""
    (asked,) = said("dns", {"type": "query", "rrname": "Hub.Example", "rrtype": "AAAA"}, dest_port=53)
    assert (asked.role, asked.operation, asked.code, asked.object, asked.src) == ("request", "query", 28, "hub.example", "10.0.0.5")
    answer: dict[str, object] = {
        "type": "answer",
        "rrname": "hub.example",
        "rrtype": "A",
        "rcode": "NOERROR",
        "answers": [{"rdata": "10.0.0.1"}],
    }
    (flow_order,) = said("dns", answer, dest_port=53)
    (packet_order,) = said("dns", answer, src_ip="10.0.0.9", src_port=53, dest_ip="10.0.0.5", dest_port=40000)
    for each in (flow_order, packet_order):
        assert (each.role, each.src, each.src_port, each.dst, each.value, each.status) == (
            "response", "10.0.0.9", 53, "10.0.0.5", ("10.0.0.1",), "ok",
        )  # fmt: skip
    (third,) = said(
        "dns", {"type": "response", "rcode": "NXDOMAIN", "queries": [{"rrname": "x", "rrtype": "TYPE65"}]}, dest_port=53
    )
    assert (third.status, third.code, third.object) == ("nxdomain", 65, "x")
    (link,) = said("dns", {"type": "query", "rrname": "x.local", "rrtype": "PTR"}, dest_port=5353)
    assert (link.protocol, link.code) == ("mdns", 12)


def test_http_request_and_response() -> None:
    """Secrets hidden, user agent and server told."""
    content = {
        "hostname": "cam",
        "url": "/s?pwd=x",
        "http_method": "PUT",
        "status": 404,
        "http_user_agent": "u",
        "http_content_type": "text/html",
    }
    asked, answered = said("http", content)
    assert (asked.operation, asked.object, asked.write) == ("put", "cam/s?pwd=*", True)
    assert Hint(HintKey.USER_AGENT, "u") in asked.hints
    assert (answered.code, answered.status, answered.value, answered.src) == (404, "not_found", ("text/html", None), "10.0.0.9")


def test_tls_and_quic() -> None:
    """Server name, fingerprint, version and certificate."""
    content = {
        "sni": "hub.example",
        "version": "TLS 1.2",
        "subject": "C=DE, CN=hub.example",
        "issuerdn": "CN=Works CA",
        "ja4": "t12_a_b",
    }
    hello, answer, shown = said("tls", content | {"notafter": "2030-01-02T03:04:05", "client_alpns": ["h2"]})
    assert (hello.code, hello.object, hello.value) == (1, "hub.example", (None, "t12_a_b", "h2"))
    assert Hint(HintKey.JA4, "t12_a_b") in hello.hints
    assert (answer.code, answer.value) == (2, ("TLS 1.2", None))
    assert (shown.code, shown.object, shown.value) == (11, "hub.example", ("Works CA", "2030-01-02T03:04:05Z"))
    (quic,) = said("quic", {"version": "1", "sni": "q.example"})
    assert (quic.protocol, quic.operation, quic.object) == ("quic", "client_hello", "q.example")


def test_mqtt_transactions() -> None:
    """Connections without their password, publications, acknowledgements and subscriptions."""
    connect = {
        "client_id": "meter",
        "protocol_version": 4,
        "username": "u",
        "password": "geheim",
        "flags": {"clean_session": True, "password": True},
    }
    asked, answered = said("mqtt", {"connect": connect, "connack": {"return_code": 5}})
    assert (asked.code, asked.object, asked.value) == (1, "meter", ("version=3.1.1", "clean", "username=u", "with_password"))
    assert "geheim" not in repr(asked)
    assert (answered.code, answered.object, answered.status) == (2, "meter", "not_authorized")
    published = said("mqtt", {"publish": {"topic": "a", "message": "7"}, "pubrec": {}, "pubrel": {}, "pubcomp": {}})
    assert [(each.operation, each.code, each.src) for each in published] == [
        ("publish", 3, "10.0.0.5"),
        ("pubrec", 5, "10.0.0.9"),
        ("pubrel", 6, "10.0.0.5"),
        ("pubcomp", 7, "10.0.0.9"),
    ]
    assert {each.object for each in published} == {"a"}
    assert published[0].value == 7
    subscribe, granted = said("mqtt", {"subscribe": {"topics": [{"topic": "a/#", "qos": 1}]}, "suback": {"qos_granted": [128]}})
    assert (subscribe.code, subscribe.object, subscribe.value, granted.status) == (8, "a/#", (1,), "failure")
    assert [each.code for each in said("mqtt", {"unsubscribe": {"topics": ["a"]}, "unsuback": {}, "disconnect": {}})] == [
        10,
        11,
        14,
    ]


def test_modbus_request_and_exception() -> None:
    """Function by number, what was written and where, and the exception."""
    request = {"unit_id": 1, "function_raw": 6, "function_code": "WrSingleReg", "write": {"address": 9, "data": 700}}
    response = {"unit_id": 1, "function_raw": 134, "exception": {"raw": 2, "code": "ILLEGAL_DATA_ADDRESS"}}
    asked, answered = said("modbus", {"id": 1, "request": request, "response": response})
    assert asked[8:14] == ("write_single_register", 6, "1/holding_register/9", (700,), "ok", True)
    assert (answered.src, answered.code, answered.object, answered.status) == (
        "10.0.0.9",
        6,
        "1/holding_register/9",
        "illegal_data_address",
    )
    (read_,) = said("modbus", {"request": {"unit_id": 2, "function_raw": 3, "read": {"address": 0, "quantity": 10}}})
    assert (read_.object, read_.write) == ("2/holding_register/0-9", False)


def test_dnp3_of_both_versions() -> None:
    """Link addresses with the master first, objects, and indications."""
    application = {"function_code": 5, "objects": [{"group": 12, "variation": 1}]}
    (asked,) = said("dnp3", {"type": "request", "src": 1, "dst": 2, "application": application}, dest_port=20000)
    assert (asked.operation, asked.code, asked.object, asked.write) == ("direct_operate", 5, "1->2/g12v1", True)
    reply = {
        "type": "response",
        "src": 2,
        "dst": 1,
        "application": {"function_code": 129},
        "iin": {"indicators": ["device_restart"]},
    }
    (answered,) = said("dnp3", reply, src_port=20000, dest_port=9)
    assert (answered.src, answered.object, answered.value) == ("10.0.0.5", "1->2", ("device_restart",))
    old = {
        "request": {"src": 1, "dst": 2, "application": {"function_code": 1}},
        "response": {"src": 2, "dst": 1, "application": {"function_code": 129}},
    }
    assert [(each.role, each.code) for each in said("dnp3", dict(old))] == [("request", 1), ("response", 129)]


def test_dhcp_messages_are_said_by_their_source() -> None:
    """The fingerprint from the options' names; the lease; roles of the server."""
    content = {"type": "request", "client_mac": "02:00:00:00:00:07", "dhcp_type": "discover", "hostname": "meter-7"}
    content |= {"client_ip": NOWHERE, "vendor_class_identifier": "udhcp 1.30"}
    ends: dict[str, object] = {"src_ip": NOWHERE, "src_port": 68, "dest_ip": "255.255.255.255", "dest_port": 67}
    (asked,) = said("dhcp", content | {"params": ["subnet_mask", "router", "dns_server"]}, **ends)
    assert (asked.src, asked.operation, asked.code, asked.object) == (NOWHERE, "discover", 1, "02:00:00:00:00:07")
    assert Hint(HintKey.DHCP_FINGERPRINT, "1,3,6", "02:00:00:00:00:07") in asked.hints
    assert Hint(HintKey.DHCP_VENDOR_CLASS, "udhcp 1.30", "02:00:00:00:00:07") in asked.hints
    (odd,) = said("dhcp", content | {"params": ["subnet_mask", "something_new"]}, **ends)
    assert HintKey.DHCP_FINGERPRINT not in {hint.key for hint in odd.hints}
    reply = {"type": "reply", "client_mac": "02:00:00:00:00:07", "dhcp_type": "ack", "assigned_ip": "10.0.0.7", "lease_time": 60}
    (given_,) = said("dhcp", reply, src_ip="10.0.0.1", src_port=67, dest_ip="10.0.0.7", dest_port=68)
    assert (given_.src, given_.role, given_.code, given_.value) == ("10.0.0.1", "response", 5, ("10.0.0.7", None, 60))
    assert Hint(HintKey.IP, "10.0.0.7", "02:00:00:00:00:07") in given_.hints
    assert Hint(HintKey.ROLE, "dhcp.server") in given_.hints


def test_ssh_ftp_and_enip() -> None:
    """Banners, commands with replies, encapsulation commands and services."""
    client, server = said(
        "ssh", {"client": {"proto_version": "2.0", "software_version": "a_1"}, "server": {"software_version": "b_2"}}
    )
    assert (client.value, client.object, server.src, server.object) == ("SSH-2.0-a_1", "a_1", "10.0.0.9", "b_2")
    _, denied = said("ftp", {"command": "PASS", "command_data": "geheim", "completion_code": ["530"], "reply": ["no"]})
    assert (denied.operation, denied.code, denied.status) == ("login", 530, "login_failed")
    session, service = said(
        "enip", {"request": {"command": "RegisterSession"}, "response": {"cip": {"service": "Set Attribute Single"}}}
    )
    assert (session.protocol, session.operation, session.code) == ("enip", "register_session", 0x65)
    assert (service.protocol, service.operation, service.write, service.src) == ("cip", "set_attribute_single", True, "10.0.0.9")


def test_alerts_are_handed_over_apart() -> None:
    """An alert is no observation; the next part empties the list."""
    alert = {"signature": "ET SCAN x", "signature_id": 2001, "severity": 2, "category": "Attempted Recon", "action": "blocked"}
    reader, seen = read(ENDS | {"event_type": "alert", "app_proto": "modbus", "alert": alert})
    assert seen.transactions == []
    assert reader.alerts == [
        SensorAlert(
            EPOCH + 0.25, "10.0.0.5", 40000, "10.0.0.9", 502, "ET SCAN x", 2001, 2, "Attempted Recon", "blocked", "modbus", 1
        )
    ]
    reader.feed([])
    assert reader.alerts == []


def test_anomalies_of_application_protocols_are_malformed_messages_too() -> None:
    """Anomalies of lower layers are alerts alone."""
    reader, seen = read(
        ENDS | {"event_type": "anomaly", "app_proto": "tls", "anomaly": {"type": "applayer", "event": "INVALID_RECORD"}},
        ENDS | {"event_type": "anomaly", "anomaly": {"type": "decode", "event": "decoder.ipv4.trunc_pkt"}},
    )
    (message,) = seen.transactions
    assert (message.protocol, message.role, message.value, message.status) == ("tls", "event", "INVALID_RECORD", "malformed")
    assert [(each.signature, each.severity, each.line) for each in reader.alerts] == [
        ("INVALID_RECORD", 3, 1),
        ("decoder.ipv4.trunc_pkt", 3, 2),
    ]


def test_broken_lines_are_skipped_and_counted() -> None:
    """Bad JSON, bad times and missing parts; events of no use are ignored."""
    reader = EveReader("eve.json")
    good = orjson.dumps(ENDS | {"event_type": "ssh", "ssh": {"client": {"software_version": "a"}}})
    bad = [b"{", b"[]", b"\xff", orjson.dumps({"a": 1}), orjson.dumps(ENDS | {"event_type": "dns"})]
    bad.append(orjson.dumps(ENDS | {"event_type": "ssh", "ssh": {}, "timestamp": "yesterday"}))
    bad.append(orjson.dumps(flow_event({"pkts_toserver": -1})))
    bad.append(orjson.dumps(flow_event({"end": "2020-01-01T00:00:00Z"})))
    seen = reader.feed([good, *bad, b"\n", orjson.dumps({"event_type": "stats", "stats": {}}), good])
    assert (len(seen.transactions), reader.skipped, reader.ignored) == (2, 8, 1)
    assert (reader.problems[0].line, reader.problems[0].count) == (2, 3)
    assert seen.transactions[1].frame == 12


@pytest.mark.parametrize(
    "start,expected",
    [
        (b'{"timestamp":"2024-01-15T10:00:00.0+0000","event_type":"flow"}\n', True),
        (b'\xef\xbb\xbf{"timestamp":"x","event_type":"stats"}', True),
        (b'{"ts":1.0,"uid":"C1","id.orig_h":"10.0.0.1"}\n', False),
        (b"#separator \\x09\n", False),
        (b"", False),
    ],
)
def test_sniff(start: bytes, expected: bool) -> None:
    """EVE logs are told from Zeek's and other files."""
    assert sniff(start) is expected


KEYS = [
    "type",
    "rrname",
    "rcode",
    "answers",
    "queries",
    "sni",
    "subject",
    "connect",
    "publish",
    "topics",
    "subscribe",
    "suback",
    "request",
]
KEYS += [
    "response",
    "application",
    "iin",
    "dhcp_type",
    "client_mac",
    "params",
    "client",
    "server",
    "command",
    "completion_code",
    "url",
]
KEYS += ["status", "event", "signature", "severity", "start", "end", "pkts_toserver", "function_raw", "unit_id", "cip", "service"]
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**63), st.text(max_size=12), st.sampled_from(["1", "request", "ack"])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)),
    max_leaves=8,
)


@given(
    st.sampled_from([*EVENTS, "flow", "alert", "anomaly"]),
    st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=6),
    st.binary(max_size=40),
)
def test_no_line_raises(kind: str, content: dict[str, object], noise: bytes) -> None:
    """Whatever an event holds, it is read or skipped."""
    reader = EveReader("eve.json")
    event = orjson.dumps(ENDS | {"event_type": kind, kind: content})
    broken = orjson.dumps({"event_type": kind, "timestamp": content, "src_ip": content, "dest_ip": "x", kind: content})
    reader.feed(
        [event, broken, b"{" + noise, orjson.dumps(ENDS | {"event_type": kind, kind: content, "tcp": content, "ether": content})]
    )
    assert reader.skipped <= 4
