"""The page in a browser, from a file, as its reader opens it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Dialog, Page, sync_playwright

from hauberk.service.report import Material, report

Make = Callable[..., Material]
Poison = Callable[[Material, str], Material]


@dataclass
class Opened:
    """A page with what it asked for and complained about."""

    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def refuse(self, dialog: Dialog) -> None:
        """Nothing on the page may open a dialog."""
        self.complaints.append(dialog.message)
        dialog.dismiss()

    def go(self, path: Path) -> Page:
        """Load the file and wait until its charts may be drawn."""
        self.page.goto(path.as_uri())
        self.page.wait_for_selector("html[data-ready]", state="attached")
        return self.page


Open = Callable[..., Opened]


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """One browser for the tests of this file. Root may not use its sandbox."""
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        started = playwright.chromium.launch(executable_path=chromium, args=arguments)
        yield started
        started.close()


@pytest.fixture
def opened(browser: Browser) -> Iterator[Open]:
    """Opens pages and watches them."""
    contexts: list[BrowserContext] = []

    def start(**options: object) -> Opened:
        context = browser.new_context(reduced_motion="reduce", **options)  # type: ignore[arg-type]  # options are those of playwright
        contexts.append(context)
        seen = Opened(context.new_page())
        seen.page.on("request", lambda request: seen.requests.append(request.url))
        seen.page.on("console", lambda message: seen.complaints.append(message.text))
        seen.page.on("pageerror", lambda error: seen.complaints.append(str(error)))
        seen.page.on("dialog", seen.refuse)
        return seen

    yield start
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def path(make: Make, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report as a file."""
    target = tmp_path_factory.mktemp("report") / "report.html"
    target.write_bytes(report(make()))
    return target


def drawn(page: Page, name: str) -> None:
    """Wait until the chart of that name is drawn."""
    page.locator(f'[data-chart="{name}"]').scroll_into_view_if_needed()
    page.wait_for_selector(f'[data-chart="{name}"] svg.main-svg')


def test_it_draws_its_charts_without_asking_anybody(opened: Open, path: Path) -> None:
    """One request, for the file itself; no complaint; every kind of chart is there."""
    seen = opened()
    page = seen.go(path)
    for name in ("incident-1", "finding-1-1", "finding-1-2", "network", "traffic"):
        drawn(page, name)
    assert page.locator('[data-chart="finding-1-1"] .shapelayer path').count() >= 3
    assert page.locator('[data-chart="network"] .textpoint').count() > 20
    assert page.locator('[data-chart="traffic"] .hm image').count() == 1
    assert page.locator("#charts-note").is_hidden()
    assert seen.requests == [path.as_uri()]
    assert not seen.complaints


def test_hostile_text_stays_text(opened: Open, make: Make, poison: Poison, hostile_texts: tuple[str, ...], tmp_path: Path) -> None:
    """Nothing of it runs, opens a dialog or becomes a link, in the page or in its charts."""
    seen = opened()
    target = tmp_path / "hostile.html"
    target.write_bytes(report(poison(make(5, 3), "".join(hostile_texts[:2] + hostile_texts[8:9]) + hostile_texts[2])))
    page = seen.go(target)
    for name in ("network", "traffic", "finding-1-1", "incident-1"):
        drawn(page, name)
    assert page.locator("main script, main img, main iframe, main svg a, main [onmouseover], main [onfocus]").count() == 0
    assert not seen.complaints


def test_the_devices_are_filtered_and_sorted_by_keyboard(opened: Open, path: Path) -> None:
    """Type, read how many are left, clear with Escape, sort with Enter."""
    page = opened().go(path)
    rows = page.locator("#device-rows tr:visible")
    page.locator("#filter-devices").focus()
    page.keyboard.type("press-1 hmi")
    assert 0 < rows.count() < 24
    assert page.locator("#devices output").inner_text() == f"{rows.count()} of 24 devices"
    page.keyboard.press("Escape")
    assert rows.count() == 24
    heading = page.locator("#devices thead th", has_text="Packets")
    heading.locator("button").focus()
    page.keyboard.press("Enter")
    assert heading.get_attribute("aria-sort") == "descending"
    packets = [int(text.replace(",", "")) for text in page.locator("#device-rows td:nth-child(9)").all_inner_texts()]
    assert packets == sorted(packets, reverse=True)
    page.keyboard.press("Enter")
    assert heading.get_attribute("aria-sort") == "ascending"
    # A link shows what a filter hid; otherwise it would lead nowhere.
    page.locator("#filter-devices").fill("nothing is called so")
    link = page.locator("#finding-1 header a")
    target = page.locator(link.get_attribute("href") or "")
    assert target.is_hidden()
    link.click()
    target.wait_for(state="visible")


