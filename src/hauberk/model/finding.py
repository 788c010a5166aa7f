"""Something wrong or odd: what, who, when, how sure, why and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from hauberk.model.ids import DetectorId, DeviceId


class Severity(IntEnum):
    """OCSF 1.8 ``severity_id``."""

    INFORMATIONAL = 1
    LOW = 2
    MEDIUM = 3
    HIGH = 4
    CRITICAL = 5


@dataclass(frozen=True, slots=True)
class Technique:
    """An ATT&CK technique; ``matrix`` is ``ics`` or ``enterprise``."""

    id: str
    name: str
    matrix: str


class Band(NamedTuple):
    """A usual range: ``low`` and ``high`` are the 2nd and 98th percentile, ``middle`` the median, where not said otherwise."""

    low: float
    middle: float
    high: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing that was seen, beside what is usual. The data from which the sentences of a finding are made.

    ``name``: what was measured, snake_case (``bytes_out``, ``new_peer``). ``seen``: the number, or the thing that is new.
    ``unit``: of ``seen`` and the bands, empty for counts and things. ``usual``: of this device; ``usual_of_kind``: of devices of
    its kind; None where not known. ``since``: epoch seconds since when the device was learned, ``samples`` from how many windows
    or messages. ``score``: weight in log10 units. ``series``: recent (epoch seconds, value) pairs of the same measure, oldest
    first, for a chart.
    """

    name: str
    seen: float | str
    unit: str = ""
    usual: Band | None = None
    usual_of_kind: Band | None = None
    since: float | None = None
    samples: int = 0
    score: float = 0.0
    series: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """One detection finding. Times are epoch seconds of the traffic, never of the wall clock.

    ``device`` is whose behaviour it is about (None while no device record holds the address), ``addresses`` the addresses
    involved, the
    subject's first. ``score`` is in log10 units of evidence; a deterministic rule gives at least 6. ``reasons`` are sentences with
    numbers, ``evidence`` the data behind them. ``advice`` says what to look at or do next.
    """

    detector: DetectorId
    title: str
    severity: Severity
    score: float
    device: DeviceId | None
    addresses: tuple[str, ...]
    first_evidence: float
    raised: float
    reasons: tuple[str, ...]
    advice: str
    techniques: tuple[Technique, ...] = ()
    evidence: tuple[Evidence, ...] = ()
