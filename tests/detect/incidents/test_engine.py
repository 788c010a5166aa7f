"""What belongs together is one incident, and what does not is not."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hauberk.detect.incidents.engine import IncidentEngine, Update
from hauberk.detect.incidents.limits import Limits, Spans
from hauberk.detect.state.codec import decode, encode
from hauberk.formats.ocsf import finding_uid
from hauberk.model.finding import Evidence, Finding, Severity
from hauberk.model.incident import Incident

Make = Callable[..., Finding]
HOUR = 3600.0
A, B, C, PLC, BROKER = "10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.1.1", "10.0.1.2"


def group(findings: Iterable[Finding], fleet: Any, **options: Any) -> list[Incident]:
    """The incidents of ``findings``."""
    engine = IncidentEngine(fleet, **options)
    for finding in findings:
        engine.observe(finding)
    return engine.incidents()


class TestTogether:
    """Bonds that make one incident."""

    def test_the_same_device(self, finding: Make, fleet: Any) -> None:
        """Two acts of one host within a sitting."""
        (incident,) = group([finding(0, "port_scan", A, B), finding(3 * HOUR, "address_scan", A, C)], fleet())
        assert [entry.detector for entry in incident.findings] == ["port_scan", "address_scan"]
        assert incident.addresses[0] == A

    def test_one_device_of_two_addresses(self, finding: Make, fleet: Any) -> None:
        """The record holds the card and the address."""
        card = "02:00:00:00:00:01"
        known = fleet(devices={A: "laptop", card: "laptop"})
        (incident,) = group([finding(0, "new_device", card), finding(60, "port_scan", A, B)], known)
        assert incident.devices[0] == "laptop"
        assert incident.addresses == (A, B)

    def test_later_stage_after_a_pause(self, finding: Make, fleet: Any) -> None:
        """Progress bridges what repetition does not."""
        assert len(group([finding(0, "port_scan", A, B), finding(20 * HOUR, "new_write", A, PLC)], fleet())) == 1
        assert len(group([finding(0, "new_write", A, PLC), finding(20 * HOUR, "port_scan", A, B)], fleet())) == 2

    def test_the_same_pair_in_either_direction(self, finding: Make, fleet: Any) -> None:
        """The victim answers back hours later."""
        assert len(group([finding(0, "custom", A, B), finding(6 * HOUR, "custom", B, A)], fleet())) == 1

    def test_the_target_becomes_a_source(self, finding: Make, fleet: Any) -> None:
        """Lateral movement: who was attacked acts against a third host."""
        (incident,) = group([finding(0, "excessive_logins", A, B), finding(2 * HOUR, "new_write", B, PLC)], fleet())
        assert incident.addresses[:2] == (A, B)
        assert incident.stages == ("Credential Access", "Impair Process Control")
        assert "10.0.0.1" in incident.summary
        assert "; then 10.0.0.2 wrote to 10.0.1.1" in incident.summary

    def test_an_act_before_the_attack_is_not_its_consequence(self, finding: Make, fleet: Any) -> None:
        """The order of times counts."""
        assert len(group([finding(0, "new_write", B, PLC), finding(2 * HOUR, "excessive_logins", A, B)], fleet())) == 2

    def test_who_was_only_scanned_is_tied_for_an_hour(self, finding: Make, fleet: Any) -> None:
        """A scan reaches everybody."""
        scan = finding(0, "port_scan", A, B)
        assert len(group([scan, finding(0.5 * HOUR, "new_write", B, PLC)], fleet())) == 1
        assert len(group([scan, finding(2 * HOUR, "new_write", B, PLC)], fleet())) == 2

    def test_many_sources_against_one_target(self, finding: Make, fleet: Any) -> None:
        """Three hosts that guess at one server within minutes act together."""
        sources = ["198.51.100.1", "198.51.100.2", "198.51.100.3"]
        found = [finding(60.0 * at, "excessive_logins", source, B) for at, source in enumerate(sources)]
        assert len(group(found[:2], fleet())) == 2
        assert len(group(found, fleet())) == 1

    def test_one_outside_host_for_several_devices(self, finding: Make, fleet: Any) -> None:
        """Two devices that meet the same stranger."""
        assert len(group([finding(0, "custom", A, "203.0.113.9"), finding(5 * HOUR, "custom", B, "203.0.113.9")], fleet())) == 1

    def test_one_indicator(self, finding: Make, fleet: Any) -> None:
        """The same indicator of compromise, by different detectors."""
        hit = (Evidence("indicator", "evil.example"),)
        found = [finding(0, "known_bad", A, evidence=hit), finding(5 * HOUR, "lookup", B, evidence=hit)]
        assert len(group(found, fleet())) == 1


class TestApart:
    """What must not be glued."""

    def test_unrelated_attacks(self, finding: Make, fleet: Any) -> None:
        """Different hosts, targets and times."""
        found = [
            finding(0, "port_scan", A, B),
            finding(30, "excessive_logins", A, B),
            finding(60, "flood", C, "10.0.2.9", reason=f"{C} flooded 10.0.2.9."),
        ]
        assert [len(incident.findings) for incident in group(found, fleet())] == [2, 1]

    @pytest.mark.parametrize("victim", [BROKER, PLC])
    def test_a_shared_victim_alone(self, finding: Make, fleet: Any, victim: str) -> None:
        """Two hosts, two kinds of act, one server that everybody uses."""
        known = fleet(infrastructure=frozenset({BROKER}), kinds={PLC: "plc"})
        assert len(group([finding(0, "port_scan", A, victim), finding(60, "new_write", C, victim)], known)) == 2
        assert len(group([finding(0, "port_scan", A, victim), finding(60, "port_scan", C, victim)], known)) == 2

    def test_a_scanned_name_server_that_is_found_later(self, finding: Make, fleet: Any) -> None:
        """Everybody meets it: that turns it not."""
        found = [finding(0, "port_scan", A, BROKER), finding(60, "address_scan", BROKER, C)]
        assert len(group(found, fleet(infrastructure=frozenset({BROKER})))) == 2

    def test_yesterday(self, finding: Make, fleet: Any) -> None:
        """The same scan a day later is another incident."""
        assert len(group([finding(0, "address_scan", A, B), finding(24 * HOUR, "address_scan", A, C)], fleet())) == 2

    def test_a_standing_weakness_never_joins_two_attacks(self, finding: Make, fleet: Any) -> None:
        """Two intruders sent passwords to one server in clear text."""
        weak = [finding(1, "cleartext_credentials", B, source, severity=Severity.LOW) for source in (A, C)]
        attacks = [finding(2, "excessive_logins", A, B), finding(3, "excessive_logins", C, B)]
        for order in (weak + attacks, attacks + weak, [weak[0], *attacks, weak[1]]):
            incidents = group(order, fleet())
            assert len(incidents) == 2
            assert sum(len(incident.findings) for incident in incidents) == 4

    def test_a_weakness_is_part_of_the_attack_that_uses_it(self, finding: Make, fleet: Any) -> None:
        """It joins, and neither its severity nor its stage speaks."""
        weak = finding(0, "internet_exposed_ot", PLC, "203.0.113.5", severity=Severity.CRITICAL)
        (incident,) = group([weak, finding(9, "excessive_logins", "203.0.113.5", PLC)], fleet())
        assert incident.severity is Severity.HIGH
        assert incident.stages == ("Credential Access",)
        assert len(incident.findings) == 2

    def test_small_findings_alone_are_no_incident(self, finding: Make, fleet: Any) -> None:
        """Low severity of one detector; two detectors are enough."""
        engine = IncidentEngine(fleet())
        low = finding(0, "custom", A, severity=Severity.LOW)
        assert engine.observe(low) is None
        assert engine.incident_of(low) is None
        update = engine.observe(finding(1, "other", A, severity=Severity.LOW))
        assert update is not None
        assert update.opened
        assert engine.incident_of(low) == update.incident


class TestIdentity:
    """Identifiers and updates."""

    def test_the_oldest_survives_and_names_the_others(self, finding: Make, fleet: Any) -> None:
        """Two incidents that turn out to be one."""
        engine = IncidentEngine(fleet())
        first, second = engine.observe(finding(0, "custom", A, B)), engine.observe(finding(9, "thing", C, PLC))
        assert first is not None
        assert second is not None
        update = engine.observe(finding(20, "new_write", A, C))
        assert update == Update(first.incident, False, True)
        update = engine.observe(finding(30, "custom", C, A))
        assert update is not None
        assert update.incident == first.incident
        assert update.merged == (second.incident,)
        assert engine.merged(first.incident) == (second.incident,)
        assert engine.incident(second.incident) == engine.incident(first.incident)
        assert len(engine.incidents()) == 1

    def test_repeating_a_finding_changes_nothing(self, finding: Make, fleet: Any) -> None:
        """The same finding again is none."""
        engine = IncidentEngine(fleet())
        engine.observe(finding(0, "custom", A, B))
        before = engine.incidents()
        assert engine.observe(finding(0, "custom", A, B)) is None
        assert engine.incidents() == before

    def test_updates_are_sparse(self, finding: Make, fleet: Any) -> None:
        """More of the same is no news."""
        engine = IncidentEngine(fleet())
        updates = [engine.observe(finding(at, "port_scan", A, f"10.0.2.{at}")) for at in range(50)]
        assert [(update.opened, update.changed) for update in updates if update is not None][:2] == [(True, False), (False, False)]
        assert sum(update.opened or update.changed for update in updates if update is not None) == 1


def _mixed(seed: int, make: Make) -> list[Finding]:
    """Findings over two days among a dozen hosts, often at the same moment."""
    chance = random.Random(seed)  # noqa: S311 - test data
    hosts = [f"10.0.0.{number}" for number in range(9)] + ["203.0.113.1", "203.0.113.2", "02:00:00:00:00:01"]
    kinds = ["port_scan", "excessive_logins", "new_write", "flood", "new_device", "cleartext_credentials", "custom"]
    return [
        make(
            float(chance.choice([0, 60, 300, 4000, 9000, 20000, 50000, 100000])),
            chance.choice(kinds),
            *chance.sample(hosts, chance.randint(1, 4)),
            severity=Severity(chance.randint(1, 4)),
        )
        for _ in range(chance.randint(1, 40))
    ]


def _is_weakness(entry: Finding) -> bool:
    return entry.detector == "cleartext_credentials" or entry.severity is Severity.INFORMATIONAL


def _acts(seed: int, make: Make) -> list[Finding]:
    """Those of ``_mixed`` that are no weaknesses, each once, all of them worth an incident."""
    found = {finding_uid(entry): entry for entry in _mixed(seed, make) if not _is_weakness(entry)}
    return [replace(entry, severity=max(entry.severity, Severity.MEDIUM)) for entry in found.values()]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 1 << 20))
def test_the_order_of_equal_times_does_not_matter(seed: int, finding: Make, fleet: Any) -> None:
    """Same groups, same identifiers, same words."""
    found = _acts(seed, finding)
    shuffled = list(found)
    random.Random(seed).shuffle(shuffled)  # noqa: S311 - test data
    known = fleet()
    one = group(sorted(found, key=lambda entry: entry.raised), known)
    other = group(sorted(shuffled, key=lambda entry: entry.raised), known)
    assert one == other


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 1 << 20))
def test_standing_weaknesses_join_no_attacks(seed: int, finding: Make, fleet: Any) -> None:
    """With or without them the attacks are grouped alike, and every finding is in at most one incident."""
    acts, known = _acts(seed, finding), fleet()
    weak = [entry for entry in _mixed(seed, finding) if _is_weakness(entry)]
    one = group(sorted([*acts, *weak], key=lambda entry: (entry.raised, finding_uid(entry))), known)
    parts = [[finding_uid(entry) for entry in incident.findings if not _is_weakness(entry)] for incident in one]
    alone = [[finding_uid(entry) for entry in incident.findings] for incident in group(acts, known)]
    assert sorted(filter(None, parts)) == sorted(alone)
    held = [id(entry) for incident in one for entry in incident.findings]
    assert len(held) == len(set(held))
    for incident in one:
        assert 0 < incident.confidence < 1
        assert incident.summary.endswith(".")
        assert all(before.raised <= after.raised for before, after in pairwise(incident.findings))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 1 << 20))
def test_attacks_group_the_same_in_any_order_of_arrival(seed: int, finding: Make, fleet: Any) -> None:
    """Also where findings come late; only the place of standing weaknesses depends on who came first."""
    found = _acts(seed, finding)
    shuffled = list(found)
    random.Random(seed + 1).shuffle(shuffled)  # noqa: S311 - test data
    known = fleet()
    assert [incident.id for incident in group(found, known)] == [incident.id for incident in group(shuffled, known)]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 1 << 20))
def test_updates_tell_what_there_is(seed: int, finding: Make, fleet: Any) -> None:
    """Who follows the updates knows every incident, and which went into which."""
    engine = IncidentEngine(fleet())
    known: set[str] = set()
    for entry in sorted(_mixed(seed, finding), key=lambda entry: entry.raised):
        update = engine.observe(entry)
        if update is None:
            continue
        assert update.opened == (update.incident not in known)
        assert set(update.merged) <= known
        known = (known | {update.incident}) - set(update.merged)
    assert known == {incident.id for incident in engine.incidents()}


def test_a_program_that_spreads_is_one_incident(finding: Make, fleet: Any) -> None:
    """A thousand devices scan and guess, each infected by another: one incident, at the price of its findings."""
    chance = random.Random(4)  # noqa: S311 - test data
    hosts = [f"10.0.{number // 250}.{number % 250 + 1}" for number in range(1000)]
    found = []
    for number, host in enumerate(hosts):
        found.append(finding(number * 0.5, "address_scan", host, *chance.sample(hosts, 5)))
        if number:
            found.append(finding(number * 0.5 - 0.1, "excessive_logins", hosts[chance.randrange(number)], host))
    found.sort(key=lambda entry: entry.raised)
    began = time.process_time()
    (incident,) = group(found, fleet())
    assert time.process_time() - began < 1.0
    assert len(incident.findings) == 1999
    assert "1,000 hosts" in incident.title
    assert len(incident.devices) == 1000


def test_memory_is_bounded(finding: Make, fleet: Any) -> None:
    """Old incidents are forgotten; so are findings of one beyond its limit, which are counted on."""
    limits = Limits(incidents=20, findings=5, remembered=30, bonds=50, entries=2)
    engine = IncidentEngine(fleet(), limits=limits)
    for number in range(300):
        engine.observe(finding(number * 86400.0, "custom", f"10.1.{number // 200}.{number % 200}", B))
    assert len(engine.incidents()) <= 20
    for number in range(100):
        engine.observe(finding(301 * 86400.0 + number, "custom", A, f"10.2.0.{number}"))
    latest = engine.incidents()[-1]
    assert len(latest.findings) == 5
    state = engine.state
    assert max(len(state.groups), len(state.parents), len(state.where)) <= 60
    assert len(state.bonds) <= 50


def test_the_state_can_be_kept_and_gone_on_from(finding: Make, fleet: Any) -> None:
    """Encoded and decoded between two findings it gives the same incidents; it is plain data."""
    found = _mixed(7, finding)
    whole = IncidentEngine(fleet())
    first = IncidentEngine(fleet())
    for entry in found[:10]:
        first.observe(entry)
    second = IncidentEngine(fleet())
    second.state = decode(encode(first.state), second.state)
    for entry in found[10:]:
        second.observe(entry)
    for entry in found:
        whole.observe(entry)
    assert second.incidents() == whole.incidents()


def test_spans_are_settings(finding: Make, fleet: Any) -> None:
    """A shorter memory splits."""
    found = [finding(0, "custom", A, B), finding(60, "custom", A, C)]
    assert len(group(found, fleet(), spans=Spans(actor=30, pair=30))) == 2


class TestAssessment:
    """How bad and how sure."""

    @pytest.mark.parametrize(
        "detector,kind,severity",
        [("port_scan", None, Severity.HIGH), ("new_write", "plc", Severity.CRITICAL), ("new_write", "light", Severity.HIGH)],
    )
    def test_harm_to_vital_devices_is_critical(
        self, finding: Make, fleet: Any, detector: str, kind: str | None, severity: Severity
    ) -> None:
        """A write to a controller is worse than one to a lamp."""
        kinds = {PLC: kind} if kind else {}
        (incident,) = group([finding(0, detector, A, PLC)], fleet(kinds=kinds))
        assert incident.severity is severity

    def test_the_owner_may_say_what_is_vital(self, finding: Make, fleet: Any) -> None:
        """What the owner says goes before the kind."""
        known = fleet(kinds={PLC: "light"})
        (incident,) = group([finding(0, "new_write", A, PLC)], known, criticality={known.device(PLC): 4})
        assert incident.severity is Severity.CRITICAL

    def test_doubt_lowers(self, finding: Make, fleet: Any) -> None:
        """Little evidence makes a little incident."""
        (incident,) = group([finding(0, "custom", A, B, score=1.5)], fleet())
        assert incident.severity is Severity.MEDIUM
        assert incident.confidence < 0.4

    def test_detectors_of_one_act_count_once(self, finding: Make, fleet: Any) -> None:
        """Two scans make no more sure than the better one; another stage does."""
        (alone,) = group([finding(0, "port_scan", A, B)], fleet())
        (twice,) = group([finding(0, "port_scan", A, B), finding(1, "address_scan", A, C)], fleet())
        (further,) = group([finding(0, "port_scan", A, B), finding(1, "new_write", A, PLC)], fleet())
        assert alone.confidence == twice.confidence < further.confidence

    def test_the_card_that_owns_the_address_is_not_the_intruder(self, finding: Make, fleet: Any) -> None:
        """Of two cards the stranger's is the source."""
        own, strange = "02:00:00:00:00:01", "02:00:00:00:00:02"
        known = fleet(devices={PLC: "plc", own: "plc", strange: "laptop", A: "laptop"})
        (incident,) = group([finding(0, "ip_mac_conflict", PLC, own, strange), finding(5, "port_scan", A, B)], known)
        assert incident.devices[0] == "laptop"
