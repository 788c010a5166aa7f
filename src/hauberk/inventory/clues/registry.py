"""Finds every clue module in this folder: adding a type of evidence touches its own file only."""

from __future__ import annotations

import importlib
import pkgutil
from functools import lru_cache

import hauberk.inventory.clues as package
from hauberk.inventory.clues.interface import ClueModule


@lru_cache(maxsize=1)
def clue_modules() -> tuple[tuple[str, ClueModule], ...]:
    """Name and function of every clue module, by name."""
    found: list[tuple[str, ClueModule]] = []
    for name in sorted(info.name for info in pkgutil.iter_modules(package.__path__)):
        function = getattr(importlib.import_module(f"{package.__name__}.{name}"), "clues", None)
        if function is not None:
            found.append((name, function))
    return tuple(found)
