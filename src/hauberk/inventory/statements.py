"""What was said of whom: hints by the address they are about, each different statement once, with when and how often.

Names asked of name servers are kept beside server names asked by TLS: both tell whose services a host uses. Must never hold more
than its limits, and never takes a statement for the truth: that is weighed later.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from hauberk.inventory.limits import InventoryLimits
from hauberk.model.address import ip_halves, ip_text, mac_number, mac_text
from hauberk.model.hint import HintKey
from hauberk.model.transaction import Transaction

Tie = tuple[str, str]
"""Two addresses of one host, as it says itself."""

_SHARED: Final = frozenset({HintKey.SERIAL, HintKey.HOSTNAME})
_NO_STATEMENT: Final = frozenset({HintKey.CERTIFICATE_SHA256, HintKey.CERTIFICATE_SHA1})
"""For lists of bad certificates; they say nothing of what a device is."""
_WORTHLESS_SERIALS = frozenset(
    {"unknown", "none", "default", "serial", "serialnumber", "notset", "notavailable", "tobefilledbyoem", "n/a", "na"}
)


@dataclass(frozen=True, slots=True)
class Statement:
    """One thing said: by which protocol, first and last when (epoch seconds), how often."""

    key: HintKey
    value: str
    protocol: str
    first: float
    last: float
    count: int


@dataclass(slots=True)
class _Subject:
    facts: dict[tuple[HintKey, str, str], list[float]] = field(default_factory=dict)
    values: dict[HintKey, int] = field(default_factory=dict)
    version: int = 0


@lru_cache(maxsize=1 << 16)
def canonical(address: str) -> str | None:
    """The one way an address is written here; None for what is none, or is nobody's."""
    try:
        hi, lo = ip_halves(address)
    except ValueError:
        if len(address) != 17:
            return None
        try:
            mac = mac_number(address)
        except ValueError:
            return None
        return None if mac == 0 or mac >> 40 & 1 else mac_text(mac)
    if hi == 0 and lo in {0, 0xFFFF_0000_0000}:
        return None
    return ip_text(hi, lo)


def is_mac(address: str) -> bool:
    """True for a canonical hardware address."""
    return len(address) == 17 and address[2] == ":" and address.count(":") == 5 and "::" not in address and "." not in address


def worthy_serial(value: str) -> bool:
    """True where a serial number can tell two things of one make apart."""
    plain = value.lower().replace(" ", "").replace("-", "").replace("_", "").replace(":", "").replace(".", "")
    if len(plain) < 5 or len(set(plain)) < 3 or plain in _WORTHLESS_SERIALS:
        return False
    return plain not in "01234567890123456789" and plain not in "abcdefghijklmnopqrstuvwxyz"


class Statements:
    """The store of statements, by subject."""

    def __init__(self, limits: InventoryLimits) -> None:
        self.limits = limits
        self.refused = 0
        """Statements not kept because a limit was reached."""
        self.changes = 0
        """Counts what may merge records; never falls."""
        self.ties: dict[Tie, float] = {}
        """Pairs of addresses that one host said are its own, and when it first did."""
        self.shared: dict[tuple[HintKey, str], list[str]] = {}
        """Subjects by serial number and by multicast DNS host name: both are meant to be unique."""
        self._subjects: dict[str, _Subject] = {}

    def observe(self, transactions: Iterable[Transaction]) -> list[tuple[str, str, float]]:
        """Keep what the transactions give away. Returns leases: hardware address, network address, when (epoch seconds)."""
        leases: list[tuple[str, str, float]] = []
        for transaction in transactions:
            if transaction.hints:
                for key, value, about in transaction.hints:
                    subject = canonical(about or transaction.src)
                    if subject is None:
                        continue
                    if key is HintKey.IP or key is HintKey.MAC:
                        self._own(subject, key, value, transaction.time, leases)
                    elif key not in _NO_STATEMENT:
                        self._keep(subject, (key, value[: self.limits.text], transaction.protocol), transaction.time)
            if transaction.protocol == "dns" and transaction.role == "request" and transaction.object:
                subject = canonical(transaction.src)
                if subject is not None:
                    self._keep(subject, (HintKey.SNI, transaction.object[: self.limits.text], "dns"), transaction.time)
        return leases

    def about(self, subject: str) -> list[Statement]:
        """Everything said of one address."""
        held = self._subjects.get(subject)
        if held is None:
            return []
        return [Statement(*fact, first, last, int(count)) for fact, (first, last, count) in held.facts.items()]

    def version(self, subject: str) -> int:
        """Grows whenever something new is said of the address."""
        held = self._subjects.get(subject)
        return 0 if held is None else held.version

    def _own(self, subject: str, key: HintKey, value: str, time: float, leases: list[tuple[str, str, float]]) -> None:
        other = canonical(value)
        if other is None or other == subject:
            return
        if key is HintKey.IP and is_mac(subject):
            leases.append((subject, other, time))
            return
        tie = (min(subject, other), max(subject, other))
        known = self.ties.get(tie)
        if known is None:
            if len(self.ties) >= self.limits.links:
                self.refused += 1
                return
            self.changes += 1
            self.ties[tie] = time
        elif time < known:
            self.ties[tie] = time

    def _keep(self, subject: str, fact: tuple[HintKey, str, str], time: float) -> None:
        held = self._subjects.get(subject)
        if held is None:
            if len(self._subjects) >= self.limits.subjects:
                self.refused += 1
                return
            held = self._subjects[subject] = _Subject()
        seen = held.facts.get(fact)
        if seen is not None:
            seen[0] = min(seen[0], time)
            seen[1] = max(seen[1], time)
            seen[2] += 1
            return
        key, value, protocol = fact
        count = held.values.get(key, 0)
        if not value or count >= self.limits.values or len(held.facts) >= self.limits.statements:
            self.refused += 1
            return
        held.values[key] = count + 1
        held.facts[fact] = [time, time, 1]
        held.version += 1
        if key in _SHARED:
            self._share(subject, key, value, protocol)

    def _share(self, subject: str, key: HintKey, value: str, protocol: str) -> None:
        if (key is HintKey.HOSTNAME and protocol != "mdns") or (key is HintKey.SERIAL and not worthy_serial(value)):
            return
        name = (key, value.lower())
        sharers = self.shared.get(name)
        if sharers is None:
            if len(self.shared) < self.limits.subjects:
                self.shared[name] = [subject]
        elif subject not in sharers and len(sharers) < self.limits.values:
            sharers.append(subject)
            self.changes += 1
