"""Sigma rules: which are applied, what their conditions mean, and why others are skipped."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from hauberk.detect.sigma.load import RuleFile, read_rules
from hauberk.detect.sigma.rule import Rule
from hauberk.errors import InputError
from hauberk.model.finding import Severity
from hauberk.model.hint import Hint, HintKey
from hauberk.model.transaction import Message, Transaction

TRANSACTION = {"product": "hauberk", "service": "transaction"}


def rule_text(logsource: dict[str, str], detection: dict[str, Any], **more: Any) -> bytes:
    """One rule as YAML."""
    return yaml.safe_dump({"title": "Test", "logsource": logsource, "detection": detection, **more}).encode()


def read(logsource: dict[str, str], detection: dict[str, Any], **more: Any) -> RuleFile:
    """What is made of one rule."""
    return read_rules(rule_text(logsource, detection, **more), "test.yml")


def only(logsource: dict[str, str], selection: Any, condition: str = "selection", **more: Any) -> Rule:
    """The rule, which must be applied."""
    file = read(logsource, {"selection": selection, **more, "condition": condition})
    assert file.skipped == ()
    (rule,) = file.rules
    return rule


def holds(rule: Rule, message: Message, src: str = "10.0.0.5", dst: str = "10.0.0.1") -> bool:
    """Whether the rule holds for a message."""
    protocol, role, operation, code, thing, value, status, write, hints = message
    transaction = Transaction(1, 5.0, protocol, src, 4000, dst, 502, role, operation, code, thing, value, status, write, hints)
    assert rule.message is not None
    return rule.message(transaction)


WRITE = Message("modbus", "request", "write_single_coil", 5, "1/coil/2", True, "ok", True)


@pytest.mark.parametrize(
    "selection, expected",
    [
        ({"operation": "WRITE_single_coil"}, True),
        ({"operation|cased": "WRITE_single_coil"}, False),
        ({"operation": "write_*_coil"}, True),
        ({"operation": "write_???le_coil"}, False),
        ({"operation": "write_?ingle_coil"}, True),
        ({"operation|contains": "single"}, True),
        ({"operation|startswith": ["read", "write"]}, True),
        ({"operation|endswith": ["register", "registers"]}, False),
        ({"operation|contains|all": ["write", "coil"]}, True),
        ({"operation|contains|all": ["write", "register"]}, False),
        ({"operation|re": "^write_.*coil$"}, True),
        ({"operation|re": "SINGLE"}, False),
        ({"operation|re|i": "SINGLE"}, True),
        ({"code": 5}, True),
        ({"code": "5"}, True),
        ({"code": [1, 5]}, True),
        ({"code|gte": 5, "code|lt": 6}, True),
        ({"code|gt": 5}, False),
        ({"write": True}, True),
        ({"write": "true"}, True),
        ({"write": False}, False),
        ({"src|cidr": "10.0.0.0/24"}, True),
        ({"src|cidr": ["192.168.0.0/16", "10.0.0.0/30"]}, False),
        ({"dst|cidr": "2001:db8::/32"}, False),
        ({"object": None}, False),
        ({"object|exists": True}, True),
        ({"object|exists": False}, False),
        ({"src|fieldref": "dst"}, False),
        ({"src|fieldref": "src"}, True),
        ({"src|fieldref|startswith": "dst"}, False),
        ({"object|neq": "1/coil/2"}, False),
        ({"time|minute": 0}, True),
        ({"time|hour": 1}, False),
        ([{"operation": "x"}, {"code": 5}], True),
        (["*coil*"], True),
        (["nothing like it"], False),
        ({"operation|windash|contains": "-single"}, False),
    ],
)
def test_modifiers_mean_what_the_specification_says(selection: Any, expected: bool) -> None:
    """On one Modbus write."""
    assert holds(only(TRANSACTION, selection), WRITE) is expected


@pytest.mark.parametrize(
    "condition, expected",
    [
        ("a and b", False),
        ("a or b", True),
        ("a and not b", True),
        ("not (a or b)", False),
        ("1 of *", True),
        ("all of them", False),
        ("a and (b or not b)", True),
    ],
)
def test_conditions_combine_selections(condition: str, expected: bool) -> None:
    """As Sigma's grammar has them."""
    file = read(TRANSACTION, {"a": {"code": 5}, "b": {"code": 6}, "condition": condition})
    assert holds(file.rules[0], WRITE) is expected


