"""Ports that tell the responder of a conversation whose beginning was not seen."""

from __future__ import annotations

import pytest

from hauberk.sense.dissect.interface import Dissector
from hauberk.sense.dissect.registry import dissectors
from hauberk.sense.flow.ports import SERVICE_PORTS, port_rank

OVER_IP = [row for row in dissectors() if row.transport != "ethernet"]


@pytest.mark.parametrize("row", OVER_IP, ids=lambda row: f"{row.name}-{row.transport}")
def test_every_port_of_a_dissector_is_a_service_port(row: Dissector) -> None:
    """Below 1024 every port counts as one."""
    assert {port for port in row.ports if port > 1023} <= SERVICE_PORTS


def test_ranks_are_ordered() -> None:
    """Customary ports before the rest below 1024, those before all others."""
    rank = port_rank()
    assert rank.shape == (65536,)
    assert [int(rank[port]) for port in (502, 443, 44818, 999, 40000, 0)] == [2, 2, 2, 1, 0, 0]
    assert all(rank[port] == 2 for port in SERVICE_PORTS)
