"""How much a live capture loses, and what a packet costs, at rising packet rates. Needs Linux and root.

    sudo python benchmarks/live_loss.py [--rates 50000 100000 ...] [--seconds 5] [--ring 64] [--bytes 200]

Makes two network namespaces joined by a virtual cable, sends from one with ``sendmmsg`` on a packet socket and captures in the
other with ``LiveSource``. A rate of 0 is as fast as the sender can. On a virtual cable the work of delivering a packet is done on
the sender's time; what is measured for the receiver is its own process: the ring walk and the waiting, without decoding.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time
import uuid
from pathlib import Path
from types import FrameType
from typing import Final

from hauberk.sense.capture.live import LiveSource

BATCH: Final = 32
PACKET_QDISC_BYPASS: Final = 20
SOL_PACKET: Final = 263
MINIMUM_ADDRESSES: Final = bytes.fromhex("020000000001020000000002")


class Piece(ctypes.Structure):
    """``struct iovec``."""

    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


class Message(ctypes.Structure):
    """``struct mmsghdr``."""

    _fields_ = (
        ("name", ctypes.c_void_p),
        ("name_length", ctypes.c_uint),
        ("pieces", ctypes.POINTER(Piece)),
        ("piece_count", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_int),
        ("sent", ctypes.c_uint),
    )


def send(interface: str, rate: int, seconds: float, size: int) -> None:
    """Send frames of ``size`` bytes at ``rate`` a second; prints how many went out, and in what time."""
    libc = ctypes.CDLL(None, use_errno=True)
    frame = ctypes.create_string_buffer((MINIMUM_ADDRESSES + b"\x88\xb5").ljust(size, b"\0"), size)
    pieces = (Piece * BATCH)(*[Piece(ctypes.addressof(frame), size)] * BATCH)
    messages = (Message * BATCH)()
    for number in range(BATCH):
        messages[number].pieces = ctypes.pointer(pieces[number])
        messages[number].piece_count = 1
    sent = 0
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sending:
        sending.setsockopt(SOL_PACKET, PACKET_QDISC_BYPASS, 1)
        sending.bind((interface, 0))
        began, cpu = time.perf_counter(), time.process_time()
        while (now := time.perf_counter() - began) < seconds:
            if rate and sent > now * rate:
                time.sleep((sent + BATCH) / rate - now)
                continue
            done = libc.sendmmsg(sending.fileno(), messages, BATCH, 0)
            if done < 0:
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
            sent += done
        took = time.perf_counter() - began
    print(json.dumps({"sent": sent, "seconds": took, "cpu": time.process_time() - cpu}))


def receive(interface: str, ring_bytes: int) -> None:
    """Capture until SIGTERM; prints what was received, what was dropped, and the CPU seconds used."""
    source = LiveSource(interface, ring_bytes=ring_bytes)

    def stop(_number: int, _frame: FrameType | None) -> None:
        source.stop()

    signal.signal(signal.SIGTERM, stop)
    blocks = source.blocks()
    next(blocks)
    before = resource.getrusage(resource.RUSAGE_SELF)
    print("ready", flush=True)
    for _ in blocks:
        pass
    after = resource.getrusage(resource.RUSAGE_SELF)
    report = {
        "received": source.received,
        "dropped": source.kernel_drops,
        "user": after.ru_utime - before.ru_utime,
        "system": after.ru_stime - before.ru_stime,
    }
    print(json.dumps(report))


def run_round(near: tuple[str, str], far: tuple[str, str], rate: int, options: argparse.Namespace) -> str:
    """One row of the table: capture in ``near``, send from ``far``, each a namespace and an interface."""
    script = [sys.executable, str(Path(__file__).resolve())]
    receiving = ["ip", "netns", "exec", near[0], *script, "--receive", near[1], "--ring", str(options.ring)]
    sending = ["ip", "netns", "exec", far[0], *script, "--send", far[1], "--rates", str(rate)]
    sending += ["--seconds", str(options.seconds), "--bytes", str(options.bytes)]
    with subprocess.Popen(receiving, stdout=subprocess.PIPE, text=True) as receiver:
        try:
            assert receiver.stdout is not None
            receiver.stdout.readline()
            sent = json.loads(subprocess.run(sending, check=True, capture_output=True, text=True).stdout)
        finally:
            receiver.terminate()
        got = json.loads(receiver.stdout.read())
    offered = sent["sent"] / sent["seconds"]
    lost = 100 * (sent["sent"] - got["received"]) / sent["sent"]
    user, system = (1e6 * got[part] / max(1, got["received"]) for part in ("user", "system"))
    counts = f"{offered / 1000:12.1f} {sent['sent']:10d} {got['received']:10d} {got['dropped']:12d} {lost:8.3f}"
    return f"{counts} {user:10.3f} {system:10.3f} {1e6 * sent['cpu'] / sent['sent']:12.3f}"


def main() -> None:
    """Parse the options and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rates", type=int, nargs="+", default=[50_000, 100_000, 200_000, 300_000, 0], help="packets a second")
    parser.add_argument("--seconds", type=float, default=5.0, help="length of each round")
    parser.add_argument("--ring", type=int, default=64, help="size of the ring in MiB")
    parser.add_argument("--bytes", type=int, default=200, help="size of a frame")
    parser.add_argument("--send", help=argparse.SUPPRESS)
    parser.add_argument("--receive", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.send:
        send(options.send, options.rates[0], options.seconds, options.bytes)
        return
    if options.receive:
        receive(options.receive, options.ring << 20)
        return
    mark = uuid.uuid4().hex[:6]
    near, far = (f"hauberk-bench-{mark}a", f"hbb{mark}a"), (f"hauberk-bench-{mark}b", f"hbb{mark}b")
    made = []
    try:
        for space, _ in (near, far):
            subprocess.run(["ip", "netns", "add", space], check=True)
            made.append(space)
            quiet = ["sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1"]
            subprocess.run(["ip", "netns", "exec", space, *quiet], check=True)
        cable = ["ip", "link", "add", near[1], "netns", near[0], "type", "veth", "peer", "name", far[1], "netns", far[0]]
        subprocess.run(cable, check=True)
        for space, interface in (near, far):
            subprocess.run(["ip", "-n", space, "link", "set", interface, "up"], check=True)
        print(f"ring {options.ring} MiB, frames of {options.bytes} bytes, {options.seconds:g} s a round")
        print("offered kpps       sent   received kernel drops   lost %  user us/p   sys us/p  sender us/p")
        for rate in options.rates:
            print(run_round(near, far, rate, options), flush=True)
    finally:
        for space in made:
            subprocess.run(["ip", "netns", "delete", space], check=True)


if __name__ == "__main__":
    main()
