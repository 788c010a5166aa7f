"""What a detector is.

A detector module defines ``DETECTORS``, a tuple of ``Detector`` rows. A detector is pure: a state and a batch give the state that
follows and findings; it reads no clock and does no input or output. The result must not depend on how the stream was cut into
batches, only on the observations and their times.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from hauberk.model.finding import Finding, Technique
from hauberk.model.ids import DetectorId, DeviceId
from hauberk.model.observation import Observations


class Fleet(Protocol):
    """What a detector may ask about addresses. ``address`` is an IP address, or a MAC address of a device without IP, as text."""

    def device(self, address: str) -> DeviceId | None:
        """The record that holds the address; None for a peer that is no device of ours (behind a router, or unknown)."""
        ...

    def kind(self, address: str) -> str | None:
        """The kind of that device, where known."""
        ...

    def is_local(self, address: str) -> bool:
        """True for an address on the observed networks."""
        ...

    def is_infrastructure(self, address: str) -> bool:
        """True for routers, name servers, time servers and the like, which talk to everybody by trade."""
        ...


@dataclass(frozen=True, slots=True)
class Context:
    """What surrounds a batch. ``learn_until`` (epoch seconds): observations before it teach and are not judged by learned
    detectors;
    -inf where nothing is learned."""

    fleet: Fleet
    learn_until: float = float("-inf")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One tunable number of a detector: its default, unit and meaning."""

    default: float
    unit: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Detector:
    """One row of the registry.

    ``id`` is stable. ``begin`` makes the first state from the parameter values; ``step`` takes state, batch and context and
    gives findings, changing the
    state it owns. ``learned`` detectors are silent where nothing was learned.
    """

    id: DetectorId
    title: str
    description: str
    parameters: Mapping[str, Parameter]
    begin: Callable[[Mapping[str, float]], Any]
    step: Callable[[Any, Observations, Context], list[Finding]]
    techniques: tuple[Technique, ...] = ()
    learned: bool = False
    enabled: bool = True
    """Whether it is on by default."""
    tags: tuple[str, ...] = field(default=())
