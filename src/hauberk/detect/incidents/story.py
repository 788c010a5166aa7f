"""An incident in words: who, in which order, through which stages, and how sure; made from the findings by their time."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby

from hauberk.detect.fleet import Fleet
from hauberk.detect.incidents.assessment import combined, severity_of
from hauberk.detect.incidents.group import Group
from hauberk.detect.incidents.roles import is_mac, roles_of
from hauberk.detect.tactics import stage_of
from hauberk.formats.ocsf import finding_uid
from hauberk.model.finding import Finding
from hauberk.model.ids import DeviceId, IncidentId
from hauberk.model.incident import Incident

_ACTS = 4
"""Things one actor is said to have done, and actors said one by one."""
_NAMED = 4096
"""Most devices and addresses looked up for one incident."""
_DONE = {
    "new_device": "joined the network",
    "arp_scan": "searched the network by ARP",
    "address_scan": "scanned addresses",
    "port_scan": "scanned ports{of}",
    "ot_scan": "looked for controllers",
    "excessive_logins": "guessed log-ins{at}",
    "excessive_sessions": "opened sessions without end{at}",
    "new_ot_master": "began to operate{it}",
    "role_flip": "changed its role",
    "new_write": "wrote{to}",
    "ip_mac_conflict": "claimed the address{of}",
    "malformed_messages": "sent broken messages{to}",
    "ot_error_burst": "was refused again and again{by}",
    "flood": "flooded{it}",
    "internet_exposed_ot": "talked over the Internet with{it}",
    "known_bad": "met a known bad host{at}",
    "mud_violation": "left its profile{at}",
    "new_ot_write_target": "wrote something new{to}",
    "new_ot_read_range": "read something new{of}",
    "new_ot_request": "sent new requests{to}",
    "new_ot_reporter": "reported{to} for the first time",
    "ot_master_card": "spoke in the name{of}",
    "new_goose_publisher": "published in another's name",
    "goose_sequence": "broke a sequence of GOOSE messages",
    "value_out_of_range": "gave values out of range",
    "value_relation_broken": "gave values that contradict each other",
    "value_replayed": "gave values that repeat themselves",
    "covert_values": "hid data in values",
    "cleartext_credentials": "sent a password in clear text{to}",
}
"""What each detector says an actor did; others are said by their title."""


def describe(identifier: IncidentId, group: Group, fleet: Fleet) -> Incident:
    """``group`` as a value."""
    findings = tuple(sorted(group.findings.values(), key=lambda finding: (finding.raised, finding_uid(finding))))
    acts = [finding for finding in findings if not (group.attack and roles_of(finding).standing)] or list(findings)
    stages: dict[str, int] = {}
    for finding in acts:
        stage = stage_of(finding, inside=bool(stages))
        if stage is not None:
            stages.setdefault(stage.name, stage.rank)
    names = _Names(fleet, findings)
    sources = list(dict.fromkeys(names.of(source) for finding in acts if (source := _source(finding, fleet))))
    others = dict.fromkeys(names.of(address) for finding in findings for address in finding.addresses)
    addresses = tuple(dict.fromkeys([*sources, *others]))
    return Incident(
        id=identifier,
        title=_title(acts, sources, stages, names),
        severity=severity_of(replace(group, stages=stages)),
        confidence=round(combined(group.families), 3),
        devices=_devices(addresses, findings, fleet),
        addresses=addresses,
        findings=findings,
        started=findings[0].first_evidence if len(findings) == 1 else min(finding.first_evidence for finding in findings),
        updated=group.updated,
        techniques=tuple(dict.fromkeys(technique for finding in acts for technique in finding.techniques)),
        stages=tuple(stages),
        summary=_summary(acts, names, fleet, len(sources)),
    )


def _source(finding: Finding, fleet: Fleet) -> str:
    """The presumed actor: of several cards that claim an address, one that is not its owner's."""
    roles = roles_of(finding)
    if len(roles.actors) > 1 and roles.targets:
        owner = fleet.device(roles.targets[0])
        return next((actor for actor in roles.actors if owner is None or fleet.device(actor) != owner), roles.source)
    return roles.source


