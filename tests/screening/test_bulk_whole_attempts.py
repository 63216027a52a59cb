"""Whole attempts as rows of a list get what single decisions say: every field of the contract, any part of it left out.

`DIALGUARD_ATTEMPTS=100000 .venv/bin/python -m pytest -q tests/screening/test_bulk_whole_attempts.py` compares 100,000 rows; every
process takes its share. A failure names the group and the row.
"""

from __future__ import annotations

import os
import random
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from datetime import date, datetime, timezone
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import polars as pl
import pytest

from dialguard.facts import clock
from dialguard.facts.given import InvalidInput
from dialguard.facts.numbers import parse
from dialguard.guard import Guard
from dialguard.lists.catalog import VersionAnswer
from dialguard.lists.versions import Version
from dialguard.model.moment import DAY, SECOND, Instant
from dialguard.packs.load import load
from dialguard.screening.answers import Answer
from dialguard.screening.classes import Combined
from dialguard.screening.read import series_of
from dialguard.screening.screen import Screener
from dialguard.storage.memory import MemoryStore
from tests.engine.generate import CHANNELS, AttemptMaker, random_instant, random_store
from tests.screening.test_bulk_parity import a_store

ATTEMPTS = int(os.environ.get("DIALGUARD_ATTEMPTS", "2500"))
SEED = 20261124
SHARES = 2
CAMPAIGNS, GROUP = 10, 250
WHEN = "2026-03-03T17:00:00Z"
ABOUT = clock.parse_instant(WHEN)
FIXED = ("to", "channel", "campaign", "at")
"""What the rows of a group have in common, but for the number."""
Fields = dict[str, object]


class Group(NamedTuple):
    """Rows for one campaign, channel and moment. ``rows`` are attempts without these; ``wide``: each drawn for itself."""

    guard: Guard
    campaign: str
    channel: str
    at: str
    rows: list[Fields]
    wide: bool


class FewLists:
    """Versions of some lists of which the catalogue and the numbers say the same, held in memory."""

    def __init__(self, numbers: list[str], rng: random.Random) -> None:
        self._held: dict[str, list[tuple[Version, frozenset[int]]]] = {}
        today = clock.fixed(ABOUT, 0).ordinal
        for code in ("national", "FL", "PA", "TX"):
            for published in rng.sample((today - 3, today - 20, today - 80), rng.choice((1, 2))):
                covered = None
                if code == "national" and rng.random() < 0.5:
                    covered = frozenset(int(number[2:5]) for number in rng.sample(numbers, 150))
                speaking = [number for number in numbers if covered is None or int(number[2:5]) in covered]
                listed = frozenset(int(number[2:]) for number in speaking if rng.random() < 0.2)
                version = Version(
                    id=f"{code}-{published}", code=code, published=published, effective=rng.choice((None, published, published + 5)),
                    use_by=None, received_at=ABOUT - 90 * DAY, rows=len(listed), numbers=len(listed), digest="", area_codes=covered,
                )  # fmt: skip
                self._held.setdefault(code, []).append((version, listed))

    def versions(self, code: str, _as_of: Instant | None = None, _since: int | None = None) -> tuple[Version, ...]:
        """The loaded versions of a list."""
        return tuple(version for version, _ in self._held.get(code, ()))

    def answers(self, code: str, number: str, _as_of: Instant | None = None, _since: int | None = None) -> tuple[VersionAnswer, ...]:
        """What each version says of a number."""
        return tuple(VersionAnswer(version, self._says(version, listed, int(number))) for version, listed in self._held.get(code, ()))

    def contains_many(self, version: Version, npa, line):
        """The same of many numbers: 1 listed, 0 not, -1 not covered."""
        listed = next(listed for held, listed in self._held[version.code] if held is version)
        answers = (self._says(version, listed, int(code) * 10_000_000 + int(rest)) for code, rest in zip(npa, line, strict=True))
        return np.array([-1 if answer is None else int(answer) for answer in answers], np.int8)

    @staticmethod
    def _says(version: Version, listed: frozenset[int], number: int) -> bool | None:
        if version.area_codes is not None and number // 10_000_000 not in version.area_codes:
            return None
        return number in listed

    def refresh(self) -> bool:
        """Nothing moves."""
        return False


