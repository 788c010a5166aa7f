"""Names of MQTT packet types, properties and reason codes.

MQTT 3.1.1 clauses 2.2.1 and 3.2.2.3; MQTT 5.0 clauses 2.2.2.2 and 2.4.
"""

from __future__ import annotations

from typing import Final

TYPES: Final[tuple[str, ...]] = (
    "reserved",
    "connect",
    "connack",
    "publish",
    "puback",
    "pubrec",
    "pubrel",
    "pubcomp",
    "subscribe",
    "suback",
    "unsubscribe",
    "unsuback",
    "pingreq",
    "pingresp",
    "disconnect",
    "auth",
)
"""Packet types by number; 0 is reserved."""

RETURN_CODES: Final[dict[int, str]] = {
    0: "ok",
    1: "unacceptable_protocol_version",
    2: "identifier_rejected",
    3: "server_unavailable",
    4: "bad_user_name_or_password",
    5: "not_authorized",
}
"""CONNACK return codes of MQTT 3.1 and 3.1.1."""

REASONS: Final[dict[int, str]] = {
    0x00: "success",
    0x01: "granted_qos_1",
    0x02: "granted_qos_2",
    0x04: "disconnect_with_will_message",
    0x10: "no_matching_subscribers",
    0x11: "no_subscription_existed",
    0x18: "continue_authentication",
    0x19: "re_authenticate",
    0x80: "unspecified_error",
    0x81: "malformed_packet",
    0x82: "protocol_error",
    0x83: "implementation_specific_error",
    0x84: "unsupported_protocol_version",
    0x85: "client_identifier_not_valid",
    0x86: "bad_user_name_or_password",
    0x87: "not_authorized",
    0x88: "server_unavailable",
    0x89: "server_busy",
    0x8A: "banned",
    0x8B: "server_shutting_down",
    0x8C: "bad_authentication_method",
    0x8D: "keep_alive_timeout",
    0x8E: "session_taken_over",
    0x8F: "topic_filter_invalid",
    0x90: "topic_name_invalid",
    0x91: "packet_identifier_in_use",
    0x92: "packet_identifier_not_found",
    0x93: "receive_maximum_exceeded",
    0x94: "topic_alias_invalid",
    0x95: "packet_too_large",
    0x96: "message_rate_too_high",
    0x97: "quota_exceeded",
    0x98: "administrative_action",
    0x99: "payload_format_invalid",
    0x9A: "retain_not_supported",
    0x9B: "qos_not_supported",
    0x9C: "use_another_server",
    0x9D: "server_moved",
    0x9E: "shared_subscriptions_not_supported",
    0x9F: "connection_rate_exceeded",
    0xA0: "maximum_connect_time",
    0xA1: "subscription_identifiers_not_supported",
    0xA2: "wildcard_subscriptions_not_supported",
}
"""Reason codes of MQTT 5.0; 0x80 and above are failures."""

BYTE, TWO, FOUR, VARIABLE, BINARY, STRING, PAIR = range(7)

PROPERTIES: Final[dict[int, int]] = {
    0x01: BYTE,
    0x02: FOUR,
    0x03: STRING,
    0x08: STRING,
    0x09: BINARY,
    0x0B: VARIABLE,
    0x11: FOUR,
    0x12: STRING,
    0x13: TWO,
    0x15: STRING,
    0x16: BINARY,
    0x17: BYTE,
    0x18: FOUR,
    0x19: BYTE,
    0x1A: STRING,
    0x1C: STRING,
    0x1F: STRING,
    0x21: TWO,
    0x22: TWO,
    0x23: TWO,
    0x24: BYTE,
    0x25: BYTE,
    0x26: PAIR,
    0x27: FOUR,
    0x28: BYTE,
    0x29: BYTE,
    0x2A: BYTE,
}
"""Data type of every property of MQTT 5.0."""

ASSIGNED_CLIENT_ID: Final = 0x12
TOPIC_ALIAS: Final = 0x23
