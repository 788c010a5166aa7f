"""Conversations and link-layer claims, as columns.

Flows travel as NumPy structured arrays, never as one Python object per packet. Addresses are two 64-bit halves of 128 bits;
IPv4 is mapped (``::ffff:a.b.c.d``, RFC 4291 section 2.5.5.2); conversations without IP hold MAC addresses in the low half and
their EtherType as ``b_port``. Times are nanoseconds since the epoch. ``a`` is the initiator, ``b`` the responder; ``out`` is from
initiator to responder. Bytes are frame bytes on the wire.
"""

from __future__ import annotations

import numpy as np

STATE_SYN = 1
"""The SYN was seen: the initiator is certain."""
STATE_ESTABLISHED = 2
"""Both SYNs were seen."""
STATE_FIN = 4
STATE_RST = 8
STATE_FIRST = 16
"""Activity only: this record holds the conversation's first packet."""
STATE_EVICTED = 32
"""The table was full; the conversation was cut here."""

_KEY = [
    ("id", np.uint64),
    ("start", np.int64),
    ("end", np.int64),
    ("a_hi", np.uint64),
    ("a_lo", np.uint64),
    ("b_hi", np.uint64),
    ("b_lo", np.uint64),
    ("a_mac", np.uint64),
    ("b_mac", np.uint64),
    ("packets_out", np.uint64),
    ("packets_in", np.uint64),
    ("bytes_out", np.uint64),
    ("bytes_in", np.uint64),
    ("payload_out", np.uint64),
    ("payload_in", np.uint64),
    ("syn_out", np.uint32),
    ("syn_in", np.uint32),
    ("rst_out", np.uint32),
    ("rst_in", np.uint32),
    ("a_port", np.uint16),
    ("b_port", np.uint16),
    ("vlan", np.uint16),
    ("ip_version", np.uint8),
    ("transport", np.uint8),
    ("service", np.uint8),
    ("state", np.uint8),
    ("flags_out", np.uint8),
    ("flags_in", np.uint8),
]

ACTIVITY = np.dtype(_KEY, align=True)
"""What one conversation did within one second of traffic time: counters are of that second only. ``a_mac`` and ``b_mac`` are the
source addresses of frames seen in that second, 0 where that side sent nothing."""

FLOW = np.dtype(
    [
        *_KEY,
        ("size_mean_out", np.float64),
        ("size_m2_out", np.float64),
        ("size_mean_in", np.float64),
        ("size_m2_in", np.float64),
        ("gap_mean_out", np.float64),
        ("gap_m2_out", np.float64),
        ("gap_mean_in", np.float64),
        ("gap_m2_in", np.float64),
        ("size_min", np.uint32),
        ("size_max", np.uint32),
        ("last_out", np.int64),
        ("last_in", np.int64),
    ],
    align=True,
)
"""One finished conversation. ``size_*`` are frame sizes in bytes, ``gap_*`` times between frames of one direction in seconds;
``*_m2_*`` are sums of squared deviations (Welford 1962), so variance = m2 / packets."""

CLAIM_ARP_REQUEST = 1
CLAIM_ARP_REPLY = 2
CLAIM_ND_SOLICITATION = 3
CLAIM_ND_ADVERTISEMENT = 4

CLAIM = np.dtype(
    [
        ("time", np.int64),
        ("mac", np.uint64),
        ("hi", np.uint64),
        ("lo", np.uint64),
        ("target_mac", np.uint64),
        ("target_hi", np.uint64),
        ("target_lo", np.uint64),
        ("frame", np.uint64),
        ("kind", np.uint8),
    ],
    align=True,
)
"""One ARP (RFC 826) or neighbour discovery (RFC 4861) message: ``mac`` says it owns the address, or asks for ``target``. A sender
address of zero is a probe and claims nothing (RFC 5227)."""

V4_MAPPED = np.uint64(0xFFFF_0000_0000)
"""Low-half prefix of an IPv4-mapped address."""

SERVICE_UNKNOWN = 0
