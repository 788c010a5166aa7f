"""Values of CIP: attributes, Logix tags, and the identity of a device.

Common Industrial Protocol, Volume 1, appendix C-6 (data types), 5A-2 (identity object); tag services as Logix 5000 Data Access
(Rockwell 1756-PM020) describes them. What has no known type is shown as a number where it has the size of one, else in
hexadecimal. Nothing here keeps state.
"""

from __future__ import annotations

from functools import lru_cache
from struct import Struct
from typing import Final

from hauberk.errors import Malformed
from hauberk.model.hint import Hint, HintKey
from hauberk.model.transaction import Scalar, Value
from hauberk.sense.dissect.cip_names import KINDS, TYPES, VENDORS
from hauberk.sense.dissect.reader import Reader, text

_STRUCTURE: Final = 0x02A0
_LOGIX_STRING: Final = 0x0FCE
_MOST_BLOB: Final = 64
_IDENTITY: Final = Struct("<HHHBBHI")
_ATTRIBUTE_SIZES: Final[dict[int, int]] = {1: 2, 2: 2, 3: 2, 4: 2, 5: 2, 6: 4, 8: 1, 9: 2, 10: 1}
"""Attributes of the identity object and their sizes in bytes; attribute 7, the name, says its own."""


def blob(data: bytes) -> Value:
    """Bytes of unknown type: an unsigned number of 1, 2, 4 or 8 bytes, else hexadecimal (64 bytes at most)."""
    if not data:
        return None
    if len(data) in {1, 2, 4, 8}:
        return int.from_bytes(data, "little")
    return data[:_MOST_BLOB].hex()


def _elements(reader: Reader, kind: int, most: int) -> Value:
    layout = TYPES.get(kind)
    if layout is None:
        return blob(reader.rest())
    count = min(reader.remaining // layout.size, most)
    values: list[Scalar] = []
    for _ in range(count):
        (value,) = reader.unpack(layout)
        values.append(value if not isinstance(value, bytes) else value.hex())
    if not values:
        return None
    return values[0] if len(values) == 1 else tuple(values)


def _structure(reader: Reader) -> Value:
    # A Logix string is a structure of a length and 82 characters; fragments of it may end early.
    if reader.remaining >= 4:
        size = reader.u32le()
        return text(reader.take(min(size, reader.remaining)), 82)
    return None


def tag_read(data: bytes, start: int, end: int, most: int) -> Value:
    """The values of a read tag reply: type, then elements."""
    if end - start < 2:
        return None
    reader = Reader(data, start, end)
    kind = reader.u16le()
    if kind == _STRUCTURE:
        return _structure(reader) if reader.u16le() == _LOGIX_STRING else None
    return _elements(reader, kind, most)


def tag_written(data: bytes, start: int, end: int, fragmented: bool, most: int) -> Value:
    """The values of a write tag request: type, number of elements, for fragments a byte offset, elements."""
    reader = Reader(data, start, end)
    kind = reader.u16le()
    handle = reader.u16le() if kind == _STRUCTURE else 0
    reader.skip(6 if fragmented else 2)
    if kind == _STRUCTURE:
        return _structure(reader) if handle == _LOGIX_STRING else None
    return _elements(reader, kind, most)


def masks(data: bytes, start: int, end: int) -> Value:
    """The OR and the AND mask of a read modify write request."""
    reader = Reader(data, start, end)
    size = reader.u16le()
    if size > 12:
        raise Malformed(f"mask of {size} bytes")
    return int.from_bytes(reader.take(size), "little"), int.from_bytes(reader.take(size), "little")


@lru_cache(maxsize=256)
def identity_hints(vendor: int, device_type: int, major: int, minor: int, serial: int, name: str) -> tuple[Hint, ...]:
    """What the attributes of an identity object say of the device; a serial number of zero and an empty name say nothing."""
    hints = [Hint(HintKey.VENDOR, VENDORS.get(vendor) or f"CIP vendor {vendor}")]
    if name:
        hints.append(Hint(HintKey.MODEL, name))
    hints.append(Hint(HintKey.FIRMWARE, f"{major & 0x7F}.{minor}"))
    if serial:
        hints.append(Hint(HintKey.SERIAL, f"{serial:08x}"))
    kind = KINDS.get(device_type)
    if kind:
        hints.append(Hint(HintKey.KIND, kind))
    return tuple(hints)


def identity(data: bytes, start: int, end: int) -> tuple[Value, tuple[Hint, ...]]:
    """All attributes of the identity object, as Get Attributes All and List Identity give them."""
    reader = Reader(data, start, end)
    vendor, device_type, product, major, minor, _, serial = (int(field) for field in reader.unpack(_IDENTITY))
    name = text(reader.take(reader.u8()), 64).strip()
    value = (VENDORS.get(vendor) or vendor, name, f"{major & 0x7F}.{minor}", f"{serial:08x}", device_type, product)
    return value, identity_hints(vendor, device_type, major, minor, serial, name)


def _one_hint(attribute: int, raw: bytes) -> Hint | None:
    number = int.from_bytes(raw, "little")
    if attribute == 1:
        return Hint(HintKey.VENDOR, VENDORS.get(number) or f"CIP vendor {number}")
    if attribute == 2 and number in KINDS:
        return Hint(HintKey.KIND, KINDS[number])
    if attribute == 4 and len(raw) == 2:
        return Hint(HintKey.FIRMWARE, f"{raw[0] & 0x7F}.{raw[1]}")
    if attribute == 6 and number:
        return Hint(HintKey.SERIAL, f"{number:08x}")
    return Hint(HintKey.MODEL, text(raw, 64).strip()) if attribute == 7 and raw else None


def identity_attribute(attribute: int, data: bytes) -> tuple[Value, tuple[Hint, ...]]:
    """One attribute of the identity object and what it says of the device."""
    raw = data[1 : 1 + data[0]] if attribute == 7 and data else data
    hint = _one_hint(attribute, raw)
    value: Value = text(raw, 64).strip() if attribute == 7 else blob(raw)
    return value, (hint,) if hint else ()


def identity_list(data: bytes, start: int, end: int) -> tuple[Value, tuple[Hint, ...]]:
    """The reply of Get Attribute List on an identity object: number, status and value of each attribute.

    It stops at the first attribute whose size is not known.
    """
    reader = Reader(data, start, end)
    hints: list[Hint] = []
    values: list[Scalar] = []
    for _ in range(min(reader.u16le(), 16)):
        attribute, status = reader.u16le(), reader.u16le()
        if status:
            continue
        if attribute == 7:
            raw = reader.take(reader.u8())
        elif attribute in _ATTRIBUTE_SIZES:
            raw = reader.take(_ATTRIBUTE_SIZES[attribute])
        else:
            break
        hint = _one_hint(attribute, raw)
        if hint:
            hints.append(hint)
        values.append(text(raw, 64).strip() if attribute == 7 else int.from_bytes(raw, "little"))
    return tuple(values) or None, tuple(hints)
