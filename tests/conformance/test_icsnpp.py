"""BACnet, DNP3, EtherNet/IP, HART-IP, OPC UA, S7comm and synchrophasors against what the ICSNPP parsers' own tests expect.

The expectations have no times, so contents are compared as multisets. Logs of which only rows are left are read by column number.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path

import pytest

from hauberk.model.hint import HintKey
from hauberk.model.transaction import Transaction

pytestmark = [pytest.mark.needs_data, pytest.mark.xdist_group("originators")]

ORACLE = "ICSNPP"
Decoded = Callable[..., Sequence[Transaction]]
Rows = Callable[[Path], list[dict[str, str]]]
Items = list[tuple[Hashable, ...]]

_SEGMENTS = "a segmented acknowledgement is one row there and one message for each segment here"
_REPLACED = (
    "a row there joins request and reply, and a request followed by another before its reply is lost; the log of controls has it"
)
_ERROR_ONLY = "an acknowledgement that holds an error and no function: joined to its request here, without a row there"
_SYSTEM_NAME = "the name that the engineer gave the automation system is not read here"
_MORE_UNITS = "an answer in several data units: the units between the first request and the last answer have no row there"


def _snake(words: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", words.lower()).strip("_")


@pytest.fixture
def folder(data: Path) -> Path:
    """Where the traces and expectations are."""
    return data / "captures/parser-icsnpp"


@pytest.mark.parametrize(
    "trace,expected",
    [
        ("bacnet_example.pcap.xz", "analyzer.basic__bacnet.log.gz"),
        ("bacnet_segmented_data.pcap", "analyzer.segmented_data__bacnet.log"),
    ],
)
def test_bacnet_services_agree(
    trace: str, expected: str, folder: Path, decoded: Decoded, zeek_rows: Rows, judge_items: Callable[..., None]
) -> None:
    """Sender, service and outcome of every application message."""
    rows = zeek_rows(folder / "bacnet/expected" / expected)
    theirs: Items = [
        (row["source_h"], row["pdu_service"], row["pdu_type"] == "ERROR_PDU")
        for row in rows
        if row["pdu_type"] not in {"SEGMENT_ACK", "-"} and row["pdu_service"] != "-"
    ]
    ours: Items = [
        (found.src, found.operation, found.status not in {"ok", "malformed"})
        for found in decoded(folder / "bacnet" / trace)
        if found.protocol == "bacnet" and found.code is not None
    ]
    segment = ("10.0.0.2", "read_property", False)
    judge_items(ORACLE, "bacnet", theirs, ours, lambda item: _SEGMENTS if "segmented" in trace and item == segment else "")


@pytest.mark.parametrize(
    "trace,expected",
    [
        ("bacnet_example.pcap.xz", "analyzer.basic__bacnet_property.log.gz"),
        ("bacnet_segmented_data.pcap", "analyzer.segmented_data__bacnet_property.log"),
    ],
)
def test_bacnet_properties_agree(
    trace: str, expected: str, folder: Path, decoded: Decoded, zeek_rows: Rows, judge_items: Callable[..., None]
) -> None:
    """Sender, object and property of every property read."""
    theirs = {
        (
            row["source_h"],
            f"{_snake(row['object_type'])}:{row['instance_number']}/{_snake(row['property'])}",
            row["pdu_service"][-3:] == "ack",
        )
        for row in zeek_rows(folder / "bacnet/expected" / expected)
    }
    ours = {
        (found.src, re.sub(r"\[\d+\]", "", found.object or ""), found.role == "response")
        for found in decoded(folder / "bacnet" / trace)
        if found.operation == "read_property"
    }
    judge_items(ORACLE, "bacnet properties", theirs, ours)


def test_dnp3_functions_agree(folder: Path, decoded: Decoded, zeek_rows: Rows, judge_items: Callable[..., None]) -> None:
    """Functions of requests and of replies."""
    theirs: Items = []
    for row in zeek_rows(folder / "dnp3/expected/analyzer.basic__dnp3.log"):
        theirs += [(kind, row[f"fc_{kind}"].lower()) for kind in ("request", "reply") if row[f"fc_{kind}"] != "-"]
    ours: Items = [
        ("request" if found.role == "request" else "reply", found.operation)
        for found in decoded(folder / "dnp3/dnp3_example.pcap")
        if found.protocol == "dnp3"
    ]
    controls = {("request", "select"), ("request", "operate")}
    judge_items(ORACLE, "dnp3", theirs, ours, lambda item: _REPLACED if item in controls else "")


def test_dnp3_controls_agree(folder: Path, decoded: Decoded, zeek_rows: Rows, judge_items: Callable[..., None]) -> None:
    """Function, point and times of every control relay output block that is asked for."""
    theirs: Items = []
    for row in zeek_rows(folder / "dnp3/expected/analyzer.basic__dnp3_control.log"):
        if row["block_type"] == "Control Relay Output Block" and row["function_code"] != "RESPONSE":
            form = f"{_snake(row['operation_type'])} {_snake(row['trip_control_code'])}".replace("nul", "").strip()
            times = f"count={row['execute_count']} on={row['on_time']} off={row['off_time']}"
            theirs.append((row["source_h"], row["function_code"].lower(), row["index_number"], f"{form} {times}"))
    ours: Items = []
    for found in decoded(folder / "dnp3/dnp3_example.pcap"):
        match = re.search(r"g12v1/([\d+]+)$", found.object or "")
        if match and found.role == "request" and isinstance(found.value, tuple):
            ours += [
                (found.src, found.operation, point, said) for point, said in zip(match[1].split("+"), found.value, strict=True)
            ]
    judge_items(ORACLE, "dnp3 controls", theirs, ours)


def test_cip_services_agree(folder: Path, decoded: Decoded, zeek_rows: Rows, judge_items: Callable[..., None]) -> None:
    """Sender, direction and service of every CIP message, embedded ones too."""
    rows = zeek_rows(folder / "enip/expected/analyzer.basic__cip.log.gz")
    theirs: Items = [(row["7"], int(row["8"]), row["12"], int(row["13"], 16)) for row in rows]
    ours: Items = [
        (found.src, found.src_port, found.role, found.code)
        for found in decoded(folder / "enip/enip_cip_example.pcap")
        if found.protocol == "cip"
    ]
    judge_items(ORACLE, "cip", theirs, ours)


def test_cip_identity_agrees(folder: Path, decoded: Decoded, zeek_rows: Rows, judge_items: Callable[..., None]) -> None:
    """Name, revision and serial number of the device that introduced itself."""
    (row,) = zeek_rows(folder / "enip/expected/analyzer.basic__cip_identity.log")
    theirs = [(row["7"], row["22"]), (row["7"], row["19"])]
    kept = {HintKey.MODEL, HintKey.FIRMWARE}
    found = [found for found in decoded(folder / "enip/enip_cip_example.pcap") if found.protocol == "enip"]
    ours = {(answer.src, hint.value) for answer in found for hint in answer.hints if hint.key in kept}
    judge_items(ORACLE, "cip identity", theirs, ours)


@pytest.mark.parametrize(
    "trace,expected",
    [
        ("hart-ip.pcap", "tests.hart_ip__hart_ip_general.log"),
        ("hart-ip_all_messageIDs.pcapng", "tests.all_message_ids__hart_ip_general.log"),
    ],
)
def test_hart_ip_messages_agree(
    trace: str, expected: str, folder: Path, decoded: Decoded, zeek_rows: Rows, judge_items: Callable[..., None]
) -> None:
    """Sender's role and name of every message."""
    rows = zeek_rows(folder / "hart-ip/expected" / expected)
    theirs: Items = [(row["10"].lower(), _snake(row["11"])) for row in rows]
    ours: Items = [(found.role, found.operation) for found in decoded(folder / "hart-ip" / trace) if found.protocol == "hart_ip"]
    judge_items(ORACLE, "hart_ip", theirs, ours)


