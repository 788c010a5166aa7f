"""Observations made by hand: activity rows, claims and messages with only what a test is about."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

import numpy as np
import pytest

from hauberk.detect.detectors.registry import detectors
from hauberk.detect.engine import DetectionEngine, DetectorSetting
from hauberk.model.address import ip_halves
from hauberk.model.finding import Finding
from hauberk.model.flow import ACTIVITY, CLAIM, CLAIM_ARP_REPLY, STATE_FIRST
from hauberk.model.ids import DeviceId
from hauberk.model.observation import Columns, Observations
from hauberk.model.transaction import Role, Transaction

Run = Callable[..., list[Finding]]


class FakeFleet:
    """Every private address is local; routers are named by the test."""

    def __init__(self, infrastructure: Iterable[str] = ()) -> None:
        self.infrastructure = set(infrastructure)

    def device(self, address: str) -> DeviceId | None:
        """One device an address."""
        return DeviceId(address)

    def kind(self, address: str) -> str | None:
        """Unknown."""
        return None if address else ""

    def is_local(self, address: str) -> bool:
        """True in the two private networks that the tests use."""
        return address.startswith(("10.", "192.168."))

    def is_infrastructure(self, address: str) -> bool:
        """True for the addresses given."""
        return address in self.infrastructure


class Traffic:
    """Collects observations and hands them over in batches."""

    def __init__(self) -> None:
        self._activity: list[Columns] = []
        self._claims: list[Columns] = []
        self.messages: list[Transaction] = []
        self._ids = 0

    def flow(self, time: float, a: str, b: str, port: int, transport: int = 6, **columns: float) -> None:
        """The first second of a conversation; an unanswered SYN where ``columns`` say nothing else."""
        self._ids += 1
        row = np.zeros(1, ACTIVITY)
        row["id"] = self._ids
        row["start"] = row["end"] = round(time * 1e9)
        row["a_hi"], row["a_lo"] = ip_halves(a)
        row["b_hi"], row["b_lo"] = ip_halves(b)
        row["b_port"], row["transport"], row["ip_version"] = port, transport, 6 if ":" in a else 4
        row["packets_out"], row["bytes_out"], row["state"] = 1, 60, STATE_FIRST
        if transport == 6:
            row["syn_out"], row["flags_out"] = 1, 2
        for name, value in columns.items():
            row[name] = value
        self._activity.append(row)

    def answered(self, time: float, a: str, b: str, port: int, transport: int = 6) -> None:
        """A conversation in which both sides say something."""
        self.flow(time, a, b, port, transport, packets_in=4, payload_in=90, payload_out=80, packets_out=4)

    def claim(self, time: float, ip: str, mac: int, kind: int = CLAIM_ARP_REPLY, target: str = "0.0.0.0") -> None:  # noqa: S104 - no socket
        """An ARP message in which ``mac`` claims ``ip``."""
        row = np.zeros(1, CLAIM)
        row["time"], row["mac"], row["kind"] = round(time * 1e9), mac, kind
        row["hi"], row["lo"] = ip_halves(ip)
        row["target_hi"], row["target_lo"] = ip_halves(target)
        self._claims.append(row)

    def say(
        self,
        time: float,
        src: str,
        dst: str,
        what: str,
        role: Role = "request",
        status: str = "ok",
        thing: str | None = None,
    ) -> None:
        """A message; ``what`` is ``protocol operation``, with a trailing ``!`` for a write."""
        protocol, operation = what.rstrip("!").split()
        self.messages.append(
            Transaction(
                len(self.messages) + 1,
                time,
                protocol,
                src,
                4000,
                dst,
                502,
                role,
                operation,
                1,
                thing,
                None,
                status,
                what.endswith("!"),
            )
        )

    def batches(self, cuts: Sequence[float] = ()) -> list[Observations]:
        """What was collected, by time, cut at the times given."""
        activity = np.concatenate(self._activity) if self._activity else np.zeros(0, ACTIVITY)
        claims = np.concatenate(self._claims) if self._claims else np.zeros(0, CLAIM)
        activity = activity[np.argsort(activity["start"], kind="stable")]
        claims = claims[np.argsort(claims["time"], kind="stable")]
        messages = sorted(self.messages, key=lambda message: message.time)
        edges = [float("-inf"), *sorted(cuts), float("inf")]
        result = []
        for low, high in pairwise(edges):
            rows = activity[(activity["start"] * 1e-9 >= low) & (activity["start"] * 1e-9 < high)]
            said = claims[(claims["time"] * 1e-9 >= low) & (claims["time"] * 1e-9 < high)]
            inside = [message for message in messages if low <= message.time < high]
            result.append(Observations(rows, claims=said, transactions=inside, watermark=high))
        return result


def run_detectors(
    traffic: Traffic,
    only: str | None = None,
    cuts: Sequence[float] = (),
    learn_until: float | None = None,
    infrastructure: Iterable[str] = (),
) -> list[Finding]:
    """Findings of ``traffic``, those of one detector where ``only`` names it."""
    engine = DetectionEngine(detectors(), FakeFleet(infrastructure), learn_until=learn_until)
    findings = [finding for batch in traffic.batches(cuts) for finding in engine.observe(batch)]
    return [finding for finding in findings if only in {None, finding.detector}]


@pytest.fixture
def traffic() -> Traffic:
    """Nothing yet."""
    return Traffic()


@pytest.fixture
def make_traffic() -> Callable[[], Traffic]:
    """Makes empty traffic, for tests that need it again and again."""
    return Traffic


@pytest.fixture
def run() -> Run:
    """Runs every detector over traffic."""
    return run_detectors


@pytest.fixture
def engine() -> Callable[[dict[str, DetectorSetting]], DetectionEngine]:
    """Makes an engine with settings."""
    return lambda settings: DetectionEngine(detectors(), FakeFleet(), settings=settings)
