"""Messages of each frame against a run of tshark over the start of many captures, labelled ones too.

Where a protocol runs on a port tshark does not expect, it is told so (``-d``). A difference is excused by what tshark's own
fields say of the frame; the rest counts.
"""

from __future__ import annotations

import subprocess
import tarfile
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from hauberk.model.transaction import Transaction

pytestmark = [pytest.mark.needs_data, pytest.mark.needs_tshark, pytest.mark.xdist_group("tshark_live"), pytest.mark.timeout(600)]

Row = Mapping[str, str]
Item = Hashable

FRAMES = 8_000
"""So many frames of each capture are read."""
_BYTES = 8 << 20

CAPTURES: Mapping[str, tuple[str, ...]] = {
    "captures/home-7day/blink-cam-01.pcap.xz": (),
    "captures/home-7day/schlage-lock-01.pcap.xz": (),
    "captures/ics-misc/beckoff/beckoffiplink.pcapng.xz": (),
    "captures/ics-misc/beckoff/beckofflink.pcapng": (),
    "captures/ics-misc/beckoff/beckoffiplinktc2.pcapng": (),
    "captures/ics-misc/cip/cip_only.pcap.xz": (),
    "captures/ics-misc/iec61850/Sample_File_GOOSE.pcap": (),
    "captures/ics-misc/iec61850/Sample_File_MMS_and_GOOSE.pcap": (),
    "captures/ics-misc/modbus/ModbusTCP.pcap.xz": (),
    "captures/ics-misc/opc/opc-ua-ap-method-wireshark-freeze.pcap": ("tcp.port==12001,opcua",),
    "captures/ics-misc/other/Modicon.pcap.xz": (),
    "captures/ics-misc/s7/wincc_s400_production.pcapng.xz": (),
    "captures/parser-icsnpp/opcua-binary/open62541_client-server_mainloop.pcap": ("udp.port==62228,ntp",),
    "captures/parser-icsnpp/opcua-binary/open62541_client-server_mainloop-not-localhost-non-standard-port.pcap": (
        "tcp.port==48010,opcua",
    ),
    "captures/parser-icsnpp/synchrophasor/C37.118_2PMUsInSync_TCP.pcap.xz": ("udp.port==4989,dhcp",),
    "captures/parser-ndpi/NTPv3.pcap": (),
    "captures/parser-ndpi/alexa-app.pcapng.xz": (),
    "captures/parser-ndpi/beckhoff_ads.pcapng": (),
    "captures/parser-ndpi/coap_mqtt.pcap": ("udp.port==17500,coap", "tcp.port==17501,mqtt"),
    "captures/parser-ndpi/ftp.pcap": (),
    "captures/parser-ndpi/google_chat.pcapng": (),
    "captures/parser-ndpi/nest_log_sink.pcap": (),
    "captures/parser-ndpi/soap.pcap": (),
    "captures/parser-ndpi/ssdp-m-search-ua.pcap": (),
    "captures/parser-ndpi/ssh.pcap": ("tcp.port==8000,ssh",),
    "captures/parser-suricata/dhcp-request-flood/test.pcap.xz": (),
    "captures/parser-suricata/mqtt31-pub-qos2/input.pcap": (),
    "captures/parser-suricata/mqtt31-sub-userpass/input.pcap": (),
    "captures/parser-suricata/mqtt31-unsub-qos1/input.pcap": (),
    "captures/parser-zeek/dhcp/dhcp.pcap": (),
    "captures/parser-zeek/modbus/fuzz-72.pcap": (),
    "captures/parser-zeek/modbus/modbusBig.pcap.xz": (),
    "captures/parser-zeek/mqtt/mqtt.pcap": (),
    "labelled/dnp3-qut2017/injection_training_frequent.pcap.xz": (),
    "labelled/modbus-cset2016/channel_4d_9s.pcap.xz": (),
    "labelled/modbus-cset2016/characterization_modbus_6RTU_with_operate.pcap.xz": (),
    "labelled/mqttset/benign-5mb-train.pcap.xz": (),
    "labelled/mqttset/bruteforce-train.pcapng.xz": (),
    "labelled/mqttset/malformed-train.pcap.xz": (),
    "labelled/mqttset/slowite-train.pcap.xz": (),
    "labelled/s7-qut2017/20161215190548.WaterTankOnManu_Flooding.master.pcap.xz": (),
    "labelled/slips/test-cc-capture-1.pcap.xz": (),
    "labelled/slips/test7-malicious.pcap.xz": (),
}
"""Captures, and what tshark must be told of their ports."""

