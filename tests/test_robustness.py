"""Damaged captures, many of them: no exception, no hang, no unbounded memory, and nothing beyond what is told."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from hauberk.detect.baseline import Baseline
from hauberk.errors import InputError
from hauberk.service.analysis import Analysis, finding_record
from hauberk.service.feed import Depth, open_feed
from hauberk.service.record import device_records, flow_records, transaction_record

SEED = 20
MUTANTS = 8
SOURCES = 12
SECONDS = 20.0


def damaged(content: bytes, kind: int, chance: random.Random) -> bytes:
    """``content`` with flipped bits, cut off, with random bytes, or with two stretches swapped."""
    changed = bytearray(content)
    if kind == 0:
        for _ in range(chance.randint(1, 60)):
            changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    elif kind == 1:
        del changed[chance.randrange(len(changed)) :]
    elif kind == 2:
        for _ in range(200):
            changed[chance.randrange(24, len(changed))] = chance.randrange(256)
    else:
        first, second = sorted(chance.randrange(24, len(changed)) for _ in range(2))
        changed = changed[:24] + changed[first:second] + changed[24:first] + changed[second:]
    return bytes(changed)


def sources(data: Path, chance: random.Random) -> list[Path]:
    """Small captures, one of a folder each."""
    found = [path for path in sorted((data / "captures").rglob("*.pcap*")) if path.suffix in {".pcap", ".pcapng"}]
    small = [path for path in found if 2000 < path.stat().st_size < 60_000]
    chance.shuffle(small)
    return list({path.parent: path for path in small}.values())[:SOURCES]


@pytest.mark.needs_data
def test_damaged_captures_are_survived(data: Path, tmp_path: Path) -> None:
    """Each is read to its end or refused with an ``InputError``; no dissector breaks its contract."""
    chance = random.Random(SEED)  # noqa: S311 - repeatable damage, no secret
    chosen = sources(data, chance)
    assert len(chosen) == SOURCES
    read = 0
    for source in chosen:
        for number in range(MUTANTS):
            path = tmp_path / f"mutant{source.suffix}"
            path.write_bytes(damaged(source.read_bytes(), number % 4, chance))
            began = time.monotonic()
            try:
                feed = open_feed([str(path)], Depth.MESSAGES, seed=SEED)
            except InputError:
                continue
            analysis = Analysis(Baseline(), None)
            batches = list(feed.observations())
            findings = list(analysis.run(batches))
            for batch in batches:
                assert all(transaction_record(transaction) for transaction in batch.transactions)
                assert all(flow_records(batch.flows))
            assert all(device_records(analysis.devices()))
            assert all(finding_record(finding) for finding in analysis.settle(findings))
            assert feed.sensor.reader is not None
            assert not feed.sensor.reader.defects, f"{source} mutant {number}: {feed.sensor.reader.defect_samples}"
            assert time.monotonic() - began < SECONDS
            read += 1
    assert read > SOURCES * MUTANTS // 2
