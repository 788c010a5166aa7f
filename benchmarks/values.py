"""What the models of process values find in labelled data, and what they say of benign data.

    python benchmarks/values.py DATA

``DATA``: the folder of development data. Tables are printed apart, for they mean different things:

- BATADAL (a simulated water network, hourly readings of one site): a year without attack teaches, a second half-year holds seven
  attacks. An attack counts as found if a finding is raised while it lasts.
- ToN-IoT telemetry: rows taken while hosts were attacked; the readings themselves were not falsified, so that finding nothing is no
  failure, and the first benign half teaches.
- Captures with benign traffic: the first half teaches, every finding in the second is a false alarm.
- Captures with a covert channel in register values.
- What the detectors cost: processor time a message, and memory a device.
"""

from __future__ import annotations

import csv
import lzma
import sys
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from time import process_time
from typing import NamedTuple

import numpy as np

from hauberk.detect.detectors import covert_values, value_out_of_range, value_relation_broken, value_replayed
from hauberk.detect.engine import split
from hauberk.detect.state.size import held
from hauberk.detect.values.alarm import Alarm
from hauberk.detect.values.companions import Companions
from hauberk.detect.values.envelope import Envelope
from hauberk.detect.values.novelty import Novelty
from hauberk.detect.values.points import Matrix, Run, columns, runs
from hauberk.detect.values.relations import Relations
from hauberk.detect.values.replay import Replay
from hauberk.detect.view import View
from hauberk.service.feed import Depth, open_feed

_DAY = 86400.0
_MODELS = {"range": value_out_of_range, "relation": value_relation_broken, "replay": value_replayed, "covert": covert_values}


class Raised(NamedTuple):
    """One alarm, by which model."""

    model: str
    alarm: Alarm


class Site:
    """All models of one device."""

    def __init__(self, holder: str, related: int = 16) -> None:
        self.envelope, self.replay, self.novelty = Envelope(holder), Replay(holder), Novelty(holder)
        self.companions = Companions(holder, Relations(related), Relations(related, 32))

    def learn(self, taught: list[Run]) -> list[Raised]:
        """Teach; the model of covert values speaks even then."""
        self.envelope.learn(taught)
        self.companions.learn(taught)
        self.replay.take(taught, learning=True)
        return [Raised("covert", alarm) for alarm in self.novelty.take(taught, learning=True)]

    def judge(self, judged: list[Run], quiet: float) -> list[Raised]:
        """Alarms, each model's at least ``quiet`` seconds apart, as the detectors say them."""
        found = [Raised("range", alarm) for alarm in self.envelope.judge(judged)]
        found += [Raised("relation", alarm) for alarm in self.companions.judge(judged)]
        found += [Raised("replay", alarm) for alarm in self.replay.take(judged, learning=False)]
        found += [Raised("covert", alarm) for alarm in self.novelty.take(judged, learning=False)]
        kept: list[Raised] = []
        last: dict[tuple[str, str, str], float] = {}
        for raised in sorted(found, key=lambda item: item.alarm.time):
            subject = raised.model, raised.alarm.by, raised.alarm.points[0] if raised.model == "range" else ""
            before = last.get(subject)
            last[subject] = raised.alarm.time
            if before is None or raised.alarm.time - before > quiet:
                kept.append(raised)
        return kept


class Table(NamedTuple):
    """Columns of a labelled file: names of the points, times, values and whether a row lies in an attack."""

    names: list[str]
    times: Matrix
    values: Matrix
    attack: list[str]


def batadal(path: Path) -> Table:
    """One file of BATADAL."""
    with lzma.open(path, "rt") as file:
        rows = [{name.strip(): text.strip() for name, text in row.items()} for row in csv.DictReader(file)]
    names = [name for name in rows[0] if name not in {"DATETIME", "ATT_FLAG"}]
    times = [datetime.strptime(row["DATETIME"], "%d/%m/%y %H").replace(tzinfo=UTC).timestamp() for row in rows]
    # The second file comes in hundredths, the first in full; a historian does not change its resolution.
    values = np.array([[round(float(row[name]), 2) for name in names] for row in rows])
    return Table(names, np.array(times), values, ["attack" if row["ATT_FLAG"] == "1" else "" for row in rows])


