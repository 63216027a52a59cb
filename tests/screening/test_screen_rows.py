"""Every row of a list gets the answer that it would get alone; duplicates and unusable rows are told apart."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

import pytest

from dialguard import Guard
from dialguard.facts import clock
from dialguard.screening.columns import cleaned, recognise
from dialguard.screening.report import Summary
from dialguard.screening.answers import COLUMNS, Answer
from dialguard.screening.cells import Cells
from dialguard.screening.read import series_of
from dialguard.screening.screen import Screened, Screener
from dialguard.storage.memory import MemoryStore
from simulations import leads

AT = "2026-11-24T11:00:00-05:00"
NOW = clock.parse_instant(AT)
SINCE = clock.parse_instant("2020-01-01T00:00:00Z")
DAY = 86_400_000_000
CAMPAIGN = {"id": "c", "seller": "acme", "purpose": "telemarketing", "dialing": "manual", "voice": "live", "registry_version": "2026-11-20"}


class Lists:
    """A catalog that holds no list."""

    def answers(self, code, national10, as_of=None, since=None):
        return ()

    def versions(self, code, as_of=None, since=None):
        return ()

    def refresh(self):
        return False


@pytest.fixture(scope="module")
def store() -> MemoryStore:
    store = MemoryStore(Lists())
    store.declare_complete("acme", SINCE, known_at=SINCE)
    return store


@pytest.fixture(scope="module")
def guard(store: MemoryStore) -> Guard:
    return Guard(store)


class Row(NamedTuple):
    """One row's answer."""

    answer: Answer
    duplicate: bool
    problem: str


def judged(screener: Screener, rows: list[dict[str, object]], broken: dict[int, str] | None = None) -> tuple[Screened, list[Row]]:
    names = dict.fromkeys(name for row in rows for name in row)
    found = screener.screen({name: series_of([row.get(name) for row in rows]) for name in names}, broken)
    answers, problems = screener.answers, screener.problems
    numbers = zip(found.answers.tolist(), found.duplicates.tolist(), found.problems.tolist(), strict=True)
    return found, [Row(answers[answer], again, problems[problem]) for answer, again, problem in numbers]


def screen(screener: Screener, rows: list[dict[str, object]], broken: dict[int, str] | None = None) -> list[Row]:
    return judged(screener, rows, broken)[1]


def rows_of(found: list[leads.Lead]) -> list[dict[str, object]]:
    columns = recognise(leads.COLUMNS, {}).fields(lambda place: series_of([lead.fields[place] for lead in found]))
    rows = [{field: cleaned(field, series[place]) for field, series in columns.items()} for place in range(len(found))]
    return [{field: value for field, value in row.items() if value is not None} for row in rows]


