"""The arithmetic of the detection benchmark: which alarm belongs to which attack, and how many false alarms a device-day holds.

An attack counts as found when an alarm that names one of its parties is raised between its onset and its end plus ``GRACE``, and
before the next attack of the same parties begins. No point adjustment: an alarm late is late, an alarm before the onset is none.
An attack whose parties were already alarming in the ``LOOKBACK`` before it, outside any other attack, is left out of the judgement.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from hauberk.model.address import ip_text, mac_text
from hauberk.model.observation import Columns

GRACE = 60.0
"""Seconds after the end of an attack in which an alarm still counts as its."""
LOOKBACK = 600.0
"""Seconds before the onset in which an alarm of the same parties leaves the attack out."""
SHORT = 10.0
"""Attacks that last less than this many seconds are also counted apart."""
SLOT = 600
"""Seconds of a slot: a device is active in the slots in which it was heard."""
SLOTS_A_DAY = 86_400 // SLOT
_EPSILON = 1e-3


@dataclass(frozen=True, slots=True)
class Attack:
    """One attack. ``onset`` and ``end``: epoch seconds. ``parties``: addresses and device ids of attacker and victim.
    ``techniques``: ids of ATT&CK techniques that name it acceptably. ``announced``: the onset is when a script said that it begins,
    not when its first packet was seen; ``acted``: then, when its parties first exchanged an application message in it."""

    name: str
    kind: str
    onset: float
    end: float
    parties: frozenset[str]
    techniques: frozenset[str] = frozenset()
    announced: bool = False
    acted: float | None = None

    @property
    def short(self) -> bool:
        """Over before a window of ten seconds is."""
        return self.end - self.onset < SHORT


class Alarm(NamedTuple):
    """That somebody said something: when (epoch seconds), about whom, who said it, and which techniques it suggests."""

    time: float
    parties: frozenset[str]
    source: str
    techniques: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one attack. ``alarms``: those that count as its, by time. ``excluded``: its parties were alarming before."""

    attack: Attack
    alarms: tuple[Alarm, ...] = ()
    excluded: bool = False

    @property
    def first(self) -> Alarm | None:
        """The first alarm; None of an attack that is missed or left out."""
        return self.alarms[0] if self.alarms and not self.excluded else None

    @property
    def found(self) -> bool:
        """An alarm in time, of an attack that is judged."""
        return self.first is not None

    @property
    def delay(self) -> float | None:
        """Seconds from the onset to the first alarm."""
        return max(0.0, self.first.time - self.attack.onset) if self.first is not None else None

    @property
    def reaction(self) -> float | None:
        """Seconds from the first message of an announced attack to the first alarm."""
        if self.first is None or self.attack.acted is None:
            return None
        return max(0.0, self.first.time - self.attack.acted)

    @property
    def named(self) -> bool:
        """The first technique suggested is one of those acceptable."""
        return self.first is not None and bool(self.first.techniques) and self.first.techniques[0] in self.attack.techniques

    @property
    def suggested(self) -> bool:
        """Some alarm suggests a technique that is acceptable."""
        return self.found and any(technique in self.attack.techniques for alarm in self.alarms for technique in alarm.techniques)


def reach(attack: Attack, attacks: Iterable[Attack]) -> float:
    """The moment until which an alarm counts as this attack's."""
    following = [other.onset for other in attacks if other.onset > attack.onset and other.parties & attack.parties]
    return min([attack.end + GRACE, *(max(attack.onset, onset) for onset in following)])


def judge(attacks: Sequence[Attack], alarms: Sequence[Alarm]) -> list[Verdict]:
    """What became of each attack of one run."""
    limits = [reach(attack, attacks) for attack in attacks]
    verdicts = []
    for attack, limit in zip(attacks, limits, strict=True):
        concerned = [alarm for alarm in alarms if alarm.parties & attack.parties]
        before = [alarm for alarm in concerned if attack.onset - LOOKBACK <= alarm.time < attack.onset - _EPSILON]
        excluded = any(
            not any(
                other.onset - _EPSILON <= alarm.time <= other.end + GRACE for other in attacks if other.parties & attack.parties
            )
            for alarm in before
        )
        during = [alarm for alarm in concerned if attack.onset - _EPSILON <= alarm.time <= limit]
        verdicts.append(Verdict(attack, tuple(sorted(during, key=lambda alarm: alarm.time)), excluded))
    return verdicts


