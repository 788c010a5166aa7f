"""What a device is taken for, and how sure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from hauberk.inventory import Inventory
from hauberk.inventory.clues import domains, product_home, product_office, product_plant
from hauberk.inventory.clues.announcements import _ROWS, _UPNP
from hauberk.inventory.clues.dhcp import _CLASSES, _FINGERPRINTS
from hauberk.inventory.clues.interface import Clue, Dossier
from hauberk.inventory.clues.maker_table import PRODUCTS
from hauberk.inventory.clues.makers import short_name, weights
from hauberk.inventory.clues.products import match
from hauberk.inventory.clues.registry import clue_modules
from hauberk.inventory.clues.roles import _CLIENTS, _SERVERS
from hauberk.inventory.identify import Identity, identify
from hauberk.inventory.kinds import FAMILIES, GENERIC, KINDS
from hauberk.inventory.oui import maker
from hauberk.model.hint import Hint, HintKey
from hauberk.model.service import SERVICES

if TYPE_CHECKING:
    from tests.inventory.conftest import Traffic


def dossier(*stated: tuple[HintKey, str], **more: object) -> Dossier:
    """A dossier with these statements."""
    said: dict[HintKey, tuple[tuple[str, str], ...]] = {}
    for key, value in stated:
        said[key] = (*said.get(key, ()), (value, "mdns"))
    return Dossier(stated=said, **more)  # type: ignore[arg-type]  # fields by name


def judged(*stated: tuple[HintKey, str], **more: object) -> Identity:
    """The identity of such a dossier."""
    return identify(dossier(*stated, **more))


@pytest.mark.parametrize(
    "stated,kind,vendor",
    [
        ([(HintKey.HOSTNAME, "DCS-5222L")], "camera", "D-Link"),
        ([(HintKey.HOSTNAME, "HS200(US)")], "smart_switch", "TP-Link"),
        ([(HintKey.SERVICE, "_ipp._tcp"), (HintKey.MODEL, "HP OfficeJet Pro 8600")], "printer", "HP"),
        ([(HintKey.SERVICE, "_googlecast._tcp"), (HintKey.MODEL, "Chromecast Ultra")], "media_player", "Google"),
        ([(HintKey.HOSTNAME, "Anns-iPhone"), (HintKey.DHCP_FINGERPRINT, "1,121,3,6,15,119,252")], "phone", "Apple"),
        ([(HintKey.DHCP_VENDOR_CLASS, "MSFT 5.0"), (HintKey.HOSTNAME, "DESKTOP-AB12CD3")], "computer", None),
        ([(HintKey.HOSTNAME, "ring-1a2b3c"), (HintKey.SNI, "fw.ring.com")], "doorbell", "Ring"),
        ([(HintKey.SNI, "rest-prod.immedia-semi.com")], "camera", "Blink"),
        ([(HintKey.SERVICE, "urn:schemas-upnp-org:device:ZonePlayer:1")], "speaker", "Sonos"),
        ([(HintKey.BANNER, "Linux UPnP/1.0 Sonos/29.3-87071 (ZPS1)")], "speaker", "Sonos"),
        ([(HintKey.HOSTNAME, "amazon-0a1b2c3d4")], "voice_assistant", "Amazon"),
        ([(HintKey.HOSTNAME, "shellyplug-s-12AB34")], "smart_plug", "Shelly"),
        ([(HintKey.HOSTNAME, "SEP001122334455")], "voip_phone", "Cisco"),
        ([(HintKey.MODEL, "6ES7 512-1CK00-0AB0")], "plc", "Siemens"),
        ([(HintKey.MODEL, "1756-L61/B LOGIX5561")], "plc", "Rockwell Automation"),
        ([(HintKey.MODEL, "BMX P34 2020"), (HintKey.ROLE, "modbus.server")], "plc", "Schneider Electric"),
        ([(HintKey.MODEL, "SEL-351S"), (HintKey.ROLE, "dnp3.outstation")], "ied", "Schweitzer Engineering Laboratories"),
        ([(HintKey.ROLE, "iec104.server")], "rtu", None),
        ([(HintKey.ROLE, "c37118.server")], "pmu", None),
        (
            [(HintKey.ROLE, "bacnet.server"), (HintKey.VENDOR, "Tridium"), (HintKey.MODEL, "JACE-8000")],
            "building_controller",
            "Tridium",
        ),
        ([(HintKey.ROLE, "mqtt.broker")], "broker", None),
        ([(HintKey.ROLE, "router"), (HintKey.ROLE, "dhcp.server"), (HintKey.ROLE, "dns.server")], "router", None),
        ([(HintKey.KIND, "hmi"), (HintKey.VENDOR, "Rockwell Automation")], "hmi", "Rockwell Automation"),
        ([(HintKey.KIND, "motor_starter")], "drive", None),
    ],
)
def test_kind_and_vendor_follow_from_evidence(stated: list[tuple[HintKey, str]], kind: str, vendor: str | None) -> None:
    """Products of the market are known by what they say."""
    identity = judged(*stated)
    assert (identity.kind, identity.vendor) == (kind, vendor)
    assert 0.2 <= identity.confidence <= 0.98
    assert identity.reasons


def test_nothing_known_is_nothing_said() -> None:
    """Without evidence there is no kind, no vendor and no confidence."""
    assert judged() == Identity()


def test_a_stated_model_beats_a_guess() -> None:
    """What the device says outright counts before what its name suggests."""
    identity = judged((HintKey.HOSTNAME, "DCS-935L"), (HintKey.MODEL, "DCS-936L rev B"))
    assert identity.model == "DCS-936L rev B"
    assert judged((HintKey.HOSTNAME, "dcs-935l")).model == "DCS-935L"


def test_agreeing_types_of_evidence_raise_confidence_and_rivals_lower_it() -> None:
    """Noisy-or across types of evidence, discounted by competing kinds."""
    alone = judged((HintKey.SNI, "a.reolink.com"))
    agreed = judged((HintKey.SNI, "a.reolink.com"), ports_served=frozenset({554}))
    torn = judged((HintKey.SNI, "a.reolink.com"), (HintKey.SERVICE, "_ipp._tcp"))
    assert alone.kind == agreed.kind == "camera"
    assert agreed.confidence > alone.confidence > torn.confidence


def test_repetition_of_one_type_of_evidence_proves_nothing_more() -> None:
    """Ten names of one cloud are one clue."""
    once = judged((HintKey.SNI, "a.reolink.com"))
    often = judged(*((HintKey.SNI, f"{number}.reolink.com") for number in range(10)))
    assert often.confidence == once.confidence


def test_a_person_visiting_clouds_is_not_what_the_clouds_serve() -> None:
    """Among many unrelated domains a vendor's cloud says little."""
    names = [(HintKey.SNI, f"www.site-{number}.com") for number in range(60)]
    assert judged((HintKey.SNI, "www.fitbit.com")).kind == "scale"
    assert judged((HintKey.SNI, "www.fitbit.com"), *names).kind != "scale"


