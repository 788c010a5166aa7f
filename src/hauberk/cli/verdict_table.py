"""What is said of verdicts: how many findings they kept back, and what a baseline holds of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hauberk.cli.complaint import say

_WORDS = {"learn": "to be learned", "benign": "benign", "false": "false alarms", "true": "true"}


def suppressed_words(suppressed: Mapping[Any, int]) -> str:
    """How many findings of which detectors were kept back."""
    parts = ", ".join(f"{name} {count:,}" for name, count in sorted(suppressed.items(), key=lambda pair: (-pair[1], pair[0])))
    return f"{sum(suppressed.values()):,} by verdicts ({parts})"


def say_suppressed(suppressed: Mapping[Any, int]) -> None:
    """Say it on standard error, where there are any."""
    if suppressed:
        say(f"Suppressed: {suppressed_words(suppressed)}; 'hauberk baseline verdicts FILE' lists the verdicts.")


def verdict_rows(head: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Rows on verdicts for ``hauberk baseline show``; none where nobody gave any."""
    if not head["verdicts"]:
        return []
    words = ", ".join(f"{count:,} {_WORDS[verdict]}" for verdict, count in head["verdicts"].items())
    rows = [("Verdicts", f"{words}; {head['suppressed']:,} findings suppressed")]
    if head["erring"]:
        rows.append(("Detectors that erred", ", ".join(f"{name} {count:,}" for name, count in head["erring"].items())))
    return rows
