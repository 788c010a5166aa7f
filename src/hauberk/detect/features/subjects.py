"""Whose behaviour is measured: the devices behind addresses."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hauberk.detect.attempts import mix
from hauberk.detect.fleet import Fleet
from hauberk.model.address import ip_text, mac_text

NOBODY = -1
_MOST_FRESH = 1 << 15
"""Addresses looked up anew at a time; in a flood from forged addresses the rest are nobody's."""
_REMEMBERED = 1 << 17
_SECONDS = 60.0
"""Answers are asked for again after so long: who holds an address may become known, or change."""

Places = NDArray[np.int64]


class Lookup:
    """Remembers for a minute of traffic time which device holds an address."""

    def __init__(self, fleet: Fleet) -> None:
        self.fleet = fleet
        self._holder: dict[int, str | None] = {}
        self._since = -np.inf

    def saved(self) -> dict[str, object]:
        """What a snapshot holds: nothing, as all of it can be asked for again."""
        return {}

    def refresh(self, now: float) -> None:
        """Forget what is old at ``now`` (epoch seconds)."""
        if not 0 <= now - self._since < _SECONDS or len(self._holder) > _REMEMBERED:
            self._since = now
            self._holder.clear()

    def holders(
        self, hashes: list[int], hi: NDArray[np.uint64], lo: NDArray[np.uint64], has_ip: NDArray[np.bool_]
    ) -> list[str | None]:
        """Device id of each address, None where no device of ours holds it."""
        found: list[str | None] = []
        fresh = 0
        holder = self._holder
        for place, key in enumerate(hashes):
            if key in holder:
                found.append(holder[key])
                continue
            fresh += 1
            if fresh > _MOST_FRESH:
                found.append(None)
                continue
            text = address_text(int(hi[place]), int(lo[place]), has_ip=bool(has_ip[place]))
            device = holder[key] = self.fleet.device(text)
            found.append(device)
        return found


class Roll:
    """The devices of a span, each with its place."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self._place: dict[str, int] = {}

    def places(
        self, hi: NDArray[np.uint64], lo: NDArray[np.uint64], has_ip: NDArray[np.bool_], only: NDArray[np.bool_] | None = None
    ) -> Places:
        """The place of the device behind each address, -1 where there is none. ``only``: rows that may be devices."""
        result = np.full(len(hi), NOBODY, np.int64)
        chosen = np.arange(len(hi)) if only is None else np.flatnonzero(only)
        if not len(chosen):
            return result
        hashes = mix(hi[chosen], lo[chosen], has_ip[chosen])
        unique, first, inverse = np.unique(hashes, return_index=True, return_inverse=True)
        at = chosen[first]
        order = np.argsort(first, kind="stable")
        holders = self._lookup.holders(unique[order].tolist(), hi[at[order]], lo[at[order]], has_ip[at[order]])
        places = np.full(len(unique), NOBODY, np.int64)
        for number, device in zip(order.tolist(), holders, strict=True):
            if device is not None:
                text = address_text(int(hi[at[number]]), int(lo[at[number]]), has_ip=bool(has_ip[at[number]]))
                places[number] = self._enter(device, text)
        result[chosen] = places[inverse]
        return result

    def held(self, hi: NDArray[np.uint64], lo: NDArray[np.uint64], has_ip: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Which addresses are of devices, without counting those among the devices of the span."""
        _, first, inverse = np.unique(mix(hi, lo, has_ip), return_index=True, return_inverse=True)
        hashes = mix(hi[first], lo[first], has_ip[first]).tolist()
        holders = self._lookup.holders(hashes, hi[first], lo[first], has_ip[first])
        known: NDArray[np.bool_] = np.array([device is not None for device in holders], np.bool_)[inverse]
        return known

    def place(self, address: str) -> int:
        """The place of the device behind an address in text."""
        device = self._lookup.fleet.device(address)
        return NOBODY if device is None else self._enter(device, address)

    def _enter(self, device: str, address: str) -> int:
        place = self._place.get(device)
        if place is None:
            place = self._place[device] = len(self.ids)
            self.ids.append(device)
            self.addresses.append(address)
        elif ":" in self.addresses[place] and ":" not in address:
            self.addresses[place] = address
        return place


def address_text(hi: int, lo: int, *, has_ip: bool) -> str:
    """An address in text: IP, or MAC where there is no IP."""
    return ip_text(hi, lo) if has_ip else mac_text(lo)
