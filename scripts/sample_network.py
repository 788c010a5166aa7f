"""A small plant network of Linux network namespaces: one bridge, one namespace for each host, and a capture of all frames.

Everything stands in namespaces of unique names, the bridge too, so that nothing of it touches an interface of the machine that
records. Whatever happens, leaving the context stops every program it started and deletes every namespace and file it made.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import struct
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from types import TracebackType
from typing import Self

NETWORK = "10.20.0"
DOMAIN = "plant.example"
_SECTION, _INTERFACE, _PACKET = 0x0A0D0D0A, 1, 6
"""Block types of pcapng (draft-ietf-opsawg-pcapng, section 10.1)."""
_IF_NAME, _IF_TSRESOL = 2, 9
_STATISTICS = 5
_PATIENCE = 5.0
"""Seconds a program has to end after it was asked to."""
_SHOWN = 3000
"""Characters of a program's log that are shown."""


@dataclass(slots=True)
class Lan:
    """The network. ``folder`` is for the files of its programs."""

    folder: Path
    prefix: str = field(default_factory=lambda: f"hbk{os.getpid()}")
    _namespaces: list[str] = field(default_factory=list)
    _programs: list[subprocess.Popen[bytes]] = field(default_factory=list)
    _log: int = -1

    @property
    def switch(self) -> str:
        """The namespace that holds the bridge."""
        return f"{self.prefix}-switch"

    def __enter__(self) -> Self:
        self._log = os.open(self.folder / "commands.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            self._namespace(self.switch)
            for arguments in (
                ("link", "add", "br0", "type", "bridge", "stp_state", "0", "forward_delay", "0", "mcast_snooping", "0"),
                ("link", "set", "br0", "up"),
            ):
                _ip("-n", self.switch, *arguments)
        except BaseException:
            self._clear()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._clear()

    def _clear(self) -> None:
        for program in reversed(self._programs):
            self.stop(program)
        for name in reversed(self._namespaces):
            for pid in subprocess.run(["ip", "netns", "pids", name], check=False, capture_output=True, text=True).stdout.split():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)
            subprocess.run(["ip", "netns", "del", name], check=False)
            shutil.rmtree(Path("/etc/netns") / name, ignore_errors=True)
        os.close(self._log)

    def _namespace(self, name: str) -> None:
        self._namespaces.append(name)
        settings = Path("/etc/netns") / name
        settings.mkdir(parents=True)
        (settings / "resolv.conf").write_text(f"search {DOMAIN}\nnameserver {NETWORK}.1\n", encoding="utf-8")
        _ip("netns", "add", name)
        for knob in ("net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1"):
            self.run(name, "sysctl", "-qw", knob)
        _ip("-n", name, "link", "set", "lo", "up")

    def add(self, name: str, mac: str, last: int | None = None) -> str:
        """Plug a host in; its namespace. ``last`` is the last part of a fixed address; hosts without one ask by DHCP."""
        namespace = f"{self.prefix}-{name}"
        self._namespace(namespace)
        port = f"port{len(self._namespaces) - 1}"
        _ip("-n", self.switch, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", namespace)
        _ip("-n", self.switch, "link", "set", port, "master", "br0", "up")
        _ip("-n", namespace, "link", "set", "eth0", "address", mac)
        # Virtual cards leave checksums to hardware that is not there; the capture should hold right ones.
        self.run(namespace, "ethtool", "-K", "eth0", "tx", "off", "gso", "off", "tso", "off")
        _ip("-n", namespace, "link", "set", "eth0", "up")
        if last is not None:
            _ip("-n", namespace, "address", "add", f"{NETWORK}.{last}/24", "dev", "eth0")
            if last != 1:
                _ip("-n", namespace, "route", "add", "default", "via", f"{NETWORK}.1")
        return namespace

    def run(self, namespace: str, *command: str) -> None:
        """Run ``command`` in a namespace to its end; what it says goes to the log."""
        subprocess.run(
            ["ip", "netns", "exec", namespace, *command], check=True, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log
        )

    def start(self, namespace: str, *command: str) -> subprocess.Popen[bytes]:
        """Start ``command`` in a namespace; it is stopped with the network."""
        program = subprocess.Popen(
            ["ip", "netns", "exec", namespace, *command],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            cwd=self.folder,
        )
        self._programs.append(program)
        return program

    def stop(self, program: subprocess.Popen[bytes]) -> None:
        """Ask a program to end, and end it."""
        if program.poll() is None:
            program.terminate()
            try:
                program.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                program.kill()
                program.wait()

    def failures(self) -> str:
        """What the programs said at last that ended by themselves."""
        ended = [at for at, program in enumerate(self._programs) if program.poll() is not None]
        return "\n".join((self.folder / f"program{at}.log").read_text(encoding="utf-8", errors="replace")[-_SHOWN:] for at in ended)

    def listening(self, namespace: str, port: int) -> None:
        """Wait until something in the namespace listens on a TCP port, without touching it."""
        deadline = time.monotonic() + 4 * _PATIENCE
        while True:
            sockets = subprocess.run(
                ["ip", "netns", "exec", namespace, "cat", "/proc/net/tcp"], check=True, capture_output=True, text=True
            ).stdout
            if any(row[1].endswith(f":{port:04X}") and row[3] == "0A" for row in map(str.split, sockets.splitlines())):
                return
            if time.monotonic() > deadline:
                raise RuntimeError(f"nothing listens on port {port} in {namespace}")
            time.sleep(0.2)

    def capture(self, path: Path) -> subprocess.Popen[bytes]:
        """Record every frame that the bridge forwards, once each."""
        program = self.start(self.switch, "dumpcap", "-q", "-i", "br0", "-w", str(path))
        deadline = time.monotonic() + _PATIENCE
        while not path.exists():
            if time.monotonic() > deadline or program.poll() is not None:
                raise RuntimeError("dumpcap did not begin to record")
            time.sleep(0.1)
        time.sleep(0.5)
        return program


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)


def tidy(content: bytes) -> bytes:
    """A pcapng file without what it says of the machine that recorded it: interface name and time resolution stay, and the
    packets, by time (two processors may hand them over out of order)."""
    kept = []
    packets = []
    at = 0
    while at < len(content):
        kind, length = struct.unpack_from("<II", content, at)
        block = content[at : at + length]
        if kind == _SECTION:
            kept.append(_block(kind, block[8:24]))
        elif kind == _INTERFACE:
            kept.append(_block(kind, block[8:16] + _options(block[16:-4], (_IF_NAME, _IF_TSRESOL))))
        elif kind == _PACKET:
            high, low = struct.unpack_from("<II", block, 12)
            packets.append((high << 32 | low, block))
        elif kind != _STATISTICS:
            raise ValueError(f"a capture by dumpcap holds no blocks of type {kind}")
        at += length
    packets.sort(key=itemgetter(0))
    return b"".join([*kept, *(block for _, block in packets)])


def _block(kind: int, body: bytes) -> bytes:
    length = struct.pack("<I", 12 + len(body))
    return struct.pack("<I", kind) + length + body + length


def _options(raw: bytes, wanted: Sequence[int]) -> bytes:
    kept = []
    at = 0
    while at + 4 <= len(raw):
        code, length = struct.unpack_from("<HH", raw, at)
        end = at + 4 + (length + 3) // 4 * 4
        if code in wanted:
            kept.append(raw[at:end])
        at = end
        if code == 0:
            break
    return b"".join([*kept, bytes(4)])
