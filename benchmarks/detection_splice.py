"""Streams of observations put together: moved in time, given other addresses, laid over each other, cut by time.

What is laid over each other keeps its own conversations apart: identifiers of the second stream are moved out of the way. Batches
of a put-together stream are in order of time and tell it truly, as one sensor's would.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from hauberk.model.address import ip_halves, mac_number, mac_text
from hauberk.model.flow import ACTIVITY, CLAIM, FLOW
from hauberk.model.hint import Hint
from hauberk.model.observation import Columns, Observations
from hauberk.model.transaction import Transaction

BATCH = 120.0
"""Seconds of traffic in a batch of a put-together stream."""
DAY = 86_400.0
_TIMES = ("start", "end", "last_out", "last_in")


@dataclass(frozen=True, slots=True)
class Move:
    """What is changed of a stream.

    ``seconds`` is added to its times, ``ids`` to its conversations. ``addresses``: other addresses in the place of those it has, IP
    or MAC, as text. ``cards``: False takes every hardware address away, as in a stream that was recorded without. ``fill``: cards
    of addresses (after the exchange) where none were recorded, as in logs; that of the empty text is for every other address.
    """

    seconds: float = 0.0
    ids: int = 0
    addresses: Mapping[str, str] = field(default_factory=dict)
    cards: bool = True
    fill: Mapping[str, str] = field(default_factory=dict)

    def apply(self, batches: Iterable[Observations]) -> Iterator[Observations]:
        """The stream as changed."""
        for batch in batches:
            yield Observations(
                self._columns(batch.activity),
                self._columns(batch.flows),
                self._claims(batch.claims),
                [self._transaction(transaction) for transaction in batch.transactions],
                batch.watermark + self.seconds,
            )

    def address(self, text: str) -> str:
        """What stands in the place of an address."""
        return self.addresses.get(text, text)

    def _columns(self, rows: Columns) -> Columns:
        if not len(rows):
            return rows
        rows = rows.copy()
        rows["id"] += np.uint64(self.ids)
        for name in _TIMES:
            if name in (rows.dtype.names or ()):
                # 0 says that there was none.
                rows[name] = np.where(rows[name] == 0, 0, rows[name] + round(self.seconds * 1e9))
        for side in "ab":
            self._ends(rows, f"{side}_hi", f"{side}_lo", f"{side}_mac")
        return rows

    def _claims(self, rows: Columns) -> Columns:
        if not len(rows) or not self.cards:
            return rows[:0]
        rows = rows.copy()
        rows["time"] += round(self.seconds * 1e9)
        self._ends(rows, "hi", "lo", "mac")
        self._ends(rows, "target_hi", "target_lo", "target_mac")
        return rows

    def _ends(self, rows: Columns, hi: str, lo: str, mac: str) -> None:
        was = rows.copy()
        for old, new in self.addresses.items():
            if _is_mac(old):
                number = mac_number(new)
                rows[mac][was[mac] == mac_number(old)] = number
                if "ip_version" in (rows.dtype.names or ()):
                    rows[lo][(was["ip_version"] == 0) & (was[lo] == mac_number(old))] = number
            else:
                (old_hi, old_lo), (new_hi, new_lo) = ip_halves(old), ip_halves(new)
                here = (was[hi] == old_hi) & (was[lo] == old_lo)
                rows[hi][here], rows[lo][here] = new_hi, new_lo
        if not self.cards:
            rows[mac] = 0
        elif self.fill:
            self._fill(rows, hi, lo, mac)

    def _fill(self, rows: Columns, hi: str, lo: str, mac: str) -> None:
        empty = (rows[mac] == 0) & ((rows[hi] != 0) | (rows[lo] != 0))
        rest = empty.copy()
        for text, card in self.fill.items():
            if text:
                wanted_hi, wanted_lo = ip_halves(text)
                here = empty & (rows[hi] == wanted_hi) & (rows[lo] == wanted_lo)
                rows[mac][here] = mac_number(card)
                rest &= ~here
        if "" in self.fill:
            rows[mac][rest] = mac_number(self.fill[""])

    def _transaction(self, transaction: Transaction) -> Transaction:
        return transaction._replace(
            time=transaction.time + self.seconds,
            src=self.address(transaction.src),
            dst=self.address(transaction.dst),
            hints=tuple(self._hint(hint) for hint in transaction.hints) if self.addresses else transaction.hints,
        )

    def _hint(self, hint: Hint) -> Hint:
        about = None if hint.about is None else self.address(hint.about)
        return Hint(hint.key, self.address(hint.value), about)


def _is_mac(text: str) -> bool:
    return text.count(":") == 5 and len(text) == len(mac_text(0))


def span(batches: Iterable[Observations]) -> tuple[float, float]:
    """Times, epoch seconds, of the first and the last thing in a stream; (inf, -inf) where it is empty."""
    first, last = math.inf, -math.inf
    for batch in batches:
        for rows, begin, end in ((batch.activity, "start", "end"), (batch.claims, "time", "time")):
            if len(rows):
                first, last = min(first, float(rows[begin].min()) * 1e-9), max(last, float(rows[end].max()) * 1e-9)
        times = [transaction.time for transaction in batch.transactions]
        first, last = min([first, *times]), max([last, *times])
    return first, last


def after(first: tuple[float, float], second: tuple[float, float]) -> float:
    """Whole days, in seconds, by which the stream of span ``first`` is moved to end before that of span ``second`` begins, as late
    as that goes: the hours of the day stay."""
    return math.floor((second[0] - first[1]) / DAY) * DAY


def chained(parts: Sequence[Iterable[Observations]]) -> Iterator[Observations]:
    """Streams one after the other. The end of one is not the end of time: its last watermark is its last moment."""
    for place, part in enumerate(parts):
        latest = -math.inf
        for batch in Move(ids=place << 40).apply(part) if place else part:
            latest = max(latest, span([batch])[1])
            yield batch if math.isfinite(batch.watermark) else replace(batch, watermark=latest)


def overlaid(parts: Sequence[Iterable[Observations]], seconds: float = BATCH) -> Iterator[Observations]:
    """Streams at the same time, cut anew into batches of ``seconds`` of traffic."""
    activity: list[Columns] = [np.zeros(0, ACTIVITY)]
    flows: list[Columns] = [np.zeros(0, FLOW)]
    claims: list[Columns] = [np.zeros(0, CLAIM)]
    transactions: list[Transaction] = []
    for place, part in enumerate(parts):
        for batch in Move(ids=place << 40).apply(part) if place else part:
            activity.append(batch.activity)
            flows.append(batch.flows)
            claims.append(batch.claims)
            transactions.extend(batch.transactions)
    rows = _sorted(np.concatenate(activity), "start")
    ended = _sorted(np.concatenate(flows), "end")
    said = _sorted(np.concatenate(claims), "time")
    transactions.sort(key=lambda transaction: transaction.time)
    yield from _cut(rows, ended, said, transactions, seconds)


def _sorted(rows: Columns, by: str) -> Columns:
    return rows[np.argsort(rows[by], kind="stable")]


def _cut(rows: Columns, ended: Columns, said: Columns, transactions: list[Transaction], seconds: float) -> Iterator[Observations]:
    columns = [(rows, rows["start"] * 1e-9), (ended, ended["end"] * 1e-9), (said, said["time"] * 1e-9)]
    spoken = np.array([transaction.time for transaction in transactions])
    times = [*(column for _, column in columns), spoken]
    windows = np.unique(np.concatenate([np.floor(column / seconds) for column in times]))
    positions = [0, 0, 0, 0]
    for window in windows.tolist():
        edge = (window + 1) * seconds
        ends = [int(np.searchsorted(column, edge, "left")) for column in times]
        activity, flows, claims = (
            column[start:end] for (column, _), start, end in zip(columns, positions[:3], ends[:3], strict=True)
        )
        yield Observations(activity, flows, claims, transactions[positions[3] : ends[3]], edge)
        positions = ends


def part(batches: Iterable[Observations], begin: float = -math.inf, end: float = math.inf) -> Iterator[Observations]:
    """What of a stream lies at ``begin`` (epoch seconds) or later and before ``end``."""
    for batch in batches:
        times = [batch.activity["start"] * 1e-9, batch.flows["start"] * 1e-9, batch.claims["time"] * 1e-9]
        kept = [(column >= begin) & (column < end) for column in times]
        yield Observations(
            batch.activity[kept[0]],
            batch.flows[kept[1]],
            batch.claims[kept[2]],
            [transaction for transaction in batch.transactions if begin <= transaction.time < end],
            min(batch.watermark, end),
        )
