"""Values of Sigma rules as tests of one plain value (text, number, true, false, None), per the modifiers' meaning in the Sigma
specification: text without regard to case unless ``cased``, ``*`` and ``?`` as wildcards, regular expressions anywhere in the text.

Regular expressions of others run here: they are bounded in length, so is the text they see, and repetitions of repetitions, which
take exponential time, are refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

from sigma.types import (
    CompareOperators,
    SigmaBool,
    SigmaCasedString,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaExists,
    SigmaExpansion,
    SigmaNull,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaRegularExpressionFlag,
    SigmaString,
    SigmaTimestampPart,
    SigmaType,
    SpecialChars,
    TimestampPart,
)

from hauberk.detect.indicators.addresses import bounds
from hauberk.detect.sigma.unsupported import Unsupported
from hauberk.model.address import ip_halves

ValueTest = Callable[[object], bool]

LONGEST_PATTERN = 1024
LONGEST_TEXT = 1024
"""Characters of a value that a regular expression or wildcard sees."""
_NESTED = re.compile(r"(?<!\\)\((?:[^()\\]|\\.)*(?<!\\)(?:[+*]|\{\d*,\d*\})\??\)(?:[+*]|\{\d+,\d*\})")
"""A repeated group that ends with a repetition, as ``(a+)+``."""
_ALTERNATIVES = re.compile(r"(?<!\\)\((?:[^()\\]|\\.)*\|(?:[^()\\]|\\.)*\)(?:[+*]|\{\d+,\})")
"""A repeated choice, as ``(a|aa)*``."""
_FLAGS = {
    SigmaRegularExpressionFlag.IGNORECASE: re.IGNORECASE,
    SigmaRegularExpressionFlag.MULTILINE: re.MULTILINE,
    SigmaRegularExpressionFlag.DOTALL: re.DOTALL,
}
_ORDER: dict[CompareOperators, Callable[[float, float], bool]] = {
    CompareOperators.LT: lambda a, b: a < b,
    CompareOperators.LTE: lambda a, b: a <= b,
    CompareOperators.GT: lambda a, b: a > b,
    CompareOperators.GTE: lambda a, b: a >= b,
    CompareOperators.NEQ: lambda a, b: a != b,
}
_PARTS: dict[TimestampPart, Callable[[datetime], int]] = {
    TimestampPart.MINUTE: lambda moment: moment.minute,
    TimestampPart.HOUR: lambda moment: moment.hour,
    TimestampPart.DAY: lambda moment: moment.day,
    TimestampPart.WEEK: lambda moment: moment.isocalendar().week,
    TimestampPart.MONTH: lambda moment: moment.month,
    TimestampPart.YEAR: lambda moment: moment.year,
}


def text_of(value: object) -> str | None:
    """A value as text; None for one that is not there."""
    if value is None:
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)


def value_test(value: SigmaType) -> ValueTest:  # noqa: PLR0911 - one return for each type of value
    """The test that ``value`` stands for; raises ``Unsupported``."""
    if isinstance(value, SigmaString):
        return _string_test(value)
    if isinstance(value, SigmaTimestampPart):
        return _part_test(value)
    if isinstance(value, SigmaNumber):
        return _number_test(value.number)
    if isinstance(value, SigmaBool):
        expected = str(value).lower()
        return lambda found: text_of(found) == expected
    if isinstance(value, SigmaRegularExpression):
        return _expression_test(value)
    if isinstance(value, SigmaCIDRExpression):
        return _network_test(*bounds(str(value.network)))
    if isinstance(value, SigmaCompareExpression):
        return _compare_test(_ORDER[value.op], float(value.number.number))
    if isinstance(value, SigmaNull):
        return lambda found: found is None or found == ""
    if isinstance(value, SigmaExists):
        return _exists_test(there=bool(value))
    if isinstance(value, SigmaExpansion):
        tests = [value_test(one) for one in value.values]
        return lambda found: any(test(found) for test in tests)
    raise Unsupported(f"values of the kind {type(value).__name__.removeprefix('Sigma')} cannot be applied")


def shape(value: SigmaType) -> tuple[str, str] | None:
    """``exact``, ``prefix``, ``suffix`` or ``inside`` and the lower-case text, for strings that are no more than that."""
    if not isinstance(value, SigmaString) or isinstance(value, SigmaCasedString):
        return None
    many = SpecialChars.WILDCARD_MULTI
    match value.s:
        case []:
            return "exact", ""
        case [str(text)]:
            return "exact", text.lower()
        case [str(text), end] if end is many:
            return "prefix", text.lower()
        case [start, str(text)] if start is many:
            return "suffix", text.lower()
        case [start, str(text), end] if start is many and end is many:
            return "inside", text.lower()
    return None


def _string_test(value: SigmaString) -> ValueTest:
    if not all(isinstance(part, str | SpecialChars) for part in value.s):
        raise Unsupported("a placeholder is to be filled in by a pipeline")
    simple = shape(value)
    if simple is not None:
        return _simple_test(*simple)
    pattern = "".join(
        re.escape(part) if isinstance(part, str) else (".*" if part is SpecialChars.WILDCARD_MULTI else ".") for part in value.s
    )
    return _matcher(pattern, re.DOTALL if isinstance(value, SigmaCasedString) else re.DOTALL | re.IGNORECASE, whole=True)


def _simple_test(how: str, text: str) -> ValueTest:
    def exact(found: object) -> bool:
        return found is not None and str(found).lower() == text

    def prefix(found: object) -> bool:
        return found is not None and str(found).lower().startswith(text)

    def suffix(found: object) -> bool:
        return found is not None and str(found).lower().endswith(text)

    def inside(found: object) -> bool:
        return found is not None and text in str(found).lower()

    return {"exact": exact, "prefix": prefix, "suffix": suffix, "inside": inside}[how]


def _expression_test(value: SigmaRegularExpression) -> ValueTest:
    pattern = str(value.regexp)
    if value.contains_placeholder():
        raise Unsupported("a placeholder is to be filled in by a pipeline")
    if _NESTED.search(pattern) or _ALTERNATIVES.search(pattern):
        raise Unsupported(f"the regular expression '{pattern[:60]}' repeats a repetition, which may take forever")
    flags = re.RegexFlag(0)
    for flag in value.flags:
        flags |= _FLAGS[flag]
    return _matcher(pattern, flags, whole=False)


def _matcher(pattern: str, flags: re.RegexFlag | int, *, whole: bool) -> ValueTest:
    if len(pattern) > LONGEST_PATTERN:
        raise Unsupported(f"a regular expression of {len(pattern):,} characters is over {LONGEST_PATTERN:,}")
    try:
        compiled = re.compile(pattern, flags)
    except (re.error, OverflowError, RecursionError) as error:
        raise Unsupported(f"the regular expression '{pattern[:60]}' cannot be read: {error}") from error
    search = compiled.fullmatch if whole else compiled.search

    def test(found: object) -> bool:
        text = text_of(found)
        return text is not None and search(text[:LONGEST_TEXT]) is not None

    return test


def _number_test(number: float) -> ValueTest:
    text = str(number)

    def test(found: object) -> bool:
        if isinstance(found, int | float) and not isinstance(found, bool):
            return found == number
        return found is not None and str(found) == text

    return test


def _number(found: object) -> float | None:
    if isinstance(found, bool) or not isinstance(found, int | float | str):
        return None
    try:
        return float(found)
    except (ValueError, OverflowError):
        return None


def _compare_test(compare: Callable[[float, float], bool], limit: float) -> ValueTest:
    def test(found: object) -> bool:
        number = _number(found)
        return number is not None and compare(number, limit)

    return test


def _part_test(value: SigmaTimestampPart) -> ValueTest:
    part, expected = _PARTS[value.timestamp_part], value.number

    def test(found: object) -> bool:
        number = _number(found)
        try:
            return number is not None and part(datetime.fromtimestamp(number, UTC)) == expected
        except (ValueError, OverflowError, OSError):
            return False

    return test


def _network_test(first: int, last: int) -> ValueTest:
    def test(found: object) -> bool:
        try:
            hi, lo = ip_halves(str(found))
        except ValueError:
            return False
        return first <= hi << 64 | lo <= last

    return test


def _exists_test(*, there: bool) -> ValueTest:
    return lambda found: (found is not None) is there
