"""What part a device plays in protocols: as dissectors said it, and as its conversations show."""

from __future__ import annotations

from collections.abc import Iterator

from hauberk.inventory.clues.interface import Clue, Dossier
from hauberk.inventory.clues.makers import weights
from hauberk.model.hint import HintKey
from hauberk.model.service import OT_SERVICES

_SERVERS: dict[str, str] = {
    "modbus": "plc:.5 rtu:.2 gateway:.15 meter:.1",
    "dnp3": "rtu:.6 ied:.25",
    "s7comm": "plc:.85",
    "s7comm_plus": "plc:.88",
    "enip": "plc:.45 field_device:.2 drive:.1",
    "cip": "plc:.55 field_device:.2 drive:.1",
    "bacnet": "building_controller:.7",
    "iec104": "rtu:.65 ied:.2",
    "opcua": "plc:.35 server:.3 scada_server:.2",
    "goose": "ied:.75",
    "mms": "ied:.65",
    "profinet_dcp": "field_device:.4 plc:.3",
    "hart_ip": "gateway:.5 field_device:.35",
    "c37118": "pmu:.85",
    "fins": "plc:.85",
    "ads": "plc:.8",
    "dhcp": "router:.35 server:.2",
    "dns": "name_server:.35 router:.3",
    "ntp": "time_server:.35 router:.1",
    "mqtt": "broker:.75 hub:.1",
    "coap": "iot_device:.4 sensor:.15 light:.1",
    "http": "",
    "telnet": "iot_device:.1",
    "ssh": "server:.15 computer:.1",
    "ftp": "server:.2",
}

_CLIENTS: dict[str, str] = {
    "modbus": "hmi:.4 scada_server:.35",
    "dnp3": "scada_server:.55 rtu:.1",
    "s7comm": "hmi:.45 engineering_workstation:.25 scada_server:.2",
    "s7comm_plus": "engineering_workstation:.4 hmi:.35",
    "enip": "plc:.2 hmi:.3 engineering_workstation:.2 scada_server:.2",
    "cip": "hmi:.3 engineering_workstation:.25 scada_server:.2 plc:.15",
    "bacnet": "building_controller:.35 scada_server:.25",
    "iec104": "scada_server:.65",
    "opcua": "scada_server:.4 hmi:.25 historian:.1",
    "mms": "scada_server:.5 hmi:.2",
    "profinet_dcp": "plc:.35 engineering_workstation:.35",
    "hart_ip": "scada_server:.3 engineering_workstation:.3",
    "c37118": "scada_server:.4 historian:.2",
    "fins": "hmi:.45 scada_server:.25 engineering_workstation:.2",
    "ads": "engineering_workstation:.35 hmi:.35",
    "mqtt": "iot_device:.35 sensor:.1",
    "coap": "hub:.2 phone:.1",
}

_SERVER_WORDS = frozenset(
    {
        "server",
        "slave",
        "outstation",
        "publisher",
        "device",
        "responder",
        "adapter",
        "target",
        "controlled_station",
        "broker",
        "io_device",
        "pmu",
    }
)
_CLIENT_WORDS = frozenset(
    {
        "client",
        "master",
        "subscriber",
        "requester",
        "scanner",
        "originator",
        "controlling_station",
        "controller",
        "io_controller",
        "pdc",
    }
)

_NAMES = {
    "modbus": "Modbus",
    "dnp3": "DNP3",
    "s7comm": "S7 communication",
    "s7comm_plus": "S7 communication plus",
    "enip": "EtherNet/IP",
    "cip": "CIP",
    "bacnet": "BACnet",
    "iec104": "IEC 60870-5-104",
    "opcua": "OPC UA",
    "goose": "GOOSE",
    "mms": "MMS",
    "profinet_dcp": "PROFINET",
    "hart_ip": "HART-IP",
    "c37118": "synchrophasors",
    "fins": "FINS",
    "ads": "ADS",
    "mqtt": "MQTT",
    "coap": "CoAP",
    "dns": "DNS",
    "ntp": "NTP",
    "dhcp": "DHCP",
    "http": "HTTP",
    "ssh": "SSH",
    "telnet": "Telnet",
    "ftp": "FTP",
}

_MANY = 4
"""Targets from which an OT client looks like a server of a control room rather than a panel."""
_UNSAID = 0.85
"""What conversations show counts for less than what messages say: the first packet seen may have been an answer."""


def _said(dossier: Dossier) -> tuple[set[str], set[str], set[str]]:
    servers: set[str] = set()
    clients: set[str] = set()
    others: set[str] = set()
    for role in dossier.values(HintKey.ROLE):
        protocol, _, part = role.partition(".")
        if part in _SERVER_WORDS:
            servers.add(protocol)
        elif part in _CLIENT_WORDS:
            clients.add(protocol)
        else:
            others.add(role)
    return servers, clients, others


def _scaled(kinds: str, factor: float) -> dict[str, float]:
    return {kind: weight * factor for kind, weight in weights(kinds).items()}


def clues(dossier: Dossier) -> Iterator[Clue]:
    """What its roles say of the device."""
    servers, clients, others = _said(dossier)
    spoken = servers | clients
    shown_servers = {name for name in dossier.server_of if name not in spoken}
    shown_clients = {name for name in dossier.client_of if name not in spoken}
    for protocol in sorted(servers | shown_servers):
        kinds = _SERVERS.get(protocol)
        if kinds:
            factor = 1.0 if protocol in servers else _UNSAID
            # What both serves and asks OT peers passes things on between them, or controls others itself.
            if protocol in OT_SERVICES and protocol in clients | shown_clients:
                factor *= 0.8
            yield Clue(f"It answers {_NAMES.get(protocol, protocol)} requests.", _scaled(kinds, factor))
    for protocol in sorted(clients | shown_clients):
        kinds = _CLIENTS.get(protocol)
        if not kinds or (protocol in servers | shown_servers and protocol in OT_SERVICES):
            continue
        factor = 1.0 if protocol in clients else _UNSAID
        if protocol in OT_SERVICES and dossier.targets >= _MANY:
            yield Clue(
                f"It asks about {dossier.targets} stations by {_NAMES.get(protocol, protocol)}.", {"scada_server": 0.65 * factor}
            )
        yield Clue(f"It sends {_NAMES.get(protocol, protocol)} requests.", _scaled(kinds, factor))
    if "router" in others:
        yield Clue("DHCP names it as the router.", {"router": 0.85})
    if "engineering" in {role.rpartition(".")[2] for role in others}:
        yield Clue("It loads programs into controllers.", {"engineering_workstation": 0.7})