_OPCUA = {
    "open62541_client-server_mainloop.pcap": "basic",
    "open62541_client-server_mainloop-not-localhost-non-standard-port.pcap": "non-standard-port",
}
_OPCUA_CHANNEL = {"446", "449", "452", "455"}


@pytest.mark.parametrize("trace", _OPCUA)
def test_opcua_services_agree(
    trace: str, folder: Path, decoded: Decoded, zeek_rows: Rows, judge_items: Callable[..., None]
) -> None:
    """Service node identifiers of requests and responses; a row there holds both."""
    rows = zeek_rows(folder / f"opcua-binary/expected/analyzer.{_OPCUA[trace]}__opcua_binary.log")
    theirs: Items = []
    for row in rows:
        cells = list(row.values())
        numbers = [
            cells[place - 1] for place, cell in enumerate(cells) if re.fullmatch(r"[A-Za-z]+(Request|Response)", cell) and place
        ]
        theirs += [(int(number),) for number in numbers if number not in _OPCUA_CHANNEL]
    ours: Items = [
        (found.code,) for found in decoded(folder / "opcua-binary" / trace) if found.protocol == "opcua" and found.code is not None
    ]
    judge_items(ORACLE, "opcua", theirs, ours)


def _s7comm(folder: Path, decoded: Decoded, trace: str = "snap7.pcap") -> list[Transaction]:
    return [found for found in decoded(folder / "s7comm" / trace) if found.protocol == "s7comm"]


@pytest.mark.parametrize("trace", ["snap7", "s7ident"])
def test_s7comm_functions_agree(
    trace: str, folder: Path, decoded: Decoded, zeek_rows: Rows, judge_items: Callable[..., None]
) -> None:
    """Sender and function code of jobs and acknowledgements; sender and name of user data."""
    theirs: Items = []
    for row in zeek_rows(folder / f"s7comm/expected/analyzer.{trace}__s7comm.log"):
        user_data = row["rosctr_name"] == "User-Data"
        theirs.append((row["source_h"], _snake(row["subfunction_name"]) if user_data else int(row["function_code"], 16)))
    ours: Items = [
        (found.src, found.operation if found.code is None else found.code) for found in _s7comm(folder, decoded, f"{trace}.pcap")
    ]
    single: dict[Hashable, str] = {}
    for found in _s7comm(folder, decoded, f"{trace}.pcap"):
        if found.operation == "start_upload" and found.code is None:
            single[found.src, found.operation] = _ERROR_ONLY
        elif found.operation == "read_szl":
            single[found.src, found.operation] = _MORE_UNITS
    judge_items(ORACLE, "s7comm", theirs, ours, lambda item: single.get(item, ""))


