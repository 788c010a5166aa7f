"""Hints: what a message gives away about the identity of a device."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class HintKey(StrEnum):
    """What a hint says. The values are stable: they appear in the reasons of device records."""

    HOSTNAME = "hostname"
    VENDOR = "vendor"
    MODEL = "model"
    KIND = "kind"
    FIRMWARE = "firmware"
    SERIAL = "serial"
    OPERATING_SYSTEM = "operating_system"
    ROLE = "role"
    """A protocol role, as ``modbus.server`` or ``mqtt.broker``."""
    MAC = "mac"
    """A hardware address the subject owns."""
    IP = "ip"
    """An address the subject owns or was given."""
    DHCP_FINGERPRINT = "dhcp_fingerprint"
    """Option 55, the codes in the order sent, joined by commas."""
    DHCP_VENDOR_CLASS = "dhcp_vendor_class"
    """Option 60 (DHCPv4) or 16 (DHCPv6)."""
    USER_AGENT = "user_agent"
    BANNER = "banner"
    """What a server says of its software."""
    SERVICE = "service"
    """An announced service, as ``_googlecast._tcp``."""
    SNI = "sni"
    """A server name the subject asked for."""
    JA4 = "ja4"
    CERTIFICATE = "certificate"
    """Subject of a certificate the subject presented."""
    CERTIFICATE_SHA256 = "certificate_sha256"
    """SHA-256 of that certificate in DER, in lower-case hexadecimal: for lists of bad certificates, says nothing of a device."""
    CERTIFICATE_SHA1 = "certificate_sha1"
    """The same by SHA-1, which some lists still use."""
    CLIENT_ID = "client_id"
    """MQTT client identifier."""
    DEVICE_URL = "device_url"
    """Where the subject says its own description lies (SSDP LOCATION, MUD URL)."""


class Hint(NamedTuple):
    """One statement about a device.

    ``about`` is the IP or MAC address (as text) the statement is about; None means the sender of the message.
    """

    key: HintKey
    value: str
    about: str | None = None
