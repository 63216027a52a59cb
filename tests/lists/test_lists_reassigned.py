"""Answers of the Reassigned Numbers Database."""

import json
from datetime import date

import pytest

from dialguard.lists.errors import BadRowsError, ListDamaged, ListImportError
from dialguard.lists.reassigned import NAME, Answer, ReassignedAnswers, answer_for, facts_of, import_answers, queries
from dialguard.model.moment import DAY

ASKED = 1_790_000_000_000_000  # 2026-09-21
NOW = ASKED + DAY


def day(text):
    return date.fromisoformat(text).toordinal()


@pytest.fixture
def answers(root, source):
    def run(text, name="answers.csv", **options):
        options.setdefault("asked_at", ASKED)
        options.setdefault("received_at", NOW)
        return import_answers(root, source(text, name), **options)

    return run


@pytest.mark.parametrize(
    ("queried", "word", "consent", "speaks"),
    [
        ("2026-01-10", "no", "2026-01-10", True), ("2026-01-10", "no", "2026-03-01", True), ("2026-01-10", "no", "2026-01-09", False),
        ("2026-01-10", "yes", "2026-01-10", True), ("2026-01-10", "yes", "2025-03-01", True), ("2026-01-10", "yes", "2026-01-11", True),
        ("2026-01-10", "yes", "2026-01-12", False), ("2026-01-10", "no_data", "2026-01-10", True), ("2026-01-10", "no_data", "2026-01-12", False),
        ("2026-01-10", "yes", None, True), ("2026-01-10", "no", None, False), ("2026-01-10", "no_data", None, False),
    ],
)  # fmt: skip
def test_of_which_consent_an_answer_speaks(queried, word, consent, speaks):
    answer = Answer(day(queried), word, ASKED)
    assert answer_for([answer], None if consent is None else day(consent)) == (answer if speaks else None)


def test_the_latest_counts_and_at_one_moment_the_more_adverse():
    early, late = Answer(5, "yes", ASKED), Answer(5, "no", ASKED + 1)
    assert answer_for([late, early], 5) == late
    assert answer_for([Answer(5, "no", ASKED), early, Answer(5, "no_data", ASKED)], 5) == early
    assert answer_for([], 5) is None and facts_of([], ASKED) == {}


@pytest.mark.parametrize(
    "text",
    [
        "2025550123,2026-01-10,no\n2025550124,2026-01-10,yes\n2025550125,2020-01-10,no_data\n",
        "number|answer|date\r\n2025550123|false|2026-01-10\r\n2025550124|TRUE|2026-01-10\r\n2025550125|null|2020-01-10\r\n",
        'TN;Date;Disconnected\n"(202) 555-0123";20260110;No\n+1 202-555-0124;1/10/2026;Yes\n2025550125;2020-01-10;\n',
        json.dumps([{"tn": "2025550123", "date": "2026-01-10", "disconnected": False}, {"phoneNumber": 2025550124, "date": "2026-01-10", "answer": "yes"},
                    {"tn": "2025550125", "date": "2020-01-10", "result": None}]),
    ],
)  # fmt: skip
def test_shapes(answers, root, text):
    done = answers("\ufeff" + text)
    assert done == (3, {"no": 1, "no_data": 1, "yes": 1}, False)
    held = ReassignedAnswers(root)
    assert held.of("2025550123") == (Answer(day("2026-01-10"), "no", ASKED),)
    assert held.of("2025550124")[0].answer == "yes" and held.of("2025550125")[0].answer == "no_data" and held.of("2025550126") == ()
    assert held.counts() == done.counts
    consent = (day("2026-02-01") - day("1970-01-01")) * DAY
    assert facts_of(held.of("2025550123"), consent) == {"dnc.reassigned": "no", "dnc.reassigned_asked_at": ASKED}


def test_a_file_is_taken_once_and_all_are_kept(answers, root):
    assert ReassignedAnswers(root).of("2025550123") == () and ReassignedAnswers(root).counts() == {"no": 0, "no_data": 0, "yes": 0}
    answers("2025550123,2026-01-10,no\n")
    assert answers("2025550123,2026-01-10,no\n").already
    answers("2025550123,2026-01-10,yes\n", "b.csv", asked_at=ASKED + DAY, received_at=NOW + DAY)
    held = ReassignedAnswers(root)
    assert sorted(answer.answer for answer in held.of("2025550123")) == ["no", "yes"]
    assert held.numbers() == held.numbers(NOW) == ["+12025550123"] and held.numbers(NOW - 1) == []
    assert [answer.answer for answer in held.of("2025550123", as_of=NOW)] == ["no"] and held.of("2025550123", as_of=NOW - 1) == ()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("2025550123,2026-01-10,no\n202555012,2026-01-10,no\n", "line 2: "),
        ("2025550123,2026-13-10,no\n", "where a date belongs"),
        ("2025550123,2026-01-10,perhaps\n", "where yes, no or no data belongs"),
        ("2025550123,2026-09-22,no\n", "later than the question"),
        ("2025550123,2026-01-10\n", "line 1"),
        ('[{"tn": "2025550123", "date": "2026-01-10"}]', "where yes, no or no data belongs"),
        ('[{"tn": "2025550123", "date": "2026-01-10", "answer": "yes", "answer": "no"}]', "'answer' stands twice"),
        ("", "no answers"), ("[", "not JSON"), ("phone,when,what\n2025550123,2026-01-10,no\n", "columns named"),
    ],
)  # fmt: skip
def test_what_is_refused_leaves_nothing(answers, root, text, why):
    answers("2025550199,2026-01-10,no\n", "first.csv")
    before = (root / NAME).read_bytes()
    with pytest.raises((BadRowsError, ListImportError), match=why):
        answers(text)
    assert (root / NAME).read_bytes() == before


def test_asked_after_received_and_files_that_are_not_there(answers, root):
    with pytest.raises(ListImportError, match="asked after"):
        answers("2025550123,2026-01-10,no\n", asked_at=NOW + 1)
    with pytest.raises(ListImportError, match="cannot be opened"):
        import_answers(root, root / "none.csv", asked_at=ASKED, received_at=NOW)


def test_a_damaged_file_is_damage(answers, root):
    answers("2025550123,2026-01-10,no\n")
    (root / NAME).write_bytes(b"not a database, not at all" * 100)
    with pytest.raises(ListDamaged):
        ReassignedAnswers(root).of("2025550123")
    with pytest.raises(ListImportError):
        answers("2025550124,2026-01-10,no\n", "b.csv")


def test_queries_are_rows_of_number_and_date_without_doubles():
    pairs = [("+12025550124", day("2026-01-11")), ("2025550123", day("2026-01-10")), ("+12025550123", day("2026-01-10"))]
    assert list(queries(pairs)) == ["2025550123,2026-01-10\n", "2025550124,2026-01-11\n"]
    with pytest.raises(ValueError):
        list(queries([("+442071234567", 1)]))
