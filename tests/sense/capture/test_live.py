"""Live capture, on interfaces made for the test."""

from __future__ import annotations

import fcntl
import os
import socket
import struct
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from hauberk.errors import CaptureError
from hauberk.sense.capture.interface import LINK_ETHERNET, LINK_RAW, NO_VLAN, Block, PacketSource
from hauberk.sense.capture.live import LiveSource
from hauberk.sense.capture.ring_walk import walk_ring_block
from hauberk.sense.capture.walk import new_columns

Packet = tuple[int, int, int, int, bytes]
PacketsOf = Callable[[Block], list[Packet]]

EXPERIMENTAL = 0x88B5
SENDER = """
import socket, struct, sys, time
name, count, pause, tagged = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), sys.argv[4] == "tagged"
with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sending:
    sending.bind((name, 0))
    tag = struct.pack("!HH", 0x8100, 0x6123) if tagged else b""
    for number in range(count):
        addresses = bytes.fromhex("020000000001020000000002")
        sending.send(addresses + tag + struct.pack("!HI", 0x88B5, number) + bytes(50 + number % 900))
        if pause:
            time.sleep(pause)
"""

pytestmark = [pytest.mark.needs_root, pytest.mark.usefixtures("root")]


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


@pytest.fixture
def cable() -> Iterator[tuple[str, str, str]]:
    """A virtual cable: the near interface, the namespace of the far end, the far interface."""
    mark = uuid.uuid4().hex[:8]
    near, space, far = f"hbn{mark}", f"hauberk-test-{mark}", f"hbf{mark}"
    _ip("netns", "add", space)
    try:
        _ip("link", "add", near, "type", "veth", "peer", "name", far, "netns", space)
        for command in (["link", "set", near, "up"], ["-n", space, "link", "set", far, "up"]):
            _ip(*command)
        yield near, space, far
    finally:
        _ip("netns", "delete", space)
        subprocess.run(["ip", "link", "delete", near], check=False, capture_output=True)  # may have gone with the namespace


def _send(cable: tuple[str, str, str], count: int, *, pause: float = 0.0, tagged: bool = False) -> None:
    _, space, far = cable
    arguments = [far, str(count), str(pause), "tagged" if tagged else "plain"]
    subprocess.run(["ip", "netns", "exec", space, sys.executable, "-c", SENDER, *arguments], check=True)


def _ours(block: Block, packets_of: PacketsOf) -> list[tuple[int, int, int, bytes]]:
    """``(time, link, vlan, frame)`` of the packets the test sent."""
    vlans = block.vlan.tolist()
    return [
        (packet[1], packet[3], vlan, packet[4])
        for packet, vlan in zip(packets_of(block), vlans, strict=True)
        if packet[4][12:14] == struct.pack("!H", EXPERIMENTAL)
    ]


@contextmanager
def _stopped_after(source: LiveSource, work: Callable[[], None]) -> Iterator[None]:
    """Does ``work`` in another thread and then stops the source."""
    failed: list[subprocess.CalledProcessError] = []

    def run() -> None:
        try:
            work()
        except subprocess.CalledProcessError as error:
            failed.append(error)
        finally:
            source.stop()

    worker = threading.Thread(target=run)
    worker.start()
    yield
    worker.join()
    assert not failed


def test_every_packet_sent_is_received_in_order(cable: tuple[str, str, str], packets_of: PacketsOf) -> None:
    """Frames whole, numbered, with the present time, none dropped, and after ``stop`` everything that was sent."""
    source = LiveSource(cable[0], ring_bytes=16 << 20)
    received: list[tuple[int, int, int, bytes]] = []
    numbers: list[int] = []
    before = time.time_ns()
    with _stopped_after(source, lambda: _send(cable, 20_000)):
        for block in source.blocks():
            received += _ours(block, packets_of)
            numbers += block.frame.tolist()
    assert [struct.unpack_from("!I", frame, 14)[0] for *_, frame in received] == list(range(20_000))
    assert all(len(frame) == 18 + 50 + number % 900 for number, (*_, frame) in enumerate(received))
    assert {(link, vlan) for _, link, vlan, _ in received} == {(LINK_ETHERNET, NO_VLAN)}
    assert before - 10**9 <= received[0][0] <= received[-1][0] <= time.time_ns() + 10**9
    assert numbers == list(range(1, source.received + 1))
    assert (source.kernel_drops, source.own_drops, source.duplicates) == (0, 0, 0)
    assert source.position >= sum(len(frame) for *_, frame in received)


def test_packets_are_seen_quickly(cable: tuple[str, str, str], packets_of: PacketsOf) -> None:
    """A single packet is handed over within a few hundred milliseconds of its arrival."""
    source = LiveSource(cable[0])
    delays = []
    with _stopped_after(source, lambda: _send(cable, 5, pause=0.2)):
        for block in source.blocks():
            delays += [time.time_ns() - packet[0] for packet in _ours(block, packets_of)]
    assert len(delays) == 5
    assert min(delays) < 0.3 * 10**9


def test_vlan_tag_is_told_beside_the_frame(cable: tuple[str, str, str], packets_of: PacketsOf) -> None:
    """The kernel takes the tag out; its priority and number are in the column."""
    source = LiveSource(cable[0])
    received = []
    with _stopped_after(source, lambda: _send(cable, 10, tagged=True)):
        for block in source.blocks():
            received += _ours(block, packets_of)
    assert [vlan for _, _, vlan, _ in received] == [0x6123] * 10


