"""Beacons: who comes back to a peer it did not have, and what regular contacts are innocent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hauberk.detect.behaviour.beacon import BeaconAlarm, Beacons, Contacts
from hauberk.detect.names import Names
from hauberk.detect.state.codec import decode, encode
from hauberk.model.observation import Observations
from hauberk.model.transaction import Transaction

CLOUD, STRANGER = "203.0.113.5", "198.51.100.66"
Go = Callable[..., list[BeaconAlarm]]


@pytest.fixture
def go(span: Any, meet: Any, homes: Any) -> Go:
    """Hands contacts with one peer over, one a window."""

    def observe(
        model: Beacons,
        windows: Sequence[int],
        peer: str,
        port: int = 443,
        *,
        taught: bool = False,
        learned: bool = True,
        names: Names | None = None,
        **more: float,
    ) -> list[BeaconAlarm]:
        contacts = [meet(row, w, peer, port, **more) for row, w in enumerate(windows)]
        some = span(["cam"], [0] * len(windows), windows, contacts=contacts, taught=taught)
        return model.observe(some, names or Names(), homes, learned=learned)

    return observe


@pytest.fixture
def model(go: Go) -> Beacons:
    """What was learned of a camera that talks with its cloud whenever something moves."""
    beacons = Beacons(6.0)
    assert not go(beacons, [1, 3, 4, 9, 20, 21, 50, 52, 80, 99], CLOUD, taught=True)
    return beacons


def test_regular_contact_with_a_new_peer_is_told_once(model: Beacons, go: Go) -> None:
    """Every minute on the port of the web: told with its interval, from the eighth contact on, and never again."""
    (alarm,) = go(model, range(200, 400, 6), STRANGER)
    assert (alarm.key.device, alarm.address, alarm.learned) == ("cam", STRANGER, True)
    assert (alarm.interval, alarm.share) == (60.0, 1.0)
    assert alarm.windows == 8
    assert alarm.first == pytest.approx(2002.5)
    assert alarm.time == (200 + 7 * 6 + 1) * 10
    assert [time for time, _ in alarm.series] == pytest.approx([2002.5 + 60 * number for number in range(8)])
    assert not go(model, range(400, 600, 6), STRANGER)


def test_a_new_peer_on_a_strange_port_needs_no_rhythm(model: Beacons, go: Go) -> None:
    """Coming back again and again on a port the device never used is enough."""
    (alarm,) = go(model, [200, 203, 215, 217, 260, 300, 301, 390], STRANGER, 4444)
    assert alarm.share < 0.8


def test_irregular_contacts_with_a_new_web_server_are_innocent(model: Beacons, go: Go) -> None:
    """New addresses on the web are met every day."""
    assert not go(model, [200, 203, 215, 217, 260, 300, 301, 390, 391, 470, 500, 502], STRANGER)


def test_known_peers_are_innocent(model: Beacons, go: Go) -> None:
    """However regular, and on whatever address of their network."""
    assert not go(model, range(200, 400, 6), CLOUD)
    assert not go(model, range(400, 600, 6), "203.0.113.99")


def test_known_domains_are_innocent_at_another_address(go: Go) -> None:
    """A cloud whose names point elsewhere today."""
    names = Names()
    lookups = [
        Transaction(1, 1.0, "dns", "10.0.0.1", 53, "cam", 4, "response", "a", 1, f"{host}.vendor.co.uk", (address,), "ok", False)
        for host, address in (("a", CLOUD), ("b", STRANGER))
    ]
    names.observe(Observations(transactions=lookups))
    model = Beacons(6.0)
    go(model, [1, 3, 9], CLOUD, taught=True, names=names)
    assert not go(model, range(200, 400, 6), STRANGER, 8883, names=names)


def test_a_rhythm_that_the_service_had_is_innocent(go: Go) -> None:
    """A time service polled every minute, whose addresses change."""
    model = Beacons(6.0)
    go(model, range(0, 120, 6), CLOUD, 123, taught=True, transport=17)
    assert not go(model, range(200, 400, 6), STRANGER, 123, transport=17)
    assert go(model, range(200, 400, 6), STRANGER, 124, transport=17)


@pytest.mark.parametrize("more", [{"begun": False}, {"outward": False}])
def test_only_conversations_that_the_device_begins_count(model: Beacons, go: Go, more: dict[str, bool]) -> None:
    """Not those that go on, nor those of others."""
    assert not go(model, range(200, 400, 6), STRANGER, **more)


@pytest.mark.parametrize("peer", ["10.0.0.9", "224.0.0.251"])
def test_local_peers_and_groups_are_no_beacons(model: Beacons, go: Go, peer: str) -> None:
    """Their rhythm is the trade of devices."""
    assert not go(model, range(200, 400, 6), peer)


def test_without_learning_only_the_pace_of_a_machine_is_told(go: Go) -> None:
    """Three alike conversations in each of thirty windows are; one in 70 s, or of many sizes, are not."""
    assert not go(Beacons(6.0), range(0, 700, 7), STRANGER, learned=False)
    (alarm,) = go(Beacons(6.0), range(30), STRANGER, learned=False, conversations=3)
    assert (alarm.learned, alarm.windows, alarm.conversations) == (False, 28, 84)
    mixed = Beacons(6.0)
    for window in range(60):
        assert not go(mixed, [window], STRANGER, learned=False, conversations=3, bytes_in=[100, 90_000, 2000][window % 3])


def test_a_device_that_learning_did_not_hear_is_judged_by_the_strict_rule(model: Beacons, span: Any, meet: Any, homes: Any) -> None:
    """It is new: everything it does is."""
    windows = range(200, 400, 6)
    contacts = [meet(row, w, STRANGER) for row, w in enumerate(windows)]
    some = span(["newcomer"], [0] * len(windows), windows, contacts=contacts)
    assert not model.observe(some, Names(), homes, learned=True)


def test_a_stream_that_begins_forgets_contacts_under_way(model: Beacons, go: Go) -> None:
    """What was learned stays, also as plain data."""
    restored = decode(encode(model), Beacons(6.0))
    assert not go(restored, range(200, 242, 6), STRANGER)
    restored.begin_stream()
    assert not go(restored, range(242, 284, 6), STRANGER)
    assert go(restored, range(284, 290, 6), STRANGER)
    fresh = Beacons(6.0)
    fresh.learn_from(model)
    assert not go(fresh, range(200, 400, 6), CLOUD)
    assert go(fresh, range(200, 400, 6), STRANGER)


@given(st.integers(20, 3600), st.integers(4, 40), st.floats(-0.05, 0.05))
def test_a_rhythm_is_found_with_a_little_jitter(interval: int, count: int, jitter: float) -> None:
    """Median and share of intervals like it, over the latest contacts."""
    contacts = Contacts("x")
    for number in range(count):
        contacts.add("198.18.0.1", number * interval + (number % 2) * jitter * interval, 1, 10.0)
    middle, share = contacts.rhythm()
    assert share == 1.0
    assert middle == pytest.approx(interval, rel=0.06)
    assert len(contacts.times) <= 32
