"""Known bad: a device and an address, name, URL, TLS fingerprint or certificate that a feed of threat intelligence calls bad meet.

Severity follows from who turned to whom and how sure the feed is. A knock from outside that nobody answered is what every public
address lives with; a device that turns to a bad address itself may be under somebody's command.
"""

from __future__ import annotations

from hauberk.detect.attack import (
    ACTIVE_SCANNING,
    APPLICATION_LAYER_PROTOCOL,
    COMMONLY_USED_PORT,
    DNS,
    INTERNET_ACCESSIBLE_DEVICE,
    WEB_PROTOCOLS,
)
from hauberk.detect.detectors.interface import Detector, Parameter, Parameters
from hauberk.detect.indicators.contacts import Contacts, Depth, Sighting
from hauberk.detect.indicators.matcher import Entry, IndicatorMatcher
from hauberk.detect.indicators.sightings import ANSWER, LOOKUP, TRAFFIC, of_conversations, of_messages
from hauberk.detect.indicators.techniques import techniques_named
from hauberk.detect.view import View, moment
from hauberk.model.finding import Evidence, Finding, Severity, Technique
from hauberk.model.ids import DetectorId
from hauberk.model.indicator import Indicator, IndicatorKind

_NAMES = {
    IndicatorKind.IP: "address",
    IndicatorKind.CIDR: "network",
    IndicatorKind.DOMAIN: "name",
    IndicatorKind.URL: "URL",
    IndicatorKind.JA4: "TLS client fingerprint",
    IndicatorKind.CERTIFICATE_SHA256: "certificate",
    IndicatorKind.CERTIFICATE_SHA1: "certificate",
}
_SEVERITY = {
    Depth.KNOCK: (Severity.LOW, Severity.LOW, Severity.MEDIUM),
    Depth.TOUCH: (Severity.MEDIUM, Severity.HIGH, Severity.HIGH),
    Depth.REACH: (Severity.HIGH, Severity.HIGH, Severity.CRITICAL),
}
"""By how far the contact went and whether the feeds are unsure, not outspoken, or sure."""
_UNSURE, _SURE = 30, 70
_TOLD = 5
"""Feeds and labels named in one finding."""
_TECHNIQUES = (APPLICATION_LAYER_PROTOCOL, WEB_PROTOCOLS, DNS, COMMONLY_USED_PORT, INTERNET_ACCESSIBLE_DEVICE, ACTIVE_SCANNING)


def _begin(parameters: Parameters) -> Contacts:
    return Contacts(parameters["quiet"], parameters["knocks"])


def _step(state: Contacts, view: View) -> list[Finding]:
    matcher = view.known_bad.indicators
    if not len(matcher):
        return []
    told = [one for sighting in of_conversations(matcher, view, state) for one in state.see(sighting)]
    for sighting in of_messages(matcher, view):
        entry = matcher.by_key(sighting.entry)
        if entry is not None and entry.at(sighting.time):
            told += state.see(sighting)
    told += state.due(view.batch.watermark)
    found = (_finding(matcher, view, sighting) for sighting in told)
    return [finding for finding in found if finding is not None]


def _finding(matcher: IndicatorMatcher, view: View, sighting: Sighting) -> Finding | None:
    entry = matcher.by_key(sighting.entry)
    says = entry.at(sighting.first) if entry is not None else ()
    if entry is None or not says:
        # A knock of an earlier run, about a feed that is no longer given.
        return None
    early = all(one.valid_from is not None and sighting.first < one.valid_from for one in says)
    asks_for_others = sighting.way in {LOOKUP, ANSWER} and view.fleet.is_infrastructure(sighting.device)
    confidence = max(one.confidence for one in says)
    severity = _SEVERITY[sighting.depth][(confidence >= _UNSURE) + (confidence >= _SURE)]
    severity = Severity(max(severity - early - asks_for_others, Severity.LOW))
    reasons = [_what(sighting, entry), *(_claim(one) for one in _best(says))]
    if len(says) > _TOLD:
        reasons.append(f"{len(says) - _TOLD} more indicators say so.")
    if early:
        first = min(one.valid_from for one in says if one.valid_from is not None)
        reasons.append(f"That was before {moment(first)}, from when on the feed calls it bad: it may have been another's then.")
    if sighting.silenced:
        reasons.append(f"Further knocks of {entry.value} that nobody answers, at other devices, are not told for now.")
    if asks_for_others:
        reasons.append(f"{sighting.device} asks on behalf of others: which device wanted to know is in its own log.")
    return Finding(
        DetectorId("known_bad"),
        _title(sighting, entry),
        severity,
        6.0 + sighting.depth,
        view.device(sighting.device),
        (sighting.device, sighting.peer),
        sighting.first,
        sighting.time,
        tuple(reasons),
        _advice(sighting),
        _techniques(sighting, says),
        (Evidence(f"known_bad_{entry.kind.value}", entry.value, samples=len(says), score=6.0 + sighting.depth),),
    )


