"""Conditions of Sigma rules as tests of one application message."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sigma.types import SigmaFieldReference, SigmaString, SigmaType

from hauberk.detect.sigma.fields import AGENT_FIELDS, OTHER, VARYING, MessageField
from hauberk.detect.sigma.rule import MessageTest, Read, Scope
from hauberk.detect.sigma.tree import Every, Node, Not, Question, questions
from hauberk.detect.sigma.unsupported import Unsupported
from hauberk.detect.sigma.values import ValueTest, shape, text_of, value_test
from hauberk.model.transaction import Transaction

_ORDER = ("client_hello", "server_hello", "certificate", "request", "response", "event")
"""Stages, the earliest first: where several have all fields of a rule, the first one is asked."""

Fields = Mapping[str, MessageField]


def message_test(node: Node, fields: Fields) -> MessageTest:
    """The test of one message; raises ``Unsupported`` for a field that messages do not have."""
    if isinstance(node, Question):
        return _question_test(node, fields)
    if isinstance(node, Not):
        inner = message_test(node.part, fields)
        return lambda message: not inner(message)
    tests = [message_test(part, fields) for part in node.parts]
    if isinstance(node, Every):
        return _every(tests)
    return lambda message: any(test(message) for test in tests)


def stages_of(node: Node, fields: Fields) -> frozenset[str] | None:
    """The stage of messages that has every field of the condition, None for any; raises ``Unsupported`` where none has."""
    common: frozenset[str] | None = None
    for name in _names(node):
        stages = _field(name, fields).stages
        if stages is not None:
            common = stages if common is None else common & stages
    if common is None:
        return None
    if not common:
        raise Unsupported("its fields stand in different messages, and one message cannot tell all of them")
    return frozenset({next(stage for stage in _ORDER if stage in common)})


def protocols_of(node: Node) -> frozenset[str] | None:
    """The protocols that a condition on Hauberk's own messages can hold for; None where it does not say."""
    if isinstance(node, Question):
        texts = [shape(value) for value in node.values]
        if node.field == "protocol" and all(text is not None and text[0] == "exact" for text in texts):
            return frozenset(text[1] for text in texts if text is not None)
        return None
    if isinstance(node, Not):
        return None
    found = [protocols_of(part) for part in node.parts]
    known = [one for one in found if one is not None]
    if isinstance(node, Every):
        return frozenset.intersection(*known) if known else None
    return frozenset().union(*known) if len(known) == len(found) else None


def scope_of(node: Node, fields: Fields, protocols: frozenset[str] | None) -> Scope:
    """What messages the condition is asked of. ``protocols``: those of its log source."""
    return Scope(protocols if protocols is not None else protocols_of(node), stages_of(node, fields))


def wants_agent(node: Node) -> bool:
    """Whether the condition asks for the user agent."""
    return not AGENT_FIELDS.isdisjoint(_names(node))


def reads_of(node: Node, fields: Fields) -> tuple[Read, ...] | None:
    """What the test of a condition looks at; None where that is different in nearly every message."""
    names = dict.fromkeys(_names(node))
    if not VARYING.isdisjoint(names) or any(question.field is None for question in questions(node)):
        return None
    return tuple(dict.fromkeys(_field(name, fields).read for name in names))


def _names(node: Node) -> list[str]:
    names = [question.field for question in questions(node) if question.field is not None]
    for question in questions(node):
        names += [value.field for value in question.values if isinstance(value, SigmaFieldReference)]
    return names


def _field(name: str, fields: Fields) -> MessageField:
    found = fields.get(name)
    if found is None:
        raise Unsupported(f"its field '{name[:60]}' is not seen on the network")
    return found


def _every(tests: Sequence[MessageTest]) -> MessageTest:
    if len(tests) == 2:
        first, second = tests
        return lambda message: first(message) and second(message)
    return lambda message: all(test(message) for test in tests)


def _question_test(question: Question, fields: Fields) -> MessageTest:
    if question.field is None:
        return _keyword_test(question.values)
    read = _field(question.field, fields).read
    references = [value for value in question.values if isinstance(value, SigmaFieldReference)]
    plain = [value for value in question.values if not isinstance(value, SigmaFieldReference)]
    tests: list[MessageTest] = [_reference_test(read, value, fields) for value in references]
    if plain:
        tests.append(_read_test(read, any_value_test(plain)))
    if len(tests) == 1:
        return tests[0]
    return lambda message: any(test(message) for test in tests)


def _read_test(read: Read, test: ValueTest) -> MessageTest:
    def passes(message: Transaction) -> bool:
        value = read(message)
        if isinstance(value, tuple):
            return any(map(test, value)) if value else test(None)
        return test(value)

    return passes


def any_value_test(values: Sequence[SigmaType]) -> ValueTest:
    """Whether a plain value passes one of many; lists of texts cost as much as one."""
    shaped: dict[str, list[str]] = {"exact": [], "prefix": [], "suffix": [], "inside": []}
    tests: list[ValueTest] = []
    for value in values:
        simple = shape(value)
        if simple is None or len(values) == 1:
            tests.append(value_test(value))
        else:
            shaped[simple[0]].append(simple[1])
    if any(shaped.values()):
        tests.append(_text_test(frozenset(shaped["exact"]), tuple(shaped["prefix"]), tuple(shaped["suffix"]), shaped["inside"]))
    if len(tests) == 1:
        return tests[0]
    return lambda found: any(test(found) for test in tests)


def _text_test(exact: frozenset[str], prefixes: tuple[str, ...], suffixes: tuple[str, ...], inside: list[str]) -> ValueTest:
    def test(found: object) -> bool:
        text = text_of(found)
        if text is None:
            return False
        text = text.lower()
        return text in exact or text.startswith(prefixes) or text.endswith(suffixes) or any(part in text for part in inside)

    return test


def _reference_test(read: Read, reference: SigmaFieldReference, fields: Fields) -> MessageTest:
    """Comparison with another field of the same message."""
    other = _field(reference.field, fields).read
    compare: Callable[[str, str], bool] = str.__eq__
    if reference.starts_with and reference.ends_with:
        compare = str.__contains__
    elif reference.starts_with:
        compare = str.startswith
    elif reference.ends_with:
        compare = str.endswith

    def passes(message: Transaction) -> bool:
        own, wanted = text_of(read(message)), text_of(other(message))
        return own is not None and wanted is not None and compare(own.lower(), wanted.lower())

    return passes


def _keyword_test(values: Sequence[SigmaType]) -> MessageTest:
    """A keyword stands anywhere in what the message says, even within longer text."""
    for value in values:
        if not isinstance(value, SigmaString):
            raise Unsupported("a keyword that is no text cannot be applied")
    loose = [value if shape(value) is not None and "*" in str(value) else SigmaString(f"*{value}*") for value in values]
    test = any_value_test(loose)
    read = OTHER["value"].read

    def passes(message: Transaction) -> bool:
        value = read(message)
        said = value if isinstance(value, tuple) else (value,)
        hints = tuple(one for _, one, _ in message.hints)
        return any(map(test, (message.object, message.operation, message.status, *said, *hints)))

    return passes