def test_the_keyboard_goes_from_the_top_down(opened: Open, path: Path) -> None:
    """First the way past the navigation, then the navigation in its order; charts take no focus."""
    page = opened().go(path)
    visited = []
    for _ in range(8):
        page.keyboard.press("Tab")
        visited.append(page.evaluate("document.activeElement.getAttribute('href') || document.activeElement.id"))
    assert visited[:7] == ["#main", "#overview", "#incidents", "#findings", "#network", "#traffic", "#devices"]
    assert visited[7].startswith("#device-")
    assert page.locator(".chart [tabindex='0']").count() == 0
    page.evaluate("document.activeElement.blur()")
    page.locator(".skip").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_dark_and_light_are_both_readable_and_charts_follow(opened: Open, path: Path) -> None:
    """The scheme is the reader's; charts are drawn anew when it changes."""
    seen = opened(color_scheme="dark")
    page = seen.go(path)
    drawn(page, "finding-1-1")
    ground = "getComputedStyle(document.body).backgroundColor"
    line = "getComputedStyle(document.querySelector('[data-chart=\"finding-1-1\"] .js-line')).stroke"
    dark = page.evaluate(f"[{ground}, {line}]")
    page.emulate_media(color_scheme="light")
    page.wait_for_function(f"() => {line} !== '{dark[1]}'")
    light = page.evaluate(f"[{ground}, {line}]")
    assert (brightness(dark[0]) < 150, brightness(light[0]) > 600) == (True, True)
    assert (brightness(dark[1]) > 600, brightness(light[1]) < 150) == (True, True)


def brightness(colour: str) -> int:
    """Red, green and blue of a computed colour together."""
    return sum(int(part) for part in colour.removeprefix("rgb(").removesuffix(")").split(","))


def test_it_fits_a_phone(opened: Open, path: Path) -> None:
    """Nothing makes the page wider than the screen."""
    page = opened(viewport={"width": 360, "height": 740}).go(path)
    drawn(page, "traffic")
    assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_without_scripts_everything_is_there_in_words(opened: Open, path: Path) -> None:
    """No empty boxes where charts would be, and no tools that do nothing."""
    seen = opened(java_script_enabled=False)
    seen.page.goto(path.as_uri())
    page = seen.page
    assert page.locator("#charts-note").is_visible()
    assert page.locator(".chart:visible, .tools:visible").count() == 0
    assert page.locator("#device-rows tr:visible").count() == 24
    assert page.locator("#finding-1 .evidence").is_visible()


def test_a_browser_that_cannot_unpack_says_why(opened: Open, path: Path) -> None:
    """The note stays, the tables work."""
    seen = opened()
    seen.page.add_init_script("delete window.DecompressionStream")
    seen.page.goto(path.as_uri())
    note = seen.page.locator("#charts-note")
    seen.page.wait_for_function("() => document.getElementById('charts-note').textContent.includes('DecompressionStream')")
    assert note.is_visible()
    seen.page.locator("#filter-devices").fill("press-1 hmi")
    assert 0 < seen.page.locator("#device-rows tr:visible").count() < 24


def test_it_prints_light_with_every_chart(opened: Open, path: Path) -> None:
    """Also what was never scrolled to; no chart lies over the words below it."""
    seen = opened(color_scheme="dark")
    page = seen.go(path)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.wait_for_function("() => [...document.querySelectorAll('.chart')].every((chart) => chart.querySelector('svg.main-svg'))")
    line = "getComputedStyle(document.querySelector('[data-chart=\"finding-1-1\"] .js-line')).stroke"
    page.wait_for_function(f"() => {line} === 'rgb(22, 33, 43)'")
    assert not page.locator("details:not([open])").count()
    page.emulate_media(media="print")
    heights = page.evaluate(
        "[...document.querySelectorAll('.chart')].map((chart) => [chart.clientHeight, chart.querySelector('svg').clientHeight])"
    )
    assert all(outer >= inner > 50 for outer, inner in heights)
    page.emulate_media(media="screen")
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    page.wait_for_function(f"() => {line} === 'rgb(231, 237, 242)'")