def test_names_asked_on_behalf_of_others_say_nothing() -> None:
    """A resolver asks for everything."""
    assert judged((HintKey.SNI, "rest.immedia-semi.com"), router=True).kind == "router"


def test_many_stations_asked_make_a_scada_server() -> None:
    """A panel asks a few, a control room many."""
    assert judged((HintKey.ROLE, "modbus.client"), targets=12).kind == "scada_server"


@pytest.mark.parametrize("vendor", ["BACnet vendor 138", "CIP vendor 9"])
def test_a_vendor_known_by_number_only_is_no_name(vendor: str) -> None:
    """A registry number is not who made it."""
    assert judged((HintKey.VENDOR, vendor)).vendor is None


def test_makers_come_from_the_registry_but_not_for_random_addresses() -> None:
    """The first 24 bits name the maker unless the address is locally administered or a laboratory's."""
    siemens = maker(0x001B1B000001)
    assert siemens is not None
    assert siemens.casefold().startswith("siemens")
    assert maker(0x021B1B000001) is None
    assert maker(0x000000000001) is None
    assert maker(0x70B3D5000001) is None
    assert short_name("EXAMPLE WIDGETS CO., LTD.") == "Example Widgets"


def test_every_kind_in_every_table_is_a_kind() -> None:
    """No table invents a word."""
    tables = [row[2] for module in (product_home, product_office, product_plant) for row in module.ROWS]
    tables += [row[2] for row in PRODUCTS] + [row[2] for row in _CLASSES]
    for pairs in (_ROWS.values(), _UPNP.values(), _FINGERPRINTS.values()):
        tables += [kinds for _, kinds in pairs]
    tables += [*_SERVERS.values(), *_CLIENTS.values()]
    used = {kind for kinds in tables for kind in weights(kinds)} | {kind for _, kinds in domains._TABLE.values() for kind in kinds}
    assert used <= set(KINDS)
    assert set().union(*FAMILIES) | GENERIC <= set(KINDS)
    assert {*_SERVERS, *_CLIENTS} <= {*SERVICES, "cip"}


