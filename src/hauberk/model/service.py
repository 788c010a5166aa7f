"""Names of application protocols, and their numbers in the ``service`` column of flows."""

from __future__ import annotations

SERVICES: tuple[str, ...] = (
    "",
    "modbus",
    "dnp3",
    "s7comm",
    "s7comm_plus",
    "enip",
    "cip",
    "bacnet",
    "iec104",
    "opcua",
    "goose",
    "mms",
    "profinet_dcp",
    "hart_ip",
    "c37118",
    "fins",
    "ads",
    "mqtt",
    "coap",
    "dns",
    "mdns",
    "llmnr",
    "nbns",
    "dhcp",
    "dhcpv6",
    "ssdp",
    "ntp",
    "tls",
    "quic",
    "http",
    "ssh",
    "telnet",
    "ftp",
)
"""The name of each service number; 0 is unknown. Append only: stored history holds the numbers."""

SERVICE_NUMBER: dict[str, int] = {name: number for number, name in enumerate(SERVICES)}

OT_SERVICES: frozenset[str] = frozenset(
    {
        "modbus",
        "dnp3",
        "s7comm",
        "s7comm_plus",
        "enip",
        "cip",
        "bacnet",
        "iec104",
        "opcua",
        "goose",
        "mms",
        "profinet_dcp",
        "hart_ip",
        "c37118",
        "fins",
        "ads",
    }
)
"""Protocols that operate machines."""
