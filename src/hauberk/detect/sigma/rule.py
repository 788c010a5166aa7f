"""A Sigma rule made ready to be applied, and many of them by what they apply to."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache

from hauberk.detect.rows import Flags
from hauberk.detect.sigma.table import Table
from hauberk.model.finding import Severity, Technique
from hauberk.model.transaction import Transaction

_REMEMBERED = 1 << 15
"""Different messages of one kind whose rules are remembered."""

Read = Callable[[Transaction], object]
MessageTest = Callable[[Transaction], bool]
TableTest = Callable[[Table], Flags]


@dataclass(frozen=True, slots=True)
class Scope:
    """Which messages a rule looks at: of which protocols, and which roles (of TLS and QUIC: operations); None for all."""

    protocols: frozenset[str] | None = None
    stages: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. ``key`` names it across runs: its id, or its title. Exactly one test is there: ``message`` for application
    messages within ``scope``, ``start`` for conversations when they begin, ``end`` for conversations when they have ended.
    ``wants_agent``: whether it asks for the user agent of HTTP requests. ``reads``: what its message test looks at; None where
    that is different in nearly every message."""

    key: str
    title: str
    severity: Severity
    description: str = ""
    false_positives: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    techniques: tuple[Technique, ...] = ()
    file: str = ""
    scope: Scope = Scope()
    message: MessageTest | None = None
    start: TableTest | None = None
    end: TableTest | None = None
    wants_agent: bool = False
    reads: tuple[Read, ...] | None = None


class Sieve:
    """Rules for messages of one kind. Messages that say the same again cost one look-up, however many rules there are."""

    def __init__(self, rules: Iterable[tuple[Rule, MessageTest]]) -> None:
        chosen = tuple(rules)
        self._reads = tuple(dict.fromkeys(read for rule, _ in chosen for read in rule.reads or ()))
        self._steady = tuple(pair for pair in chosen if pair[0].reads is not None)
        self._varying = tuple(pair for pair in chosen if pair[0].reads is None)
        self._known: dict[tuple[object, ...], tuple[Rule, ...]] = {}

    def __len__(self) -> int:
        return len(self._steady) + len(self._varying)

    def matching(self, message: Transaction) -> tuple[Rule, ...]:
        """The rules that hold for ``message``."""
        if not self._varying:
            return self._matching(message)
        return self._matching(message) + tuple(rule for rule, test in self._varying if test(message))

    def _matching(self, message: Transaction) -> tuple[Rule, ...]:
        key = tuple([read(message) for read in self._reads])
        found = self._known.get(key)
        if found is None:
            found = tuple(rule for rule, test in self._steady if test(message))
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[key] = found
        return found


class RuleSet:
    """Rules by what they apply to, so that only those cost that may match."""

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self.rules = tuple(rules)
        self.starts = tuple((rule, rule.start) for rule in self.rules if rule.start is not None)
        self.ends = tuple((rule, rule.end) for rule in self.rules if rule.end is not None)
        self.messages = tuple((rule, rule.message) for rule in self.rules if rule.message is not None)
        self.wants_agent = any(rule.wants_agent for rule in self.rules)
        self.by_key = {rule.key: rule for rule in self.rules}
        self.applying = lru_cache(1 << 10)(self._applying)

    def __len__(self) -> int:
        return len(self.rules)

    def _applying(self, protocol: str, stage: str) -> Sieve:
        """Rules for messages of ``protocol`` at ``stage``."""
        return Sieve(
            (rule, test)
            for rule, test in self.messages
            if (rule.scope.protocols is None or protocol in rule.scope.protocols)
            and (rule.scope.stages is None or stage in rule.scope.stages)
        )