DNS_ASKED = Message("dns", "request", "query", 1, "x.evil.example")
DNS_TOLD = Message("dns", "response", "query", 1, "x.evil.example", ("198.51.100.7",))
WEB = Message("http", "request", "get", None, "evil.example/a/b.php?q=1", hints=(Hint(HintKey.USER_AGENT, "curl/8"),))
WEB_TOLD = Message("http", "response", "get", 404, "evil.example/a/b.php?q=1", ("text/html", "x"), "not_found")


@pytest.mark.parametrize(
    "logsource, selection, message",
    [
        ({"category": "dns"}, {"query|endswith": ".evil.example", "record_type": "A"}, DNS_ASKED),
        ({"product": "zeek", "service": "dns"}, {"answers|cidr": "198.51.100.0/24", "rcode_name": "NOERROR"}, DNS_TOLD),
        ({"category": "proxy"}, {"c-uri|contains": "evil.example/a", "cs-method": "GET"}, WEB),
        ({"category": "proxy"}, {"c-uri-extension": "php", "c-useragent|startswith": "curl"}, WEB),
        ({"category": "webserver"}, {"cs-uri-stem": "/a/b.php", "cs-uri-query|contains": "q=", "sc-status": 404}, WEB_TOLD),
        (
            {"product": "zeek", "service": "http"},
            {"host": "evil.example", "uri|startswith": "/a/", "status_code|gte": 400},
            WEB_TOLD,
        ),
        ({"product": "zeek", "service": "modbus"}, {"func": "WRITE_SINGLE_COIL", "id.resp_p": 502}, WRITE),
        (
            {"product": "zeek", "service": "ssl"},
            {"server_name": "evil.example"},
            Message("tls", "request", "client_hello", 1, "evil.example"),
        ),
        ({"product": "zeek", "service": "ssh"}, {"src_ip": "10.0.0.5"}, Message("ssh", "event", "banner", None, "OpenSSH_9")),
    ],
)
def test_fields_of_log_sources_are_mapped(logsource: dict[str, str], selection: Any, message: Message) -> None:
    """Each holds for its message, and not for another host's name or code."""
    rule = only(logsource, selection)
    src, dst = ("10.0.0.1", "10.0.0.5") if message.role == "response" else ("10.0.0.5", "10.0.0.1")
    assert holds(rule, message, src, dst)
    assert not holds(only(logsource, selection, "not selection"), message, src, dst)
    assert rule.scope.protocols is not None
    assert message.protocol in rule.scope.protocols


def test_rules_are_asked_of_the_stage_that_has_their_fields() -> None:
    """Requests, where these have all; answers only where the rule asks for what they say."""
    assert only({"category": "dns"}, {"query": "x"}).scope.stages == frozenset({"request"})
    assert only({"category": "dns"}, {"query": "x", "answer": "y"}).scope.stages == frozenset({"response"})
    assert only({"product": "zeek", "service": "ssl"}, {"server_name": "x"}).scope.stages == frozenset({"client_hello"})


def test_rules_on_messages_are_indexed_by_protocol() -> None:
    """Where the condition names it; a denial names none."""
    assert only(TRANSACTION, {"protocol": ["modbus", "dnp3"], "write": True}).scope.protocols == frozenset({"modbus", "dnp3"})
    assert only(TRANSACTION, {"protocol": "modbus"}, "not selection").scope.protocols is None
    assert only(TRANSACTION, {"write": True}).scope.protocols is None


@pytest.mark.parametrize(
    "logsource, selection, reason",
    [
        (
            {"product": "windows", "category": "process_creation"},
            {"Image": "x"},
            "log source .category process_creation",
        ),
        ({"product": "windows", "category": "network_connection"}, {"DestinationPort": 4444}, "log source"),
        ({"product": "zeek", "service": "rdp"}, {"x": 1}, "log source"),
        ({"category": "firewall"}, {"action": "deny"}, "field 'action'"),
        ({"category": "dns"}, {"parent_process": "x"}, "field 'parent_process'"),
        ({"product": "zeek", "service": "ssl"}, {"server_name": "x", "cipher": "y"}, "different messages"),
        (TRANSACTION, {"object|re": "(a+)+b"}, "repeats a repetition"),
        (TRANSACTION, {"object|re": "(a|aa)*b"}, "repeats a repetition"),
        (TRANSACTION, {"object|re": "a" * 2000}, "over 1,024"),
        (TRANSACTION, {"object|expand": "%names%"}, "placeholder"),
        ({"category": "firewall"}, ["keyword"], "keywords do not fit"),
    ],
)
def test_what_cannot_be_applied_is_skipped_with_its_reason(logsource: dict[str, str], selection: Any, reason: str) -> None:
    """Never in silence."""
    file = read(logsource, {"selection": selection, "condition": "selection"})
    assert file.rules == ()
    (skipped,) = file.skipped
    assert skipped.where == "Test"
    assert re.search(reason, skipped.reason)


