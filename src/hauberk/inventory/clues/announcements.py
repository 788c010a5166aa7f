"""Services announced by multicast DNS (types registered at IANA, or customary) and UPnP device types."""

from __future__ import annotations

from collections.abc import Iterator

from hauberk.inventory.clues.interface import Clue, Dossier
from hauberk.inventory.clues.makers import weights
from hauberk.model.hint import HintKey

_ROWS: dict[str, tuple[str, str]] = {
    "_googlecast._tcp": ("Google", "media_player:.5 speaker:.35 tv:.25"),
    "_airplay._tcp": ("", "media_player:.4 tv:.25 speaker:.25 computer:.1"),
    "_raop._tcp": ("", "speaker:.45 media_player:.4"),
    "_sonos._tcp": ("Sonos", "speaker:.95"),
    "_spotify-connect._tcp": ("", "speaker:.55 media_player:.3 tv:.15"),
    "_hap._tcp": ("", "iot_device:.4 hub:.2 light:.1"),
    "_matter._tcp": ("", "iot_device:.5"),
    "_matterc._udp": ("", "iot_device:.5"),
    "_meshcop._udp": ("", "hub:.4 speaker:.2"),
    "_hue._tcp": ("Philips", "hub:.92"),
    "_wemo._tcp": ("Belkin", "smart_plug:.5 smart_switch:.3"),
    "_dhnap._tcp": ("D-Link", "camera:.12 sensor:.12 smart_plug:.12"),
    "_dcp._tcp": ("D-Link", "iot_device:.2"),
    "_axis-video._tcp": ("Axis", "camera:.95"),
    "_rtsp._tcp": ("", "camera:.7"),
    "_psia._tcp": ("", "camera:.8"),
    "_cgi._tcp": ("", "camera:.3"),
    "_nvr._tcp": ("", "video_recorder:.7"),
    "_ipp._tcp": ("", "printer:.85"),
    "_ipps._tcp": ("", "printer:.85"),
    "_printer._tcp": ("", "printer:.88"),
    "_pdl-datastream._tcp": ("", "printer:.9"),
    "_scanner._tcp": ("", "printer:.8"),
    "_uscan._tcp": ("", "printer:.85"),
    "_privet._tcp": ("", "printer:.5"),
    "_companion-link._tcp": ("Apple", "phone:.15 computer:.2 media_player:.15"),
    "_apple-mobdev2._tcp": ("Apple", "phone:.75 tablet:.3"),
    "_apple-mobdev._tcp": ("Apple", "phone:.7 tablet:.3"),
    "_homekit._tcp": ("Apple", "media_player:.3 speaker:.3"),
    "_touch-able._tcp": ("Apple", "media_player:.5 computer:.2"),
    "_airport._tcp": ("Apple", "access_point:.85"),
    "_adisk._tcp": ("", "storage:.6 access_point:.1"),
    "_afpovertcp._tcp": ("", "storage:.4 computer:.35"),
    "_smb._tcp": ("", "computer:.35 storage:.35"),
    "_nfs._tcp": ("", "storage:.5"),
    "_workstation._tcp": ("", "computer:.5"),
    "_ssh._tcp": ("", "computer:.3 server:.15"),
    "_sftp-ssh._tcp": ("", "computer:.35 storage:.15"),
    "_rfb._tcp": ("", "computer:.5"),
    "_rdp._tcp": ("", "computer:.5"),
    "_device-info._tcp": ("", ""),
    "_daap._tcp": ("", "media_player:.3 storage:.2"),
    "_androidtvremote._tcp": ("", "tv:.6 media_player:.5"),
    "_androidtvremote2._tcp": ("", "tv:.6 media_player:.5"),
    "_amzn-wplay._tcp": ("Amazon", "media_player:.6 voice_assistant:.3"),
    "_amzn-alexa._tcp": ("Amazon", "voice_assistant:.85"),
    "_viziocast._tcp": ("Vizio", "tv:.95"),
    "_lgtvremote._tcp": ("LG", "tv:.95"),
    "_webos-second-screen._tcp": ("LG", "tv:.95"),
    "_nvstream._tcp": ("", "computer:.4 media_player:.2"),
    "_roku-rcp._tcp": ("Roku", "media_player:.9"),
    "_xbmc-jsonrpc._tcp": ("Kodi", "media_player:.8"),
    "_plexmediasvr._tcp": ("Plex", "server:.5 storage:.4"),
    "_bose._tcp": ("Bose", "speaker:.9"),
    "_soundtouch._tcp": ("Bose", "speaker:.95"),
    "_heos-audio._tcp": ("", "speaker:.8"),
    "_musc._tcp": ("Bluesound", "speaker:.8"),
    "_sleep-proxy._udp": ("Apple", "media_player:.3 access_point:.2"),
    "_home-assistant._tcp": ("Home Assistant", "hub:.93"),
    "_hubitat._tcp": ("Hubitat", "hub:.9"),
    "_esphomelib._tcp": ("ESPHome", "iot_device:.6 sensor:.2"),
    "_shelly._tcp": ("Shelly", "smart_switch:.5 smart_plug:.3"),
    "_miio._udp": ("Xiaomi", "iot_device:.5 light:.2 vacuum:.15"),
    "_aqara._tcp": ("Aqara", "hub:.8"),
    "_nanoleafapi._tcp": ("Nanoleaf", "light:.93"),
    "_elg._tcp": ("Elgato", "light:.9"),
    "_ewelink._tcp": ("Sonoff", "smart_switch:.8"),
    "_tplink._tcp": ("TP-Link", "iot_device:.4"),
    "_irobot._tcp": ("iRobot", "vacuum:.9"),
    "_dyson_mqtt._tcp": ("Dyson", "appliance:.9"),
    "_360eye_mqtt._tcp": ("Dyson", "vacuum:.9"),
    "_ecobee._tcp": ("ecobee", "thermostat:.9"),
    "_enphase-envoy._tcp": ("Enphase", "inverter:.9"),
    "_octoprint._tcp": ("", "printer:.4 computer:.3"),
    "_mqtt._tcp": ("", "broker:.75"),
    "_secure-mqtt._tcp": ("", "broker:.75"),
    "_coap._udp": ("", "iot_device:.5"),
    "_opcua-tcp._tcp": ("", "plc:.45 server:.3"),
    "_sip._udp": ("", "voip_phone:.5"),
    "_leap._tcp": ("Lutron", "hub:.85"),
    "_lutron._tcp": ("Lutron", "hub:.85"),
    "_bond._tcp": ("Bond", "hub:.85"),
    "_http._tcp": ("", ""),
    "_arduino._tcp": ("Arduino", "iot_device:.5"),
    "_nut._tcp": ("", "server:.3"),
    "_ubnt._tcp": ("Ubiquiti", "access_point:.6"),
}

