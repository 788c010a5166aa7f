"""How a DHCP client asks (RFC 2132 options 55 and 60): the operating system or the network stack behind it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hauberk.inventory.clues.interface import Clue, Dossier
from hauberk.inventory.clues.makers import weights
from hauberk.model.hint import HintKey

_FINGERPRINTS: dict[str, tuple[str, str]] = {
    "1,3,6,15,31,33,43,44,46,47,119,121,249,252": ("Windows 10 or later", "computer:.7"),
    "1,3,6,15,31,33,43,44,46,47,121,249,252": ("Windows 7 or 8", "computer:.65"),
    "1,15,3,6,44,46,47,31,33,121,249,43": ("Windows 7", "computer:.65"),
    "1,15,3,6,44,46,47,31,33,121,249,43,252": ("Windows 7 or 8", "computer:.65"),
    "1,15,3,6,44,46,47,31,33,249,43": ("Windows Vista", "computer:.65"),
    "1,15,3,6,44,46,47,31,33,43": ("Windows 2000 or XP", "computer:.6 hmi:.1"),
    "1,121,3,6,15,119,252": ("iOS", "phone:.6 tablet:.25"),
    "1,121,3,6,15,108,114,119,252": ("iOS 14 or later", "phone:.6 tablet:.25"),
    "1,3,6,15,119,252": ("iOS or tvOS", "phone:.45 media_player:.15"),
    "1,121,3,6,15,119,252,95,44,46": ("macOS", "computer:.75"),
    "1,121,3,6,15,114,119,252,95,44,46": ("macOS", "computer:.75"),
    "1,121,3,6,15,108,114,119,252,95,44,46": ("macOS", "computer:.75"),
    "1,121,3,6,15,108,114,119,162,252,95,44,46": ("macOS", "computer:.75"),
    "1,3,6,15,26,28,51,58,59": ("Android", "phone:.5 tablet:.15 tv:.1"),
    "1,3,6,15,26,28,51,58,59,43": ("Android 6 or later", "phone:.55 tablet:.15 tv:.1"),
    "1,3,6,15,26,28,51,58,59,43,114": ("Android 10 or later", "phone:.6 tablet:.15"),
    "1,3,6,15,26,28,51,58,59,43,114,108": ("Android 11 or later", "phone:.6 tablet:.15"),
    "1,33,3,6,15,28,51,58,59": ("Android 4 or 5", "phone:.5 tablet:.15"),
    "1,33,3,6,15,26,28,51,58,59": ("Android", "phone:.5 tablet:.15"),
    "1,121,33,3,6,28,51,58,59": ("Android", "phone:.5"),
    "1,28,2,3,15,6,119,12,44,47,26,121,42": ("Debian or Ubuntu", "computer:.35 server:.15"),
    "1,28,2,3,15,6,12": ("dhclient", "computer:.2 server:.1 iot_device:.1"),
    "1,28,2,121,15,6,12,40,41,42,26,119,3,121,249,33,252,42": ("Red Hat Linux", "computer:.35 server:.2"),
    "1,2,6,12,15,26,28,121,3,33,40,41,42,119,249,252,17": ("NetworkManager", "computer:.4 server:.1"),
    "1,3,12,15,6,26,33,121,42": ("systemd-networkd", "computer:.3 server:.2"),
    "1,121,33,3,6,12,15,26,28,42,51,54,58,59,119": ("dhcpcd", "computer:.2 iot_device:.2"),
    "1,3,6,12,15,28,42": ("BusyBox udhcpc", "iot_device:.3"),
    "1,3,6,12,15,28": ("BusyBox udhcpc", "iot_device:.3"),
    "1,3,6,12,15,28,44": ("BusyBox udhcpc", "iot_device:.3"),
    "1,3,6,12,15,17,28,42": ("BusyBox udhcpc", "iot_device:.3"),
    "1,3,6,12,15,28,33,42,121,249": ("BusyBox udhcpc", "iot_device:.25"),
    "1,3,28,6": ("lwIP", "iot_device:.5"),
    "1,3,28,6,15,44,46,47,31,33,121,43": ("lwIP on an Espressif chip", "iot_device:.55"),
    "1,3,6,12,51,58,59": ("an embedded stack", "iot_device:.25"),
    "1,3,6": ("an embedded stack", "iot_device:.25 plc:.05"),
    "1,3": ("an embedded stack", "iot_device:.2 plc:.1"),
    "1,3,6,15": ("an embedded stack", "iot_device:.2"),
    "1,3,6,15,66,67,13,44": ("GainSpan's radio module", "iot_device:.45"),
    "6,3,1,15,66,67,13,44,12,81,252": ("an HP printer", "printer:.75"),
    "6,3,1,15,66,67,13,44,12,81": ("an HP printer", "printer:.7"),
    "6,3,1,15,66,67,13,44": ("an HP printer", "printer:.65"),
    "1,3,44,6,15,12,58,59": ("a printer", "printer:.4"),
    "1,3,6,15,44,47": ("Brother's stack", "printer:.5"),
    "1,66,6,3,15,150,35": ("a Cisco phone", "voip_phone:.8"),
    "1,3,6,15,35,66,150": ("a Cisco phone", "voip_phone:.8"),
    "1,3,6,12,15,28,40,41,42": ("Linux of a set-top box", "media_player:.3 iot_device:.2"),
    "1,3,15,6": ("a game console or player", "game_console:.2 media_player:.1"),
}

_CLASSES: tuple[tuple[str, str, str, str], ...] = (
    (r"^MSFT 5\.0 XBOX|^XBOX", "Microsoft", "game_console:.92", "an Xbox"),
    (r"^MSFT (?:98|5\.0|5\.1)", "", "computer:.6", "Windows"),
    (r"^android-dhcp-?([\d.]*)", "", "phone:.6 tablet:.2 tv:.1", "Android"),
    (r"^dhcpcd-[\d.]+.*(?:Android|armv[78])", "", "phone:.2 iot_device:.2", "dhcpcd on ARM"),
    (r"^dhcpcd[-: ]", "", "computer:.2 iot_device:.2", "dhcpcd"),
    (r"^udhcp", "", "iot_device:.3", "BusyBox, as in small devices"),
    (r"^SAMSUNG[-_ ]?.*TV|^SamsungTV", "Samsung", "tv:.9", "a Samsung television"),
    (r"^(?:HP|Hewlett-Packard|Mfg=Hewlett|Mfg=HP)", "HP", "printer:.8", "HP"),
    (r"^(?:Mfg=Canon|Canon)", "Canon", "printer:.88", "Canon"),
    (r"^(?:Mfg=Brother|BROTHER)", "Brother", "printer:.92", "Brother"),
    (r"^(?:EPSON|Mfg=EPSON)", "Epson", "printer:.9", "Epson"),
    (r"^(?:XEROX|Mfg=Xerox|LEXMARK|RICOH|KYOCERA)", "", "printer:.88", "a printer maker"),
    (r"^Cisco Systems,? Inc\.? IP (?:Phone|Telephone)", "Cisco", "voip_phone:.95", "a Cisco phone"),
    (r"^Cisco AP", "Cisco", "access_point:.93", "a Cisco access point"),
    (r"^ciscopnp", "Cisco", "switch:.5 router:.4", "Cisco"),
    (r"^(?:Polycom|PolycomVVX|yealink|Grandstream|snom|Aastra|ccp\.avaya)", "", "voip_phone:.93", "a desk phone"),
    (r"^ArubaAP|^Aruba(?:InstantAP)?", "Aruba", "access_point:.92", "an Aruba access point"),
    (r"^Ruckus", "Ruckus", "access_point:.92", "a Ruckus access point"),
    (r"^ubnt", "Ubiquiti", "access_point:.8", "Ubiquiti"),
    (r"^(?:Hikvision|HIKVISION)", "Hikvision", "camera:.85", "Hikvision"),
    (r"^AXIS", "Axis", "camera:.9", "Axis"),
    (r"^PS[345]", "Sony", "game_console:.93", "a PlayStation"),
    (r"^(?:PXEClient|anaconda)", "", "computer:.5 server:.3", "a computer that boots from the network"),
    (r"^LGWebOS|^LG ?TV", "LG", "tv:.9", "an LG television"),
    (r"^Roku", "Roku", "media_player:.9", "a Roku"),
    (r"^(?:BSkyB|STB|set-?top|IPTV|Motorola_VIP)", "", "media_player:.85", "a set-top box"),
    (r"^docsis", "", "router:.75", "a cable modem"),
    (r"^dslforum", "", "router:.6", "a DSL router or a device behind it"),
    (r"^GE-|^GE_?Fanuc", "GE", "plc:.4", "GE"),
    (r"^Rockwell|^1756-|^1769-", "Rockwell Automation", "plc:.7", "Rockwell"),
    (r"^SIMATIC|^S7-", "Siemens", "plc:.75", "Siemens"),
)

_COMPILED = tuple((re.compile(pattern, re.IGNORECASE), vendor, weights(kinds), words) for pattern, vendor, kinds, words in _CLASSES)
_MUD = "mud"


def clues(dossier: Dossier) -> Iterator[Clue]:
    """What its DHCP requests say."""
    for value in dossier.values(HintKey.DHCP_FINGERPRINT):
        row = _FINGERPRINTS.get(value)
        if row is not None:
            yield Clue(f"It asks for DHCP options as {row[0]} does.", weights(row[1]))
    for value in dossier.values(HintKey.DHCP_VENDOR_CLASS):
        for pattern, vendor, kinds, words in _COMPILED:
            if pattern.search(value):
                yield Clue(f"Its DHCP vendor class {value} is that of {words}.", kinds, vendor or None, 0.8 if vendor else 0.0)
                break