def test_correlations_filters_and_retired_rules_are_skipped() -> None:
    """The rule beside them is applied."""
    good = rule_text(TRANSACTION, {"selection": {"code": 5}, "condition": "selection"}).decode()
    text = "\n---\n".join(
        [
            good,
            "title: Many\ncorrelation: {type: event_count, rules: [x], group-by: [src], timespan: 1m, condition: {gte: 3}}",
            rule_text(TRANSACTION, {"s": {"code": 5}, "condition": "s"}, title="Old", status="deprecated").decode(),
            rule_text(TRANSACTION, {"s": {"code": 5}, "condition": "t"}, title="Wrong").decode(),
            "title: Filter\nlogsource: {product: hauberk}\nfilter: {rules: any, s: {code: 1}, condition: not s}",
            "[1, 2]",
        ]
    )
    file = read_rules(text.encode(), "test.yml")
    assert [rule.title for rule in file.rules] == ["Test"]
    assert {skipped.where for skipped in file.skipped} == {"Many", "Old", "Wrong", "Filter", "document 6"}


def test_a_rule_keeps_what_its_author_says() -> None:
    """Level, techniques that ATT&CK has, false alarms."""
    (rule,) = read(
        TRANSACTION,
        {"selection": {"code": 5}, "condition": "selection"},
        id="6f0f6d4e-0c5c-4b5a-9a0a-000000000001",
        level="critical",
        description="why",
        tags=["attack.t0855", "attack.impact", "attack.t9999"],
        falsepositives=["Operators"],
    ).rules
    assert (rule.key, rule.severity, rule.description) == ("6f0f6d4e-0c5c-4b5a-9a0a-000000000001", Severity.CRITICAL, "why")
    assert ([one.id for one in rule.techniques], rule.false_positives) == (["T0855"], ("Operators",))


@pytest.mark.parametrize(
    "content", [b"{", b"\xff\xfe\x00", b"a: [", b"a: &a [*a]", b"x" * (5 << 20), b"!!python/object:os.system {}"]
)
def test_no_yaml_is_an_input_error(content: bytes) -> None:
    """And no object is ever made from it."""
    try:
        file = read_rules(content, "test.yml")
    except InputError:
        return
    assert file.rules == ()


@pytest.mark.parametrize("content", [b"!!int ''", b"!!float ''", b"!!bool x", b"!!timestamp x", b"!!omap x"])
def test_yaml_that_its_reader_stumbles_over_is_an_input_error(content: bytes) -> None:
    """Tags whose values do not fit make the reader fail in its own ways."""
    with pytest.raises(InputError, match="is no YAML"):
        read_rules(content, "test.yml")


@pytest.mark.parametrize("title", [None, 5, 1.5, True, ["a"], {"a": "b"}])
def test_a_rule_whose_title_is_no_text_is_skipped(title: Any) -> None:
    """One wrong rule must not stop the others."""
    file = read(TRANSACTION, {"selection": {"code": 5}, "condition": "selection"}, title=title)
    assert file.rules == ()
    assert len(file.skipped) == 1


@pytest.mark.parametrize("condition", [None, 5, [None], [["a"]], {"a": "b"}])
def test_a_rule_whose_condition_is_no_text_is_skipped(condition: Any) -> None:
    """Nor one with a condition of another type."""
    file = read(TRANSACTION, {"selection": {"code": 5}, "condition": condition})
    assert file.rules == ()
    assert "condition" in file.skipped[0].reason


_node = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=8) | st.sampled_from(["selection", "*", "?", "a*"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["code", "object|re", "src|cidr", "code|gt", "query", "condition", "x|all", "value|contains"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(
    logsource=st.sampled_from([TRANSACTION, {"category": "dns"}, {"category": "firewall"}, {"product": "zeek", "service": "http"}]),
    selection=_node,
    condition=st.sampled_from(["selection", "not selection", "1 of sel*", "all of them", "selection | count() > 5", "x and", ""]),
)
def test_any_rule_is_applied_or_skipped(logsource: dict[str, str], selection: Any, condition: str) -> None:
    """And one that is applied says yes or no of any message."""
    try:
        file = read(logsource, {"selection": selection, "condition": condition})
    except InputError:
        return
    assert len(file.rules) + len(file.skipped) == 1
    for rule in file.rules:
        if rule.message is not None:
            assert holds(rule, WRITE) in {True, False}