ARCHIVES = ("D-LinkCam", "D-LinkHomeHub", "EdimaxPlug1101W", "HueBridge", "MAXGateway", "TP-LinkPlugHS100", "WeMoSwitch")
"""Archives with one capture for each set-up of a device; the first of each is read."""

_QUOTED = "quoted inside an ICMP error, nobody sent it"
_HIDDEN = "tshark takes the segment for a retransmission and hides it, though its bytes are seen for the first time"
_UNTIL_CLOSE = "the body ends with the connection: given with its head here, with the last segment by tshark"
_MULTI_LINE = "a reply of several lines: given with its last line here, with its first by tshark"
_UNFINISHED = "the request's body never ends: given when it is answered, never by tshark"

_JUMP = "the first segment's sequence number was changed at random; tshark keeps the rest of the stream only"

_STATE = (
    "frame.number",
    "frame.protocols",
    "tcp.stream",
    "tcp.analysis.retransmission",
    "tcp.analysis.out_of_order",
    "http.content_length_header",
    "http.transfer_encoding",
)


@dataclass(frozen=True, slots=True)
class Compared:
    """One protocol: tshark's columns, what they say of a frame, and the same of a transaction (None: not compared)."""

    columns: tuple[str, ...]
    theirs: Callable[[Row], list[Item]]
    mine: Callable[[Transaction], Item | None]
    protocol: str
    same_frame: bool = True
    """False: the two name different frames of one connection."""
    moved: str = ""
    """Why the frames differ."""
    listed: Mapping[tuple[str, int], str] = field(default_factory=dict)
    """Single frames that differ, with the reason."""


def _numbers(cell: str) -> list[int]:
    return [int(part, 0) for part in cell.replace(",", ";").split(";") if part]


def _words(cell: str) -> list[str]:
    return [part for part in cell.split(";") if part]


def _code(transaction: Transaction) -> Item | None:
    return transaction.code


def _codes(
    protocol: str,
    column: str,
    mask: int = -1,
    *,
    without: frozenset[int] = frozenset(),
    listed: Mapping[tuple[str, int], str] | None = None,
) -> Compared:
    def theirs(row: Row) -> list[Item]:
        return [number & mask for number in _numbers(row[column]) if number not in without]

    return Compared((column,), theirs, _code, protocol, listed=listed or {})


def _names(protocol: str) -> Compared:
    """First question and outcome of the protocols that share the form of DNS."""

    def theirs(row: Row) -> list[Item]:
        if protocol not in row["frame.protocols"].split(":"):
            return []
        question = _numbers(row["dns.qry.type"])
        answered = row["dns.flags.response"][:1] in {"1", "T"}
        return [(question[0] if question else None, "ok" if answered and row["dns.flags.rcode"] == "0" else answered)]

    def mine(transaction: Transaction) -> Item:
        answered = transaction.role == "response" or (protocol == "mdns" and transaction.role == "event")
        return (transaction.code, "ok" if answered and transaction.status == "ok" else answered)

    return Compared(("dns.qry.type", "dns.flags.response", "dns.flags.rcode"), theirs, mine, protocol)


def _method(name: str) -> str:
    return name.lower().replace("-", "_")


def _http(row: Row) -> list[Item]:
    if "ssdp" in row["frame.protocols"]:
        return []
    return [*map(_method, _words(row["http.request.method"])), *_numbers(row["http.response.code"])]


