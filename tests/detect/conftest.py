"""Observations made by hand: activity rows, claims and messages with only what a test is about."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Any

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

    def tell(self, time: float, src: str, dst: str, protocol: str, operation: str, **other: Any) -> None:
        """A message with any fields, those not named missing or plain."""
        plain: dict[str, Any] = {
            "src_port": None,
            "dst_port": None,
            "role": "request",
            "code": None,
            "object": None,
            "value": None,
            "status": "ok",
            "write": False,
        }
        fields = {**plain, **other}
        self.messages.append(Transaction(len(self.messages) + 1, time, protocol, src, dst=dst, operation=operation, **fields))

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


class Tank:
    """A water tank with a pump, a heater and consumers, polled by a master; ``seed`` fixes every chance.

    Holding registers 0 to 3 of the controller are level, inflow, outflow and temperature; coils 0 and 1 pump and heater. An
    operator writes set points 10 (mode) and 11 (level to keep) now and then. ``lie`` changes the row of readings on its way.
    """

    MASTER, PLC = "10.0.0.1", "10.0.1.1"

    def __init__(self, seed: int, interval: float = 1.0, begin: float = 1_000_000.0) -> None:
        self.chance = random.Random(seed)  # noqa: S311 - test data
        self.interval, self.time, self.begin = interval, begin, begin
        self.level, self.warmth, self.pump, self.heater = 50.0, 20.0, 0, 0
        self.messages: list[Transaction] = []

    def message(self, role: Role, operation: str, thing: str, value: Any, *, write: bool = False, by: str = MASTER) -> None:
        """One message of master or controller."""
        ends = (self.PLC, 502, by, 4000) if role == "response" else (by, 4000, self.PLC, 502)
        self.messages.append(
            Transaction(len(self.messages) + 1, self.time, "modbus", *ends, role, operation, 3, thing, value, "ok", write)
        )

    def write(self, point: int, value: float, by: str = MASTER) -> None:
        """Write a holding register."""
        self.message("request", "write_single_register", f"1/holding_register/{point}", value, write=True, by=by)

    def live(self, polls: int, lie: Callable[[int, list[int]], list[int]] | None = None) -> None:
        """Let time go by, with one poll of everything an interval."""
        for poll in range(polls):
            self.time += self.interval * self.chance.uniform(0.98, 1.02)
            row = self._process()
            row = lie(poll, row) if lie else row
            self.message("request", "read_holding_registers", "1/holding_register/0-3", None)
            self.message("response", "read_holding_registers", "1/holding_register/0-3", tuple(row))
            self.message("response", "read_coils", "1/coil/0-1", (bool(self.pump), bool(self.heater)))
            if self.chance.random() < 0.02:
                self.write(10, self.chance.choice([1, 2, 3]))
            if self.chance.random() < 0.02:
                self.write(11, round(self.chance.uniform(45, 55)))

    def _process(self) -> list[int]:
        noise = self.chance.gauss
        self.pump = 1 if self.level < 40 else 0 if self.level > 60 else self.pump
        self.heater = 1 if self.warmth < 19 else 0 if self.warmth > 21 else self.heater
        demand = 0.5 + 0.2 * math.sin((self.time - self.begin) / 3600) + noise(0, 0.02)
        inflow = 1.2 * self.pump
        self.level += inflow - demand
        self.warmth += 0.05 * self.heater - 0.02
        readings = (self.level + noise(0, 0.1), inflow + noise(0, 0.01), demand + noise(0, 0.01), self.warmth + noise(0, 0.02))
        return [max(0, round(100 * reading)) for reading in readings]

    def observations(self, cuts: Sequence[float] = ()) -> list[Observations]:
        """What was said, cut at the times given."""
        traffic = Traffic()
        traffic.messages = self.messages
        return traffic.batches(cuts)


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
def tank() -> Callable[..., Tank]:
    """Makes a water tank from a seed."""
    return Tank


@pytest.fixture
def run() -> Run:
    """Runs every detector over traffic."""
    return run_detectors


@pytest.fixture
def engine() -> Callable[[dict[str, DetectorSetting]], DetectionEngine]:
    """Makes an engine with settings."""
    return lambda settings: DetectionEngine(detectors(), FakeFleet(), settings=settings)
