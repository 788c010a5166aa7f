"""Findings made by hand, and a fleet that knows what the test says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from hauberk.detect import attack
from hauberk.model.finding import Evidence, Finding, Severity, Technique
from hauberk.model.ids import DetectorId, DeviceId

_SUGGESTED: dict[str, tuple[Technique, ...]] = {
    "port_scan": (attack.NETWORK_SERVICE_DISCOVERY,),
    "address_scan": (attack.NETWORK_SERVICE_DISCOVERY,),
    "excessive_logins": (attack.BRUTE_FORCE,),
    "new_write": (attack.UNAUTHORIZED_COMMAND,),
    "flood": (attack.NETWORK_DENIAL_OF_SERVICE,),
    "new_device": (attack.HARDWARE_ADDITIONS,),
    "internet_exposed_ot": (attack.INTERNET_ACCESSIBLE_DEVICE,),
}


@dataclass
class Fleet:
    """Private addresses are local, one device each; ``devices``, ``kinds`` and ``infrastructure`` say more."""

    kinds: Mapping[str, str] = field(default_factory=dict)
    infrastructure: frozenset[str] = frozenset()
    devices: Mapping[str, str] = field(default_factory=dict)

    def device(self, address: str) -> DeviceId | None:
        """The device said, else one for each local address."""
        if address in self.devices:
            return DeviceId(self.devices[address])
        return DeviceId(f"d-{address}") if self.is_local(address) else None

    def kind(self, address: str) -> str | None:
        """The kind said."""
        return self.kinds.get(address)

    def is_local(self, address: str) -> bool:
        """True in 10.0.0.0/8."""
        return address.startswith("10.")

    def is_infrastructure(self, address: str) -> bool:
        """True for the addresses said."""
        return address in self.infrastructure


def make_finding(
    time: float,
    detector: str,
    *addresses: str,
    severity: Severity = Severity.HIGH,
    score: float = 7.0,
    evidence: tuple[Evidence, ...] = (),
    reason: str = "",
) -> Finding:
    """A finding raised at ``time``."""
    return Finding(
        DetectorId(detector), detector.replace("_", " ").capitalize(), severity, score, None, addresses, time, time,
        (reason or f"{addresses[0]} did it.",), "Look.", _SUGGESTED.get(detector, ()), evidence,
    )  # fmt: skip


@pytest.fixture
def finding() -> Callable[..., Finding]:
    """Makes findings."""
    return make_finding


@pytest.fixture
def fleet() -> Callable[..., Any]:
    """Makes fleets."""
    return Fleet
