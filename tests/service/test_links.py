"""The communication graph."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hauberk.model.address import ip_halves
from hauberk.model.flow import ACTIVITY
from hauberk.model.observation import Columns
from hauberk.model.service import SERVICE_NUMBER
from hauberk.service.links import Limits, Links

Row = tuple[int, int, int, int, int]


def _activity(rows: list[Row]) -> Columns:
    """Rows of (second, source, target, service, packets)."""
    activity = np.zeros(len(rows), ACTIVITY)
    for at, (second, source, target, service, packets) in enumerate(rows):
        activity[at]["start"] = activity[at]["end"] = second * 10**9
        activity[at]["a_hi"], activity[at]["a_lo"] = ip_halves(f"10.0.0.{source}")
        activity[at]["b_hi"], activity[at]["b_lo"] = ip_halves(f"10.0.1.{target}")
        activity[at]["packets_out"], activity[at]["bytes_out"] = packets, 60 * packets
        activity[at]["service"], activity[at]["transport"], activity[at]["ip_version"] = service, 6, 4
    return activity


def test_one_edge_for_each_pair_and_protocol() -> None:
    """Counters of one pair and protocol add up; another protocol is another edge; the transport names an unknown one."""
    links = Links()
    modbus = SERVICE_NUMBER["modbus"]
    links.observe(_activity([(5, 1, 2, modbus, 3), (7, 1, 2, modbus, 4), (6, 1, 2, 0, 1)]))
    first, second = links.edges()
    assert (first.src, first.dst, first.service, first.packets, first.bytes) == ("10.0.0.1", "10.0.1.2", "modbus", 7, 420)
    assert (first.first, first.last) == pytest.approx((5, 7))
    assert second.service == "tcp"


@given(
    rows=st.lists(st.tuples(st.integers(0, 99), *(st.integers(1, 4),) * 2, st.integers(0, 3), st.integers(1, 9)), max_size=40),
    cut=st.integers(0, 40),
)
def test_cuts_do_not_matter(rows: list[Row], cut: int) -> None:
    """Two batches count as one."""
    whole, parts = Links(), Links()
    whole.observe(_activity(rows))
    parts.observe(_activity(rows[:cut]))
    parts.observe(_activity(rows[cut:]))
    assert whole.edges() == parts.edges()
    assert sum(edge.packets for edge in whole.edges()) == sum(row[4] for row in rows)


def test_a_full_table_forgets_the_least_used() -> None:
    """A sweep of single packets does not push out what is used."""
    links = Links(Limits(links=16))
    links.observe(_activity([(0, 1, 1, 1, 500)]))
    for second in range(20):
        links.observe(_activity([(second, 2, 10 * second + target, 0, 1) for target in range(10)]))
    assert len(links) <= 16
    assert links.forgotten
    assert links.edges()[0].packets == 500


def test_links_of_some_hosts() -> None:
    """Only links that one of the hosts named takes part in, and only what answered with data counts as an answer."""
    links = Links()
    links.observe(_activity([(0, 1, 2, 1, 3), (0, 3, 4, 1, 3)]))
    assert [edge.src for edge in links.edges(["10.0.0.1", "02:00:00:00:00:01"])] == ["10.0.0.1"]
    assert [edge.src for edge in links.edges(["10.0.1.4"])] == ["10.0.0.3"]
    assert links.edges([]) == []
    assert {edge.answers for edge in links.edges()} == {0}


def test_hosts_without_ip_are_hardware_addresses() -> None:
    """A conversation below IP is named by its EtherType."""
    row = np.zeros(1, ACTIVITY)
    row["a_lo"], row["b_lo"], row["b_port"], row["packets_out"] = 0x020000000001, 0x020000000002, 0x88B8, 2
    links = Links()
    links.observe(row)
    (edge,) = links.edges()
    assert (edge.src, edge.dst, edge.service) == ("02:00:00:00:00:01", "02:00:00:00:00:02", "goose")