def ton(path: Path) -> Table:
    """One file of the ToN-IoT telemetry; words are numbered."""
    with lzma.open(path, "rt", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    names = [name for name in rows[0] if name not in {"date", "time", "label", "type"}]
    words: dict[str, float] = {}
    times = [
        datetime.strptime(f"{row['date']} {row['time'].strip()}", "%d-%b-%y %H:%M:%S").replace(tzinfo=UTC).timestamp()
        for row in rows
    ]
    values = [[_number(row[name].strip(), words) for name in names] for row in rows]
    order = np.argsort(times, kind="stable")
    attack = [row["type"] if row["label"] == "1" else "" for row in rows]
    return Table(names, np.array(times)[order], np.array(values)[order], [attack[index] for index in order])


def _number(text: str, words: dict[str, float]) -> float:
    try:
        return float(text)
    except ValueError:
        return words.setdefault(text, float(len(words)))


def spans(table: Table) -> Iterator[tuple[str, float, float]]:
    """Kind, begin and end of each attack; rows of one kind less than a day apart are one."""
    kind, begin, end = "", 0.0, 0.0
    for time, label in zip(table.times.tolist(), table.attack, strict=True):
        if not label:
            continue
        if kind and (label != kind or time - end > _DAY):
            yield kind, begin, end
            kind = ""
        if not kind:
            kind, begin = label, time
        end = time
    if kind:
        yield kind, begin, end


def show(name: str, table: Table, found: list[Raised]) -> None:
    """Attacks found, delays and false alarms."""
    inside = np.zeros(len(found), bool)
    for kind, begin, end in spans(table):
        during = [index for index, raised in enumerate(found) if begin <= raised.alarm.time <= end + 1]
        inside[during] = True
        what = ", ".join(
            f"{found[index].model} ({found[index].alarm.points[0]}) after {(found[index].alarm.time - begin) / 3600:.1f} h"
            for index in during[:3]
        )
        print(f"  {name:24s} {kind:12s} {(end - begin) / 3600:7.1f} h  {'found: ' + what if during else 'missed'}")
    benign = sum(1 for label in table.attack if not label) / max(len(table.attack), 1)
    days = benign * float(table.times[-1] - table.times[0]) / _DAY
    false = [raised for raised, hit in zip(found, inside, strict=True) if not hit]
    print(f"  {name:24s} outside of attacks: {len(false)} alarms in {days:.1f} days")
    for raised in false[:12]:
        print(f"      {raised.model}: {raised.alarm.reasons[0][:180]}")


def csv_sets(data: Path) -> None:
    """BATADAL and ToN-IoT."""
    print("BATADAL (simulated, hourly)")
    taught, judged = batadal(data / "labelled/batadal/dataset03.csv.xz"), batadal(data / "labelled/batadal/dataset04.csv.xz")
    half = len(taught.times) // 2
    whole = columns("site", taught.names, taught.times.tolist(), taught.values)["site"]
    attacked = columns("site", judged.names, judged.times.tolist(), judged.values)["site"]
    for related in (16, 48):
        site = Site("site", related)
        site.learn(whole)
        show(f"{related} related", judged, site.judge(attacked, _DAY))
        site = Site("site", related)
        site.learn(columns("site", taught.names, taught.times[:half].tolist(), taught.values[:half])["site"])
        rest = columns("site", taught.names, taught.times[half:].tolist(), taught.values[half:])["site"]
        second = taught._replace(times=taught.times[half:], attack=taught.attack[half:])
        show(f"{related} related, benign", second, site.judge(rest, _DAY))
    print("ToN-IoT telemetry")
    for name in ("Fridge", "Garage_Door", "Modbus"):
        table = ton(data / f"labelled/ton-iot-telemetry/Train_Test_IoT_{name}.csv.xz")
        normal = [index for index, label in enumerate(table.attack) if not label]
        cut = table.times[normal[len(normal) // 2]]
        before = table.times < cut
        clean = before & np.array([not label for label in table.attack])
        site = Site(name)
        site.learn(columns(name, table.names, table.times[clean].tolist(), table.values[clean])[name])
        rest = columns(name, table.names, table.times[~clean].tolist(), table.values[~clean])[name]
        kept = [label for label, taught_row in zip(table.attack, clean.tolist(), strict=True) if not taught_row]
        show(name, Table(table.names, table.times[~clean], table.values[~clean], kept), site.judge(rest, 3600.0))


def capture(path: Path, split: Callable[[float, float], float]) -> tuple[float, int, list[Raised]]:
    """Length in seconds, samples judged, and alarms of one capture that teaches up to ``split`` of its first and last time."""
    transactions = [message for batch in open_feed([str(path)], Depth.MESSAGES).observations() for message in batch.transactions]
    if not transactions:
        return 0.0, 0, []
    times = [message.time for message in transactions]
    cut = split(min(times), max(times))
    found: list[Raised] = []
    sites: dict[str, Site] = {}
    for holder, taught in runs(message for message in transactions if message.time < cut).items():
        found += sites.setdefault(holder, Site(holder)).learn(taught)
    count = 0
    for holder, judged in runs(message for message in transactions if message.time >= cut).items():
        count += sum(len(run.rows) for run in judged)
        found += sites.setdefault(holder, Site(holder)).judge(judged, 3600.0)
    return max(times) - min(times), count, found


def captures(title: str, paths: Iterable[Path], share: float) -> None:
    """Alarms of captures, the first ``share`` of whose time teaches."""
    print(title)
    total, alarms = 0.0, 0
    for path in paths:
        seconds, count, found = capture(path, lambda first, last: first + share * (last - first))
        # Hours in which nothing tells values cannot raise an alarm, and are not counted.
        total += seconds * (1 - share) if count > 100 else 0.0
        alarms += len(found)
        if count > 100 or found:
            print(f"  {path.name[:44]:44s} {seconds:9.0f} s {count:7d} samples judged {len(found):3d} alarms")
        for raised in found[:4]:
            print(f"      {raised.model} ({raised.alarm.time:.0f}): {raised.alarm.reasons[0][:200]}")
    print(f"  together {alarms} alarms in {total / 3600:.1f} hours with more than 100 samples judged")


def costs(title: str, paths: Iterable[Path]) -> None:
    """Processor time and memory of the four detectors, fed as the pipeline feeds them; the first half of the time teaches."""
    print(title)
    for path in paths:
        batches = list(open_feed([str(path)], Depth.MESSAGES).observations())
        times = [message.time for batch in batches for message in batch.transactions]
        cut = (min(times) + max(times)) / 2
        spent, holders, states = float("inf"), set[str](), {}
        for _ in range(2):  # the first time compiles
            chosen = [row for module in _MODELS.values() for row in module.DETECTORS]
            states = {row.id: row.begin(row.defaults()) for row in chosen}
            begun = process_time()
            for batch in batches:
                for part, learning in zip(split(batch, cut), (True, False), strict=True):
                    if part is not None:
                        view = View(part, Unknown(), learning=learning)
                        holders.update(view.values)
                        for row in chosen:
                            row.step(states[row.id], view)
            spent = min(spent, process_time() - begun)
        memory = [sum(held(state.devices.get(holder)) for state in states.values()) / 1000 for holder in holders]
        print(
            f"  {path.name[:44]:44s} {len(times):7d} messages {spent / len(times) * 1e6:6.2f} us each, {len(memory):3d} devices"
            f" {np.mean(memory):6.1f} kB each, at most {max(memory):6.1f}"
        )


class Unknown:
    """Nothing is known of the fleet."""

    def device(self, address: str) -> None:
        """No record holds the address."""

    def kind(self, address: str) -> None:
        """Unknown."""

    def is_local(self, address: str) -> bool:
        """All hosts are."""
        return bool(address)

    def is_infrastructure(self, address: str) -> bool:
        """None is."""
        return not address


def main(data: Path) -> None:
    """Print the tables."""
    csv_sets(data)
    folders = ("ics-misc", "parser-icsnpp", "home-7day")
    benign = [
        path for folder in folders for path in sorted((data / "captures" / folder).rglob("*.pcap*")) if "expected" not in str(path)
    ]
    benign += [data / "labelled/mqttset/benign-5mb-train.pcap.xz", data / "labelled/dnp3-qut2017/control_training_frequent.pcap.xz"]
    captures("Benign captures, learned from the first half", benign, 0.5)
    bench = data / "labelled/modbus-cset2016"
    captures("Covert channel all along (9 registers), nothing learned", [bench / "channel_4d_9s.pcap.xz"], 0.0)
    captures("Same bench without channel in values", sorted(bench.glob("[cm][ho][av]*.pcap.xz")), 0.1)
    busy = [data / "captures/ics-misc/modbus/ModbusTCP.pcap.xz", bench / "channel_4d_9s.pcap.xz"]
    busy += sorted(data.glob("labelled/s7-qut2017/*.pcap.xz")) + benign[-2:]
    costs("Cost of the four detectors, values taken out of messages included", busy)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
