"""One batch as detectors look at it: columns selected once, messages grouped once, for all of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hauberk.detect.attempts import Attempts
from hauberk.detect.baseline import Baseline
from hauberk.detect.features.frame import Span
from hauberk.detect.fleet import Fleet
from hauberk.detect.known_bad import NOTHING_KNOWN, KnownBad
from hauberk.detect.mud_policies import MudPolicies
from hauberk.detect.names import Names
from hauberk.detect.rows import Flags
from hauberk.detect.values.points import Runs, runs
from hauberk.model.address import ip_text, mac_text
from hauberk.model.flow import STATE_FIRST
from hauberk.model.ids import DeviceId
from hauberk.model.observation import Columns, Observations
from hauberk.model.transaction import Transaction

_MULTICAST_V4 = np.uint64(0xFFFF_E000_0000)
_BROADCAST_V4 = np.uint64(0xFFFF_FFFF_FFFF)
_V4_PREFIX = np.uint64(0xFFFF)


class Group(NamedTuple):
    """What messages of a group share."""

    protocol: str
    src: str
    dst: str
    role: str
    operation: str
    write: bool
    status: str


@dataclass
class View:
    """A batch, what is known of the fleet, and what was learned. ``learning``: this batch teaches and is not judged by learned
    detectors."""

    batch: Observations
    fleet: Fleet
    baseline: Baseline = field(default_factory=Baseline)
    learning: bool = False
    attempts: Attempts = field(default_factory=Attempts)
    mud: MudPolicies = field(default_factory=MudPolicies)
    known_bad: KnownBad = NOTHING_KNOWN
    spans: list[Span] = field(default_factory=list)
    """Windows that have passed with this batch."""
    names: Names = field(default_factory=Names)
    """Names of addresses, as far as the traffic said them."""

    @property
    def passed(self) -> float:
        """Traffic time, in epoch seconds, up to which windows have passed."""
        return self.batch.watermark

    @cached_property
    def groups(self) -> dict[Group, list[Transaction]]:
        """Messages by what they share, each list in order of time."""
        groups: dict[tuple[object, ...], list[Transaction]] = defaultdict(list)
        for transaction in self.batch.transactions:
            _, _, protocol, src, _, dst, _, role, operation, _, _, _, status, write, _ = transaction
            groups[protocol, src, dst, role, operation, write, status].append(transaction)
        return {Group(*key): members for key, members in groups.items()}  # type: ignore[arg-type]  # the loop above gives these types

    def merged(self, chosen: Callable[[Group], bool]) -> list[tuple[Group, Transaction]]:
        """Messages of the chosen groups together, in order of time, for detectors whose subjects span groups."""
        picked = [(group, members) for group, members in self.groups.items() if chosen(group)]
        pairs = [(group, member) for group, members in picked for member in members]
        if len(picked) > 1:
            pairs.sort(key=_when)
        return pairs

    @cached_property
    def values(self) -> Runs:
        """Process values that messages carry, by the device that holds them."""
        return runs(self.batch.transactions)

    @cached_property
    def beginnings(self) -> Flags:
        """Which activity rows are the first second of an IP conversation with a single receiver."""
        activity = self.batch.activity
        first: Flags = (activity["state"] & STATE_FIRST != 0) & (activity["ip_version"] > 0) & self.single
        return first

    @cached_property
    def single(self) -> Flags:
        """Which activity rows have a single receiver."""
        return ~is_group_address(self.batch.activity["b_hi"], self.batch.activity["b_lo"])

    @cached_property
    def vain(self) -> Columns:
        """Attempts that have by now turned out to be in vain, as ``ATTEMPT`` rows by time."""
        return self.attempts.judge(self.batch, self.beginnings)

    def device(self, address: str) -> DeviceId | None:
        """The device behind ``address``."""
        return self.fleet.device(address)


def _when(pair: tuple[Group, Transaction]) -> tuple[float, int]:
    return pair[1].time, pair[1].frame


def is_group_address(hi: NDArray[np.uint64], lo: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Which addresses are multicast or limited broadcast (RFC 1112, RFC 919, RFC 4291 section 2.7)."""
    v4 = (hi == 0) & (lo >> np.uint64(32) == _V4_PREFIX)
    v6 = hi >> np.uint64(56) == np.uint64(0xFF)
    group: NDArray[np.bool_] = (v4 & (lo >= _MULTICAST_V4) & ((lo < np.uint64(0xFFFF_F000_0000)) | (lo == _BROADCAST_V4))) | v6
    return group


def endpoint(row: np.void, side: str) -> str:
    """Text of side ``a`` or ``b`` of an activity row."""
    hi, lo = int(row[f"{side}_hi"]), int(row[f"{side}_lo"])
    return ip_text(hi, lo) if row["ip_version"] else mac_text(lo)


def span(seconds: float) -> str:
    """A span of time as a person says it."""
    if seconds < 1:
        return f"{max(seconds * 1000, 1):.0f} ms"
    return f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.1f} min"


def moment(time: float) -> str:
    """A moment of the traffic as a person reads it (RFC 3339, UTC, whole seconds)."""
    try:
        return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OverflowError, ValueError, OSError):
        return f"second {time:.0f}"
