"""A baseline on disk is whole at any moment, whatever happens to who writes it; and it can be looked at."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hauberk.cli.baseline_file import BaselineKeeper, read_baseline, write_baseline
from hauberk.detect.baseline import Baseline
from hauberk.detect.snapshot import Part, Snapshot
from hauberk.detect.state.codec import encode
from hauberk.errors import InputError

Run = Callable[..., Any]
ROUNDS = 12
_WRITER = """
import sys
from pathlib import Path
import numpy as np
from hauberk.cli.baseline_file import write_baseline
from hauberk.detect.baseline import Baseline
from hauberk.detect.snapshot import Part, Snapshot
from hauberk.detect.state.codec import encode
number = 0
while True:
    number += 1
    noise = np.random.default_rng(number).integers(0, 255, 300_000).astype("u1")
    part = Part(encode({"number": number, "noise": noise}))
    write_baseline(Path(sys.argv[1]), Snapshot(Baseline(until=float(number)), {"x": part}, {}))
    print(number, flush=True)
"""


def snapshot(until: float | None = 1.0, noise: int = 0) -> Snapshot:
    """One that has learned up to ``until``; ``noise``: bytes that cannot be compressed."""
    content = np.random.default_rng(1).integers(0, 255, noise).astype("u1")
    return Snapshot(Baseline(until=until), {"x": Part(encode({"noise": content}))}, {})


def test_killed_while_it_writes(tmp_path: Path) -> None:
    """Killed again and again at any moment: the file is whole each time, and never older than what was said to be written."""
    target = tmp_path / "plant.baseline"
    seen = 0.0
    for attempt in range(ROUNDS):
        with subprocess.Popen([sys.executable, "-c", _WRITER, str(target)], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            said = float(process.stdout.readline())
            time.sleep(0.007 * attempt)
            process.send_signal(signal.SIGKILL)
            said = max([said, *(float(line) for line in process.stdout.read().split(b"\n")[:-1])])
        loaded = read_baseline(target)
        assert loaded is not None
        assert loaded.baseline.until is not None
        assert loaded.baseline.until >= said
        seen = max(seen, loaded.baseline.until)
    assert seen > 1


def test_leftovers_of_the_killed_go(tmp_path: Path) -> None:
    """Unfinished files of processes that are gone are removed; those of others, and young ones, stay."""
    target = tmp_path / "plant.baseline"
    with subprocess.Popen(["true"]) as process:
        pass
    names = (str(process.pid), f"{process.pid}0000", "x", "1")
    gone, young, other, alive = (tmp_path / f".plant.baseline.{name}" for name in names)
    for path in (gone, young, other, alive):
        path.touch()
        if path is not young:
            os.utime(path, (0, 0))
    write_baseline(target, snapshot())
    assert sorted(tmp_path.iterdir()) == sorted([target, young, other, alive])


def test_a_full_disk(tmp_path: Path) -> None:
    """The old file stays, nothing is left beside it, and the error says so."""
    target = tmp_path / "plant.baseline"
    write_baseline(target, snapshot(1.0))
    before = target.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before), limits[1]))
    try:
        with pytest.raises(InputError, match="not saved, and what was there before was kept"):
            write_baseline(target, snapshot(2.0, 1 << 20))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert target.read_bytes() == before
    assert list(tmp_path.iterdir()) == [target]


def test_it_is_saved_now_and_then(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """When the time has come, once something was learned, and at the end; a failure in between is told and does no more."""
    target = tmp_path / "plant.baseline"
    now = [0.0]
    known = [snapshot(None)]
    keeper = BaselineKeeper(target, lambda: known[0], 300.0, lambda: now[0])
    for time_, learned, there in ((299.0, 1.0, False), (301.0, None, False), (302.0, 2.0, False), (601.0, 3.0, True)):
        now[0], known[0] = time_, snapshot(learned)
        keeper.passed()
        assert target.exists() == there
    target.unlink()
    target.mkdir()
    now[0] = 1000.0
    keeper.passed()
    assert "no plain file" in capsys.readouterr().err
    target.rmdir()
    known[0] = snapshot(4.0)
    keeper.finish()
    loaded = read_baseline(target)
    assert loaded is not None
    assert loaded.baseline.until == 4.0


def test_nothing_to_save_to() -> None:
    """Without a file nothing is even collected."""
    keeper = BaselineKeeper(None, lambda: pytest.fail("asked for"), 0.0)
    keeper.passed()
    keeper.finish()
    assert not keeper.keeps


def test_show(run: Run, tmp_path: Path, pcap: Path) -> None:
    """Until when, how many devices, how large; a line an object as JSON, tables as text."""
    path = tmp_path / "plant.baseline"
    assert run("analyze", pcap, "--learn", "100%", "--save-baseline", path).code in {0, 1}
    code, out, _ = run("baseline", "show", path, "-f", "json")
    head, *rows = (json.loads(line) for line in out.splitlines())
    assert code == 0
    assert (head["record"], head["version"], head["macs"]) == ("baseline", 3, 3)
    assert head["learned_until"] is not None
    flood = next(row for row in rows if row.get("id") == "flood")
    assert flood["known"]
    assert flood["memory"] > 0
    assert flood["parameters"]["seconds"] == 10.0
    assert {"attempts"} <= {row["id"] for row in rows if row["record"] == "tracker"}
    assert head["bytes"] == sum(row["bytes"] for row in rows)
    code, out, _ = run("baseline", "show", path, "-f", "text")
    assert code == 0
    assert b"Learned until" in out
    assert b"flood" in out


def test_show_what_is_none(run: Run, tmp_path: Path) -> None:
    """Code 2, and what to do."""
    path = tmp_path / "old.json"
    path.write_bytes(b'{"format":"hauberk-baseline","version":1}')
    code, out, err = run("baseline", "show", path)
    assert (code, out) == (2, b"")
    assert "make a new one" in err
    assert run("baseline", "show", tmp_path / "absent").code == 2
