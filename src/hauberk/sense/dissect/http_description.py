"""Reads what a device says of itself in a UPnP device description (UPnP Device Architecture 2.0, section 2.3).

The document is searched for the elements of interest and not parsed as XML: entities are never expanded, nothing is fetched.
"""

from __future__ import annotations

import re

from hauberk.model.hint import Hint, HintKey
from hauberk.sense.dissect.limits import Limits
from hauberk.sense.dissect.reader import text

MARK = b"schemas-upnp-org:device-1-0"
"""Namespace of every device description."""
_KEYS = {
    b"manufacturer": HintKey.VENDOR,
    b"modelname": HintKey.MODEL,
    b"serialnumber": HintKey.SERIAL,
    b"firmwareversion": HintKey.FIRMWARE,
    b"devicetype": HintKey.SERVICE,
}
_ELEMENT = re.compile(rb"<(manufacturer|modelName|serialNumber|firmwareVersion|deviceType)>([^<>]{1,256})</", re.IGNORECASE)
_ENTITIES = ((b"&lt;", b"<"), (b"&gt;", b">"), (b"&quot;", b'"'), (b"&apos;", b"'"), (b"&amp;", b"&"))


def description_hints(body: bytes, limits: Limits) -> tuple[Hint, ...]:
    """Statements about the sender of the description: those of the root device, which come first."""
    if MARK not in body:
        return ()
    found: dict[HintKey, str] = {}
    for element in _ELEMENT.finditer(body):
        key = _KEYS[element[1].lower()]
        value = element[2]
        for entity, character in _ENTITIES:
            value = value.replace(entity, character)
        if shown := text(value.strip(), limits.text):
            found.setdefault(key, shown)
    return tuple(Hint(key, value) for key, value in found.items())
