"""Compares transactions with what an independent dissector decoded, frame by frame."""

from __future__ import annotations

import gzip
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from hauberk.model.transaction import Transaction
from hauberk.service.feed import Depth, open_feed

Codes = tuple[int, ...]


@dataclass
class Agreement:
    """Frames of one protocol that carry a message according to either side, and those on which both agree."""

    frames: int = 0
    agreed: int = 0
    differences: list[str] = field(default_factory=list)

    @property
    def share(self) -> float:
        """Share of frames that agree; 1 where there is none."""
        return self.agreed / self.frames if self.frames else 1.0


def _numbers(cell: str) -> Codes:
    return tuple(int(part, 0) for part in cell.replace(",", ";").split(";") if part)


COLUMNS: Mapping[str, tuple[str, ...]] = {
    "modbus": ("modbus.func_code",),
    "dnp3": ("dnp3.al.func",),
    "s7comm": ("s7comm.param.func",),
    "enip": ("enip.command",),
    "cip": ("cip.service",),
    "iec104": ("iec60870_asdu.typeid",),
    "bacnet": ("bacapp.confirmed_service", "bacapp.unconfirmed_service"),
    "mqtt": ("mqtt.msgtype",),
    "opcua": ("opcua.servicenodeid.numeric",),
    "coap": ("coap.code",),
    "mms": ("mms.confirmedServiceRequest", "mms.confirmedServiceResponse"),
    "c37118": ("synphasor.frtype",),
    "fins": ("omron.command",),
    "profinet_dcp": ("pn_dcp.service_id",),
    "hart_ip": ("hart_ip.message_id",),
}
"""Columns of the independent dissector that hold the code of each protocol's message."""

_OPCUA_CHANNEL = frozenset({446, 449, 452, 455})
"""Open and close secure channel, which have no code with us."""


def expected_codes(row: Mapping[str, str], protocol: str) -> Codes:
    """Codes of ``protocol`` in one frame according to the independent dissector."""
    codes = tuple(code for column in COLUMNS[protocol] for code in _numbers(row.get(column) or ""))
    if protocol == "cip":
        return tuple(code & 0x7F for code in codes)
    if protocol == "opcua":
        return tuple(code for code in codes if code not in _OPCUA_CHANNEL)
    if protocol == "enip" and row.get("cip.service"):
        return ()
    return codes


def expected_rows(path: Path) -> Iterator[dict[str, str]]:
    """Rows of an expectation file. Quotes inside the free text of the ``Info`` column are not escaped there, so fields are taken from both ends."""
    with gzip.open(path, "rt", newline="") as file:
        names = file.readline().rstrip("\r\n").split(",")
        behind = len(names) - 1 - names.index("_ws.col.Info")
        for line in file:
            front, *back = line.rstrip("\r\n").rsplit(",", behind)
            number = front.split(",", 1)[0]
            yield {"frame.number": number.strip('"'), **{name: cell.strip('"') for name, cell in zip(names[-behind:], back, strict=True)}}


def transactions_of(path: Path) -> list[Transaction]:
    """What the sensor makes of one capture."""
    feed = open_feed([str(path)], Depth.MESSAGES, seed=1)
    found = [transaction for batch in feed.observations() for transaction in batch.transactions]
    assert feed.sensor.reader is not None
    assert feed.sensor.reader.defect_samples == []
    return found


def compare(name: str, rows: Iterable[Mapping[str, str]], found: Iterable[Transaction], protocols: Iterable[str]) -> dict[str, Agreement]:
    """Agreement of each protocol over one capture."""
    protocols = tuple(protocols)
    ours: dict[tuple[str, int], list[int]] = defaultdict(list)
    for transaction in found:
        if transaction.code is not None and transaction.protocol in protocols:
            ours[transaction.protocol, transaction.frame].append(transaction.code)
    result = {protocol: Agreement() for protocol in protocols}
    for row in rows:
        frame = int(row["frame.number"])
        for protocol in protocols:
            expected, mine = expected_codes(row, protocol), tuple(ours.pop((protocol, frame), ()))
            if expected or mine:
                agreement = result[protocol]
                agreement.frames += 1
                if sorted(expected) == sorted(mine):
                    agreement.agreed += 1
                else:
                    agreement.differences.append(f"{name} frame {frame}: expected {expected}, got {mine}")
    for (protocol, frame), codes in ours.items():
        result[protocol].frames += 1
        result[protocol].differences.append(f"{name} frame {frame}: expected (), got {tuple(codes)}")
    return result


@pytest.fixture(scope="session")
def comparison() -> Callable[..., dict[str, Agreement]]:
    """The comparison above, for tests."""
    return compare
