"""What detection costs: processor time a packet, a message and a window of many devices, and memory a device.

    python benchmarks/detection_cost.py [CAPTURE...] [--rounds 3] [--devices 10000] [--scan 1000000] [--detectors 0]

Without captures those of the development data are taken (``HAUBERK_TEST_DATA``). Only ``DetectionEngine.observe`` is on the clock:
captures are read, and the inventory is complete, before. Processor time of this process, the best of some rounds; the first round
also loads compiled code. The first half of the time teaches, or nothing does.

A stream is run twice, with its messages and without: what it costs without, by packet, is the price of packets, and the
difference, by message, the price of messages. A batch has a price of its own, which many packets share; captures of few batches
show little of it, and the fleet, with a batch every second, shows it most.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np

from detection_sources import data_folder
from hauberk.detect.detectors.interface import Detector
from hauberk.detect.detectors.registry import detectors
from hauberk.detect.engine import DetectionEngine
from hauberk.detect.fleet import Fleet
from hauberk.detect.state.size import bytes_per_device, held
from hauberk.detect.view import View
from hauberk.inventory import Inventory
from hauberk.model.finding import Finding
from hauberk.model.flow import ACTIVITY, STATE_FIRST, V4_MAPPED
from hauberk.model.observation import Columns, Observations
from hauberk.model.transaction import Transaction
from hauberk.service.feed import Depth, open_feed
from throughput import scan

_BEGIN = 1_700_000_000
_CAPTURES = (
    "captures/ics-misc/modbus/ModbusTCP.pcap.xz",
    "labelled/s7-qut2017/20161215190548.WaterTankOnManu_Flooding.master.pcap.xz",
    "labelled/mqttset/benign-5mb-train.pcap.xz",
    "labelled/dnp3-qut2017/control_training_frequent.pcap.xz",
    "captures/home-7day/lockly-hub-01.pcap.xz",
)
_A_PACKET, _A_MESSAGE, _A_WINDOW, _A_DEVICE = 1.0, 10.0, 0.5, 64.0
"""Targets: microseconds, microseconds, seconds, kB."""


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream held in memory: its batches, the inventory that has seen all of it, and counts."""

    name: str
    batches: list[Observations]
    fleet: Fleet
    packets: int
    messages: int
    halfway: float

    def headers(self) -> Stream:
        """The same without messages."""
        return replace(self, batches=[replace(batch, transactions=[]) for batch in self.batches], messages=0)


def stream(name: str, batches: list[Observations]) -> Stream:
    """Count ``batches``, and let an inventory see them."""
    fleet = Inventory()
    first, last = math.inf, -math.inf
    packets = messages = 0
    for batch in batches:
        fleet.observe(batch)
        packets += int(batch.activity["packets_out"].sum()) + int(batch.activity["packets_in"].sum())
        messages += len(batch.transactions)
        if len(batch.activity):
            first = min(first, float(batch.activity["start"].min()) * 1e-9)
            last = max(last, float(batch.activity["start"].max()) * 1e-9)
    return Stream(name, batches, fleet, packets, messages, (first + last) / 2)


