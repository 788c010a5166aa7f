"""The payload reader: segments in order to dissectors, defects contained, nothing kept of what ended."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from hauberk.errors import Malformed
from hauberk.model.transaction import Message
from hauberk.sense.dissect.interface import CERTAIN, Dissector
from hauberk.sense.dissect.limits import Limits
from hauberk.sense.dissect.registry import dissectors
from hauberk.sense.reader import PayloadReader
from hauberk.sense.reassembly.stream import StreamLimits
from hauberk.sense.sensor import Sensor

SYN, PUSH = 2, 0x18


class Numbers:
    """A stream of four-byte numbers; 13 is raised as ``raised``."""

    raised: Exception = IndexError("thirteen")

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.finished = False

    def frame_length(self, data: bytes, to_responder: bool) -> int:
        """Four."""
        del data, to_responder
        return 4

    def read(self, pdu: bytes, to_responder: bool) -> list[Message]:
        """The number."""
        (number,) = struct.unpack(">I", pdu)
        if number == 13:
            raise self.raised
        return [Message("modbus", "request" if to_responder else "response", "number", number)]

    def gap(self, to_responder: bool) -> None:
        """Nothing is kept."""


def _numbers(*values: int) -> bytes:
    return struct.pack(f">{len(values)}I", *values)


TOY = Dissector("modbus", "tcp", (502,), lambda data, _: CERTAIN if len(data) % 4 == 0 else 0, Numbers)


def _tcp(wire: Any, data: bytes, seq: int, *, flags: int = PUSH, client: str = "192.0.2.1", cut: int = 0) -> bytes:
    frame: bytes = wire.ethernet(wire.ipv4(wire.tcp(data, seq=seq, flags=flags), 6, client))
    return frame[: len(frame) - cut]


def _back(wire: Any, data: bytes, seq: int, ack: int) -> bytes:
    frame: bytes = wire.ethernet(wire.ipv4(wire.tcp(data, 502, 40000, seq=seq, ack=ack), 6, "192.0.2.2", "192.0.2.1"))
    return frame


def _codes(wire: Any, frames: list[bytes], reader: PayloadReader | None = None, sizes: list[int] | None = None) -> list[int | None]:
    sensor = Sensor(reader=reader or PayloadReader((TOY,)), seed=1)
    return [row.code for row in wire.observed(sensor, [wire.block(frames, wire=sizes)]).transactions]


def test_segments_are_put_in_order(wire: Any) -> None:
    """From the SYN on, whatever the order they come in."""
    frames = [
        _tcp(wire, b"", 99, flags=SYN),
        _tcp(wire, _numbers(2), 104),
        _tcp(wire, _numbers(1), 100),
        _tcp(wire, _numbers(2, 3), 104),
    ]
    assert _codes(wire, frames) == [1, 2, 3]


def test_a_lost_segment_is_given_up_when_it_is_confirmed(wire: Any) -> None:
    """By the answer's acknowledgement, and at the end of the conversation."""
    frames = [
        _tcp(wire, _numbers(1), 100),
        _tcp(wire, _numbers(3), 108),
        _back(wire, _numbers(9), 500, 112),
        _tcp(wire, _numbers(5), 116),
    ]
    assert _codes(wire, frames) == [1, 3, 9, 5]


@pytest.mark.parametrize("late", [False, True])
def test_packets_cut_by_the_capture_do_not_desynchronise(wire: Any, late: bool) -> None:
    """What is missing is passed over, also where the cut segment came too early or twice."""
    cut = _tcp(wire, _numbers(2, 3), 104, cut=4)
    first, last = _tcp(wire, _numbers(1), 100), _tcp(wire, _numbers(4), 112)
    frames = [
        _tcp(wire, b"", 99, flags=SYN),
        *((cut, first, cut) if late else (first, cut, cut)),
        last,
        _tcp(wire, _numbers(5), 116),
    ]
    sizes = [len(frame) + (4 if frame is cut else 0) for frame in frames]
    assert _codes(wire, frames, sizes=sizes) == [1, 2, 4, 5]


def test_segments_cut_in_their_header_do_not_desynchronise(wire: Any) -> None:
    """Of a snapshot length of 40 bytes nothing is known but the ports; the next whole segment is read."""
    frames = [_tcp(wire, _numbers(1), 1 << 31), _tcp(wire, _numbers(2), (1 << 31) + 4)[:40], _tcp(wire, _numbers(3), (1 << 31) + 8)]
    assert _codes(wire, frames, sizes=[58, 58, 58]) == [1, 3]
    assert _codes(wire, frames[1:], sizes=[58, 58]) == [3]


