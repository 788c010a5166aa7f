"""The command as its user runs it: a process, with small captures made here."""

from __future__ import annotations

import gzip
import os
import struct
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

MAGIC_NANOSECONDS = 0xA1B23C4D


class Outcome(NamedTuple):
    """What a command left behind."""

    code: int
    out: bytes
    err: str


Run = Callable[..., Outcome]


@pytest.fixture
def command() -> list[str]:
    """The words that start Hauberk."""
    return [sys.executable, "-c", "from hauberk.cli import main; main()"]


@pytest.fixture
def run(command: Sequence[str]) -> Run:
    """Runs Hauberk with arguments; ``given`` goes to standard input, ``variables`` to its environment."""

    def start(*arguments: str | Path, given: bytes = b"", variables: Mapping[str, str] | None = None) -> Outcome:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("HAUBERK_")}
        done = subprocess.run(
            [*command, *map(str, arguments)],
            input=given,
            capture_output=True,
            check=False,
            timeout=120,
            env={**environment, **(variables or {})},
        )
        assert b"Traceback" not in done.stderr, done.stderr.decode(errors="replace")
        return Outcome(done.returncode, done.stdout, done.stderr.decode(errors="replace"))

    return start


def udp(src: int, port: int, payload: bytes) -> bytes:
    """An Ethernet frame from 10.0.0.``src`` to 10.0.0.1, UDP from port 40000 to ``port``."""
    datagram = struct.pack(">HHHH", 40000, port, 8 + len(payload), 0) + payload
    header = struct.pack(
        ">BBHHHBBH4s4s", 0x45, 0, 20 + len(datagram), 1, 0, 64, 17, 0, bytes((10, 0, 0, src)), bytes((10, 0, 0, 1))
    )
    return bytes.fromhex("020000000001") + bytes((2, 0, 0, 0, 0, src)) + b"\x08\x00" + header + datagram


def query(name: bytes = b"example") -> bytes:
    """A DNS query for the address of ``name``."""
    return struct.pack(">6H", 7, 0x0100, 1, 0, 0, 0) + bytes((len(name),)) + name + b"\x00\x00\x01\x00\x01"


def capture(frames: Sequence[tuple[int, bytes]], link: int = 1) -> bytes:
    """A pcap file of ``frames`` with their times in nanoseconds."""
    records = (struct.pack("<4I", *divmod(time, 10**9), len(data), len(data)) + data for time, data in frames)
    return struct.pack("<IHHiIII", MAGIC_NANOSECONDS, 2, 4, 0, 0, 1 << 18, link) + b"".join(records)


@pytest.fixture
def queries() -> bytes:
    """Nine DNS queries of three hosts, a second apart."""
    return capture([(1_700_000_000_000_000_000 + number * 10**9, udp(2 + number % 3, 53, query())) for number in range(9)])


@pytest.fixture
def pcap(tmp_path: Path, queries: bytes) -> Path:
    """``queries`` as a file."""
    path = tmp_path / "queries.pcap"
    path.write_bytes(queries)
    return path


@pytest.fixture
def make() -> Callable[..., bytes]:
    """Makes a capture of UDP payloads: (time in nanoseconds, last byte of the sender, port, payload)."""

    def build(*rows: tuple[int, int, int, bytes], link: int = 1) -> bytes:
        return capture([(time, udp(src, port, payload)) for time, src, port, payload in rows], link)

    return build


@pytest.fixture
def named_query() -> Callable[[bytes], bytes]:
    """Makes a DNS query for one label."""
    return query


@pytest.fixture
def packed(queries: bytes) -> dict[str, bytes]:
    """``queries`` repeated, so that half of it packed still gives packets, in every packing."""
    import lzma  # noqa: PLC0415 - only here

    import zstandard  # noqa: PLC0415 - same

    head, records = queries[:24], queries[24:]
    noise = b"".join(
        struct.pack("<4I", 1_700_000_100 + number, 0, 1042, 1042) + udp(5, 9999, os.urandom(1000)) for number in range(1000)
    )
    plain = head + records + noise
    return {"gz": gzip.compress(plain), "xz": lzma.compress(plain), "zst": zstandard.compress(plain)}
