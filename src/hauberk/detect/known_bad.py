"""All that is known to be bad, as detectors are given it: a value that is loaded once and never changes."""

from __future__ import annotations

from dataclasses import dataclass

from hauberk.detect.indicators.matcher import IndicatorMatcher
from hauberk.detect.sigma.rule import RuleSet


@dataclass(frozen=True, slots=True)
class KnownBad:
    """Indicators and Sigma rules."""

    indicators: IndicatorMatcher
    rules: RuleSet


NOTHING_KNOWN = KnownBad(IndicatorMatcher(()), RuleSet())
"""Where no feed and no rule is given."""