def _title(sighting: Sighting, entry: Entry) -> str:
    name = _NAMES[entry.kind]
    if sighting.depth is Depth.KNOCK:
        return f"Known bad {name} tries to reach a device"
    if sighting.way.startswith(TRAFFIC):
        return f"Device talks with a known bad {name}" if sighting.depth is Depth.REACH else f"Device answers a known bad {name}"
    if sighting.way == ANSWER:
        return f"Device is told a known bad {name}"
    return f"Device asks for a known bad {name}" if sighting.depth is Depth.TOUCH else f"Device turns to a known bad {name}"


def _what(sighting: Sighting, entry: Entry) -> str:
    """The first sentence: who met what, and how."""
    device, peer = sighting.device, sighting.peer
    if not sighting.way.startswith(TRAFFIC):
        return f"{device} {sighting.words}; the {_NAMES[entry.kind]} {entry.value} is known to be bad."
    listed = f" ({entry.value})" if entry.value != peer else ""
    does = {
        Depth.KNOCK: f"{peer}{listed} sent to {device} by {sighting.words} and got no answer",
        Depth.TOUCH: f"{peer}{listed} sent to {device} by {sighting.words}, and {device} answered",
        Depth.REACH: f"{device} turned to {peer}{listed} by {sighting.words}",
    }
    return f"{does[sighting.depth]}; {peer} is known to be bad."


def _best(says: tuple[Indicator, ...]) -> list[Indicator]:
    return sorted(says, key=lambda one: (-one.confidence, one.source, one.id))[:_TOLD]


def _claim(one: Indicator) -> str:
    """What a feed says, in its own words where it has any."""
    words = one.name or one.description
    also = f" ({one.description})" if one.description and one.description != words else ""
    called = f", called {', '.join(one.labels[:_TOLD])}" if one.labels else ""
    named = f": {words}{also}" if words else ""
    identity = f", {one.id}" if one.id else ""
    return f"Feed '{one.source}' lists {one.value} with confidence {one.confidence} of 100{identity}{called}{named}."


def _advice(sighting: Sighting) -> str:
    device, peer = sighting.device, sighting.peer
    if sighting.depth is Depth.KNOCK:
        return f"Nothing came back. Block {peer} at the border if {device} should not be reachable from there."
    if sighting.way.startswith(TRAFFIC) and sighting.depth is Depth.TOUCH:
        return f"Close the way from {peer} to {device} at the firewall, then look at what {device} did afterwards."
    return f"Find out which program on {device} does this. If nobody can say, isolate {device} and block the destination."


def _techniques(sighting: Sighting, says: tuple[Indicator, ...]) -> tuple[Technique, ...]:
    if sighting.depth is Depth.KNOCK:
        own: tuple[Technique, ...] = (ACTIVE_SCANNING,)
    elif sighting.way.startswith(TRAFFIC):
        outward = sighting.depth is Depth.REACH
        own = (APPLICATION_LAYER_PROTOCOL, COMMONLY_USED_PORT) if outward else (INTERNET_ACCESSIBLE_DEVICE,)
    elif sighting.way in {LOOKUP, ANSWER} and sighting.depth is Depth.TOUCH:
        own = (DNS,)
    else:
        own = (WEB_PROTOCOLS,)
    named = techniques_named(identifier for one in says for identifier in one.techniques)
    return tuple(dict.fromkeys((*own, *named)))


DETECTORS = (
    Detector(
        DetectorId("known_bad"),
        "Contact with something known to be bad",
        "An address, name, URL, TLS fingerprint or certificate of the indicator files given (--indicators) is met.",
        {
            "quiet": Parameter(3600.0, "s", "said again only after so long a silence"),
            "knocks": Parameter(8.0, "devices", "for so many devices unanswered knocks of one bad thing are told until a silence"),
        },
        _begin,
        _step,
        _TECHNIQUES,
    ),
)
