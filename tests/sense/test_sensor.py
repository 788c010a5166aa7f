"""The sensor: the same observations however its input is cut, fragments put together, counters, clock and bounds."""

from __future__ import annotations

import struct
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hauberk.errors import StateError
from hauberk.model.address import ip_text
from hauberk.model.observation import Observations
from hauberk.sense.capture.files import open_captures
from hauberk.sense.capture.interface import Block
from hauberk.sense.dissect.registry import dissectors
from hauberk.sense.flow.table import BLOCK_PACKETS, FlowLimits
from hauberk.sense.reader import PayloadReader
from hauberk.sense.sensor import Sensor, SensorLimits, endpoint_text

QUERY = struct.pack(">6H", 7, 0x0100, 1, 0, 0, 0) + b"\x03www\x07example\x03com\0" + struct.pack(">HH", 1, 1)
KEY = [
    "a_hi",
    "a_lo",
    "b_hi",
    "b_lo",
    "a_port",
    "b_port",
    "transport",
    "packets_out",
    "packets_in",
    "bytes_out",
    "payload_in",
    "start",
    "end",
]
SUMMED = ["packets_out", "packets_in", "bytes_out", "bytes_in", "payload_out", "payload_in", "syn_out", "rst_in"]


def _sensor(limits: SensorLimits | None = None) -> Sensor:
    return Sensor(limits, PayloadReader(dissectors()), seed=1)


def _cut(block: Block, size: int) -> list[Block]:
    parts = [slice(at, at + size) for at in range(0, block.count, size)]
    return [
        Block(
            block.data,
            block.offset[part],
            block.captured[part],
            block.wire[part],
            block.time[part],
            block.link[part],
            block.vlan[part],
            block.frame[part],
            len(block.offset[part]),
        )
        for part in parts
    ]


def _summary(seen: Observations) -> tuple[Counter[Any], Counter[Any], dict[int, Any]]:
    flows = Counter(tuple(row[name].item() for name in KEY) for row in seen.flows)
    sums: dict[int, Any] = {}
    for row in seen.activity:
        sums[int(row["id"])] = sums.get(int(row["id"]), 0) + np.array([int(row[name]) for name in SUMMED])
    told = {key: value.tolist() for key, value in sums.items()}
    for row in seen.flows:
        assert told[int(row["id"])] == [int(row[name]) for name in SUMMED]
    return flows, Counter(map(repr, seen.transactions)), told


@pytest.mark.parametrize(
    "name",
    [
        "parser-ndpi/ftp.pcap",
        "parser-ndpi/coap_mqtt.pcap",
        "parser-ndpi/upnp.pcap",
        "parser-zeek/modbus/fuzz-1011.pcap",
        "parser-ndpi/alexa-app.pcapng.xz",
    ],
)
def test_the_result_does_not_depend_on_how_the_input_is_cut(data: Path, wire: Any, name: str) -> None:
    """The same flows, transactions and sums of activity from blocks of any size."""
    with open_captures([data / "captures" / name]) as source:
        (block,) = source.blocks()
        results = [_summary(wire.observed(_sensor(), _cut(block, size))) for size in (block.count, 1000, 37, 7)]
    assert results[0][0]
    assert all(result == results[0] for result in results[1:])


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_fragmented_dns_message_gives_its_transaction(wire: Any, version: int, order: tuple[int, int]) -> None:
    """Stamped with the frame that completed it; the flow counts one datagram."""
    datagram = wire.udp(QUERY)
    if version == 4:
        parts = [wire.ipv4(datagram[:16], 17, ident=1, more=True), wire.ipv4(datagram[16:], 17, ident=1, at=16)]
    else:
        parts = [wire.ipv6(struct.pack(">BBHI", 17, 0, at | (at == 0), 1) + datagram[at:][: 16 + at * 9], 44) for at in (0, 16)]
    frames = [wire.ethernet(parts[part], 0x0800 if version == 4 else 0x86DD) for part in order]
    sensor = _sensor()
    seen = wire.observed(sensor, [wire.block(frames)])
    (row,) = seen.transactions
    assert (row.protocol, row.frame, row.dst_port, row.status) == ("dns", 2, 53, "ok")
    (flow,) = seen.flows
    assert (int(flow["packets_out"]), int(flow["payload_out"]), int(flow["a_mac"])) == (1, len(QUERY), 0x020000000001)
    assert sensor.fragments.held_bytes == 0


