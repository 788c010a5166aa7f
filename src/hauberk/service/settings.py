"""Settings: one TOML file and ``HAUBERK_*`` variables; an unknown key is an error.

A variable names the path of a key with two underscores between parts: ``HAUBERK_SENSOR__FLOWS=65536``.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError, TomlConfigSettingsSource

from hauberk.detect.engine import DetectorSetting
from hauberk.errors import SettingError
from hauberk.sense.flow.table import FlowLimits
from hauberk.sense.reassembly.fragments import FragmentLimits
from hauberk.sense.reassembly.stream import StreamLimits
from hauberk.sense.sensor import SensorLimits

_PREFIX, _BETWEEN = "HAUBERK_", "__"
OTHER_VARIABLES = frozenset({"HAUBERK_TEST_DATA"})
"""Variables under the same prefix that are no settings."""

_FLOW, _FRAGMENT, _STREAM = FlowLimits(), FragmentLimits(), StreamLimits()

Seconds = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(gt=0)]


class SensorSettings(BaseModel):
    """Bounds of the sensor."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    flows: Annotated[int, Field(ge=1024, le=1 << 22, description="most conversations held at once")] = _FLOW.flows
    tcp_idle: Annotated[Seconds, Field(description="silence in seconds after which an open TCP conversation ends")] = _FLOW.tcp_idle
    tcp_closed: Annotated[Seconds, Field(description="seconds a closed TCP conversation lingers")] = _FLOW.tcp_closed
    tcp_unanswered: Annotated[Seconds, Field(description="silence in seconds after which an unanswered TCP conversation ends")] = (
        _FLOW.tcp_unanswered
    )
    udp_idle: Annotated[Seconds, Field(description="silence in seconds after which a UDP conversation ends")] = _FLOW.udp_idle
    other_idle: Annotated[Seconds, Field(description="silence in seconds after which any other conversation ends")] = (
        _FLOW.other_idle
    )
    fragmented_datagrams: Annotated[Count, Field(description="most incomplete IP datagrams held")] = _FRAGMENT.datagrams
    fragments: Annotated[Count, Field(description="most fragments of one datagram")] = _FRAGMENT.pieces
    fragment_seconds: Annotated[Seconds, Field(description="seconds a datagram may stay incomplete")] = _FRAGMENT.seconds
    stream_held_bytes: Annotated[Count, Field(description="most bytes of one TCP direction that wait behind a hole")] = (
        _STREAM.held_bytes
    )
    stream_held_segments: Annotated[Count, Field(description="most segments of one TCP direction that wait behind a hole")] = (
        _STREAM.held_segments
    )
    stream_hole_seconds: Annotated[Seconds, Field(description="seconds a hole in a TCP stream may stay open")] = (
        _STREAM.hole_seconds
    )
    stream_total_bytes: Annotated[Count, Field(description="most bytes all TCP streams together hold back")] = _STREAM.total_bytes


class KnownBadSettings(BaseModel):
    """What is known to be bad: files, or folders of files."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    indicators: Annotated[tuple[Path, ...], Field(description="indicator feeds: STIX 2.1 bundles, CSV files, lists")] = ()
    sigma: Annotated[tuple[Path, ...], Field(description="Sigma rules: YAML files")] = ()


class DetectorSettings(BaseModel):
    """Switch and limits of one detector; its parameters are those that ``hauberk detector list`` shows."""

    model_config = ConfigDict(extra="allow", frozen=True)

    __pydantic_extra__: dict[str, float]

    enabled: bool | None = Field(None, description="true or false to override the default")


class Settings(BaseSettings):
    """All settings."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True, env_prefix=_PREFIX, env_nested_delimiter=_BETWEEN)

    sensor: SensorSettings = Field(default_factory=SensorSettings, description="bounds of the sensor")
    known_bad: KnownBadSettings = Field(default_factory=KnownBadSettings, description="indicator feeds and Sigma rules")
    detector: dict[str, DetectorSettings] = Field(default_factory=dict, description="one table a detector, by its id")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is pydantic's; a .env of the folder is not ours
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - same
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over the file."""
        file = settings_cls.model_config.get("toml_file")
        toml = (TomlConfigSettingsSource(settings_cls),) if file else ()
        return (init_settings, env_settings, *toml)

    def sensor_limits(self) -> SensorLimits:
        """The bounds as the sensor takes them."""
        own = self.sensor
        return SensorLimits(
            FlowLimits(own.flows, own.tcp_idle, own.tcp_closed, own.tcp_unanswered, own.udp_idle, own.other_idle),
            FragmentLimits(own.fragmented_datagrams, own.fragments, seconds=own.fragment_seconds),
            StreamLimits(own.stream_held_bytes, own.stream_held_segments, own.stream_hole_seconds, own.stream_total_bytes),
        )

    def detector_settings(self) -> dict[str, DetectorSetting]:
        """Switches and limits as the engine takes them."""
        return {name: DetectorSetting(entry.enabled, entry.model_extra) for name, entry in self.detector.items()}


def load_settings(path: Path | None) -> Settings:
    """Settings of the environment and, where given, the TOML file at ``path``; raises ``SettingError`` with the key that is
    wrong."""
    if path is not None and not path.is_file():
        raise SettingError(f"{path}: there is no such file")
    _refuse_unknown_variables()

    class FileSettings(Settings):
        """Settings with the file among their sources."""

        model_config = SettingsConfigDict(toml_file=path)

    try:
        return FileSettings()
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingError(f"{path}: {error}") from error
    except OSError as error:
        raise SettingError(f"{path}: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise SettingError(f"setting '{key}': {first['msg']}") from error
    except SettingsError as error:
        raise SettingError(
            f"an environment variable is no setting: {error}; put two underscores between the parts of a key"
        ) from error


def _refuse_unknown_variables() -> None:
    """Raise for a variable that looks like ours and names no setting: pydantic would pass it over in silence."""
    for name in sorted(os.environ):
        key = name.upper()
        if not key.startswith(_PREFIX) or name in OTHER_VARIABLES:
            continue
        if key.removeprefix(_PREFIX).split(_BETWEEN)[0].lower() not in Settings.model_fields:
            raise SettingError(f"environment variable {name}: there is no such setting")
