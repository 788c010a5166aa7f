"""What operators say of findings: the very thing is silent from then on, all else speaks; what was an attack is never learned."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hauberk.detect.baseline import Baseline
from hauberk.detect.detectors.registry import detectors
from hauberk.detect.engine import DetectionEngine
from hauberk.detect.snapshot import Snapshot
from hauberk.detect.teaching import edit
from hauberk.detect.verdicts import Effect, Verdicts, record_of
from hauberk.errors import InputError, SettingError
from hauberk.model.finding import Finding
from hauberk.model.ids import DetectorId, DeviceId, FindingId
from hauberk.model.observation import Observations
from hauberk.model.verdict import Verdict, VerdictRecord

MASTER, PLC, OTHER, INTRUDER = "10.0.0.1", "10.0.1.1", "10.0.1.2", "10.0.0.66"
LEARNED = 1000.0
Make = Callable[[], Any]
Fill = Callable[[Any, float], None]


class Fleet:
    """Every private address is a device."""

    def device(self, address: str) -> DeviceId | None:
        """One device an address."""
        return DeviceId(address)

    def kind(self, address: str) -> str | None:
        """Unknown."""
        return None if address else ""

    def is_local(self, address: str) -> bool:
        """True in the private network that the tests use."""
        return address.startswith("10.")

    def is_infrastructure(self, address: str) -> bool:
        """Nobody is."""
        return not address


def crew(detector: str) -> tuple[str, ...]:
    """The detector, and the one that learns masters for it."""
    return (detector, "new_ot_master") if detector == "role_flip" else (detector,)


def begun(*only: str, snapshot: Snapshot | None = None, learn_until: float | None = None) -> DetectionEngine:
    """An engine with the detectors named."""
    chosen = [detector for detector in detectors() if detector.id in only]
    assert len(chosen) == len(only)
    return DetectionEngine(chosen, Fleet(), learn_until=learn_until, snapshot=snapshot)


def everyday(traffic: Any) -> None:
    """Half an hour of what is normal: one master polls and writes one device, and the devices answer."""
    for number in range(120):
        time = LEARNED - 1800 + 15 * number
        traffic.answered(time, MASTER, PLC, 502)
        traffic.say(time, MASTER, PLC, "modbus read_coils", thing=f"1/coil/{number % 4}")
        traffic.say(time + 0.1, PLC, MASTER, "modbus read_coils", "response", thing=f"1/coil/{number % 4}")
        traffic.tell(
            time + 1, MASTER, PLC, "modbus", "write_single_register", object=f"1/holding_register/{number % 4}",
            value=100.0 + number % 4, write=True, code=6,
        )  # fmt: skip


def write(operation: str, thing: str, who: str = MASTER, to: str = PLC, value: float | None = None) -> Fill:
    """Traffic with one write."""

    def fill(traffic: Any, time: float) -> None:
        traffic.tell(time, who, to, "modbus", operation, object=thing, value=value, write=True, code=6)

    return fill


def say(who: str, to: str, what: str, role: str = "request") -> Fill:
    """Traffic with one message."""
    return lambda traffic, time: traffic.say(time, who, to, what, role)


def knock(source: str, target: str) -> Fill:
    """Twelve ports tried in vain."""

    def fill(traffic: Any, time: float) -> None:
        for port in range(12):
            traffic.flow(time + port * 0.1, source, target, 1000 + port)

    return fill


def sweep(source: str, network: str) -> Fill:
    """Twenty addresses tried in vain, slowly enough to be told by their number."""

    def fill(traffic: Any, time: float) -> None:
        for number in range(20):
            traffic.flow(time + number, source, f"{network}.{number + 1}", 8080)

    return fill


def appear(card: int, address: str) -> Fill:
    """A device that sends."""
    return lambda traffic, time: traffic.flow(time, address, PLC, 80, a_mac=card)


SAME_AND_OTHER = [
    ("new_write", write("mask_write_register", "1/holding_register/1"),
     write("mask_write_register", "1/holding_register/1", to=OTHER)),
    ("new_ot_write_target", write("write_single_register", "1/holding_register/77"),
     write("write_single_register", "1/holding_register/99")),
    ("new_ot_master", say(INTRUDER, PLC, "modbus read_coils"), say(INTRUDER, OTHER, "modbus read_coils")),
    ("role_flip", say(PLC, OTHER, "modbus read_coils"), say(MASTER, OTHER, "modbus read_coils", "response")),
    ("new_ot_request", say(MASTER, PLC, "modbus reserved_99"), say(MASTER, PLC, "modbus reserved_98")),
    ("new_ot_read_range", lambda traffic, time: traffic.say(time, MASTER, PLC, "modbus read_coils", thing="1/coil/70"),
     lambda traffic, time: traffic.say(time, MASTER, PLC, "modbus read_coils", thing="1/coil/90")),
    ("new_ot_reporter", say(OTHER, MASTER, "dnp3 unsolicited_response", "event"),
     say("10.0.1.3", MASTER, "dnp3 unsolicited_response", "event")),
    ("new_device", appear(0x66, INTRUDER), appear(0x67, "10.0.0.67")),
    ("value_out_of_range", write("write_single_register", "1/holding_register/1", value=5000.0),
     write("write_single_register", "1/holding_register/1", value=9000.0)),
    ("port_scan", knock(INTRUDER, PLC), knock(INTRUDER, OTHER)),
    ("address_scan", sweep(INTRUDER, "10.0.2"), sweep("10.0.0.67", "10.0.2")),
]  # fmt: skip
CASES = pytest.mark.parametrize("detector,same,other", SAME_AND_OTHER, ids=[case[0] for case in SAME_AND_OTHER])
ALONE = pytest.mark.parametrize("detector,same", [case[:2] for case in SAME_AND_OTHER], ids=[case[0] for case in SAME_AND_OTHER])


def lesson(make: Make, detector: str, *more: Fill) -> Snapshot:
    """What was learned of normal traffic, and of ``more``, all of which happened twenty times."""
    traffic = make()
    everyday(traffic)
    for fill in more:
        fill(traffic, LEARNED - 600)
    engine = begun(*crew(detector), learn_until=LEARNED)
    for batch in traffic.batches():
        engine.observe(batch)
    return engine.snapshot()


def judged(make: Make, detector: str, snapshot: Snapshot, *fills: Fill, at: float = 10 * LEARNED) -> list[Finding]:
    """Findings of later traffic, each of ``fills`` an hour after the other."""
    found = run(make, begun(*crew(detector), snapshot=snapshot), *fills, at=at)
    return [finding for finding in found if finding.detector == detector]


def run(make: Make, engine: DetectionEngine, *fills: Fill, at: float = 10 * LEARNED) -> list[Finding]:
    """The same, in an engine that is there already."""
    traffic = make()
    for number, fill in enumerate(fills):
        fill(traffic, at + 3600 * number)
    return [finding for batch in traffic.batches() for finding in engine.observe(batch)]


def told(snapshot: Snapshot, findings: list[Finding], verdict: Verdict) -> Snapshot:
    """The snapshot after a verdict on every finding, read back from its file."""
    changed = edit(
        snapshot, detectors(), lambda room: [room.teach(record_of(finding, verdict, 5.0, "why")) for finding in findings]
    )
    return Snapshot.load(changed.dump())


@CASES
@pytest.mark.parametrize("verdict", [Verdict.LEARN, Verdict.BENIGN_POSITIVE, Verdict.FALSE_POSITIVE])
def test_the_very_thing_is_silent(detector: str, same: Fill, other: Fill, verdict: Verdict, make_traffic: Make) -> None:
    """Finding, verdict, the same traffic: nothing. Something else: said, as before."""
    learned = lesson(make_traffic, detector)
    found = judged(make_traffic, detector, learned, same)
    assert [finding.detector for finding in found] == [detector]
    taught = told(learned, found, verdict)
    assert judged(make_traffic, detector, taught, same) == []
    if not (detector == "value_out_of_range" and verdict is Verdict.FALSE_POSITIVE):  # then the detector errs on the point
        assert [finding.detector for finding in judged(make_traffic, detector, taught, same, other)] == [detector]


@ALONE
def test_an_attack_is_never_learned(detector: str, same: Fill, make_traffic: Make) -> None:
    """What was said to be a true positive is raised again, although a later lesson was full of it."""
    learned = lesson(make_traffic, detector)
    found = judged(make_traffic, detector, learned, same)
    locked = told(learned, found, Verdict.TRUE_POSITIVE)
    again = make_traffic()
    for number in range(20):
        same(again, 3 * LEARNED + 60 * number)
    begins = 3 * LEARNED + 100_000
    raised = {}
    for name, snapshot in (("plain", learned), ("locked", locked)):
        engine = begun(*crew(detector), snapshot=snapshot, learn_until=begins)
        for batch in again.batches():
            engine.observe(replace(batch, watermark=min(batch.watermark, begins - 1)))
        kept = Snapshot.load(engine.snapshot().dump())
        raised[name] = [finding.detector for finding in judged(make_traffic, detector, kept, same, at=begins + 100_000)]
        assert kept.verdicts.plain() == snapshot.verdicts.plain()
    assert raised["locked"] == [detector]
    if next(row for row in detectors() if row.id == detector).learned:
        assert raised["plain"] == []  # else the lesson taught nothing, and the lock is not what this test sees


@ALONE
@pytest.mark.parametrize("verdict", list(Verdict))
def test_a_verdict_can_be_forgotten(detector: str, same: Fill, verdict: Verdict, make_traffic: Make) -> None:
    """Afterwards everything is as it was before."""
    learned = lesson(make_traffic, detector)
    found = judged(make_traffic, detector, learned, same)
    taught = told(learned, found, verdict)
    assert len(taught.verdicts) == 1
    uid = next(iter(taught.verdicts)).record.finding
    undone = edit(taught, detectors(), lambda room: room.forget(uid))
    assert undone.baseline == learned.baseline
    assert len(undone.verdicts) == 0
    assert judged(make_traffic, detector, undone, same) == found


@pytest.mark.parametrize("verdict", [Verdict.LEARN, Verdict.BENIGN_POSITIVE, Verdict.FALSE_POSITIVE, Verdict.TRUE_POSITIVE])
def test_in_the_middle_of_a_stream(verdict: Verdict, make_traffic: Make) -> None:
    """An engine that runs is taught without a restart."""
    engine = begun("new_ot_master", snapshot=lesson(make_traffic, "new_ot_master"))
    fill = say(INTRUDER, PLC, "modbus read_coils")
    (finding,) = run(make_traffic, engine, fill)
    engine.teach(record_of(finding, verdict, 5.0))
    again = run(make_traffic, engine, fill, at=20 * LEARNED)
    assert len(again) == (verdict is Verdict.TRUE_POSITIVE)
    assert engine.suppressed == ({"new_ot_master": 1} if verdict is Verdict.FALSE_POSITIVE else {})
    engine.forget(engine.verdicts.of(FindingId(next(iter(engine.verdicts)).record.finding))[0].record.finding)
    assert len(run(make_traffic, engine, fill, at=40 * LEARNED)) == 1


def test_what_is_benign_stays_visible(make_traffic: Make) -> None:
    """A known scanner is counted, over restarts; what was to be learned is not; who erred is known by name."""
    learned = lesson(make_traffic, "port_scan")
    found = judged(make_traffic, "port_scan", learned, knock(INTRUDER, PLC))
    for verdict, count in ((Verdict.BENIGN_POSITIVE, 2), (Verdict.FALSE_POSITIVE, 2), (Verdict.LEARN, 0)):
        engine = begun("port_scan", snapshot=told(learned, found, verdict))
        assert run(make_traffic, engine, knock(INTRUDER, PLC), knock(INTRUDER, PLC)) == []
        kept = Snapshot.load(engine.snapshot().dump())
        assert sum(given.hidden for given in kept.verdicts) == engine.suppressed.total() == count
        assert kept.verdicts.erring() == ({"port_scan": 1} if verdict is Verdict.FALSE_POSITIVE else {})


def test_a_kind_of_write_is_allowed_where_it_was_seen(make_traffic: Make) -> None:
    """Who may write one register may not write the next: that becomes a write to a new object."""
    names = ("new_write", "new_ot_write_target")
    traffic = make_traffic()
    everyday(traffic)
    engine = begun(*names, learn_until=LEARNED)
    for batch in traffic.batches():
        engine.observe(batch)
    first, second = (write("mask_write_register", f"1/holding_register/{number}") for number in (500, 501))
    (finding,) = run(make_traffic, engine, first)
    assert finding.detector == "new_write"
    engine.teach(record_of(finding, Verdict.LEARN, 5.0))
    found = run(make_traffic, engine, first, second, at=20 * LEARNED)
    assert [finding.detector for finding in found] == ["new_ot_write_target"]
    assert "an operator allowed 1/holding_register/500" in found[0].reasons[1]
    engine.forget(next(iter(engine.verdicts)).record.finding)
    assert [one.detector for one in run(make_traffic, engine, first, at=60 * LEARNED)] == ["new_write"]


def test_a_lock_is_not_argued_with(make_traffic: Make) -> None:
    """The same thing seen again cannot be learned until the lock is forgotten; the other way round the lock wins."""
    fill = say(INTRUDER, PLC, "modbus read_coils")
    engine = begun("new_ot_master", snapshot=lesson(make_traffic, "new_ot_master"))
    first, second = run(make_traffic, engine, fill, fill)
    engine.teach(record_of(first, Verdict.TRUE_POSITIVE, 5.0))
    with pytest.raises(SettingError, match="true positive"):
        engine.teach(record_of(second, Verdict.LEARN, 6.0))
    engine.forget(next(iter(engine.verdicts)).record.finding)
    assert engine.teach(record_of(second, Verdict.LEARN, 6.0)).given.effect is Effect.LEARNED
    done = engine.teach(record_of(first, Verdict.TRUE_POSITIVE, 7.0))
    assert [given.record.verdict for given in done.withdrawn] == [Verdict.LEARN]
    assert len(run(make_traffic, engine, fill, at=50 * LEARNED)) == 1


def test_a_changed_mind_replaces_the_verdict(make_traffic: Make) -> None:
    """One finding has one verdict, the last; nothing is left of the one before."""
    fill = say(INTRUDER, PLC, "modbus read_coils")
    learned = lesson(make_traffic, "new_ot_master")
    found = judged(make_traffic, "new_ot_master", learned, fill)
    taught = told(told(learned, found, Verdict.LEARN), found, Verdict.FALSE_POSITIVE)
    assert [given.effect for given in taught.verdicts] == [Effect.SUPPRESSED]
    assert taught.baseline == learned.baseline


def test_states_are_as_they_were(make_traffic: Make) -> None:
    """Teaching one thing changes nothing else in the file: neither times nor limits nor other states."""
    learned = lesson(make_traffic, "new_ot_write_target")
    found = judged(make_traffic, "new_ot_write_target", learned, write("write_single_register", "1/holding_register/77"))
    taught = told(learned, found, Verdict.FALSE_POSITIVE)
    assert taught.dump() != learned.dump()
    assert replace(taught, verdicts=Verdicts()).dump() == learned.dump()


def test_a_detector_that_is_off_is_silent_when_it_is_on_again(make_traffic: Make) -> None:
    """It cannot learn now, so that what was judged is kept back later."""
    learned = lesson(make_traffic, "new_ot_master")
    fill = say(INTRUDER, PLC, "modbus read_coils")
    found = judged(make_traffic, "new_ot_master", learned, fill)
    engine = begun("port_scan", snapshot=learned)
    assert engine.teach(record_of(found[0], Verdict.LEARN, 5.0)).given.effect is Effect.SUPPRESSED
    assert judged(make_traffic, "new_ot_master", engine.snapshot(), fill) == []


def test_values_between_the_usual_and_what_was_allowed(make_traffic: Make) -> None:
    """Who allowed a large amount allowed smaller ones, where the point takes amounts."""
    traffic = make_traffic()
    for number in range(60):
        fill = write("write_single_register", "1/holding_register/1", value=100.0 + number % 20)
        fill(traffic, LEARNED - 600 + number)
    engine = begun("value_out_of_range", learn_until=LEARNED)
    for batch in traffic.batches():
        engine.observe(batch)
    learned = engine.snapshot()
    far, near, further = (write("write_single_register", "1/holding_register/1", value=value) for value in (5000.0, 3000.0, 9000.0))
    found = judged(make_traffic, "value_out_of_range", learned, far)
    taught = told(learned, found, Verdict.LEARN)
    assert judged(make_traffic, "value_out_of_range", learned, near) != []
    assert judged(make_traffic, "value_out_of_range", taught, near) == []
    assert len(judged(make_traffic, "value_out_of_range", taught, near, further)) == 1


_TEXT = st.text(max_size=12)
_RECORDS = st.builds(
    VerdictRecord,
    finding=_TEXT.map(FindingId),
    detector=_TEXT.map(DetectorId),
    device=st.none() | _TEXT.map(DeviceId),
    addresses=st.lists(_TEXT, max_size=4).map(tuple),
    verdict=st.sampled_from(Verdict),
    note=_TEXT,
    time=st.floats(allow_nan=False, allow_infinity=False),
    things=st.lists(st.tuples(_TEXT, _TEXT | st.floats(allow_nan=False, allow_infinity=False)), max_size=3).map(tuple),
)


@settings(deadline=None)
@given(st.lists(_RECORDS, max_size=6))
def test_any_verdict_survives_the_file(records: list[VerdictRecord]) -> None:
    """Round trip through a file, whatever the words."""

    def change(room: Any) -> None:
        for record in records:
            try:
                room.teach(record)
            except SettingError:
                continue  # said to be an attack before

    snapshot = edit(Snapshot(Baseline(until=1.0), {}, {}), detectors(), change)
    loaded = Snapshot.load(snapshot.dump())
    assert loaded.verdicts.plain() == snapshot.verdicts.plain()
    assert loaded.dump() == snapshot.dump()


@pytest.mark.parametrize(
    "damage",
    [
        {"verdict": "perhaps"}, {"effect": "none"}, {"hidden": -1}, {"hidden": 1.5}, {"addresses": "10.0.0.1"}, {"time": math.inf},
        {"things": [["a"]]}, {"things": [["a", None]]}, {"note": 3}, {"note": "x" * 1001}, {"device": 7},
    ],
)  # fmt: skip
def test_damaged_verdicts_are_refused(damage: dict[str, object]) -> None:
    """A verdict decides what is silent, so that none is guessed at."""
    record = VerdictRecord(FindingId("f"), DetectorId("d"), None, ("10.0.0.1",), Verdict.LEARN, "", 1.0)
    snapshot = edit(Snapshot(Baseline(), {}, {}), detectors(), lambda room: room.teach(record))
    (row,) = snapshot.verdicts.plain()
    assert len(Verdicts.from_plain([row])) == 1
    with pytest.raises(InputError):
        Verdicts.from_plain([{**row, **damage}])
    for missing in row:
        with pytest.raises(InputError):
            Verdicts.from_plain([{name: value for name, value in row.items() if name != missing}])
    with pytest.raises(InputError):
        Verdicts.from_plain({"rows": []})


def test_nothing_is_hidden_without_a_verdict() -> None:
    """The empty list keeps nothing back."""
    assert begun("port_scan").observe(Observations()) == []
    assert len(Verdicts()) == 0
