"""New write: a write, program, control or stop operation that a host never sent to a device while the network was learned.

Kinds of write are told apart by protocol, both hosts and operation; what is written and where is left to the learned models.
Learns nothing while it judges.
"""

from __future__ import annotations

from hauberk.detect.attack import MODIFY_PARAMETER, UNAUTHORIZED_COMMAND
from hauberk.detect.detectors.interface import Detector, Parameter, Parameters
from hauberk.detect.episode import Episodes
from hauberk.detect.requests import is_request
from hauberk.detect.view import Group, View
from hauberk.model.finding import Finding, Severity
from hauberk.model.ids import DetectorId

_TECHNIQUES = (UNAUTHORIZED_COMMAND, MODIFY_PARAMETER)


def _begin(parameters: Parameters) -> Episodes:
    return Episodes(parameters["quiet"])


def _entry(group: Group) -> tuple[str, str, str, str]:
    return group.protocol, group.src, group.dst, group.operation


def _step(state: Episodes, view: View) -> list[Finding]:
    findings: list[Finding] = []
    writers = view.baseline.writers
    if view.learning:
        writers.update(_entry(group) for group in view.groups if group.write and is_request(group))
        return findings
    for group, transaction in view.merged(lambda group: group.write and is_request(group) and _entry(group) not in writers):
        entry = _entry(group)
        if state.goes_on(entry, transaction.time):
            continue
        state.begin(entry, transaction.time)
        never = all(writer != group.src for _, writer, _, _ in writers)
        if never:
            what = f"'{group.operation}'" + (f" on {transaction.object}" if transaction.object else "")
            reason = (
                f"{group.src} never wrote to any device while the network was learned, and now sends {group.protocol}"
                f" {what} to {group.dst}."
            )
        else:
            reason = f"{group.src} never sent {group.protocol} '{group.operation}' to {group.dst} while the network was learned."
        findings.append(
            Finding(
                DetectorId("new_write"),
                "Write from a host that never wrote" if never else "New kind of write",
                Severity.CRITICAL if never else Severity.HIGH,
                8.0 if never else 7.0,
                view.device(group.src),
                (group.src, group.dst),
                transaction.time,
                transaction.time,
                (reason,),
                f"Confirm with the operator that the command was meant. If not, put {group.dst} in its safe state and"
                f" cut {group.src} off.",
                _TECHNIQUES,
            )
        )
    return findings


DETECTORS = (
    Detector(
        DetectorId("new_write"),
        "Write from a host that never wrote",
        "A write, program, control or stop operation that this host never sent to this device.",
        {"quiet": Parameter(300.0, "s", "said again only after so long a silence")},
        _begin,
        _step,
        _TECHNIQUES,
        learned=True,
    ),
)
