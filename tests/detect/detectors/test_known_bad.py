"""Contacts with known bad things: who turned to whom decides, and every feed is quoted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hauberk.detect.detectors.registry import detectors
from hauberk.detect.engine import DetectionEngine
from hauberk.detect.indicators.matcher import IndicatorMatcher
from hauberk.detect.known_bad import KnownBad
from hauberk.detect.sigma.rule import RuleSet
from hauberk.detect.state.codec import decode, encode
from hauberk.model.finding import Finding, Severity
from hauberk.model.flow import STATE_ESTABLISHED, STATE_FIRST
from hauberk.model.hint import Hint, HintKey
from hauberk.model.ids import DeviceId
from hauberk.model.indicator import Indicator, IndicatorKind
from hauberk.model.transaction import Message, Transaction

BAD, LOCAL = "203.0.113.66", "10.0.0.5"
FEED = (
    Indicator(IndicatorKind.IP, BAD, "feed-a", "id-1", "Botnet C2", "seen in May", 90, labels=("Mirai",), techniques=("T0885",)),
    Indicator(IndicatorKind.CIDR, "203.0.113.0/24", "feed-b", confidence=10),
    Indicator(IndicatorKind.DOMAIN, "evil.example", "feed-a"),
    Indicator(IndicatorKind.URL, "ok.example/dropper", "feed-a"),
    Indicator(IndicatorKind.JA4, "t13d181100_85036bcba153_d41ae481755e", "feed-a"),
    Indicator(IndicatorKind.CERTIFICATE_SHA256, "ab" * 32, "feed-a"),
)


class Fleet:
    """Addresses of 10/8 are local; one resolver."""

    def device(self, address: str) -> DeviceId | None:
        """One device a local address."""
        return DeviceId(address) if self.is_local(address) else None

    def kind(self, address: str) -> str | None:
        """Unknown."""
        return None if address else ""

    def is_local(self, address: str) -> bool:
        """True in 10/8."""
        return address.startswith("10.")

    def is_infrastructure(self, address: str) -> bool:
        """True for the resolver."""
        return address == "10.0.0.53"


def engine(feed: Iterable[Indicator] = FEED) -> DetectionEngine:
    """An engine with this detector alone."""
    only = [row for row in detectors() if row.id == "known_bad"]
    return DetectionEngine(only, Fleet(), known_bad=KnownBad(IndicatorMatcher(feed), RuleSet()))


def found(traffic: Any, cuts: Sequence[float] = (), feed: Iterable[Indicator] = FEED) -> list[Finding]:
    """Findings of ``traffic``."""
    one = engine(feed)
    return [finding for batch in traffic.batches(cuts) for finding in one.observe(batch)]


def say(traffic: Any, time: float, src: str, dst: str, message: Message) -> None:
    """Add a message as a dissector gives it."""
    protocol, role, operation, code, thing, value, status, write, hints = message
    traffic.messages.append(
        Transaction(1, time, protocol, src, 4000, dst, 53, role, operation, code, thing, value, status, write, hints)
    )


def test_a_device_that_turns_to_a_bad_address_is_critical(traffic: Any) -> None:
    """Answered or not; feeds are quoted, the surer one first."""
    traffic.flow(5, LOCAL, BAD, 443)
    (finding,) = found(traffic)
    assert (finding.severity, finding.device, finding.addresses) == (Severity.CRITICAL, LOCAL, (LOCAL, BAD))
    assert (finding.first_evidence, finding.raised) == (5, 5)
    assert "TCP port 443" in finding.reasons[0]
    assert (
        "'feed-a' lists 203.0.113.66 with confidence 90 of 100, id-1, called Mirai: Botnet C2 (seen in May)" in finding.reasons[1]
    )
    assert "'feed-b' lists 203.0.113.0/24 with confidence 10" in finding.reasons[2]
    assert {"T1071", "T0885"} <= {technique.id for technique in finding.techniques}


@pytest.mark.parametrize(
    "columns, severity, raised",
    [
        ({}, Severity.MEDIUM, 6.0),
        ({"rst_in": 1, "packets_in": 1}, Severity.MEDIUM, 6.0),
        ({"packets_in": 1, "state": STATE_FIRST | STATE_ESTABLISHED}, Severity.HIGH, 5.0),
    ],
)
def test_a_knock_is_less_than_an_answer(traffic: Any, columns: dict[str, int], severity: Severity, raised: float) -> None:
    """A refusal is no answer; a knock is told a second late."""
    traffic.flow(5, BAD, LOCAL, 23, **columns)
    (finding,) = found(traffic)
    assert (finding.severity, finding.addresses, finding.raised) == (severity, (LOCAL, BAD), raised)


def test_a_knock_answered_within_a_second_is_told_once(traffic: Any) -> None:
    """Also where the answer is in another batch."""
    traffic.flow(5.5, BAD, LOCAL, 23)
    traffic.flow(6.2, BAD, LOCAL, 23, state=0, packets_in=3, payload_in=10)
    for cuts in ((), (6.0,)):
        (finding,) = found(traffic, cuts)
        assert (finding.severity, finding.first_evidence, finding.raised) == (Severity.HIGH, 5.5, 5.5)


def test_an_episode_is_told_again_only_when_it_gets_worse(traffic: Any) -> None:
    """A knock, and an answer much later; knocks in between say nothing."""
    for time in (5, 10, 15, 40):
        traffic.flow(time, BAD, LOCAL, 23)
    traffic.answered(30, BAD, LOCAL, 23)
    assert [(finding.raised, finding.severity) for finding in found(traffic)] == [(6, Severity.MEDIUM), (30, Severity.HIGH)]


def test_silence_ends_an_episode(traffic: Any) -> None:
    """After an hour the same contact is news; contacts every half hour are one episode."""
    for time in (0, 1800, 3600, 5400, 9001):
        traffic.flow(time, LOCAL, BAD, 443)
    for cuts in ((), (1000, 2000, 6000)):
        assert [finding.raised for finding in found(traffic, cuts)] == [0, 9001]


def test_knocks_at_a_whole_network_are_told_for_a_few_devices(traffic: Any) -> None:
    """The first ones by time, however the stream is cut; an answer is still told, and so are knocks after a silence."""
    for number in range(40):
        traffic.flow(100 - number, BAD, f"10.0.1.{number}", 23)
    traffic.answered(200, BAD, "10.0.1.200", 23)
    traffic.flow(4000, BAD, "10.0.1.201", 23)
    for cuts in ((), (70.5, 80, 90.3)):
        findings = found(traffic, cuts)
        assert [finding.addresses[0] for finding in findings] == [
            *(f"10.0.1.{number}" for number in range(39, 31, -1)),
            "10.0.1.200",
            "10.0.1.201",
        ]
        assert [any("not told for now" in reason for reason in finding.reasons) for finding in findings].index(True) == 7


def test_groups_of_receivers_are_no_contacts(traffic: Any) -> None:
    """What a bad host announces to all."""
    traffic.flow(5, "203.0.113.9", "224.0.0.251", 5353, 17)
    assert found(traffic) == []


def test_an_expired_indicator_matches_nothing_later(traffic: Any) -> None:
    """Traffic before its end still counts."""
    feed = [
        Indicator(IndicatorKind.IP, BAD, "feed", valid_until=10),
        Indicator(IndicatorKind.DOMAIN, "evil.example", "f", valid_until=10),
    ]
    traffic.flow(20, LOCAL, BAD, 443)
    traffic.say(20, LOCAL, "10.0.0.53", "dns query", thing="evil.example")
    assert found(traffic, feed=feed) == []
    traffic.flow(5, LOCAL, BAD, 443)
    assert [finding.raised for finding in found(traffic, feed=feed)] == [5]


def test_before_an_indicator_is_valid_it_weighs_less(traffic: Any) -> None:
    """And the finding says why."""
    traffic.flow(5, LOCAL, BAD, 443)
    (finding,) = found(traffic, feed=[Indicator(IndicatorKind.IP, BAD, "feed", confidence=90, valid_from=100)])
    assert finding.severity is Severity.HIGH
    assert any("1970-01-01T00:01:40Z" in reason for reason in finding.reasons)


def test_asking_for_a_name_and_going_there_is_one_story(traffic: Any) -> None:
    """The look-up first; the connection makes it worse; the answer adds nothing."""
    say(traffic, 5, LOCAL, "10.0.0.53", Message("dns", "request", "query", 1, "c2.evil.example"))
    say(traffic, 5.1, "10.0.0.53", LOCAL, Message("dns", "response", "query", 1, "c2.evil.example", ("198.51.100.1",)))
    say(traffic, 6, LOCAL, "198.51.100.1", Message("tls", "request", "client_hello", 1, "c2.evil.example"))
    first, second = found(traffic)
    assert (first.raised, first.title) == (5, "Device asks for a known bad name")
    assert (second.raised, second.title, second.first_evidence) == (6, "Device turns to a known bad name", 5)
    assert second.severity is Severity.HIGH


def test_a_resolver_asks_for_others(traffic: Any) -> None:
    """It weighs less, and the finding says where to look."""
    say(traffic, 5, "10.0.0.53", "198.51.100.53", Message("dns", "request", "query", 1, "evil.example"))
    (finding,) = found(traffic)
    assert finding.severity is Severity.MEDIUM
    assert any("on behalf of others" in reason for reason in finding.reasons)


@pytest.mark.parametrize(
    "src, dst, message, kind",
    [
        ("10.0.0.53", LOCAL, Message("dns", "response", "query", 1, "fine.example", (BAD,)), "known_bad_ip"),
        ("10.0.0.53", LOCAL, Message("dns", "response", "query", 1, "fine.example", ("x.evil.example",)), "known_bad_domain"),
        (LOCAL, "198.51.100.1", Message("http", "request", "get", None, "evil.example/"), "known_bad_domain"),
        (LOCAL, "198.51.100.1", Message("http", "request", "get", None, "ok.example/dropper?x=1"), "known_bad_url"),
        (
            LOCAL,
            "198.51.100.1",
            Message("quic", "request", "client_hello", 1, hints=(Hint(HintKey.JA4, "t13d181100_85036bcba153_d41ae481755e"),)),
            "known_bad_ja4",
        ),
        (
            "198.51.100.1",
            LOCAL,
            Message("tls", "response", "certificate", 11, hints=(Hint(HintKey.CERTIFICATE_SHA256, "ab" * 32),)),
            "known_bad_certificate_sha256",
        ),
    ],
)
def test_every_kind_is_found_in_messages(traffic: Any, src: str, dst: str, message: Message, kind: str) -> None:
    """The local side is the device, whoever spoke."""
    say(traffic, 5, src, dst, message)
    (finding,) = found(traffic)
    assert (finding.addresses[0], finding.evidence[0].name) == (LOCAL, kind)


def test_without_feeds_nothing_is_found(traffic: Any) -> None:
    """And nothing is looked up."""
    traffic.flow(5, LOCAL, BAD, 443)
    assert found(traffic, feed=[]) == []


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    events=st.lists(
        st.tuples(
            st.integers(0, 800), st.sampled_from(["knock", "answer", "out", "ask", "go"]), st.integers(0, 2), st.integers(0, 1)
        ),
        max_size=30,
    ),
    cuts=st.lists(st.integers(0, 800), max_size=8),
)
def test_any_cut_gives_the_same_findings(
    events: list[tuple[int, str, int, int]], cuts: list[int], make_traffic: Callable[[], Any]
) -> None:
    """Times in steps that straddle seconds and episodes."""
    traffic = make_traffic()
    for step, what, host, bad in events:
        time, local, far = step * 9.7, f"10.0.0.{host}", f"203.0.113.{bad}"
        if what == "knock":
            traffic.flow(time, far, local, 23)
        elif what == "answer":
            traffic.answered(time + 0.7, far, local, 23)
        elif what == "out":
            traffic.flow(time, local, far, 443)
        elif what == "ask":
            traffic.say(time, local, "10.0.0.53", "dns query", thing="evil.example")
        else:
            traffic.say(time, local, "198.51.100.1", "http get", thing="evil.example/x")
    whole = found(traffic)
    assert sorted(map(repr, found(traffic, [cut * 9.7 + 0.3 for cut in cuts]))) == sorted(map(repr, whole))


def test_the_state_survives_a_snapshot(traffic: Any) -> None:
    """A knock that waits when the state is saved is told after it was read back."""
    traffic.flow(5, BAD, LOCAL, 23)
    traffic.flow(30, "10.0.0.9", "10.0.0.8", 80)
    first, second = traffic.batches([5.5])
    one = engine()
    assert one.observe(first) == []
    running = one._active[0]
    running.state = decode(encode(running.state))
    assert [finding.raised for finding in one.observe(second)] == [6]
