"""What findings share: things (a device, a pair of hosts, a target) with the times at which they came up.

A bond is an undirected fact about two findings: they share a thing and lie no further apart than its span. So what belongs together
does not depend on the order of arrival. Every thing keeps its episodes as intervals, not its findings: a finding costs the
few things it names, however many came before.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Final

Thing = tuple[Hashable, ...]


@dataclass(slots=True)
class Entry:
    """One episode of a thing: when it was first and last seen, in which groups (numbers), by whom.

    ``who`` holds no more names than tell a campaign, which bounds ``groups``: one group where the episode binds already, else
    those of the few names, each of which acts in few groups within an episode.
    """

    first: float
    last: float
    groups: list[int] = field(default_factory=list)
    who: list[str] = field(default_factory=list)


class Bonds:
    """Things and their episodes, of bounded number."""

    def __init__(self, things: int, entries: int) -> None:
        self._things: Final = things
        self._entries: Final = entries
        self._known: OrderedDict[Thing, list[Entry]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def find(self, thing: Thing, since: float, until: float) -> list[int]:
        """Groups of the episodes of ``thing`` that touch the time between ``since`` and ``until``."""
        known = self._known.get(thing)
        if known is None:
            return []
        return [group for entry in known if entry.first <= until and entry.last >= since for group in entry.groups]

    def bound(self, thing: Thing, time: float, span: float, who: str = "", least: int = 1) -> list[int]:
        """Groups that ``thing`` would bind if ``who`` came up with it at ``time``; see ``join``."""
        met = [entry for entry in self._known.get(thing, ()) if entry.first - span <= time <= entry.last + span]
        binds = least == 1 or len({who, *(name for entry in met for name in entry.who)}) >= least
        return [group for entry in met for group in entry.groups] if binds else []

    def join(self, thing: Thing, time: float, span: float, group: int, who: str = "", least: int = 1) -> None:
        """Note that ``who`` of ``group`` came up with ``thing`` at ``time``.

        A thing binds from ``least`` different ``who`` on within an episode, whose parts lie no more than ``span`` apart.
        """
        entries = self._touch(thing)
        met = [entry for entry in entries if entry.first - span <= time <= entry.last + span]
        if not met:
            self._add(entries, Entry(time, time, [group], [who]))
            return
        episode, *others = met
        for other in others:
            episode.groups += other.groups
            episode.who += other.who
            entries.remove(other)
        episode.first = min(time, *(entry.first for entry in met))
        episode.last = max(time, *(entry.last for entry in met))
        episode.who = list(dict.fromkeys([*episode.who, who]))[:least]
        binds = len(episode.who) >= least
        episode.groups = [group] if binds else list(dict.fromkeys([*episode.groups, group]))

    def note(self, thing: Thing, time: float, span: float, group: int) -> None:
        """Note that ``group`` met ``thing``, without binding whom it met before; episodes of different groups stay apart."""
        entries = self._touch(thing)
        for entry in entries:
            if entry.groups == [group] and entry.first - span <= time <= entry.last + span:
                entry.first, entry.last = min(entry.first, time), max(entry.last, time)
                return
        self._add(entries, Entry(time, time, [group]))

    def _touch(self, thing: Thing) -> list[Entry]:
        """The episodes of ``thing``, which is now the one touched last."""
        entries = self._known.get(thing)
        if entries is None:
            entries = self._known[thing] = []
            if len(self._known) > self._things:
                self._known.popitem(last=False)
        else:
            self._known.move_to_end(thing)
        return entries

    def _add(self, entries: list[Entry], entry: Entry) -> None:
        """Add an episode; the one that ended first is forgotten where there are too many."""
        if len(entries) >= self._entries:
            entries.remove(min(entries, key=lambda known: known.last))
        entries.append(entry)
