"""Scenarios from captures and logs of others: benign traffic, and real attacks on networks whose benign traffic is at hand.

Which frames and flows are attack is taken from the labels that came with the data. Addresses stand here to say who the parties of a
labelled attack are; the product is told none of them.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from detection_score import Attack
from detection_sources import Shelf, Window, frame_times, marked_frames, observe, text
from detection_splice import chained, part, span
from detection_stage import Stage

SCAN = frozenset({"T1046", "T0846", "T0840", "T0888", "T1595", "T1018"})
FLOOD = frozenset({"T1498", "T1499", "T0814"})
COMMAND = frozenset({"T0855", "T0848", "T0836", "T0831", "T0886", "T0806", "T0814", "T0816"})
CONTROL = frozenset({"T1071", "T1071.001", "T0885", "T0869", "T1571", "T1573", "T1095"})
COVERT = CONTROL | {"T1048", "T1041", "T1572", "T0836", "T0855"}
LATERAL = frozenset({"T1021", "T1021.002", "T1021.004", "T0886", "T0867", "T1570"})

_QUT = "labelled/dnp3-qut2017"
_S7 = "labelled/s7-qut2017"
_CSET = "labelled/modbus-cset2016"
IOT23 = "labelled/iot23/CTU-IoT-Malware-Capture-34-1.part1.conn.log.labeled.xz"
DNP3_CONTROL = f"{_QUT}/control_training_frequent.pcap.xz"
DNP3_INJECTION = f"{_QUT}/injection_training_frequent.pcap.xz"
DNP3_FLOODING = f"{_QUT}/flooding_training_infrequent.pcap.xz"
S7_FLOODING = f"{_S7}/20161215190548.WaterTankOnManu_Flooding.master.pcap.xz"
S7_LABELS = f"{_S7}/20161215190548.WaterTankOnManu_Flooding.master-packet-labels.csv.xz"
S7_COMMANDS = f"{_S7}/single-command-attacks.tar.xz"
CHARACTERIZATION = f"{_CSET}/characterization_modbus_6RTU_with_operate"
MOVING = f"{_CSET}/moving_two_files_modbus_6RTU"
MODBUS_FILES = tuple(f"{name}{end}" for name in (CHARACTERIZATION, MOVING) for end in (".pcap.xz", "_labeled.csv.gz"))

GAP = 1.0
"""Seconds before an attack at which learning ends, where something benign lies between."""
_DNP3_PARTIES = frozenset(
    {"192.168.10.66", "00:10:18:cb:8c:13", "192.168.10.221", "00:18:64:02:2f:a6", "192.168.10.222", "00:18:64:02:30:fc"}
)
S7_PARTIES = frozenset({"10.10.10.66", "00:10:18:cb:8c:13", "10.10.10.10", "00:1b:1b:17:f8:82"})
_S7_ATTACKER = "10.10.10.66"


def share(names: tuple[str, ...], learn: float, begin: float = float("-inf")) -> Callable[[Shelf], list[Stage]]:
    """Benign traffic from ``begin`` (epoch seconds) on. The first ``learn`` of it teaches: a share, or seconds where over 1."""

    def build(shelf: Shelf) -> list[Stage]:
        stream = list(part(shelf.read(*names), begin))
        first, last = span(stream)
        return [Stage(stream, first + (learn if learn > 1 else learn * (last - first)))]

    return build


def dnp3_attacks(shelf: Shelf, file: str) -> tuple[Attack, ...]:
    """The labelled attacks of one DNP3 run."""
    return tuple(_dnp3(window) for window in shelf.windows("dnp3-qut2017", file))


def _dnp3(window: Window) -> Attack:
    if window.attack in {"nmap", "reconnaissance"}:
        kind, techniques = "noisy", SCAN | COMMAND
    elif "flooding" in window.attack:
        kind, techniques = "noisy", FLOOD | COMMAND | {"T1557", "T1557.002", "T0830"}
    else:
        kind, techniques = "OT command", COMMAND
    return Attack(window.attack, kind, window.onset, window.end, _DNP3_PARTIES, techniques, announced=True)


def dnp3_injection(shelf: Shelf) -> list[Stage]:
    """Learned on what comes before its first attack, 18 minutes."""
    attacks = dnp3_attacks(shelf, "injection_training_frequent")
    return [Stage(shelf.read(DNP3_INJECTION), attacks[0].onset - GAP, attacks)]


def dnp3_flooding(shelf: Shelf) -> list[Stage]:
    """Learned on the run without attack of the week before, 24 hours, and on what comes before the first attack."""
    attacks = dnp3_attacks(shelf, "flooding_training_infrequent")
    stream = chained([shelf.read(DNP3_CONTROL), shelf.read(DNP3_FLOODING)])
    return [Stage(stream, attacks[0].onset - GAP, attacks)]


def s7_benign(shelf: Shelf) -> Path:
    """Frames of the S7 bench between others than the attacker. The labels mark what the attacker sent, not the answers."""
    marked = marked_frames(shelf.path(S7_LABELS))
    # An answer follows its request: a conversation with the attacker is all attack.
    ends = _ends(shelf.path(S7_FLOODING))
    kept = {number for number, pair in enumerate(ends, 1) if number not in marked and _S7_ATTACKER not in pair}
    return shelf.frames(S7_FLOODING, kept.__contains__, "s7-benign")


def _ends(capture: Path) -> list[tuple[str, str]]:
    """IPv4 source and destination of each Ethernet frame, empty where there are none."""
    from hauberk.sense.capture.files import open_captures  # noqa: PLC0415 - needed here alone

    ends = []
    for block in open_captures([str(capture)]).blocks():
        for i in range(block.count):
            head = block.data[int(block.offset[i]) : int(block.offset[i]) + 34].tobytes()
            ip = head[12:14] == b"\x08\x00"
            ends.append((".".join(map(str, head[26:30])), ".".join(map(str, head[30:34]))) if ip else ("", ""))
    return ends


def s7_flooding(shelf: Shelf) -> list[Stage]:
    """Learned on the few frames of panel and controller that were kept of an hour earlier."""
    folder = shelf.unpack(S7_COMMANDS)
    before = min(folder.glob("*/*.hmi.pcap"))
    window = shelf.windows("s7-qut2017", "20161215190548.WaterTankOnManu_Flooding")[0]
    attack = Attack(window.attack, "noisy", window.onset, window.end, S7_PARTIES, FLOOD | COMMAND)
    return [Stage(chained([observe(before), shelf.read(S7_FLOODING)]), window.onset - GAP, (attack,))]


def s7_commands(shelf: Shelf, *, later: bool) -> list[tuple[Path, Attack]]:
    """Captures of single commands at the controller, those ``later`` than the benign traffic of the bench or those before."""
    found = []
    for labels in sorted(shelf.unpack(S7_COMMANDS).glob("*/*.master.csv")):
        if (labels.name[:14] > Path(S7_FLOODING).name[:14]) is later:
            capture = labels.with_suffix(".pcap")
            times = [frame_times(capture)[number - 1] for number in sorted(marked_frames(labels))]
            name = labels.name.split(".")[1]
            found.append((capture, Attack(name, "OT command", times[0], times[-1], S7_PARTIES, COMMAND)))
    return found


def s7_single(shelf: Shelf) -> list[Stage]:
    """Each command by itself, learned on 76 s of panel and controller hours earlier."""
    benign = s7_benign(shelf)
    return [
        Stage(chained([observe(benign), observe(capture)]), attack.onset - GAP, (attack,))
        for capture, attack in s7_commands(shelf, later=True)
    ]


def modbus_benign(shelf: Shelf, name: str) -> Path:
    """The frames of a Modbus capture that its labels call benign."""
    marked = marked_frames(shelf.path(f"{name}_labeled.csv.gz"))
    return shelf.frames(f"{name}.pcap.xz", lambda number: number not in marked, Path(name).name)


def modbus_attack(shelf: Shelf, name: str) -> Attack:
    """The labelled attack of a Modbus capture."""
    window = shelf.windows("modbus-cset2016", Path(name).name)[0]
    if name == CHARACTERIZATION:
        parties = frozenset({"192.168.1.101", "00:0c:29:f9:a8:75", "192.168.1.104", "00:0c:29:3c:11:3f"})
        return Attack(window.attack, "new master", window.onset, window.end, parties, SCAN | COMMAND)
    parties = frozenset({"192.168.1.104", "192.168.1.101", "192.168.1.103", "192.168.1.105", "192.168.1.100"})
    return Attack(window.attack, "stealthy", window.onset, window.end, parties, COVERT | LATERAL | {"T0848"})


def modbus_characterization(shelf: Shelf) -> list[Stage]:
    """Learned on the benign frames of the capture before it."""
    attack = modbus_attack(shelf, CHARACTERIZATION)
    stream = chained([observe(modbus_benign(shelf, MOVING)), shelf.read(f"{CHARACTERIZATION}.pcap.xz")])
    return [Stage(stream, attack.onset - 0.001, (attack,))]


def modbus_moving(shelf: Shelf) -> list[Stage]:
    """Learned on what comes before, 11 seconds."""
    attack = modbus_attack(shelf, MOVING)
    return [Stage(shelf.read(f"{MOVING}.pcap.xz"), attack.onset - 0.001, (attack,))]


def iot23_attacks(shelf: Shelf) -> tuple[Attack, ...]:
    """Command and control of 13 hours, and the scan within."""
    control, scan = shelf.windows("iot23-34-1", "conn.log.labeled")
    server, victim = "185.244.25.235", _iot23_scanned(shelf)
    return (
        Attack("C&C", "stealthy", control.onset, control.end, frozenset({"192.168.1.195", server}), CONTROL),
        Attack("horizontal scan", "noisy", scan.onset, scan.end, frozenset({"192.168.1.195", victim}), SCAN | FLOOD),
    )


def _iot23_scanned(shelf: Shelf) -> str:
    return next(line.split("\t")[4] for line in text(shelf.path(IOT23)) if "PartOfAHorizontalPortScan" in line)


def iot23(shelf: Shelf) -> list[Stage]:
    """Learned on the flows before the first malicious one, 5 minutes."""
    attacks = iot23_attacks(shelf)
    return [Stage(shelf.read(IOT23), attacks[0].onset - 0.001, attacks)]
