"""Finds every detector in this folder: adding one touches its own file only."""

from __future__ import annotations

import importlib
import pkgutil
from functools import lru_cache

import hauberk.detect.detectors as package
from hauberk.detect.detectors.interface import Detector


@lru_cache(maxsize=1)
def detectors() -> tuple[Detector, ...]:
    """Every registered detector, by id."""
    rows: list[Detector] = []
    for module in sorted(info.name for info in pkgutil.iter_modules(package.__path__)):
        rows.extend(getattr(importlib.import_module(f"{package.__name__}.{module}"), "DETECTORS", ()))
    return tuple(sorted(rows, key=lambda row: row.id))
