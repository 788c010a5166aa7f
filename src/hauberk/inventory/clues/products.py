"""Product designations: in host names, models, announced device types, serial numbers, client identifiers and user agents.

Rows are patterns of how makers name their products; the longest match in a text is the model. General knowledge of the market.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from hauberk.inventory.clues import product_home, product_office, product_plant
from hauberk.inventory.clues.interface import Clue, Dossier
from hauberk.inventory.clues.makers import weights
from hauberk.model.hint import HintKey

_PATTERNS = tuple(
    (re.compile(pattern, re.IGNORECASE), vendor, weights(kinds), is_model)
    for rows in (product_home.ROWS, product_office.ROWS, product_plant.ROWS)
    for pattern, vendor, kinds, is_model in rows
)

_SOURCES: tuple[tuple[HintKey, float, str], ...] = (
    (HintKey.MODEL, 1.0, "Its model is given as"),
    (HintKey.HOSTNAME, 0.92, "Its host name is"),
    (HintKey.SERVICE, 0.92, "It announces"),
    (HintKey.SERIAL, 0.9, "Its serial number or unique name is"),
    (HintKey.CLIENT_ID, 0.85, "Its MQTT client identifier is"),
    (HintKey.CERTIFICATE, 0.7, "Its certificate names"),
    (HintKey.BANNER, 0.9, "Its software calls itself"),
    (HintKey.USER_AGENT, 0.8, "Its user agent is"),
    (HintKey.DHCP_VENDOR_CLASS, 0.85, "Its DHCP vendor class is"),
    (HintKey.DEVICE_URL, 0.7, "It describes itself at"),
)

_STATED_MODEL = 0.95
_MOST_VALUES = 12


@lru_cache(maxsize=8192)
def match(text: str) -> tuple[tuple[str, str, tuple[tuple[str, float], ...], bool], ...]:
    """Every designation found in the text: what matched, vendor, kinds with weights, whether what matched names a model."""
    found = []
    for pattern, vendor, kinds, is_model in _PATTERNS:
        hit = pattern.search(text)
        if hit is not None:
            shown = next((group for group in hit.groups() if group), hit.group(0))
            shown = shown.strip(" -_.:,;")
            # Names are often written small; designations with numbers are printed in capitals.
            designation = shown.upper() if shown.islower() and any(letter.isdigit() for letter in shown) else shown
            found.append((designation, vendor, tuple(kinds.items()), is_model))
    return tuple(found)


def _plain(value: str) -> str:
    return value if len(value) <= 60 else value[:57] + "..."


def clues(dossier: Dossier) -> Iterator[Clue]:
    """What names and designations say."""
    for key, trust, words in _SOURCES:
        for value in dossier.values(key)[:_MOST_VALUES]:
            reason = f"{words} {_plain(value)}."
            hits = match(value)
            for shown, vendor, kinds, is_model in hits:
                model = shown if is_model and key is not HintKey.MODEL else None
                scaled = {kind: weight * trust for kind, weight in kinds}
                yield Clue(reason, scaled, vendor or None, 0.85 * trust if vendor else 0.0, model, 0.8 * trust if model else 0.0)
            if key is HintKey.MODEL:
                yield Clue(reason, {}, None, 0.0, value, _STATED_MODEL)
