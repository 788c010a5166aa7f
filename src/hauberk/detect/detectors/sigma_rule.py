"""Sigma rules that the owner gave: application messages and conversations for which the condition of one holds.

Said once for each rule and client; a rule that goes on matching is one episode.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hauberk.detect.detectors.interface import Detector, Parameter, Parameters
from hauberk.detect.episode import Episodes
from hauberk.detect.sigma.rule import Rule, RuleSet
from hauberk.detect.sigma.table import Table, transport_text
from hauberk.detect.view import Group, View, endpoint
from hauberk.model.finding import Finding
from hauberk.model.hint import Hint, HintKey
from hauberk.model.ids import DetectorId
from hauberk.model.observation import Columns
from hauberk.model.transaction import Transaction

_ENCRYPTED = frozenset({"tls", "quic"})
_MOST_AGENTS = 1 << 14
_MOST_FOR_TEXT = 120
_SCORE = 6.0

Connection = tuple[str, int | None, str, int | None]


@dataclass(slots=True)
class _State:
    """Episodes, and the user agent of each HTTP connection, which is said with its first request only."""

    episodes: Episodes
    agents: OrderedDict[Connection, str] = field(default_factory=OrderedDict)


def _begin(parameters: Parameters) -> _State:
    return _State(Episodes(parameters["quiet"]))


def _step(state: _State, view: View) -> list[Finding]:
    rules = view.known_bad.rules
    if not len(rules):
        return []
    found = _of_messages(state, view, rules) if rules.messages else []
    batch = view.batch
    if rules.starts and view.beginnings.any():
        found += _of_table(state, view, Table(batch.activity[view.beginnings]), rules, ended=False)
    if rules.ends and len(batch.flows):
        found += _of_table(state, view, Table(batch.flows), rules, ended=True)
    return found


def _of_messages(state: _State, view: View, rules: RuleSet) -> list[Finding]:
    hits: list[tuple[Transaction, Rule]] = []
    for group, members in view.groups.items():
        sieve = rules.applying(group.protocol, _stage(group))
        if len(sieve) and not (rules.wants_agent and group.protocol == "http"):
            hits += [(message, rule) for message in members for rule in sieve.matching(message)]
    if rules.wants_agent:
        for group, message in view.merged(lambda group: group.protocol == "http"):
            sieve = rules.applying(group.protocol, _stage(group))
            hits += [(message, rule) for rule in sieve.matching(_with_agent(state, message))]
    hits.sort(key=lambda hit: (hit[0].time, hit[0].frame))
    found: list[Finding] = []
    for message, rule in hits:
        device, peer = (message.dst, message.src) if message.role == "response" else (message.src, message.dst)
        key = (rule.key, device)
        if not state.episodes.goes_on(key, message.time):
            state.episodes.begin(key, message.time)
            found.append(_finding(view, rule, device, peer, message.time, message.time, _said(message)))
    return found


def _stage(group: Group) -> str:
    return group.operation if group.protocol in _ENCRYPTED else group.role


def _with_agent(state: _State, message: Transaction) -> Transaction:
    """The message with the user agent that its connection showed before."""
    backward = message.role == "response"
    client, server = (message.dst, message.dst_port), (message.src, message.src_port)
    connection = (*client, *server) if backward else (*server, *client)
    said = next((value for key, value, _ in message.hints if key is HintKey.USER_AGENT), None)
    if said is not None:
        state.agents[connection] = said
        state.agents.move_to_end(connection)
        if len(state.agents) > _MOST_AGENTS:
            state.agents.popitem(last=False)
        return message
    known = state.agents.get(connection)
    return message if known is None else message._replace(hints=(*message.hints, Hint(HintKey.USER_AGENT, known)))


def _of_table(state: _State, view: View, table: Table, rules: RuleSet, *, ended: bool) -> list[Finding]:
    """Conversations that rules match, each rule's by time."""
    found: list[Finding] = []
    rows = table.rows
    when = rows["end" if ended else "start"] / 1e9
    for rule, test in rules.ends if ended else rules.starts:
        chosen = np.flatnonzero(test(table))
        if not len(chosen):
            continue
        chosen = chosen[np.lexsort((rows["id"][chosen], when[chosen]))]
        for number, parted in _edges(rows[chosen], when[chosen], state.episodes.quiet):
            row, time = rows[chosen[number]], float(when[chosen[number]])
            device, peer = endpoint(row, "a"), endpoint(row, "b")
            key = (rule.key, device)
            goes_on = not parted or state.episodes.goes_on(key, time)
            state.episodes.begin(key, time)
            if goes_on:
                continue
            first = float(row["start"]) / 1e9
            found.append(_finding(view, rule, device, peer, first, time, _spoken(row)))
    return found


def _edges(rows: Columns, when: NDArray[np.float64], quiet: float) -> list[tuple[int, bool]]:
    """Of each initiator's rows without a silence of ``quiet`` seconds in between, the first and the last: their numbers, in order,
    and whether it is the first. ``rows`` are by time."""
    order = np.lexsort((np.arange(len(rows)), rows["a_lo"], rows["a_hi"]))
    hi, lo, times = rows["a_hi"][order], rows["a_lo"][order], when[order]
    first = np.ones(len(rows), np.bool_)
    first[1:] = (hi[1:] != hi[:-1]) | (lo[1:] != lo[:-1]) | (times[1:] - times[:-1] > quiet)
    last = np.append(first[1:], np.True_)
    chosen = np.flatnonzero(first | last)
    return sorted(zip(order[chosen].tolist(), first[chosen].tolist(), strict=True))


def _said(message: Transaction) -> str:
    what = f" {message.object}" if message.object else ""
    text = f"{message.protocol} {message.role} '{message.operation}'{what}"
    return f"the {_cut(text)} from {message.src} to {message.dst}"


def _spoken(row: np.void) -> str:
    transport = transport_text(int(row["transport"]) if row["ip_version"] else 255)
    port = f" port {int(row['b_port'])}" if transport in {"tcp", "udp"} else ""
    return f"the conversation of {endpoint(row, 'a')} with {endpoint(row, 'b')} over {transport}{port}"


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_FOR_TEXT else f"{text[: _MOST_FOR_TEXT - 3]}..."


def _finding(view: View, rule: Rule, device: str, peer: str, first: float, raised: float, seen: str) -> Finding:
    reasons = [f"Sigma rule '{rule.title}' ({rule.key}) holds for {seen}."]
    if rule.description:
        reasons.append(" ".join(rule.description.split()))
    if rule.false_positives:
        reasons.append(f"Its author names as false alarms: {'; '.join(rule.false_positives)}.")
    if rule.tags:
        reasons.append(f"Its tags are {', '.join(rule.tags)}.")
    more = f" Read {rule.references[0]}." if rule.references else ""
    return Finding(
        DetectorId("sigma_rule"),
        rule.title or "Sigma rule",
        rule.severity,
        _SCORE,
        view.device(device),
        (device, peer),
        first,
        raised,
        tuple(reasons),
        f"Check what {device} did with {peer} against what the rule is about.{more}",
        rule.techniques,
    )


DETECTORS = (
    Detector(
        DetectorId("sigma_rule"),
        "Sigma rule",
        "A Sigma rule that was given (--sigma) holds for a message or a conversation.",
        {"quiet": Parameter(3600.0, "s", "said again for a rule and host only after so long a silence")},
        _begin,
        _step,
    ),
)