def _my_http(transaction: Transaction) -> Item | None:
    if transaction.operation == "login":
        return None
    return transaction.operation if transaction.role == "request" else transaction.code


def _ssdp(row: Row) -> list[Item]:
    if "ssdp" not in row["frame.protocols"]:
        return []
    return [*map(_method, _words(row["http.request.method"])), *("response" for _ in _numbers(row["http.response.code"]))]


def _goose(row: Row) -> list[Item]:
    references, states, sequences = (row[f"goose.{name}"] for name in ("gocbRef", "stNum", "sqNum"))
    return list(zip(_words(references), _numbers(states), _numbers(sequences), strict=True))


def _my_goose(transaction: Transaction) -> Item:
    said = transaction.value if isinstance(transaction.value, tuple) else ()
    return (transaction.object, *said[:2])


def _my_hello(transaction: Transaction) -> Item | None:
    return transaction.object if transaction.code == 1 else None


def _my_command(transaction: Transaction) -> Item | None:
    return transaction.operation if transaction.role == "request" else None


_METHODS = ("http.request.method", "http.response.code")
_CHANNEL = frozenset({446, 449, 452, 455})

PROTOCOLS: Mapping[str, Compared] = {
    "mqtt": _codes("mqtt", "mqtt.msgtype"),
    "coap": _codes("coap", "coap.code"),
    "dns": _names("dns"),
    "mdns": _names("mdns"),
    "llmnr": _names("llmnr"),
    "dhcp": _codes("dhcp", "dhcp.option.dhcp"),
    "dhcpv6": _codes("dhcpv6", "dhcpv6.msgtype"),
    "ntp": _codes("ntp", "ntp.flags.mode"),
    "tls": _codes("tls", "tls.handshake.type"),
    "tls server name": Compared(
        ("tls.handshake.extensions_server_name",),
        lambda row: [*_words(row["tls.handshake.extensions_server_name"])],
        _my_hello,
        "tls",
    ),
    "http": Compared(_METHODS, _http, _my_http, "http", False, _UNTIL_CLOSE, {("soap.pcap", 8): _UNFINISHED}),
    "ssdp": Compared(_METHODS, _ssdp, lambda transaction: transaction.operation, "ssdp"),
    "ssh": _codes("ssh", "ssh.message_code"),
    "ftp": Compared(("ftp.response.code",), lambda row: [*_numbers(row["ftp.response.code"])], _code, "ftp", False, _MULTI_LINE),
    "ftp command": Compared(
        ("ftp.request.command",), lambda row: [word.lower() for word in _words(row["ftp.request.command"])], _my_command, "ftp"
    ),
    "goose": Compared(("goose.gocbRef", "goose.stNum", "goose.sqNum"), _goose, _my_goose, "goose"),
    "ads": _codes("ads", "ams.cmdid"),
    "s7comm": _codes("s7comm", "s7comm.param.func"),
    "modbus": _codes("modbus", "modbus.func_code", listed={("fuzz-72.pcap", 2): _JUMP}),
    "cip": _codes("cip", "cip.service", 0x7F),
    "dnp3": _codes("dnp3", "dnp3.al.func"),
    "opcua": _codes("opcua", "opcua.servicenodeid.numeric", without=_CHANNEL),
}


@dataclass(slots=True)
class _Verdict:
    compared: int = 0
    unexplained: list[str] = field(default_factory=list)
    excused: Counter[str] = field(default_factory=Counter)


Read = tuple[str, list[dict[str, str]], Sequence[Transaction]]


