"""Packets per CPU-second beside the peers, in one run.

Every figure is a whole process measured from outside (user and system time of it and its children, peak resident memory of the
largest), the programs in turn, round by round, so that a slower or faster moment of the machine meets all of them. Steady state
leaves the start-up out: the difference of a long and a short input.

    python benchmarks/throughput.py CAPTURE... [--packets 1000000] [--rounds 3]

Needs tshark; nfstream comes with the dependency group ``bench``. The captures are repeated, with times moved on, until they hold
the packets asked for.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from hauberk.sense.capture.files import open_captures

_RECORD = struct.Struct("<IIII")

NFSTREAM = """
import sys
from nfstream import NFStreamer
count = packets = 0
for flow in NFStreamer(source=sys.argv[1], n_dissections=0, statistical_analysis=True, n_meters=1, idle_timeout=120):
    count += 1
    packets += flow.bidirectional_packets
print(count, packets)
"""

FLOWS = """
import sys
from hauberk.service.feed import Depth, open_feed
feed = open_feed([sys.argv[1]], Depth.HEADERS)
count = sum(len(batch.flows) for batch in feed.observations())
print(count, feed.sensor.counters.packets)
"""


@dataclass
class Program:
    """A program to measure and what it took."""

    name: str
    command: Sequence[str]
    cpu: list[float] = field(default_factory=list)
    peak: list[float] = field(default_factory=list)


def repeat(captures: Sequence[str], packets: int, target: Path) -> int:
    """Write the frames of ``captures`` to ``target`` (pcap, Ethernet), again and again, until there are ``packets``."""
    records: list[tuple[int, bytes, int]] = []
    for block in open_captures(list(captures)).blocks():
        for i in range(block.count):
            start, size = int(block.offset[i]), int(block.captured[i])
            records.append((int(block.time[i]), block.data[start : start + size].tobytes(), int(block.wire[i])))
    first = records[0][0]
    span = records[-1][0] - first + 1_000_000_000
    written = 0
    with target.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
        while written < packets:
            shift = written // len(records) * span
            for time, frame, wire in records[: packets - written]:
                seconds, rest = divmod(time + shift, 1_000_000_000)
                file.write(_RECORD.pack(seconds, rest // 1000, len(frame), wire) + frame)
            written += min(len(records), packets - written)
    return written


def scan(packets: int, target: Path) -> int:
    """Write a synthetic scan: one SYN a conversation, in random order of addresses and ports."""
    random = np.random.default_rng(1)
    ends = random.integers(0, 1 << 16, (packets, 2))
    ports = random.integers(1024, 1 << 16, packets)
    header = bytes.fromhex("020000000001020000000002 0800".replace(" ", ""))
    with target.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
        for i in range(packets):
            source, target_ip = 0x0A000000 | int(ends[i, 0]), 0xC0A80000 | int(ends[i, 1])
            ip = struct.pack(">BBHHHBBHII", 0x45, 0, 40, i & 0xFFFF, 0, 64, 6, 0, source, target_ip)
            tcp = struct.pack(">HHIIBBHHH", int(ports[i]), i % 1024 + 1, i, 0, 0x50, 2, 1024, 0, 0)
            frame = header + ip + tcp + bytes(6)
            file.write(_RECORD.pack(1_700_000_000 + i // 50_000, i % 50_000 * 20, len(frame), len(frame)) + frame)
    return packets


def measure(program: Program) -> None:
    """Run ``program`` once and note its CPU time and peak memory."""
    pid = os.posix_spawnp(
        program.command[0],
        list(program.command),
        {**os.environ, "PYTHONHASHSEED": "0"},
        file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0), (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0)],
    )
    _, status, usage = os.wait4(pid, 0)
    if os.waitstatus_to_exitcode(status) not in {0, 1, 3}:
        sys.exit(f"{program.name} failed with {status}: {' '.join(program.command)}")
    program.cpu.append(usage.ru_utime + usage.ru_stime)
    program.peak.append(usage.ru_maxrss / 1024)


def programs(capture: Path, hauberk: str) -> list[Program]:
    """Who is measured on ``capture``."""
    python = sys.executable
    path = str(capture)
    found = [
        Program("hauberk, flows", [python, "-c", FLOWS, path]),
        Program("hauberk inspect --emit flows", [hauberk, "inspect", path, "--emit", "flows", "--format", "json"]),
        Program("hauberk analyze (everything on)", [hauberk, "analyze", path, "--format", "json"]),
    ]
    if subprocess.run([python, "-c", "import nfstream"], capture_output=True, check=False).returncode == 0:
        found.append(Program("nfstream, n_dissections=0", [python, "-c", NFSTREAM, path]))
    if shutil.which("tshark"):
        fields = ["frame.time_epoch", "ip.src", "ip.dst", "tcp.srcport", "tcp.dstport", "udp.srcport", "udp.dstport", "frame.len"]
        wanted = [part for name in fields for part in ("-e", name)]
        found.append(Program("tshark -T fields", ["tshark", "-r", path, "-T", "fields", *wanted]))
    return found


def report(title: str, packets: int, rows: Sequence[Program]) -> None:
    """Print the table of one capture."""
    base = statistics.median(rows[0].cpu)
    print(f"\n### {title}: {packets:,} packets\n")
    print("| program | CPU s (median) | packets per CPU-second | CPU of it / CPU of hauberk, flows | peak MB |")
    print("|---|---|---|---|---|")
    for row in rows:
        cpu = statistics.median(row.cpu)
        print(f"| {row.name} | {cpu:.2f} | {packets / cpu:,.0f} | {cpu / base:.1f} | {max(row.peak):.0f} |")


def steady(capture: Path, packets: int, short: Path, few: int, rounds: int, hauberk: str) -> None:
    """Print packets per CPU-second without start-up: the difference between the long and a short input."""
    print("\n| steady state | packets per CPU-second |\n|---|---|")
    for long_program, short_program in zip(programs(capture, hauberk)[:3], programs(short, hauberk)[:3], strict=True):
        for _ in range(rounds):
            measure(long_program)
            measure(short_program)
        difference = statistics.median(long_program.cpu) - statistics.median(short_program.cpu)
        print(f"| {long_program.name} | {(packets - few) / difference:,.0f} |")


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description="Packets per CPU-second beside the peers.")
    parser.add_argument("captures", nargs="*", help="captures to repeat; each is measured by itself")
    parser.add_argument("--packets", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-peers", action="store_true", help="measure Hauberk alone")
    arguments = parser.parse_args()
    hauberk = str(Path(sys.executable).with_name("hauberk"))
    with tempfile.TemporaryDirectory() as folder:
        for name in [*arguments.captures, "scan"]:
            long, short = Path(folder) / "long.pcap", Path(folder) / "short.pcap"
            few = arguments.packets // 10
            write = scan if name == "scan" else lambda packets, path, name=name: repeat([name], packets, path)
            packets = write(arguments.packets, long)
            write(few, short)
            rows = programs(long, hauberk)
            rows = rows[:3] if arguments.no_peers else rows
            measure(Program("warm-up", rows[0].command))
            for _ in range(arguments.rounds):
                for row in rows:
                    measure(row)
            report("synthetic scan" if name == "scan" else Path(name).name, packets, rows)
            steady(long, packets, short, few, arguments.rounds, hauberk)
            sys.stdout.flush()
    print(f"\nPeak memory of this script: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
