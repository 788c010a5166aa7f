"""Patterns of STIX 2.1 (OASIS STIX 2.1, section 9), as far as one observation of the network can tell whether they hold.

The grammar is read by ``stix2-patterns``. A pattern that is one comparison, which nearly all patterns of feeds are, is read by an
expression here, as the whole grammar costs a thousand times as much.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from hauberk.errors import InputError
from hauberk.formats.indicator_values import Normal, normal
from hauberk.model.indicator import IndicatorKind

LONGEST = 1 << 15
"""Characters of a pattern."""
DEEPEST = 24
"""Parentheses that may be open at once."""

_SIMPLE = re.compile(
    r"\s*\[\s*([a-zA-Z0-9_-]+)\s*:\s*((?:[a-zA-Z0-9_-]+|'[^'\\]*')(?:\.(?:[a-zA-Z0-9_-]+|'[^'\\]*'))*)\s*=\s*'((?:[^'\\]|\\['\\])*)'\s*\]\s*"
)
_STEP = re.compile(r"'([^'\\]*)'|([a-zA-Z0-9_-]+)")
_ESCAPED = re.compile(r"\\(['\\])")
_KINDS = {
    ("ipv4-addr", "value"): IndicatorKind.IP,
    ("ipv6-addr", "value"): IndicatorKind.IP,
    ("network-traffic", "dst_ref.value"): IndicatorKind.IP,
    ("network-traffic", "src_ref.value"): IndicatorKind.IP,
    ("domain-name", "value"): IndicatorKind.DOMAIN,
    ("url", "value"): IndicatorKind.URL,
    ("x509-certificate", "hashes.sha256"): IndicatorKind.CERTIFICATE_SHA256,
    ("x509-certificate", "hashes.sha1"): IndicatorKind.CERTIFICATE_SHA1,
}
_JA4_NAMES = frozenset({"ja4", "x_ja4", "ja4_fingerprint", "x_ja4_fingerprint", "ja4_hash", "x_ja4_hash"})
_JA4_TYPES = frozenset({"x-ja4", "ja4", "x-ja4-fingerprint"})


@dataclass(slots=True)
class PatternReading:
    """Values of which each alone makes the pattern hold, and why other parts of it are not applied."""

    values: list[Normal] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def add(self, object_type: str, path: list[str], text: str) -> None:
        """Take in one comparison for equality."""
        kind = _kind(object_type, path)
        if kind is None:
            self.problems.append(f"{object_type}:{'.'.join(path)} is not seen on the network")
            return
        try:
            self.values.append(normal(kind, text))
        except InputError as error:
            self.problems.append(str(error))


def read_pattern(pattern: str) -> PatternReading:
    """What of ``pattern`` can be applied; raises ``InputError`` where it is no pattern, or one that is out of bounds."""
    if len(pattern) > LONGEST:
        raise InputError(f"a pattern of {len(pattern):,} characters is over {LONGEST:,}")
    reading = PatternReading()
    simple = _SIMPLE.fullmatch(pattern)
    if simple is not None:
        reading.add(simple[1], [quoted or plain for quoted, plain in _STEP.findall(simple[2])], _ESCAPED.sub(r"\1", simple[3]))
        return reading
    if _depth(pattern) > DEEPEST:
        raise InputError(f"the pattern nests deeper than {DEEPEST} parentheses")
    _observation(_parsed(pattern), reading)
    return reading


def _kind(object_type: str, path: list[str]) -> IndicatorKind | None:
    names = [step.lower() for step in path]
    if names[:1] == ["hashes"]:
        names = [name.replace("-", "") for name in names]
    if object_type in _JA4_TYPES or (names and names[-1].replace("-", "_") in _JA4_NAMES):
        return IndicatorKind.JA4
    return _KINDS.get((object_type, ".".join(names)))


def _depth(pattern: str) -> int:
    depth = deepest = 0
    for letter in pattern:
        depth += (letter in "([") - (letter in ")]")
        deepest = max(deepest, depth)
    return deepest


def _parsed(pattern: str) -> Any:  # noqa: ANN401 - the parser's tree has no types
    from stix2patterns.exceptions import ParseException  # type: ignore[import-untyped]  # noqa: PLC0415 - half of a start, and most feeds never need it
    from stix2patterns.v21.pattern import Pattern  # type: ignore[import-untyped]  # noqa: PLC0415 - same

    try:
        return Pattern(pattern).visit(_Root())
    except (ParseException, RecursionError) as error:
        raise InputError(f"the pattern cannot be read: {error}") from error


class _Root:
    """A visitor that hands out the tree itself."""

    @staticmethod
    def visit(tree: Any) -> Any:  # noqa: ANN401 - see _parsed
        """The root of the tree."""
        return tree


def _parts(tree: Any) -> Iterator[Any]:  # noqa: ANN401 - see _parsed
    """The parts of a node that are no tokens."""
    return (child for child in tree.getChildren() if hasattr(child, "getChildren") and child.getChildCount())


def _observation(tree: Any, reading: PatternReading) -> None:  # noqa: ANN401 - see _parsed
    """Observation expressions: only OR joins what a single observation may fulfil."""
    name = type(tree).__name__.removesuffix("Context")
    if name == "ObservationExpressions" and tree.FOLLOWEDBY():
        reading.problems.append("FOLLOWEDBY asks for several observations in order")
    elif name == "ObservationExpressionAnd" and tree.AND():
        reading.problems.append("AND between observations asks for several observations")
    elif name in {"ObservationExpressionRepeated", "ObservationExpressionWithin", "ObservationExpressionStartStop"}:
        reading.problems.append(f"the qualifier {_word(list(_parts(tree))[-1])} asks for several observations, or for a time")
    elif name == "ComparisonExpression":
        _comparison(tree, reading)
    else:
        for part in _parts(tree):
            _observation(part, reading)


def _comparison(tree: Any, reading: PatternReading) -> None:  # noqa: ANN401 - see _parsed
    """Comparison expressions within one observation."""
    name = type(tree).__name__.removesuffix("Context")
    if name == "ComparisonExpressionAnd" and tree.AND():
        reading.problems.append("AND of several comparisons cannot be applied")
    elif name in {"ComparisonExpression", "ComparisonExpressionAnd", "PropTestParen"}:
        for part in _parts(tree):
            _comparison(part, reading)
    elif name in {"PropTestEqual", "PropTestSet", "PropTestIsSubset"}:
        _test(tree, name, reading)
    else:
        reading.problems.append(f"the operator of '{_word(tree)}' cannot be applied")


def _test(tree: Any, name: str, reading: PatternReading) -> None:  # noqa: ANN401 - see _parsed
    if tree.NOT() or (name == "PropTestEqual" and tree.NEQ()):
        reading.problems.append(f"'{_word(tree)}' names what is not bad")
        return
    path, literals = _path(tree.objectPath()), [tree.StringLiteral()] if name == "PropTestIsSubset" else list(_literals(tree))
    if name == "PropTestIsSubset" and _kind(*path) is not IndicatorKind.IP:
        reading.problems.append(f"'{_word(tree)}': ISSUBSET is for addresses")
        return
    for literal in literals:
        text = literal.getText()
        reading.add(*path, _ESCAPED.sub(r"\1", text[1:-1]) if text.startswith("'") else text)


def _literals(tree: Any) -> Iterator[Any]:  # noqa: ANN401 - see _parsed
    found = tree.setLiteral() if hasattr(tree, "setLiteral") else None
    if found is None:
        yield tree.primitiveLiteral()
    else:
        yield from found.primitiveLiteral()


def _path(tree: Any) -> tuple[str, list[str]]:  # noqa: ANN401 - see _parsed
    """Object type and steps of an object path; list steps are left out."""
    steps = [quoted or plain for quoted, plain in _STEP.findall(tree.getText().partition(":")[2])]
    return tree.objectType().getText(), steps


def _word(tree: Any) -> str:  # noqa: ANN401 - see _parsed
    """Text of a node, as long as is worth showing."""
    text = str(tree.start.getInputStream().getText(tree.start.start, tree.stop.stop))
    return text if len(text) <= 60 else f"{text[:57]}..."
