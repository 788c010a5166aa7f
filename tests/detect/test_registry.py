"""Every detector is complete, and its techniques are those of ATT&CK."""

from __future__ import annotations

import json
import lzma
from pathlib import Path
from typing import Any

import pytest

from hauberk.detect import attack
from hauberk.detect.detectors.registry import detectors
from hauberk.detect.engine import DetectorSetting
from hauberk.errors import SettingError
from hauberk.model.finding import Technique

IDS = {
    *(
        "address_scan",
        "arp_scan",
        "cleartext_credentials",
        "excessive_logins",
        "excessive_sessions",
        "flood",
        "internet_exposed_ot",
    ),
    *(
        "ip_mac_conflict",
        "malformed_messages",
        "new_device",
        "new_ot_master",
        "new_write",
        "ot_error_burst",
        "ot_scan",
        "port_scan",
    ),
    *("goose_sequence", "new_goose_publisher", "new_ot_read_range", "new_ot_reporter", "new_ot_request", "new_ot_write_target"),
    *("ot_master_card", "role_flip"),
}


BRING_THEIR_OWN = {"sigma_rule", "mud_violation"}
"""Detectors whose techniques depend on the rule or file that is broken."""


def test_every_detector_is_registered_and_says_what_it_does() -> None:
    """Ids are unique and stable; every parameter has a unit and a meaning."""
    rows = detectors()
    assert len(rows) == len({row.id for row in rows})
    assert {row.id for row in rows} >= IDS
    for row in rows:
        assert row.title
        assert row.description
        assert row.techniques or row.id in BRING_THEIR_OWN
        assert all(parameter.unit and parameter.meaning and parameter.default > 0 for parameter in row.parameters.values())


def test_settings_switch_and_tune_detectors(traffic: Any, engine: Any) -> None:
    """A detector that is off says nothing; a higher threshold says less."""
    for port in range(20, 40):
        traffic.flow(100 + port, "10.0.0.66", "10.0.1.1", port)
    (batch,) = traffic.batches()
    assert engine({}).observe(batch)
    assert not engine({"port_scan": DetectorSetting(enabled=False)}).observe(batch)
    assert not engine({"port_scan": DetectorSetting(parameters={"threshold": 21})}).observe(batch)


@pytest.mark.parametrize("settings", [{"no_such": DetectorSetting()}, {"flood": DetectorSetting(parameters={"no_such": 1.0})}])
def test_unknown_detectors_and_parameters_are_refused(settings: dict[str, DetectorSetting], engine: Any) -> None:
    """A slip of the pen must not silently do nothing."""
    with pytest.raises(SettingError, match="no_such"):
        engine(settings)


def test_techniques_of_the_ics_matrix_exist(data: Path) -> None:
    """Each is in the published bundle under that name, neither revoked nor deprecated."""
    with lzma.open(data / "attack" / "ics-attack.json.xz") as file:
        objects = json.load(file)["objects"]
    known = {
        reference["external_id"]: entry["name"]
        for entry in objects
        if entry["type"] == "attack-pattern" and not entry.get("revoked") and not entry.get("x_mitre_deprecated")
        for reference in entry["external_references"]
        if reference["source_name"] == "mitre-attack"
    }
    named = [value for value in vars(attack).values() if isinstance(value, Technique) and value.matrix == "ics"]
    assert named
    assert {technique.id: known.get(technique.id) for technique in named} == {technique.id: technique.name for technique in named}
