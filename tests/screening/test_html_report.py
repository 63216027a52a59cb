"""The report of a screen: whole, harmless, and equal to what was counted."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialguard.facts.regions import STATES
from dialguard.screening import charts, states, wording
from dialguard.screening.exposure import DOUBT, PUBLIC, SUIT, UNSTATED, Exposure, exposure, nature, short_dollars
from dialguard.screening.html import html_report
from tests.browser.reported import counted

VOID = {"meta", "link", "br"}
HOSTILE = "</title></style></svg><script>alert(1)</script><img src=x onerror=\"alert(2)\"> ' & $x^2$ \u202e\ud800\x00\n]]>"


class Page(HTMLParser):
    """A document read strictly: every element closed in order, every cell of every table kept."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str, str]] = []
        self.tables: dict[str, list[list[str]]] = {}
        self.titles: list[str] = []
        self.words = ""
        self._rows: list[list[str]] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self._rows = []
        elif tag == "caption":
            self._caption = ""
        elif tag == "tr":
            self._rows.append([])
        elif tag in ("td", "th"):
            self._rows[-1].append("")
        elif tag == "title":
            self.titles.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        if tag == "table":
            self.tables[self._caption] = self._rows

    def handle_data(self, data: str) -> None:
        self.words += data
        if "caption" in self.open:
            self._caption += data
        elif "tr" in self.open and self.open[-1] != "tr":
            self._rows[-1][-1] += data
        elif self.open and self.open[-1] == "title":
            self.titles[-1] += data

    def column(self, caption: str, place: int) -> list[int]:
        """Whole figures in a column of a table, its head left out."""
        return [int(row[place].replace(",", "")) for row in self.tables[caption][1:]]


@pytest.fixture(scope="module")
def text() -> str:
    return html_report(counted())


@pytest.fixture(scope="module")
def page(text: str) -> Page:
    return Page(text)


def test_the_document_is_whole(text: str, page: Page) -> None:
    assert text.startswith("<!DOCTYPE html>\n<html lang") and text.endswith("</html>\n")
    ids = [value for _, name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids)) and {"exposure", "states", "week", "reasons", "needs", "retry", "duties", "problems"} <= set(ids)
    assert page.words.count("not legal advice") == 2


def test_nothing_is_fetched_and_nothing_runs(text: str, page: Page) -> None:
    assert not re.search(r"https?:|//\w|url\(|@import|javascript:", text)
    assert [value for _, name, value in page.attributes if name in ("src", "href", "xlink:href", "srcset", "action", "data")] == ["data:,"]
    assert not {"script", "iframe", "object", "embed", "form", "a", "image", "img", "use", "foreignobject", "base"} & set(page.tags)
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]
    assert ("meta", "http-equiv", "Content-Security-Policy") in page.attributes


def test_every_chart_has_its_table(page: Page) -> None:
    # Map and week for two widths, bars for three.
    assert page.tags["svg"] == 7
    assert len(page.tables["Rows that were judged, by state"]) == 1 + 3 + 2
    assert len(page.tables["Share of rows callable, by the hour that begins"]) == 1 + 24
    assert len(page.tables["Rows denied, by main reason"]) == 1 + 6
    assert [label for tag, name, label in page.attributes if tag == "svg" and name == "aria-label" and not label] == []


def test_the_figures_are_those_counted(page: Page) -> None:
    found = counted()
    for shown in ("Rows1,000", "Callable now400", "Callable later150", "Not callable300", "Duplicates50", "Unusable100"):
        assert shown in page.words
    assert sum(page.column("Rows denied, by main reason", 1)) == found["callable_later"] + found["not_callable"]
    judged = [page.column("Rows that were judged, by state", place) for place in (1, 3, 4, 5)]
    assert [sum(column) for column in judged] == [850, 400, 150, 300]
    assert sum(page.column("Rows by what is wrong with them", 1)) == found["unusable"]
    assert sum(page.column("Rows by the first moment at which they may be called", 1)) == found["callable_later"]
    assert page.column("Missing facts", 1) == [43] and page.column("Obligations of some calls", 1) == [80]
    assert page.tables["Rows by the first moment at which they may be called"][1] == ["Mon 2026-11-23 08:00", "100"]
    assert "Callers may not obstruct" in page.words and "us.tsr.dnc.no-interference" in page.words


