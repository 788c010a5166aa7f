"""Reads Sigma rules and makes those ready that fit what Hauberk sees; the others are named, each with its reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import yaml
from sigma.collection import SigmaCollection
from sigma.correlations import SigmaCorrelationRule
from sigma.exceptions import SigmaError
from sigma.rule import SigmaRule
from sigma.rule.attributes import SigmaLevel, SigmaStatus
from sigma.rule.logsource import SigmaLogSource

from hauberk.detect.indicators.techniques import techniques_named
from hauberk.detect.sigma.columns import asks_for_the_end, table_test
from hauberk.detect.sigma.fields import DNS, HTTP, OTHER, SSL, TRANSACTION, MessageField
from hauberk.detect.sigma.messages import message_test, reads_of, scope_of, wants_agent
from hauberk.detect.sigma.rule import Rule, Scope
from hauberk.detect.sigma.tree import Node, Some, read_tree
from hauberk.detect.sigma.unsupported import Unsupported
from hauberk.errors import InputError
from hauberk.model.finding import Severity
from hauberk.model.indicator import Skipped
from hauberk.model.service import SERVICES

LARGEST_FILE = 4 << 20
"""Bytes of one file."""
MOST_DOCUMENTS = 10_000
_LONGEST_TEXT = 1000
_ODD = (AttributeError, KeyError, IndexError, OverflowError, TypeError, ValueError)
"""What the readers of YAML and of rules raise where a thing is of another type than they expect."""
_MOST_ITEMS = 20
_SEVERITY = {
    SigmaLevel.INFORMATIONAL: Severity.INFORMATIONAL,
    SigmaLevel.LOW: Severity.LOW,
    SigmaLevel.MEDIUM: Severity.MEDIUM,
    SigmaLevel.HIGH: Severity.HIGH,
    SigmaLevel.CRITICAL: Severity.CRITICAL,
}
_RETIRED = frozenset({SigmaStatus.DEPRECATED, SigmaStatus.UNSUPPORTED})
_WEB = frozenset({"http"})
_TLS = frozenset({"tls", "quic"})
_NAMES = frozenset({"dns"})


@dataclass(frozen=True, slots=True)
class _Target:
    """What a log source stands for: messages with ``fields`` of ``protocols`` (None: any), or conversations where None."""

    fields: Mapping[str, MessageField] | None
    protocols: frozenset[str] | None = None


_CONVERSATIONS = _Target(None)
_CATEGORIES = {
    "dns": _Target(DNS, _NAMES),
    "dns_query": _Target(DNS, _NAMES),
    "firewall": _CONVERSATIONS,
    "network_connection": _CONVERSATIONS,
    "proxy": _Target(HTTP, _WEB),
    "webserver": _Target(HTTP, _WEB),
    "http": _Target(HTTP, _WEB),
}
_ZEEK = {
    "conn": _CONVERSATIONS,
    "dns": _Target(DNS, _NAMES),
    "http": _Target(HTTP, _WEB),
    "ssl": _Target(SSL, _TLS),
    "x509": _Target(SSL, _TLS),
    "modbus": _Target(OTHER, frozenset({"modbus"})),
}
_PRODUCTS_OF_CATEGORIES = frozenset({None, "zeek", "hauberk"})


@dataclass(frozen=True, slots=True)
class RuleFile:
    """What one file gives."""

    rules: tuple[Rule, ...]
    skipped: tuple[Skipped, ...]


def read_rules(content: bytes, file: str) -> RuleFile:
    """The rules in one YAML file. Raises ``InputError`` where the bytes are no YAML, or the file is out of bounds."""
    if len(content) > LARGEST_FILE:
        raise InputError(f"a rule file of {len(content):,} bytes is over {LARGEST_FILE:,}")
    try:
        documents = list(yaml.safe_load_all(content))
    except (yaml.YAMLError, *_ODD, RecursionError) as error:
        raise InputError(f"is no YAML: {' '.join(str(error).split())[:200]}") from error
    if len(documents) > MOST_DOCUMENTS:
        raise InputError(f"a file of {len(documents):,} rules is over {MOST_DOCUMENTS:,}")
    rules: list[Rule] = []
    skipped: list[Skipped] = [
        Skipped(f"document {number}", "is no rule")
        for number, document in enumerate(documents, 1)
        if not isinstance(document, dict | None)
    ]
    try:
        collection = SigmaCollection.from_dicts(
            [document for document in documents if isinstance(document, dict)],
            collect_errors=True,
            collect_filters=True,
            resolve_references=False,
        )
    except (SigmaError, *_ODD, RecursionError) as error:
        raise InputError(f"holds no Sigma rules: {error}") from error
    skipped += [Skipped(_short(one.title), "filters of other rules are not applied") for one in collection.filters]
    for found in collection.rules:
        where = _short(found.title) or "rule without title"
        try:
            rules.append(_rule(found, file))
        except Unsupported as error:
            skipped.append(Skipped(where, str(error)))
    return RuleFile(tuple(rules), tuple(skipped))


def _rule(found: SigmaRule | SigmaCorrelationRule, file: str) -> Rule:
    if found.errors:
        raise Unsupported(f"it is wrong: {_short(str(found.errors[0]))}")
    if isinstance(found, SigmaCorrelationRule):
        raise Unsupported("rules that correlate several events are not applied")
    if found.status in _RETIRED:
        raise Unsupported(f"its status is {found.status}")
    target = _target(found.logsource)
    node = _node(found)
    tags = tuple(str(tag) for tag in found.tags[: 2 * _MOST_ITEMS])
    test = message_test(node, target.fields) if target.fields is not None else None
    ended = target.fields is None and asks_for_the_end(node)
    columns = table_test(node) if target.fields is None else None
    return Rule(
        key=str(found.id or found.title),
        title=_short(found.title),
        severity=_SEVERITY.get(found.level, Severity.MEDIUM) if found.level is not None else Severity.MEDIUM,
        description=_short(found.description or ""),
        false_positives=_texts(found.falsepositives),
        references=_texts(found.references),
        tags=tags,
        techniques=techniques_named(tag.name for tag in found.tags if tag.namespace == "attack"),
        file=file,
        scope=scope_of(node, target.fields, target.protocols) if target.fields is not None else Scope(),
        message=test,
        start=None if ended else columns,
        end=columns if ended else None,
        reads=reads_of(node, target.fields) if target.fields is not None else None,
        wants_agent=target.fields is HTTP and wants_agent(node),
    )


def _node(found: SigmaRule) -> Node:
    """The conditions of a rule, of which one is enough."""
    try:
        trees = [read_tree(condition.parsed) for condition in found.detection.parsed_condition]
    except (SigmaError, *_ODD, RecursionError) as error:
        raise Unsupported(f"its condition cannot be read: {_short(str(error))}") from error
    if not trees:
        raise Unsupported("it has no condition")
    return trees[0] if len(trees) == 1 else Some(tuple(trees))


def _target(source: SigmaLogSource) -> _Target:
    category, product, service = (part.lower() if part else None for part in (source.category, source.product, source.service))
    target: _Target | None = None
    if product == "hauberk":
        target = {"transaction": _Target(TRANSACTION), "flow": _CONVERSATIONS}.get(service or "")
    elif product == "zeek" and service:
        target = _ZEEK.get(service) or (_Target(OTHER, frozenset({service})) if service in SERVICES[1:] else None)
    elif category and product in _PRODUCTS_OF_CATEGORIES and not service:
        target = _CATEGORIES.get(category)
    if target is None:
        named = ", ".join(
            f"{name} {_short(part)}" for name, part in (("category", category), ("product", product), ("service", service)) if part
        )
        raise Unsupported(f"its log source ({named}) is not what a network sensor sees")
    return target


def _texts(items: Iterable[object] | None) -> tuple[str, ...]:
    return tuple(_short(str(item)) for item in list(items or ())[:_MOST_ITEMS])


def _short(text: object) -> str:
    """Bounded; a rule that is wrong may have a number or nothing for its title."""
    return "" if text is None else str(text)[:_LONGEST_TEXT]
