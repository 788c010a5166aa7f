"""How much of one message a dissector may read: every bound has a name and a unit."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds every dissector keeps, whatever the wire says."""

    message_bytes: int = 1 << 20
    """Largest application message that is buffered, in bytes."""
    messages: int = 512
    """Most messages taken from one protocol data unit."""
    items: int = 64
    """Most values, names or objects kept of one message; the rest is read over."""
    depth: int = 16
    """Deepest nesting followed."""
    text: int = 512
    """Longest text kept, in characters; longer text is cut."""
    pending: int = 256
    """Most unanswered requests remembered per conversation."""


DEFAULT_LIMITS = Limits()
