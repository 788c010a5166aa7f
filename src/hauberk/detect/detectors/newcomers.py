"""Judged against what was learned: devices, masters, roles and writers that were not there before.

Each speaks on the first packet, without waiting for statistics, and learns nothing while it judges, so that an intruder is not taught in.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hauberk.detect.attack import (
    HARDWARE_ADDITIONS,
    MODIFY_PARAMETER,
    REMOTE_SERVICES,
    ROGUE_MASTER,
    TRANSIENT_CYBER_ASSET,
    UNAUTHORIZED_COMMAND,
)
from hauberk.detect.detectors.interface import Detector, Parameter, Parameters
from hauberk.detect.episode import Episodes
from hauberk.detect.view import Group, View, is_group_address
from hauberk.model.address import ip_text, mac_text
from hauberk.model.finding import Finding, Severity
from hauberk.model.ids import DetectorId
from hauberk.model.observation import Columns
from hauberk.model.service import OT_SERVICES
from hauberk.model.transaction import Transaction

_ZERO_V4 = np.uint64(0xFFFF_0000_0000)
_DISCOVERY = frozenset({"who_is", "i_am", "list_identity", "list_services", "list_interfaces", "identify", "hello", "publish"})
"""Operations that address everybody: sending one makes no master, being announced to makes no server."""


def _begin(parameters: Parameters) -> Episodes:
    return Episodes(parameters["quiet"])


# ------------------------------------------------------------------------------------------------------------------ devices


def _senders(activity: Columns) -> Iterator[tuple[float, int, int, int, int]]:
    """(first time, MAC, address halves, IP version) of every pair that sent something, one each, by time."""
    parts = []
    for side, sent in (("a", "packets_out"), ("b", "packets_in")):
        rows = activity[activity[sent] > 0]
        if len(rows):
            fields = [rows["start"], rows[f"{side}_mac"], rows[f"{side}_hi"], rows[f"{side}_lo"], rows["ip_version"]]
            rows = np.rec.fromarrays(fields, names="start,mac,hi,lo,version")
            parts.append(rows[~is_group_address(rows["hi"], rows["lo"]) & (rows["lo"] != _ZERO_V4)])
    if not parts:
        return
    pairs = np.concatenate(parts)
    pairs = pairs[np.argsort(pairs["start"], kind="stable")]
    _, first = np.unique(pairs[["mac", "hi", "lo"]], return_index=True)
    for row in pairs[np.sort(first)].tolist():
        yield row[0] * 1e-9, *row[1:]


def _new_device(state: Episodes, view: View) -> list[Finding]:
    findings = []
    known_macs, known_ips = view.baseline.macs, view.baseline.ips
    for time, mac, hi, lo, version in _senders(view.batch.activity):
        ip = ip_text(hi, lo) if version else None
        card = mac_text(mac) if mac else None
        if view.learning:
            if card:
                known_macs.add((card,))
            if ip:
                known_ips.add((ip,))
            continue
        new_card = card is not None and (card,) not in known_macs
        new_host = card is None and ip is not None and (ip,) not in known_ips and view.fleet.is_local(ip)
        subject = card if new_card else ip
        if not (new_card or new_host) or subject is None or state.goes_on(subject, time):
            continue
        state.begin(subject, time)
        addresses = tuple(address for address in (ip, card) if address)
        findings.append(
            Finding(
                DetectorId("new_device"), "New device", Severity.MEDIUM, 6.0, view.device(addresses[0]), addresses, time, time,
                (f"{' with card '.join(addresses)} sends for the first time; it was silent or absent while the network was learned.",),
                "Find out what it is and who connected it. If it belongs here, learn again with it present.",
                (HARDWARE_ADDITIONS, TRANSIENT_CYBER_ASSET),
            )
        )  # fmt: skip
    return findings


# ------------------------------------------------------------------------------------------------------------------ masters and roles


def _requests(view: View) -> Iterator[tuple[Group, Transaction]]:
    """First message of every group of operating-technology requests to one receiver."""
    for group, members in view.groups.items():
        if group.role == "request" and group.protocol in OT_SERVICES and group.operation not in _DISCOVERY:
            yield group, members[0]


def _new_master(state: Episodes, view: View) -> list[Finding]:
    findings = []
    masters = view.baseline.masters
    if not view.learning:
        known = {client for _, client, _ in masters}
    for group, transaction in _requests(view):
        entry = (group.protocol, group.src, group.dst)
        if view.learning:
            masters.add(entry)
            continue
        if entry in masters or state.goes_on(entry, transaction.time):
            continue
        state.begin(entry, transaction.time)
        never = group.src not in known
        reason = (
            f"{group.src} never operated a device while the network was learned, and now sends {group.protocol} requests ({group.operation}) to {group.dst}."
            if never
            else f"{group.src} operates other devices, but never sent {group.protocol} requests to {group.dst} while the network was learned."
        )
        findings.append(
            Finding(
                DetectorId("new_ot_master"), "New master", Severity.HIGH if never else Severity.MEDIUM, 8.0 if never else 6.5,
                view.device(group.src), (group.src, group.dst), transaction.time, transaction.time, (reason,),
                f"Ask who works on {group.src} now. If nobody does, cut its path to {group.dst} and check what it changed.",
                (ROGUE_MASTER, UNAUTHORIZED_COMMAND),
            )
        )  # fmt: skip
    return findings


def _role_flip(state: Episodes, view: View) -> list[Finding]:
    findings = []
    servers = view.baseline.servers
    clients = {(protocol, client) for protocol, client, _ in view.baseline.masters}
    for group, members in view.groups.items():
        if group.protocol not in OT_SERVICES or group.role == "event" or group.operation in _DISCOVERY:
            continue
        time = members[0].time
        if view.learning:
            if group.role == "response":
                servers.add((group.protocol, group.src))
            continue
        entry = (group.protocol, group.src)
        was_server, was_client = entry in servers, entry in clients
        flipped = (group.role == "request" and was_server and not was_client) or (
            group.role == "response" and was_client and not was_server
        )
        if not flipped or state.goes_on((entry, group.role), time):
            continue
        state.begin((entry, group.role), time)
        before, now = ("answered", "asks") if group.role == "request" else ("asked", "answers")
        findings.append(
            Finding(
                DetectorId("role_flip"), "Role flip", Severity.HIGH, 8.0, view.device(group.src), (group.src, group.dst), time, time,
                (f"{group.src} only {before} {group.protocol} requests while the network was learned, and now {now} them ({group.operation}, {group.dst}).",),
                f"A controller does not become a master by itself: take {group.src} for taken over until its program is compared with your copy.",
                (REMOTE_SERVICES, ROGUE_MASTER),
            )
        )  # fmt: skip
    return findings


# ------------------------------------------------------------------------------------------------------------------ writers


def _new_write(state: Episodes, view: View) -> list[Finding]:
    findings = []
    writers = view.baseline.writers
    known = {writer for _, writer, _, _ in writers} if not view.learning else set()
    for group, transaction in _requests(view):
        if not group.write:
            continue
        entry = (group.protocol, group.src, group.dst, group.operation)
        if view.learning:
            writers.add(entry)
            continue
        if entry in writers or state.goes_on(entry, transaction.time):
            continue
        state.begin(entry, transaction.time)
        never = group.src not in known
        what = f"'{group.operation}'" + (f" on {transaction.object}" if transaction.object else "")
        reason = (
            f"{group.src} never wrote to any device while the network was learned, and now sends {group.protocol} {what} to {group.dst}."
            if never
            else f"{group.src} never sent {group.protocol} '{group.operation}' to {group.dst} while the network was learned."
        )
        findings.append(
            Finding(
                DetectorId("new_write"), "Write from a host that never wrote" if never else "New kind of write",
                Severity.CRITICAL if never else Severity.HIGH, 8.0 if never else 7.0, view.device(group.src), (group.src, group.dst),
                transaction.time, transaction.time, (reason,),
                f"Confirm with the operator that the command was meant. If not, put {group.dst} in its safe state and cut {group.src} off.",
                (UNAUTHORIZED_COMMAND, MODIFY_PARAMETER),
            )
        )  # fmt: skip
    return findings


_QUIET = Parameter(3600.0, "s", "said again only after so long a silence")

DETECTORS = (
    Detector(
        DetectorId("new_device"), "New device", "A network card, or a local host where cards are not seen, that was absent while the network was learned.",
        {"quiet": Parameter(86400.0, "s", "said again only after so long a silence")}, _begin, _new_device,
        (HARDWARE_ADDITIONS, TRANSIENT_CYBER_ASSET), learned=True,
    ),
    Detector(
        DetectorId("new_ot_master"), "New master", "A host sends operating-technology requests to a device it never operated.",
        {"quiet": _QUIET}, _begin, _new_master, (ROGUE_MASTER, UNAUTHORIZED_COMMAND), learned=True,
    ),
    Detector(
        DetectorId("role_flip"), "Role flip", "A device that only answered begins to ask, or one that only asked begins to answer.",
        {"quiet": _QUIET}, _begin, _role_flip, (REMOTE_SERVICES, ROGUE_MASTER), learned=True,
    ),
    Detector(
        DetectorId("new_write"), "Write from a host that never wrote", "A write, program, control or stop operation that this host never sent to this device.",
        {"quiet": _QUIET}, _begin, _new_write, (UNAUTHORIZED_COMMAND, MODIFY_PARAMETER), learned=True,
    ),
)  # fmt: skip