class Clocks:
    """Processor seconds of each detector."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = defaultdict(float)

    def on(self, detector: Detector) -> Detector:
        """``detector`` with a clock."""
        return replace(detector, step=partial(self._step, detector))

    def _step(self, detector: Detector, state: Any, view: View) -> list[Finding]:  # noqa: ANN401 - as in Step
        begun = process_time()
        found = detector.step(state, view)
        self.spent[detector.id] += process_time() - begun
        return found


def spent(given: Stream, learn_until: float | None, clocks: Clocks | None = None) -> float:
    """Processor seconds of one run."""
    engine = DetectionEngine([clocks.on(row) if clocks else row for row in detectors()], given.fleet, learn_until=learn_until)
    begun = process_time()
    for batch in given.batches:
        engine.observe(batch)
    return process_time() - begun


def best(rounds: int, run: Callable[[], float]) -> float:
    """The least of some rounds."""
    return min(run() for _ in range(rounds))


def dearest(clocks: Clocks, share: float, most: int) -> str:
    """The detectors that cost most, in units of which a second has ``1 / share``."""
    order = sorted(clocks.spent.items(), key=lambda item: -item[1])[:most]
    return ", ".join(f"{name} {seconds / share:.2f}" for name, seconds in order)


def mark(value: float, target: float) -> str:
    """The value, with an exclamation mark where it misses the target."""
    return f"{value:.2f}{' !' if value > target else ''}"


def captures(streams: Iterator[Stream], rounds: int, most: int) -> None:
    """Print the price of packets and messages."""
    print(f"\nPackets and messages (targets: {_A_PACKET:.0f} us a packet, {_A_MESSAGE:.0f} us a message; '!' misses)\n")
    print("| stream | packets | messages | learning | CPU s | us a packet | us a message | us a packet, messages included |")
    print("|---|---|---|---|---|---|---|---|")
    for given in streams:
        bare = given.headers()
        for taught, until in (("first half", given.halfway), ("none", None)):
            whole = best(rounds, lambda given=given, until=until: spent(given, until))  # type: ignore[misc]  # of this round
            light = best(rounds, lambda bare=bare, until=until: spent(bare, until)) if given.messages else whole  # type: ignore[misc]  # of this round
            packet, message = light / given.packets * 1e6, (whole - light) / max(given.messages, 1) * 1e6
            print(
                f"| {given.name[:44]} | {given.packets:,} | {given.messages:,} | {taught} | {whole:.2f} | {mark(packet, _A_PACKET)}"
                f" | {mark(message, _A_MESSAGE) if given.messages else ''} | {whole / given.packets * 1e6:.2f} |",
                flush=True,
            )
            if most:
                clocks = Clocks()
                spent(given, until, clocks)
                print(f"    us a packet: {dearest(clocks, given.packets * 1e-6, most)}", flush=True)


def recorded(paths: Sequence[str], conversations: int) -> Iterator[Stream]:
    """The captures, and a scan."""
    for path in paths:
        yield stream(Path(path).name, list(open_feed([path], Depth.MESSAGES).observations()))
    if conversations:
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder) / "scan.pcap"
            scan(conversations, target)
            yield stream("synthetic scan", list(open_feed([str(target)], Depth.MESSAGES).observations()))


class Site:
    """Devices that each keep in touch with a server beyond, a name server, a controller and a neighbour."""

    def __init__(self, devices: int) -> None:
        self._devices = np.arange(devices)
        self._random = np.random.default_rng(7)
        here, net = V4_MAPPED + np.uint64(0x0A140000), V4_MAPPED
        own = here + np.uint64(256) + self._devices.astype(np.uint64)
        beyond = net + np.uint64(0x34000000) + (self._devices % 400 * 65536 + 10).astype(np.uint64)
        controller = here + np.uint64(256) + (self._devices // 20 * 20).astype(np.uint64)
        self._own = own
        self._peers = (
            (beyond, 443, 6),
            (np.full(devices, here + np.uint64(1)), 53, 17),
            (controller, 502, 6),
            (np.roll(own, 1), 5683, 17),
        )

    def window(self, number: int) -> list[Observations]:
        """Ten seconds, a batch each."""
        return [self._second(_BEGIN + number * 10 + second) for second in range(10)]

    def _second(self, time: int) -> Observations:
        parts = [self._rows(peer, time) for peer in self._peers]
        rows: Columns = np.concatenate(parts)
        return Observations(rows[np.argsort(rows["start"], kind="stable")], watermark=float(time + 1))

    def _rows(self, peer: tuple[np.ndarray, int, int], time: int) -> Columns:
        to, port, transport = peer
        # Each device uses each service once or twice in ten seconds, in seconds of its own.
        chosen = np.flatnonzero(self._random.random(len(self._devices)) < 0.15)
        rows = np.zeros(len(chosen), ACTIVITY)
        rows["id"] = (np.uint64(time) << np.uint64(24)) + np.uint64(port << 40) + chosen.astype(np.uint64)
        rows["start"] = np.sort(self._random.integers(0, 900_000_000, len(chosen))) + time * 1_000_000_000
        rows["end"] = rows["start"] + 50_000_000
        rows["a_lo"], rows["b_lo"] = self._own[chosen], to[chosen]
        rows["a_mac"], rows["b_mac"] = 0x020000000000 + chosen, 0x020000FFFFFF
        rows["packets_out"], rows["packets_in"] = self._random.integers(2, 12, (2, len(chosen)))
        rows["bytes_out"], rows["bytes_in"] = rows["packets_out"] * 90, rows["packets_in"] * 200
        rows["payload_out"], rows["payload_in"] = rows["bytes_out"] // 2, rows["bytes_in"] // 2
        rows["syn_out"] = transport == 6
        rows["a_port"], rows["b_port"], rows["transport"], rows["ip_version"] = 40000, port, transport, 4
        rows["state"] = STATE_FIRST
        rows["flags_out"] = rows["flags_in"] = 18 if transport == 6 else 0
        return rows


class Everyone:
    """A fleet that has every address of 10.0.0.0/8 on record."""

    def device(self, address: str) -> Any:  # noqa: ANN401 - a device id is a name for the type checker alone
        """The address names the device."""
        return f"device-{address}" if address.startswith("10.") else None

    def kind(self, address: str) -> str | None:
        """Every other device is a sensor."""
        return "sensor" if address.endswith(("0", "2", "4", "6", "8")) else "camera"

    def is_local(self, address: str) -> bool:
        """Addresses of 10.0.0.0/8 are."""
        return address.startswith("10.")

    def is_infrastructure(self, address: str) -> bool:
        """Only the name server is."""
        return address == "10.20.0.1"


def fleet(devices: int, taught: int, judged: int, most: int) -> None:
    """Print the processor time of each window of many devices."""
    print(f"\nWindows of 10 s of {devices:,} devices with four peers each (target: less than {_A_WINDOW} s of one core)\n")
    print("| phase | windows | activity rows a window | CPU s a window: middle | least | most |")
    print("|---|---|---|---|---|---|")
    clocks = Clocks()
    engine = DetectionEngine(
        [clocks.on(row) if most else row for row in detectors()], Everyone(), learn_until=float(_BEGIN + taught * 10)
    )
    site = Site(devices)
    times: list[float] = []
    rows = 0
    parts: list[dict[str, float]] = []
    for number in range(taught + judged):
        batches = site.window(number)
        rows = sum(len(batch.activity) for batch in batches)
        clocks.spent.clear()
        begun = process_time()
        for batch in batches:
            engine.observe(batch)
        times.append(process_time() - begun)
        parts.append(dict(clocks.spent))
    # What the first second of a window costs is billed to the window before: a window is worked through when it has passed.
    for name, part in (
        ("first windows", slice(0, 3)),
        ("learning", slice(3, taught)),
        ("learning ends", slice(taught, taught + 1)),
        ("judging", slice(taught + 1, None)),
    ):
        chosen = times[part]
        print(
            f"| {name} | {len(chosen)} | {rows:,} | {mark(float(np.median(chosen)), _A_WINDOW)} | {min(chosen):.2f}"
            f" | {mark(max(chosen), _A_WINDOW)} |"
        )
        if most:
            middle = Clocks()
            for spent_there in parts[part]:
                for row, seconds in spent_there.items():
                    middle.spent[row] += seconds / len(chosen)
            print(f"    s a window: {dearest(middle, 1.0, most)}")
    sys.stdout.flush()


def polled(devices: int, windows: int) -> Iterator[Observations]:
    """Devices that are asked for ten registers and publish a reading, each once in ten seconds."""
    random = np.random.default_rng(3)
    site = Site(devices)
    names = [f"10.20.{1 + number // 256}.{number % 256}" for number in range(devices)]
    values = random.integers(100, 1000, (devices, 10))
    for number in range(windows):
        values += random.integers(-2, 3, values.shape)
        begin = _BEGIN + number * 10
        messages = []
        for place, name in enumerate(names):
            time = begin + place / devices * 9
            ask = ("modbus", "10.20.0.5", 40000, name, 502, "request", "read_holding_registers", 3, "1/holding_register/0-9")
            tell = ("modbus", name, 502, "10.20.0.5", 40000, "response", "read_holding_registers", 3, "1/holding_register/0-9")
            publish = ("mqtt", name, 40001, "10.20.0.6", 1883, "request", "publish", 3, f"site/{place}/temperature")
            reading = tuple(values[place].tolist())
            messages.append(Transaction(0, time, *ask, None, "ok", False))  # type: ignore[arg-type]
            messages.append(Transaction(0, time + 0.01, *tell, reading, "ok", False))  # type: ignore[arg-type]
            messages.append(Transaction(0, time + 0.02, *publish, reading[0] / 10, "ok", False))  # type: ignore[arg-type]
        rows: Columns = np.concatenate([batch.activity for batch in site.window(number)])
        messages.sort(key=lambda message: message.time)
        yield Observations(rows, transactions=messages, watermark=float(begin + 10))


def memory(devices: int, windows: int, most: int) -> None:
    """Print what is kept of each of many devices."""
    title = f"State of {devices:,} devices with Modbus polling, MQTT and four peers, {windows} windows"
    print(f"\n{title} (target: {_A_DEVICE:.0f} kB a device)\n")
    engine = DetectionEngine(detectors(), Everyone(), learn_until=float(_BEGIN + windows * 5))
    before = engine_memory(engine)
    for batch in polled(devices, windows):
        engine.observe(batch)
    written = bytes_per_device(engine.snapshot(), devices)
    inside = {name: (size - before.get(name, 0)) / devices for name, size in engine_memory(engine).items()}
    print("| state | kB a device, written | kB a device, in memory (beyond that of an empty engine) |")
    print("|---|---|---|")
    for name in sorted(written, key=lambda name: -max(written[name], inside.get(name, 0.0)))[: max(most, 12)]:
        print(f"| {name} | {written[name] / 1000:.2f} | {inside.get(name, 0.0) / 1000:.2f} |")
    print(
        f"| together | {mark(sum(written.values()) / 1000, _A_DEVICE)} | {mark(sum(inside.values()) / 1000, _A_DEVICE)} |"
        f"\n\nAn empty engine holds {sum(before.values()) / 1e6:.1f} MB."
    )


def engine_memory(engine: DetectionEngine) -> dict[str, int]:
    """Bytes in memory of each state; what stands in several counts in each."""
    sizes: dict[str, int] = {str(running.detector.id): held(running.state) for running in engine._active}  # noqa: SLF001 - measured, not used
    sizes |= {f"<{name}>": held(tracker) for name, tracker in engine._trackers.items()}  # noqa: SLF001 - as above
    return {**sizes, "<baseline>": held(engine.baseline)}


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description="What detection costs.")
    parser.add_argument("captures", nargs="*")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--devices", type=int, default=10_000, help="devices of the fleet; 0: none")
    parser.add_argument("--kept", type=int, default=1_000, help="devices whose state is weighed; 0: none")
    parser.add_argument("--scan", type=int, default=1_000_000, help="conversations of the scan; 0: none")
    parser.add_argument("--detectors", type=int, default=0, help="show so many detectors that cost most")
    arguments = parser.parse_args()
    paths = arguments.captures or [str(path) for name in _CAPTURES if (path := data_folder() / name).exists()]
    captures(recorded(paths, arguments.scan), arguments.rounds, arguments.detectors)
    if arguments.devices:
        fleet(arguments.devices, 12, 12, arguments.detectors)
    if arguments.kept:
        memory(arguments.kept, 60, arguments.detectors)


if __name__ == "__main__":
    main()
