"""Where a device stands in the traffic: before others, or among them."""

from __future__ import annotations

from collections.abc import Iterator

from hauberk.inventory.clues.interface import Clue, Dossier

_FEW = 3


def clues(dossier: Dossier) -> Iterator[Clue]:
    """What its place says."""
    if dossier.router:
        yield Clue("It carries conversations of hosts that lie behind it.", {"router": 0.8})
        if "dhcp" in dossier.server_of and "dns" in dossier.server_of:
            yield Clue("It forwards, gives addresses and answers names, as home routers do.", {"router": 0.9})
    elif dossier.clients >= _FEW and "dns" in dossier.server_of:
        yield Clue(f"About {dossier.clients} hosts ask it for names.", {"name_server": 0.5, "router": 0.3})
