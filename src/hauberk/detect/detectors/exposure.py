"""Operating technology that talks with the Internet."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import ip_address

from hauberk.detect.attack import INTERNET_ACCESSIBLE_DEVICE
from hauberk.detect.detectors.interface import Detector, Parameter, Parameters
from hauberk.detect.episode import Episodes
from hauberk.detect.view import Group, View
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


def _is_ot(group: Group) -> bool:
    return group.protocol in OT_SERVICES and _is_global(group.src) != _is_global(group.dst)


def _step(state: Episodes, view: View) -> list[Finding]:
    """Both ends public is a network of public addresses that the inventory cannot place, and no exposure."""
    findings = []
    for group, transaction in view.merged(_is_ot):
        outside, inside = (group.src, group.dst) if _is_global(group.src) else (group.dst, group.src)
        key = (inside, group.protocol)
        if state.goes_on(key, transaction.time) or view.fleet.is_local(outside):
            continue
        state.begin(key, transaction.time)
        does = "sends" if group.src == outside else "gets"
        way = "to" if group.src == outside else "from"
        findings.append(
            Finding(
                DetectorId("internet_exposed_ot"),
                "Controller talks with the Internet",
                Severity.HIGH,
                7.0,
                view.device(inside),
                (inside, outside),
                transaction.time,
                transaction.time,
                (f"{outside}, a public address, {does} {group.protocol} messages ({group.operation}) {way} {inside}.",),
                f"Close the path at the firewall. If the peer is a service you use, put a VPN or a broker between it and {inside}.",
                (INTERNET_ACCESSIBLE_DEVICE,),
            )
        )
    return findings


DETECTORS = (
    Detector(
        DetectorId("internet_exposed_ot"),
        "Controller talks with the Internet",
        "A protocol that operates machines is spoken with a public address.",
        {"quiet": Parameter(86400.0, "s", "said once for device and protocol until so long a silence")},
        _begin,
        _step,
        (INTERNET_ACCESSIBLE_DEVICE,),
    ),
)
