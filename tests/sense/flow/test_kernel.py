"""The flow kernels against plain recomputation: directions, counters, endings, and an index that stays whole."""

from __future__ import annotations

import csv
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hauberk.model.address import ip_text
from hauberk.model.flow import STATE_ESTABLISHED, STATE_EVICTED, STATE_FIN, STATE_FIRST, STATE_RST, STATE_SYN
from hauberk.model.observation import Columns
from hauberk.sense.capture.files import open_captures
from hauberk.sense.decode.packet import KIND_FLOW, KIND_FRAGMENT, PACKET
from hauberk.sense.flow.kernel import ACTIVE, CANDIDATES, FINISHED, FOREVER, expire, flush, update
from hauberk.sense.flow.ports import port_rank
from hauberk.sense.flow.table import FlowLimits, FlowOutput, FlowTable
from hauberk.sense.sensor import Sensor

SECOND = 1_000_000_000
TCP, UDP, ICMP = 6, 17, 1
FIN, SYN, RST, ACK = 1, 2, 4, 16
SUMMED = [f"{name}_{way}" for name in ("packets", "bytes", "payload", "syn", "rst") for way in ("out", "in")]


class Sent(NamedTuple):
    """One packet."""

    src: int
    dst: int
    sport: int = 40000
    dport: int = 502
    time: float = 1.0
    flags: int = ACK
    size: int = 100
    payload: int = 0
    transport: int = TCP
    seq: int = 0


class Flows:
    """A flow table with its buffers, fed packet by packet."""

    def __init__(self, limits: FlowLimits | None = None) -> None:
        self.table = FlowTable(limits or FlowLimits(flows=64), 1, port_rank())
        self.output = FlowOutput(4096)
        self.finished: list[np.void] = []
        self.activity: list[np.void] = []
        self.candidates: list[np.void] = []

    def send(self, *packets: Sent) -> None:
        """Work packets in and collect what comes out."""
        rows = np.zeros(len(packets), PACKET)
        for row, sent in zip(rows, packets, strict=True):
            row["kind"], row["ip_version"], row["transport"] = KIND_FLOW, 4, sent.transport
            row["s_lo"], row["d_lo"], row["s_port"], row["d_port"] = sent.src, sent.dst, sent.sport, sent.dport
            row["s_mac"], row["d_mac"] = sent.src, sent.dst
            row["time"], row["flags"], row["seq"] = round(sent.time * SECOND), sent.flags, sent.seq
            row["wire"], row["payload_size"] = sent.size, sent.payload
        at = 0
        while at < len(rows):
            table, output = self.table, self.output
            at = update(
                rows, at, len(rows), table.seed, table.port_rank, table.idle, table.index, table.hashes, table.flows, table.delta,
                table.base, table.based, table.muted, table.free, table.dirty, table.state,
                output.finished, output.activity, output.candidates, output.counts,
            )  # fmt: skip
            self.collect()

    def collect(self) -> None:
        """Hand out activity and empty the buffers."""
        table, output = self.table, self.output
        flush(table.delta, table.dirty, table.state, output.activity, output.counts)
        for kept, column, place in (
            (self.finished, output.finished, FINISHED),
            (self.activity, output.activity, ACTIVE),
            (self.candidates, output.candidates, CANDIDATES),
        ):
            kept.extend(column[: output.counts[place]].copy())
            output.counts[place] = 0

    def expire(self, now: int = FOREVER) -> None:
        """End what has been silent too long."""
        table, output = self.table, self.output
        expire(
            now, table.limits.flows, table.idle, table.index, table.hashes, table.flows, table.delta, table.free, table.state,
            output.finished, output.activity, output.counts,
        )  # fmt: skip
        self.collect()

    def live(self) -> Columns:
        """Rows of the conversations held."""
        rows: Columns = self.table.flows[self.table.flows["id"] != 0]
        return rows

    def whole(self) -> None:
        """Every conversation is in the index once, reachable from its home without a gap; free slots are free."""
        table = self.table
        mask = len(table.index) - 1
        used = np.flatnonzero(table.flows["id"])
        assert sorted(table.index[table.index >= 0].tolist()) == used.tolist()
        for place in np.flatnonzero(table.index >= 0).tolist():
            at = int(table.hashes[table.index[place]]) & mask
            while at != place:
                assert table.index[at] >= 0
                at = (at + 1) & mask
        assert table.live == len(used)
        free = set(table.free[: table.state[0]].tolist())
        assert free == set(range(table.limits.flows)) - set(used.tolist())


