"""How far apart in time findings may lie and still belong together, and how much is remembered.

Each span follows what the bond means: the more a bond says by itself, the longer it holds.
"""

from __future__ import annotations

from dataclasses import dataclass

_MINUTE, _HOUR = 60.0, 3600.0


@dataclass(frozen=True, slots=True)
class Spans:
    """Longest silence, in seconds of traffic, that each kind of bond bridges.

    ``actor``: the same device acts again; half a shift, so that one sitting of a person or one run of a program is one incident
    and yesterday's is another.
    ``stage``: the same device, now at a later stage of an attack; intruders wait, but progress ties what repetition does not.
    ``pair``: the same two hosts, in either direction; few pairs come up by chance.
    ``attacked``: a host that somebody logged in to, operated or wrote to begins to act.
    ``met``: one that was only searched or talked to does, which happens to every host of a scanned network: it ties at once only.
    ``campaign``: several devices do the same; programs that spread or were sent together do it within minutes.
    ``peer``: several devices meet the same outside host; command servers keep their address for a day.
    """

    actor: float = 4 * _HOUR
    stage: float = 24 * _HOUR
    pair: float = 12 * _HOUR
    attacked: float = 12 * _HOUR
    met: float = _HOUR
    campaign: float = 10 * _MINUTE
    peer: float = 24 * _HOUR


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of what correlation remembers.

    ``incidents``: incidents kept, the longest silent are forgotten first. ``findings``: findings kept of one incident; of more, the
    first stay and the rest are counted. ``remembered``: identifiers of findings whose incident is known. ``bonds``:
    things that later findings may share, the longest untouched are forgotten. ``entries``: separate episodes of one such thing.
    ``targets``: of one finding that are looked at. ``names``: addresses and merged identifiers listed for one incident.
    ``sources``, ``kinds``: devices from which on a campaign against one target, or of one kind of finding, is a campaign.
    """

    incidents: int = 4096
    findings: int = 8192
    remembered: int = 1 << 17
    bonds: int = 1 << 17
    entries: int = 16
    targets: int = 6
    names: int = 4096
    sources: int = 3
    kinds: int = 4
