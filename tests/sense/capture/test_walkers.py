"""The compiled walkers against damaged input, with bounds checks that they do not have in normal use."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hauberk.errors import CaptureError
from hauberk.sense.capture.files import open_captures

MakePcap = Callable[[Sequence[tuple[int, bytes]]], bytes]

EDITS = st.lists(st.tuples(st.integers(0, 2000), st.binary(min_size=1, max_size=8)), max_size=5)
SECTION = bytes.fromhex("0a0d0d0a 1c000000 4d3c2b1a 0100 0000 ffffffffffffffff 1c000000")
INTERFACE = bytes.fromhex("01000000 14000000 0100 0000 00000400 14000000")
PACKET = bytes.fromhex("06000000 28000000 00000000 00000500 60ea0000 08000000 40000000 0001020304050607 28000000")


def test_no_walker_leaves_its_buffer(tmp_path: Path) -> None:
    """Thousands of damaged inputs in buffers of exact size, with Numba's bounds checks on."""
    environment = os.environ | {"NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": str(tmp_path)}
    script = Path(__file__).with_name("walker_fuzz.py")
    done = subprocess.run(
        [sys.executable, "-W", "error", script], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.returncode) == ("sound\n", 0), done.stderr


@settings(deadline=None)
@given(edits=EDITS, which=st.booleans(), cut=st.integers(0, 100), window_bytes=st.sampled_from([64, 1000]))
def test_damaged_files_give_nothing_but_capture_errors(
    tmp_path_factory: pytest.TempPathFactory,
    pcap: MakePcap,
    edits: list[tuple[int, bytes]],
    which: bool,
    cut: int,
    window_bytes: int,
) -> None:
    """Through the whole of a source, with windows so small that every record is carried over."""
    data = bytearray(pcap([(1, bytes(range(30)))] * 8) if which else (SECTION + INTERFACE + PACKET * 6) * 2)
    for at, value in edits:
        begin = at % len(data)
        data[begin : begin + len(value)] = value
    path = tmp_path_factory.mktemp("damaged") / "capture"
    path.write_bytes(data[: len(data) - cut])
    try:
        with open_captures([path], window_bytes=window_bytes) as source:
            for block in source.blocks():
                assert int((block.offset + block.captured).max()) <= len(block.data)
    except CaptureError as error:
        assert error.source == str(path)  # noqa: PT017 - that nothing else is raised is what is tested
    else:
        assert len(source.problems) <= 1
