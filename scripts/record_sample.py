"""Records the sample capture: a small plant at work, then an intruder, between real programs in network namespaces.

``record_sample.py FILE`` as root. Needs the dependency group ``sample`` and the Debian packages named in ``PACKAGES``. The traffic
stays in namespaces of its own; nothing is sent on an interface of the machine, and its clock is not touched.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from sample_network import DOMAIN, NETWORK, Lan, tidy

HERE = Path(__file__).resolve().parent
PACKAGES = {
    "busybox": "busybox",
    "chronyd": "chrony",
    "dnsmasq": "dnsmasq-base",
    "dumpcap": "wireshark-common",
    "ethtool": "ethtool",
    "ip": "iproute2",
    "mosquitto": "mosquitto",
    "mosquitto_passwd": "mosquitto",
    "openssl": "openssl",
    "telnetd": "inetutils-telnetd",
    "udhcpc": "udhcpc",
}
"""Program and the Debian package that holds it."""
_WINDOWS = "1 3 6 15 31 33 43 44 46 47 119 121 249 252"
_LARGEST = 600_000
"""Bytes the file may have: it travels with the source."""


@dataclass(frozen=True, slots=True)
class Host:
    """One host: its card, the last part of its address, and how it asks for it: vendor class and options of DHCP, or None for a
    fixed address."""

    name: str
    mac: str
    last: int
    vendor_class: str | None = None
    options: str = ""

    @property
    def address(self) -> str:
        """Its IP address."""
        return f"{NETWORK}.{self.last}"


HOSTS = (
    Host("gateway", "00:0c:42:5a:10:01", 1),
    Host("plc-press", "28:63:36:a4:11:0b", 11),
    Host("plc-conveyor", "00:80:f4:3c:12:0c", 12),
    Host("press-opcua", "00:01:05:2e:13:0d", 13),
    Host("hmi-line1", "00:d0:c9:b7:20:14", 20, "MSFT 5.0", _WINDOWS),
    Host("historian", "f8:b1:56:c1:21:15", 21, "MSFT 5.0", _WINDOWS),
    Host("ews-01", "d4:be:d9:77:22:16", 22, "MSFT 5.0", _WINDOWS),
    Host("broker", "dc:a6:32:0e:30:1e", 30, "dhcpcd-9.4.1:Linux-5.10.103-v7l+:armv7l:BCM2711"),
    Host("furnace-temperature", "24:0a:c4:d1:41:29", 41, "udhcp 1.35.0"),
    Host("oil-pressure", "24:0a:c4:d1:42:2a", 42, "udhcp 1.35.0"),
    Host("hall-humidity", "30:ae:a4:5b:43:2b", 43, "udhcp 1.35.0"),
    Host("spindle-vibration", "00:02:01:4d:44:2c", 44, "udhcp 1.35.0"),
    Host("power-meter", "30:ae:a4:5b:45:2d", 45, "udhcp 1.35.0"),
    Host("tank-level", "98:84:e3:19:50:32", 50, "udhcp 1.35.0"),
    Host("camera-gate", "44:19:b6:20:60:3c", 60),
)
LAPTOP = Host("laptop", "54:ee:75:9a:77:99", 119, "MSFT 5.0", _WINDOWS)

LEASE_SCRIPT = """#!/bin/sh
[ "$1" = bound ] || exit 0
ip address add "$ip/24" dev "$interface" && ip route add default via "$router"
"""
BROKER_SETTINGS = """per_listener_settings true
user root
log_dest stderr
listener 1883
allow_anonymous true
password_file {folder}/passwords
listener 8883
allow_anonymous false
password_file {folder}/passwords
certfile {folder}/broker.crt
keyfile {folder}/broker.key
"""
CLOCK_SETTINGS = ("local stratum 8", f"allow {NETWORK}.0/24", "cmdport 0", "bindcmdaddress /")


class Plant:
    """The hosts and their programs on one network."""

    def __init__(self, lan: Lan) -> None:
        self.lan = lan
        self.namespaces: dict[str, str] = {}
        self.began = time.monotonic()

    def plug(self, host: Host) -> None:
        """Connect a host; one without fixed address gets a lease."""
        dynamic = host.vendor_class is not None
        self.namespaces[host.name] = namespace = self.lan.add(host.name, host.mac, None if dynamic else host.last)
        if host.vendor_class is None:
            return
        wanted = [word for option in host.options.split() for word in ("-O", option)]
        self.lan.run(
            namespace, "busybox", "udhcpc", "-i", "eth0", "-f", "-q", "-n", "-a", "-s", str(self.lan.folder / "lease.sh"),
            "-x", f"hostname:{host.name}", "-V", host.vendor_class, *(["-o", *wanted] if wanted else []),
        )  # fmt: skip

    def role(self, host: str, *arguments: str) -> None:
        """Start a device's role."""
        self.lan.start(self.namespaces[host], sys.executable, str(HERE / "sample_devices.py"), *arguments)

    def step(self, host: str, *arguments: str) -> None:
        """A step of the attack, to its end."""
        print(f"{time.time():.3f} {time.monotonic() - self.began:6.1f} s  {host}: {' '.join(arguments)}", flush=True)
        self.lan.run(self.namespaces[host], sys.executable, str(HERE / "sample_attack.py"), *arguments)

    def wait(self, until: float) -> None:
        """Let the plant work until so many seconds after it began."""
        time.sleep(max(0.0, self.began + until - time.monotonic()))


