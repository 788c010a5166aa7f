"""What a known master never did before is said at its first message, and what it always does never."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hauberk.model.finding import Severity

HMI, PLC, OTHER, ROGUE = "10.0.0.5", "10.0.1.1", "10.0.1.2", "10.0.0.66"
LEARNED = 1000.0


def _plant(traffic: Any) -> Any:
    """Ten registers polled every second, three written every ten seconds, for a quarter of an hour."""
    for second in range(1000):
        traffic.say(second, HMI, PLC, "modbus read_holding_registers", thing="1/holding_register/0-9")
        traffic.say(second + 0.1, PLC, HMI, "modbus read_holding_registers", "response", thing="1/holding_register/0-9")
        if second % 10 == 0:
            traffic.say(
                second + 0.2, HMI, PLC, "modbus write_single_register!", thing=f"1/holding_register/{100 + second // 10 % 3}"
            )
    return traffic


def _said(run: Any, traffic: Any) -> list[tuple[str, Severity, float]]:
    return [(finding.detector, finding.severity, finding.raised) for finding in run(traffic, learn_until=LEARNED)]


def test_what_was_learned_is_silent(traffic: Any, run: Any) -> None:
    """The same again, parts of it, and a block that is put together from it."""
    _plant(traffic)
    traffic.say(1001, HMI, PLC, "modbus read_holding_registers", thing="1/holding_register/3-4")
    traffic.say(1002, HMI, PLC, "modbus write_single_register!", thing="1/holding_register/101")
    assert not _said(run, traffic)


def test_a_write_outside_the_learned_range_is_found_at_once(traffic: Any, run: Any) -> None:
    """One message, with what is usual beside it."""
    _plant(traffic)
    traffic.say(1001, HMI, PLC, "modbus write_single_register!", thing="1/holding_register/103")
    (finding,) = run(traffic, learn_until=LEARNED)
    assert (finding.detector, finding.severity, finding.raised) == ("new_ot_write_target", Severity.HIGH, 1001)
    assert "1/holding_register/100 to 102" in finding.reasons[1]
    assert "100 such messages" in finding.reasons[1]
    (evidence,) = finding.evidence
    assert (evidence.samples, evidence.since) == (100, 0.2)
    assert evidence.seen == "modbus write_single_register 1/holding_register/103"


def test_the_same_register_of_another_unit_is_another_object(traffic: Any, run: Any) -> None:
    """Sub-devices behind one address."""
    _plant(traffic)
    traffic.say(1001, HMI, PLC, "modbus write_single_register!", thing="2/holding_register/101")
    assert _said(run, traffic) == [("new_ot_write_target", Severity.HIGH, 1001)]


def test_a_second_target_within_the_silence_is_said(traffic: Any, run: Any) -> None:
    """The same target is not said again, another is, and a walk is cut short."""
    _plant(traffic)
    for number, register in enumerate([200, 200, 300, *range(400, 460)]):
        traffic.say(1001 + number, HMI, PLC, "modbus write_single_register!", thing=f"1/holding_register/{register}")
    found = _said(run, traffic)
    assert [raised for _, _, raised in found[:2]] == [1001, 1003]
    assert len(found) == 8


def test_only_the_answer_of_a_write_outside_is_seen(traffic: Any, run: Any) -> None:
    """A capture of one direction; where both are seen the answer adds nothing."""
    _plant(traffic)
    traffic.say(1001, PLC, HMI, "modbus write_single_register!", "response", thing="1/holding_register/500")
    traffic.say(1002, HMI, PLC, "modbus write_single_register!", thing="1/holding_register/501")
    traffic.say(1002.1, PLC, HMI, "modbus write_single_register!", "response", thing="1/holding_register/501")
    assert [raised for _, _, raised in _said(run, traffic)] == [1001, 1002]


def test_a_new_write_of_which_only_the_answer_is_seen(traffic: Any, run: Any) -> None:
    """The client is named, not the controller that answers."""
    _plant(traffic)
    traffic.say(1001, PLC, HMI, "modbus write_multiple_coils!", "response", thing="1/coil/1")
    findings = run(traffic, "new_write", learn_until=LEARNED)
    assert [finding.addresses for finding in findings] == [(HMI, PLC)]
    assert "Only the answer" in findings[0].reasons[1]


@pytest.mark.parametrize(
    "command",
    [
        *("s7comm plc_stop!", "s7comm request_download!", "cip reset!", "modbus restart_communications_option!"),
        *(
            "modbus force_listen_only_mode!",
            "dnp3 cold_restart!",
            "bacnet reinitialize_device!",
            "fins stop!",
            "ads write_control!",
        ),
        *("modbus firmware_replacement!", "mms delete_domain!"),
    ],
)
def test_commands_that_stop_or_program_are_critical(traffic: Any, run: Any, command: str) -> None:
    """Also from a host that writes every day."""
    _plant(traffic)
    traffic.say(500, HMI, PLC, f"{command.partition(' ')[0]} read")
    traffic.say(1001, HMI, PLC, command)
    assert _said(run, traffic) == [("new_write", Severity.CRITICAL, 1001)]


def test_a_command_beside_another_within_the_silence(traffic: Any, run: Any) -> None:
    """Another verb, another target of the same verb, but not the same again."""
    _plant(traffic)
    traffic.say(1001, HMI, PLC, "modbus write_single_coil!", thing="1/coil/1")
    traffic.say(1002, HMI, PLC, "modbus write_single_coil!", thing="1/coil/1")
    traffic.say(1003, HMI, PLC, "modbus write_single_coil!", thing="1/coil/2")
    traffic.say(1004, HMI, PLC, "modbus write_multiple_coils!", thing="1/coil/1")
    assert [raised for _, _, raised in _said(run, traffic)] == [1001, 1003, 1004]


def test_a_service_that_stops_is_not_the_one_that_links(traffic: Any, run: Any) -> None:
    """One operation carries both; the object says which."""
    for second in range(10):
        traffic.say(second, HMI, PLC, "s7comm pi_service!", thing="_INSE:OB1")
    traffic.say(1001, HMI, PLC, "s7comm pi_service!", thing="P_PROGRAM")
    assert _said(run, traffic) == [("new_ot_write_target", Severity.CRITICAL, 1001)]


def test_a_list_that_kept_growing_is_not_judged(traffic: Any, run: Any) -> None:
    """A file in records, each at another place."""
    for second in range(200):
        traffic.say(second, HMI, PLC, "modbus write_file_record!", thing=f"1/file/{second * 7}")
    traffic.say(1001, HMI, PLC, "modbus write_file_record!", thing="1/file/9000")
    assert not _said(run, traffic)


def test_a_new_function_code_of_a_known_master(traffic: Any, run: Any) -> None:
    """An ordinary one against a long list; opening a session is none."""
    _plant(traffic)
    traffic.say(1001, HMI, PLC, "modbus read_coils", thing="1/coil/0-9")
    traffic.say(1002, HMI, PLC, "modbus setup_communication")
    assert _said(run, traffic) == [("new_ot_request", Severity.MEDIUM, 1001)]


def test_a_verb_that_the_master_uses_elsewhere_is_a_small_thing(traffic: Any, run: Any) -> None:
    """It reads coils of another device."""
    _plant(traffic)
    traffic.say(500, HMI, OTHER, "modbus read_coils", thing="1/coil/0-9")
    traffic.say(1001, HMI, PLC, "modbus read_coils", thing="1/coil/0-9")
    assert _said(run, traffic) == [("new_ot_request", Severity.LOW, 1001)]


def test_an_upload_is_said_even_after_little_learning(traffic: Any, run: Any) -> None:
    """Ordinary verbs are not."""
    traffic.say(1, HMI, PLC, "s7comm read_var")
    traffic.say(1001, HMI, PLC, "s7comm read_szl")
    traffic.say(1002, HMI, PLC, "s7comm start_upload", thing="OB1")
    assert _said(run, traffic) == [("new_ot_request", Severity.HIGH, 1002)]


def test_a_reserved_function_is_said_also_where_malformed(traffic: Any, run: Any) -> None:
    """One message of it, not five."""
    _plant(traffic)
    traffic.say(1001, HMI, PLC, "modbus reserved_function_99")
    traffic.say(1002, HMI, PLC, "modbus write_file_record!", status="malformed")
    traffic.say(1003, HMI, PLC, "modbus malformed", status="malformed")
    found = _said(run, traffic)
    assert found == [("new_ot_request", Severity.MEDIUM, 1001), ("new_ot_request", Severity.MEDIUM, 1002)]


def test_reads_are_judged_only_against_a_long_complete_list(traffic: Any, run: Any) -> None:
    """Low at first, medium for a walk, silent after little learning."""
    _plant(traffic)
    traffic.say(0, HMI, OTHER, "modbus read_holding_registers", thing="1/holding_register/0-9")
    for number in range(40):
        traffic.say(1001 + number, HMI, PLC, "modbus read_holding_registers", thing=f"1/holding_register/{20 + number}")
        traffic.say(1001 + number, HMI, OTHER, "modbus read_holding_registers", thing=f"1/holding_register/{20 + number}")
    found = _said(run, traffic)
    assert [(detector, severity) for detector, severity, _ in found] == [
        ("new_ot_read_range", Severity.LOW),
        ("new_ot_read_range", Severity.MEDIUM),
    ]


def test_a_write_to_a_new_device_is_said(traffic: Any, run: Any) -> None:
    """By a master and writer of another."""
    _plant(traffic)
    traffic.say(1001, HMI, OTHER, "modbus write_single_register!", thing="1/holding_register/100")
    assert {detector for detector, _, _ in _said(run, traffic)} == {"new_ot_master", "new_write"}


def test_a_controller_that_fetches_its_program_is_no_master(traffic: Any, run: Any) -> None:
    """In S7comm the controller asks for the blocks that it was told to take."""
    _plant(traffic)
    traffic.say(500, HMI, PLC, "s7comm read_var", thing="MB0")
    traffic.say(501, PLC, HMI, "s7comm read_var", "response", thing="MB0")
    traffic.say(1001, HMI, PLC, "s7comm request_download!", thing="OB1")
    traffic.say(1002, PLC, HMI, "s7comm download_block!", thing="OB1")
    traffic.say(1002.1, HMI, PLC, "s7comm download_block!", "response", thing="OB1")
    findings = run(traffic, learn_until=LEARNED)
    assert {finding.detector for finding in findings} == {"new_write"}
    assert {finding.addresses for finding in findings} == {(HMI, PLC)}


def test_reports_of_a_stranger_are_found(traffic: Any, run: Any) -> None:
    """Unsolicited, though nobody asked; known outstations may."""
    for second in range(10):
        traffic.say(second, HMI, PLC, "dnp3 read")
        traffic.say(second + 0.1, PLC, HMI, "dnp3 response", "response")
    traffic.say(1001, PLC, HMI, "dnp3 unsolicited_response", "event")
    traffic.say(1002, ROGUE, HMI, "dnp3 unsolicited_response", "event")
    assert _said(run, traffic) == [("new_ot_reporter", Severity.HIGH, 1002)]


def test_an_answer_without_a_question_is_found(traffic: Any, run: Any) -> None:
    """Somebody asks on a path that is not seen; where he is seen, the new master is said."""
    _plant(traffic)
    traffic.say(1001, OTHER, ROGUE, "modbus read_coils", "response")
    traffic.say(1002, ROGUE, PLC, "modbus read_coils")
    traffic.say(1003, PLC, ROGUE, "modbus read_coils", "response")
    found = _said(run, traffic)
    assert [(detector, raised) for detector, _, raised in found if detector != "role_flip"] == [
        ("new_ot_reporter", 1001),
        ("new_ot_master", 1002),
    ]


def test_another_card_behind_the_address_of_a_master(traffic: Any, run: Any) -> None:
    """The card is known, at another address; a host that is no master may change its card."""
    _plant(traffic)
    for second in range(5):
        traffic.answered(second, HMI, PLC, 502)
        traffic.flow(second, HMI, PLC, 502, a_mac=5, packets_in=1)
        traffic.flow(second, "10.0.0.9", PLC, 80, a_mac=9, packets_in=1)
    traffic.flow(1001, HMI, PLC, 502, a_mac=9, packets_in=1)
    traffic.flow(1002, "10.0.0.9", PLC, 80, a_mac=5, packets_in=1)
    findings = run(traffic, "ot_master_card", learn_until=LEARNED)
    assert [(finding.addresses[0], round(finding.raised, 3)) for finding in findings] == [(HMI, 1001)]


def _mixed(traffic: Any, seed: int) -> Any:
    import random  # noqa: PLC0415 - only this drawing needs it

    chance = random.Random(seed)  # noqa: S311 - test data
    _plant(traffic)
    for _ in range(300):
        time = chance.uniform(0, 1100)
        where = f"1/holding_register/{chance.randrange(400)}"
        verb = chance.choice(["read_holding_registers", "read_coils", "write_single_register!", "write_multiple_registers!"])
        role = chance.choice(["request", "request", "response", "event"])
        ends = (HMI, chance.choice([PLC, OTHER]))
        src, dst = ends if role == "request" else ends[::-1]
        traffic.say(time, src, dst, f"modbus {verb}", role, chance.choice(["ok", "ok", "malformed"]), where)
    return traffic


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 1 << 16), cuts=st.lists(st.floats(0, 1100), max_size=20))
def test_any_cut_gives_the_same(seed: int, cuts: list[float], make_traffic: Callable[[], Any], run: Any) -> None:
    """Learning and judging do not see where a batch ends."""
    traffic = _mixed(make_traffic(), seed)
    whole = run(traffic, learn_until=LEARNED)
    assert sorted(run(traffic, learn_until=LEARNED, cuts=cuts), key=repr) == sorted(whole, key=repr)
