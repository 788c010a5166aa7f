"""The table of scenarios: everything the detection benchmark runs, and what it cannot."""

from __future__ import annotations

from detection_captured import (
    CHARACTERIZATION,
    DNP3_CONTROL,
    DNP3_FLOODING,
    DNP3_INJECTION,
    IOT23,
    MODBUS_FILES,
    MOVING,
    S7_COMMANDS,
    S7_FLOODING,
    S7_LABELS,
    dnp3_flooding,
    dnp3_injection,
    iot23,
    modbus_characterization,
    modbus_moving,
    s7_flooding,
    s7_single,
    share,
)
from detection_spliced import HOME, IN_HOME, MQTT, MQTT_BENIGN, home, mqtt
from detection_spliced import dnp3_injection as dnp3_injection_spliced
from detection_spliced import modbus_moving as modbus_moving_spliced
from detection_spliced import s7_single as s7_single_spliced
from detection_stage import Scenario
from detection_synthetic import ATTACKS, synthetic

WINDOWS = "labelled/attack_windows.csv"
_OTHER = "captures/ics-misc"
_IOT23_BENIGN = tuple(f"labelled/iot23/benign-b3{part}.conn.log.gz" for part in "abc")
_TWO_DAYS = 2 * 86_400.0


def _benign(
    name: str, group: str, files: tuple[str, ...], learn: float = 0.5, begin: float = float("-inf"), *, quick: bool = False
) -> Scenario:
    training = f"first {learn / 86_400:.0f} days" if learn > 1 else f"first {learn:.0%}"
    return Scenario(name, "benign", training, share(files, learn, begin), files, group, quick)


BENIGN = (
    _benign("home, 4 devices, 7 days", "home", HOME, _TWO_DAYS, quick=True),
    _benign("iot23 benign b1, 22 h (flows)", "home", ("labelled/iot23/benign-b1.conn.log.gz",), begin=1_540_469_000, quick=True),
    _benign("iot23 benign b3, 37 h (flows)", "home", _IOT23_BENIGN, quick=True),
    _benign("thermostat cloud log, 1.9 h", "home", ("captures/parser-ndpi/nest_log_sink.pcap",), quick=True),
    _benign("MQTT sensors, 46 min", "bench", (MQTT_BENIGN,), quick=True),
    _benign("DNP3 and GOOSE bench, 24 h", "bench", (DNP3_CONTROL,)),
    _benign("S7-400 production, 2.2 h", "bench", (f"{_OTHER}/s7/wincc_s400_production.pcapng.xz",), quick=True),
    _benign("iFix client, 21 h", "bench", (f"{_OTHER}/other/iFix_Client86.pcap.xz",), quick=True),
)

REAL = (
    Scenario("DNP3 injection", "real", "18 min before", dnp3_injection, (DNP3_INJECTION, WINDOWS)),
    Scenario("DNP3 flooding", "real", "24 h of the week before", dnp3_flooding, (DNP3_CONTROL, DNP3_FLOODING, WINDOWS)),
    Scenario(
        "S7 write flooding", "real", "40 frames, an hour before", s7_flooding, (S7_FLOODING, S7_COMMANDS, WINDOWS), quick=True
    ),
    Scenario("S7 single commands", "real", "76 s, hours before", s7_single, (S7_FLOODING, S7_LABELS, S7_COMMANDS), quick=True),
    Scenario(
        "Modbus characterization",
        "real",
        "3 min, 40 min before",
        modbus_characterization,
        (*MODBUS_FILES, WINDOWS),
        quick=True,
    ),
    Scenario("Modbus moving two files", "real", "11 s before", modbus_moving, (*MODBUS_FILES, WINDOWS), quick=True),
    Scenario("IoT-23 34-1 (flows)", "real", "5 min before", iot23, (IOT23, WINDOWS), quick=True),
    Scenario(
        "Modbus covert channel (channel_4d_9s)",
        "real",
        "-",
        skip="the channel runs from the first packet to the last, and no benign traffic of its bench is at hand",
    ),
    Scenario("slips test2, test5 (Argus binetflow)", "real", "-", skip="Hauberk does not read Argus flows"),
    Scenario("mms-iec104-but, ton-iot, batadal", "real", "-", skip="tables of messages or readings, not traffic"),
)

SPLICED = (
    *(
        Scenario(splice.name, "spliced", "27 min of MQTT sensors", mqtt(splice), (MQTT_BENIGN, splice.recording), quick=True)
        for splice in MQTT
    ),
    *(
        Scenario(
            splice.name,
            "spliced",
            "2 days of a home",
            home(splice),
            (*HOME, splice.recording, WINDOWS),
            quick=splice.name.startswith("beacon"),
        )
        for splice in IN_HOME
    ),
    Scenario(
        "DNP3 injection", "spliced", "24 h of the week after", dnp3_injection_spliced, (DNP3_CONTROL, DNP3_INJECTION, WINDOWS)
    ),
    Scenario("S7 single commands", "spliced", "76 s recorded later", s7_single_spliced, (S7_FLOODING, S7_LABELS, S7_COMMANDS)),
    Scenario("Modbus moving two files", "spliced", "benign frames of 6 min", modbus_moving_spliced, (*MODBUS_FILES, WINDOWS)),
)

SYNTHETIC = tuple(
    Scenario(name, "synthetic", "6 h generated", synthetic(place), quick=place in {0, 6, 9})
    for place, (name, *_) in enumerate(ATTACKS)
)

SCENARIOS = (*BENIGN, *REAL, *SPLICED, *SYNTHETIC)

__all__ = ["BENIGN", "CHARACTERIZATION", "MOVING", "REAL", "SCENARIOS", "SPLICED", "SYNTHETIC"]
