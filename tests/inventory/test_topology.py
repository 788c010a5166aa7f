"""Whose addresses are whose, in many kinds of captures."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import numpy as np
import pytest

from hauberk.inventory import Inventory
from hauberk.model.device import Device
from hauberk.model.flow import ACTIVITY
from hauberk.model.hint import Hint, HintKey
from hauberk.model.observation import Observations

if TYPE_CHECKING:
    from tests.inventory.conftest import Traffic

ROUTER = "00:1c:7f:53:d0:28"
HOST = "b0:c5:54:00:00:01"
OTHER = "74:da:38:00:00:02"
THIRD = "00:1b:1b:00:00:03"
RANDOM = "02:11:22:33:44:55"


def seen(traffic: Traffic) -> dict[str, Device]:
    """Devices by id."""
    inventory = Inventory()
    inventory.observe(traffic.batch())
    return {str(device.id): device for device in inventory.devices()}


def home(traffic: Traffic) -> Traffic:
    """A router with a host that uses two servers on the Internet."""
    traffic.arp(HOST, "192.168.1.20", asks="192.168.1.1").arp(ROUTER, "192.168.1.1")
    traffic.talk("192.168.1.20", "192.168.1.1", macs=(HOST, ROUTER), service="dns", port=53)
    traffic.talk("192.168.1.20", "8.8.8.8", macs=(HOST, ROUTER), service="tls", port=443)
    return traffic.talk("192.168.1.20", "54.1.2.3", macs=(HOST, ROUTER), service="tls", port=443)


def test_hosts_behind_a_router_are_peers(traffic: Traffic) -> None:
    """The home network has two devices; servers on the Internet are none."""
    inventory = Inventory()
    inventory.observe(home(traffic).batch())
    devices = {device.id: device.ips for device in inventory.devices()}
    assert devices == {"mac-001c7f53d028": ("192.168.1.1",), "mac-b0c554000001": ("192.168.1.20",)}
    assert inventory.device("8.8.8.8") is None
    assert not inventory.is_local("8.8.8.8")
    assert inventory.is_local("192.168.1.77")
    assert inventory.is_infrastructure("192.168.1.1")
    assert not inventory.is_infrastructure("192.168.1.20")


def test_a_router_that_was_never_asked_for_by_arp_is_one_device(traffic: Traffic) -> None:
    """Without ARP the router's own address is told from those it forwards for by whom it talks with."""
    traffic.talk("192.168.1.20", "192.168.1.1", macs=(HOST, ROUTER), service="dns", port=53)
    traffic.talk("192.168.1.20", "54.1.2.3", macs=(HOST, ROUTER), port=443)
    devices = seen(traffic)
    assert devices["mac-001c7f53d028"].ips == ("192.168.1.1",)
    assert set(devices) == {"mac-001c7f53d028", "mac-b0c554000001"}


def test_one_server_on_the_internet_is_enough_to_know_the_router(traffic: Traffic) -> None:
    """Private and public addresses meet across a router only: the far one is a peer, its interface a device without address."""
    devices = seen(traffic.talk("10.0.0.5", "8.8.8.8", macs=(HOST, ROUTER), port=443))
    assert devices["mac-b0c554000001"].ips == ("10.0.0.5",)
    assert devices["mac-001c7f53d028"].ips == ()


@pytest.mark.parametrize("a,b", [("203.0.114.7", "198.51.101.9"), ("10.1.1.5", "10.2.2.6"), ("141.81.0.10", "141.81.0.44")])
def test_one_address_an_interface_without_arp_means_devices(traffic: Traffic, a: str, b: str) -> None:
    """A laboratory with public addresses, or two networks seen at once: each interface has its one address."""
    devices = seen(traffic.talk(a, b, macs=(HOST, OTHER), service="dnp3", port=20000))
    assert {device.ips for device in devices.values()} == {(a,), (b,)}


def test_without_hardware_addresses_private_addresses_are_devices(traffic: Traffic) -> None:
    """Raw IP and cooked captures: private addresses are devices, public ones peers."""
    traffic.talk("10.0.0.5", "10.0.0.6", service="modbus", port=502).talk("10.0.0.5", "9.9.9.9", port=443)
    assert set(seen(traffic)) == {"ip-10-0-0-5", "ip-10-0-0-6"}


def test_public_addresses_without_hardware_addresses_are_devices_where_they_speak_ot(traffic: Traffic) -> None:
    """A laboratory with public addresses in a raw capture is not empty."""
    traffic.talk("141.81.0.10", "141.81.0.24", service="modbus", port=502)
    assert set(seen(traffic)) == {"ip-141-81-0-10", "ip-141-81-0-24"}


