"""Finds every dissector in this folder: adding a protocol touches its own file only."""

from __future__ import annotations

import importlib
import pkgutil
from functools import lru_cache

import hauberk.sense.dissect as package
from hauberk.sense.dissect.interface import Dissector


@lru_cache(maxsize=1)
def dissectors() -> tuple[Dissector, ...]:
    """Every registered dissector, by module name and then in the order of its module."""
    rows: list[Dissector] = []
    for module in sorted(info.name for info in pkgutil.iter_modules(package.__path__)):
        rows.extend(getattr(importlib.import_module(f"{package.__name__}.{module}"), "DISSECTORS", ()))
    return tuple(rows)
