"""Learned detectors: what is new is said at once, and nothing is learned while judging."""

from __future__ import annotations

from typing import Any

HMI, ROGUE, PLC = "10.0.0.5", "10.0.0.66", "10.0.1.1"


def _plant(traffic: Any) -> None:
    for number in range(10):
        traffic.flow(number, HMI, PLC, 502, a_mac=5, b_mac=1, packets_in=1)
        traffic.say(number, HMI, PLC, "modbus read")
        traffic.say(number + 0.1, PLC, HMI, "modbus read", "response")


def test_the_same_traffic_after_learning_is_quiet(traffic: Any, run: Any) -> None:
    """Nothing new."""
    _plant(traffic)
    assert not run(traffic, learn_until=5)


def test_nothing_learned_means_nothing_judged(traffic: Any, run: Any) -> None:
    """Without a baseline the learned detectors are silent."""
    _plant(traffic)
    traffic.say(20, ROGUE, PLC, "modbus write!")
    assert not run(traffic)


def test_a_rogue_master_is_found_with_its_first_message(traffic: Any, run: Any) -> None:
    """New card, new master, and a write from a host that never wrote."""
    _plant(traffic)
    traffic.flow(20, ROGUE, PLC, 502, a_mac=0x66, packets_in=1)
    traffic.say(20, ROGUE, PLC, "modbus write!")
    findings = run(traffic, learn_until=15)
    assert {finding.detector for finding in findings} == {"new_device", "new_ot_master", "new_write"}
    assert {finding.raised for finding in findings} == {20}


def test_a_known_master_that_begins_to_write_is_found(traffic: Any, run: Any) -> None:
    """The HMI only read while the network was learned."""
    _plant(traffic)
    traffic.say(20, HMI, PLC, "modbus write!")
    assert [finding.detector for finding in run(traffic, learn_until=15)] == ["new_write"]


def test_a_controller_that_asks_has_changed_its_role(traffic: Any, run: Any) -> None:
    """It only answered before; a check of the line is no request."""
    _plant(traffic)
    traffic.say(19, PLC, HMI, "dnp3 request_link_status")
    traffic.say(20, PLC, HMI, "modbus read")
    assert {finding.detector for finding in run(traffic, learn_until=15)} == {"new_ot_master", "role_flip"}


def test_a_new_publisher_of_goose_is_a_master(traffic: Any, run: Any) -> None:
    """Who publishes trips operates breakers."""
    traffic.say(1, "00:00:00:00:00:01", "01:0c:cd:01:00:01", "goose publish", "event")
    traffic.say(9, "00:00:00:00:00:66", "01:0c:cd:01:00:01", "goose publish", "event")
    assert [finding.detector for finding in run(traffic, learn_until=5)] == ["new_ot_master"]


def test_the_moment_learning_ends_is_judged(traffic: Any, run: Any) -> None:
    """What happens exactly then is judged, in every kind of observation."""
    moment = 1_700_000_000.123456
    traffic.say(moment - 1, HMI, PLC, "modbus read")
    traffic.flow(moment - 1, HMI, PLC, 502, a_mac=5)
    traffic.say(moment, ROGUE, PLC, "modbus read")
    traffic.flow(moment, ROGUE, PLC, 502, a_mac=0x66)
    assert {finding.detector for finding in run(traffic, learn_until=moment)} == {"new_device", "new_ot_master"}
    assert not run(traffic, learn_until=moment + 1e-5)


def test_judging_teaches_nothing(traffic: Any, run: Any) -> None:
    """After its silence the same stranger is said again."""
    _plant(traffic)
    traffic.say(20, ROGUE, PLC, "modbus read")
    traffic.say(9000, ROGUE, PLC, "modbus read")
    assert len(run(traffic, "new_ot_master", learn_until=15)) == 2


def test_a_crowd_of_invented_cards_is_said_together(traffic: Any, run: Any) -> None:
    """A thousand cards within ten seconds: twenty findings, the last of the crowd."""
    _plant(traffic)
    for number in range(1000):
        traffic.flow(20 + number * 0.01, f"10.2.{number // 250}.{number % 250}", PLC, 67, 17, a_mac=0x1000 + number)
    findings = run(traffic, "new_device", learn_until=15)
    assert len(findings) == 20
    assert "20 devices" in findings[-1].reasons[0]


def test_addresses_of_a_known_card_may_change(traffic: Any, run: Any) -> None:
    """DHCP and the privacy addresses of IPv6 make no new device."""
    _plant(traffic)
    traffic.flow(20, "10.0.0.77", PLC, 443, a_mac=5)
    traffic.flow(21, "2001:db8::1234", "2001:db8::1", 443, a_mac=5)
    assert not run(traffic, "new_device", learn_until=15)
