"""Weighs clues into one identity: kind, vendor, model, and how sure.

Clues of one type of evidence are not independent: per type only the strongest counts. Types are combined as independent causes
(noisy-or), and kinds that compete reduce the confidence of the best. Must never be surer than its cap, and says nothing below its
floor.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from hauberk.inventory.clues.interface import Clue, Dossier
from hauberk.inventory.clues.registry import clue_modules
from hauberk.inventory.kinds import FAMILIES, GENERIC, KINDS
from hauberk.model.hint import HintKey

_CAP = 0.98
_FLOOR = 0.2
_RIVAL, _RELATIVE, _GENERIC_RIVAL = 0.6, 0.35, 0.1
"""How much a competing kind's score takes from the best: of another family, of the same, and of a kind that says little."""
_NARROW = 0.3
"""Score of a narrow kind from which it is preferred to one that says little."""
_MOST_REASONS = 8


@dataclass(frozen=True, slots=True)
class Identity:
    """What a device is taken for. ``confidence`` (0 to 1) is that of kind and model."""

    kind: str | None = None
    vendor: str | None = None
    model: str | None = None
    firmware: str | None = None
    confidence: float = 0.0
    reasons: tuple[str, ...] = ()


def identify(dossier: Dossier) -> Identity:
    """The identity that all clue modules together speak for."""
    clues = [(module, clue) for module, function in clue_modules() for clue in function(dossier)]
    kind, confidence = _kind(_scores(clues))
    vendor = _best_text([(clue.vendor, clue.vendor_weight, module) for module, clue in clues])
    model, model_weight = _model(clues)
    if kind is None and model is not None:
        confidence = 0.5 * model_weight
    firmware = next(iter(dossier.values(HintKey.FIRMWARE)), None)
    return Identity(kind, vendor, model, firmware, confidence, _reasons(clues, kind, vendor, model))


def _scores(clues: list[tuple[str, Clue]]) -> dict[str, float]:
    strongest: dict[tuple[str, str], float] = defaultdict(float)
    for module, clue in clues:
        for kind, weight in clue.kinds.items():
            strongest[kind, module] = max(strongest[kind, module], weight)
    doubt: dict[str, float] = defaultdict(lambda: 1.0)
    for (kind, _), weight in sorted(strongest.items()):
        doubt[kind] *= 1.0 - weight
    return {kind: min(_CAP, 1.0 - rest) for kind, rest in doubt.items() if kind in KINDS}


def _kind(scores: dict[str, float]) -> tuple[str | None, float]:
    if not scores:
        return None, 0.0
    narrow = max((score for kind, score in scores.items() if kind not in GENERIC), default=0.0)
    handicap = 0.5 if narrow >= _NARROW else 0.9
    best = max(scores, key=lambda kind: (scores[kind] * (handicap if kind in GENERIC else 1.0), kind))
    against = 0.0
    for kind, score in scores.items():
        if kind == best:
            continue
        share = _GENERIC_RIVAL if kind in GENERIC else _RELATIVE if any({kind, best} <= family for family in FAMILIES) else _RIVAL
        against = max(against, share * score)
    confidence = round(scores[best] * (1.0 - against), 3)
    return (best, confidence) if confidence >= _FLOOR else (None, 0.0)


def _best_text(said: list[tuple[str | None, float, str]]) -> str | None:
    """The text most of the evidence speaks for, whatever its case."""
    strongest: dict[tuple[str, str], float] = defaultdict(float)
    shown: dict[str, tuple[float, str]] = {}
    for text, weight, module in said:
        if text:
            plain = text.casefold()
            strongest[plain, module] = max(strongest[plain, module], weight)
            shown[plain] = max(shown.get(plain, (0.0, "")), (weight, text))
    doubt: dict[str, float] = defaultdict(lambda: 1.0)
    for (plain, _), weight in strongest.items():
        doubt[plain] *= 1.0 - min(weight, 0.99)
    if not doubt:
        return None
    return shown[min(doubt, key=lambda plain: (round(doubt[plain], 9), plain))][1]


def _model(clues: list[tuple[str, Clue]]) -> tuple[str | None, float]:
    best: tuple[float, int, str] | None = None
    for _, clue in clues:
        if clue.model:
            candidate = (clue.model_weight, len(clue.model), clue.model)
            best = candidate if best is None else max(best, candidate)
    return (None, 0.0) if best is None else (best[2], best[0])


def _reasons(clues: list[tuple[str, Clue]], kind: str | None, vendor: str | None, model: str | None) -> tuple[str, ...]:
    weighted: dict[str, float] = {}
    for _, clue in clues:
        weight = max(
            clue.kinds.get(kind, 0.0) if kind else 0.0,
            clue.vendor_weight if vendor and clue.vendor and clue.vendor.casefold() == vendor.casefold() else 0.0,
            clue.model_weight if model and clue.model == model else 0.0,
        )
        if weight:
            weighted[clue.reason] = max(weighted.get(clue.reason, 0.0), weight)
    return tuple(sorted(weighted, key=lambda reason: (-weighted[reason], reason))[:_MOST_REASONS])
