"""The report of a screen in a real browser, on a desk and on a telephone, in light and dark, and printed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dialguard.screening.html import html_report
from tests.browser import chromium
from tests.browser.reported import counted

WIDTHS = (1280, 800, 390, 320)
LONG = "x" * 300

# Right edges past the page of what is shown; words cut off inside an element count too.
TOO_WIDE = """[...document.querySelectorAll('body *')].filter(e => {
  const box = e.getBoundingClientRect();
  return e.tagName != 'CAPTION' && box.width > 0 && (box.right > innerWidth + 0.5 || box.left < -0.5);
}).map(e => e.tagName + ' ' + e.className)"""
# Words of a chart that overlap others of the same chart.
OVERLAPS = """[...document.querySelectorAll('svg')].flatMap(s => {
  const words = [...s.querySelectorAll('text')].map(t => [t.textContent, t.getBoundingClientRect()]).filter(([, b]) => b.width > 0);
  return words.flatMap(([one, a], i) => words.slice(i + 1).filter(([, b]) =>
    Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 4
  ).map(([other]) => one + ' | ' + other));
})"""
SHOWN = """[...document.querySelectorAll('section')].map(s =>
  [s.id, [...s.querySelectorAll('svg')].filter(c => c.getBoundingClientRect().width > 0).length])"""
SMALLEST = """Math.min(...[...document.querySelectorAll('svg text')].filter(t => t.getBoundingClientRect().width > 0)
  .map(t => parseFloat(getComputedStyle(t).fontSize) * t.getScreenCTM().a))"""
OPEN_ALL = "document.querySelectorAll('details').forEach(d => d.open = true)"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[chromium.Chromium]:
    path = chromium.find()
    if path is None:
        pytest.skip("no Chromium was found; to look at the report in a browser: apt-get install chromium")
    with chromium.Chromium(path, tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("report") / "report.html"
    file.write_text(html_report(counted()), encoding="utf-8")
    return file


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", WIDTHS)
def test_the_report_fits(browser: chromium.Chromium, report: Path, width: int, dark: bool) -> None:
    browser.open(report, width, dark=dark)
    assert browser.ask("innerWidth") == width
    for opened in (False, True):
        if opened:
            browser.ask(OPEN_ALL)
        assert browser.ask("document.documentElement.scrollWidth") == width
        assert browser.ask(TOO_WIDE) == []
    assert {name: charts for name, charts in browser.ask(SHOWN) if charts} == {"states": 1, "week": 1, "reasons": 1}
    assert browser.ask(OVERLAPS) == []
    assert browser.ask(SMALLEST) >= (9 if width > 360 else 7)
    assert browser.errors == []
    assert [url for url in browser.requests if url != report.as_uri()] == []


def test_light_and_dark_differ_and_can_be_read(browser: chromium.Chromium, report: Path) -> None:
    seen = {}
    for dark in (False, True):
        browser.open(report, 1280, dark=dark)
        seen[dark] = browser.ask("['backgroundColor', 'color'].map(name => getComputedStyle(document.body)[name])")
        # Every tile's words against the tile.
        pairs = browser.ask("""[...document.querySelectorAll('#states .wide svg text')].map(t => {
          const box = t.getBoundingClientRect(), tile = [...document.querySelectorAll('#states .wide svg path')]
            .find(p => { const b = p.getBoundingClientRect(); return b.left <= box.left && b.right >= box.right && b.top <= box.top + 4
              && b.bottom >= box.bottom - 4; });
          return [getComputedStyle(t).fill, getComputedStyle(tile).fill, t.className.baseVal];
        })""")
        assert len(pairs) == 3 * 2 + 53
        assert [pair for pair in pairs if contrast(*pair[:2]) < (2.0 if "faint" in pair[2] else 4.5)] == []
        assert contrast(*seen[dark]) >= 7
    assert seen[False] != seen[True]


def test_words_without_end_do_not_widen_the_page(browser: chromium.Chromium, tmp_path: Path) -> None:
    found = counted()
    words = (LONG, "W" * 90, "漢" * 90, LONG, LONG, LONG)
    found["reasons"] = [reason | {"rule": said, "title": said} for reason, said in zip(found["reasons"], words, strict=True)]
    found |= {"source": LONG, "packs": LONG, "needs": {LONG: 1_000_000_000}, "problems": {LONG: 100}, "campaign": {"seller": LONG}}
    file = tmp_path / "long.html"
    file.write_text(html_report(found), encoding="utf-8")
    for width in (1280, 390):
        browser.open(file, width)
        browser.ask(OPEN_ALL)
        assert browser.ask("document.documentElement.scrollWidth") == width
        assert browser.ask(OVERLAPS) == []


def test_a_script_in_the_report_would_not_run(browser: chromium.Chromium, report: Path, tmp_path: Path) -> None:
    """The page's own policy, should a word ever slip through unescaped."""
    file = tmp_path / "broken.html"
    file.write_text(report.read_text("utf-8").replace("<main>", "<main><script>document.title = 'ran'</script>"), encoding="utf-8")
    browser.open(file, 1280)
    assert browser.ask("document.title") == "Screen of leads.tsv"
    assert browser.errors


def test_the_report_prints_with_its_tables(browser: chromium.Chromium, report: Path) -> None:
    browser.open(report, 800, dark=True)
    browser.call("Emulation.setEmulatedMedia", media="print", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    assert browser.ask("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert browser.ask("[...document.querySelectorAll('table')].filter(t => t.getBoundingClientRect().height == 0).length") == 0
    assert browser.printed().startswith(b"%PDF-")


def contrast(one: str, other: str) -> float:
    """The contrast of two colours as the WCAG measure it, 1 to 21; colours as a browser says them, rgb(r, g, b)."""

    def light(colour: str) -> float:
        parts = [int(part) / 255 for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((light(one), light(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)
