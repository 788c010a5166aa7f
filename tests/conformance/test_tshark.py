"""Codes of the messages in each frame against the frame-by-frame expectations that lie beside the captures.

They come from tshark 4.0 with its default settings. Every difference is listed below with its reason; one more or one less fails.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from hauberk.model.transaction import Transaction

pytestmark = [pytest.mark.needs_data, pytest.mark.xdist_group("tshark")]

Rows = Sequence[Mapping[str, str]]

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "modbus": ("modbus.func_code",),
    "dnp3": ("dnp3.al.func",),
    "s7comm": ("s7comm.param.func",),
    "enip": ("enip.command",),
    "cip": ("cip.service",),
    "iec104": ("iec60870_asdu.typeid",),
    "bacnet": ("bacapp.confirmed_service", "bacapp.unconfirmed_service"),
    "opcua": ("opcua.servicenodeid.numeric",),
    "mms": ("mms.confirmedServiceRequest", "mms.confirmedServiceResponse"),
    "c37118": ("synphasor.frtype",),
    "fins": ("omron.command",),
    "hart_ip": ("hart_ip.message_id",),
}
"""Columns that hold the code of each protocol's message."""

_OPCUA_CHANNEL = frozenset({446, 449, 452, 455})
"""Open and close secure channel have no code by design."""

_HIDDEN = "tshark takes the segment for a retransmission and hides it, though its bytes are seen for the first time"
_WRAPPED = "tshark joins the fragment to an older one once the transport sequence has wrapped"
_PORT = "tshark does not look for OPC UA on this port; it agrees when told to"
_QUOTED = "the message is quoted inside an ICMP error, nobody sent it"
_UNKNOWN_ID = "tshark 4.0 does not know the message identifiers 4 and 5; the ICSNPP logs have them"

EXCEPTIONS: Mapping[str, Mapping[str, tuple[str, frozenset[int] | int]]] = {
    "modbus": {"Advantech.pcap": (_HIDDEN, frozenset({127, 245, 269}))},
    "dnp3": {"dnp3_example.pcap": (_WRAPPED, frozenset({18, 114, 210, 311, 810}))},
    "opcua": {
        "opc-ua-ap-method-wireshark-freeze.pcap": (_PORT, 14),
        "open62541_client-server_mainloop-not-localhost-non-standard-port.pcap": (_PORT, 58),
        "opcua_with-gap.pcap": (_HIDDEN, frozenset({30})),
    },
    "hart_ip": {
        "hart-ip.pcap": (_QUOTED, frozenset({27})),
        "hart-ip_all_messageIDs.pcapng": (_UNKNOWN_ID, frozenset({12, 13, 14, 15})),
    },
}
"""By protocol and capture: why they differ, and on which frames, or on how many where that is all frames of the protocol."""


def _expected(row: Mapping[str, str], protocol: str) -> tuple[int, ...]:
    cells = ";".join(row.get(column, "") for column in COLUMNS[protocol]).replace(",", ";")
    codes = tuple(int(part, 0) for part in cells.split(";") if part)
    if protocol == "cip":
        return tuple(code & 0x7F for code in codes)
    if protocol == "opcua":
        return tuple(code for code in codes if code not in _OPCUA_CHANNEL)
    return () if protocol == "enip" and row.get("cip.service") else codes


def _compare(rows: Rows, found: Sequence[Transaction], protocol: str) -> tuple[int, dict[int, str]]:
    """Number of frames with a message according to either side, and what differs by frame."""
    mine: dict[int, list[int]] = defaultdict(list)
    for transaction in found:
        if transaction.protocol == protocol and transaction.code is not None:
            mine[transaction.frame].append(transaction.code)
    theirs = {int(row["frame.number"]): codes for row in rows if (codes := _expected(row, protocol))}
    frames = theirs.keys() | mine.keys()
    different = {
        frame: f"frame {frame}: expected {theirs.get(frame, ())}, got {mine.get(frame, [])}"
        for frame in frames
        if Counter(theirs.get(frame, ())) != Counter(mine.get(frame, ()))
    }
    return len(frames), different


@pytest.fixture(scope="module")
def measured(
    data: Path,
    expectations: Callable[[Path], dict[str, list[dict[str, str]]]],
    capture: Callable[[Path], Path],
    decoded: Callable[..., Sequence[Transaction]],
) -> dict[str, tuple[Rows, Sequence[Transaction]]]:
    """By capture: what is expected and what the sensor found."""
    folder = data / "captures"
    return {name: (rows, decoded(capture(folder / name))) for name, rows in expectations(folder).items()}


@pytest.mark.parametrize("protocol", COLUMNS)
def test_codes_of_every_frame_agree(
    protocol: str,
    measured: dict[str, tuple[Rows, Sequence[Transaction]]],
    judge: Callable[[str, str, int, Sequence[str], Mapping[str, int]], None],
) -> None:
    """Every frame holds the codes tshark found, but for the listed exceptions, which must still be there."""
    compared, unexplained, excused = 0, [], Counter[str]()
    left = dict(EXCEPTIONS.get(protocol, {}))
    for name, (rows, found) in measured.items():
        frames, different = _compare(rows, found, protocol)
        compared += frames
        reason, listed = left.pop(Path(name).name, ("", frozenset()))
        if listed in (different.keys(), len(different)) and different:
            excused[reason] += len(different)
        else:
            unexplained += [f"{name} {text}" for text in different.values()]
            assert not listed, f"{name}: the exceptions are {listed}, the differences {different}"
    judge("tshark, kept", protocol, compared, unexplained, excused)
    assert unexplained == []
    assert not left, "captures with exceptions are absent"
