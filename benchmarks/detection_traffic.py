"""Generated traffic: observations of a small site, drawn from a seed, with no packet behind them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detection_splice import overlaid
from hauberk.model.address import ip_halves, mac_number
from hauberk.model.flow import (
    ACTIVITY,
    CLAIM,
    CLAIM_ARP_REPLY,
    CLAIM_ARP_REQUEST,
    FLOW,
    STATE_ESTABLISHED,
    STATE_FIN,
    STATE_FIRST,
    STATE_SYN,
)
from hauberk.model.observation import Columns, Observations
from hauberk.model.service import SERVICE_NUMBER
from hauberk.model.transaction import Scalar, Transaction

TCP, UDP = 6, 17
_FRAME = 1400.0
_SYN, _WHOLE = 0x02, 0x1B
Times = NDArray[np.float64]


class End(NamedTuple):
    """A host: its address and card."""

    ip: str
    mac: str


ROUTER_CARD = "00:1c:7f:10:00:01"


def outside(ip: str) -> End:
    """A host beyond the router: its frames carry the router's card."""
    return End(ip, ROUTER_CARD)


@dataclass(frozen=True, slots=True)
class Service:
    """A port with the protocol spoken on it."""

    port: int
    name: str = ""
    transport: int = TCP


class Traffic:
    """Collects what hosts do; hands it over in order of time."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self._activity: list[Columns] = []
        self._flows: list[Columns] = []
        self._claims: list[Columns] = []
        self._transactions: list[Transaction] = []
        self._next = 1

    def connect(self, times: Times, a: End, b: End, service: Service, out: Times | float, back: Times | float) -> None:
        """Conversations of under a second, one at each time (epoch seconds), with the bytes that each side sends."""
        rows = self._rows(times, a, b, service, out, back)
        rows["id"] = self._ids(len(rows))
        rows["state"] |= STATE_FIRST
        rows["a_port"] = self.random.integers(32768, 61000, len(rows))
        ended = np.zeros(len(rows), FLOW)
        for name in ACTIVITY.names or ():
            ended[name] = rows[name]
        ended["last_out"] = ended["last_in"] = rows["end"]
        ended["state"] = STATE_SYN | STATE_ESTABLISHED | STATE_FIN if service.transport == TCP else 0
        self._activity.append(rows)
        self._flows.append(ended)

    def keep(self, times: Times, a: End, b: End, service: Service, out: Times | float, back: Times | float) -> None:
        """One conversation that does something at each time and does not end."""
        rows = self._rows(np.sort(times), a, b, service, out, back)
        rows["id"] = self._ids(1)
        rows["a_port"] = self.random.integers(32768, 61000)
        rows["state"][:1] |= STATE_FIRST
        rows["syn_out"][1:] = rows["syn_in"][1:] = 0
        self._activity.append(rows)

    def try_vainly(self, times: Times, a: End, targets: Sequence[End], ports: Sequence[int]) -> None:
        """A lone SYN at each time, to each target and port in turn."""
        for time, target, port in zip(times.tolist(), targets, ports, strict=True):
            rows = self._rows(np.array([time]), a, target, Service(port), 60.0, 0.0)
            rows["id"], rows["a_port"] = self._ids(1), self.random.integers(32768, 61000)
            rows["packets_out"], rows["packets_in"], rows["syn_in"] = 1, 0, 0
            rows["payload_out"] = rows["payload_in"] = 0
            rows["flags_out"], rows["flags_in"], rows["b_mac"] = _SYN, 0, 0
            rows["state"] = STATE_FIRST
            self._activity.append(rows)

    def ask(self, times: Times, a: End, b: End, what: str, thing: str, values: Iterable[Scalar] = ()) -> None:
        """Requests and their answers as messages. ``what``: ``protocol operation code``, with a trailing ``!`` for a write."""
        protocol, operation, code = what.rstrip("!").split()
        write = what.endswith("!")
        said = list(values) or [None] * len(times)
        for time, value in zip(times.tolist(), said, strict=True):
            common = (operation, int(code), thing, value, "ok", write)
            self._transactions.append(Transaction(1, time, protocol, a.ip, 40000, b.ip, 502, "request", *common))
            self._transactions.append(Transaction(1, time + 0.004, protocol, b.ip, 502, a.ip, 40000, "response", *common))

    def look_up(self, times: Times, a: End, server: End, names: Sequence[str], answer: str = "203.0.113.7") -> None:
        """Names looked up, and their answers."""
        self.connect(times, a, server, Service(53, "dns", UDP), 80.0, 120.0)
        for time, name in zip(times.tolist(), names, strict=True):
            for role, src, dst in (("request", a, server), ("response", server, a)):
                late, value = (0.0, None) if role == "request" else (0.02, (answer,))
                self._transactions.append(
                    Transaction(1, time + late, "dns", src.ip, 40000, dst.ip, 53, role, "query", 1, name, value, "ok", write=False)  # type: ignore[arg-type]  # the tuple above gives two of the roles
                )

    def claim(self, times: Times, owner: End, asked: str | None = None) -> None:
        """ARP: ``owner`` says it has its address, or asks for another."""
        rows = np.zeros(len(times), CLAIM)
        rows["time"] = np.round(times * 1e9).astype(np.int64)
        rows["mac"], rows["kind"] = mac_number(owner.mac), CLAIM_ARP_REQUEST if asked else CLAIM_ARP_REPLY
        rows["hi"], rows["lo"] = ip_halves(owner.ip)
        if asked:
            rows["target_hi"], rows["target_lo"] = ip_halves(asked)
        self._claims.append(rows)

    def observations(self) -> list[Observations]:
        """Everything so far as one unordered batch, to be overlaid with others."""
        return [
            Observations(
                np.concatenate([np.zeros(0, ACTIVITY), *self._activity]),
                np.concatenate([np.zeros(0, FLOW), *self._flows]),
                np.concatenate([np.zeros(0, CLAIM), *self._claims]),
                list(self._transactions),
            )
        ]

    def stream(self) -> Iterable[Observations]:
        """Everything so far in order of time, cut into batches."""
        return overlaid([self.observations()])

    def _ids(self, count: int) -> NDArray[np.uint64]:
        self._next += count
        return np.arange(self._next - count, self._next, dtype=np.uint64)

    def _rows(self, times: Times, a: End, b: End, service: Service, out: Times | float, back: Times | float) -> Columns:
        rows = np.zeros(len(times), ACTIVITY)
        rows["start"] = np.round(times * 1e9).astype(np.int64)
        rows["end"] = rows["start"] + 200_000_000
        for side, end in (("a", a), ("b", b)):
            rows[f"{side}_hi"], rows[f"{side}_lo"] = ip_halves(end.ip)
            rows[f"{side}_mac"] = mac_number(end.mac)
        for side, sent in (("out", out), ("in", back)):
            rows[f"bytes_{side}"] = sent
            rows[f"packets_{side}"] = np.ceil(np.asarray(sent) / _FRAME) + (2 if service.transport == TCP else 0)
            rows[f"payload_{side}"] = np.maximum(np.asarray(sent) - 66.0 * rows[f"packets_{side}"], 1)
        if service.transport == TCP:
            rows["syn_out"] = rows["syn_in"] = 1
            rows["flags_out"] = rows["flags_in"] = _WHOLE
            rows["state"] = STATE_SYN | STATE_ESTABLISHED
        rows["b_port"], rows["transport"], rows["ip_version"] = service.port, service.transport, 4
        rows["service"] = SERVICE_NUMBER[service.name]
        return rows
