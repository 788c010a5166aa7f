"""Scenarios put together of two recordings: the benign traffic of one network, and an attack recorded elsewhere or at another time.

The attack is moved in time to after learning, and given the addresses of devices of the benign network where one of these is to be
the attacker or the victim. What such a splice cannot show is what the victim would have done: its own traffic goes on as if nothing
were.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from detection_captured import (
    CHARACTERIZATION,
    CONTROL,
    DNP3_CONTROL,
    DNP3_INJECTION,
    FLOOD,
    GAP,
    IOT23,
    MOVING,
    SCAN,
    dnp3_attacks,
    modbus_attack,
    modbus_benign,
    s7_benign,
    s7_commands,
)
from detection_score import Attack
from detection_sources import Shelf, observe
from detection_splice import Move, after, chained, overlaid, part, span
from detection_stage import Stage
from hauberk.model.observation import Observations

MQTT_BENIGN = "labelled/mqttset/benign-5mb-train.pcap.xz"
HOME = tuple(f"captures/home-7day/{name}.pcap.xz" for name in ("blink-cam-01", "blink-cam-02", "lockly-hub-01", "schlage-lock-01"))
_HOME_LEARNED = 2 * 86_400.0
_HOME_ONSET = 3.4 * 86_400.0
_HOME_AFTER = 3 * 3600.0
GUESSING = frozenset({"T1110", "T1110.001", "T1110.003", "T0812", "T1078", "T0859"})
EXPLOIT = FLOOD | {"T0866", "T1210", "T1203"}

_SENSOR, _BROKER = "192.168.0.150", "10.16.100.73"
_CAMERA, _CAMERA_CARD = "192.168.1.129", "f4:b8:5e:ff:2b:1b"
_ROUTER, _ROUTER_CARD = "192.168.1.1", "00:1c:7f:53:d0:28"


@dataclass(frozen=True, slots=True)
class Splice:
    """An attack to be laid over benign traffic: which recording, of what kind, with which addresses in the place of its own, and
    who its parties are then. ``cards`` and ``fill``: see ``Move``. ``begin``: epoch seconds from which on the
    recording is taken."""

    name: str
    kind: str
    recording: str
    parties: frozenset[str]
    techniques: frozenset[str]
    addresses: Mapping[str, str] = field(default_factory=dict)
    cards: bool = True
    fill: Mapping[str, str] = field(default_factory=dict)
    begin: float = float("-inf")


def _mqtt(name: str, recording: str, attacker: str, broker: str, techniques: frozenset[str], source: str = _SENSOR) -> Splice:
    return Splice(
        name,
        "noisy",
        f"labelled/mqttset/{recording}",
        frozenset({source, _BROKER}),
        techniques,
        {attacker: source, broker: _BROKER},
        cards=False,
    )


def _home(
    name: str, kind: str, recording: str, attacker: tuple[str, str], router: tuple[str, str], techniques: frozenset[str]
) -> Splice:
    addresses = {attacker[0]: _CAMERA, attacker[1]: _CAMERA_CARD, router[0]: _ROUTER, router[1]: _ROUTER_CARD}
    addresses = {old: new for old, new in addresses.items() if old}
    # Logs tell no cards. In the home an address without one would be a new device: a find that the splice gave away.
    fill = {_CAMERA: _CAMERA_CARD, "": _ROUTER_CARD} if ".log" in recording else {}
    return Splice(name, kind, recording, frozenset({_CAMERA, _CAMERA_CARD}), techniques, addresses, fill=fill)


MQTT = (
    _mqtt("MQTT brute force by a sensor", "bruteforce-train.pcapng.xz", "192.168.1.90", "192.168.1.91", GUESSING),
    _mqtt("MQTT brute force by a stranger", "bruteforce-train.pcapng.xz", "192.168.1.90", "192.168.1.91", GUESSING, "192.168.0.77"),
    _mqtt("malformed MQTT by a sensor", "malformed-train.pcap.xz", "192.168.1.90", "192.168.1.91", EXPLOIT),
    _mqtt("SlowITe by a sensor", "slowite-train.pcap.xz", "10.16.120.44", "10.16.120.72", FLOOD),
)
IN_HOME = (
    _home(
        "beacon every 2 s by a camera",
        "stealthy",
        "labelled/slips/test-cc-capture-1.pcap.xz",
        ("147.32.80.37", "ec:f4:bb:cf:93:88"),
        ("", "84:c1:c1:0c:41:60"),
        CONTROL,
    ),
    _home(
        "vertical scan by a camera",
        "noisy",
        "labelled/slips/port-scans__vertical__conn.log",
        ("192.168.1.9", "c4:23:60:3d:fd:d3"),
        ("", "50:78:b3:b0:08:ec"),
        SCAN,
    ),
    _home(
        "bot's horizontal connections by a camera",
        "stealthy",
        "labelled/slips/port-scans__horizontal__conn.log",
        ("10.0.2.112", ""),
        ("", ""),
        SCAN | CONTROL,
    ),
    _home(
        "ICMP scan by a camera",
        "noisy",
        "labelled/slips/test12-icmp-portscan.pcap",
        ("192.168.1.109", "50:ed:3c:39:bc:d9"),
        ("192.168.1.1", "68:ff:7b:dc:a2:17"),
        SCAN,
    ),
    _home(
        "infected host as a camera",
        "noisy",
        "labelled/slips/test7-malicious.pcap.xz",
        ("192.168.2.16", "b8:27:eb:c7:e9:c9"),
        ("192.168.2.1", "a6:d1:8c:1f:ce:64"),
        SCAN | GUESSING | CONTROL,
    ),
    _home(
        "port scan, 10 SYNs, by a camera",
        "noisy",
        "labelled/scan/port_scan.pcap",
        ("192.168.2.154", "dc:a9:04:6f:fb:05"),
        ("", ""),
        SCAN,
    ),
    _home("Mirai C&C flows by a camera", "stealthy", IOT23, ("192.168.1.195", ""), ("", ""), CONTROL | SCAN | FLOOD),
)


def mqtt(splice: Splice) -> Callable[[Shelf], list[Stage]]:
    """Over the MQTT sensors: 60 % of their 46 minutes teach, the attack begins 2 minutes later."""

    def build(shelf: Shelf) -> list[Stage]:
        benign = list(shelf.read(MQTT_BENIGN))
        first, last = span(benign)
        learned = first + 0.6 * (last - first)
        stream, attack = laid(shelf, benign, splice, learned + 120)
        return [Stage(stream, learned, (attack,))]

    return build


def home(splice: Splice) -> Callable[[Shelf], list[Stage]]:
    """Over the home: two days teach, the attack begins 1.4 days later; traffic goes on for three hours more."""

    def build(shelf: Shelf) -> list[Stage]:
        first, _ = span(shelf.read(*HOME))
        onset = first + _HOME_ONSET
        benign = list(part(shelf.read(*HOME), end=onset + _HOME_AFTER))
        chosen = splice
        if splice.recording == IOT23:
            control, _ = shelf.windows("iot23-34-1", "conn.log.labeled")
            chosen = replace(splice, begin=control.onset)
        stream, attack = laid(shelf, benign, chosen, onset)
        return [Stage(stream, first + _HOME_LEARNED, (attack,))]

    return build


def laid(shelf: Shelf, benign: list[Observations], splice: Splice, onset: float) -> tuple[Iterable[Observations], Attack]:
    """``benign`` with the attack laid over it from ``onset`` on."""
    recording = list(part(shelf.read(splice.recording), splice.begin))
    first, last = span(recording)
    moved = Move(onset - first, addresses=splice.addresses, cards=splice.cards, fill=splice.fill).apply(recording)
    attack = Attack(splice.name, splice.kind, onset, onset + last - first, splice.parties, splice.techniques)
    return overlaid([benign, moved]), attack


def dnp3_injection(shelf: Shelf) -> list[Stage]:
    """The DNP3 injection run behind the run without attack, which was recorded later and is moved back by whole days."""
    seconds = after(span(shelf.read(DNP3_CONTROL)), span(shelf.read(DNP3_INJECTION)))
    attacks = dnp3_attacks(shelf, "injection_training_frequent")
    stream = chained([Move(seconds).apply(shelf.read(DNP3_CONTROL)), shelf.read(DNP3_INJECTION)])
    return [Stage(stream, attacks[0].onset - GAP, attacks)]


def s7_single(shelf: Shelf) -> list[Stage]:
    """The S7 commands that were recorded before the benign traffic of their bench, moved to a minute behind it."""
    benign = s7_benign(shelf)
    _, last = span(observe(benign))
    stages = []
    for capture, attack in s7_commands(shelf, later=False):
        moved = Move(last + 60 - span(observe(capture))[0])
        shifted = Attack(
            attack.name, attack.kind, attack.onset + moved.seconds, attack.end + moved.seconds, attack.parties, attack.techniques
        )
        stages.append(Stage(chained([observe(benign), moved.apply(observe(capture))]), shifted.onset - GAP, (shifted,)))
    return stages


def modbus_moving(shelf: Shelf) -> list[Stage]:
    """The file transfer behind the benign frames of the later capture of its bench, which are moved back by a day."""
    benign, attack = modbus_benign(shelf, CHARACTERIZATION), modbus_attack(shelf, MOVING)
    test = f"{MOVING}.pcap.xz"
    seconds = after(span(observe(benign)), span(shelf.read(test)))
    return [Stage(chained([Move(seconds).apply(observe(benign)), shelf.read(test)]), attack.onset - 0.001, (attack,))]
