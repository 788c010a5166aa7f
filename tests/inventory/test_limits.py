"""What the inventory holds is bounded, and what it forgets is counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hauberk.detect.fleet import Fleet
from hauberk.inventory import Inventory, InventoryLimits
from hauberk.inventory.ledger import Ledger
from hauberk.inventory.scope import GROUP, GROUP_LINK, LINK, LOOPBACK, NONE, PRIVATE, PUBLIC, scope
from hauberk.inventory.statements import Statements, canonical, is_mac, worthy_serial
from hauberk.model.address import ip_halves
from hauberk.model.hint import Hint, HintKey
from hauberk.model.transaction import Transaction

if TYPE_CHECKING:
    from tests.inventory.conftest import Traffic

SMALL = InventoryLimits(bindings=64, subjects=4, statements=6, values=3, text=10, links=2, networks=2)
HOST, ROUTER = "b0:c5:54:00:00:01", "00:1c:7f:53:d0:28"


def test_the_ledger_keeps_its_bound_and_the_counts_of_what_it_folds(traffic: Traffic) -> None:
    """Peers go, devices and their packets stay."""
    traffic.arp(HOST, "10.0.0.5").arp(ROUTER, "10.0.0.1")
    for number in range(1000):
        traffic.talk("10.0.0.5", f"77.1.{number % 250}.{number // 250}", macs=(HOST, ROUTER), port=443, at=number)
    inventory = Inventory(SMALL)
    for piece in traffic.pieces():
        inventory.observe(piece)
    devices = {str(device.id): device.packets for device in inventory.devices()}
    assert inventory.ledger.count <= SMALL.bindings
    assert inventory.ledger.evicted > 900
    assert devices["mac-b0c554000001"] == 3001
    assert devices["mac-001c7f53d028"] == 3001


def test_a_flood_of_hardware_addresses_is_bounded(traffic: Traffic) -> None:
    """Invented interfaces cannot fill the memory."""
    for number in range(500):
        traffic.arp(f"00:aa:00:00:{number >> 8:02x}:{number & 255:02x}", f"10.1.{number >> 8}.{number & 255}", at=number)
    ledger = Ledger(SMALL)
    ledger.absorb_claims(traffic.batch().claims)
    assert ledger.count <= SMALL.bindings


def test_statements_are_bounded_in_every_direction() -> None:
    """Subjects, values of one key, statements of one subject, and characters of one value."""
    store = Statements(SMALL)
    for host in range(10):
        hints = tuple(Hint(key, f"{number}" * 50) for key in (HintKey.HOSTNAME, HintKey.SNI, HintKey.BANNER) for number in range(9))
        store.observe(
            [Transaction(1, 1.0, "mdns", f"10.0.0.{host}", 1, "x", 1, "event", "x", None, None, None, "ok", False, hints)]
        )
    assert sum(bool(store.about(f"10.0.0.{host}")) for host in range(10)) == SMALL.subjects
    held = store.about("10.0.0.1")
    assert len(held) == SMALL.statements
    assert all(len(statement.value) <= SMALL.text for statement in held)
    assert store.refused > 0


def test_reach_of_addresses() -> None:
    """Scopes by the registries of special addresses."""
    reaches = {
        NONE: ("0.0.0.0", "0.1.2.3", "::"),  # noqa: S104 - no address is bound here
        LOOPBACK: ("127.8.9.1", "::1"),
        LINK: ("169.254.1.1", "fe80::1"),
        PRIVATE: ("10.1.1.1", "172.31.0.1", "192.168.9.9", "100.64.0.1", "198.18.0.1", "203.0.113.5", "fd00::1", "2001:db8::1"),
        PUBLIC: ("8.8.8.8", "172.32.0.1", "100.128.0.1", "198.20.0.1", "2606:4700::1"),
        GROUP_LINK: ("224.0.0.251", "239.255.255.250", "255.255.255.255", "ff02::fb"),
        GROUP: ("239.1.1.1", "ff05::2"),
    }
    for reach, addresses in reaches.items():
        for address in addresses:
            hi, lo = ip_halves(address)
            assert scope(np.uint64(hi), np.uint64(lo)) == reach, address


def test_addresses_have_one_spelling() -> None:
    """Any spelling of an address leads to the same record; what is no address leads nowhere."""
    assert canonical("FE80:0:0::1") == "fe80::1"
    assert canonical("00-1C-7F-53-D0-28") == "00:1c:7f:53:d0:28"
    assert canonical("ff:ff:ff:ff:ff:ff") is None
    assert canonical("0.0.0.0") is None  # noqa: S104 - no address is bound here
    assert canonical("host.example") is None
    assert is_mac("00:1c:7f:53:d0:28")
    assert not is_mac("2001:db8::1:2:3:4")


@given(st.text(max_size=40))
def test_any_text_may_be_asked_about(address: str) -> None:
    """Questions about nonsense are answered with nothing."""
    inventory = Inventory(SMALL)
    assert inventory.device(address) is None
    assert inventory.is_infrastructure(address) is False


def test_serial_numbers_that_tell_nothing_apart() -> None:
    """Zeros, defaults and counting are no identity."""
    assert worthy_serial("S C-X4U421302009")
    for worthless in ("", "0000000000", "12345678", "unknown", "N/A", "abc", "11:11:11:11"):
        assert not worthy_serial(worthless)


def test_the_inventory_is_what_detectors_ask() -> None:
    """It has the shape of ``Fleet`` without knowing detectors."""
    fleet: Fleet = Inventory(SMALL)
    assert fleet.device("10.0.0.1") is None
