"""Words and numbers of a report: short, and safe to show."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from hauberk.service.report.text import chart_text, clipped, duration, milliseconds, moment, number, shown, volume, words


@given(st.text())
def test_shown_text_is_printable_and_short(text: str) -> None:
    """No control character, no character that turns the direction of writing, no more than the limit."""
    safe = clipped(text, 40)
    assert safe.isprintable()
    assert len(safe) <= 40
    safe.encode()


@given(st.text())
def test_text_in_charts_holds_no_tag(text: str) -> None:
    """Plotly would read tags in labels."""
    assert "<" not in chart_text(text)
    assert ">" not in chart_text(text)


def test_only_markup_passes_unchanged() -> None:
    """Values of templates: text is made safe, nothing stays nothing."""
    assert shown(Markup("<b>\u202e</b>")) == "<b>\u202e</b>"
    assert (shown("a\u202eb"), shown(None), shown(5)) == ("a\\u202eb", "", 5)


@pytest.mark.parametrize("time", [math.nan, math.inf, -math.inf, 1e300, -1e15])
def test_a_time_beyond_the_calendar_is_no_error(time: float) -> None:
    """It is shown as a number, and has no place on a chart."""
    assert moment(time).endswith(" s")
    assert milliseconds(time) is None


@pytest.mark.parametrize(
    "given_,said",
    [
        (moment(0), "1970-01-01 00:00:00"),
        (duration(1.5), "1.5 seconds"),
        (duration(1), "1 second"),
        (duration(7200), "2.0 hours"),
        (volume(999), "999 B"),
        (volume(1_500_000), "1.5 MB"),
        (number(41), "41"),
        (number(0.123456), "0.1235"),
        (number(1500, "bytes"), "1.5 kB"),
        (number(math.nan, "s"), "nan s"),
        (words("distinct_peers"), "Distinct peers"),
        (words("iot_device"), "IoT device"),
        (words("plc"), "PLC"),
        (words(""), ""),
    ],
)
def test_values_read_as_a_person_writes_them(given_: str, said: str) -> None:
    """Units that suit, no needless digits."""
    assert given_ == said
