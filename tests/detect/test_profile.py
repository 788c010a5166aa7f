"""What devices talk to, learned from activity."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hauberk.detect import profile
from hauberk.detect.profile import Peer, Profiles, Subject, belongs, is_group, is_private

DEVICE, SERVER, CARD = "192.168.1.7", "93.184.216.34", "02:00:00:00:00:07"
CARD_NUMBER = 0x020000000007


def nobody(address: str) -> bool:
    """No public address is local."""
    return not address


def learned(traffic: Any, cuts: tuple[float, ...] = ()) -> Profiles:
    """What the batches of ``traffic`` teach."""
    profiles = Profiles()
    for batch in traffic.batches(cuts):
        profiles.observe(batch, nobody)
    return profiles


def test_a_talk_is_kept_by_who_began_it(traffic: Any) -> None:
    """Both local ends have it, each from its side; a public server is nobody's device."""
    traffic.answered(10, DEVICE, SERVER, 443)
    traffic.answered(20, "192.168.1.5", DEVICE, 80)
    profiles = learned(traffic)
    assert set(profiles.of((), (DEVICE,))) == {Peer(True, 4, 6, SERVER, 443), Peer(False, 4, 6, "192.168.1.5", 80)}
    assert set(profiles.of((), ("192.168.1.5",))) == {Peer(True, 4, 6, DEVICE, 80)}
    assert not profiles.of((), (SERVER,))


def test_seconds_of_a_conversation_add_up(traffic: Any) -> None:
    """Times, ports and flags cover all that was seen."""
    traffic.flow(10, DEVICE, SERVER, 443, a_port=50000)
    traffic.flow(11, DEVICE, SERVER, 443, a_port=50000, state=0, packets_in=3, payload_in=20, syn_out=0)
    traffic.flow(90, DEVICE, SERVER, 443, a_port=50007)
    talk = learned(traffic).of((), (DEVICE,))[Peer(True, 4, 6, SERVER, 443)]
    assert (talk.first, talk.last, talk.low, talk.high) == (10, 90, 50000, 50007)
    assert (talk.conversations, talk.seconds) == (2, 3)
    assert talk.certain
    assert talk.answered
    assert talk.spoke


def test_an_attempt_is_the_attackers_and_not_the_victims(traffic: Any) -> None:
    """What a device does not answer is no talk of its own; a refusal is no answer."""
    traffic.flow(10, "192.168.1.66", DEVICE, 23)
    traffic.flow(11, "192.168.1.66", DEVICE, 22, packets_in=1, rst_in=1)
    profiles = learned(traffic)
    assert not profiles.of((), (DEVICE,))
    assert not any(talk.answered for talk in profiles.of((), ("192.168.1.66",)).values())


def test_groups_are_remotes_and_never_devices(traffic: Any) -> None:
    """Multicast is kept with its sender only."""
    traffic.flow(10, DEVICE, "239.255.255.250", 1900, 17)
    profiles = learned(traffic)
    assert set(profiles.subjects) == {Subject("", DEVICE)}


def test_a_device_is_known_by_its_card_before_it_has_an_address(traffic: Any) -> None:
    """What it sends from the unspecified address counts; what a router forwards for others does not."""
    traffic.flow(10, "0.0.0.0", "255.255.255.255", 67, 17, a_mac=CARD_NUMBER)  # noqa: S104 - no socket
    traffic.answered(20, "10.9.9.9", SERVER, 80)
    profiles = learned(traffic)
    assert set(profiles.of((CARD,), (DEVICE,))) == {Peer(True, 4, 17, "255.255.255.255", 67)}
    assert belongs(Subject(CARD, DEVICE), (CARD,), (DEVICE,))
    assert not belongs(Subject(CARD, "10.9.9.9"), (CARD,), (DEVICE,))
    assert not belongs(Subject("02:00:00:00:00:99", DEVICE), (CARD,), (DEVICE,))


def test_attempts_give_way_where_there_is_no_room(traffic: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A scan does not push out what was answered, and the bound holds."""
    monkeypatch.setattr(profile, "_MOST_TALKS", 4)
    traffic.answered(1, DEVICE, SERVER, 443)
    for port in range(1, 20):
        traffic.flow(1 + port, DEVICE, SERVER, port)
    talks = learned(traffic, (5, 10)).of((), (DEVICE,))
    assert Peer(True, 4, 6, SERVER, 443) in talks
    assert len(talks) <= 4


def test_what_finds_no_room_is_counted(traffic: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Answered talks and subjects beyond the bounds are dropped, and said so."""
    monkeypatch.setattr(profile, "_MOST_TALKS", 2)
    monkeypatch.setattr(profile, "_MOST_SUBJECTS", 1)
    for port in range(1, 6):
        traffic.answered(port, DEVICE, SERVER, port)
    traffic.answered(9, "192.168.1.8", SERVER, 1)
    profiles = learned(traffic)
    assert len(profiles.subjects) == 1
    assert profiles.dropped == 4


def test_two_profiles_add_up(make_traffic: Callable[[], Any]) -> None:
    """What two runs learned, together."""
    first, second = make_traffic(), make_traffic()
    first.answered(10, DEVICE, SERVER, 443)
    second.answered(20, DEVICE, SERVER, 443)
    second.answered(21, DEVICE, SERVER, 80)
    together = learned(first)
    together.add(learned(second))
    talks = together.of((), (DEVICE,))
    assert len(talks) == 2
    assert talks[Peer(True, 4, 6, SERVER, 443)].conversations == 2


SEEN = st.tuples(st.integers(0, 99), st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), st.booleans())


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seen=st.lists(SEEN, max_size=20), cuts=st.lists(st.integers(0, 99), max_size=3))
def test_cuts_change_nothing(make_traffic: Callable[[], Any], seen: list[tuple[int, int, int, int, bool]], cuts: list[int]) -> None:
    """One batch or several: the same profiles."""
    traffic = make_traffic()
    for time, source, target, port, answered in seen:
        (traffic.answered if answered else traffic.flow)(time, f"192.168.1.{source}", f"192.168.2.{target}", port)
    assert learned(traffic, tuple(map(float, cuts))).subjects == learned(traffic).subjects


def test_kinds_of_addresses() -> None:
    """Which addresses are private and which are groups."""
    assert all(map(is_private, ("10.0.0.1", "192.168.0.1", "fe80::1", "fd00::1", "0.0.0.0")))  # noqa: S104 - no socket
    assert not any(map(is_private, ("8.8.8.8", "2606:4700::1", "255.255.255.255", "ff02::fb", "224.0.0.251")))
    assert all(map(is_group, ("255.255.255.255", "ff02::fb", "224.0.0.251")))
