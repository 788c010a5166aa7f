"""Scans: attackers that sweep are found, busy hosts are left in peace."""

from __future__ import annotations

from typing import Any

SCANNER = "10.0.0.66"


def test_a_host_that_tries_many_addresses_in_vain_is_an_address_scan(traffic: Any, run: Any) -> None:
    """Telnet to thirty hosts, as Mirai does: one finding that names the scanner first."""
    for number in range(30):
        traffic.flow(100 + number * 0.2, SCANNER, f"203.0.113.{number}", 23)
    (finding,) = run(traffic, "address_scan")
    assert finding.addresses[0] == SCANNER
    assert finding.first_evidence == 100


def test_fourteen_addresses_are_no_scan_and_fifteen_are(traffic: Any, run: Any, make_traffic: Any) -> None:
    """The threshold is exact."""
    for number in range(14):
        traffic.flow(100 + number, SCANNER, f"10.0.1.{number}", 23)
    assert not run(traffic, "address_scan")
    traffic.flow(115, SCANNER, "10.0.1.99", 23)
    assert len(run(traffic, "address_scan")) == 1
    slow = make_traffic()
    for number in range(30):
        slow.flow(100 + number * 10, SCANNER, f"10.0.1.{number}", 23)
    assert not run(slow, "address_scan")


def test_a_master_that_polls_many_devices_that_answer_is_no_scan(traffic: Any, run: Any) -> None:
    """Two hundred connections to two hundred controllers, all answered."""
    for number in range(200):
        traffic.answered(100 + number * 0.1, SCANNER, f"10.0.1.{number}", 502)
    assert not run(traffic)


def test_devices_that_answered_before_may_fall_silent(traffic: Any, run: Any) -> None:
    """A master that tries forty known controllers again after an outage does not scan them."""
    for number in range(40):
        traffic.answered(100 + number * 0.1, SCANNER, f"10.0.1.{number}", 502)
        traffic.flow(400 + number * 0.1, SCANNER, f"10.0.1.{number}", 502)
    assert not run(traffic)


def test_a_gateway_that_reaches_more_than_it_misses_is_no_scan(traffic: Any, run: Any) -> None:
    """Behind address translation a hundred clients look like one."""
    for number in range(100):
        traffic.answered(100 + number * 0.5, SCANNER, f"203.0.113.{number}", 22)
        if number % 4 == 0:
            traffic.flow(100.1 + number * 0.5, SCANNER, f"198.51.100.{number}", 22)
    assert not run(traffic)


def test_a_device_without_internet_walks_its_makers_servers(traffic: Any, run: Any) -> None:
    """Twenty public web servers in vain are a client that looks for its cloud, sixty are a scan."""
    for number in range(20):
        traffic.flow(100 + number * 2, SCANNER, f"52.1.1.{number}", 443)
    assert not run(traffic)
    for number in range(20, 70):
        traffic.flow(150 + number * 0.1, SCANNER, f"52.1.1.{number}", 443)
    assert len(run(traffic, "address_scan")) == 1


def test_a_resolver_may_ask_servers_that_never_answer(traffic: Any, run: Any) -> None:
    """Name servers ask dozens of others, of which some are silent."""
    for number in range(40):
        traffic.flow(100 + number * 0.1, SCANNER, f"203.0.113.{number}", 53, 17)
    assert not run(traffic)


def test_a_sweep_of_echo_requests_is_found_although_some_answer(traffic: Any, run: Any) -> None:
    """Half of twenty hosts answer a ping sweep."""
    for number in range(20):
        traffic.flow(100 + number * 0.1, SCANNER, f"10.0.1.{number}", 0, 1, packets_in=number % 2)
    assert len(run(traffic, "address_scan")) == 1


