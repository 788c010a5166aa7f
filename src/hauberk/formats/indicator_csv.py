"""Lists of indicators as text: CSV with a header (RFC 4180, also MISP's export), and plain lists with one value a line.

A header may stand behind a ``#``, as some feeds write it. The columns may be in any order and under the names that are in use
(``value``, ``indicator``, ``ioc``, ``type``, ``comment``, ``confidence`` ...); a column called after a kind (``ip``, ``url``) holds
values of that kind. In plain lists ``#`` and ``;`` begin remarks, and a line of a hosts file is its host name. Values may be
defanged. A line that cannot be applied is skipped with its number and the reason.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from hauberk.errors import InputError
from hauberk.formats.indicator_values import Normal, guessed, normal
from hauberk.model.indicator import UNSTATED_CONFIDENCE, Indicator, IndicatorFeed, IndicatorKind, Skipped

LARGEST = 256 << 20
"""Bytes of a list."""
MOST_LINES = 4_000_000
LONGEST_LINE = 1 << 16
MOST_FIELDS = 256
_LONGEST_TEXT = 500

_VALUE = ("value", "indicator", "ioc", "ioc_value", "observable", "indicator_value")
_TYPE = ("type", "ioc_type", "indicator_type", "kind", "attribute_type")
_OF_KIND = {
    "ip": IndicatorKind.IP,
    "ip_address": IndicatorKind.IP,
    "ipaddress": IndicatorKind.IP,
    "dst_ip": IndicatorKind.IP,
    "address": IndicatorKind.IP,
    "cidr": IndicatorKind.CIDR,
    "network": IndicatorKind.CIDR,
    "domain": IndicatorKind.DOMAIN,
    "hostname": IndicatorKind.DOMAIN,
    "fqdn": IndicatorKind.DOMAIN,
    "url": IndicatorKind.URL,
    "ja4": IndicatorKind.JA4,
    "certificate_sha256": IndicatorKind.CERTIFICATE_SHA256,
    "certificate_sha1": IndicatorKind.CERTIFICATE_SHA1,
}
_COLUMNS = {
    "value": _VALUE,
    "type": _TYPE,
    "name": ("name", "title", "malware_printable", "malware", "threat", "listingreason"),
    "description": ("description", "comment", "notes", "note", "reason"),
    "confidence": ("confidence", "confidence_level"),
    "from": ("valid_from",),
    "until": ("valid_until", "expires", "expiration", "expiry"),
    "labels": ("labels", "tags", "attribute_tag"),
    "techniques": ("techniques", "technique", "attack"),
    "id": ("id", "uuid", "ioc_id"),
    "to_ids": ("to_ids",),
}
_TYPES = {
    **{kind.value: kind for kind in IndicatorKind},
    **dict.fromkeys(
        ("ipv4", "ipv6", "ip-dst", "ip-src", "ipv4-addr", "ipv6-addr", "ipaddress", "address", "ip_address"), IndicatorKind.IP
    ),
    **dict.fromkeys(("ip-dst|port", "ip-src|port", "ip:port"), IndicatorKind.IP),
    **dict.fromkeys(("netblock", "network", "ip-range", "ipv4-cidr", "ipv6-cidr"), IndicatorKind.CIDR),
    **dict.fromkeys(("hostname", "host", "fqdn", "domain-name", "domain|ip", "hostname|port"), IndicatorKind.DOMAIN),
    **dict.fromkeys(("uri", "link"), IndicatorKind.URL),
    **dict.fromkeys(("ja4-fingerprint", "ja4_fingerprint"), IndicatorKind.JA4),
    **dict.fromkeys(("x509-fingerprint-sha256", "cert_sha256", "ssl_sha256"), IndicatorKind.CERTIFICATE_SHA256),
    **dict.fromkeys(("x509-fingerprint-sha1", "cert_sha1", "ssl_sha1", "sha1_cert"), IndicatorKind.CERTIFICATE_SHA1),
}
_PORTED = frozenset({"ip-dst|port", "ip-src|port", "ip:port", "hostname|port", "domain|ip"})
_HOSTS_FILE = frozenset({"0.0.0.0", "127.0.0.1", "::", "::1"})  # noqa: S104 - words of a file, no socket
_NOWHERE = frozenset({"localhost", "localhost.localdomain", "local", "broadcasthost", "ip6-localhost", "ip6-loopback", "0.0.0.0"})  # noqa: S104 - same

Columns = Mapping[str, int]


def read_list(content: bytes, source: str) -> IndicatorFeed:
    """The indicators of a CSV file or a plain list, by the feed's name ``source``.

    Raises ``InputError`` where the bytes are no text, or the file is out of bounds.
    """
    if len(content) > LARGEST:
        raise InputError(f"a list of {len(content):,} bytes is over {LARGEST:,}; split it")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"line {content.count(10, 0, error.start) + 1}: is no text in UTF-8") from error
    lines = text.split("\n")
    if len(lines) > MOST_LINES:
        raise InputError(f"a list of {len(lines):,} lines is over {MOST_LINES:,}; split it")
    indicators: list[Indicator] = []
    skipped: list[Skipped] = []
    header = _header(lines)
    read = _plain(lines, source) if header is None else _table(lines, *header, source)
    for item in read:
        if isinstance(item, Indicator):
            indicators.append(item)
        else:
            skipped.append(item)
    return IndicatorFeed(source, tuple(indicators), tuple(skipped))


def _header(lines: Sequence[str]) -> tuple[int, dict[str, int], IndicatorKind | None] | None:
    """Number of the line (0-based) that names columns, the columns, and the kind of the values where the column is called after
    it; None for a plain list."""
    for number, line in enumerate(lines[:200]):
        words = line.strip()
        if not words:
            continue
        names = [field.strip().strip('"').lower().replace(" ", "_") for field in words.lstrip("#; ").split(",")[:MOST_FIELDS]]
        place = {role: names.index(name) for role, known in _COLUMNS.items() for name in reversed(known) if name in names}
        of_kind = next((name for name in _OF_KIND if name in names), None)
        if "value" in place and (len(names) > 1 or words[0] != "#"):
            return number, place, None
        if of_kind is not None and (len(names) > 1 or words[0] != "#"):
            place.pop("type", None)
            return number, {**place, "value": names.index(of_kind)}, _OF_KIND[of_kind]
        if words[0] not in "#;":
            return None
    return None


def _table(
    lines: Sequence[str], number: int, columns: Columns, kind: IndicatorKind | None, source: str
) -> Iterator[Indicator | Skipped]:
    first = number + 1
    rows = csv.reader((f"{line[:LONGEST_LINE]}\n" for line in lines[first:]), strict=False, skipinitialspace=True)
    while True:
        begins = first + rows.line_num + 1
        where = f"line {begins}"
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield Skipped(where, str(error))
            continue
        if not row or (len(row) == 1 and not row[0].strip()) or row[0].lstrip().startswith("#"):
            continue
        try:
            yield _row(row[:MOST_FIELDS], columns, kind, source)
        except InputError as error:
            yield Skipped(where, str(error))


def _row(row: Sequence[str], columns: Columns, kind: IndicatorKind | None, source: str) -> Indicator:
    def cell(role: str) -> str:
        place = columns.get(role)
        return row[place].strip() if place is not None and place < len(row) else ""

    if cell("to_ids").lower() in {"0", "false", "no"}:
        raise InputError("its feed does not mean it for detection (to_ids is 0)")
    what, value = _typed(cell("value"), cell("type").lower(), kind)
    start, end = _time(cell("from"), "valid_from"), _time(cell("until"), "valid_until")
    if start is not None and end is not None and end <= start:
        raise InputError("its valid_until does not come after its valid_from")
    return Indicator(
        what,
        value,
        source,
        cell("id")[:_LONGEST_TEXT],
        cell("name")[:_LONGEST_TEXT],
        cell("description")[:_LONGEST_TEXT],
        _confidence(cell("confidence")),
        start,
        end,
        _words(cell("labels")),
        tuple(word.upper() for word in _words(cell("techniques"))),
    )


def _typed(value: str, type_name: str, kind: IndicatorKind | None) -> Normal:
    if not value:
        raise InputError("there is no value")
    if type_name:
        kind = _TYPES.get(type_name)
        if kind is None:
            raise InputError(f"values of type '{type_name[:60]}' are not seen on the network")
        if type_name in _PORTED:
            value = _without_port(value)
    return guessed(value) if kind is None else normal(kind, value)


def _without_port(value: str) -> str:
    """The first part of ``host|port``, ``name|address`` or ``address:port``."""
    host = value.partition("|")[0]
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0] if host.count(":") == 1 else host


def _plain(lines: Sequence[str], source: str) -> Iterator[Indicator | Skipped]:
    for number, line in enumerate(lines, 1):
        value, remark = _entry(line[:LONGEST_LINE])
        if not value:
            continue
        try:
            kind, plain = guessed(value)
        except InputError as error:
            yield Skipped(f"line {number}", str(error))
        else:
            yield Indicator(kind, plain, source, description=remark[:_LONGEST_TEXT])


def _entry(line: str) -> tuple[str, str]:
    """Value and remark of one line of a plain list; empty where it has none."""
    text = line.strip()
    if not text or text[0] in "#;!":
        return "", ""
    for mark in (" #", "\t#", " ;", "\t;", ";"):
        text, found, remark = text.partition(mark)
        if found:
            break
    else:
        remark = ""
    words = text.split()
    if len(words) > 1 and words[0] in _HOSTS_FILE:
        return ("" if words[1] in _NOWHERE else words[1]), remark.strip()
    return text.strip().rstrip(","), remark.strip()


def _confidence(text: str) -> int:
    if not text:
        return UNSTATED_CONFIDENCE
    try:
        value = float(text.removesuffix("%"))
    except ValueError as error:
        raise InputError(f"the confidence '{text[:40]}' is no number") from error
    if not 0 <= value <= 100:
        raise InputError(f"the confidence {text[:40]} is not from 0 to 100")
    return round(value)


def _time(text: str, key: str) -> float | None:
    """Epoch seconds of an ISO 8601 time, UTC where it says no zone, or of epoch seconds."""
    if not text:
        return None
    try:
        if text.isdigit():
            return float(int(text[:12]))
        moment = datetime.fromisoformat(text.removesuffix(" UTC"))
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError) as error:
        raise InputError(f"the {key} '{text[:40]}' is no time") from error


def _words(text: str) -> tuple[str, ...]:
    """Words between commas, semicolons or bars."""
    return tuple(dict.fromkeys(word.strip()[:80] for word in text.replace(";", ",").replace("|", ",").split(",") if word.strip()))[
        :32
    ]