class _Names:
    """Addresses as they are said: an IP address where there is one, the kind beside it the first time."""

    def __init__(self, fleet: Fleet, findings: tuple[Finding, ...]) -> None:
        self._fleet = fleet
        self._one: dict[DeviceId, str] = {}
        self._asked: dict[str, DeviceId | None] = {}
        self._introduced: set[str] = set()
        for finding in findings:
            for address in finding.addresses:
                device = self._device(address)
                if device is not None and (device not in self._one or (is_mac(self._one[device]) and not is_mac(address))):
                    self._one[device] = address

    def _device(self, address: str) -> DeviceId | None:
        if address not in self._asked:
            self._asked[address] = self._fleet.device(address)
        return self._asked[address]

    def of(self, address: str) -> str:
        """The address itself; of a card, the IP address of its device where one is known."""
        device = self._device(address) if is_mac(address) else None
        return address if device is None else self._one.get(device, address)

    def introduce(self, address: str) -> str:
        """The same, with its kind the first time."""
        name = self.of(address)
        if name in self._introduced:
            return name
        self._introduced.add(name)
        kind = self._fleet.kind(address)
        return f"{name} ({kind.replace('_', ' ')})" if kind else name


def _devices(addresses: tuple[str, ...], findings: tuple[Finding, ...], fleet: Fleet) -> tuple[DeviceId, ...]:
    """The records of who is involved, the presumed source first; of a crowd those that findings are about."""
    named = [fleet.device(address) for address in addresses[:_NAMED]]
    about = [finding.device for finding in findings]
    return tuple(dict.fromkeys(device for device in [*named, *about] if device is not None))


def _title(acts: list[Finding], sources: list[str], stages: dict[str, int], names: _Names) -> str:
    """What it is in a few words."""
    worst = max(acts, key=lambda finding: (finding.severity, -finding.raised))
    if len(sources) >= _ACTS:
        return f"{worst.title}: {len(sources):,} hosts, first {sources[0]}"
    if len(stages) > 1:
        first, last = min(stages, key=stages.__getitem__), max(stages, key=stages.__getitem__)
        return f"{first} to {last}: {sources[0] if sources else names.of(worst.addresses[0])}"
    return f"{worst.title}: {', '.join(sources) or 'unknown host'}"


def _summary(acts: list[Finding], names: _Names, fleet: Fleet, sources: int) -> str:
    """One sentence: who did what to whom, in order."""
    parts = []
    turns = [(source, list(turn)) for source, turn in groupby(acts, key=lambda finding: names.of(_source(finding, fleet)))]
    if len(turns) > _ACTS and sources >= _ACTS:
        done = _done(acts[:_NAMED], names, targets=False)
        return f"{sources:,} hosts, the first {names.introduce(turns[0][0])}, {done}."
    for source, turn in turns[:_ACTS]:
        parts.append(f"{names.introduce(source) if source else 'somebody'} {_done(turn, names)}")
    more = len(turns) - _ACTS
    return "; then ".join(parts) + (f"; and {more} more turns followed" if more > 0 else "") + "."


def _done(findings: list[Finding], names: _Names, *, targets: bool = True) -> str:
    """What one actor did, each kind of act once, with its targets."""
    acts: dict[str, dict[str, None]] = {}
    titles: dict[str, str] = {}
    for finding in findings:
        roles = roles_of(finding)
        titles[finding.detector] = finding.title
        acts.setdefault(finding.detector, {}).update(dict.fromkeys(names.of(target) for target in roles.targets))
    said = []
    before: list[str] = []
    for detector, suffered in list(acts.items())[: _ACTS + 1]:
        whom = list(suffered) if targets else []
        said.append(_act(detector, titles[detector], _whom(whom, names, again=len(whom) == 1 and whom == before)))
        before = whom or before
    if len(acts) > len(said):
        said.append("more")
    return ", ".join(said[:-1]) + (" and " if len(said) > 1 else "") + said[-1]


def _whom(targets: list[str], names: _Names, *, again: bool) -> str:
    """Targets as a sentence has them; ``again``: the sentence spoke of the one target just before."""
    if again:
        return "it"
    whom = " and ".join(names.introduce(target) for target in targets[:2])
    return f"{whom} and {len(targets) - 2} more" if len(targets) > 2 else whom


def _act(detector: str, title: str, whom: str) -> str:
    pattern = _DONE.get(detector)
    if pattern is None:
        return f"raised '{title}'"
    words = {"of": f" of {whom}", "at": f" at {whom}", "it": f" {whom}", "to": f" to {whom}", "by": f" by {whom}"}
    return pattern.format(**(words if whom else dict.fromkeys(words, "")))
