"""MUD files that the owner gave, by the devices they are for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hauberk.detect.fleet import Fleet
from hauberk.detect.mud import Policy


@dataclass(frozen=True, slots=True)
class MudPolicies:
    """Compiled files by device: its id, hardware or network address, or its kind, tried in this order."""

    by_device: Mapping[str, Policy] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.by_device)

    def of(self, mac: str, address: str, fleet: Fleet) -> Policy | None:
        """The policy of the device at ``address`` behind the card ``mac`` (empty where none was seen)."""
        for name in (fleet.device(address), mac, address, fleet.kind(address)):
            found = self.by_device.get(name) if name else None
            if found is not None:
                return found
        return None


class FleetSite:
    """The network as a fleet knows it, which is not who made what: conditions on makers hold for every local device. Satisfies
    ``Surroundings``."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet

    def is_local(self, address: str) -> bool:
        """True for an address on the observed networks."""
        return self._fleet.is_local(address)

    def is_infrastructure(self, address: str) -> bool:
        """True for routers, name servers, time servers."""
        return self._fleet.is_infrastructure(address)

    def same_maker(self, address: str) -> bool:
        """True for local devices."""
        return self._fleet.is_local(address)

    def made_by(self, address: str, maker: str) -> bool:  # noqa: ARG002 - see the class
        """True for local devices."""
        return self._fleet.is_local(address)
