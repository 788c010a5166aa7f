"""Names of HTTP status codes that report an error (RFC 9110 section 15 and the IANA register), in snake_case."""

from __future__ import annotations

from hauberk.formats.protocol_words import HTTP_ERRORS
from hauberk.model.transaction import OK

ERRORS = HTTP_ERRORS

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
