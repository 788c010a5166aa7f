"""Attacks on controllers in recorded traffic are found with their first message, against what other captures taught."""

from __future__ import annotations

import tarfile
from collections.abc import Iterable
from pathlib import Path

import pytest

from hauberk.model.finding import Finding
from hauberk.model.observation import Observations
from hauberk.model.transaction import Transaction
from hauberk.service.analysis import Analysis
from hauberk.service.feed import Depth, open_feed

_LEARNED = frozenset(
    {
        *("new_ot_master", "new_write", "role_flip", "new_ot_write_target", "new_ot_request", "new_ot_read_range"),
        *("new_ot_reporter", "new_goose_publisher", "ot_master_card", "goose_sequence"),
    }
)


def _batches(path: Path) -> list[Observations]:
    return list(open_feed([str(path)], Depth.MESSAGES).observations())


def _messages(batches: Iterable[Observations]) -> list[Transaction]:
    return [transaction for batch in batches for transaction in batch.transactions]


def _judged(learner: Iterable[Observations], batches: Iterable[Observations]) -> list[Finding]:
    """OT findings on ``batches`` after ``learner`` has taught."""
    analysis = Analysis(learn_until=1e12)
    for batch in learner:
        analysis.engine.observe(batch)
    analysis.engine.learn_until = None
    return [finding for batch in batches for finding in analysis.engine.observe(batch) if finding.detector in _LEARNED]


def test_a_controller_that_scans_its_neighbour_is_found_at_once(data: Path) -> None:
    """Learned from another hour of the same bench, in which it only answered."""
    folder = data / "labelled" / "modbus-cset2016"
    batches = _batches(folder / "characterization_modbus_6RTU_with_operate.pcap.xz")
    findings = _judged(_batches(folder / "moving_two_files_modbus_6RTU.pcap.xz"), batches)
    first = next(message for message in _messages(batches) if message.protocol == "modbus")
    at_once = {finding.detector for finding in findings if finding.raised == first.time}
    assert at_once == {"new_ot_master", "role_flip"}


@pytest.mark.parametrize("name", ["modbus-cset2016/moving_two_files_modbus_6RTU", "modbus-cset2016/channel_4d_9s"])
def test_the_second_half_of_regular_polling_is_silent(data: Path, name: str) -> None:
    """Half of it teaches."""
    batches = _batches(data / "labelled" / f"{name}.pcap.xz")
    messages = _messages(batches)
    analysis = Analysis(learn_until=messages[len(messages) // 2].time)
    assert not [finding for batch in batches for finding in analysis.engine.observe(batch) if finding.detector in _LEARNED]


def test_single_commands_are_found_with_their_first_message(data: Path, tmp_path: Path) -> None:
    """Sessions of a few packets, cut out of the middle of a connection; what was learned knows neither host."""
    archive = data / "labelled" / "s7-qut2017" / "single-command-attacks.tar.xz"
    if not archive.exists():
        pytest.skip(f"{archive} is not there")
    with tarfile.open(archive) as content:
        content.extractall(tmp_path, filter="data")
    learner = _batches(data / "captures" / "ics-misc" / "modbus" / "modbus_test.pcap")
    captures = sorted(tmp_path.rglob("*.attacker.pcap"))
    assert len(captures) >= 20
    late = []
    for capture in captures:
        batches = _batches(capture)
        findings = _judged(learner, batches)
        first = min(message.time for message in _messages(batches))
        if min((finding.raised for finding in findings), default=None) != first:
            late.append(capture.name)
    assert not late