def test_a_capture_with_one_rewritten_hardware_address_is_read_by_ip(traffic: Traffic) -> None:
    """An address on both sides of every conversation identifies nobody."""
    for host in (5, 6, 7):
        traffic.talk(f"10.0.0.{host}", "10.0.0.9", macs=(HOST, HOST), service="modbus", port=502)
    assert set(seen(traffic)) == {"ip-10-0-0-5", "ip-10-0-0-6", "ip-10-0-0-7", "ip-10-0-0-9"}


def test_a_crowd_behind_one_hardware_address_is_not_one_host(traffic: Traffic) -> None:
    """A capture whose clients were given one address and its servers another: neighbours are hosts of their own."""
    for host in range(10, 20):
        traffic.talk(f"10.0.0.{host}", "10.0.0.9", macs=(HOST, OTHER), service="modbus", port=502)
    devices = seen(traffic)
    assert len(devices) == 11
    assert devices["mac-74da38000002"].ips == ("10.0.0.9",)


def test_loopback_is_one_device(traffic: Traffic) -> None:
    """Whatever of 127.0.0.0/8 and ::1 talks, it is one machine."""
    traffic.talk("127.0.0.1", "127.0.0.1", service="opcua", port=4840).talk("127.0.0.1", "127.0.0.2").talk("::1", "::1")
    devices = seen(traffic)
    assert set(devices) == {"ip-127-0-0-1"}
    assert devices["ip-127-0-0-1"].ips == ("127.0.0.1", "127.0.0.2", "::1")


def test_both_families_of_an_interface_are_one_device(traffic: Traffic) -> None:
    """IPv4, link-local, an identifier made of the hardware address, and a privacy address in the same network."""
    traffic.arp(HOST, "192.168.1.20")
    traffic.talk("fe80::b2c5:54ff:fe00:1", "ff02::fb", macs=(HOST, None), service="mdns", port=5353, packets=(1, 0))
    traffic.talk("2001:db8:1:2:b2c5:54ff:fe00:1", "2606:4700::1", macs=(HOST, ROUTER), port=443)
    traffic.talk("2001:db8:1:2:1234:5678:9abc:def0", "2606:4700::2", macs=(HOST, ROUTER), port=443)
    devices = seen(traffic)
    assert len(devices["mac-b0c554000001"].ips) == 4
    assert devices["mac-001c7f53d028"].ips == ()


def test_a_router_seen_on_both_sides_leaves_hosts_their_addresses(traffic: Traffic) -> None:
    """A mirror of two networks shows each packet twice, the second time from the router."""
    a, b = "10.1.0.5", "10.2.0.6"
    traffic.arp(HOST, a).arp(OTHER, b).arp(ROUTER, "10.1.0.1").arp("00:1c:7f:53:d0:29", "10.2.0.1")
    traffic.talk(a, b, macs=(HOST, ROUTER), port=502).talk(a, b, macs=("00:1c:7f:53:d0:29", OTHER), port=502)
    devices = seen(traffic)
    assert devices["mac-b0c554000001"].ips == (a,)
    assert devices["mac-74da38000002"].ips == (b,)
    router = devices["mac-001c7f53d028"]
    assert router.ips == ("10.1.0.1", "10.2.0.1")
    assert router.kind == "router"
    assert len(devices) == 3


def test_an_address_given_to_another_host_after_silence_belongs_to_both_in_turn(traffic: Traffic) -> None:
    """DHCP reuses addresses; questions about the present are answered with the present holder, and words with their speaker."""
    traffic.arp(HOST, "10.0.0.5").say("10.0.0.5", "mdns", Hint(HintKey.HOSTNAME, "first-4711"))
    traffic.arp(OTHER, "10.0.0.5", at=7200).say("10.0.0.5", "mdns", Hint(HintKey.HOSTNAME, "second-0815"), at=7200)
    inventory = Inventory()
    inventory.observe(traffic.batch())
    names = {device.id: device.hostnames for device in inventory.devices()}
    assert names == {"mac-b0c554000001": ("first-4711",), "mac-74da38000002": ("second-0815",)}
    assert inventory.device("10.0.0.5") == "mac-74da38000002"


