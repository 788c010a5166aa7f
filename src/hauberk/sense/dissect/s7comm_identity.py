"""What system status lists of SIMATIC controllers say about the controller: order number, firmware, type and serial number.

Lists 0x0011 (identification of the module) and 0x001C (identification of the component), as in Siemens' manual "System and
standard functions for S7-300 and S7-400", chapter "System status lists".
"""

from __future__ import annotations

from struct import Struct

from hauberk.model.hint import Hint, HintKey
from hauberk.sense.dissect.reader import text

_LIST = Struct(">HHHH")
_MODULE = Struct(">H20sHHH")
_COMPONENT = Struct(">H32s")

_IDENTIFICATION = 0x11
_COMPONENTS = 0x1C
_ORDER_NUMBER, _FIRMWARE = 1, 7
_MOST_RECORDS = 32
_COMPONENT_KEYS = {5: HintKey.SERIAL, 7: HintKey.MODEL}


def identity(body: bytes) -> tuple[Hint, ...]:
    """Hints in a whole status list: its header and records. Lists of other kinds, and broken ones, say nothing."""
    if len(body) < _LIST.size:
        return ()
    number, _, size, count = _LIST.unpack_from(body)
    if number & 0xFF == _IDENTIFICATION and size >= _MODULE.size:
        read = _module
    elif number & 0xFF == _COMPONENTS and size >= _COMPONENT.size:
        read = _component
    else:
        return ()
    hints: list[Hint] = []
    for at in range(_LIST.size, min(len(body) - size, _LIST.size + size * (min(count, _MOST_RECORDS) - 1)) + 1, size):
        hints.extend(read(body, at))
    if hints:
        hints.insert(0, Hint(HintKey.VENDOR, "Siemens"))
    return tuple(hints)


def _module(body: bytes, at: int) -> list[Hint]:
    index, order, _, first, second = _MODULE.unpack_from(body, at)
    if index == _ORDER_NUMBER:
        name = _words(order)
        return [Hint(HintKey.MODEL, name)] if name else []
    if index == _FIRMWARE and first >> 8 == ord("V"):
        return [Hint(HintKey.FIRMWARE, f"{first & 0xFF}.{second >> 8}.{second & 0xFF}")]
    return []


def _component(body: bytes, at: int) -> list[Hint]:
    index, raw = _COMPONENT.unpack_from(body, at)
    key = _COMPONENT_KEYS.get(index & 0xFF)
    name = _words(raw[:24] if index & 0xFF == 5 else raw)
    return [Hint(key, name)] if key is not None and name else []


def _words(raw: bytes) -> str:
    return text(raw.split(b"\x00")[0].strip(), 64)
