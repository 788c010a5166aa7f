"""An indicator: one thing that somebody knows to be bad, as a feed of threat intelligence names it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class IndicatorKind(StrEnum):
    """What an indicator names. The values are stable: they appear in findings."""

    IP = "ip"
    CIDR = "cidr"
    DOMAIN = "domain"
    """A name and every name below it."""
    URL = "url"
    JA4 = "ja4"
    """Fingerprint of a TLS client."""
    CERTIFICATE_SHA256 = "certificate_sha256"
    CERTIFICATE_SHA1 = "certificate_sha1"


UNSTATED_CONFIDENCE = 50
"""What an indicator is trusted where its feed does not say: neither weak nor strong."""


@dataclass(frozen=True, slots=True)
class Indicator:
    """One known bad thing. Times are epoch seconds.

    ``value`` is normalised: addresses as ``ipaddress`` writes them, names in lower case (IDNA) without final dot, URLs as
    ``host/path`` without scheme, hashes in lower-case hexadecimal. ``source``: the feed. ``id``: the feed's own, empty where it
    has none. ``confidence``: 0 to 100. ``valid_from``, ``valid_until``: what the feed says, None where it does not. ``labels``:
    what it calls the thing (malware, campaign). ``techniques``: ATT&CK ids.
    """

    kind: IndicatorKind
    value: str
    source: str
    id: str = ""
    name: str = ""
    description: str = ""
    confidence: int = UNSTATED_CONFIDENCE
    valid_from: float | None = None
    valid_until: float | None = None
    labels: tuple[str, ...] = ()
    techniques: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something that was handed in and is not applied: where it stands, and why."""

    where: str
    reason: str


@dataclass(frozen=True, slots=True)
class IndicatorFeed:
    """What one feed says, and what of it cannot be applied."""

    source: str
    indicators: tuple[Indicator, ...]
    skipped: tuple[Skipped, ...] = ()
