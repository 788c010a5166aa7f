"""Application protocols of conversations and JA4 fingerprints against the expected results of nDPI on its own captures."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from hauberk.model.hint import HintKey
from hauberk.model.transaction import Transaction

pytestmark = [pytest.mark.needs_data, pytest.mark.xdist_group("originators")]

Decoded = Callable[..., Sequence[Transaction]]
Judge = Callable[[str, str, int, Sequence[str], Mapping[str, int]], None]
JudgeItems = Callable[..., None]
Conversation = tuple[str, frozenset[tuple[str, int]]]

_FLOW = re.compile(
    r"^\s+\d+\s+(?P<transport>TCP|UDP) (?P<a>\S+):(?P<a_port>\d+) <?-> (?P<b>\S+):(?P<b_port>\d+) "
    r".*?\[proto: [\d.]+/(?P<name>[^\]]+)\](?P<rest>.*)"
)
_JA4 = re.compile(r"\[JA4: ([0-9a-z_]+)\]")

NAMES: Mapping[str, str] = {
    "BeckhoffADS": "ads",
    "COAP": "coap",
    "DHCP": "dhcp",
    "DNS": "dns",
    "FINS": "fins",
    "FTP_CONTROL": "ftp",
    "HTTP": "http",
    "IEC60870": "iec104",
    "MDNS": "mdns",
    "MQTT": "mqtt",
    "NTP": "ntp",
    "S7Comm": "s7comm",
    "S7CommPlus": "s7comm_plus",
    "SSDP": "ssdp",
    "SSH": "ssh",
    "TLS": "tls",
}
"""nDPI's names of protocols read here."""

_DROPBOX = "nDPI believes the port; the payload is CoAP, as the capture's name says and tshark confirms"
_UNFINISHED = "one segment of a request whose body never ends: the protocol is known, but no message was made"
_NAMELESS = "the hello names no server, which JA4 marks with i; this nDPI marks it with d"
_NO_PAYLOAD = "a guess by the port of a conversation without payload"


def _flows(path: Path) -> list[re.Match[str]]:
    return [match for line in path.read_text(encoding="utf-8").splitlines() if (match := _FLOW.match(line))]


def _conversation(flow: re.Match[str]) -> Conversation:
    ends = frozenset((flow[end].strip("[]"), int(flow[f"{end}_port"])) for end in ("a", "b"))
    return (flow["transport"].lower(), ends)


def _captures(data: Path) -> list[tuple[Path, Path]]:
    folder = data / "captures/parser-ndpi"
    return [
        (next(path for path in (folder / expected.stem, folder / f"{expected.stem}.xz") if path.exists()), expected)
        for expected in sorted(folder.glob("*.out"))
    ]


def test_protocols_of_conversations_agree(data: Path, decoded: Decoded, judge: Judge) -> None:
    """Each conversation for which nDPI names a protocol read here speaks it here too."""
    compared, differences, excused = 0, list[str](), dict[str, int]()
    for path, expected in _captures(data):
        spoken: dict[frozenset[tuple[str, int]], set[str]] = {}
        for found in decoded(path):
            ends = frozenset(((found.src, found.src_port or 0), (found.dst, found.dst_port or 0)))
            spoken.setdefault(ends, set()).add(found.protocol)
        for flow in _flows(expected):
            name = NAMES.get(flow["name"].partition(".")[0])
            ours = spoken.get(_conversation(flow)[1], set())
            reason = ""
            if flow["name"] == "Dropbox" and ours == {"coap"}:
                reason = _DROPBOX
            elif name is None:
                continue
            elif not ours and "Confidence: Match by port" in flow["rest"] and "[Goodput ratio: 0/0]" in flow["rest"]:
                reason = _NO_PAYLOAD
            elif (path.name, flow["b_port"]) == ("soap.pcap", "4176"):
                reason = _UNFINISHED
            compared += 1
            if reason:
                excused[reason] = excused.get(reason, 0) + 1
            elif name not in ours:
                differences.append(f"{path.name} {flow[0].strip()[:90]}: {sorted(ours)}")
    judge("nDPI", "protocol of a conversation", compared, differences, excused)


def test_ja4_fingerprints_agree(data: Path, decoded: Decoded, judge_items: JudgeItems) -> None:
    """Every client hello that nDPI fingerprinted has the same JA4 here."""
    theirs, ours, nameless = [], [], set[object]()
    for path, expected in _captures(data):
        wanted = {_conversation(flow)[1]: match[1] for flow in _flows(expected) if (match := _JA4.search(flow["rest"]))}
        theirs += [(path.name, *sorted(ends), value) for ends, value in wanted.items()]
        found_here: dict[frozenset[tuple[str, int]], str] = {}
        for found in decoded(path):
            ends = frozenset(((found.src, found.src_port or 0), (found.dst, found.dst_port or 0)))
            for hint in found.hints:
                if hint.key is HintKey.JA4 and ends in wanted:
                    found_here.setdefault(ends, hint.value)
                    if found.object is None and hint.value == f"{wanted[ends][:3]}i{wanted[ends][4:]}":
                        nameless.update((path.name, *sorted(ends), value) for value in (hint.value, wanted[ends]))
        ours += [(path.name, *sorted(ends), value) for ends, value in found_here.items()]
    judge_items("nDPI", "JA4", theirs, ours, lambda item: _NAMELESS if item in nameless else "")
