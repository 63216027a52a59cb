"""The site is built with warnings as errors, every link of it leads somewhere, and it opens from disk without any other origin."""

from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from dialguard.packs.load import Packs

from ..browser.chromium import Chromium, find

ROOT = Path(__file__).resolve().parent.parent.parent
LARGEST = 400_000
"""Bytes of the largest page, beyond which it would be slow to open."""


class Page(HTMLParser):
    """What a page links to, what it loads, and what others may link to in it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.ids: set[str] = set()
        self.words: list[str] = []
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        self.ids |= {named["id"]} if "id" in named else set()
        if tag == "a" and "href" in named:
            self.links.append(named["href"])
        self.loads += [named[name] for name in ("src", "srcset", "poster", "data") if name in named]
        if tag == "link" and named.get("rel") not in ("index", "search", "next", "prev", "canonical", "author"):
            self.loads.append(named["href"])

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def generator() -> str | None:
    """A Python that has Sphinx: that of `make site`, or this one."""
    own = ROOT / ".venv-site" / "bin" / "python"
    return str(own) if own.exists() else sys.executable if find_spec("sphinx") and find_spec("myst_parser") and find_spec("furo") else None


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not (python := generator()):
        pytest.skip("Sphinx is not installed: `make site` installs it")
    out = tmp_path_factory.mktemp("site") / "site"
    command = [sys.executable, "docs/site/build.py", str(out), "--from", "2026-11-22", "--generator", python]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    assert [path.name for path in out.parent.iterdir()] == ["site"]
    return out


@pytest.fixture(scope="module")
def parsed(site: Path) -> dict[Path, Page]:
    return {path: Page(path) for path in site.rglob("*.html")}


def test_every_page_is_there(site: Path, parsed: dict[Path, Page], made: dict[str, str]) -> None:
    assert {site / "law" / name.replace(".md", ".html") for name in made} <= set(parsed)
    guides = [site / path.relative_to(ROOT).with_suffix(".html") for path in (ROOT / "docs").rglob("*.md") if path.parent.name != "site"]
    assert len(guides) > 20 and {*guides, site / "README.html", site / "index.html", site / "search.html"} <= set(parsed)
    assert [(path.name, size) for path in parsed if (size := path.stat().st_size) > LARGEST] == []


def test_every_link_leads_somewhere(parsed: dict[Path, Page]) -> None:
    checked, wrong = 0, []
    for path, page in parsed.items():
        for link in page.links:
            target = urlsplit(link)
            if target.scheme or target.netloc:
                continue
            file = (path.parent / unquote(target.path)).resolve() if target.path else path
            anchor = unquote(target.fragment)
            if not file.exists() or anchor and file in parsed and anchor not in parsed[file].ids:
                wrong.append((path.name, link))
            checked += 1
    assert wrong == [] and checked > 10_000


def test_nothing_comes_from_elsewhere(site: Path, parsed: dict[Path, Page]) -> None:
    loads = {load for page in parsed.values() for load in page.loads}
    assert [load for load in loads if urlsplit(load).scheme not in ("", "data") or load.startswith("//")] == []
    styles = [path.read_text("utf-8") for path in site.rglob("*.css")]
    assert [found for text in styles for found in re.findall(r"url\([\"']?(?!data:)(?:\w+:)?//[^)]*|@import[^;]*//[^;]*", text)] == []


def test_text_comes_out_as_it_is_in_the_packs(site: Path, parsed: dict[Path, Page], shipped: Packs) -> None:
    """Nothing was taken for markup on the way."""
    pages: dict[str, str] = {}
    for path, page in parsed.items():
        if path.parent.name == "law" and not path.name.startswith("topic-"):
            code = path.name.removesuffix(".html").partition("-")[0].upper()
            pages[code] = pages.get(code, "") + " " + " ".join("".join(page.words).split())
    for rule in shipped.rules:
        for text in (rule.title, rule.citation, rule.note, rule.not_covered):
            assert not text or " ".join(text.replace("`", "").split()) in pages[rule.jurisdiction].replace("`", ""), (rule.id, text)


def test_a_reader_finds_florida_and_searches_from_disk(site: Path, tmp_path: Path) -> None:
    """Two clicks from the first page; no request beyond the disk; nothing wider than the screen; the search finds a statute."""
    if not (path := find()):
        pytest.skip("Chromium is not installed: its Debian package is chromium")
    with Chromium(path, tmp_path) as browser:
        browser.open(site / "index.html", 1280)
        law = browser.ask("document.querySelector('article a[href$=\"law/index.html\"]').getAttribute('href')")
        browser.open(site / str(law), 1280)
        assert browser.ask("[...document.querySelectorAll('article a')].find(a => a.textContent === 'Florida').getAttribute('href')") == "fl.html"
        for name in ("index.html", "law/index.html", "law/fl.html", "law/hours.html", "law/calendar.html", "law/us.html", "law/topic-sms.html"):
            for width in (1280, 390):
                browser.open(site / name, width)
                assert browser.errors == [] and [url for url in browser.requests if not url.startswith(("file:", "data:"))] == []
                assert browser.ask("document.documentElement.scrollWidth") <= width, (name, width)
        for words, page in (("501.616", "fl.html"), ("fl.frequency", "fl.html"), ("time-share", "topic-exemption.html")):
            browser.call("Page.navigate", url=f"{(site / 'search.html').as_uri()}?q={words}")
            for _ in range(300):
                browser.ask("new Promise(done => setTimeout(done, 100))")
                if browser.ask("(document.querySelector('.search-summary') || {}).textContent || ''").startswith("Search finished"):
                    break
            found = browser.ask("[...document.querySelectorAll('#search-results li a')].map(a => a.href.split('?')[0])")
            assert any(link.endswith(f"/law/{page}") for link in found), (words, found)
            assert browser.errors == []
