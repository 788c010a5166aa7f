"""What an MMS request acts on, in words (ISO 9506-2: object names, variable access specifications, file names).

``domain/item`` for objects of a domain, ``item`` for those of the whole device, ``@item`` for those of the association; several are
joined by commas, the parts of a file name by slashes.
"""

from __future__ import annotations

from hauberk.sense.dissect import ber
from hauberk.sense.dissect.ber import Element
from hauberk.sense.dissect.limits import Limits
from hauberk.sense.dissect.mms_names import (
    DEFINE_LIST,
    DELETE_LIST,
    FILE_CLOSE,
    FILE_DELETE,
    FILE_DIRECTORY,
    FILE_OPEN,
    FILE_READ,
    FILE_RENAME,
    GET_LIST,
    GET_NAME_LIST,
    GET_VARIABLE,
    OBTAIN_FILE,
    READ,
    WRITE,
)
from hauberk.sense.dissect.reader import text

_VMD, _DOMAIN, _ASSOCIATION = 0x80, 0xA1, 0x82
_LIST_OF_VARIABLES, _LIST_NAME = 0xA0, 0xA1
_STRINGS = frozenset({0x1A, 0x19, 0x80, 0x81, 0x82})


def target(data: bytes, service: int, one: Element, limits: Limits) -> str | None:
    """The object of confirmed request ``service`` whose contents are ``one``. Raises ``Malformed``."""
    if service in {READ, WRITE}:
        specification = access_specification(data, service, one)
        return None if specification is None else variables(data, specification, limits)
    if service == GET_NAME_LIST:
        scope = ber.find(data, one.start, one.end, 0xA1)
        domain = None if scope is None else ber.find(data, scope.start, scope.end, 0x81)
        return None if domain is None else _word(data, domain)
    if service in {GET_LIST, DEFINE_LIST}:
        return _name(data, ber.element(data, one.start, one.end))
    if service == GET_VARIABLE:
        named = ber.find(data, one.start, one.end, 0xA0)
        return None if named is None else _name(data, ber.element(data, named.start, named.end))
    if service == DELETE_LIST:
        listed = ber.find(data, one.start, one.end, 0xA1)
        names = [] if listed is None else [_name(data, name) for name in ber.children(data, listed.start, listed.end, limits.items)]
        return ",".join(name for name in names if name) or None
    if service in _FILES:
        return _files(data, service, one)
    if service in _IDENTIFIERS:
        return _word(data, one) or None
    return None if service in _WITHOUT else _first_words(data, one)


def access_specification(data: bytes, service: int, one: Element) -> Element | None:
    """The variable access specification of a read or write request: a read wraps it, a write begins with it."""
    if service == WRITE:
        return ber.element(data, one.start, one.end)
    wrapped = ber.find(data, one.start, one.end, 0xA1)
    return None if wrapped is None else ber.element(data, wrapped.start, wrapped.end)


def variables(data: bytes, specification: Element, limits: Limits) -> str | None:
    """The variables, or the one named list of variables, of an access specification."""
    if specification.tag == _LIST_NAME:
        return _name(data, ber.element(data, specification.start, specification.end))
    names: list[str] = []
    for entry in ber.children(data, specification.start, specification.end, limits.items):
        named = ber.find(data, entry.start, entry.end, 0xA0)
        name = None if named is None else _name(data, ber.element(data, named.start, named.end))
        names.append(name or "?")
    return ",".join(names) or None


def _name(data: bytes, one: Element) -> str | None:
    if one.tag == _DOMAIN:
        parts = ber.children(data, one.start, one.end, 2)
        return "/".join(_word(data, part) for part in parts) or None
    if one.tag == _ASSOCIATION:
        return "@" + _word(data, one)
    return _word(data, one) or None if one.tag in _STRINGS else None


def _word(data: bytes, one: Element) -> str:
    return text(data[one.start : one.end], 129)


_FILES = frozenset({FILE_OPEN, FILE_READ, FILE_CLOSE, FILE_RENAME, FILE_DELETE, FILE_DIRECTORY, OBTAIN_FILE})
_IDENTIFIERS = frozenset({27, 36, 37, 39, 45})
"""Services whose request is one name: download_segment, delete_domain, get_domain_attributes and two of program invocations."""
_WITHOUT = frozenset({0, 2, 30, 31, 63, 71})
"""Services that name no object: status, identify, parts of uploads, get_alarm_summary, get_capability_list."""


def _files(data: bytes, service: int, one: Element) -> str | None:
    if service in {FILE_READ, FILE_CLOSE}:
        return f"frsm/{ber.integer(data, one)}"
    if service == FILE_DELETE:
        return _path(data, one)
    found = [_path(data, part) for part in ber.children(data, one.start, one.end, 4) if part.tag in {0xA0, 0xA1, 0xA2}]
    return ",".join(path for path in found if path) or None


def _path(data: bytes, one: Element) -> str:
    parts = ber.children(data, one.start, one.end, 8)
    if len(parts) == 1 and parts[0].tag == 0x30:
        parts = ber.children(data, parts[0].start, parts[0].end, 8)
    return "/".join(_word(data, part) for part in parts if part.tag in _STRINGS)


def _first_words(data: bytes, one: Element, depth: int = 4) -> str | None:
    """The first name in a request of a rarer service: object names keep their form."""
    for part in ber.children(data, one.start, one.end, 4):
        if part.tag in _STRINGS:
            return _word(data, part) or None
        if part.tag == _DOMAIN:
            return _name(data, part)
        if depth and part.tag & 0x20 and (found := _first_words(data, part, depth - 1)) is not None:
            return found
    return None
