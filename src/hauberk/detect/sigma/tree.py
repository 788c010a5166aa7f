"""The condition of a Sigma rule as a tree of our own: AND, OR, NOT over questions about fields, read off pySigma's.

Values of one field that OR joins stay together: a list of a thousand names is one question.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sigma.conditions import (
    ConditionAND,
    ConditionFieldEqualsValueExpression,
    ConditionNOT,
    ConditionOR,
    ConditionValueExpression,
)
from sigma.types import SigmaType

from hauberk.detect.sigma.unsupported import Unsupported

DEEPEST = 64
MOST_VALUES = 50_000


@dataclass(frozen=True, slots=True)
class Question:
    """Whether ``field`` has one of ``values``; a keyword anywhere where the field is None."""

    field: str | None
    values: tuple[SigmaType, ...]


@dataclass(frozen=True, slots=True)
class Every:
    """All of ``parts`` hold."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Some:
    """One of ``parts`` holds."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """``part`` does not hold."""

    part: Node


Node = Question | Every | Some | Not


def read_tree(condition: Any, depth: int = 0) -> Node:  # noqa: ANN401 - pySigma's tree is a union of unions
    """Our tree of pySigma's; raises ``Unsupported``."""
    if depth > DEEPEST:
        raise Unsupported(f"its condition nests deeper than {DEEPEST}")
    if isinstance(condition, ConditionFieldEqualsValueExpression):
        return Question(condition.field, (condition.value,))
    if isinstance(condition, ConditionValueExpression):
        return Question(None, (condition.value,))
    if isinstance(condition, ConditionNOT):
        return Not(read_tree(condition.args[0], depth + 1))
    if isinstance(condition, ConditionAND):
        return Every(tuple(read_tree(part, depth + 1) for part in condition.args))
    if isinstance(condition, ConditionOR):
        return _together([read_tree(part, depth + 1) for part in condition.args])
    raise Unsupported("its condition is empty, or of an unknown kind")


def questions(node: Node) -> Iterator[Question]:
    """Every question of the tree."""
    if isinstance(node, Question):
        yield node
    elif isinstance(node, Not):
        yield from questions(node.part)
    else:
        for part in node.parts:
            yield from questions(part)


def _together(parts: list[Node]) -> Node:
    """OR, with questions about the same field made one."""
    values: dict[str | None, list[SigmaType]] = {}
    others: list[Node] = []
    for part in parts:
        if isinstance(part, Question):
            values.setdefault(part.field, []).extend(part.values)
        else:
            others.append(part)
    if any(len(one) > MOST_VALUES for one in values.values()):
        raise Unsupported(f"one field has over {MOST_VALUES:,} values; make them an indicator file")
    joined: list[Node] = [*(Question(field, tuple(one)) for field, one in values.items()), *others]
    return joined[0] if len(joined) == 1 else Some(tuple(joined))
