"""ARP scans."""

from __future__ import annotations

from typing import Any

from hauberk.model.flow import CLAIM_ARP_REQUEST


def test_asking_for_many_absent_addresses_is_a_scan(traffic: Any, run: Any) -> None:
    """A sweep of a /24 of which little exists."""
    for number in range(1, 60):
        traffic.claim(100 + number * 0.01, "10.0.0.66", 0x66, CLAIM_ARP_REQUEST, f"10.0.0.{number}")
    (finding,) = run(traffic, "arp_scan")
    assert finding.addresses == ("10.0.0.66",)


def test_a_server_that_asks_for_its_clients_is_none(traffic: Any, run: Any) -> None:
    """A broker after its restart asks for two hundred clients, which exist."""
    for number in range(1, 200):
        traffic.claim(100 + number * 0.01, f"10.0.0.{number}", 0x1000 + number, CLAIM_ARP_REQUEST, "10.0.0.201")
        traffic.claim(100.001 + number * 0.01, "10.0.0.201", 0x66, CLAIM_ARP_REQUEST, f"10.0.0.{number}")
    assert not run(traffic)


def test_a_router_may_ask_for_more(traffic: Any, run: Any) -> None:
    """Somebody beyond the router scans; the router asks for eighty addresses."""
    for number in range(1, 80):
        traffic.claim(100 + number * 0.01, "10.0.0.254", 0x66, CLAIM_ARP_REQUEST, f"10.0.0.{number}")
    assert not run(traffic, infrastructure=["10.0.0.254"])
    assert run(traffic)
