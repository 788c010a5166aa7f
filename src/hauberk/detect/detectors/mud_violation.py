"""MUD violation: a device with a MUD file (RFC 8520) holds a conversation that the file does not allow.

Says nothing of devices without a file. Judges each conversation once: the device's own when it begins, another's when the device
first answers it; two seconds late, so that a name said in the first exchange (a TLS server name, an answer just behind its
question) is known. One finding for a device, a direction, a transport and a sort of remote (local, group, outside): a device gone
astray strays often.

While the network is learned it notes what every device talks to, from which ``hauberk mud learn`` writes files.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field

from hauberk.detect.attempts import TCP
from hauberk.detect.detectors.interface import Detector, Parameter, Parameters
from hauberk.detect.episode import Episodes
from hauberk.detect.mud import Conversation, Rule, is_judged
from hauberk.detect.mud_policies import FleetSite
from hauberk.detect.names import Names
from hauberk.detect.profile import Peer, Profiles, Talk, is_group
from hauberk.detect.view import View
from hauberk.model.address import ip_text, mac_text
from hauberk.model.finding import Evidence, Finding, Severity
from hauberk.model.flow import STATE_FIRST
from hauberk.model.ids import DetectorId

_ID = DetectorId("mud_violation")
_PATIENCE = 2.0
"""Seconds after which the name of the other side is taken for known."""
_MOST_OPEN = 1 << 14
_TRANSPORTS = {1: "ICMP", 2: "IGMP", 6: "TCP", 17: "UDP", 58: "ICMPv6"}
_COLUMNS = (
    *("start", "id", "a_hi", "a_lo", "b_hi", "b_lo", "a_mac", "b_mac", "a_port", "b_port", "transport", "ip_version", "state"),
    *("syn_out", "packets_in", "payload_in"),
)


@dataclass(slots=True)
class Waiting:
    """A conversation that waits to be judged."""

    mac: str
    local: str
    peer: Peer
    talk: Talk


@dataclass(slots=True)
class MudState:
    """What was learned of all devices, and what is going on with those that have files. ``open``: conversations that others began
    and that wait for an answer, with whether the request was seen."""

    episodes: Episodes
    profiles: Profiles = field(default_factory=Profiles)
    names: Names = field(default_factory=Names)
    waiting: list[Waiting] = field(default_factory=list)
    open: OrderedDict[int, bool] = field(default_factory=OrderedDict)


def _begin(parameters: Parameters) -> MudState:
    return MudState(Episodes(parameters["quiet"]))


def _step(state: MudState, view: View) -> list[Finding]:
    if view.learning:
        state.profiles.observe(view.batch, view.fleet.is_local)
    if view.learning or view.mud:
        state.names.observe(view.batch)
    if not view.mud:
        return []
    state.waiting.extend(_begun(state, view))
    due = [item for item in state.waiting if item.talk.first + _PATIENCE <= view.batch.watermark]
    if not due:
        return []
    state.waiting = [item for item in state.waiting if item.talk.first + _PATIENCE > view.batch.watermark]
    due.sort(key=lambda item: (item.talk.first, item.local, item.peer))
    found = (_judge(state, view, item) for item in due)
    return [finding for finding in found if finding is not None]


def _begun(state: MudState, view: View) -> Iterator[Waiting]:
    """Conversations of devices with files that begin in this batch, or are first answered."""
    activity = view.batch.activity
    activity = activity[(activity["ip_version"] > 0) & ((activity["state"] & STATE_FIRST != 0) | (activity["packets_in"] > 0))]
    for row in zip(*(activity[name].tolist() for name in _COLUMNS), strict=True):
        start, number, a_hi, a_lo, b_hi, b_lo, a_mac, b_mac, a_port, port, transport, version, flags, syn, back, said = row
        a, b, time = ip_text(a_hi, a_lo), ip_text(b_hi, b_lo), start * 1e-9
        first = bool(flags & STATE_FIRST)
        if first and view.mud.of(mac_text(a_mac) if a_mac else "", a, view.fleet) is not None:
            talk = Talk(time, time, a_port, a_port, 1, 1, certain=syn > 0, answered=back > 0, spoke=said > 0)
            yield Waiting(mac_text(a_mac) if a_mac else "", a, Peer(True, version, transport, b, port), talk)
        if first and not is_group(b) and view.mud.of(mac_text(b_mac) if b_mac else "", b, view.fleet) is not None:
            state.open[number] = syn > 0
            if len(state.open) > _MOST_OPEN:
                state.open.popitem(last=False)
        if (said if transport == TCP else back) and number in state.open:
            talk = Talk(time, time, a_port, a_port, 1, 1, certain=state.open.pop(number), answered=True, spoke=said > 0)
            yield Waiting(mac_text(b_mac) if b_mac else "", b, Peer(False, version, transport, a, port), talk)


def _judge(state: MudState, view: View, item: Waiting) -> Finding | None:
    policy = view.mud.of(item.mac, item.local, view.fleet)
    names = state.names.names(item.peer.remote, item.talk.first + _PATIENCE)
    conversation = Conversation(item.peer, item.talk, item.local, names)
    if policy is None or not is_judged(conversation):
        return None
    rule = policy.decide(conversation, FleetSite(view.fleet))
    if rule is not None and rule.accepts:
        return None
    remote, time = item.peer.remote, item.talk.first
    sort = "group" if is_group(remote) else "local" if view.fleet.is_local(remote) else "outside"
    key = (item.local, item.peer.initiated, item.peer.transport, sort)
    if state.episodes.goes_on(key, time):
        return None
    state.episodes.begin(key, time)
    return Finding(
        _ID,
        "Conversation that the MUD file does not allow",
        Severity.HIGH if sort == "outside" else Severity.MEDIUM,
        6.0,
        view.device(item.local),
        (item.local, remote),
        time,
        time + _PATIENCE,
        (_reason(conversation, rule),),
        f"Find out why {item.local} does this. If it is meant to, add it to the MUD file; if not, look at the device for software"
        " that is not its maker's.",
        evidence=(Evidence("mud_violation", names[0] if names else remote, score=6.0),),
    )


def _reason(conversation: Conversation, rule: Rule | None) -> str:
    peer = conversation.peer
    transport = _TRANSPORTS.get(peer.transport, f"IP protocol {peer.transport}")
    service = f"{transport} port {peer.port}" if peer.port and peer.transport in {6, 17} else transport
    remote = f"{peer.remote} ({conversation.names[0]})" if conversation.names else peer.remote
    what = (
        f"{conversation.local} turned to {remote} on {service}"
        if peer.initiated
        else f"{conversation.local} answered {remote} on its {service}"
    )
    if rule is not None:
        return f"{what}, which entry '{rule.entry.name}' of its MUD file forbids."
    return f"{what}, which no entry of its MUD file allows."


DETECTORS = (
    Detector(
        _ID,
        "Conversation that the MUD file does not allow",
        "A conversation of a device that has a MUD file (RFC 8520) and that the file does not allow.",
        {"quiet": Parameter(3600.0, "s", "said again only after so long a silence")},
        _begin,
        _step,
    ),
)
