"""Bounds of the inventory: what it may hold, so that no sender can fill the memory."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class InventoryLimits:
    """Most of everything the inventory keeps."""

    bindings: int = 1 << 18
    """Most pairs of hardware and network address held at once; beyond it the longest silent ones that nobody claimed go."""
    networks: int = 4096
    """Most pairs of networks that were seen to resolve addresses of one another."""
    subjects: int = 1 << 16
    """Most addresses about which statements are kept."""
    statements: int = 192
    """Most different statements kept about one address."""
    values: int = 48
    """Most different values of one kind of statement about one address."""
    text: int = 200
    """Most characters kept of one value."""
    links: int = 1 << 15
    """Most statements kept that tie two addresses to one host."""
    aliases: int = 8
    """Most network addresses believed to be one interface's own where it claimed none of them."""
    reassign_seconds: float = 60.0
    """Seconds of silence after which an address that appears at another interface was given away, not stolen."""
    settle_seconds: float = 1.0
    """Seconds of traffic between two resolutions, while few new bindings appear."""


DEFAULT_LIMITS = InventoryLimits()
"""Fits a site of 10,000 devices in about 64 MB."""
