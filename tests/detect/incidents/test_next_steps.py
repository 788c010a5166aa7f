"""Next steps: what may be foretold, and whether the ranking is worth anything.

The campaigns are simulated, and by the hand that wrote the ranking: they show that it does what it claims, not how well it does in
the world. They follow rules of their own (an intruder goes where a search succeeded or where a controller is), which
traffic volume does not know.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hauberk.detect.incidents.engine import IncidentEngine
from hauberk.detect.incidents.next_steps import STEPS, rank, rank_targets
from hauberk.detect.tactics import tactics_of
from hauberk.model.finding import Finding

Make = Callable[..., Finding]


@dataclass(frozen=True)
class Seen:
    """A link."""

    src: str
    dst: str
    service: str
    packets: int
    answers: int = 1


@dataclass
class Site:
    """A simulated site: offices, cameras and their recorder, controllers and their panel, one broker for all."""

    kinds: dict[str, str]
    links: list[Seen]


def _site(chance: random.Random) -> Site:
    kinds = {"10.0.0.1": "router", "10.0.0.2": "broker", "10.0.0.3": "hmi", "10.0.0.4": "video_recorder", "10.0.0.5": "computer"}
    for last in range(20, 20 + chance.randint(3, 8)):
        kinds[f"10.0.0.{last}"] = "camera"
    for last in range(40, 40 + chance.randint(2, 6)):
        kinds[f"10.0.0.{last}"] = "plc"
    for last in range(60, 60 + chance.randint(4, 12)):
        kinds[f"10.0.0.{last}"] = chance.choice(["sensor", "computer", "printer", "iot_device"])
    links = []
    for address, kind in kinds.items():
        if kind not in {"router", "broker"}:
            links.append(Seen(address, "10.0.0.1", "dns", chance.randint(20, 500)))
        if kind == "camera":
            links += [Seen("10.0.0.4", address, "tcp", chance.randint(20_000, 200_000))]
            links += [Seen("10.0.0.5", address, "http", chance.randint(10, 400))]
        if kind == "plc":
            links += [Seen("10.0.0.3", address, "modbus", chance.randint(5_000, 20_000))]
        if kind in {"sensor", "iot_device", "hmi", "plc"}:
            links.append(Seen(address, "10.0.0.2", "mqtt", chance.randint(500, 9_000)))
        if kind == "computer":
            peers = chance.sample([other for other in kinds if other != address], min(4, len(kinds) - 1))
            links += [Seen(address, peer, "http", chance.randint(5, 3_000)) for peer in peers]
            links.append(Seen(address, f"203.0.113.{chance.randint(1, 9)}", "tls", chance.randint(1_000, 90_000)))
    if chance.random() < 0.5:
        links.append(Seen("10.0.0.5", "10.0.0.3", "tcp", chance.randint(50, 900)))
    return Site(kinds, links)


def _campaign(chance: random.Random, site: Site, make: Make) -> tuple[list[Finding], list[str]]:
    """Findings of an intruder who wanders from a computer to a controller, and whom each step was against (empty: nobody)."""
    held, time = "10.0.0.5", 0.0
    findings, truth = [], []
    peers: dict[str, set[str]] = {}
    for link in site.links:
        peers.setdefault(link.src, set()).add(link.dst)
        peers.setdefault(link.dst, set()).add(link.src)
    for _ in range(4):
        near = sorted(peer for peer in peers.get(held, ()) if peer in site.kinds)
        if not near:
            break
        if chance.random() < 0.6:
            searched = chance.sample(near, min(3, len(near)))
            findings.append(make(time, "address_scan", held, *searched))
            truth.append("")
            near = searched
        controllers = [peer for peer in near if site.kinds[peer] == "plc"]
        target = chance.choice(controllers or near)
        time += chance.uniform(10, 900)
        findings.append(make(time, "new_write" if controllers else "excessive_logins", held, target))
        truth.append(target)
        if chance.random() < 0.6:
            held = target
        time += chance.uniform(10, 900)
    return findings, truth


def _by_volume(incident: Any, links: list[Seen]) -> list[str]:
    """The naive ranking: who exchanged most packets with the hosts that act or were attacked."""
    held = {address for finding in incident.findings for address in finding.addresses[:1]}
    held |= {finding.addresses[1] for finding in incident.findings if finding.detector != "address_scan"}
    volume: dict[str, int] = {}
    for link in links:
        for via, peer in ((link.src, link.dst), (link.dst, link.src)):
            if via in held:
                volume[peer] = volume.get(peer, 0) + link.packets
    actors = {finding.addresses[0] for finding in incident.findings}
    return sorted(volume.keys() - actors, key=lambda address: (-volume[address], address))


def _reciprocal(ranking: list[str], truth: str) -> float:
    return 1.0 / (ranking.index(truth) + 1) if truth in ranking else 0.0


def measure(seeds: range, make: Make, fleet: Any) -> tuple[float, float, float, float, int]:
    """Mean reciprocal rank and share within the first three, of the model and of the naive ranking; number of steps foretold."""
    scores: list[tuple[float, float]] = []
    for seed in seeds:
        chance = random.Random(seed)  # noqa: S311 - test data
        site = _site(chance)
        findings, truth = _campaign(chance, site, make)
        known = fleet(kinds=site.kinds, infrastructure=frozenset({"10.0.0.1", "10.0.0.2"}))
        engine = IncidentEngine(known)
        for at, finding in enumerate(findings[:-1]):
            engine.observe(finding)
            incidents = engine.incidents()
            if truth[at + 1] and len(incidents) == 1:
                ranked = rank_targets(incidents[0], site.links, known)
                scores.append(
                    (_reciprocal(ranked, truth[at + 1]), _reciprocal(_by_volume(incidents[0], site.links), truth[at + 1]))
                )
    count = len(scores)
    mine, naive = zip(*scores, strict=True)
    return (
        sum(mine) / count, sum(naive) / count, sum(score > 0.3 for score in mine) / count,
        sum(score > 0.3 for score in naive) / count, count,
    )  # fmt: skip


def test_the_ranking_beats_traffic_volume(finding: Make, fleet: Any) -> None:
    """On simulated campaigns the true next target stands higher than in the naive ranking, by a clear margin."""
    mine, naive, within_three, naive_three, count = measure(range(200), finding, fleet)
    assert count > 300
    assert mine > naive + 0.1
    assert within_three > naive_three + 0.1


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 1 << 20))
def test_probabilities_are_shares(seed: int, finding: Make, fleet: Any) -> None:
    """They add up to one at most, fall, and are of hosts that were seen; each has its reason."""
    chance = random.Random(seed)  # noqa: S311 - test data
    site = _site(chance)
    engine = IncidentEngine(fleet(kinds=site.kinds))
    for entry in _campaign(chance, site, finding)[0]:
        engine.observe(entry)
    hosts = {link.src for link in site.links} | {link.dst for link in site.links}
    for incident in engine.incidents():
        steps = rank(incident, site.links, engine.fleet, 10_000)
        assert 0 <= sum(step.probability for step in steps) <= 1.001
        assert len({step.target for step in steps}) == len(steps)
        assert [step.probability for step in steps] == sorted((step.probability for step in steps), reverse=True)
        assert {step.target for step in steps} <= hosts
        assert all(step.target in step.reason for step in steps)


def test_nobody_is_foretold_without_links(finding: Make, fleet: Any) -> None:
    """No observed link, no prediction; a knock that nobody answered is no link."""
    engine = IncidentEngine(fleet())
    engine.observe(finding(0, "port_scan", "10.0.0.1", "10.0.0.2"))
    (incident,) = engine.incidents()
    assert rank(incident, [], engine.fleet) == ()
    assert rank(incident, [Seen("10.0.0.1", "10.0.0.2", "tcp", 9, 0)], engine.fleet) == ()
    assert rank(incident, [Seen("10.0.0.1", "224.0.0.1", "udp", 9)], engine.fleet) == ()


def test_a_searched_controller_comes_first(finding: Make, fleet: Any) -> None:
    """Before the busy server and the name server."""
    known = fleet(kinds={"10.0.0.9": "plc"}, infrastructure=frozenset({"10.0.0.53"}))
    links = [
        Seen("10.0.0.1", "10.0.0.9", "modbus", 40),
        Seen("10.0.0.1", "10.0.0.8", "http", 90_000),
        Seen("10.0.0.1", "10.0.0.53", "dns", 9_000),
    ]
    engine = IncidentEngine(known)
    engine.observe(finding(0, "port_scan", "10.0.0.1", "10.0.0.9"))
    (incident,) = engine.incidents()
    step = rank(incident, links, known)[0]
    assert step.target == "10.0.0.9"
    assert "(plc), which was met but not yet attacked" in step.reason


def test_every_foretold_technique_is_known() -> None:
    """Names and tactics come from the table."""
    assert all(tactics_of(technique) for technique in STEPS)
