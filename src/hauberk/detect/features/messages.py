"""Counts of application messages per device address and window."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from hauberk.detect.features.metrics import MESSAGE_METRICS, M
from hauberk.detect.login_outcomes import is_refusal
from hauberk.detect.view import Group
from hauberk.model.service import OT_SERVICES
from hauberk.model.transaction import MALFORMED, OK, Transaction

_FIRST = MESSAGE_METRICS.start
_MOST = 1 << 16
"""Addresses counted in windows that are still open; what comes beyond is not counted."""
_RANDOM = 3.8
"""Bits a character from which a label is none that people choose: it takes 14 different characters."""
_VERBS = OT_SERVICES | {"mqtt", "coap", "ftp", "telnet", "ssh", "http"}


class Said(NamedTuple):
    """What was said in windows that have passed: (window, address, counts) and (window, (source, protocol, operation, peer, first
    time)), in order of windows."""

    counts: list[tuple[int, str, list[float]]]
    verbs: list[tuple[int, tuple[str, str, str, str, float]]]


class MessageCounts:
    """What each address said in each window that is still open."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._counts: dict[int, dict[str, list[float]]] = {}
        self._verbs: dict[int, dict[tuple[str, str, str, str], float]] = {}
        self._addresses = 0

    def add(self, groups: Iterable[tuple[Group, list[Transaction]]]) -> None:
        """Count the messages of a batch."""
        for group, members in groups:
            if group.role == "request" and group.protocol in _VERBS and group.status != MALFORMED:
                self._note_verb(group, members)
            for metric, address in _counted(group):
                for window, number in self._windows(members):
                    row = self._row(window, address)
                    if row is not None:
                        row[metric - _FIRST] += number
            if group.protocol == "dns" and group.role == "request":
                for message in members:
                    row = self._row(self._window(message.time), group.src)
                    if row is not None and message.object:
                        place = M.DNS_ENTROPY - _FIRST
                        row[place] = max(row[place], entropy(message.object))

    def take(self, due: float) -> Said:
        """What was said in windows before number ``due``; it is forgotten."""
        counts, verbs = [], []
        for window in sorted(number for number in self._counts if number < due):
            rows = self._counts.pop(window)
            self._addresses -= len(rows)
            counts += [(window, address, row) for address, row in rows.items()]
        for window in sorted(number for number in self._verbs if number < due):
            verbs += [(window, (*key, time)) for key, time in self._verbs.pop(window).items()]
        return Said(counts, verbs)

    def _window(self, time: float) -> int:
        return math.floor(time / self.seconds)

    def _windows(self, members: list[Transaction]) -> Iterable[tuple[int, int]]:
        first, last = self._window(members[0].time), self._window(members[-1].time)
        if first == last:
            return ((first, len(members)),)
        return Counter(self._window(message.time) for message in members).items()

    def _row(self, window: int, address: str) -> list[float] | None:
        rows = self._counts.get(window)
        if rows is None:
            rows = self._counts[window] = {}
        row = rows.get(address)
        if row is None and self._addresses < _MOST:
            row = rows[address] = [0.0] * len(MESSAGE_METRICS)
            self._addresses += 1
        return row

    def _note_verb(self, group: Group, members: list[Transaction]) -> None:
        key = (group.src, group.protocol, group.operation, group.dst)
        first, last = self._window(members[0].time), self._window(members[-1].time)
        for message in (members[0],) if first == last else members:
            verbs = self._verbs.setdefault(self._window(message.time), {})
            if len(verbs) < _MOST and verbs.get(key, math.inf) > message.time:
                verbs[key] = message.time


def _counted(group: Group) -> Iterator[tuple[M, str]]:
    """Which metric of which address a group of messages counts for."""
    protocol, role, status = group.protocol, group.role, group.status
    if protocol == "dns":
        if role == "request":
            yield M.DNS_QUERIES, group.src
        elif status == "nxdomain":
            yield M.DNS_FAILURES, group.dst
    elif protocol in OT_SERVICES:
        if role == "request":
            yield M.OT_REQUESTS, group.src
            if group.write:
                yield M.OT_WRITES, group.src
        elif role == "response" and status not in {OK, MALFORMED}:
            yield M.OT_ERRORS, group.dst
    elif is_refusal(group):
        yield M.LOGIN_FAILURES, group.dst
    elif protocol == "mqtt" and group.operation == "publish" and role == "request":
        yield M.PUBLISHES, group.src


@lru_cache(maxsize=1 << 14)
def entropy(name: str) -> float:
    """Shannon entropy, in bits a character, of the first label of a domain name; 0 below 3.8, as of words and short labels."""
    label = name.split(".", 1)[0]
    counts = Counter(label).values()
    bits = -sum(count / len(label) * math.log2(count / len(label)) for count in counts)
    return bits if bits >= _RANDOM else 0.0
