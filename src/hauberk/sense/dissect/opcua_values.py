"""Built-in types of OPC UA in binary encoding.

OPC 10000-6 clause 5.2 (binary encoding): identifiers, text, variants, data values, extension objects, diagnostics. Strings and
arrays of length -1 are null. Nesting is followed to a depth of 8; arrays are bounded by what is there and by what is asked for.
"""

from __future__ import annotations

from functools import lru_cache
from struct import Struct
from typing import Final

from hauberk.errors import Malformed
from hauberk.model.transaction import Scalar
from hauberk.sense.dissect.opcua_names import status_name
from hauberk.sense.dissect.reader import Reader, text

_NULL: Final = 0xFFFFFFFF
_MOST_TEXT: Final = 128
_DEPTH: Final = 8
_EPOCH_TICKS: Final = 116444736000000000
"""100-nanosecond ticks from 1601 to 1970."""

_FIXED: Final[dict[int, Struct]] = {
    1: Struct("<?"),
    2: Struct("<b"),
    3: Struct("<B"),
    4: Struct("<h"),
    5: Struct("<H"),
    6: Struct("<i"),
    7: Struct("<I"),
    8: Struct("<q"),
    9: Struct("<Q"),
    10: Struct("<f"),
    11: Struct("<d"),
}
_STRING, _DATE, _GUID, _BYTES, _XML, _NODE, _EXPANDED, _STATUS, _QUALIFIED, _LOCALIZED, _EXTENSION, _DATA, _VARIANT, _DIAGNOSTIC = (
    range(12, 26)
)


def skip_bytes(reader: Reader) -> None:
    """Pass a string or byte string."""
    size = reader.u32le()
    if size != _NULL:
        reader.skip(size)


def string(reader: Reader) -> str:
    """A string, 128 characters at most; empty where it is null."""
    size = reader.u32le()
    return text(reader.take(size), _MOST_TEXT) if size != _NULL else ""


def count(reader: Reader) -> int:
    """Length of an array; null is 0. Raises ``Malformed`` where not even one byte a member is there."""
    size = reader.u32le()
    if size == _NULL:
        return 0
    if size > reader.remaining:
        raise Malformed(f"array of {size} in {reader.remaining} bytes")
    return size


@lru_cache(maxsize=4096)
def _numeric(space: int, number: int) -> str:
    return f"ns={space};i={number}" if space else f"i={number}"


def node_id(reader: Reader) -> str:
    """A NodeId or ExpandedNodeId as ``i=2258`` or ``ns=2;s=Level`` (OPC 10000-6 clause 5.3.1.10)."""
    head = reader.u8()
    kind = head & 0x3F
    if kind == 0:
        shown = _numeric(0, reader.u8())
    elif kind == 1:
        shown = _numeric(reader.u8(), reader.u16le())
    elif kind == 2:
        shown = _numeric(reader.u16le(), reader.u32le())
    elif kind <= 5:
        space = reader.u16le()
        prefix = f"ns={space};" if space else ""
        if kind == 3:
            shown = f"{prefix}s={string(reader)}"
        elif kind == 4:
            shown = f"{prefix}g={_guid(reader)}"
        else:
            size = reader.u32le()
            shown = f"{prefix}b={reader.take(size)[:32].hex() if size != _NULL else ''}"
    else:
        raise Malformed(f"NodeId encoding 0x{head:02x}")
    if head & 0x80:
        skip_bytes(reader)
    if head & 0x40:
        reader.skip(4)
    return shown


def type_number(reader: Reader) -> int:
    """The numeric identifier of a type in namespace 0; 0 for any other."""
    shown = node_id(reader)
    return int(shown[2:]) if shown.startswith("i=") else 0


def _guid(reader: Reader) -> str:
    raw = reader.take(16)
    parts = (raw[3::-1], raw[5:3:-1], raw[7:5:-1], raw[8:10], raw[10:])
    return "-".join(part.hex() for part in parts)


def localized(reader: Reader) -> str:
    """The text of a LocalizedText."""
    mask = reader.u8()
    if mask & 1:
        skip_bytes(reader)
    return string(reader) if mask & 2 else ""


def qualified(reader: Reader) -> str:
    """A QualifiedName with its namespace where that is not 0."""
    space = reader.u16le()
    name = string(reader)
    return f"{space}:{name}" if space else name