def test_a_monitor_whose_hosts_answer_its_pings_is_no_scan(traffic: Any, run: Any) -> None:
    """A monitor pings fifty hosts, of which two are down."""
    for number in range(50):
        traffic.flow(100 + number * 0.1, SCANNER, f"10.0.1.{number}", 0, 1, packets_in=number > 1)
    assert not run(traffic)


def test_port_scans_with_and_without_syn_are_found(run: Any, make_traffic: Any) -> None:
    """Half-open, FIN and UDP scans of twenty ports."""
    kinds: list[tuple[int, dict[str, int]]] = [(6, {"rst_in": 1, "packets_in": 1}), (6, {"syn_out": 0, "flags_out": 1}), (17, {})]
    for transport, columns in kinds:
        scan = make_traffic()
        for port in range(20, 40):
            scan.flow(100 + port * 0.01, SCANNER, "10.0.1.1", port, transport, **columns)
        (finding,) = run(scan, "port_scan")
        assert finding.addresses == (SCANNER, "10.0.1.1")


def test_traceroute_and_streams_are_no_port_scan(traffic: Any, run: Any) -> None:
    """Traceroute counts up from port 33434; a camera sends hundreds of datagrams to each of its ports."""
    for port in range(33434, 33464):
        traffic.flow(100 + port * 0.01, SCANNER, "10.0.1.1", port, 17)
        traffic.flow(100 + port * 0.01, SCANNER, "10.0.1.2", port - 10000, 17, packets_out=300, bytes_out=300 * 1200)
    assert not run(traffic)


def test_an_answer_in_the_next_second_counts(traffic: Any, run: Any) -> None:
    """Attempts are judged a second late, so that an answer in the next record is not missed."""
    for port in range(20, 40):
        traffic.flow(100.9, SCANNER, "10.0.1.1", port)
        traffic.flow(101.2, SCANNER, "10.0.1.1", port, payload_in=5, packets_in=1, syn_out=0, state=0)
        traffic._activity[-1]["id"] = traffic._activity[-2]["id"]
    assert not run(traffic)


def test_knocking_at_controller_ports_is_severe(traffic: Any, run: Any) -> None:
    """Ten hosts times one controller port."""
    for number in range(10):
        traffic.flow(100 + number, SCANNER, f"10.0.1.{number}", 502)
    (finding,) = run(traffic, "ot_scan")
    assert finding.severity == 4


def test_forged_senders_are_no_scan(traffic: Any, run: Any) -> None:
    """A thousand senders with one attempt each."""
    for number in range(1000):
        traffic.flow(100 + number * 0.01, f"198.18.{number // 250}.{number % 250}", "10.0.1.1", 80)
    assert not [finding for finding in run(traffic) if "scan" in finding.detector]


def test_eight_addresses_at_once_are_a_scan_unless_somebody_answers(run: Any, make_traffic: Any) -> None:
    """A program sends its whole list within a tenth of a second; seven are too few, and one answer makes it a client."""
    found = []
    for count, spacing, answers in ((8, 0.01, 0), (7, 0.01, 0), (8, 0.02, 0), (8, 0.01, 1)):
        scan = make_traffic()
        for number in range(count):
            scan.flow(100 + number * spacing, SCANNER, f"10.0.1.{number}", 23)
        for number in range(answers):
            scan.answered(100.05, SCANNER, f"10.0.2.{number}", 23)
        found.append(len(run(scan, "address_scan")))
    assert found == [1, 0, 0, 0]


def test_retries_do_not_hide_a_scan_nor_make_one(run: Any, make_traffic: Any) -> None:
    """Ten thousand attempts at one dead server are no scan; among them a scan is found."""
    retries = make_traffic()
    for number in range(10000):
        retries.flow(100 + number * 0.005, SCANNER, "10.0.1.1", 8080)
    assert not run(retries, "address_scan")
    for number in range(20):
        retries.flow(120.0025 + number * 0.2, SCANNER, f"10.0.2.{number}", 8080)
    assert len(run(retries, "address_scan")) == 1
