"""On which ports it answers, and which it asks for, where the protocol itself was not recognised."""

from __future__ import annotations

from collections.abc import Iterator

from hauberk.inventory.clues.interface import Clue, Dossier

_SERVED: dict[int, tuple[str, dict[str, float]]] = {
    23: ("Telnet", {"iot_device": 0.1}),
    88: ("Kerberos", {"server": 0.5}),
    135: ("Windows remote procedure calls", {"computer": 0.4, "server": 0.15}),
    179: ("BGP", {"router": 0.7}),
    389: ("a directory service", {"server": 0.6}),
    445: ("Windows file sharing", {"computer": 0.3, "server": 0.2, "storage": 0.15}),
    515: ("printing", {"printer": 0.65}),
    548: ("Apple file sharing", {"storage": 0.35, "computer": 0.25}),
    554: ("video streams (RTSP)", {"camera": 0.6, "video_recorder": 0.2}),
    631: ("printing (IPP)", {"printer": 0.6}),
    1433: ("a database", {"server": 0.55}),
    1911: ("Niagara Fox", {"building_controller": 0.75}),
    2049: ("network files", {"storage": 0.4, "server": 0.3}),
    2081: ("Smarter kettles and coffee machines", {"appliance": 0.55}),
    3306: ("a database", {"server": 0.5}),
    3389: ("remote desktop", {"computer": 0.4, "server": 0.25}),
    3689: ("music sharing", {"media_player": 0.4}),
    4911: ("Niagara Fox over TLS", {"building_controller": 0.75}),
    5060: ("telephony (SIP)", {"voip_phone": 0.5}),
    5432: ("a database", {"server": 0.5}),
    6668: ("the Tuya protocol", {"smart_plug": 0.3, "light": 0.2, "smart_switch": 0.2}),
    7547: ("remote management of customer routers", {"router": 0.55}),
    8006: ("virtual machine management", {"server": 0.6}),
    8009: ("Google Cast", {"media_player": 0.4, "speaker": 0.3, "tv": 0.2}),
    8123: ("Home Assistant", {"hub": 0.7}),
    8554: ("video streams (RTSP)", {"camera": 0.55}),
    9100: ("raw printing", {"printer": 0.7}),
    9999: ("the TP-Link plug protocol", {"smart_plug": 0.45, "smart_switch": 0.15, "light": 0.1}),
    10001: ("Ubiquiti discovery", {"access_point": 0.4}),
    32400: ("a Plex media library", {"server": 0.4, "storage": 0.3}),
    34567: ("the protocol of DVR recorders", {"video_recorder": 0.5, "camera": 0.4}),
    37777: ("the Dahua protocol", {"camera": 0.5, "video_recorder": 0.4}),
    48898: ("ADS", {"plc": 0.6}),
    49153: ("the Belkin WeMo control point", {"smart_plug": 0.15, "smart_switch": 0.1}),
    55443: ("the Yeelight protocol", {"light": 0.6}),
    56700: ("the LIFX protocol", {"light": 0.75}),
    62078: ("iPhone synchronisation", {"phone": 0.7, "tablet": 0.2}),
}

_USED: dict[int, tuple[str, dict[str, float]]] = {
    3389: ("remote desktop", {"computer": 0.4}),
    5222: ("messaging (XMPP)", {"phone": 0.1}),
    5228: ("Google's push service", {"phone": 0.35, "tablet": 0.1}),
    9999: ("the TP-Link plug protocol", {"phone": 0.2}),
}


def clues(dossier: Dossier) -> Iterator[Clue]:
    """What its ports say."""
    for port in sorted(dossier.ports_served):
        row = _SERVED.get(port)
        if row is not None:
            yield Clue(f"It answers on port {port}, customary for {row[0]}.", row[1])
    for port in sorted(dossier.ports_used):
        row = _USED.get(port)
        if row is not None:
            yield Clue(f"It uses {row[0]}.", row[1])