def prepare(folder: Path) -> None:
    """The files that the programs need."""
    (folder / "lease.sh").write_text(LEASE_SCRIPT, encoding="utf-8")
    (folder / "login.sh").write_text(
        f"#!/bin/sh\nexec {sys.executable} {HERE / 'sample_devices.py'} camera_login\n", encoding="utf-8"
    )
    for script in ("lease.sh", "login.sh"):
        (folder / script).chmod(0o700)
    (folder / "broker.conf").write_text(BROKER_SETTINGS.format(folder=folder), encoding="utf-8")
    (folder / "clock.conf").write_text("\n".join((*CLOCK_SETTINGS, f"pidfile {folder}/chronyd.pid\n")), encoding="utf-8")
    name = f"broker.{DOMAIN}"
    for command in (
        ["mosquitto_passwd", "-b", "-c", f"{folder}/passwords", "power-meter", "for-the-sample-only"],
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "3650",
         "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}",
         "-keyout", f"{folder}/broker.key", "-out", f"{folder}/broker.crt"],
    ):  # fmt: skip
        subprocess.run(command, check=True, capture_output=True)


def infrastructure(plant: Plant) -> None:
    """Names, addresses and the time, at the gateway."""
    lan, gateway = plant.lan, HOSTS[0]
    plant.plug(gateway)
    leases = [f"--dhcp-host={host.mac},{host.name},{host.address}" for host in (*HOSTS, LAPTOP) if host.vendor_class is not None]
    records = [f"--host-record={host.name}.{DOMAIN},{host.address}" for host in HOSTS]
    lan.start(
        plant.namespaces["gateway"], "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--user=root", "--pid-file",
        "--no-resolv", "--no-hosts", "--no-ping", "--dhcp-authoritative", f"--domain={DOMAIN}", f"--local=/{DOMAIN}/",
        f"--dhcp-range={NETWORK}.100,{NETWORK}.150,1h", f"--dhcp-option=option:ntp-server,{gateway.address}",
        f"--dhcp-leasefile={lan.folder}/leases", *leases, *records,
    )  # fmt: skip
    lan.start(plant.namespaces["gateway"], "chronyd", "-x", "-d", "-f", str(lan.folder / "clock.conf"))
    time.sleep(1)


