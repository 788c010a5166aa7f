"""Conversations as Sigma rules ask about them: columns under the names of rules, made once for all rules of a batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hauberk.detect.rows import Flags
from hauberk.model.address import ip_halves, ip_text, mac_text
from hauberk.model.observation import Columns
from hauberk.model.service import SERVICES

_PORTED = (6, 17)
_TRANSPORTS = {1: "icmp", 2: "igmp", 6: "tcp", 17: "udp", 47: "gre", 50: "esp", 51: "ah", 58: "icmpv6", 89: "ospf", 132: "sctp"}

Halves = tuple[NDArray[np.uint64], NDArray[np.uint64]]
Values = NDArray[Any]


def transport_text(number: int) -> str:
    """Name of an IP protocol number; ``ethernet`` for 255, which stands for conversations without IP."""
    return "ethernet" if number == 255 else _TRANSPORTS.get(number, f"ip_{number}")


class Table:
    """Rows of ``ACTIVITY`` or ``FLOW``."""

    def __init__(self, rows: Columns) -> None:
        self.rows = rows
        self._numbers: dict[str, NDArray[np.float64]] = {}
        self._distinct: dict[str, tuple[list[object], NDArray[np.intp]]] = {}

    def __len__(self) -> int:
        return len(self.rows)

    def halves(self, side: str) -> Halves:
        """Addresses of side ``a`` or ``b``."""
        return self.rows[f"{side}_hi"], self.rows[f"{side}_lo"]

    def numbers(self, column: str) -> NDArray[np.float64]:
        """A column as numbers; NaN where a row has none."""
        found = self._numbers.get(column)
        if found is None:
            found = self._numbers[column] = self._number_column(column)
        return found

    def test(self, column: str, test: Callable[[object], bool]) -> Flags:
        """Which rows' values pass ``test``, which is asked once for each different value."""
        values, place = self.distinct(column)
        passed: Flags = np.fromiter(map(test, values), np.bool_, len(values))
        return passed[place]

    def distinct(self, column: str) -> tuple[list[object], NDArray[np.intp]]:
        """Different values of a column as a rule sees them, and which of them each row has."""
        found = self._distinct.get(column)
        if found is None:
            found = self._distinct[column] = self._distinct_column(column)
        return found

    def equals(self, side: str, address: str) -> Flags:
        """Which rows have that IP address on a side."""
        hi, lo = ip_halves(address)
        own_hi, own_lo = self.halves(side)
        flags: Flags = (own_lo == np.uint64(lo)) & (own_hi == np.uint64(hi)) & (self.rows["ip_version"] > 0)
        return flags

    def within(self, side: str, first: int, last: int) -> Flags:
        """Which rows have an IP address from ``first`` to ``last`` (128-bit numbers) on a side."""
        hi, lo = self.halves(side)
        low, high = (first >> 64, first & _HALF), (last >> 64, last & _HALF)
        above = (hi > np.uint64(low[0])) | ((hi == np.uint64(low[0])) & (lo >= np.uint64(low[1])))
        below = (hi < np.uint64(high[0])) | ((hi == np.uint64(high[0])) & (lo <= np.uint64(high[1])))
        flags: Flags = above & below & (self.rows["ip_version"] > 0)
        return flags

    def _number_column(self, column: str) -> NDArray[np.float64]:
        rows = self.rows
        if column == "duration":
            numbers: NDArray[np.float64] = (rows["end"] - rows["start"]) / 1e9
            return numbers
        numbers = rows[column].astype(np.float64)
        if column in {"start", "end"}:
            numbers /= 1e9
        if column in {"a_port", "b_port"}:
            numbers[~np.isin(rows["transport"], _PORTED) | (rows["ip_version"] == 0)] = np.nan
        return numbers

    def _distinct_column(self, column: str) -> tuple[list[object], NDArray[np.intp]]:
        rows = self.rows
        if column in {"a", "b"}:
            keys = np.empty((len(rows), 3), np.uint64)
            keys[:, 0], keys[:, 1], keys[:, 2] = rows["ip_version"] > 0, *self.halves(column)
            unique, place = np.unique(keys, axis=0, return_inverse=True)
            return [ip_text(hi, lo) if ip else mac_text(lo) for ip, hi, lo in unique.tolist()], place.reshape(-1)
        if column == "transport":
            codes, place = np.unique(np.where(rows["ip_version"] > 0, rows["transport"], 255), return_inverse=True)
            return [transport_text(code) for code in codes.tolist()], place
        if column == "service":
            codes, place = np.unique(rows["service"], return_inverse=True)
            return [SERVICES[code] or None for code in codes.tolist()], place
        values, place = np.unique(self.numbers(column), return_inverse=True)
        return [_plain(value) for value in values.tolist()], place


_HALF = (1 << 64) - 1


def _plain(value: float) -> float | int | None:
    """A number as a rule writes it; None for a value that is not there."""
    if value != value:  # noqa: PLR0124 - NaN is what differs from itself
        return None
    return int(value) if value.is_integer() else value