def test_s7comm_system_status_lists_agree(
    folder: Path, decoded: Decoded, zeek_rows: Rows, judge_items: Callable[..., None]
) -> None:
    """Identifier and index of every system status list that is asked for."""
    rows = zeek_rows(folder / "s7comm/expected/analyzer.snap7__s7comm_read_szl.log")
    theirs = {(row["source_h"], f"szl/{row['szl_id']}/{row['szl_index']}") for row in rows if row["method"] == "Request"}
    ours = {
        (found.src, found.object)
        for found in _s7comm(folder, decoded)
        if found.operation == "read_szl" and found.role == "request" and found.object
    }
    judge_items(ORACLE, "s7comm", theirs, ours)


def test_s7comm_uploads_agree(folder: Path, decoded: Decoded, zeek_rows: Rows, judge_items: Callable[..., None]) -> None:
    """Steps of every upload, with the number of the block where it begins."""
    rows = zeek_rows(folder / "s7comm/expected/analyzer.snap7__s7comm_upload_download.log")
    theirs: Items = []
    for row in rows:
        block = int(row["block_number"]) if row["block_number"] not in {"-", ""} else None
        theirs.append((row["source_h"], _snake(row["function_name"]), block))
    ours: Items = []
    for found in _s7comm(folder, decoded):
        if found.operation in {"start_upload", "upload", "end_upload"}:
            first = found.operation == "start_upload" and found.role == "request"
            number = re.search(r"\d+$", found.object or "") if first else None
            ours.append((found.src, found.operation, int(number[0]) if number else None))
    failed: Items = [
        (found.src, found.operation, None)
        for found in _s7comm(folder, decoded)
        if found.operation == "start_upload" and found.code is None
    ]
    judge_items(ORACLE, "s7comm", theirs, ours, lambda item: _ERROR_ONLY if item in failed else "")


def test_s7comm_devices_agree(folder: Path, decoded: Decoded, zeek_rows: Rows, judge_items: Callable[..., None]) -> None:
    """Names and serial number that a controller gives of itself."""
    (row,) = zeek_rows(folder / "s7comm/expected/analyzer.s7ident__s7comm_known_devices.log")
    theirs = {row["automation_system_name"], row["module_name"], row["module_serial"]}
    kept = {HintKey.HOSTNAME, HintKey.MODEL, HintKey.SERIAL}
    ours = {hint.value for found in _s7comm(folder, decoded, "s7ident.pcap") for hint in found.hints if hint.key in kept}
    judge_items(
        ORACLE, "s7comm devices", theirs, ours & theirs, lambda item: _SYSTEM_NAME if item == row["automation_system_name"] else ""
    )


_COMMANDS = {"Data on": "turn_on_transmission", "Data off": "turn_off_transmission", "Send CFG-2": "send_configuration_frame_2"}
_PHASOR_TRACES = {"1PMU_TCP": "C37.118_1PMU_TCP.pcap", "2PMUsInSync_TCP": "C37.118_2PMUsInSync_TCP.pcap.xz"}


@pytest.mark.parametrize("test", _PHASOR_TRACES)
def test_synchrophasor_frames_agree(
    test: str, folder: Path, decoded: Decoded, zeek_rows: Rows, judge_items: Callable[..., None]
) -> None:
    """Commands, configurations and the number of data frames, by the port of the client."""
    logs = folder / "synchrophasor/expected"
    theirs: Items = []
    for row in zeek_rows(logs / f"analyzer.{test}__synchrophasor_cmd.log"):
        theirs.append((row["id.orig_p"], "command", _COMMANDS[row["command"]]))
    for row in zeek_rows(logs / f"analyzer.{test}__synchrophasor_cfg_detail.log"):
        theirs.append((row["id.orig_p"], "configuration", row["station_name"]))
    packed = logs / f"analyzer.{test}__synchrophasor_data.log.gz"
    for row in zeek_rows(packed if packed.exists() else packed.with_suffix("")):
        theirs.append((row["id.orig_p"], "data", ""))
    ours: Items = []
    for found in decoded(folder / "synchrophasor" / _PHASOR_TRACES[test]):
        if found.protocol == "c37118":
            port = str(found.src_port if found.role == "request" else found.dst_port)
            names = found.value if found.operation.startswith("configuration") and isinstance(found.value, tuple) else ("",)
            kind = found.operation.partition("_")[0]
            ours += [(port, kind, found.value if kind == "command" else name) for name in names]
    judge_items(ORACLE, "c37118", theirs, ours)
