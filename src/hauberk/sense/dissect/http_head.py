"""Reads the head of an HTTP/1 message (RFC 9112 sections 2 to 5), which UPnP uses in datagrams too.

Only the start line and the fields that are asked for are kept; lines may end with a line feed alone (section 2.2). Must never
keep a secret: passwords and tokens in targets are replaced before anybody sees them.
"""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from hauberk.formats.http_target import without_secrets
from hauberk.sense.dissect.limits import Limits
from hauberk.sense.dissect.reader import text

METHOD = re.compile(rb"[A-Z][A-Z_-]{1,23}")
"""What this reader takes for a method: names of registered methods are upper-case letters and hyphens."""
REQUEST_LINE = re.compile(rb"([A-Z][A-Z_-]{1,23}) +([^\x00-\x20\x7f]+) +HTTP/1\.[0-9] *\r?\n")
STATUS_LINE = re.compile(rb"HTTP/1\.[0-9] +([1-5][0-9][0-9])(?: [^\r\n]*)?\r?\n")
HEAD_END = re.compile(rb"\n\r?\n")
LONGEST_HEAD = 1 << 16
"""Bytes; servers in wide use refuse far shorter heads."""


class Head(NamedTuple):
    """``fields`` holds the first value of each wanted field, by lower-case name; ``whole`` is false where a line is no field."""

    fields: dict[str, str]
    whole: bool


def read_fields(head: bytes, wanted: AbstractSet[str], limits: Limits) -> Head:
    """The wanted fields of a head, without its start line."""
    fields: dict[str, str] = {}
    whole = True
    for line in head.decode("utf-8", "backslashreplace").split("\n")[1:]:
        name, colon, value = line.partition(":")
        if not colon:
            if line and line != "\r" and not line[0].isspace():
                whole = False
            continue
        name = name.rstrip().lower()
        if name in wanted and name not in fields:
            value = value.strip()[: limits.text]
            fields[name] = value if value.isprintable() else text(value.encode("utf-8", "replace"), limits.text)
    return Head(fields, whole)


def shown_target(target: str, host: str, limits: Limits) -> str:
    """Host and path of a request target (RFC 9112 section 3.2), secrets hidden, cut to ``limits.text``."""
    scheme, separator, rest = target.partition("://")
    if separator and scheme.isalnum():
        authority, slash, path = rest.partition("/")
        target = f"{authority.rpartition('@')[2]}{slash}{path}"
    else:
        target = host + target
    return without_secrets(target)[: limits.text]
