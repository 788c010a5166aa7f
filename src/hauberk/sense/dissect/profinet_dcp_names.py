"""Names and numbers of PROFINET DCP: options, errors, roles and the manufacturers met most (IEC 61158-6-10). Tables only."""

from __future__ import annotations

from typing import Final

IP: Final = 1
DEVICE: Final = 2
CONTROL: Final = 5
RESPONSE: Final = (CONTROL, 4)
"""Option and suboption of the block that answers a block of a set or get request."""

OPTIONS: Final = {
    1: "ip",
    2: "device",
    3: "dhcp",
    4: "reserved",
    5: "control",
    6: "device_initiative",
    7: "tsn",
    0xFF: "all",
}

SUBOPTIONS: Final = {
    (1, 1): "mac_address",
    (1, 2): "ip_parameter",
    (1, 3): "full_ip_suite",
    (2, 1): "type_of_station",
    (2, 2): "name_of_station",
    (2, 3): "device_id",
    (2, 4): "device_role",
    (2, 5): "device_options",
    (2, 6): "alias_name",
    (2, 7): "device_instance",
    (2, 8): "oem_device_id",
    (2, 9): "standard_gateway",
    (2, 10): "rsi_properties",
    (3, 12): "host_name",
    (3, 43): "vendor_specific",
    (3, 54): "server_identifier",
    (3, 55): "parameter_request_list",
    (3, 60): "class_identifier",
    (3, 61): "client_identifier",
    (3, 81): "fqdn",
    (3, 97): "uuid_client_identifier",
    (3, 255): "address_resolution",
    (5, 1): "start",
    (5, 2): "stop",
    (5, 3): "signal",
    (5, 4): "response",
    (5, 5): "factory_reset",
    (5, 6): "reset_to_factory",
    (6, 1): "device_initiative",
    (0xFF, 0xFF): "all",
}

BLOCK_ERRORS: Final = {
    1: "option_not_supported",
    2: "suboption_not_supported",
    3: "suboption_not_set",
    4: "resource_error",
    5: "set_not_possible",
    6: "in_operation",
}

ROLES: Final = {1: "io_device", 2: "io_controller", 4: "io_multidevice", 8: "io_supervisor"}
"""Bits of the device role."""

MANUFACTURERS: Final = {
    0x002A: "Siemens",
    0x00B0: "Phoenix Contact",
    0x011D: "WAGO",
    0x011E: "Hilscher",
    0x0120: "Beckhoff",
}
"""Vendor ids of PROFIBUS and PROFINET International that are beyond doubt."""


def option_name(option: int, suboption: int) -> str:
    """The words of an option and its suboption, as ``device/name_of_station``."""
    first = OPTIONS.get(option) or ("manufacturer" if 0x80 <= option < 0xFF else f"option_{option}")
    return f"{first}/{SUBOPTIONS.get((option, suboption)) or suboption}"
