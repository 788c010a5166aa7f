"""The sensor: blocks of raw packets in, observations out. One path for files and interfaces.

Kernels decode every packet and keep the flow table; only packets whose payload is worth reading reach Python. Memory is bounded by
the limits of ``SensorLimits``, whatever the length of the input.
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from hauberk.errors import StateError
from hauberk.model.address import ip_text, mac_text
from hauberk.model.flow import CLAIM
from hauberk.model.observation import Columns, Observations
from hauberk.sense.capture.interface import LINK_RAW, Block
from hauberk.sense.decode.headers import decode
from hauberk.sense.decode.packet import ERROR_DEPTH, ERROR_LINK, ERROR_TRUNCATED, ERROR_VERSION, KIND_FRAGMENT, PACKET
from hauberk.sense.flow.kernel import ACTIVE, CANDIDATES, FINISHED, FOREVER, expire, flush, update
from hauberk.sense.flow.ports import port_rank
from hauberk.sense.flow.table import BLOCK_PACKETS, FlowLimits, FlowOutput, FlowTable
from hauberk.sense.reassembly.fragments import FragmentLimits, FragmentReassembler
from hauberk.sense.reassembly.stream import StreamLimits

if TYPE_CHECKING:
    from hauberk.sense.reader import PayloadReader

_SWEEP = 16384
"""Slots of the flow table looked at for expiry after each block."""
_ICMP6_TARGET = 8
"""Where the target address lies in a neighbour solicitation or advertisement (RFC 4861)."""


@dataclass(frozen=True, slots=True)
class SensorLimits:
    """Bounds of one sensor."""

    flows: FlowLimits = field(default_factory=FlowLimits)
    fragments: FragmentLimits = field(default_factory=FragmentLimits)
    streams: StreamLimits = field(default_factory=StreamLimits)


@dataclass(slots=True)
class SensorCounters:
    """What the sensor saw and could not use; all counts since it began."""

    packets: int = 0
    bytes: int = 0
    truncated: int = 0
    contradictory: int = 0
    too_deep: int = 0
    unknown_link: int = 0
    first_time: float = float("inf")
    last_time: float = float("-inf")


class Sensor:
    """Turns blocks into observations. ``reader`` reads payloads; without one only headers are read."""

    def __init__(self, limits: SensorLimits | None = None, reader: PayloadReader | None = None, seed: int | None = None) -> None:
        """``seed`` of the flow hash; drawn from the system's randomness where None."""
        self.limits = limits or SensorLimits()
        self.reader = reader
        self.counters = SensorCounters()
        self.fragments = FragmentReassembler(self.limits.fragments)
        self.table = FlowTable(
            self.limits.flows, secrets.randbits(64) if seed is None else seed, port_rank(), silent=reader is None
        )
        self._output = FlowOutput()
        self._packets: Columns = np.zeros(BLOCK_PACKETS, PACKET)
        self._single: Columns = np.zeros(1, PACKET)
        self._gathered: dict[str, list[Columns]] = defaultdict(list)
        self._now = 0

    def process(self, block: Block) -> Observations:
        """Observations of one block."""
        if block.count > BLOCK_PACKETS:
            raise StateError(f"a block of {block.count} packets is over {BLOCK_PACKETS}")
        packets = self._packets
        decode(
            block.data,
            block.offset,
            block.captured,
            block.wire,
            block.time,
            block.link,
            block.vlan,
            block.frame,
            0,
            block.count,
            packets,
        )
        if self.reader is not None:
            self.reader.begin()
        position = 0
        while position < block.count:
            stopped = self._update(packets, position, block.count)
            if stopped < block.count and packets[stopped]["kind"] == KIND_FRAGMENT:
                self._read(block.data, packets)
                self._fragment(block, packets[stopped : stopped + 1])
                stopped += 1
            elif stopped < block.count:
                self._read(block.data, packets)
                self._hand_out()
            position = stopped
        self._read(block.data, packets)
        self._count(packets[: block.count])
        self._claims(block, packets[: block.count])
        self._hand_out()
        self._expire(_SWEEP)
        return self._observations()

    def finish(self) -> Observations:
        """End every conversation: what is left to hand out at the end of the input."""
        if self.reader is not None:
            self.reader.begin()
        self._now = int(FOREVER)
        while self.table.live:
            self._expire(self.table.limits.flows)
        return replace(self._observations(), watermark=float("inf"))

    def warm(self) -> None:
        """Compile, or load, every kernel now, so that no packet waits for that."""
        none = np.zeros(0, np.int64)
        empty = Block(
            np.zeros(1, np.uint8), none, none.astype(np.uint32), none.astype(np.uint32), none, none.astype(np.uint16),
            none.astype(np.int32), none, 0,
        )  # fmt: skip
        self.process(empty)
        self._update(self._packets, 0, 0)

    def _update(self, packets: Columns, first: int, count: int) -> int:
        table, output = self.table, self._output
        return int(
            update(
                packets, first, count, table.seed, table.port_rank, table.idle, table.index, table.hashes, table.flows, table.delta,
                table.base, table.based, table.muted, table.free, table.dirty, table.state,
                output.finished, output.activity, output.candidates, output.counts,
            )
        )  # fmt: skip

    def _read(self, data: np.ndarray[tuple[int], np.dtype[np.uint8]], packets: Columns) -> None:
        """Have the payloads read that the kernel chose."""
        count = int(self._output.counts[CANDIDATES])
        if count and self.reader is not None:
            self.reader.read(data, packets, self._output.candidates[:count], self.table)
        self._output.counts[CANDIDATES] = 0

    def _fragment(self, block: Block, packet: Columns) -> None:
        """Reassemble a fragment; a datagram it completes goes through the same kernels."""
        start, size = int(packet["network"][0]), int(packet["network_size"][0])
        whole = self.fragments.add(block.data[start : start + size].tobytes(), int(packet["time"][0]) / 1e9)
        if whole is None:
            return
        data = np.frombuffer(bytearray(whole), np.uint8)  # writable, like every other block: one compiled kernel for all
        one = self._single
        length = np.array([len(whole)], np.uint32)
        decode(
            data, np.zeros(1, np.int64), length, length, packet["time"].copy(), np.array([LINK_RAW], np.uint16),
            np.array([-1], np.int32), packet["frame"].copy(), 0, 1, one,
        )  # fmt: skip
        if not one["s_mac"][0]:  # else a tunnel brought an Ethernet header of its own
            one["s_mac"] = packet["s_mac"]
            one["d_mac"] = packet["d_mac"]
        one["vlan"] = packet["vlan"]
        if one["kind"][0] == KIND_FRAGMENT:
            return  # fragments inside fragments are not followed
        if self._update(one, 0, 1) == 0:
            self._hand_out()
            self._update(one, 0, 1)
        self._read(data, one)

    def _hand_out(self) -> None:
        """Report what every conversation did, and empty the kernel's buffers."""
        output, table = self._output, self.table
        flush(table.delta, table.dirty, table.state, output.activity, output.counts)
        self._gather()

    def _gather(self) -> None:
        output = self._output
        for name, column, position in (("activity", output.activity, ACTIVE), ("flows", output.finished, FINISHED)):
            count = int(output.counts[position])
            if count:
                self._gathered[name].append(column[:count].copy())
            output.counts[position] = 0

    def _expire(self, slots: int) -> None:
        table, output = self.table, self._output
        expire(
            self._now, slots, table.idle, table.index, table.hashes, table.flows, table.delta, table.free, table.state,
            output.finished, output.activity, output.counts,
        )  # fmt: skip
        self._gather()

    def _count(self, packets: Columns) -> None:
        """Add a block to the counters and move the clock of the traffic."""
        if not len(packets):
            return
        counters = self.counters
        counters.packets += len(packets)
        counters.bytes += int(packets["wire"].sum(dtype=np.int64))
        error = packets["error"]
        if error.any():
            counters.truncated += int(np.count_nonzero(error == ERROR_TRUNCATED))
            counters.contradictory += int(np.count_nonzero(error == ERROR_VERSION))
            counters.too_deep += int(np.count_nonzero(error == ERROR_DEPTH))
            counters.unknown_link += int(np.count_nonzero(error == ERROR_LINK))
        self._now = max(self._now, int(packets["time"].max()))
        counters.first_time = min(counters.first_time, int(packets["time"].min()) / 1e9)
        counters.last_time = self._now / 1e9

    def _claims(self, block: Block, packets: Columns) -> None:
        """Collect what frames say of who owns which address."""
        chosen = packets[packets["claim"] > 0]
        if not len(chosen):
            return
        claims = np.zeros(len(chosen), CLAIM)
        claims["time"] = chosen["time"]
        claims["frame"] = chosen["frame"]
        claims["kind"] = chosen["claim"]
        claims["mac"] = chosen["s_mac"]
        claims["hi"], claims["lo"] = chosen["s_hi"], chosen["s_lo"]
        claims["target_mac"] = chosen["d_mac"]
        claims["target_hi"], claims["target_lo"] = chosen["d_hi"], chosen["d_lo"]
        for row in np.flatnonzero(chosen["ip_version"] == 6):
            _neighbour(block, chosen[row], claims, int(row))
        self._gathered["claims"].append(claims)

    def _observations(self) -> Observations:
        activity, flows, claims = (self._taken(name) for name in ("activity", "flows", "claims"))
        transactions = []
        if self.reader is not None:
            self.reader.settle(activity, flows)
            transactions = self.reader.transactions
        parts = {
            name: column for name, column in (("activity", activity), ("flows", flows), ("claims", claims)) if column is not None
        }
        if activity is not None and (activity["start"][1:] < activity["start"][:-1]).any():
            parts["activity"] = activity[np.argsort(activity["start"], kind="stable")]
        return Observations(**parts, transactions=transactions, watermark=self.counters.last_time)

    def _taken(self, name: str) -> Columns | None:
        gathered = self._gathered.pop(name, None)
        if not gathered:
            return None
        return gathered[0] if len(gathered) == 1 else np.concatenate(gathered)


def _neighbour(block: Block, packet: np.void, claims: Columns, row: int) -> None:
    """Fill in the target of a neighbour discovery message: asked for by a solicitation, claimed by an advertisement."""
    start = int(packet["payload"]) + _ICMP6_TARGET
    target = block.data[start : start + 16].tobytes()
    hi, lo = int.from_bytes(target[:8], "big"), int.from_bytes(target[8:], "big")
    if packet["claim"] == 3:
        claims["target_hi"][row], claims["target_lo"][row] = hi, lo
    else:
        claims["hi"][row], claims["lo"][row] = hi, lo


def endpoint_text(hi: int, lo: int, ip_version: int) -> str:
    """Text of an endpoint: an IP address, or the MAC address of a conversation without IP."""
    return ip_text(hi, lo) if ip_version else mac_text(lo)
