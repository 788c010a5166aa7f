"""Holds transactions against what an independent dissector decoded, and shows the measured agreement at the end of a run.

Every comparison ends in ``judge``: it keeps one row for the table of the summary (as a property of the test, which also crosses
from worker processes) and fails the test where the agreement is too low. A difference may be excused only with a cause.
"""

from __future__ import annotations

import gzip
import lzma
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from hauberk.model.transaction import Transaction
from hauberk.service.feed import Depth, open_feed

LEAST_SHARE = 0.99
_PROPERTY = "conformance"
_HEADERS = ("oracle", "protocol", "compared", "agreed", "excused", "share")

Decoded = Callable[..., Sequence[Transaction]]
"""Capture and, where only its start matters, number of frames; gives what the sensor made of it."""


@pytest.fixture(scope="session")
def decoded() -> Decoded:
    """What the sensor makes of a capture, read once in a session."""
    known: dict[tuple[Path, int | None], list[Transaction]] = {}

    def read(path: Path, frames: int | None = None) -> Sequence[Transaction]:
        found = known.get((path, frames))
        if found is None:
            found = known[path, frames] = _transactions(path, frames)
        return found

    return read


def _transactions(path: Path, frames: int | None) -> list[Transaction]:
    feed = open_feed([str(path)], Depth.MESSAGES, seed=1)
    found: list[Transaction] = []
    for batch in feed.observations():
        found.extend(batch.transactions)
        if frames is not None and found and found[-1].frame > frames:
            break
    assert feed.sensor.reader is not None
    assert feed.sensor.reader.defect_samples == []
    return found if frames is None else [transaction for transaction in found if transaction.frame <= frames]


@pytest.fixture(scope="session")
def capture() -> Callable[[Path], Path]:
    """The file itself, or its compressed form where only that is there."""

    def find(path: Path) -> Path:
        found = path if path.exists() else path.with_name(f"{path.name}.xz")
        assert found.exists(), f"{path} is absent"
        return found

    return find


@pytest.fixture(scope="session")
def zeek_rows() -> Callable[[Path], list[dict[str, str]]]:
    """The rows of a log in Zeek's tab-separated form; where it says no names, columns are called by their number from 0."""

    def read(path: Path) -> list[dict[str, str]]:
        content = gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text(encoding="utf-8")
        lines = [line for line in content.splitlines() if not line.startswith("###")]
        named = [line.split("\t")[1:] for line in lines if line.startswith("#fields")]
        rows = [line.split("\t") for line in lines if line and not line.startswith("#")]
        numbered = [str(column) for column in range(max(map(len, rows), default=0))]
        names = named[0] if named else rows.pop(0) if rows and rows[0][0] == "ts" else numbered
        return [dict(zip(names, row, strict=False)) for row in rows]

    return read


@pytest.fixture(scope="session")
def expectations() -> Callable[[Path], dict[str, list[dict[str, str]]]]:
    """Rows by capture name of the frame-by-frame expectations below a folder.

    Quotes inside the free text of the ``Info`` column are not escaped there, so fields are taken from both ends.
    """

    def rows(path: Path) -> Iterator[dict[str, str]]:
        with gzip.open(path, "rt", newline="") as file:
            names = file.readline().rstrip("\r\n").split(",")
            behind = len(names) - 1 - names.index("_ws.col.Info")
            for line in file:
                front, *back = line.rstrip("\r\n").rsplit(",", behind)
                number = front.split(",", 1)[0].strip('"')
                yield {"frame.number": number, **{name: cell.strip('"') for name, cell in zip(names[-behind:], back, strict=True)}}

    def read(folder: Path) -> dict[str, list[dict[str, str]]]:
        found = {}
        for path in sorted(folder.rglob("expected_tshark/*.csv.gz")):
            capture = path.parent.parent / path.name.removesuffix(".csv.gz")
            found[str(capture.relative_to(folder))] = list(rows(path))
        return found

    return read


@pytest.fixture(scope="session")
def start_of() -> Callable[[Path, int], bytes]:
    """The first bytes of a capture as it was before compression."""

    def read(path: Path, size: int) -> bytes:
        if path.suffix == ".xz":
            with lzma.open(path) as file:
                return file.read(size)
        with path.open("rb") as plain:
            return plain.read(size)

    return read


Judge = Callable[[str, str, int, Sequence[str], Mapping[str, int]], None]
"""Oracle, protocol, what was compared (number), differences without an excuse, and number of excused ones by cause."""


@pytest.fixture
def judge(record_property: Callable[[str, object], None]) -> Judge:
    """Keep and print one comparison; fail where less than 99 % of what has no excuse agrees."""

    def check(oracle: str, protocol: str, compared: int, differences: Sequence[str], excused: Mapping[str, int]) -> None:
        row = [oracle, protocol, compared, compared - sum(excused.values()) - len(differences), sum(excused.values())]
        record_property(_PROPERTY, row)
        print("\n".join(_table([row])))  # noqa: T201 - pytest keeps it and shows it with -rP
        for cause, number in sorted(excused.items()):
            print(f"excused {number}: {cause}")  # noqa: T201 - same
        for difference in differences:
            print(f"differs: {difference}")  # noqa: T201 - same
        judged = compared - sum(excused.values())
        assert judged > 0, f"{oracle} has nothing on {protocol} that could be compared"
        assert judged - len(differences) >= LEAST_SHARE * judged, f"{len(differences)} of {judged} differ: {differences[:20]}"

    return check


JudgeItems = Callable[..., None]
"""Oracle, protocol, items expected, items found and, where there are excuses, what gives the cause for an item."""


@pytest.fixture
def judge_items(judge: Judge) -> JudgeItems:
    """Compare without regard to order: each item counts as often as it occurs."""

    def check(
        oracle: str,
        protocol: str,
        expected: Iterable[Hashable],
        found: Iterable[Hashable],
        excuse: Callable[[Hashable], str] = lambda _: "",
    ) -> None:
        theirs, ours = Counter(expected), Counter(found)
        unexplained, excused = [], Counter[str]()
        for word, different in (("missing", theirs - ours), ("more than expected", ours - theirs)):
            for item, number in different.items():
                if reason := excuse(item):
                    excused[reason] += number
                else:
                    unexplained += [f"{word}: {item}"] * number
        judge(oracle, protocol, (theirs | ours).total(), unexplained, excused)

    return check


def _table(rows: Sequence[Sequence[object]]) -> list[str]:
    cells = [_HEADERS, *(_cells(row) for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(_HEADERS))]
    return [
        "  ".join(
            cell.ljust(width) if column < 2 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in cells
    ]


def _cells(row: Sequence[object]) -> tuple[str, ...]:
    compared, agreed, excused = (int(str(number)) for number in row[2:])
    return (str(row[0]), str(row[1]), str(compared), str(agreed), str(excused), f"{agreed / max(1, compared - excused):.2%}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show the agreement with every oracle, protocol by protocol."""
    totals: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            for name, row in getattr(report, "user_properties", ()):
                if name == _PROPERTY and getattr(report, "when", "") == "call":
                    total = totals[row[0], row[1]]
                    total[:] = [old + new for old, new in zip(total, row[2:], strict=True)]
    if totals:
        terminalreporter.section("agreement with independent dissectors")
        for line in _table([[*key, *numbers] for key, numbers in sorted(totals.items())]):
            terminalreporter.line(line)
