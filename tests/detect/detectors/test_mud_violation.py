"""MUD violations: silent without a file, exact with one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hauberk.detect.detectors.mud_violation import DETECTORS
from hauberk.detect.engine import DetectionEngine
from hauberk.detect.mud import Policy
from hauberk.detect.mud_policies import MudPolicies
from hauberk.detect.profile import Peer
from hauberk.errors import SettingError
from hauberk.model.finding import Finding, Severity
from hauberk.model.ids import DetectorId
from hauberk.model.mud import AccessList, Entry, Internet, Matches, MudFile, Party, Ports, Tcp, Udp
from hauberk.model.transaction import Transaction

DEVICE, CLOUD, NEAR, CARD = "10.0.0.7", "198.51.100.9", "10.0.0.8", "02:00:00:00:00:07"
ID = DetectorId("mud_violation")
FILE = MudFile(
    "https://x.example/m.json",
    "2026-01-01T00:00:00Z",
    supported=True,
    from_device=("from",),
    to_device=("to",),
    lists=(
        AccessList(
            "from",
            "ipv4-acl-type",
            (
                Entry("cloud", Matches(ipv4=Internet(destination_name="api.example"), tcp=Tcp(None, Ports("eq", 443))), "accept"),
                Entry("near", Matches(party=Party(local_networks=True), udp=Udp(None, Ports("eq", 5353))), "accept"),
            ),
        ),
        AccessList("to", "ipv4-acl-type", (Entry("page", Matches(tcp=Tcp(None, Ports("eq", 80))), "accept"),)),
    ),
)
Judge = Callable[..., list[Finding]]


@pytest.fixture
def fleet(engine: Any) -> Any:
    """A fleet in which 10.0.0.0/8 is local."""
    return engine({}).fleet


@pytest.fixture
def judge(fleet: Any) -> Judge:
    """Runs the detector over traffic with a file for ``who``."""

    def run(traffic: Any, *cuts: float, who: str | None = DEVICE) -> list[Finding]:
        engine = DetectionEngine(DETECTORS, fleet)
        if who is not None:
            engine.mud = MudPolicies({who: Policy.of(FILE)})
        return [finding for batch in traffic.batches(cuts) for finding in engine.observe(batch)]

    return run


def resolved(traffic: Any, time: float, name: str, address: str) -> None:
    """An answer of a resolver."""
    traffic.messages.append(
        Transaction(1, time, "dns", "10.0.0.1", 53, DEVICE, 4000, "response", "query", 1, name, (address,), "ok", False)
    )


def strays(traffic: Any) -> None:
    """Allowed things, and a conversation that is not."""
    resolved(traffic, 9, "api.example", CLOUD)
    traffic.answered(10, DEVICE, CLOUD, 443)
    traffic.flow(11, DEVICE, "224.0.0.251", 5353, 17)
    traffic.answered(12, NEAR, DEVICE, 80)
    traffic.answered(20, DEVICE, "203.0.113.5", 6667)


def test_a_conversation_that_is_not_allowed_is_said_once(traffic: Any, judge: Judge) -> None:
    """The stray is named with what it did; what the file allows is not said."""
    strays(traffic)
    traffic.answered(30, DEVICE, "203.0.113.6", 6667)
    (finding,) = judge(traffic)
    assert finding.addresses == (DEVICE, "203.0.113.5")
    assert finding.severity is Severity.HIGH
    assert (finding.first_evidence, finding.raised) == (20, 22)
    assert "TCP port 6667" in finding.reasons[0]


@pytest.mark.parametrize("who", [None, NEAR, "camera"])
def test_a_device_without_a_file_is_left_in_peace(traffic: Any, judge: Judge, who: str | None) -> None:
    """No file, no finding about it."""
    strays(traffic)
    assert not any(finding.addresses[0] == DEVICE for finding in judge(traffic, who=who))


def test_a_name_said_during_the_conversation_counts(traffic: Any, judge: Judge) -> None:
    """A server name in the first exchange is in time, one long after it is not."""
    traffic.answered(10, DEVICE, CLOUD, 443)
    resolved(traffic, 11, "api.example", CLOUD)
    traffic.answered(50, DEVICE, "198.51.100.10", 443)
    resolved(traffic, 60, "api.example", "198.51.100.10")
    (finding,) = judge(traffic)
    assert finding.addresses[1] == "198.51.100.10"


def test_what_others_begin_counts_when_the_device_answers(traffic: Any, judge: Judge) -> None:
    """A knock is not the device's doing, an answer on a port of its own is; also when it comes a second later."""
    traffic.flow(10, NEAR, DEVICE, 23)
    assert not judge(traffic)
    traffic.flow(20, NEAR, DEVICE, 23, id=77)
    traffic.flow(21, NEAR, DEVICE, 23, id=77, state=0, syn_out=0, packets_in=2, payload_in=9)
    (finding,) = judge(traffic)
    assert finding.severity is Severity.MEDIUM
    assert finding.first_evidence == 21
    assert "answered" in finding.reasons[0]


@pytest.mark.parametrize("who", [DEVICE, CARD])
def test_a_file_is_for_an_address_or_a_card(traffic: Any, judge: Judge, who: str) -> None:
    """Both find the device."""
    traffic.answered(10, DEVICE, "203.0.113.5", 6667)
    traffic.flow(11, DEVICE, "203.0.113.5", 6668, a_mac=0x020000000007, packets_in=1)
    assert len(judge(traffic, who=who)) == 1


@pytest.mark.parametrize("cuts", [(10.5,), (15, 20.5, 21), tuple(range(5, 40))])
def test_cuts_change_nothing(traffic: Any, judge: Judge, cuts: tuple[float, ...]) -> None:
    """The same findings, whatever the batches."""
    strays(traffic)
    resolved(traffic, 21, "late.example", "203.0.113.5")
    traffic.flow(25, NEAR, DEVICE, 23, id=77)
    traffic.flow(27, NEAR, DEVICE, 23, id=77, state=0, syn_out=0, packets_in=2, payload_in=9)
    whole = judge(traffic)
    assert len(whole) == 2
    assert judge(traffic, *cuts) == whole


def test_it_learns_what_devices_talk_to(traffic: Any, fleet: Any) -> None:
    """While the network is learned, whether or not there is a file; afterwards no more."""
    strays(traffic)
    engine = DetectionEngine(DETECTORS, fleet, learn_until=15)
    for batch in traffic.batches((15,)):
        engine.observe(batch)
    state = engine.state(ID)
    assert Peer(True, 4, 6, CLOUD, 443) in state.profiles.of((), (DEVICE,))
    assert Peer(True, 4, 6, "203.0.113.5", 6667) not in state.profiles.of((), (DEVICE,))
    assert state.names.name(CLOUD, 15) == "api.example"


def test_what_was_learned_survives_a_snapshot(traffic: Any, fleet: Any) -> None:
    """A saved baseline carries the profiles."""
    strays(traffic)
    engine = DetectionEngine(DETECTORS, fleet, learn_until=15)
    for batch in traffic.batches((15,)):
        engine.observe(batch)
    again = DetectionEngine(DETECTORS, fleet, snapshot=type(snapshot := engine.snapshot()).load(snapshot.dump()))
    assert again.state(ID).profiles == engine.state(ID).profiles
    assert again.state(ID).names.state() == engine.state(ID).names.state()


def test_a_state_is_asked_for_by_a_known_id(fleet: Any) -> None:
    """An unknown detector is said to be one."""
    with pytest.raises(SettingError):
        DetectionEngine((), fleet).state(ID)
