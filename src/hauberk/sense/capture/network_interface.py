"""What this machine's network interfaces are: their names, and what frames on them begin with (``netdevice(7)``)."""

from __future__ import annotations

import fcntl
import socket
import struct
from dataclasses import dataclass
from typing import Final

from hauberk.errors import CaptureError
from hauberk.sense.capture.interface import LINK_ETHERNET, LINK_RAW

_SIOCGIFHWADDR: Final = 0x8927
_NAME_BYTES: Final = 16
_REQUEST_BYTES: Final = 40

_ARPHRD_LOOPBACK: Final = 772
_LINKS: Final = {
    1: LINK_ETHERNET,  # ARPHRD_ETHER
    _ARPHRD_LOOPBACK: LINK_ETHERNET,
    512: LINK_RAW,  # ARPHRD_PPP
    519: LINK_RAW,  # ARPHRD_RAWIP
    768: LINK_RAW,  # ARPHRD_TUNNEL
    769: LINK_RAW,  # ARPHRD_TUNNEL6
    776: LINK_RAW,  # ARPHRD_SIT
    778: LINK_RAW,  # ARPHRD_IPGRE
    823: LINK_RAW,  # ARPHRD_IP6GRE
    0xFFFE: LINK_RAW,  # ARPHRD_NONE: tun, WireGuard
}


@dataclass(frozen=True, slots=True)
class NetworkInterface:
    """One interface: its index in this network namespace, the LINKTYPE to read it as, whether it is the loopback."""

    name: str
    index: int
    link: int
    loopback: bool


def find_interface(name: str) -> NetworkInterface:
    """The interface called ``name``; ``CaptureError`` where there is none, or frames on it cannot be read."""
    names = sorted(known for _, known in socket.if_nameindex())
    if name not in names:
        raise CaptureError(name, f"there is no such interface; there are {', '.join(names) or 'none'}")
    try:
        index = socket.if_nametoindex(name)
        kind = _hardware(name)
    except OSError as error:
        raise CaptureError(name, f"the interface cannot be asked for its kind ({error.strerror})") from error
    link = _LINKS.get(kind)
    if link is None:
        raise CaptureError(name, f"frames of this kind of interface (ARPHRD {kind}) cannot be read")
    return NetworkInterface(name, index, link, kind == _ARPHRD_LOOPBACK)


def is_there(interface: NetworkInterface) -> bool:
    """Whether the interface still exists, up or down."""
    return (interface.index, interface.name) in socket.if_nameindex()


def _hardware(name: str) -> int:
    request = name.encode().ljust(_REQUEST_BYTES, b"\0")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        answer = fcntl.ioctl(asked, _SIOCGIFHWADDR, request)
    return int(struct.unpack_from("H", answer, _NAME_BYTES)[0])
