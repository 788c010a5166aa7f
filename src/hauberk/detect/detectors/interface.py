"""What a detector is.

A detector module defines ``DETECTORS``, a tuple of ``Detector`` rows. A detector is pure: a state and a view of a batch give the
state that follows and findings; it reads no clock and does no input or output. What it finds depends on the observations and
their times, not on how the stream was cut into batches.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from hauberk.detect.verdict_subject import VerdictSubject
from hauberk.detect.view import View
from hauberk.model.finding import Finding, Technique
from hauberk.model.ids import DetectorId

Parameters = Mapping[str, float]


class Step(Protocol):
    """One detector at work."""

    def __call__(self, state: Any, view: View) -> list[Finding]:  # noqa: ANN401 - each detector has a state type of its own
        """Findings of ``view``; ``state`` is brought up to date in place."""
        ...


@dataclass(frozen=True, slots=True)
class Parameter:
    """One tunable number of a detector: its default, unit and meaning."""

    default: float
    unit: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Detector:
    """One row of the registry. ``id`` is stable; ``begin`` makes the first state from the parameter values; ``learned``
    detectors judge against
    what was learned and are silent where nothing was.

    A state consists of plain data, arrays and objects of classes in ``hauberk.detect`` and ``hauberk.model``: a snapshot holds it.
    """

    id: DetectorId
    title: str
    description: str
    parameters: Mapping[str, Parameter]
    begin: Callable[[Parameters], Any]
    step: Step
    techniques: tuple[Technique, ...] = ()
    learned: bool = False
    enabled: bool = True
    """Whether it is on by default."""
    carry: Callable[[Any, Any], None] | None = None
    """``carry(fresh, old)`` puts into ``fresh`` what ``old`` learned and what holds for traffic of another time. Without it a
    learned detector keeps its state, in which every object with a method ``begin_stream()`` forgets what is of the moment; any
    other begins anew."""
    describe: Callable[[Any], Mapping[str, object]] | None = None
    """``describe(state)``: what the state holds in words and numbers, for ``hauberk baseline show``."""
    learn: Callable[[Any, VerdictSubject], bool] | None = None
    """``learn(state, subject)`` allows the very thing that an operator called normal; false where it cannot, so that findings of
    it are kept back instead."""
    unlearn: Callable[[Any, VerdictSubject], None] | None = None
    """``unlearn(state, subject)`` has the state no longer know the thing, however it came to. Without it a detector with ``learn``
    keeps what it was taught when the verdict is forgotten."""
    learns_from: frozenset[DetectorId] = frozenset()
    """Other detectors whose verdicts teach this one too."""
    peers_vary: bool = False
    """Whether its findings name a few of many peers: a verdict then holds for the subject, whatever the peers."""

    def defaults(self) -> dict[str, float]:
        """Every parameter at its default."""
        return {name: parameter.default for name, parameter in self.parameters.items()}
