"""Compiles what detection runs on, or loads it from where it was compiled before, so that the first window does not wait for it."""

from __future__ import annotations

import numpy as np

from hauberk.detect.detectors.registry import detectors
from hauberk.detect.engine import DetectionEngine
from hauberk.model.flow import ACTIVITY, STATE_FIRST, V4_MAPPED
from hauberk.model.ids import DeviceId
from hauberk.model.observation import Observations
from hauberk.model.transaction import Transaction

_SECONDS = 1500
_HALF = 700.0


class _Bench:
    """Two devices that exist only here."""

    def device(self, address: str) -> DeviceId | None:
        """One device an address."""
        return DeviceId(address)

    def kind(self, address: str) -> str | None:
        """All of one kind."""
        return "controller" if address else None

    def is_local(self, address: str) -> bool:
        """All of them."""
        return bool(address)

    def is_infrastructure(self, address: str) -> bool:
        """None of them."""
        return not address


def warm() -> None:
    """Let every detector learn and judge a few minutes of made-up polling."""
    engine = DetectionEngine(detectors(), _Bench(), learn_until=_HALF)
    times = np.arange(0, _SECONDS, 5)
    rows = np.zeros(len(times), ACTIVITY)
    rows["id"], rows["start"], rows["end"] = np.arange(len(times)), times * 10**9, times * 10**9
    rows["a_lo"], rows["b_lo"] = V4_MAPPED | np.uint64(0x0A000001), V4_MAPPED | np.uint64(0x0A000002)
    rows["b_port"], rows["transport"], rows["ip_version"], rows["state"] = 502, 6, 4, STATE_FIRST
    for name in ("packets_out", "packets_in", "bytes_out", "bytes_in"):
        rows[name] = 100
    ends = ("10.0.0.1", 40000, "10.0.0.2", 502)
    back = (ends[2], ends[3], ends[0], ends[1])
    messages = []
    for number, time in enumerate(times.tolist()):
        values = (number % 7, number % 3, 50 + number % 5, number)
        name = "read_holding_registers"
        messages.append(Transaction(number + 1, float(time), "modbus", *ends, "request", name, 3, "1:0-3", None, "ok", write=False))
        messages.append(
            Transaction(number + 1, float(time), "modbus", *back, "response", name, 3, "1:0-3", values, "ok", write=False)
        )
    engine.observe(Observations(rows, transactions=messages, watermark=float(_SECONDS)))
    engine.observe(Observations(watermark=float("inf")))
