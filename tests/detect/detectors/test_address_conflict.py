"""Two cards that claim one address."""

from __future__ import annotations

from typing import Any

import pytest

from hauberk.detect.detectors.address_conflict import is_virtual

GATEWAY, OWNER, SPOOFER = "10.0.0.1", 0x0011, 0x0666


def test_a_spoofer_that_repeats_itself_is_found_once(traffic: Any, run: Any) -> None:
    """The owner goes on to claim its address, the spoofer claims it every two seconds."""
    for number in range(60):
        traffic.claim(100 + number, GATEWAY, OWNER if number % 5 == 0 else SPOOFER)
    (finding,) = run(traffic, "ip_mac_conflict")
    assert finding.addresses == (GATEWAY, "00:00:00:00:00:11", "00:00:00:00:06:66")


def test_traffic_of_the_owner_keeps_its_claim_alive(traffic: Any, run: Any) -> None:
    """The owner claims once and then only works; the spoofer poisons again and again."""
    traffic.claim(100, GATEWAY, OWNER)
    for number in range(6):
        traffic.claim(110 + number * 2, GATEWAY, SPOOFER)
        traffic.flow(111 + number * 2, GATEWAY, "10.0.0.9", 443, a_mac=OWNER, payload_in=1)
    assert len(run(traffic, "ip_mac_conflict")) == 1


@pytest.mark.parametrize("macs", [(OWNER, SPOOFER), (OWNER, SPOOFER, OWNER)])
def test_an_address_that_moves_or_is_handed_back_is_no_conflict(macs: tuple[int, ...], traffic: Any, run: Any) -> None:
    """DHCP gives an address to another card; a standby gives it back."""
    for number in range(30):
        traffic.claim(100 + number, GATEWAY, macs[number * len(macs) // 30])
    assert not run(traffic)


def test_virtual_routers_share_their_address(traffic: Any, run: Any) -> None:
    """VRRP: the virtual card and the router's own take turns."""
    for number in range(30):
        traffic.claim(100 + number, GATEWAY, 0x00005E000105 if number % 2 else OWNER)
    assert not run(traffic)


@pytest.mark.parametrize(
    "mac", [0x00005E000101, 0x00005E000201, 0x00000C07AC0A, 0x00000C9FF123, 0x000573A00001, 0x0007B4000102, 0x02BF0A000001]
)
def test_shared_cards_are_known(mac: int) -> None:
    """VRRP, HSRP in its versions, GLBP and Windows load balancing."""
    assert is_virtual(mac)
    assert not is_virtual(mac ^ 0x001000000000)


def _spoofed(traffic: Any, owner: int, *, others: int = 0) -> None:
    """The owner works, without a word of ARP in sight; from 120 s on the spoofer claims its address again and again."""
    for second in range(60):
        traffic.flow(100.5 + second, GATEWAY, "10.0.0.9", 443, a_mac=owner, payload_in=1)
        for other in range(others):
            traffic.flow(100.6 + second, f"10.1.0.{other + 1}", "10.0.0.9", 443, a_mac=owner, payload_in=1)
        if second >= 20 and second % 2 == 0:
            traffic.claim(100 + second, GATEWAY, SPOOFER)


def test_a_victim_whose_claim_was_not_seen_is_an_owner_too(traffic: Any, run: Any) -> None:
    """Its neighbours knew it before the capture began; only its packets tell who it is."""
    _spoofed(traffic, OWNER)
    (finding,) = run(traffic, "ip_mac_conflict")
    assert finding.first_evidence == pytest.approx(120)
    assert finding.addresses[1:] == ("00:00:00:00:00:11", "00:00:00:00:06:66")


def test_a_router_that_forwards_for_the_claimant_is_no_owner(traffic: Any, run: Any) -> None:
    """Behind it are several hosts; that one of them claims its own address on its own network is right."""
    _spoofed(traffic, OWNER, others=4)
    assert not run(traffic, "ip_mac_conflict")
