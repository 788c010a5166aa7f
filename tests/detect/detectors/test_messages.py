"""Detectors that read messages: log-ins, sessions, clear text, malformed, errors, exposure."""

from __future__ import annotations

from typing import Any

A, B = "10.0.0.66", "10.0.1.1"


def test_failed_log_ins_are_counted_for_the_client(traffic: Any, run: Any) -> None:
    """The server says no; the finding is about the client."""
    for number in range(10):
        traffic.say(100 + number, B, A, "ftp login", "response", "login_failed")
    (finding,) = run(traffic, "excessive_logins")
    assert finding.addresses == (A, B)


def test_failures_with_success_in_between_are_no_guessing(traffic: Any, run: Any) -> None:
    """Digest log-in: every other answer is a challenge."""
    for number in range(60):
        traffic.say(100 + number, B, A, "http login", "response", "ok" if number % 2 else "unauthorized")
    assert not run(traffic, "excessive_logins")


def test_brokers_that_refuse_are_counted_and_busy_ones_are_not(traffic: Any, run: Any) -> None:
    """A refusal for the password counts, one for the state of the server does not."""
    for number in range(20):
        traffic.say(100 + number, B, A, "mqtt connack", "response", "server_unavailable")
    assert not run(traffic)
    for number in range(20):
        traffic.say(200 + number, B, A, "mqtt connack", "response", "not_authorized")
    assert len(run(traffic, "excessive_logins")) == 1


def test_many_sessions_to_a_broker_from_one_host_are_found_and_from_many_are_not(traffic: Any, run: Any) -> None:
    """SlowITe opens hundreds of sessions; a fleet that reconnects opens one each."""
    for number in range(200):
        traffic.say(100 + number * 0.01, f"10.1.0.{number}", B, "mqtt connect")
    assert not run(traffic)
    for number in range(200):
        traffic.say(200 + number * 0.01, A, B, "mqtt connect")
    (finding,) = run(traffic, "excessive_sessions")
    assert finding.addresses == (A, B)


def test_a_clear_text_server_is_named_once_whoever_logs_in(traffic: Any, run: Any) -> None:
    """A finding for each server and protocol, about the server; anonymous FTP has no secret."""
    for number in range(5):
        traffic.say(100 + number, B, f"10.0.0.{number}", "telnet login", "response", thing="root")
        traffic.say(100 + number, B, f"10.0.0.{number}", "ftp login", "response", thing="anonymous")
    (finding,) = run(traffic, "cleartext_credentials")
    assert finding.addresses == (B, "10.0.0.0")
    assert "as 'root'" in finding.reasons[0]


def test_five_malformed_messages_are_found_and_four_are_not(traffic: Any, run: Any) -> None:
    """To different receivers: it is about the sender."""
    for number in range(4):
        traffic.say(100 + number, A, f"10.0.1.{number}", "modbus read", status="malformed")
    assert not run(traffic, "malformed_messages")
    traffic.say(105, A, "10.0.1.9", "modbus read", status="malformed")
    assert len(run(traffic, "malformed_messages")) == 1


def test_mapping_a_controller_is_found_and_a_wrong_poll_is_not(traffic: Any, run: Any) -> None:
    """Refusals of one object are a wrong setting, of twenty a search."""
    for number in range(100):
        traffic.say(100 + number, B, A, "modbus read", "response", "illegal_data_address", "1/coil/7")
    assert not run(traffic)
    for number in range(20):
        traffic.say(300 + number, B, A, "modbus read", "response", "illegal_data_address", f"1/coil/{number}")
    assert len(run(traffic, "ot_error_burst")) == 1


def test_a_controller_that_talks_with_the_internet_is_found_once(traffic: Any, run: Any) -> None:
    """Whatever the number of outside hosts; public addresses among themselves are a plant with such a plan."""
    for number in range(10):
        traffic.say(100 + number, f"8.8.8.{number}", B, "modbus read")
        traffic.say(100 + number, f"8.8.8.{number}", "9.9.9.9", "modbus read")
    (finding,) = run(traffic, "internet_exposed_ot")
    assert finding.addresses == (B, "8.8.8.0")