def test_packets_that_do_not_fit_the_ring_are_counted(cable: tuple[str, str, str], packets_of: PacketsOf) -> None:
    """What was received and what the kernel dropped make up what was sent."""
    source = LiveSource(cable[0], ring_bytes=2 << 20)
    _send(cable, 10_000)
    source.stop()
    received = sum(len(_ours(block, packets_of)) for block in source.blocks())
    assert 1000 < received < 10_000
    assert source.kernel_freezes > 0
    assert 10_000 - received <= source.kernel_drops <= 10_000 - received + 20  # other protocols chatter on a new interface


def test_silence_gives_empty_blocks(cable: tuple[str, str, str]) -> None:
    """The reader's clock goes on, several times a second."""
    source: PacketSource = LiveSource(cable[0])
    began = time.monotonic()
    blocks = source.blocks()
    empty = 0
    while empty < 5:
        empty += next(blocks).count == 0
    assert time.monotonic() - began < 5
    assert source.size is None


def test_loopback_shows_each_packet_once() -> None:
    """Sent and received are the same packet there."""
    source = LiveSource("lo")
    token = uuid.uuid4().bytes

    def work() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiving:
            receiving.bind(("127.0.0.1", 0))
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sending:
                for _ in range(100):
                    sending.sendto(token, receiving.getsockname())

    seen = 0
    with _stopped_after(source, work):
        for block in source.blocks():
            seen += sum(
                token in block.data[at : at + size].tobytes()
                for at, size in zip(block.offset.tolist(), block.captured.tolist(), strict=True)
            )
    assert seen == 100
    assert source.duplicates >= 100


@pytest.mark.skipif(not Path("/dev/net/tun").exists(), reason="this kernel has no tun device")
def test_interface_without_a_link_layer_gives_raw_ip(packets_of: PacketsOf) -> None:
    """A tun interface carries IP packets and nothing before them."""
    name = f"hbt{uuid.uuid4().hex[:8]}"
    tun = os.open("/dev/net/tun", os.O_RDWR)
    try:
        fcntl.ioctl(tun, 0x400454CA, struct.pack("16sH22x", name.encode(), 0x1001))  # TUNSETIFF: IFF_TUN, IFF_NO_PI
        _ip("link", "set", name, "up")
        source = LiveSource(name)
        packet = bytes.fromhex("45000020000000004011000001020304050607080001000200 0c0000 61626364")
        os.write(tun, packet)
        source.stop()
        packets = [packet for block in source.blocks() for packet in packets_of(block)]
    finally:
        os.close(tun)
    assert [(entry[3], entry[4]) for entry in packets if entry[4][0] == 0x45] == [(LINK_RAW, packet)]


def test_interface_that_goes_down_and_up_again_is_followed(cable: tuple[str, str, str], packets_of: PacketsOf) -> None:
    """Down is silence, not an end."""
    source = LiveSource(cable[0])
    blocks = source.blocks()
    _ip("link", "set", cable[0], "down")
    for _ in range(3):
        next(blocks)
    _ip("link", "set", cable[0], "up")
    received = 0
    with _stopped_after(source, lambda: _send(cable, 10, pause=0.1)):
        received = sum(len(_ours(block, packets_of)) for block in blocks)
    assert received > 0


def test_interface_that_goes_away_is_an_error(cable: tuple[str, str, str]) -> None:
    """After the packets that were received from it."""
    source = LiveSource(cable[0])
    _send(cable, 10)
    _ip("link", "delete", cable[0])
    count = 0

    def read_all() -> None:
        nonlocal count
        for block in source.blocks():
            count += block.count

    with pytest.raises(CaptureError, match="the interface is gone"):
        read_all()
    assert count >= 10


def test_stop_may_come_at_any_time(cable: tuple[str, str, str]) -> None:
    """Before the first block, twice, and after the end."""
    source = LiveSource(cable[0])
    source.stop()
    source.stop()
    assert sum(block.count for block in source.blocks()) == source.received
    source.stop()
    source.close()


def test_kept_block_outlives_its_source(cable: tuple[str, str, str]) -> None:
    """Closing neither fails nor takes memory away from under a reader who kept a block."""
    source = LiveSource(cable[0], ring_bytes=2 << 20)
    kept = next(source.blocks())
    source.close()
    assert kept.data.nbytes == 2 << 20
    assert int(kept.data.sum(dtype=np.int64)) >= 0


def test_unknown_interface_is_an_error_that_lists_those_there_are() -> None:
    """Whoever mistypes a name sees what to type."""
    with pytest.raises(CaptureError, match=r"no such interface; there are .*\blo\b"):
        LiveSource("hauberk-absent")


def test_lack_of_privilege_is_an_error_that_says_what_to_do() -> None:
    """Without CAP_NET_RAW the message names both remedies."""
    code = (
        "from hauberk.errors import CaptureError\n"
        "from hauberk.sense.capture.live import LiveSource\n"
        "try:\n"
        "    LiveSource('lo')\n"
        "except CaptureError as error:\n"
        "    print(error)\n"
    )
    command = ["setpriv", "--bounding-set=-net_raw", sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "sudo" in done.stdout
    assert "setcap cap_net_raw+eip" in done.stdout


def test_ring_block_that_makes_no_sense_is_refused() -> None:
    """The walker says so and fills nothing that lies outside."""
    block = np.full(1000, 0xFF, np.uint8)
    assert walk_ring_block(block, 0, 1000, new_columns(8), 1, False) == (-1, 0)
