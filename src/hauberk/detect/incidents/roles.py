"""Who acts and who suffers in a finding.

Most findings name who acts first. The exceptions are few and stand here; a detector that is not listed is read that way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hauberk.model.finding import Finding, Severity

STANDING = frozenset({"cleartext_credentials", "internet_exposed_ot"})
"""Detectors of weaknesses that stand, whoever attacks or not: what they say joins an incident and never joins two."""
ARRIVALS = frozenset({"new_device"})
"""Detectors of a presence: many devices may arrive together without a common cause."""
ATTACKS = frozenset(
    {
        "excessive_logins", "excessive_sessions", "new_ot_master", "new_write", "role_flip", "ip_mac_conflict",
        "malformed_messages", "ot_error_burst", "flood", "ot_master_card", "new_ot_write_target", "new_ot_request",
        "new_goose_publisher", "goose_sequence",
    }
)  # fmt: skip
"""Detectors of acts that may take a target over or change it. Others (a search, a new peer) met it, no more."""
_MAC_LENGTH = 17


@dataclass(frozen=True, slots=True)
class Roles:
    """``actors``: addresses that do what the finding is about, the presumed one first. ``targets``: those it is done to.
    ``standing``: a weakness, not an act."""

    actors: tuple[str, ...]
    targets: tuple[str, ...]
    standing: bool = False

    @property
    def source(self) -> str:
        """The presumed actor; empty where nobody is named."""
        return (self.actors or self.targets or ("",))[0]


def roles_of(finding: Finding) -> Roles:
    """The roles of the addresses of ``finding``."""
    standing = finding.detector in STANDING or finding.severity <= Severity.INFORMATIONAL
    actors, targets = _ROLES.get(finding.detector, _actor_first)(finding)
    return Roles(actors, tuple(dict.fromkeys(targets)), standing)


def is_mac(address: str) -> bool:
    """True for a hardware address."""
    return len(address) == _MAC_LENGTH and address.count(":") == 5


Ends = tuple[tuple[str, ...], tuple[str, ...]]


def _actor_first(finding: Finding) -> Ends:
    return finding.addresses[:1], finding.addresses[1:]


def _target_first(finding: Finding) -> Ends:
    return finding.addresses[1:2], finding.addresses[:1]


def _one_device(finding: Finding) -> Ends:
    """All addresses are those of one device."""
    return finding.addresses, ()


def _claimed(finding: Finding) -> Ends:
    """An address and the cards that claim it. The one that claims rather than owns cannot be told from one such finding."""
    return finding.addresses[1:], finding.addresses[:1]


def _impersonated(finding: Finding) -> Ends:
    """An address, the strange card that sends from it, and whom it sends to."""
    return finding.addresses[1:2], (*finding.addresses[:1], *finding.addresses[2:])


def _by_sentence(finding: Finding) -> Ends:
    """A flood is about the target where the senders are forged: the sentence names first who sends."""
    first, *others = finding.addresses or ("",)
    said = finding.reasons[0] if finding.reasons else ""
    places = [said.find(address) for address in others]
    if others and -1 < places[0] < said.find(first):
        return (others[0],), (first, *others[1:])
    return _actor_first(finding)


_ROLES: dict[str, Callable[[Finding], Ends]] = {
    "cleartext_credentials": _target_first,
    "internet_exposed_ot": _target_first,
    "new_device": _one_device,
    "ip_mac_conflict": _claimed,
    "ot_master_card": _impersonated,
    "flood": _by_sentence,
}
