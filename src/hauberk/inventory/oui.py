"""Makers of network interfaces by the first 24 bits of their address (IEEE registry, as the BSD-licensed ``netaddr`` ships it).

The registry is loaded at the first question: it costs a tenth of a second. Locally administered addresses have no maker (IEEE 802,
section 8.2), and blocks that the IEEE shares out in smaller parts name the IEEE itself, which is nobody's maker. Prefix zero was
Xerox's; today laboratories number their virtual interfaces from it.
"""

from __future__ import annotations

from functools import lru_cache

_NOBODY = "IEEE REGISTRATION AUTHORITY"


@lru_cache(maxsize=1 << 16)
def _registrant(prefix: int) -> str | None:
    from netaddr import OUI  # noqa: PLC0415 - the registry costs a tenth of a second, which only the first question pays
    from netaddr.core import NotRegisteredError  # noqa: PLC0415 - same

    try:
        name = str(OUI(prefix).registration().org).strip()
    except NotRegisteredError:
        return None
    return None if not name or name.upper() == _NOBODY else name


def maker(mac: int) -> str | None:
    """The registered organisation of a hardware address; None where there is none, or the address is locally administered."""
    if mac >> 41 & 1 or not mac >> 24:
        return None
    return _registrant(mac >> 24)