class Bench:
    """The packs, the stores and the campaigns, made once for a share."""

    def __init__(self, seed: int, folder: Path) -> None:
        rng = random.Random(seed)
        packs = load()
        self.maker = AttemptMaker(packs)
        self.numbers = sorted({number for _ in range(600) if (number := self.maker.number(rng)) and parse(number).reason is None})
        held = random_store(packs, self.maker, rng, self.numbers, ABOUT)
        held._lists = FewLists(self.numbers, rng)
        kept = a_store(folder / "store", [number[2:] for number in self.numbers], ABOUT, seed)
        self.guards = [Guard(no_store=True, packs=packs), *(Guard(store, packs=packs, as_of=WHEN) for store in (MemoryStore(), held, kept))]
        self.campaigns = []
        for number in range(CAMPAIGNS):
            campaign = self.maker.campaign(rng, rng.random() * 0.7) | {"id": f"c{number}"}
            if number % 5 == 0:
                campaign["purpose"] = "debt_collection"
            self.campaigns.append(campaign["id"])
            for guard in self.guards:
                guard.add_campaign(campaign | ({"seller": "acme"} if guard.store is kept else {}))
        for guard in self.guards[1:]:
            guard._engine = self.guards[0]._engine  # one set of compiled programs: a campaign's number is the same everywhere

    def group(self, rng: random.Random, size: int) -> Group:
        """Rows of a list; the columns of most lists say few things, so that many rows are of one kind."""
        guard = rng.choice((self.guards[0], *self.guards))
        at = ABOUT + rng.randrange(-2 * DAY // SECOND, 7 * DAY // SECOND) * SECOND
        if guard is self.guards[0]:
            at = random_instant(rng) if rng.random() < 0.2 else ABOUT + rng.randrange(-5_000_000, 20_000_000) * SECOND
        campaign, channel = rng.choice(self.campaigns), rng.choice((*CHANNELS, "voice", "voice", "voice", "sms"))
        unknown, wide = rng.random() * 0.6, rng.random() < 0.2
        different = size if wide else rng.choice((2, 3, 4))
        drawn = [self.maker.attempt(rng, campaign, unknown if wide else unknown / 2, at) for _ in range(different)]
        numbers = self.some_numbers(rng, size, [str(attempt["to"]) for attempt in drawn[:5]])
        names = sorted({name for attempt in drawn for name in attempt} - set(FIXED))
        if rng.random() < 0.8:
            names = rng.sample(names, rng.randint(1, min(8, len(names))))
        if rng.random() < 0.2:
            names = sorted({*names, "history", "debt"})  # what counts of earlier attempts are about
        rows = []
        for place, number in enumerate(numbers):
            if wide:
                row = {name: value for name, value in drawn[place].items() if name in names}
            else:
                row = {name: held[name] for name in names if rng.random() >= unknown and name in (held := rng.choice(drawn))}
                row = {name: thinned(rng, value) if rng.random() < 0.15 else value for name, value in row.items()}
            rows.append({"to": number, **row})
        rng.shuffle(rows)
        return Group(guard, campaign, channel, clock.format_instant(at), rows, wide)

    def some_numbers(self, rng: random.Random, size: int, named: list[str]) -> list[str]:
        """Numbers of which none comes twice, those named and that of earlier attempts among them; half of them recorded."""
        found = {parse(number).national or f"odd {place}": number for place, number in enumerate((*named, "+12125550123"))}
        while len(found) < size:
            number = rng.choice(self.numbers) if rng.random() < 0.5 else self.maker.number(rng)
            if rng.random() < 0.3 and len(number) == 12:
                number = f"{number[:5]}{rng.randrange(200, 900)}01{rng.randrange(100):02}"
            found.setdefault(parse(number).national or f"odd {len(found)}", number)
        return list(found.values())[:size]


def thinned(rng: random.Random, value: object) -> object:
    """An object of which a field is left out."""
    if not isinstance(value, dict) or not value:
        return value
    dropped = rng.choice(sorted(value))
    return {name: entry for name, entry in value.items() if name != dropped}


def flat(row: Mapping[str, object], deep: bool) -> Fields:
    """Columns of a row: dotted names of the fields of its objects, of those of lists and hours too where ``deep``."""
    found: Fields = {}
    for name, value in row.items():
        if not isinstance(value, dict):
            found[name] = value
            continue
        for below, entry in value.items():
            if deep and isinstance(entry, dict) and below in ("lists", "inconvenient"):
                found |= {f"{name}.{below}.{key}": item for key, item in entry.items()}
            else:
                found[f"{name}.{below}"] = entry
    return found


def columns(rows: list[Fields], names: list[str]):
    """A chunk as the readers of lists give it."""
    return {name: series_of([row.get(name) for row in rows]) for name in names}


@contextmanager
def counted(screener: Screener) -> Iterator[list[int]]:
    """How many rows were judged one by one."""
    alone, exact = [0], screener._tables.exact

    def counting(*arguments):
        alone[0] += 1
        return exact(*arguments)

    screener._tables.exact = counting  # type: ignore[method-assign]
    yield alone


def compare(group: Group, rng: random.Random, tally: Counter) -> None:
    """Every row of a group in two chunks, and by itself."""
    guard, rows, deep = group.guard, group.rows, rng.random() < 0.3
    cells = [flat(row, deep) for row in rows]
    names = sorted({name for row in cells for name in row})
    rng.shuffle(names)
    screener = guard.screener(group.campaign, group.at, group.channel)
    half = rng.randrange(1, len(rows)) if len(rows) > 1 else 1
    with counted(screener) as alone:
        parts = [screener.screen(columns(part, names)) for part in (cells[:half], cells[half:]) if part]
    answers = [screener.answers[number] for part in parts for number in part.answers.tolist()]
    problems = [screener.problems[number] for part in parts for number in part.problems.tolist()]
    assert not any(flag for part in parts for flag in part.duplicates.tolist())
    fixed = {"channel": group.channel, "campaign": group.campaign, "at": group.at}
    for place, (row, told, problem) in enumerate(zip(rows, answers, problems, strict=True)):
        found, expected = said(told, problem), single(guard, {**row, **fixed})
        if found != expected:
            differing = {name: (found.get(name), expected.get(name)) for name in expected if found.get(name) != expected[name]}
            raise AssertionError(f"row {place}: in the list and alone: {differing}; {row}; {fixed}; store {type(guard.store).__name__}")
        tally.update((expected["verdict"], "invalid" if expected["problem"] != [""] else "judged"))
        tally["timed"] += bool(expected.get("retry_at") or expected.get("valid_until"))
    tally["rows"] += len(rows)
    tally["alone"] += alone[0]


def said(told: Answer, problem: str) -> Fields:
    """What the list says of a row; of one that cannot be used, why."""
    found: Fields = {"verdict": told.verdict, "reasons": list(told.reasons), "kind": told.kind, "problem": mistakes(problem)}
    if told.states:
        found |= {
            "needs": told.needs, "duties": list(told.duty_rules), "retry_at": told.retry_at, "valid_until": told.valid_until,
            "states": list(told.states), "zones": list(told.zones),
        }  # fmt: skip
    return found


def mistakes(problem: str) -> list[str]:
    """The parts of a problem, in an order of their own: columns do not keep that of an attempt's fields."""
    return sorted(problem.split("; "))


def single(guard: Guard, attempt: Fields) -> Fields:
    """The same of the decision of the attempt alone."""
    number = parse(attempt["to"])
    try:
        alone = guard.check(attempt)
    except InvalidInput as error:
        if number.reason is None:
            return {"verdict": "deny", "reasons": [], "kind": "invalid_input", "problem": mistakes(str(error))}
        alone = guard.check({name: attempt[name] for name in FIXED})
    if number.reason is not None:
        reasons = [reason for reason in alone.reasons if reason["topic"] == "number"]
        rules = [reason["rule"] for reason in reasons]
        return {"verdict": alone.verdict, "reasons": rules, "kind": reasons[0]["kind"], "problem": mistakes(number.reason)}
    whole, at = alone.as_dict(), clock.parse_instant(str(attempt["at"]))
    zones = [entry["zone"] for entry in whole["timezones"]]
    return {
        "verdict": alone.verdict, "reasons": [reason["rule"] for reason in alone.reasons],
        "kind": alone.reasons[0]["kind"] if alone.reasons else "",
        "problem": mistakes(number.reason_on(min(clock.local(at, zone).ordinal for zone in zones)) or ""),
        "needs": tuple(sorted({need for reason in alone.reasons for need in reason.get("needs", ())})),
        "duties": [entry["rule"] for entry in alone.obligations] if alone.allowed else [], "retry_at": alone.retry_at or "",
        "valid_until": alone.valid_until or "", "states": [entry["state"] for entry in whole["jurisdictions"]],
        "zones": zones,
    }  # fmt: skip


def share(seed: int, rows: int) -> Counter:
    """Compare a share of the rows; raises AssertionError with the group that differs."""
    tally: Counter = Counter()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(seed, Path(folder))
        group = 0
        while tally["rows"] < rows:
            rng = random.Random(f"{seed} {group}")
            try:
                compare(bench.group(rng, min(GROUP, max(1, rows - tally["rows"]))), rng, tally)
            except Exception as error:
                raise AssertionError(f"group {group} of seed {seed}: {type(error).__name__}: {error}") from error
            group += 1
    return tally


def test_whole_attempts_in_a_list_are_answered_as_alone() -> None:
    each = -(-ATTEMPTS // SHARES)
    with ProcessPoolExecutor(min(SHARES, os.cpu_count() or 1), mp_context=get_context("spawn")) as pool:  # polars does not survive a fork
        tally = sum(pool.map(share, range(SEED, SEED + SHARES), [each] * SHARES), Counter())
    print(dict(tally))
    assert tally["rows"] >= ATTEMPTS
    assert tally["allow"] > ATTEMPTS // 100 and tally["judged"] > ATTEMPTS // 2  # or the comparison proves little
    assert tally["alone"] < ATTEMPTS * 2 // 3  # the tables answered the others


def screened(rows: list[Fields], campaign: Fields, channel: str = "voice") -> list[tuple[Fields, Fields]]:
    """What a list of rows and each of them alone are told, at noon of a Tuesday, without a store."""
    guard = Guard(no_store=True, packs=load())
    name = guard.add_campaign({"id": "c", "seller": "Acme", **campaign})
    screener = guard.screener(name, WHEN, channel)
    cells = [flat(row, False) for row in rows]
    part = screener.screen(columns(cells, sorted({name for row in cells for name in row})))
    told = [said(screener.answers[answer], screener.problems[problem]) for answer, problem in zip(part.answers, part.problems, strict=True)]
    return [(one, single(guard, {**row, "channel": channel, "campaign": name, "at": WHEN})) for one, row in zip(told, rows, strict=True)]


def test_a_chunk_after_one_of_too_many_kinds_is_told_apart_in_full() -> None:
    """64 columns of two words each make more kinds than a whole number holds, also where the first chunk showed it."""
    combined = Combined()
    rng = np.random.default_rng(1)
    for _ in range(2):
        with pytest.raises(OverflowError):
            combined.encode(list(rng.integers(0, 2, (64, 100))))
    narrow = [*np.zeros((62, 100), np.int64), *rng.integers(0, 2, (2, 100))]
    numbers = combined.encode(narrow)
    assert [combined.combinations[number] for number in numbers.tolist()] == list(zip(*(column.tolist() for column in narrow), strict=True))


LIVE = {"purpose": "telemarketing", "dialing": "manual", "voice": "live"}


def test_a_mistake_in_one_row_is_not_that_of_others_of_its_area_code() -> None:
    pairs = screened([{"to": "+12125550101", "consent": {"form": ["oral"]}}, {"to": "+12125550102"}], LIVE)
    assert [told for told, _ in pairs] == [alone for _, alone in pairs]
    assert [told["problem"] != [""] for told, _ in pairs] == [True, False]


def test_the_word_none_is_a_statement_where_the_contract_has_it() -> None:
    rows: list[Fields] = [
        {"to": "+12125550101", "consent": {"level": "none"}}, {"to": "+12125550102"},
        {"to": "+12125550103", "relationship": {"kind": "none"}}, {"to": "+12125550104", "caller_id": {"attestation": "none"}},
        {"to": "+12125550105", "consent": {"level": "none", "form": ["oral"]}},
        {"to": "+12125550106", "contact": {"inconvenient": "none"}}, {"to": "+12125550107", "contact": {"agreed_hours": "none"}},
    ]  # fmt: skip
    for campaign in (LIVE, LIVE | {"voice": "prerecorded", "dialing": "automated"}, LIVE | {"purpose": "debt_collection"}):
        pairs = screened(rows, campaign)
        assert [told for told, _ in pairs] == [alone for _, alone in pairs]


@pytest.mark.parametrize("turn", [1, -1])
def test_of_stated_attempts_those_to_the_row_s_number_and_about_its_debt_count(turn: int) -> None:
    """Seven calls about one debt, and a call by an artificial voice to one number, where caps go by debt and by number (Maine)."""
    past = [{"at": f"2026-03-0{day}T1{hour}:00:00Z", "channel": "voice", "outcome": "answered"} for day in (1, 2) for hour in range(4)]
    for campaign, own, other, npa in (
        (LIVE | {"purpose": "debt_collection"}, {"debt": "d1", "purpose": "debt_collection"}, "d2", "212"),
        (LIVE | {"purpose": "survey", "voice": "ai"}, {"to": "+12075550101", "voice": "ai", "at": "2026-03-03T15:00:00Z"}, "d1", "207"),
    ):
        attempts = [entry | own for entry in past]
        rows: list[Fields] = [
            {"to": f"+1{npa}555010{place}", "debt": {"id": debt}, "history": {"attempts": attempts, "last_30d": 8}}
            for place, debt in ((1, "d1"), (2, other))
        ]
        pairs = screened(rows[::turn], campaign)
        assert [told for told, _ in pairs] == [alone for _, alone in pairs]
        assert pairs[0][1]["reasons"] != pairs[1][1]["reasons"]


def test_cells_may_be_tuples() -> None:
    values: list[object] = [("oral",), ("request",), ["oral"], (True,), (1,)]
    rows: list[Fields] = [{"to": f"+1212555010{place}", "consent": {"level": "express", "form": form}} for place, form in enumerate(values)]
    withdrawn: list[object] = [({"at": "2026-01-02T00:00:00Z"},), [{"at": "2026-01-02T00:00:00Z"}], ()]
    rows += [{"to": f"+1212555011{place}", "revocations": value} for place, value in enumerate(withdrawn)]
    pairs = screened(rows, LIVE)
    assert [told for told, _ in pairs] == [alone for _, alone in pairs]


def test_columns_of_lists_and_objects_may_be_those_of_a_frame() -> None:
    """Types of polars, and what pandas makes of a Parquet file, say what Python objects say."""
    values: dict[str, list[object]] = {
        "phone": ["2125550101", "2125550102", "2125550103"], "consent.level": ["express_written"] * 3,
        "consent.form": [["oral"], None, ["request", "oral"]],
        "consent.obtained_at": [datetime(2026, 1, 2, tzinfo=timezone.utc), None, datetime(2026, 2, 2, tzinfo=timezone.utc)],
        "dnc.national_since": [date(2026, 1, 2), None, date(2020, 1, 2)],
        "contact.agreed_hours": [{"every_day": "00:00-24:00"}] * 3,
        "history.attempts": [[{"at": "2026-03-02T00:00:00Z", "debt": "d1"}], [], None],
    }  # fmt: skip
    guard = Guard(no_store=True, packs=load())
    guard.add_campaign({"id": "c", "seller": "Acme", **LIVE})
    told = {name: name for name in values if name != "phone"}
    arrays = {name: [np.array(value) if isinstance(value, list) else value for value in column] for name, column in values.items()}
    objects = pl.DataFrame([pl.Series(name, column, pl.Object if name != "phone" else None) for name, column in values.items()])
    frames = [objects, pl.DataFrame(values), pd.DataFrame(values), pd.DataFrame(arrays)]
    answers = [[list(guard.screen(frame, "c", WHEN, **told)[name]) for name in ("dg_verdict", "dg_reasons")] for frame in frames]
    assert all(each == answers[0] for each in answers) and None not in answers[0][1]
    assert answers[0][1][0] != answers[0][1][2]


@pytest.mark.parametrize("turn", [1, -1])
def test_true_and_one_are_not_the_same_cell(turn: int) -> None:
    rows: list[Fields] = [{"to": f"+1212555010{place}", "line": {"charged": value}} for place, value in enumerate((True, 1, False, 0))]
    pairs = screened(rows[::turn], LIVE)
    assert [told for told, _ in pairs] == [alone for _, alone in pairs]