_UPNP: dict[str, tuple[str, str]] = {
    "wfadevice": ("", "access_point:.25 iot_device:.2"),
    "internetgatewaydevice": ("", "router:.9"),
    "wlanaccesspointdevice": ("", "access_point:.85"),
    "mediarenderer": ("", "media_player:.5 speaker:.4 tv:.3"),
    "mediaserver": ("", "storage:.35 server:.3"),
    "zoneplayer": ("Sonos", "speaker:.95"),
    "dial": ("", "media_player:.4 tv:.4"),
    "remotecontrolreceiver": ("Samsung", "tv:.8"),
    "printer": ("", "printer:.9"),
    "digitalsecuritycamera": ("", "camera:.92"),
    "networkvideotransmitter": ("", "camera:.9"),
    "binarylight": ("", "light:.75"),
    "dimmablelight": ("", "light:.8"),
    "basic": ("", ""),
}


def clues(dossier: Dossier) -> Iterator[Clue]:
    """What it announces."""
    seen: set[str] = set()
    for value in dossier.values(HintKey.SERVICE):
        name = value.casefold()
        row = _ROWS.get(name)
        if row is None and name.startswith("urn:"):
            parts = name.split(":")
            row = _UPNP.get(parts[3]) if len(parts) > 3 else None
            name = parts[3] if len(parts) > 3 else name
        if row is None or name in seen:
            continue
        seen.add(name)
        vendor, kinds = row
        if kinds or vendor:
            yield Clue(f"It announces the service {value}.", weights(kinds), vendor or None, 0.6 if vendor else 0.0)
