"""Names of HTTP status codes that report an error (RFC 9110 section 15 and the IANA register), in snake_case."""

from __future__ import annotations

from hauberk.model.transaction import OK

ERRORS = {
    400: "bad_request",
    401: "unauthorized",
    402: "payment_required",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    407: "proxy_authentication_required",
    408: "request_timeout",
    409: "conflict",
    410: "gone",
    411: "length_required",
    412: "precondition_failed",
    413: "content_too_large",
    414: "uri_too_long",
    415: "unsupported_media_type",
    416: "range_not_satisfiable",
    417: "expectation_failed",
    418: "unused",
    421: "misdirected_request",
    422: "unprocessable_content",
    423: "locked",
    424: "failed_dependency",
    425: "too_early",
    426: "upgrade_required",
    428: "precondition_required",
    429: "too_many_requests",
    431: "request_header_fields_too_large",
    451: "unavailable_for_legal_reasons",
    500: "internal_server_error",
    501: "not_implemented",
    502: "bad_gateway",
    503: "service_unavailable",
    504: "gateway_timeout",
    505: "http_version_not_supported",
    506: "variant_also_negotiates",
    507: "insufficient_storage",
    508: "loop_detected",
    510: "not_extended",
    511: "network_authentication_required",
}

METHODS = frozenset(
    b"GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH PROPFIND PROPPATCH MKCOL COPY MOVE LOCK UNLOCK REPORT SEARCH MERGE "
    b"MKCALENDAR NOTIFY SUBSCRIBE UNSUBSCRIBE M-SEARCH M-POST PURGE BPROPFIND POLL RPC_IN_DATA RPC_OUT_DATA".split()
)
"""Methods by which a request is recognised: the IANA register, UPnP (GENA, SSDP) and Microsoft's."""

WRITES = frozenset({"put", "delete", "patch", "proppatch", "mkcol", "copy", "move", "merge"})
"""Methods that change what they act on (RFC 9110 section 9.3, RFC 4918 section 9)."""


def status_name(code: int) -> str:
    """``ok`` below 400, the name of the error otherwise."""
    return OK if code < 400 else ERRORS.get(code) or f"status_{code}"
