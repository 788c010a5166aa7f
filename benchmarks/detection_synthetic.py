"""Synthetic scenarios: a generated site of controllers, cameras, sensors and a workstation, and attacks written for this benchmark.

The hand that wrote these attacks also wrote detectors: read this table last. The site is 10 hours long, 6 of them teach; each
attack runs by itself and begins an hour later. The same seed gives the same traffic.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from detection_captured import COMMAND, CONTROL, COVERT, LATERAL, SCAN
from detection_score import Attack
from detection_sources import Shelf
from detection_splice import overlaid
from detection_stage import Stage
from detection_traffic import UDP, End, Service, Times, Traffic, outside

BEGIN = 1_700_000_400.0
HOURS = 3600.0
LEARNED = BEGIN + 6 * HOURS
ONSET = BEGIN + 7 * HOURS
END = BEGIN + 10 * HOURS
_SEED = 20

ROUTER = End("10.20.0.1", "00:1c:7f:10:00:01")
HMI = End("10.20.0.20", "00:0e:8c:10:00:20")
PLCS = tuple(End(f"10.20.0.{11 + i}", f"00:1b:1b:10:00:{11 + i:02x}") for i in range(6))
BROKER = End("10.20.0.30", "b8:27:eb:10:00:30")
SENSORS = tuple(End(f"10.20.0.{41 + i}", f"24:6f:28:10:00:{41 + i:02x}") for i in range(4))
CAMERAS = tuple(End(f"10.20.0.{61 + i}", f"44:19:b6:10:00:{61 + i:02x}") for i in range(2))
WORKSTATION = End("10.20.0.90", "54:ee:75:10:00:90")
STRANGER = End("10.20.0.119", "54:ee:75:9a:77:99")
CLOUD = outside("52.94.10.20")
EVIL = outside("45.77.33.21")
MODBUS, TLS, MQTT, SSH = Service(502, "modbus"), Service(443, "tls"), Service(1883, "mqtt"), Service(22, "ssh")
_READ, _WRITE = "modbus read_holding_registers 3", "modbus write_single_register 6!"


def every(seconds: float, begin: float, end: float, jitter: float, random: np.random.Generator) -> Times:
    """Times about ``seconds`` apart, each off by up to the share ``jitter`` of it."""
    times = np.arange(begin, end, seconds)
    off = random.uniform(-jitter, jitter, len(times)) * seconds
    return np.clip(times + off, begin, end).astype(np.float64)


def site() -> Traffic:
    """Ten hours of the site, with nothing wrong."""
    traffic = Traffic(_SEED)
    random = traffic.random
    for plc in PLCS:
        polls = every(10, BEGIN, END, 0.02, random)
        traffic.keep(polls, HMI, plc, MODBUS, random.normal(330, 4, len(polls)), random.normal(390, 6, len(polls)))
        traffic.ask(polls, HMI, plc, _READ, "1/holding_register/0-9")
    for plc in PLCS[:3]:
        settings = every(600, BEGIN + 30, END, 0.3, random)
        points = [int(value) for value in np.clip(random.normal(500, 20, len(settings)), 450, 550)]
        traffic.keep(settings, HMI, plc, MODBUS, 340.0, 340.0)
        traffic.ask(settings, HMI, plc, _WRITE, "1/holding_register/40", points)
    for sensor in SENSORS:
        readings = every(30, BEGIN, END, 0.05, random)
        traffic.keep(readings, sensor, BROKER, MQTT, random.normal(420, 12, len(readings)), 132.0)
    for camera in CAMERAS:
        alive = every(60, BEGIN, END, 0.05, random)
        traffic.look_up(alive[::30], camera, ROUTER, ["video.example.net"] * len(alive[::30]), CLOUD.ip)
        traffic.connect(alive, camera, CLOUD, TLS, random.lognormal(7.6, 0.25, len(alive)), random.lognormal(7.0, 0.2, len(alive)))
        for clip in np.sort(random.uniform(BEGIN, END, random.poisson(40))).tolist():
            seconds = np.arange(clip, clip + random.uniform(8, 20), 1.0)
            traffic.keep(seconds, camera, CLOUD, TLS, random.lognormal(12.0, 0.3, len(seconds)), 4000.0)
    _browse(traffic)
    for end in (HMI, *PLCS, BROKER, *SENSORS, *CAMERAS, WORKSTATION):
        traffic.claim(every(900, BEGIN, END, 0.4, random), end, ROUTER.ip)
    traffic.claim(every(300, BEGIN, END, 0.2, random), ROUTER)
    return traffic


def _browse(traffic: Traffic) -> None:
    random = traffic.random
    sites = [outside(f"151.101.{random.integers(1, 250)}.{random.integers(1, 250)}") for _ in range(30)]
    popular = random.zipf(1.6, 4000)
    for place, visit in enumerate(np.sort(random.uniform(BEGIN, END, 400)).tolist()):
        target = sites[int(popular[place]) % len(sites)]
        loads = visit + np.sort(random.exponential(4.0, random.integers(2, 12)))
        traffic.look_up(np.array([visit]), WORKSTATION, ROUTER, [f"www{int(popular[place]) % 30}.example.org"], target.ip)
        traffic.connect(
            loads, WORKSTATION, target, TLS, random.lognormal(7.5, 0.6, len(loads)), random.lognormal(10, 1.2, len(loads))
        )


def _beacon(traffic: Traffic, seconds: float, jitter: float, hours: float) -> float:
    times = every(seconds, ONSET, ONSET + hours * HOURS, jitter, traffic.random)
    traffic.connect(times, CAMERAS[0], EVIL, TLS, 900.0, 700.0)
    return float(times[-1])


def _slow_scan(traffic: Traffic) -> float:
    random = traffic.random
    times = every(45, ONSET, ONSET + 1.5 * HOURS, 0.4, random)
    targets = [End(f"10.20.0.{random.integers(2, 250)}", "00:00:00:00:00:00") for _ in times]
    traffic.try_vainly(times, WORKSTATION, targets, random.choice([22, 23, 80, 102, 443, 445, 502, 3389], len(times)).tolist())
    return float(times.max())


def _fast_scan(traffic: Traffic) -> float:
    times = np.arange(ONSET, ONSET + 4.8, 0.02)
    traffic.try_vainly(times, SENSORS[0], [End(f"10.20.0.{2 + i}", "00:00:00:00:00:00") for i in range(240)], [23] * 240)
    return float(times[-1])


def _upload(traffic: Traffic, target: End, rate: float, seconds: float) -> float:
    times: Times = np.arange(ONSET, ONSET + seconds, 1.0)
    traffic.keep(times, CAMERAS[1], target, TLS, traffic.random.normal(rate, rate / 10, len(times)), 2000.0)
    return float(times[-1])


def _command(traffic: Traffic, source: End, target: End, thing: str, value: int) -> float:
    times = np.array([ONSET, ONSET + 0.4])
    traffic.keep(times, source, target, MODBUS, 340.0, 340.0)
    traffic.ask(times, source, target, _WRITE, thing, [value] * 2)
    return float(times[-1])


def _rapid_writes(traffic: Traffic) -> float:
    times: Times = ONSET + np.arange(0, 120, 0.25)
    traffic.keep(times, HMI, PLCS[0], MODBUS, 340.0, 340.0)
    traffic.ask(times, HMI, PLCS[0], _WRITE, "1/holding_register/40", [480 + 40 * (i % 2) for i in range(len(times))])
    return float(times[-1])


def _lateral(traffic: Traffic) -> float:
    times = every(20, ONSET, ONSET + 200, 0.3, traffic.random)
    traffic.connect(times, CAMERAS[0], BROKER, SSH, 3200.0, 3600.0)
    return float(times[-1])


def _tunnel(traffic: Traffic) -> float:
    random = traffic.random
    times = every(3, ONSET, ONSET + 0.5 * HOURS, 0.3, random)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz234567"))
    names = ["".join(random.choice(letters, 40)) + ".t.example.com" for _ in times]
    traffic.look_up(times, SENSORS[1], ROUTER, names)
    return float(times[-1])


def _spoof(traffic: Traffic) -> float:
    liar = End(ROUTER.ip, WORKSTATION.mac)
    times: Times = np.arange(ONSET, ONSET + 300, 2.0)
    traffic.claim(times, liar)
    return float(times[-1])


def _restless(traffic: Traffic) -> float:
    times = every(60, ONSET, ONSET + 2 * HOURS, 0.1, traffic.random)
    traffic.connect(times, SENSORS[2], outside("185.53.90.4"), Service(123, "ntp", UDP), 90.0, 90.0)
    return float(times.max())


Inject = Callable[[Traffic], float]
ATTACKS: tuple[tuple[str, str, Inject, tuple[End, ...], frozenset[str]], ...] = (
    ("beacon every 60 s", "stealthy", lambda t: _beacon(t, 60, 0.05, 2), (CAMERAS[0], EVIL), CONTROL),
    ("beacon every 10 min, 20 % jitter", "stealthy", lambda t: _beacon(t, 600, 0.2, 2.9), (CAMERAS[0], EVIL), CONTROL),
    ("slow scan, one try in 45 s", "stealthy", _slow_scan, (WORKSTATION,), SCAN),
    ("fast Telnet sweep", "noisy", _fast_scan, (SENSORS[0],), SCAN),
    ("exfiltration, 300 kB/s to a new host", "noisy", lambda t: _upload(t, EVIL, 3e5, 600), (CAMERAS[1], EVIL), COVERT),
    ("exfiltration, 30 kB/s to the usual cloud", "stealthy", lambda t: _upload(t, CLOUD, 3e4, 3600), (CAMERAS[1],), COVERT),
    ("stranger writes", "new master", lambda t: _command(t, STRANGER, PLCS[1], "1/holding_register/40", 500), (STRANGER,), COMMAND),
    (
        "panel writes where it never wrote",
        "OT command",
        lambda t: _command(t, HMI, PLCS[4], "1/holding_register/40", 500),
        (HMI,),
        COMMAND,
    ),
    (
        "panel writes another register",
        "OT command",
        lambda t: _command(t, HMI, PLCS[0], "1/holding_register/77", 500),
        (HMI,),
        COMMAND,
    ),
    (
        "panel writes a value far off",
        "OT command",
        lambda t: _command(t, HMI, PLCS[0], "1/holding_register/40", 5000),
        (HMI,),
        COMMAND,
    ),
    ("panel writes 4 a second", "OT command", _rapid_writes, (HMI, PLCS[0]), COMMAND),
    ("camera logs in by SSH", "stealthy", _lateral, (CAMERAS[0], BROKER), LATERAL | CONTROL),
    ("DNS tunnel", "stealthy", _tunnel, (SENSORS[1],), COVERT | {"T1071.004", "T1568", "T1568.002"}),
    ("ARP spoofing of the router", "noisy", _spoof, (WORKSTATION, ROUTER), frozenset({"T1557", "T1557.002", "T0830"})),
    ("sensor with a new master of time", "stealthy", _restless, (SENSORS[2],), CONTROL),
)
"""Name, kind, what it does (giving the time of its end), its parties, and the techniques that name it acceptably."""


def synthetic(place: int) -> Callable[[Shelf], list[Stage]]:
    """The site with one of ``ATTACKS``."""

    def build(_: Shelf) -> list[Stage]:
        name, kind, inject, ends, techniques = ATTACKS[place]
        attack = Traffic(_SEED + 1 + place)
        finish = inject(attack)
        parties = frozenset(address for end in ends for address in (end.ip, end.mac) if address != ROUTER.mac or end is ROUTER)
        stream = overlaid([site().observations(), attack.observations()])
        return [Stage(stream, LEARNED, (Attack(name, kind, ONSET, finish, parties, techniques),))]

    return build