def test_both_directions_are_one_flow() -> None:
    """Counted apart, under the key of the initiator."""
    flows = Flows()
    flows.send(Sent(1, 2, flags=SYN), Sent(2, 1, 502, 40000, flags=SYN | ACK), Sent(1, 2, size=150, payload=90))
    (row,) = flows.live()
    assert (row["a_lo"], row["b_lo"], row["a_port"], row["b_port"]) == (1, 2, 40000, 502)
    assert (row["packets_out"], row["packets_in"], row["bytes_out"], row["payload_out"]) == (2, 1, 250, 90)
    assert (row["syn_out"], row["syn_in"], row["a_mac"], row["b_mac"]) == (1, 1, 1, 2)
    assert row["state"] == STATE_SYN | STATE_ESTABLISHED


@pytest.mark.parametrize(
    "first, initiator",
    [
        (Sent(1, 2, 502, 40000, flags=SYN), 1),
        (Sent(1, 2, 40000, 502, flags=SYN | ACK), 2),
        (Sent(1, 2, 502, 40000, flags=ACK), 2),
        (Sent(1, 2, 502, 40000, flags=SYN | FIN), 2),
        (Sent(1, 2, 40000, 502, flags=SYN | RST), 1),
        (Sent(1, 2, 999, 40000, flags=ACK), 2),
        (Sent(1, 2, 999, 502, flags=ACK), 1),
        (Sent(1, 2, 30000, 40000, flags=ACK), 2),
        (Sent(1, 2, 53, 40000, transport=UDP, flags=0), 2),
        (Sent(1, 2, 30000, 40000, transport=UDP, flags=0), 1),
        (Sent(1, 2, 5353, 5353, transport=UDP, flags=0), 1),
        (Sent(1, 2, 0, 0, transport=ICMP, flags=0), 1),
    ],
)
def test_the_initiator_is_told_by_syn_then_port_then_sender(first: Sent, initiator: int) -> None:
    """A SYN that also ends opens nothing, so there the ports decide."""
    flows = Flows()
    flows.send(first)
    assert flows.live()["a_lo"].tolist() == [initiator]


def test_a_syn_that_comes_after_its_answer_belongs_to_it() -> None:
    """Two taps deliver out of order: still one conversation."""
    flows = Flows()
    flows.send(Sent(2, 1, 502, 40000, flags=SYN | ACK), Sent(1, 2, flags=SYN), Sent(1, 2))
    assert len(flows.live()) == 1
    assert not flows.finished


