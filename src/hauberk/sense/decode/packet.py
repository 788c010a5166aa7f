"""The packet columns: what the headers of one frame say."""

from __future__ import annotations

import numpy as np

KIND_NONE = 0
"""Nothing below the link layer could be read."""
KIND_FLOW = 1
"""Belongs to a conversation."""
KIND_CLAIM = 2
"""ARP: the addresses are the sender's and the target's."""
KIND_FRAGMENT = 3
"""A piece of an IP datagram; ``network`` and ``network_size`` say where it lies."""

ERROR_NONE = 0
ERROR_TRUNCATED = 1
"""A header is longer than what was captured, or than the length that encloses it."""
ERROR_VERSION = 2
"""A header's version or length field contradicts the protocol."""
ERROR_DEPTH = 3
"""More headers inside each other than are followed."""
ERROR_LINK = 4
"""A link type that is not read."""

PACKET = np.dtype(
    [
        ("time", np.int64),
        ("frame", np.int64),
        ("s_hi", np.uint64),
        ("s_lo", np.uint64),
        ("d_hi", np.uint64),
        ("d_lo", np.uint64),
        ("s_mac", np.uint64),
        ("d_mac", np.uint64),
        ("payload", np.int64),
        ("network", np.int64),
        ("payload_size", np.uint32),
        ("network_size", np.uint32),
        ("missing", np.uint32),
        ("wire", np.uint32),
        ("seq", np.uint32),
        ("ack", np.uint32),
        ("s_port", np.uint16),
        ("d_port", np.uint16),
        ("vlan", np.uint16),
        ("ethertype", np.uint16),
        ("ip_version", np.uint8),
        ("transport", np.uint8),
        ("flags", np.uint8),
        ("kind", np.uint8),
        ("claim", np.uint8),
        ("error", np.uint8),
    ],
    align=True,
)
"""One row a frame. Addresses and MACs as in ``hauberk.model.flow``; ``s`` source, ``d`` destination, of the innermost IP header.
``payload`` and ``network`` are byte positions in the block's data; ``missing`` counts payload bytes that were on the wire but not
captured; ``seq`` and ``ack`` are TCP's; ``claim`` a ``CLAIM_*`` kind (0: none; neighbour discovery is a flow and a claim)."""
