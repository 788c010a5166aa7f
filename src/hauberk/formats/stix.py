"""Indicators of STIX 2.1 bundles (OASIS STIX 2.1, sections 4.7 and 9).

Applied are comparisons for equality, set membership and ``ISSUBSET`` of addresses, domain names, URLs, certificate hashes and JA4
fingerprints, joined by OR in any way. Everything else in a pattern asks for what one observation of the network cannot tell, and
is reported as skipped with the reason. An ``indicates`` relationship adds the ATT&CK technique, malware or campaign it points to.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

import orjson

from hauberk.errors import InputError
from hauberk.formats.stix_pattern import read_pattern
from hauberk.model.indicator import UNSTATED_CONFIDENCE, Indicator, IndicatorFeed, Skipped

LARGEST = 256 << 20
"""Bytes of a bundle."""
MOST_OBJECTS = 1_000_000
_LONGEST_TEXT = 500
_NAMED = frozenset({"malware", "tool", "campaign", "threat-actor", "intrusion-set", "infrastructure"})
_ATTACK = frozenset({"mitre-attack", "mitre-ics-attack", "mitre-mobile-attack"})
"""Names of the source in ``external_references`` that hold technique ids."""

Object = Mapping[str, object]


class _Meaning(NamedTuple):
    """What an indicator points to."""

    techniques: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()


def looks_like_stix(content: bytes) -> bool:
    """Whether the bytes begin like JSON."""
    return content[:64].lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in {b"{", b"["}


def read_stix(content: bytes, source: str) -> IndicatorFeed:
    """The indicators of a bundle, of a TAXII envelope or of a list of objects, by the feed's name ``source``.

    Raises ``InputError`` where the bytes are none of these; an object that is wrong in itself is skipped.
    """
    objects = _objects(content)
    meanings = _meanings(objects)
    indicators: list[Indicator] = []
    skipped: list[Skipped] = []
    for item in objects:
        if item.get("type") != "indicator":
            continue
        name = _text(item.get("id")) or "indicator without id"
        try:
            for read in _indicators(item, name, source, meanings):
                if isinstance(read, Indicator):
                    indicators.append(read)
                else:
                    skipped.append(read)
        except InputError as error:
            skipped.append(Skipped(name, str(error)))
    return IndicatorFeed(source, tuple(indicators), tuple(skipped))


def _objects(content: bytes) -> list[Object]:
    if len(content) > LARGEST:
        raise InputError(f"a bundle of {len(content):,} bytes is over {LARGEST:,}; split it")
    try:
        document = orjson.loads(content.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        raise InputError(f"line {error.lineno}, column {error.colno}: is no JSON: {error.msg}") from error
    objects = document.get("objects") if isinstance(document, dict) else document
    if not isinstance(objects, list):
        raise InputError("is no STIX 2.1 bundle: there is no list of 'objects'")
    if len(objects) > MOST_OBJECTS:
        raise InputError(f"a bundle of {len(objects):,} objects is over {MOST_OBJECTS:,}; split it")
    return [item for item in objects if isinstance(item, dict)]


def _indicators(item: Object, name: str, source: str, meanings: Mapping[str, _Meaning]) -> Iterator[Indicator | Skipped]:
    """What one indicator object gives."""
    if item.get("revoked") is True:
        raise InputError("it was revoked")
    language = item.get("pattern_type", "stix")
    if language != "stix":
        raise InputError(f"its pattern is in the language '{_text(language)}'")
    pattern = item.get("pattern")
    if not isinstance(pattern, str):
        raise InputError("it has no pattern")
    confidence = item.get("confidence", UNSTATED_CONFIDENCE)
    if not isinstance(confidence, int) or isinstance(confidence, bool) or not 0 <= confidence <= 100:
        raise InputError("its confidence is no number from 0 to 100")
    start, end = _time(item.get("valid_from"), "valid_from"), _time(item.get("valid_until"), "valid_until")
    if start is not None and end is not None and end <= start:
        raise InputError("its valid_until does not come after its valid_from")
    meaning = meanings.get(name, _Meaning())
    types = item.get("indicator_types") or item.get("labels")
    labels = (
        (*meaning.labels, *(_text(word) for word in types if isinstance(word, str))) if isinstance(types, list) else meaning.labels
    )
    read = read_pattern(pattern)
    for kind, value in dict.fromkeys(read.values):
        yield Indicator(
            kind,
            value,
            source,
            name,
            _text(item.get("name")),
            _text(item.get("description")),
            confidence,
            start,
            end,
            tuple(dict.fromkeys(labels)),
            meaning.techniques,
        )
    for reason in dict.fromkeys(read.problems):
        yield Skipped(name, reason)


def _time(value: object, key: str) -> float | None:
    """A timestamp (STIX 2.1 section 2.16, RFC 3339) in epoch seconds."""
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(str(value))
        if moment.tzinfo is None:
            raise InputError(f"its {key} '{_text(value)}' has no time zone")
        return moment.timestamp()
    except (ValueError, OverflowError) as error:
        raise InputError(f"its {key} '{_text(value)}' is no time") from error


def _meanings(objects: list[Object]) -> dict[str, _Meaning]:
    """What ``indicates`` relationships say of each indicator, by its id."""
    by_id = {key: item for item in objects if isinstance(key := item.get("id"), str)}
    techniques: dict[str, list[str]] = defaultdict(list)
    labels: dict[str, list[str]] = defaultdict(list)
    for item in objects:
        if item.get("type") != "relationship" or item.get("relationship_type") != "indicates" or item.get("revoked") is True:
            continue
        about, target = item.get("source_ref"), by_id.get(str(item.get("target_ref")))
        if not isinstance(about, str) or target is None:
            continue
        if target.get("type") == "attack-pattern":
            techniques[about] += _technique_ids(target)
        elif target.get("type") in _NAMED and target.get("name"):
            labels[about].append(_text(target.get("name")))
    return {
        about: _Meaning(tuple(dict.fromkeys(techniques[about])), tuple(dict.fromkeys(labels[about])))
        for about in {*techniques, *labels}
    }


def _technique_ids(pattern: Object) -> list[str]:
    references = pattern.get("external_references")
    if not isinstance(references, list):
        return []
    return [
        _text(reference.get("external_id"))
        for reference in references
        if isinstance(reference, dict) and reference.get("source_name") in _ATTACK and reference.get("external_id")
    ]


def _text(value: object) -> str:
    """Text of a property, as long as is worth showing."""
    return "" if value is None else str(value)[:_LONGEST_TEXT]
