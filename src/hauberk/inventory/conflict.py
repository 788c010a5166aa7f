"""Settles who owns an address that was seen at several interfaces: handed on, forwarded, or stolen."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from hauberk.inventory import kernel as k
from hauberk.inventory.limits import InventoryLimits
from hauberk.model.observation import Columns

_NS = 1_000_000_000


def owners_of(  # noqa: PLR0913, PLR0917 - the evidence is in that many columns
    rows: Columns,
    macs: NDArray[np.uint64],
    slots: NDArray[np.int64],
    strong: NDArray[np.bool_],
    candidate: NDArray[np.bool_],
    claims: Mapping[int, int],
    spread: Mapping[int, int],
    limits: InventoryLimits,
) -> tuple[set[int], set[int]]:
    """Rows among ``slots`` (one address, several interfaces) that own the address, and interfaces that claim it beside its owner.

    ``claims`` counts addresses claimed by each interface, ``spread`` addresses it sent from.
    """
    held = slots.tolist()
    for mask in (k.CLAIMED | k.GIVEN, 0):
        pool = [slot for slot in held if strong[slot] and (not mask or rows["flags"][slot] & mask)]
        if pool:
            break
    else:
        pool = [slot for slot in held if candidate[slot]]
        if len(pool) > 1:  # nobody claimed it: the interface with the fewest addresses is the host, the others forward
            pool = [min(pool, key=lambda slot: (spread.get(int(macs[slot]), 0), int(rows["first"][slot]), int(macs[slot])))]
    if len(pool) <= 1:
        return set(pool), set()
    pool.sort(key=lambda slot: (int(rows["first"][slot]), int(macs[slot])))
    patience = int(limits.reassign_seconds * _NS)
    if all(int(rows["first"][later]) - int(rows["last"][earlier]) >= patience for earlier, later in zip(pool, pool[1:], strict=False)):
        return set(pool), set()
    first = int(rows["first"][pool[0]])
    if int(rows["first"][pool[1]]) - first > patience // 2:
        owner = pool[0]
    else:
        owner = min(pool, key=lambda slot: (claims.get(int(macs[slot]), 0), int(rows["first"][slot]), int(macs[slot])))
    return {owner}, {int(macs[slot]) for slot in pool if slot != owner}
