"""Windows of behaviour: counts as a slow oracle has them, however the stream is cut."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hauberk.detect.features.messages import MessageCounts, entropy
from hauberk.detect.features.metrics import M
from hauberk.detect.features.windows import FeatureWindows
from hauberk.detect.view import Group
from hauberk.model.address import ip_halves, ip_text, mac_text
from hauberk.model.flow import CLAIM_ARP_REPLY, CLAIM_ARP_REQUEST, STATE_FIRST
from hauberk.model.ids import DeviceId
from hauberk.model.observation import Observations
from hauberk.model.transaction import Transaction

OURS = ("10.0.0.1", "10.0.0.2", "10.0.1.1", "02:00:00:00:00:07", "fe80::7")
HOSTS = (*OURS[:3], "fe80::7", "203.0.113.5", "203.0.113.9", "224.0.0.251", "255.255.255.255", "ff02::fb")
GROUPS = {"224.0.0.251", "255.255.255.255", "ff02::fb", "01:0c:cd:01:00:01"}
MACS = (0x0200_0000_0007, 0x0200_0000_0008, 0x010C_CD01_0001)


class Fleet:
    """Five addresses are of our devices; the last two are of one."""

    def device(self, address: str) -> DeviceId | None:
        """The record of an address."""
        return DeviceId("both" if address in OURS[3:] else address) if address in OURS else None

    def kind(self, address: str) -> str | None:
        """Unknown."""
        return None if address else ""

    def is_local(self, address: str) -> bool:
        """The private network."""
        return address.startswith("10.")

    def is_infrastructure(self, address: str) -> bool:
        """Nobody."""
        return not address


def flows() -> st.SearchStrategy[dict[str, Any]]:
    """One activity row, mostly IP."""
    small = st.integers(0, 3)
    ip = {
        "time": st.floats(0, 59.999),
        "a": st.sampled_from(HOSTS[:6]),
        "b": st.sampled_from(HOSTS),
        "port": st.sampled_from([53, 443, 502]),
        "transport": st.sampled_from([1, 6, 17]),
        "packets_out": st.integers(1, 5),
        "packets_in": small,
        "bytes_out": st.integers(0, 9000),
        "bytes_in": st.integers(0, 9000),
        "syn_out": st.integers(0, 1),
        "flags_in": st.sampled_from([0, 4, 18]),
        "state": st.sampled_from([0, STATE_FIRST]),
    }
    bare = {
        **ip,
        "a_lo": st.sampled_from(MACS[:2]),
        "b_lo": st.sampled_from(MACS),
        "ip_version": st.just(0),
        "transport": st.just(0),
    }
    return st.fixed_dictionaries(ip) | st.fixed_dictionaries(bare)


def messages() -> st.SearchStrategy[tuple[Any, ...]]:
    """Time, ends, what, role, status, object, write."""
    what = st.sampled_from(["dns a", "modbus read", "mqtt publish", "mqtt connack", "ftp login", "http get", "strange word"])
    ends = st.sampled_from(HOSTS[:6])
    role = st.sampled_from(["request", "response", "event"])
    status = st.sampled_from(["ok", "nxdomain", "malformed", "banned", "illegal_data_address"])
    return st.tuples(
        st.floats(0, 59.999), ends, ends, what, role, status, st.sampled_from([None, "aab.example", "xkcdq.example"]), st.booleans()
    )


def claims() -> st.SearchStrategy[tuple[Any, ...]]:
    """Time, sender, kind of ARP message."""
    return st.tuples(
        st.floats(0, 59.999), st.sampled_from(HOSTS[:3] + HOSTS[4:5]), st.sampled_from([CLAIM_ARP_REQUEST, CLAIM_ARP_REPLY])
    )


def put(traffic: Any, rows: list[Any], said: list[Any], asked: list[Any]) -> None:
    """The traffic that the rows describe."""
    for row in rows:
        columns = dict(row)
        if columns.get("ip_version") == 0:
            columns |= {"a_hi": 0, "b_hi": 0}
        traffic.flow(columns.pop("time"), columns.pop("a"), columns.pop("b"), columns.pop("port"), **columns)
    for time, src, dst, what, role, status, thing, write in said:
        protocol, operation = what.split()
        traffic.tell(time, src, dst, protocol, operation, role=role, status=status, object=thing, write=write)
    for time, ip, kind in asked:
        traffic.claim(time, ip, 2, kind, "10.0.3.3")


Table = dict[tuple[int, str], dict[M, float]]


def expected(batch: Observations) -> tuple[Table, dict[tuple[int, str], list[float]]]:
    """Metrics and bytes with the outside by window and device, one row at a time."""
    table: Table = defaultdict(lambda: dict.fromkeys(M, 0.0))
    outside: dict[tuple[int, str], list[float]] = defaultdict(lambda: [0.0, 0.0])
    peers: dict[tuple[int, str], set[str]] = defaultdict(set)
    ports: dict[tuple[int, str], set[tuple[int, int]]] = defaultdict(set)
    fleet = Fleet()
    for row in batch.activity:
        window = int(row["start"]) // 10**10
        is_ip = row["ip_version"] > 0
        a, b = (ip_text(int(row[f"{s}_hi"]), int(row[f"{s}_lo"])) if is_ip else mac_text(int(row[f"{s}_lo"])) for s in "ab")
        back = int(row["packets_in"])
        first = is_ip and bool(row["state"] & STATE_FIRST) and b not in GROUPS
        for own, other, out, inward, speaks in ((a, b, "out", "in", True), (b, a, "in", "out", back > 0)):
            device = fleet.device(own)
            if device is None or not speaks:
                continue
            cell = table[window, device]
            for name, side in ((M.PACKETS_OUT, out), (M.PACKETS_IN, inward)):
                cell[name] += int(row[f"packets_{side}"])
            for name, side in ((M.BYTES_OUT, out), (M.BYTES_IN, inward)):
                cell[name] += int(row[f"bytes_{side}"])
            cell[M.BEGUN if out == "out" else M.RECEIVED] += first
            if other not in GROUPS:
                peers[window, device].add(other)
                if out == "out":
                    ports[window, device].add((int(row["b_port"]), int(row["transport"])))
                if is_ip and fleet.device(other) is None:
                    outside[window, device][0] += int(row[f"bytes_{out}"])
                    outside[window, device][1] += int(row[f"bytes_{inward}"])
        device = fleet.device(a)
        if first and device is not None:
            tcp, udp = row["transport"] == 6, row["transport"] == 17
            silent = back == 0 and ((tcp and row["syn_out"] > 0) or udp)
            table[window, device][M.UNANSWERED] += bool(silent or (tcp and row["flags_in"] & 4 and back <= 2))
    add_words(table, batch)
    for key, cell in table.items():
        cell[M.PEERS], cell[M.PORTS] = len(peers[key]), len(ports[key])
        total = sum(outside[key])
        cell[M.UPLOAD_SHARE] = 100 * outside[key][0] / total if total >= 10_000 else 0.0
    return table, outside


def add_words(table: Table, batch: Observations) -> None:
    """What ARP and application messages count for."""
    fleet = Fleet()
    for claim in batch.claims:
        device = fleet.device(ip_text(int(claim["hi"]), int(claim["lo"])))
        if device is not None and claim["kind"] == CLAIM_ARP_REQUEST:
            table[int(claim["time"]) // 10**10, device][M.ARP_REQUESTS] += 1
    for message in batch.transactions:
        for metric, address in counted(message):
            device = fleet.device(address)
            if device is not None:
                cell = table[math.floor(message.time / 10), device]
                cell[metric] += 1
                if metric is M.DNS_QUERIES and message.object:
                    cell[M.DNS_ENTROPY] = max(cell[M.DNS_ENTROPY], entropy(message.object))
        asks = message.role == "request" and message.protocol in {"modbus", "mqtt", "ftp", "http"} and message.status != "malformed"
        device = fleet.device(message.src)
        if asks and device is not None:
            _ = table[math.floor(message.time / 10), device]


def counted(message: Transaction) -> list[tuple[M, str]]:
    """What a message counts for, and for whom."""
    protocol, role, status = message.protocol, message.role, message.status
    if protocol == "dns":
        if role == "request":
            return [(M.DNS_QUERIES, message.src)]
        return [(M.DNS_FAILURES, message.dst)] if status == "nxdomain" else []
    if protocol == "modbus":
        if role == "request":
            return [(M.OT_REQUESTS, message.src), *([(M.OT_WRITES, message.src)] if message.write else [])]
        return [(M.OT_ERRORS, message.dst)] if role == "response" and status not in {"ok", "malformed"} else []
    if role == "response" and status != "ok":
        failed = message.operation == "login" or (message.operation == "connack" and status == "banned")
        return [(M.LOGIN_FAILURES, message.dst)] if failed else []
    return [(M.PUBLISHES, message.src)] if (protocol, message.operation, role) == ("mqtt", "publish", "request") else []


def seen(windows: FeatureWindows, batches: Iterable[Observations]) -> tuple[Table, dict[tuple[int, str], list[float]], list[Any]]:
    """The same from spans, and the contacts as comparable rows."""
    table: Table = {}
    outside: dict[tuple[int, str], list[float]] = {}
    contacts: list[Any] = []
    for batch in batches:
        for span in windows.spans(batch, groups(batch), learning=False):
            assert (np.diff(span.window) >= 0).all()
            keys = [(int(w), span.ids[d]) for w, d in zip(span.window, span.device, strict=True)]
            assert len(set(keys)) == len(keys)
            assert not set(keys) & table.keys()
            for number, key in enumerate(keys):
                table[key] = {metric: float(span.values[number, metric]) for metric in M}
                outside[key] = span.outside[number].tolist()
            contacts += [(*keys[contact["row"]], *contact.tolist()[1:]) for contact in span.contacts]
            contacts += [(*keys[verb.row], *verb[1:]) for verb in span.verbs]
    return table, outside, sorted(contacts, key=repr)


def groups(batch: Observations) -> dict[Group, list[Transaction]]:
    """The messages of a batch as detectors see them."""
    found: dict[Group, list[Transaction]] = defaultdict(list)
    for m in batch.transactions:
        found[Group(m.protocol, m.src, m.dst, m.role, m.operation, m.write, m.status)].append(m)
    return found


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(flows(), max_size=25),
    said=st.lists(messages(), max_size=15),
    asked=st.lists(claims(), max_size=6),
    cuts=st.lists(st.floats(0, 62), max_size=5),
)
def test_counts_are_those_of_the_oracle_however_the_stream_is_cut(
    rows: list[Any], said: list[Any], asked: list[Any], cuts: list[float], make_traffic: Callable[[], Any]
) -> None:
    """Every metric of every device in every window, the bytes with the outside, contacts and operations."""
    traffic = make_traffic()
    put(traffic, rows, said, asked)
    (whole,) = traffic.batches()
    table, outside = expected(whole)
    values, beyond, contacts = seen(FeatureWindows(Fleet()), [whole])
    assert values.keys() == table.keys()
    for key, cell in table.items():
        assert values[key] == pytest.approx(cell), key
        assert beyond[key] == outside[key]
    assert seen(FeatureWindows(Fleet()), traffic.batches(cuts)) == (values, beyond, contacts)


def test_a_window_in_which_a_device_only_answers(traffic: Any) -> None:
    """It has a row, with what it received and no ports of its own."""
    traffic.answered(3, "203.0.113.5", "10.0.1.1", 502)
    (frame,) = FeatureWindows(Fleet()).observe(traffic.batches()[0])
    assert (frame.start, frame.seconds, frame.subjects) == (0.0, 10.0, ("10.0.1.1",))
    row = frame.values[0]
    assert (row[M.RECEIVED], row[M.PACKETS_OUT], row[M.PACKETS_IN], row[M.PORTS], row[M.PEERS]) == (1, 4, 4, 0, 1)


def test_who_is_asked_and_says_nothing_was_not_heard(traffic: Any) -> None:
    """A mute address has no row; bytes sent to one of ours are not bytes sent outside."""
    traffic.flow(3, "10.0.0.1", "10.0.1.1", 514, 17, bytes_out=50_000)
    (frame,) = FeatureWindows(Fleet()).observe(traffic.batches()[0])
    assert frame.subjects == ("10.0.0.1",)
    assert frame.values[0, M.UPLOAD_SHARE] == 0
    assert frame.values[0, M.BYTES_OUT] == 50_000


def test_two_addresses_of_a_device_are_one_row(traffic: Any) -> None:
    """Its MAC address without IP and its IPv6 address add up, and groups of either sort are no peers."""
    traffic.flow(3, "10.0.0.1", "10.0.1.1", 0x88B8, 0, ip_version=0, a_hi=0, b_hi=0, a_lo=MACS[0], b_lo=MACS[2])
    traffic.flow(4, "fe80::7", "ff02::fb", 5353, 17)
    traffic.flow(5, "fe80::7", "fe80::8", 80)
    (frame,) = FeatureWindows(Fleet()).observe(traffic.batches()[0])
    assert frame.subjects == ("both",)
    assert frame.values[0, M.PACKETS_OUT] == 3
    assert frame.values[0, M.PEERS] == 1


def test_windows_wait_for_their_end(traffic: Any) -> None:
    """A window is told when the watermark has reached its end, not before, and only once."""
    traffic.answered(3, "10.0.0.1", "10.0.1.1", 502)
    traffic.answered(13, "10.0.0.1", "10.0.1.1", 502)
    windows = FeatureWindows(Fleet())
    parts = traffic.batches([9.999, 10.0, 19.0, 25.0])
    told = [[frame.start for frame in windows.observe(part)] for part in parts]
    assert told == [[], [0.0], [], [10.0], []]


def test_a_small_step_back_is_the_same_stream(traffic: Any) -> None:
    """Nothing is told twice while time is behind; a large step tells what waits and begins anew."""
    for time in (103, 113):
        traffic.answered(time, "10.0.0.1", "10.0.1.1", 502)
    first, second = traffic.batches([112.0])
    second = replace(second, watermark=115.0)
    windows = FeatureWindows(Fleet())
    assert [frame.start for frame in windows.observe(first)] == [100.0]
    assert not windows.observe(second)
    assert not windows.observe(Observations(watermark=60.0))
    assert [frame.start for frame in windows.observe(Observations(watermark=-900.0))] == [110.0]
    assert [frame.start for frame in windows.observe(replace(first, watermark=150.0))] == [100.0]


def test_marks_that_are_no_times_tell_nothing() -> None:
    """NaN and minus infinity as watermark, and nothing seen."""
    windows = FeatureWindows(Fleet())
    assert not [f for mark in (math.nan, -math.inf, math.inf, math.nan, 5.0) for f in windows.observe(Observations(watermark=mark))]


def test_what_is_to_be_learned_is_marked(traffic: Any) -> None:
    """A window in which learning ends is not learned: an attack may have begun in it."""
    for time in (3, 13, 17, 23):
        traffic.answered(time, "10.0.0.1", "10.0.1.1", 502)
    windows = FeatureWindows(Fleet())
    early, late = traffic.batches([15.0])
    spans = [*windows.spans(early, {}, learning=True), *windows.spans(late, {}, learning=False)]
    taught = {int(w): bool(t) for span in spans for w, t in zip(span.window, span.taught, strict=True)}
    assert taught == {0: True, 1: False, 2: False}


def test_addresses_of_messages_are_bounded() -> None:
    """A flood of forged sources does not grow the counts beyond their limit, and room comes back with the windows."""
    counts = MessageCounts(10.0)
    group = Group("dns", "", "10.0.0.1", "request", "a", False, "ok")
    message = Transaction(1, 3.0, "dns", "", 1, "10.0.0.1", 53, "request", "a", 1, "x.example", None, "ok", False)
    for low, high in pairwise((0, 40_000, 80_000)):
        counts.add((group._replace(src=str(number)), [message]) for number in range(low, high))
    assert len(counts.take(1).counts) == 1 << 16
    counts.add([(group._replace(src="late"), [message])])
    assert [(window, address) for window, address, _ in counts.take(math.inf).counts] == [(0, "late")]


def test_many_devices_have_a_row_each(traffic: Any) -> None:
    """Twenty thousand devices within one window: none is overlooked."""
    traffic.answered(3, "10.0.0.1", "10.0.1.1", 502)
    (batch,) = traffic.batches()
    rows = np.repeat(batch.activity, 20_000)
    rows["a_hi"], low = ip_halves("10.1.0.0")
    rows["a_lo"] = low + np.arange(len(rows))

    class Every(Fleet):
        def device(self, address: str) -> DeviceId | None:
            return DeviceId(address)

    (frame,) = FeatureWindows(Every()).observe(replace(batch, activity=rows))
    assert len(frame.subjects) == 20_001
    assert frame.values[:, M.RECEIVED].max() == 20_000
