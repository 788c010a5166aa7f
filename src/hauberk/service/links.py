"""Who talks to whom: the communication graph of a stream, one counter a pair and protocol, kept as arrays of bounded length.

Read by the ranking of next steps and by reports. Links point from initiator to responder.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hauberk.detect.attempts import mix
from hauberk.model.address import ip_halves, ip_text, mac_number, mac_text
from hauberk.model.observation import Columns
from hauberk.model.service import SERVICES

_TRANSPORTS = {1: "icmp", 2: "igmp", 6: "tcp", 17: "udp", 47: "gre", 50: "esp", 58: "icmp6", 132: "sctp"}
_ETHERTYPES = {0x0806: "arp", 0x8892: "profinet", 0x88B8: "goose", 0x88CC: "lldp", 0x88E1: "homeplug", 0x88F7: "ptp"}
_NAMES = ("a_hi", "a_lo", "b_hi", "b_lo", "ip_version", "transport", "service")
_LINK = np.dtype(
    [
        ("key", np.uint64), ("a_hi", np.uint64), ("a_lo", np.uint64), ("b_hi", np.uint64), ("b_lo", np.uint64),
        ("packets_out", np.uint64), ("packets_in", np.uint64), ("answers", np.uint64), ("bytes", np.uint64),
        ("first", np.int64), ("last", np.int64),
        ("ethertype", np.uint16), ("ip_version", np.uint8), ("transport", np.uint8), ("service", np.uint8),
    ],
    align=True,
)  # fmt: skip
_KEPT_SHARE = 0.75
"""What stays of a full table: room for as many new pairs as a busy hour brings, without sorting at every batch."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of the graph. ``links``: most pairs with their protocols; the least used are forgotten first."""

    links: int = 1 << 16


@dataclass(frozen=True, slots=True)
class Edge:
    """One link: ``src`` opened conversations to ``dst``, addresses as text (hardware addresses where there is no IP).

    ``service``: the application protocol, else the transport (``tcp``), else the EtherType. ``packets``, ``bytes``: both ways;
    ``answers``: packets that came back in seconds in which some carried data. ``first``, ``last``: epoch seconds of the traffic.
    """

    src: str
    dst: str
    service: str
    packets: int
    bytes: int
    first: float
    last: float
    answers: int = 0


class Links:
    """Counters of every link seen. What was counted does not depend on batch cuts while the table has room."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits: Final = limits or Limits()
        self.forgotten = 0
        self._links: Columns = np.empty(0, _LINK)

    def __len__(self) -> int:
        return len(self._links)

    def observe(self, activity: Columns) -> None:
        """Count ``ACTIVITY`` rows."""
        if not len(activity):
            return
        fresh = _counted(activity)
        known, links = self._links["key"], self._links
        at = np.searchsorted(known, fresh["key"])
        found = np.zeros(len(fresh), np.bool_)
        inside = at < len(known)
        found[inside] = known[at[inside]] == fresh["key"][inside]
        if found.any():
            rows, more = at[found], fresh[found]
            for name in ("packets_out", "packets_in", "answers", "bytes"):
                links[name][rows] += more[name]
            links["first"][rows] = np.minimum(links["first"][rows], more["first"])
            links["last"][rows] = np.maximum(links["last"][rows], more["last"])
        if not found.all():
            self._links = np.insert(links, at[~found], fresh[~found])
            self._bound()

    def edges(self, of: Collection[str] | None = None) -> list[Edge]:
        """Every link, or those of the hosts named; most packets first, ties by address."""
        links = self._links
        if of is not None:
            lows = np.array([mac_number(host) if _is_mac(host) else ip_halves(host)[1] for host in of], np.uint64)
            links = links[np.isin(links["a_lo"], lows) | np.isin(links["b_lo"], lows)]
        edges = [
            Edge(
                _text(row["ip_version"], row["a_hi"], row["a_lo"]),
                _text(row["ip_version"], row["b_hi"], row["b_lo"]),
                _service(row),
                int(row["packets_out"]) + int(row["packets_in"]),
                int(row["bytes"]),
                int(row["first"]) * 1e-9,
                int(row["last"]) * 1e-9,
                int(row["answers"]),
            )
            for row in links
        ]
        return sorted(edges, key=lambda edge: (-edge.packets, edge.src, edge.dst, edge.service))

    def _bound(self) -> None:
        """Forget the least used links, among those the longest silent, where there are too many."""
        if len(self._links) <= self.limits.links:
            return
        kept = int(self.limits.links * _KEPT_SHARE)
        packets = self._links["packets_out"] + self._links["packets_in"]
        order: NDArray[np.intp] = np.lexsort((self._links["last"], packets))[-kept:]
        self.forgotten += len(self._links) - kept
        self._links = self._links[np.sort(order)]


def _counted(activity: Columns) -> Columns:
    """One row a link of ``activity``, by key."""
    ethertype = np.where(activity["ip_version"] == 0, activity["b_port"], 0).astype(np.uint16)
    keys, first, inverse = np.unique(mix(*(activity[name] for name in _NAMES), ethertype), return_index=True, return_inverse=True)
    links = np.zeros(len(keys), _LINK)
    links["key"], links["ethertype"] = keys, ethertype[first]
    for name in _NAMES:
        links[name] = activity[name][first]
    np.add.at(links["packets_out"], inverse, activity["packets_out"])
    np.add.at(links["packets_in"], inverse, activity["packets_in"])
    np.add.at(links["answers"], inverse, np.where(activity["payload_in"] > 0, activity["packets_in"], 0).astype(np.uint64))
    np.add.at(links["bytes"], inverse, activity["bytes_out"] + activity["bytes_in"])
    links["first"] = activity["start"][first]
    np.minimum.at(links["first"], inverse, activity["start"])
    np.maximum.at(links["last"], inverse, activity["end"])
    return links


def _is_mac(address: str) -> bool:
    return address.count(":") == 5 and len(address) == 17


def _text(version: int, hi: int, lo: int) -> str:
    return ip_text(int(hi), int(lo)) if version else mac_text(int(lo))


def _service(row: np.void) -> str:
    if row["service"]:
        return SERVICES[int(row["service"])]
    if row["ip_version"]:
        return _TRANSPORTS.get(int(row["transport"]), f"ip-{int(row['transport'])}")
    return _ETHERTYPES.get(int(row["ethertype"]), f"ethertype-{int(row['ethertype']):04x}")