def test_a_row_in_a_list_is_answered_as_alone(guard: Guard, store: MemoryStore) -> None:
    """Consents, revocations, own-list entries and attempts of all kinds; shared decisions must not leak between rows."""
    random = Random(11)
    found = [lead for lead in leads.generate(500, 3) if lead.kind in ("subscriber", "toll_free")]
    for lead in found:
        if lead.number is None or random.random() < 0.4:
            continue
        whose = {"seller": "acme", "number": f"+1{lead.number}", "known_at": NOW - DAY}
        pick = random.randrange(6)
        if pick == 0:
            level = random.choice(("express", "express_written"))
            expires = random.choice((None, NOW + 3 * DAY))
            store.record_consent(**whose, level=level, obtained_at=NOW - 90 * DAY, expires_at=expires)
        elif pick == 1:
            store.record_revocation(**whose, at=NOW - random.choice((1, -1)) * DAY)
        elif pick == 2:
            store.suppress(**whose, at=NOW - 30 * DAY)
        elif pick == 3:
            store.record_relationship(**whose, last_transaction_at=NOW - random.choice((100, 540, 549, 700)) * DAY)
        else:
            for hours in random.sample(range(1, 40), random.randrange(1, 5)):
                store.record_attempt(**whose | {"known_at": NOW}, at=NOW - hours * DAY // 24, channel="voice", purpose="telemarketing")
    fields = rows_of(found)
    for row in fields:  # no list is loaded here: the caller answers for them
        row["dnc.national"], row["dnc.states"] = False, []
    screened = screen(guard.screener(CAMPAIGN, AT), fields)
    assert len(screened) == len(fields)
    verdicts = set()
    for row, answer in zip(fields, screened, strict=True):
        alone = guard.check({"channel": "voice", "campaign": "c", "at": AT, **row})
        if answer.duplicate:
            continue
        told = answer.answer
        assert told.verdict == alone.verdict
        assert told.reasons == tuple(reason["rule"] for reason in alone.reasons)
        assert told.retry_at == (alone.retry_at or "") and told.valid_until == (alone.valid_until or "")
        assert set(told.states) == {entry["state"] for entry in alone.as_dict()["jurisdictions"]}
        if alone.allowed:
            assert [entry["rule"] for entry in told.duties] == [entry["rule"] for entry in alone.obligations]
        else:
            first = alone.reasons[0]
            assert (told.kind, told.reason, told.citation, told.message) == (first["kind"], first["rule"], first["citation"], first["message"])
        verdicts.add(told.verdict)
    assert verdicts == {"allow", "deny"}


def screener(guard: Guard, at: str = AT) -> Screener:
    return guard.screener(CAMPAIGN, at)


def listed(*numbers: object) -> list[dict[str, object]]:
    return [{"to": number, "dnc.national": False, "dnc.states": []} for number in numbers]


def test_a_number_is_not_callable_twice(guard: Guard) -> None:
    rows = screen(screener(guard), listed("8015550123", "(801) 555-0123", "+1 801 555 0124", "1-801-555-0123"))
    assert [row.duplicate for row in rows] == [False, True, False, True]
    assert [row.answer.verdict for row in rows] == ["allow", "deny", "allow", "deny"]
    assert [row.answer.kind for row in rows] == ["", "duplicate", "", "duplicate"]


def test_a_duplicate_of_a_denied_row_has_its_reasons(guard: Guard) -> None:
    rows = screen(screener(guard, "2026-11-24T03:00:00-05:00"), listed("8015550123", "8015550123"))
    assert rows[1].duplicate and rows[1].answer.reasons == rows[0].answer.reasons != ()


def test_duplicates_are_seen_across_chunks(guard: Guard) -> None:
    one = screener(guard)
    screen(one, listed("8015550123"))
    assert [row.duplicate for row in screen(one, listed("8015550125", "8015550123"))] == [False, True]


@pytest.mark.parametrize(
    ("number", "why"),
    [
        ("", "No number was given"),
        (None, "No number was given"),
        (float("nan"), "No number was given"),
        ("9" * 400, "400 characters"),
        ("not known", "no digits"),
        ("555-0123", "area code is missing"),
        ("911", "emergency number"),
        ("+44 20 7946 0123", "outside the United States"),
        ("416-555-0123", "Canada"),
        ("000-000-0000", "begins with 0 or 1"),
        (True, "True and false"),
        (["2125550123"], "type list"),
        ({"phone": 1}, "type dict"),
        (-5, "negative"),
    ],
)
def test_an_unusable_number_is_marked_with_why(guard: Guard, number: object, why: str) -> None:
    (row,) = screen(screener(guard), [{"to": number}])
    assert row.answer.verdict == "deny" and not row.duplicate
    assert why in row.problem


def test_a_bad_field_makes_its_row_unusable_and_no_other(guard: Guard) -> None:
    rows = listed("8015550123", "8015550124", "8015550125")
    rows[1]["contact.state"] = ["UT"]
    rows[2]["consent.level"] = "sometimes"
    found = screen(screener(guard), rows)
    assert [row.answer.verdict for row in found] == ["allow", "deny", "deny"]
    assert [bool(row.problem) for row in found] == [False, True, True]
    assert "contact.state" in found[1].problem and "consent.level" in found[2].problem


def test_a_broken_row_is_never_callable(guard: Guard) -> None:
    (row,) = screen(screener(guard), listed("8015550123"), {0: "the row has 3 fields where the header names 2"})
    assert row.answer.verdict == "deny" and row.answer.kind == "invalid_input" and "3 fields" in row.problem


def test_an_error_inside_a_rule_denies_its_row(guard: Guard, monkeypatch: pytest.MonkeyPatch) -> None:
    one = screener(guard)
    monkeypatch.setattr(one._tables._engine, "judge", lambda *_: 1 / 0)
    found, (row,) = judged(one, listed("8015550129"))
    assert row.answer.verdict == "deny" and row.answer.kind == "rule_error"
    assert "ZeroDivisionError at test_screen_rows.py" in row.problem
    summary = Summary(one)
    summary.add(found)
    assert (summary.unusable, summary.failed) == (1, 1)


def test_a_store_that_cannot_answer_ends_the_screen(guard: Guard, monkeypatch: pytest.MonkeyPatch) -> None:
    from dialguard.storage.ports import LookUpFailed

    def fail(*_: object) -> None:
        raise LookUpFailed("the ledger is locked")

    one = screener(guard)
    one._store.suppress(seller="acme", number="+18015550177", at=NOW - DAY, known_at=NOW - DAY)
    one = screener(guard)
    monkeypatch.setattr(one._store, "look_up_many", fail)
    with pytest.raises(LookUpFailed):
        screen(one, listed("8015550177"))


def test_every_row_is_in_one_part_of_the_summary(guard: Guard) -> None:
    found = rows_of(list(leads.generate(1500, 5)))
    for row in found:
        row["dnc.national"], row["dnc.states"] = False, []
    one = screener(guard, "2026-11-24T10:30:00-05:00")
    summary = Summary(one)
    screened, rows = judged(one, found)
    summary.add(screened)
    told = summary.as_dict()
    parts = [told[name] for name in ("callable_now", "callable_later", "not_callable", "duplicates", "unusable")]
    assert told["rows"] == sum(parts) == 1500 and min(parts) > 0
    now, later, never, duplicates, unusable = parts
    assert sum(entry["rows"] for entry in told["reasons"]) == later + never
    assert sum(told["retry_at"].values()) == later
    assert sum(counts["rows"] for counts in told["states"].values()) == now + later + never
    assert now == sum(row.answer.verdict == "allow" and not row.problem for row in rows)
    assert unusable == sum(bool(row.problem) for row in rows)
    assert duplicates == sum(row.duplicate and not row.problem for row in rows)
    cells = Cells(one)
    assert [series.name for series in cells.series(screened)] == list(COLUMNS)
    assert [array.to_pylist() for array in cells.arrays(screened)] == [series.to_list() for series in cells.series(screened)]
