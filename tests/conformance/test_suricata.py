"""DHCP and MQTT against what suricata-verify checks of the same captures.

A check says how many events match all of its fields. Those are counted whose fields a message here has, under the names below;
fields that nobody keeps (flags of packets, message identifiers, passwords) are left out of the match.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from hauberk.model.hint import HintKey
from hauberk.model.transaction import Transaction

pytestmark = [pytest.mark.needs_data, pytest.mark.xdist_group("originators")]

Decoded = Callable[..., Sequence[Transaction]]
Fields = Mapping[str, object]

CASES = (
    "dhcp-eve-extended",
    "dhcp-eve-extended-option-60",
    "dhcp-option-52-overload",
    "dhcp-option-52-overload-both",
    "dhcp-request-flood",
    "mqtt31-pub-qos1",
    "mqtt31-pub-qos2",
    "mqtt31-pub-userpass",
    "mqtt31-pub-userpass-auto-clientid",
    "mqtt31-sub-userpass",
    "mqtt31-unsub-qos1",
    "mqtt31-unsub-qos2",
    "mqtt31-unsub-userpass",
)

_LINE = re.compile(r"\s*(?:- )?\s*([A-Za-z0-9_.\[\]-]+):(?: (.*))?$")
_ENDPOINT = ("src_ip", "src_port", "dest_ip", "dest_port", "pcap_cnt")
_OPTIONS = {"subnet_mask": 1, "router": 3, "dns_server": 6, "domain": 15}
_ONCE = "what a server says of itself is told once a conversation; this reply repeats its offer"
_TOLD_ONCE = {"dhcp.routers[0]", "dhcp.dns_servers[0]"}


def _checks(path: Path) -> list[tuple[int, dict[str, str]]]:
    """Number and fields of each check. Read by line: the files use a small part of YAML."""
    found: list[tuple[int, dict[str, str]]] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        match = _LINE.match(line)
        if match is None or line.lstrip().startswith("#"):
            continue
        key, value = match[1], (match[2] or "").strip()
        if key == "filter":
            found.append((0, {}))
        elif key == "count" and found:
            found[-1] = (int(value), found[-1][1])
        elif found and value and key != "min-version":
            found[-1][1][key] = value.strip('"')
    return found


def _dhcp(found: Transaction) -> dict[str, object]:
    value = found.value if isinstance(found.value, tuple) else ()
    fields: dict[str, object] = {
        "dhcp.type": "request" if found.role == "request" else "reply",
        "dhcp.dhcp_type": found.operation,
        "dhcp.client_mac": found.object,
    }
    if found.role == "request":
        fields["dhcp.assigned_ip"] = "0.0.0.0"  # noqa: S104 - nothing is bound: a client assigns no address
    elif value:
        fields |= {"dhcp.assigned_ip": value[0], "dhcp.lease_time": value[2]}
    for hint in found.hints:
        if hint.key is HintKey.HOSTNAME:
            fields["dhcp.hostname"] = hint.value
        elif hint.key is HintKey.DHCP_VENDOR_CLASS:
            fields["dhcp.vendor_class_identifier"] = hint.value
        elif hint.key is HintKey.DHCP_FINGERPRINT:
            known = [int(code) for code in hint.value.split(",") if int(code) in _OPTIONS.values()]
            fields |= {f"dhcp.params[{place}]": code for place, code in enumerate(known)}
        elif hint.value in {"router", "dns.server"}:
            fields.setdefault("dhcp.routers[0]" if hint.value == "router" else "dhcp.dns_servers[0]", hint.about)
    return fields


def _mqtt(found: Transaction) -> dict[str, object]:
    name, value = f"mqtt.{found.operation}", found.value
    fields: dict[str, object] = {name: True}
    said = value if isinstance(value, tuple) else ()
    if found.operation == "connect":
        texts = [str(text) for text in said]
        fields |= {
            f"{name}.client_id": found.object,
            f"{name}.protocol_version": 3 if "version=3.1" in texts else None,
            f"{name}.flags.clean_session": "clean" in texts,
            f"{name}.flags.username": any(text.startswith("username=") for text in texts),
            f"{name}.flags.password": "with_password" in texts,
            f"{name}.username": next((text.partition("=")[2] for text in texts if text.startswith("username=")), None),
        }
    elif found.operation == "connack":
        fields[f"{name}.return_code"] = 0 if found.status == "ok" else None
    elif found.operation == "publish":
        fields |= {f"{name}.topic": found.object, f"{name}.message": value}
    elif found.operation == "subscribe":
        topics = zip((found.object or "").split(","), said, strict=True)
        fields[f"{name}.topics"] = ", ".join(f"{{topic: {topic}, qos: {quality}}}" for topic, quality in topics)
    elif found.operation == "suback":
        fields[f"{name}.qos_granted"] = ", ".join(map(str, said))
    elif found.operation in {"unsubscribe", "unsuback"}:
        fields[f"{name}.topics"] = (found.object or "").replace(",", ", ")
    return fields


def _with_topics(checks: list[tuple[int, dict[str, str]]]) -> list[tuple[int, dict[str, str]]]:
    """The checks, where an acknowledgement's message identifier is replaced by the topics it was given for."""
    topics = {fields.get("mqtt.unsubscribe.message_id"): fields.get("mqtt.unsubscribe.topics", "") for _, fields in checks}
    for _, fields in checks:
        if "mqtt.unsuback.message_id" in fields:
            fields["mqtt.unsuback.topics"] = topics[fields["mqtt.unsuback.message_id"]]
    return checks