@pytest.mark.parametrize(
    "raised", [IndexError("x"), KeyError("x"), struct.error("x"), RecursionError("x"), UnicodeDecodeError("a", b"", 0, 1, "x")]
)
def test_a_dissector_that_breaks_its_contract_is_contained(wire: Any, raised: Exception) -> None:
    """Its conversation is left alone, the next is read, and the defect is reported."""

    class Broken(Numbers):
        """Raises what it must not."""

    Broken.raised = raised
    reader = PayloadReader((Dissector("modbus", "tcp", (502,), TOY.recognise, Broken),))
    frames = [
        _tcp(wire, _numbers(1, 13), 100),
        _tcp(wire, _numbers(7), 108),
        _tcp(wire, _numbers(2), 100, client="192.0.2.7"),
    ]
    assert _codes(wire, frames, reader) == [1, 2]
    assert reader.defects == 1
    assert reader.defect_samples[0].startswith(f"frame 1: dissector modbus failed with {type(raised).__name__}")


def test_a_defect_in_what_waited_at_the_end_is_contained(wire: Any) -> None:
    """The rest behind a hole is read when the conversation ends, under the same protection."""
    reader = PayloadReader((TOY,))
    assert _codes(wire, [_tcp(wire, _numbers(1), 100), _tcp(wire, _numbers(13), 200)], reader) == [1]
    assert reader.defect_samples == ["frame 2: dissector modbus failed with IndexError: thirteen"]
    assert reader._held == 0


def test_recognition_that_raises_is_contained(wire: Any) -> None:
    """Also the one exception a dissector may raise elsewhere."""

    def wrong(data: bytes, to_responder: bool) -> int:
        del data, to_responder
        raise Malformed("not here")

    reader = PayloadReader((Dissector("modbus", "tcp", (502,), wrong, Numbers),))
    assert _codes(wire, [_tcp(wire, _numbers(1), 100)], reader) == []
    assert reader.defect_samples[0].startswith("frame 1: dissector recognition failed with Malformed")


def test_what_waits_behind_holes_is_bounded_and_let_go(wire: Any) -> None:
    """Over all conversations together; nothing is kept when they have ended."""
    reader = PayloadReader((TOY,), streams=StreamLimits(total_bytes=4000))
    sensor = Sensor(reader=reader, seed=1)
    for host in range(200):
        client = f"198.51.100.{host}"
        frames = [
            _tcp(wire, _numbers(1), 100, client=client),
            *(_tcp(wire, bytes(400), 1000 + at * 1000, client=client) for at in range(5)),
        ]
        sensor.process(wire.block(frames))
        assert reader._held <= 4000 + 400
    sensor.finish()
    assert (reader._held, reader._conversations) == (0, {})


def test_the_service_of_a_conversation_is_noted_in_what_is_handed_out(wire: Any) -> None:
    """Also in rows made before it was recognised, within the batch."""
    sensor = Sensor(reader=PayloadReader((TOY,)), seed=1)
    seen = wire.observed(sensor, [wire.block([_tcp(wire, b"", 99, flags=SYN), _tcp(wire, _numbers(1), 100)])])
    assert set(seen.activity["service"]) == set(seen.flows["service"]) != {0}


def test_a_conversation_is_left_alone_once_known_where_only_that_is_asked(wire: Any) -> None:
    """``recognise_only``."""
    reader = PayloadReader((TOY,), recognise_only=True)
    assert _codes(wire, [_tcp(wire, _numbers(1), 100), _tcp(wire, _numbers(2), 104)], reader) == [1]


def test_a_modbus_server_whose_port_seems_to_initiate_is_recognised(wire: Any) -> None:
    """A damaged SYN from port 502: the real dissector reads the answer as one."""
    response = bytes.fromhex("000100000003019c01")
    frames = [
        wire.ethernet(wire.ipv4(wire.tcp(b"", 502, 2582, seq=9, flags=SYN), 6)),
        wire.ethernet(wire.ipv4(wire.tcp(response, 502, 2582, seq=10), 6)),
    ]
    (row,) = wire.observed(Sensor(reader=PayloadReader(dissectors()), seed=1), [wire.block(frames)]).transactions
    assert (row.protocol, row.role, row.src_port) == ("modbus", "response", 502)
