"""Floods, and traffic that only looks like one."""

from __future__ import annotations

from typing import Any

TARGET = "10.0.1.1"


def test_a_flood_of_forged_senders_names_the_target_and_the_card(traffic: Any, run: Any) -> None:
    """Six hundred forged addresses from one card within six seconds."""
    for number in range(600):
        traffic.flow(100 + number * 0.01, f"198.18.{number // 250}.{number % 250}", TARGET, 80, a_mac=0x66)
    (finding,) = run(traffic, "flood")
    assert finding.addresses == (TARGET, "00:00:00:00:00:66")


def test_many_clients_that_are_served_are_no_flood(traffic: Any, run: Any) -> None:
    """A thousand clients come back to their broker within two seconds."""
    for number in range(1000):
        traffic.answered(100 + number * 0.002, f"10.1.{number // 250}.{number % 250}", TARGET, 8883)
    assert not run(traffic)


def test_video_is_no_flood_and_small_datagrams_at_that_rate_are(traffic: Any, run: Any) -> None:
    """A camera sends 1500 large datagrams a second and gets no answer."""
    for second in range(20):
        traffic.flow(100 + second, "10.0.0.5", TARGET, 5004, 17, packets_out=1500, bytes_out=1500 * 1200)
    assert not run(traffic)
    for second in range(20):
        traffic.flow(200 + second, "10.0.0.6", TARGET, 53, 17, packets_out=1500, bytes_out=1500 * 60)
    (finding,) = run(traffic, "flood")
    assert finding.addresses == ("10.0.0.6", TARGET)


def test_a_flood_of_echo_requests_is_found(traffic: Any, run: Any) -> None:
    """Two thousand echo requests a second, answered."""
    traffic.flow(100, "10.0.0.6", TARGET, 0, 1, packets_out=2000, packets_in=2000)
    assert len(run(traffic, "flood")) == 1


def test_broadcasts_are_no_flood(traffic: Any, run: Any) -> None:
    """A busy segment: many datagrams to everybody."""
    for second in range(20):
        for host in range(20):
            traffic.flow(100 + second, f"10.0.0.{host}", "10.0.0.255", 137, 17, packets_out=100, bytes_out=7000)
            traffic.flow(100 + second, f"10.0.0.{host}", "239.255.255.250", 1900, 17, packets_out=100, bytes_out=7000)
    assert not run(traffic)


def test_cyclic_writes_are_no_flood_but_as_many_telecontrol_commands_are(traffic: Any, run: Any) -> None:
    """A drive is written to a hundred times a second; a substation never."""
    for number in range(2000):
        traffic.say(100 + number * 0.01, "10.0.0.5", TARGET, "modbus write_single_register!")
    assert not run(traffic)
    for number in range(2000):
        traffic.say(200 + number * 0.01, "10.0.0.5", TARGET, "dnp3 write!")
    (finding,) = run(traffic, "flood")
    assert "500 dnp3 commands" in finding.reasons[0]


def test_times_that_step_back_make_no_flood(traffic: Any, run: Any) -> None:
    """Merged captures: the clock steps back while commands come slowly."""
    for number in range(3000):
        traffic.say(5000 - number, "10.0.0.5", TARGET, "dnp3 write!")
    traffic.messages.reverse()
    assert not run(traffic)


def test_a_long_transfer_in_one_row_is_no_flood_and_a_flood_in_one_row_is(run: Any, make_traffic: Any) -> None:
    """Logs of connections say a whole life at once: twenty packets a second for an hour, and two thousand for as long."""
    found = []
    for rate in (20, 2000):
        log = make_traffic()
        packets = rate * 3600
        log.flow(100, "10.0.0.6", TARGET, 0, 1, packets_out=packets, packets_in=packets, end=3_700_000_000_000)
        log.flow(100, "10.0.0.6", "10.0.1.2", 5000, 17, packets_out=packets, bytes_out=packets * 60, end=3_700_000_000_000)
        found.append(len(run(log, "flood")))
    assert found == [0, 2]
