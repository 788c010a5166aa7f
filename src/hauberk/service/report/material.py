"""What a report is about: the results of one analysis, and nothing that depends on when or where the report is written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hauberk.model.device import Device
from hauberk.model.finding import Finding
from hauberk.model.ids import DeviceId
from hauberk.model.incident import Incident
from hauberk.service.links import Edge
from hauberk.service.timeline import Timeline


@dataclass(frozen=True, slots=True)
class Material:
    """Everything a report shows.

    ``sources``: what was analysed, as the user named it. ``learned``: how long it learned, in words, or None. ``learned_until``:
    epoch seconds of the traffic. ``holder``: the device that holds an address; ``is_local``: whether an address lies on the
    observed networks. ``unread``: sentences about what could not be read.
    """

    sources: Sequence[str]
    version: str
    attack_version: str
    packets: int
    bytes: int
    conversations: int
    messages: Sequence[tuple[str, int]]
    writes: int
    devices: Sequence[Device]
    findings: Sequence[Finding]
    incidents: Sequence[Incident]
    edges: Sequence[Edge]
    timeline: Timeline
    holder: Callable[[str], DeviceId | None]
    is_local: Callable[[str], bool]
    learned: str | None = None
    learned_until: float | None = None
    unread: Sequence[str] = ()