@given(
    packets=st.lists(
        st.tuples(st.booleans(), st.integers(60, 1500), st.integers(0, 3 * SECOND), st.integers(0, 1400)), min_size=1, max_size=60
    )
)
@settings(deadline=None)
def test_counters_and_moments_equal_a_recomputation(packets: list[tuple[bool, int, int, int]]) -> None:
    """Welford's running moments against NumPy's, and activity that sums up to the flow."""
    flows = Flows()
    now, sent = SECOND, []
    for outward, size, gap, payload in packets:
        now += gap
        ends = (1, 2, 40000, 502) if outward else (2, 1, 502, 40000)
        sent.append(Sent(*ends, time=now / SECOND, size=size, payload=payload))
    flows.send(*sent[: len(sent) // 2])
    flows.send(*sent[len(sent) // 2 :])
    flows.expire()
    (row,) = flows.finished
    for way, side in (("out", 1), ("in", 2)):
        mine = [packet for packet in sent if packet.src == side]
        sizes = np.array([packet.size for packet in mine], float)
        gaps = np.diff([round(packet.time * SECOND) for packet in mine]) / SECOND
        assert (row[f"packets_{way}"], row[f"bytes_{way}"]) == (len(mine), int(sizes.sum()))
        for name, values in (("size", sizes), ("gap", gaps)):
            mean, m2 = (values.mean(), ((values - values.mean()) ** 2).sum()) if len(values) else (0.0, 0.0)
            assert row[f"{name}_mean_{way}"] == pytest.approx(mean, rel=1e-9, abs=1e-9)
            assert row[f"{name}_m2_{way}"] == pytest.approx(m2, rel=1e-6, abs=1e-6)
    assert (row["size_min"], row["size_max"]) == (min(p.size for p in sent), max(p.size for p in sent))
    for name in SUMMED:
        assert sum(int(part[name]) for part in flows.activity) == int(row[name])
    assert [bool(part["state"] & STATE_FIRST) for part in flows.activity] == [True] + [False] * (len(flows.activity) - 1)
    assert all(part["start"] // SECOND == part["end"] // SECOND for part in flows.activity)


@pytest.mark.parametrize(
    "packets, silence",
    [
        ((Sent(1, 2, transport=UDP, flags=0),), 120),
        ((Sent(1, 2, transport=ICMP, flags=0),), 60),
        ((Sent(1, 2, flags=SYN),), 30),
        ((Sent(1, 2), Sent(2, 1, 502, 40000)), 300),
        ((Sent(1, 2, payload=5),), 300),
        ((Sent(1, 2, flags=FIN | ACK), Sent(2, 1, 502, 40000, flags=FIN | ACK)), 10),
        ((Sent(1, 2), Sent(2, 1, 502, 40000, flags=RST)), 10),
    ],
)
def test_silence_ends_a_conversation(packets: tuple[Sent, ...], silence: int) -> None:
    """Each kind after its own time, whether a sweep finds it or its next packet does."""
    for late, ended in ((0, 0), (0.001, 1)):
        swept, followed = Flows(), Flows()
        swept.send(*packets)
        swept.expire(round((1 + silence + late) * SECOND))
        followed.send(*packets, packets[0]._replace(time=1 + silence + late))
        assert (len(swept.finished), len(followed.finished)) == (ended, ended)


def test_the_end_of_the_input_ends_everything() -> None:
    """Even what claims to be of a time before 1970."""
    flows = Flows()
    flows.send(Sent(1, 2, time=-5e9), Sent(3, 2, time=9e9))
    flows.expire()
    assert len(flows.finished) == 2


def test_a_new_connection_on_old_ports_is_a_new_flow() -> None:
    """RFC 9293 section 3.6.1: after a close, or with another sequence number on an open one; a repeated SYN is neither."""
    syn, answer = Sent(1, 2, flags=SYN, seq=7), Sent(2, 1, 502, 40000, flags=SYN | ACK)
    flows = Flows()
    for between, again, count in (
        ((answer,), syn, 1),
        ((answer,), syn._replace(seq=99), 2),
        ((), syn._replace(seq=99), 1),
        ((Sent(2, 1, 502, 40000, flags=RST | ACK),), syn, 2),
        ((answer, Sent(1, 2, flags=FIN | ACK), Sent(2, 1, 502, 40000, flags=FIN | ACK)), syn._replace(seq=99), 2),
    ):
        flows = Flows()
        flows.send(syn, *between, again)
        flows.expire()
        assert len(flows.finished) == count
    assert flows.finished[0]["state"] & STATE_FIN
    assert not flows.finished[0]["state"] & STATE_RST


def test_a_full_table_cuts_the_longest_silent_and_counts() -> None:
    """Nothing is lost of what was seen."""
    flows = Flows(FlowLimits(flows=8))
    flows.send(*(Sent(number, 999, time=1 + number / 100) for number in range(1, 21)))
    assert (flows.table.live, flows.table.evicted, len(flows.finished)) == (8, 12, 12)
    assert [int(row["a_lo"]) for row in flows.finished] == list(range(1, 13))
    assert all(row["state"] & STATE_EVICTED for row in flows.finished)
    flows.whole()
    assert sum(int(row["packets_out"]) for row in flows.activity) == 20


def test_buffers_that_are_full_stop_the_kernel_and_lose_nothing() -> None:
    """Thousands of conversations that end in one block."""
    flows = Flows(FlowLimits(flows=8))
    flows.output = FlowOutput(16)
    for at in range(0, 3000, 16):
        flows.send(*(Sent(number + 1, 99999) for number in range(at, min(at + 16, 3000))))
    flows.expire()
    assert sum(int(row["packets_out"]) for row in flows.finished) == 3000
    assert sum(int(row["packets_out"]) for row in flows.activity) == 3000


def test_candidates_are_packets_with_payload_of_unmuted_conversations() -> None:
    """With the sequence number the payload begins at, where the SYN was seen; never SYN, RST or what no dissector reads."""
    flows = Flows()
    flows.send(
        Sent(1, 2, flags=SYN, seq=0xFFFFFFFF), Sent(1, 2, payload=5), Sent(1, 2), Sent(1, 2, flags=RST, payload=5),
        Sent(1, 2, transport=ICMP, payload=5), Sent(1, 2, 7, 8, transport=UDP, payload=5, flags=0),
    )  # fmt: skip
    told = [(int(row["packet"]), int(row["size"]), int(row["based"]), int(row["base"])) for row in flows.candidates]
    assert told == [(1, 5, 1, 0), (5, 5, 0, 0)]
    flows.table.muted[:] = 1
    flows.send(Sent(1, 2, 7, 8, transport=UDP, payload=5, flags=0))
    assert len(flows.candidates) == 2


def test_a_fragment_stops_the_kernel() -> None:
    """Its place is returned, what was before it is counted."""
    flows = Flows()
    rows = np.zeros(3, PACKET)
    rows["kind"] = [KIND_FLOW, KIND_FRAGMENT, KIND_FLOW]
    table, output = flows.table, flows.output
    stopped = update(
        rows, 0, 3, table.seed, table.port_rank, table.idle, table.index, table.hashes, table.flows, table.delta,
        table.base, table.based, table.muted, table.free, table.dirty, table.state,
        output.finished, output.activity, output.candidates, output.counts,
    )  # fmt: skip
    assert (stopped, table.live) == (1, 1)


STEPS = st.lists(
    st.tuples(st.integers(1, 40), st.integers(1, 5), st.booleans(), st.sampled_from([0, 0, 0, 1, 50, 119, 121])),
    min_size=1,
    max_size=300,
)


@settings(deadline=None, max_examples=60)
@given(steps=STEPS, sweep=st.integers(2, 30))
def test_the_table_equals_a_dictionary(steps: list[tuple[int, int, bool, int]], sweep: int) -> None:
    """Thousands of random insertions and deletions: the same conversations, the same counts, an index without holes."""
    flows = Flows(FlowLimits(flows=256))
    model: dict[tuple[int, int], tuple[float, int]] = {}
    ended: Counter[tuple[int, int, int]] = Counter()
    now = 1.0
    for number, (host, port, forward, wait) in enumerate(steps):
        now += wait
        ends = (host, 1000, 30000 + port, 53) if forward else (1000, host, 53, 30000 + port)
        flows.send(Sent(*ends, time=now, transport=UDP, flags=0))
        last, count = model.pop((host, port), (now, 0))
        if now - last > 120:
            ended[host, port, count] += 1
            count = 0
        model[host, port] = now, count + 1
        if number % sweep == 0:
            flows.expire(round(now * SECOND))
            for key in [key for key, (end, _) in model.items() if now - end > 120]:
                ended[(*key, model.pop(key)[1])] += 1
            flows.whole()
    live = {(int(r["a_lo"]), int(r["a_port"]) - 30000): int(r["packets_out"] + r["packets_in"]) for r in flows.live()}
    assert live == {key: count for key, (_, count) in model.items()}
    told = Counter((int(r["a_lo"]), int(r["a_port"]) - 30000, int(r["packets_out"] + r["packets_in"])) for r in flows.finished)
    assert told == ended


def test_the_index_stays_whole_at_its_fullest() -> None:
    """Ten thousand conversations through 128 slots in random order."""
    dice = np.random.default_rng(1)
    flows = Flows(FlowLimits(flows=128))
    now = 0.0
    for host in dice.integers(1, 4000, 10_000).tolist():
        now += float(dice.random()) / 2
        flows.send(Sent(host, 5000, time=now, transport=UDP, flags=0))
        if host % 20 == 0:
            flows.expire(round(now * SECOND))
        if host % 100 == 0:
            flows.whole()
    flows.expire()
    flows.whole()
    assert sum(int(row["packets_out"]) for row in flows.finished) == 10_000
    assert flows.table.live == 0


@pytest.mark.parametrize(
    "name", ["parser-ndpi/IEC104.pcap", "parser-ndpi/ftp.pcap", "parser-ndpi/coap_mqtt.pcap", "parser-zeek/modbus/modbusSmall.pcap"]
)
def test_conversations_agree_with_tshark(data: Path, tshark: str, name: str) -> None:
    """The same TCP streams with the same packets and bytes."""
    path = data / "captures" / name
    command = [tshark, "-n", "-r", str(path), "-Y", "tcp && !icmp", "-T", "fields", "-E", "occurrence=f", "-e", "tcp.stream"]
    command += [
        "-e",
        "ip.src",
        "-e",
        "ip.dst",
        "-e",
        "ipv6.src",
        "-e",
        "ipv6.dst",
        "-e",
        "tcp.srcport",
        "-e",
        "tcp.dstport",
        "-e",
        "frame.len",
    ]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    theirs: dict[str, list[Any]] = {}
    for stream, four, to4, six, to6, sport, dport, size in csv.reader(told.splitlines(), delimiter="\t"):
        ends = frozenset({(four or six, int(sport)), (to4 or to6, int(dport))})
        entry = theirs.setdefault(stream, [ends, 0, 0])
        entry[1] += 1
        entry[2] += int(size)
    sensor = Sensor(seed=1)
    rows: list[Columns] = []
    with open_captures([path]) as source:
        rows.extend(sensor.process(block).flows for block in source.blocks())
        rows.append(sensor.finish().flows)
    ours: Counter[tuple[frozenset[tuple[str, int]], int, int]] = Counter()
    for row in np.concatenate(rows):
        if row["transport"] == TCP:
            ends = frozenset({(ip_text(int(row[f"{side}_hi"]), int(row[f"{side}_lo"])), int(row[f"{side}_port"])) for side in "ab"})
            ours[ends, int(row["packets_out"] + row["packets_in"]), int(row["bytes_out"] + row["bytes_in"])] += 1
    assert ours
    assert ours == Counter((ends, packets, size) for ends, packets, size in theirs.values())
