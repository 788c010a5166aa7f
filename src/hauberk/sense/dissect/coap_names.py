"""Names of CoAP methods, response codes and options (RFC 7252 clauses 5.10, 12.1 and 12.2, and the registers they opened)."""

from __future__ import annotations

from typing import Final

METHODS: Final[dict[int, str]] = {1: "get", 2: "post", 3: "put", 4: "delete", 5: "fetch", 6: "patch", 7: "ipatch"}
"""Request codes (RFC 7252; 5 to 7: RFC 8132)."""

WRITES: Final = frozenset({2, 3, 4, 6, 7})
"""Methods that change the resource."""

RESPONSES: Final[dict[int, str]] = {
    0x41: "created",
    0x42: "deleted",
    0x43: "valid",
    0x44: "changed",
    0x45: "content",
    0x5F: "continue",
    0x80: "bad_request",
    0x81: "unauthorized",
    0x82: "bad_option",
    0x83: "forbidden",
    0x84: "not_found",
    0x85: "method_not_allowed",
    0x86: "not_acceptable",
    0x88: "request_entity_incomplete",
    0x89: "conflict",
    0x8C: "precondition_failed",
    0x8D: "request_entity_too_large",
    0x8F: "unsupported_content_format",
    0x96: "unprocessable_entity",
    0x9D: "too_many_requests",
    0xA0: "internal_server_error",
    0xA1: "not_implemented",
    0xA2: "bad_gateway",
    0xA3: "service_unavailable",
    0xA4: "gateway_timeout",
    0xA5: "proxying_not_supported",
    0xA8: "hop_limit_reached",
}
"""Response codes: the class in the three upper bits, 2 success, 4 and 5 errors."""

URI_HOST: Final = 3
OBSERVE: Final = 6
LOCATION_PATH: Final = 8
URI_PATH: Final = 11
URI_QUERY: Final = 15
BLOCK2: Final = 23
BLOCK1: Final = 27
PROXY_URI: Final = 35

OPTIONS: Final[dict[int, tuple[int, int]]] = {
    1: (0, 8),
    3: (1, 255),
    4: (1, 8),
    5: (0, 0),
    6: (0, 3),
    7: (0, 2),
    8: (0, 255),
    9: (0, 255),
    11: (0, 255),
    12: (0, 2),
    14: (0, 4),
    15: (0, 255),
    16: (1, 1),
    17: (0, 2),
    19: (0, 3),
    20: (0, 255),
    23: (0, 3),
    27: (0, 3),
    28: (0, 4),
    31: (0, 3),
    35: (1, 1034),
    39: (1, 255),
    60: (0, 4),
    252: (1, 40),
    258: (0, 1),
    292: (0, 8),
}
"""Registered options with the least and greatest length of their value in bytes."""