def test_the_map_says_each_state(page: Page) -> None:
    assert page.titles.count("Texas: 400 rows; 72% callable now (290), 40 later, 70 not") == 2
    assert page.titles.count("Guam: no rows") == 2
    assert sum(any(title.startswith(f"{name}: ") for name in states.NAMES.values()) for title in page.titles) == 2 * 56


def test_the_week_says_each_hour(page: Page) -> None:
    assert page.titles.count("Sunday 11 am to 12 pm: 0% of 850 rows callable") == 2
    assert page.titles.count("Sunday 12 pm to 1 pm: 25% of 850 rows callable") == 2
    assert page.titles.count("Monday 11 pm to 12 am: 0% of 850 rows callable") == 2
    assert sum(title.endswith("of 850 rows callable") for title in page.titles) == 2 * 168
    assert page.tables["Share of rows callable, by the hour that begins"][1 + 12] == ["12 pm", *["50%"] * 6, "25%"]


def test_what_is_forbidden_for_certain_is_priced_and_doubt_is_not(page: Page) -> None:
    # 220 rows at up to 1,500 dollars, 120 at 500 to 1,500; 120 at 100 to 5,000 and 10 at up to 25,000 for authorities.
    assert exposure(counted()["reasons"]) == Exposure(
        suit=340, public=10, unstated=37, doubt=63, people=(60_000, 510_000), authorities=(12_000, 850_000), sought=130, later=220
    )
    assert "$60,000 to $510,000" in page.words and "may seek $12,000 to $850,000 over 130 rows" in page.words
    for said in ("340 rows may sue for", "10 rows over which an authority alone", "37 rows that a rule forbids for whose breach no amount is stated", "63 rows in doubt"):
        assert said in page.words
    cells = [row[2:] for row in page.tables["Rows denied, by main reason"][1:]]
    assert cells == [
        ["up to $330,000", "not stated"], ["$60,000 to $180,000", "$12,000 to $600,000"], ["in doubt", "in doubt"],
        ["not stated", "not stated"], ["in doubt", "in doubt"], ["not stated", "up to $250,000"],
    ]  # fmt: skip
    for words in ("An estimate", "no forecast", "within 4 years (28 U.S.C. 1658(a))", "limitation period not stated", "from call 2 on"):
        assert words in page.words


def test_what_a_reason_is_to_the_estimate() -> None:
    by_rule = {str(reason["rule"]): nature(reason) for reason in counted()["reasons"]}
    assert by_rule == {
        "us.fcc.dnc.national": SUIT, "ok.calling-hours": SUIT, "nj.mobile-ban": DOUBT, "tx.calling-hours": UNSTATED,
        "us.fcc.dnc.scrub-31-days": DOUBT, "in.sms": PUBLIC,
    }  # fmt: skip


def with_text(said: str) -> dict[str, object]:
    """A summary with foreign words wherever there may be some."""
    found = counted()
    reasons, duties = found["reasons"], found["obligations"]
    said_of = {"rule": said, "title": said, "citation": said}
    found["reasons"] = [reasons[0] | said_of, reasons[2] | said_of | {"kind": said}, *reasons[3:]]
    found["obligations"] = [duties[0] | {name: said for name in ("duty", "rule", "citation", "message")}, duties[1] | {"message": said}]
    found |= {"needs": {said: 3}, "problems": {said: 100}, "source": said, "packs": said, "at": said}
    found["campaign"] = dict.fromkeys(("id", "seller", "purpose", "subject", "dialing", "voice", said), said)
    found["states"] = found["states"] | {said: {"rows": 1, "now": 1, "later": 0, "never": 0, said: 1}}
    return found