def _wanted(fields: Mapping[str, str], messages: Sequence[Fields]) -> dict[str, str]:
    """What of a check can be compared: fields that messages of the same kind have here."""
    kinds = {".".join(key.split(".")[:2]) for key in fields if key.startswith("mqtt.")}
    same = [
        message
        for message in messages
        if kinds <= message.keys() and fields.get("dhcp.dhcp_type") in {None, message.get("dhcp.dhcp_type")}
    ]
    known = {key for message in same for key in message} | _TOLD_ONCE
    return {key: _said(key, value) for key, value in fields.items() if key in known} | dict.fromkeys(kinds, "True")


def _matches(messages: Sequence[Fields], wanted: Mapping[str, str]) -> int:
    return sum(all(str(message.get(key)) == value for key, value in wanted.items()) for message in messages)


def _said(key: str, value: str) -> str:
    """The expected value in the words used here."""
    if key == "dhcp.hostname":
        return value.removesuffix("\\u0000")
    if key.startswith("dhcp.params"):
        return str(_OPTIONS[value])
    if value.startswith("["):
        return re.sub(r"\s+", " ", value.strip("[]")).strip()
    return value.title() if value in {"true", "false"} else value


def _fields(found: Transaction) -> dict[str, object]:
    endpoint = dict(zip(_ENDPOINT, (found.src, found.src_port, found.dst, found.dst_port, found.frame), strict=True))
    return {"event_type": found.protocol, **endpoint, **(_dhcp(found) if found.protocol == "dhcp" else _mqtt(found))}


@pytest.mark.parametrize("case", CASES)
def test_as_many_messages_match_each_check(
    case: str, data: Path, decoded: Decoded, judge: Callable[[str, str, int, Sequence[str], Mapping[str, int]], None]
) -> None:
    """Every check on events of the protocol is met by as many messages as it asks for."""
    folder = data / "captures/parser-suricata" / case
    protocol = case[:4]
    path = next(path for path in sorted(folder.iterdir()) if ".pcap" in path.name)
    messages = [_fields(found) for found in decoded(path) if found.protocol == protocol]
    compared, differences, excused = 0, list[str](), Counter[str]()
    for count, fields in _with_topics(_checks(folder / "test.yaml")):
        if fields.get("event_type") != protocol:
            continue
        wanted = _wanted(fields, messages)
        matching = _matches(messages, wanted)
        compared += count
        if (
            matching != count
            and _matches(messages, {key: value for key, value in wanted.items() if key not in _TOLD_ONCE}) == count
        ):
            excused[_ONCE] += count
        elif matching != count:
            differences.append(f"{matching} instead of {count} match {wanted}")
    judge("Suricata", protocol, compared, differences, excused)
