"""Operating technology that talks with the Internet."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import ip_address

from hauberk.detect.attack import INTERNET_ACCESSIBLE_DEVICE
from hauberk.detect.detectors.interface import Detector, Parameter, Parameters
from hauberk.detect.episode import Episodes
from hauberk.detect.view import View
from hauberk.model.finding import Finding, Severity
from hauberk.model.ids import DetectorId
from hauberk.model.service import OT_SERVICES


def _begin(parameters: Parameters) -> Episodes:
    return Episodes(parameters["quiet"])


@lru_cache(maxsize=1 << 14)
def _is_global(address: str) -> bool:
    """True for a unicast address of the public Internet (IANA special-purpose registries); false for MAC addresses."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return parsed.is_global and not parsed.is_multicast


def _step(state: Episodes, view: View) -> list[Finding]:
    findings = []
    for group, members in view.groups.items():
        if group.protocol not in OT_SERVICES:
            continue
        outside = [address for address in (group.src, group.dst) if _is_global(address) and not view.fleet.is_local(address)]
        if len(outside) != 1:
            continue  # both inside: nothing exposed; both outside: a network of public addresses that the inventory cannot place
        inside = group.dst if outside[0] == group.src else group.src
        key = (inside, outside[0], group.protocol)
        for transaction in members:
            if state.goes_on(key, transaction.time):
                continue
            state.begin(key, transaction.time)
            sent = "sends" if group.src == outside[0] else "gets"
            findings.append(
                Finding(
                    DetectorId("internet_exposed_ot"), "Controller talks with the Internet", Severity.HIGH, 7.0, view.device(inside), (inside, outside[0]),
                    transaction.time, transaction.time,
                    (f"{outside[0]}, a public address, {sent} {group.protocol} messages ({group.operation}) {'to' if sent == 'sends' else 'from'} {inside}.",),
                    f"Close the path at the firewall. If the peer is a service you use, put it behind a VPN or a broker instead of exposing {inside}.",
                    (INTERNET_ACCESSIBLE_DEVICE,),
                )
            )  # fmt: skip
    return findings


DETECTORS = (
    Detector(
        DetectorId("internet_exposed_ot"), "Controller talks with the Internet",
        "A protocol that operates machines is spoken with a public address.",
        {"quiet": Parameter(86400.0, "s", "said once for device, peer and protocol until so long a silence")},
        _begin, _step, (INTERNET_ACCESSIBLE_DEVICE,),
    ),
)  # fmt: skip