def test_foreign_words_stay_words() -> None:
    hostile = html_report(with_text(HOSTILE))
    hostile.encode("utf-8")
    read, plain = Page(hostile), Page(html_report(with_text("plain/words")))
    # A chart leaves out words that do not fit; all else is the same.
    shapes = [Counter((tag, name) for tag, name, _ in found.attributes if tag != "text") for found in (read, plain)]
    assert shapes[0] == shapes[1]
    assert read.tags - Counter(text=read.tags["text"]) == plain.tags - Counter(text=plain.tags["text"])
    assert "<script>alert(1)</script>" in read.words and "$x^2$" in read.words
    assert "\x00" not in hostile and "\u202e" not in hostile


@settings(max_examples=6)
@given(st.text(min_size=1, max_size=60))
def test_any_words_do(said: str) -> None:
    html_report(with_text(said)).encode("utf-8")
    Page(html_report(with_text(said)))


def test_no_telephone_number_is_shown() -> None:
    found = counted()
    found["source"] = "leads 212-555-0123 and (212) 555-0124.csv"
    found["campaign"] = {"id": "+12125550125", "seller": "acme 1 212.555.0126", "caller_id": "2125550127", "claims": "2125550128"}
    found["problems"] = {"Number 212 555 0129 is not one": 60, "+447911123456 is abroad": 40}
    text = html_report(found)
    assert not re.search(r"555.?01|447911", text)
    assert text.count("(number left out)") == 2 * 2 + 2 + 2  # the name is in the title too


def test_a_list_without_rows_has_a_report() -> None:
    found = {name: type(value)() for name, value in counted().items() if name not in ("week", "campaign", "at", "source", "packs")}
    page = Page(html_report(found))
    assert page.tags["svg"] == 2 and "No row was denied for certain" in page.words and "not worked out" in page.words
    with pytest.raises(KeyError):
        html_report({"rows": 1})


def test_an_error_of_the_program_is_said() -> None:
    assert "7 of the unusable rows were denied because of an error" in html_report(counted() | {"failed": 7})


def test_the_same_counts_make_the_same_file(text: str) -> None:
    assert html_report(counted()) == text


def test_every_state_has_its_tile() -> None:
    assert set(states.TILES) == set(states.NAMES) == STATES
    assert len(set(states.TILES.values())) == 56
    assert {max(place[axis] for place in states.TILES.values()) + 1 for axis in (0, 1)} == {states.COLUMNS, states.ROWS}


@pytest.mark.parametrize(
    ("share", "said", "step"),
    [
        (0, "0%", 0), (0.001, "<1%", 1), (0.01, "1%", 1), (0.1999, "20%", 1), (0.2, "20%", 2), (0.6, "60%", 4), (0.8, "80%", 5),
        (0.999, ">99%", 5), (1, "100%", 5),
    ],
)
def test_shares(share: float, said: str, step: int) -> None:
    assert (wording.percent_of(share), charts.step(share)) == (said, step)


def test_figures_for_a_reader() -> None:
    assert [wording.hour(at) for at in (0, 1, 11, 12, 13, 23, 24)] == ["12 am", "1 am", "11 am", "12 pm", "1 pm", "11 pm", "12 am"]
    assert [short_dollars(n) for n in (0, 9_999, 10_000, 94_500, 999_499, 999_500, 3_105_500, 12_595_500)] == [
        "$0", "$9,999", "$10K", "$94.5K", "$999K", "$1M", "$3.11M", "$12.6M",
    ]  # fmt: skip
    assert wording.moment("2026-11-23T10:30:00-05:00") == "Mon 23 Nov 2026, 15:30 UTC"
    assert wording.percent(0, 0) == "–" and wording.clean("a\tb\x00 c") == "a b c" and len(wording.clean("x" * 9_999)) == 400


def test_the_library_is_loaded_only_to_draw() -> None:
    code = "import sys, dialguard.cli.main, dialguard.cli.screen, dialguard.screening.html; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
