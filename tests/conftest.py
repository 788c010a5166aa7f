"""What every test may ask for: the development captures, tshark, root.

Each skips with the reason where it is absent; in CI that fails.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

DATA_FOLDER = Path(os.environ.get("HAUBERK_TEST_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))


def absent(reason: str) -> NoReturn:
    """Skip the test with ``reason``; where everything must be there, fail."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"nothing may be skipped here, but {reason}", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of development captures."""
    if not DATA_FOLDER.is_dir():
        absent(f"the development captures are not at {DATA_FOLDER}; set HAUBERK_TEST_DATA to their folder")
    return DATA_FOLDER


@pytest.fixture(scope="session")
def tshark() -> str:
    """The path of tshark, the independent dissector."""
    found = shutil.which("tshark")
    if found is None:
        absent("tshark is not installed; it is the oracle of this test (Debian package tshark)")
    return found


@pytest.fixture(scope="session")
def root() -> None:
    """Root, for raw sockets and network namespaces."""
    if os.geteuid() != 0:
        absent("this test opens raw sockets or makes network namespaces, which needs root")


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a browser, to see pages as people see them."""
    found = shutil.which("chromium")
    if found is None:
        absent("chromium is not installed; pages are tried in it (Debian package chromium)")
    return found
