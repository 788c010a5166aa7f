"""What its software calls itself: user agents of clients, banners of servers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hauberk.inventory.clues.interface import Clue, Dossier
from hauberk.inventory.clues.makers import weights
from hauberk.model.hint import HintKey

_AGENTS: tuple[tuple[str, str], ...] = (
    (r"\(iPhone;|\biPhone OS|\bCFNetwork/.*Darwin", "phone:.6 tablet:.1 computer:.1"),
    (r"\(iPad;", "tablet:.85"),
    (r"Android .*\b(?:TV|BRAVIA|AFT\w)", "tv:.7"),
    (r"\bDalvik/|\bAndroid \d.*Mobile|ksoap2-android|okhttp/", "phone:.7 tablet:.15"),
    (r"\bAndroid \d", "phone:.45 tablet:.3"),
    (r"\(Windows NT|Microsoft-CryptoAPI|Windows-Update|Microsoft NCSI|Microsoft BITS", "computer:.75"),
    (r"\(Macintosh;", "computer:.8"),
    (r"\(X11; (?:Ubuntu|Linux|Fedora)", "computer:.65"),
    (r"\bCrKey/", "media_player:.85"),
    (r"\b(?:SMART-TV|SmartTV|Web0S|NetCast|HbbTV|Tizen)", "tv:.85"),
    (r"\bRoku/", "media_player:.85"),
    (r"\bPlayStation", "game_console:.9"),
    (r"\bXbox", "game_console:.85"),
    (r"\bDebian APT|apt-http|yum|libdnf|pacman", "computer:.4 server:.3"),
    (r"^(?:Wget|curl|libcurl|python-requests|Python-urllib|Go-http-client)", "iot_device:.1 server:.1"),
    (r"\bESP8266|\bESP32|\bArduino", "iot_device:.75"),
    (r"\bsonos", "speaker:.9"),
    (r"\bgSOAP", "camera:.2 iot_device:.2"),
    (r"\bHue/|\bWeMo|\bIoT", "iot_device:.5"),
    (r"Google Chrome/.* Windows|^Chromium/.*Windows", "computer:.7"),
    (r"Google Chrome/|^Chromium/", "computer:.5"),
)

_BANNERS: tuple[tuple[str, str], ...] = (
    (r"OpenSSH.*Ubuntu|OpenSSH.*Debian|OpenSSH.*Raspbian", "server:.3 computer:.3"),
    (r"OpenSSH_for_Windows", "computer:.4 server:.3"),
    (r"dropbear", "iot_device:.35 router:.2"),
    (r"Cisco-1\.25|Cisco-2", "switch:.5 router:.4"),
    (r"ROSSSH", "router:.8"),
    (r"Microsoft-IIS|Microsoft-HTTPAPI", "server:.45 computer:.2"),
    (r"^(?:Apache|nginx|openresty|cloudflare|AmazonS3|Jetty|Apache-Coyote)", "server:.3"),
    (
        r"lighttpd|mini_httpd|thttpd|micro_httpd|GoAhead|uhttpd|uc-httpd|Boa/|RomPager|Allegro|Webs$|CherryPy",
        "iot_device:.35 camera:.1 router:.1",
    ),
    (
        r"uc-httpd|Hipcam|Rtsp|NetcamStudio|IPCamera|IP ?Camera|DNVRS-Webs|App-webs|Netwave|camera|ipcam",
        "camera:.75 video_recorder:.1",
    ),
    (r"Embedded UPnP", "camera:.15 iot_device:.3"),
    (r"Portable SDK for UPnP|MiniUPnPd|libupnp", "iot_device:.3 router:.15"),
    (r"HP HTTP Server|HP-ChaiSOE|Virata-EmWeb|KM-MFP|EPSON|Canon HTTP|JC-HTTPD|debut/|CUPS", "printer:.8"),
    (r"FRITZ|TP-LINK Router|RouterOS|DD-WRT|httpd/2.0.*ASUS|NETGEAR|Linksys|ASUSWRT", "router:.8"),
    (r"AirTunes|AirReceiver", "media_player:.5 speaker:.4"),
    (r"SONOS|Linux UPnP/1\.0 Sonos", "speaker:.95"),
    (r"Roku", "media_player:.9"),
    (
        r"Siemens.*S7|SIMATIC|Schneider-WEB|Modicon|Rockwell|A-B WWW|Allen-B|WAGO|CODESYS|ControlLogix|Quantum|(?:BMX|140) NOE",
        "plc:.8",
    ),
    (r"FactoryTalk|WinCC|iFix|Ignition|InduSoft", "scada_server:.7"),
    (r"Niagara", "building_controller:.85"),
    (r"Siemens Switch|SCALANCE|Hirschmann|Moxa|GoForward", "switch:.6"),
    (r"VxWorks", "plc:.35 field_device:.2 camera:.05"),
    (r"QTS|Synology", "storage:.8"),
    (r"FreeRTOS|lwIP|ESP8266|esp-idf|Contiki|Mongoose", "iot_device:.6"),
    (r"Vsftpd|ProFTPD|Pure-FTPd|FileZilla Server", "server:.35"),
)

_COMPILED_AGENTS = tuple((re.compile(pattern, re.IGNORECASE), weights(kinds)) for pattern, kinds in _AGENTS)
_COMPILED_BANNERS = tuple((re.compile(pattern, re.IGNORECASE), weights(kinds)) for pattern, kinds in _BANNERS)
_MOST_VALUES = 12


def clues(dossier: Dossier) -> Iterator[Clue]:
    """What its software says."""
    if not dossier.router:
        for value in dossier.values(HintKey.USER_AGENT)[:_MOST_VALUES]:
            for pattern, kinds in _COMPILED_AGENTS:
                if pattern.search(value):
                    yield Clue(f"Its user agent is {value[:80]}.", kinds)
                    break
    for value in dossier.values(HintKey.BANNER)[:_MOST_VALUES]:
        for pattern, kinds in _COMPILED_BANNERS:
            if pattern.search(value):
                yield Clue(f"Its software calls itself {value[:80]}.", kinds)
                break
