"""Reads headers in compiled code: Ethernet, VLAN, ARP, IPv4, IPv6, TCP, UDP, ICMP, and into tunnels.

Every read is preceded by a check against the end of what was captured; a frame that breaks a rule gets an error code and keeps what
was read before. Encapsulations entered: 802.1Q and 802.1ad tags, MPLS (RFC 3032), PPPoE (RFC 2516), 802.1ah, SNAP, GRE (RFC 2784,
2890, 2637), IP in IP (RFC 2003, 4213), VXLAN (RFC 7348). Must never read past the bytes of its frame, and never believes that the
frame holds as much as its headers say.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numba import njit
from numpy.typing import NDArray

from hauberk.model.observation import Columns
from hauberk.sense.capture.interface import (
    LINK_ETHERNET,
    LINK_LINUX_SLL,
    LINK_LINUX_SLL2,
    LINK_LOOP,
    LINK_NULL,
    LINK_RAW,
    LINK_RAW_IPV4,
    LINK_RAW_IPV6,
)
from hauberk.sense.decode.packet import (
    ERROR_DEPTH,
    ERROR_LINK,
    ERROR_NONE,
    ERROR_TRUNCATED,
    ERROR_VERSION,
    KIND_CLAIM,
    KIND_FLOW,
    KIND_FRAGMENT,
    KIND_NONE,
)

_Int: TypeAlias = int | np.int64
"""A whole number; compiled code makes no difference between the two."""

_LAYERS = 16
"""Most headers followed below the link layer."""

_ETHERNET, _TYPE, _IP, _IPV4, _IPV6, _TRANSPORT, _DONE = 0, 1, 2, 3, 4, 5, 6

_TYPE_IPV4, _TYPE_ARP, _TYPE_IPV6 = 0x0800, 0x0806, 0x86DD
_TYPE_BRIDGE = 0x6558
_UNKNOWN_TYPE = 0
_LENGTH_LIMIT = 0x0600
"""EtherTypes begin here; below it the field is an 802.3 length."""
_SLL_802_2 = 4

_V4 = np.uint64(0xFFFF_0000_0000)
_VXLAN_PORT, _VXLAN_PORT_LINUX = 4789, 8472
_ICMP6_SOLICITATION, _ICMP6_ADVERTISEMENT = 135, 136


@njit(cache=True, inline="always")
def _u16(data: NDArray[np.uint8], p: _Int) -> np.int64:
    return (np.int64(data[p]) << 8) | np.int64(data[p + 1])


@njit(cache=True, inline="always")
def _u32(data: NDArray[np.uint8], p: _Int) -> np.int64:
    return (np.int64(data[p]) << 24) | (np.int64(data[p + 1]) << 16) | (np.int64(data[p + 2]) << 8) | np.int64(data[p + 3])


@njit(cache=True, inline="always")
def _u64(data: NDArray[np.uint8], p: _Int) -> np.uint64:
    return (np.uint64(_u32(data, p)) << np.uint64(32)) | np.uint64(_u32(data, p + 4))


@njit(cache=True, inline="always")
def _u48(data: NDArray[np.uint8], p: _Int) -> np.uint64:
    return np.uint64((_u16(data, p) << 32) | _u32(data, p + 2))


@njit(cache=True)
def _link(  # noqa: PLR0911 - one return a link type
    data: NDArray[np.uint8], p: _Int, end: _Int, link: _Int, row: np.void
) -> tuple[_Int, _Int, _Int]:
    """Read the link header at ``p``: the layer that follows, its type and its position; an error is noted in ``row``."""
    kind: _Int = 0
    if link == LINK_ETHERNET:
        return _ETHERNET, kind, p
    if link in (LINK_RAW, LINK_RAW_IPV4, LINK_RAW_IPV6):
        return _IP, kind, p
    if link in (LINK_NULL, LINK_LOOP):
        # The family is in the byte order of the machine that captured; 2 is IPv4 everywhere, IPv6 has a number a system.
        if p + 4 > end:
            row["error"] = ERROR_TRUNCATED
            return _DONE, kind, p
        return _IP, kind, p + 4
    if link == LINK_LINUX_SLL:
        if p + 16 > end:
            row["error"] = ERROR_TRUNCATED
            return _DONE, kind, p
        if _u16(data, p + 4) == 6:
            row["s_mac"] = _u48(data, p + 6)
        kind = _u16(data, p + 14)
        # 4 stands for an 802.2 header; there is no 802.3 length to bound it.
        return _TYPE, (min(end - p, _LENGTH_LIMIT) - 16 if kind == _SLL_802_2 else kind), p + 16
    if link == LINK_LINUX_SLL2:
        if p + 20 > end:
            row["error"] = ERROR_TRUNCATED
            return _DONE, kind, p
        if data[p + 11] == 6:
            row["s_mac"] = _u48(data, p + 12)
        kind = _u16(data, p)
        return _TYPE, (min(end - p, _LENGTH_LIMIT) - 20 if kind == _SLL_802_2 else kind), p + 20
    row["error"] = ERROR_LINK
    return _DONE, kind, p


@njit(cache=True)
def _forget(row: np.void) -> None:
    """Drop what the headers of a tunnel said: an Ethernet frame inside speaks of other hosts."""
    row["ip_version"] = 0
    row["transport"] = 0
    row["s_hi"] = 0
    row["s_lo"] = 0
    row["d_hi"] = 0
    row["d_lo"] = 0
    row["s_port"] = 0
    row["d_port"] = 0
    row["missing"] = 0


@njit(cache=True)
def _ethernet(data: NDArray[np.uint8], p: _Int, end: _Int, row: np.void) -> tuple[_Int, _Int, _Int]:
    """Read an Ethernet header at ``p``: layer, EtherType (or DSAP of an LLC frame) and position that follow."""
    if p + 14 > end:
        row["error"] = ERROR_TRUNCATED
        return _DONE, 0, p
    row["d_mac"] = _u48(data, p)
    row["s_mac"] = _u48(data, p + 6)
    if row["ip_version"] != 0:
        _forget(row)
    return _TYPE, _u16(data, p + 12), p + 14


@njit(cache=True)
def _llc(data: NDArray[np.uint8], p: _Int, end: _Int, size: _Int, row: np.void) -> tuple[_Int, _Int, _Int]:
    """Read an 802.2 header at ``p`` (``size`` is the 802.3 length): SNAP leads to its EtherType, else the DSAP is the type."""
    if p + 3 > end:
        row["error"] = ERROR_TRUNCATED
        return _DONE, 0, p
    if size < end - p:
        end = p + size
    if data[p] == 0xAA and data[p + 1] == 0xAA and p + 8 <= end and data[p + 3] == 0 and data[p + 4] == 0 and data[p + 5] == 0:
        return _TYPE, _u16(data, p + 6), p + 8
    return _DONE, np.int64(data[p]), p + 3


@njit(cache=True)
def _known(data: NDArray[np.uint8], p: _Int, end: _Int) -> bool:
    """True if a common EtherType is at ``p``."""
    return bool(p + 2 <= end and _u16(data, p) in (_TYPE_IPV4, _TYPE_ARP, _TYPE_IPV6, 0x8100, 0x88A8))


@njit(cache=True)
def _mpls(data: NDArray[np.uint8], p: _Int, end: _Int, row: np.void) -> tuple[_Int, _Int]:
    """Pop the MPLS label stack at ``p``; what follows is told by its first nibble (RFC 4928)."""
    for _ in range(_LAYERS):
        if p + 4 > end:
            row["error"] = ERROR_TRUNCATED
            return _DONE, p
        bottom = data[p + 2] & 1
        p += 4
        if bottom:
            if p >= end:
                row["error"] = ERROR_TRUNCATED
                return _DONE, p
            nibble = data[p] >> 4
            if nibble in (4, 6):
                return _IP, p
            # A control word (RFC 4448 section 4.6) begins with zeros, but so do many hardware addresses: the EtherType decides.
            worded = nibble == 0 and (_known(data, p + 16, end) or not _known(data, p + 12, end))
            return _ETHERNET, p + 4 if worded else p
    row["error"] = ERROR_DEPTH
    return _DONE, p


@njit(cache=True)
def _ppp(data: NDArray[np.uint8], p: _Int, end: _Int, row: np.void) -> tuple[_Int, _Int]:
    """Read a PPP protocol field at ``p`` (RFC 1661): address and control may be left out, and a first byte of 0."""
    if p + 4 <= end and data[p] == 0xFF and data[p + 1] == 0x03:
        p += 2
    if p < end and data[p] & 1:
        return (_IP if data[p] in (0x21, 0x57) else _DONE), p + 1
    if p + 2 > end:
        row["error"] = ERROR_TRUNCATED
        return _DONE, p
    protocol = _u16(data, p)
    if protocol in (0x0021, 0x0057):
        return _IP, p + 2
    return _DONE, p + 2


@njit(cache=True)
def _gre(data: NDArray[np.uint8], p: _Int, end: _Int, row: np.void) -> tuple[_Int, _Int, _Int]:
    """Read a GRE header at ``p``, version 0 (RFC 2784, 2890) or 1 (RFC 2637): layer, type and position that follow."""
    if p + 4 > end:
        row["error"] = ERROR_TRUNCATED
        return _DONE, 0, p
    bits = data[p]
    version = data[p + 1] & 7
    kind = _u16(data, p + 2)
    size = 4
    if bits & 0xC0:
        size += 4  # checksum and offset stand together
    if bits & 0x20:
        size += 4
    if bits & 0x10:
        size += 4
    if version == 1 and data[p + 1] & 0x80:
        size += 4
    if p + size > end or bits & 0x40 or version > 1:
        row["error"] = ERROR_TRUNCATED if p + size > end else ERROR_VERSION
        return _DONE, 0, p
    p += size
    if version == 1:
        if p == end:
            return _DONE, 0, p  # an acknowledgement carries nothing (RFC 2637 section 4.1)
        layer, p = _ppp(data, p, end, row)
        return layer, 0, p
    if kind == _TYPE_BRIDGE:
        return _ETHERNET, 0, p
    return (_TYPE if kind >= _LENGTH_LIMIT else _DONE), kind, p


@njit(cache=True)
def _arp(data: NDArray[np.uint8], p: _Int, end: _Int, row: np.void) -> None:
    """Read an ARP message for IPv4 over 48-bit hardware addresses (RFC 826)."""
    if p + 28 > end:
        row["error"] = ERROR_TRUNCATED
        return
    if data[p + 4] != 6 or data[p + 5] != 4 or _u16(data, p + 2) != _TYPE_IPV4:
        return
    operation = _u16(data, p + 6)
    if operation not in (1, 2):
        return
    row["kind"] = KIND_CLAIM
    row["ip_version"] = 0
    row["s_hi"] = 0
    row["d_hi"] = 0
    row["claim"] = operation
    row["s_mac"] = _u48(data, p + 8)
    row["s_lo"] = _V4 | np.uint64(_u32(data, p + 14))
    row["d_mac"] = _u48(data, p + 18)
    row["d_lo"] = _V4 | np.uint64(_u32(data, p + 24))


@njit(cache=True)
def _ipv4(data: NDArray[np.uint8], p: _Int, end: _Int, row: np.void) -> tuple[_Int, _Int, _Int, _Int]:
    """Read an IPv4 header at ``p``: layer, transport, position and end that follow."""
    if p + 20 > end:
        row["error"] = ERROR_TRUNCATED
        return _DONE, 0, p, end
    header = (data[p] & 15) * 4
    total: _Int = _u16(data, p + 2)
    if data[p] >> 4 != 4 or header < 20:
        row["error"] = ERROR_VERSION
        return _DONE, 0, p, end
    if total == 0:
        total = end - p  # segmentation offload leaves the field empty
    if p + header > end or total < header:
        row["error"] = ERROR_TRUNCATED
        return _DONE, 0, p, end
    row["ip_version"] = 4
    row["s_hi"] = 0
    row["d_hi"] = 0
    row["s_lo"] = _V4 | np.uint64(_u32(data, p + 12))
    row["d_lo"] = _V4 | np.uint64(_u32(data, p + 16))
    transport = np.int64(data[p + 9])
    row["transport"] = transport
    row["network"] = p
    size = end - p
    row["network_size"] = min(size, total)
    row["missing"] = total - size if total > size else 0
    if total < end - p:
        end = p + total  # what follows is padding
    if _u16(data, p + 6) & 0x3FFF:
        row["kind"] = KIND_FRAGMENT
        return _DONE, transport, p, end
    return _TRANSPORT, transport, p + header, end


@njit(cache=True)
def _ipv6(data: NDArray[np.uint8], p: _Int, end: _Int, row: np.void) -> tuple[_Int, _Int, _Int, _Int]:
    """Read an IPv6 header and its extensions at ``p``: layer, transport, position and end that follow."""
    if p + 40 > end:
        row["error"] = ERROR_TRUNCATED
        return _DONE, 0, p, end
    if data[p] >> 4 != 6:
        row["error"] = ERROR_VERSION
        return _DONE, 0, p, end
    row["ip_version"] = 6
    row["s_hi"] = _u64(data, p + 8)
    row["s_lo"] = _u64(data, p + 16)
    row["d_hi"] = _u64(data, p + 24)
    row["d_lo"] = _u64(data, p + 32)
    size: _Int = _u16(data, p + 4)
    following = np.int64(data[p + 6])
    row["network"] = p
    held = end - p
    if size == 0 and following not in (0, 59):
        size = held - 40  # segmentation offload; hop-by-hop with zero is a jumbogram and carries its own length
    row["network_size"] = min(held, 40 + size)
    row["missing"] = 40 + size - held if 40 + size > held else 0
    if p + 40 + size < end and (size or following == 59):
        end = p + 40 + size
    p += 40
    for _ in range(_LAYERS):
        row["transport"] = following
        if following == 44:
            if p + 8 > end:
                row["error"] = ERROR_TRUNCATED
                return _DONE, following, p, end
            if _u16(data, p + 2) & 0xFFF9:
                row["kind"] = KIND_FRAGMENT
                return _DONE, following, p, end
            following = np.int64(data[p])
            p += 8  # an atomic fragment (RFC 6946)
        elif following in (0, 43, 60, 135, 139, 140, 51):
            if p + 8 > end:
                row["error"] = ERROR_TRUNCATED
                return _DONE, following, p, end
            length = (np.int64(data[p + 1]) + 2) * 4 if following == 51 else (np.int64(data[p + 1]) + 1) * 8
            following = np.int64(data[p])
            p += length
            if p > end:
                row["error"] = ERROR_TRUNCATED
                return _DONE, following, p, end
        else:
            return _TRANSPORT, following, p, end
    row["error"] = ERROR_DEPTH
    return _DONE, following, p, end


@njit(cache=True)
def _payload(row: np.void, p: _Int, end: _Int) -> None:
    """Note the transport payload between ``p`` and ``end``."""
    row["kind"] = KIND_FLOW
    row["payload"] = p
    row["payload_size"] = max(0, end - p)


@njit(cache=True)
def _neighbour(data: NDArray[np.uint8], p: _Int, end: _Int, row: np.void) -> None:
    """Note a neighbour solicitation or advertisement at ``p`` (RFC 4861 sections 4.3 and 4.4) as a claim."""
    if p + 24 <= end and data[p] == _ICMP6_SOLICITATION:
        row["claim"] = 3
    elif p + 24 <= end and data[p] == _ICMP6_ADVERTISEMENT:
        row["claim"] = 4


@njit(cache=True)
def _tcp(data: NDArray[np.uint8], p: _Int, end: _Int, row: np.void) -> None:
    """Read a TCP header at ``p`` (RFC 9293 section 3.1)."""
    row["kind"] = KIND_FLOW
    lost = row["missing"]
    row["missing"] = 0
    if p + 4 <= end:
        row["s_port"] = _u16(data, p)
        row["d_port"] = _u16(data, p + 2)
    if p + 20 > end:
        row["error"] = ERROR_TRUNCATED
        return
    row["seq"] = _u32(data, p + 4)
    row["ack"] = _u32(data, p + 8)
    row["flags"] = data[p + 13]
    header = np.int64(data[p + 12] >> 4) * 4
    if header < 20:
        row["error"] = ERROR_VERSION
    elif p + header > end + np.int64(lost):
        row["error"] = ERROR_TRUNCATED
    elif p + header > end:
        # The options are cut: how much payload there was is known all the same.
        row["error"] = ERROR_TRUNCATED
        row["payload"] = end
        row["missing"] = end + np.int64(lost) - p - header
    else:
        row["missing"] = lost
        _payload(row, p + header, end)


@njit(cache=True)
def _udp(data: NDArray[np.uint8], p: _Int, end: _Int, row: np.void) -> tuple[_Int, _Int, _Int]:
    """Read a UDP header at ``p`` (RFC 768): the layer, type and position of what is inside, if a tunnel."""
    if p + 8 > end:
        row["error"] = ERROR_TRUNCATED
        row["kind"] = KIND_FLOW
        row["missing"] = 0
        if p + 4 <= end:
            row["s_port"] = _u16(data, p)
            row["d_port"] = _u16(data, p + 2)
        return _DONE, 0, p
    row["s_port"] = _u16(data, p)
    row["d_port"] = _u16(data, p + 2)
    size = _u16(data, p + 4)
    if size >= 8 and p + size < end:
        end = p + size
    if (row["d_port"] in (_VXLAN_PORT, _VXLAN_PORT_LINUX)) and p + 30 <= end and data[p + 8] == 0x08 and data[p + 15] == 0:
        return _ETHERNET, 0, p + 16
    _payload(row, p + 8, end)
    return _DONE, 0, p


@njit(cache=True)
def _transport(data: NDArray[np.uint8], p: _Int, end: _Int, transport: _Int, row: np.void) -> tuple[_Int, _Int, _Int]:
    """Read a TCP, UDP or other header at ``p``: the layer, type and position of what is inside, if a tunnel."""
    row["transport"] = transport
    if transport == 6:
        _tcp(data, p, end, row)
        return _DONE, 0, p
    if transport == 17:
        return _udp(data, p, end, row)
    if transport == 47:
        return _gre(data, p, end, row)
    if transport in (4, 41):
        return _IP, 0, p
    _payload(row, p, end)
    if p < end and ((transport == 1 and data[p] not in (0, 8)) or (transport == 58 and data[p] not in (128, 129))):
        # Echo requests and replies are one conversation, with ports 0; every other ICMP type is one of its own.
        row["s_port"] = data[p]
        row["d_port"] = data[p]
    if transport == 58:
        _neighbour(data, p, end, row)
    return _DONE, 0, p


@njit(cache=True)
def _typed(  # noqa: PLR0911 - one return an EtherType
    data: NDArray[np.uint8], p: _Int, end: _Int, kind: _Int, row: np.void
) -> tuple[_Int, _Int, _Int]:
    """Follow the EtherType ``kind`` (below 0x0600: a length) at ``p``: layer, type and position that follow."""
    if kind == _TYPE_IPV4:
        return _IPV4, kind, p
    if kind == _TYPE_IPV6:
        return _IPV6, kind, p
    if kind in (0x8100, 0x88A8, 0x9100, 0x9200):
        if p + 4 > end:
            row["error"] = ERROR_TRUNCATED
            return _DONE, kind, p
        if row["vlan"] == 0:
            row["vlan"] = _u16(data, p) & 0x0FFF
        return _TYPE, _u16(data, p + 2), p + 4
    if kind == _TYPE_ARP:
        _arp(data, p, end, row)
        return _DONE, kind, p
    if kind in (0x8847, 0x8848):
        layer, p = _mpls(data, p, end, row)
        return layer, kind, p
    if kind == 0x8864:
        layer, p = _ppp(data, p + 6, end, row)
        return layer, kind, p
    if kind == 0x88E7:
        return _ETHERNET, kind, p + 4
    if kind < _LENGTH_LIMIT:
        return _llc(data, p, end, kind, row)
    return _DONE, kind, p


@njit(cache=True)
def _follow(data: NDArray[np.uint8], p: _Int, end: _Int, layer: _Int, kind: _Int, row: np.void) -> None:
    """Follow the headers from ``layer`` at ``p`` to the innermost that is read."""
    transport: _Int = 0
    for _ in range(_LAYERS):
        if layer == _ETHERNET:
            layer, kind, p = _ethernet(data, p, end, row)
        elif layer == _TYPE:
            layer, kind, p = _typed(data, p, end, kind, row)
        elif layer == _IP:
            if p >= end:
                row["error"] = ERROR_TRUNCATED
                layer = _DONE
            else:
                layer = _IPV4 if data[p] >> 4 == 4 else _IPV6
        elif layer == _IPV4:
            kind = _TYPE_IPV4
            layer, transport, p, end = _ipv4(data, p, end, row)
        elif layer == _IPV6:
            kind = _TYPE_IPV6
            layer, transport, p, end = _ipv6(data, p, end, row)
        elif layer == _TRANSPORT:
            layer, inner, p = _transport(data, p, end, transport, row)
            if layer != _DONE:
                kind = inner
        else:
            break
    if layer != _DONE:
        row["error"] = ERROR_DEPTH
    row["ethertype"] = kind
    if row["ip_version"] != 0 and row["kind"] == KIND_NONE:
        row["kind"] = KIND_FLOW  # between known hosts, whatever is inside
    elif row["ip_version"] == 0 and row["kind"] == KIND_NONE and row["error"] == ERROR_NONE and kind != _TYPE_ARP:
        row["s_lo"] = row["s_mac"]
        row["d_lo"] = row["d_mac"]
        row["s_port"] = kind
        row["d_port"] = kind
        _payload(row, p, end)


@njit(cache=True, nogil=True)
def decode(  # noqa: PLR0913, PLR0917 - the columns of a block: compiled code takes arrays, not objects
    data: NDArray[np.uint8],
    offset: NDArray[np.int64],
    captured: NDArray[np.uint32],
    wire: NDArray[np.uint32],
    time: NDArray[np.int64],
    link: NDArray[np.uint16],
    vlan: NDArray[np.int32],
    frame: NDArray[np.int64],
    first: int,
    count: int,
    out: Columns,
) -> None:
    """Decode packets ``first`` to ``count`` of a block's columns into the ``PACKET`` rows ``out[first:count]``."""
    for i in range(first, count):
        row = out[i]
        row["time"] = time[i]
        row["frame"] = frame[i]
        row["wire"] = wire[i]
        row["s_hi"] = 0
        row["s_lo"] = 0
        row["d_hi"] = 0
        row["d_lo"] = 0
        row["s_mac"] = 0
        row["d_mac"] = 0
        row["payload"] = 0
        row["payload_size"] = 0
        row["network"] = 0
        row["network_size"] = 0
        row["missing"] = 0
        row["seq"] = 0
        row["ack"] = 0
        row["s_port"] = 0
        row["d_port"] = 0
        row["vlan"] = vlan[i] & 0x0FFF if vlan[i] >= 0 else 0
        row["ethertype"] = _UNKNOWN_TYPE
        row["ip_version"] = 0
        row["transport"] = 0
        row["flags"] = 0
        row["kind"] = KIND_NONE
        row["claim"] = 0
        row["error"] = ERROR_NONE
        p = offset[i]
        end = p + np.int64(captured[i])
        layer, kind, p = _link(data, p, end, link[i], row)
        _follow(data, p, end, layer, kind, row)
        if row["ip_version"] == 0 and row["kind"] == KIND_FLOW and wire[i] > captured[i]:
            row["missing"] = wire[i] - captured[i]  # without IP only the capture knows