def test_a_host_that_claims_what_others_own_gets_nothing_by_it(traffic: Traffic) -> None:
    """ARP spoofing moves no records, and forwarding what was stolen makes no router to be trusted."""
    home(traffic).arp(THIRD, "192.168.1.66", at=1)
    for at in (100, 101, 102):
        traffic.arp(THIRD, "192.168.1.1", at=at).arp(ROUTER, "192.168.1.1", at=at)
        traffic.talk("192.168.1.20", "8.8.8.8", macs=(HOST, THIRD), port=443, at=at)
    inventory = Inventory()
    inventory.observe(traffic.batch())
    assert inventory.device("192.168.1.1") == "mac-001c7f53d028"
    assert inventory.device("192.168.1.66") == "mac-001b1b000003"
    assert not inventory.is_infrastructure("192.168.1.66")
    assert inventory.is_infrastructure("192.168.1.1")


def test_forged_sources_make_no_router_and_no_devices(traffic: Traffic) -> None:
    """A flood from invented addresses is nobody's conversation."""
    home(traffic).arp(THIRD, "192.168.1.66")
    for number in range(200):
        traffic.talk(f"77.1.{number}.9", "192.168.1.1", macs=(THIRD, None), packets=(1, 0))
        traffic.talk(f"192.168.1.{number % 100 + 100}", "192.168.1.1", macs=(THIRD, None), packets=(1, 0))
    inventory = Inventory()
    inventory.observe(traffic.batch())
    assert [device.id for device in inventory.devices()] == ["mac-001b1b000003", "mac-001c7f53d028", "mac-b0c554000001"]
    assert not inventory.is_infrastructure("192.168.1.66")


def test_a_virtual_router_address_belongs_to_the_router_that_speaks_from_it(traffic: Traffic) -> None:
    """VRRP advertisements come from the virtual hardware address and the router's own IP address."""
    virtual = "00:00:5e:00:01:0a"
    traffic.arp(ROUTER, "10.0.0.2").arp(virtual, "10.0.0.1")
    traffic.talk("10.0.0.2", "224.0.0.18", macs=(virtual, None), packets=(1, 0), at=1)
    devices = seen(traffic)
    assert set(devices) == {"mac-001c7f53d028"}
    assert devices["mac-001c7f53d028"].ips == ("10.0.0.1", "10.0.0.2")
    assert devices["mac-001c7f53d028"].kind == "router"


def test_senders_without_ip_are_devices_and_groups_are_not(traffic: Traffic) -> None:
    """GOOSE publishers have hardware addresses only; multicast and broadcast addresses are nobody."""
    traffic.frames("00:00:23:06:c9:a5", 0x88B8, service="goose").frames(RANDOM, 0x88B8, service="goose")
    nobody = "0.0.0.0"  # noqa: S104 - no address is bound here
    traffic.talk(nobody, "255.255.255.255", macs=(HOST, None), service="dhcp", port=67, packets=(1, 0))
    devices = seen(traffic)
    assert set(devices) == {"mac-00002306c9a5", "mac-021122334455", "mac-b0c554000001"}
    assert devices["mac-00002306c9a5"].protocols == ("goose",)
    assert devices["mac-00002306c9a5"].kind == "ied"
    assert devices["mac-b0c554000001"].ips == ()


def test_a_port_that_only_manages_its_link_is_part_of_the_interface_next_to_it(traffic: Traffic) -> None:
    """Controllers send LLDP from numbered port addresses; those are no devices of their own."""
    traffic.arp("00:1b:1b:17:f8:82", "10.0.0.10").frames("00:1b:1b:17:f8:83", 0x88CC, to="01:80:c2:00:00:0e")
    traffic.frames("00:1b:1b:99:00:01", 0x88CC, to="01:80:c2:00:00:0e")
    devices = seen(traffic)
    assert devices["mac-001b1b17f882"].macs == ("00:1b:1b:17:f8:82", "00:1b:1b:17:f8:83")
    assert set(devices) == {"mac-001b1b17f882", "mac-001b1b990001"}
    assert any("a port of it" in reason for reason in devices["mac-001b1b17f882"].reasons)


def test_one_serial_number_joins_two_interfaces_and_a_worthless_one_does_not(traffic: Traffic) -> None:
    """A thing with two interfaces is listed once, with less than full confidence."""
    traffic.arp(HOST, "10.0.0.5").arp(OTHER, "10.0.0.6").arp(THIRD, "10.0.0.7").arp(ROUTER, "10.0.0.8")
    for address in ("10.0.0.5", "10.0.0.6"):
        traffic.say(address, "cip", Hint(HintKey.SERIAL, "00c0ffee"), Hint(HintKey.MODEL, "1756-L61"))
    for address in ("10.0.0.7", "10.0.0.8"):
        traffic.say(address, "cip", Hint(HintKey.SERIAL, "00000000"))
    devices = seen(traffic)
    assert len(devices) == 3
    joined = next(device for device in devices.values() if len(device.macs) == 2)
    assert joined.ips == ("10.0.0.5", "10.0.0.6")
    assert 0 < joined.confidence < 0.95


