"""Streams put together: nothing is lost, nothing is early, and addresses are exchanged everywhere."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detection_splice import DAY, Move, after, chained, overlaid, part, span
from detection_traffic import End, Service, Traffic, outside
from hauberk.model.address import ip_halves, ip_text, mac_number
from hauberk.model.hint import Hint, HintKey
from hauberk.model.observation import Observations

CAMERA, ROUTER, CLOUD = End("10.0.0.5", "02:00:00:00:00:05"), End("10.0.0.1", "02:00:00:00:00:01"), outside("203.0.113.9")
WEB = Service(443, "tls")


def traffic(times: list[float], seed: int = 1) -> Traffic:
    """A camera that calls its cloud, asks for a name, and says who it is."""
    made = Traffic(seed)
    moments = np.array(times, float)
    made.connect(moments, CAMERA, CLOUD, WEB, 900.0, 400.0)
    made.ask(moments, CAMERA, ROUTER, "modbus read_coils 1", "coil/0")
    made.claim(moments, CAMERA)
    return made


def whole(stream: list[Observations]) -> tuple[int, int, int, int]:
    """How much of each kind is in a stream."""
    return (
        sum(len(batch.activity) for batch in stream),
        sum(len(batch.flows) for batch in stream),
        sum(len(batch.claims) for batch in stream),
        sum(len(batch.transactions) for batch in stream),
    )


@given(
    st.lists(st.floats(1e6, 1.001e6), min_size=1, max_size=30),
    st.lists(st.floats(1e6, 1.001e6), min_size=1, max_size=30),
    st.floats(1, 500),
)
def test_an_overlay_keeps_everything_in_order_of_time(first: list[float], second: list[float], seconds: float) -> None:
    """Watermarks rise, nothing comes after its watermark or before the one ahead of it, and conversations stay apart."""
    stream = list(overlaid([traffic(first).observations(), traffic(second, 2).observations()], seconds))
    count = len(first) + len(second)
    assert whole(stream) == (count, count, count, 2 * count)
    mark = -math.inf
    for batch in stream:
        assert batch.watermark > mark
        for times in (batch.activity["start"] * 1e-9, batch.flows["end"] * 1e-9, batch.claims["time"] * 1e-9):
            assert np.all((times >= mark) & (times < batch.watermark))
            assert np.all(np.diff(times) >= 0)
        assert all(mark <= transaction.time < batch.watermark for transaction in batch.transactions)
        mark = batch.watermark
    assert len({int(row) for batch in stream for row in batch.activity["id"]}) == count


def test_a_move_shifts_every_time_alike() -> None:
    """Rows, claims, messages and the watermark; what says 'never' stays so."""
    was = traffic([1000.0, 1010.0]).observations()
    was[0].flows["last_in"][0] = 0
    moved = list(Move(500.0).apply(was))
    begin, end = span(was)
    assert span(moved) == pytest.approx((begin + 500, end + 500))
    assert moved[0].flows["last_in"].tolist() == [0, was[0].flows["last_in"][1] + 500_000_000_000]
    assert moved[0].claims["time"].tolist() == [1_500_000_000_000, 1_510_000_000_000]
    assert was[0].activity["start"][0] == 1_000_000_000_000


def test_a_move_exchanges_addresses_wherever_they_stand() -> None:
    """IP and card, in rows, claims, messages and what messages tell; even two addresses with each other."""
    made = traffic([1000.0])
    batch = made.observations()[0]
    hint = Hint(HintKey.IP, CAMERA.ip, CAMERA.mac)
    batch.transactions[0] = batch.transactions[0]._replace(hints=(hint,))
    names = {CAMERA.ip: ROUTER.ip, ROUTER.ip: CAMERA.ip, CAMERA.mac: "02:00:00:00:00:77"}
    moved = next(iter(Move(addresses=names).apply([batch])))
    row = moved.activity[0]
    assert ip_text(int(row["a_hi"]), int(row["a_lo"])) == ROUTER.ip
    assert ip_text(int(row["b_hi"]), int(row["b_lo"])) == CLOUD.ip
    assert int(row["a_mac"]) == mac_number("02:00:00:00:00:77")
    assert int(moved.claims[0]["mac"]) == mac_number("02:00:00:00:00:77")
    assert (int(moved.claims[0]["hi"]), int(moved.claims[0]["lo"])) == ip_halves(ROUTER.ip)
    assert (moved.transactions[0].src, moved.transactions[0].dst) == (ROUTER.ip, CAMERA.ip)
    assert moved.transactions[0].hints == (Hint(HintKey.IP, ROUTER.ip, "02:00:00:00:00:77"),)


def test_cards_are_taken_away_or_filled_in() -> None:
    """A stream without cards has none and claims nothing; a log is given the cards of its new home."""
    bare = next(iter(Move(cards=False).apply(traffic([1000.0]).observations())))
    assert bare.activity["a_mac"].tolist() == bare.flows["b_mac"].tolist() == [0]
    assert len(bare.claims) == 0
    filled = next(iter(Move(fill={CAMERA.ip: CAMERA.mac, "": ROUTER.mac}).apply([bare])))
    assert int(filled.activity["a_mac"][0]) == mac_number(CAMERA.mac)
    assert int(filled.activity["b_mac"][0]) == mac_number(ROUTER.mac)


def test_streams_behind_each_other_do_not_end_time_in_between() -> None:
    """The first stream's end is its last moment, so that the second is not behind it."""
    first = [Observations(traffic([1000.0]).observations()[0].activity, watermark=math.inf)]
    second = [Observations(traffic([2000.0]).observations()[0].activity, watermark=math.inf)]
    stream = list(chained([first, second]))
    assert [batch.watermark for batch in stream] == [pytest.approx(1000.2), pytest.approx(2000.2)]
    assert stream[0].activity["id"][0] != stream[1].activity["id"][0]


def test_a_part_holds_what_lies_in_it() -> None:
    """From its beginning on, up to its end."""
    kept = list(part(traffic([1000.0, 2000.0, 3000.0]).observations(), 2000.0, 3000.0))
    assert whole(kept) == (1, 1, 1, 2)


def test_whole_days_are_moved() -> None:
    """The moved stream ends before the other begins, at the same hours, and less than a day before."""
    seconds = after((10 * DAY, 11 * DAY + 5), (4 * DAY, 5 * DAY))
    assert seconds % DAY == 0
    assert 0 <= 4 * DAY - (11 * DAY + 5 + seconds) < DAY


def test_generated_traffic_is_the_same_from_the_same_seed() -> None:
    """Row by row (rows have padding, which may hold anything)."""
    one, two = (list(traffic([1000.0, 1001.0], 5).stream()) for _ in range(2))
    assert [batch.activity.tolist() for batch in one] == [batch.activity.tolist() for batch in two]
    assert [batch.transactions for batch in one] == [batch.transactions for batch in two]


def test_a_lone_syn_is_answered_by_nobody() -> None:
    """Nothing comes back, not even a byte: an attempt in vain."""
    made = Traffic(1)
    made.try_vainly(np.array([1000.0]), CAMERA, [ROUTER], [23])
    row = made.observations()[0].activity[0]
    assert [int(row[name]) for name in ("packets_out", "packets_in", "bytes_in", "payload_in", "flags_in", "syn_in")] == [
        1,
        0,
        0,
        0,
        0,
        0,
    ]
