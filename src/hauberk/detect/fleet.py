"""What detection must know of devices; the inventory provides it."""

from __future__ import annotations

from typing import Protocol

from hauberk.model.ids import DeviceId


class Fleet(Protocol):
    """Answers about addresses. ``address`` is an IP address, or the MAC address of a device without IP, as text."""

    def device(self, address: str) -> DeviceId | None:
        """The record that holds the address; None for a peer that is no device of ours (behind a router, or unknown)."""
        ...

    def kind(self, address: str) -> str | None:
        """The kind of that device, where known."""
        ...

    def is_local(self, address: str) -> bool:
        """True for an address on the observed networks."""
        ...

    def is_infrastructure(self, address: str) -> bool:
        """True for routers, name servers, time servers and the like, which talk to everybody by trade."""
        ...
