"""How much of the input teaches."""

from __future__ import annotations

from pathlib import Path

import pytest

from hauberk.errors import SettingError
from hauberk.service.learning import LearnSpan, learn_until, parse_learn, time_span


@pytest.mark.parametrize(
    "text,span",
    [
        ("90s", LearnSpan(seconds=90)),
        ("10m", LearnSpan(seconds=600)),
        ("1.5h", LearnSpan(seconds=5400)),
        ("7d", LearnSpan(seconds=604800)),
        ("50%", LearnSpan(share=0.5)),
        ("100%", LearnSpan(share=1)),
        ("until=1700000000.5", LearnSpan(until=1700000000.5)),
    ],
)
def test_durations_shares_and_moments_are_read(text: str, span: LearnSpan) -> None:
    """The three forms."""
    assert parse_learn(text) == span


@pytest.mark.parametrize(
    "text", ["", "10", "m", "101%", "-5m", "until=", "until=x", "10m 5s", "1e3s", "9" * 400 + "d", "until=" + "9" * 400]
)
def test_anything_else_is_refused(text: str) -> None:
    """With the forms in the error."""
    with pytest.raises(SettingError, match="until=EPOCH"):
        parse_learn(text)


def test_standard_input_has_no_share() -> None:
    """It can be read only once; a moment needs no look at it."""
    assert learn_until(LearnSpan(until=5.0), ["-"]) == 5
    with pytest.raises(SettingError):
        learn_until(LearnSpan(share=0.5), ["-"])


def test_spans_count_from_the_beginning_of_the_traffic(data: Path) -> None:
    """A capture of 2257 packets over two minutes."""
    paths = [str(data / "captures" / "ics-misc" / "modbus" / "modbus_test.pcap")]
    first, last = time_span(paths)
    assert last - first == pytest.approx(119.4, abs=0.1)
    assert learn_until(LearnSpan(seconds=10), paths) == first + 10
    assert learn_until(LearnSpan(share=0.5), paths) == pytest.approx((first + last) / 2)
