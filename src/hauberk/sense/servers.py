"""Remembers what servers speak, where only the service of a conversation is asked for.

An endpoint whose first conversations were all recognised as one protocol is not looked at again: its later conversations take
the service from here, in columns, without an object each.
"""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
from numpy.typing import NDArray

from hauberk.model.observation import Columns

_SURE = 3
"""Conversations that must agree."""
_MOST = 1 << 16
"""Endpoints remembered."""

Endpoint = tuple[int, int, int, int]
"""Address halves, port and transport of a responder."""


class ServerMemory:
    """What each responder speaks."""

    def __init__(self) -> None:
        self._seen: OrderedDict[Endpoint, tuple[int, int]] = OrderedDict()

    def learn(self, packet: np.void, *, outward: bool, service: int) -> None:
        """Note that a conversation was recognised by ``packet``, which went ``outward`` from the initiator or back."""
        side = "d" if outward else "s"
        key = (int(packet[f"{side}_hi"]), int(packet[f"{side}_lo"]), int(packet[f"{side}_port"]), int(packet["transport"]))
        before, count = self._seen.get(key, (service, 0))
        self._seen[key] = (service, count + 1 if before == service else 0)
        if len(self._seen) > _MOST:
            self._seen.popitem(last=False)

    def recall(self, packets: Columns, candidates: Columns) -> NDArray[np.uint8]:
        """Service of each candidate's responder; 0 where it is not known for sure."""
        rows = packets[candidates["packet"]]
        outward = candidates["outward"] == 1
        columns = (np.where(outward, rows[f"d_{name}"], rows[f"s_{name}"]).tolist() for name in ("hi", "lo", "port"))
        unknown = (0, 0)
        found = [self._seen.get(key, unknown) for key in zip(*columns, rows["transport"].tolist(), strict=True)]
        return np.fromiter((service if count >= _SURE else 0 for service, count in found), np.uint8, len(found))