def test_a_fragmented_tunnel_keeps_its_inner_hardware_addresses(wire: Any) -> None:
    """VXLAN in fragments: who sent the inner frame is not the tunnel's endpoint."""
    inner = wire.ethernet(wire.ipv4(wire.udp(QUERY), 17), src=bytes.fromhex("020000000009"))
    datagram = wire.udp(b"\x08" + bytes(7) + inner, 5, 4789)
    parts = [
        wire.ipv4(datagram[:24], 17, "198.51.100.1", ident=1, more=True),
        wire.ipv4(datagram[24:], 17, "198.51.100.1", ident=1, at=24),
    ]
    seen = wire.observed(_sensor(), [wire.block([wire.ethernet(part) for part in parts])])
    assert [(row.protocol, row.src) for row in seen.transactions] == [("dns", "192.0.2.1")]
    assert seen.flows["a_mac"].tolist() == [0x020000000009]


def test_claims_name_owner_and_target(wire: Any) -> None:
    """ARP, a solicitation for and an advertisement of an address."""
    target = bytes.fromhex("20010db8000000000000000000000099")
    frames = [
        wire.ethernet(wire.arp(2), 0x0806),
        wire.ethernet(wire.ipv6(bytes([135]) + bytes(7) + target, 58), 0x86DD),
        wire.ethernet(wire.ipv6(bytes([136]) + bytes(7) + target, 58), 0x86DD),
    ]
    claims = wire.observed(Sensor(seed=1), [wire.block(frames)]).claims
    assert claims["kind"].tolist() == [2, 3, 4]
    assert claims["mac"].tolist() == [0x020000000001] * 3
    own = [ip_text(int(row["hi"]), int(row["lo"])) for row in claims]
    asked = [ip_text(int(row["target_hi"]), int(row["target_lo"])) for row in claims]
    assert own == ["192.0.2.1", "2001:db8::1", "2001:db8::99"]
    assert asked[:2] == ["192.0.2.2", "2001:db8::99"]


def test_errors_and_traffic_are_counted(wire: Any) -> None:
    """Truncated, contradictory, too deep, of an unknown link type; and the clock of the traffic."""
    sensor = Sensor(seed=1)
    deep = wire.tcp()
    for _ in range(12):
        deep = wire.ipv4(deep, 4)
    frames = [
        wire.ethernet(b"\x45"),
        wire.ethernet(b"\x15" + bytes(30)),
        wire.ethernet(deep),
        wire.ethernet(wire.ipv4(wire.tcp(), 6)),
    ]
    sensor.process(wire.block(frames, times=[5 * wire.SECOND, 3 * wire.SECOND, 4 * wire.SECOND, 4 * wire.SECOND]))
    last = sensor.process(wire.block([bytes(20)], 147, times=[2 * wire.SECOND]))
    told = sensor.counters
    assert (told.packets, told.truncated, told.contradictory, told.too_deep, told.unknown_link) == (5, 1, 1, 1, 1)
    assert told.bytes == sum(map(len, frames)) + 20
    assert (told.first_time, told.last_time, last.watermark) == (2.0, 5.0, 5.0)


def test_a_small_table_bounds_what_is_held(wire: Any) -> None:
    """Thousands of conversations, each with something that waits: the reader forgets with the table."""
    sensor = _sensor(SensorLimits(flows=FlowLimits(flows=32)))
    for start in range(0, 4000, 200):
        frames = [wire.ethernet(wire.ipv4(wire.tcp(b"x" * 9, 10000 + start + at), 6)) for at in range(200)]
        sensor.process(wire.block(frames, first=start + 1))
        assert sensor.table.live <= 32
        assert sensor.reader is not None
        assert len(sensor.reader._conversations) <= 32
    assert sensor.table.evicted == 4000 - 32
    assert len(sensor.finish().flows) == 32


def test_a_block_that_is_too_large_is_refused(wire: Any) -> None:
    """Its caller broke the contract."""
    with pytest.raises(StateError):
        Sensor(seed=1).process(wire.block([b"\0"] * (BLOCK_PACKETS + 1)))


def test_the_end_comes_whatever_times_packets_claim(wire: Any) -> None:
    """Before 1970, and the last that can be written."""
    frame = wire.ethernet(wire.ipv4(wire.tcp(), 6))
    other = wire.ethernet(wire.ipv4(wire.tcp(), 6, "192.0.2.9"))
    seen = wire.observed(Sensor(seed=1), [wire.block([frame, other], times=[-(1 << 62), (1 << 63) - 1])])
    assert len(seen.flows) == 2


def test_warming_compiles_and_observes_nothing() -> None:
    """An empty block."""
    sensor = _sensor()
    sensor.warm()
    assert (sensor.counters.packets, sensor.table.live) == (0, 0)


def test_endpoints_are_addresses_or_hardware_addresses() -> None:
    """By the version of IP, 0 without."""
    assert endpoint_text(0, 0xFFFF_C000_0201, 4) == "192.0.2.1"
    assert endpoint_text(0, 0x020000000001, 0) == "02:00:00:00:00:01"
