"""Frames made byte by byte, blocks of them, and what the sensor makes of those."""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Sequence

import numpy as np
import pytest

from hauberk.model.observation import Columns, Observations
from hauberk.sense.capture.interface import Block
from hauberk.sense.decode.headers import decode
from hauberk.sense.decode.packet import PACKET
from hauberk.sense.sensor import Sensor

SECOND = 1_000_000_000


class Wire:
    """Builds headers, one function each, outermost last."""

    A, B = bytes.fromhex("020000000001"), bytes.fromhex("020000000002")
    HOST_A, HOST_B = "192.0.2.1", "192.0.2.2"
    HOST6_A, HOST6_B = "2001:db8::1", "2001:db8::2"
    SECOND = SECOND

    def ethernet(self, payload: bytes, kind: int = 0x0800, src: bytes = A, dst: bytes = B) -> bytes:
        """An Ethernet II frame."""
        return dst + src + struct.pack(">H", kind) + payload

    def ipv4(  # noqa: PLR0913 - the fields of the header
        self,
        payload: bytes,
        protocol: int,
        src: str = HOST_A,
        dst: str = HOST_B,
        *,
        options: bytes = b"",
        total: int | None = None,
        ident: int = 0,
        at: int = 0,
        more: bool = False,
    ) -> bytes:
        """An IPv4 packet; ``total`` may lie; ``at`` is the fragment offset in bytes."""
        length = 20 + len(options) + len(payload) if total is None else total
        word = at // 8 | (0x2000 if more else 0)
        first = 0x45 + len(options) // 4
        head = struct.pack(">BBHHHBBH", first, 0, length, ident, word, 64, protocol, 0)
        return head + ipaddress.IPv4Address(src).packed + ipaddress.IPv4Address(dst).packed + options + payload

    def ipv6(self, payload: bytes, following: int, src: str = HOST6_A, dst: str = HOST6_B, length: int | None = None) -> bytes:
        """An IPv6 packet."""
        head = struct.pack(">IHBB", 0x6000_0000, len(payload) if length is None else length, following, 64)
        return head + ipaddress.IPv6Address(src).packed + ipaddress.IPv6Address(dst).packed + payload

    def tcp(
        self,
        payload: bytes = b"",
        sport: int = 40000,
        dport: int = 502,
        *,
        seq: int = 1,
        ack: int = 0,
        flags: int = 0x18,
        options: bytes = b"",
    ) -> bytes:
        """A TCP segment."""
        size = (5 + len(options) // 4) << 4
        head = struct.pack(">HHIIBBHHH", sport, dport, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, size, flags, 8192, 0, 0)
        return head + options + payload

    def udp(self, payload: bytes = b"", sport: int = 40000, dport: int = 53, length: int | None = None) -> bytes:
        """A UDP datagram."""
        return struct.pack(">HHHH", sport, dport, 8 + len(payload) if length is None else length, 0) + payload

    def arp(self, operation: int = 1) -> bytes:
        """An ARP message from A to B."""
        hosts = ipaddress.IPv4Address(self.HOST_A).packed, ipaddress.IPv4Address(self.HOST_B).packed
        return struct.pack(">HHBBH", 1, 0x0800, 6, 4, operation) + self.A + hosts[0] + self.B + hosts[1]

    def block(
        self,
        frames: Sequence[bytes],
        link: int = 1,
        times: Sequence[int] | None = None,
        wire: Sequence[int] | None = None,
        *,
        first: int = 1,
    ) -> Block:
        """A block of ``frames``, a millisecond apart where no ``times`` (nanoseconds) are given."""
        sizes = np.array([len(frame) for frame in frames], np.uint32)
        count = len(frames)
        return Block(
            np.frombuffer(bytearray(b"".join(frames)) or bytearray(1), np.uint8),
            np.concatenate([[0], np.cumsum(sizes.astype(np.int64))[:-1]]).astype(np.int64) if count else np.zeros(0, np.int64),
            sizes,
            sizes.copy() if wire is None else np.array(wire, np.uint32),
            SECOND + np.arange(first - 1, first - 1 + count, dtype=np.int64) * 1_000_000
            if times is None
            else np.array(times, np.int64),
            np.full(count, link, np.uint16),
            np.full(count, -1, np.int32),
            np.arange(first, count + first, dtype=np.int64),
            count,
        )

    def rows(self, block: Block) -> Columns:
        """What the headers of a block say."""
        out = np.zeros(max(block.count, 1), PACKET)
        columns = block.data, block.offset, block.captured, block.wire, block.time, block.link, block.vlan, block.frame
        decode(*columns, 0, block.count, out)
        return out[: block.count]

    def row(self, frame: bytes, link: int = 1) -> np.void:
        """What the headers of one frame say."""
        row: np.void = self.rows(self.block([frame], link))[0]
        return row

    def observed(self, sensor: Sensor, blocks: Sequence[Block]) -> Observations:
        """Everything a sensor observes in ``blocks``, to the end."""
        parts = [*(sensor.process(block) for block in blocks), sensor.finish()]
        return Observations(
            np.concatenate([part.activity for part in parts]),
            np.concatenate([part.flows for part in parts]),
            np.concatenate([part.claims for part in parts]),
            [row for part in parts for row in part.transactions],
        )


@pytest.fixture(scope="session")
def wire() -> Wire:
    """The builder of frames."""
    return Wire()