def test_two_units_of_one_product_with_one_default_name_stay_two(traffic: Traffic) -> None:
    """Cameras that all call themselves the same are not one camera; a phone that changed its address is one phone."""
    traffic.arp("74:da:38:80:7a:08", "10.0.0.5").arp("74:da:38:80:79:fc", "10.0.0.6")
    traffic.arp("02:aa:aa:aa:aa:01", "10.0.0.7").arp("06:bb:bb:bb:bb:02", "10.0.0.8")
    for address in ("10.0.0.5", "10.0.0.6"):
        traffic.say(address, "mdns", Hint(HintKey.HOSTNAME, "localcam"))
    for address in ("10.0.0.7", "10.0.0.8"):
        traffic.say(address, "mdns", Hint(HintKey.HOSTNAME, "phone-of-ann"))
    assert len(seen(traffic)) == 3


def test_a_router_forwards_mentions_of_private_hosts_behind_it_as_peers(traffic: Traffic) -> None:
    """Another site behind the router is no device here, where ARP shows what is here."""
    home(traffic)
    for host in range(5, 10):
        traffic.talk("192.168.1.20", f"10.9.0.{host}", macs=(HOST, ROUTER), port=502)
    assert set(seen(traffic)) == {"mac-001c7f53d028", "mac-b0c554000001"}


def test_networks_wider_than_24_bits_are_seen_by_who_asks_for_whom(traffic: Traffic) -> None:
    """A host that resolves an address by ARP holds it to be on its link."""
    traffic.arp(HOST, "172.16.5.9", asks="172.16.200.7")
    traffic.talk("172.16.5.9", "172.16.200.7", macs=(HOST, OTHER), port=502)
    inventory = Inventory()
    inventory.observe(traffic.batch())
    assert inventory.device("172.16.200.7") == "mac-74da38000002"
    assert inventory.is_local("172.16.200.99")
    assert not inventory.is_local("172.16.99.1")


@pytest.mark.parametrize("seed", range(5))
def test_order_and_batches_do_not_matter(traffic: Traffic, seed: int) -> None:
    """Late knowledge gives the same records as early knowledge, though questions were asked in between."""
    home(traffic).lease(HOST, "192.168.1.20", Hint(HintKey.HOSTNAME, "DCS-935L")).asks_name("192.168.1.20", "signal.mydlink.com")
    traffic.talk("192.168.1.20", "192.168.1.30", macs=(HOST, OTHER), port=80).frames(THIRD, 0x88B8, service="goose")
    traffic.arp(RANDOM, "192.168.1.40").talk("77.1.1.1", "192.168.1.40", macs=(ROUTER, RANDOM), port=23)
    whole = Inventory()
    whole.observe(traffic.batch())
    pieces = traffic.pieces()
    random.Random(seed).shuffle(pieces)  # noqa: S311 - an order, no secret
    piecemeal = Inventory()
    for piece in pieces:
        piecemeal.observe(piece)
        piecemeal.device("192.168.1.20")
        piecemeal.is_infrastructure("192.168.1.1")
    assert piecemeal.devices() == whole.devices()


def test_counts_and_times_are_those_of_the_frames_a_device_sent(traffic: Traffic) -> None:
    """Packets sent, ARP included; received ones count for the other side."""
    traffic.arp(HOST, "10.0.0.5", at=1).talk(
        "10.0.0.5", "10.0.0.6", macs=(HOST, OTHER), packets=(7, 4), at=5, service="modbus", port=502
    )
    devices = seen(traffic)
    host, other = devices["mac-b0c554000001"], devices["mac-74da38000002"]
    assert (host.packets, other.packets) == (8, 4)
    assert host.first_seen + 4 == host.last_seen == other.first_seen
    assert host.protocols == other.protocols == ("modbus",)


def test_empty_observations_give_no_devices() -> None:
    """Nothing seen, nothing listed, no question fails."""
    inventory = Inventory()
    inventory.observe(Observations(activity=np.empty(0, ACTIVITY)))
    assert inventory.devices() == []
    assert inventory.device("10.0.0.1") is None
    assert inventory.device("no address") is None
    assert inventory.kind("00:11:22:33:44:55") is None
    assert not inventory.is_local("not an address")
    assert not inventory.is_infrastructure("10.0.0.1")
    assert inventory.is_local("224.0.0.251")