def test_weights_are_probabilities() -> None:
    """No table is surer than the cap."""
    for module in (product_home, product_office, product_plant):
        for pattern, _, kinds, _ in module.ROWS:
            assert all(0 < weight < 1 for weight in weights(kinds).values()), pattern


def test_no_rule_holds_a_whole_hardware_address() -> None:
    """Rules are about products, never about one unit."""
    for module in (product_home, product_office, product_plant):
        for pattern, *_ in module.ROWS:
            assert not re.search(r"(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}", pattern, re.IGNORECASE)


@pytest.mark.parametrize("text", ["a" * 200, "x-" * 100, "0" * 200, "(((" * 60, "CPU " * 50, "\x00\xff" * 80])
def test_strange_names_are_matched_in_bounded_time(text: str) -> None:
    """What devices say of themselves cannot hang the inventory."""
    match.cache_clear()
    assert isinstance(match(text), tuple)


def test_every_clue_module_survives_an_empty_and_a_strange_dossier() -> None:
    """Modules yield clues whose reasons are sentences."""
    strange = dossier(*((key, "\x00;urn::: \N{SNOWMAN}") for key in HintKey), frames=frozenset({"llc", "other"}), clients=320)
    assert len(clue_modules()) >= 9
    for _, clues in clue_modules():
        for clue in (*clues(Dossier()), *clues(strange)):
            assert isinstance(clue, Clue)
            assert clue.reason.endswith(".")


def test_a_record_tells_why(traffic: Traffic) -> None:
    """The device record carries names, model, reasons and confidence together."""
    traffic.lease("b0:c5:54:00:00:01", "192.168.1.20", Hint(HintKey.HOSTNAME, "DCS-935L"))
    traffic.say("192.168.1.20", "ssdp", Hint(HintKey.FIRMWARE, "1.06")).asks_name("192.168.1.20", "signal.mydlink.com")
    inventory = Inventory()
    inventory.observe(traffic.batch())
    (device,) = inventory.devices()
    assert (device.kind, device.vendor, device.model, device.firmware) == ("camera", "D-Link", "DCS-935L", "1.06")
    assert device.hostnames == ("DCS-935L",)
    assert device.confidence > 0.6
    assert any("DCS-935L" in reason for reason in device.reasons)
    assert inventory.kind("192.168.1.20") == inventory.kind("B0:C5:54:00:00:01") == "camera"


def test_kinds_follow_new_evidence(traffic: Traffic) -> None:
    """An answer given once is not given for ever."""
    traffic.arp("02:c5:54:00:00:01", "192.168.1.20")
    inventory = Inventory()
    inventory.observe(traffic.batch())
    assert inventory.kind("192.168.1.20") is None
    traffic.say("192.168.1.20", "mdns", Hint(HintKey.SERVICE, "_ipp._tcp"))
    inventory.observe(traffic.pieces()[-1])
    assert inventory.kind("192.168.1.20") == "printer"


def test_a_port_that_refuses_is_no_service(traffic: Traffic) -> None:
    """A scan that finds BGP closed makes neither a router of its target nor a phone of its sender."""
    target, scanner = "192.168.1.20", "192.168.1.66"
    for port in (179, 5228):
        traffic.talk(scanner, target, port=port, packets=(1, 1))
        row = traffic.activity[-1]
        row["payload_out"] = row["payload_in"] = 0
        row["rst_in"] = 1
    traffic.talk(scanner, "192.168.1.21", port=179)
    inventory = Inventory()
    inventory.observe(traffic.batch())
    kinds = {ip: device.kind for device in inventory.devices() for ip in device.ips}
    assert kinds == {target: None, scanner: None, "192.168.1.21": "router"}