def unexplained(attacks: Sequence[Attack], alarms: Iterable[Alarm]) -> list[Alarm]:
    """Alarms raised outside every attack and its grace, or about others than those involved."""
    return [
        alarm
        for alarm in alarms
        if not any(
            attack.onset - _EPSILON <= alarm.time <= attack.end + GRACE and alarm.parties & attack.parties for attack in attacks
        )
    ]


def episodes(times: Iterable[float], quiet: float = 300.0) -> list[float]:
    """The beginnings of runs of alarms that are nowhere silent for longer than ``quiet`` seconds."""
    begun: list[float] = []
    last = -math.inf
    for time in sorted(times):
        if time - last > quiet:
            begun.append(time)
        last = time
    return begun


def poisson_upper(events: int, confidence: float = 0.95) -> float:
    """One-sided upper bound of a Poisson mean after ``events`` (Garwood 1936; 2.996, the rule of three, after none)."""
    low, high = 0.0, 10.0 + 4.0 * events
    for _ in range(200):
        middle = (low + high) / 2
        if _at_most(events, middle) > 1 - confidence:
            low = middle
        else:
            high = middle
    return high


def _at_most(events: int, mean: float) -> float:
    """Probability of no more than ``events`` where ``mean`` are expected."""
    if mean == 0:
        return 1.0
    return math.fsum(math.exp(k * math.log(mean) - mean - math.lgamma(k + 1)) for k in range(events + 1))


def quantile(values: Sequence[float], share: float) -> float | None:
    """The value below which ``share`` of them lie, by linear interpolation; None of nothing."""
    if not values:
        return None
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])


@dataclass(slots=True)
class Heard:
    """In which slots each address was heard: it sent something that began or ended there."""

    slots: set[tuple[int, int, int, int, int]] = field(default_factory=set)

    def add(self, activity: Columns, after: float = -math.inf) -> None:
        """Take in activity rows that begin at ``after`` (epoch seconds) or later."""
        rows = activity[activity["start"] * 1e-9 >= after]
        for side, sent in (("a", "packets_out"), ("b", "packets_in")):
            heard = rows[rows[sent] > 0]
            who = [heard[name].tolist() for name in (f"{side}_hi", f"{side}_lo", f"{side}_mac", "ip_version")]
            for moment in ("start", "end"):
                self.slots.update(zip((heard[moment] // (SLOT * 1_000_000_000)).tolist(), *who, strict=True))

    def device_days(self, device: Callable[[str], str | None]) -> dict[str, float]:
        """Active days of each device. An address that no device holds is heard through the card that carried it."""
        active: dict[str, set[int]] = {}
        for slot, hi, lo, mac, version in self.slots:
            holder = device(ip_text(hi, lo)) if version else device(mac_text(lo))
            if holder is None and mac:
                holder = device(mac_text(mac))
            if holder is not None:
                active.setdefault(holder, set()).add(slot)
        return {holder: len(slots) / SLOTS_A_DAY for holder, slots in sorted(active.items())}


@dataclass(frozen=True, slots=True)
class Rate:
    """False alarms over device-days, with the one-sided 95 % bound of their rate."""

    alarms: int
    device_days: float

    @property
    def rate(self) -> float | None:
        """A device-day; None where nothing was watched."""
        return self.alarms / self.device_days if self.device_days else None

    @property
    def bound(self) -> float | None:
        """Upper bound of the rate; None where nothing was watched."""
        return poisson_upper(self.alarms) / self.device_days if self.device_days else None

    @classmethod
    def of(cls, alarms: Mapping[str, int], days: Mapping[str, float]) -> Rate:
        """Of several devices together."""
        return cls(sum(alarms.values()), sum(days.values()))