def extension(reader: Reader) -> tuple[int, Reader | None]:
    """The type of an ExtensionObject and its body where that is binary."""
    kind = type_number(reader)
    encoding = reader.u8()
    if not encoding:
        return kind, None
    size = reader.u32le()
    body = reader.part(size if size != _NULL else 0)
    return kind, body if encoding == 1 else None


def skip_diagnostic(reader: Reader) -> None:
    """Pass a DiagnosticInfo and those inside it."""
    for _ in range(_DEPTH):
        mask = reader.u8()
        reader.skip(4 * (mask & 0x0F).bit_count())
        if mask & 0x10:
            skip_bytes(reader)
        if mask & 0x20:
            reader.skip(4)
        if not mask & 0x40:
            return
    raise Malformed("diagnostics nested too deep")


def _date(reader: Reader) -> float | None:
    """A DateTime as epoch seconds; the earliest one means none."""
    ticks = reader.u64le()
    return (ticks - _EPOCH_TICKS) / 1e7 if 0 < ticks < 1 << 63 else None


def _one(reader: Reader, kind: int, depth: int) -> Scalar:
    """One value of a built-in type."""
    layout = _FIXED.get(kind)
    if layout is not None:
        (value,) = reader.unpack(layout)
        return value if not isinstance(value, bytes) else None
    if kind in {_STRING, _XML}:
        return string(reader)
    if kind in {_NODE, _EXPANDED}:
        return node_id(reader)
    if kind == _DATE:
        return _date(reader)
    if kind == _STATUS:
        return status_name(reader.u32le())
    if kind == _BYTES:
        size = reader.u32le()
        return reader.take(size)[:64].hex() if size != _NULL else None
    return _structured(reader, kind, depth)


def _structured(reader: Reader, kind: int, depth: int) -> Scalar:
    """One value of a built-in type that has parts; where it holds several, the first."""
    if kind == _GUID:
        return _guid(reader)
    if kind == _QUALIFIED:
        return qualified(reader)
    if kind == _LOCALIZED:
        return localized(reader)
    if kind == _EXTENSION:
        return f"structure i={extension(reader)[0]}"
    if kind in {_DATA, _VARIANT}:
        inner: list[Scalar] = []
        if kind == _DATA:
            data_value(reader, inner, 1, depth + 1)
        else:
            variant(reader, inner, 1, depth + 1)
        return inner[0] if inner else None
    if kind == _DIAGNOSTIC:
        skip_diagnostic(reader)
        return None
    raise Malformed(f"built-in type {kind}")


def variant(reader: Reader, values: list[Scalar], most: int, depth: int = 0) -> None:
    """Read a Variant; its value, or the members of its array, join ``values`` up to ``most``."""
    if depth > _DEPTH:
        raise Malformed("variants nested too deep")
    head = reader.u8()
    kind = head & 0x3F
    if not kind:
        values.append(None)
        return
    if not head & 0x80:
        value = _one(reader, kind, depth)
        if len(values) < most:
            values.append(value)
        return
    size = count(reader)
    layout = _FIXED.get(kind)
    if layout is not None:
        kept = min(size, max(0, most - len(values)))
        values.extend(_one(reader, kind, depth) for _ in range(kept))
        reader.skip((size - kept) * layout.size)
    else:
        for _ in range(size):
            value = _one(reader, kind, depth)
            if len(values) < most:
                values.append(value)
    if head & 0x40:
        reader.skip(4 * count(reader))


def data_value(reader: Reader, values: list[Scalar], most: int, depth: int = 0) -> None:
    """Read a DataValue; one without a value gives the name of its status."""
    mask = reader.u8()
    if mask & 0x01:
        variant(reader, values, most, depth)
    if mask & 0x02:
        status = reader.u32le()
        if not mask & 0x01 and len(values) < most:
            values.append(status_name(status))
    elif not mask & 0x01 and len(values) < most:
        values.append(None)
    # Source time and its fraction, server time and its fraction (clause 5.2.2.17).
    reader.skip(8 * (mask & 0x04 != 0) + 2 * (mask & 0x10 != 0) + 8 * (mask & 0x08 != 0) + 2 * (mask & 0x20 != 0))
