"""Settings of a file and the environment; a slip of the pen is an error."""

from __future__ import annotations

from pathlib import Path

import pytest

from hauberk.errors import SettingError
from hauberk.service.analysis import Analysis
from hauberk.service.settings import load_settings


def _file(folder: Path, content: str) -> Path:
    path = folder / "hauberk.toml"
    path.write_text(content)
    return path


def test_a_file_switches_and_tunes_detectors(tmp_path: Path) -> None:
    """One table a detector."""
    path = _file(tmp_path, "[detector.port_scan]\nenabled = false\nthreshold = 20\n[sensor]\nflows = 4096\n")
    settings = load_settings(path)
    chosen = settings.detector_settings()["port_scan"]
    assert chosen.enabled is False
    assert dict(chosen.parameters or {}) == {"threshold": 20}
    assert settings.sensor_limits().flows.flows == 4096
    assert Analysis(settings=settings.detector_settings()).devices() == []


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two underscores between the parts of a key."""
    path = _file(tmp_path, "[detector.port_scan]\nthreshold = 20\n")
    monkeypatch.setenv("HAUBERK_DETECTOR__PORT_SCAN__THRESHOLD", "30")
    parameters = load_settings(path).detector_settings()["port_scan"].parameters or {}
    assert float(parameters["threshold"]) == 30


@pytest.mark.parametrize(
    "content",
    ["[sensor]\nflow = 4096\n", "[sensor]\nflows = 3\n", "[detectors.flood]\n", "[detector.flood]\nseconds = 'x'\n", "= 1\n"],
)
def test_what_cannot_be_meant_is_refused(content: str, tmp_path: Path) -> None:
    """Unknown keys, impossible values, broken files."""
    with pytest.raises(SettingError):
        load_settings(_file(tmp_path, content))


@pytest.mark.parametrize("content", ["[detector.flod]\nseconds = 1\n", "[detector.flood]\nsecond = 1\n"])
def test_unknown_detectors_and_parameters_are_refused(content: str, tmp_path: Path) -> None:
    """They are known when the analysis begins."""
    with pytest.raises(SettingError, match="flo"):
        Analysis(settings=load_settings(_file(tmp_path, content)).detector_settings())
