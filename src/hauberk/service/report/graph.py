"""Who talks to whom, reduced to what fits on a page: devices, grouped peers, and the ties between them.

Nodes are devices; addresses nobody holds are grouped: Internet hosts, broadcast and multicast, local addresses without a device.
The layout follows Fruchterman and Reingold, "Graph drawing by force-directed placement", Software: Practice and Experience 21
(1991), from a fixed start, so that the same graph always looks the same.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import ip_address

import numpy as np
from numpy.typing import NDArray

from hauberk.model.service import OT_SERVICES
from hauberk.service.report.labels import Labels
from hauberk.service.report.material import Material

DEVICES = 36
INTERNET = 10
_ROUNDS = 400
_BROADCAST, _UNHELD, _OTHERS, _FAR = "multicast", "without device", "other devices", "other Internet"
_NOBODY = frozenset({"0.0.0.0", "::", "00:00:00:00:00:00"})  # noqa: S104 - an address in traffic, nothing is bound
"""What a host calls itself before it has an address."""
_OT = OT_SERVICES | {"profinet"}
_NATURES = ("ot", "internet", "it")
"""What a tie is called by, the first that fits."""

Pair = tuple[str, str]


@dataclass(slots=True)
class Tie:
    """What went between two nodes, both ways. ``nature``: ``ot``, ``internet`` or ``it``."""

    nature: str = "it"
    packets: int = 0
    bytes: int = 0
    services: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Node:
    """A device or a group of peers. ``nature``: ``device``, ``internet`` or ``group``; ``members``: how many it stands for."""

    label: str
    nature: str
    members: set[str] = field(default_factory=set)
    bytes: int = 0
    findings: int = 0


@dataclass(slots=True)
class Graph:
    """Nodes and ties by key; ``left_out``: devices that stand together as one node."""

    nodes: dict[str, Node]
    ties: dict[Pair, Tie]
    left_out: int = 0


def graph(material: Material, labels: Labels) -> Graph:
    """The graph of a stream: devices with findings first, then the busiest; what does not fit is put together."""
    ends: dict[str, tuple[str, str, str]] = {}
    edges = [edge for edge in material.edges if edge.src not in _NOBODY and edge.dst not in _NOBODY]
    for edge in edges:
        for address in (edge.src, edge.dst):
            if address not in ends:
                ends[address] = _end(address, material, labels)
    sizes: Counter[str] = Counter()
    for edge in edges:
        for key in {ends[edge.src][0], ends[edge.dst][0]}:
            sizes[key] += edge.bytes
    findings = Counter(f"device {finding.device}" for finding in material.findings if finding.device)
    natures = {key: nature for key, nature, _ in ends.values()}
    kept = _kept((key for key in natures if natures[key] == "device"), sizes, findings, DEVICES)
    kept |= _kept((key for key in natures if natures[key] == "internet"), sizes, findings, INTERNET)
    graph = Graph({}, {})
    for edge in edges:
        pair = [_place(graph, ends[address], kept, address, edge.bytes) for address in (edge.src, edge.dst)]
        if pair[0] == pair[1]:
            continue
        tie = graph.ties.setdefault((min(pair), max(pair)), Tie())
        tie.packets += edge.packets
        tie.bytes += edge.bytes
        tie.services[edge.service] += edge.packets
        far = "internet" in {ends[edge.src][1], ends[edge.dst][1]}
        natural = "ot" if edge.service in _OT else "internet" if far else "it"
        tie.nature = min(tie.nature, natural, key=_NATURES.index)
    for key, node in graph.nodes.items():
        node.findings = findings[key]
    graph.left_out = len(graph.nodes[_OTHERS].members) if _OTHERS in graph.nodes else 0
    for name, node in graph.nodes.items():
        if node.nature != "device" and len(node.members) > 1:
            node.label = f"{name} ({len(node.members):,})"
    return graph


def _end(address: str, material: Material, labels: Labels) -> tuple[str, str, str]:
    """Key, nature and label of the node for an address."""
    holder = material.holder(address)
    if holder is not None:
        return f"device {holder}", "device", labels.of(holder)
    if _is_group(address):
        return _BROADCAST, "group", _BROADCAST
    if material.is_local(address):
        return _UNHELD, "group", _UNHELD
    return f"peer {address}", "internet", address


def _kept(keys: Iterable[str], sizes: Counter[str], findings: Counter[str], most: int) -> set[str]:
    return set(sorted(keys, key=lambda key: (-min(findings[key], 1), -sizes[key], key))[:most])


def _place(graph: Graph, end: tuple[str, str, str], kept: set[str], address: str, amount: int) -> str:
    """Key of the node that stands for an address, made where it is new."""
    key, nature, label = end
    member = key if nature == "device" else address
    if nature in {"device", "internet"} and key not in kept:
        key = label = _OTHERS if nature == "device" else _FAR
        nature = "group" if nature == "device" else "internet"
    node = graph.nodes.setdefault(key, Node(label, nature))
    node.members.add(member)
    node.bytes += amount
    return key


@lru_cache(maxsize=1 << 16)
def _is_group(address: str) -> bool:
    """True for an address that means several hosts."""
    if address.count(":") == 5 and len(address) == 17:
        return bool(int(address[:2], 16) & 1)
    parsed = ip_address(address)
    return parsed.is_multicast or address == "255.255.255.255" or (parsed.version == 4 and address.endswith(".255"))


def layout(graph: Graph) -> dict[str, tuple[float, float]]:
    """Places of the nodes, in [0, 1] both ways."""
    keys = sorted(graph.nodes, key=lambda key: (-graph.nodes[key].bytes, key))
    count = len(keys)
    if count == 1:
        return {keys[0]: (0.5, 0.5)}
    index = {key: at for at, key in enumerate(keys)}
    turn = np.arange(count) * 2.399963  # the golden angle: no two start on one ray
    places = np.stack([np.cos(turn), np.sin(turn)], axis=1) * np.sqrt(np.arange(count) + 0.5)[:, None] / np.sqrt(count)
    near = np.zeros((count, count))
    for first, second in graph.ties:
        near[index[first], index[second]] = near[index[second], index[first]] = 1.0
    ideal = 1.6 / np.sqrt(count)
    for step in range(_ROUNDS):
        places += _limited(_forces(places, near, ideal), 0.1 * (1 - step / _ROUNDS))
    places -= places.min(axis=0)
    extent = places.max(axis=0)
    places /= np.where(extent > 0, extent, 1)
    # Half way to even spacing: crowded places open, and labels keep apart.
    ranks = np.argsort(np.argsort(places, axis=0, kind="stable"), axis=0, kind="stable") / (count - 1)
    places = (places + ranks) / 2
    return {key: (round(float(x), 4), round(float(y), 4)) for key, (x, y) in zip(keys, places.tolist(), strict=True)}


def _forces(places: NDArray[np.float64], near: NDArray[np.float64], ideal: float) -> NDArray[np.float64]:
    """Every pair pushes apart, ties pull together, and the middle holds everything a little."""
    apart = places[:, None, :] - places[None, :, :]
    distance = np.sqrt((apart**2).sum(axis=2)) + 1e-9
    push = ideal**2 / distance
    pull = near * distance**2 / ideal
    return np.asarray((((push - pull) / distance)[:, :, None] * apart).sum(axis=1) - places * ideal * 0.5)


def _limited(forces: NDArray[np.float64], most: float) -> NDArray[np.float64]:
    length = np.sqrt((forces**2).sum(axis=1, keepdims=True)) + 1e-9
    return np.asarray(forces / length * np.minimum(length, most))


def heaviest(graph: Graph, most: int) -> list[tuple[Node, Node, Tie]]:
    """The ties with most bytes."""
    order = sorted(graph.ties, key=lambda pair: (-graph.ties[pair].bytes, pair))
    return [(graph.nodes[first], graph.nodes[second], graph.ties[first, second]) for first, second in order[:most]]


def by_width(graph: Graph) -> dict[tuple[str, int], list[Pair]]:
    """Ties by nature and by weight: 0 for the lightest, 2 for those within a tenth of the heaviest."""
    groups: dict[tuple[str, int], list[Pair]] = defaultdict(list)
    largest = max((tie.bytes for tie in graph.ties.values()), default=0)
    for pair, tie in sorted(graph.ties.items()):
        weight = 2 if tie.bytes * 10 >= largest else 1 if tie.bytes * 200 >= largest else 0
        groups[tie.nature, weight].append(pair)
    return groups
