"""The description a TwinCAT system gives of itself: XML behind index group 700 of its system service.

The text is searched for a few elements only; it is never parsed as XML, so nothing in it can be followed or expanded.
"""

from __future__ import annotations

import re
from typing import Final

from hauberk.model.hint import Hint, HintKey
from hauberk.sense.dissect.reader import text

_MOST: Final = 1 << 16
_KEYS: Final[tuple[tuple[HintKey, bytes], ...]] = (
    (HintKey.MODEL, b"TargetType"),
    (HintKey.SERIAL, b"SerialNo"),
    (HintKey.FIRMWARE, b"ImageVersion"),
)
_ELEMENTS: Final = {name: re.compile(rb"<" + name + rb">([^<]{1,64})</") for _, name in _KEYS}
_SYSTEM: Final = re.compile(rb"<OsName>([^<]{1,64})</OsName>(?:<OsVersion>([^<]{1,32})</)?")


def target_hints(data: bytes, most: int) -> tuple[Hint, ...]:
    """Hints of the description in ``data``; none where it is something else."""
    body = data[:_MOST]
    if b"<TcTargetDesc>" not in body:
        return ()
    hints = [Hint(HintKey.VENDOR, "Beckhoff")]
    for key, name in _KEYS:
        found = _ELEMENTS[name].search(body)
        if found is not None:
            hints.append(Hint(key, text(found[1], most)))
    system = _SYSTEM.search(body)
    if system is not None:
        hints.append(Hint(HintKey.OPERATING_SYSTEM, text(b" ".join(part for part in system.groups() if part), most)))
    return tuple(hints)
