"""Conditions of Sigma rules as tests of many conversations at once."""

from __future__ import annotations

from functools import reduce
from ipaddress import ip_address

import numpy as np
from sigma.types import (
    SigmaBool,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaFieldReference,
    SigmaNumber,
    SigmaTimestampPart,
    SigmaType,
)

from hauberk.detect.indicators.addresses import bounds
from hauberk.detect.rows import Flags
from hauberk.detect.sigma.fields import CONVERSATION, ColumnField
from hauberk.detect.sigma.messages import any_value_test
from hauberk.detect.sigma.rule import TableTest
from hauberk.detect.sigma.table import Table
from hauberk.detect.sigma.tree import Every, Node, Not, Question, questions
from hauberk.detect.sigma.unsupported import Unsupported
from hauberk.detect.sigma.values import shape, value_test

_ADDRESSES = frozenset({"a", "b"})
_CONSTANTS = {"Initiated": "true"}
"""What holds for every conversation: seen from the side that begins it."""
_COMPARE = {"LT": np.less, "LTE": np.less_equal, "GT": np.greater, "GTE": np.greater_equal, "NEQ": np.not_equal}


def table_test(node: Node) -> TableTest:
    """The test of a table; raises ``Unsupported`` for a field that conversations do not have."""
    if isinstance(node, Question):
        return _question_test(node)
    if isinstance(node, Not):
        inner = table_test(node.part)
        return lambda table: ~inner(table)
    tests = [table_test(part) for part in node.parts]
    if isinstance(node, Every):
        return _every([table_test(part) for part in sorted(node.parts, key=_cost)])
    return lambda table: reduce(np.logical_or, (test(table) for test in tests))


def _cost(node: Node) -> int:
    """What is quick to ask, and seldom holds, is asked first."""
    if not isinstance(node, Question):
        return 2
    found = CONVERSATION.get(node.field or "")
    return int(found is not None and found.column in _ADDRESSES)


def _every(tests: list[TableTest]) -> TableTest:
    def passes(table: Table) -> Flags:
        flags = tests[0](table)
        for test in tests[1:]:
            if not flags.any():
                break
            flags &= test(table)
        return flags

    return passes


def asks_for_the_end(node: Node) -> bool:
    """Whether the condition needs what is known only when a conversation has ended."""
    return any(question.field not in _CONSTANTS and _column(question.field).ended for question in questions(node))


def _column(name: str | None) -> ColumnField:
    found = CONVERSATION.get(name) if name is not None else None
    if found is None:
        raise Unsupported(f"its field '{name[:60]}' is not seen on the network" if name else "keywords do not fit conversations")
    return found


def _question_test(question: Question) -> TableTest:
    constant = _CONSTANTS.get(question.field or "")
    if constant is not None:
        holds = any(value_test(value)(constant) for value in question.values)
        return lambda table: np.full(len(table), holds)
    column = _column(question.field).column
    tests: list[TableTest] = []
    others: list[SigmaType] = []
    for value in question.values:
        fast = _address_test(column, value) if column in _ADDRESSES else _number_test(column, value)
        if fast is None:
            others.append(value)
        else:
            tests.append(fast)
    if others:
        if any(isinstance(value, SigmaFieldReference) for value in others):
            raise Unsupported("two fields of a conversation cannot be compared")
        test = any_value_test(others)
        tests.append(lambda table: table.test(column, test))
    if len(tests) == 1:
        return tests[0]
    return lambda table: reduce(np.logical_or, (test(table) for test in tests))


def _address_test(side: str, value: SigmaType) -> TableTest | None:
    """A test of whole columns for addresses and networks; None for what is to be read as text."""
    if isinstance(value, SigmaCIDRExpression):
        first, last = bounds(str(value.network))
        return lambda table: table.within(side, first, last)
    simple = shape(value)
    if simple is None or simple[0] != "exact":
        return None
    try:
        address = str(ip_address(simple[1]))
    except ValueError:
        return None
    return lambda table: table.equals(side, address)


def _number_test(column: str, value: SigmaType) -> TableTest | None:
    """The same for numbers."""
    if column in {"transport", "service"} or isinstance(value, SigmaTimestampPart | SigmaBool):
        return None
    if isinstance(value, SigmaCompareExpression):
        compare, limit = _COMPARE[value.op.name], float(value.number.number)

        def compared(table: Table) -> Flags:
            numbers = table.numbers(column)
            flags: Flags = compare(numbers, limit) & ~np.isnan(numbers)
            return flags

        return compared
    number: float | None = None
    if isinstance(value, SigmaNumber):
        number = float(value.number)
    else:
        simple = shape(value)
        if simple is not None and simple[0] == "exact" and simple[1].isascii() and simple[1].isdigit():
            number = float(simple[1])
    if number is None:
        return None
    return lambda table: table.numbers(column) == number
