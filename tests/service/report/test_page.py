"""The page: complete in itself, safe whatever the traffic holds, small whatever its amount, the same every time."""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import orjson

from hauberk.service.report import Material, report
from hauberk.service.report.library import plotly_source

Make = Callable[..., Material]
Poison = Callable[[Material, str], Material]
MOST = 5_000_000


class Outline(HTMLParser):
    """Tags with the names of their attributes, texts by tag, and links."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.values: list[tuple[str, str]] = []
        self.texts: dict[str, list[str]] = {}
        self._open: list[str] = []
        self.feed(page.decode())
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the tag; where a path may be broken is no structure."""
        if tag == "wbr":
            return
        self.tags.append((tag, tuple(name for name, _ in attrs)))
        self.values += [(name, value or "") for name, value in attrs]
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close it."""
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        """Note the text under its tag."""
        if self._open:
            self.texts.setdefault(self._open[-1], []).append(data)


def figures_of(page: bytes) -> Any:
    """The figures a page holds."""
    return orjson.loads("".join(re.findall(r'id="figures">(.*?)</script>', page.decode(), re.DOTALL)))


def test_hostile_text_never_becomes_markup(make: Make, poison: Poison, hostile: str) -> None:
    """The page has the same tags and attributes as with harmless text, and no character that does not print as itself."""
    material = make(6, 6)
    harmless = Outline(report(poison(material, "harmless")))
    page = report(poison(material, hostile))
    outline = Outline(page)
    assert outline.tags == harmless.tags
    own = page.decode().replace(plotly_source().decode(), "").replace("\n", "")
    assert own.isprintable()
    assert not [value for name, value in outline.values if name == "href" and not value.startswith("#")]
    for figure in figures_of(page).values():
        labels = [text for trace in figure["data"] for key in ("text", "hovertext", "y") for text in trace.get(key, [])]
        assert not [label for label in labels if isinstance(label, str) and re.search(r"<(?!br>)", label)]


def test_nothing_is_loaded_from_anywhere(make: Make) -> None:
    """No address in an attribute, no import, and a policy that would forbid it."""
    page = report(make())
    outline = Outline(page)
    assert not [name for name, _ in outline.values if name in {"src", "srcset", "action", "data", "poster", "background"}]
    assert "link" not in {tag for tag, _ in outline.tags}
    style = "".join(outline.texts["style"])
    assert "url(" not in style
    assert "@import" not in style
    policy = next(value for name, value in outline.values if value.startswith("default-src 'none'"))
    assert "unsafe-eval" not in policy
    assert "http" not in policy


def test_the_policy_names_the_scripts_that_are_there(make: Make) -> None:
    """Both hashes are right; the library unpacks to what plotly ships."""
    page = report(make()).decode()
    packed = "".join(re.findall(r'id="plotly">(.*?)</script>', page, re.DOTALL))
    library = gzip.decompress(base64.b64decode(packed))
    assert library == plotly_source()
    own = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    assert len(own) == 1
    for source in (library, own[0].encode()):
        digest = base64.b64encode(hashlib.sha256(source).digest()).decode()
        assert f"&#39;sha256-{digest}&#39;" in page.split("\n<title>")[0]


def test_the_same_material_gives_the_same_bytes(make: Make) -> None:
    """Nothing of the clock, of chance or of the order in which sets are read."""
    assert report(make()) == report(make())


def test_a_large_fleet_stays_within_five_megabytes(make: Make) -> None:
    """Ten thousand devices and five thousand findings: what is left out is said."""
    material = make(10_000, 5_000)
    page = report(material)
    assert len(page) < MOST
    text = page.decode()
    for noun in ("more devices", "more findings"):
        left = re.search(rf"([\d,]+) {noun}", text)
        assert left is not None
    shown = text.count('<tr id="device-')
    assert f"{10_000 - shown:,} more devices" in text
    cards, rows = text.count('<article class="card finding'), text.count('<tr id="finding-')
    assert f"{5000 - cards - rows:,} more findings" in text
    assert cards > 50
    assert shown > 300


def test_long_text_everywhere_stays_within_five_megabytes(make: Make, poison: Poison) -> None:
    """Long names, which escaping makes longer still, leave room for fewer things, not for a larger page."""
    page = report(poison(make(800, 600), '<&"\u202e' * 4000))
    assert len(page) < MOST
    assert "more devices" in page.decode()


def test_everything_of_a_finding_is_in_words(make: Make) -> None:
    """Without any script the reader sees reasons, advice, evidence against its band, and techniques with their matrix."""
    text = " ".join(re.sub(r"<script.*?</script>|<[^>]+>", " ", report(make()).decode(), flags=re.DOTALL).split())
    for said in (
        "It sent 9004 bytes a minute, usually 700 to 1500.",
        "Look at what it sends, and ask its operator.",
        "700 B to 1.5 kB, middle 1 kB",
        "203.0.113.9",
        "T0855 Unauthorized Command Message ICS",
        "MITRE ATT&amp;CK v18.1",
        "42 % T0814 Denial of Service against 10.1.0.3",
        "1 incident, 9 findings on 9 of 24 devices.",
        "50%, until 2023-11-14 22:43:20 UTC",
        "Hauberk 1.2.3",
    ):
        assert said in text


def test_every_chart_of_the_page_has_a_figure_and_a_name(make: Make) -> None:
    """And every figure has its place."""
    page = report(make())
    names = [value for name, value in Outline(page).values if name == "data-chart"]
    assert set(names) == set(figures_of(page))
    assert {"traffic", "network", "incident-1", "finding-1-1", "finding-1-2"} <= set(names)
    for tag, attributes in Outline(page).tags:
        if "data-chart" in attributes:
            assert (tag, "aria-label" in attributes, "role" in attributes) == ("div", True, True)


def test_links_inside_the_page_lead_somewhere(make: Make) -> None:
    """Of a small page and of one that leaves things out."""
    for material in (make(), make(3000, 400)):
        values = Outline(report(material)).values
        ids = [value for name, value in values if name == "id"]
        assert len(ids) == len(set(ids))
        assert {value[1:] for name, value in values if name == "href"} <= set(ids)


def test_headings_step_by_one(make: Make) -> None:
    """As those who move by headings need it."""
    levels = [int(tag[1]) for tag, _ in Outline(report(make())).tags if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))


def test_a_clean_analysis_says_so(make: Make) -> None:
    """No findings, no devices, no traffic: still a page."""
    assert "Nothing wrong was found." in report(make(5, 0)).decode()
    empty = report(replace(make(5, 0), devices=(), edges=(), learned=None, learned_until=None)).decode()
    assert "No devices were seen." in empty
    assert "No conversations were seen." in empty
    assert "nothing; learned detectors did not judge" in empty
