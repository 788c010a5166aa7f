"""Settles who owns an address that was seen at several interfaces: handed on, forwarded, or stolen."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from hauberk.inventory import kernel as k
from hauberk.inventory.limits import InventoryLimits
from hauberk.model.observation import Columns

_NS = 1_000_000_000


def owners_of(
    rows: Columns,
    macs: NDArray[np.uint64],
    slots: NDArray[np.int64],
    strong: NDArray[np.bool_],
    candidate: NDArray[np.bool_],
    claims: Mapping[int, int],
    spread: Mapping[int, int],
    limits: InventoryLimits,
) -> tuple[set[int], set[int]]:
    """Rows among ``slots`` (one address, several interfaces) that own it, and interfaces that claim it beside its owner.

    ``claims`` counts addresses claimed by each interface, ``spread`` addresses it sent from.
    """
    held = slots.tolist()
    for mask in (k.CLAIMED | k.GIVEN, 0):
        pool = [slot for slot in held if strong[slot] and (not mask or rows["flags"][slot] & mask)]
        if pool:
            break
    else:
        # Nobody claimed it: its host talks with neighbours from it, or sends from the fewest addresses; others forward.
        pool = [
            min([slot for slot in held if candidate[slot]] or held, key=lambda slot: _rank(rows, slot, int(macs[slot]), spread))
        ]
    if len(pool) <= 1:
        return set(pool), set()
    pool.sort(key=lambda slot: (int(rows["first"][slot]), int(macs[slot])))
    patience = int(limits.reassign_seconds * _NS)
    begins, ends = rows["first"][pool].tolist(), rows["last"][pool].tolist()
    if all(begin - end >= patience for begin, end in zip(begins[1:], ends, strict=False)):
        return set(pool), set()
    first = int(rows["first"][pool[0]])
    if int(rows["first"][pool[1]]) - first > patience // 2:
        owner = pool[0]
    else:
        owner = min(pool, key=lambda slot: (claims.get(int(macs[slot]), 0), int(rows["first"][slot]), int(macs[slot])))
    return {owner}, {int(macs[slot]) for slot in pool if slot != owner}


def _rank(rows: Columns, slot: int, mac: int, spread: Mapping[int, int]) -> tuple[bool, int, int, int]:
    return not rows["flags"][slot] & k.SAME_NET, spread.get(mac, 0), int(rows["first"][slot]), mac
