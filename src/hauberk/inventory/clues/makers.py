"""Who registered the hardware address (IEEE), and what that maker usually builds.

Makers of radio modules and network chips say little of the product around them: their rows carry no kinds beyond a connected thing.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from hauberk.inventory.clues.interface import Clue, Dossier
from hauberk.inventory.clues.maker_table import MODULES, PRODUCTS


def weights(text: str) -> dict[str, float]:
    """Kinds with their weights, from their short form ``kind:.5 kind:.2``."""
    return {kind: float(weight) for kind, weight in (part.split(":") for part in text.split())}


@lru_cache(maxsize=4096)
def _clue(maker: str) -> Clue:
    plain = maker.casefold()
    for fragment, vendor, kinds, weight in PRODUCTS:
        at = plain.find(fragment)
        if at == 0 or (at > 0 and not plain[at - 1].isalnum()):
            return Clue(f"Its network interface was made by {maker}.", weights(kinds), vendor, weight * 0.75)
    for fragment, vendor in MODULES:
        if plain.startswith(fragment):
            name = vendor or maker
            return Clue(
                f"Its network module was made by {maker}, which builds into others' products.", {"iot_device": 0.25}, name, 0.15
            )
    return Clue(f"Its network interface was made by {maker}.", {}, short_name(maker), 0.5)


_LEGAL = frozenset(
    {
        "inc",
        "ltd",
        "limited",
        "llc",
        "corp",
        "corporation",
        "co",
        "company",
        "gmbh",
        "ag",
        "sa",
        "srl",
        "spa",
        "bv",
        "nv",
        "ab",
        "as",
        "oy",
        "kg",
        "plc",
        "pty",
        "pvt",
        "technology",
        "technologies",
        "electronics",
        "international",
        "communications",
        "systems",
        "networks",
        "intl",
    }
)


def short_name(maker: str) -> str:
    """A maker's name without the words that say what kind of company it is."""
    words = maker.replace(",", " ").replace("(", " ").replace(")", " ").split()
    kept = [word for word in words if word.replace(".", "").casefold() not in _LEGAL]
    name = " ".join(kept or words).strip(" .")
    return name.title() if name.isupper() and len(name) > 4 else name


def clues(dossier: Dossier) -> Iterator[Clue]:
    """What the registry says of the device's interfaces."""
    for maker in dossier.makers:
        yield _clue(maker)
    if dossier.random_mac:
        yield Clue(
            "Its hardware address is a random one, as phones and virtual machines use.", {"phone": 0.15, "virtual_machine": 0.15}
        )
