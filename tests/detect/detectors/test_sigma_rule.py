"""Sigma rules at work: messages, beginnings and ends of conversations, episodes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hauberk.detect.detectors.registry import detectors
from hauberk.detect.engine import DetectionEngine
from hauberk.detect.indicators.matcher import IndicatorMatcher
from hauberk.detect.known_bad import KnownBad
from hauberk.detect.sigma.load import read_rules
from hauberk.detect.sigma.rule import RuleSet
from hauberk.model.finding import Finding, Severity
from hauberk.model.flow import FLOW
from hauberk.model.hint import Hint, HintKey
from hauberk.model.ids import DeviceId
from hauberk.model.observation import Observations
from hauberk.model.transaction import Transaction


class Fleet:
    """Every address is a device."""

    def device(self, address: str) -> DeviceId | None:
        """One device an address."""
        return DeviceId(address)

    def kind(self, address: str) -> str | None:
        """Unknown."""
        return None if address else ""

    def is_local(self, address: str) -> bool:
        """All of 10/8."""
        return address.startswith("10.")

    def is_infrastructure(self, address: str) -> bool:
        """None."""
        return not address


def engine(logsource: dict[str, str], selection: Any, condition: str = "selection", **more: Any) -> DetectionEngine:
    """An engine with one rule."""
    text = yaml.safe_dump(
        {"title": "Test", "logsource": logsource, "detection": {"selection": selection, "condition": condition}, **more}
    )
    file = read_rules(text.encode(), "test.yml")
    assert len(file.rules) == 1, file.skipped
    only = [row for row in detectors() if row.id == "sigma_rule"]
    return DetectionEngine(only, Fleet(), known_bad=KnownBad(IndicatorMatcher(()), RuleSet(file.rules)))


def found(one: DetectionEngine, traffic: Any, cuts: Sequence[float] = ()) -> list[Finding]:
    """Findings of ``traffic``."""
    return [finding for batch in traffic.batches(cuts) for finding in one.observe(batch)]


TRANSACTION = {"product": "hauberk", "service": "transaction"}


def test_a_message_that_matches_is_a_finding_with_the_authors_words(traffic: Any) -> None:
    """Once for rule and host while it goes on."""
    for time in (5, 6, 7):
        traffic.say(time, "10.0.0.5", "10.0.0.1", "modbus write!")
    traffic.say(8, "10.0.0.6", "10.0.0.1", "modbus read")
    (finding,) = found(
        engine(TRANSACTION, {"write": True}, level="high", description="because", falsepositives=["engineers"]), traffic
    )
    assert (finding.title, finding.severity, finding.addresses, finding.raised) == (
        "Test",
        Severity.HIGH,
        ("10.0.0.5", "10.0.0.1"),
        5,
    )
    assert finding.reasons[1:] == ("because", "Its author names as false alarms: engineers.")


@pytest.mark.parametrize(
    "selection, ports",
    [
        ({"dst_port": 23}, [23]),
        ({"dst_port": [23, 80]}, [23, 80]),
        ({"dst_port|gte": 80}, [80, 502]),
        ({"dst_port": "5*"}, [502]),
        ({"dst_ip": "10.0.0.2"}, [80]),
        ({"dst_ip|cidr": "10.0.0.0/30"}, [23, 80]),
        ({"dst_ip|endswith": ".9"}, [502]),
        ({"src_ip|cidr": "2001:db8::/32"}, []),
        ({"proto": "udp"}, [502]),
        ({"proto": "tcp", "dst_port|lt": 80}, [23]),
        ({"src_port": None}, []),
    ],
)
def test_conversations_are_tested_as_columns(traffic: Any, selection: Any, ports: list[int]) -> None:
    """When they begin, by address, port and transport."""
    traffic.flow(1, "10.0.0.11", "10.0.0.1", 23)
    traffic.flow(2, "10.0.0.12", "10.0.0.2", 80)
    traffic.flow(3, "10.0.0.13", "10.0.0.9", 502, 17)
    initiators = {23: "10.0.0.11", 80: "10.0.0.12", 502: "10.0.0.13"}
    hits = [finding.addresses[0] for finding in found(engine({"category": "firewall"}, selection), traffic)]
    assert hits == [initiators[port] for port in ports]
    missed = [finding.addresses[0] for finding in found(engine({"category": "firewall"}, selection, "not selection"), traffic)]
    assert sorted(hits + missed) == sorted(initiators.values())


def test_what_is_known_at_the_end_is_asked_at_the_end() -> None:
    """Duration and amounts; raised when the conversation ended."""
    flows = np.zeros(2, FLOW)
    flows["id"] = 1, 2
    flows["start"], flows["end"] = 5_000_000_000, (6_000_000_000, 605_000_000_000)
    flows["a_lo"], flows["b_lo"] = (0xFFFF0A000005, 0xFFFF0A000006), 0xFFFF0A000001
    flows["ip_version"], flows["transport"], flows["payload_out"] = 4, 6, 1000
    one = engine({"product": "zeek", "service": "conn"}, {"duration|gt": 300, "orig_bytes": 1000})
    (finding,) = one.observe(Observations(flows=flows, watermark=606.0))
    assert (finding.addresses[0], finding.first_evidence, finding.raised) == ("10.0.0.6", 5, 605)


def test_the_user_agent_of_a_connection_is_remembered(traffic: Any) -> None:
    """It is given with its first request only; other connections have their own."""
    agent = (Hint(HintKey.USER_AGENT, "evil/1"),)
    for time, port, path, hints in ((1, 4000, "/", agent), (2, 4000, "/admin", ()), (3, 4001, "/admin", ())):
        traffic.messages.append(
            Transaction(
                1,
                time,
                "http",
                f"10.0.0.{port - 3990}",
                port,
                "10.0.0.1",
                80,
                "request",
                "get",
                None,
                f"h{path}",
                None,
                "ok",
                False,
                hints,
            )
        )
    one = engine({"category": "proxy"}, {"c-useragent|startswith": "evil", "c-uri|endswith": "/admin"})
    assert [finding.raised for finding in found(one, traffic, [1.5])] == [2]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    events=st.lists(st.tuples(st.integers(0, 900), st.integers(0, 2), st.booleans()), max_size=30),
    cuts=st.lists(st.integers(0, 900), max_size=8),
)
def test_any_cut_gives_the_same_findings(
    events: list[tuple[int, int, bool]], cuts: list[int], make_traffic: Callable[[], Any]
) -> None:
    """Of messages and of conversations."""
    traffic = make_traffic()
    for step, host, spoken in events:
        time = step * 9.7
        if spoken:
            traffic.say(time, f"10.0.0.{host}", "10.0.0.9", "modbus write!")
        else:
            traffic.flow(time, f"10.0.0.{host}", "10.0.0.9", 502)
    for logsource, selection in ((TRANSACTION, {"write": True}), ({"category": "firewall"}, {"dst_port": 502})):
        whole = found(engine(logsource, selection), traffic)
        parts = found(engine(logsource, selection), traffic, [cut * 9.7 + 0.3 for cut in cuts])
        assert sorted(map(repr, parts)) == sorted(map(repr, whole))
