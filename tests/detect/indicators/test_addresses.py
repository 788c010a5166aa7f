"""Many addresses among many ranges, beside the ``ipaddress`` module asked one by one."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hauberk.detect.indicators.addresses import NOBODY, AddressRanges
from hauberk.model.address import ip_halves

# Few different bits, so that ranges nest and addresses fall into them.
_V4 = st.builds(
    lambda bits, length: str(ip_network((0xC6000000 | bits << 8 | bits, length), strict=False)),
    st.integers(0, 255),
    st.integers(8, 32),
)
_V6 = st.builds(
    lambda bits, length: str(ip_network((0x20010DB8 << 96 | bits << 64 | bits, length), strict=False)),
    st.integers(0, 255),
    st.integers(16, 128),
)
_ADDRESSES = st.one_of(
    st.builds(lambda a, b: str(ip_address(0xC6000000 | a << 8 | b)), st.integers(0, 255), st.integers(0, 255)),
    st.builds(lambda a, b: str(ip_address(0x20010DB8 << 96 | a << 64 | b)), st.integers(0, 255), st.integers(0, 255)),
    st.sampled_from(["0.0.0.1", "255.255.255.255", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"]),
)


def _narrowest(values: list[str], address: str) -> str | None:
    """What the standard library says."""
    own = ip_address(address)
    around: list[IPv4Network | IPv6Network] = [net for net in map(ip_network, values) if net.version == own.version and own in net]
    return str(max(around, key=lambda net: net.prefixlen)) if around else None


@given(values=st.lists(st.one_of(_V4, _V6), max_size=20, unique=True), addresses=st.lists(_ADDRESSES, min_size=1, max_size=20))
def test_the_narrowest_range_owns_an_address(values: list[str], addresses: list[str]) -> None:
    """For columns and for text, whichever versions are mixed."""
    ranges = AddressRanges(values)
    halves = np.array([ip_halves(address) for address in addresses], np.uint64)
    owners = ranges.owners(halves[:, 0].copy(), halves[:, 1].copy()).tolist()
    for address, owner in zip(addresses, owners, strict=True):
        assert ranges.owner(address) == owner
        assert (None if owner == NOBODY else values[owner]) == _narrowest(values, address)


@given(values=st.lists(_V4, min_size=1, max_size=20, unique=True))
def test_the_chain_holds_every_wider_range(values: list[str]) -> None:
    """Narrowest first."""
    ranges = AddressRanges(values)
    for number, value in enumerate(values):
        own = IPv4Network(value)
        around = sorted((net for net in map(IPv4Network, values) if own.subnet_of(net)), key=lambda net: -net.prefixlen)
        assert [values[one] for one in ranges.chain(number)] == list(map(str, around))


def test_text_that_is_no_address_has_no_owner() -> None:
    """As a name in a DNS answer."""
    assert AddressRanges(["198.51.100.7"]).owner("a.example") == NOBODY
