"""One physical thing, with every identity that was merged into it."""

from __future__ import annotations

from dataclasses import dataclass

from hauberk.model.ids import DeviceId


@dataclass(frozen=True, slots=True)
class Device:
    """One device record. Times are epoch seconds of the traffic; ``confidence`` (0 to 1) is that of ``kind`` and ``model``;
    ``reasons`` are sentences that say why it is taken for what it is."""

    id: DeviceId
    macs: tuple[str, ...]
    ips: tuple[str, ...]
    hostnames: tuple[str, ...]
    vendor: str | None
    kind: str | None
    model: str | None
    firmware: str | None
    confidence: float
    reasons: tuple[str, ...]
    protocols: tuple[str, ...]
    first_seen: float
    last_seen: float
    packets: int
