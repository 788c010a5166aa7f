"""What it sends below IP."""

from __future__ import annotations

from collections.abc import Iterator

from hauberk.inventory.clues.interface import Clue, Dossier

_FRAMES: dict[str, tuple[str, dict[str, float]]] = {
    "goose": ("It publishes GOOSE messages (IEC 61850-8-1).", {"ied": 0.8}),
    "sampled_values": ("It publishes sampled values (IEC 61850-9-2), as merging units do.", {"ied": 0.75}),
    "profinet": ("It speaks PROFINET on the link.", {"plc": 0.25, "field_device": 0.3}),
    "ethercat": ("It speaks EtherCAT.", {"plc": 0.45, "field_device": 0.2}),
    "powerlink": ("It speaks POWERLINK.", {"plc": 0.35, "drive": 0.2}),
    "mrp": ("It takes part in a media redundancy ring (IEC 62439-2).", {"switch": 0.35}),
    "dlr": ("It takes part in a device level ring.", {"field_device": 0.3, "plc": 0.2}),
    "lacp": ("It bundles links.", {"switch": 0.5, "server": 0.1}),
    "loopback": ("It tests its links with loopback frames, as switches do.", {"switch": 0.5}),
    "cdp": ("It announces itself with Cisco's discovery protocol.", {"switch": 0.5, "router": 0.25}),
    "ptp": ("It keeps time by IEEE 1588 on the link.", {"switch": 0.15, "ied": 0.1}),
    "homeplug": ("It speaks HomePlug power line networking.", {"access_point": 0.3}),
}


def clues(dossier: Dossier) -> Iterator[Clue]:
    """What its frames without IP say."""
    for name in sorted(dossier.frames):
        row = _FRAMES.get(name)
        if row is not None:
            yield Clue(row[0], row[1])
    if "llc" in dossier.frames and not dossier.client_of | dossier.server_of:
        yield Clue("It sends only link management frames such as those of the spanning tree.", {"switch": 0.55})
