"""Techniques of ATT&CK: nothing dead, renamed or unknown is suggested."""

from __future__ import annotations

import json
import lzma
from pathlib import Path
from typing import Any

import pytest

from hauberk.detect import attack
from hauberk.detect.attack import ATTACK_VERSION
from hauberk.detect.detectors.registry import detectors
from hauberk.detect.incidents.next_steps import STEPS
from hauberk.detect.tactics import ENTERPRISE, ICS, TACTIC, TACTICS, stage_of, tactics_of
from hauberk.model.finding import Finding, Severity, Technique
from hauberk.model.ids import DetectorId

NAMED = [value for value in vars(attack).values() if isinstance(value, Technique)]
USED = sorted(
    {*NAMED, *STEPS, *(technique for detector in detectors() for technique in detector.techniques)},
    key=lambda technique: (technique.matrix, technique.id),
)


@pytest.mark.parametrize("technique", USED, ids=lambda technique: f"{technique.matrix}-{technique.id}")
def test_every_technique_in_use_is_in_the_table(technique: Technique) -> None:
    """With the name the table has, and with a tactic."""
    table = {"ics": ICS, "enterprise": ENTERPRISE}[technique.matrix]
    assert technique.id in table
    assert table[technique.id][0] == technique.name
    assert tactics_of(technique)


@pytest.fixture(scope="module")
def ics(data: Path) -> list[dict[str, Any]]:
    """The objects of ATT&CK for control systems as MITRE publishes them."""
    with lzma.open(data / "attack" / "ics-attack.json.xz") as file:
        objects: list[dict[str, Any]] = json.load(file)["objects"]
    return objects


def test_the_table_is_the_published_matrix(ics: list[dict[str, Any]]) -> None:
    """Identifiers, names and tactics; nothing revoked or deprecated, nothing left out."""
    collection = next(entry for entry in ics if entry["type"] == "x-mitre-collection")
    assert collection["x_mitre_version"] == ATTACK_VERSION
    names = {entry["x_mitre_shortname"]: entry["name"] for entry in ics if entry["type"] == "x-mitre-tactic"}
    published = {
        entry["external_references"][0]["external_id"]: (
            entry["name"],
            {names[phase["phase_name"]] for phase in entry["kill_chain_phases"]},
        )
        for entry in ics
        if entry["type"] == "attack-pattern" and not entry.get("revoked") and not entry.get("x_mitre_deprecated")
    }
    assert {key: (name, {tactic.name for tactic in tactics}) for key, (name, tactics) in ICS.items()} == published


def test_tactics_have_the_published_identifiers(ics: list[dict[str, Any]]) -> None:
    """Of the matrix for control systems; those of Enterprise are TA0001 to TA0011, TA0040 and TA0043."""
    published = {
        entry["name"]: entry["external_references"][0]["external_id"] for entry in ics if entry["type"] == "x-mitre-tactic"
    }
    assert {tactic.name: tactic.identifier("ics") for tactic in TACTICS if tactic.ics} == published
    ours = [int(tactic.enterprise[2:]) for tactic in TACTICS if tactic.enterprise]
    assert sorted(ours) == [*range(1, 12), 40, 43]


def test_tactics_are_in_order() -> None:
    """By rank, each name once."""
    assert [tactic.rank for tactic in TACTICS] == sorted(tactic.rank for tactic in TACTICS)
    assert len(TACTIC) == len(TACTICS)


def _finding(*techniques: Technique) -> Finding:
    return Finding(DetectorId("x"), "X", Severity.HIGH, 7.0, None, ("10.0.0.1",), 0.0, 0.0, (), "", techniques)


def test_a_stage_depends_on_whether_the_intruder_is_inside() -> None:
    """Remote services are a way in at first, and a way on later; what is unknown is no stage."""
    first = stage_of(_finding(attack.REMOTE_SERVICES))
    later = stage_of(_finding(attack.REMOTE_SERVICES), inside=True)
    assert first is TACTIC["Initial Access"]
    assert later is TACTIC["Lateral Movement"]
    assert stage_of(_finding(attack.ROGUE_MASTER, attack.UNAUTHORIZED_COMMAND), inside=True) is TACTIC["Impair Process Control"]
    assert stage_of(_finding(attack.HARDWARE_ADDITIONS), inside=True) is TACTIC["Initial Access"]
    assert stage_of(_finding(Technique("T9999", "Nothing", "ics"))) is None
