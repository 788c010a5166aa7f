"""Who talks to whom: bounded, nothing dropped in silence, the same graph drawn the same way."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hauberk.model.ids import DeviceId
from hauberk.service.links import Edge
from hauberk.service.report import Material
from hauberk.service.report.graph import DEVICES, INTERNET, graph, layout
from hauberk.service.report.labels import Labels

Make = Callable[..., Material]


def edge(src: str, dst: str, service: str = "tcp", size: int = 100) -> Edge:
    """One link."""
    return Edge(src, dst, service, 10, size, 0.0, 1.0)


def test_what_does_not_fit_is_put_together_and_nothing_is_lost(make: Make) -> None:
    """Bytes between different nodes are all there; the number of nodes is bounded."""
    material = make(300, 20)
    drawn = graph(material, Labels(material.devices))
    kinds = [node.nature for node in drawn.nodes.values()]
    assert kinds.count("device") == DEVICES
    assert kinds.count("internet") == INTERNET + 1
    assert drawn.left_out == 300 - DEVICES
    assert drawn.nodes["other devices"].label == f"other devices ({300 - DEVICES})"
    within = sum(e.bytes for e in material.edges) - sum(tie.bytes for tie in drawn.ties.values())
    assert 0 <= within < sum(e.bytes for e in material.edges)
    for finding in material.findings:
        assert f"device {finding.device}" in drawn.nodes


@pytest.mark.parametrize(
    "link,nature",
    [
        (edge("10.1.0.1", "10.1.0.2", "modbus"), "ot"),
        (edge("10.1.0.1", "10.1.0.2", "http"), "it"),
        (edge("10.1.0.1", "198.51.100.1", "tls"), "internet"),
        (edge("10.1.0.1", "198.51.100.1", "modbus"), "ot"),
    ],
)
def test_ties_are_of_one_nature(make: Make, link: Edge, nature: str) -> None:
    """OT before Internet before the rest."""
    material = make(2, 0, edges=[link])
    (tie,) = graph(material, Labels(material.devices)).ties.values()
    assert tie.nature == nature


@pytest.mark.parametrize(
    "address,group",
    [
        ("224.0.0.251", "multicast"),
        ("ff02::fb", "multicast"),
        ("10.1.0.255", "multicast"),
        ("01:00:5e:00:00:fb", "multicast"),
        ("10.9.9.9", "without device"),
    ],
)
def test_addresses_nobody_holds_are_grouped(make: Make, address: str, group: str) -> None:
    """Several hosts, or none that answers: one node."""
    material = make(1, 0, edges=[edge("10.1.0.1", address)])
    assert group in graph(material, Labels(material.devices)).nodes


def test_hosts_without_an_address_are_nobody(make: Make) -> None:
    """A client that asks for its first address is no peer."""
    material = make(1, 0, edges=[edge("0.0.0.0", "255.255.255.255", "dhcp")])  # noqa: S104 - an address in traffic
    assert not graph(material, Labels(material.devices)).ties


def test_the_layout_is_the_same_every_time_and_keeps_nodes_apart(make: Make) -> None:
    """No chance in it; no node upon another; all within the frame."""
    material = make(80, 9)
    places = [layout(graph(material, Labels(material.devices))) for _ in range(2)]
    assert places[0] == places[1]
    assert len(set(places[0].values())) == len(places[0])
    assert all(0 <= coordinate <= 1 for place in places[0].values() for coordinate in place)


def test_a_graph_of_one_node_is_drawn_in_the_middle(make: Make) -> None:
    """Nothing to push or pull."""
    material = make(1, 0, holder={"10.1.0.1": DeviceId("x")}.get, edges=[edge("10.1.0.1", "224.0.0.1")])
    drawn = graph(material, Labels(material.devices))
    del drawn.nodes["multicast"]
    drawn.ties.clear()
    assert list(layout(drawn).values()) == [(0.5, 0.5)]
