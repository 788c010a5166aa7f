"""Credentials in clear text: a weakness, said once for each server. The password itself is never kept, nor shown."""

from __future__ import annotations

from hauberk.detect.attack import NETWORK_SNIFFING
from hauberk.detect.detectors.interface import Detector, Parameter, Parameters
from hauberk.detect.episode import Episodes
from hauberk.detect.view import Group, View
from hauberk.model.finding import Finding, Severity
from hauberk.model.ids import DetectorId
from hauberk.model.transaction import Transaction

_CLEAR = frozenset({"telnet", "ftp", "http"})
_NOBODY = frozenset({"anonymous", "ftp"})
"""User names of RFC 1635, whose password is no secret."""
_USER = "username="


def _begin(parameters: Parameters) -> Episodes:
    return Episodes(parameters["quiet"])


def _may_carry(group: Group) -> bool:
    return (group.operation == "login" and group.protocol in _CLEAR) or (group.protocol == "mqtt" and group.operation == "connect")


def _user(group: Group, transaction: Transaction) -> str | None:
    """Who wanted to log in, empty where unknown; None where no password was sent."""
    if group.protocol != "mqtt":
        user = transaction.object or ""
        return None if group.protocol == "ftp" and user.lower() in _NOBODY else user
    value = transaction.value
    if not isinstance(value, tuple) or "with_password" not in value:
        return None
    names = [item.removeprefix(_USER) for item in value if isinstance(item, str) and item.startswith(_USER)]
    return names[0] if names else ""


def _step(state: Episodes, view: View) -> list[Finding]:
    findings = []
    for group, transaction in view.merged(_may_carry):
        client, server = (group.dst, group.src) if group.role == "response" else (group.src, group.dst)
        key = (server, group.protocol)
        user = _user(group, transaction)
        if user is None or state.goes_on(key, transaction.time):
            continue
        state.begin(key, transaction.time)
        who = f" as '{user}'" if user else ""
        findings.append(
            Finding(
                DetectorId("cleartext_credentials"),
                "Credentials in clear text",
                Severity.LOW,
                6.0,
                view.device(server),
                (server, client),
                transaction.time,
                transaction.time,
                (f"{client} sent a log-in to {server} over {group.protocol} without encryption{who}.",),
                f"Anyone on the path can read the password. Use an encrypted protocol at {server}, then change the password.",
                (NETWORK_SNIFFING,),
            )
        )
    return findings


DETECTORS = (
    Detector(
        DetectorId("cleartext_credentials"),
        "Credentials in clear text",
        "A password crosses the network unencrypted (Telnet, FTP, HTTP Basic or form, MQTT without TLS). The password"
        " itself is never kept.",
        {"quiet": Parameter(604800.0, "s", "said once for server and protocol until so long a silence")},
        _begin,
        _step,
        (NETWORK_SNIFFING,),
    ),
)