def everyday(plant: Plant) -> None:
    """All hosts come up, and the plant works."""
    lan, address = plant.lan, {host.name: host.address for host in HOSTS}
    for host in HOSTS[1:]:
        plant.plug(host)
    plant.role("plc-press", "controller", "Siemens", "6ES7 214-1AG40-0XB0", "CPU 1214C")
    plant.role("plc-conveyor", "controller", "Schneider Electric", "TM221CE16R", "Modicon M221")
    plant.role("press-opcua", "opcua_server")
    plant.role("tank-level", "coap_sensor")
    plant.role("camera-gate", "camera", address["camera-gate"], str(lan.folder / "login.sh"))
    lan.start(plant.namespaces["broker"], "mosquitto", "-c", str(lan.folder / "broker.conf"))
    for name, port in (("plc-press", 502), ("plc-conveyor", 502), ("press-opcua", 4840), ("camera-gate", 23), ("broker", 8883)):
        lan.listening(plant.namespaces[name], port)
    plant.role("hmi-line1", "operator_station", address["plc-press"], address["plc-conveyor"])
    plant.role("historian", "opcua_client", address["press-opcua"])
    plant.role("historian", "collector")
    plant.role("broker", "coap_reader", address["tank-level"])
    for name, middle, quality, seconds in (
        ("furnace-temperature", "181", "0", "4"),
        ("oil-pressure", "6.2", "1", "5"),
        ("hall-humidity", "43", "0", "9"),
        ("spindle-vibration", "2.4", "1", "6"),
    ):
        plant.role(name, "sensor", name, middle, quality, seconds)
    plant.role("power-meter", "sensor", "power-meter", "5230", "1", "6", str(lan.folder / "broker.crt"))
    for name in ("hmi-line1", "ews-01"):
        lan.run(
            plant.namespaces[name],
            "chronyd",
            "-Q",
            "-t",
            "5",
            f"pidfile {lan.folder}/{name}.pid",
            "cmdport 0",
            f"server {HOSTS[0].address} iburst maxsamples 1",
        )


def attack(plant: Plant) -> None:
    """The intruder's story."""
    address = {host.name: host.address for host in HOSTS}
    camera, press, panel = address["camera-gate"], address["plc-press"], address["hmi-line1"]
    print(f"{time.time():.3f} {time.monotonic() - plant.began:6.1f} s  a laptop is plugged in", flush=True)
    plant.plug(LAPTOP)
    laptop = plant.namespaces["laptop"]
    for knob in ("net.ipv4.ip_forward=1", "net.ipv4.conf.all.send_redirects=0", "net.ipv4.conf.eth0.send_redirects=0"):
        plant.lan.run(laptop, "sysctl", "-qw", knob)
    for host, *step in (
        ("laptop", "sweep", LAPTOP.address),
        ("laptop", "knock", camera, *(host.address for host in HOSTS if host.address != camera)),
        ("laptop", "telnet", camera),
        ("laptop", "broker", address["broker"]),
        ("camera-gate", "rogue", press),
        ("laptop", "between", panel, press),
        ("camera-gate", "broken", address["plc-conveyor"]),
    ):
        plant.step(host, *step)
        time.sleep(2)


def record(output: Path, quiet: float, share: float) -> None:
    """Record the story: ``quiet`` seconds of work, which are ``share`` of the whole, then the attack and what follows it."""
    with tempfile.TemporaryDirectory(prefix="hauberk-sample-") as name:
        folder = Path(name)
        prepare(folder)
        with Lan(folder) as lan:
            raw = folder / "raw.pcapng"
            capture = lan.capture(raw)
            plant = Plant(lan)
            try:
                infrastructure(plant)
                everyday(plant)
                plant.wait(quiet)
                attack(plant)
                plant.wait(quiet / share)
            except subprocess.CalledProcessError:
                print((folder / "commands.log").read_text(encoding="utf-8", errors="replace")[-3000:], file=sys.stderr)
                raise
            failures = lan.failures()
            lan.stop(capture)
        if failures:
            raise RuntimeError(f"programs ended before the story did:\n{failures}")
        content = tidy(raw.read_bytes())
    if len(content) > _LARGEST:
        raise RuntimeError(f"the capture has {len(content)} bytes, more than {_LARGEST}")
    output.write_bytes(content)
    print(f"{output}: {len(content)} bytes")


def main() -> None:
    """Read the arguments, see that everything is there, and record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("output", type=Path, help="the pcapng file to write")
    parser.add_argument("--quiet", type=float, default=160.0, help="seconds before the attack (default %(default)s)")
    parser.add_argument("--share", type=float, default=0.62, help="share of the whole before the attack (default %(default)s)")
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        parser.error("network namespaces need root")
    missing = sorted({package for program, package in PACKAGES.items() if shutil.which(program) is None})
    if missing:
        parser.error(f"install these Debian packages first: {' '.join(missing)}")
    # Ended from outside, it leaves by the same door and takes its namespaces along.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    record(arguments.output, arguments.quiet, arguments.share)


if __name__ == "__main__":
    main()
