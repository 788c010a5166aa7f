"""Findings depend on the traffic, not on how it was cut into batches."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hauberk.model.flow import CLAIM_ARP_REQUEST


def _busy(traffic: Any, seed: int) -> Any:
    """Something of everything that any detector looks at, mixed in time."""
    chance = random.Random(seed)  # noqa: S311 - test data
    for number in range(60):
        time = chance.uniform(20, 60)
        traffic.flow(time, "10.0.0.66", f"10.0.1.{number}", chance.choice([23, 502]), a_mac=0x66)
        traffic.flow(time, "10.0.0.67", "10.0.1.1", 1000 + number, chance.choice([6, 17]), a_mac=0x67)
        traffic.claim(time, f"10.0.0.{chance.randrange(3)}", chance.randrange(1, 3))
        traffic.claim(time, "10.0.0.66", 0x66, CLAIM_ARP_REQUEST, f"10.0.3.{number}")
        traffic.answered(chance.uniform(0, 60), "10.0.0.68", f"10.0.1.{chance.randrange(9)}", 502)
        traffic.flow(time, f"198.18.0.{number}", "10.0.1.2", 80, syn_out=20)
        traffic.flow(time, "10.0.0.69", "10.0.1.3", 0, 1, packets_out=100)
        who, whom = f"10.0.0.{chance.randrange(2)}", f"10.0.1.{chance.randrange(2)}"
        protocol = chance.choice(["modbus", "dnp3"])
        traffic.say(
            time,
            who,
            whom,
            f"{protocol} {chance.choice(['read', 'write!', 'restart!'])}",
            status=chance.choice(["ok", "malformed"]),
        )
        traffic.say(time, whom, who, "modbus read", "response", chance.choice(["a", "b"]), str(number))
        traffic.say(time, whom, who, f"{chance.choice(['ftp', 'http'])} login", "response", chance.choice(["bad", "worse", "ok"]))
        traffic.say(chance.uniform(0, 60), who, whom, "mqtt connect")
        traffic.say(time, "8.8.8.8", whom, "modbus read")
    for number in range(700):
        traffic.say(chance.uniform(20, 28), "10.0.0.1", "10.0.1.1", f"dnp3 {chance.choice(['write', 'operate'])}!")
        traffic.flow(chance.uniform(20, 28), f"198.18.1.{number % 200}", "10.0.1.4", 80)
    return traffic


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 1 << 16), cuts=st.lists(st.floats(0, 62), max_size=40))
def test_any_cut_gives_the_same_findings(seed: int, cuts: list[float], make_traffic: Callable[[], Any], run: Any) -> None:
    """One batch against many: same findings, same times, same words."""
    traffic = _busy(make_traffic(), seed)
    whole = run(traffic, learn_until=15)
    parts = run(traffic, learn_until=15, cuts=cuts)
    order = sorted(whole, key=repr)
    assert len({finding.detector for finding in whole}) >= 10
    assert sorted(parts, key=repr) == order
