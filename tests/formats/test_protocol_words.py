"""The tables of words for other sensors' logs say what the dissectors say."""

from __future__ import annotations

from hauberk.formats import protocol_words as words
from hauberk.sense.dissect import (
    bacnet_names,
    cip_names,
    dhcp,
    dnp3_names,
    dns_names,
    enip,
    ftp,
    http_names,
    modbus_names,
    mqtt_names,
    ntp,
    s7comm_names,
)


def test_modbus_words_are_those_of_the_dissector() -> None:
    """Functions, writes and exceptions."""
    assert {code: words.modbus_function(code) for code in range(128)} == {
        code: modbus_names.function_name(code) for code in range(128)
    }
    assert words.MODBUS_WRITES == modbus_names.WRITES
    assert words.MODBUS_EXCEPTIONS == modbus_names.EXCEPTIONS


def test_dnp3_words_are_those_of_the_dissector() -> None:
    """Functions, writes, indications and which of them refuse."""
    assert words.DNP3_FUNCTIONS == dnp3_names.FUNCTIONS
    assert words.DNP3_WRITES == dnp3_names.WRITES
    assert tuple(dnp3_names.INDICATIONS)[: len(words.DNP3_INDICATIONS)] == words.DNP3_INDICATIONS
    assert words.DNP3_REFUSALS == dnp3_names.REFUSALS


def test_common_protocols_words_are_those_of_the_dissectors() -> None:
    """MQTT, DHCP, DNS, NTP, FTP and HTTP."""
    assert words.MQTT_TYPES == mqtt_names.TYPES
    assert words.MQTT_RETURN_CODES == mqtt_names.RETURN_CODES
    assert dict(enumerate(words.DHCP_TYPES[1:], 1)) == {code: dhcp._OPERATIONS[code] for code in range(1, len(words.DHCP_TYPES))}
    assert words.DNS_RESPONSES == dns_names.RESPONSES
    assert {name: code for code, name in dns_names.TYPES.items() if name in words.DNS_TYPES} == words.DNS_TYPES
    assert tuple(name for name, _ in ntp._MODES) == words.NTP_MODES
    assert (words.FTP_WRITES, words.FTP_ERRORS) == (ftp._WRITES, ftp._ERRORS)
    assert (words.HTTP_WRITES, words.HTTP_ERRORS) == (http_names.WRITES, http_names.ERRORS)


def test_words_of_machines_are_those_of_the_dissectors() -> None:
    """S7comm, CIP, EtherNet/IP and BACnet."""
    assert (words.S7_FUNCTIONS, words.S7_WRITES) == (s7comm_names.FUNCTIONS, s7comm_names.WRITES)
    assert words.S7_SERVICES.items() <= s7comm_names.SERVICES.items()
    assert words.S7_ERRORS.items() <= s7comm_names.ERRORS.items()
    assert words.CIP_WRITES == cip_names.WRITE_SERVICES
    assert words.CIP_WRITE_OPERATIONS <= cip_names.WRITE_OPERATIONS
    assert words.ENIP_COMMANDS.items() <= enip.COMMANDS.items()
    assert dict(enumerate(words.BACNET_CONFIRMED)).items() <= bacnet_names.CONFIRMED.items()
    assert dict(enumerate(words.BACNET_UNCONFIRMED)).items() <= bacnet_names.UNCONFIRMED.items()
    assert words.BACNET_CONFIRMED_WRITES == bacnet_names.CONFIRMED_WRITES
    assert words.BACNET_UNCONFIRMED_WRITES <= bacnet_names.UNCONFIRMED_WRITES