@pytest.fixture(scope="module")
def read(
    data: Path,
    tshark: str,
    decoded: Callable[..., Sequence[Transaction]],
    start_of: Callable[[Path, int], bytes],
    tmp_path_factory: pytest.TempPathFactory,
) -> list[Read]:
    """Every capture as both read it: its name, tshark's rows and the transactions."""
    columns = tuple(dict.fromkeys([*_STATE, *(column for compared in PROTOCOLS.values() for column in compared.columns)]))
    found: list[Read] = []
    folder = tmp_path_factory.mktemp("archives")
    first = [(_first_of(data / "captures" / "iot-sentinel" / f"{name}.tar.xz", folder), ()) for name in ARCHIVES]
    for path, ports in [*((data / name, ports) for name, ports in CAPTURES.items()), *first]:
        command = [tshark, "-n", "-r", "-", "-c", str(FRAMES), "-T", "fields", "-E", "separator=/t", "-E", "aggregator=;"]
        command += [part for port in ports for part in ("-d", port)]
        command += [part for column in columns for part in ("-e", column)]
        done = subprocess.run(command, input=start_of(path, _BYTES), capture_output=True, check=True)
        lines = done.stdout.decode(errors="replace").splitlines()
        rows = [dict(zip(columns, line.split("\t"), strict=True)) for line in lines]
        assert rows, f"tshark read nothing of {path}"
        found.append((path.name, rows, decoded(path, len(rows))))
    return found


def _first_of(archive: Path, folder: Path) -> Path:
    with tarfile.open(archive) as tar:
        member = next(member for member in tar if member.isfile())
        tar.extract(member, folder, filter="data")
        return folder / member.name


def _compare(name: str, rows: Sequence[Row], found: Iterable[Transaction], by: Compared, verdict: _Verdict) -> None:
    mine: dict[int, list[Item]] = defaultdict(list)
    for transaction in found:
        if transaction.protocol == by.protocol and (item := by.mine(transaction)) is not None:
            mine[transaction.frame].append(item)
    different: list[tuple[Row, list[Item], list[Item]]] = []
    for row in rows:
        theirs, ours = by.theirs(row), mine.get(int(row["frame.number"]), [])
        if theirs or ours:
            verdict.compared += 1
            if Counter(theirs) != Counter(ours):
                different.append((row, theirs, ours))
    moved = _moved(different) if not by.same_frame else frozenset()
    for row, theirs, ours in different:
        frame = int(row["frame.number"])
        reason = by.listed.get((name, frame), "") or (by.moved if frame in moved else _reason(row, theirs, ours))
        if reason:
            verdict.excused[reason] += 1
        else:
            verdict.unexplained.append(f"{name} frame {frame}: expected {theirs}, got {ours}")


def _reason(row: Row, theirs: Sequence[Item], ours: Sequence[Item]) -> str:
    """The excuse that tshark's own fields give."""
    if theirs and not ours and {"icmp", "icmpv6"} & set(row["frame.protocols"].split(":")):
        return _QUOTED
    if ours and not theirs and (row["tcp.analysis.retransmission"] or row["tcp.analysis.out_of_order"]):
        return _HIDDEN
    return ""


def _moved(different: Sequence[tuple[Row, list[Item], list[Item]]]) -> frozenset[int]:
    """Frames whose items the other side has, in the same order, in another frame of the connection."""
    streams: dict[str, list[tuple[Row, list[Item], list[Item]]]] = defaultdict(list)
    for entry in different:
        row = entry[0]
        if not row["http.content_length_header"] and not row["http.transfer_encoding"]:
            streams[row["tcp.stream"]].append(entry)
    found: set[int] = set()
    for entries in streams.values():
        theirs = [item for _, expected, _ in entries for item in expected]
        ours = [item for _, _, got in entries for item in got]
        if theirs == ours:
            found.update(int(row["frame.number"]) for row, _, _ in entries)
    return frozenset(found)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_messages_of_every_frame_agree(
    protocol: str, read: list[Read], judge: Callable[[str, str, int, Sequence[str], Mapping[str, int]], None]
) -> None:
    """Frames hold the messages that tshark finds in them; at most one in a hundred differs without an excuse."""
    verdict = _Verdict()
    for name, rows, found in read:
        _compare(name, rows, found, PROTOCOLS[protocol], verdict)
    judge("tshark, live", protocol, verdict.compared, verdict.unexplained, verdict.excused)
