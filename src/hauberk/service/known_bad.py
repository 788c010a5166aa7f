"""Loads what is known to be bad from files: indicator feeds and Sigma rules. Whatever is not applied is kept with its reason."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TypeVar

from hauberk.detect.indicators.matcher import IndicatorMatcher
from hauberk.detect.known_bad import NOTHING_KNOWN, KnownBad
from hauberk.detect.sigma.rule import Rule, RuleSet
from hauberk.errors import InputError
from hauberk.formats import indicator_csv, stix
from hauberk.model.indicator import Indicator, IndicatorFeed, Skipped

MOST_INDICATORS = 4_000_000
MOST_RULES = 20_000
MOST_FILES = 50_000
"""Files of one folder."""
_FEEDS = frozenset({".csv", ".txt", ".list", ".json", ".stix", ".stix2", ".ioc", ".intel", ".netset", ".ipset"})
_RULES = frozenset({".yml", ".yaml"})

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class LoadedKnownBad:
    """What was loaded: how many ``indicators`` and ``rules`` are applied, and what is not."""

    known_bad: KnownBad
    indicators: int
    rules: int
    skipped: tuple[Skipped, ...]

    def summary(self, shown: int = 5) -> Iterator[str]:
        """Lines for a person: how much there is, and the first reasons why something is not applied."""
        loaded = f"{_count(self.indicators, 'indicator')} and {_count(self.rules, 'Sigma rule')} loaded"
        yield f"known bad: {loaded}, {len(self.skipped):,} skipped"
        for skipped in self.skipped[:shown]:
            yield f"skipped {skipped.where}: {skipped.reason}"
        if len(self.skipped) > shown:
            yield f"and {len(self.skipped) - shown:,} more skipped"


def load_known_bad(indicators: Sequence[Path], sigma: Sequence[Path]) -> LoadedKnownBad:
    """Feeds (STIX 2.1, CSV, lists) and Sigma rules of files and folders.

    Raises ``InputError`` for a file named here that cannot be read at all; one in a folder is skipped.
    """
    skipped: list[Skipped] = []
    found = [one for feed in _each(indicators, _FEEDS, stix.LARGEST, _feed, skipped) for one in _kept(feed, skipped)]
    if len(found) > MOST_INDICATORS:
        raise InputError(f"{len(found):,} indicators are over {MOST_INDICATORS:,}; leave out the feeds that matter least")
    rules = _rules(sigma, skipped) if sigma else ()
    known_bad = KnownBad(IndicatorMatcher(found), RuleSet(rules)) if found or rules else NOTHING_KNOWN
    return LoadedKnownBad(known_bad, len(found), len(rules), tuple(skipped))


def _feed(content: bytes, path: Path) -> tuple[Path, IndicatorFeed]:
    read = stix.read_stix if stix.looks_like_stix(content) else indicator_csv.read_list
    return path, read(content, path.name)


def _kept(read: tuple[Path, IndicatorFeed], skipped: list[Skipped]) -> tuple[Indicator, ...]:
    path, feed = read
    skipped += [replace(one, where=f"{path}, {one.where}") for one in feed.skipped]
    return feed.indicators


def _rules(paths: Sequence[Path], skipped: list[Skipped]) -> tuple[Rule, ...]:
    from hauberk.detect.sigma.load import LARGEST_FILE, RuleFile, read_rules  # noqa: PLC0415 - a third of a second that most runs need not spend

    def read(content: bytes, path: Path) -> tuple[Path, RuleFile]:
        return path, read_rules(content, path.name)

    rules: dict[str, Rule] = {}
    for path, file in _each(paths, _RULES, LARGEST_FILE, read, skipped):
        skipped += [replace(one, where=f"{path}, {one.where}") for one in file.skipped]
        for rule in file.rules:
            if rule.key in rules:
                skipped.append(Skipped(f"{path}, {rule.title}", f"a rule with the id {rule.key} is there already"))
            else:
                rules[rule.key] = rule
    if len(rules) > MOST_RULES:
        raise InputError(f"{len(rules):,} Sigma rules are over {MOST_RULES:,}; give the folders that matter")
    return tuple(rules.values())


def _each(
    paths: Iterable[Path], suffixes: frozenset[str], largest: int, read: Callable[[bytes, Path], T], skipped: list[Skipped]
) -> Iterator[T]:
    """What ``read`` makes of every file that ``paths`` name or hold."""
    for path in paths:
        if not path.is_dir():
            yield _read(path, largest, read)
            continue
        for inside in _inside(path, suffixes):
            try:
                yield _read(inside, largest, read)
            except InputError as error:
                skipped.append(Skipped(str(inside), str(error).removeprefix(f"{inside}: ")))


def _inside(folder: Path, suffixes: frozenset[str]) -> list[Path]:
    """Files of a folder and those below it, by name."""
    try:
        found = list(islice((file for file in folder.rglob("*") if file.suffix.lower() in suffixes), MOST_FILES + 1))
    except OSError as error:
        raise InputError(f"{folder}: {error.strerror}") from error
    if len(found) > MOST_FILES:
        raise InputError(f"{folder}: holds over {MOST_FILES:,} files; name the folders that matter")
    return sorted(file for file in found if file.is_file())


def _read(path: Path, largest: int, read: Callable[[bytes, Path], T]) -> T:
    try:
        with path.open("rb") as file:
            content = file.read(largest + 1)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    except ValueError as error:  # a path with a zero byte
        raise InputError(f"{path}: {error}") from error
    try:
        return read(content, path)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
