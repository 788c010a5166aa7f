"""What holds for every detector there is, or will be: the registry names them."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from hauberk.detect.detectors.interface import Detector
from hauberk.detect.detectors.registry import detectors
from hauberk.detect.engine import DetectionEngine
from hauberk.detect.snapshot import Snapshot
from hauberk.detect.state.size import bytes_per_device, held, state_of, written
from hauberk.model.finding import Finding
from hauberk.model.flow import ACTIVITY, CLAIM_ARP_REQUEST, STATE_ESTABLISHED, STATE_FIRST, STATE_SYN
from hauberk.model.ids import DeviceId
from hauberk.model.observation import Observations
from hauberk.model.transaction import Transaction

LEARN_UNTIL = 45.0
END = 110.0
CUTS = (3.0, 12.0, 31.5, 44.2, 52.0, 60.25, 77.7, 78.0, 95.0)
ALL = pytest.mark.parametrize("detector", detectors(), ids=lambda detector: detector.id)
_ADAPTING = frozenset({"unusual_volume", "unusual_contacts"})
"""They go on learning while they judge, and keep what they learned: what was met in one stream is known in the next."""
Signs = list[tuple[str, str, str, float, float]]


class Fleet:
    """Every private address is a device."""

    def device(self, address: str) -> DeviceId | None:
        """One device an address."""
        return DeviceId(address)

    def kind(self, address: str) -> str | None:
        """Controllers and clients, by their network."""
        return "plc" if address.startswith("10.0.1.") else None

    def is_local(self, address: str) -> bool:
        """True in the private network that the tests use."""
        return address.startswith("10.")

    def is_infrastructure(self, address: str) -> bool:
        """Nobody is."""
        return not address


def busy(traffic: Any, seed: int, grain: float = 0.0) -> Any:
    """Something of everything that a detector looks at: a learned part, then attacks. ``grain``: times are multiples of it."""
    chance = random.Random(seed)  # noqa: S311 - test data

    def when(low: float, high: float) -> float:
        time = chance.uniform(low, high)
        return round(time / grain) * grain if grain else time

    for number in range(240):
        time = when(0, END)
        who, whom = f"10.0.0.{chance.randrange(4)}", f"10.0.1.{chance.randrange(6)}"
        traffic.answered(time, who, whom, 502)
        traffic.tell(time, who, whom, "modbus", "read_holding_registers", code=3, object=f"{chance.randrange(5)}:2")
        traffic.tell(time, whom, who, "modbus", "read_holding_registers", role="response", code=3, value=(number, 2))
        traffic.tell(time, who, whom, "modbus", "write_single_register", code=6, object="40001", value=number % 7, write=True)
        traffic.tell(time, who, "10.0.1.9", "dns", "a", object="a.example")
        traffic.tell(time, who, "10.0.1.8", "mqtt", "connect", object=f"client-{chance.randrange(3)}")
        traffic.claim(time, who, chance.randrange(1, 3))
    for number in range(60):
        time = when(60, 100)
        traffic.flow(time, "10.0.0.66", f"10.0.2.{number}", chance.choice([23, 502]), a_mac=0x66)
        traffic.flow(time, "10.0.0.67", "10.0.1.1", 1000 + number, chance.choice([6, 17]), a_mac=0x67)
        traffic.claim(time, f"10.0.0.{chance.randrange(3)}", chance.randrange(1, 3))
        traffic.claim(time, "10.0.0.66", 0x66, CLAIM_ARP_REQUEST, f"10.0.3.{number}")
        traffic.flow(time, "198.18.0.7", "10.0.1.2", 80, syn_out=20 + number)
        traffic.flow(time, "10.0.0.69", "10.0.1.3", 0, 1, packets_out=100)
        traffic.flow(time, "10.0.0.1", f"203.0.113.{number}", 443, packets_in=9, bytes_out=90000, payload_in=10, packets_out=70)
        who, whom = f"10.0.0.{chance.randrange(40, 44)}", f"10.0.1.{chance.randrange(2)}"
        traffic.tell(time, who, whom, "modbus", "write_multiple_registers", code=16, object=f"{number}:1", value=1e9, write=True)
        traffic.say(time, who, whom, f"dnp3 {chance.choice(['read', 'restart!'])}", status=chance.choice(["ok", "malformed"]))
        traffic.say(time, whom, who, "modbus read", "response", chance.choice(["illegal_data_address", "b"]), str(number))
        traffic.say(time, "10.0.1.4", "10.0.0.70", "ftp login", "response", chance.choice(["bad", "worse"]))
        traffic.say(time, "8.8.8.8", whom, "modbus read")
        traffic.say(time, "10.0.0.71", "10.0.1.5", "ssh banner")
        traffic.say(time, "10.0.1.5", "10.0.0.72", "modbus read", "response", "illegal_data_address", str(number))
        traffic.say(time, "10.0.1.0", "10.0.1.5", "modbus read")
    for number in range(4):
        time = when(70, 100)
        traffic.tell(
            time, "10.0.0.0", "10.0.1.0", "modbus", "write_single_register", code=6, object=f"{45000 + number}", write=True
        )
        traffic.tell(time, "10.0.0.0", "10.0.1.0", "modbus", "read_file_record", code=20, object="7:1")
    for _ in range(600):
        traffic.say(when(60, 68), "10.0.0.1", "10.0.1.1", "dnp3 operate!")
    return traffic


def run(engine: DetectionEngine, batches: Iterable[Observations]) -> list[Finding]:
    """Findings of all batches."""
    return [finding for batch in batches for finding in engine.observe(batch)]


def begin(chosen: Sequence[Detector], **options: Any) -> DetectionEngine:
    """An engine with the detectors chosen, switched on."""
    rows = [replace(row, enabled=True) for row in chosen]
    return DetectionEngine(rows, Fleet(), **{"learn_until": LEARN_UNTIL, **options})


def signs(findings: Iterable[Finding], rename: Callable[[str], str] = str) -> Signs:
    """Who is accused of what, when; in an order that does not depend on who is called what."""
    return sorted(
        (finding.detector, finding.title, rename((finding.addresses or ("",))[0]), finding.first_evidence, finding.raised)
        for finding in findings
    )


@cache
def _made(make: Callable[[], Any]) -> list[Observations]:
    parts: list[Observations] = busy(make(), 1).batches(CUTS)
    return parts


@pytest.fixture
def batches(make_traffic: Callable[[], Any]) -> list[Observations]:
    """Busy traffic in several batches, made once."""
    return _made(make_traffic)


def test_the_traffic_is_worth_the_name(batches: list[Observations]) -> None:
    """Many detectors find something in it, else the rest proves little."""
    findings = run(begin(detectors()), batches)
    assert len({finding.detector for finding in findings}) >= 16
    assert len(findings) < 400


@ALL
def test_the_same_twice(detector: Detector, batches: list[Observations]) -> None:
    """Same traffic, same findings to the last bit, same state."""
    engines = [begin([detector]) for _ in range(2)]
    first, second = (run(engine, batches) for engine in engines)
    assert first == second
    assert engines[0].snapshot().dump() == engines[1].snapshot().dump()


@ALL
@pytest.mark.parametrize("at", [1, 5, len(CUTS)])
def test_a_snapshot_goes_on_as_if_nothing_had_been(detector: Detector, at: int, batches: list[Observations]) -> None:
    """Stopped, written, read and resumed: the same findings to the last bit, and the same bytes at the end."""
    whole = begin([detector])
    expected = run(whole, batches)
    broken = begin([detector])
    found = run(broken, batches[:at])
    saved = broken.snapshot("1").dump()
    resumed = begin([detector], snapshot=Snapshot.load(saved))
    assert resumed.snapshot("1").dump() == saved
    found += run(resumed, batches[at:])
    assert found == expected
    assert resumed.snapshot().dump() == whole.snapshot().dump()


def test_a_snapshot_of_all_goes_on_at_any_point(make_traffic: Callable[[], Any]) -> None:
    """After every batch, with all detectors together."""
    parts = busy(make_traffic(), 2).batches(CUTS)
    whole = begin(detectors())
    expected = run(whole, parts)
    engine, found = begin(detectors()), []
    for part in parts:
        found += engine.observe(part)
        engine = begin(detectors(), snapshot=Snapshot.load(engine.snapshot().dump()))
    assert found == expected
    assert engine.snapshot().dump() == whole.snapshot().dump()


def test_a_process_goes_on_over_a_snapshot(tank: Callable[..., Any]) -> None:
    """What was learned of values, relations and rhythms resumes to the last bit, and serves another stream too."""
    plant = tank(7)
    plant.live(2500)
    middle = plant.time
    plant.live(2500)
    until = plant.time + 0.001
    plant.live(200)
    quiet = plant.time
    plant.write(11, 95)
    plant.live(100, lambda _, row: [row[0] + 3000, *row[1:]])
    parts = plant.observations((middle, until, quiet))
    whole = begin(detectors(), learn_until=until)
    expected = run(whole, parts)
    assert {finding.detector for finding in expected} >= {"value_out_of_range"}
    engine, found, known = begin(detectors(), learn_until=until), [], []
    for part in parts:
        found += engine.observe(part)
        known.append(Snapshot.load(engine.snapshot().dump()))
        engine = begin(detectors(), learn_until=until, snapshot=known[-1])
    assert found == expected
    assert engine.snapshot().dump() == whole.snapshot().dump()
    plant.messages, plant.time = [], plant.time + 1e7
    plant.live(100, lambda _, row: [row[0] + 3000, *row[1:]])
    later = plant.observations()
    findings = [run(begin(detectors(), learn_until=None, snapshot=snapshot), later) for snapshot in (known[1], known[3])]
    assert "value_out_of_range" in {finding.detector for finding in findings[0]}
    assert findings[1] == findings[0]


@ALL
def test_addresses_are_names(detector: Detector, make_traffic: Callable[[], Any]) -> None:
    """With other numbers for the hosts of each network, the same is said of the same hosts."""

    def rename(address: str) -> str:
        head, _, last = address.rpartition(".")
        return f"{head}.{(int(last) * 19 + 5) % 251}" if head.count(".") == 2 and last.isdecimal() else address

    plain, renamed = make_traffic(), make_traffic()
    busy(plain, 3)
    for name in ("flow", "claim", "tell", "say"):
        setattr(renamed, name, _renaming(getattr(renamed, name), rename))
    busy(renamed, 3)
    expected = signs(run(begin([detector]), plain.batches(CUTS)), rename)
    assert signs(run(begin([detector]), renamed.batches(CUTS))) == expected


def _renaming(call: Callable[..., None], rename: Callable[[str], str]) -> Callable[..., None]:
    def renamed(time: float, *given: Any, **named: Any) -> None:
        call(time, *(rename(item) if isinstance(item, str) else item for item in given), **named)

    return renamed


@ALL
def test_order_within_a_moment_says_nothing(detector: Detector, make_traffic: Callable[[], Any]) -> None:
    """Rows of the same time in any order accuse the same hosts at the same times."""
    parts = busy(make_traffic(), 4, grain=0.5).batches(CUTS)
    mixed = [_mixed(part, np.random.default_rng(number)) for number, part in enumerate(parts)]
    assert signs(run(begin([detector]), mixed)) == signs(run(begin([detector]), parts))


def _mixed(batch: Observations, chance: np.random.Generator) -> Observations:
    """``batch`` with rows of equal time in another order."""
    activity = batch.activity[np.lexsort((chance.random(len(batch.activity)), batch.activity["start"]))]
    claims = batch.claims[np.lexsort((chance.random(len(batch.claims)), batch.claims["time"]))]
    return replace(batch, activity=activity, claims=claims)


@ALL
def test_nothing_is_there(detector: Detector) -> None:
    """Empty batches and marks that are no times neither find nor break anything."""
    engine = begin([detector])
    marks = (-math.inf, 0.0, math.nan, 50.0, 40.0, math.inf, math.nan, 60.0, -math.inf)
    assert not run(engine, [Observations(watermark=mark) for mark in marks])
    Snapshot.load(engine.snapshot().dump())


@ALL
def test_fields_that_are_missing(detector: Detector, make_traffic: Callable[[], Any], batches: list[Observations]) -> None:
    """Messages without object, value, ports or code, with empty or strange words, while learning and while judging."""
    traffic = make_traffic()
    values: tuple[Any, ...] = (None, "", 0, -1, True, math.nan, math.inf, 1 << 80, (), (None, "", math.nan), "\ud800", "x" * 5000)
    for time in (10.0, 20.0, 70.0, 80.0):
        for protocol in ("modbus", "dnp3", "s7comm", "opcua", "mqtt", "http", "dns", "tls", "goose", "", "strange"):
            for number, value in enumerate(values):
                role = ("request", "response", "event")[number % 3]
                word = ("", "read", "write", "login", "connect")[number % 5]
                ends = ("10.0.0.1", "10.0.1.1") if number % 2 else ("", "02:00:00:00:00:01")
                thing = value if isinstance(value, str) else None
                traffic.tell(time, *ends, protocol, word, role=role, value=value, object=thing, write=number % 4 == 0)
                traffic.tell(time, *ends, protocol, word, role=role, status="malformed" if number % 2 else "", code=number)
    engine = begin([detector])
    run(engine, traffic.batches(CUTS))
    run(engine, batches)
    saved = engine.snapshot().dump()
    assert begin([detector], snapshot=Snapshot.load(saved), resume=True).snapshot().dump() == saved


@ALL
def test_a_clock_that_goes_backwards(detector: Detector, batches: list[Observations]) -> None:
    """Captures merged twice, shifted and in reverse: no storm of findings, and no growth without end."""
    engine = begin([detector], learn_until=None, snapshot=_taught([detector], batches), resume=True)
    judged = batches[4:]
    once = len(run(engine, judged))
    again = [len(run(engine, judged)) + len(run(engine, reversed(judged))) for _ in range(2)]
    assert max(again) <= 2 * once + 20
    size = written(engine.snapshot().detectors[detector.id].tree)
    for shift in (-30.0, -1000.0, -1e6, 500.0, 0.0):
        run(engine, [_shifted(batch, shift) for batch in judged])
    assert written(engine.snapshot().detectors[detector.id].tree) <= 3 * size + 20_000


@pytest.mark.parametrize("detector", [row for row in detectors() if row.id not in _ADAPTING], ids=lambda row: row.id)
def test_another_stream_is_another_stream(detector: Detector, batches: list[Observations]) -> None:
    """Judged by what was learned, traffic of a later week says the same whether or not an attack went on in the old traffic."""
    before = begin([detector])
    run(before, batches)
    later = [_shifted(batch, 604_800.0 * 2) for batch in batches[4:]]
    known = [Snapshot.load(snapshot.dump()) for snapshot in (_taught([detector], batches), before.snapshot())]
    first, second = (run(begin([detector], learn_until=None, snapshot=snapshot), later) for snapshot in known)
    assert second == first


def _taught(chosen: Sequence[Detector], batches: list[Observations]) -> Snapshot:
    """What is known after the learning part."""
    engine = begin(chosen)
    run(engine, batches[:4])
    engine.observe(Observations(watermark=LEARN_UNTIL))
    return engine.snapshot()


def _shifted(batch: Observations, seconds: float) -> Observations:
    """``batch`` at another time."""
    activity, claims = batch.activity.copy(), batch.claims.copy()
    nanoseconds = round(seconds * 1e9)
    activity["start"] += nanoseconds
    activity["end"] += nanoseconds
    claims["time"] += nanoseconds
    messages = [message._replace(time=message.time + seconds) for message in batch.transactions]
    return replace(batch, activity=activity, claims=claims, transactions=messages, watermark=batch.watermark + seconds)


@ALL
def test_silence(detector: Detector, batches: list[Observations]) -> None:
    """Everybody falls silent for a day: at most one finding a device, once, and the state does not grow."""
    engine = begin([detector])
    run(engine, batches[:-1])
    ended = run(engine, [Observations(watermark=END + 60.0)])  # who was first heard in the last windows is entered with their end
    before = written(engine.snapshot().detectors[detector.id].tree)
    hours = [[Observations(watermark=END + 60.0 * minute) for minute in range(*span)] for span in ((1, 720), (720, 1440))]
    first, second = (run(engine, half) for half in hours)
    assert len(ended) + len(first) <= 150
    assert not second
    assert written(engine.snapshot().detectors[detector.id].tree) <= before + 20_000


@ALL
def test_extremes(detector: Detector, crowd: Observations) -> None:
    """Counters near their end, a million conversations in a second: found or not, but said a bounded number of times."""
    engine = begin([detector], learn_until=None, snapshot=_taught([detector], []), resume=True)
    findings = run(engine, [crowd, Observations(watermark=math.inf)])
    assert len(findings) <= 200
    assert all(math.isfinite(number) for finding in findings for number in (finding.score, finding.first_evidence, finding.raised))
    assert held(state_of(detector, engine.snapshot().detectors[detector.id])) < 64 << 20


@pytest.fixture(scope="module")
def crowd() -> Observations:
    """A hundred thousand rows within a second, each for ten conversations, and counters of 64 bits that are nearly full."""
    count = 100_000
    chance = np.random.default_rng(5)
    rows = np.zeros(count, ACTIVITY)
    rows["id"] = np.arange(count)
    rows["start"] = rows["end"] = 70_000_000_000 + np.sort(chance.integers(0, 10**9, count))
    rows["a_lo"] = 0xFFFF_0A00_0000 + chance.integers(1, 1 << 20, count).astype(np.uint64)
    rows["b_lo"] = 0xFFFF_0A10_0000 + chance.integers(1, 50, count).astype(np.uint64)
    rows["a_mac"] = chance.integers(1, 1 << 47, count)
    rows["b_port"] = chance.integers(0, 1 << 16, count)
    rows["transport"], rows["ip_version"] = chance.choice([1, 6, 17], count), 4
    rows["packets_out"] = rows["syn_out"] = 10
    rows["state"] = STATE_FIRST | STATE_SYN | STATE_ESTABLISHED
    full = slice(None, None, 100)
    for name in ("packets_out", "packets_in", "bytes_out", "bytes_in", "payload_out", "payload_in"):
        rows[name][full] = np.uint64((1 << 64) - 1)
    for name in ("syn_out", "syn_in", "rst_out", "rst_in"):
        rows[name][full] = np.uint32((1 << 32) - 1)
    return Observations(rows, watermark=71.0)


def test_states_stay_small() -> None:
    """A thousand devices take at most 64 kB each, as written, in all detectors together."""
    count, rounds = 1000, 24
    chance = np.random.default_rng(6)
    engine = begin(detectors(), learn_until=3600.0 * (rounds - 4))
    for hour in range(rounds):
        engine.observe(_hour(3600.0 * hour, count, chance))
    snapshot = engine.snapshot()
    sizes = bytes_per_device(snapshot, count)
    assert sum(sizes.values()) <= 64_000, sizes
    assert len(snapshot.baseline.macs) == count + 1


def _hour(begins: float, devices: int, chance: np.random.Generator) -> Observations:
    """An hour of a fleet: each device talks with a server, a neighbour and the Internet, and a controller is asked."""
    rows = np.zeros(devices * 6, ACTIVITY)
    who = np.tile(np.arange(devices), 6)
    rows["id"] = np.arange(len(rows)) + round(begins) * 1000
    rows["start"] = rows["end"] = np.sort(chance.integers(0, 3600 * 10**9, len(rows))) + round(begins * 1e9)
    rows["a_lo"], rows["a_mac"] = 0xFFFF_0A00_0000 + 256 + who, 0x0200_0000_0000 + who
    peers = [0xFFFF_0A00_0001 + 0 * who, 0xFFFF_0A00_0100 + (who + 1) % devices, 0xFFFF_0808_0808 + 0 * who]
    rows["b_lo"] = np.choose(who % 3, peers)
    rows["b_mac"], rows["b_port"] = 0x0300_0000_0001, np.choose(who % 3, [8883, 502, 443])
    rows["transport"], rows["ip_version"], rows["state"] = 6, 4, STATE_FIRST
    for name in ("packets_out", "packets_in", "bytes_out", "bytes_in", "payload_out", "payload_in"):
        rows[name] = chance.poisson(900 if name.startswith("bytes") else 9, len(rows)) + 1
    messages = []
    for number, start in enumerate(rows["start"].tolist()):
        src, dst = (f"10.0.{place // 256 + 1}.{place % 256}" for place in (number % devices, (number + 1) % devices))
        word, write = (("write_single_register", True), ("read_holding_registers", False))[number % 2]
        ends, thing, value = (src, 4000, dst, 502), f"4000{number % 9}", number % 100
        code = 6 if write else 3
        messages.append(Transaction(number, start * 1e-9, "modbus", *ends, "request", word, code, thing, value, "ok", write))
    return Observations(rows, transactions=messages, watermark=begins + 3600.0)
