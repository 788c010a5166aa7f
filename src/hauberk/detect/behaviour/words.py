"""Sentences about behaviour, made from numbers."""

from __future__ import annotations

from hauberk.detect.features.metrics import METRICS, M
from hauberk.model.finding import Band, Evidence


def amount(value: float, unit: str) -> str:
    """A number with its unit as a person reads it."""
    if unit == "B":
        for name in ("B", "kB", "MB", "GB"):
            if value < 1000 or name == "GB":
                return f"{value:.0f} {name}" if name == "B" else f"{value:.1f} {name}"
            value /= 1000
    text = f"{value:,.0f}" if value >= 10 or float(value).is_integer() else f"{value:.1f}"
    return f"{text} {unit}".strip() if unit != "%" else f"{text} %"


def length(seconds: float) -> str:
    """The length of a window."""
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def usual(band: Band | None, unit: str) -> str:
    """What is usual, in words."""
    if band is None:
        return "unknown"
    if band.high <= 0:
        return "none"
    if band.low == band.high:
        return amount(band.middle, unit)
    return f"{amount(band.low, '' if unit == 'B' and band.low == 0 else unit)} to {amount(band.high, unit)}"


def sentence(address: str, evidence: Evidence, metric: M, seconds: float, kind: str | None) -> str:
    """One measure of one window, beside what is usual."""
    unit = METRICS[metric].unit
    seen = evidence.seen if isinstance(evidence.seen, float) else 0.0
    said = (
        f"{address}: {amount(seen, unit)} {METRICS[metric].phrase.removeprefix('bytes ')} within {length(seconds)};"
        f" usual for it: {usual(evidence.usual, unit)}, from {evidence.samples:,} such windows"
    )
    if kind is not None and evidence.usual_of_kind is not None:
        said += f"; for devices of kind {kind}: {usual(evidence.usual_of_kind, unit)}"
    return said + "."
