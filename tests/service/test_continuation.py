"""A capture in two parts, what was known carried over in a file, gives what the whole gives."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from hauberk.detect.snapshot import Snapshot
from hauberk.model.finding import Finding
from hauberk.service.analysis import Analysis
from hauberk.service.feed import Depth, open_feed
from hauberk.service.learning import time_span

SAMPLE = Path(__file__).resolve().parents[2] / "samples" / "site.pcapng"
_FRAME = re.compile(r" in frame \d+")
_PACKET = 6
"""Type of an enhanced packet block (draft-ietf-opsawg-pcapng section 4.3)."""


def blocks(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Type and bytes of every block of a pcapng file."""
    place = 0
    while place < len(content):
        kind, length = struct.unpack_from("<II", content, place)
        yield kind, content[place : place + length]
        place += length


def halves(share: float, folder: Path) -> tuple[Path, Path]:
    """The sample cut in two after a share of its packets."""
    all_blocks = list(blocks(SAMPLE.read_bytes()))
    packets = [number for number, (kind, _) in enumerate(all_blocks) if kind == _PACKET]
    cut = packets[int(share * len(packets))]
    paths = folder / "first.pcapng", folder / "second.pcapng"
    for path, early in zip(paths, (True, False), strict=True):
        kept = (block for number, (kind, block) in enumerate(all_blocks) if kind != _PACKET or (number < cut) == early)
        path.write_bytes(b"".join(kept))
    return paths


def judged(analysis: Analysis, path: Path) -> list[Finding]:
    """Findings of a capture."""
    return analysis.settle(analysis.run(open_feed([str(path)], Depth.MESSAGES, seed=1).observations(), keep=True))


def signs(findings: list[Finding]) -> list[tuple[str, tuple[str, ...], float, tuple[str, ...]]]:
    """What findings say, but for the device record, of which a part of a capture may know less, and numbers of frames."""
    return [
        (finding.detector, finding.addresses, round(finding.raised, 6), tuple(_FRAME.sub("", reason) for reason in finding.reasons))
        for finding in findings
    ]


@pytest.mark.parametrize("share", [0.6, 0.75, 0.8])
def test_two_parts_give_what_the_whole_gives(share: float, tmp_path: Path) -> None:
    """Same findings, same times, same words; some of them after the cut."""
    first, last = time_span([str(SAMPLE)])
    until = first + 0.5 * (last - first)
    whole = signs(judged(Analysis(learn_until=until), SAMPLE))
    parts = halves(share, tmp_path)
    before = Analysis(learn_until=until)
    early = signs(judged(before, parts[0]))
    late = signs(judged(Analysis(snapshot=Snapshot.load(before.snapshot().dump())), parts[1]))
    cut = time_span([str(parts[1])])[0]
    assert late
    assert [sign for sign in late if sign[2] >= cut] == [sign for sign in whole if sign[2] >= cut]
    assert [sign for sign in early if sign[2] < cut] == [sign for sign in whole if sign[2] < cut]
