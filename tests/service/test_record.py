"""Published keys of records."""

from __future__ import annotations

import pytest

from hauberk.service.record import transport_name


@pytest.mark.parametrize("version,number,name", [(4, 6, "tcp"), (6, 58, "icmpv6"), (4, 200, "ip_200"), (0, 6, "ethernet")])
def test_transport_name(version: int, number: int, name: str) -> None:
    """Names of IANA protocol numbers; what has none keeps its number."""
    assert transport_name(version, number) == name
