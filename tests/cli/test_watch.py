"""``hauberk watch`` on interfaces made for the test, with real frames."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import struct
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hauberk.detect.snapshot import Snapshot

Run = Callable[..., Any]
NOBODY = ("setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups")

needs_root = [pytest.mark.needs_root, pytest.mark.usefixtures("root")]


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


@pytest.fixture
def cable() -> Iterator[tuple[str, str]]:
    """The two ends of a virtual cable."""
    mark = uuid.uuid4().hex[:8]
    near, far = f"hbw{mark}", f"hbx{mark}"
    _ip("link", "add", near, "type", "veth", "peer", "name", far)
    try:
        for end in (near, far):
            _ip("link", "set", end, "up")
        yield near, far
    finally:
        subprocess.run(["ip", "link", "delete", near], check=False, capture_output=True)  # a test may have deleted it


def scan(far: str, ports: int = 300) -> None:
    """A port scan: SYN segments to many ports, each answered with a reset."""
    scanner, target = (bytes((2, 0, 0, 0, 0, last)) for last in (7, 8))
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sending:
        sending.bind((far, 0))
        for port in range(1, ports + 1):
            for there, flags in ((True, 2), (False, 0x14)):
                ends = (40000 + port, port) if there else (port, 40000 + port)
                segment = struct.pack(">HHIIBBHHH", *ends, 1, 0 if there else 2, 0x50, flags, 1024, 0, 0)
                hosts = (bytes((10, 1, 0, 7)), bytes((10, 1, 0, 8)))
                src, dst = hosts if there else hosts[::-1]
                header = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 40, port, 0, 64, 6, 0, src, dst)
                sending.send((target + scanner if there else scanner + target) + b"\x08\x00" + header + segment)
            time.sleep(0.002)


def start(command: list[str], *arguments: str) -> subprocess.Popen[bytes]:
    """``watch`` as a process that has begun to watch."""
    process = subprocess.Popen([*command, "watch", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stderr is not None
    began = json.loads(process.stderr.readline())
    assert began["event"] == "watch_started"
    return process


def read_line(process: subprocess.Popen[bytes], seconds: float) -> bytes:
    """The next line of standard output, within ``seconds``."""
    assert process.stdout is not None
    assert select.select([process.stdout], [], [], seconds)[0], "nothing was printed in time"
    return process.stdout.readline()


class TestLive:
    """With root."""

    pytestmark = needs_root

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_findings_come_while_it_runs(self, command: list[str], cable: tuple[str, str], number: signal.Signals) -> None:
        """A scan is told before the end, and a signal ends it cleanly with all that was seen."""
        near, far = cable
        process = start(command, near)
        scan(far)
        finding = json.loads(read_line(process, 30))
        assert finding["class_uid"] == 2004
        assert "10.1.0.7" in finding["unmapped"]["hauberk"]["addresses"]
        assert process.stdout is not None
        incident = json.loads(process.stdout.readline())
        assert (incident["class_uid"], incident["activity_name"]) == (2005, "Create")
        assert incident["metadata"]["uid"] == finding["unmapped"]["hauberk"]["incident"]
        assert process.poll() is None
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
        last = json.loads(err.splitlines()[-1])
        assert last["event"] == "watch_stopped"
        assert last["packets"] >= 600
        lines = [json.loads(line) for line in out.splitlines()]
        assert last["findings"] == 1 + sum(line["class_uid"] == 2004 for line in lines)
        assert process.returncode == 1

    def test_duration_ends_it(self, run: Run, cable: tuple[str, str]) -> None:
        """Nothing seen, nothing found: code 0, and two logged events."""
        code, out, err = run("watch", cable[0], "--duration", "0.5")
        assert (code, out) == (0, b"")
        assert [json.loads(line)["event"] for line in err.splitlines()] == ["watch_started", "watch_stopped"]

    def test_interface_that_goes_away(self, command: list[str], cable: tuple[str, str]) -> None:
        """What was seen is reported, and that the rest was not: code 3."""
        near, far = cable
        process = start(command, near)
        scan(far)
        time.sleep(1)
        _ip("link", "delete", near)
        out, err = process.communicate(timeout=60)
        assert process.returncode == 3
        assert out
        assert b"is gone" in err
        assert b"Traceback" not in err

    def test_learning_live_is_saved(self, command: list[str], cable: tuple[str, str], tmp_path: Path) -> None:
        """What was learned until the end is in the file, and now and then before."""
        target = tmp_path / "plant.baseline"
        process = start(command, cable[0], "--learn", "1h", "--save-baseline", str(target), "--save-every", "1")
        for _ in range(20):
            scan(cable[1], 20)
            if target.exists():
                break
            time.sleep(0.3)
        assert Snapshot.load(target.read_bytes()).baseline.macs
        before = target.stat().st_ino
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        assert Snapshot.load(target.read_bytes()).baseline.macs
        assert target.stat().st_ino != before

    def test_terminal_shows_a_living_line(self, command: list[str], cable: tuple[str, str]) -> None:
        """Packets, rate, devices, findings and drops, within the width; no JSON log."""
        import pty  # noqa: PLC0415 - only here

        main, side = pty.openpty()
        process = subprocess.Popen([*command, "watch", cable[0], "--duration", "2"], stdin=side, stdout=side, stderr=side)
        os.close(side)
        shown = b""
        try:
            while part := os.read(main, 65536):
                shown += part
        except OSError:
            os.close(main)  # the other end is closed
        assert process.wait(30) == 0
        for word in (
            b"Ctrl-C stops",
            b" packets, ",
            b"/s, ",
            b" devices, ",
            b" findings, ",
            b" dropped",
            b"dropped by the kernel 0",
        ):
            assert word in shown
        assert b"watch_started" not in shown

    def test_without_permission(self, command: list[str]) -> None:
        """An ordinary user is told what is missing: code 2."""
        done = subprocess.run([*NOBODY, *command, "watch", "lo", "--duration", "1"], capture_output=True, check=False, timeout=250)
        assert done.returncode == 2
        assert b"right to open raw sockets" in done.stderr
        assert b"Traceback" not in done.stderr


def test_missing_interface(run: Run) -> None:
    """The interfaces there are, are named."""
    code, _, err = run("watch", "nosuch0")
    assert code == 2
    assert "lo" in err


@pytest.mark.parametrize(
    "arguments", [("--duration=-3",), ("--duration=nan",), ("--duration=inf",), ("--learn=50%",), ("--learn=x",)]
)
def test_meaningless_arguments(run: Run, arguments: tuple[str, ...]) -> None:
    """Said before anything is opened."""
    code, _, err = run("watch", "nosuch0", *arguments)
    assert code == 2
    assert "nosuch0" not in err
