"""What the device says outright of its vendor and kind, in identity messages of protocols."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hauberk.inventory.clues.interface import Clue, Dossier
from hauberk.inventory.clues.makers import short_name
from hauberk.inventory.kinds import KINDS
from hauberk.model.hint import HintKey

_ALSO = {
    "motor_protection": "drive",
    "motor_starter": "drive",
    "motion_controller": "drive",
    "remote_io": "field_device",
    "safety_io": "field_device",
    "communications_adapter": "gateway",
    "flow_controller": "field_device",
    "valve": "field_device",
    "process_instrument": "field_device",
    "relay": "ied",
    "protection_relay": "ied",
    "outstation": "rtu",
    "operator_panel": "hmi",
    "io_controller": "plc",
    "io_device": "field_device",
    "workstation": "computer",
    "nas": "storage",
    "bridge": "hub",
    "bulb": "light",
    "plug": "smart_plug",
    "outlet": "smart_plug",
}

_SYSTEMS: tuple[tuple[str, dict[str, float]], ...] = (
    ("windows server", {"server": 0.7}),
    ("windows ce", {"hmi": 0.5}),
    ("windows", {"computer": 0.55}),
    ("android", {"phone": 0.4}),
    ("ios", {"phone": 0.6}),
    ("mac os", {"computer": 0.7}),
    ("macos", {"computer": 0.7}),
    ("vxworks", {"plc": 0.2, "field_device": 0.2}),
    ("linux", {"iot_device": 0.1, "computer": 0.1}),
)

_NUMBERED = re.compile(r"\w+ vendor \d+", re.IGNORECASE)
"""Vendors of whom only the number in a protocol's registry is known."""


def clues(dossier: Dossier) -> Iterator[Clue]:
    """What it declares."""
    for value, protocol in dossier.stated.get(HintKey.KIND, ()):
        kind = _ALSO.get(value, value)
        if kind in KINDS:
            yield Clue(f"It says by {protocol} that it is a {value.replace('_', ' ')}.", {kind: 0.9})
    for value, protocol in dossier.stated.get(HintKey.VENDOR, ()):
        if not _NUMBERED.fullmatch(value):
            yield Clue(f"It says by {protocol} that {value} made it.", {}, short_name(value), 0.9)
    for value, _ in dossier.stated.get(HintKey.OPERATING_SYSTEM, ()):
        plain = value.casefold()
        for fragment, kinds in _SYSTEMS:
            if plain.startswith(fragment):
                yield Clue(f"It runs {value}.", kinds)
                break
